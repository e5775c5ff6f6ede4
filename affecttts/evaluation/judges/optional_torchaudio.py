"""Import packages that ask for torchaudio and never use it.

The torchaudio of PyPI does not load beside a CPU build of torch. A stand-in left in `sys.modules`
would mislead others: transformers looks there, too. So it is there only while something is
imported.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

NAMES = ("torchaudio", "torchaudio.functional", "torchaudio.transforms")


@contextmanager
def torchaudio_or_stub() -> Iterator[None]:
    """Within this block `import torchaudio` works: it is the real one or, where that is missing or
    does not load, an empty module that is gone again afterwards.
    """
    try:
        importlib.import_module("torchaudio")
    except (ImportError, OSError, RuntimeError):  # missing, or linked to another build of torch
        _forget()
        stubs = {name: ModuleType(name) for name in NAMES}
        for name in NAMES[1:]:
            setattr(stubs[NAMES[0]], name.rpartition(".")[2], stubs[name])
        sys.modules.update(stubs)
        try:
            yield
        finally:
            _forget()
    else:
        yield


def _forget() -> None:
    """Take torchaudio, or what a failed import left of it, out of the loaded modules."""
    for name in [name for name in sys.modules if name.partition(".")[0] == NAMES[0]]:
        del sys.modules[name]
