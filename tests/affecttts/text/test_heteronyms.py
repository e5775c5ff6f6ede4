"""Words said in two ways, against sentences that tell which."""

import json

from affecttts.text import text_to_phonemes
from tiny_models import REPOSITORY

SENTENCES = [
    json.loads(line)
    for line in (REPOSITORY / "tests/data/heteronyms.jsonl").read_text("utf-8").strip().split("\n")
]


def _right(entry: dict) -> bool:
    return entry["phones"] in text_to_phonemes(entry["sentence"])


def _share(split: str) -> float:
    chosen = [entry for entry in SENTENCES if entry["split"] == split]
    return sum(map(_right, chosen)) / len(chosen)


def test_nine_of_ten_are_right_in_the_sentences_kept_for_judging() -> None:
    assert len({entry["word"] for entry in SENTENCES}) >= 162
    assert _share("judge") >= 0.95


def test_nine_of_ten_are_right_in_the_sentences_for_development() -> None:
    assert _share("develop") >= 0.95


def test_the_reading_stands_in_the_phones_and_leaves_the_neighbors_alone() -> None:
    assert text_to_phonemes("Close the door.") == "klˈOz ðə dˈɔɹ."
    assert text_to_phonemes("She read it, and a tear fell.") == "ʃi ɹˈɛd ɪt, ænd ə tˈɪɹ fˈɛl."
    assert text_to_phonemes("It is a round object.").endswith("ɹˈWnd ˈɑbʤɛkt.")
