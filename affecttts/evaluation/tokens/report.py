"""`affecttts evaluate tokens`: what a codec's tokens still tell of emotion, phones and speaker,
beside what shuffled labels tell.

Emotions and phones are probed on speakers that the probe has not met, speakers on sentences that it
has not met.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from affecttts.data.codes.store import CodeStore
from affecttts.data.manifest import Utterance, audio_path, read_manifest
from affecttts.errors import RequestError
from affecttts.evaluation.report.page import Section, Table, write_page
from affecttts.evaluation.report.plain import to_plain
from affecttts.evaluation.stats.bootstrap import Interval, ratio_interval
from affecttts.evaluation.stats.chance import Band
from affecttts.evaluation.stats.confusion import recognition
from affecttts.evaluation.stats.summary import markdown_table, show
from affecttts.evaluation.tokens.classifiers import gru_probe, linear_probe
from affecttts.evaluation.tokens.probes import (
    Probe,
    ProbeItem,
    folds,
    guess,
    phone_counts,
    probe_item,
)
from codec import Codec
from codec.audio import load_audio
from codec.errors import CheckpointError
from codec.files import fingerprint, write_json

COLUMNS = (
    "probed",
    "told",
    "probe",
    "n",
    "right [95 %]",
    "shuffled labels [95 %]",
    "permutation chance",
)
NOTE = (
    "Emotion and speaker: mean recall over classes, %. Phones: share of frames, %. Shuffled "
    "labels: the probe is trained on labels "
    "dealt out at random. Chance: the answers stay, the labels are permuted 1000 times, 95 % of "
    "what comes out."
)
Progress = Callable[[Iterable, str], Iterable]


@dataclass(frozen=True)
class ProbeScore:
    """One row of the report; shares in %."""

    probed: str  # which tokens, as what
    told: str  # emotion, speaker or phones
    probe: str  # linear or BiGRU
    n: int  # utterances
    right: Interval
    shuffled: Interval
    chance: Band | None = None


def evaluate_tokens(
    manifest: Path,
    codec_folder: Path,
    tokens: Path | None,
    limit: int,
    report: Path | None,
    progress: Progress = lambda items, label: items,
) -> dict[str, Any]:
    """Probe the tokens of at most `limit` utterances; write report.json and report.html where a
    folder is given.

    Args:
        tokens: folder of shards that `recipes/encode_corpus.py` made with this codec; None = the
            audio is encoded here.

    Raises:
        RequestError: fewer than two speakers or emotions.
        CheckpointError: the tokens are of another codec.
    """
    rows = _chosen(manifest, limit)
    codec = Codec.from_pretrained(codec_folder)
    codes = _codes(codec, codec_folder, manifest, rows, tokens, progress)
    rows = [row for row in rows if row.id in codes]
    scores = []
    for name, items, probes in progress(_views(codec, rows, codes), "probing"):
        scores += _scores(name, items, [row.text or row.id for row in rows], probes)
    facts = {
        "codec": f"{codec_folder}, {fingerprint(codec_folder)}",
        "manifest": str(manifest),
        "n": f"{len(rows)} utterances, {len({row.speaker for row in rows})} speakers",
    }
    if report is not None:
        report.mkdir(parents=True, exist_ok=True)
        table = Table("Probes", COLUMNS, tuple(map(_cells, scores)), NOTE)
        write_page(
            report / "report.html", "What the tokens tell", [Section("Scores", (table,))], facts
        )
        write_json(report / "report.json", to_plain({"facts": facts, "scores": scores}))
    return {"facts": facts, "scores": scores}


def _chosen(manifest: Path, limit: int) -> list[Utterance]:
    rows = [row for row in read_manifest(manifest) if row.emotion]
    picks = np.random.default_rng(0).permutation(len(rows))[:limit]
    rows = [rows[i] for i in sorted(picks)]
    for what in ("speaker", "emotion"):
        if len({getattr(row, what) for row in rows}) < 2:
            raise RequestError(
                f"{manifest}: probes need utterances of two {what}s or more with an emotion each"
            )
    return rows


@torch.no_grad()
def _codes(
    codec: Codec,
    folder: Path,
    manifest: Path,
    rows: Sequence[Utterance],
    tokens: Path | None,
    progress: Progress,
) -> dict[str, Tensor]:
    """Codes int64 [K,F] by utterance."""
    if tokens is None:
        rate, base = codec.config.sample_rate, codec.config.num_codebooks
        audio = (
            (row, load_audio(audio_path(manifest, row), rate, row.start, row.seconds))
            for row in progress(rows, "encoding")
        )
        return {
            row.id: codec.encode(torch.from_numpy(clip.samples)[None, None], base).codes[0]
            for row, clip in audio
        }
    store = CodeStore(tokens)
    if store.codec_fingerprint != fingerprint(folder):
        raise CheckpointError(
            f"{tokens}: tokens of codec {store.codec_fingerprint}, not of "
            f"{folder}; give --codec that one"
        )
    found = {
        row.id: torch.from_numpy(store[row.id].astype(np.int64)) for row in rows if row.id in store
    }
    if len(found) < 2:
        raise RequestError(
            f"{tokens}: holds {len(found)} of the manifest's utterances; give the "
            "manifest that was encoded"
        )
    return found


def _views(
    codec: Codec, rows: Sequence[Utterance], codes: dict[str, Tensor]
) -> Iterable[tuple[str, list[ProbeItem], dict[str, Probe]]]:
    """The tokens as numbers, then as the learned vectors that they stand for, of the first book,
    the first two, .., all.
    """
    size, books = codec.config.codebook_size, next(iter(codes.values())).shape[0]
    both, linear = {"linear": linear_probe, "BiGRU": gru_probe}, {"linear": linear_probe}
    if size <= 4096:
        vectors = [probe_item(codec, codes[row.id][:1], row) for row in rows]
        counted = [torch.nn.functional.one_hot(codes[row.id][0], size).float() for row in rows]
        items = [
            ProbeItem(frames, item.emotion, item.speaker, None)
            for frames, item in zip(counted, vectors)
        ]
        yield "Q1, token counts", items, linear
    for count in range(1, books + 1):
        items = [probe_item(codec, codes[row.id][:count], row) for row in rows]
        yield (
            "Q1, vectors" if count == 1 else f"Q1..{count}, vectors",
            items,
            both if count in (1, books) else linear,
        )


def _scores(
    name: str, items: list[ProbeItem], texts: list[str], probes: dict[str, Probe]
) -> list[ProbeScore]:
    speakers, scores = [item.speaker for item in items], []
    for kind, probe in probes.items():
        scores.append(
            _score(
                name,
                "emotion",
                kind,
                items,
                [item.emotion for item in items],
                folds(speakers),
                probe,
            )
        )
        if len(set(texts)) > 1:
            scores.append(_score(name, "speaker", kind, items, speakers, folds(texts), probe))
    known = [item for item in items if item.phones is not None]
    if known and len({item.speaker for item in known}) > 1:
        right, shuffled = (_share(phone_counts(known, seed)) for seed in (None, 0))
        scores.append(ProbeScore(name, "phones", "linear", len(known), right, shuffled))
    return scores


def _score(
    name: str,
    told: str,
    kind: str,
    items: list[ProbeItem],
    truth: list[str],
    parts: list[list[int]],
    probe: Probe,
) -> ProbeScore:
    names = sorted(set(truth))
    labels = torch.tensor([names.index(value) for value in truth])
    shuffled = labels[torch.from_numpy(np.random.default_rng(0).permutation(len(labels)))]
    frames = [item.frames for item in items]
    found, control = (
        recognition(
            [names[int(i)] for i in dealt],
            np.eye(len(names))[guess(frames, dealt, parts, probe).numpy()],
            names,
        )
        for dealt in (labels, shuffled)
    )
    return ProbeScore(
        name, told, kind, found.n, found.mean_recall, control.mean_recall, found.chance
    )


def _share(counts: list[tuple[int, int]]) -> Interval:
    return ratio_interval([100 * right for right, _ in counts], [total for _, total in counts])


def _cells(score: ProbeScore) -> tuple[str, ...]:
    chance = f"{score.chance.low:.3g} to {score.chance.high:.3g}" if score.chance else ""
    return (
        score.probed,
        score.told,
        score.probe,
        str(score.n),
        show(score.right),
        show(score.shuffled),
        chance,
    )


def render(report: dict[str, Any]) -> str:
    """The scores as a Markdown table."""
    return markdown_table(list(COLUMNS), [list(_cells(score)) for score in report["scores"]])
