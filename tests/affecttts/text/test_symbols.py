"""The inventory and its ids."""

import pytest

from affecttts.errors import RequestError
from affecttts.text import SYMBOLS, UnknownSymbolError, from_ids, to_ids


def test_ids_round_trip_over_the_whole_inventory() -> None:
    phonemes = "".join(SYMBOLS)
    assert to_ids(phonemes) == list(range(len(SYMBOLS)))
    assert from_ids(to_ids(phonemes)) == phonemes


def test_inventory_order_is_the_one_of_its_version() -> None:
    """A changed order breaks every trained model: change the version with it."""
    assert "".join(SYMBOLS) == " .,?!ˈˌbdfhjklmnpstvwzðŋɡɹɾʃʒʔʤʧθaeiuæɑɒɔəɛɜɪʊʌAIOQWY"


def test_unknown_symbol_is_named_with_its_place_and_word() -> None:
    with pytest.raises(
        UnknownSymbolError, match=r"'#' \(U\+0023\) at position 5 .* 'w#ɹ'"
    ) as caught:
        to_ids("həl w#ɹ ld")
    error = caught.value
    assert (error.symbol, error.position, error.word) == ("#", 5, "w#ɹ")
    assert isinstance(error, RequestError)


@pytest.mark.parametrize("bad", [-1, len(SYMBOLS)])
def test_unknown_id_is_refused(bad: int) -> None:
    with pytest.raises(ValueError, match=str(bad)):
        from_ids([0, bad])
