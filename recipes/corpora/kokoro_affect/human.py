"""Real voices beside the synthetic ones: the telephone prompts of Debian's asterisk-core-sounds
packages, at 16 kHz.

    apt-get download asterisk-core-sounds-{en,es,fr}-g722
    for package in *.deb; do dpkg -x $package sounds; done
    python -m recipes.corpora.kokoro_affect.human --sounds sounds/usr/share/asterisk/sounds \\
        --output corpus/human

They have no emotion labels. Texts come from lists `core-sounds-LANGUAGE.txt` (lines `name: text`)
in the folder --texts.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
from tqdm import tqdm

from affecttts.cli.script import run_script
from affecttts.data.manifest import Utterance, write_manifest
from affecttts.data.splits import sentence_split
from affecttts.errors import RequestError
from codec.atomic import atomic_file, recover

RATE = 16_000  # Hz
BIT_RATE = 64_000
LICENCE = "CC-BY-SA-3.0"
SILENT_FOLDER = "silence"
FEWEST_SECONDS, SILENT_PEAK = 0.6, 0.01
# tones
NO_SPEECH = (
    "beep",
    "beeperr",
    "ascending-2tone",
    "descending-2tone",
    "confbridge-join",
    "confbridge-leave",
)


def read_g722(path: Path) -> np.ndarray:
    """Samples float32 [T] at 16 kHz of a file in ITU-T G.722.

    Raises:
        RequestError: the package G722 is not installed.
    """
    try:
        from G722 import G722
    except ImportError as error:
        raise RequestError(
            'the prompts need the package G722: pip install "affecttts[corpus]"'
        ) from error
    return np.asarray(G722(RATE, BIT_RATE).decode(path.read_bytes()), np.float32) / 32768


def read_texts(folder: Path | None) -> dict[tuple[str, str], str]:
    """Texts by language and name of the prompt."""
    texts = {}
    for path in sorted(folder.glob("core-sounds-*.txt")) if folder else ():
        for line in path.read_text(encoding="utf-8").splitlines():
            name, separator, text = line.partition(":")
            if separator and not line.startswith(";"):
                texts[path.stem.rsplit("-", 1)[1], name.strip()] = text.strip()
    return texts


def prompts(sounds: Path) -> Iterator[tuple[str, str, Path]]:
    """Language, name and file of every prompt, by name. Folders are called as en_US_f_Allison."""
    for voice in sorted(path for path in sounds.iterdir() if path.is_dir() and "_" in path.name):
        for path in sorted(voice.rglob("*.g722")):
            name = path.relative_to(voice).with_suffix("")
            if SILENT_FOLDER not in name.parts and name.name not in NO_SPEECH:
                yield voice.name.split("_")[0], name.as_posix(), path


def convert(sounds: Path, output: Path, texts: dict[tuple[str, str], str]) -> Iterator[Utterance]:
    """Write every prompt as Opus and yield its row; those that are too short or silent are left
    out.

    Raises:
        RequestError: no prompts there.
    """
    found = list(prompts(sounds))
    if not found:
        raise RequestError(f"{sounds}: no g722 files in folders such as en_US_f_Allison")
    for language, name, path in tqdm(
        found, desc="prompts", unit="clip", disable=not sys.stderr.isatty()
    ):
        samples = read_g722(path)
        if len(samples) < FEWEST_SECONDS * RATE or np.abs(samples).max() < SILENT_PEAK:
            continue
        row_id = f"{language}_{path.relative_to(sounds).with_suffix('').as_posix()}".replace(
            "/", "_"
        )
        target = output / "audio" / language / f"{row_id}.opus"
        recover(target)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            with atomic_file(target) as temporary:
                soundfile.write(temporary, samples, RATE, format="OGG", subtype="OPUS")
        yield Utterance(
            id=row_id,
            path=target.relative_to(output).as_posix(),
            speaker=f"asterisk_{language}",
            language=language,
            seconds=round(len(samples) / RATE, 4),
            split=sentence_split(f"{language} {name}"),
            text=texts.get((language, name)),
            licence=LICENCE,
        )


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--sounds", type=Path, required=True, help="folder with en_US_f_Allison and the like"
    )
    parser.add_argument("--texts", type=Path, help="folder of core-sounds-*.txt")
    parser.add_argument("--output", type=Path, required=True, help="folder of the corpus")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    try:
        rows = convert(arguments.sounds, arguments.output, read_texts(arguments.texts))
        count = write_manifest(arguments.output / "manifest.jsonl", rows)
    except RequestError as error:
        print(f"human: {error}", file=sys.stderr)
        return error.exit_code
    print(f"{arguments.output}: {count} prompts")
    return 0


if __name__ == "__main__":
    sys.exit(run_script(main))
