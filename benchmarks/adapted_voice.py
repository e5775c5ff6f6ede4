"""Did an adapted voice take, and did its words survive? Recordings that it never heard, their
sentences spoken by it.

    python benchmarks/adapted_voice.py --voice voices/allison --clips held_out.jsonl

Beside it the base voices, as they are, and the codec's own reconstruction of the recordings, which
no adapter can beat.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from common import SEED, print_table, progress, write_json

from affecttts import Synthesizer
from affecttts.adaptation.recordings import gather
from affecttts.evaluation.judges.voice import VoiceJudge
from affecttts.evaluation.judges.words import WordCounts, WordJudge
from affecttts.evaluation.stats.bootstrap import (
    Interval,
    difference_interval,
    interval,
    ratio_interval,
)
from codec.audio import load_audio


class Listening:
    """What the judges say of speech in one voice, sentence by sentence."""

    def __init__(self, cosines: list[float], words: list[WordCounts]) -> None:
        self.cosines, self.words = np.array(cosines), [count.words for count in words]
        self.errors = [100 * count.errors for count in words]

    def row(self, best: Listening | None = None) -> list[Interval]:
        """Cosine and word error rate; with another voice also how much this one has more."""
        values = [interval(self.cosines), ratio_interval(self.errors, self.words)]
        if best is None:
            return values
        more = (
            interval(self.cosines - best.cosines),
            difference_interval(self.errors, best.errors, self.words),
        )
        return [*values, *more]


def parse() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument(
        "--voice",
        type=Path,
        required=True,
        metavar="DIR",
        help="folder that `affecttts adapt` made",
    )
    parser.add_argument(
        "--clips",
        type=Path,
        required=True,
        metavar="TABLE",
        help="recordings with texts, as for `adapt --audio`",
    )
    parser.add_argument(
        "--model", type=Path, metavar="DIR", help="model folder; the shipped model if left out"
    )
    parser.add_argument(
        "--json", type=Path, metavar="OUT", help="also write the numbers to this file"
    )
    return parser.parse_args()


def main() -> None:
    """Run the benchmark."""
    import torch

    options = parse()
    torch.set_num_threads(1)
    synthesizer, voice_judge, word_judge = (
        Synthesizer.from_pretrained(options.model),
        VoiceJudge(),
        WordJudge(),
    )
    bases = synthesizer.voices
    adapted = synthesizer.load_voice(options.voice)
    codec, rows = (
        synthesizer.speaker(adapted).codec,
        [row for row in gather(options.clips) if row.text],
    )
    rate, books = codec.config.sample_rate, synthesizer.layout.num_codebooks
    originals = [load_audio(row.path, rate).samples for row in rows]
    centre = np.mean([voice_judge(audio, rate) for audio in originals], axis=0)
    centre /= np.linalg.norm(centre)

    def listen(clips: list[np.ndarray]) -> Listening:
        words = [word_judge(audio, rate, row.text) for audio, row in zip(clips, rows)]
        return Listening([float(voice_judge(audio, rate) @ centre) for audio in clips], words)

    def rebuilt(audio: np.ndarray) -> np.ndarray:
        return codec.decode(codec.encode(torch.from_numpy(audio)[None, None], books).codes)[
            0, 0, : len(audio)
        ].numpy()

    heard = {
        "the recordings": listen(originals),
        "the codec's copies": listen([rebuilt(audio) for audio in originals]),
    }
    for voice in (*bases, adapted):
        spoken = [
            synthesizer.synthesize(row.text, voice=voice, seed=SEED).audio
            for row in progress(rows, voice)
        ]
        heard[voice] = listen(spoken)
    nearest = max(bases, key=lambda name: heard[name].cosines.mean())
    table = {
        name: part.row(heard[nearest] if name == adapted else None) for name, part in heard.items()
    }
    print_table(
        f"{adapted} on {len(rows)} recordings; judges: {voice_judge.name} (cosine to their mean), "
        f"{word_judge.name}",
        [
            "who",
            "cosine [95 %]",
            "word errors, %",
            f"cosine above {nearest}",
            "word errors above, points",
        ],
        [[name, *row, *[""] * (4 - len(row))] for name, row in table.items()],
    )
    write_json(options.json, table)


if __name__ == "__main__":
    main()
