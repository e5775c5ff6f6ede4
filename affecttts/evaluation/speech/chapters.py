"""The tables of scores of a TTS evaluation."""

from __future__ import annotations

import math
from dataclasses import dataclass

from affecttts.evaluation.resources import sentences
from affecttts.evaluation.speech.emotion_scores import (
    Ear,
    Prompted,
    cell_scores,
    contrast,
    ladder_scores,
    neutral_pairs,
    prompt_scores,
    recognition_scores,
    shifts_of,
    sign_score,
)
from affecttts.evaluation.speech.evaluation import Evaluated
from affecttts.evaluation.speech.plain_scores import (
    fault_scores,
    faults,
    opinion_scores,
    prosody_scores,
    voice_scores,
    word_scores,
    words_by_group,
)
from affecttts.evaluation.speech.plan import key_of, neutral_twin
from affecttts.evaluation.speech.scores import Score, beside
from affecttts.evaluation.speech.shifts import Cells
from affecttts.evaluation.stats.bootstrap import Interval
from affecttts.evaluation.stats.chance import HALF
from affecttts.evaluation.stats.summary import grouped

LISTENED = "Floor: the transcript of the next item."


@dataclass(frozen=True)
class Chapter:
    """A table of scores on its way to JSON and HTML."""

    title: str
    scores: tuple[Score, ...]
    note: str = ""
    missing: str = ""  # how to install what would fill it


def plain_chapters(evaluated: Evaluated) -> list[Chapter]:
    """All that is not about emotion."""
    items, corpus, missing = evaluated.items(), evaluated.corpus_items(), evaluated.panel.missing
    spoken = [evaluated.spoken[key_of(request)] for _, request in evaluated.plan.items]
    wrong = [faults(take, clip.finish_reason) for take, clip in zip(items, spoken)]
    of_corpus = [faults(take, "end") for take in corpus]
    scores = {
        "words": word_scores(items, corpus),
        "whisper_base": word_scores(items, corpus, "whisper_base"),
        "voice": voice_scores(items, corpus),
        "sound": opinion_scores(items, corpus, "sound"),
        "distillmos": opinion_scores(items, corpus, "distillmos"),
    }

    def judged(part: str, title: str, note: str = "") -> Chapter:
        return Chapter(title, tuple(scores[part]), note, missing.get(part, ""))

    return [
        judged("words", "Words", LISTENED),
        judged("whisper_base", "Words, heard by Whisper base", LISTENED),
        *_word_groups(evaluated),
        Chapter(
            "Faults",
            tuple(fault_scores(wrong, of_corpus)),
            "0 in n says only that the rate is below about 300 / n %.",
        ),
        judged("voice", "Voice", "Floor: clips of other voices."),
        judged("distillmos", "Naturalness, DistillMOS (1 to 5)"),
        judged("sound", "Sound, DNSMOS overall (1 to 5)"),
        Chapter(
            "Prosody",
            tuple(prosody_scores(items, corpus)),
            "Nearer to the corpus is nearer to its style, no better.",
        ),
        _speed(evaluated),
    ]


def _word_groups(evaluated: Evaluated) -> list[Chapter]:
    """Word errors of kinds of sentences, emotions and voices, by each judge of words."""
    kinds = {row["text"]: row["kind"] for row in sentences()}
    titles = {
        "words": "Words by group, errors in %",
        "whisper_base": "Words by group, heard by Whisper base, errors in %",
    }
    missing = evaluated.panel.missing
    return [
        Chapter(
            title, tuple(words_by_group(evaluated.items(), kinds, part)), "", missing.get(part, "")
        )
        for part, title in titles.items()
    ]


def _speed(evaluated: Evaluated) -> Chapter:
    spoken = [evaluated.spoken[key_of(request)] for _, request in evaluated.plan.items]
    factors = [clip.elapsed / clip.seconds if clip.seconds else math.nan for clip in spoken]
    speed = [
        beside("real-time factor", factors),
        beside(
            "seconds to the first sound (nothing is streamed: all of it)",
            [clip.elapsed for clip in spoken],
        ),
    ]
    peaks = [clip.peak_megabytes for clip in evaluated.spoken.values() if clip.peak_megabytes]
    if peaks:
        peak = Interval(max(peaks), math.nan, math.nan)
        speed.append(Score("peak memory of the process that spoke, MB", peak, len(peaks)))
    return Chapter("Speed and memory", tuple(speed), "On this machine, as busy as it was.")


def emotion_chapters(
    evaluated: Evaluated,
    cells: Cells,
    source: str,
    ears: list[Ear],
    of_corpus: list[Ear],
    found: list[tuple],
) -> list[Chapter]:
    """Everything about emotion: judges' answers, and shifts of clips from their neutral twins."""
    takes = evaluated.takes
    cards = {judge.card.name: judge.card for judge in evaluated.panel.emotions.values()}
    chapters = [
        Chapter(
            f"Emotion, heard by {name}",
            tuple(recognition_scores(model, corpus)),
            cards[name].provenance,
        )
        for name, model, corpus in found
    ]
    if not evaluated.plan.twins:
        return chapters
    chapters.append(_contrast_chapter(evaluated, cells, source, list(zip(ears, of_corpus))))
    ladders = [[takes[key_of(step)] for step in steps] for steps in evaluated.plan.ladders]
    if ladders:
        scores = tuple(ladder_scores(ears, ladders, cells))
        chapters.append(Chapter("Intensity 0.5 < 1 < 1.5", scores, "Chance: 1 of 6 orders."))
    if prompted := _prompted(evaluated):
        note = (
            "Prompts that were not used to fit the reader; each stands for an emotion that it "
            "does not name."
        )
        chapters.append(
            Chapter("Free-text prompts", tuple(prompt_scores(ears, prompted, cells)), note)
        )
    return chapters


def _contrast_chapter(
    evaluated: Evaluated, cells: Cells, source: str, ears: list[tuple[Ear, Ear]]
) -> Chapter:
    """Clips against their neutral twins; `ears` are for takes and for the corpus."""
    twins = evaluated.with_twins()
    pairs, corpus_pairs = neutral_pairs(twins), neutral_pairs(evaluated.corpus)
    contrasts = [
        beside(
            f"heard more than in the twin, {ear.judge.card.name}, %",
            contrast(ear, pairs),
            contrast(other, corpus_pairs),
            HALF,
        )
        for ear, other in ears
    ]
    shifts = shifts_of(twins)
    contrasts.append(sign_score(shifts, shifts_of(evaluated.corpus), cells))
    contrasts += cell_scores(shifts, cells)
    note = (
        "Same text, same voice, same seed, with the emotion and neutral: neither words nor voice "
        f"can give the answer. Signs: of the clear shifts of {source}."
    )
    return Chapter("Contrast with neutral", tuple(contrasts), note)


def _prompted(evaluated: Evaluated) -> list[Prompted]:
    takes = evaluated.takes
    groups = grouped(evaluated.plan.prompted, lambda item: item[0].prompt)
    return [
        Prompted(
            group[0][1], tuple((takes[key_of(r)], takes[key_of(neutral_twin(r))]) for r, _ in group)
        )
        for group in groups.values()
    ]
