"""TextGrids of the Montreal Forced Aligner become rows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from affecttts.data.alignment.rows import MisfitError
from affecttts.data.alignment.textgrids import with_textgrid
from affecttts.data.manifest import Utterance

WORDS = [(0.2, 0.5, "hi"), (0.7, 1.0, "you")]
ARPABET = [
    (0.2, 0.3, "HH"),
    (0.3, 0.5, "AY1"),
    (0.5, 0.7, "sp"),
    (0.7, 0.8, "Y"),
    (0.8, 1.0, "UW2"),
]
IPA = [(0.2, 0.3, "hʲ"), (0.3, 0.5, "aj"), (0.7, 0.8, "j"), (0.8, 1.0, "ʉː")]
ROW = Utterance("a", "a.wav", "x", 1.2, "train", text="Hi, you.")


def write(path, phones, prefix=""):
    lines = [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        "",
        "0",
        "1.2",
        "<exists>",
        "2",
    ]
    for name, intervals in (("words", WORDS), ("phones", phones)):
        lines += ['"IntervalTier"', f'"{prefix}{name}"', "0", "1.2"]
        full, time = [], 0.0
        for low, high, label in intervals:
            full += [(time, low, "")] if low > time else []
            full.append((low, high, label))
            time = high
        full += [(time, 1.2, "")]
        lines += [str(len(full))]
        lines += [part for low, high, label in full for part in (str(low), str(high), f'"{label}"')]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_arpabet_becomes_our_phones_with_pauses_and_marks(tmp_path):
    row = with_textgrid(ROW, write(tmp_path / "a.TextGrid", ARPABET, "speaker - "))
    assert row.ipa == "hˈI, jˌu."
    assert row.durations == pytest.approx((0.2, 0.1, 0, 0.2, 0, 0.2, 0.1, 0, 0.2, 0, 0.2))


def test_other_languages_keep_their_ipa(tmp_path):
    path = write(tmp_path / "a.TextGrid", IPA)
    assert with_textgrid(replace(ROW, language="sv"), path).ipa == "hʲaj, jʉː."


def test_what_is_missing_or_broken_is_named(tmp_path):
    with pytest.raises(MisfitError, match="a: .*no such file"):
        with_textgrid(ROW, tmp_path / "none.TextGrid")
    (tmp_path / "b.TextGrid").write_text("nothing")
    with pytest.raises(MisfitError, match="b.TextGrid"):
        with_textgrid(ROW, tmp_path / "b.TextGrid")
