"""The manifest of what could be aligned, its TextGrids, and the report on both."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from affecttts.data.alignment.report import AlignmentSummary, plot, render
from affecttts.data.alignment.rows import MisfitError
from affecttts.data.alignment.shards import Finding
from affecttts.data.alignment.textgrids import with_textgrid, write_textgrid
from affecttts.data.manifest import Utterance, moved, read_manifest, write_manifest
from codec.atomic import atomic_file
from codec.files import write_json

REPORT_NAME = "alignment.json"


def from_textgrids(manifest: Path, folder: Path) -> Iterator[Finding]:
    """A finding on every row of a manifest from FOLDER/ID.TextGrid, or from the TextGrid at the
    place of its audio file.
    """
    for utterance in read_manifest(manifest):
        named = folder / f"{utterance.id}.TextGrid"
        placed = (folder / utterance.path).with_suffix(".TextGrid")
        path = placed if placed.is_file() and not named.is_file() else named
        try:
            yield Finding("", with_textgrid(utterance, path))
        except MisfitError as error:
            yield Finding("", None, error.reason, str(error))


def write_aligned(
    findings: Iterable[Finding],
    manifest: Path,
    output: Path,
    textgrids: Path | None,
    tell: Callable[[str], None],
) -> AlignmentSummary:
    """Write the rows with durations as a manifest, and their TextGrids.

    Args:
        manifest: where the rows come from.
        textgrids: folder; None: no TextGrids.
        tell: takes a line on every row that is left out.
    """
    summary = AlignmentSummary()

    def rows() -> Iterator[Utterance]:
        for finding in findings:
            if finding.row is None:
                summary.leave_out(finding.reason, finding.message)
                tell(f"left out, {finding.reason}: {finding.message}")
                continue
            summary.add(finding.row)
            if textgrids:
                write_textgrid(finding.row, textgrids / f"{finding.row.id}.TextGrid")
            yield moved(finding.row, manifest, output)

    write_manifest(output, rows())
    return summary


def write_report(report: dict, folder: Path) -> None:
    """Write text, histograms and JSON into a folder; the JSON last, so where it is, all is."""
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_file(folder / "alignment.txt") as temporary:
        temporary.write_text(render(report) + "\n", encoding="utf-8")
    plot(report, folder)
    write_json(folder / REPORT_NAME, report)
