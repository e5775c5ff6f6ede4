"""Grapheme-to-phoneme conversion with espeak-ng, US English."""

from __future__ import annotations

import atexit
import logging
import os
import re
import shutil
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

if TYPE_CHECKING:
    from phonemizer.backend import EspeakBackend

# espeak keeps its data path in a buffer of 160 bytes and appends file names to
# it; a path over this many bytes makes it read the wrong place.
MAX_DATA_PATH_BYTES = 140

_TIE = "͡"
_CLAUSES = re.compile(r"([.,?!]+)")
# Left behind where espeak changes language within a text, as in "(en)".
_LANGUAGE_FLAG = re.compile(r"\([^()]{0,24}\)")

# The ties tell the one phone of "chin" from the two of "nutshell".
_REDUCTION = re.compile("[eaoəɔ]͡[ɪʊ]|t͡ʃ|d͡ʒ|.", re.DOTALL)
_REDUCED = {
    "e͡ɪ": "A",
    "a͡ɪ": "I",
    "o͡ʊ": "O",
    "ə͡ʊ": "Q",
    "a͡ʊ": "W",
    "ɔ͡ɪ": "Y",
    "t͡ʃ": "ʧ",
    "d͡ʒ": "ʤ",
    _TIE: "",
    "ː": "",
    "\u0329": "",  # syllabic: "button" is bˈʌʔn
    "\u0303": "n",  # nasal vowel of French loans: "croissant"
    "ɚ": "əɹ",
    "ɝ": "ɜɹ",
    "ɐ": "ə",
    "ᵻ": "ɪ",
    "o": "ɔ",
    "g": "ɡ",
    "r": "ɹ",
    "x": "k",
    "ɬ": "l",
    "ɲ": "n",
}


class G2P(Protocol):
    """Anything that turns normalised text into a phone string."""

    def phonemize(self, text: str) -> str:
        """Turns normalised text into a phone string."""
        ...


class EspeakG2P:
    """espeak-ng IPA for US English, reduced to the model's inventory.

    espeak-ng has global state, so all instances share one backend, made on
    first use, and a lock around it.
    """

    _lock: ClassVar[threading.Lock] = threading.Lock()
    _backend: ClassVar[EspeakBackend | None] = None

    def phonemize(self, text: str) -> str:
        """Turns normalised text into a phone string.

        Args:
            text: Text from `affecttts.text.normalize.normalize`.

        Returns:
            Phones with stress marks, spaces between words and the text's
            punctuation. Empty when the text holds nothing to say.
        """
        # Split here, because phonemizer restores punctuation in quadratic time.
        parts = _CLAUSES.split(text)
        clauses, marks = parts[0::2], [*parts[1::2], ""]
        spoken = [clause for clause in clauses if any(map(str.isalnum, clause))]
        phones = iter(self._espeak(spoken))
        pieces = []
        for clause, mark in zip(clauses, marks, strict=True):
            if any(map(str.isalnum, clause)):
                pieces.append(reduce_ipa(next(phones)) + mark[:1])
        return " ".join(pieces)

    @classmethod
    def _espeak(cls, clauses: list[str]) -> list[str]:
        with cls._lock:
            if cls._backend is None:
                cls._backend = _make_backend()
            return cls._backend.phonemize(clauses, strip=True)


def reduce_ipa(ipa: str) -> str:
    """Reduces espeak-ng IPA to the model's inventory.

    Args:
        ipa: IPA from espeak-ng's en-us voice, with ties.

    Returns:
        The same phones with one symbol for each diphthong and affricate, no
        length marks, and the rarer phones replaced by their nearest neighbour.
        Symbols without a rule are kept, for `to_ids` to report.
    """
    bare = _LANGUAGE_FLAG.sub("", ipa)
    return _REDUCTION.sub(lambda match: _REDUCED.get(match[0], match[0]), bare).strip()


def _make_backend() -> EspeakBackend:
    import espeakng_loader
    from phonemizer.backend import EspeakBackend
    from phonemizer.backend.espeak.wrapper import EspeakWrapper

    EspeakWrapper.set_library(espeakng_loader.get_library_path())
    data = short_data_path(Path(espeakng_loader.get_data_path()))
    EspeakWrapper.set_data_path(str(data))
    # phonemizer counts words and warns where espeak joins two, as in "of the".
    logger = logging.getLogger(f"{__name__}.phonemizer")
    logger.setLevel(logging.ERROR)
    return EspeakBackend(
        "en-us",
        with_stress=True,
        tie=True,
        language_switch="remove-flags",
        words_mismatch="ignore",
        logger=logger,
    )


def short_data_path(path: Path) -> Path:
    """Returns a path to espeak's data that espeak can open.

    Args:
        path: The data directory as installed.

    Returns:
        The path itself, or a copy's under the temporary directory, removed at
        exit, when the path is too long for espeak.
    """
    if len(os.fsencode(path)) <= MAX_DATA_PATH_BYTES:
        return path
    # A link would not do: phonemizer resolves it.
    root = Path(tempfile.mkdtemp(prefix="espeak-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    return Path(shutil.copytree(path, root / path.name))
