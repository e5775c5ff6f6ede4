"""The discriminator of envelopes can tell sharp ones from blurred ones."""

import torch

from codec.training.adversarial import discriminator_loss, generator_losses
from codec.training.envelope_discriminator import (
    EnvelopeDiscriminator,
    EnvelopeDiscriminatorConfig,
)

SMALL = EnvelopeDiscriminatorConfig(channels=6)


def envelopes(seed, frames=40):
    return torch.randn(4, frames, 60, generator=torch.Generator().manual_seed(seed)) / 5


def test_it_learns_to_hear_blur():
    torch.manual_seed(0)
    judge = EnvelopeDiscriminator(SMALL)
    optimizer = torch.optim.Adam(judge.parameters(), 2e-3)
    for step in range(40):
        sharp = envelopes(step)
        loss = discriminator_loss(judge(sharp), judge(0.5 * sharp))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        sharp = envelopes(1000)
        real, blurred = judge(sharp)[0].score.mean(), judge(0.5 * sharp)[0].score.mean()
    assert real > blurred + 0.3


def test_a_gradient_reaches_every_coefficient():
    judge, fake = EnvelopeDiscriminator(SMALL), envelopes(0).requires_grad_()
    losses = generator_losses(judge(envelopes(1)), judge(fake))
    (losses["adversarial"] + losses["feature_matching"]).backward()
    assert (fake.grad.abs().sum((0, 1)) > 0).all()


def test_it_is_saved_and_loaded(tmp_path):
    judge = EnvelopeDiscriminator(SMALL).eval()
    judge.save_pretrained(tmp_path)
    again = EnvelopeDiscriminator.from_pretrained(tmp_path).eval()
    with torch.no_grad():
        first, second = judge(envelopes(0))[0].score, again(envelopes(0))[0].score
    torch.testing.assert_close(first, second, atol=1e-2, rtol=1e-2)
