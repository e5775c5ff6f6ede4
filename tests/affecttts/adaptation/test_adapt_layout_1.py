"""A model of the first token layout still learns voices, each with an embedding of its own."""

import shutil

from affecttts.lm.model import load_lm
from affecttts.synthesis.lora import ROWS_NAME, WEIGHTS_NAME
from affecttts.synthesis.synthesizer import Synthesizer
from affecttts.synthesis.voices import read_card
from codec.files import load_weights
from tiny_layout_1 import as_layout_1
from tiny_models import VOICES


def test_a_voice_takes_the_next_slot(
    run_adaptation, adaptable_model, recordings, pieces_model, tmp_path
):
    model = as_layout_1(shutil.copytree(adaptable_model, tmp_path / "model"), pieces_model)
    shutil.rmtree(model / "speaker_encoder")  # which it has no use for
    voice = run_adaptation(recordings, tmp_path / "voice", model=model).output
    card, lm = read_card(voice), load_lm(model / "lm")
    assert (card.base.layout, card.code) == ("layout-1", "02") and card.started_from in VOICES
    rows = load_weights(voice / WEIGHTS_NAME)[ROWS_NAME]
    assert rows.shape == (1, lm.config["hidden_size"]) and rows.abs().max() > 0
    synthesizer = Synthesizer.from_pretrained(model)
    said = [
        synthesizer.synthesize("Hello there.", voice=name, seed=3).codes.tobytes()
        for name in (synthesizer.load_voice(voice), "heart")
    ]
    assert said[0] != said[1]
