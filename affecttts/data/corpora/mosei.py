"""CMU-MOSEI: whole videos, transcripts that say where its clips lie in them, and three raters for
every clip.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from affecttts.data.corpora.reading import (
    Reading,
    Source,
    matching_files,
    read_records,
    read_text,
    winner,
)
from affecttts.data.corpora.spec import Corpus

EMOTIONS = ("anger", "disgust", "fear", "happiness", "sadness", "surprise")
FOLDS_FILE = r"[^/]*folds\.py"  # of the CMU-MultimodalSDK: one list of videos for each split
FOLD = re.compile(r"standard_(train|valid|test)_fold\s*=\s*\[(.*?)\]", re.DOTALL)
CLIP = re.compile(r".+___(?P<clip>\d+)___(?P<start>[\d.]+)___(?P<end>[\d.]+)___(?P<text>.*)")

Ratings = dict[tuple[str, str], Counter]


def read_mosei(corpus: Corpus, root: Path, _: Reading) -> Iterator[Source]:
    """One row for every clip of a transcript; its label is the emotion with the highest ratings in
    sum.
    """
    ratings, folds = _read_ratings(root), _read_folds(root)
    for path, fields in matching_files(root, corpus.files):
        transcript = Path(fields["root"], "Transcript/Segmented/Combined", f"{path.stem}.txt")
        if not transcript.is_file():
            yield Source(path, fields, "no transcript")
            continue
        if path.stem in folds:
            fields["split"] = folds[path.stem]
        for line in read_text(transcript, ("utf-8", "cp1252")).split("\n"):
            if match := CLIP.fullmatch(line.strip()):
                yield _clip(path, fields | match.groupdict(), ratings)


def _clip(path: Path, fields: dict[str, str], ratings: Ratings) -> Source:
    start, end = float(fields["start"]), float(fields["end"])
    fields["label"] = _label(ratings.get((path.stem, fields["clip"])))
    return Source(
        path, fields, "" if end > start else "ends before it starts", start, round(end - start, 4)
    )


def _label(votes: Counter | None) -> str:
    if votes is None:
        return "unrated"
    return winner(votes) if any(votes.values()) else "none"


def _read_folds(root: Path) -> dict[str, str]:
    """Official splits by video; nothing where the SDK's lists are not beside the corpus."""
    folds: dict[str, str] = {}
    for path, _ in matching_files(root, FOLDS_FILE):
        for split, videos in FOLD.findall(read_text(path, ("utf-8",))):
            folds |= dict.fromkeys(re.findall(r"[\"']([^\"']+)[\"']", videos), split)
    return folds


def _read_ratings(root: Path) -> Ratings:
    """Sum of the raters' scores, each 0 to 3, for every clip; raters who left a score out do not
    count.
    """
    ratings: Ratings = {}
    for path, _ in matching_files(root, r"Labels/[^/]+\.csv"):
        for record in read_records(path):
            scores = [record.get(f"Answer.{emotion}") for emotion in EMOTIONS]
            if all(scores):
                key = record["Input.VIDEO_ID"], record["Input.CLIP"]
                ratings.setdefault(key, Counter(dict.fromkeys(EMOTIONS, 0))).update(
                    dict(zip(EMOTIONS, map(float, scores)))
                )
    return ratings
