"""Module 3: weights from the movement of emotion, alignment with a window of tokens."""

import math

import pytest
import torch

from codec.training.alignment import (
    AlignmentConfig,
    SemanticAligner,
    emotion_saliency,
    emotion_weights,
)


def emotion(seed=0, batch=3, count=20):
    return torch.randn(batch, count, 5, generator=torch.Generator().manual_seed(seed)).cumsum(1)


def everywhere(batch=3, count=20):
    return torch.ones(batch, count, dtype=torch.bool)


def test_saliency_is_the_l1_change():
    x = torch.tensor([[[0.0, 0.0], [1.0, -2.0], [1.0, -2.0]]])
    assert emotion_saliency(x, everywhere(1, 3)).tolist() == [[0.0, 3.0, 0.0]]


def test_other_saliencies():
    x = torch.tensor([[[3.0, 4.0], [0.0, 5.0], [9.0, 9.0]]])
    mask = torch.tensor([[True, True, False]])
    assert emotion_saliency(x, mask, "l2")[0, :2].tolist() == pytest.approx([0.0, 10**0.5])
    assert emotion_saliency(x, mask, "cosine")[0, :2].tolist() == pytest.approx(
        [0.0, 0.2], abs=1e-6
    )
    # from the mean of the two frames that count
    assert emotion_saliency(x, mask, "level")[0, :2].tolist() == [2.0, 2.0]
    for values in ({"saliency": "loudness"}, {"weighting": "heavy"}):
        with pytest.raises(ValueError, match="known"):
            AlignmentConfig(**values)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_gamma_has_mean_one_at_any_scale(scale):
    mask = everywhere()
    mask[1, 12:] = False
    gamma = emotion_weights(scale * emotion(), mask, AlignmentConfig())
    torch.testing.assert_close(gamma.sum(1), mask.sum(1).float())
    assert (gamma[~mask] == 0).all() and (gamma[mask] > 0).all()
    if scale == 1.0:
        assert gamma[0].std() > 0.1
    torch.testing.assert_close(
        gamma, emotion_weights(emotion(), mask, AlignmentConfig()), atol=1e-3, rtol=1e-3
    )


def test_constant_emotion_weighs_all_frames_alike():
    gamma = emotion_weights(torch.ones(2, 9, 5), everywhere(2, 9), AlignmentConfig())
    torch.testing.assert_close(gamma, torch.ones(2, 9))


def test_frames_where_emotion_moves_weigh_more():
    x = torch.zeros(1, 20, 5)
    x[:, 10:] = 1.0
    gamma = emotion_weights(x, everywhere(1), AlignmentConfig())[0]
    assert gamma.argmax() == 10 and gamma[10] > 3 * gamma[9]


def test_hotter_softmax_is_flatter():
    spreads = [
        emotion_weights(emotion(), everywhere(), AlignmentConfig(temperature=t)).std().item()
        for t in (0.5, 1.0, 10.0)
    ]
    assert spreads == sorted(spreads, reverse=True) and spreads[-1] < 0.2


def test_controls():
    mask = everywhere()
    mask[0, 15:] = False
    assert torch.equal(emotion_weights(emotion(), mask, AlignmentConfig("uniform")), mask.float())
    x = emotion()
    x[1] *= 3
    gamma = emotion_weights(x, mask, AlignmentConfig("global"))
    for row, valid in zip(gamma, mask):
        assert row[valid].std() < 1e-6 and (row[~valid] == 0).all()
    assert gamma[1, 0] > gamma[2, 0]
    with pytest.raises(ValueError, match="known"):
        AlignmentConfig("local")


def test_a_fully_masked_sequence_gives_zero_and_no_nan():
    mask = everywhere()
    mask[2] = False
    for weighting in ("frame", "global", "uniform"):
        gamma = emotion_weights(emotion(), mask, AlignmentConfig(weighting))
        assert torch.isfinite(gamma).all() and (gamma[2] == 0).all()


def aligner(**changes):
    """An aligner whose projection is the identity."""
    module = SemanticAligner(
        4, 4, AlignmentConfig(**changes), 4 if changes.get("fallback") else None
    )
    with torch.no_grad():
        for head in filter(None, (module.project, module.project_to_speech)):
            head.weight.copy_(torch.eye(4)), head.bias.zero_()
    return module


def test_the_loss_at_known_cosines():
    x = torch.eye(4)[None]
    ones = torch.ones(1, 4)
    for sign in (1.0, -1.0):
        loss, cosine = aligner()(x, sign * x[:, :, None], ones)
        assert cosine.item() == pytest.approx(sign) and loss.item() == pytest.approx(
            math.log(1 + math.exp(-sign)), abs=1e-5
        )


def test_gamma_weighs_the_frames():
    student = torch.eye(4)[None]
    tokens = student[:, :, None].clone()
    tokens[:, 1] *= -1
    good, _ = aligner()(student, tokens, torch.tensor([[1.0, 0.0, 1.0, 1.0]]))
    mixed, _ = aligner()(student, tokens, torch.tensor([[1.0, 3.0, 0.0, 0.0]]))
    assert good.item() == pytest.approx(0.3133, abs=1e-3)
    assert mixed.item() == pytest.approx(0.25 * 0.3133 + 0.75 * 1.3133, abs=1e-3)
    none, _ = aligner()(student, tokens, torch.zeros(1, 4))
    assert none.item() == 0.0


def test_the_nearest_token_of_the_window_is_the_target():
    student = torch.eye(4)[None, :1]
    window = torch.stack([torch.eye(4)[2], torch.eye(4)[0], torch.eye(4)[3]])[None, None]
    _, cosine = aligner()(student, window, torch.ones(1, 1))
    assert cosine.item() > 0.99
    _, soft = aligner(attention_temperature=10.0)(student, window, torch.ones(1, 1))
    assert soft.item() == pytest.approx(1 / math.sqrt(3), abs=0.05)  # nearly the mean of the three


def test_absent_tokens_are_no_target():
    student = torch.eye(4)[None, :1]
    there = torch.stack([torch.zeros(4), -torch.eye(4)[0], torch.zeros(4)])[None, None]
    _, cosine = aligner()(student, there, torch.ones(1, 1))
    assert cosine.item() == pytest.approx(-1.0, abs=1e-5)
    loss, _ = aligner()(student, torch.zeros(1, 1, 3, 4), torch.ones(1, 1))
    assert torch.isfinite(loss)


def test_gradient_reaches_the_student_and_the_projection():
    module, student = (
        SemanticAligner(6, 4, AlignmentConfig()),
        torch.randn(2, 5, 6).requires_grad_(),
    )
    loss, _ = module(student, torch.randn(2, 5, 3, 4), torch.ones(2, 5))
    loss.backward()
    assert student.grad.abs().sum() > 0 and module.project.weight.grad.abs().sum() > 0


def test_speech_stands_in_where_there_is_no_token():
    student = torch.eye(4)[None]
    tokens = student[:, :, None].clone()
    tokens[:, 2:] = 0
    speech = student.clone()
    speech[:, :3] *= -1  # counts in frames 2 and 3 alone
    _, cosine = aligner(fallback=True)(student, tokens, torch.ones(1, 4), speech)
    assert cosine.item() == pytest.approx((1 + 1 - 1 + 1) / 4, abs=1e-5)
