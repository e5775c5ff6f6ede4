"""What is said for what is written, and what is refused."""

import re

import pytest

from affecttts.errors import RequestError
from affecttts.text import check_text, normalize
from affecttts.text.normalize import write_out

TABLE = [
    ("Dr. Smith met Mr. Jones and Mrs. Lee.", "Doctor Smith met Mister Jones and Missus Lee."),
    ("Mr Jones left.", "Mister Jones left."),
    ("He lives on Main St. today.", "He lives on Main Street today."),
    ("St. Louis is big.", "Saint Louis is big."),
    ("It was on Main St. The door opened.", "It was on Main Street. The door opened."),
    ("e.g. apples, i.e. fruit", "for example, apples, that is, fruit."),
    ("Pens, ink, etc. The end.", "Pens, ink, et cetera. The end."),
    ("No. 5 is alive. No. I won't.", "Number five is alive. No. I won't."),
    ("us vs. them", "us versus them."),
    ("J. R. R. Tolkien. So do I. We left.", "J R R Tolkien. So do I. We left."),
    ("The U.S. Army", "The US Army."),
    ("I paid $5.99.", "I paid five dollars and ninety nine cents."),
    ("$1", "one dollar."),
    ("$0.99 or £2.01", "ninety nine cents or two pounds and one penny."),
    ("€1,250", "one thousand two hundred fifty euros."),
    ("$3.5 million and $5k", "three point five million dollars and five thousand dollars."),
    ("-$5 and -3", "minus five dollars and minus three."),
    ("50% or 3.5 %", "fifty percent or three point five percent."),
    ("3/14/2025", "March fourteenth, twenty twenty five."),
    ("25/12/1999", "December twenty fifth, nineteen ninety nine."),
    ("2025-03-14", "March fourteenth, twenty twenty five."),
    ("March 3rd is near", "March third is near."),
    ("Jan. 5, 2020", "January fifth, twenty twenty."),
    ("At 3:30 pm.", "At three thirty PM."),
    ("At 3:05 a.m. He left.", "At three oh five AM. He left."),
    ("9am and 15:45", "nine AM and fifteen forty five."),
    ("Come at 3:00", "Come at three o'clock."),
    ("1/2, 3/4 and 2½", "one half, three quarters and two and one half."),
    ("1905, 1999, 2005, 2010", "nineteen oh five, nineteen ninety nine, two thousand five, twenty ten."),
    ("the 1990s and the '90s", "the nineteen nineties and the nineties."),
    ("1,234,567", "one million two hundred thirty four thousand five hundred sixty seven."),
    ("pi is 3.14", "pi is three point one four."),
    ("007", "zero zero seven."),
    ("the 21st", "the twenty first."),
    ("5 km, 1 lb, 6 ft, 60 mph", "five kilometers, one pound, six feet, sixty miles per hour."),
    ("20°C and 5 µm", "twenty degrees Celsius and five micrometers."),
    ("R&D @ home", "R and D at home."),
    ("See https://www.example.com/a-b.", "See WWW dot example dot com slash a dash b."),
    ("Mail jo.doe@example.com!", "Mail jo dot doe at example dot com!"),
    ("Call 555-1234.", "Call five five five, one two three four."),
    ("pages 10–20", "pages ten to twenty."),
    ("COVID-19, a 5-year plan", "COVID nineteen, a five-year plan."),
    ("Hello 😀 world 👍🏽!", "Hello world!"),
    ("“Hello,” she said — ‘really’…", "Hello, she said, really."),
    ("Well... maybe. What?!", "Well, maybe. What?"),
    ("a (small) thing; two: three", "a, small, thing, two, three."),
    ("Title\n\nBody text\nwrapped", "Title. Body text wrapped."),
    ("ｆｕｌｌ ｗｉｄｔｈ", "full width."),
    ("naïve façade, Nguyễn", "naïve façade, Nguyen."),
    ("I don't know", "I don't know."),
]  # fmt: skip


@pytest.mark.parametrize(("written", "said"), TABLE)
def test_text_is_written_out_as_said(written: str, said: str) -> None:
    assert normalize(written) == said


@pytest.mark.parametrize("written", [written for written, _ in TABLE])
def test_normalising_twice_changes_nothing(written: str) -> None:
    once = normalize(written)
    assert normalize(once) == once


BAD = [
    ("", "empty"),
    (" \n\t", "empty"),
    ("...!?", "'...!?' holds only punctuation"),
    ("😀🎉", "'😀🎉' holds only emoji"),
    ("Привет", "holds only letters that are not Latin"),
    ("hi\0there", "control character U+0000 at position 2"),
    ("bell\x07", "control character U+0007 at position 4"),
    ("lone \ud800", "control character U+D800 at position 5"),
    ("a" * 100_000, "over 200 letters without a space, from 'aaaa"),
]


@pytest.mark.parametrize(("text", "named"), BAD)
def test_unspeakable_text_is_refused_with_the_cause_and_the_cure(text: str, named: str) -> None:
    with pytest.raises(RequestError) as caught:
        check_text(text)
    message = str(caught.value)
    assert named in message
    assert re.search(r": (give|add|write|put|remove) ", message), message
    assert "\n" not in message
    assert len(message) < 200


@pytest.mark.parametrize(
    "text",
    ["5", "a", "Hi\tthere\r\n", "naïve café", "Hello 😀", "a" * 200, "x" * 150 + " " + "y" * 150],
)
def test_speakable_text_is_accepted(text: str) -> None:
    check_text(text)


@pytest.mark.parametrize(
    ("unit", "said"),
    [
        ("1,111", 1),
        ("$1 ", 1),
        ("a@b.", 1),
        ("www.", 1),
        ("'", 0),
        ('"', 0),
        ("#", 0),
        (".", 0),
        ("- ", 0),
    ],
)
def test_hostile_repetition_gives_output_in_proportion(unit: str, said: int) -> None:
    """Finishing at all shows that no rule backtracks over the whole text."""
    short, long = (normalize("go " + unit * (size // len(unit))) for size in (10_000, 100_000))
    assert long.startswith("go")
    if said:
        assert 8 < len(long) / len(short) < 12
    else:
        assert long == short == "go."


SKIPPED = [
    ("hello 你好", "hello.", "'你好' (CJK UNIFIED IDEOGRAPH-4F60), not letters of English"),
    ("Привет and bye", "and bye.", "'Привет' (CYRILLIC CAPITAL LETTER PE), not letters of English"),
    ("Hello 😀 world", "Hello world.", "'😀' (GRINNING FACE), which has no reading"),
]


@pytest.mark.parametrize(("text", "said", "named"), SKIPPED)
def test_what_cannot_be_read_is_skipped_with_a_warning(text: str, said: str, named: str) -> None:
    written = write_out(text)
    assert written.text == said
    assert written.warnings == (f"skipped {named}",)


@pytest.mark.parametrize(("text", "said", "named"), SKIPPED)
def test_strict_refuses_what_cannot_be_read(text: str, said: str, named: str) -> None:
    with pytest.raises(RequestError, match="take it out, or read without strict") as caught:
        check_text(text, strict=True)
    assert named in str(caught.value)


def test_many_unreadable_things_are_counted_not_named() -> None:
    warnings = write_out("ok " + " ".join(chr(0x4E00 + i) for i in range(50))).warnings
    assert len(warnings) == 21
    assert warnings[-1] == "skipped 30 more that cannot be read"


def test_digits_of_other_scripts_are_read() -> None:
    assert normalize("٣ apples") == "three apples."
