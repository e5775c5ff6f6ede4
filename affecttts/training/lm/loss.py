"""Cross-entropy of the token stream."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from affecttts.lm.layout import TokenLayout

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM


class StreamLoss(nn.Module):
    """A Llama with the losses of its predicted tokens by kind: "duration", "q1", .., "end".

    Where a duration or a code of book k stands is given by the grammar of the stream, so the
    softmax runs over that range alone, as in synthesis: a tenth of the work of the full vocabulary.
    The end token is told from the whole vocabulary.

    Args:
        kernels: [codebook_size, codebook_size] per book, the soft label of every code; used in
            training mode alone, so that validation always measures the likelihood of the true
            codes.
    """

    def __init__(
        self, model: LlamaForCausalLM, layout: TokenLayout, kernels: Sequence[Tensor] = ()
    ) -> None:
        super().__init__()
        self.model = model
        for book, kernel in enumerate(kernels):
            self.register_buffer(f"kernel_q{book + 1}", kernel, persistent=False)
        self.eos = layout.special("eos")
        books = {
            f"q{k + 1}": (layout.book(k), layout.book(k + 1)) for k in range(layout.num_codebooks)
        }
        self.ranges = {
            "duration": (layout.duration_start, layout.voice_start),
            **books,
            "end": (0, layout.size),
        }

    def forward(self, tokens: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """tokens, labels int64 [B,S] (labels -100 where given) -> losses [n] of every kind,
        unweighted.
        """
        hidden = self.model.model(input_ids=tokens, use_cache=False).last_hidden_state[:, :-1]
        targets = labels[:, 1:]
        losses = {}
        for name, (low, high) in self.ranges.items():
            chosen = targets == self.eos if name == "end" else (targets >= low) & (targets < high)
            logits = nn.functional.linear(hidden[chosen], self.model.lm_head.weight[low:high])
            picks, kernel = targets[chosen] - low, getattr(self, f"kernel_{name}", None)
            labels = kernel[picks] if self.training and kernel is not None else picks
            losses[name] = nn.functional.cross_entropy(logits.float(), labels, reduction="none")
        return losses


def overall(losses: dict[str, Tensor]) -> Tensor:
    """Mean over all predicted tokens."""
    return torch.cat(list(losses.values())).mean()
