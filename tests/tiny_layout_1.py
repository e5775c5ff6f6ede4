"""The tiny model as it was written before there were codes of voices."""

from __future__ import annotations

from pathlib import Path

from affecttts.emotion.table import load_emotions
from affecttts.lm.layout import TokenLayout
from affecttts.lm.model import LAYOUT_NAME, save_lm
from affecttts.lm.voices import NAME, VoiceCodes
from affecttts.synthesis.model_folder import INFO_NAME
from codec.files import fingerprint, read_json, write_json
from tiny_models import VOICES, random_llama

OLD = {
    "emotions": list(load_emotions().ids),
    "voices": list(VOICES),
    "num_codebooks": 4,
    "codebook_size": 64,
    "num_pieces": 300,
    "inventory": "en-us-1",
    "version": "layout-1",
}


def as_layout_1(model: Path, pieces: bytes) -> Path:
    """Turn a copy of the tiny model into one of the first token layout."""
    layout, codec = TokenLayout.from_dict(OLD), fingerprint(model / "codec")
    lm = model / "lm"
    save_lm(lm, random_llama(layout), layout, codec, pieces, VoiceCodes())
    write_json(lm / LAYOUT_NAME, {"codec": codec, "layout": OLD})
    (lm / NAME).unlink()
    info = read_json(model / INFO_NAME)
    del info["voice_codes"]
    write_json(model / INFO_NAME, info)
    return model
