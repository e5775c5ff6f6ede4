"""Phone strings of any language: the model's own for English, espeak-ng's IPA for all others."""

from __future__ import annotations

import re

from affecttts.errors import RequestError
from affecttts.text import text_to_phonemes
from affecttts.text.g2p import EspeakG2P

ENGLISH = "en"
_VOICES = {"zh": "cmn", "fr": "fr-fr", "no": "nb"}  # espeak-ng's names where they are others
_MARKS = re.compile(r"([.,?!;:…。，？！；：]+)")
_WRITTEN = str.maketrans(";:…。，？！；：", ",,..,?!,,")
_FLAG = re.compile(r"\([^()]{0,24}\)")  # where espeak changes language within a text
_DROPPED = str.maketrans("", "", "\u0361_-\u200d")


def phone_string(text: str, language: str) -> str:
    """What a text sounds like.

    Args:
        language: such as en, es, pt-br; region and script may be left out.

    Returns:
        Phones with stress marks, spaces between words and the text's marks: symbols of
        `affecttts.text.SYMBOLS` for English, else IPA.

    Raises:
        RequestError: the text cannot be spoken, or espeak-ng has no such language.
    """
    if language.split("-")[0] == ENGLISH:
        return text_to_phonemes(text)
    parts = _MARKS.split(" ".join(text.split()))
    spoken = [clause for clause in parts[0::2] if any(map(str.isalnum, clause))]
    phones = iter(EspeakG2P.ipa(spoken, _VOICES.get(language, language)))
    pieces = []
    for clause, mark in zip(parts[0::2], [*parts[1::2], ""], strict=True):
        if any(map(str.isalnum, clause)):
            ipa = _FLAG.sub("", next(phones)).translate(_DROPPED)
            pieces.append(" ".join(ipa.split()) + mark.translate(_WRITTEN)[:1])
    if not "".join(pieces).strip(" .,?!ˈˌ"):
        raise RequestError(f"text {text[:40]!r} has no sound: add a word to speak")
    return " ".join(pieces)
