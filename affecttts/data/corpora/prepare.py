"""What single corpora need beyond their table: functions from the fields of a row to its fields."""

from __future__ import annotations

import re

Fields = dict[str, str]


def lower_case(fields: Fields) -> Fields:
    """LibriSpeech's texts are in capitals, which would be spelt out."""
    return fields | {"text": fields["text"].lower()} if "text" in fields else fields


def without_pinyin(fields: Fields) -> Fields:
    """AISHELL-3 writes every character and its reading in turn."""
    return fields | {"text": "".join(fields["text"].split()[::2])} if "text" in fields else fields


def iemocap(fields: Fields) -> Fields:
    """The speaker is the session and the letter before the turn; noises stand in brackets."""
    text = {"text": re.sub(r"\[[^\]]*\]", " ", fields["text"])} if "text" in fields else {}
    return fields | {"speaker": fields["session"] + fields["gender"]} | text


def word_as_text(fields: Fields) -> Fields:
    """MESD's file names end in the word that is spoken."""
    return fields | {"text": fields["word"].replace("_", " ")}


def esd(fields: Fields) -> Fields:
    """Speakers 1 to 10 speak Mandarin. Of the 350 sentences of each emotion the first 20 are for
    evaluation, 30 for test.
    """
    number = (int(fields["number"]) - 1) % 350
    split = "evaluation" if number < 20 else "test" if number < 50 else "train"
    return {"split": split, "language": "zh" if int(fields["speaker"]) <= 10 else "en", **fields}


def unknown_speaker_of_podcast(fields: Fields) -> Fields:
    """MSP-Podcast does not know every speaker; those of one podcast are taken for one."""
    known = fields.get("speaker", "Unknown") != "Unknown"
    return fields if known else fields | {"speaker": f"podcast{fields['podcast']}"}


def atmosphere_as_label(fields: Fields) -> Fields:
    """NNIME without its table of votes and people: the mood that the scene was to have, and the
    chair of the scene.
    """
    return {
        "label": fields["atmosphere"],
        "speaker": fields["session"] + fields["person"],
        **fields,
    }


PREPARERS = {
    function.__name__: function
    for function in (
        lower_case,
        without_pinyin,
        iemocap,
        word_as_text,
        esd,
        unknown_speaker_of_podcast,
        atmosphere_as_label,
    )
}
