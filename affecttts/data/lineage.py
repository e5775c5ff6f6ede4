"""Where weights come from: their teachers, and the manifests that they were trained on with hashes
and licences.

A lineage lies as lineage.json in the folder of every trained model and in the state of every
checkpoint. Weights cannot be marked free for commerce where the licence of any of their data
forbids that or is not stated.
"""

from __future__ import annotations

import functools
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from enum import IntEnum
from pathlib import Path
from typing import Any

from affecttts.data.manifest import parse_row
from affecttts.errors import RequestError
from codec.config import from_dict
from codec.errors import CheckpointError
from codec.files import read_json, write_json

LINEAGE_NAME = "lineage.json"
LICENCES_PATH = Path(__file__).with_name("licences.yaml")
UNSTATED = "unstated"


class Kind(IntEnum):
    """What a licence allows, from the freest to the strictest; licences.yaml says more."""

    PUBLIC_DOMAIN = 0
    PERMISSIVE = 1
    SHARE_ALIKE = 2
    NON_COMMERCIAL = 3
    RESEARCH_ONLY = 4
    UNSTATED = 5

    def __str__(self) -> str:
        return self.name.lower().replace("_", "-")


@functools.cache
def _licences() -> Mapping[str, Kind]:
    import yaml

    table = yaml.safe_load(LICENCES_PATH.read_text(encoding="utf-8"))["licences"]
    return {name: Kind[kind.upper().replace("-", "_")] for name, kind in table.items()}


def kind_of(licence: str | None) -> Kind:
    """The kind of a licence; UNSTATED for one that licences.yaml does not know."""
    return _licences().get(licence or UNSTATED, Kind.UNSTATED)


def forbids_commerce(licence: str | None) -> bool:
    """Whether a licence is known to forbid commercial use."""
    return kind_of(licence) in (Kind.NON_COMMERCIAL, Kind.RESEARCH_ONLY)


@dataclass(frozen=True)
class ManifestRecord:
    """One manifest of a lineage."""

    name: str  # last folder and file name
    sha256: str  # of the file, first 16 hex digits; empty where the manifest is not known
    rows: int
    hours: float
    licences: dict[str, int]  # rows by licence


@dataclass(frozen=True)
class Lineage:
    """Everything that weights were trained on."""

    manifests: tuple[ManifestRecord, ...] = ()
    teachers: tuple[str, ...] = ()  # as configs name them; none of them may be a judge

    @property
    def licences(self) -> dict[str, int]:
        """Rows by licence, the strictest first."""
        total: Counter[str] = Counter()
        for record in self.manifests:
            total.update(record.licences)
        return dict(sorted(total.items(), key=lambda item: (-kind_of(item[0]), item[0])))

    @property
    def strictest(self) -> str:
        """The strictest licence; "unstated" where there is no manifest."""
        return next(iter(self.licences), UNSTATED)

    def __or__(self, other: Lineage) -> Lineage:
        """Both together; a manifest that comes in both counts once."""
        records = {
            (record.name, record.sha256): record for record in (*self.manifests, *other.manifests)
        }
        return Lineage(tuple(records.values()), tuple(sorted({*self.teachers, *other.teachers})))

    def with_licences(self, stated: Mapping[str, str]) -> Lineage:
        """The same with a licence for the rows that had none, by the manifest's name.

        Raises:
            RequestError: a name that is not in the lineage.
        """
        names = [record.name for record in self.manifests]
        if unknown := sorted(set(stated) - set(names)):
            raise RequestError(
                f"no manifest {unknown[0]!r} in the lineage; it has {', '.join(names) or 'none'}"
            )
        return replace(
            self,
            manifests=tuple(_stating(record, stated.get(record.name)) for record in self.manifests),
        )

    def part(self, other: Lineage) -> Lineage:
        """The manifests that `other` has too, as they are here, and the teachers of `other`."""
        wanted = {(record.name, record.sha256) for record in other.manifests}
        return Lineage(
            tuple(record for record in self.manifests if (record.name, record.sha256) in wanted),
            other.teachers,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        records = [asdict(record) for record in self.manifests]
        return {"strictest": self.strictest, "manifests": records, "teachers": list(self.teachers)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Lineage:
        """What `to_dict` made.

        Raises:
            ValueError: unknown or missing keys.
        """
        records = (from_dict(ManifestRecord, record) for record in values["manifests"])
        return cls(tuple(records), tuple(values.get("teachers", ())))

    def describe(self) -> str:
        """A section for a model card, in Markdown."""
        cells = (
            (r.name, r.sha256 or "unknown", r.rows, f"{r.hours:.2f}", ", ".join(r.licences))
            for r in self.manifests
        )
        lines = ("| " + " | ".join(map(str, row)) + " |" for row in cells)
        table = [
            "| manifest | SHA-256 | rows | hours | licences |",
            "|---|---|---|---|---|",
            *lines,
        ]
        strictest = (
            f"Strictest licence of the training data: **{self.strictest}** "
            f"({kind_of(self.strictest)})."
        )
        return "\n".join(["## Training data", "", strictest, "", *table, ""])


def _stating(record: ManifestRecord, licence: str | None) -> ManifestRecord:
    if licence is None:
        return record
    licences = Counter(record.licences)
    licences[licence] += licences.pop(UNSTATED, 0)
    return replace(record, licences=dict(licences))


def trace(manifests: Iterable[str | Path]) -> Lineage:
    """The lineage of data: hashes, rows and licences of manifests, read line by line.

    Raises:
        RequestError: a manifest that cannot be read.
    """
    return Lineage(tuple(_record(Path(path)) for path in manifests))


def _record(path: Path) -> ManifestRecord:
    digest, licences, seconds = hashlib.sha256(), Counter(), 0.0
    try:
        with path.open("rb") as lines:
            for line in lines:
                digest.update(line)
                if line.strip():
                    utterance = parse_row(line)
                    licences[utterance.licence or UNSTATED] += 1
                    seconds += utterance.seconds
    except (OSError, ValueError) as error:
        raise RequestError(f"{path}: cannot read the manifest ({error})") from error
    name = "/".join(path.resolve().parts[-2:])
    return ManifestRecord(
        name, digest.hexdigest()[:16], licences.total(), round(seconds / 3600, 4), dict(licences)
    )


def training_lineage(
    manifests: Iterable[str | Path], *parents: str | Path | None, teachers: Iterable[str] = ()
) -> Lineage:
    """The lineage of weights trained on manifests, with teachers, from the models in the folders
    `parents` (None: not used).
    """
    lineage = replace(trace(manifests), teachers=tuple(sorted(teachers)))
    for parent in filter(None, parents):
        lineage |= load_lineage(parent)
    return lineage


def load_lineage(folder: str | Path) -> Lineage:
    """The lineage of a model folder; one manifest of unstated licence where it has none.

    Raises:
        CheckpointError: a lineage.json that is none.
    """
    path = Path(folder) / LINEAGE_NAME
    if not path.exists():
        return Lineage(
            (
                ManifestRecord(
                    f"unrecorded/{Path(folder).resolve().name}", "", 0, 0.0, {UNSTATED: 0}
                ),
            )
        )
    try:
        return Lineage.from_dict(read_json(path))
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path}: not a lineage ({error}); train again or remove it"
        ) from error


def resumed_lineage(state: Mapping[str, Any]) -> Lineage:
    """The lineage in the state of a checkpoint; an empty one where it was written without."""
    return Lineage.from_dict(state["lineage"]) if "lineage" in state else Lineage()


def save_lineage(folder: str | Path, lineage: Lineage) -> None:
    """Write lineage.json into a model folder."""
    write_json(Path(folder) / LINEAGE_NAME, lineage.to_dict())


def check_weights_licence(licence: str, lineage: Lineage) -> None:
    """Refuse to mark weights free for commerce where their data is not.

    Raises:
        RequestError: a licence of the data forbids commerce or is not stated; the message names the
            manifests and the cure.
    """
    allowed = kind_of(lineage.strictest)
    if kind_of(licence) >= Kind.NON_COMMERCIAL or allowed < Kind.NON_COMMERCIAL:
        return
    blamed = [
        record.name
        for record in lineage.manifests
        if any(kind_of(name) == allowed for name in record.licences)
    ]
    if allowed is Kind.UNSTATED:
        reason = f"nobody stated the licence of {', '.join(blamed) or 'any data'}"
        cure = "state it with --corpus-licence NAME=LICENCE or mark the weights unstated"
    else:
        reason = f"{', '.join(blamed)} is {lineage.strictest} ({allowed})"
        cure = "mark the weights so too or train without it"
    raise RequestError(f"weights cannot be {licence}: {reason}; {cure}")
