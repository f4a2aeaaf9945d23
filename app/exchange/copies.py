"""Read a public copy (`package`) back into an empty registry: sources, facilities, and the reports of each source.

Counts of the copy are those of the registry it was made of, but for whoever stood in no list there. All or nothing.
"""

import csv
import hashlib
import json
from collections.abc import Iterator
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
from app.exchange.table_schema import SAID
from app.exchange.tables import SEPARATOR
from app.registry import directory
from app.registry.copying import Copied, file_copies, require_empty
from app.registry.schemas import DetentionReportIn, FacilityIn, ReleaseReportIn, SourceIn
from app.registry.write import Desk

Row = dict[str, str]


def read(desk: Desk, folder: Path) -> int:
    """File the reports of a copy; how many. Raises BadFile, Conflict, Problem."""
    require_empty(desk)
    _require_whole(folder)
    for row in _rows(folder, "sources"):
        flags: dict[str, Any] = {name: row[name] == "true" for name in ("independent", "quarantined")}
        directory.add_source(desk, SourceIn.model_validate({**_said(row), **flags}))
    for row in _rows(folder, "facilities"):
        directory.add_facility(desk, FacilityIn.model_validate(_facility(row)))
    return file_copies(desk, sorted(_reports(folder), key=lambda one: one.number))


def _require_whole(folder: Path) -> None:
    """Raises BadFile where a file is not the one that the descriptor tells of."""
    try:
        described = json.loads((folder / DESCRIPTOR).read_text(encoding="utf-8"))
        wrong = [
            one["path"]
            for one in described["resources"]
            if f"sha256:{hashlib.sha256((folder / Path(one['path']).name).read_bytes()).hexdigest()}" != one["hash"]
        ]
    except (OSError, ValueError, KeyError, TypeError):
        raise BadFile("no_copy", "There is no whole copy in this folder: make one with recuento export --to.") from None
    if wrong:
        raise BadFile("changed_copy", f"This is not the {wrong[0]} that was exported: export the copy again.")


def _rows(folder: Path, name: str) -> Iterator[Row]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _said(row: Row) -> dict[str, Any]:
    return {name: plain(text) for name, text in row.items() if text}


def _facility(row: Row) -> dict[str, Any]:
    said = _said(row)
    lat, lon = said.pop("lat", None), said.pop("lon", None)
    said["names"] = said["names"].split(SEPARATOR)
    return {**said, "point": {"lat": float(lat), "lon": float(lon)} if lat and lon else None}


def _reports(folder: Path) -> Iterator[Copied]:
    reader = Reader([Column(place, name, (name,)) for place, name in enumerate(SAID)], Mapping())
    for number, row in enumerate(_rows(folder, "reports"), 2):
        try:
            read_row = reader.read(number, [row[name] for name in SAID])
            if read_row.body is None:
                raise BadFile("bad_copy", f"reports.csv, line {number}: {read_row.faults[0].detail}", number)
            schema = ReleaseReportIn if "release" in read_row.body else DetentionReportIn
            body = schema.model_validate(read_row.body)
            points_at = int(row["points_at"]) if row["points_at"] else None
            yield Copied(int(row["report"]), row["source"], row["detainee"], points_at, body)
        except (ValidationError, UnreadCell, ValueError, Problem):
            raise BadFile("bad_copy", f"reports.csv, line {number}, is not as it was exported.", number) from None
