"""Labelled clips that a judge of emotion is trained and examined on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from affecttts.data.manifest import Utterance, audio_path, read_manifest
from affecttts.errors import RequestError
from affecttts.evaluation.judges.emotion import spectral_input
from affecttts.evaluation.report.journal import Journal
from affecttts.evaluation.signal.functionals import functionals
from affecttts.evaluation.signal.spectra import RATE
from codec.audio import load_audio


@dataclass(frozen=True)
class Heard:
    """A clip as a judge hears it."""

    row: Utterance
    features: np.ndarray  # functionals [D] or log-mel [40,N]


def chosen(manifests: list[Path], limit: int, seed: int) -> list[tuple[Path, Utterance]]:
    """All labelled clips of the test split, and at most `limit` others, drawn with the seed,
    speakers alike.

    Raises:
        RequestError: fewer than two speakers or emotions.
    """
    rows = [(path, row) for path in manifests for row in read_manifest(path) if row.emotion]
    order = np.random.default_rng(seed).permutation(len(rows))
    turns: dict[str, int] = {}
    ranked = []
    for index in order:  # the n-th clip of every speaker before the (n+1)-th of any
        speaker = rows[index][1].speaker
        turns[speaker] = turns.get(speaker, 0) + 1
        ranked.append((turns[speaker], len(ranked), rows[index]))
    kept = [
        row for _, _, row in sorted(ranked, key=lambda item: item[:2]) if row[1].split != "test"
    ][:limit]
    for what in ("speaker", "emotion"):
        if len({getattr(row, what) for _, row in kept}) < 2:
            raise RequestError(
                f"a judge needs clips of two {what}s or more; give other manifests "
                "or a larger --limit"
            )
    return kept + [row for row in rows if row[1].split == "test"]


def listen(rows: list[tuple[Path, Utterance]], kind: str, journal: Journal) -> list[Heard]:
    """Features of every clip."""
    heard = []
    for manifest, row in tqdm(rows, desc="listening", unit="clip"):
        if kind == "acoustic" and row.id in journal.done:
            heard.append(Heard(row, np.array(journal.done[row.id], dtype=np.float32)))
            continue
        audio = load_audio(audio_path(manifest, row), RATE, row.start, row.seconds).samples
        if kind == "spectral":
            heard.append(Heard(row, spectral_input(audio, RATE).numpy()))
            continue
        heard.append(Heard(row, functionals(audio, RATE)))
        journal.add(row.id, [float(f"{value:.5g}") for value in heard[-1].features])
    return heard


def folds(clips: list[Heard], count: int, seed: int) -> list[tuple[list[int], list[int]]]:
    """(train, test) indices: each fold tests a group of speakers and trains on the others' other
    sentences.
    """
    speakers = sorted({clip.row.speaker for clip in clips})
    order = np.random.default_rng(seed).permutation(len(speakers))
    parts = []
    for start in range(min(count, len(speakers))):
        group = {speakers[i] for i in order[start :: min(count, len(speakers))]}
        test = [i for i, clip in enumerate(clips) if clip.row.speaker in group]
        texts = {clips[i].row.text for i in test} - {None}
        parts.append(
            (
                [
                    i
                    for i, c in enumerate(clips)
                    if c.row.speaker not in group and c.row.text not in texts
                ],
                test,
            )
        )
    return parts


def centred(clips: list[Heard]) -> list[Heard]:
    """Functionals less the mean of the speaker's neutral clips; speakers without any are left
    out.
    """
    neutral = neutral_means(clips)
    return [
        Heard(clip.row, clip.features - neutral[clip.row.speaker])
        for clip in clips
        if clip.row.speaker in neutral
    ]


def neutral_means(clips: list[Heard]) -> dict[str, np.ndarray]:
    """Speaker -> mean functionals [D] of the neutral clips."""
    groups: dict[str, list[np.ndarray]] = {}
    for clip in clips:
        if clip.row.emotion == "neutral":
            groups.setdefault(clip.row.speaker, []).append(clip.features)
    return {speaker: np.mean(values, axis=0) for speaker, values in groups.items()}
