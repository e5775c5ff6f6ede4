"""Which codes does the codec choose without its teachers? Each encode mode beside the teachers',
per codebook.

    python recipes/experiments/encode_modes.py --corpus DIR
    python recipes/experiments/encode_modes.py --manifest corpus/aligned.jsonl --codec RUN/codec \\
        --cache CACHE

The teachers are those that the codec's config names; they hear held-out clips of the corpus with
aligned phones.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from affecttts.data.audio_cache import AudioCache
from affecttts.data.splits import evenly
from affecttts.evaluation.report.terminal import print_table, progress, write_numbers
from affecttts.evaluation.stats.bootstrap import Interval, interval
from affecttts.teachers.targets import TeacherTargets, collate, targets_for


def agreements(
    codec: Any, cache: AudioCache, targets: TeacherTargets, clips: list[int]
) -> dict[str, np.ndarray]:
    """mode -> % of codes in common with the teachers' [N,K], for clips (indices of the cache) and
    codebooks of the base layer.
    """
    import torch

    from codec.student import code_agreement

    books, modes, rows = (
        codec.config.num_codebooks,
        [mode for mode in codec.modes if mode != "teacher"],
        [],
    )
    for index in progress(clips, "clips"):
        audio = torch.from_numpy(cache.audio(cache.clips[index]))[None, None]
        frames = -(-audio.shape[-1] // codec.config.samples_per_frame)
        teacher_features = collate(
            [targets.stretch(index, 0.0, frames, codec.config, 0)]
        ).teacher_features
        taught = codec.encode(audio, books, "teacher", teacher_features).codes
        rows.append(
            [
                100 * code_agreement(codec.encode(audio, books, mode).codes, taught).numpy()
                for mode in modes
            ]
        )
    return {mode: np.array([row[place] for row in rows]) for place, mode in enumerate(modes)}


def held_out(cache: AudioCache, limit: int) -> list[int]:
    """At most `limit` clips with phones outside the training split, spread evenly: indices of the
    cache.
    """
    found = [
        i
        for i, c in enumerate(cache.clips)
        if c.utterance.durations and c.utterance.split != "train"
    ]
    return evenly(found, limit)


def parse() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--corpus", type=Path, metavar="DIR", help="corpus with emotive/manifest.jsonl"
    )
    source.add_argument(
        "--manifest",
        action="append",
        metavar="M",
        help="manifest; may be repeated, as the cache was made for",
    )
    parser.add_argument(
        "--codec", type=Path, metavar="DIR", help="codec folder; the shipped model's if left out"
    )
    parser.add_argument(
        "--cache", type=Path, metavar="DIR", help="decoded audio of the manifests; made if missing"
    )
    parser.add_argument("--limit", type=int, default=100, metavar="N", help="number of clips")
    parser.add_argument(
        "--output", type=Path, metavar="OUT", help="also write the numbers to this file"
    )
    return parser.parse_args()


def main() -> None:
    """Run the benchmark."""
    from affecttts.synthesis.model_folder import SHIPPED
    from codec import Codec

    options = parse()
    codec = Codec.from_pretrained(options.codec or SHIPPED / "codec")
    if "teacher" not in codec.modes:
        raise SystemExit(
            f"{options.codec}: a codec without teachers; its modes are {', '.join(codec.modes)}"
        )
    shape, manifests = (
        codec.config,
        options.manifest or [options.corpus / "emotive" / "manifest.jsonl"],
    )
    with TemporaryDirectory() as temporary:
        folder = options.cache or Path(temporary) / "cache"
        cache = AudioCache(manifests, folder, shape.sample_rate, shape.hop_length)
        targets = targets_for(shape, cache, folder / "teachers")
        shares = agreements(codec, cache, targets, clips := held_out(cache, options.limit))
    numbers: dict[str, list[Interval]] = {
        mode: [interval(column) for column in share.T] for mode, share in shares.items()
    }
    print_table(
        f"Codes in common with the teachers', %, n = {len(clips)} held-out clips",
        ["mode", *(f"Q{k + 1} [95 %]" for k in range(shape.num_codebooks))],
        [[mode, *row] for mode, row in numbers.items()],
    )
    write_numbers(options.output, numbers)


if __name__ == "__main__":
    main()
