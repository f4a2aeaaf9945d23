"""Read a public copy (`package`) back into an empty registry: sources, facilities, and the reports of each source.

Counts of the copy are those of the registry it was made of, but for whoever stood in no list there. All or nothing.
"""

import csv
import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from app.errors import Problem
from app.exchange.imports.cells import UnreadCell, plain
from app.exchange.imports.faults import BadFile
from app.exchange.imports.headings import Column
from app.exchange.imports.mapping import Mapping
from app.exchange.imports.rows import Reader
from app.exchange.package import DESCRIPTOR
from app.exchange.table_schema import SAID, TABLES
from app.exchange.tables import SEPARATOR
from app.registry import directory
from app.registry.copying import Copied, file_copies, require_empty
from app.registry.schemas import DetentionReportIn, FacilityIn, ReleaseReportIn, SourceIn
from app.registry.write import Desk

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Read:
    """What was filed of a copy. `sources`: whom it speaks for, and whether each counts as independent."""

    reports: int
    sources: dict[str, bool]


def read(desk: Desk, folder: Path) -> Read:
    """File the reports of a copy. Raises BadFile, Conflict, Problem."""
    require_empty(desk)
    _require_whole(folder)
    sources: dict[str, bool] = {}
    for number, row in _rows(folder, "sources"):
        with _of_line("sources", number):
            flags: dict[str, Any] = {name: row[name] == "true" for name in ("independent", "quarantined")}
            source = SourceIn.model_validate({**_said(row), **flags})
            directory.add_source(desk, source)
            sources[source.slug] = flags["independent"] and not flags["quarantined"]
    for number, row in _rows(folder, "facilities"):
        with _of_line("facilities", number):
            directory.add_facility(desk, FacilityIn.model_validate(_facility(row)))
    reports = sorted(_reports(folder), key=lambda one: one.number)
    _require_known(reports)
    return Read(file_copies(desk, reports), sources)


def _require_whole(folder: Path) -> None:
    """Raises BadFile where a table is not there, or not the one that the descriptor tells of."""
    files = [folder / DESCRIPTOR, *(folder / f"{name}.csv" for name in TABLES)]
    if not all(path.is_file() for path in files):  # of a pipe the end would be waited for
        raise BadFile("no_copy", NO_COPY)
    try:
        described = json.loads((folder / DESCRIPTOR).read_text(encoding="utf-8"))
        told = {one["name"]: one["hash"] for one in described["resources"]}
        here = {name: f"sha256:{_hash(folder / f'{name}.csv')}" for name in TABLES}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise BadFile("no_copy", NO_COPY) from None
    wrong = next((name for name in TABLES if told.get(name) != here[name]), None)
    if wrong is not None:
        raise BadFile("changed_copy", f"This is not the {wrong}.csv that was exported: export the copy again.")


NO_COPY = "There is no whole copy in this folder: make one with recuento export --to."


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _rows(folder: Path, name: str) -> Iterator[tuple[int, Row]]:
    """`(number, row)` of a table. Raises BadFile."""
    number = 1
    try:
        with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file)
            if rows.fieldnames != list(TABLES[name]):
                # Another version's: what a column left out says would be lost in silence.
                detail = f"{name}.csv has other columns than this version writes: export it again."
                raise BadFile("other_columns", detail)
            for number, row in enumerate(rows, 2):
                if None in row or None in row.values():  # more cells than columns, or fewer
                    raise _bad(name, number)
                yield number, row
    except (csv.Error, UnicodeDecodeError):
        raise _bad(name, number + 1) from None


def _bad(name: str, number: int) -> BadFile:
    return BadFile("bad_copy", f"{name}.csv, line {number}, is not as it was exported.", number)


@contextmanager
def _of_line(name: str, number: int) -> Iterator[None]:
    """Raises BadFile where a line is not what this version would have written."""
    try:
        yield
    except (ValidationError, UnreadCell, ValueError, Problem):
        raise _bad(name, number) from None


def _require_known(reports: Sequence[Copied]) -> None:
    """Raises BadFile where two reports have one number, or one follows another that is not there."""
    numbers = {one.number for one in reports}
    if len(numbers) < len(reports):
        raise BadFile("bad_copy", "Two reports of this copy have one number: export it again.")
    for one in reports:
        if one.points_at is not None and (one.points_at not in numbers or one.points_at == one.number):
            raise BadFile("bad_copy", f"Report {one.number} of this copy points at none: export it again.")


def _said(row: Row) -> dict[str, Any]:
    return {name: plain(text) for name, text in row.items() if text}


def _facility(row: Row) -> dict[str, Any]:
    said = _said(row)
    lat, lon = said.pop("lat", None), said.pop("lon", None)
    said["names"] = said["names"].split(SEPARATOR)
    return {**said, "point": {"lat": float(lat), "lon": float(lon)} if lat and lon else None}


def _reports(folder: Path) -> Iterator[Copied]:
    reader = Reader([Column(place, name, (name,)) for place, name in enumerate(SAID)], Mapping())
    for number, row in _rows(folder, "reports"):
        with _of_line("reports", number):
            read_row = reader.read(number, [row[name] for name in SAID])
            if read_row.body is None:
                raise BadFile("bad_copy", f"reports.csv, line {number}: {read_row.faults[0].detail}", number)
            schema = ReleaseReportIn if "release" in read_row.body else DetentionReportIn
            body = schema.model_validate(read_row.body)
            points_at = int(row["points_at"]) if row["points_at"] else None
            copied = Copied(int(row["report"]), row["source"], row["detainee"], points_at, body)
        yield copied
