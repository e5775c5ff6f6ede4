"""How far an aligner's phone borders lie from true ones.

    affecttts data align hidden.jsonl --output found.jsonl
    python recipes/experiments/border_errors.py --true true.jsonl --found found.jsonl

A border is where a sound begins or ends; those between two silences are nowhere in the audio. The
true timelines' clock, a constant that no aligner can know, is the median difference of all borders
and is taken off. Rows whose phone strings differ are left out and counted.
"""

from __future__ import annotations

import sys

import numpy as np

from affecttts.cli.script import run_script, script_parser
from affecttts.data.alignment.units import PAUSE_MARKS, split_units
from affecttts.data.manifest import Utterance, read_manifest
from affecttts.errors import RequestError
from affecttts.evaluation.stats.bootstrap import resamples

WITHIN = (20, 60, 75)  # ms


def borders(utterance: Utterance) -> np.ndarray:
    """Seconds at which sounds begin or end."""
    units = split_units(utterance.ipa or "")
    widths = [1, *(unit.width for unit in units), 1]
    ends = np.cumsum(utterance.durations or ())[np.cumsum(widths) - 1] - utterance.offset
    sounds = np.array([False, *(unit.symbol not in PAUSE_MARKS for unit in units), False])
    return ends[:-1][sounds[:-1] | sounds[1:]]


def describe(errors: np.ndarray) -> dict[str, float]:
    """Figures on absolute errors in ms."""
    shares = {f"within {limit} ms, %": 100 * np.mean(errors <= limit) for limit in WITHIN}
    quantiles = {"median, ms": np.median(errors), "95 %, ms": np.percentile(errors, 95)}
    return {name: float(value) for name, value in (quantiles | shares).items()}


def main() -> None:
    parser = script_parser(__doc__)
    parser.add_argument("--true", required=True, help="manifest with true durations")
    parser.add_argument("--found", required=True, help="manifest with an aligner's durations")
    arguments = parser.parse_args()
    true = {u.id: u for u in read_manifest(arguments.true) if u.durations}
    found = [u for u in read_manifest(arguments.found) if u.durations and u.id in true]
    same = [u for u in found if u.ipa == true[u.id].ipa]
    if not same:
        raise RequestError(f"{arguments.found}: no row has the phones of one in {arguments.true}")
    rows = [1000 * (borders(u) - borders(true[u.id])) for u in same]
    clock = float(np.median(np.concatenate(rows)))
    errors = [np.abs(row - clock) for row in rows]
    drawn = [describe(np.concatenate([errors[i] for i in draw])) for draw in resamples(len(errors))]
    print(f"{len(true)} true rows, {len(found)} found, {len(same)} with the same phones")
    print(f"{sum(map(len, rows))} borders, clock {clock:.0f} ms")
    for name, value in describe(np.concatenate(errors)).items():
        low, high = np.percentile([one[name] for one in drawn], (2.5, 97.5))
        print(f"{name}: {value:.1f} [{low:.1f}, {high:.1f}]")


if __name__ == "__main__":
    sys.exit(run_script(main))
