"""What a TTS evaluation speaks: the items themselves, and around them what emotion can be told
from.

Beside an item with an emotion stands its neutral twin (same text, voice and seed); some items are
spoken at three intensities; one text is spoken in all emotions; free-text prompts stand for
emotions that they do not name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from affecttts.data.manifest import Utterance, read_manifest
from affecttts.emotion.spec import EmotionSpec
from affecttts.errors import RequestError
from affecttts.evaluation.resources import prompts, sentences
from affecttts.evaluation.speech.shifts import NEUTRAL
from affecttts.synthesis.batch import check_id, check_types, parse_item, read_lines
from affecttts.synthesis.model_folder import ModelInfo
from affecttts.synthesis.request import Request, prepare
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


@dataclass(frozen=True)
class Ask:
    """One thing to say, as `prepare` takes it."""

    text: str
    emotion: str | None
    intensity: float | None
    voice: str
    seed: int
    prompt: str | None = None

    @property
    def key(self) -> str:
        """Names it in journals and files: the same words in the same way have the same key."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]

    @property
    def meant(self) -> str | None:
        """The emotion's tag; None of a blend or a prompt, which mean no single one."""
        if self.prompt is not None:
            return None
        spec = EmotionSpec.parse(self.emotion, self.intensity, None)
        return None if spec.mixture else spec.tag

    @property
    def twin(self) -> Ask:
        """The same without any emotion."""
        return replace(self, emotion=NEUTRAL, intensity=None, prompt=None)

    def request(self, info: ModelInfo) -> Request:
        """Checked, for the synthesiser."""
        return prepare(info, **asdict(self))


@dataclass(frozen=True)
class Plan:
    """Everything that is spoken; the same ask may stand in several places and is spoken once."""

    items: tuple[tuple[str, Ask], ...]  # by id
    ladders: tuple[tuple[Ask, ...], ...]  # the same at `INTENSITIES`
    contours: tuple[Ask, ...]  # one text in all emotions
    prompted: tuple[tuple[Ask, str], ...]  # a free-text prompt and the emotion that it stands for
    twins: bool = True  # whether neutral twins are spoken

    @property
    def asks(self) -> dict[str, Ask]:
        """All of them by key."""
        own = [ask for _, ask in self.items]
        prompted = [ask for ask, _ in self.prompted]
        around = [*(ask for ladder in self.ladders for ask in ladder), *self.contours, *prompted]
        twins = [ask.twin for ask in (*own, *around)] if self.twins else []
        return {ask.key: ask for ask in (*own, *twins, *around)}


def make_plan(
    items: Sequence[tuple[str, Ask]], info: ModelInfo, design: Design | None = None
) -> Plan:
    """Plan an evaluation around items; what the model does not know of is left out of what stands
    around them.
    """
    design = design or Design()
    if design.items_only:
        return Plan(tuple(items), (), (), (), twins=False)
    emotional = [ask for _, ask in items if ask.meant not in (None, NEUTRAL)]
    picked = {(ask.meant, ask.voice, ask.text): ask for ask in emotional}
    ladders = [
        tuple(replace(ask, intensity=x) for x in INTENSITIES)
        for ask in _spread_by_emotion(list(picked.values()))
    ]
    first = next(iter(emotional), items[0][1])
    contours = tuple(
        replace(first, emotion=tag, intensity=None, prompt=None) for tag in info.emotions
    )
    texts = list(dict.fromkeys(ask.text for _, ask in items))[:PROMPT_TEXTS]
    prompted = [
        (replace(ask, text=text), emotion)
        for ask, emotion in _prompted(first, info, design.prompts)
        for text in texts
    ]
    return Plan(tuple(items), tuple(ladders[: design.ladders]), contours, tuple(prompted))


def _spread_by_emotion(asks: list[Ask]) -> list[Ask]:
    """One of every emotion, then a second one, and so on."""
    seen: dict[str | None, int] = {}
    ranked = []
    for place, ask in enumerate(asks):
        seen[ask.meant] = seen.get(ask.meant, 0) + 1
        ranked.append((seen[ask.meant], place, ask))
    return [ask for _, _, ask in sorted(ranked, key=lambda item: item[:2])]


def _prompted(like: Ask, info: ModelInfo, most: int) -> Iterable[tuple[Ask, str]]:
    counts: dict[str, int] = {}
    for row in prompts():
        emotion = row["emotion"]
        counts[emotion] = counts.get(emotion, 0) + 1
        if emotion in info.emotions and counts[emotion] <= most:
            yield replace(like, emotion=None, intensity=None, prompt=row["prompt"]), emotion


# -- where items come from
def items_of_batch(path: Path, shelf: VoiceShelf) -> list[tuple[str, Ask]]:
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
            check_types(values)
            voice = shelf.name(values.get("voice")) or shelf.info.default_voice
            seed = values["seed"] if values.get("seed") is not None else SEED
            ask = Ask(
                values["text"],
                values.get("emotion"),
                values.get("intensity"),
                voice,
                seed,
                values.get("prompt"),
            )
            ask.request(shelf.info)
            items.append((name, ask))
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


def items_of_manifest(rows: Sequence[Utterance], info: ModelInfo) -> list[tuple[str, Ask]]:
    """The same words and emotions for the model to say, in the row's voice where it has that one,
    else in its voices in turn.
    """
    return [
        (
            row.id,
            Ask(
                row.text,
                row.emotion,
                row.intensity,
                row.speaker if row.speaker in info.voices else _turn(i, info),
                SEED,
            ),
        )
        for i, row in enumerate(rows)
        if row.emotion in info.emotions
    ]


def shipped_items(info: ModelInfo, design: Design | None = None) -> list[tuple[str, Ask]]:
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
            (f"{row['id']} {voice} {emotion}", Ask(row["text"], emotion, None, voice, SEED))
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
        items.append((name, Ask(row["text"], emotion, None, _turn(i, info), SEED + turn)))
    return evenly(items, design.limit)


def _turn(place: int, info: ModelInfo) -> str:
    return info.voices[place % len(info.voices)]


def evenly(values: Sequence, limit: int) -> list:
    """At most `limit` of the values, spread over all of them."""
    count = min(limit, len(values))
    return [values[round(i * (len(values) - 1) / max(1, count - 1))] for i in range(count)]
