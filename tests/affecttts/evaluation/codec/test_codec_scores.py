"""Measures of reconstruction, probes, and intervals, on data whose answer is known."""

import numpy as np
import pytest
import torch

from affecttts.evaluation.signal.fidelity import compare_pitch, level_correlation
from affecttts.evaluation.stats.summary import (
    Interval,
    markdown_table,
    over_clips,
    over_seeds,
    show,
)
from affecttts.evaluation.tokens.classifiers import _GruProbe, _padded, gru_probe, linear_probe
from affecttts.evaluation.tokens.probes import ProbeItem, probe_scores, take_turns


def test_equal_pitch_tracks_agree():
    track = np.r_[np.zeros(5), np.linspace(100, 200, 30)]
    assert compare_pitch(track, track) == pytest.approx((1.0, 0.0, 0.0))


def test_pitch_errors_are_cents_of_frames_voiced_in_both():
    track = np.linspace(100, 200, 40)
    other = 2 * track
    other[:10] = 0
    correlation, cents, voicing = compare_pitch(track, other)
    assert (
        correlation == pytest.approx(1.0)
        and cents == pytest.approx(1200.0)
        and voicing == pytest.approx(25.0)
    )
    assert np.isnan(compare_pitch(track[:5], other[:5])[0])


def test_levels_correlate_whatever_the_gain():
    draw = np.random.default_rng(0)
    audio = draw.standard_normal(4800) * np.repeat(draw.uniform(0.01, 1, 20), 240)
    assert level_correlation(audio, 0.3 * audio, 240) == pytest.approx(1.0)
    assert level_correlation(audio, audio[::-1].copy(), 240) < 0.9
    assert np.isnan(level_correlation(audio[:300], audio[:300], 240))


def items(signal, speakers=4, each=12, frames=20, seed=0):
    """Utterances whose frames tell the emotion by their mean, or by their order alone."""
    draw, found = torch.Generator().manual_seed(seed), []
    for speaker in range(speakers):
        offset = torch.randn(6, generator=draw)
        for index in range(each):
            label = index % 2
            x = torch.randn(frames, 6, generator=draw) * 0.5
            if signal == "mean":
                x[:, 0] += 2 * label
            elif signal == "order":
                rise = torch.linspace(-3, 3, frames)
                x[:, 0] += rise if label else rise.flip(0)
            phones = torch.arange(frames) % 3
            x[:, 3:] = torch.nn.functional.one_hot(phones, 3) + 0.3 * torch.randn(
                frames, 3, generator=draw
            )
            found.append(
                ProbeItem(x + 0.1 * offset, ("happy", "sad")[label], f"s{speaker}", phones)
            )
    return found


def test_speakers_take_turns():
    groups = ["many"] * 50 + ["few"] * 3 + ["some"] * 10
    picks = take_turns(groups, 23, seed=1)
    assert sorted(groups[place] for place in picks) == ["few"] * 3 + ["many"] * 10 + ["some"] * 10
    assert len(set(picks)) == 23 and {groups[place] for place in picks[:3]} == {
        "many",
        "few",
        "some",
    }
    assert picks == take_turns(groups, 99, seed=1)[:23] and picks != take_turns(groups, 23, seed=2)
    assert sorted(take_turns(groups, 99, seed=1)) == list(range(63))


def test_probes_find_an_emotion_that_is_there_and_none_that_is_not():
    scores = probe_scores(items("mean"))
    assert scores["emotion in Q1, linear, %"] > 90 and scores["emotion in Q1, BiGRU, %"] > 90
    assert abs(scores["emotion in Q1, linear, shuffled labels, %"] - 50) < 25
    assert scores["phones in Q1, linear, %"] > 90
    assert abs(probe_scores(items("none"))["emotion in Q1, linear, %"] - 50) < 25


def test_only_the_recurrent_probe_hears_the_order():
    """Means and spreads over time are the same for both classes."""
    data = items("order", speakers=2, each=24)
    labels = torch.tensor([("happy", "sad").index(item.emotion) for item in data])
    train, test = [item.frames for item in data[:24]], [item.frames for item in data[24:]]
    share = {
        p: (p(train, labels[:24], test, 2, 0) == labels[24:]).float().mean().item()
        for p in (linear_probe, gru_probe)
    }
    assert share[gru_probe] > 0.9 and share[linear_probe] < 0.75


def test_the_recurrent_probe_does_not_hear_padding():
    torch.manual_seed(0)
    probe, long, short = _GruProbe(6, 3), torch.randn(9, 6), torch.randn(5, 6)
    together = probe(*_padded([long, short]))
    torch.testing.assert_close(together, torch.cat([probe(*_padded([x])) for x in (long, short)]))
    assert not torch.allclose(probe(*_padded([short])), probe(*_padded([short.flip(0)])), atol=1e-3)


def test_probes_are_speaker_disjoint():
    """An emotion that only a speaker's own habit tells cannot be found on others."""
    data = []
    for item in items("none"):
        speaker, label = int(item.speaker[1]), item.emotion == "sad"
        habit = torch.zeros(6)
        habit[0] = 4.0 if label == (speaker % 2 == 0) else -4.0
        data.append(ProbeItem(item.frames + habit, item.emotion, item.speaker, None))
    scores = probe_scores(data)
    assert scores["emotion in Q1, linear, %"] < 60 and "phones in Q1, linear, %" not in scores


def test_one_speaker_gives_no_probe_and_seeds_repeat():
    assert probe_scores(items("mean", speakers=1)) == {}
    assert probe_scores(items("mean", each=4)) == probe_scores(items("mean", each=4))


def test_probing_leaves_the_global_random_numbers_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    probe_scores(items("mean", each=4))
    assert torch.equal(torch.rand(3), expected)


def test_intervals_over_clips():
    values = np.random.default_rng(0).normal(3.0, 1.0, (2, 200))
    interval = over_clips(values)
    assert (
        interval.mean == pytest.approx(values.mean())
        and interval.low < interval.mean < interval.high
    )
    assert interval.high - interval.low == pytest.approx(4 * 0.5**0.5 / 200**0.5, rel=0.3)
    values[0, :100] = np.nan
    assert over_clips(values).mean == pytest.approx(np.nanmean(values))
    assert np.isnan(over_clips(np.full((1, 3), np.nan)).mean)


def test_intervals_over_seeds():
    assert over_seeds(np.array([1.0, 3.0])) == Interval(2.0, 0.0, 4.0)
    alone = over_seeds(np.array([2.0]))
    assert alone.mean == 2.0 and np.isnan(alone.low) and show(alone) == "2"


def test_a_table():
    assert markdown_table(["a", "b"], [["x", show(Interval(1.0, 0.5, 1.5))]]).splitlines() == [
        "| a | b |",
        "| --- | --- |",
        "| x | 1 [0.5, 1.5] |",
    ]
