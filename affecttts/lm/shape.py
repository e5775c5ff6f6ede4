"""What the config.json of an LM may say, and which tensors it implies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from codec.inputs.fields import check_fields, check_range

LARGEST = {
    "num_hidden_layers": 256,
    "num_attention_heads": 256,
    "hidden_size": 16_384,
    "intermediate_size": 65_536,
    "head_dim": 1_024,
    "max_position_embeddings": 65_536,
}
MOST_ROTATIONS = 2**23  # angles of all positions, which are computed when a model is loaded
# What the LM's own engine takes for granted; a config may leave it out.
FIXED = {
    "hidden_act": "silu",
    "attention_bias": False,
    "mlp_bias": False,
    "tie_word_embeddings": True,
}


@dataclass(frozen=True)
class LlamaShape:
    """Size of a Llama, checked.

    Raises:
        ValueError: a value of the wrong type, or out of bounds.
    """

    num_hidden_layers: int
    num_attention_heads: int
    hidden_size: int
    intermediate_size: int
    max_position_embeddings: int
    rms_norm_eps: float
    head_dim: int
    rope_theta: float

    def __post_init__(self) -> None:
        check_fields(self)
        for name, most in LARGEST.items():
            check_range(name, getattr(self, name), 1, most)
        check_range("rms_norm_eps", self.rms_norm_eps, 0, 1)
        check_range("rope_theta", self.rope_theta, 1, 1e7)
        if self.head_dim % 2:
            raise ValueError(f"head_dim is {self.head_dim}, must be even")
        if self.max_position_embeddings * self.head_dim > MOST_ROTATIONS:
            raise ValueError(
                f"max_position_embeddings is {self.max_position_embeddings}, at most "
                f"{MOST_ROTATIONS // self.head_dim} go with a head_dim of {self.head_dim}"
            )

    @classmethod
    def of(cls, config: dict[str, Any]) -> LlamaShape:
        """The shape in a config of transformers.

        Raises:
            ValueError: a missing value, one of the wrong type or out of bounds, or an architecture
                that the engine does not speak.
        """
        for name, value in FIXED.items():
            if config.get(name, value) != value:
                raise ValueError(f"{name} is {config[name]!r:.60}, only {value!r} is spoken here")
        rotary = config.get("rope_parameters") or config.get("rope_scaling") or {}
        if not isinstance(rotary, dict):
            raise ValueError(f"rope_parameters is {rotary!r:.60}, must be an object")
        if (kind := rotary.get("rope_type", rotary.get("type", "default"))) != "default":
            raise ValueError(f"rope_type is {kind!r:.60}, only 'default' is spoken here")
        names = [name for name in cls.__annotations__ if name not in ("head_dim", "rope_theta")]
        if missing := [name for name in names if name not in config]:
            raise ValueError(f"lacks {', '.join(missing)}")
        values = {name: config[name] for name in names}
        heads, hidden = values["num_attention_heads"], values["hidden_size"]
        if config.get("num_key_value_heads", heads) != heads:
            raise ValueError("num_key_value_heads differs from num_attention_heads")
        divides = type(heads) is int and type(hidden) is int and heads > 0 and hidden % heads == 0
        head_dim = config.get("head_dim") or (hidden // heads if divides else 0)
        theta = rotary.get("rope_theta") or config.get("rope_theta", 10000.0)
        return cls(**values, head_dim=head_dim, rope_theta=theta)

    def tensors(self, vocabulary: int) -> dict[str, tuple[int, ...]]:
        """Names and shapes of the tensors of `LlamaForCausalLM`, without the tied output matrix."""
        hidden, inner, mlp = (
            self.hidden_size,
            self.num_attention_heads * self.head_dim,
            self.intermediate_size,
        )
        layer = {
            "input_layernorm": (hidden,),
            "post_attention_layernorm": (hidden,),
            **{f"self_attn.{name}_proj": (inner, hidden) for name in "qkv"},
            "self_attn.o_proj": (hidden, inner),
            "mlp.gate_proj": (mlp, hidden),
            "mlp.up_proj": (mlp, hidden),
            "mlp.down_proj": (hidden, mlp),
        }
        return {
            "model.embed_tokens.weight": (vocabulary, hidden),
            "model.norm.weight": (hidden,),
            **{
                f"model.layers.{index}.{name}.weight": shape
                for index in range(self.num_hidden_layers)
                for name, shape in layer.items()
            },
        }


def check_tensors(found: dict[str, tuple[int, ...]], wanted: dict[str, tuple[int, ...]]) -> None:
    """Compare names and shapes.

    Raises:
        ValueError: they differ; the message names the first difference.
    """
    if missing := sorted(set(wanted) - set(found)):
        raise ValueError(f"the weights lack {missing[0]}")
    if foreign := sorted(set(found) - set(wanted)):
        raise ValueError(
            f"the weights hold {foreign[0][:80]!r}, which config.json knows nothing of"
        )
    for name, shape in wanted.items():
        if found[name] != shape:
            raise ValueError(f"{name} has the shape {found[name]}, config.json says {shape}")
