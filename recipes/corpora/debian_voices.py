"""People's voices from Debian's learning programs and games: words in thirty languages, and shouts.

    apt-get download klettres-data ktuberling-data hedgewars-data
    for package in *.deb; do dpkg -x $package debian; done
    python -m recipes.corpora.debian_voices --root debian --output corpus/people

They have neither texts nor emotion labels: material for a codec. Whole speakers are held out. Each
package has its own licence (share-alike), which the manifest and so the lineage of weights carries.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from tqdm import tqdm

from affecttts.cli.script import run_script, script_parser
from affecttts.data.manifest import Utterance, write_manifest
from affecttts.data.splits import group_splits
from affecttts.errors import RequestError
from codec.atomic import atomic_file

FEWEST_SECONDS, SILENT_PEAK, MOST_RATE = 0.25, 0.01, 48_000


@dataclass(frozen=True)
class Source:
    """Where a package keeps its recordings; a folder is a speaker."""

    name: str
    folder: str  # below the root, with the speaker's folder as *
    licence: str
    by_language: bool = False  # folders are named by language
    leave_out: tuple[str, ...] = ()  # speakers


SOURCES = (
    Source("klettres", "usr/share/klettres/*", "GPL-2.0-or-later", by_language=True),
    Source("ktuberling", "usr/share/ktuberling/sounds/*", "GPL-2.0-or-later", by_language=True),
    Source(
        "hedgewars",
        "usr/share/games/hedgewars/Data/Sounds/voices/*",
        "GFDL-1.3-only",
        leave_out=("Robot",),  # a synthesiser
    ),
)


@dataclass(frozen=True)
class Recording:
    """One file of a speaker."""

    path: Path
    source: Source
    speaker: str
    language: str
    id: str


def recordings(root: Path) -> Iterator[Recording]:
    """Every recording below a folder into which the packages were unpacked, by name."""
    for source in SOURCES:
        for folder in sorted(path for path in root.glob(source.folder) if path.is_dir()):
            if folder.name in source.leave_out:
                continue
            language = re.split("[@_]", folder.name)[0] if source.by_language else "en"
            speaker = f"{source.name}_{folder.name.replace('@', '_').lower()}"
            for path in sorted(p for p in folder.rglob("*") if p.suffix in (".ogg", ".wav")):
                name = "_".join(path.relative_to(folder).with_suffix("").parts)
                yield Recording(path, source, speaker, language, f"{speaker}_{name}")


def convert(root: Path, output: Path) -> Iterator[Utterance]:
    """Write every recording as mono FLAC at its own rate and yield its row; those that are too
    short or silent are left out.

    Raises:
        RequestError: no recordings there.
    """
    found = list(recordings(root))
    if not found:
        packages = ", ".join(f"{source.name}-data" for source in SOURCES)
        raise RequestError(f"{root}: no recordings; unpack Debian's {packages} there")
    splits = group_splits([item.speaker for item in found])
    for item in tqdm(found, desc="recordings", unit="clip", disable=not sys.stderr.isatty()):
        samples, rate = soundfile.read(item.path, dtype="float32", always_2d=True)
        mono = samples.mean(axis=1)
        silent = np.abs(mono).max(initial=0) < SILENT_PEAK
        if silent or len(mono) < FEWEST_SECONDS * rate or rate > MOST_RATE:
            continue
        path = Path("audio") / item.speaker / f"{item.id}.flac"
        if not (output / path).exists():
            (output / path).parent.mkdir(parents=True, exist_ok=True)
            with atomic_file(output / path) as temporary:
                soundfile.write(temporary, mono, rate, format="FLAC", subtype="PCM_16")
        yield Utterance(
            id=item.id,
            path=path.as_posix(),
            speaker=item.speaker,
            language=item.language,
            seconds=round(len(mono) / rate, 4),
            split=splits[item.speaker],
            licence=item.source.licence,
        )


def main() -> None:
    parser = script_parser(__doc__)
    parser.add_argument("--root", type=Path, required=True, help="where the packages lie unpacked")
    parser.add_argument("--output", type=Path, required=True, help="folder of the corpus")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    rows = convert(arguments.root, arguments.output)
    count = write_manifest(arguments.output / "manifest.jsonl", rows)
    print(f"{arguments.output}: {count} recordings")


if __name__ == "__main__":
    sys.exit(run_script(main))
