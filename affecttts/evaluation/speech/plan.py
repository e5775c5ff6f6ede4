"""What a TTS evaluation speaks: the items themselves, and around them what emotion can be told
from.

Beside an item with an emotion stands its neutral twin (same text, voice and seed); some items are
spoken at three intensities; one text is spoken in all emotions; free-text prompts stand for
emotions that they do not name.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from affecttts.data.manifest import Utterance, read_manifest
from affecttts.errors import RequestError
from affecttts.evaluation.resources import prompts, sentences
from affecttts.evaluation.speech.shifts import NEUTRAL
from affecttts.synthesis.batch import check_id, item_request, parse_item, read_lines
from affecttts.synthesis.model_folder import ModelInfo
from affecttts.synthesis.request import SpeechRequest, prepare
from affecttts.synthesis.voices import VoiceShelf

SEED = 7
INTENSITIES = (0.5, 1.0, 1.5)
PROMPT_TEXTS = 2  # of the items, which every prompt is spoken with


@dataclass(frozen=True)
class Design:
    """What is spoken of our own sentences, and what around the items."""

    limit: int = 100  # items; sentences where they are crossed
    crossed: bool = False  # every sentence in every voice and emotion
    emotions: tuple[str, ...] = ()  # of our own sentences; none = all of the model
    ladders: int = 8  # items that are spoken at all intensities
    prompts: int = 2  # free-text prompts of every emotion
    items_only: bool = False  # no neutral twins either


def key_of(request: SpeechRequest) -> str:
    """Names a request in journals and files: the same words in the same way have the same key."""
    return hashlib.sha256(json.dumps(request.to_dict(), sort_keys=True).encode()).hexdigest()[:16]


def meant_emotion(request: SpeechRequest) -> str | None:
    """The emotion's tag; None of a blend or a prompt, which mean no single one."""
    spec = request.spec
    return None if spec.mixture or spec.text is not None else spec.tag


def neutral_twin(request: SpeechRequest) -> SpeechRequest:
    """The same without any emotion."""
    return replace(request, emotion=NEUTRAL, intensity=None, prompt=None)


@dataclass(frozen=True)
class Plan:
    """Everything that is spoken; a request may stand in several places and is spoken once."""

    items: tuple[tuple[str, SpeechRequest], ...]  # by id
    ladders: tuple[tuple[SpeechRequest, ...], ...]  # the same at `INTENSITIES`
    contours: tuple[SpeechRequest, ...]  # one text in all emotions
    # a free-text prompt and the emotion that it stands for
    prompted: tuple[tuple[SpeechRequest, str], ...]
    twins: bool = True  # whether neutral twins are spoken

    @property
    def requests(self) -> dict[str, SpeechRequest]:
        """All of them by key."""
        own = [request for _, request in self.items]
        steps = [request for ladder in self.ladders for request in ladder]
        around = [*steps, *self.contours, *(request for request, _ in self.prompted)]
        twins = [neutral_twin(r) for r in (*own, *around)] if self.twins else []
        return {key_of(request): request for request in (*own, *twins, *around)}


def make_plan(
    items: Sequence[tuple[str, SpeechRequest]], info: ModelInfo, design: Design | None = None
) -> Plan:
    """Plan an evaluation around items; what the model does not know of is left out of what stands
    around them.
    """
    design = design or Design()
    if design.items_only:
        return Plan(tuple(items), (), (), (), twins=False)
    emotional = [r for _, r in items if meant_emotion(r) not in (None, NEUTRAL)]
    picked = {(meant_emotion(r), r.voice, r.text): r for r in emotional}
    ladders = [
        tuple(replace(request, intensity=x) for x in INTENSITIES)
        for request in _spread_by_emotion(list(picked.values()))
    ]
    first = next(iter(emotional), items[0][1])
    contours = tuple(
        replace(first, emotion=tag, intensity=None, prompt=None) for tag in info.emotions
    )
    texts = list(dict.fromkeys(request.text for _, request in items))[:PROMPT_TEXTS]
    prompted = [
        (replace(request, text=text), emotion)
        for request, emotion in _prompted(first, info, design.prompts)
        for text in texts
    ]
    return Plan(tuple(items), tuple(ladders[: design.ladders]), contours, tuple(prompted))


def _spread_by_emotion(requests: list[SpeechRequest]) -> list[SpeechRequest]:
    """One of every emotion, then a second one, and so on."""
    seen: Counter[str | None] = Counter()
    ranked = []
    for place, request in enumerate(requests):
        emotion = meant_emotion(request)
        seen[emotion] += 1
        ranked.append((seen[emotion], place, request))
    return [request for _, _, request in sorted(ranked, key=lambda item: item[:2])]


def _prompted(
    like: SpeechRequest, info: ModelInfo, most: int
) -> Iterable[tuple[SpeechRequest, str]]:
    counts: Counter[str] = Counter()
    for row in prompts():
        emotion = row["emotion"]
        counts[emotion] += 1
        if emotion in info.emotions and counts[emotion] <= most:
            yield replace(like, emotion=None, intensity=None, prompt=row["prompt"]), emotion


# -- where items come from
def items_of_batch(path: Path, shelf: VoiceShelf) -> list[tuple[str, SpeechRequest]]:
    """Items of a batch file, as `affecttts synthesize --batch` reads them; a missing seed is 7.

    Raises:
        RequestError: an item that is none or that the model cannot speak; the message names its
            line.
    """
    items, seen = [], set()
    for number, line in read_lines(path):
        try:
            name, values = parse_item(line)
            check_id(name, seen)
            request = item_request(values, shelf, seed=SEED, voice=shelf.info.default_voice)
            prepare(shelf.info, request)
            items.append((name, request))
        except RequestError as error:
            raise RequestError(f"{path}:{number}: {error}") from error
    return items


def rows_of_manifest(path: Path) -> list[Utterance]:
    """Rows with a text and an emotion: the test split, or all where it has none.

    Raises:
        RequestError: there are none.
    """
    rows = [row for row in read_manifest(path) if row.text and row.emotion]
    rows = [row for row in rows if row.split == "test"] or rows
    if not rows:
        raise RequestError(f"{path}: no row has both a text and an emotion; give --items instead")
    return rows


def items_of_manifest(
    rows: Sequence[Utterance], info: ModelInfo
) -> list[tuple[str, SpeechRequest]]:
    """The same words and emotions for the model to say, in the row's voice where it has that one,
    else in its voices in turn.

    Raises:
        RequestError: a row that cannot be asked for; the message names its id.
    """
    items = []
    for place, row in enumerate(rows):
        if row.emotion not in info.emotions:
            continue
        voice = row.speaker if row.speaker in info.voices else _turn(place, info)
        try:
            text, strength = row.text or "", row.intensity
            request = SpeechRequest(text, row.emotion, strength, voice=voice, seed=SEED)
        except RequestError as error:
            raise RequestError(f"{row.id}: {error}") from error
        items.append((row.id, request))
    return items


def shipped_items(info: ModelInfo, design: Design | None = None) -> list[tuple[str, SpeechRequest]]:
    """Our sentences over the model's voices and emotions, so that all pairs of those come up in
    turn; more items than sentences take new seeds. Crossed: each of the first normal sentences in
    all voices and emotions.

    Raises:
        RequestError: an emotion that the model does not know.
    """
    design = design or Design()
    if unknown := set(design.emotions) - set(info.emotions):
        raise RequestError(
            f"--emotion {min(unknown)}: the model has none of this name; known: "
            f"{', '.join(info.emotions)}"
        )
    emotions = design.emotions or info.emotions
    if design.crossed:
        return [
            (
                f"{row['id']} {voice} {emotion}",
                SpeechRequest(row["text"], emotion, voice=voice, seed=SEED),
            )
            for row in sentences("normal")[: design.limit]
            for voice in info.voices
            for emotion in emotions
        ]
    rows = sentences()
    items = []
    for i in range(max(design.limit, len(rows))):
        turn, row = i // len(rows), rows[i % len(rows)]
        emotion = emotions[(i // len(info.voices)) % len(emotions)]
        name = f"{row['id']} again {turn}" if turn else row["id"]
        request = SpeechRequest(row["text"], emotion, voice=_turn(i, info), seed=SEED + turn)
        items.append((name, request))
    return evenly(items, design.limit)


def _turn(place: int, info: ModelInfo) -> str:
    return info.voices[place % len(info.voices)]


def evenly(values: Sequence, limit: int) -> list:
    """At most `limit` of the values, spread over all of them."""
    count = min(limit, len(values))
    return [values[round(i * (len(values) - 1) / max(1, count - 1))] for i in range(count)]
