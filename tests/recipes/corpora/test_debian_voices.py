"""The corpus of people's voices from Debian's packages, on a miniature of their folders."""

import json

import numpy as np
import pytest
import soundfile

from affecttts.cli.script import run_script
from affecttts.data.lineage import Kind, kind_of
from affecttts.errors import RequestError
from recipes.corpora import debian_voices

RATE = 44_100


@pytest.fixture
def root(tmp_path):
    generator = np.random.default_rng(0)
    files = {
        "usr/share/klettres/de/alpha/a.ogg": 0.5,
        "usr/share/klettres/de/syllab/a.ogg": 0.5,
        "usr/share/klettres/en_GB/alpha/b.ogg": 0.1,  # too short
        "usr/share/ktuberling/sounds/sr@latin/hat.wav": 0.6,
        "usr/share/ktuberling/sounds/fr/hat.wav": 0.6,
        "usr/share/games/hedgewars/Data/Sounds/voices/Pirate/Ouch.ogg": 0.4,
        "usr/share/games/hedgewars/Data/Sounds/voices/Robot/Ouch.ogg": 0.4,
    }
    for name, seconds in files.items():
        path = tmp_path / "root" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = 0.1 * generator.standard_normal((round(seconds * RATE), 2))
        soundfile.write(path, noise, RATE)
    return tmp_path / "root"


def test_folders_become_speakers_with_licence_language_and_a_split_of_their_own(root, tmp_path):
    rows = {row.id: row for row in debian_voices.convert(root, tmp_path / "out")}
    assert set(rows) == {
        "klettres_de_alpha_a",
        "klettres_de_syllab_a",
        "ktuberling_sr_latin_hat",
        "ktuberling_fr_hat",
        "hedgewars_pirate_Ouch",
    }
    row = rows["ktuberling_sr_latin_hat"]
    assert (row.speaker, row.language, row.licence) == (
        "ktuberling_sr_latin",
        "sr",
        "GPL-2.0-or-later",
    )
    assert (
        kind_of(row.licence) == kind_of(rows["hedgewars_pirate_Ouch"].licence) == Kind.SHARE_ALIKE
    )
    assert rows["klettres_de_alpha_a"].split == rows["klettres_de_syllab_a"].split
    info = soundfile.info(tmp_path / "out" / row.path)
    assert (info.channels, info.samplerate, info.format) == (1, RATE, "FLAC")


def test_nothing_unpacked_is_an_error_that_names_the_packages(tmp_path):
    with pytest.raises(RequestError, match="klettres-data"):
        list(debian_voices.convert(tmp_path, tmp_path / "out"))


def test_the_command_writes_a_manifest(root, tmp_path, monkeypatch, capsys):
    arguments = ["debian_voices", "--root", str(root), "--output", str(tmp_path / "out")]
    monkeypatch.setattr("sys.argv", arguments)
    assert run_script(debian_voices.main) == 0
    lines = (tmp_path / "out" / "manifest.jsonl").read_text().splitlines()
    assert len({json.loads(line)["id"] for line in lines}) == 5
