"""Weights of auxiliary losses that keep their gradients at a set share of the reconstruction's."""

from __future__ import annotations

import torch
from torch import Tensor

MAX_WEIGHT = 50.0


class GradientBalancer:
    """Keeps |weight x gradient| of every auxiliary loss at `ratio` x |gradient of the
    reconstruction| at one node.

    After EnCodec's balancer (arXiv 2210.13438), at the latents instead of at the audio.
    """

    def __init__(self, ratios: dict[str, float], decay: float = 0.9) -> None:
        self.ratios, self.decay = ratios, decay
        self.norms: dict[str, float] = {}  # running means; saved with the training state

    def measure(self, node: Tensor, reconstruction: Tensor, losses: dict[str, Tensor]) -> None:
        """Update the running norms; the graph is kept for the backward pass that follows."""
        auxiliary = {name: losses[name] for name in self.ratios if name in losses}
        for name, loss in {"reconstruction": reconstruction, **auxiliary}.items():
            (gradient,) = torch.autograd.grad(loss, node, retain_graph=True)
            norm = gradient.float().norm().item()
            before = self.norms.get(name, norm)
            self.norms[name] = self.decay * before + (1 - self.decay) * norm

    def weight(self, name: str) -> float:
        """Weight of an auxiliary loss; 0 before it has been measured."""
        if name not in self.norms:
            return 0.0
        return min(
            MAX_WEIGHT,
            self.ratios[name] * self.norms["reconstruction"] / (self.norms[name] + 1e-12),
        )
