"""Codes that sound alike: soft labels and plausible wrong turns from the geometry of the codebooks.

A code is where a latent happened to fall; the codes around it would have served nearly as well.
Telling the LM so spares a small corpus from showing it, and makes the likeliest code the one
nearest to what is expected.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from affecttts.lm.layout import TokenLayout

NEAR_MISS_SOFTNESS = 0.5  # of the kernel that near misses are drawn from: the nearest codes


def neighbour_kernel(vectors: Tensor, softness: float) -> Tensor:
    """Rows of a Gaussian kernel over distances between codebook vectors.

    Args:
        vectors: [N,D] of one codebook.
        softness: mean share of a row that goes to other codes, 0 <= softness < 1; it sets the width
            of the kernel.

    Returns:
        [N,N] float32, rows sum to 1; the identity where softness is 0.

    Raises:
        ValueError: softness out of range.
    """
    if not 0 <= softness < 1:
        raise ValueError(f"softness is {softness}, must be at least 0 and below 1")
    distances = torch.cdist(vectors.float(), vectors.float()).square()
    if softness == 0:
        return torch.eye(len(vectors))
    low, high = 1e-6 * distances.mean().item(), 10 * distances.mean().item()
    for _ in range(40):  # bisection in the logarithm of the width
        width = (low * high) ** 0.5
        share = 1 - (-distances / width).softmax(dim=1).diagonal().mean().item()
        low, high = (width, high) if share < softness else (low, width)
    return (-distances / width).softmax(dim=1)


def without_self(kernel: Tensor) -> Tensor:
    """The kernel's other codes alone, rows summing to 1: what a near miss is drawn from."""
    others = kernel - torch.diag(kernel.diagonal())
    return others / others.sum(dim=1, keepdim=True).clamp_min(1e-12)


class NearMisses:
    """Replaces some codec tokens by codes that sound alike, so that an LM learns to go on after a
    draw that was not the best.

    Args:
        codebooks: [codebook_size, D] of every book of the layout.
        share: of the codec tokens that are replaced.
    """

    def __init__(self, layout: TokenLayout, codebooks: Sequence[Tensor], share: float) -> None:
        self.layout, self.share = layout, share
        # From kernels of their own, so that labels of softness 0 leave near misses what they are.
        self.misses = [
            without_self(neighbour_kernel(vectors, NEAR_MISS_SOFTNESS)) for vectors in codebooks
        ]

    def __call__(self, tokens: Tensor, generator: torch.Generator) -> Tensor:
        """tokens int64 [B,S] -> the same with near misses in it."""
        chosen = torch.rand(tokens.shape, generator=generator) < self.share
        noisy = tokens.clone()
        for book, misses in enumerate(self.misses):
            first = self.layout.book(book)
            here = chosen & (tokens >= first) & (tokens < first + self.layout.codebook_size)
            if here.any():
                noisy[here] = (
                    first
                    + torch.multinomial(misses[tokens[here] - first], 1, generator=generator)[:, 0]
                )
        return noisy
