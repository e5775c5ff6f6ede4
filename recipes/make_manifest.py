"""Rows about audio files -> a checked manifest.

    python recipes/make_manifest.py --rows clips.jsonl --output corpus/manifest.jsonl

Each row needs `path` (relative to the rows' file); `id`, `seconds`, `ipa` and `split` are filled in
where absent. Every file is opened and measured; rows that cannot be used are counted by reason and
left out, and the exit code is then 3.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from tqdm import tqdm

from affecttts.cli.script import run_script, script_parser
from affecttts.data.manifest import Utterance, parse_row, write_manifest
from affecttts.data.splits import sentence_split
from affecttts.errors import InputError, RequestError
from affecttts.text import text_to_phonemes
from codec.audio import load_audio
from codec.errors import AudioError

RATE = 24000  # Hz at which files are measured


def complete(row: dict, source: Path, output: Path) -> Utterance:
    """Check one row and fill in what it lacks.

    Raises:
        AudioError, RequestError, ValueError, TypeError: the row cannot be used.
    """
    audio_path = source.parent / row["path"]
    row = {
        "id": Path(row["path"]).stem,
        "split": sentence_split(row.get("text") or row["path"]),
        **row,
    }
    row["seconds"] = round(load_audio(audio_path, RATE).seconds, 3)
    row["path"] = os.path.relpath(audio_path, output.parent)
    if row.get("text") and not row.get("ipa") and row.get("language", "en") == "en":
        row["ipa"] = text_to_phonemes(row["text"])
    return parse_row(json.dumps(row))


def main() -> int:
    parser = script_parser(__doc__)
    parser.add_argument("--rows", type=Path, required=True, help="JSONL file")
    parser.add_argument("--output", type=Path, required=True, help="manifest to write")
    arguments = parser.parse_args()
    try:
        text = arguments.rows.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{arguments.rows}: cannot be read ({error})") from error
    lines = [line for line in text.splitlines() if line.strip()]
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    kept, rejected = [], []
    for number, line in enumerate(tqdm(lines, desc="manifest", unit="clip"), start=1):
        try:
            kept.append(complete(json.loads(line), arguments.rows, arguments.output))
        except (AudioError, RequestError, ValueError, TypeError, KeyError) as error:
            rejected.append(f"{arguments.rows}:{number}: {type(error).__name__}: {error}")
    write_manifest(arguments.output, kept)
    print(
        "\n".join(
            [*rejected, f"{len(kept)} rows kept, {len(rejected)} rejected: {arguments.output}"]
        ),
        file=sys.stderr,
    )
    return 3 if rejected else 0


if __name__ == "__main__":
    sys.exit(run_script(main))
