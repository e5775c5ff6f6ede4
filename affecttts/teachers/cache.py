"""Answers of a teacher for a whole corpus on disk, so that it is asked once per utterance.

A folder holds vectors.f16 (all vectors, one after the other), ends.f32 for teachers without a rate,
and index.json.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from affecttts.data.audio_cache import AudioCache, usual_f0, usual_level
from affecttts.teachers.protocol import Clip, Teacher, TeacherAnswer
from codec.atomic import atomic_folder, recover
from codec.errors import CheckpointError
from codec.files import read_json, write_json

INDEX_NAME = "index.json"


def build_cache(teacher: Teacher, audio: AudioCache, folder: str | Path) -> None:
    """Ask the teacher about every clip (progress bar) and write its answers to `folder`.

    Raises:
        CheckpointError: the teacher has no answer for any of them.
    """
    from tqdm import tqdm

    rows, start, dim = [], 0, 0
    clips = tqdm(_clips(audio), total=len(audio.clips), desc=teacher.id.split()[0], unit="clip")
    with atomic_folder(folder) as temporary:
        with (
            open(temporary / "vectors.f16", "wb") as vectors,
            open(temporary / "ends.f32", "wb") as ends,
        ):
            for clip in clips:
                answer = teacher.teach(clip)
                count = 0 if answer is None else len(answer.vectors)
                if answer is not None:
                    dim = answer.vectors.shape[1]
                    vectors.write(answer.vectors.astype(np.float16).tobytes())
                    ends.write(
                        b"" if answer.ends is None else answer.ends.astype(np.float32).tobytes()
                    )
                name = clip.utterance.id
                rows.append(
                    {"id": name, "sha256": audio.digests[name], "start": start, "count": count}
                )
                start += count
        if not start:
            raise CheckpointError(
                f"teacher {teacher.id}: nothing to learn about any of {len(rows)} utterances; "
                "does the manifest have what it reads (transcripts, phone durations)?"
            )
        write_json(
            temporary / INDEX_NAME,
            {"teacher": teacher.id, "dim": dim, "rate": teacher.rate, "clips": rows},
        )


def _clips(audio: AudioCache) -> Iterator[Clip]:
    f0, loud = usual_f0(audio), usual_level(audio)
    for clip in audio.clips:
        speaker = clip.utterance.speaker
        sound = audio.audio(clip), audio.sample_rate, audio.f0(clip), audio.hop_length
        yield Clip(clip.utterance, *sound, f0[speaker], loud[speaker])


class TeacherCache:
    """A teacher's answers for the clips of an audio cache, built where they are missing.

    Raises:
        CheckpointError: made by another teacher, at another rate, for other audio, or incomplete.
    """

    def __init__(self, teacher: Teacher, audio: AudioCache, root: str | Path) -> None:
        folder = Path(root) / re.sub(r"[^A-Za-z0-9.]+", "-", teacher.id).strip("-")
        recover(folder)
        if not (folder / INDEX_NAME).exists():
            build_cache(teacher, audio, folder)
        index = read_json(folder / INDEX_NAME)
        self.rate, self.dim, self._rows = teacher.rate, index["dim"], index["clips"]
        self.per_gain = teacher.per_gain
        made_for = {"teacher": index["teacher"], "rate": index["rate"]}
        made_for["list of clips"] = [(row["id"], row["sha256"]) for row in self._rows]
        asked_for = {"teacher": teacher.id, "rate": teacher.rate}
        asked_for["list of clips"] = [
            (clip.utterance.id, audio.digests[clip.utterance.id]) for clip in audio.clips
        ]
        wrong = " and ".join(name for name in made_for if made_for[name] != asked_for[name])
        if wrong:
            raise CheckpointError(
                f"{folder}: made for another {wrong}; remove the folder to ask the teacher again"
            )
        total = sum(row["count"] for row in self._rows)
        self._vectors = _open(folder / "vectors.f16", np.float16, total * self.dim).reshape(
            total, self.dim
        )
        self._ends = _open(folder / "ends.f32", np.float32, total) if self.rate is None else None

    def answer(self, index: int) -> TeacherAnswer | None:
        """The teacher's answer for clip `index` of the audio cache; None where there is none."""
        row = self._rows[index]
        part = slice(row["start"], row["start"] + row["count"])
        if not row["count"]:
            return None
        return TeacherAnswer(self._vectors[part], None if self._ends is None else self._ends[part])


def _open(path: Path, kind: type, count: int) -> np.ndarray:
    size, expected = path.stat().st_size if path.exists() else -1, count * np.dtype(kind).itemsize
    if size != expected:
        raise CheckpointError(
            f"{path}: {size} bytes instead of {expected}; remove its folder to "
            "ask the teacher again"
        )
    return np.memmap(path, dtype=kind, mode="r")
