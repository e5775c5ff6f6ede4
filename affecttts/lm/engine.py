"""Fast decoding of a Llama on CPU: fused projections, preallocated key/value cache, output head cut to what may come.

Same weights and same results as `LlamaForCausalLM` (a test holds this); built from the checkpoint's tensors, so that
synthesis never imports transformers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from codec.errors import CheckpointError


@dataclass(frozen=True)
class Layer:
    """Weights of one transformer layer."""

    qkv: Tensor  # [3*H*d, hidden]
    output: Tensor
    gate_up: Tensor  # [2*mlp, hidden]
    down: Tensor
    norm_attention: Tensor
    norm_mlp: Tensor


def best_dtype() -> torch.dtype:
    """bfloat16 where the processor multiplies it natively (half the memory traffic of float32), else float32."""
    try:
        native = torch.ops.mkldnn._is_mkldnn_bf16_supported() and torch.cpu._is_avx512_bf16_supported()
    except AttributeError:
        native = False
    return torch.bfloat16 if native else torch.float32


class Engine:
    """A Llama's forward pass over at most `batch_size` rows that share one position."""

    def __init__(self, config: dict[str, Any], tensors: dict[str, Tensor], dtype: torch.dtype | None = None) -> None:
        self.dtype = dtype or best_dtype()
        self.heads, self.hidden = config["num_attention_heads"], config["hidden_size"]
        self.head_dim = config.get("head_dim") or self.hidden // self.heads
        self.epsilon, self.max_tokens = config["rms_norm_eps"], config["max_position_embeddings"]
        try:
            self.layers = [self._layer(tensors, f"model.layers.{i}.") for i in range(config["num_hidden_layers"])]
            self.embedding = tensors["model.embed_tokens.weight"].float()
            self.head = tensors.get("lm_head.weight", tensors["model.embed_tokens.weight"]).to(self.dtype)
            self.final_norm = tensors["model.norm.weight"].float()
        except KeyError as error:
            raise CheckpointError(f"model.safetensors lacks {error}; it does not fit config.json") from error
        theta = (config.get("rope_parameters") or {}).get("rope_theta") or config.get("rope_theta", 10000.0)
        self.cos, self.sin = self._rotations(float(theta))

    def _layer(self, tensors: dict[str, Tensor], prefix: str) -> Layer:
        def weight(name: str) -> Tensor:
            return tensors[f"{prefix}{name}.weight"]

        attention = [weight(f"self_attn.{name}_proj") for name in "qkv"]
        return Layer(
            torch.cat(attention).to(self.dtype), weight("self_attn.o_proj").to(self.dtype),
            torch.cat([weight("mlp.gate_proj"), weight("mlp.up_proj")]).to(self.dtype),
            weight("mlp.down_proj").to(self.dtype),
            weight("input_layernorm").float(), weight("post_attention_layernorm").float(),
        )  # fmt: skip

    def _rotations(self, theta: float) -> tuple[Tensor, Tensor]:
        inverse = theta ** -(torch.arange(0, self.head_dim, 2, dtype=torch.float32) / self.head_dim)
        angles = torch.outer(torch.arange(self.max_tokens, dtype=torch.float32), inverse)
        angles = torch.cat([angles, angles], dim=-1)
        # The halves are swapped by a roll, so the first half of the sine carries the minus of the rotation.
        sign = torch.cat([-torch.ones(self.head_dim // 2), torch.ones(self.head_dim // 2)])
        return angles.cos(), angles.sin() * sign

    def start(self, padding: list[int], length: int) -> Cache:
        """An empty cache.

        Args:
            padding: [B] tokens at the start of each row that nobody may look at (rotary positions are relative, so
                padding on the left changes nothing else).
            length: tokens of the longest row.

        Raises:
            ValueError: longer than the model's context.
        """
        if length > self.max_tokens:
            raise ValueError(f"{length} tokens do not fit the model's context of {self.max_tokens}")
        shape = (len(self.layers), len(padding), self.heads, length, self.head_dim)
        visible = torch.arange(length) >= torch.tensor(padding)[:, None] if any(padding) else None
        return Cache(torch.zeros(shape, dtype=self.dtype), torch.zeros(shape, dtype=self.dtype), visible)

    @torch.inference_mode()
    def forward(self, ids: Tensor, cache: Cache) -> Tensor:
        """Feed tokens ids [B,n] and return the last position's hidden state [B,hidden] (input of `logits`)."""
        batch, count = ids.shape
        begin, end = cache.length, cache.length + count
        cos, sin = self.cos[begin:end], self.sin[begin:end]
        hidden = nn.functional.embedding(ids, self.embedding)
        mask = cache.mask(count)
        for index, layer in enumerate(self.layers):
            normed = self._norm(hidden, layer.norm_attention)
            qkv = nn.functional.linear(normed, layer.qkv).view(batch, count, 3, self.heads, self.head_dim)
            query, key, value = qkv.permute(2, 0, 3, 1, 4).unbind(0)
            cache.keys[index, :, :, begin:end] = self._rotate(key, cos, sin)
            cache.values[index, :, :, begin:end] = value
            attended = nn.functional.scaled_dot_product_attention(
                self._rotate(query, cos, sin), cache.keys[index, :, :, :end], cache.values[index, :, :, :end], mask
            )
            hidden = hidden + nn.functional.linear(attended.transpose(1, 2).reshape(batch, count, -1), layer.output)
            gate, up = nn.functional.linear(self._norm(hidden, layer.norm_mlp), layer.gate_up).chunk(2, dim=-1)
            hidden = hidden + nn.functional.linear(nn.functional.silu(gate) * up, layer.down)
        cache.length = end
        return self._norm(hidden[:, -1], self.final_norm)

    @torch.inference_mode()
    def logits(self, hidden: Tensor, first: int, count: int) -> Tensor:
        """hidden [B,hidden] -> float32 logits [B,count] of the ids first .. first + count - 1."""
        return nn.functional.linear(hidden, self.head[first : first + count]).float()

    def _norm(self, x: Tensor, weight: Tensor) -> Tensor:
        return nn.functional.rms_norm(x, (self.hidden,), weight, self.epsilon).to(self.dtype)

    def _rotate(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        return (x * cos + x.roll(self.head_dim // 2, dims=-1) * sin).to(self.dtype)


class Cache:
    """Keys and values [layers, B, heads, length, head_dim] and how many positions are filled."""

    def __init__(self, keys: Tensor, values: Tensor, visible: Tensor | None) -> None:
        self.keys, self.values, self.visible, self.length = keys, values, visible, 0

    def mask(self, count: int) -> Tensor | None:
        """What `count` new tokens may look at: bool, broadcastable to [B, heads, count, length + count]; None = all."""
        end = self.length + count
        causal = None if count == 1 else torch.ones(count, end, dtype=torch.bool).tril(self.length)
        if self.visible is None:
            return causal
        visible = self.visible[:, None, None, :end]
        # A padding token sees itself, so that its softmax is defined.
        return visible if causal is None else (causal & visible) | torch.eye(count, end, dtype=torch.bool).roll(self.length, 1)
