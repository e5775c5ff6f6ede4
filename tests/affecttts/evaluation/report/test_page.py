"""The report page: escaped, self-contained, its sounds whole."""

import base64
import io
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import soundfile

from affecttts.evaluation.report.page import (
    Alarm,
    Clip,
    Figure,
    Players,
    Section,
    Table,
    figure_svg,
    write_page,
)

HOSTILE = """<script>x</script>&"'"""
VOID = {"meta", "use", "path", "rect", "image", "line"}


class Outline(HTMLParser):
    """Tags, attribute values and text of a page; refuses tags that are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open, self.tags, self.values, self.text = [], [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.values += [value or "" for _, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.fixture
def page(tmp_path):
    def write(*parts):
        write_page(tmp_path / "page.html", HOSTILE, [Section(HOSTILE, parts)], {HOSTILE: HOSTILE})
        return (tmp_path / "page.html").read_text(encoding="utf-8")

    return write


def test_all_text_is_escaped(page):
    clip = Clip(HOSTILE, np.zeros(100), 8000)
    table = Table(HOSTILE, (HOSTILE, "n"), ((HOSTILE, HOSTILE),), HOSTILE)
    text = page(
        table,
        Players(HOSTILE, (clip,), HOSTILE),
        Alarm(HOSTILE),
        Figure(HOSTILE, "<svg></svg>", HOSTILE),
    )
    outline = Outline(text)
    assert outline.open == [] and "script" not in outline.tags
    assert {"table", "audio", "svg", "caption"} <= set(outline.tags)
    assert outline.text.count(HOSTILE) == 17 and outline.values.count(HOSTILE) == 3


def test_nothing_is_fetched(page):
    figures = pytest.importorskip("matplotlib.figure")
    figure = figures.Figure()
    axes = figure.subplots()
    axes.plot([1, 2], [3, 5], "o-", label="a line")
    axes.imshow(np.eye(3))
    axes.set_title("A title")
    text = page(Figure("Drawing", figure_svg(figure)))
    assert "://" not in text and "A title" in Outline(text).text
    assert all(
        value.startswith(("#", "data:")) for value in re.findall(r'(?:src|href)="([^"]*)"', text)
    )
    assert figure_svg(figure) == figure_svg(figure)


def test_sounds_decode_to_the_samples(page):
    audio = np.random.default_rng(0).uniform(-1.1, 1.1, 4000)
    text = page(Players("Sounds", (Clip("noise", audio, 24000),)))
    (data,) = re.findall(r'src="data:audio/flac;base64,([^"]*)"', text)
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(data)))
    assert rate == 24000 and np.abs(samples - np.clip(audio, -1, 1)).max() < 1 / 32768 + 1e-6


def test_a_part_of_another_kind_is_refused(page, tmp_path):
    with pytest.raises(TypeError, match="not str"):
        page("text")
    assert not list(tmp_path.iterdir())
