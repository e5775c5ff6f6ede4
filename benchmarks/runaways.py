"""Does it ever run away, skip or repeat? Many utterances over all voices, emotions and several
seeds.

    python benchmarks/runaways.py --cache clips
    python benchmarks/runaways.py --limit 32
"""

from __future__ import annotations

from typing import Any

from common import Clip, arguments, print_table, spread, studio, write_json

from affecttts.evaluation.judges.words import WordCounts, WordJudge
from affecttts.evaluation.resources import sentences
from affecttts.evaluation.stats.bootstrap import interval


def rates(clips: list[Clip], counts: list[WordCounts]) -> dict[str, Any]:
    """Shares in % of utterances."""
    return {
        "ran into the length cap": interval(
            [100.0 * (clip.finish_reason != "end") for clip in clips]
        ),
        "skip (2 or more words in a row left out)": interval(
            [100.0 * (count.skips > 0) for count in counts]
        ),
        "repeat (2 or more words in a row added)": interval(
            [100.0 * (count.repeats > 0) for count in counts]
        ),
    }


def main() -> None:
    """Run the benchmark."""
    options = arguments(__doc__.splitlines()[0], limit=300).parse_args()
    texts = [item["text"] for item in sentences()]
    clips = list(studio(options).all(spread(texts, options.limit), "runaways"))
    judge = WordJudge(options.threads)
    counts = [judge(clip.audio, clip.sample_rate, clip.request.text) for clip in clips]
    numbers = rates(clips, counts)
    print_table(
        f"Runaways; judge: finish_reason and {judge.name}, data: sentences.jsonl",
        ["failure", "n", "% of utterances [95 %]"],
        [[name, len(clips), value] for name, value in numbers.items()],
    )
    print("\n0 failures in n says only that the rate is below about 3 / n.")
    write_json(options.json, numbers)


if __name__ == "__main__":
    main()
