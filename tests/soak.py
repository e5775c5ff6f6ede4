"""Long runs, left out unless asked for with `-m soak`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

HOUR = 3600  # seconds


def soak(test: Callable) -> Callable:
    """Mark a test that takes minutes to an hour."""
    return pytest.mark.soak(pytest.mark.slow(pytest.mark.timeout(HOUR)(test)))
