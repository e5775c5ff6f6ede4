"""Fast decoding of a Llama on CPU: 8-bit weights, fused projections, preallocated cache, and a head
cut to the tokens that may follow.

One token at a time, the work is reading weights: 8-bit ones are read four times faster than float32
ones. With `precision="float32"` the results are those of `LlamaForCausalLM` (a test holds this).
Built from the checkpoint's tensors, so that synthesis never imports transformers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from codec.errors import CheckpointError

PRECISIONS = ("int8", "float32")


class Matrix:
    """A weight [out,in] that multiplies rows: float32, or 8 bits with one scale per output."""

    def __init__(self, weight: Tensor, precision: str) -> None:
        weight = weight.float()
        self.scales = None
        if precision == "int8":
            # Rounded before use, so that the integers fit the scale that will multiply them.
            self.scales = (weight.abs().amax(dim=1) / 127).clamp_min(1e-12).bfloat16()
            weight = (weight / self.scales.float()[:, None]).round().clamp(-127, 127).to(torch.int8)
        self.weight = weight.contiguous()

    def __call__(self, x: Tensor) -> Tensor:
        """x float32 [N,in] -> float32 [N,out]."""
        return self._multiply(x, self.weight, self.scales)

    def rows(self, x: Tensor, first: int, count: int) -> Tensor:
        """Only the outputs first .. first + count - 1."""
        scales = None if self.scales is None else self.scales[first : first + count]
        return self._multiply(x, self.weight[first : first + count], scales)

    @staticmethod
    def _multiply(x: Tensor, weight: Tensor, scales: Tensor | None) -> Tensor:
        if scales is None:
            return nn.functional.linear(x, weight)
        # The kernel is fast for bfloat16 rows and scales only.
        return torch._weight_int8pack_mm(x.bfloat16(), weight, scales).float()


@dataclass(frozen=True)
class Layer:
    """Weights of one transformer layer; the gains of the norms are folded into the matrices behind
    them.
    """

    qkv: Matrix  # [3*H*d, hidden]
    output: Matrix  # [hidden, H*d]
    gate_up: Matrix  # [2*mlp, hidden]
    down: Matrix  # [hidden, mlp]


class Engine:
    """A Llama's forward pass over rows that share one position."""

    def __init__(
        self, config: dict[str, Any], tensors: dict[str, Tensor], precision: str = "int8"
    ) -> None:
        if precision not in PRECISIONS:
            raise ValueError(f"precision is {precision!r}, must be one of {PRECISIONS}")
        try:
            self.heads, self.hidden = config["num_attention_heads"], config["hidden_size"]
            self.head_dim = config.get("head_dim") or self.hidden // self.heads
            self.epsilon, self.max_tokens = (
                config["rms_norm_eps"],
                config["max_position_embeddings"],
            )
            self.layers = [
                self._layer(tensors, f"model.layers.{i}.", precision)
                for i in range(config["num_hidden_layers"])
            ]
            self.embedding = tensors["model.embed_tokens.weight"].float()
            head = tensors.get("lm_head.weight", tensors["model.embed_tokens.weight"])
            self.head = Matrix(head.float() * tensors["model.norm.weight"].float(), precision)
        except KeyError as error:
            raise CheckpointError(
                f"the LM lacks {error}; its weights do not fit its config.json"
            ) from error
        theta = (config.get("rope_parameters") or {}).get("rope_theta") or config.get(
            "rope_theta", 10000.0
        )
        self.cos, self.sin = self._rotations(float(theta))

    def _layer(self, tensors: dict[str, Tensor], prefix: str, precision: str) -> Layer:
        def weight(name: str) -> Tensor:
            return tensors[f"{prefix}{name}.weight"].float()

        query, key, value = (weight(f"self_attn.{name}_proj") for name in "qkv")
        query = query * self.head_dim**-0.5  # the scale of the attention scores
        qkv = torch.cat([query, key, value]) * weight("input_layernorm")
        gate_up = torch.cat([weight("mlp.gate_proj"), weight("mlp.up_proj")]) * weight(
            "post_attention_layernorm"
        )
        dense = (qkv, weight("self_attn.o_proj"), gate_up, weight("mlp.down_proj"))
        return Layer(*(Matrix(matrix, precision) for matrix in dense))

    def _rotations(self, theta: float) -> tuple[Tensor, Tensor]:
        inverse = theta ** -(torch.arange(0, self.head_dim, 2, dtype=torch.float32) / self.head_dim)
        angles = torch.outer(torch.arange(self.max_tokens, dtype=torch.float32), inverse)
        angles = torch.cat([angles, angles], dim=-1)[:, None]
        # The halves are swapped by a roll, so the first half of the sine carries the minus of the
        # rotation.
        sign = torch.cat([-torch.ones(self.head_dim // 2), torch.ones(self.head_dim // 2)])
        return angles.cos(), angles.sin() * sign

    def start(self, padding: list[int], length: int) -> Cache:
        """An empty cache.

        Args:
            padding: [B] tokens at the start of each row that nobody may look at (rotary positions
                are relative, so padding on the left changes nothing else).
            length: tokens of the longest row.

        Raises:
            ValueError: longer than the model's context.
        """
        if length > self.max_tokens:
            raise ValueError(f"{length} tokens do not fit the model's context of {self.max_tokens}")
        shape = (len(self.layers), len(padding), self.heads, length, self.head_dim)
        visible = torch.arange(length) >= torch.tensor(padding)[:, None] if any(padding) else None
        return Cache(torch.zeros(shape), torch.zeros(shape), visible)

    @torch.inference_mode()
    def forward(self, ids: Tensor, cache: Cache) -> Tensor:
        """Feed tokens ids [B,n] and return the last position's hidden state [B,hidden] (input of
        `logits`).
        """
        batch, count = ids.shape
        begin, end = cache.length, cache.length + count
        cos, sin, hidden_from = self.cos[begin:end], self.sin[begin:end], cache.hidden_from(count)
        stream = self.embedding[ids.reshape(-1)]
        for index, layer in enumerate(self.layers):
            qkv = layer.qkv(self._norm(stream)).view(batch, count, 3, self.heads, self.head_dim)
            pair = qkv[:, :, :2]
            pair = (pair * cos[:, None] + pair.roll(self.head_dim // 2, -1) * sin[:, None]).permute(
                2, 0, 3, 1, 4
            )
            keys, values = cache.keys[index], cache.values[index]
            keys[:, :, begin:end] = pair[1]
            values[:, :, begin:end] = qkv[:, :, 2].transpose(1, 2)
            scores = pair[0] @ keys[:, :, :end].transpose(-1, -2)
            if hidden_from is not None:
                scores.masked_fill_(hidden_from, -torch.inf)
            attended = scores.softmax(dim=-1) @ values[:, :, :end]
            stream = stream + layer.output(attended.transpose(1, 2).reshape(batch * count, -1))
            gate, up = layer.gate_up(self._norm(stream)).chunk(2, dim=-1)
            stream = stream + layer.down(nn.functional.silu(gate) * up)
        cache.length = end
        return self._norm(stream.view(batch, count, -1)[:, -1])

    @torch.inference_mode()
    def logits(self, hidden: Tensor, first: int, count: int) -> Tensor:
        """hidden [B,hidden] -> float32 logits [B,count] of the ids first .. first + count - 1."""
        return self.head.rows(hidden, first, count)

    def _norm(self, x: Tensor) -> Tensor:
        return x * (x.square().mean(dim=-1, keepdim=True) + self.epsilon).rsqrt()


class Cache:
    """Keys and values [layers, B, heads, length, head_dim] and how many positions are filled."""

    def __init__(self, keys: Tensor, values: Tensor, visible: Tensor | None) -> None:
        self.keys, self.values, self.visible, self.length = keys, values, visible, 0

    def hidden_from(self, count: int) -> Tensor | None:
        """Where `count` new tokens may not look: bool, broadcastable to [B, heads, count, length +
        count]; None = nowhere.
        """
        end = self.length + count
        future = (
            None if count == 1 else torch.ones(count, end, dtype=torch.bool).triu(self.length + 1)
        )
        if self.visible is None:
            return future
        padding = ~self.visible[:, None, None, :end]
        if future is None:
            return padding
        # A padding token sees itself, so that its softmax is defined.
        own = torch.eye(count, end, dtype=torch.bool).roll(self.length, 1)
        return (future | padding) & ~own
