"""Text front end: from written English to the phones the model reads."""

from affecttts.errors import RequestError
from affecttts.text.chunk import split_text
from affecttts.text.g2p import G2P, EspeakG2P
from affecttts.text.normalize import check_text, excerpt, normalize
from affecttts.text.symbols import (
    INVENTORY_VERSION,
    SYMBOLS,
    UnknownSymbolError,
    from_ids,
    to_ids,
)

__all__ = [
    "G2P",
    "INVENTORY_VERSION",
    "SYMBOLS",
    "EspeakG2P",
    "UnknownSymbolError",
    "check_text",
    "from_ids",
    "normalize",
    "split_text",
    "text_to_phonemes",
    "to_ids",
]


def text_to_phonemes(text: str) -> str:
    """Turns written English into the phone string the model reads.

    Args:
        text: What to say.

    Returns:
        A phone string, never empty, of symbols in `SYMBOLS` only.

    Raises:
        RequestError: The text cannot be spoken; the message says why and what
            would cure it.
    """
    check_text(text)
    phonemes = EspeakG2P().phonemize(normalize(text))
    if not phonemes.strip(" .,?!ˈˌ"):
        raise RequestError(f"text {excerpt(text)} has no sound: add a word to speak")
    to_ids(phonemes)
    return phonemes
