"""How clean does it sound? DNSMOS overall, per emotion.

python benchmarks/sound.py --cache clips
python benchmarks/sound.py --limit 8
"""

from __future__ import annotations

from common import arguments, print_table, spread, studio, write_json

from affecttts.evaluation.judges.sound import SoundJudge
from affecttts.evaluation.resources import sentences
from affecttts.evaluation.stats.bootstrap import interval
from affecttts.evaluation.stats.summary import grouped


def main() -> None:
    """Run the benchmark."""
    options = arguments(__doc__.splitlines()[0], limit=100).parse_args()
    texts = [item["text"] for item in sentences("normal")]
    clips = list(studio(options).all(spread(texts, options.limit), "sound"))
    judge = SoundJudge(options.threads)
    scored = [(clip.request.emotion, judge(clip.audio, clip.sample_rate)) for clip in clips]
    groups = {"all": scored, **grouped(scored, lambda item: item[0])}
    rows = [
        [name, len(group), interval([score for _, score in group])]
        for name, group in groups.items()
    ]
    title = f"Sound, 1 to 5; judge: {judge.name}, data: sentences.jsonl"
    print_table(title, ["emotion", "n", "mean [95 %]"], rows)
    write_json(options.json, {name: value for name, _, value in rows})


if __name__ == "__main__":
    main()
