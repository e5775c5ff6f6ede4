"""What does the codec lose? Held-out clips of the corpus against their reconstructions.

    python benchmarks/codec_quality.py --corpus DIR
    python benchmarks/codec_quality.py --corpus DIR --codec MODEL/codec --num-codebooks 2 --limit 10

Judges: STOI (pystoi), PESQ-WB at 16 kHz (pesq), our pitch track alone and where WORLD's Harvest
agrees with it to a semitone, log-mel, and Whisper tiny.en for words.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from common import print_table, progress, write_json

from affecttts.evaluation.codec.fidelity import compare_pitch, mel_distance_db, pesq_wide_band, stoi
from affecttts.evaluation.judges.words import WordCounts, WordJudge
from affecttts.evaluation.resources import read_lines
from affecttts.evaluation.signal.pitch import agreed_f0, f0_numpy
from affecttts.evaluation.stats.bootstrap import difference_interval, interval, ratio_interval


@dataclass(frozen=True)
class Fidelity:
    """How near a reconstruction is to its original; not-a-number where a judge declines."""

    stoi: float  # 0 to 1
    pesq: float  # wide band, 1 to 4.64
    f0_correlation: float  # of log F0, frames voiced in both
    agreed_f0_correlation: float  # the same, of frames on which two trackers agree
    agreed: float  # % of the original's voiced frames on which they do
    voicing_errors: float  # % of frames voiced in only one
    mel_distance: float  # mean absolute difference of 80 log-mel bands, dB


NAMES = (
    "STOI",
    "PESQ-WB",
    "log-F0 correlation",
    "log-F0 correlation, agreed",
    "agreed, %",
    "voicing errors, %",
    "mel distance, dB",
)


def fidelity(original: np.ndarray, copy: np.ndarray, sample_rate: int) -> Fidelity:
    """Compare two signals [T] of one length."""
    first, second = (f0_numpy(audio, sample_rate) for audio in (original, copy))
    agreed = [
        agreed_f0(f0, audio, sample_rate) for f0, audio in ((first, original), (second, copy))
    ]
    correlation, _, voicing = compare_pitch(first, second)
    return Fidelity(
        stoi(original, copy, sample_rate),
        pesq_wide_band(original, copy, sample_rate),
        correlation,
        compare_pitch(*agreed)[0],
        100 * (agreed[0] > 0).sum() / max(1, (first > 0).sum()),
        voicing,
        mel_distance_db(original, copy, sample_rate),
    )


def held_out(corpus: Path, limit: int) -> list[dict[str, Any]]:
    """`limit` test clips of the emotive part, drawn with a fixed seed."""
    rows = [
        row for row in read_lines(corpus / "emotive" / "manifest.jsonl") if row["split"] == "test"
    ]
    order = np.random.default_rng(0).permutation(len(rows))[:limit]
    return [rows[index] for index in order]


def load(path: Path, sample_rate: int) -> np.ndarray:
    """Mono float32 [T] at the codec's rate."""
    import soundfile
    import soxr

    audio, rate = soundfile.read(path, dtype="float32")
    return np.asarray(soxr.resample(audio, rate, sample_rate), dtype=np.float32)


def reconstruct(codec: Any, audio: np.ndarray, num_codebooks: int | None) -> tuple[np.ndarray, int]:
    """Through the codec and back: audio [T] and the number of tokens spent."""
    import torch

    codes = codec.encode(torch.from_numpy(audio)[None, None], num_codebooks).codes
    return codec.decode(codes)[0, 0, : len(audio)].numpy(), codes.numel()


def word_rows(original: Sequence[WordCounts], copy: Sequence[WordCounts]) -> dict[str, Any]:
    """Word error rates in % and their paired difference.

    The difference also with no clip more than all wrong: a recogniser that is caught in a loop
    counts dozens of errors in one.
    """
    words = [count.words for count in original]
    first, second = ([100 * count.errors for count in counts] for counts in (original, copy))
    whole = [
        [100 * min(count.errors, count.words) for count in counts] for counts in (copy, original)
    ]
    return {
        "word errors, original, %": ratio_interval(first, words),
        "word errors, reconstruction, %": ratio_interval(second, words),
        "word errors added, points": difference_interval(second, first, words),
        "the same, a clip at most all wrong": difference_interval(*whole, words),
    }


def parse() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument(
        "--corpus",
        type=Path,
        required=True,
        metavar="DIR",
        help="corpus with emotive/manifest.jsonl",
    )
    parser.add_argument(
        "--codec", type=Path, metavar="DIR", help="codec folder; the shipped model's if left out"
    )
    parser.add_argument(
        "--num-codebooks", type=int, metavar="K", help="use only the first K codebooks"
    )
    parser.add_argument("--limit", type=int, default=100, metavar="N", help="number of clips")
    parser.add_argument(
        "--json", type=Path, metavar="OUT", help="also write the numbers to this file"
    )
    parser.add_argument(
        "--threads", type=int, default=1, help="CPU threads of the codec and the judges"
    )
    return parser.parse_args()


def main() -> None:
    """Run the benchmark."""
    import torch

    from affecttts.synthesis.model_folder import SHIPPED
    from codec import Codec

    options = parse()
    torch.set_num_threads(options.threads)
    codec, judge = (
        Codec.from_pretrained(options.codec or SHIPPED / "codec"),
        WordJudge(options.threads),
    )
    rate, scores, words, tokens, seconds = codec.config.sample_rate, [], [], 0, 0.0
    clips = held_out(options.corpus, options.limit)
    for row in progress(clips, "codec"):
        original = load(options.corpus / "emotive" / row["path"], rate)
        copy, spent = reconstruct(codec, original, options.num_codebooks)
        tokens, seconds = tokens + spent, seconds + len(original) / rate
        scores.append(astuple(fidelity(original, copy, rate)))
        words.append((judge(original, rate, row["text"]), judge(copy, rate, row["text"])))
    numbers = {name: interval(column) for name, column in zip(NAMES, zip(*scores))} | word_rows(
        *zip(*words)
    )
    bits = tokens / seconds * math.log2(codec.config.codebook_size)
    print_table(
        f"Codec, {tokens / seconds:.0f} tokens/s, {bits / 1000:.2f} kbit/s; "
        f"data: corpus, emotive, test split, n = {len(clips)}",
        ["measure", "mean [95 %]"],
        [[name, value] for name, value in numbers.items()],
    )
    write_json(
        options.json, {"tokens_per_second": tokens / seconds, "bits_per_second": bits, **numbers}
    )


if __name__ == "__main__":
    main()
