"""An adaptation of a tiny model from end to end, interrupted, and with everything wrong that users
get wrong.
"""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import soundfile
import torch

from affecttts.adaptation import prepare, training
from affecttts.adaptation.asr import Transcript
from affecttts.adaptation.decoder import DecoderTrainer
from affecttts.adaptation.run import Declined
from affecttts.adaptation.training import VoiceTrainer
from affecttts.errors import InputError, OutputError, RequestError
from affecttts.lm.model import load_lm
from affecttts.synthesis.lora import CONFIG_NAME, DECODER_NAME, PROJECTIONS, ROWS_NAME, WEIGHTS_NAME
from affecttts.synthesis.synthesizer import Synthesizer
from affecttts.synthesis.voices import CARD_NAME, SELF_TEST_NAME, read_card
from codec.errors import CheckpointError
from codec.files import fingerprint, load_weights
from tiny_models import VOICES

pytestmark = pytest.mark.slow

TEXT = "Hello there."


class Killed(BaseException):
    pass


def files(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def made(folder):
    """The voice's files but for what was found out about it."""
    return {name: content for name, content in files(folder).items() if name != SELF_TEST_NAME}


def rows(session):
    return {row.name: row for row in session.result.rows}


# -- what comes out
def test_the_folder_holds_two_files_of_peft_our_card_and_the_self_test(adapted, adaptable_model):
    assert set(files(adapted.output)) == {CONFIG_NAME, WEIGHTS_NAME, CARD_NAME, SELF_TEST_NAME}
    assert [path.name for path in adapted.output.parent.iterdir()] == ["allison"], (
        "no working folder is left"
    )
    card, lm = read_card(adapted.output), load_lm(adaptable_model / "lm")
    assert card.base.lm == fingerprint(adaptable_model / "lm") and card.base.codec == fingerprint(
        adaptable_model / "codec"
    )
    assert (card.base.name, card.base.layout, card.consent_sha256) == ("tiny", "layout-1", None)
    assert card.token == lm.layout.voice_start + len(VOICES) and card.started_from in VOICES
    assert (
        card.data["clips"] == 4
        and card.data["held_out"] == 2
        and card.data["transcripts"] == {"given": 6}
    )
    text = json.dumps(card.to_dict()) + (adapted.output / CONFIG_NAME).read_text()
    assert str(adaptable_model) not in text, "no paths of this machine"


def test_only_projections_and_one_row_are_trained(adapted, adaptable_model):
    tensors, lm = load_weights(adapted.output / WEIGHTS_NAME), load_lm(adaptable_model / "lm")
    layers = lm.config["num_hidden_layers"]
    assert len(tensors) == 2 * len(PROJECTIONS) * layers + 1
    assert tensors[ROWS_NAME].shape == (1, lm.config["hidden_size"])
    assert all(tensor.abs().max() > 0 for tensor in tensors.values()), (
        "everything has moved from its start"
    )
    assert all(tensor.dtype == torch.float16 for tensor in tensors.values())


def test_strength_keeps_a_share_of_the_projections_and_all_of_the_row(
    run_adaptation, recordings, tmp_path
):
    voices = [
        run_adaptation(recordings, tmp_path / f"{share}", config={"strength": share}).output
        for share in (1.0, 0.5)
    ]
    whole, half = (load_weights(voice / WEIGHTS_NAME) for voice in voices)
    for name, tensor in whole.items():
        torch.testing.assert_close(
            half[name], tensor * 0.5 if "lora_B" in name else tensor, rtol=1e-2, atol=1e-6
        )


def test_peft_loads_what_was_saved(adapted, adaptable_model):
    from peft import PeftModel

    model = PeftModel.from_pretrained(load_lm(adaptable_model / "lm").llama(), str(adapted.output))
    saved = load_weights(adapted.output / WEIGHTS_NAME)
    loaded = {name.replace(".default", ""): value for name, value in model.state_dict().items()}
    assert all(torch.equal(loaded[name], value.float()) for name, value in saved.items())


def test_it_speaks_and_the_base_does_not_notice(adapted, adaptable_model):
    plain, synthesizer = (
        Synthesizer.from_pretrained(adaptable_model),
        Synthesizer.from_pretrained(adaptable_model),
    )
    name = synthesizer.load_voice(adapted.output)
    mine = synthesizer.synthesize(TEXT, voice=name, seed=3)
    assert mine.finish_reason == "end"
    for voice in VOICES:
        before, after = (s.synthesize(TEXT, voice=voice, seed=3) for s in (plain, synthesizer))
        assert before.audio.tobytes() == after.audio.tobytes() != mine.audio.tobytes()


def test_the_self_test_says_what_was_reached(adapted):
    found = rows(adapted)
    assert found["output differs with the adapter"].passed and found["base voices unchanged"].passed
    before, after = map(float, found["loss on held-out clips"].value.split(" -> "))
    assert found["loss on held-out clips"].passed == (after < before)
    assert (
        found["word error rate"].value
        == found["speaker similarity to held-out clips"].value
        == "skipped: pip install judges"
    )
    assert found["word error rate"].passed is None
    saved = json.loads((adapted.output / SELF_TEST_NAME).read_text())
    assert [row["name"] for row in saved["rows"]] == list(found)
    assert len(adapted.result.lines()) >= len(found)


def test_the_user_sees_a_report_and_one_question(adapted):
    text = "\n".join(adapted.lines)
    assert "recordings: 6 files" in text and "24000 Hz" in text
    assert "usable: 4 clips" in text and "2 held out" in text and "6 given" in text, (
        "no sentence is on both sides"
    )
    assert "is little; 5 minutes or more make a better voice" in text
    [question] = adapted.questions
    assert (
        "'allison'" in question
        and "4 clips" in question
        and "from tiny" in question
        and "\n" not in question
    )


def test_no_means_no(run_adaptation, recordings, tmp_path):
    with pytest.raises(Declined):
        run_adaptation(recordings, tmp_path / "v", answer=False)
    assert not list(tmp_path.iterdir())


# -- interrupted
def stop_at(monkeypatch, step):
    """Lose the process when so many steps are done."""
    original = VoiceTrainer.train_step

    def train_step(self):
        if self.step == step:
            raise Killed
        return original(self)

    monkeypatch.setattr(VoiceTrainer, "train_step", train_step)


def test_killed_and_resumed_is_the_same_adapter(
    run_adaptation, recordings, adapted, tmp_path, monkeypatch
):
    steps = read_card(adapted.output).training["steps"]
    assert steps > 4
    with monkeypatch.context() as patch, pytest.raises(Killed):
        stop_at(patch, 3)
        run_adaptation(recordings, tmp_path / "allison")
    assert not (tmp_path / "allison").exists()
    torch.rand(7)
    counted = []
    original = VoiceTrainer.train_step
    monkeypatch.setattr(
        VoiceTrainer, "train_step", lambda self: counted.append(self.step) or original(self)
    )
    monkeypatch.setattr(prepare, "cut", lambda *_: pytest.fail("prepared again"))
    resumed = run_adaptation(recordings, tmp_path / "allison")
    assert counted == list(range(2, steps)), "from the checkpoint on"
    assert made(resumed.output) == made(adapted.output)


def test_other_settings_or_recordings_start_anew(run_adaptation, recordings, tmp_path, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(Killed):
        stop_at(patch, 3)
        run_adaptation(recordings, tmp_path / "allison")
    with monkeypatch.context() as patch, pytest.raises(Killed):
        stop_at(patch, 0)
        run_adaptation(recordings, tmp_path / "allison", config={"rank": 5})
    fewer = shutil.copytree(recordings, tmp_path / "fewer")
    next(iter(sorted(fewer.glob("*.opus")))).unlink()
    with monkeypatch.context() as patch, pytest.raises(Killed):
        stop_at(patch, 0)
        run_adaptation(fewer, tmp_path / "allison")


def test_disk_full_leaves_nothing_half_written_and_can_go_on(
    run_adaptation, recordings, adapted, adaptable_model, tmp_path, monkeypatch
):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    before = files(adaptable_model)
    for place in (
        "affecttts.adaptation.prepare.save_wav",
        "affecttts.adaptation.training.save_checkpoint",
        "affecttts.adaptation.training.save_weights",
    ):
        with (
            monkeypatch.context() as patch,
            pytest.raises(OutputError, match="No space left.*run the same command again"),
        ):
            patch.setattr(place, full)
            run_adaptation(recordings, tmp_path / "allison")
        assert {path.name for path in tmp_path.iterdir()} <= {".allison.adapting"}
    assert made(run_adaptation(recordings, tmp_path / "allison").output) == made(adapted.output)
    assert files(adaptable_model) == before


def test_a_failing_run_keeps_the_earlier_voice(
    run_adaptation, recordings, adapted, tmp_path, monkeypatch
):
    voice = shutil.copytree(adapted.output, tmp_path / "allison")
    with pytest.raises(RequestError, match="--force"):
        run_adaptation(recordings, voice)
    monkeypatch.setattr(
        "affecttts.adaptation.run.write_json",
        lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")),
    )
    with pytest.raises(OutputError):
        run_adaptation(recordings, voice, force=True)
    assert files(voice) == files(adapted.output)


# -- choices
def test_the_codecs_decoder_alone_is_tuned(
    run_adaptation, recordings, adaptable_model, adapted, tmp_path, monkeypatch
):
    pytest.importorskip("pyworld")
    original, seen = DecoderTrainer.train_step, []

    def killed_once(self):
        if self.step == 2 and not seen:
            seen.append(self.step)
            raise Killed
        return original(self)

    monkeypatch.setattr(DecoderTrainer, "train_step", killed_once)
    with pytest.raises(Killed):
        run_adaptation(recordings, tmp_path / "allison", adapt_codec=True)
    session = run_adaptation(recordings, tmp_path / "allison", adapt_codec=True)
    assert len(seen) == 1 and session.output.exists()
    assert files(session.output)[WEIGHTS_NAME] == files(adapted.output)[WEIGHTS_NAME]
    base = load_weights(adaptable_model / "codec" / "model.safetensors")
    tuned = load_weights(session.output / DECODER_NAME)
    assert {f"decoder.{name}" for name in tuned} == {
        name for name in base if name.startswith("decoder.")
    }
    assert any(not torch.equal(base[f"decoder.{name}"], value) for name, value in tuned.items())


def test_without_replay_and_with_replay_differ(run_adaptation, recordings, adapted, tmp_path):
    alone = run_adaptation(recordings, tmp_path / "allison", config={"replay_share": 0.0})
    assert files(alone.output)[WEIGHTS_NAME] != files(adapted.output)[WEIGHTS_NAME]


@pytest.mark.parametrize("replay_share", [0.0, 0.4])
def test_rows_one_by_one_make_the_same_step(
    run_adaptation, recordings, tmp_path, monkeypatch, replay_share
):
    original, logs, calls, apart = VoiceTrainer.train_step, {}, [], []

    def one_step(self):
        unsynced = self.accelerator.no_sync
        self.model.register_forward_hook(lambda *_: calls.append(self))
        with monkeypatch.context() as patch:
            patch.setattr(
                self.accelerator, "no_sync", lambda model: apart.append(self) or unsynced(model)
            )
            logs[training.MICRO_TOKENS] = original(self)
        raise Killed

    monkeypatch.setattr(VoiceTrainer, "train_step", one_step)
    for tokens in (1, 10**6):
        monkeypatch.setattr(training, "MICRO_TOKENS", tokens)
        with pytest.raises(Killed):
            changes = {
                "replay_share": replay_share,
                "dropout": 0.0,
                "mixed_precision": "no",
                "batch_tokens": 10**5,
            }
            run_adaptation(recordings, tmp_path / str(tokens), config=changes)
    few, all_at_once = logs[1], logs[10**6]
    assert len(calls) > 2 * (1 + (replay_share > 0))
    assert len(apart) == len(calls) - 2, "processes exchange gradients once in a step"
    assert few.keys() == all_at_once.keys() and few["gradient_norm"] > 0
    assert few == pytest.approx(all_at_once, rel=1e-4)


def test_consent_is_hashed_into_the_card(run_adaptation, recordings, tmp_path):
    import hashlib

    (tmp_path / "consent.txt").write_text("I, A. Smith, agree, 2026-01-01, for telephone prompts.")
    for wrong, error, reason in (
        (None, RequestError, "--consent"),
        (tmp_path / "none", InputError, "consent file cannot be read"),
    ):
        with pytest.raises(error, match=reason):
            run_adaptation(
                recordings, tmp_path / "v", config={"require_consent": True}, consent=wrong
            )
    (tmp_path / "empty").write_text(" \n")
    with pytest.raises(RequestError, match="is empty"):
        run_adaptation(recordings, tmp_path / "v", consent=tmp_path / "empty")
    session = run_adaptation(
        recordings,
        tmp_path / "v",
        config={"require_consent": True},
        consent=tmp_path / "consent.txt",
    )
    assert (
        read_card(session.output).consent_sha256
        == hashlib.sha256((tmp_path / "consent.txt").read_bytes()).hexdigest()
    )


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


def bare(recordings, folder):
    """The recordings without their transcripts."""
    return shutil.copytree(recordings, folder, ignore=shutil.ignore_patterns("*.txt"))


class Recogniser:
    """Hears what it is told to."""

    name = "stub"

    def __init__(self, model=None):
        pass

    def __call__(self, samples, rate):
        return Transcript("I will not stand for this kind of behavior.", -0.3)


def test_what_was_heard_is_shown(run_adaptation, recordings, tmp_path, monkeypatch):
    monkeypatch.setattr(prepare, "Recogniser", Recogniser)
    session = run_adaptation(
        bare(recordings, tmp_path / "bare"), tmp_path / "v", config={"minimum_seconds": 1.0}
    )
    data = read_card(session.output).data
    assert data["transcripts"] == {"by stub": data["clips"] + data["held_out"]}
    heard = [line for line in session.lines if line.startswith("heard ")]
    assert data["held_out"] == 1, "of a single sentence, one clip all the same"
    assert heard and all(".opus: I will not stand" in line for line in heard)


# -- bad input
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
    assert bad(recordings, "unknown keys ['colour']", set="colour=red")
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
