"""The scores of a report on takes whose answer is known."""

import numpy as np
import pytest

from affecttts.errors import RequestError
from affecttts.evaluation.report.journal import Journal
from affecttts.evaluation.signal.acoustics import Acoustics
from affecttts.evaluation.speech.comparison import differences, other_takes
from affecttts.evaluation.speech.emotion_scores import (
    ORDER_CHANCE,
    Ear,
    Prompted,
    cell_scores,
    contrast,
    ladder_scores,
    neutral_pairs,
    ordered,
    prompt_scores,
    shifts_of,
)
from affecttts.evaluation.speech.plain_scores import (
    fault_scores,
    faults,
    opinion_scores,
    voice_scores,
    word_scores,
    words_by_group,
)
from affecttts.evaluation.speech.scores import Take
from affecttts.evaluation.speech.shifts import ALL_VOICES, Cell
from affecttts.synthesis.request import SpeechRequest


class Oracle:
    """A judge that reads the answer off the take."""

    card = type("Card", (), {"name": "oracle"})
    labels = ("happy", "neutral", "sad")


def sounds(f0_st=0.0, **more):
    values = {
        "f0_st": f0_st,
        "f0_hz": 100.0,
        "f0_range_st": 5.0,
        "rate": 10.0,
        "level_db": -23.0,
        "tilt_db": -10.0,
    }
    return values | {"speech_seconds": 1.0} | more


def take(text, meant, heard, f0_st=0.0, speaker="heart", **more):
    return Take(
        text,
        speaker,
        meant,
        {"emotion oracle": heard, "acoustics": sounds(f0_st), "faults": {"empty": False}, **more},
    )


HAPPY, NEUTRAL, SAD = np.eye(3) * 0.8 + 0.1


UNCLEAR = Cell(1.0, 2.0, 9)


CELLS = {
    ("happy", ALL_VOICES, m): Cell(2.0 if m == "f0" else 0.1, 1.0, 9)
    for m in ("f0", "range", "rate", "level", "tilt")
}


def test_contrasts_need_more_than_the_twin_has():
    ear = Ear(Oracle(), [])
    takes = [
        take("x", "neutral", NEUTRAL),
        take("x", "happy", HAPPY),
        take("y", "neutral", HAPPY),
        take("y", "happy", HAPPY),
    ]
    pairs = neutral_pairs(takes)
    assert len(pairs) == 2 and contrast(ear, pairs) == [100.0, 0.0]
    assert np.isnan(ear.towards(takes[0], "bored")) and ear.recognise(takes).n == 4
    assert neutral_pairs([take("x", "happy", HAPPY)]) == []


def test_intensity_must_rise_with_every_step():
    assert (
        ordered([1, 2, 3]) == 100
        and ordered([1, 1, 3]) == 0
        and ordered([3, 2, 1]) == 0
        and np.isnan(ordered([1, np.nan, 3]))
    )
    rising = [take("x", "happy", [p, 1 - p, 0.0], f0_st=10 * p) for p in (0.3, 0.5, 0.9)]
    falling = [
        take("y", "happy", step.heard["emotion oracle"], f0_st=step.acoustics.f0_st)
        for step in rising[::-1]
    ]
    scores = {
        score.name: score for score in ladder_scores([Ear(Oracle(), [])], [rising, falling], CELLS)
    }
    means = scores.pop("in order, means of the corpus's clear cells, %")
    assert set(scores) == {"in order, oracle, %", "in order, f0, %"}, "only clear cells are judged"
    assert all(
        score.value.mean == 50 and score.n == 2 and score.floor == ORDER_CHANCE
        for score in scores.values()
    )
    assert means.n == 1 and means.value.mean == 0, "up and down is level"
    (rose,) = (s for s in ladder_scores([], [rising, rising], CELLS) if "means" in s.name)
    assert rose.value.mean == 100


@pytest.mark.parametrize(("factor", "share"), [(0.5, 100.0), (2.0, 100.0), (-1.0, 0.0)])
def test_cells_have_signs_and_sizes(factor, share):
    cells = {("happy", "heart", "f0"): Cell(3.0, 1.0, 9), ("happy", "heart", "tilt"): UNCLEAR}
    takes = [take("x", "neutral", NEUTRAL), take("x", "happy", HAPPY, f0_st=3.0 * factor)]
    sign, size = cell_scores(shifts_of(takes), cells)
    assert (sign.value.mean, sign.n) == (share, 1)
    assert size.value.mean == pytest.approx(factor) and size.n == 1
    assert cell_scores([], cells) == []


def test_prompts_are_followed_where_the_voice_moves():
    neutral = take("x", "neutral", NEUTRAL)
    higher, lower = take("x", None, HAPPY, f0_st=3.0), take("x", None, NEUTRAL, f0_st=-1.0)
    prompted = [Prompted("happy", ((clip, neutral),)) for clip in (higher, lower)]
    both = Prompted("happy", ((higher, neutral), (lower, neutral)))
    assert both.mean_shifts()["f0"] == pytest.approx(1.0), "a prompt is the mean of its clips"
    assert prompt_scores([], [both], CELLS)[0].value.mean == 100
    scores = prompt_scores([Ear(Oracle(), [])], prompted, CELLS)
    assert scores[0].value.mean == 50 and scores[1].value.mean == 50 and scores[1].floor is not None


def test_the_floor_of_words_is_another_transcript():
    pytest.importorskip("jiwer")
    pytest.importorskip("whisper_normalizer")
    said = ["the cat sat on the mat", "nobody knows why it rained"]
    takes = [
        take(
            text,
            "happy",
            HAPPY,
            words={"heard": text, "errors": 0, "words": 6, "character_errors": 1, "characters": 50},
        )
        for text in said
    ]
    words, characters = word_scores(takes, [])
    assert (
        words.value.mean == 0
        and words.floor.mean > 80
        and characters.value.mean == 2.0
        and words.ceiling is None
    )


def test_words_and_opinions_are_told_by_group():
    words = [{"errors": errors, "words": 10} for errors in (0, 1, 4)]
    takes = [
        take(text, emotion, HAPPY, speaker=voice, whisper_base=counts, distillmos=mark)
        for text, emotion, voice, counts, mark in zip(
            "aab", ("happy", "sad", "sad"), ("heart", "heart", "bella"), words, (4.0, 3.0, 2.0)
        )
    ]
    groups = words_by_group(takes, {"a": "long"}, "whisper_base")
    rates = {score.name: (score.value.mean, score.n) for score in groups}
    assert rates == {
        "long": (5, 2), "happy": (0, 1), "sad": (25, 2), "heart": (5, 2), "bella": (40, 1)
    }  # fmt: skip
    assert words_by_group(takes, {}, "words") == []
    scores = opinion_scores(takes, takes[:1], "distillmos")
    found = {score.name: (score.value.mean, score.ceiling_n) for score in scores}
    assert found == {"all": (3.0, 1), "happy": (4.0, 1), "sad": (2.5, 0)}
    assert opinion_scores(takes, [], "sound") == []


def test_faults_of_words_count_only_where_words_were_judged():
    judged = take("x", "happy", HAPPY, words={"skip": True, "repeat": False})
    assert faults(judged, "cap") == {"no end": True, "empty": False, "skip": True, "repeat": False}
    mute = faults(take("x", "happy", HAPPY), "end")
    assert "skip" not in mute and [
        score.name.split(":")[0] for score in fault_scores([mute], [])
    ] == ["no end", "empty"]


def test_voices_are_told_apart_and_the_floor_is_other_voices():
    draw = np.random.default_rng(0)

    def said(voice, axis):
        vector = np.eye(8)[axis] + 0.1 * draw.standard_normal(8)
        return take(
            "x", "neutral", NEUTRAL, speaker=voice, voice=list(vector / np.linalg.norm(vector))
        )

    model = [said(voice, axis) for axis, voice in enumerate(("heart", "fenrir")) for _ in range(6)]
    corpus = [said("heart", 0) for _ in range(3)]
    scores = {score.name: score for score in voice_scores(model, corpus)}
    assert (
        scores["cosine, same voice"].value.mean
        > 0.8
        > 0.3
        > scores["cosine, same voice"].floor.mean
    )
    assert scores["cosine to the corpus's voice"].value.mean > 0.8
    assert scores["nearest to the corpus's clips of its voice, %"].value.mean == 100
    assert scores["nearer to its own voice than to another's, % of triples"].value.mean == 100
    assert (
        scores["nearest to its own voice, %"].value.mean
        == 100
        > scores["nearest to its own voice, %"].floor.high
    )
    assert (
        isinstance(model[0].acoustics, Acoustics)
        and voice_scores([take("x", "sad", SAD)], []) == []
    )


def test_two_models_are_compared_item_by_item(tmp_path):
    words = {"errors": 0, "words": 5}
    mine = {f"k{i}": take(f"t{i}", "happy", HAPPY, words=words) for i in range(12)}
    theirs = {
        f"k{i}": take(f"t{i}", "happy", SAD, words=words | {"errors": i % 2}) for i in range(1, 14)
    }
    rows = {row.name: row.comparison for row in differences(mine, theirs, list(mine), [Oracle()])}
    assert set(rows) == {"word errors, %", "emotion heard right, oracle, %"}, (
        "nobody judged the sound"
    )
    assert all(row.n == 11 for row in rows.values())
    right, wrong = rows["emotion heard right, oracle, %"], rows["word errors, %"]
    assert (
        right.difference == 100
        and right.p < 0.01
        and wrong.difference == pytest.approx(-100 * 6 / 55)
        and wrong.high <= 0
    )
    with pytest.raises(RequestError, match="no items.jsonl"):
        other_takes(tmp_path, {})
    Journal(tmp_path / "items.jsonl", {"lm": "x"}).add("elsewhere", {})
    with pytest.raises(RequestError, match="none of these items"):
        other_takes(tmp_path, {"here": SpeechRequest("x", "sad", voice="heart", seed=7)})
