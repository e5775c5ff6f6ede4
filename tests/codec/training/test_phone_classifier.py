"""The phone classifier ignores level; the phonetic loss has gradients for the copy alone."""

import pytest
import torch

from codec import Codec
from codec.errors import CheckpointError
from codec.training.phone_classifier import PhoneClassifier, PhoneClassifierConfig, PhoneticLoss

CONFIG = PhoneClassifierConfig(dim=16, n_mels=20, dilations=(1, 2), classes=5)


@pytest.fixture
def phone_classifier():
    torch.manual_seed(0)
    return PhoneClassifier(CONFIG).eval()


def speech(seed, length=9600):
    generator = torch.Generator().manual_seed(seed)
    swell = torch.linspace(0.1, 1, length)
    return 0.3 * swell * torch.randn(2, 1, length, generator=generator)


def test_frames_and_shapes(phone_classifier):
    heard = phone_classifier(phone_classifier.features(speech(0)))
    assert heard.logits.shape == (2, 5, 40)
    assert [part.shape for part in heard.hidden] == [(2, 16, 40)] * 2


def test_level_is_not_heard(phone_classifier):
    audio = speech(0)
    assert torch.allclose(
        phone_classifier.features(audio), phone_classifier.features(0.25 * audio), atol=1e-3
    )


def test_no_loss_for_a_perfect_copy_and_more_for_a_worse_one(phone_classifier):
    loss, audio = PhoneticLoss(phone_classifier), speech(0)
    noise = speech(1)
    same, near, far = (loss(audio + share * noise, audio) for share in (0.0, 0.1, 1.0))
    for name in ("phone_features", "phones"):
        assert same[name] == 0
        assert 0 < near[name] < far[name]


def test_gradient_reaches_the_copy_and_nothing_else(phone_classifier):
    loss = PhoneticLoss(phone_classifier)
    copy, original = speech(1).requires_grad_(), speech(0).requires_grad_()
    sum(loss(copy, original).values()).backward()
    assert copy.grad.abs().sum() > 0
    assert original.grad is None
    assert all(parameter.grad is None for parameter in phone_classifier.parameters())


def test_saved_and_loaded_gives_the_same(phone_classifier, tmp_path):
    phone_classifier.save_pretrained(tmp_path / "phone_classifier")
    again = PhoneClassifier.from_pretrained(tmp_path / "phone_classifier")
    features = phone_classifier.features(speech(0))
    torch.testing.assert_close(
        again(features).logits, phone_classifier(features).logits, rtol=0.01, atol=0.01
    )
    again.save_pretrained(tmp_path / "again")
    twice = PhoneClassifier.from_pretrained(tmp_path / "again")
    assert torch.equal(twice(features).logits, again(features).logits), (
        "half precision is lost once"
    )


def test_another_model_is_refused(phone_classifier, tmp_path, tiny_codec):
    tiny_codec.save_pretrained(tmp_path / "codec")
    with pytest.raises(CheckpointError, match="phone classifier"):
        PhoneClassifier.from_pretrained(tmp_path / "codec")
    phone_classifier.save_pretrained(tmp_path / "phone_classifier")
    with pytest.raises(CheckpointError):
        Codec.from_pretrained(tmp_path / "phone_classifier")
