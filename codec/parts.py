"""Parts that a config may choose in place of the default ones, imported when one does; and parts
that a trained codec can gain or lose.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

VARIANTS = {  # slot and name in a config -> module of codec/variants and class
    "encoder": {"seanet": ("seanet", "SeanetEncoder")},
    "decoder": {
        "seanet": ("seanet", "SeanetDecoder"),
        "source_filter": ("source_filter", "SourceFilterDecoder"),
        "vocos": ("vocos", "VocosDecoder"),
    },
    "quantizer": {
        "rvq_fact": ("factorized", "FactorizedQuantizer"),
        "rvq_split": ("split", "SplitQuantizer"),
        "bd_rfsq": ("fsq", "BlockDiagonalFSQ"),
    },
    "modulation": {
        "add": ("modulations", "Addition"),
        "film": ("modulations", "Film"),
        "concat": ("modulations", "Concatenation"),
        "self": ("modulations", "SelfAttention"),
        "cem": ("modulations", "EmotionBlock"),
    },
}

ADDABLE = ("modulator", "student")  # parts that a trained codec can be given later
REMOVABLE = (*ADDABLE, "detail")  # and that can be left out


def part(slot: str, name: str, default: type) -> type:
    """The class that fills a slot of the codec: the variant of that name, else the default."""
    if name not in VARIANTS[slot]:
        return default
    module, cls = VARIANTS[slot][name]
    return getattr(import_module(f"codec.variants.{module}"), cls)


def extended_tensors(fresh: dict[str, Tensor], stored: dict[str, Tensor]) -> dict[str, Tensor]:
    """The stored tensors, less those of parts that are to be left out, and fresh ones of parts that
    were added.

    Args:
        fresh: of a new codec of the wanted shape.
        stored: of the trained one.
    """
    has, had = ({_part(name) for name in names} for names in (fresh, stored))
    added, dropped = set(ADDABLE) - had, set(REMOVABLE) - has
    return {name: value for name, value in fresh.items() if _part(name) in added} | {
        name: value for name, value in stored.items() if _part(name) not in dropped
    }


def _part(name: str) -> str:
    """The part of the codec that a tensor belongs to."""
    return name.partition(".")[0]
