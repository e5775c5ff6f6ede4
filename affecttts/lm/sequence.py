"""The token stream: what an utterance looks like to the LM.

    <bos> <prompt> emotion intensity V A D [pieces] </prompt> voice <text> phones </text> <audio>
    blocks <eos>

One block per phone (and per silence at either end): the phone, the phone after it, its duration in
frames, its frames. A phone is one token under any stress; length, tones and the like are tokens
behind it and cost no block of their own. Phones are given, durations and frames are predicted, so
a phone can be neither skipped nor repeated (after ELLA-V, arXiv 2401.07333; the explicit duration
and the phone of look-ahead are ours).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from affecttts.lm.inventory import MODIFIERS
from affecttts.lm.layout import STRESSES, TokenLayout
from affecttts.text.symbols import PUNCTUATION, UnknownSymbolError

IGNORE = -100  # label of tokens that are given, not predicted
Block = tuple[int, ...]  # tokens of one phone: itself and its modifiers


@dataclass(frozen=True)
class Condition:
    """What an utterance is conditioned on besides its phones. `tag` None = prompt dropped."""

    voice: bytes  # its code
    tag: str | None = "neutral"
    intensity: float = 1.0
    vad: tuple[float, float, float] = (0.0, 0.0, 0.0)
    pieces: tuple[int, ...] = ()  # SentencePiece indices of a free-text prompt


@dataclass(frozen=True)
class Phone:
    """One phone and the number of characters of the phone string that it covers."""

    stress: str
    symbol: str
    width: int
    modifiers: str = ""


def split_phones(ipa: str) -> list[Phone]:
    """Join every stress mark with the symbol behind it, and every modifier with the phone before
    it; a stray mark stands alone.

    Raises:
        UnknownSymbolError: a modifier of nothing.
    """
    phones, stress = [], ""
    for position, symbol in enumerate(ipa):
        if symbol in MODIFIERS:
            if stress or not phones:
                raise UnknownSymbolError(symbol, position, ipa)
            last = phones.pop()
            phones.append(replace(last, width=last.width + 1, modifiers=last.modifiers + symbol))
            continue
        if stress and symbol not in STRESSES:
            phones.append(Phone(stress, symbol, 2))
            stress = ""
            continue
        if stress:
            phones.append(Phone("", stress, 1))
            stress = ""
        if symbol in STRESSES:
            stress = symbol
        else:
            phones.append(Phone("", symbol, 1))
    return phones + ([Phone("", stress, 1)] if stress else [])


def phone_ids(layout: TokenLayout, ipa: str) -> list[Block]:
    """Token ids of a phone string with silence at both ends: one tuple per block of the stream.

    Raises:
        RequestError: a phone that the layout has not.
    """
    silence = (layout.special("silence"),)
    inner = [
        (layout.phone(phone.stress, phone.symbol), *map(layout.modifier, phone.modifiers))
        for phone in split_phones(ipa)
    ]
    return [silence, *inner, silence]


def inside_phrase(layout: TokenLayout, phones: list[Block]) -> list[bool]:
    """Which blocks belong to a word followed by another without punctuation, or to their space.
    A pause or another sound that is no phone ends a phrase as punctuation does.

    Args:
        phones: [P] blocks from `phone_ids`.

    Returns:
        bool [P].
    """

    def ends(block: Block) -> bool:
        return layout.symbol(block[0]) in PUNCTUATION or layout.is_sound(block[0])

    inside = [False] * len(phones)
    for index in range(len(phones) - 2, 0, -1):
        if layout.symbol(phones[index][0]) == " ":
            inside[index] = not ends(phones[index - 1])
        elif not ends(phones[index]):
            inside[index] = inside[index + 1]
    return inside


def frame_counts(
    ipa: str, durations: tuple[float, ...], offset: float, num_frames: int, frame_rate: float
) -> list[int]:
    """Codec frames of every block, summing to `num_frames`.

    Args:
        durations: seconds: leading silence, one per character of `ipa`, trailing silence.
        offset: seconds cut off the start of that timeline.
        frame_rate: Hz.
    """
    widths = [1, *(phone.width for phone in split_phones(ipa)), 1]
    ends = np.cumsum(durations)[np.cumsum(widths) - 1] - offset
    borders = np.clip(np.round(ends * frame_rate), 0, num_frames).astype(int)
    borders[-1] = num_frames
    return np.diff(borders, prepend=0).tolist()


def prefix(layout: TokenLayout, condition: Condition, phones: list[Block]) -> list[int]:
    """Everything before the first block, `<bos>` left out."""
    special = layout.special
    if condition.tag is None:
        prompt = [special("no_prompt")]
    else:
        axes = [layout.vad(axis, value) for axis, value in enumerate(condition.vad)]
        pieces = [layout.piece(index) for index in condition.pieces]
        prompt = [
            layout.emotion(condition.tag),
            layout.intensity(condition.intensity),
            *axes,
            *pieces,
        ]
    return [
        special("prompt"),
        *prompt,
        special("prompt_end"),
        *layout.voice(condition.voice),
        special("text"),
        *chain.from_iterable(phones[1:-1]),
        special("text_end"),
        special("audio"),
    ]


def block_head(layout: TokenLayout, phones: list[Block], index: int) -> list[int]:
    """The given tokens of a block: its phone and the one after it."""
    end = (layout.special("text_end"),)
    return [*phones[index], *(phones[index + 1] if index + 1 < len(phones) else end)]


@dataclass(frozen=True)
class Segment:
    """One utterance as tokens and labels (`IGNORE` where the token is given), without `<bos>` and
    `<eos>`.
    """

    tokens: np.ndarray  # int32 [S]
    labels: np.ndarray  # int32 [S]


def build_segment(
    layout: TokenLayout,
    condition: Condition,
    phones: list[Block],
    counts: list[int],
    codes: np.ndarray,
) -> Segment:
    """Interleave phones, durations and frames.

    Args:
        phones: [P] blocks from `phone_ids`.
        counts: [P] frames of every block.
        codes: [K,F] codec tokens, F = sum(counts).
    """
    books = np.array([layout.book(k) for k in range(layout.num_codebooks)])
    frames = codes[: layout.num_codebooks].T.astype(np.int64) + books
    tokens = prefix(layout, condition, phones)
    given = [True] * len(tokens)
    start = 0
    for index, count in enumerate(counts):
        audio = frames[start : start + min(count, layout.max_duration)].reshape(-1).tolist()
        head = block_head(layout, phones, index)
        tokens += [*head, layout.duration(count), *audio]
        given += [True] * len(head) + [False] * (1 + len(audio))
        start += count
    ids = np.array(tokens, dtype=np.int32)
    return Segment(ids, np.where(given, IGNORE, ids).astype(np.int32))


def join_segments(layout: TokenLayout, segments: list[Segment]) -> Segment:
    """`<bos>` segments `<eos>`: several when emotion changes inside one stream."""
    bos, eos = layout.special("bos"), layout.special("eos")
    tokens = np.concatenate([[bos], *(s.tokens for s in segments), [eos]]).astype(np.int32)
    labels = np.concatenate([[IGNORE], *(s.labels for s in segments), [eos]]).astype(np.int32)
    return Segment(tokens, labels)
