"""Figures of emotion: recognition, contrast with neutral twins, shifts, intensities, prompts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from affecttts.evaluation.judges.emotion import AcousticJudge, EmotionJudge
from affecttts.evaluation.signal.acoustics import SHIFTS, shift
from affecttts.evaluation.speech.scores import Score, Take, beside
from affecttts.evaluation.speech.shifts import (
    ALL_VOICES,
    NEUTRAL,
    Cells,
    Pair,
    Spoken,
    follows,
    ordered_cells,
    right_cells,
    right_pairs,
    strengths,
    summarize,
    twins,
)
from affecttts.evaluation.stats.bootstrap import median_interval
from affecttts.evaluation.stats.chance import HALF, Band
from affecttts.evaluation.stats.confusion import Recognition, recognition
from affecttts.evaluation.stats.summary import grouped

ORDER_CHANCE = Band(100 / 6, 100 / 6)  # three values in rising order


@dataclass(frozen=True)
class Prompted:
    """A free-text prompt, what it stands for, and its clips beside their neutral twins."""

    emotion: str
    pairs: tuple[tuple[Take, Take], ...]

    def mean_shifts(self) -> dict[str, float]:
        """Measure -> mean shift over the clips with sound; nothing where there are none."""
        moved = [
            shift(twin.acoustics, take.acoustics)
            for take, twin in self.pairs
            if take.acoustics and twin.acoustics
        ]
        return {name: float(np.nanmean([m[name] for m in moved])) for name in SHIFTS if moved}


class Ear:
    """One emotion judge over clips of one source; a relative judge knows the voices' neutral
    clips.
    """

    def __init__(self, judge: EmotionJudge, takes: Iterable[Take]) -> None:
        """Args:
        takes: of the source, neutral ones among them.
        """
        self.judge, self._neutral = judge, {}
        if isinstance(judge, AcousticJudge) and judge.stored.relative:
            groups = grouped(
                [t for t in takes if t.meant == NEUTRAL and "functionals" in t.heard],
                lambda take: take.voice,
            )
            self._neutral = {
                voice: np.mean([t.heard["functionals"] for t in group], axis=0)
                for voice, group in groups.items()
            }

    def __call__(self, take: Take) -> np.ndarray | None:
        """Probabilities [E]; None of a clip without sound."""
        if isinstance(self.judge, AcousticJudge):
            heard = take.heard.get("functionals")
            return (
                None
                if heard is None
                else self.judge.of_functionals(np.array(heard), self._neutral.get(take.voice))
            )
        heard = take.heard.get(f"emotion {self.judge.card.name}")
        return None if heard is None else np.array(heard)

    def recognise(self, takes: Sequence[Take]) -> Recognition | None:
        """Confusion over the clips that mean one emotion."""
        pairs = [(take.meant, self(take)) for take in takes if take.meant]
        pairs = [(meant, heard) for meant, heard in pairs if heard is not None]
        return (
            recognition([m for m, _ in pairs], np.array([h for _, h in pairs]), self.judge.labels)
            if pairs
            else None
        )

    def towards(self, take: Take, emotion: str) -> float:
        """Log odds of an emotion; not-a-number where there is no sound or no such label."""
        heard = self(take)
        if heard is None or emotion not in self.judge.labels:
            return float("nan")
        share = float(np.clip(heard[self.judge.labels.index(emotion)], 1e-6, 1 - 1e-6))
        return float(np.log(share / (1 - share)))


def recognition_scores(model: Recognition, corpus: Recognition | None) -> list[Score]:
    """Accuracy and mean recall, %, and each emotion's recall."""
    of_corpus = corpus.recalls() if corpus else {}
    accuracy, recall, n = (
        (corpus.accuracy, corpus.mean_recall, corpus.n) if corpus else (None, None, 0)
    )
    scores = [
        Score("accuracy, %", model.accuracy, model.n, accuracy, n),
        Score("mean recall, %", model.mean_recall, model.n, recall, n, model.chance),
    ]
    for emotion, (n, value) in model.recalls().items():
        ceiling_n, ceiling = of_corpus.get(emotion, (0, None))
        scores.append(Score(f"recall of {emotion}, %", value, n, ceiling, ceiling_n))
    return scores


def contrast(ear: Ear, pairs: Sequence[tuple[Take, Take]]) -> list[float]:
    """100 where the judge hears more of the meant emotion in a clip than in its neutral twin, else
    0. Words, voice and seed are the same, so neither can have helped; chance is 50.
    """
    gains = [ear.towards(take, take.meant) - ear.towards(twin, take.meant) for take, twin in pairs]
    return [100.0 * (gain > 0) for gain in gains if np.isfinite(gain)]


def neutral_pairs(takes: Sequence[Take]) -> list[tuple[Take, Take]]:
    """Clips with an emotion beside neutral ones of the same text and voice."""
    neutral = {(take.text, take.voice): take for take in takes if take.meant == NEUTRAL}
    pairs = (
        (take, neutral.get((take.text, take.voice)))
        for take in takes
        if take.meant not in (None, NEUTRAL)
    )
    return [(take, twin) for take, twin in pairs if twin is not None]


def shifts_of(takes: Sequence[Take]) -> list[Pair]:
    """Acoustic shifts of clips from their neutral twins."""
    return twins(
        Spoken(take.meant, take.voice, take.text, take.acoustics)
        for take in takes
        if take.meant and take.acoustics
    )


def shift_rows(model: Cells, corpus: Cells, emotions: Sequence[str]) -> list[tuple[str, ...]]:
    """Emotion -> "model / corpus" for each measure, voices together; a star where the corpus is
    clear.
    """
    rows = []
    for emotion in emotions:
        cells = [
            (model.get((emotion, ALL_VOICES, m)), corpus.get((emotion, ALL_VOICES, m)))
            for m in SHIFTS
        ]
        if any(cell for cell, _ in cells):
            rows.append((emotion, *(_shift_cell(*pair) for pair in cells)))
    return rows


def _shift_cell(model: Any, corpus: Any) -> str:
    ours = f"{model.mean:+.1f}" if model else ""
    return ours if corpus is None else f"{ours} / {corpus.mean:+.1f}{'*' if corpus.clear else ''}"


def sign_score(model: Sequence[Pair], corpus: Sequence[Pair], cells: Cells) -> Score:
    """Share of single shifts with the sign that the corpus's clear cells have, %."""
    mine, theirs = ([100 * value for value in right_pairs(side, cells)] for side in (model, corpus))
    return beside("shift has the corpus's sign, %", mine, theirs, HALF)


def cell_scores(model: Sequence[Pair], cells: Cells) -> list[Score]:
    """Of the corpus's clear cells (emotion x voice x measure): the share whose mean shift has the
    corpus's sign, and how large it is beside the corpus's.
    """
    mine = summarize(model)
    right = [100 * value for value in right_cells(mine, cells)]
    sizes = strengths(mine, cells)
    if not right:
        return []
    return [
        beside("cell has the corpus's sign, %", right, (), HALF),
        Score("size of a cell's shift, model / corpus, median", median_interval(sizes), len(sizes)),
    ]


def ordered(values: Sequence[float]) -> float:
    """100 where three or more values rise with every step, 0 where they do not, not-a-number where
    one is unknown.
    """
    return (
        100.0 * bool(np.all(np.diff(values) > 0)) if np.all(np.isfinite(values)) else float("nan")
    )


def ladder_scores(
    ears: Sequence[Ear], ladders: Sequence[Sequence[Take]], cells: Cells
) -> list[Score]:
    """Share of texts in which more intensity is more emotion: by each judge and each clear acoustic
    measure; chance is 1 / 6.
    """
    scores = []
    for ear in ears:
        values = [ordered([ear.towards(take, take.meant) for take in steps]) for steps in ladders]
        scores.append(beside(f"in order, {ear.judge.card.name}, %", values, (), ORDER_CHANCE))
    for measure, field in zip(
        SHIFTS, ("f0_st", "f0_range_st", "rate", "level_db", "tilt_db"), strict=True
    ):
        values = []
        for steps in ladders:
            cell = cells.get((steps[0].meant, ALL_VOICES, measure))
            if cell is not None and cell.clear and all(take.acoustics for take in steps):
                values.append(
                    ordered([np.sign(cell.mean) * getattr(take.acoustics, field) for take in steps])
                )
        if values:
            scores.append(beside(f"in order, {measure}, %", values, (), ORDER_CHANCE))
    return [*scores, *_cells_in_order(ladders, cells)]


def _cells_in_order(ladders: Sequence[Sequence[Take]], cells: Cells) -> list[Score]:
    """Share of the corpus's clear cells whose mean over all ladders grows with every step; shifts
    are from the first step, as the neutral twin is the same for all.
    """
    steps = [
        summarize(
            Pair(take.meant, take.voice, shift(zero, take.acoustics))
            for ladder in ladders
            if all(take.acoustics for take in ladder)
            for take, zero in [(ladder[place], ladder[0].acoustics)]
        )
        for place in range(len(ladders[0]))
    ]
    values = [100 * value for value in ordered_cells(steps, cells)]
    name = "in order, means of the corpus's clear cells, %"
    return [beside(name, values, (), ORDER_CHANCE)] if values else []


def prompt_scores(ears: Sequence[Ear], prompted: Sequence[Prompted], cells: Cells) -> list[Score]:
    """Do free-text prompts bring the emotion that they stand for?"""
    right = [
        100.0 * follows(shifts, each.emotion, cells)
        for each in prompted
        if each.emotion == NEUTRAL or (each.emotion, ALL_VOICES, "f0") in cells
        for shifts in [each.mean_shifts()]
        if shifts
    ]
    scores = [beside("moves as the corpus does, %", right)] if right else []
    takes = [
        Take(take.text, take.voice, each.emotion, take.heard)
        for each in prompted
        for take, _ in each.pairs
    ]
    for ear in ears:
        if found := ear.recognise(takes):
            name = f"mean recall, {ear.judge.card.name}, %"
            scores.append(Score(name, found.mean_recall, found.n, floor=found.chance))
    return scores
