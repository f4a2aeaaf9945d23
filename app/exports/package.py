"""The whole public registry as a folder: `datapackage.json` and a CSV for each table (Data Package 2.0).

The same revision, consent and version of the software give the same bytes. People who may only be counted are in no
table, as they are in no list. `copies` reads the folder back.

Read a public copy (`package`) back into an empty registry: sources, facilities, and the reports of each source.

The counts are those of the copied registry, without the people whom no list there shows. A copy is filed whole or not
at all."""

import csv
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NotRequired

from sqlalchemy import select
from sqlmodel import Session, col
from typing_extensions import TypedDict

from app.dates import format_instant
from app.db.engine import chunks
from app.errors import Problem
from app.exports.exports import every
from app.exports.table_schema import BESIDE_BODY, REPORTED, TABLES, TITLES, cell
from app.exports.table_schema import schema as schema_of
from app.exports.table_schema import value as cell_value
from app.imports.faults import BadFile
from app.imports.formats.json_reader import clean
from app.imports.rows import unfold
from app.log.entries import entry_at
from app.models import Detainee
from app.queries import lists, person_records, public_reports, shapes
from app.queries.parameters import MEDIA, MOST_LIMIT, ClaimQuery, FacilityQuery, Paged, ReleaseQuery
from app.queries.shapes import Person
from app.queries.visibility import at, visible
from app.registry import directory
from app.registry.publication.permissions import Reader
from app.registry.reports import ReplicatedReport, replicate, require_empty
from app.registry.write import WriteContext
from app.schemas.records import EndedOut
from app.schemas.reports import (
    DetaineeIn,
    DetentionIn,
    DetentionReportIn,
    FacilityIn,
    ReleaseIn,
    ReleaseReportIn,
    SourceIn,
)

DESCRIPTOR = "datapackage.json"
PROFILE = "https://datapackage.org/profiles/2.0/datapackage.json"


class Resource(TypedDict):
    """A table of the folder (https://datapackage.org/standard/data-resource/)."""

    name: str
    title: str
    path: str
    type: str
    format: str
    mediatype: str
    encoding: str
    bytes: int
    hash: str
    schema: dict[str, Any]


# Not a class: `$schema` cannot be the name of a field there.
Head = TypedDict("Head", {"$schema": str, "name": str, "title": str, "version": str, "created": NotRequired[str]})


class Descriptor(Head):
    """The descriptor of the folder; `recuento` has the revision and the number of withheld releases."""

    recuento: dict[str, Any]
    resources: list[Resource]


def write(session: Session, folder: Path, reader: Reader, revision: int) -> Descriptor:
    """Write everything at a revision that the reader may see into an empty folder, and return the descriptor."""
    with ExitStack() as files:
        out = {
            name: files.enter_context((folder / f"{name}.csv").open("w", encoding="utf-8", newline=""))
            for name in TABLES
        }
        writers = {name: csv.writer(file) for name, file in out.items()}
        for name, columns in TABLES.items():
            writers[name].writerow(columns)
        for name, row in _rows_of_table(session, reader, revision):
            writers[name].writerow([cell(row.get(column), field) for column, field in TABLES[name].items()])
    described = _descriptor(session, folder, reader, revision)
    text = json.dumps(described, ensure_ascii=False, indent=1)
    (folder / DESCRIPTOR).write_text(text + "\n", encoding="utf-8")
    return described


def _rows_of_table(session: Session, reader: Reader, revision: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """`(table, row)`, in the order of each table."""
    yield from _named("sources", every(lambda query: lists.sources(session, query, revision), Paged(limit=MOST_LIMIT)))
    for row in every(lambda query: lists.facilities(session, query, revision), FacilityQuery(limit=MOST_LIMIT)):
        yield "facilities", {**row, **(row["point"] or {})}
    numbers = public_reports.numbered(session, reader, revision)
    detainees = session.scalars(
        select(col(Detainee.detainee))
        .where(at(Detainee, revision), visible(reader, col(Detainee.detainee), revision))
        .order_by(col(Detainee.detainee))
    ).all()
    for keys in chunks(detainees):
        people = person_records.people(session, keys, revision)
        for key in keys:
            yield from _of(people[key], reader)
        yield from _named("reports", map(_flat, public_reports.reports(session, people, numbers, reader, revision)))
    yield from _named(
        "claims", every(lambda query: lists.claims(session, query, reader, revision), ClaimQuery(limit=MOST_LIMIT))
    )


def _named(name: str, rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    return ((name, row) for row in rows)


def _of(person: Person, reader: Reader) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """`(table, row)` of one person, without the reports."""
    shown = shapes.detainee(person, reader)
    yield "detainees", shown
    for spell, detention in zip(person.detentions, shown["detentions"], strict=True):
        ended: EndedOut = detention["ended"] or {"on": None, "how": None}
        yield "detentions", {**detention, "ended_on": ended["on"], "ended_how": ended["how"]}
        if spell in person.releases:
            yield "releases", shapes.release(person, spell, reader)
        for about in ("detention", "release"):
            for verification in person_records.verifications(person, spell, about, reader):
                release = detention["release_id"] if about == "release" else None
                yield "verifications", {**verification, "detention_id": detention["id"], "release_id": release}


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    """A report with its objects as the importer's columns: `{"release": {"kind": …}}` → `{"release.kind": …}`."""
    flat: dict[str, Any] = {}
    for name, value in row.items():
        flat |= {f"{name}.{part}": item for part, item in value.items()} if isinstance(value, dict) else {name: value}
    return flat


def _descriptor(session: Session, folder: Path, reader: Reader, revision: int) -> Descriptor:
    withheld = lists.releases(session, ReleaseQuery(limit=1), reader, revision).beside()["withheld"]
    head: Head = {
        "$schema": PROFILE,
        "name": "recuento",
        "title": "A registry of political prisoners, as anybody may read it",
        "version": str(revision),
    }
    if revision:
        head["created"] = format_instant(entry_at(session, revision).recorded_at)
    return {
        **head,
        "recuento": {"revision": revision, "withheld": {"releases": withheld}},
        "resources": [_resource(folder / f"{name}.csv", name) for name in TABLES],
    }


def _resource(path: Path, name: str) -> Resource:
    data = path.read_bytes()
    return {
        "name": name,
        "title": TITLES[name],
        "path": path.name,
        "type": "table",
        "format": "csv",
        "mediatype": MEDIA["csv"],
        "encoding": "utf-8",
        "bytes": len(data),
        "hash": f"sha256:{hashlib.sha256(data).hexdigest()}",
        "schema": schema_of(name),
    }


Cells = dict[str, str]  # column → text
Values = dict[str, Any]  # column → value, as `table_schema.value` reads it


@dataclass(frozen=True, slots=True)
class FiledCopy:
    """The number of reports that were filed, and `sources`: slug → whether the source counts as independent."""

    reports: int
    sources: dict[str, bool]


def read(context: WriteContext, folder: Path) -> FiledCopy:
    """File the reports of a copy. Raises BadFile, Conflict, Problem."""
    require_empty(context)
    _require_whole(folder)
    sources: dict[str, bool] = {}
    for line, row in _rows(folder, "sources"):
        with _of_line("sources", line):
            values = _values("sources", row)
            source = SourceIn.model_validate(values)
            directory.add_source(context, source)
            sources[source.slug] = values["independent"] and not source.quarantined
    for line, row in _rows(folder, "facilities"):
        with _of_line("facilities", line):
            directory.add_facility(context, FacilityIn.model_validate(_facility(row)))
    reports = sorted(_reports(folder), key=lambda report: report.number)
    _require_known(reports)
    return FiledCopy(replicate(context, reports), sources)


def _require_whole(folder: Path) -> None:
    """Raises BadFile for a table that is missing, or does not match its hash in the descriptor."""
    files = [folder / DESCRIPTOR, *(folder / f"{name}.csv" for name in TABLES)]
    if not all(path.is_file() for path in files):  # reading a pipe would wait for its end
        raise BadFile("no_copy", NO_COPY)
    try:
        described = json.loads((folder / DESCRIPTOR).read_text(encoding="utf-8"))
        expected = {table["name"]: table["hash"] for table in described["resources"]}
        hashes = {name: f"sha256:{_hash(folder / f'{name}.csv')}" for name in TABLES}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise BadFile("no_copy", NO_COPY) from None
    wrong = next((name for name in TABLES if expected.get(name) != hashes[name]), None)
    if wrong is not None:
        raise BadFile("changed_copy", f"This is not the {wrong}.csv that was exported: export the copy again.")


NO_COPY = "There is no whole copy in this folder: make one with recuento export --to."


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _rows(folder: Path, name: str) -> Iterator[tuple[int, Cells]]:
    """`(line, row)` of each row of a table; `line` is where the row ends. Raises BadFile."""
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        try:
            if rows.fieldnames != list(TABLES[name]):
                # Columns of another version: a missing one would be lost in silence.
                detail = f"{name}.csv has other columns than this version writes: export it again."
                raise BadFile("other_columns", detail)
            for row in rows:
                if None in row or None in row.values():  # more cells than columns, or fewer
                    raise _bad(name, rows.line_num)
                yield rows.line_num, row
        except csv.Error:
            raise _bad(name, rows.reader.line_num) from None
        except UnicodeDecodeError:  # of a whole buffer: its line is not known
            raise BadFile("bad_copy", f"{name}.csv is not in UTF-8, as it was exported.") from None


def _bad(name: str, line: int) -> BadFile:
    return BadFile("bad_copy", f"{name}.csv, line {line}, is not as it was exported.", line)


@contextmanager
def _of_line(name: str, line: int) -> Iterator[None]:
    """Raises BadFile for a line that this version would not have written."""
    try:
        yield
    except (ValueError, KeyError, RecursionError, Problem):
        raise _bad(name, line) from None


def _require_known(reports: Sequence[ReplicatedReport]) -> None:
    """Raises BadFile where two reports have one number, or a report points at no other report of the copy."""
    numbers = {report.number for report in reports}
    if len(numbers) < len(reports):
        raise BadFile("bad_copy", "Two reports of this copy have one number: export it again.")
    for report in reports:
        if report.points_at is not None and (report.points_at not in numbers or report.points_at == report.number):
            raise BadFile("bad_copy", f"Report {report.number} of this copy points at none: export it again.")


def _values(name: str, row: Cells) -> Values:
    """The values of a row, read exactly and not as in a list that a person typed: here a man called Total is no sum,
    and "N/A" a value. Raises ValueError, KeyError, RecursionError, Problem."""
    values: Values = clean({column: cell_value(text, TABLES[name][column]) for column, text in row.items() if text})
    return values


def _facility(row: Cells) -> Values:
    values = _values("facilities", row)
    lat, lon = values.pop("lat", None), values.pop("lon", None)
    return {**values, "point": None if lat is None or lon is None else {"lat": lat, "lon": lon}}


def _reports(folder: Path) -> Iterator[ReplicatedReport]:
    for line, row in _rows(folder, "reports"):
        with _of_line("reports", line):
            values = _values("reports", row)
            body = unfold({name: values[name] for name in REPORTED if name in values})
            schema = ReleaseReportIn if "release" in body else DetentionReportIn
            beside = {name: values[name] for name in BESIDE_BODY if name in values}
            _check_kept(beside)
            report = ReplicatedReport(
                values["report"],
                values["source"],
                values["detainee"],
                values.get("points_at"),
                schema.model_validate(body),
                beside,
            )
        yield report


def _check_kept(kept: Values) -> None:
    """Raises ValueError for a kept value that would not be valid in a report."""
    fields = {name.removeprefix("kept."): value for name, value in kept.items()}
    for schema in (DetaineeIn, DetentionIn, ReleaseIn):
        schema.model_validate({name: fields[name] for name in schema.model_fields.keys() & fields.keys()})
