"""Discriminators of every kind, alone and saved."""

import json

import pytest
import torch

from codec.errors import CheckpointError
from codec.training.adversarial import discriminator_loss, generator_losses
from codec.training.discriminators import (
    BANDS,
    BandDiscriminator,
    Discriminator,
    DiscriminatorConfig,
    ScaleDiscriminator,
)

NONE = {"periods": (), "windows": ()}
KINDS = {
    "periods": NONE | {"periods": (2, 5), "period_channels": 2},
    "windows": NONE | {"windows": (256, 512), "stft_channels": 2},
    "scales": NONE | {"scales": (1, 2), "scale_channels": 4},
    "bands": NONE | {"band_windows": (256, 512), "band_channels": 2},
}


def discriminator(kind):
    torch.manual_seed(0)
    return Discriminator(DiscriminatorConfig(**KINDS[kind]))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("length", [1201, 3333])
def test_any_length_is_judged(kind, length):
    judged = discriminator(kind)(0.1 * torch.randn(3, 1, length))
    assert len(judged) == 2
    assert all(
        part.score.shape[0] == 3 and torch.isfinite(part.score).all() and len(part.features) >= 4
        for part in judged
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_it_learns_to_tell_noise_from_a_tone(kind, tone):
    module = discriminator(kind)
    real, fake = (
        tone[..., :2400],
        0.1 * torch.randn(1, 1, 2400, generator=torch.Generator().manual_seed(0)),
    )
    optimizer = torch.optim.AdamW(module.parameters(), 1e-2)
    history = []
    for _ in range(25):
        loss = discriminator_loss(module(real), module(fake))
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        history.append(loss.item())
    assert history[-1] < 0.5 * history[0]


@pytest.mark.parametrize("kind", KINDS)
def test_every_weight_and_the_audio_get_gradient(kind, tone):
    module, fake = discriminator(kind), tone[..., :4000].clone().requires_grad_()
    losses = generator_losses(module(tone[..., :4000].flip(-1)), module(fake))
    sum(losses.values()).backward()
    assert fake.grad.abs().sum() > 0
    assert all(weight.grad is not None for weight in module.parameters())


def test_each_band_has_its_own_eyes():
    """A tone excites the first layer of its own band alone; all five together cover the spectrum
    once.
    """
    module, count = BandDiscriminator(512, 2), 512 // 2 + 1
    assert (
        module.borders[0] == 0
        and module.borders[-1] == count
        and len(module.bands) == len(BANDS) - 1 == 5
    )
    rate, place = 24_000, 0.6  # of the Nyquist frequency: in the fourth band
    sound = torch.sin(2 * torch.pi * place * rate / 2 * torch.arange(4096) / rate)[None, None]
    with torch.no_grad():
        loud, still = module(sound), module(torch.zeros(1, 1, 4096))
    moved = [(a - b).abs().mean().item() for a, b in zip(loud.features[::5], still.features[::5])][
        :5
    ]
    assert max(range(5), key=moved.__getitem__) == 3


def test_a_scale_reads_no_detail_above_its_rate():
    """Averaging by four takes a tone at half the rate away."""
    full, coarse = ScaleDiscriminator(1, 4), ScaleDiscriminator(4, 4)
    buzz = torch.tensor([1.0, -1.0]).repeat(2000)[None, None]
    with torch.no_grad():
        assert coarse.pool(buzz)[..., 4:-4].abs().max() < 1e-6
        assert full.pool(buzz).abs().max() == 1.0


def test_the_order_of_kinds_keeps_older_weights_in_place():
    thin = {"period_channels": 1, "stft_channels": 1, "band_channels": 1}
    before = set(Discriminator(DiscriminatorConfig(**thin)).state_dict())
    more = Discriminator(DiscriminatorConfig(**thin, scales=(1,), band_windows=(256,)))
    assert before < set(more.state_dict())


def test_saved_and_loaded_it_judges_the_same(tone, tmp_path):
    module = discriminator("bands")
    module.save_pretrained(tmp_path / "discriminator")
    loaded = Discriminator.from_pretrained(tmp_path / "discriminator")
    assert loaded.config == module.config
    for a, b in zip(module(tone), loaded(tone), strict=True):
        assert torch.equal(a.score, b.score)
    assert sorted(path.name for path in (tmp_path / "discriminator").iterdir()) == [
        "config.json",
        "model.safetensors",
    ]


@pytest.mark.parametrize(
    "change", [{"model_type": "affectcodec"}, {"colour": 1}, {"band_channels": 3}]
)
def test_other_folders_are_refused(change, tmp_path):
    discriminator("bands").save_pretrained(tmp_path / "d")
    path = tmp_path / "d" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(CheckpointError, match=str(tmp_path)):
        Discriminator.from_pretrained(tmp_path / "d")


def test_no_discriminator_at_all_is_refused():
    with pytest.raises(ValueError, match="empty"):
        Discriminator(DiscriminatorConfig(**NONE))
