"""The shipped model says today what it said when these codes were recorded; only new weights may
change them.

Record anew, after the weights changed on purpose: python tests/test_recorded_codes.py
"""

import json

import numpy as np
import pytest
import torch

from affecttts import Synthesizer
from affecttts.synthesis.model_folder import SHIPPED
from codec import Codec
from codec.audio import load_audio
from tiny_models import DATA

pytestmark = pytest.mark.shipped

RECORDED = DATA / "recorded_codes.json"
CLIP = "clips/00004_heart_neutral.opus"
REQUESTS = {
    "plain": {"text": "Good morning.", "seed": 1},
    "happy": {"text": "We won the game.", "emotion": "happy", "voice": "heart", "seed": 2},
    "sad and strong": {
        "text": "He is gone.",
        "emotion": "sad",
        "intensity": 1.4,
        "voice": "michael",
        "seed": 3,
    },
    "angry and guided": {
        "text": "Leave it alone.",
        "emotion": "angry",
        "voice": "fenrir",
        "guidance": 1.5,
        "seed": 4,
    },
    "blend": {
        "text": "Is that for me?",
        "emotion": "happy:0.6,surprised:0.4",
        "voice": "bella",
        "seed": 5,
    },
    "free text": {
        "text": "Look at this.",
        "prompt": "like somebody who has just won the lottery",
        "seed": 6,
    },
}


def spoken(synthesizer: Synthesizer, request: dict) -> list[list[int]]:
    """Codes [K,F] of one request."""
    return synthesizer.synthesize(**request).codes.tolist()


def encoded() -> list[list[int]]:
    """Codes [K,F] of the first second of a recording, the detail layer's with them."""
    codec = Codec.from_pretrained(SHIPPED / "codec")
    rate = codec.config.sample_rate
    samples = torch.from_numpy(load_audio(DATA / CLIP, rate).samples[:rate])
    return codec.encode(samples[None, None]).codes[0].tolist()


@pytest.fixture(scope="module")
def recorded() -> dict:
    return json.loads(RECORDED.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def synthesizer() -> Synthesizer:
    return Synthesizer.from_pretrained()


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_gets_the_codes_that_it_got_before(name, synthesizer, recorded):
    assert np.array_equal(spoken(synthesizer, REQUESTS[name]), recorded[name])


def test_a_recording_gets_the_codes_that_it_got_before(recorded):
    assert np.array_equal(encoded(), recorded[CLIP])


def record() -> None:
    """Write the codes of all requests and of the clip."""
    synthesizer = Synthesizer.from_pretrained()
    codes = {name: spoken(synthesizer, request) for name, request in REQUESTS.items()} | {
        CLIP: encoded()
    }
    rows = [
        f"{json.dumps(name)}: {json.dumps(value, separators=(',', ':'))}"
        for name, value in codes.items()
    ]
    RECORDED.write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    record()
