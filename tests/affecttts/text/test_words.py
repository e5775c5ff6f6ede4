"""Which phones a word is said with."""

import pytest

from affecttts.text.words import word_ranges


@pytest.mark.parametrize(
    "said, phones, expected",
    [
        ("Come in, please.", "kˈʌm ˈɪn, plˈiz.", ["kˈʌm", "ˈɪn", "plˈiz"]),
        ("lost on the bet.", "lˈɔst ɔnðə bˈɛt.", ["lˈɔst", "ɔn", "ðə", "bˈɛt"]),
        ("iPhone and eBay", "ˈI fˈOn ænd ˈi bˈA", ["ˈI fˈOn", "ænd", "ˈi bˈA"]),
        ("out of four", "ˌWɾəv fˈɔɹ", ["ˌWɾ", "əv", "fˈɔɹ"]),
        ("do not me.", "dunˌɑt mˌi.", ["du", "nˌɑt", "mˌi"]),
    ],
)
def test_words_get_their_phones(said, phones, expected):
    ranges = word_ranges(said.split(), phones)
    assert [phones[start:end] for start, end in ranges] == expected
