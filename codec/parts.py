"""Parts that a config may choose in place of the default ones, imported when one does."""

from __future__ import annotations

from importlib import import_module

VARIANTS = {  # slot and name in a config -> module of codec/variants and class
    "encoder": {"seanet": ("seanet", "SeanetEncoder")},
    "decoder": {"seanet": ("seanet", "SeanetDecoder"), "vocos": ("vocos", "VocosDecoder")},
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


def part(slot: str, name: str, default: type) -> type:
    """The class that fills a slot of the codec: the variant of that name, else the default."""
    if name not in VARIANTS[slot]:
        return default
    module, cls = VARIANTS[slot][name]
    return getattr(import_module(f"codec.variants.{module}"), cls)
