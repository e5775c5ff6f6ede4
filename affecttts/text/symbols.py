"""The phone inventory that the language model is trained on."""

from collections.abc import Iterable

from affecttts.errors import RequestError

INVENTORY_VERSION = "en-us-1"
"""Changes whenever `SYMBOLS` does, because ids are positions in it."""

PUNCTUATION = ".,?!"
_STRESS = "ˈˌ"
_CONSONANTS = "bdfhjklmnpstvwzðŋɡɹɾʃʒʔʤʧθ"
_VOWELS = "aeiuæɑɒɔəɛɜɪʊʌ"
_DIPHTHONGS = "AIOQWY"

SYMBOLS: tuple[str, ...] = tuple(" " + PUNCTUATION + _STRESS + _CONSONANTS + _VOWELS + _DIPHTHONGS)
"""Every phone, stress mark and punctuation mark, in id order."""

_IDS = {symbol: index for index, symbol in enumerate(SYMBOLS)}


class UnknownSymbolError(RequestError):
    """A phone string holds a symbol outside the inventory.

    Attributes:
        symbol: The symbol.
        position: Its index in the phone string.
        word: The space-separated word it is in.
    """

    def __init__(self, symbol: str, position: int, word: str) -> None:
        super().__init__(
            f"unknown phone {symbol!r} (U+{ord(symbol):04X}) at position {position} "
            f"in the word {word!r}: spell the word differently"
        )
        self.symbol = symbol
        self.position = position
        self.word = word


def to_ids(phonemes: str) -> list[int]:
    """Turns a phone string into ids.

    Args:
        phonemes: A phone string in the `SYMBOLS` inventory.

    Returns:
        One id for each symbol.

    Raises:
        UnknownSymbolError: A symbol is outside the inventory.
    """
    check_symbols(phonemes)
    return [_IDS[symbol] for symbol in phonemes]


def check_symbols(phonemes: str) -> None:
    """Refuses a phone string with symbols outside the inventory.

    Raises:
        UnknownSymbolError: There is one.
    """
    for position, symbol in enumerate(phonemes):
        if symbol not in _IDS:
            raise UnknownSymbolError(symbol, position, _word_at(phonemes, position))


def from_ids(ids: Iterable[int]) -> str:
    """Turns ids back into a phone string.

    Args:
        ids: Positions in `SYMBOLS`.

    Returns:
        The phone string.

    Raises:
        ValueError: An id is outside the inventory.
    """
    symbols = []
    for index in ids:
        if not 0 <= index < len(SYMBOLS):
            raise ValueError(f"phone id {index} is outside 0 to {len(SYMBOLS) - 1}")
        symbols.append(SYMBOLS[index])
    return "".join(symbols)


def _word_at(phonemes: str, position: int) -> str:
    start = phonemes.rfind(" ", 0, position) + 1
    end = phonemes.find(" ", position)
    return phonemes[start : len(phonemes) if end < 0 else max(end, position + 1)]
