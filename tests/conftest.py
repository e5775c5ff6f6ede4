"""Tiny random networks, made in seconds, for everything that needs a model."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch

from affecttts.data.manifest import read_manifest
from affecttts.emotion import load_emotions
from affecttts.lm.generate import SamplingConfig
from affecttts.lm.layout import TokenLayout
from affecttts.lm.model import LMConfig, build_llama, save_lm
from affecttts.lm.pieces import train_pieces
from affecttts.model_folder import INFO_NAME, ModelInfo
from codec import Codec, CodecConfig
from codec.serialization import fingerprint, write_json

DATA = Path(__file__).parent / "data"
REPOSITORY = Path(__file__).parents[1]
VOICES = ("heart", "fenrir")
LONGEST_PHONE = 3  # frames: the tiny LM hardly ever draws a longer duration


def random_codec(seed: int = 0, **changes) -> Codec:
    """An untrained tiny codec in evaluation mode; its pitch is voiced about half of the time."""
    torch.manual_seed(seed)
    codec = Codec(CodecConfig.preset("tiny", **changes))
    for book in codec.quantizer.codebooks:
        book.vectors.mul_(4)
    return codec.eval()


def tiny_layout(**changes) -> TokenLayout:
    """A layout for the tiny codec."""
    values = {"emotions": load_emotions().ids, "voices": VOICES, "num_codebooks": 4, "codebook_size": 64, "num_pieces": 300}
    return TokenLayout(**(values | changes))


def random_llama(layout: TokenLayout, seed: int = 0, max_tokens: int = 2048):
    """An untrained tiny Llama that draws short durations, so that speech ends soon.

    Every token has the same first coordinate, to which no layer adds; long durations have the opposite one.
    """
    torch.manual_seed(seed)
    model = build_llama(LMConfig(hidden_size=32, num_layers=2, num_heads=2, mlp_size=64, max_tokens=max_tokens), layout)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "norm" not in name:
                weight.normal_(std=0.3)
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight[0], layer.mlp.down_proj.weight[0] = 0.0, 0.0
        table = model.model.embed_tokens.weight
        table[:, 0] = 4.0
        table[layout.duration(LONGEST_PHONE + 1) : layout.voice_start, 0] = -8.0
    return model.eval()


@pytest.fixture(scope="session")
def tiny_codec() -> Codec:
    """Treat as read-only."""
    return random_codec()


@pytest.fixture(scope="session")
def tone() -> torch.Tensor:
    """[1,1,T] half a second of a 220 Hz sound with harmonics, of changing loudness; T is no multiple of a frame."""
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
def tiny_model_dir(tiny_codec: Codec, pieces_model: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder without any training, which babbles. Treat as read-only."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    tiny_codec.save_pretrained(folder / "codec")
    layout = tiny_layout()
    save_lm(folder / "lm", random_llama(layout), layout, fingerprint(folder / "codec"), pieces_model)
    info = ModelInfo("tiny", "none", VOICES, layout.emotions, sampling=asdict(SamplingConfig()), voice_notes={"heart": "warm"})
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
