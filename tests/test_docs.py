"""The front door leads somewhere: pages are short, what they name exists, samples can be heard."""

import re

import pytest
import soundfile

from affecttts.emotion.table import load_emotions
from doc_pages import PAGES, anchors, blocks, links, name, spans, text
from tiny_models import REPOSITORY, load_recipe

README = REPOSITORY / "README.md"
DOCS = REPOSITORY / "docs"
SAMPLES = DOCS / "samples"
PLACES = ("affecttts", "codec", "recipes", "benchmarks", "docs", "prompts", "tests")
PATH = re.compile(rf"(?:{'|'.join(PLACES)})/[\w./*-]*")
ROOMS = {f"affecttts/{path.parent.name}" for path in REPOSITORY.glob("affecttts/*/__init__.py")}


def map_paths() -> list[str]:
    """The paths in the first column of the README's map."""
    section = text(README).split("\n## Map", 1)[1].split("\n## ", 1)[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return [path.strip("/") for row in rows for path in re.findall(r"`([^`]+)`", row)]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_inside_the_repository_lead_to_a_file_and_heading(page):
    for link in links(page):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{name(page)} links to {link}"
        if anchor:
            assert anchor in anchors(target), f"{name(page)} links to {link}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_paths_that_a_page_names_exist(page):
    if page.name == "CHANGELOG.md":  # names what is gone
        return
    for span in spans(page):
        if PATH.fullmatch(span):
            assert any(REPOSITORY.glob(span.rstrip("/"))), f"{name(page)} names {span}"


def test_the_map_of_the_readme_names_every_room_and_nothing_else():
    paths = map_paths()
    assert not [path for path in paths if not (REPOSITORY / path).exists()]
    missing = (ROOMS | set(PLACES) - {"affecttts"}) - set(paths)
    assert not missing, f"not in the map: {sorted(missing)}"


def test_the_readme_is_short():
    assert len(text(README).splitlines()) <= 110


def test_reference_pages_are_two_screens_and_all_are_in_the_index():
    index = text(DOCS / "README.md")
    for page in DOCS.glob("*.md"):
        assert len(text(page).splitlines()) <= 140, f"{name(page)}: move detail to docs/lab/"
    pages = [*DOCS.glob("*.md"), *(DOCS / "lab").glob("*.md")]
    missing = [str(p.relative_to(DOCS)) for p in pages if f"({p.relative_to(DOCS)})" not in index]
    assert missing in ([], ["README.md"]), "give these a line in docs/README.md"


def test_every_emotion_has_two_or_three_samples_that_decode_and_are_listed():
    listed = text(SAMPLES / "README.md")
    files = sorted(SAMPLES.glob("*.opus"))
    assert sum(path.stat().st_size for path in SAMPLES.iterdir()) < 1_000_000
    for emotion in load_emotions().ids:
        own = [path for path in files if path.name.startswith(f"{emotion}_")]
        assert 2 <= len(own) <= 3
    for path in files:
        assert f"({path.name})" in listed
        samples, rate = soundfile.read(path)
        assert 0.5 < len(samples) / rate < 10 and abs(samples).max() > 0.05


def test_the_samples_are_those_that_their_script_would_make():
    make_samples = load_recipe("make_samples")

    planned = {s.name for emotion in make_samples.OWN for s in make_samples.samples(emotion)}
    assert planned == {path.name for path in SAMPLES.glob("*.opus")}
    assert text(SAMPLES / "README.md") == make_samples.page()


@pytest.mark.shipped
def test_the_python_of_the_readme_speaks():
    (code,) = blocks(README, "python")
    values = {}
    exec(compile(code, str(README), "exec"), values)  # our own page
    speech = values["speech"]
    assert speech.finish_reason == "end" and abs(speech.audio).max() > 0.05


def test_pages_that_code_and_configs_name_exist():
    for place in PLACES:
        for path in (REPOSITORY / place).rglob("*"):
            if path.suffix in (".py", ".yaml", ".sh", ".md"):
                for page in re.findall(r"\bdocs/[\w/]+\.md", text(path)):
                    assert (REPOSITORY / page).exists(), f"{name(path)} names {page}"
