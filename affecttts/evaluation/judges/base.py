"""What the judges share."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from codec.audio import resample

JUDGE_RATE = 16000  # Hz, what all three models hear


def to_judge_rate(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """Resample [T] to 16 kHz float32."""
    return resample(np.asarray(audio, dtype=np.float32), sample_rate, JUDGE_RATE)


def missing(packages: tuple[str, ...]) -> str:
    """How to install what is missing of these packages; empty where nothing is."""
    absent = [package for package in packages if find_spec(package) is None]
    if not absent:
        return ""
    if absent == ["resemblyzer"]:
        return "pip install 'affecttts[eval]' && pip install --no-deps resemblyzer"
    return "pip install 'affecttts[adapt,eval]'"


def package_folder(package: str) -> Path:
    """Folder of an installed package, without importing it.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"the package {package} is needed: pip install 'affecttts[eval]'")
    return Path(spec.submodule_search_locations[0])
