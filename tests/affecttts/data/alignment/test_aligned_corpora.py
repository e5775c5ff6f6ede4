"""Miniatures of published corpora, with our clips as audio, go from folder to durations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import soundfile

from affecttts.cli.main import main
from affecttts.data.manifest import Utterance, read_manifest
from codec.audio import load_audio
from tiny_models import DATA

pytestmark = [pytest.mark.slow, pytest.mark.soak]
CLIPS = [u for u in read_manifest(DATA / "manifest.jsonl") if u.durations][:3]
EMOV = '( arctic_a000{} "{}" )\n'


def files(corpus: str, number: int, clip: Utterance) -> tuple[str, dict[str, str]]:
    """Where a clip's audio lies in a corpus, and the lines of text on it by file."""
    n, text = number + 1, clip.text or ""
    return {
        "esd": (
            f"ESD/0012/Sad/0012_00109{n}.wav",
            {"ESD/0012/0012.txt": f"0012_00109{n}\t{text}\tSad\n"},
        ),
        "emov-db": (
            f"bea/Amused/amused_1-15_000{n}.wav",
            {"cmuarctic.data": EMOV.format(n, text)},
        ),
        "crema-d": (
            f"AudioWAV/100{n}_IEO_HAP_HI.wav",
            {"sentences.tsv": f"IEO\t{CLIPS[0].text}\n" if number == 0 else ""},
        ),
        "ravdess": (
            f"Audio_Speech/Actor_0{n}/03-01-02-02-01-01-0{n}.wav",
            {"sentences.tsv": f"01\t{CLIPS[0].text}\n" if number == 0 else ""},
        ),
        "libritts": (
            f"train-clean-360/103/1240/103_1240_000000_00000{n}.wav",
            {f"train-clean-360/103/1240/103_1240_000000_00000{n}.normalized.txt": text},
        ),
        "vctk": (
            f"VCTK/wav48_silence_trimmed/p225/p225_00{n}_mic1.flac",
            {f"VCTK/txt/p225/p225_00{n}.txt": text + "\n"},
        ),
    }[corpus]


def plant(corpus: str, root: Path) -> Path:
    """Write the miniature below root."""
    for number, clip in enumerate(CLIPS):
        name, texts = files(corpus, number, clip)
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        audio = load_audio(DATA / clip.path, 24_000)
        soundfile.write(root / name, audio.samples, audio.sample_rate)
        for path, line in texts.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            with (root / path).open("a", encoding="utf-8") as file:
                file.write(line)
    return root


@pytest.mark.parametrize("corpus", ["esd", "emov-db", "crema-d", "ravdess", "libritts", "vctk"])
def test_a_published_layout_becomes_rows_with_durations(corpus, tmp_path, capsys):
    """In CREMA-D and RAVDESS a code names the sentence, so only one of our clips says it."""
    folder = plant(corpus, tmp_path / "corpus")
    found, kept, aligned = (str(tmp_path / f"{name}.jsonl") for name in ("m", "kept", "aligned"))
    assert main(["data", "import", corpus, str(folder), "--output", found, "-q"]) in (0, 3)
    check = ["data", "check", found, "--kept", kept, "--workers", "1", "-q"]
    assert main(check) in (0, 3)
    assert len(list(read_manifest(kept))) == len(CLIPS)
    capsys.readouterr()
    code = main(["data", "align", kept, "--output", aligned, "--workers", "1", "--json"])
    report, rows = json.loads(capsys.readouterr().out), list(read_manifest(aligned))
    assert code == (3 if report["left_out"] else 0)
    fixed = corpus in ("crema-d", "ravdess")
    said = [clip for clip in CLIPS if not fixed or clip.text == CLIPS[0].text]
    assert len(rows) == len(said)
    for row in rows:
        assert row.durations and sum(row.durations) == pytest.approx(row.seconds, abs=0.01)
