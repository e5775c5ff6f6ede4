"""The aligner of a corpus: from a phone classifier that exists, or from nothing but the corpus."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from affecttts.data.alignment.gaussians import Spoken
from affecttts.data.alignment.likelihoods import load_phone_classifier
from affecttts.data.alignment.rows import MisfitError, RowAligner, fine_aligner, spelt
from affecttts.data.alignment.shards import sample
from affecttts.data.alignment.training import FlatStart, FlatStartConfig, Progress
from affecttts.data.alignment.units import ENGLISH, Inventory
from affecttts.data.codes.encode import Item, ShardPlan
from affecttts.errors import RequestError
from codec.atomic import recover
from codec.errors import AudioError
from codec.files import read_json
from codec.training.phone_classifier import PhoneClassifier, PhoneClassifierConfig

SHIPPED, FLAT_START = "shipped", "flat-start"
AGAIN = "aligner"  # folder in the working folder
COUNTED_ROWS = 300  # from which it is learned how long phones last
TRAINING_ROWS = 6000  # at most, of a flat start: about six hours


def prepare_aligner(
    kind: str,
    classifier: Path,
    plan: ShardPlan,
    work: Path,
    config: FlatStartConfig,
    say: Callable[[str], None],
    progress: Progress,
) -> Path:
    """The folder of the aligner: made now, or by an earlier run in the same working folder.

    Args:
        kind: SHIPPED, FLAT_START, or the folder of an aligner.
        classifier: folder of the phone classifier, for SHIPPED.
        work: the working folder.
    """
    if kind not in (SHIPPED, FLAT_START):
        RowAligner.load(Path(kind))
        return Path(kind)
    folder = work / f"{AGAIN}-{kind}"
    recover(folder)
    if folder.is_dir():
        say(f"goes on with the aligner in {folder}; remove the folder to make it anew")
    elif kind == SHIPPED:
        from_classifier(classifier, plan, progress).save(folder)
    else:
        from_corpus(plan, config, say, progress).save(folder)
    return folder


def from_classifier(folder: Path, plan: ShardPlan, progress: Progress) -> RowAligner:
    """An aligner from an English phone classifier: durations are learned from rows aligned without.

    Raises:
        CheckpointError: no such classifier.
        RequestError: no row of the corpus could be aligned.
    """
    phone_classifier = load_phone_classifier(folder, ENGLISH)
    rate = phone_classifier.config.sample_rate / phone_classifier.config.hop_length
    first = RowAligner(phone_classifier, fine_aligner(ENGLISH, [], rate), "first")
    pairs, why = [], ""
    for item in progress(sample(plan, COUNTED_ROWS), "durations"):
        try:
            ipa, counts, _ = first.counts(item.utterance, item.audio(first.sample_rate))
            pairs.append((ENGLISH.classes(ipa), counts))
        except (MisfitError, AudioError) as error:
            why = str(error)
    if not pairs:
        raise RequestError(
            f"no row can be aligned ({why or 'the manifest is empty'}); give a corpus of English "
            "speech with transcripts, or --aligner flat-start for other languages"
        )
    return RowAligner(
        phone_classifier, fine_aligner(ENGLISH, pairs, rate), f"classifier {_digest(folder)}"
    )


def from_corpus(
    plan: ShardPlan, config: FlatStartConfig, say: Callable[[str], None], progress: Progress
) -> RowAligner:
    """An aligner from nothing but the rows of a corpus.

    Raises:
        RequestError: too few rows with a transcript and audio.
    """
    items = list(_spelt(sample(plan, TRAINING_ROWS)))
    inventory = Inventory.of(ipa for _, ipa in items)
    shape = PhoneClassifierConfig(dim=1, dilations=(), classes=inventory.size)
    extractor, clips = PhoneClassifier(shape), []
    for item, ipa in progress(items, "features"):
        try:
            audio = item.audio(shape.sample_rate)
        except AudioError:
            continue
        features = extractor.features(torch.from_numpy(audio)[None, None])[0].T
        clips.append(Spoken(features.numpy().astype(np.float16), inventory.classes(ipa)))
    name = f"flat start {hashlib.sha256(repr(asdict(config)).encode()).hexdigest()[:16]}"
    return FlatStart(clips, inventory, config, say, progress).run(name)


def _spelt(items: Sequence[Item]) -> Iterator[tuple[Item, str]]:
    for item in items:
        try:
            yield item, spelt(item.utterance)
        except MisfitError:
            continue


def _digest(folder: Path) -> str:
    """Of the files of a saved network."""
    digest = hashlib.sha256(repr(read_json(folder / "config.json")).encode())
    for path in sorted(folder.glob("*.safetensors")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
