"""Soft labels and near misses from the geometry of a codebook."""

import pytest
import torch

from affecttts.lm.sequence import Condition, build_segment, join_segments, phone_ids
from affecttts.training.lm.loss import StreamLoss
from affecttts.training.lm.neighbours import neighbour_kernel, without_self
from tiny_models import CODES, random_llama, tiny_layout

VECTORS = torch.randn(40, 6, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("softness", [0.0, 0.2, 0.7])
def test_rows_are_labels_of_the_softness_asked_for(softness):
    kernel = neighbour_kernel(VECTORS, softness)
    torch.testing.assert_close(kernel.sum(dim=1), torch.ones(40))
    assert 1 - kernel.diagonal().mean() == pytest.approx(softness, abs=1e-3)


def test_nearer_codes_get_more():
    kernel, distances = neighbour_kernel(VECTORS, 0.5), torch.cdist(VECTORS, VECTORS)
    assert all(
        torch.equal(kernel[i].argsort(descending=True), distances[i].argsort()) for i in range(40)
    )


def test_near_misses_never_hit():
    misses = without_self(neighbour_kernel(VECTORS, 0.5))
    assert misses.diagonal().abs().max() == 0
    torch.testing.assert_close(misses.sum(dim=1), torch.ones(40))


@pytest.mark.parametrize("softness", [-0.1, 1.0])
def test_softness_out_of_range(softness):
    with pytest.raises(ValueError, match="softness"):
        neighbour_kernel(VECTORS, softness)


def test_loss_is_soft_in_training_and_hard_in_validation():
    layout = tiny_layout()
    codes = torch.randint(0, 64, (4, 6), generator=torch.Generator().manual_seed(0)).numpy()
    segment = join_segments(
        layout,
        [
            build_segment(
                layout, Condition(CODES["heart"]), phone_ids(layout, "hi"), [2, 1, 3, 0], codes
            )
        ],
    )
    tokens, labels = (
        torch.from_numpy(segment.tokens).long()[None],
        torch.from_numpy(segment.labels).long()[None],
    )
    model = random_llama(layout)
    kernels = [
        neighbour_kernel(torch.randn(64, 8, generator=torch.Generator().manual_seed(k)), 0.5)
        for k in range(4)
    ]
    hard, soft = StreamLoss(model, layout), StreamLoss(model, layout, kernels)
    with torch.no_grad():
        plain, judged, trained = (
            hard(tokens, labels),
            soft.eval()(tokens, labels),
            soft.train()(tokens, labels),
        )
        logits = model(input_ids=tokens).logits[0, :-1]
    assert all(torch.equal(plain[name], judged[name]) for name in plain)
    place = int((labels[0, 1:] >= layout.book(1)).nonzero()[0])
    code = int(labels[0, place + 1]) - layout.book(1)
    expected = -(
        kernels[1][code] * logits[place, layout.book(1) : layout.book(2)].log_softmax(0)
    ).sum()
    torch.testing.assert_close(trained["q2"][0], expected, atol=1e-4, rtol=1e-4)
    assert torch.equal(plain["duration"], trained["duration"])
