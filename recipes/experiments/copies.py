"""How much naturalness is lost where: copies of held-out clips by the vocoder alone, and by a codec
without and with its quantizer.

    python recipes/experiments/copies.py --manifest emotive/manifest.jsonl --tracker harvest \\
        --tracker dio --coefficients 60 --coefficients 24
    python recipes/experiments/copies.py --manifest emotive/manifest.jsonl --codec RUN1/codec

The vocoder is told what WORLD's analysis says of the recording. Sharpness is the spread of a copy's
cepstra over the original's, and their correlation, by quefrency.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from affecttts.data.audio_cache import f0_world
from affecttts.data.codes.analysis import analysed_codes
from affecttts.data.manifest import audio_path, read_manifest
from affecttts.data.splits import evenly
from affecttts.data.vocoder_cache import vocoder_parameters
from affecttts.evaluation.judges.naturalness import NaturalnessJudge
from affecttts.evaluation.report.terminal import print_table, progress, write_numbers
from affecttts.evaluation.signal.envelope import BANDS, compare_envelopes
from affecttts.evaluation.signal.pitch import f0_dio
from affecttts.evaluation.stats.bootstrap import interval
from codec.audio import load_audio

Copy = Callable[[np.ndarray], np.ndarray]
SHOWN = ("1-3", "10-15", "20-25", "25-30")  # bands of quefrency, samples at 24 kHz
SHARPNESS = ("spread", "correlation")
RATE, HOP = 24_000, 240
SHORTEST, LONGEST = 1.5, 5.0  # s, of clips


TRACKERS = {"harvest": f0_world, "dio": f0_dio}


def by_vocoder(tracker: str, coefficients: int, hop: int) -> Copy:
    """Copies by the vocoder from an analysis of the recording."""
    import torch

    from codec.config import CodecConfig
    from codec.nn.vocoder import Vocoder, VocoderParameters

    shape = {"envelope_coefficients": coefficients, "hop_length": hop}
    vocoder = Vocoder(CodecConfig.preset("small_vocoder", **shape))

    def copy(audio: np.ndarray) -> np.ndarray:
        f0 = TRACKERS[tracker](audio, RATE, hop)
        told = torch.from_numpy(vocoder_parameters(audio, f0, RATE, hop, coefficients))[None]
        envelope, bands = told[..., :coefficients], told[..., coefficients:]
        return vocoder(VocoderParameters(torch.from_numpy(f0)[None], envelope, bands))[0].numpy()

    return copy


def by_codec(codec: Any, quantize: bool) -> Copy:
    """Copies by a codec, with or without its quantizer."""
    import torch

    def copy(audio: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return codec(torch.from_numpy(audio)[None, None], quantize=quantize).audio[0, 0].numpy()

    return copy


def by_codes_of_analysis(codec: Any) -> Copy:
    """Copies by a codec with a parametric decoder from the codes of an analysis of the recording,
    which it learned from; its encoder is not asked.
    """
    import torch

    def copy(audio: np.ndarray) -> np.ndarray:
        codes = analysed_codes(codec, audio).astype(np.int64)
        return codec.decode(torch.from_numpy(codes)[None], len(audio))[0, 0].numpy()

    return copy


def clips(manifest: str, limit: int) -> list[np.ndarray]:
    """At most `limit` held-out recordings [T] of usual length, spread evenly."""
    rows = [
        row
        for row in read_manifest(manifest)
        if row.split != "train" and row.seconds and SHORTEST < row.seconds < LONGEST
    ]
    found = []
    for row in evenly(rows, limit):
        audio = load_audio(audio_path(Path(manifest), row), RATE, row.start, row.seconds).samples
        found.append(audio[: len(audio) // HOP * HOP])
    return found


def measured(copy: Copy, originals: list[np.ndarray], judge: NaturalnessJudge, name: str) -> dict:
    """What the judge says of copies, and how sharp they are."""
    copies = [copy(audio) for audio in progress(originals, name)]
    pairs = list(zip(originals, copies, strict=True))
    envelopes = [compare_envelopes(first, second, RATE) for first, second in pairs]
    places = [BANDS.index(band) for band in SHOWN]
    spread, correlation = (
        np.nanmean([getattr(envelope, part)[places] for envelope in envelopes], axis=0).tolist()
        for part in ("spread", "correlation")
    )
    natural = interval(np.array([judge(audio, RATE) for audio in copies]))
    return {"natural": natural, "spread": spread, "correlation": correlation}


def parse() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--manifest", required=True, metavar="M", help="recordings and splits")
    parser.add_argument(
        "--tracker", action="append", choices=TRACKERS, default=[], help="of F0; may be repeated"
    )
    parser.add_argument(
        "--coefficients",
        action="append",
        type=int,
        default=[],
        metavar="C",
        help="of the envelope; may be repeated (60 if left out)",
    )
    parser.add_argument(
        "--hop",
        action="append",
        type=int,
        default=[],
        metavar="T",
        help=f"samples between frames, {HOP} or a part of it; may be repeated ({HOP} if left out)",
    )
    parser.add_argument("--codec", type=Path, metavar="DIR", help="codec folder to copy with, too")
    parser.add_argument("--limit", type=int, default=48, metavar="N", help="number of clips")
    parser.add_argument("--output", type=Path, metavar="OUT", help="also write the numbers here")
    return parser.parse_args()


def main() -> None:
    """Run the experiment."""
    options = parse()
    ways: dict[str, Copy] = {"originals": lambda audio: audio}
    for tracker in options.tracker:
        for count in options.coefficients or [60]:
            for hop in options.hop or [HOP]:
                name = f"vocoder, {tracker}, {count} every {1000 * hop // RATE} ms"
                ways[name] = by_vocoder(tracker, count, hop)
    if options.codec:
        from codec import Codec

        codec = Codec.from_pretrained(options.codec).eval()
        if codec.config.sample_rate != RATE:
            raise SystemExit(f"{options.codec}: makes {codec.config.sample_rate} Hz, not {RATE}")
        ways |= {"codec, latents": by_codec(codec, False), "codec": by_codec(codec, True)}
        if codec.config.decoder == "parametric":
            ways["codec, codes of the analysis"] = by_codes_of_analysis(codec)
    originals, judge = clips(options.manifest, options.limit), NaturalnessJudge()
    numbers = {name: measured(copy, originals, judge, name) for name, copy in ways.items()}
    shown = ", ".join(SHOWN)
    print_table(
        f"Copies of {len(originals)} held-out clips; quefrencies {shown}",
        ["copy", f"{judge.name} [95 %]", "spread", "correlation"],
        [
            [name, row["natural"], *(" ".join(f"{v:.2f}" for v in row[k]) for k in SHARPNESS)]
            for name, row in numbers.items()
        ],
    )
    write_numbers(options.output, numbers)


if __name__ == "__main__":
    main()
