"""Fixtures that need a model: tiny random networks, made in seconds."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch

from affecttts.data.manifest import read_manifest
from affecttts.emotion.table import load_emotions
from affecttts.lm.generate import SamplingConfig
from affecttts.lm.model import save_lm
from affecttts.lm.pieces import train_pieces
from affecttts.synthesis.model_folder import (
    INFO_NAME,
    PHONE_CLASSIFIER_NAME,
    SPEAKER_ENCODER_NAME,
    ModelInfo,
)
from codec import Codec
from codec.files import fingerprint, write_json
from remembered_f0 import FOLDER, remember
from tiny_models import (
    CODES,
    DATA,
    VOICES,
    random_codec,
    random_llama,
    random_phone_classifier,
    random_speaker_encoder,
    tiny_codes,
    tiny_layout,
)


@pytest.fixture(scope="session", autouse=True)
def tracked_once(tmp_path_factory) -> Iterator[None]:
    """Also in processes that tests start, where they call `remember` themselves."""
    folder = tmp_path_factory.mktemp("f0")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER, str(folder))
        remember(folder, patch)
        yield


@pytest.fixture(scope="session")
def tiny_codec() -> Codec:
    """Treat as read-only."""
    return random_codec()


@pytest.fixture(scope="session")
def tone() -> torch.Tensor:
    """[1,1,T] half a second of a 220 Hz sound with harmonics, of changing loudness; T is no
    multiple of a frame.
    """
    time = torch.arange(12_345) / 24_000
    sound = sum(torch.sin(2 * torch.pi * 220 * k * time) / k for k in range(1, 8))
    return (0.2 * sound * (0.6 + 0.4 * torch.sin(2 * torch.pi * 3 * time)))[None, None]


@pytest.fixture(scope="session")
def utterances() -> list:
    """The rows of tests/data/manifest.jsonl."""
    return list(read_manifest(DATA / "manifest.jsonl"))


@pytest.fixture(scope="session")
def pieces_model() -> bytes:
    """A SentencePiece model of the emotions' phrasings."""
    return train_pieces([p for emotion in load_emotions().emotions for p in emotion.phrasings], 300)


@pytest.fixture(scope="session")
def pieces_path(pieces_model: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same as a file."""
    path = tmp_path_factory.mktemp("pieces") / "prompt_pieces.model"
    path.write_bytes(pieces_model)
    return path


@pytest.fixture(scope="session")
def tiny_model_dir(
    tiny_codec: Codec, pieces_model: bytes, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A model folder without any training, which babbles. Treat as read-only."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    tiny_codec.save_pretrained(folder / "codec")
    random_phone_classifier().save_pretrained(folder / PHONE_CLASSIFIER_NAME)
    random_speaker_encoder().save_pretrained(folder / SPEAKER_ENCODER_NAME)
    layout = tiny_layout()
    save_lm(
        folder / "lm",
        random_llama(layout),
        layout,
        fingerprint(folder / "codec"),
        pieces_model,
        tiny_codes(),
    )
    info = ModelInfo(
        "tiny",
        "none",
        VOICES,
        layout.emotions,
        sampling=asdict(SamplingConfig()),
        voice_notes={"heart": "warm"},
        voice_codes={name: code.hex() for name, code in CODES.items()},
    )
    write_json(folder / INFO_NAME, asdict(info))
    return folder


@pytest.fixture
def model_copy(tiny_model_dir: Path, tmp_path: Path) -> Path:
    """A model folder to break."""
    return Path(shutil.copytree(tiny_model_dir, tmp_path / "model"))


@pytest.fixture
def capped_model_dir(model_copy: Path) -> Path:
    """The tiny model with 25 frames for any text: longer ones hit the cap."""
    info = json.loads((model_copy / INFO_NAME).read_text())
    info["sampling"]["max_frames_per_phone"] = 0.0
    (model_copy / INFO_NAME).write_text(json.dumps(info))
    return model_copy


@pytest.fixture
def wav_file(tone: torch.Tensor, tmp_path: Path) -> Path:
    """The tone as a 24 kHz WAV file."""
    import soundfile

    path = tmp_path / "tone.wav"
    soundfile.write(path, tone[0, 0].numpy().astype(np.float32), 24_000)
    return path
