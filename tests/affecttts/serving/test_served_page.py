"""The page in a browser: typed text becomes sound, and both themes can be looked at."""

from __future__ import annotations

import shutil

import pytest
import soundfile

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium is installed")
TEXT = "We did it! It's over now."


@pytest.fixture(scope="module")
def browser():
    """A browser without a window and without a network beyond this machine."""
    with playwright.sync_playwright() as tools:
        browser = tools.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--autoplay-policy=no-user-gesture-required"],
        )
        yield browser
        browser.close()


@pytest.fixture
def page(browser, server):
    """The page, loaded; whatever goes wrong in it fails the test."""
    page = browser.new_page(viewport={"width": 1100, "height": 900}, accept_downloads=True)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda line: "Failed to load" in line.text or problems.append(line.text))
    own = (server.url, "data:", "blob:")
    page.on("request", lambda r: r.url.startswith(own) or problems.append(r.url))
    page.goto(server.url)
    page.get_by_role("radio", name="happy").wait_for()
    yield page
    page.close()
    assert not problems


def test_a_text_is_typed_spoken_shown_and_downloaded(page, synthesizer, tmp_path):
    page.get_by_label("What to say").fill(TEXT)
    page.get_by_label("Voice", exact=True).select_option("fenrir")
    page.get_by_label("Seed").fill("3")
    page.get_by_role("radio", name="happy").check()
    page.get_by_text("An emotion for each sentence").click()
    page.get_by_label("Emotion of sentence 2").select_option("sad")
    page.get_by_role("button", name="Speak").click()
    page.locator("#words .now").first.wait_for()  # a word is lit while it sounds
    page.get_by_text("seed 3").wait_for()
    assert page.locator("#words span").all_inner_texts() == TEXT.split()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    download.value.save_as(tmp_path / "speech.wav")
    audio, rate = soundfile.read(tmp_path / "speech.wav")
    said = [
        synthesizer.synthesize(text, seed=3, voice="fenrir", emotion=emotion, intensity=1.0).audio
        for text, emotion in (("We did it!", "happy"), ("It's over now.", "sad"))
    ]
    assert rate == 24_000 and abs(audio).max() > 0.01
    assert len(audio) == sum(map(len, said)) + round(0.12 * rate)
    for theme in ("light", "dark"):
        if page.evaluate("document.documentElement.dataset.theme") != theme:
            page.locator("#theme").click()
        shot = page.screenshot(path=tmp_path / f"{theme}.png", full_page=True)
        assert len(shot) > 10_000


def test_the_calls_shown_are_the_same_request(page):
    page.get_by_label("What to say").fill('It\'s "over" now.')
    page.get_by_label("Seed").fill("5")
    page.get_by_role("radio", name="sad").check()
    curl, python = page.locator("#curl").inner_text(), page.locator("#python").inner_text()
    assert '"seed":5' in curl and '"emotion":"sad"' in curl and "It'\\''s" in curl
    call = python.split("speech = ", 1)[1]
    seen = {}
    asked = type("Asked", (), {"synthesize": lambda _, text, **s: seen.update(s, text=text)})()
    eval(call, {"synthesizer": asked})
    assert seen["text"] == 'It\'s "over" now.' and seen["emotion"] == "sad" and seen["seed"] == 5


def test_all_is_done_by_keyboard_on_a_narrow_screen(page):
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_label("What to say").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("Hello there.")
    page.get_by_role("radio", name="neutral").focus()
    page.keyboard.press("ArrowRight")
    assert not page.get_by_role("radio", name="neutral").is_checked()
    page.keyboard.press("Control+Enter")
    page.get_by_text("s of speech").wait_for()
    named = page.locator("input, select, textarea, button").evaluate_all(
        "all => all.filter(e => !e.labels?.length && !e.ariaLabel && !e.textContent.trim()).length"
    )
    assert named == 0


def test_a_refusal_is_told_on_the_page(page):
    page.get_by_label("What to say").fill("...")
    page.get_by_role("button", name="Speak").click()
    page.get_by_text("only punctuation").wait_for()
