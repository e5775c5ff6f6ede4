"""Phone strings of any language fall into units, and times come back to their characters."""

from __future__ import annotations

import pytest

from affecttts.data.alignment.languages import phone_string
from affecttts.data.alignment.units import ENGLISH, Inventory, character_durations, split_units
from affecttts.errors import RequestError
from affecttts.lm.sequence import split_phones


@pytest.mark.parametrize("ipa", ["ðɪs mˈæn ɪz ɹˈɪʧ.", "ˈ", "ˈˈæ", "hi, ˌju?", "ˈ.ˌa"])
def test_english_units_are_the_blocks_of_the_token_stream(ipa):
    widths = [unit.width for unit in split_units(ipa)]
    assert sum(widths) == len(ipa)
    assert widths == [phone.width for phone in split_phones(ipa)]


def test_length_nasality_and_tones_belong_to_the_phone_before_them():
    symbols = [unit.symbol for unit in split_units("bɔ̃ʒˈuːʁ ma˥")]
    assert symbols == ["b", "ɔ̃", "ʒ", "uː", "ʁ", " ", "m", "a˥"]


def test_time_goes_to_the_sound_and_none_is_lost():
    durations = character_durations("bˈɔ̃ ", [0.1, 0.2, 0.3, 0.4, 0.5])
    assert durations == (0.1, 0.2, 0.0, 0.3, 0.0, 0.4, 0.5)


def test_an_inventory_holds_what_its_strings_hold():
    inventory = Inventory.of(["bɔ̃", "tuː"])
    assert inventory.foreign("bɔ̃ tuː.") == set() and inventory.foreign("ɔ") == {"ɔ"}
    classes = inventory.classes("bɔ̃.")
    assert classes[0] == classes[-1] == inventory.silence and len(classes) == 5
    assert not inventory.sounds[classes[3]] and inventory.sounds[classes[1]]
    assert ENGLISH.foreign("ɔ̃")


def test_other_languages_are_read_by_espeak_and_english_still_is_english():
    assert phone_string("¿Hola, qué tal?", "es").startswith("ˈola, k")
    assert phone_string("This is rich.", "en-gb") == "ðɪs ɪz ɹˈɪʧ."
    assert "\u0303" in phone_string("bon vin", "fr")
    with pytest.raises(RequestError, match="'xx' is none that espeak-ng speaks"):
        phone_string("hello", "xx")
    with pytest.raises(RequestError, match="no sound"):
        phone_string("...", "de")
