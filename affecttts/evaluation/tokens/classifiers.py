"""The probes' classifiers: ridge regression on means and spreads over time, and a bidirectional GRU
with attention; fitted to frames that they are given, asked about others.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

RIDGE, EPSILON = 10.0, 1e-5
GRU_WIDTH, GRU_EPOCHS, GRU_STEPS, GRU_BATCH, GRU_RATE, GRU_WARMUP = 64, 16, 100, 32, 3e-3, 0.1
LENGTH_JITTER = 20  # frames


def linear_probe(
    train: list[Tensor], labels: Tensor, test: list[Tensor], classes: int, seed: int
) -> Tensor:
    """Ridge regression on means and spreads over time; classes weigh alike. -> int64
    [len(test)].
    """
    pooled = (
        torch.stack([torch.cat([x.mean(0), x.std(0, correction=0)]) for x in side])
        for side in (train, test)
    )
    return ridge(*pooled, labels, classes)


def ridge(train: Tensor, test: Tensor, labels: Tensor, classes: int) -> Tensor:
    """Ridge regression on one-hot labels: the class [M] of each row of `test` [M,D], fitted to
    `train` [N,D] and its labels [N], each class with the same weight.
    """
    mean, spread = train.mean(0), train.std(0).clamp_min(1e-6)
    train, test = (
        (torch.nn.functional.pad((x - mean) / spread, (0, 1), value=1.0)).double()
        for x in (train, test)
    )
    weight = (1.0 / torch.bincount(labels, minlength=classes).clamp_min(1).double())[labels][
        :, None
    ]
    weight = weight / weight.mean()
    targets = torch.nn.functional.one_hot(labels, classes).double()
    gram = train.t() @ (weight * train) + RIDGE * torch.eye(train.shape[1], dtype=torch.float64)
    return (test @ torch.linalg.solve(gram, train.t() @ (weight * targets))).argmax(1)


class _GruProbe(nn.Module):
    """One bidirectional GRU, means and spreads of its states over time, one layer.

    So it can read all that the linear probe reads. Each direction is a GRU of its own that meets
    the padding last: as packed sequences, in half the time on a CPU.
    """

    def __init__(self, dim: int, classes: int) -> None:
        super().__init__()
        self.forwards, self.backwards = (nn.GRU(dim, GRU_WIDTH, batch_first=True) for _ in range(2))
        self.classify = nn.Linear(4 * GRU_WIDTH, classes)

    def forward(self, frames: Tensor, lengths: Tensor) -> Tensor:
        places = lengths[:, None] - 1 - torch.arange(frames.shape[1])[None]
        turned = self.backwards(_taken(frames, places))[0]
        hidden = torch.cat([self.forwards(frames)[0], _taken(turned, places)], dim=-1)
        share = (places >= 0)[..., None] / lengths[:, None, None]
        mean = (share * hidden).sum(1)
        variance = (share * (hidden - mean[:, None]).square()).sum(1)
        return self.classify(torch.cat([mean, (variance + EPSILON).sqrt()], dim=-1))


def _taken(frames: Tensor, places: Tensor) -> Tensor:
    """Frames [B,F,D] at places int64 [B,F]."""
    return frames.gather(1, places.clamp_min(0)[..., None].expand(-1, -1, frames.shape[2]))


def gru_probe(
    train: list[Tensor], labels: Tensor, test: list[Tensor], classes: int, seed: int
) -> Tensor:
    """Bidirectional GRU of 64 with statistics over time, trained for 16 epochs or 100 steps, which
    is more. -> int64 [len(test)].
    """
    joined = torch.cat(train)
    mean, spread = joined.mean(0), joined.std(0).clamp_min(1e-6)
    train, test = ([(x - mean) / spread for x in side] for side in (train, test))
    weight = 1.0 / torch.bincount(labels, minlength=classes).clamp_min(1)
    lengths = torch.tensor([len(x) for x in train])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = _GruProbe(joined.shape[1], classes)
        optimizer = torch.optim.AdamW(model.parameters(), GRU_RATE)
        per_epoch = -(-len(train) // GRU_BATCH)
        epochs = max(GRU_EPOCHS, -(-GRU_STEPS // per_epoch))
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, GRU_RATE, total_steps=epochs * per_epoch, pct_start=GRU_WARMUP
        )
        for _ in range(epochs):
            for picks in _batches_of_like_length(lengths):
                scores = model(*_padded([train[i] for i in picks]))
                nn.functional.cross_entropy(
                    scores, labels[picks], weight / weight.mean()
                ).backward()
                nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                schedule.step()
                optimizer.zero_grad()
    with torch.no_grad():
        batches = [test[start : start + GRU_BATCH] for start in range(0, len(test), GRU_BATCH)]
        return torch.cat([model(*_padded(batch)).argmax(1) for batch in batches])


def _batches_of_like_length(lengths: Tensor) -> list[Tensor]:
    """Indices of an epoch's batches, in random order; padding is little where lengths int64 [N] are
    alike.
    """
    order = torch.randperm(len(lengths))
    order = order[(lengths[order] + LENGTH_JITTER * torch.rand(len(order))).argsort()]
    batches = order.split(GRU_BATCH)
    return [batches[place] for place in torch.randperm(len(batches))]


def _padded(frames: list[Tensor]) -> tuple[Tensor, Tensor]:
    return nn.utils.rnn.pad_sequence(frames, batch_first=True), torch.tensor(
        [len(x) for x in frames]
    )
