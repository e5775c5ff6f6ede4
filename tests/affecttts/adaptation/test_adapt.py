"""An adaptation of a tiny model from end to end, and its choices."""

from __future__ import annotations

import json

import pytest
import torch

from affecttts.adaptation import training
from affecttts.adaptation.decoder import DecoderTrainer
from affecttts.adaptation.run import Declined
from affecttts.adaptation.training import VoiceTrainer
from affecttts.errors import InputError, RequestError
from affecttts.lm.model import load_lm
from affecttts.synthesis.lora import CONFIG_NAME, DECODER_NAME, PROJECTIONS, WEIGHTS_NAME
from affecttts.synthesis.synthesizer import Synthesizer
from affecttts.synthesis.voices import CARD_NAME, SELF_TEST_NAME, read_card
from codec.files import fingerprint, load_weights
from tiny_adaptations import Killed, files
from tiny_models import VOICES

pytestmark = pytest.mark.slow

TEXT = "Hello there."


def rows(session):
    return {row.name: row for row in session.result.rows}


def test_the_folder_holds_two_files_of_peft_our_card_and_the_self_test(adapted, adaptable_model):
    assert set(files(adapted.output)) == {CONFIG_NAME, WEIGHTS_NAME, CARD_NAME, SELF_TEST_NAME}
    assert [path.name for path in adapted.output.parent.iterdir()] == ["allison"], (
        "no working folder is left"
    )
    card, lm = read_card(adapted.output), load_lm(adaptable_model / "lm")
    assert card.base.lm == fingerprint(adaptable_model / "lm") and card.base.codec == fingerprint(
        adaptable_model / "codec"
    )
    assert (card.base.name, card.base.layout, card.consent_sha256) == ("tiny", "layout-2", None)
    assert lm.layout.voice(bytes.fromhex(card.code)) and card.started_from in VOICES
    assert (
        card.data["clips"] == 4
        and card.data["held_out"] == 2
        and card.data["transcripts"] == {"given": 6}
    )
    text = json.dumps(card.to_dict()) + (adapted.output / CONFIG_NAME).read_text()
    assert str(adaptable_model) not in text, "no paths of this machine"


def test_only_projections_are_trained(adapted, adaptable_model):
    tensors, lm = load_weights(adapted.output / WEIGHTS_NAME), load_lm(adaptable_model / "lm")
    layers = lm.config["num_hidden_layers"]
    assert len(tensors) == 2 * len(PROJECTIONS) * layers
    assert all(tensor.abs().max() > 0 for tensor in tensors.values()), (
        "everything has moved from its start"
    )
    assert all(tensor.dtype == torch.float16 for tensor in tensors.values())


def test_strength_keeps_a_share_of_the_projections(run_adaptation, recordings, tmp_path):
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
