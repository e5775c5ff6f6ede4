"""Checkpoints restore everything that the next step depends on."""

import pytest
import torch
from torch import nn

from affecttts.training.checkpoint import has_checkpoint, load_checkpoint, save_checkpoint
from affecttts.training.schedule import faded, learning_rate, ramp
from codec.errors import CheckpointError


def parts(seed=0, width=5, fused=True):
    torch.manual_seed(seed)
    module = nn.Sequential(
        nn.Linear(3, width), nn.BatchNorm1d(width), nn.Dropout(0.5), nn.Linear(width, 1)
    )
    optimizer = torch.optim.AdamW(
        module.parameters(), 0.01, betas=(0.8, 0.99), weight_decay=0.1, fused=fused
    )
    return module, optimizer


def step(module, optimizer):
    """One update on random data with dropout: it depends on weights, moments and random numbers."""
    loss = module(torch.randn(8, 3)).pow(2).mean()
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return loss.item()


def equal(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_going_on_equals_never_having_stopped(tmp_path):
    module, optimizer = parts()
    for _ in range(3):
        step(module, optimizer)
    save_checkpoint(
        tmp_path / "c",
        {"m": module},
        {"m": optimizer},
        {"step": 3, "config": {"betas": [0.8, 0.99]}},
    )
    expected = [step(module, optimizer) for _ in range(3)]
    other, other_optimizer = parts(seed=9)
    assert not equal(module.state_dict(), other.state_dict())
    state = load_checkpoint(tmp_path / "c", {"m": other}, {"m": other_optimizer})
    assert state == {"step": 3, "config": {"betas": [0.8, 0.99]}}
    assert [step(other, other_optimizer) for _ in range(3)] == expected
    assert equal(module.state_dict(), other.state_dict())
    for first, second in zip(
        optimizer.state_dict()["state"].values(), other_optimizer.state_dict()["state"].values()
    ):
        assert equal(first, second)
    assert other_optimizer.param_groups[0]["weight_decay"] == 0.1


def test_saving_again_replaces_the_checkpoint_and_leaves_no_litter(tmp_path):
    module, optimizer = parts()
    assert not has_checkpoint(tmp_path / "c")
    for number in (1, 2):
        save_checkpoint(tmp_path / "c", {"m": module}, {"m": optimizer}, {"step": number})
    assert has_checkpoint(tmp_path / "c")
    assert load_checkpoint(tmp_path / "c", {"m": module}, {"m": optimizer}) == {"step": 2}
    assert [path.name for path in tmp_path.iterdir()] == ["c"]


def test_a_failed_save_keeps_the_earlier_one(tmp_path):
    module, optimizer = parts()
    save_checkpoint(tmp_path / "c", {"m": module}, {"m": optimizer}, {"step": 1})
    with pytest.raises(TypeError):
        save_checkpoint(tmp_path / "c", {"m": module}, {"m": optimizer}, {"step": object()})
    assert load_checkpoint(tmp_path / "c", {"m": module}, {"m": optimizer}) == {"step": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["c"]


def test_other_modules_are_refused(tmp_path):
    module, optimizer = parts()
    step(module, optimizer)
    save_checkpoint(tmp_path / "c", {"m": module}, {"m": optimizer}, {})
    wider, wider_optimizer = parts(width=6)
    with pytest.raises(CheckpointError, match="another config"):
        load_checkpoint(tmp_path / "c", {"m": wider}, {"m": wider_optimizer})
    with pytest.raises(CheckpointError, match="No such file"):
        load_checkpoint(tmp_path / "c", {"m": module, "extra": module}, {"m": optimizer})


@pytest.mark.parametrize(
    "name", ["state.json", "m.safetensors", "optimizer_m.safetensors", "rng.safetensors"]
)
def test_a_missing_part_is_named(tmp_path, name):
    module, optimizer = parts()
    save_checkpoint(tmp_path / "c", {"m": module}, {"m": optimizer}, {})
    (tmp_path / "c" / name).unlink()
    with pytest.raises(CheckpointError, match=name):
        load_checkpoint(tmp_path / "c", {"m": module}, {"m": optimizer})


def test_learning_rate_warms_up_and_falls():
    rates = [learning_rate(step, 1.0, 10, 100) for step in range(121)]
    assert rates[0] == pytest.approx(0.1) and max(rates) == pytest.approx(1.0)
    assert rates[:10] == sorted(rates[:10]) and rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[100] == rates[120] == pytest.approx(0.05)


def test_a_ramp_rises_between_its_ends():
    assert [ramp(step, 10, 20) for step in (0, 10, 15, 20, 99)] == [0.0, 0.0, 0.5, 1.0, 1.0]
    assert [ramp(step, 10, 10) for step in (9, 10)] == [0.0, 1.0]
    assert ramp(0, -1, -1) == 1.0


def test_what_fades_is_gone_after_its_part_of_the_run():
    assert [faded(step, 40, (0.25, 0.75)) for step in (0, 10, 20, 30, 40)] == [
        1.0,
        1.0,
        0.5,
        0.0,
        0.0,
    ]
    assert [faded(step, 40, ()) for step in (0, 40)] == [1.0, 1.0]
