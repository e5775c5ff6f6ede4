"""The loss against a slow reading of its definition."""

import pytest
import torch

from affecttts.lm.sequence import IGNORE, Condition, build_segment, join_segments, phone_ids
from affecttts.training.lm.loss import StreamLoss, overall
from tiny_models import CODES, random_llama, tiny_layout

LAYOUT = tiny_layout()


@pytest.fixture(scope="module")
def loss():
    return StreamLoss(random_llama(LAYOUT), LAYOUT).eval()


def item(seed=0, counts=(2, 0, 3, 1)):
    codes = torch.randint(
        0, 64, (4, sum(counts)), generator=torch.Generator().manual_seed(seed)
    ).numpy()
    segment = build_segment(
        LAYOUT, Condition(CODES["heart"], "sad"), phone_ids(LAYOUT, "hi"), list(counts), codes
    )
    joined = join_segments(LAYOUT, [segment])
    return torch.from_numpy(joined.tokens).long(), torch.from_numpy(joined.labels).long()


def kind(target):
    """Name of the range that a target lies in, its start and end."""
    if target == LAYOUT.special("eos"):
        return "end", 0, LAYOUT.size
    if LAYOUT.duration_start <= target < LAYOUT.voice_start:
        return "duration", LAYOUT.duration_start, LAYOUT.voice_start
    book = (target - LAYOUT.codec_start) // LAYOUT.codebook_size
    return f"q{book + 1}", LAYOUT.book(book), LAYOUT.book(book + 1)


def test_equals_a_slow_reference(loss):
    tokens, labels = item()
    with torch.no_grad():
        found = loss(tokens[None], labels[None])
        logits = loss.model(input_ids=tokens[None]).logits[0]
    expected = {}
    for place in range(1, len(tokens)):
        if labels[place] != IGNORE:
            name, low, high = kind(int(labels[place]))
            row = logits[place - 1, low:high].log_softmax(dim=0)
            expected.setdefault(name, []).append(-row[int(labels[place]) - low])
    assert set(found) == set(expected) == {"duration", "q1", "q2", "q3", "q4", "end"}
    for name, values in expected.items():
        torch.testing.assert_close(found[name], torch.stack(values), atol=1e-4, rtol=1e-4)
    assert (len(found["duration"]), len(found["q1"]), len(found["end"])) == (4, 6, 1)
    everything = torch.stack([value for values in expected.values() for value in values])
    torch.testing.assert_close(overall(found), everything.mean(), atol=1e-4, rtol=1e-4)


def test_every_predicted_token_counts_once(loss):
    tokens, labels = item(3, (1, 4, 2, 2))
    with torch.no_grad():
        losses = loss(tokens[None], labels[None])
    assert sum(len(part) for part in losses.values()) == int((labels[1:] != IGNORE).sum())


def test_given_tokens_are_no_targets(loss):
    """A given token in the place of a target's neighbour changes the input, but it is never what is
    to be said.
    """
    tokens, labels = item()
    with torch.no_grad():
        losses = loss(tokens[None], torch.full_like(labels, IGNORE)[None])
    assert all(len(part) == 0 for part in losses.values())
    assert labels[0] == IGNORE and (labels == IGNORE).sum() > 10


def test_the_future_has_no_influence(loss):
    tokens, labels = item()
    changed = tokens.clone()
    changed[-1] = LAYOUT.special("bos")  # the last token predicts nothing
    with torch.no_grad():
        a, b = loss(tokens[None], labels[None]), loss(changed[None], labels[None])
    assert all(torch.equal(a[name], b[name]) for name in a)


def test_padding_has_no_influence(loss):
    (tokens, labels), (others, other_labels) = item(), item(1, (3, 3, 3, 4))
    width = len(others)
    padded = torch.full((2, width), LAYOUT.special("pad"))
    padded_labels = torch.full((2, width), IGNORE)
    padded[0, : len(tokens)], padded_labels[0, : len(labels)] = tokens, labels
    padded[1], padded_labels[1] = others, other_labels
    with torch.no_grad():
        alone = [
            loss(row[None], label[None])
            for row, label in ((tokens, labels), (others, other_labels))
        ]
        both = loss(padded, padded_labels)
    for name, part in both.items():
        torch.testing.assert_close(
            part, torch.cat([single[name] for single in alone]), atol=1e-4, rtol=1e-4
        )


def test_gradient_reaches_every_weight():
    module = StreamLoss(random_llama(LAYOUT).train(), LAYOUT)
    tokens, labels = item()
    overall(module(tokens[None], labels[None])).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in module.parameters())
