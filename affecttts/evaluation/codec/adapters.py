"""Ways to other boards: copies as files with the lists that VERSA reads, and our codec as
Codec-SUPERB loads one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from affecttts.evaluation.codec.report import RATE, Clips, chosen
from affecttts.evaluation.codec.systems import Absent, Aligned, System
from affecttts.synthesis.model_folder import SHIPPED
from codec.atomic import write_text
from codec.audio import Audio, resample, save_wav

ORIGINAL = "original"


def write_copies(
    folder: Path,
    manifest: Path,
    systems: Sequence[System | Absent],
    limit: int,
    progress: Callable[[list], Iterable] = iter,
) -> None:
    """Write the clips that `evaluate codec` measures and their copies, aligned and at 24 kHz.

    `SYSTEM/KEY.wav` are the copies and `original/KEY.wav` the originals. `SYSTEM.scp` lists `KEY
    PATH` and `text` lists `KEY TEXT`, as VERSA reads them (Shi et al. 2025); items.jsonl is what
    `evaluate listening` reads.
    """
    clips = Clips(manifest, chosen(manifest, limit))
    aligned = [
        Aligned(system, clips.probes, RATE) for system in systems if not isinstance(system, Absent)
    ]
    lists: dict[str, list[str]] = {"items.jsonl": [], "text": []}
    for place in progress(list(range(len(clips.rows)))):
        row = clips.rows[place]
        audio, key = clips.audio(row), f"{place:05d}_{_plain(row.id)}"
        if row.text:
            lists["text"].append(f"{key} {' '.join(row.text.split())}")
        for name, copy in [
            (ORIGINAL, audio),
            *((system.name, system.code(audio, RATE).audio) for system in aligned),
        ]:
            path = (folder / _plain(name) / f"{key}.wav").resolve()
            path.parent.mkdir(parents=True, exist_ok=True)
            save_wav(path, Audio(copy, RATE))
            lists.setdefault(f"{_plain(name)}.scp", []).append(f"{key} {path}")
            item = {
                "id": row.id,
                "system": name,
                "path": str(path.relative_to(folder.resolve())),
                "text": row.text,
            }
            lists["items.jsonl"].append(json.dumps(item, ensure_ascii=False))
    for name, lines in lists.items():
        write_text(folder / name, "".join(f"{line}\n" for line in lines))


def _plain(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name)


@dataclass(frozen=True, eq=False)
class ExtractedUnit:
    """What Codec-SUPERB calls a codec's codes: `unit` int64 [K,F], and what `decode_unit` needs."""

    unit: Any
    stuff_for_synth: Any

    def to_dict(self) -> dict:
        """The fields."""
        return {"unit": self.unit, "stuff_for_synth": self.stuff_for_synth}


class SuperbCodec:
    """The methods that Codec-SUPERB's BaseCodec leaves to a codec (Wu et al. 2024); inherit from
    this one first.

    Attributes:
        folder: of the codec.
        num_codebooks: use the first ones only; None = all.
        setting: its name on the board.
    """

    folder: str | Path = SHIPPED / "codec"
    num_codebooks: int | None = None
    setting = "affectcodec"

    def config(self) -> None:
        """Load the codec onto `self.device`; BaseCodec calls this when it is made."""
        from codec import Codec

        self.setting = type(self).setting
        self._codec = Codec.from_pretrained(self.folder).to(getattr(self, "device", "cpu"))
        self.sampling_rate = self._codec.config.sample_rate

    def extract_unit(self, data: dict) -> ExtractedUnit:
        """Codes of `data["audio"]`: `array` [T] and `sampling_rate` in Hz, which need not be the
        codec's.
        """
        import torch

        audio = np.asarray(data["audio"]["array"], dtype=np.float32).reshape(-1)
        audio = resample(
            audio, data["audio"].get("sampling_rate") or self.sampling_rate, self.sampling_rate
        )
        device = next(self._codec.parameters()).device
        encoded = self._codec.encode(
            torch.from_numpy(audio)[None, None].to(device), self.num_codebooks
        )
        return ExtractedUnit(encoded.codes[0].cpu(), encoded)

    def decode_unit(self, stuff_for_synth: Any) -> np.ndarray:
        """Audio float32 [T] at `sampling_rate` of what `extract_unit` gave for it."""
        return (
            self._codec.decode(stuff_for_synth.codes, stuff_for_synth.num_samples)[0, 0]
            .cpu()
            .numpy()
        )
