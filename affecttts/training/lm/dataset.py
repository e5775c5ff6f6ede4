"""Training items of the LM: token segments of one corpus, grouped by length, in an order that
depends on the step only.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from affecttts.data.codes.store import CodeStore
from affecttts.data.manifest import Utterance, read_manifest
from affecttts.emotion.spec import EmotionSpec
from affecttts.emotion.table import load_emotions
from affecttts.errors import RequestError
from affecttts.lm.layout import TokenLayout
from affecttts.lm.pieces import PromptPieces
from affecttts.lm.sequence import (
    IGNORE,
    Condition,
    Segment,
    build_segment,
    frame_counts,
    join_segments,
    phone_ids,
)
from affecttts.lm.voices import VoiceCodes

SINGLE_CLIP = 0.5  # share of items whose voice is known by one clip, where its clips have codes
Item = tuple[int, ...]  # utterances that share one stream, each behind its own prompt


@dataclass(frozen=True)
class MixtureConfig:
    """Shares of training items."""

    prompt_dropout: float = 0.1  # emotion prompt left out
    free_text: float = 0.15  # tag joined by the pieces of a phrasing of that emotion
    joined: float = 0.05  # two utterances of one voice in one stream, each behind its own prompt
    batch_tokens: int = 8192  # per step and process, padding included


class LMDataset:
    """All utterances of the manifests with durations whose tokens are in the store.

    Those without an emotion label are learned with the emotion prompt dropped.

    Args:
        voices: codes of all speakers.
    """

    def __init__(
        self,
        manifests: list[str | Path],
        store: CodeStore,
        layout: TokenLayout,
        pieces: PromptPieces,
        frame_rate: float,
        mixture: MixtureConfig,
        split: str,
        voices: VoiceCodes,
    ) -> None:
        self.layout, self.store, self.pieces, self.mixture, self.frame_rate, self.voices = (
            layout,
            store,
            pieces,
            mixture,
            frame_rate,
            voices,
        )
        self.utterances = [
            u
            for m in manifests
            for u in read_manifest(m)
            if u.split == split and u.durations and u.id in store
        ]
        if not self.utterances:
            raise RequestError(
                f"no {split} utterance has durations and tokens; check manifests and shards"
            )
        self.by_voice: dict[str, list[int]] = {}
        for index, utterance in enumerate(self.utterances):
            self.by_voice.setdefault(utterance.speaker, []).append(index)
        self.lengths = np.array(
            [len(self.segment(i, _Draws(None)).tokens) + 2 for i in range(len(self.utterances))]
        )

    def segment(self, index: int, draws: _Draws) -> Segment:
        """One utterance under a drawn form of its prompt."""
        utterance = self.utterances[index]
        codes, phones = self.store[utterance.id], phone_ids(self.layout, utterance.ipa)
        counts = frame_counts(
            utterance.ipa, utterance.durations, utterance.offset, codes.shape[1], self.frame_rate
        )
        return build_segment(self.layout, self._condition(utterance, draws), phones, counts, codes)

    def _condition(self, utterance: Utterance, draws: _Draws) -> Condition:
        dropped = draws.uniform() < self.mixture.prompt_dropout
        voice = self._voice(utterance.speaker, draws)
        if dropped or utterance.emotion is None:
            return Condition(voice, tag=None)
        pieces: tuple[int, ...] = ()
        if draws.uniform() < self.mixture.free_text:
            phrasings = load_emotions().get(utterance.emotion).phrasings
            pieces = self.pieces.encode(phrasings[draws.below(len(phrasings))])
        vad = utterance.vad and tuple(min(1.0, max(-1.0, value)) for value in utterance.vad)
        spec = EmotionSpec(utterance.emotion, utterance.intensity, vad=vad)
        return Condition(voice, spec.tag, spec.intensity, spec.resolved_vad(), pieces)

    def _voice(self, speaker: str, draws: _Draws) -> bytes:
        """The speaker's code or, in half of the items, that of one clip: as short a look at a voice
        as a code made for an unheard speaker may come from.
        """
        codes = self.voices[speaker]
        if len(codes) == 1 or draws.uniform() >= SINGLE_CLIP:
            return codes[0]
        return codes[1 + draws.below(len(codes) - 1)]

    def item(self, members: Item, draws: _Draws) -> Segment:
        """`<bos>` .. `<eos>` of the members of one item."""
        return join_segments(self.layout, [self.segment(index, draws) for index in members])

    def batches(self, epoch: int, seed: int, rank: int, processes: int) -> list[list[Item]]:
        """Items of one epoch for one process: those of like length together, at most `batch_tokens`
        each.
        """
        generator = np.random.default_rng((seed, epoch))
        items = [self._members(index, generator) for index in range(len(self.utterances))]
        lengths = np.array(
            [self.lengths[list(members)].sum() - 2 * (len(members) - 1) for members in items]
        )
        jitter = generator.uniform(0.9, 1.1, len(lengths))
        batches, current = [], []
        for index in np.argsort(lengths * jitter):
            widest = max(lengths[i] for i in [*current, index])
            if current and widest * (len(current) + 1) > self.mixture.batch_tokens:
                batches.append(current)
                current = []
            current.append(int(index))
        batches.append(current)
        order = generator.permutation(len(batches))
        usable = len(order) - len(order) % processes or len(order)
        return [[items[i] for i in batches[b]] for b in order[:usable][rank::processes]]

    def _members(self, index: int, generator: np.random.Generator) -> Item:
        """An utterance alone, or before another of its voice; drawn here, so that batches know how
        long their items are.
        """
        if generator.random() >= self.mixture.joined:
            return (index,)
        others = self.by_voice[self.utterances[index].speaker]
        return index, others[int(generator.integers(len(others)))]

    def collate(self, batch: list[Item], seed: tuple[int, ...]) -> tuple[Tensor, Tensor]:
        """tokens and labels int64 [B,S], padded on the right."""
        items = [self.item(members, _Draws((*seed, members[0]))) for members in batch]
        width = max(len(item.tokens) for item in items)
        tokens = np.full((len(items), width), self.layout.special("pad"), dtype=np.int64)
        labels = np.full((len(items), width), IGNORE, dtype=np.int64)
        for row, item in enumerate(items):
            tokens[row, : len(item.tokens)], labels[row, : len(item.labels)] = (
                item.tokens,
                item.labels,
            )
        return torch.from_numpy(tokens), torch.from_numpy(labels)


class _Draws:
    """Random draws of one item; without a seed every chance is missed, which gives the plain
    form.
    """

    def __init__(self, seed: tuple[int, ...] | None) -> None:
        self.generator = None if seed is None else np.random.default_rng(seed)

    def uniform(self) -> float:
        return 1.0 if self.generator is None else float(self.generator.random())

    def below(self, count: int) -> int:
        return int(self.generator.integers(count))
