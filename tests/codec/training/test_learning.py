"""The codec learns: a few dozen steps on one sound bring its losses down, with and without the
quantiser.
"""

import pytest
import torch

from codec.training.losses import SpectralLosses, pitch_losses
from tiny_models import random_codec


@pytest.mark.slow
@pytest.mark.parametrize("quantize", [False, True])
def test_losses_fall_on_one_sound(tone, quantize):
    codec, spectral = random_codec(quantizer_dropout=0.0).train(), SpectralLosses(24_000)
    audio = tone[..., :9600]
    f0 = torch.full((1, 40), 220.0)
    if quantize:
        with torch.no_grad():
            codec.quantizer.initialise(
                codec.encode_latents(audio), torch.Generator().manual_seed(0)
            )
    optimizer = torch.optim.AdamW(codec.parameters(), 3e-3)
    history = []
    for _ in range(40):
        output = codec(audio, f0, quantize)
        losses = {**spectral(output.audio, audio), **pitch_losses(output.decoded, f0)}
        (15 * losses["mel"] + 10 * losses["f0"] + losses["voicing"]).backward()
        optimizer.step()
        optimizer.zero_grad()
        history.append({name: loss.item() for name, loss in losses.items()})
    assert all(history[-1][name] < 0.6 * history[0][name] for name in ("mel", "f0", "voicing")), (
        history[0],
        history[-1],
    )


def test_gradient_reaches_every_weight(tone):
    codec = random_codec().train()
    output = codec(tone)
    losses = {
        **SpectralLosses(24_000)(output.audio, tone),
        **pitch_losses(output.decoded, torch.full((1, 52), 220.0)),
    }
    (sum(losses.values()) + output.quantized.commitment).backward()
    missing = [
        name
        for name, weight in codec.named_parameters()
        if weight.grad is None or not weight.grad.abs().sum() > 0
    ]
    assert not missing
