"""From a text to the phone strings of its pieces, in one pass."""

from __future__ import annotations

from affecttts.errors import RequestError
from affecttts.text.chunk import split_text
from affecttts.text.g2p import EspeakG2P
from affecttts.text.normalize import check_text, excerpt, normalize
from affecttts.text.symbols import check_symbols


def text_to_pieces(text: str) -> tuple[str, ...]:
    """Turns written English into the phone strings that the model reads one after another.

    Args:
        text: What to say, of any length.

    Returns:
        One phone string per piece of text, none of them empty, of symbols in `SYMBOLS` only.

    Raises:
        RequestError: The text cannot be spoken; the message says why and what would cure it.
    """
    check_text(text)
    return tuple(_phones(_finished(piece)) for piece in split_text(normalize(text)))


def text_to_phonemes(text: str) -> str:
    """Turns one piece of written English into its phone string, see `text_to_pieces`."""
    check_text(text)
    return _phones(normalize(text))


def _finished(piece: str) -> str:
    """A piece of normalised text as a sentence of its own."""
    piece = piece.lstrip(" ,.?!").rstrip(" ,")
    return piece if piece.endswith((".", "?", "!")) else f"{piece}."


def _phones(text: str) -> str:
    phonemes = EspeakG2P().phonemize(text)
    if not phonemes.strip(" .,?!ˈˌ"):
        raise RequestError(f"text {excerpt(text)} has no sound: add a word to speak")
    check_symbols(phonemes)
    return phonemes
