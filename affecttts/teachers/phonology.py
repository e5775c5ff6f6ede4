"""Semantic teacher that needs no downloaded model: the phonological features of the phones that are being spoken.

Content is taken from a manifest's aligned phone string, not from a recogniser: exact where there is a transcript, absent
where there is none. A recogniser as the teacher could not judge the words of the model that it taught.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from affecttts.data.manifest import Utterance
from affecttts.text.symbols import SYMBOLS

TEACHER_ID = "phonology-1"
SILENCE = len(SYMBOLS)  # index of silence in the table
UNKNOWN = -1

# After Chomsky & Halle (1968) and Hayes (2009): what is marked; unmarked features are absent.
FEATURES = (
    "vowel high low front back round tense rising_front rising_back voiced nasal stop fricative strident lateral rhotic glide "
    "labial dental alveolar postalveolar palatal velar glottal tap silence pause question"
).split()

MARKS = {
    " ": "pause", ".": "pause silence", ",": "pause silence", "?": "pause silence question", "!": "pause silence",
    "ˈ": "", "ˌ": "",
    "b": "voiced stop labial", "d": "voiced stop alveolar", "f": "fricative labial dental strident", "h": "fricative glottal",
    "j": "glide voiced palatal high front", "k": "stop velar", "l": "lateral voiced alveolar", "m": "nasal voiced labial",
    "n": "nasal voiced alveolar", "p": "stop labial", "s": "fricative strident alveolar", "t": "stop alveolar",
    "v": "voiced fricative labial dental strident", "w": "glide voiced labial velar high back round",
    "z": "voiced fricative strident alveolar", "ð": "voiced fricative dental", "ŋ": "nasal voiced velar",
    "ɡ": "voiced stop velar", "ɹ": "rhotic voiced alveolar postalveolar", "ɾ": "tap voiced alveolar",
    "ʃ": "fricative strident postalveolar", "ʒ": "voiced fricative strident postalveolar", "ʔ": "stop glottal",
    "ʤ": "voiced stop fricative strident postalveolar", "ʧ": "stop fricative strident postalveolar", "θ": "fricative dental",
    "a": "vowel voiced low front", "e": "vowel voiced front tense", "i": "vowel voiced high front tense",
    "u": "vowel voiced high back round tense", "æ": "vowel voiced low front tense", "ɑ": "vowel voiced low back tense",
    "ɒ": "vowel voiced low back round", "ɔ": "vowel voiced back round tense", "ə": "vowel voiced",
    "ɛ": "vowel voiced front", "ɜ": "vowel voiced rhotic tense", "ɪ": "vowel voiced high front", "ʊ": "vowel voiced high back round",
    "ʌ": "vowel voiced back", "A": "vowel voiced front tense rising_front", "I": "vowel voiced low back rising_front",
    "O": "vowel voiced back round tense rising_back", "Q": "vowel voiced round rising_back",
    "W": "vowel voiced low rising_back", "Y": "vowel voiced back round rising_front",
}  # fmt: skip


def feature_table() -> Tensor:
    """[len(SYMBOLS) + 1, C] float32: one centred row per symbol, silence last; no two phones are alike."""
    rows = [MARKS[symbol].split() for symbol in SYMBOLS] + [["silence"]]
    table = torch.tensor([[float(feature in row) for feature in FEATURES] for row in rows])
    return table - table.mean(dim=0)


@dataclass(frozen=True)
class PhoneTrack:
    """Which phone is spoken when, at feature rate."""

    position: np.ndarray  # int16 [N], index into `symbols`
    symbols: np.ndarray  # int16 [P], rows of the feature table: silence, one per character, silence


def phone_track(utterance: Utterance, num_frames: int, rate: float) -> PhoneTrack | None:
    """The phones of `num_frames` feature frames at `rate` Hz; None where the manifest has no durations.

    A stress mark has no sound of its own and counts to the phone behind it.
    """
    if utterance.durations is None:
        return None
    symbols = [SILENCE, *(SYMBOLS.index(symbol) for symbol in utterance.ipa), SILENCE]
    ends = np.cumsum(utterance.durations) - utterance.offset
    position = np.searchsorted(ends, (np.arange(num_frames) + 0.5) / rate, side="right").clip(0, len(symbols) - 1)
    stress = np.array([0 <= row < SILENCE and SYMBOLS[row] in "ˈˌ" for row in symbols])
    position = np.where(stress[position], np.minimum(position + 1, len(symbols) - 1), position)
    return PhoneTrack(position.astype(np.int16), np.array(symbols, dtype=np.int16))


def window_symbols(track: PhoneTrack, start: int, count: int, stride: int, reach: int) -> np.ndarray:
    """Rows of the feature table around every codec frame: int64 [F, 2 * reach + 1], `UNKNOWN` past either end.

    Args:
        start, count: feature frames of the crop; frames past the end of the track are unknown.
        stride: feature frames per codec frame; the middle one decides.
        reach: phones to either side. Stress marks are passed over.
    """
    sounded = np.array([row == SILENCE or SYMBOLS[row] not in "ˈˌ" for row in track.symbols])
    order = np.cumsum(sounded) - 1
    symbols = track.symbols[sounded]
    middles = start + stride // 2 + stride * np.arange(count // stride)
    known = middles < len(track.position)
    centre = order[track.position[np.minimum(middles, len(track.position) - 1)]]
    window = centre[:, None] + np.arange(-reach, reach + 1)
    inside = (window >= 0) & (window < len(symbols)) & known[:, None]
    return np.where(inside, symbols[window.clip(0, len(symbols) - 1)], UNKNOWN).astype(np.int64)


def embed(table: Tensor, symbols: Tensor) -> Tensor:
    """Rows of the table for int64 symbols [...], zeros where `UNKNOWN`: [..., C]."""
    return table[symbols.clamp_min(0)] * (symbols != UNKNOWN)[..., None]
