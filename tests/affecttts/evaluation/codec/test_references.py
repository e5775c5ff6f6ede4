"""The metrics say what their reference packages say on the same clips."""

import numpy as np
import pytest
import soundfile

from affecttts.data.manifest import Utterance
from affecttts.evaluation.codec import heard as hearing
from affecttts.evaluation.codec.metric import Pair, missing
from affecttts.evaluation.codec.metrics import METRICS
from tiny_models import DATA

RATE = 16000
SAID = {
    "The cat sat on the mat.": "the cat sad on mat",
    "Don't go, Mr. Smith!": "do not go mister smith",
    "Two birds": "to words are",
}


def metric(name):
    found = next(metric for metric in METRICS if metric.name == name)
    if missing(found):
        pytest.skip(missing(found))
    return found.measure


@pytest.fixture
def pair():
    from codec.audio import load_audio

    audio = load_audio(DATA / "clips" / "00058_heart_neutral.opus", RATE).samples
    noisy = audio + 0.01 * np.random.default_rng(0).standard_normal(len(audio)).astype(np.float32)
    return Pair(audio, noisy, RATE, Utterance("a", "a", "s", 1.0, "test"))


def test_pesq_and_stoi(pair):
    pesq, pystoi = pytest.importorskip("pesq"), pytest.importorskip("pystoi")
    assert metric("PESQ-WB")(pair) == pytest.approx(pesq.pesq(RATE, pair.original, pair.copy, "wb"))
    for name, extended in (("STOI", False), ("ESTOI", True)):
        assert metric(name)(pair) == pytest.approx(
            pystoi.stoi(pair.original, pair.copy, RATE, extended=extended)
        )


def test_visqol(pair, tmp_path):
    measure = metric("ViSQOL")
    from visqol import VisqolApi

    paths = [str(tmp_path / name) for name in ("original.wav", "copy.wav")]
    for path, audio in zip(paths, (pair.original, pair.copy), strict=True):
        soundfile.write(path, audio, RATE, "FLOAT")
    api = VisqolApi()
    api.create(mode="speech")
    assert measure(pair) == pytest.approx(api.measure(*paths).moslqo, abs=1e-4)
    assert np.isnan(measure(Pair(pair.original[:800], pair.copy[:800], RATE, pair.row)))


@pytest.mark.parametrize(
    ("name", "reference"),
    [("word errors", "wer"), ("word errors, Whisper base", "wer"), ("character errors", "cer")],
)
def test_error_rates_of_a_corpus(pair, monkeypatch, name, reference):
    jiwer, normalizers = (
        pytest.importorskip("jiwer"),
        pytest.importorskip("whisper_normalizer.english"),
    )
    normalize = normalizers.EnglishTextNormalizer()
    measure, counts = metric(name), []
    for text, heard in SAID.items():
        monkeypatch.setattr(hearing, "_transcript", lambda *of, heard=heard: heard)
        row = Utterance("a", "a", "s", 1.0, "test", text=text)
        counts.append(measure(Pair(pair.original, pair.copy, RATE, row)))
    expected = getattr(jiwer, reference)(
        [normalize(text) for text in SAID], [normalize(heard) for heard in SAID.values()]
    )
    assert sum(errors for errors, _ in counts) / sum(units for _, units in counts) == pytest.approx(
        100 * expected
    )
