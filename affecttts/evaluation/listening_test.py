"""A blind listening test as one page, and what its listeners answered.

The page holds sounds and random tokens alone; which system a token stands for is in the key file
beside it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from html import escape
from itertools import combinations
from pathlib import Path

import numpy as np

from affecttts.errors import InputError, RequestError
from affecttts.evaluation.report.page import sound_uri, write_html
from affecttts.evaluation.stats.bootstrap import interval
from affecttts.evaluation.stats.paired import compare
from affecttts.evaluation.stats.summary import markdown_table, show
from codec.audio import read_samples
from codec.files import read_json, write_json

QUESTIONS = {"mos": "How natural does this sound?", "ab": "Which of the two sounds more natural?"}
ANSWERS = {
    "mos": {"5": "5: excellent", "4": "4: good", "3": "3: fair", "2": "2: poor", "1": "1: bad"},
    "ab": {"a": "the first", "b": "the second", "same": "no difference"},
}
SCRIPT = """
const form = document.querySelector('form'), left = document.querySelector('output');
const answers = () => Object.fromEntries(new FormData(form));
const count = () => Object.keys(answers()).length - 1;
form.addEventListener('change', () => {
  left.textContent = count() + ' of ' + form.dataset.trials + ' answered';
});
form.addEventListener('submit', event => {
  event.preventDefault();
  const { listener, ...given } = answers();
  const text = JSON.stringify({ page: form.dataset.page, listener, answers: given }, null, 2);
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  link.download = 'answers-' + (listener.replace(/[^A-Za-z0-9]+/g, '_') || 'listener') + '.json';
  link.click();
});
"""


@dataclass(frozen=True)
class Item:
    """One sound of a test."""

    id: str  # of what is said; systems are compared on the same
    system: str
    path: str  # relative to the list
    text: str | None = None


def read_items(path: Path) -> list[Item]:
    """Items of a JSONL list.

    Raises:
        InputError: the list is unreadable.
        RequestError: a line is no item.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path}: not readable ({error}); give JSON lines of id, system and path"
        ) from error
    items = []
    for number, line in enumerate(lines, 1):
        try:
            items.append(Item(**json.loads(line)))
        except (json.JSONDecodeError, TypeError) as error:
            allowed = ", ".join(field.name for field in fields(Item))
            raise RequestError(
                f"{path}:{number}: no item ({error}); a line is an object of {allowed}"
            ) from error
    return items


def write_listening_page(
    items_path: Path,
    output: Path,
    test: str,
    question: str | None = None,
    trials: int = 40,
    seed: int = 0,
) -> Path:
    """Write the page and, beside it, the key.

    Args:
        items_path: see `Item`.
        output: the HTML file.
        test: "mos", each sound rated from 1 to 5, or "ab", two systems' sounds of one id compared.
        question: what to ask.
        trials: at most so many, drawn and ordered by `seed`.

    Returns:
        Path of the key file.

    Raises:
        RequestError: no items, or no two systems of one id to compare.
        AudioError: an unreadable sound.
    """
    generator = np.random.default_rng(seed)
    drawn = _draw(read_items(items_path), test, trials, generator)
    tokens = [generator.bytes(6).hex() for _ in drawn]
    body = "".join(
        _trial(place, token, test, [read_samples(items_path.parent / item.path) for item in trial])
        for place, (token, trial) in enumerate(zip(tokens, drawn, strict=True), 1)
    )
    page = hashlib.sha256(body.encode()).hexdigest()[:16]
    asked = question or QUESTIONS[test]
    digest = base64.b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; media-src data:; script-src "
        f"'sha256-{digest}'"
    )
    write_html(output, "Listening test", _form(body, asked, page, len(drawn)), policy)
    key = output.with_name(output.stem + ".key.json")
    meanings = {
        token: {"id": trial[0].id, "systems": [i.system for i in trial]}
        for token, trial in zip(tokens, drawn)
    }
    write_json(
        key, {"page": page, "test": test, "question": asked, "seed": seed, "trials": meanings}
    )
    return key


def _draw(
    items: Sequence[Item], test: str, trials: int, generator: np.random.Generator
) -> list[tuple[Item, ...]]:
    """Trials in random order: whole ids, so that every system meets the same sentences, cut to
    `trials`.
    """
    by_id: dict[str, list[Item]] = {}
    for item in items:
        by_id.setdefault(item.id, []).append(item)
    width = 1 if test == "mos" else 2
    found: list[tuple[Item, ...]] = []
    for name in generator.permutation(sorted(by_id)):
        sets = list(combinations(by_id[name], width))
        found += [
            tuple(sets[i][k] for k in generator.permutation(width))
            for i in generator.permutation(len(sets))
        ]
    if not found:
        raise RequestError("no trials: a test needs items, and A/B two systems of one id")
    kept = found[:trials]
    return [kept[i] for i in generator.permutation(len(kept))]


def _trial(place: int, token: str, test: str, sounds: Sequence[tuple[np.ndarray, int]]) -> str:
    names = ["Sound"] if len(sounds) == 1 else ["First", "Second"]
    players = "".join(
        f'<figure><figcaption>{name}</figcaption><audio controls aria-label="{name}, trial '
        f'{place}" '
        f'src="{sound_uri(samples.mean(axis=1), rate)}"></audio></figure>'
        for name, (samples, rate) in zip(names, sounds, strict=True)
    )
    choices = "".join(
        f'<label><input type="radio" required name="{token}" value="{value}"> {text}</label> '
        for value, text in ANSWERS[test].items()
    )
    return (
        f"<fieldset><legend>Trial {place}</legend><div "
        f'class="players">{players}</div><p>{choices}</p></fieldset>'
    )


def _form(body: str, question: str, page: str, trials: int) -> str:
    return (
        f"<p><strong>{escape(question)}</strong></p><p>Use headphones in a quiet place and leave "
        "the volume as it is. "
        "Save the answers at the end and send the file back; nothing leaves this page by "
        "itself.</p>"
        f'<form data-page="{page}" data-trials="{trials}"><p><label>Your name or initials <input '
        'name="listener" '
        f'autocomplete="off" required></label></p>{body}<p><button>Save the answers</button> '
        f"<output>0 of {trials} answered</output></p></form><script>{SCRIPT}</script>"
    )


def listening_table(results: Sequence[Path], key_path: Path) -> str:
    """The answers as a Markdown table: mean ratings, or preferences of pairs, over all answers,
    with n.

    Raises:
        RequestError: a file holds answers to another page.
    """
    key = read_json(key_path)
    answers = []
    for path in results:
        result = read_json(path)
        if not isinstance(result, dict) or result.get("page") != key["page"]:
            raise RequestError(f"{path}: holds no answers to the page of {key_path}")
        answers += [
            (key["trials"][token]["systems"], value) for token, value in result["answers"].items()
        ]
    table = _ratings(answers) if key["test"] == "mos" else _preferences(answers)
    return f"{key['question']} {len(results)} listeners.\n\n{table}"


def _ratings(answers: list[tuple[list[str], str]]) -> str:
    ratings: dict[str, list[float]] = {}
    for (system,), value in answers:
        ratings.setdefault(system, []).append(float(value))
    order = sorted(ratings, key=lambda system: -np.mean(ratings[system]))
    rows = [
        [system, show(interval(ratings[system])), str(len(ratings[system]))] for system in order
    ]
    return markdown_table(["system", "rating, 1 to 5", "n"], rows)


def _preferences(answers: list[tuple[list[str], str]]) -> str:
    signs: dict[tuple[str, str], list[float]] = {}
    for (first, second), value in answers:
        sign = {"a": 1.0, "b": -1.0, "same": 0.0}[value]
        pair = tuple(sorted((first, second)))
        signs.setdefault(pair, []).append(sign if pair[0] == first else -sign)
    rows = []
    for pair, values in sorted(signs.items()):
        shares = [f"{100 * np.mean(np.array(values) == side):.0f} %" for side in (1, -1, 0)]
        rows.append(
            [
                " / ".join(pair),
                *shares,
                f"{compare(values, np.zeros(len(values))).p:.2g}",
                str(len(values)),
            ]
        )
    return markdown_table(
        ["pair", "first preferred", "second preferred", "no difference", "p", "n"], rows
    )
