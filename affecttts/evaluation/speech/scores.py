"""Figures of an evaluation: of the model, of the corpus as its ceiling, and of chance or a wrong
pairing as its floor.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from affecttts.evaluation.judges.emotion import AcousticJudge, EmotionJudge
from affecttts.evaluation.judges.words import count_words
from affecttts.evaluation.signal.acoustics import SHIFTS, Acoustics, shift
from affecttts.evaluation.signal.faults import FAULTS
from affecttts.evaluation.speech.shifts import (
    ALL_VOICES,
    NEUTRAL,
    Cells,
    Pair,
    Spoken,
    follows,
    right_pairs,
    twins,
)
from affecttts.evaluation.stats.bootstrap import Interval, interval, ratio_interval
from affecttts.evaluation.stats.chance import Band, chance_band
from affecttts.evaluation.stats.confusion import Recognition, recognition
from affecttts.evaluation.stats.summary import grouped

HALF = Band(50.0, 50.0)
ORDER_CHANCE = Band(100 / 6, 100 / 6)  # three values in rising order


@dataclass(frozen=True)
class Take:
    """A clip of the model or of a corpus as it was heard."""

    text: str
    voice: str
    meant: str | None  # the emotion, None where it means no single one
    heard: dict[str, Any]  # what `Panel.hear` said

    @property
    def acoustics(self) -> Acoustics | None:
        """None of an empty clip."""
        return Acoustics(**self.heard["acoustics"]) if "acoustics" in self.heard else None


@dataclass(frozen=True)
class Score:
    """One row: the model's figure, the corpus's, and what chance or a wrong pairing gives."""

    name: str
    value: Interval
    n: int
    ceiling: Interval | None = None
    ceiling_n: int = 0
    floor: Interval | Band | None = None


def beside(
    name: str,
    model: Sequence[float],
    corpus: Sequence[float] = (),
    floor: Interval | Band | None = None,
) -> Score:
    """A score of values per clip."""
    known = [value for value in corpus if np.isfinite(value)]
    return Score(
        name,
        interval(model),
        int(np.isfinite(model).sum()),
        interval(known) if known else None,
        len(known),
        floor,
    )


# -- words and faults
def word_scores(model: Sequence[Take], corpus: Sequence[Take]) -> list[Score]:
    """Word and character error rates; the floor is the next clip's transcript."""
    model, corpus = ([take for take in side if "words" in take.heard] for side in (model, corpus))
    if not model:
        return []
    scores = []
    for name, wrong, total in (
        ("word errors, %", "errors", "words"),
        ("character errors, %", "character_errors", "characters"),
    ):
        value, ceiling = (
            _rate([t.heard["words"] for t in side], wrong, total) for side in (model, corpus)
        )
        scores.append(Score(name, value, len(model), ceiling if corpus else None, len(corpus)))
    others = [
        count_words(take.text, other.heard["words"]["heard"])
        for take, other in zip(model, [*model[1:], model[0]])
    ]
    floor = ratio_interval(
        [100 * count.errors for count in others], [count.words for count in others]
    )
    return [
        Score(scores[0].name, scores[0].value, len(model), scores[0].ceiling, len(corpus), floor),
        scores[1],
    ]


def _rate(counts: Sequence[dict], wrong: str, total: str) -> Interval:
    return ratio_interval(
        [100 * count[wrong] for count in counts], [count[total] for count in counts]
    )


def words_by_emotion(takes: Sequence[Take]) -> list[Score]:
    """Word error rate of every emotion."""
    groups = grouped(
        [take for take in takes if "words" in take.heard and take.meant], lambda take: take.meant
    )
    return [
        Score(name, _rate([t.heard["words"] for t in group], "errors", "words"), len(group))
        for name, group in groups.items()
    ]


def faults(take: Take, finish_reason: str) -> dict[str, bool]:
    """All faults of a clip, by the names of `FAULTS`; those of words only where they were
    judged.
    """
    found = {"no end": finish_reason != "end", **take.heard["faults"]}
    words = take.heard.get("words")
    return {name: found[name] for name in FAULTS if name in found} | (
        {k: words[k] for k in ("skip", "repeat")} if words else {}
    )


def fault_scores(
    model: Sequence[dict[str, bool]], corpus: Sequence[dict[str, bool]]
) -> list[Score]:
    """Share of clips with each fault, %."""

    def share(name: str, clips: Sequence[dict[str, bool]]) -> list[float]:
        return [100.0 * clip[name] for clip in clips if name in clip]

    names = [name for name in FAULTS if all(name in clip for clip in model)]
    return [
        beside(f"{name}: {FAULTS[name]}, %", share(name, model), share(name, corpus))
        for name in names
    ]


# -- emotion
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
    return scores


def prompt_scores(
    ears: Sequence[Ear], prompted: Sequence[tuple[Take, str, Take]], cells: Cells
) -> list[Score]:
    """Do free-text prompts bring the emotion that they stand for? Takes, what they stand for, and
    their neutral twins.
    """
    right = []
    for take, emotion, twin in prompted:
        known = emotion == NEUTRAL or (emotion, ALL_VOICES, "f0") in cells
        if known and take.acoustics and twin.acoustics:
            right.append(100.0 * follows(shift(twin.acoustics, take.acoustics), emotion, cells))
    scores = [beside("moves as the corpus does, %", right)] if right else []
    for ear in ears:
        found = ear.recognise(
            [Take(take.text, take.voice, emotion, take.heard) for take, emotion, _ in prompted]
        )
        if found:
            scores.append(
                Score(
                    f"mean recall, {ear.judge.card.name}, %",
                    found.mean_recall,
                    found.n,
                    floor=found.chance,
                )
            )
    return scores


# -- voice, sound, prosody, speed
def voice_scores(model: Sequence[Take], corpus: Sequence[Take]) -> list[Score]:
    """Cosines of speaker embeddings: within a voice, between voices (the floor), and to the
    corpus's clips of that voice.
    """
    mine, theirs = (_vectors(side) for side in (model, corpus))
    if not mine:
        return []
    within, between, of_corpus = (
        _cosines(*sides)
        for sides in ((mine, mine, True), (mine, mine, False), (theirs, theirs, True))
    )
    scores = [
        beside("cosine, same voice", within, of_corpus, interval(between) if between else None)
    ]
    if set(mine) & set(theirs):
        to_own, to_others = _cosines(mine, theirs, True), _cosines(mine, theirs, False)
        scores.append(
            beside(
                "cosine to the corpus's voice",
                to_own,
                of_corpus,
                interval(to_others) if to_others else None,
            )
        )
    if len(mine) > 1:
        truth = np.concatenate([[i] * len(rows) for i, rows in enumerate(mine.values())])
        nearest = _nearest_own(mine)
        right = [100.0 * (a == b) for a, b in zip(truth, nearest)]
        chance = chance_band(truth, nearest, lambda a, b: 100 * float((a == b).mean()))
        scores.append(beside("nearest to its own voice, %", right, (), chance))
    return scores


def _vectors(takes: Sequence[Take]) -> dict[str, np.ndarray]:
    groups = grouped([take for take in takes if "voice" in take.heard], lambda take: take.voice)
    return {
        voice: np.array([take.heard["voice"] for take in group]) for voice, group in groups.items()
    }


def _cosines(one: dict[str, np.ndarray], two: dict[str, np.ndarray], same: bool) -> list[float]:
    """Mean cosine of each vector of `one` to those of `two` of the same voice, or of the others;
    never to itself.
    """
    values = []
    for voice, rows in one.items():
        others = [two[v] for v in two if (v == voice) == same]
        if not others or same and one is two and len(rows) < 2:
            continue
        table = rows @ np.concatenate(others).T
        if same and one is two:
            table = (table.sum(1) - np.diag(table)) / (len(rows) - 1)
        values += list(table.mean(1) if table.ndim == 2 else table)
    return values


def _nearest_own(vectors: dict[str, np.ndarray]) -> np.ndarray:
    """For every vector in order, the voice (index) whose other vectors' mean is the nearest."""
    answers, names = [], list(vectors)
    for voice, rows in vectors.items():
        for index, vector in enumerate(rows):
            rest = {
                name: np.delete(vectors[name], index, axis=0) if name == voice else vectors[name]
                for name in names
            }
            answers.append(
                int(
                    np.argmax(
                        [
                            values.mean(0) @ vector if len(values) else -1.0
                            for values in rest.values()
                        ]
                    )
                )
            )
    return np.array(answers)


def sound_scores(model: Sequence[Take], corpus: Sequence[Take]) -> list[Score]:
    """DNSMOS of all clips and of each emotion."""
    model, corpus = ([take for take in side if "sound" in take.heard] for side in (model, corpus))
    if not model:
        return []
    by_emotion = grouped([take for take in corpus if take.meant], lambda take: take.meant)
    scores = [
        beside(
            "all", [take.heard["sound"] for take in model], [take.heard["sound"] for take in corpus]
        )
    ]
    for emotion, group in grouped(
        [take for take in model if take.meant], lambda take: take.meant
    ).items():
        theirs = [take.heard["sound"] for take in by_emotion.get(emotion, ())]
        scores.append(beside(emotion, [take.heard["sound"] for take in group], theirs))
    return scores


def prosody_scores(model: Sequence[Take], corpus: Sequence[Take]) -> list[Score]:
    """Means of the acoustic measures."""
    fields = {
        "F0, semitones re 100 Hz": "f0_st",
        "F0 range, semitones": "f0_range_st",
        "letters per second": "rate",
        "level, dB": "level_db",
        "tilt, dB": "tilt_db",
    }
    mine, theirs = ([take.acoustics for take in side if take.acoustics] for side in (model, corpus))
    return [
        beside(name, [getattr(a, f) for a in mine], [getattr(a, f) for a in theirs])
        for name, f in fields.items()
    ]
