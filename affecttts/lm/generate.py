"""Sampling of the token stream: phones are fed, durations and codec tokens are drawn."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from affecttts.errors import RequestError
from affecttts.lm.engine import Engine
from affecttts.lm.layout import MAX_DURATION, TokenLayout
from affecttts.lm.pace import Pace
from affecttts.lm.sequence import Block, Condition, block_head, inside_phrase, prefix
from codec.inputs.fields import check_fields, check_range

DURATION_GUIDANCE = 1.5  # most of it that durations follow; codec tokens follow all
SHORTEST_SILENCE = 1  # frames of silence at either end


@dataclass(frozen=True)
class SamplingConfig:
    """How tokens are drawn."""

    temperature: float = 0.15  # of codec tokens; soft labels make distributions broad
    top_p: float = 0.9
    duration_temperature: float = 0.1
    # of a phone or space before another word; pauses are for punctuation
    max_frames_inside_phrase: int = 5
    # cap on the average over a text, beyond which generation gives up
    max_frames_per_phone: float = 12.0

    def __post_init__(self) -> None:
        """Raises ValueError where a value is of the wrong type or out of bounds."""
        check_fields(self)
        for name in ("temperature", "duration_temperature"):
            check_range(name, getattr(self, name), 0, 10)
        check_range("top_p", self.top_p, 0, 1)
        check_range("max_frames_inside_phrase", self.max_frames_inside_phrase, 1, MAX_DURATION)
        check_range("max_frames_per_phone", self.max_frames_per_phone, 0, 1000)

    @classmethod
    def at(cls, frame_rate: float) -> SamplingConfig:
        """The defaults, which are meant for 25 codec frames a second, at another frame rate."""
        faster = frame_rate / 25
        return cls(
            max_frames_inside_phrase=max(1, round(faster * cls.max_frames_inside_phrase)),
            max_frames_per_phone=round(faster * cls.max_frames_per_phone, 3),
        )


@dataclass(frozen=True)
class Generated:
    """One generated utterance."""

    codes: Tensor  # int64 [K,F]
    counts: tuple[int, ...]  # frames of every block: silence, phones, silence
    finish_reason: str  # "end" (all phones spoken) or "cap" (frame budget used up before)
    # of the end token among the whole vocabulary where the stream ends; 0 at "cap"
    end_probability: float


class Frame(NamedTuple):
    """One frame of an utterance that is being generated."""

    block: int  # which block it belongs to
    codes: list[int]  # [K]


def generate_frames(
    engine: Engine,
    layout: TokenLayout,
    conditions: list[Condition],
    weights: list[float],
    phones: list[Block],
    sampling: SamplingConfig,
    generator: torch.Generator,
    speed: float = 1.0,
) -> Generator[Frame, None, Generated]:
    """Speak phones, frame by frame; the whole is returned at the end.

    Args:
        conditions: one row each; every distribution is the weighted sum of the rows' logits. One
            row with weight 1 is plain sampling; [emotion, neutral] with [s, 1 - s] is
            classifier-free guidance (arXiv 2207.12598) with the neutral rendering as the anchor;
            several emotions are a blend.
        weights: one per condition, summing to 1.
        phones: blocks from `phone_ids`.
        generator: the only source of randomness.
        speed: how much faster than the model would.
    """
    return _Sampler(engine, layout, conditions, weights, phones, sampling, generator, speed).run()


def generate(*arguments: Any, **settings: Any) -> Generated:
    """The same at once, see `generate_frames`."""
    frames = generate_frames(*arguments, **settings)
    while True:
        try:
            next(frames)
        except StopIteration as end:
            return end.value


def bounded(weights: Tensor) -> Tensor:
    """Weights [rows] that go beyond the rows no further than `DURATION_GUIDANCE`.

    Exaggerated durations add up, and the model goes on as slowly as it began: at guidance 4 a
    third of short texts came out half too short or twice too long.
    """
    beyond = float(-weights.clamp(max=0).sum())
    if 1 + beyond <= DURATION_GUIDANCE:
        return weights
    less = DURATION_GUIDANCE - 1
    positive, negative = weights.clamp(min=0), weights.clamp(max=0)
    return positive * (1 + less) / (1 + beyond) + negative * less / beyond


class _Sampler:
    """State of one generation."""

    def __init__(
        self, engine, layout, conditions, weights, phones, sampling, generator, speed
    ) -> None:
        self.engine, self.layout, self.phones = engine, layout, phones
        self.weights, self.sampling, self.generator = torch.tensor(weights), sampling, generator
        self.duration_weights = bounded(self.weights)
        self.pace = Pace(speed)
        self.rows, self.inside = len(conditions), inside_phrase(layout, phones)
        slower = max(1.0, 1 / speed)
        self.budget = round(slower * sampling.max_frames_per_phone * len(phones)) + 25
        self.prefixes = [[layout.special("bos"), *prefix(layout, c, phones)] for c in conditions]
        self.heads = [block_head(layout, phones, index) for index in range(len(phones))]
        self.books = [(layout.book(k), layout.codebook_size) for k in range(layout.num_codebooks)]

    def run(self) -> Generator[Frame, None, Generated]:
        self._start()
        pending, frames, counts = [], [], []
        for index in range(len(self.phones)):
            count = self._duration(pending + self.heads[index], index)
            if len(frames) + count > self.budget or not self._fits(count, index):
                return self._result(frames, counts, "cap", 0.0)
            pending = [self.layout.duration(count)]
            for _ in range(count):
                frame, pending = self._frame(pending)
                frames.append(frame)
                yield Frame(index, frame)
            counts.append(count)
        everything = self._mix(self.engine.logits(self._feed(pending), 0, self.layout.size))
        ending = torch.softmax(everything, dim=0)[self.layout.special("eos")]
        return self._result(frames, counts, "end", float(ending))

    def _fits(self, count: int, index: int) -> bool:
        """Whether the cache has room for block `index` of `count` frames and the next head."""
        head = sum(map(len, self.heads[index + 1 : index + 2])) or 2
        room = self.cache.keys.shape[3] - self.cache.length
        return count * len(self.books) + head + 2 <= room

    def _start(self) -> None:
        """Fill the cache; a shorter row (a tag as the anchor of a free-text prompt) is padded on
        the left.
        """
        longest = max(len(p) for p in self.prefixes)
        padding = [longest - len(p) for p in self.prefixes]
        heads = sum(map(len, self.heads)) + len(self.heads)
        room = longest + self.budget * len(self.books) + heads + 1
        if longest + heads + len(self.heads) > self.engine.max_tokens:
            raise RequestError(
                f"a piece of {len(self.phones)} phones does not fit the model's "
                "context; shorten the sentence"
            )
        self.cache = self.engine.start(padding, min(room, self.engine.max_tokens))
        pad = self.layout.special("pad")
        self.engine.forward(
            torch.tensor([[pad] * n + p for n, p in zip(padding, self.prefixes)]), self.cache
        )

    def _feed(self, tokens: list[int]) -> Tensor:
        return self.engine.forward(torch.tensor([tokens] * self.rows), self.cache)

    def _mix(self, logits: Tensor) -> Tensor:
        """[rows,n] -> [n]."""
        return self.weights @ logits

    def _duration(self, tokens: list[int], index: int) -> int:
        """Frames of phone `index`."""
        most = self.layout.max_duration
        if self.inside[index]:
            most = min(most, self.sampling.max_frames_inside_phrase)
        rows = self.engine.logits(self._feed(tokens), self.layout.duration(0), most + 1)
        logits = self.duration_weights @ rows
        count = self.pace(self._draw(logits, self.sampling.duration_temperature))
        return max(count, SHORTEST_SILENCE) if index in (0, len(self.phones) - 1) else count

    def _frame(self, tokens: list[int]) -> tuple[list[int], list[int]]:
        """Codes of one frame, and the token that still has to be fed."""
        codes = []
        for first, size in self.books:
            logits = self._mix(self.engine.logits(self._feed(tokens), first, size))
            codes.append(self._draw(logits, self.sampling.temperature))
            tokens = [first + codes[-1]]
        return codes, tokens

    def _draw(self, logits: Tensor, temperature: float) -> int:
        """Nucleus sampling from logits [n]; temperature 0 takes the best."""
        if temperature == 0:
            return int(logits.argmax())
        values, order = torch.softmax(logits / temperature, dim=0).sort(descending=True)
        kept = int((values.cumsum(0) < self.sampling.top_p).sum()) + 1
        return int(order[torch.multinomial(values[:kept], 1, generator=self.generator)])

    def _result(
        self, frames: list[list[int]], counts: list[int], reason: str, ending: float
    ) -> Generated:
        codes = torch.tensor(frames, dtype=torch.long).view(-1, len(self.books))
        return Generated(codes.t(), tuple(counts), reason, ending)
