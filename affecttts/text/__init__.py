"""Text front end: from written English to the phones the model reads."""

from affecttts.errors import RequestError
from affecttts.text.chunk import split_text
from affecttts.text.g2p import G2P, EspeakG2P
from affecttts.text.normalize import Options, check_text, excerpt, normalize
from affecttts.text.pronunciation import Lexicon
from affecttts.text.reading import Piece, Reading, read
from affecttts.text.speaking import to_phones
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
    "Lexicon",
    "Options",
    "Piece",
    "Reading",
    "UnknownSymbolError",
    "check_text",
    "from_ids",
    "normalize",
    "read",
    "split_text",
    "text_to_phonemes",
    "to_ids",
]


def text_to_phonemes(text: str, options: Options | None = None) -> str:
    """Turns written English into the phone string the model reads.

    Args:
        text: What to say.
        options: How to read it.

    Returns:
        A phone string, never empty, of symbols in `SYMBOLS` only.

    Raises:
        RequestError: The text cannot be spoken; the message says why and what
            would cure it.
    """
    options = Options.of(options)
    check_text(text, options.strict)
    phonemes = to_phones(normalize(text, options))
    if not phonemes.strip(" .,?!ˈˌ"):
        raise RequestError(f"text {excerpt(text)} has no sound: add a word to speak")
    to_ids(phonemes)
    return phonemes
