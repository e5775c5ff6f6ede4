"""Grapheme-to-phoneme conversion with espeak-ng, US English."""

from __future__ import annotations

import ctypes
import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, ClassVar, Protocol

from affecttts.errors import InputError, RequestError

if TYPE_CHECKING:
    from phonemizer.backend.espeak.wrapper import EspeakWrapper

# espeak keeps its data path in a buffer of 160 bytes and appends file names to
# it; a path over this many bytes makes it read the wrong place.
MAX_DATA_PATH_BYTES = 140
_VOICE = "en-us"
_SYNCHRONOUS = 2  # AUDIO_OUTPUT_SYNCHRONOUS of espeak_Initialize

_TIE = "͡"
_CLAUSES = re.compile(r"([.,?!]+)")
# Left behind where espeak changes language within a text, as in "(en)".
_LANGUAGE_FLAG = re.compile(r"\([^()]{0,24}\)")

# The ties tell the one phone of "chin" from the two of "nutshell".
_TIED = {
    "e͡ɪ": "A",
    "a͡ɪ": "I",
    "o͡ʊ": "O",
    "ə͡ʊ": "Q",
    "a͡ʊ": "W",
    "ɔ͡ɪ": "Y",
    "t͡ʃ": "ʧ",
    "d͡ʒ": "ʤ",
}
_REDUCED = str.maketrans(
    {
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
        "_": "",  # left at the end of a word, espeak-ng#694
        "\n": " ",  # espeak cuts at marks of its own
    }
)


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
    _espeak: ClassVar[EspeakWrapper | None] = None

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
        phones = iter(self._read(spoken))
        pieces = []
        for clause, mark in zip(clauses, marks, strict=True):
            if any(map(str.isalnum, clause)):
                pieces.append(reduce_ipa(next(phones)) + mark[:1])
        return " ".join(pieces)

    @classmethod
    def _read(cls, clauses: list[str]) -> list[str]:
        with cls._lock:
            if cls._espeak is None:
                cls._espeak = _load_espeak()
            return [cls._espeak.text_to_phonemes(clause, tie=True) for clause in clauses]

    @classmethod
    def ipa(cls, clauses: list[str], voice: str) -> list[str]:
        """Reads clauses in another language.

        Args:
            voice: One of espeak-ng's languages, such as es.

        Returns:
            espeak-ng's IPA of each, with ties.

        Raises:
            RequestError: espeak-ng has no such language.
        """
        with cls._lock:
            espeak = cls._espeak = cls._espeak or _load_espeak()
            try:
                espeak.set_voice(voice)
                return [espeak.text_to_phonemes(clause, tie=True) for clause in clauses]
            except RuntimeError as error:
                raise RequestError(
                    f"language {voice!r} is none that espeak-ng speaks; give one such as es or de"
                ) from error
            finally:
                espeak.set_voice(_VOICE)


def reduce_ipa(ipa: str) -> str:
    """Reduces espeak-ng IPA to the model's inventory.

    Args:
        ipa: IPA from espeak-ng's en-us voice, with ties.

    Returns:
        The same phones with one symbol for each diphthong and affricate, no
        length marks, and the rarer phones replaced by their nearest neighbour.
        Symbols without a rule are kept, for `to_ids` to report.
    """
    if "(" in ipa:
        ipa = _LANGUAGE_FLAG.sub("", ipa)
    for tied, phone in _TIED.items():
        ipa = ipa.replace(tied, phone)
    return " ".join(ipa.translate(_REDUCED).split())


def _load_espeak() -> EspeakWrapper:
    """The one espeak of this process.

    Raises:
        InputError: espeak-ng cannot be loaded.
    """
    import espeakng_loader

    # It takes longer than all else here, and one job needs none of it.
    with _at_first_use("joblib"):
        from phonemizer.backend.espeak import wrapper

    library, data = espeakng_loader.get_library_path(), Path(espeakng_loader.get_data_path())
    wrapper.EspeakWrapper.set_library(library)
    copying, wrapper.EspeakAPI = wrapper.EspeakAPI, _in_place(wrapper.EspeakAPI, data)
    try:
        espeak = wrapper.EspeakWrapper()
        espeak.set_voice(_VOICE)
        return espeak
    except (OSError, RuntimeError) as error:
        raise InputError(
            f"{library}: espeak-ng cannot be loaded ({error}); install espeakng-loader again"
        ) from error
    finally:
        wrapper.EspeakAPI = copying


@contextmanager
def _at_first_use(name: str) -> Iterator[None]:
    """Has the modules imported inside import another one only when they use it."""
    if name in sys.modules:
        yield
        return
    stand_in = ModuleType(name)

    def get(attribute: str) -> object:
        if sys.modules.get(name) is stand_in:
            del sys.modules[name]
        return getattr(import_module(name), attribute)

    stand_in.__getattr__ = get
    sys.modules[name] = stand_in
    try:
        yield
    finally:
        if sys.modules.get(name) is stand_in:
            del sys.modules[name]


def _in_place(api: type, data: Path) -> type:
    """phonemizer's binding without its copy of the library.

    phonemizer copies the library into the temporary folder, for several backends each with its own
    global state; a process of ours has one, and the folder may be full, or forbid to run what lies
    in it.
    """

    class InPlace(api):
        def __init__(self, library: str, data_path: object) -> None:
            self._library, self._library_path = ctypes.CDLL(str(library)), Path(library)
            place = os.fsencode(short_data_path(data))
            if self._library.espeak_Initialize(_SYNCHRONOUS, 0, place, 0) <= 0:
                raise RuntimeError(f"it finds no voices in {data}")

    return InPlace


def short_data_path(path: Path) -> Path:
    """A path to espeak's data that is short enough for espeak.

    Args:
        path: The data directory as installed.

    Returns:
        The path itself or, where it is too long, that of the open directory.

    Raises:
        OSError: it is too long, and the system gives open directories no path.
    """
    if len(os.fsencode(path)) <= MAX_DATA_PATH_BYTES:
        return path
    handle = os.open(path, os.O_RDONLY)  # for as long as the process lives
    for folder in ("/proc/self/fd", "/dev/fd"):
        if (short := Path(folder, str(handle), "phontab")).is_file():
            return short.parent
    raise OSError(f"the path of its data is longer than {MAX_DATA_PATH_BYTES} bytes: {path}")
