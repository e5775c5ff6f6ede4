"""How well a speaker encoder tells speakers apart that it never heard, before and after rounding to
codes, and how much of the emotion is left in them.

    python recipes/experiments/measure_speaker_encoder.py --manifest voices/manifest.jsonl \\
        --speaker-encoder runs/speaker_encoder/speaker_encoder --speakers am_liam,bf_alice

Pairs of clips of one speaker stand against pairs of two; intervals are of 95 %, over speakers. With
emotion labels, codes of each voice in each emotion (a mean over its clips) are compared within and
between voices.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch

from affecttts.cli.output import print_json
from affecttts.cli.script import run_script, script_parser
from affecttts.errors import RequestError
from affecttts.training.speaker.crops import Clips
from affecttts.training.speaker.separation import drawn_again, level_distance, separation
from affecttts.training.speaker.voices import spread_evenly, vectors_of
from codec.speaker import SpeakerEncoder


def main() -> None:
    arguments = parse()
    encoder = SpeakerEncoder.from_pretrained(arguments.speaker_encoder)
    clips = Clips(arguments.manifest, encoder.config.sample_rate, hours=0)
    named = arguments.speakers.split(",") if arguments.speakers else sorted(clips.by_speaker)
    rows = [
        row
        for name in named
        for row in spread_evenly(
            [r for r in clips.by_speaker.get(name, []) if r[1].seconds >= arguments.seconds],
            arguments.clips,
        )
    ]
    speakers = [row.speaker for _, row in rows]
    if len(set(speakers)) < 2 or len(speakers) == len(set(speakers)):
        raise RequestError("needs two clips of a speaker, and another speaker; give more manifests")
    vectors = vectors_of(encoder, clips, rows)
    report = {"speakers": len(set(speakers)), "clips": len(rows)}
    report["vectors"] = described(vectors, speakers)
    report["codes"] = described(encoder.decode(encoder.encode(vectors)), speakers)
    if emotions := [row.emotion or "" for _, row in rows]:
        report |= leakage(encoder, vectors, speakers, emotions)
    print_json(report)


def parse() -> argparse.Namespace:
    """Command line."""
    parser = script_parser(__doc__)
    parser.add_argument("--manifest", action="append", required=True)
    parser.add_argument("--speaker-encoder", type=Path, required=True, help="its folder")
    parser.add_argument("--speakers", help="comma-separated (default: all)")
    parser.add_argument("--clips", type=int, default=24, help="of a speaker at most (default 24)")
    parser.add_argument(
        "--seconds", type=float, default=1.5, help="shortest clip that counts (default 1.5)"
    )
    return parser.parse_args()


def described(vectors: torch.Tensor, speakers: list[str]) -> dict[str, object]:
    """The separation of vectors [N,E], with the interval of its error rate."""
    values = vectors.numpy()
    found, interval = separation(values, speakers), drawn_again(values, speakers)
    return {
        "equal_error_rate": round(found.equal_error_rate, 4),
        "interval": [round(end, 4) for end in interval],
        "cosine_same": round(found.same, 3),
        "cosine_other": round(found.other, 3),
    }


def leakage(
    encoder: SpeakerEncoder, vectors: torch.Tensor, speakers: list[str], emotions: list[str]
) -> dict[str, object]:
    """How far codes of one voice in different emotions are apart, and those of different voices."""
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, key in enumerate(zip(speakers, emotions)):
        groups[key].append(place)
    if len(groups) == len(set(speakers)):
        return {}
    means = torch.stack([vectors[places].mean(dim=0) for places in groups.values()])
    codes = encoder.encode(means).numpy()
    within, between = level_distance(codes, [name for name, _ in groups])
    halves = [places for places in groups.values() if len(places) > 1]
    twice = [vectors[p[part::2]].mean(dim=0) for p in halves for part in (0, 1)]
    again = np.repeat(np.arange(len(halves)), 2).astype(str)
    pairs = encoder.encode(torch.stack(twice)).numpy()
    return {
        "levels_same_voice_and_emotion": round(level_distance(pairs, list(again))[0], 2),
        "levels_same_voice_other_emotion": round(within, 2),
        "levels_other_voice": round(between, 2),
    }


if __name__ == "__main__":
    sys.exit(run_script(main))
