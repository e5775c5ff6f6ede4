"""Base data that goes along with an adaptation: codec tokens and labels of some training
utterances, no audio.

It keeps the emotions and the base voices alive (replay), tells the aligner how long phones last,
and says how far each emotion moves a voice. A model folder carries it as replay/manifest.jsonl and
replay/tokens-*; a corpus of the user's own, encoded by the same codec, serves as well.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from affecttts.adaptation.forced_alignment import Aligner, phone_classes
from affecttts.data.codes.store import CodeRow, CodeStore, shard_path, write_shard
from affecttts.data.manifest import Utterance, read_manifest
from affecttts.errors import RequestError
from affecttts.lm.sequence import frame_counts
from codec.errors import CheckpointError

FOLDER_NAME = "replay"
MANIFEST_NAME = "manifest.jsonl"


@dataclass(frozen=True)
class BaseData:
    """Base utterances with their tokens."""

    manifest: Path
    utterances: tuple[Utterance, ...]
    store: CodeStore


def open_base_data(
    model: Path,
    voices: Sequence[str],
    codec_fingerprint: str,
    manifest: Path | None = None,
    tokens: Path | None = None,
) -> BaseData:
    """The model folder's replay data, or those of a corpus.

    Args:
        manifest, tokens: a manifest with phone durations and emotions, and its token shards; None =
            the model's own.

    Raises:
        RequestError: only one of the two is given, no utterance can be used, or a speaker is none
            of the model's `voices`.
        CheckpointError: the model has no replay data, or the tokens are of another codec.
    """
    if (manifest is None) != (tokens is None):
        raise RequestError("give both a replay manifest and its tokens, or neither")
    if manifest is None:
        manifest = tokens = model / FOLDER_NAME
        if not (model / FOLDER_NAME / MANIFEST_NAME).is_file():
            raise CheckpointError(
                f"{model}: has no replay data, which an adaptation needs; give --replay-manifest "
                "and --replay-tokens "
                "of the corpus that it was trained on"
            )
        manifest = manifest / MANIFEST_NAME
    store = CodeStore(tokens)
    if store.codec_fingerprint != codec_fingerprint:
        found = store.codec_fingerprint
        raise CheckpointError(
            f"{tokens}: encoded by codec {found}, but the model's is {codec_fingerprint}"
        )
    usable = tuple(
        u
        for u in read_manifest(manifest)
        if u.durations and u.emotion and u.id in store and u.split == "train"
    )
    if not usable:
        raise RequestError(
            f"{manifest}: no training utterance has durations, an emotion and tokens"
        )
    strangers = sorted({u.speaker for u in usable} - set(voices))
    if strangers:
        names = ", ".join(strangers[:3])
        raise RequestError(
            f"{manifest}: {names} is no voice of this model; give the corpus that it was trained on"
        )
    return BaseData(manifest, usable, store)


def fit_aligner(base: BaseData, frame_rate: float) -> Aligner:
    """How long phones last in the base data."""

    def timed(utterance: Utterance) -> tuple[np.ndarray, list[int]]:
        frames = base.store[utterance.id].shape[1]
        counts = frame_counts(
            utterance.ipa, utterance.durations, utterance.offset, frames, frame_rate
        )
        return phone_classes(utterance.ipa), counts

    return Aligner.fit(timed(utterance) for utterance in base.utterances)


def select_utterances(
    utterances: Sequence[Utterance], count: int, seed: int = 0
) -> list[Utterance]:
    """About `count` utterances, equally many of every voice and emotion; the same sentence in
    several emotions first.

    Sentences are taken in a drawn order, all of their renderings at once, until a voice has its
    share of an emotion.
    """
    groups: dict[tuple[str, str | None], list[Utterance]] = defaultdict(list)
    for utterance in utterances:
        groups[utterance.speaker, utterance.text].append(utterance)
    kinds = {(u.speaker, u.emotion) for u in utterances}
    share, taken, chosen = -(-count // max(1, len(kinds))), defaultdict(int), []
    order = np.random.default_rng(seed).permutation(len(groups))
    members = list(groups.values())
    for index in sorted(order, key=lambda i: -min(len(members[i]), 2)):
        for utterance in members[index]:
            if taken[utterance.speaker, utterance.emotion] < share:
                taken[utterance.speaker, utterance.emotion] += 1
                chosen.append(utterance)
    return chosen


def write_replay(model: Path, utterances: Sequence[Utterance], store: CodeStore) -> None:
    """Write replay/ into a model folder: tokens and labels, no audio, and no word of where that
    lies.
    """
    folder = model / FOLDER_NAME
    folder.mkdir(parents=True, exist_ok=True)
    rows = [CodeRow(u.id, "", store[u.id]) for u in utterances]
    write_shard(shard_path(folder, 0, 1), rows, store.codec_fingerprint)
    lines = [
        {k: v for k, v in asdict(u).items() if v is not None} | {"path": Path(u.path).name}
        for u in utterances
    ]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (folder / MANIFEST_NAME).write_text(text, encoding="utf-8")
