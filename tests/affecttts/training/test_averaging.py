"""Averages of weights forget the start of a run and then move slowly."""

import torch

from affecttts.training.averaging import averaging


def averaged(steps, decay=0.999):
    """The average of a weight that is 1 before the first step and 0 after it."""
    layer = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.ones_(layer.weight)
    mean = torch.optim.swa_utils.AveragedModel(layer, multi_avg_fn=averaging(decay))
    mean.update_parameters(layer)
    torch.nn.init.zeros_(layer.weight)
    for _ in range(steps):
        mean.update_parameters(layer)
    return mean.module.weight.item()


def test_a_short_run_forgets_its_start():
    assert averaged(100) < 1e-6


def test_no_step_counts_more_than_the_decay_allows():
    assert averaged(1, decay=0.0) == 0.0
    layer = torch.nn.Linear(1, 1, bias=False)
    mean = torch.optim.swa_utils.AveragedModel(layer, multi_avg_fn=averaging(0.99))
    for _ in range(2000):
        mean.update_parameters(layer)
    before = mean.module.weight.item()
    layer.weight.data += 1
    mean.update_parameters(layer)
    assert abs(mean.module.weight.item() - before - 0.01) < 1e-5
