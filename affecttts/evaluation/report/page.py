"""One self-contained HTML page of tables, figures and sounds: nothing is fetched, everything is
escaped.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import singledispatch
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from codec.atomic import write_text
from codec.audio import Audio, encoded

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src data:"
STYLE = """:root{color-scheme:light dark;--line:#8886;--soft:#8881;--alarm:#c00020}
@media (prefers-color-scheme:dark){:root{--alarm:#ff8a94}}
body{font:16px/1.5 system-ui,sans-serif;max-width:76rem;margin:0 auto;padding:1rem}
h1{font-size:1.5rem}h2{font-size:1.25rem;border-bottom:1px solid var(--line);margin-top:2.5rem}
h3{font-size:1rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:0 1rem}
dd{margin:0;overflow-wrap:anywhere}dt{opacity:.75}
.wide{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.9rem}
caption,h3{font-weight:600;text-align:left;margin:1rem 0 .3rem}
th,td{padding:.2rem .7rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
tbody tr:nth-child(even){background:var(--soft)}tbody th{font-weight:inherit}
figure{margin:1rem 0}figure svg{background:#fff;max-width:100%;height:auto;border-radius:.3rem}
.players{display:flex;flex-wrap:wrap;gap:.7rem 1.5rem}.players figure{margin:0}
audio{display:block;width:17rem;max-width:100%}
.note{opacity:.8;font-size:.9rem;max-width:60rem}
.alarm{color:var(--alarm);border:2px solid;padding:.5rem 1rem;font-weight:600}
"""


@dataclass(frozen=True)
class Table:
    """Cells as text; the first column names the rows."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class Figure:
    """A drawing, as `figure_svg` makes it: the one text that is not escaped."""

    title: str
    svg: str
    note: str = ""


@dataclass(frozen=True, eq=False)
class Clip:
    """A sound to play."""

    label: str
    audio: np.ndarray  # float [T], full scale 1
    sample_rate: int  # Hz


@dataclass(frozen=True)
class Players:
    """Sounds side by side."""

    title: str
    clips: tuple[Clip, ...]
    note: str = ""


@dataclass(frozen=True)
class Alarm:
    """What must not be overlooked, in red."""

    text: str


@dataclass(frozen=True)
class Section:
    """A heading over tables, figures, players and alarms."""

    title: str
    parts: tuple


def figure_svg(figure: Any) -> str:
    """A matplotlib figure as inline SVG: its text stays text, names of no use and addresses are
    left out.
    """
    import matplotlib

    file = io.StringIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "affecttts"}):
        figure.savefig(file, format="svg", bbox_inches="tight", metadata={"Date": None})
    text = file.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    return re.sub(r' (?:xmlns(?::\w+)?="[^"]*"|id="[A-Za-z]+\d*_\d+")', "", text)


def sound_uri(audio: np.ndarray, sample_rate: int) -> str:
    """Mono audio [T], full scale 1, as a data URI of 16-bit FLAC."""
    return (
        "data:audio/flac;base64,"
        + base64.b64encode(encoded(Audio(audio, sample_rate), "FLAC", "PCM_16")).decode()
    )


def write_page(
    path: str | Path, title: str, sections: Sequence[Section], facts: Mapping[str, str]
) -> None:
    """Write the page, atomically.

    Args:
        path: the HTML file.
        title: of the page.
        sections: in the order of reading.
        facts: name -> value, shown below the title (what was measured, when, on what).
    """
    listed = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts.items()
    )
    links = "".join(
        f'<li><a href="#s{i}">{escape(section.title)}</a></li>'
        for i, section in enumerate(sections)
    )
    body = "".join(_section(i, section) for i, section in enumerate(sections))
    write_html(
        path,
        title,
        f"<dl>{listed}</dl><nav aria-label='Sections'><ul>{links}</ul></nav>{body}",
        POLICY,
    )


def write_html(path: str | Path, title: str, body: str, policy: str) -> None:
    """Write a document with the common style around `body`, which is HTML; `policy` says what it
    may load.
    """
    head = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" '
        f'content="width=device-width,initial-scale=1"><style>{STYLE}</style></head>'
    )
    write_text(path, f"{head}<body><main><h1>{escape(title)}</h1>{body}</main></body></html>\n")


def _section(place: int, section: Section) -> str:
    return (
        f'<section id="s{place}"><h2>{escape(section.title)}</h2>'
        f"{''.join(map(_part, section.parts))}</section>"
    )


@singledispatch
def _part(part: object) -> str:
    raise TypeError(f"a section holds Table, Figure, Players and Alarm, not {type(part).__name__}")


@_part.register
def _(part: Table) -> str:
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in part.columns)
    rows = "".join(
        f'<tr><th scope="row">{escape(first)}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in rest)
        + "</tr>"
        for first, *rest in part.rows
    )
    caption = f"<caption>{escape(part.title)}</caption>"
    table = f"<table>{caption}<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return (
        '<div class="wide" tabindex="0" role="region" '
        f'aria-label="{escape(part.title)}">{table}</div>{_note(part.note)}'
    )


@_part.register
def _(part: Figure) -> str:
    drawing = part.svg.replace("<svg", f'<svg role="img" aria-label="{escape(part.title)}"', 1)
    return f'<h3>{escape(part.title)}</h3><figure class="wide">{drawing}</figure>{_note(part.note)}'


@_part.register
def _(part: Players) -> str:
    clips = "".join(map(_player, part.clips))
    return f'<h3>{escape(part.title)}</h3><div class="players">{clips}</div>{_note(part.note)}'


@_part.register
def _(part: Alarm) -> str:
    return f'<p class="alarm" role="alert">{escape(part.text)}</p>'


def _player(clip: Clip) -> str:
    label = escape(clip.label)
    source = sound_uri(clip.audio, clip.sample_rate)
    return (
        f'<figure><figcaption>{label}</figcaption><audio controls aria-label="{label}" '
        f'src="{source}"></audio></figure>'
    )


def _note(text: str) -> str:
    return f'<p class="note">{escape(text)}</p>' if text else ""
