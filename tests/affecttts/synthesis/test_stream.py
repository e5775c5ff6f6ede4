"""Speech in chunks: the same samples as at once, and words and phones with their times."""

import numpy as np
import pytest

from affecttts.lm.pace import Pace
from affecttts.synthesis.synthesizer import Synthesizer

TEXT = "Well, hello there. It costs $5 on the whole. Come back soon, all of you."

SENTENCE = "It was a long and quiet evening in the house by the sea, and nobody said a word."


@pytest.fixture(scope="module")
def synthesizer(tiny_model_dir, voice):
    synthesizer = Synthesizer.from_pretrained(tiny_model_dir)
    synthesizer.load_voice(voice)
    return synthesizer


def settings(voice="heart"):
    return {"voice": voice, "emotion": "happy", "seed": 5}


def steps(synthesizer, monkeypatch):
    """The passes through the LM, as they come."""
    calls, forward = [], synthesizer.engine.forward
    monkeypatch.setattr(
        synthesizer.engine, "forward", lambda *given: calls.append(1) or forward(*given)
    )
    return calls


@pytest.mark.parametrize("name", ["heart", "allison"])
def test_chunks_of_any_size_join_to_the_whole(synthesizer, name):
    whole = synthesizer.synthesize(TEXT, **settings(name))
    for seconds in (0.01, 0.3, 1.0, 60.0):
        chunks = list(synthesizer.stream(TEXT, seconds, **settings(name)))
        assert np.array_equal(np.concatenate([chunk.audio for chunk in chunks]), whole.audio)
        assert [chunk.index for chunk in chunks] == list(range(len(chunks)))
        assert all(chunk.seconds >= seconds for chunk in chunks[1:-1])
        assert sum((chunk.words for chunk in chunks), ()) == whole.words
        assert sum((chunk.phones for chunk in chunks), ()) == whole.timed_phones


def test_the_first_sound_comes_inside_the_first_sentence(synthesizer, monkeypatch):
    calls = steps(synthesizer, monkeypatch)
    with synthesizer.stream(SENTENCE, **settings()) as stream:
        first, early = next(stream), len(calls)
    calls.clear()
    synthesizer.synthesize(SENTENCE, **settings())
    assert 0 < early < 0.7 * len(calls) and first.start == 0 and len(first.audio)


@pytest.mark.parametrize("stop", ["cancel", "close"])
def test_a_stopped_stream_does_no_more_work(synthesizer, monkeypatch, stop):
    stream = synthesizer.stream(TEXT, **settings())
    next(stream)
    calls = steps(synthesizer, monkeypatch)
    getattr(stream, stop)()
    assert list(stream) == [] and not calls and stream.finish_reason == "cancelled"


def test_a_stream_that_is_left_is_closed(synthesizer):
    with synthesizer.stream(TEXT, **settings()) as stream:
        next(stream)
    assert stream.finish_reason == "cancelled"
    with synthesizer.stream("Hi.", **settings()) as stream:
        list(stream)
    assert stream.finish_reason == "end"


def test_words_are_those_of_the_text_in_their_order(synthesizer):
    spoken = synthesizer.synthesize(TEXT, **settings())
    assert [word.text for word in spoken.words] == TEXT.split()
    assert [TEXT[slice(*word.span)] for word in spoken.words] == TEXT.split()
    borders = [border for word in spoken.words for border in (word.start, word.end)]
    assert borders == sorted(borders) and borders[-1] <= spoken.seconds


def test_phones_fill_the_speech_but_for_the_pauses(synthesizer):
    spoken = synthesizer.synthesize(TEXT, pause=0.25, **settings())
    assert spoken.timed_phones[0].start == 0
    assert spoken.timed_phones[-1].end == pytest.approx(spoken.seconds)
    gaps = [
        after.start - before.end
        for before, after in zip(spoken.timed_phones, spoken.timed_phones[1:])
    ]
    assert sorted(np.round(gaps, 6))[-3:] == [0, 0.25, 0.25]
    heard = "".join(phone.symbol for phone in spoken.timed_phones)
    left = iter(spoken.phones)
    assert heard and all(symbol in left for symbol in heard)


def test_a_pause_stands_after_every_sentence_but_the_last(synthesizer):
    short, long = (
        synthesizer.synthesize("No. Go. Stop!", pause=pause, **settings()) for pause in (0, 1)
    )
    assert long.seconds - short.seconds == pytest.approx(2)
    assert np.array_equal(short.codes, long.codes)


def test_slower_speech_is_longer(synthesizer):
    slow, plain, fast = (
        synthesizer.synthesize(TEXT, speed=speed, **settings()).seconds for speed in (0.5, 1, 2)
    )
    assert slow > 1.3 * plain and fast < 0.8 * plain


@pytest.mark.parametrize("speed", [0.5, 0.75, 1.3, 2.0])
def test_a_pace_loses_nothing_to_rounding(speed):
    durations, pace = np.random.default_rng(0).integers(0, 9, 200).tolist(), Pace(speed)
    total = sum(pace(frames) for frames in durations)
    assert abs(total - sum(durations) / speed) <= 0.5
