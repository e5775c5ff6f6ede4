"""Tiny random networks that the tests share."""

from __future__ import annotations

import importlib.util
import sys
import tempfile
import zlib
from functools import cache
from pathlib import Path
from types import ModuleType

import numpy as np
import torch

from affecttts.data.alignment.units import ENGLISH
from affecttts.emotion.table import load_emotions
from affecttts.lm.layout import TokenLayout
from affecttts.lm.model import LMConfig, build_llama
from affecttts.lm.voices import VoiceCodes
from codec import Codec, CodecConfig
from codec.files import fingerprint
from codec.speaker import SpeakerEncoder, SpeakerEncoderConfig
from codec.training.phone_classifier import PhoneClassifier, PhoneClassifierConfig

DATA = Path(__file__).parent / "data"
REPOSITORY = Path(__file__).parents[1]
VOICES = ("heart", "fenrir")
CODES = {"heart": bytes(range(16)), "fenrir": bytes(range(15, -1, -1))}
LONGEST_PHONE = 3  # frames: the tiny LM hardly ever draws a longer duration


def random_codec(seed: int = 0, **changes) -> Codec:
    """An untrained tiny codec in evaluation mode; its pitch is voiced about half of the time."""
    torch.manual_seed(seed)
    codec = Codec(CodecConfig.preset("tiny", **changes))
    if codec.config.quantizer == "rvq_ema":
        for book in codec.quantizer.codebooks:
            book.vectors.mul_(4)
    return codec.eval()


def tiny_layout(**changes) -> TokenLayout:
    """A layout for the tiny codec."""
    values = {
        "emotions": load_emotions().ids,
        "num_codebooks": 4,
        "codebook_size": 64,
        "num_pieces": 300,
    }
    return TokenLayout(**(values | changes))


def tiny_codes(*more: str) -> VoiceCodes:
    """Codes of the tiny model's voices, and of more."""
    codes = {name: (code,) for name, code in CODES.items()}
    for name in more:
        drawn = np.random.default_rng(zlib.crc32(name.encode())).integers(0, 16, (3, 16))
        codes.setdefault(name, tuple(bytes(row.tolist()) for row in drawn))
    return VoiceCodes(speaker_encoder_fingerprint(), codes)


def random_speaker_encoder() -> SpeakerEncoder:
    """An untrained tiny speaker encoder in evaluation mode; its codes fill their range."""
    torch.manual_seed(0)
    encoder = SpeakerEncoder(
        SpeakerEncoderConfig(n_mels=16, dim=8, num_blocks=1, attention_dim=4, embedding_dim=16)
    )
    encoder.set_axes(torch.randn(32, 16) * 0.3)
    return encoder.eval()


@cache
def speaker_encoder_fingerprint() -> str:
    """Of the folder of `random_speaker_encoder`."""
    with tempfile.TemporaryDirectory() as folder:
        random_speaker_encoder().save_pretrained(Path(folder) / "speaker_encoder")
        return fingerprint(Path(folder) / "speaker_encoder")


def random_llama(layout: TokenLayout, seed: int = 0, max_tokens: int = 2048):
    """An untrained tiny Llama that draws short durations, but seldom none, so that speech ends
    soon.

    Every token has the same first coordinate, to which no layer adds; long durations have the
    opposite one.
    """
    torch.manual_seed(seed)
    model = build_llama(
        LMConfig(hidden_size=32, num_layers=2, num_heads=2, mlp_size=64, max_tokens=max_tokens),
        layout,
    )
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if "norm" not in name:
                weight.normal_(std=0.3)
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight[0], layer.mlp.down_proj.weight[0] = 0.0, 0.0
        table = model.model.embed_tokens.weight
        table[:, 0] = 4.0
        table[layout.duration(LONGEST_PHONE + 1) : layout.voice_start, 0] = -8.0
        table[layout.duration(0), 0] = 1.0
    return model.eval()


def random_phone_classifier(seed: int = 0) -> PhoneClassifier:
    """An untrained tiny phone classifier in evaluation mode."""
    torch.manual_seed(seed)
    return PhoneClassifier(
        PhoneClassifierConfig(n_mels=16, dim=8, dilations=(1,), classes=ENGLISH.size)
    ).eval()


def load_recipe(name: str) -> ModuleType:
    """A script of recipes/ as a module."""
    full = f"recipe_{name}"
    if full not in sys.modules:
        spec = importlib.util.spec_from_file_location(full, REPOSITORY / "recipes" / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[full] = module  # dataclasses look their module up
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[full]
            raise
    return sys.modules[full]
