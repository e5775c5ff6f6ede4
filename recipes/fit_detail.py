"""After the codec: more codebooks for whoever stores speech, on top of the codes that a language
model learns.

    python recipes/fit_detail.py --codec runs/codec/codec --manifest corpus/manifest.jsonl \\
        --output runs/detail

They code what the spectrum of the codec's copies lacks (codec/detail.py) and are fitted by k-means,
half an hour for five hours of speech on a CPU core. They need all the speech there is: few clips
fit the books to these clips alone. All that is beneath them stays as it is, so a language model of
the codec stays valid; a detail layer that it has is replaced. The codec lies in OUTPUT/codec.
"""

from __future__ import annotations

import argparse
import functools
import sys
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from affecttts.cli.script import run_script, script_parser
from affecttts.data.audio_cache import AudioCache
from affecttts.data.lineage import save_lineage, training_lineage
from affecttts.errors import RequestError
from codec import Codec
from codec.detail import BEAM

HELD_OUT_CLIPS = 60
ITERATIONS = 8  # of k-means, per book


def lacking(
    codec: Codec, cache: AudioCache, split: str, limit: int | None, generator: np.random.Generator
) -> Tensor:
    """What the copies of at most `limit` clips of a split lack (None = all), weighted dB, one clip
    after the other: [1,C,F].

    Raises:
        RequestError: the split has no clips.
    """
    clips = [clip for clip in cache.clips if clip.utterance.split == split]
    if not clips:
        raise RequestError(f"no clip has the split {split!r}: set it in some rows of the manifest")
    picks, parts = generator.permutation(len(clips))[:limit], []
    for pick in tqdm(picks, desc=f"copies, {split}", unit="clip"):
        audio = torch.from_numpy(cache.audio(clips[pick]))[None, None]
        copy = codec.decode(codec.encode(audio, codec.config.num_codebooks).codes)
        original = torch.nn.functional.pad(audio, (0, copy.shape[-1] - audio.shape[-1]))
        parts.append(codec.detail.missing(original, copy))
    return torch.cat(parts, dim=-1)


def left_db(codec: Codec, levels: Tensor) -> list[float]:
    """Root mean square of levels [1,C,F] that the first 0, 1, .. books leave, weighted dB."""
    quantizer, counts = codec.detail.quantizer, range(1, codec.config.detail_codebooks + 1)
    left = [
        levels,
        *(levels - quantizer.lookup(quantizer.search(levels, count, BEAM)) for count in counts),
    ]
    return [float(part.square().mean().sqrt()) for part in left]


def parse() -> argparse.Namespace:
    """Command line."""
    parser = script_parser(__doc__)
    parser.add_argument("--codec", required=True, help="folder of the trained codec")
    parser.add_argument(
        "--manifest",
        action="append",
        required=True,
        help="JSONL manifest; may be given several times",
    )
    parser.add_argument(
        "--output",
        type=Path,
        required=True,
        help="folder of the run; the codec lies in OUTPUT/codec",
    )
    parser.add_argument(
        "--cache", type=Path, help="folder of decoded audio (default: OUTPUT/cache)"
    )
    parser.add_argument("--codebooks", type=int, default=24)
    parser.add_argument("--bands", type=int, default=40, help="in which levels are told")
    parser.add_argument(
        "--n-fft", type=int, default=512, help="samples of the window in which they are"
    )
    parser.add_argument("--high-weight", type=float, default=0.5, help="of differences above 5 kHz")
    parser.add_argument("--clips", type=int, help="training clips that are used (default: all)")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main() -> None:
    arguments = parse()
    codec, generator = Codec.from_pretrained(arguments.codec), np.random.default_rng(arguments.seed)
    if arguments.codebooks < 1:
        raise RequestError(f"--codebooks is {arguments.codebooks}, must be at least 1")
    try:
        codec.give_detail(
            arguments.codebooks,
            bands=arguments.bands,
            n_fft=arguments.n_fft,
            high_weight=arguments.high_weight,
        )
    except ValueError as error:
        raise RequestError(f"{arguments.codec}: {error}") from error
    cache = arguments.cache or arguments.output / "cache"
    cache = AudioCache(arguments.manifest, cache, codec.config.sample_rate, codec.config.hop_length)
    with torch.inference_mode():
        held_out = lacking(codec, cache, "valid", HELD_OUT_CLIPS, generator)
        levels = lacking(codec, cache, "train", arguments.clips, generator)
        bar = functools.partial(tqdm, desc=f"k-means, {levels.shape[-1]} frames", unit="book")
        start = torch.Generator().manual_seed(arguments.seed)
        codec.detail.quantizer.initialise(levels, start, progress=bar, iterations=ITERATIONS)
        left = left_db(codec, held_out)
    codec.save_pretrained(arguments.output / "codec")
    save_lineage(arguments.output / "codec", training_lineage(arguments.manifest, arguments.codec))
    found = " ".join(f"{value:.2f}" for value in left)
    print(
        "levels of held-out copies, weighted dB away from the originals' with 0, 1, .. books:",
        found,
    )


if __name__ == "__main__":
    sys.exit(run_script(main))
