"""Praat's TextGrids, as the Montreal Forced Aligner writes them too: import and export."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

from affecttts.data.alignment.rows import MisfitError
from affecttts.data.alignment.units import PAUSE_MARKS, STRESSES, split_units
from affecttts.data.manifest import Utterance
from affecttts.errors import RequestError
from affecttts.text.g2p import reduce_ipa
from affecttts.text.symbols import PUNCTUATION

SILENT = {"", "sil", "sp", "spn", "<eps>", "<sil>"}
_STRESS_OF = {"1": "ˈ", "2": "ˌ", "0": "", "": ""}
_ARPABET = dict(
    AA="ɑ", AE="æ", AH="ʌ", AO="ɔ", AW="W", AY="I", B="b", CH="ʧ", D="d", DH="ð", EH="ɛ",
    ER="ɜɹ", EY="A", F="f", G="ɡ", HH="h", IH="ɪ", IY="i", JH="ʤ", K="k", L="l", M="m", N="n",
    NG="ŋ", OW="O", OY="Y", P="p", R="ɹ", S="s", SH="ʃ", T="t", TH="θ", UH="ʊ", UW="u", V="v",
    W="w", Y="j", Z="z", ZH="ʒ",
)  # fmt: skip
_MFA = {"aj": "I", "aw": "W", "ej": "A", "ow": "O", "ɔj": "Y", "tʃ": "ʧ", "dʒ": "ʤ"}
_CODED = re.compile(r"([A-Z]{1,2})([012]?)")
Interval = tuple[float, float, str]


def check_praatio() -> None:
    """Refuse to begin what needs praatio.

    Raises:
        RequestError: it is not installed.
    """
    if find_spec("praatio") is None:
        raise RequestError('TextGrids need praatio: pip install "affecttts[data]"')


def write_textgrid(utterance: Utterance, path: Path) -> None:
    """Write the words and phones of a row with durations; pauses are empty intervals."""
    from praatio import textgrid

    phones, words = _intervals(utterance)
    grid = textgrid.Textgrid(0, utterance.seconds)
    for name, intervals in (("words", words), ("phones", phones)):
        grid.addTier(textgrid.IntervalTier(name, intervals, 0, utterance.seconds))
    path.parent.mkdir(parents=True, exist_ok=True)
    grid.save(str(path), "long_textgrid", includeBlankSpaces=True, reportingMode="silence")


def _intervals(utterance: Utterance) -> tuple[list[Interval], list[Interval]]:
    """Phones, and the words that they make up."""
    if utterance.ipa is None or utterance.durations is None:
        raise ValueError(f"{utterance.id} has no durations")
    phones: list[Interval] = []
    spans: list[list[float]] = [[]]
    time, place = utterance.durations[0] - utterance.offset, 0
    for unit in split_units(utterance.ipa):
        end = time + sum(utterance.durations[1 + place : 1 + place + unit.width])
        low, high = max(0.0, time), min(end, utterance.seconds)
        if unit.symbol in PAUSE_MARKS:
            spans += [[]] if unit.symbol == " " else []
        elif high > low:
            label = utterance.ipa[place : place + unit.width]
            phones.append((round(low, 4), round(high, 4), label))
            spans[-1] += [round(low, 4), round(high, 4)]
        time, place = end, place + unit.width
    names = _words(utterance)
    words = [(span[0], span[-1], name) for span, name in zip(spans, names) if span]
    return phones, words


def _words(utterance: Utterance) -> list[str]:
    """A name for each word of the phone string: as written where the counts agree."""
    spoken, written = (utterance.ipa or "").split(" "), (utterance.text or "").split()
    return written if len(written) == len(spoken) else spoken


def with_textgrid(utterance: Utterance, path: Path) -> Utterance:
    """The row with the phones and durations of a TextGrid.

    Raises:
        MisfitError: the file is missing or broken, has no phones, or one that is unknown.
    """
    from praatio import textgrid

    try:
        grid = textgrid.openTextgrid(str(path), includeEmptyIntervals=False, reportingMode="error")
    except FileNotFoundError as error:
        raise MisfitError("no TextGrid", f"{utterance.id}: {path}: no such file") from error
    except Exception as error:  # praatio raises whatever its parser stumbles over
        raise MisfitError("TextGrid unreadable", f"{utterance.id}: {path}: {error}") from error
    phones, words = (_tier(grid, name) for name in ("phones", "words"))
    heard = [(low, high, label) for low, high, label in phones if label.lower() not in SILENT]
    if not heard:
        raise MisfitError("TextGrid without phones", f"{utterance.id}: {path} has no phones tier")
    starts = [low for low, _, label in words if label.lower() not in SILENT]
    return _timed(utterance, heard, starts)


def _tier(grid, name: str) -> list[Interval]:
    """The intervals of a tier; the Montreal Forced Aligner may put a speaker before its name."""
    for tier in grid.tierNames:
        if tier == name or tier.endswith(f"- {name}"):
            return [(entry.start, entry.end, entry.label) for entry in grid.getTier(tier).entries]
    return []


def _timed(utterance: Utterance, phones: list[Interval], starts: list[float]) -> Utterance:
    written = (utterance.text or "").split()
    marks = [_mark(word) for word in written] if len(written) == len(starts) else []
    near = 1e-3  # seconds within which a phone begins a word
    ipa, durations, time, word = "", [phones[0][0]], phones[0][0], 0
    for (_, before, _), (low, high, label) in pairwise([(0.0, phones[0][0], ""), *phones]):
        begins = any(abs(low - start) < near for start in starts)
        if ipa and (begins or low - before > near):
            gap = (marks[word - 1] if marks and begins else "") + " "
            ipa += gap
            durations += [0.0] * (len(gap) - 1) + [low - time]
        word += begins
        symbols = _symbols(utterance, label)
        sounds = [s for s in symbols if s not in STRESSES]
        durations += [0.0 if s in STRESSES else (high - low) / len(sounds) for s in symbols]
        ipa, time = ipa + symbols, high
    if marks and marks[-1]:
        ipa, durations = ipa + marks[-1], [*durations, 0.0]
    durations.append(max(0.0, utterance.seconds - time))
    return replace(
        utterance,
        ipa=ipa,
        durations=tuple(round(value, 4) for value in durations),
        offset=0.0,
        offset_estimated=False,
        confidence=None,
    )


def _mark(word: str) -> str:
    return word[-1] if word[-1] in PUNCTUATION else ""


def _symbols(utterance: Utterance, label: str) -> str:
    """Our symbols for a label: ARPABET, the Montreal Forced Aligner's IPA, or any other IPA."""
    if (coded := _CODED.fullmatch(label)) and coded[1] in _ARPABET:
        return _STRESS_OF[coded[2]] + _ARPABET[coded[1]]
    if utterance.language.split("-")[0] != "en":
        return label
    bare = "".join(c for c in label if c in STRESSES or unicodedata.category(c) not in ("Lm", "Mn"))
    stress = "".join(c for c in bare if c in STRESSES)
    symbols = reduce_ipa(bare.strip(STRESSES))
    return stress + _MFA.get(bare.strip(STRESSES), symbols)
