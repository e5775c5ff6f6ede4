"""Base data of an adaptation: codes and labels of some training utterances, no audio.

Replayed in training it preserves the emotions and the base voices; the aligner learns from it how
long phones last, and the labelling how each emotion changes prosody. A model folder has it as
replay/manifest.jsonl and replay/tokens-*; a corpus encoded by the same codec can be used instead.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from affecttts.data.alignment.units import ENGLISH
from affecttts.data.alignment.viterbi import Aligner
from affecttts.data.codes.store import CodeRow, CodeStore, shard_path, write_shard
from affecttts.data.manifest import Utterance, read_manifest
from affecttts.errors import RequestError
from affecttts.lm.layout import MAX_DURATION
from affecttts.lm.sequence import frame_counts
from codec.atomic import write_text
from codec.errors import CheckpointError

FOLDER_NAME = "replay"
MANIFEST_NAME = "manifest.jsonl"


@dataclass(frozen=True)
class BaseData:
    """Base utterances with their codes."""

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
    """The replay data of a model folder, or of a corpus.

    Args:
        manifest, tokens: a manifest with phone durations and emotions, and its code shards; None =
            the model's own.

    Raises:
        RequestError: only one of the two is given, no utterance can be used, or a speaker is none
            of the model's `voices`.
        CheckpointError: the model has no replay data, or the codes are of another codec.
    """
    if (manifest is None) != (tokens is None):
        raise RequestError("give both a replay manifest and its tokens, or neither")
    if manifest is None or tokens is None:
        manifest, tokens = _own(model)
    store = CodeStore(tokens)
    if store.codec_fingerprint != codec_fingerprint:
        found = store.codec_fingerprint
        raise CheckpointError(
            f"{tokens}: encoded by codec {found}, but the model's is {codec_fingerprint}"
        )
    return BaseData(manifest, _usable(manifest, store, voices), store)


def _own(model: Path) -> tuple[Path, Path]:
    """Manifest and folder of shards in a model folder."""
    folder = model / FOLDER_NAME
    if not (folder / MANIFEST_NAME).is_file():
        raise CheckpointError(
            f"{model}: has no replay data, which an adaptation needs; give --replay-manifest and "
            "--replay-tokens of the corpus that it was trained on"
        )
    return folder / MANIFEST_NAME, folder


def _usable(manifest: Path, store: CodeStore, voices: Sequence[str]) -> tuple[Utterance, ...]:
    usable = tuple(
        u
        for u in read_manifest(manifest)
        if u.durations and u.emotion and u.id in store and u.split == "train"
    )
    if not usable:
        raise RequestError(f"{manifest}: no training utterance has durations, an emotion and codes")
    unknown = sorted({u.speaker for u in usable} - set(voices))
    if unknown:
        raise RequestError(
            f"{manifest}: {', '.join(unknown[:3])} is no voice of this model; give the corpus that "
            "it was trained on"
        )
    return usable


def fit_aligner(base: BaseData, frame_rate: float) -> Aligner:
    """An aligner that knows how long phones last in the base data."""

    def timed(utterance: Utterance) -> tuple[np.ndarray, list[int]]:
        frames = base.store[utterance.id].shape[1]
        counts = frame_counts(
            utterance.ipa, utterance.durations, utterance.offset, frames, frame_rate
        )
        return ENGLISH.classes(utterance.ipa), counts

    clips = (timed(utterance) for utterance in base.utterances)
    return Aligner.fit(ENGLISH, clips, MAX_DURATION, frame_rate)


def select_utterances(
    utterances: Sequence[Utterance], count: int, seed: int = 0
) -> list[Utterance]:
    """About `count` utterances, equally many of every voice and emotion.

    Sentences in several emotions come first, else their order is random; all renderings of one are
    taken at once, until a voice has its share of an emotion.
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
    """Write replay/ into a model folder: codes and labels, neither audio nor paths to it."""
    folder = model / FOLDER_NAME
    folder.mkdir(parents=True, exist_ok=True)
    rows = [CodeRow(u.id, "", store[u.id]) for u in utterances]
    write_shard(shard_path(folder, 0, 1), rows, store.codec_fingerprint)
    lines = [
        {k: v for k, v in asdict(u).items() if v is not None} | {"path": Path(u.path).name}
        for u in utterances
    ]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    write_text(folder / MANIFEST_NAME, text)
