"""The listener hears phones, not level; the phonetic loss teaches the copy alone."""

import pytest
import torch

from codec import Codec
from codec.errors import CheckpointError
from codec.training.phone_classifier import Listener, ListenerConfig, PhoneticLoss

CONFIG = ListenerConfig(dim=16, n_mels=20, dilations=(1, 2), classes=5)


@pytest.fixture
def listener():
    torch.manual_seed(0)
    return Listener(CONFIG).eval()


def speech(seed, length=9600):
    generator = torch.Generator().manual_seed(seed)
    swell = torch.linspace(0.1, 1, length)
    return 0.3 * swell * torch.randn(2, 1, length, generator=generator)


def test_frames_and_shapes(listener):
    heard = listener(listener.features(speech(0)))
    assert heard.logits.shape == (2, 5, 40)
    assert [part.shape for part in heard.hidden] == [(2, 16, 40)] * 2


def test_level_is_not_heard(listener):
    audio = speech(0)
    assert torch.allclose(listener.features(audio), listener.features(0.25 * audio), atol=1e-3)


def test_no_loss_for_a_perfect_copy_and_more_for_a_worse_one(listener):
    loss, audio = PhoneticLoss(listener), speech(0)
    noise = speech(1)
    same, near, far = (loss(audio + share * noise, audio) for share in (0.0, 0.1, 1.0))
    for name in ("phone_features", "phones"):
        assert same[name] == 0
        assert 0 < near[name] < far[name]


def test_gradient_reaches_the_copy_and_nothing_else(listener):
    loss = PhoneticLoss(listener)
    copy, original = speech(1).requires_grad_(), speech(0).requires_grad_()
    sum(loss(copy, original).values()).backward()
    assert copy.grad.abs().sum() > 0
    assert original.grad is None
    assert all(parameter.grad is None for parameter in listener.parameters())


def test_saved_and_loaded_hears_the_same(listener, tmp_path):
    listener.save_pretrained(tmp_path / "listener")
    again = Listener.from_pretrained(tmp_path / "listener")
    features = listener.features(speech(0))
    torch.testing.assert_close(
        again(features).logits, listener(features).logits, rtol=0.01, atol=0.01
    )
    again.save_pretrained(tmp_path / "again")
    twice = Listener.from_pretrained(tmp_path / "again")
    assert torch.equal(twice(features).logits, again(features).logits), (
        "half precision is lost once"
    )


def test_another_model_is_refused(listener, tmp_path, tiny_codec):
    tiny_codec.save_pretrained(tmp_path / "codec")
    with pytest.raises(CheckpointError, match="listener"):
        Listener.from_pretrained(tmp_path / "codec")
    listener.save_pretrained(tmp_path / "listener")
    with pytest.raises(CheckpointError):
        Codec.from_pretrained(tmp_path / "listener")
