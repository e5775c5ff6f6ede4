"""Make the sounds of docs/samples/ and the page that lists them: three per emotion.

    python recipes/make_samples.py                      # the shipped model, about a minute
    python recipes/make_samples.py --model DIR --output OUT

Every emotion speaks a sentence of its own in two voices, and one sentence that all emotions share.
The seed is fixed, so that the samples change only with the model.
"""

from __future__ import annotations

import argparse
import io
import sys
from dataclasses import dataclass
from pathlib import Path

import soundfile
from tqdm import tqdm

from affecttts import Synthesizer
from codec.atomic import write_bytes, write_text

FOLDER = Path(__file__).parents[1] / "docs" / "samples"
SEED = 7
COMPRESSION = 0.76  # about 64 kbit/s, where Opus is not heard
SHARED = "The train to the coast leaves at seven, and we are all going."
OWN = {
    "neutral": ("The library is open until six on weekdays.", "heart", "michael"),
    "calm": ("Close your eyes and listen to the rain.", "bella", "fenrir"),
    "happy": ("We did it, we really did it!", "heart", "michael"),
    "sad": ("I thought you would stay.", "bella", "fenrir"),
    "angry": ("I told you not to touch that!", "heart", "michael"),
    "fearful": ("Did you hear that? There is somebody outside.", "bella", "fenrir"),
    "surprised": ("Look who is here!", "heart", "michael"),
    "disgusted": ("This milk has been here for weeks.", "bella", "fenrir"),
}
HEAD = f"""\
# Samples

What the shipped voice sounds like, unselected: one command made all of them, with one seed.

    python recipes/make_samples.py

Each emotion speaks a sentence of its own in two voices, and one sentence that all emotions share:
"{SHARED}"
GitHub lists the files and plays none of them; a click on a link downloads or plays it. In a clone,
any Markdown preview or browser will do.

| emotion | own sentence | | | the shared sentence |
|---|---|---|---|---|
"""


@dataclass(frozen=True)
class Sample:
    """One sound."""

    emotion: str
    voice: str
    text: str
    kind: str  # "own" or "shared"

    @property
    def name(self) -> str:
        """File name."""
        return f"{self.emotion}_{self.kind}_{self.voice}.opus"


def samples(emotion: str) -> list[Sample]:
    """What is spoken in an emotion, in the order of the table."""
    text, first, second = OWN[emotion]
    return [
        Sample(emotion, first, text, "own"),
        Sample(emotion, second, text, "own"),
        Sample(emotion, "heart", SHARED, "shared"),
    ]


def table_row(emotion: str) -> str:
    """The emotion's line of the table."""
    cells = [f"[{sample.voice}]({sample.name})" for sample in samples(emotion)]
    return f"| {emotion} | {OWN[emotion][0]} | {cells[0]} | {cells[1]} | {cells[2]} |"


def page() -> str:
    """README.md of the folder."""
    return HEAD + "\n".join(map(table_row, OWN)) + "\n"


def opus(synthesizer: Synthesizer, sample: Sample) -> bytes:
    """Ogg Opus of a sample."""
    speech = synthesizer.synthesize(
        sample.text, emotion=sample.emotion, voice=sample.voice, seed=SEED
    )
    file = io.BytesIO()
    soundfile.write(
        file,
        speech.audio,
        speech.sample_rate,
        format="OGG",
        subtype="OPUS",
        compression_level=COMPRESSION,  # soundfile 0.13, of the extras eval and dev
    )
    return file.getvalue()


def main() -> int:
    """Make all samples; returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", metavar="DIR", help="model folder (default: the shipped model)")
    parser.add_argument("--output", metavar="DIR", type=Path, default=FOLDER, help="folder")
    arguments = parser.parse_args()
    synthesizer = Synthesizer.from_pretrained(arguments.model)
    arguments.output.mkdir(parents=True, exist_ok=True)
    for sample in tqdm([s for emotion in OWN for s in samples(emotion)], unit="sample"):
        write_bytes(arguments.output / sample.name, opus(synthesizer, sample))
    write_text(arguments.output / "README.md", page())
    return 0


if __name__ == "__main__":
    sys.exit(main())
