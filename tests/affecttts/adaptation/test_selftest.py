"""The self-test's verdicts, with judges that say what they are told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from affecttts.adaptation import selftest
from affecttts.adaptation.asr import Recogniser
from affecttts.adaptation.prepared import Prepared
from affecttts.adaptation.prosody import ProsodyReference
from affecttts.adaptation.selftest import SelfTester
from affecttts.errors import RequestError
from affecttts.evaluation.judges.base import missing

pytestmark = pytest.mark.slow


def unit(cosine):
    return np.array([[cosine, (1 - cosine**2) ** 0.5]])


class Held(Prepared):
    """Held-out clips of a prepared voice."""

    def utterances(self, split):
        from affecttts.data.manifest import read_manifest
        from tiny_models import DATA

        return list(read_manifest(DATA / "manifest.jsonl"))[2:4]


@pytest.fixture
def tester(adapted, adaptable_model, monkeypatch):
    """A self-test of the adapted voice; give it cosines (base voices, adapted, codec) and word
    errors (before, after).
    """
    from tiny_models import DATA

    def make(cosines, words):
        voices, errors = iter([unit(1.0), *map(unit, cosines)]), iter(words)

        class Voice:
            name, packages = "stub", ()

        class Words:
            name = "stub"
            packages_for = staticmethod(lambda model: ())

            def __init__(self, model):
                pass

        monkeypatch.setattr(selftest, "VoiceJudge", Voice)
        monkeypatch.setattr(selftest, "_voices", lambda judge, clips: next(voices))
        monkeypatch.setattr(selftest, "_word_errors", lambda *_: next(errors))
        monkeypatch.setattr(selftest, "WordJudge", Words)
        reference = ProsodyReference(
            ("happy",), np.array([[30.0, 0, 0, 0, 0]]), np.ones((1, 5)), np.ones(5)
        )
        return SelfTester(
            adaptable_model,
            selftest.Trained(adapted.output, Held(DATA, None), reference, (4.0, 3.5)),
            None,
            lambda x, label: x,
            1,
        )

    return make


def test_a_good_voice_passes(tester):
    result = tester([0.5, 0.6, 0.8, 0.9], [10.0, 14.0]).run()
    rows = {row.name: row for row in result.rows}
    assert rows["speaker similarity to held-out clips"].value == (
        "0.600 (fenrir, before) -> 0.800; the codec's own: 0.900 (stub)"
    )
    assert all(rows[name].passed for name in list(rows)[:6]), rows
    assert not result.advice


def test_a_bad_voice_fails_and_the_codec_is_named_as_the_limit(tester):
    result = tester([0.5, 0.6, 0.55, 0.7], [10.0, 16.0]).run()
    rows = {row.name: row for row in result.rows}
    failed = {name for name, row in rows.items() if row.passed is False} - {
        "emotion contrasts with the right sign"
    }
    assert failed == {
        "speaker similarity to held-out clips",
        "share of the codec's own similarity",
        "word error rate",
    }
    assert "0.70" in result.advice[0] and "--adapt-codec" in result.advice[0]
    assert "FAIL word error rate" in "\n".join(result.lines())


def test_contrasts_count_the_clear_signs_only(tester):
    """The same voice against a reference, against its opposite, and against one that says
    nothing.
    """
    test, right = tester([], []), []
    for means in ((30.0,) * 5, (-30.0,) * 5):
        test.reference = replace(test.reference, means=np.array([means]))
        summary, happy = test._contrasts()
        counted, clear = happy.value.split(":")[0].split(" of ")
        right.append(int(counted))
        assert (
            clear == "5"
            and summary.value == f"{20 * right[-1]} % of 5"
            and summary.passed == (right[-1] >= 4)
        )
    assert 4 <= sum(right) <= 5, "no shift has both signs, and hardly one has none"
    test.reference = replace(test.reference, means=np.full((1, 5), 0.5))
    [row] = test._contrasts()
    assert row.passed is None and "no clear ones" in row.value


def test_an_adapter_without_effect_is_told(tester):
    test = tester([0.5] * 4, [1.0, 1.0])
    test.synthesizer.engine = test.synthesizer.speaker(test.name).engine
    assert test._difference().passed is False


def test_what_to_install():
    assert missing(("json",)) == "" and "affecttts[adapt,eval]" in missing(
        ("json", "no_such_package")
    )


def test_no_whisper_model_there(tmp_path):
    pytest.importorskip("faster_whisper")
    with pytest.raises(RequestError, match="no model.bin"):
        Recogniser(tmp_path)
