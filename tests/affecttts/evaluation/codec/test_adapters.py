"""Entry points of other boards, against their interfaces as documented."""

import json
from abc import ABC, abstractmethod

import numpy as np
import pytest
import soundfile

from affecttts.evaluation.codec.adapters import SuperbCodec, write_copies
from affecttts.evaluation.codec.request import CodecRequest, open_systems
from tiny_models import DATA


class BaseCodec(ABC):
    """What Codec-SUPERB documents of its own: it sets the device, calls `config`, and synthesizes
    through the two methods.
    """

    def __init__(self):
        self.device, self.sampling_rate, self.setting = "cpu", None, None
        self.config()

    @abstractmethod
    def config(self): ...

    @abstractmethod
    def extract_unit(self, data): ...

    @abstractmethod
    def decode_unit(self, stuff_for_synth): ...

    def synth(self, data, local_save=True):
        extracted = self.extract_unit(data)
        data["unit"] = extracted.unit
        data["audio"]["array"] = self.decode_unit(extracted.stuff_for_synth)
        return data


def test_codec_superb(tiny_model_dir):
    class Codec(SuperbCodec, BaseCodec):
        folder = tiny_model_dir / "codec"
        num_codebooks = 2

    codec = Codec()
    time = np.arange(16000) / 16000
    for rate, length in ((codec.sampling_rate, 16000), (16000, round(codec.sampling_rate))):
        data = {
            "id": "a",
            "audio": {"array": 0.1 * np.sin(2 * np.pi * 200 * time), "sampling_rate": rate},
        }
        unit = codec.extract_unit(data)
        assert (
            unit.unit.ndim == 2
            and len(unit.unit) == 2
            and set(unit.to_dict()) == {"unit", "stuff_for_synth"}
        )
        audio = codec.synth(data, local_save=False)["audio"]["array"]
        assert isinstance(audio, np.ndarray) and audio.shape == (length,)
    assert codec.setting == "affectcodec"


def test_versa_lists(tiny_model_dir, tmp_path):
    pytest.importorskip("soundfile")
    systems = open_systems(CodecRequest((f"my codec={tiny_model_dir / 'codec'}",)))
    write_copies(tmp_path, DATA / "manifest.jsonl", systems, 2)
    lists = {
        name: dict(line.split(maxsplit=1) for line in (tmp_path / name).read_text().splitlines())
        for name in ("original.scp", "my_codec.scp", "text")
    }
    assert (
        len(lists["original.scp"]) == 2
        and lists["original.scp"].keys() == lists["my_codec.scp"].keys()
    )
    assert lists["text"].keys() <= lists["original.scp"].keys()
    for key, path in lists["original.scp"].items():
        (original, rate), (copy, other) = (
            soundfile.read(path),
            soundfile.read(lists["my_codec.scp"][key]),
        )
        assert rate == other and original.shape == copy.shape and original.ndim == 1
    items = [json.loads(line) for line in (tmp_path / "items.jsonl").read_text().splitlines()]
    assert {item["system"] for item in items} == {"original", "my codec"} and all(
        (tmp_path / i["path"]).exists() for i in items
    )
