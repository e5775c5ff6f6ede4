"""The control of module 2: features themselves are matched."""

import pytest
import torch

from codec.training.relation import FeatureMatcher


def test_feature_matching_vanishes_at_the_teachers_direction():
    matcher = FeatureMatcher([(6, 6)])
    with torch.no_grad():
        matcher.heads[0].weight.copy_(torch.eye(6)), matcher.heads[0].bias.zero_()
    x = torch.randn(2, 10, 6, generator=torch.Generator().manual_seed(1))
    mask = torch.ones(2, 10, dtype=torch.bool)
    assert matcher([x], [(1.0, 2 * x, mask)]).item() == pytest.approx(0.0, abs=1e-6)
    assert matcher([x], [(1.0, -x, mask)]).item() == pytest.approx(2.0, abs=1e-5)
    assert matcher([x], [(0.5, -x, mask)]).item() == pytest.approx(1.0, abs=1e-5)
    assert matcher([x], [(1.0, -x, ~mask)]).item() == 0.0
