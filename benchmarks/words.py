"""Are the words right? Word error rate over all voices and emotions, default settings.

python benchmarks/words.py --cache clips
python benchmarks/words.py --limit 8
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from common import Clip, arguments, print_table, spread, studio, write_json

from affecttts.evaluation.judges.words import WordCounts, WordJudge
from affecttts.evaluation.resources import sentences
from affecttts.evaluation.stats.bootstrap import ratio_interval
from affecttts.evaluation.stats.summary import grouped

Judged = tuple[Clip, WordCounts]


def rates(label: str, judged: list[Judged]) -> dict[str, Any]:
    """Rates of one group: word error rate in %, skips and repeats in % of utterances."""
    counts = [count for _, count in judged]
    return {
        "group": label,
        "n": len(counts),
        "word errors, % [95 %]": ratio_interval(
            [100 * c.errors for c in counts], [c.words for c in counts]
        ),
        "substituted": sum(c.substitutions for c in counts),
        "deleted": sum(c.deletions for c in counts),
        "inserted": sum(c.insertions for c in counts),
        "with a skip, %": 100 * sum(c.skips > 0 for c in counts) / len(counts),
        "with a repeat, %": 100 * sum(c.repeats > 0 for c in counts) / len(counts),
    }


def breakdown(judged: list[Judged], kinds: dict[str, str]) -> list[dict[str, Any]]:
    """Rows for all clips, then per kind of sentence, emotion and voice.

    Args:
        judged: clips and their word counts.
        kinds: text -> normal, long or short.
    """
    keys: list[Callable[[Judged], str]] = [
        lambda item: kinds[item[0].request.text],
        lambda item: item[0].request.emotion,
        lambda item: item[0].request.voice,
    ]
    return [rates("all", judged)] + [
        rates(name, group) for key in keys for name, group in grouped(judged, key).items()
    ]


def main() -> None:
    """Run the benchmark."""
    kinds = {item["text"]: item["kind"] for item in sentences()}
    options = arguments(__doc__.splitlines()[0], limit=len(kinds)).parse_args()
    clips = studio(options).all(spread(list(kinds), options.limit), "words")
    judge = WordJudge(options.threads)
    judged = [(clip, judge(clip.audio, clip.sample_rate, clip.request.text)) for clip in clips]
    rows = breakdown(judged, kinds)
    title = f"Word errors; judge: {judge.name}, data: sentences.jsonl"
    print_table(title, list(rows[0]), [list(row.values()) for row in rows])
    write_json(options.json, rows)


if __name__ == "__main__":
    main()
