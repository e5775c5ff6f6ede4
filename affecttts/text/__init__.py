"""Text front end: from written English to the phones the model reads."""

from affecttts.text.chunk import split_text
from affecttts.text.g2p import G2P, EspeakG2P
from affecttts.text.normalize import check_text, normalize
from affecttts.text.pieces import text_to_phonemes, text_to_pieces
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
    "text_to_pieces",
    "to_ids",
]
