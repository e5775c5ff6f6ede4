"""Whatever is given to a public function: the right result, or one of our errors."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch

from affecttts import EmotionSpec, SpeechRequest, Synthesizer, text
from affecttts.adaptation.config import AdaptationConfig, AdaptationRequest
from affecttts.data.manifest import Utterance, parse_row, read_manifest, write_manifest
from affecttts.synthesis.request import SETTINGS
from codec import Codec, CodecConfig
from codec.audio import Audio, encoded, load_audio, read_header, read_samples, save_wav
from codec.errors import UserError

WRONG = (
    *(None, True, 3, -1, 2.5, math.nan, math.inf, 10**400, "", "x" * 3000, "a\0b", "\ud800"),
    *(b"\xff", [], [1], {}, {"a": 1}, (), object(), int, np.zeros(3), np.float32(2)),
    *(torch.zeros(2, 2), torch.zeros(1, 1, 0), torch.full((1, 1, 500), math.nan), Path("nowhere")),
)
UTTERANCE = {"id": "a", "path": "p", "speaker": "s", "seconds": 1.0, "split": "train"}
SIGNAL = Audio(np.zeros(2400, np.float32), 24_000)


@pytest.fixture(scope="module")
def synthesizer(tiny_model_dir) -> Synthesizer:
    return Synthesizer.from_pretrained(tiny_model_dir)


def survives(call: Callable[[object], object]) -> None:
    """Call with everything wrong; some of it may be right here."""
    bad, refused = [], 0
    for value in WRONG:
        try:
            call(value)
        except (UserError, ValueError, OSError):
            refused += 1
        except Exception as error:
            bad.append(f"{type(value).__name__}: {type(error).__name__}: {str(error)[:80]}")
    assert refused and not bad, "\n".join(bad)


def each(cls: type, **given: object) -> dict[str, Callable]:
    """A call for every field of a dataclass."""
    return {
        f"{cls.__name__} {field.name}": lambda value, name=field.name: cls(**given | {name: value})
        for field in fields(cls)
    }


CALLS = {
    **each(SpeechRequest, text="Hi."),
    **each(EmotionSpec),
    **each(AdaptationConfig),
    **each(AdaptationRequest, audio="a", name="ann", output="o"),
    **each(Utterance, **UTTERANCE),
    **{
        f"CodecConfig {field.name}": lambda value, name=field.name: CodecConfig.preset(
            "tiny", **{name: value}
        )
        for field in fields(CodecConfig)
    },
    "settings": SpeechRequest.from_dict,
    "emotion, as typed": EmotionSpec.parse,
    "intensity, as typed": lambda value: EmotionSpec.parse(None, value),
    "prompt, as typed": lambda value: EmotionSpec.parse(None, None, value),
    "a blend's weight": lambda value: EmotionSpec(mixture=(("happy", value),)),
    "a blend's name": lambda value: EmotionSpec(mixture=((value, 1.0),)),
    "a preset": CodecConfig.preset,
    "a codec's config": Codec,
    "a config": CodecConfig.from_dict,
    "a codec's folder": Codec.from_pretrained,
    "a file of sound": lambda value: load_audio(value, 24_000),
    "a header": read_header,
    "samples": read_samples,
    "a signal": lambda value: encoded(value, "WAV", "PCM_16"),
    "a signal's samples": lambda value: encoded(Audio(value, 24_000), "WAV", "PCM_16"),
    "a signal's rate": lambda value: encoded(Audio(SIGNAL.samples, value), "WAV", "PCM_16"),
    "a container": lambda value: encoded(SIGNAL, value, "PCM_16"),
    "a signal to save": lambda value: save_wav("nowhere.wav", value),
    "a text": text.read,
    "a text's phones": text.text_to_phonemes,
    "how to read": lambda value: text.read("Hi.", value),
    "a manifest": lambda value: list(read_manifest(value)),
    "a row": parse_row,
    "a manifest to write": lambda value: write_manifest(value, []),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_functions_of_any_argument(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        survives(call)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_model_asked_for_anything(synthesizer, name):
    survives(lambda value: synthesizer.prepare(SpeechRequest(**{"text": "Hi."} | {name: value})))


def test_a_model_given_anything(synthesizer, tiny_model_dir, tiny_codec, wav_file):
    survives(lambda value: Synthesizer.from_pretrained(value) if value is not None else None)
    survives(lambda value: Synthesizer.from_pretrained(tiny_model_dir, value))
    for call in (synthesizer.load_voice, synthesizer.prepare, synthesizer.speak):
        survives(call)
    tone = torch.ones(1, 1, 4800) * 0.1
    survives(tiny_codec.encode)
    survives(tiny_codec.decode)
    survives(tiny_codec)
    for name in ("num_codebooks", "mode", "teacher_features"):
        survives(lambda value, name=name: tiny_codec.encode(tone, **{name: value}))
    survives(lambda value: load_audio(wav_file, value))
    survives(lambda value: load_audio(wav_file, 24_000, value, 0.1))
    survives(lambda value: load_audio(wav_file, 24_000, 0.0, value))
    survives(lambda value: load_audio(wav_file, 24_000, max_seconds=value))
