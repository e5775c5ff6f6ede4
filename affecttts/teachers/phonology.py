"""Semantic teacher that needs no downloaded model: the phonological features of the phones that are
being spoken.

Content is taken from a manifest's aligned phone string, not from a recogniser: exact where there is
a transcript, absent where there is none. A recogniser as the teacher could not judge the words of
the model that it taught.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from affecttts.data.manifest import Utterance
from affecttts.teachers.protocol import Clip, Teacher, TeacherAnswer
from affecttts.text.symbols import SYMBOLS

SILENCE = len(SYMBOLS)  # row of silence in the table
STRESS = "ˈˌ"

# After Chomsky & Halle (1968) and Hayes (2009): what is marked; unmarked features are absent.
FEATURES = (
    "vowel high low front back round tense rising_front rising_back voiced nasal stop fricative "
    "strident lateral rhotic glide "
    "labial dental alveolar postalveolar palatal velar glottal tap silence pause question"
).split()

MARKS = {
    " ": "pause",
    ".": "pause silence",
    ",": "pause silence",
    "?": "pause silence question",
    "!": "pause silence",
    "ˈ": "",
    "ˌ": "",
    "b": "voiced stop labial",
    "d": "voiced stop alveolar",
    "f": "fricative labial dental strident",
    "h": "fricative glottal",
    "j": "glide voiced palatal high front",
    "k": "stop velar",
    "l": "lateral voiced alveolar",
    "m": "nasal voiced labial",
    "n": "nasal voiced alveolar",
    "p": "stop labial",
    "s": "fricative strident alveolar",
    "t": "stop alveolar",
    "v": "voiced fricative labial dental strident",
    "w": "glide voiced labial velar high back round",
    "z": "voiced fricative strident alveolar",
    "ð": "voiced fricative dental",
    "ŋ": "nasal voiced velar",
    "ɡ": "voiced stop velar",
    "ɹ": "rhotic voiced alveolar postalveolar",
    "ɾ": "tap voiced alveolar",
    "ʃ": "fricative strident postalveolar",
    "ʒ": "voiced fricative strident postalveolar",
    "ʔ": "stop glottal",
    "ʤ": "voiced stop fricative strident postalveolar",
    "ʧ": "stop fricative strident postalveolar",
    "θ": "fricative dental",
    "a": "vowel voiced low front",
    "e": "vowel voiced front tense",
    "i": "vowel voiced high front tense",
    "u": "vowel voiced high back round tense",
    "æ": "vowel voiced low front tense",
    "ɑ": "vowel voiced low back tense",
    "ɒ": "vowel voiced low back round",
    "ɔ": "vowel voiced back round tense",
    "ə": "vowel voiced",
    "ɛ": "vowel voiced front",
    "ɜ": "vowel voiced rhotic tense",
    "ɪ": "vowel voiced high front",
    "ʊ": "vowel voiced high back round",
    "ʌ": "vowel voiced back",
    "A": "vowel voiced front tense rising_front",
    "I": "vowel voiced low back rising_front",
    "O": "vowel voiced back round tense rising_back",
    "Q": "vowel voiced round rising_back",
    "W": "vowel voiced low rising_back",
    "Y": "vowel voiced back round rising_front",
}


def feature_table() -> np.ndarray:
    """[len(SYMBOLS) + 1, C] float32: one centred row per symbol, silence last; no two phones are
    alike.
    """
    rows = [MARKS[symbol].split() for symbol in SYMBOLS] + [["silence"]]
    table = np.array(
        [[float(feature in row) for feature in FEATURES] for row in rows], dtype=np.float32
    )
    return table - table.mean(axis=0)


class PhonologyTeacher(Teacher):
    """One vector of phonological features per phone, pause and silence."""

    id = "phonology-2"
    rate = None

    def __init__(self) -> None:
        self._table = feature_table()

    def teach(self, clip: Clip) -> TeacherAnswer | None:
        """Vectors of the phones with their ends; None where the manifest has no durations.

        A stress mark has no sound of its own: its time counts to the phone behind it.
        """
        if clip.utterance.durations is None:
            return None
        spoken = spoken_phones(clip.utterance)
        return TeacherAnswer(self._table[spoken.rows], spoken.ends)


@dataclass(frozen=True)
class SpokenPhones:
    """What is spoken when, silence at either end."""

    rows: np.ndarray  # int [P], rows of the feature table
    ends: np.ndarray  # float [P], seconds at which each one ends


def spoken_phones(utterance: Utterance) -> SpokenPhones:
    """The phones of an utterance with durations."""
    rows = np.array([SILENCE, *(SYMBOLS.index(symbol) for symbol in utterance.ipa), SILENCE])
    ends = np.cumsum(utterance.durations) - utterance.offset
    sounded = np.array([row == SILENCE or SYMBOLS[row] not in STRESS for row in rows])
    return SpokenPhones(rows[sounded], ends[sounded])


def phones_at(spoken: SpokenPhones, times: np.ndarray) -> np.ndarray:
    """Rows int [N] of the phones spoken at some times [N] in seconds; before the first and after
    the last one, silence.
    """
    return spoken.rows[
        np.searchsorted(spoken.ends, times, side="right").clip(0, len(spoken.rows) - 1)
    ]
