"""What users give to an adaptation, right and wrong."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import soundfile

from affecttts.adaptation import prepare
from affecttts.adaptation.asr import Transcript
from affecttts.errors import RequestError
from affecttts.synthesis.voices import read_card
from codec.errors import CheckpointError
from codec.files import fingerprint
from tiny_adaptations import Recogniser, bare

pytestmark = pytest.mark.slow


def test_emotions_of_a_table_are_used(run_adaptation, recordings, tmp_path):
    names = sorted(path.name for path in recordings.glob("*.opus"))
    table = [
        {
            "path": str(recordings / name),
            "text": (recordings / name).with_suffix(".txt").read_text(),
            "emotion": "furious",
        }
        for name in names
    ]
    (tmp_path / "t.jsonl").write_text("\n".join(map(json.dumps, table)))
    session = run_adaptation(tmp_path / "t.jsonl", tmp_path / "v")
    assert (
        read_card(session.output).data["emotions"] == {"angry": 6}
        and read_card(session.output).data["labelled"] == 0
    )


def test_transcripts_of_the_recogniser_are_shown(run_adaptation, recordings, tmp_path, monkeypatch):
    monkeypatch.setattr(prepare, "Recogniser", Recogniser)
    session = run_adaptation(
        bare(recordings, tmp_path / "bare"), tmp_path / "v", config={"minimum_seconds": 1.0}
    )
    data = read_card(session.output).data
    assert data["transcripts"] == {"by stub": data["clips"] + data["held_out"]}
    shown = [line for line in session.lines if line.startswith("transcript of ")]
    assert data["held_out"] == 1, "of a single sentence, one clip all the same"
    assert shown and all(".opus: I will not stand" in line for line in shown)


def one_file(folder, samples, name="a.wav", text=None):
    folder.mkdir(exist_ok=True)
    soundfile.write(folder / name, samples, 24_000)
    if text:
        (folder / name).with_suffix(".txt").write_text(text)
    return folder


def refused(cli, model, audio, output, *parts, code=2, **options):
    """Whether `affecttts adapt` ends in exactly one line, with nothing left behind."""
    extra = [item for key, value in options.items() for item in (f"--{key}", value)]
    done = cli(
        "adapt",
        "--audio",
        audio,
        "--name",
        "allison",
        "--output",
        output,
        "--model",
        model,
        "--yes",
        "--quiet",
        *extra,
    )
    assert done.refused(code, *parts)
    return not output.exists() and not output.with_name(f".{output.name}.adapting").exists()


@pytest.fixture
def bad(cli, adaptable_model, tmp_path, monkeypatch):
    pytest.importorskip("peft")
    pytest.importorskip("faster_whisper")
    monkeypatch.setenv("ACCELERATE_USE_CPU", "true")
    monkeypatch.setattr(prepare, "MARGIN", -10.0)
    return lambda audio, *parts, **more: refused(
        cli, more.pop("model", adaptable_model), audio, tmp_path / "v" / "allison", *parts, **more
    )


def test_no_audio_or_no_speech(bad, tmp_path, recordings):
    (tmp_path / "empty").mkdir()
    assert bad(tmp_path / "none", "none: no such file or folder", code=1)
    assert bad(tmp_path / "empty", "no audio found")
    assert bad(
        one_file(tmp_path / "silence", np.zeros(48_000)), "no usable speech in 1 files", "silent"
    )
    time = np.arange(96_000) / 24_000
    assert bad(
        one_file(tmp_path / "music", 0.1 * np.sin(2 * np.pi * 440 * time)),
        "no usable speech",
        "music",
    )


def test_one_clip_of_a_second(bad, tmp_path, recordings):
    path = sorted(recordings.glob("*.opus"))[0]
    (tmp_path / "one").mkdir()
    shutil.copy(path, tmp_path / "one")
    shutil.copy(path.with_suffix(".txt"), tmp_path / "one")
    assert bad(tmp_path / "one", "s of usable speech in 1 clips", "at least 30 s", "5 minutes")


def test_transcripts_of_other_files(bad, recordings, tmp_path, monkeypatch):
    monkeypatch.setattr(prepare, "MARGIN", 1e6)
    assert bad(
        recordings, "do not match the recordings (6 of 6", "check which text belongs to which file"
    )


def test_another_language(bad, recordings, tmp_path, monkeypatch):
    folder = shutil.copytree(recordings, tmp_path / "spanish")
    for index, path in enumerate(sorted(folder.glob("*.txt"))):
        path.write_text(
            "La persona a la que usted llama no puede contestar ahora, llame más "
            f"tarde por favor {index}."
        )
    monkeypatch.setattr(prepare, "SPEECH_RATES", (0, 1000))
    pytest.importorskip("py3langid")
    assert bad(folder, "another language (es)")


def test_gibberish_is_no_english(bad, recordings, tmp_path, monkeypatch):
    monkeypatch.setattr(prepare, "Recogniser", Recogniser)
    monkeypatch.setattr(Recogniser, "__call__", lambda *_: Transcript("I'm", -1.7))
    assert bad(
        bare(recordings, tmp_path / "bare"), "do not sound like English speech", "not understood"
    )


def test_names_outputs_and_settings(bad, cli, recordings, adaptable_model, tmp_path):
    adapt = ("adapt", "--audio", recordings, "--model", adaptable_model, "--yes")
    assert cli(*adapt, "--name", "../x", "--output", tmp_path / "v").refused(2, "voice name")
    assert cli(*adapt, "--name", "heart", "--output", tmp_path / "v").refused(
        2, "a voice 'heart' of its own"
    )
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "letter").write_text("x")
    for force in ((), ("--force",)):
        assert cli(*adapt, "--name", "a", "--output", tmp_path / "docs", *force).refused(
            2, "is no voice"
        )
    assert bad(recordings, "colour is not known", set="colour=red")
    assert bad(recordings, "rank is 0", rank=0)
    assert bad(recordings, "cannot read the config", config=tmp_path / "none.yaml")
    assert bad(bare(recordings, tmp_path / "bare"), "no Whisper model", recogniser=tmp_path)
    assert cli(*adapt[:-1], "--name", "a", "--output", tmp_path / "v").refused(2, "--yes")


def test_models_that_cannot_be_adapted(bad, recordings, tiny_model_dir, tmp_path):
    assert bad(recordings, "has no replay data", "--replay-manifest", model=tiny_model_dir, code=1)
    assert bad(recordings, "give both", **{"replay-tokens": tmp_path})
    assert bad(recordings, "model.json", model=tmp_path, code=1)


def test_base_data_of_another_codec_or_other_voices(
    run_adaptation, recordings, adaptable_model, tmp_path
):
    replay = shutil.copytree(adaptable_model / "replay", tmp_path / "replay")
    manifest = replay / "manifest.jsonl"
    manifest.write_text(manifest.read_text().replace('"fenrir"', '"stranger"'))
    with pytest.raises(RequestError, match="stranger is no voice of this model"):
        run_adaptation(recordings, tmp_path / "v", replay_manifest=manifest, replay_tokens=replay)
    index = next(replay.glob("tokens-*.json"))
    index.write_text(index.read_text().replace(fingerprint(adaptable_model / "codec"), "0" * 16))
    with pytest.raises(CheckpointError, match="encoded by codec 0000"):
        run_adaptation(recordings, tmp_path / "v", replay_manifest=manifest, replay_tokens=replay)
