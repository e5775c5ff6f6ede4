"""Figures of words, faults, voice, sound and prosody."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from affecttts.evaluation.judges.words import count_words
from affecttts.evaluation.signal.faults import FAULTS
from affecttts.evaluation.speech.scores import Score, Take, beside
from affecttts.evaluation.stats.bootstrap import Interval, interval, ratio_interval
from affecttts.evaluation.stats.chance import HALF, chance_band
from affecttts.evaluation.stats.summary import grouped


def word_scores(model: Sequence[Take], corpus: Sequence[Take], part: str = "words") -> list[Score]:
    """Word and character error rates as a part of the panel heard them; the floor is the next
    clip's transcript.
    """
    model, corpus = ([take for take in side if part in take.heard] for side in (model, corpus))
    if not model:
        return []
    scores = []
    for name, wrong, total in (
        ("word errors, %", "errors", "words"),
        ("character errors, %", "character_errors", "characters"),
    ):
        value, ceiling = (
            _rate([t.heard[part] for t in side], wrong, total) for side in (model, corpus)
        )
        scores.append(Score(name, value, len(model), ceiling if corpus else None, len(corpus)))
    others = [
        count_words(take.text, other.heard[part]["heard"])
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


def words_by_group(takes: Sequence[Take], kinds: dict[str, str], part: str) -> list[Score]:
    """Word error rate of every kind of sentence, emotion and voice.

    Args:
        kinds: text -> kind; texts without one are of none.
        part: of the panel, that heard the words.
    """
    judged = [take for take in takes if part in take.heard]
    keys: tuple[Callable[[Take], str | None], ...] = (
        lambda take: kinds.get(take.text),
        lambda take: take.meant,
        lambda take: take.voice,
    )
    return [
        Score(name, _rate([t.heard[part] for t in group], "errors", "words"), len(group))
        for key in keys
        for name, group in grouped([take for take in judged if key(take)], key).items()
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
        right = _nearest_of(mine, theirs)
        to_own, to_others = _cosines(mine, theirs, True), _cosines(mine, theirs, False)
        scores.append(
            beside(
                "cosine to the corpus's voice",
                to_own,
                of_corpus,
                interval(to_others) if to_others else None,
            )
        )
        scores.append(beside("nearest to the corpus's clips of its voice, %", right))
    if len(mine) > 1:
        truth = np.concatenate([[i] * len(rows) for i, rows in enumerate(mine.values())])
        nearest = _nearest_own(mine)
        right = [100.0 * (a == b) for a, b in zip(truth, nearest)]
        chance = chance_band(truth, nearest, lambda a, b: 100 * float((a == b).mean()))
        scores.append(beside("nearest to its own voice, %", right, (), chance))
        scores.append(
            beside(
                "nearer to its own voice than to another's, % of triples", _triples(mine), (), HALF
            )
        )
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


def _triples(vectors: dict[str, np.ndarray]) -> list[float]:
    """Of each clip the share in % of (same voice, other voice) pairs where the same is nearer."""
    shares = []
    for voice, own in vectors.items():
        others = np.concatenate([rows for name, rows in vectors.items() if name != voice])
        for index, vector in enumerate(own):
            same = np.delete(own, index, axis=0) @ vector
            if len(same):
                shares.append(100 * float((same[:, None] > (others @ vector)[None]).mean()))
    return shares


def _nearest_of(mine: dict[str, np.ndarray], theirs: dict[str, np.ndarray]) -> list[float]:
    """100 for each clip whose voice's mean vector in the corpus is the nearest of all, else 0."""
    names = list(theirs)
    centres = np.stack([theirs[name].mean(0) for name in names])
    return [
        100.0 * (names[int(np.argmax(centres @ vector))] == voice)
        for voice, rows in mine.items()
        if voice in theirs
        for vector in rows
    ]


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


def opinion_scores(model: Sequence[Take], corpus: Sequence[Take], part: str) -> list[Score]:
    """Predicted opinion scores, as a part of the panel gave them, of all clips and of each
    emotion.
    """
    model, corpus = ([take for take in side if part in take.heard] for side in (model, corpus))
    if not model:
        return []

    def values(takes: Sequence[Take]) -> list[float]:
        return [take.heard[part] for take in takes]

    theirs = grouped([take for take in corpus if take.meant], lambda take: take.meant)
    mine = grouped([take for take in model if take.meant], lambda take: take.meant)
    return [
        beside("all", values(model), values(corpus)),
        *(
            beside(name, values(takes), values(theirs.get(name, ())))
            for name, takes in mine.items()
        ),
    ]


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
