"""What codes still tell: probes for emotion and for phones on speakers, or for speakers on
sentences, that they have not seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from affecttts.data.audio_cache import AudioCache
from affecttts.data.manifest import Utterance
from affecttts.evaluation.tokens.classifiers import gru_probe, linear_probe, ridge
from affecttts.teachers.phonology import spoken_phones
from affecttts.teachers.protocol import TeacherAnswer, places_at
from affecttts.teachers.targets import TeacherTargets, collate
from codec import Codec

FOLDS = 4


@dataclass(frozen=True)
class ProbeItem:
    """One utterance."""

    frames: Tensor  # float32 [F,D], what the codes of the probed books add to the latents
    emotion: str | None
    speaker: str
    phones: Tensor | None  # int64 [F], -1 = unknown


@torch.no_grad()
def probe_items(
    codec: Codec,
    cache: AudioCache,
    limit: int,
    seed: int = 0,
    targets: TeacherTargets | None = None,
) -> list[ProbeItem]:
    """At most `limit` utterances with an emotion, drawn from all splits, evenly over the speakers.

    They are encoded in the codec's first mode, or with `targets` of its teachers in mode "teacher".
    """
    labelled = [
        index for index, clip in enumerate(cache.clips) if clip.utterance.emotion is not None
    ]
    device, items = next(codec.parameters()).device, []
    for place in take_turns(
        [cache.clips[index].utterance.speaker for index in labelled], limit, seed
    ):
        clip = cache.clips[labelled[place]]
        audio = torch.from_numpy(cache.audio(clip))[None, None].to(device)
        taught = {}
        if targets is not None:
            frames = -(-audio.shape[-1] // codec.config.samples_per_frame)
            stretch = targets.stretch(labelled[place], 0.0, frames, codec.config, 0)
            features = collate([stretch]).teacher_features.to(device)
            taught = {"mode": "teacher", "teacher_features": features}
        items.append(probe_item(codec, codec.encode(audio, 1, **taught).codes[0], clip.utterance))
    return items


def take_turns(groups: Sequence[str], limit: int, seed: int) -> list[int]:
    """At most `limit` places of `groups`, at random, but no group's next one before each has had
    its turn, or has no more.
    """
    had, turns = Counter(), []
    for place in np.random.default_rng(seed).permutation(len(groups)):
        turns.append((had[groups[place]], int(place)))
        had[groups[place]] += 1
    return [place for _, place in sorted(turns, key=lambda turn: turn[0])][:limit]


@torch.no_grad()
def probe_item(codec: Codec, codes: Tensor, utterance: Utterance) -> ProbeItem:
    """One utterance as what its codes int64 [k,F] add up to: vectors of the first k codebooks."""
    frames = codec.quantizer.lookup(codes[None])[0].t().float().cpu()
    return ProbeItem(
        frames,
        utterance.emotion,
        utterance.speaker,
        _phones(utterance, len(frames), codec.config.frame_rate),
    )


def _phones(utterance: Utterance, count: int, frame_rate: float) -> Tensor | None:
    if utterance.durations is None:
        return None
    spoken = spoken_phones(utterance)
    places = places_at(TeacherAnswer(spoken.rows, spoken.ends), 0.0, count, frame_rate)
    return torch.from_numpy(np.append(spoken.rows, -1)[np.minimum(places, len(spoken.rows))])


@dataclass(frozen=True)
class ProbeAnswers:
    """What a probe said of utterances whose speakers it did not know."""

    labels: np.ndarray  # str [N]
    right: np.ndarray  # bool [N]
    speakers: np.ndarray  # str [N]

    def recall(self, picks: np.ndarray | None = None) -> float:
        """Mean recall over emotions in %, of all utterances or of `picks`, int [n]."""
        labels, right = (
            (self.labels, self.right) if picks is None else (self.labels[picks], self.right[picks])
        )
        return 100 * float(np.mean([right[labels == label].mean() for label in np.unique(labels)]))


def emotion_probes(items: list[ProbeItem], seed: int = 0) -> dict[str, ProbeAnswers]:
    """Answers of both probes and of their controls, which are fitted to shuffled labels: what these
    reach is chance.

    Empty where there are not two speakers.
    """
    if len({item.speaker for item in items}) < 2:
        return {}
    shuffled = np.random.default_rng(seed).permutation([item.emotion for item in items])
    labels = {"": [item.emotion for item in items], ", shuffled labels": list(shuffled)}
    return {
        f"emotion in Q1, {name}{control}, %": _answers(items, emotions, probe, seed)
        for name, probe in (("linear", linear_probe), ("BiGRU", gru_probe))
        for control, emotions in labels.items()
    }


def probe_scores(items: list[ProbeItem], seed: int = 0) -> dict[str, float]:
    """Percentages: mean recall of `emotion_probes`, and share of phones told right. Empty where
    there are not two speakers.
    """
    scores = {name: answers.recall() for name, answers in emotion_probes(items, seed).items()}
    if scores and any(item.phones is not None for item in items):
        right, total = zip(*phone_counts(items))
        scores["phones in Q1, linear, %"] = 100 * sum(right) / max(1, sum(total))
    return scores


Probe = Callable[[list[Tensor], Tensor, list[Tensor], int, int], Tensor]


def _answers(items: list[ProbeItem], emotions: list[str], probe: Probe, seed: int) -> ProbeAnswers:
    names = sorted(set(emotions))
    labels = torch.tensor([names.index(emotion) for emotion in emotions])
    speakers = [item.speaker for item in items]
    guesses = guess([item.frames for item in items], labels, folds(speakers), probe, seed)
    return ProbeAnswers(np.array(emotions), (guesses == labels).numpy(), np.array(speakers))


def guess(
    frames: list[Tensor], labels: Tensor, parts: list[list[int]], probe: Probe, seed: int = 0
) -> Tensor:
    """What a probe that was fitted to the other parts says of each part: int64 [N].

    Args:
        frames: of every utterance, float32 [F,D].
        labels: int64 [N].
        parts: indices of the utterances of each part.
    """
    guesses = torch.full_like(labels, -1)
    for test in parts:
        held = set(test)
        train = [i for i in range(len(frames)) if i not in held]
        heard = ([frames[i] for i in part] for part in (train, test))
        first, second = heard
        guesses[test] = probe(first, labels[train], second, int(labels.max()) + 1, seed)
    return guesses


def folds(groups: list[str]) -> list[list[int]]:
    """Indices of the utterances of each of at most four parts; every group (a speaker, a sentence)
    is in one part alone.
    """
    names = sorted(set(groups))
    parts = [set(names[start :: min(FOLDS, len(names))]) for start in range(min(FOLDS, len(names)))]
    return [[i for i, group in enumerate(groups) if group in part] for part in parts]


def phone_counts(items: list[ProbeItem], shuffle: int | None = None) -> list[tuple[int, int]]:
    """Frames whose phone a linear probe tells right, and frames, of every utterance with phones;
    speakers as unheard as ever.

    Args:
        shuffle: seed with which the labels are dealt out at random, for what is chance; None = as
            they are.
    """
    items = [item for item in items if item.phones is not None]
    names = sorted({int(phone) for item in items for phone in item.phones.unique() if phone >= 0})
    lookup = {name: place for place, name in enumerate(names)}
    counts = [(0, 0)] * len(items)
    if len({item.speaker for item in items}) < 2:
        return counts
    for test in folds([item.speaker for item in items]):
        held = set(test)
        train, labels = _phone_frames(
            [item for i, item in enumerate(items) if i not in held], lookup
        )
        if shuffle is not None:
            labels = labels[
                torch.from_numpy(np.random.default_rng(shuffle).permutation(len(labels)))
            ]
        other, truth = _phone_frames([items[i] for i in test], lookup)
        right = ridge(train, other, labels, len(names)) == truth
        sizes = [int((items[i].phones >= 0).sum()) for i in test]
        for place, hits in zip(test, right.split(sizes), strict=True):
            counts[place] = (int(hits.sum()), len(hits))
    return counts


def _phone_frames(items: list[ProbeItem], lookup: dict[int, int]) -> tuple[Tensor, Tensor]:
    frames = torch.cat([item.frames[item.phones >= 0] for item in items])
    phones = torch.cat([item.phones[item.phones >= 0] for item in items])
    return frames, torch.tensor([lookup[int(phone)] for phone in phones])
