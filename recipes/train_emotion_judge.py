"""Train a judge of emotion for `affecttts evaluate` and say how well it hears speakers and
sentences that it never heard.

    python recipes/train_emotion_judge.py --kind acoustic --manifest M.jsonl \\
        --licence Apache-2.0 --output judges/mine
    # hears differences from each speaker's neutral clips
    python recipes/train_emotion_judge.py --kind acoustic --relative ...
    # log-mels, another draw of clips
    python recipes/train_emotion_judge.py --kind spectral --seed 1 ...

Rows with an emotion are used; the test split is never trained on. Every fold leaves out a group of
speakers and all sentences that they say. The judge that is written has heard all folds. Functionals
are kept for the next run, see --features.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from affecttts.cli.script import run_script, script_parser
from affecttts.evaluation.judges.clips import (
    Heard,
    centred,
    chosen,
    folds,
    listen,
    neutral_means,
)
from affecttts.evaluation.judges.declarations import JudgeCard
from affecttts.evaluation.judges.emotion import (
    AcousticJudge,
    SpectralJudge,
    SpectralNet,
    StoredJudge,
    save_judge,
)
from affecttts.evaluation.report.journal import Journal
from affecttts.evaluation.signal.functionals import NAMES
from affecttts.evaluation.stats.bootstrap import Interval
from affecttts.evaluation.stats.confusion import recognition
from affecttts.evaluation.stats.summary import markdown_table, show

INVERSE_PENALTY = 0.1  # of the logistic regression
EPOCHS, BATCH, LEARNING_RATE = 16, 32, 3e-3  # of the spectral net
CROP = 200  # frames of a training example, 2 s


def fit_acoustic(clips: list[Heard], labels: tuple[str, ...], seed: int) -> dict[str, Tensor]:
    """Standardised multinomial logistic regression, classes weighed alike."""
    from sklearn.linear_model import LogisticRegression

    features = np.stack([clip.features for clip in clips]).astype(np.float64)
    mean, scale = features.mean(0), features.std(0) + 1e-6
    model = LogisticRegression(
        C=INVERSE_PENALTY, class_weight="balanced", max_iter=2000, random_state=seed
    )
    model.fit((features - mean) / scale, [labels.index(clip.row.emotion) for clip in clips])
    weight, bias = np.zeros((len(labels), len(mean))), np.full(len(labels), -100.0)
    two = len(model.classes_) == 2  # scikit-learn then keeps one row
    weight[model.classes_] = np.concatenate([-model.coef_, model.coef_]) / 2 if two else model.coef_
    bias[model.classes_] = (
        np.concatenate([-model.intercept_, model.intercept_]) / 2 if two else model.intercept_
    )
    values = {"mean": mean, "scale": scale, "weight": weight.T, "bias": bias}
    return {
        name: torch.from_numpy(np.ascontiguousarray(value, dtype=np.float32))
        for name, value in values.items()
    }


def fit_spectral(clips: list[Heard], labels: tuple[str, ...], seed: int) -> dict[str, Tensor]:
    """The convolutional net on random crops."""
    torch.manual_seed(seed)
    net, truth = (
        SpectralNet(len(labels)),
        torch.tensor([labels.index(clip.row.emotion) for clip in clips]),
    )
    weight = 1.0 / torch.bincount(truth, minlength=len(labels)).clamp_min(1)
    optimizer = torch.optim.AdamW(net.parameters(), LEARNING_RATE, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, LEARNING_RATE, EPOCHS * -(-len(clips) // BATCH)
    )
    for _ in range(EPOCHS):
        for picks in torch.randperm(len(clips)).split(BATCH):
            mel = torch.stack([_crop(clips[i].features) for i in picks])
            torch.nn.functional.cross_entropy(
                net(mel), truth[picks], weight / weight.mean(), label_smoothing=0.05
            ).backward()
            optimizer.step()
            optimizer.zero_grad()
            schedule.step()
    return net.state_dict()


def _crop(mel: np.ndarray) -> Tensor:
    """[40,N] -> [40,200], at a random place; short clips come round again."""
    mel = torch.from_numpy(mel)
    start = int(torch.randint(max(1, mel.shape[1] - CROP + 1), ()))
    return mel[:, (start + torch.arange(CROP)) % mel.shape[1]]


def fit(stored: StoredJudge, clips: list[Heard], seed: int) -> dict[str, Tensor]:
    """Weights of a judge of the kind of `stored`."""
    return (fit_acoustic if stored.kind == "acoustic" else fit_spectral)(clips, stored.labels, seed)


def examine(test: str, stored: StoredJudge, tensors: dict[str, Tensor], clips: list[Heard]) -> dict:
    """What a judge hears in clips that it was not trained on, ready for the card; functionals are
    centred where it is relative.
    """
    if stored.kind == "acoustic":
        judge = AcousticJudge(replace(stored, relative=False), tensors)
        heard = np.stack([judge.of_functionals(clip.features) for clip in clips])
    else:
        judge = SpectralJudge(stored, tensors)
        heard = np.stack([judge.of_mel(torch.from_numpy(clip.features)) for clip in clips])
    found = recognition([clip.row.emotion for clip in clips], heard, stored.labels)
    return {
        "test": test,
        "clips": found.n,
        "speakers": len({clip.row.speaker for clip in clips}),
        "accuracy": list(found.accuracy),
        "mean_recall": list(found.mean_recall),
        "chance": list(found.chance),
    }


def declaration(arguments: argparse.Namespace, clips: list[Heard]) -> JudgeCard:
    """The judge's card, from the manifests that it heard."""
    data = ", ".join("/".join(path.resolve().parts[-2:]) for path in arguments.manifest)
    ears = {
        "acoustic": "acoustic functionals, logistic regression",
        "spectral": "log-mel spectra, a small convolutional net",
    }
    relative = " relative to the speaker's neutral clips" if arguments.relative else ""
    speakers = len({clip.row.speaker for clip in clips})
    return JudgeCard(
        arguments.output.name,
        "emotion",
        arguments.licence,
        f"{ears[arguments.kind]}{relative}; trained by recipes/train_emotion_judge.py on "
        f"{len(clips)} clips of {speakers} "
        f"speakers ({data}), seed {arguments.seed}. {arguments.note}".strip(),
    )


def main() -> None:
    arguments = parse()
    rows = chosen(arguments.manifest, arguments.limit, arguments.seed)
    features = arguments.features or arguments.output.with_name(
        f"{arguments.output.name}.functionals.jsonl"
    )
    journal = Journal(features, {"names": list(NAMES)})
    clips = listen(rows, arguments.kind, journal)
    neutral = neutral_means(clips) if arguments.relative else {}
    clips = centred(clips) if arguments.relative else clips
    seen, unseen = (
        [c for c in clips if c.row.split != "test"],
        [c for c in clips if c.row.split == "test"],
    )
    labels = tuple(sorted({clip.row.emotion for clip in seen}))
    inputs = NAMES if arguments.kind == "acoustic" else ()
    stored = StoredJudge(
        arguments.kind, labels, declaration(arguments, seen), inputs, arguments.relative
    )
    tests = []
    for number, (train, test) in enumerate(folds(seen, arguments.folds, arguments.seed), 1):
        tensors = fit(stored, [seen[i] for i in train], arguments.seed)
        tests.append(
            examine(
                f"fold {number}: unheard speakers and sentences",
                stored,
                tensors,
                [seen[i] for i in test],
            )
        )
    tensors = fit(stored, seen, arguments.seed)
    if unseen:
        tests.append(examine("test split: unheard sentences", stored, tensors, unseen))
    if arguments.relative:
        tensors["neutral"] = torch.from_numpy(
            np.mean(list(neutral.values()), axis=0).astype(np.float32)
        )
    save_judge(arguments.output, replace(stored, folds=tests), tensors)
    print(table(tests))


def table(tests: list[dict]) -> str:
    """The tests as Markdown."""
    rows = [
        [
            t["test"],
            str(t["clips"]),
            str(t["speakers"]),
            show(Interval(*t["accuracy"])),
            show(Interval(*t["mean_recall"])),
            "{:.3g} to {:.3g}".format(*t["chance"]),
        ]
        for t in tests
    ]
    return markdown_table(
        ["test", "clips", "speakers", "accuracy, %", "mean recall, %", "chance, %"], rows
    )


def parse() -> argparse.Namespace:
    parser = script_parser(__doc__)
    parser.add_argument("--kind", choices=("acoustic", "spectral"), required=True)
    parser.add_argument(
        "--manifest",
        action="append",
        type=Path,
        required=True,
        help="JSONL manifest; may be given several times",
    )
    parser.add_argument(
        "--output", type=Path, required=True, help="folder of the judge; its name is the judge's"
    )
    parser.add_argument("--licence", default="unstated", help="of the judge: its data's strictest")
    parser.add_argument(
        "--relative",
        action="store_true",
        help="acoustic: hear differences from the speaker's neutral clips",
    )
    parser.add_argument(
        "--limit", type=int, default=1500, help="most clips to train on (default 1500)"
    )
    parser.add_argument(
        "--features",
        type=Path,
        metavar="FILE",
        help="keep functionals here (default OUTPUT.functionals.jsonl)",
    )
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument(
        "--seed", type=int, default=0, help="of the draw of clips, the folds and the net"
    )
    parser.add_argument("--note", default="", help="a sentence for the card")
    arguments = parser.parse_args()
    if arguments.relative and arguments.kind != "acoustic":
        parser.error("--relative goes with --kind acoustic")
    return arguments


if __name__ == "__main__":
    sys.exit(run_script(main))
