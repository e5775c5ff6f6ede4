"""In which number format a training computes."""

from __future__ import annotations

CHOICES = ("auto", "bf16", "no")
# of processors, x86 and ARM; any of them will do
BF16_INSTRUCTIONS = ("amx_bf16", "avx512_bf16", "bf16", "sve_bf16")


def has_fast_bf16() -> bool:
    """Whether the device in use multiplies matrices in bfloat16 by instructions made for it.

    A CPU without them imitates: its products are 70 times slower than in float32 (AVX2, one thread,
    1024 x 1024). An older torch cannot tell; a CPU counts as one without them there.
    """
    import torch
    from accelerate import PartialState
    from accelerate.utils import is_bf16_available

    device = PartialState().device.type
    if device == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device != "cpu":
        return is_bf16_available()
    capabilities = getattr(torch.cpu, "get_capabilities", dict)()
    return any(capabilities.get(name, False) for name in BF16_INSTRUCTIONS)


def check_precision(asked: str) -> None:
    """Refuse what is none of CHOICES.

    Raises:
        ValueError: it is none.
    """
    if asked not in CHOICES:
        raise ValueError(f"mixed_precision is {asked!r}, must be one of {', '.join(CHOICES)}")


def mixed_precision(asked: str) -> str:
    """What accelerate shall use, bf16 or no; `auto` is bf16 where the device is made for it."""
    if asked == "auto":
        return "bf16" if has_fast_bf16() else "no"
    return asked
