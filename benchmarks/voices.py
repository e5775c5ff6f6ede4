"""Is a voice itself? Cosines of speaker embeddings within and between voices, neutral speech.

python benchmarks/voices.py --cache clips
# also: is each voice nearest to its own training clips?
python benchmarks/voices.py --corpus DIR
"""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from common import VOICES, Clip, Request, arguments, print_table, progress, studio, write_json

from affecttts.evaluation.judges.voice import VoiceJudge
from affecttts.evaluation.resources import read_lines, sentences
from affecttts.evaluation.stats.bootstrap import Interval, interval
from affecttts.evaluation.stats.summary import grouped

CORPUS_CLIPS = 12  # neutral clips a voice, for its centre


def embed(judge: VoiceJudge, clips: list[Clip]) -> dict[str, np.ndarray]:
    """Voice -> unit vectors [N,256]."""
    groups = grouped(clips, lambda clip: clip.request.voice)
    return {
        voice: np.stack([judge(clip.audio, clip.sample_rate) for clip in group if len(clip.audio)])
        for voice, group in groups.items()
    }


def ordered(vectors: dict[str, np.ndarray]) -> Interval:
    """Share in % of (clip, same voice, other voice) triples where the same voice is the nearer; one
    value a clip.
    """
    shares = []
    for voice, own in vectors.items():
        others = np.concatenate([rows for name, rows in vectors.items() if name != voice])
        for index, vector in enumerate(own):
            same = np.delete(own, index, axis=0) @ vector
            shares.append(100 * float((same[:, None] > (others @ vector)[None]).mean()))
    return interval(shares)


def cosines(vectors: dict[str, np.ndarray]) -> dict[str, Interval]:
    """Mean cosines within and between voices."""
    within = [a @ b for rows in vectors.values() for a, b in combinations(rows, 2)]
    between = [a @ b for one, two in combinations(vectors.values(), 2) for a in one for b in two]
    return {"cosine, same voice": interval(within), "cosine, different voices": interval(between)}


def recognised(vectors: dict[str, np.ndarray], centres: dict[str, np.ndarray]) -> Interval:
    """Share in % of clips nearest to the centre of their own voice."""
    names = list(centres)
    table = np.stack([centres[name] for name in names])
    return interval(
        [
            100.0 * (names[int(np.argmax(table @ vector))] == voice)
            for voice, rows in vectors.items()
            for vector in rows
        ]
    )


def corpus_centres(judge: VoiceJudge, corpus: Path) -> dict[str, np.ndarray]:
    """Voice -> mean vector of its first neutral training clips."""
    import soundfile

    rows = read_lines(corpus / "emotive" / "manifest.jsonl")
    centres = {}
    for voice in progress(VOICES, "corpus voices"):
        chosen = [
            r
            for r in rows
            if r["speaker"] == voice and r["emotion"] == "neutral" and r["seconds"] > 2
        ]
        clips = [
            soundfile.read(corpus / "emotive" / r["path"], dtype="float32")
            for r in chosen[:CORPUS_CLIPS]
        ]
        centres[voice] = np.mean(
            [judge(audio, sample_rate) for audio, sample_rate in clips], axis=0
        )
    return centres


def main() -> None:
    """Run the benchmark."""
    parser = arguments(__doc__.splitlines()[0], limit=12)
    parser.add_argument(
        "--corpus", type=Path, metavar="DIR", help="training corpus, for the distance to it"
    )
    options = parser.parse_args()
    texts = [item["text"] for item in sentences("normal")][: options.limit]
    requests = [Request(text, voice=voice) for text in texts for voice in VOICES]
    judge = VoiceJudge()
    vectors = embed(judge, list(studio(options).all(requests, "voices")))
    numbers: dict[str, Any] = {
        "triples in the right order, %": ordered(vectors),
        **cosines(vectors),
    }
    if options.corpus:
        numbers["nearest to its own training clips, %"] = recognised(
            vectors, corpus_centres(judge, options.corpus)
        )
    print_table(
        f"Voices, neutral; judge: {judge.name}, data: sentences.jsonl",
        ["measure", "clips", "value [95 %]"],
        [[name, len(requests), value] for name, value in numbers.items()],
    )
    write_json(options.json, numbers)


if __name__ == "__main__":
    main()
