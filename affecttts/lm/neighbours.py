"""Codes that sound alike: soft labels and plausible wrong turns from the geometry of the codebooks.

A code is where a latent happened to fall; the codes around it would have served nearly as well. Telling the LM so
spares a small corpus from showing it, and makes the likeliest code the one nearest to what is expected.
"""

from __future__ import annotations

import torch
from torch import Tensor


def neighbour_kernel(vectors: Tensor, softness: float) -> Tensor:
    """Rows of a Gaussian kernel over distances between codebook vectors.

    Args:
        vectors: [N,D] of one codebook.
        softness: mean share of a row that goes to other codes, 0 <= softness < 1; it sets the width of the kernel.

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
