"""Results as plain values for report.json."""

from __future__ import annotations

import math
from dataclasses import is_dataclass
from typing import Any


def to_plain(value: Any) -> Any:
    """Ready for strict JSON: records as objects, what is no number as null."""
    if is_dataclass(value):
        return {name: to_plain(x) for name, x in vars(value).items()}
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return {name: to_plain(x) for name, x in value._asdict().items()}
    if isinstance(value, dict):
        return {name: to_plain(x) for name, x in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(x) for x in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
