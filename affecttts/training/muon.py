"""Muon, the optimizer of matrices whose update is the orthogonal matrix nearest to the momentum
(arXiv 2502.16982).

`torch.optim.Muon` does the same in bfloat16 alone. On a CPU without instructions for that it took
46 of the 56 seconds of a step of `small/lm.yaml`; here float32 is a choice.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the quintic Newton-Schulz iteration
ITERATIONS = 5


def orthogonalised(matrix: Tensor, dtype: torch.dtype) -> Tensor:
    """U S' V^T of a matrix [M,N] = U S V^T, with S' of about 1 (0.7 to 1.2), by Newton-Schulz steps
    computed in `dtype`.
    """
    a, b, c = COEFFICIENTS
    x = matrix.to(dtype)
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    x = x / x.norm().clamp_min(1e-7)
    for _ in range(ITERATIONS):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, orthogonalised; decoupled weight decay; steps as large as AdamW's, 0.2
    sqrt(max(M, N)) lr.

    Args:
        matrices: parameters [M,N].
        lr: learning rate.
        weight_decay: share of the weights, times lr, that a step takes off.
        momentum: of the gradients' moving average.
        dtype: in which the iteration is computed.

    Raises:
        ValueError: a parameter that is no matrix.
    """

    def __init__(
        self,
        matrices: Iterable[Tensor],
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        dtype: torch.dtype = torch.bfloat16,
    ) -> None:
        super().__init__(matrices, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})
        self.dtype = dtype
        for shape in (tuple(p.shape) for group in self.param_groups for p in group["params"]):
            if len(shape) != 2:
                raise ValueError(
                    f"Muon optimises matrices, got a parameter of shape {shape}; leave it to AdamW"
                )

    @torch.no_grad()
    def step(self, closure=None):  # noqa: ANN001, ANN201 - torch's signature
        loss = torch.enable_grad()(closure)() if closure is not None else None
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._update(parameter, group["lr"], group["weight_decay"], group["momentum"])
        return loss

    def _update(self, parameter: Tensor, lr: float, weight_decay: float, momentum: float) -> None:
        state = self.state[parameter]
        if not state:
            state["momentum_buffer"] = torch.zeros_like(parameter)
        average = state["momentum_buffer"]
        average.lerp_(parameter.grad, 1 - momentum)
        direction = orthogonalised(parameter.grad.lerp(average, momentum), self.dtype)
        parameter.mul_(1 - lr * weight_decay)
        parameter.add_(direction.to(parameter.dtype), alpha=-0.2 * lr * max(parameter.shape) ** 0.5)
