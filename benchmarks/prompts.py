"""Is free text understood? Does a prompt move the voice the way its emotion does in the corpus?

    python benchmarks/prompts.py --cache clips
    python benchmarks/prompts.py --limit 1        # one sentence a prompt

A prompt is right when most of its emotion's clear measures have the corpus's sign. A neutral prompt
is right when most measures stay within half of the corpus's median clear shift.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from common import Request, Studio, arguments, print_table, studio, write_json
from emotion import measure

from affecttts.evaluation.resources import prompts, sentences
from affecttts.evaluation.signal.acoustics import SHIFTS, shift
from affecttts.evaluation.speech.shifts import follows, read_cells
from affecttts.evaluation.stats.bootstrap import interval
from affecttts.evaluation.stats.summary import grouped

VOICE = "heart"


def prompt_shifts(
    synthesize: Studio, prompts: Sequence[str], texts: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Prompt -> measure -> mean shift from neutral over `texts`, same voice and seed."""
    neutral = {text: measure(synthesize(Request(text, voice=VOICE))) for text in texts}
    requests = [Request(text, voice=VOICE, prompt=prompt) for prompt in prompts for text in texts]
    clips = grouped(synthesize.all(requests, "prompts"), lambda clip: str(clip.request.prompt))
    moved = {
        p: [shift(neutral[c.request.text], measure(c)) for c in group] for p, group in clips.items()
    }
    return {
        p: {name: float(np.nanmean([s[name] for s in group])) for name in SHIFTS}
        for p, group in moved.items()
    }


def main() -> None:
    """Run the benchmark."""
    parser = arguments(__doc__.splitlines()[0], limit=2)
    options = parser.parse_args()
    listed = prompts()
    texts = [item["text"] for item in sentences("normal")][: options.limit]
    shifts, corpus = (
        prompt_shifts(studio(options), [item["prompt"] for item in listed], texts),
        read_cells(),
    )
    verdicts = [
        (item["emotion"], item["prompt"], follows(shifts[item["prompt"]], item["emotion"], corpus))
        for item in listed
    ]
    groups = {"all": verdicts, **grouped(verdicts, lambda verdict: verdict[0])}
    print_table(
        "Prompts understood, %; judge: signs of the corpus's clear shifts, data: "
        "free_text_prompts.jsonl "
        f"x {len(texts)} sentences, voice {VOICE}",
        ["emotion", "n", "right, % [95 %]"],
        [
            [name, len(group), interval([100.0 * right for _, _, right in group])]
            for name, group in groups.items()
        ],
    )
    missed = [f"{text} ({emotion})" for emotion, text, right in verdicts if not right]
    print("\nNot followed: " + ("; ".join(missed) or "none"))
    write_json(
        options.json,
        [
            {"prompt": text, "emotion": emotion, "right": right, "shifts": shifts[text]}
            for emotion, text, right in verdicts
        ],
    )


if __name__ == "__main__":
    main()
