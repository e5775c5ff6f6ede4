"""How often a judge hears the emotion that was meant: accuracy, recall, confusion, each beside
chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from affecttts.evaluation.stats.bootstrap import Interval, ends, interval, resamples
from affecttts.evaluation.stats.chance import Band, chance_band


@dataclass(frozen=True)
class Recognition:
    """What one judge heard in N clips; shares in %."""

    labels: tuple[str, ...]  # emotions meant or heard, in the judge's order
    counts: np.ndarray  # int [E,E], rows = meant, columns = heard
    accuracy: Interval
    mean_recall: Interval  # unweighted mean over the emotions meant
    chance: Band  # of the mean recall, by permuted labels
    n: int

    def recalls(self) -> dict[str, tuple[int, Interval]]:
        """Emotion -> number of clips and share heard right."""
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
    """Compare what was meant with the likeliest of what was heard; clips whose emotion the judge
    has no label for are left out.

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
    heard = np.asarray(probabilities)[known].argmax(axis=1)
    counts = np.zeros((len(labels), len(labels)), dtype=int)
    np.add.at(counts, (truth, heard), 1)
    return Recognition(
        tuple(labels),
        counts,
        interval(100.0 * (truth == heard)),
        _recall_interval(truth, heard),
        chance_band(truth, heard, mean_recall),
        len(known),
    )


def mean_recall(truth: np.ndarray, heard: np.ndarray) -> float:
    """Unweighted mean over the classes in `truth` of the share heard right, %."""
    right = np.bincount(truth[truth == heard], minlength=truth.max() + 1)
    total = np.bincount(truth)
    return 100 * float((right[total > 0] / total[total > 0]).mean())


def _recall_interval(truth: np.ndarray, heard: np.ndarray) -> Interval:
    """Bootstrap over clips."""
    values = [mean_recall(truth[pick], heard[pick]) for pick in resamples(len(truth))]
    return Interval(mean_recall(truth, heard), *ends(values))
