"""A detail layer fitted to a dozen clips brings the copies nearer and leaves all beneath it as it
was.
"""

import pytest
import torch

pytest.importorskip("pyworld")

from affecttts.data.audio_cache import AudioCache
from affecttts.errors import RequestError
from codec import Codec
from codec.files import fingerprint, read_json
from tiny_models import DATA, load_recipe

pytestmark = pytest.mark.slow

MANIFEST = str(DATA / "manifest.jsonl")


def fit(codec, folder, monkeypatch, *more):
    arguments = [
        "--codec",
        str(codec),
        "--manifest",
        MANIFEST,
        "--output",
        str(folder),
        "--bands",
        "8",
        *more,
    ]
    monkeypatch.setattr("sys.argv", ["fit_detail", *arguments])
    load_recipe("fit_detail").main()
    return folder / "codec"


@pytest.fixture
def base(tiny_codec, tmp_path):
    tiny_codec.save_pretrained(tmp_path / "base")
    return tmp_path / "base"


def test_copies_come_nearer(base, tmp_path, monkeypatch, capsys):
    folder = fit(base, tmp_path / "run", monkeypatch, "--codebooks", "2")
    left = [float(word) for word in capsys.readouterr().out.split(":")[-1].split()]
    assert len(left) == 3 and left[2] < left[1] < 0.8 * left[0]
    assert (
        fingerprint(folder) == fingerprint(base) and read_json(folder / "lineage.json")["manifests"]
    )
    codec = Codec.from_pretrained(folder)
    cache = AudioCache([MANIFEST], tmp_path / "run" / "cache", 24_000, 240)
    clip = next(clip for clip in cache.clips if clip.utterance.split == "test")
    audio = torch.from_numpy(cache.audio(clip))[None, None][
        ..., : len(cache.audio(clip)) // 960 * 960
    ]
    codes = codec.encode(audio).codes
    away = [
        codec.detail.missing(audio, codec.decode(codes[:, :count])).square().mean()
        for count in (4, 6)
    ]
    assert away[1] < 0.8 * away[0]


def test_a_layer_that_is_there_is_replaced(base, tmp_path, monkeypatch):
    first = fit(base, tmp_path / "a", monkeypatch, "--codebooks", "3")
    second = fit(first, tmp_path / "b", monkeypatch, "--codebooks", "1")
    assert (
        Codec.from_pretrained(second).config.detail_codebooks == 1
        and Codec.from_pretrained(first).config.detail_codebooks == 3
    )


def test_a_split_without_clips_is_named(base, tmp_path, monkeypatch):
    rows = (
        (DATA / "manifest.jsonl")
        .read_text()
        .replace('"valid"', '"train"')
        .replace('"clips/', f'"{DATA}/clips/')
    )
    (tmp_path / "m.jsonl").write_text(rows)
    monkeypatch.setattr(f"{__name__}.MANIFEST", str(tmp_path / "m.jsonl"))
    with pytest.raises(RequestError, match="split 'valid'"):
        fit(base, tmp_path / "run", monkeypatch)
