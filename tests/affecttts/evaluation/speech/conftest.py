"""Items to speak, and a tiny model that speaks them."""

import json

import pytest

from affecttts.synthesis.model_folder import read_model_info

ITEMS = [
    {"id": "a", "text": "Hello there.", "emotion": "happy", "voice": "heart", "seed": 3},
    {"id": "b", "text": "Go on.", "prompt": "like a storm"},
]


@pytest.fixture
def info(tiny_model_dir):
    return read_model_info(tiny_model_dir)[1]


@pytest.fixture
def items_path(tmp_path):
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps(item) + "\n" for item in ITEMS))
    return path
