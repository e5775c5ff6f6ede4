"""Times of words as files that others read: JSON, and the captions SubRip and WebVTT."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import PurePath
from typing import Any

from affecttts.errors import RequestError, shown
from affecttts.synthesis.result import TimedPhone, TimedWord

LINE = 42  # characters of a caption
GAP = 0.6  # seconds of silence at which a new one begins


def as_json(words: Sequence[TimedWord], phones: Sequence[TimedPhone]) -> str:
    """Words and phones with start and end in seconds; `span` is in characters of the text."""
    values = {"words": _rounded(words), "phones": _rounded(phones)}
    return json.dumps(values, ensure_ascii=False, indent=1) + "\n"


def as_srt(words: Sequence[TimedWord], phones: Sequence[TimedPhone] = ()) -> str:
    """SubRip captions."""
    return "\n".join(
        f"{number}\n{_clock(cue[0].start, ',')} --> {_clock(cue[-1].end, ',')}\n{_text(cue)}\n"
        for number, cue in enumerate(_cues(words), start=1)
    )


def as_vtt(words: Sequence[TimedWord], phones: Sequence[TimedPhone] = ()) -> str:
    """WebVTT captions (W3C), the words of each timed."""
    cues = [
        f"{_clock(cue[0].start, '.')} --> {_clock(cue[-1].end, '.')}\n{_timed(cue)}\n"
        for cue in _cues(words)
    ]
    return "\n".join(["WEBVTT\n", *cues])


WRITERS = {".json": as_json, ".srt": as_srt, ".vtt": as_vtt}


def check_name(path: str) -> None:
    """Refuse a file whose suffix says no known form.

    Raises:
        RequestError: the known suffixes are named.
    """
    if PurePath(path).suffix.lower() not in WRITERS:
        raise RequestError(f"timestamps go to a file {' or '.join(WRITERS)}, not {shown(path)}")


def captions(path: str, words: Sequence[TimedWord], phones: Sequence[TimedPhone]) -> str:
    """What the file of that name holds, see `check_name`."""
    check_name(path)
    return WRITERS[PurePath(path).suffix.lower()](words, phones)


def _rounded(items: Sequence[TimedWord] | Sequence[TimedPhone]) -> list[dict[str, Any]]:
    return [
        asdict(item) | {"start": round(item.start, 3), "end": round(item.end, 3)} for item in items
    ]


def _cues(words: Sequence[TimedWord]) -> Iterator[list[TimedWord]]:
    """Words that are shown at once."""
    cue: list[TimedWord] = []
    for word in words:
        if cue and (
            len(_text([*cue, word])) > LINE
            or word.start - cue[-1].end > GAP
            or cue[-1].text.endswith((".", "!", "?", "…"))
        ):
            yield cue
            cue = []
        cue.append(word)
    if cue:
        yield cue


def _text(cue: Sequence[TimedWord]) -> str:
    return " ".join(word.text for word in cue)


def _timed(cue: Sequence[TimedWord]) -> str:
    """The words of a caption, a time before each but the first; `&` and `<` are escaped."""
    first, *others = [(word, word.text.replace("&", "&amp;").replace("<", "&lt;")) for word in cue]
    return " ".join([first[1], *(f"<{_clock(word.start, '.')}>{text}" for word, text in others)])


def _clock(seconds: float, point: str) -> str:
    """Hours, minutes, seconds and milliseconds."""
    milliseconds = round(1000 * seconds)
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}{point}{rest % 1000:03}"
