"""How often a judge recognises the intended emotion: accuracy, recall, confusion, beside chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from affecttts.evaluation.stats.bootstrap import Interval, ends, interval, resamples
from affecttts.evaluation.stats.chance import Band, chance_band


@dataclass(frozen=True)
class Recognition:
    """A judge's answers for N clips; shares in %."""

    labels: tuple[str, ...]  # emotions intended or answered, in the judge's order
    counts: np.ndarray  # int [E,E], rows = intended, columns = answered
    accuracy: Interval
    mean_recall: Interval  # unweighted mean over the intended emotions
    chance: Band  # of the mean recall, by permuted labels
    n: int

    def recalls(self) -> dict[str, tuple[int, Interval]]:
        """Emotion -> number of clips and share recognised."""
        rows = {label: row for label, row in zip(self.labels, self.counts) if row.sum()}
        return {
            label: (
                int(row.sum()),
                interval(
                    np.repeat([100.0, 0.0], [hit := row[self.labels.index(label)], row.sum() - hit])
                ),
            )
            for label, row in rows.items()
        }


def recognition(
    meant: Sequence[str], probabilities: np.ndarray, labels: Sequence[str]
) -> Recognition | None:
    """Compare intended emotions with a judge's likeliest ones; clips of other emotions than the
    judge's are left out.

    Args:
        meant: emotions [N].
        probabilities: [N,E] of the judge.
        labels: the judge's, [E].

    Returns:
        None where no clip is left.
    """
    known = [i for i, emotion in enumerate(meant) if emotion in labels]
    if not known:
        return None
    truth = np.array([list(labels).index(meant[i]) for i in known])
    answers = np.asarray(probabilities)[known].argmax(axis=1)
    counts = np.zeros((len(labels), len(labels)), dtype=int)
    np.add.at(counts, (truth, answers), 1)
    return Recognition(
        tuple(labels),
        counts,
        interval(100.0 * (truth == answers)),
        _recall_interval(truth, answers),
        chance_band(truth, answers, mean_recall),
        len(known),
    )


def mean_recall(truth: np.ndarray, answers: np.ndarray) -> float:
    """Unweighted mean over the classes in `truth` of the share recognised, %."""
    right = np.bincount(truth[truth == answers], minlength=truth.max() + 1)
    total = np.bincount(truth)
    return 100 * float((right[total > 0] / total[total > 0]).mean())


def _recall_interval(truth: np.ndarray, answers: np.ndarray) -> Interval:
    """Bootstrap over clips."""
    values = [mean_recall(truth[pick], answers[pick]) for pick in resamples(len(truth))]
    return Interval(mean_recall(truth, answers), *ends(values))
