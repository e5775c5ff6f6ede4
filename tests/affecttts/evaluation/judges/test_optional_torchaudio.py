"""A stand-in for torchaudio while something is imported, and no trace of it afterwards."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType

import pytest

from affecttts.evaluation.judges.optional_torchaudio import torchaudio_or_stub


def loaded() -> set[str]:
    return {name for name in sys.modules if name.partition(".")[0] == "torchaudio"}


@pytest.fixture(autouse=True)
def before():
    """What is loaded of torchaudio stays as it was for other tests."""
    kept = {name: sys.modules.pop(name) for name in loaded()}
    yield
    for name in loaded():
        del sys.modules[name]
    sys.modules.update(kept)


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Put a package torchaudio with this source before all others."""

    def write(source: str) -> None:
        (tmp_path / "torchaudio").mkdir()
        (tmp_path / "torchaudio" / "part.py").write_text("")
        (tmp_path / "torchaudio" / "__init__.py").write_text(f"import torchaudio.part\n{source}")
        monkeypatch.syspath_prepend(tmp_path)
        importlib.invalidate_caches()

    return write


@pytest.mark.parametrize("error", ["OSError", "ImportError", "RuntimeError"])
def test_where_it_does_not_load_a_stub_stands_in_and_is_gone_again(install, error):
    install(f"raise {error}('linked to another torch')")
    with torchaudio_or_stub():
        import torchaudio
        import torchaudio.functional
        from torchaudio import transforms

        assert torchaudio.transforms is transforms
    assert not loaded()
    with pytest.raises((OSError, ImportError, RuntimeError), match="another torch"):
        importlib.import_module("torchaudio")


def test_the_stub_is_gone_also_after_an_error(install):
    install("raise OSError")
    with pytest.raises(KeyError), torchaudio_or_stub():
        raise KeyError
    assert not loaded() and importlib.util.find_spec("torchaudio").origin is not None


def test_the_real_one_is_left_alone(install):
    install("__version__ = '99'")
    with torchaudio_or_stub():
        import torchaudio

        assert torchaudio.__version__ == "99"
    assert isinstance(sys.modules["torchaudio"], ModuleType)
    assert sys.modules["torchaudio"].__version__ == "99"
