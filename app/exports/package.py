"""Write the whole public registry as a folder (Data Package 2.0), and read such a copy into an empty registry.

The folder has `datapackage.json` and a CSV for each table. The same revision, consent and software version give the
same bytes. Count-only people are in no table, as they are in no list.

Reading a copy files its sources, facilities, and the reports of each source. The counts are then those of the copied
registry, without the people in no list. A copy is filed whole or not at all.
"""

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
from app.db.engine import split_into_chunks
from app.errors import Problem
from app.exports.lists import ALL_RELEASES, read_all_rows
from app.exports.table_schema import (
    EXTRA_REPORT_FIELDS,
    PUBLIC_REPORT_FIELDS,
    TABLE_TITLES,
    TABLES,
    build_table_schema,
    format_cell,
    parse_cell,
)
from app.imports.faults import BadFile
from app.imports.reader.rows import unfold
from app.log.content import TAKEN_OVER, TAKEN_OVER_FIELDS
from app.log.entries import load_entry
from app.models import Detainee
from app.projection import RULES
from app.queries import claim_pages, list_pages, person_records, shapes
from app.queries.parameters import (
    MAX_LIMIT,
    TABLE_MEDIA_TYPES,
    ClaimQuery,
    FacilityQuery,
    ListQuery,
    ReleaseQuery,
    TableFormat,
)
from app.queries.selection.visibility import valid_at, visible_to
from app.queries.shapes import Person
from app.registry import directory
from app.registry.publication.permissions import Reader
from app.registry.reports import ReplicatedReport, replicate_reports, require_empty_registry
from app.registry.write import WriteContext
from app.schemas.records import EndedOut
from app.schemas.reports import DetentionReportIn, FacilityIn, ReleaseReportIn, SourceIn
from app.strict_json import clean_json

DESCRIPTOR_FILENAME = "datapackage.json"
PROFILE_URL = "https://datapackage.org/profiles/2.0/datapackage.json"


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
    """The descriptor of the folder; `recuento` has the revision, the rules and the number of withheld releases."""

    recuento: dict[str, Any]
    resources: list[Resource]


def write_package(session: Session, folder: Path, reader: Reader, revision: int) -> Descriptor:
    """Write all that the reader may see at a revision into an empty folder. Returns the descriptor."""
    with ExitStack() as stack:
        csv_files = {
            name: stack.enter_context((folder / f"{name}.csv").open("w", encoding="utf-8", newline=""))
            for name in TABLES
        }
        writers = {name: csv.writer(file) for name, file in csv_files.items()}
        for name, columns in TABLES.items():
            writers[name].writerow(columns)
        for name, row in _iter_table_rows(session, reader, revision):
            writers[name].writerow([format_cell(row.get(column), field) for column, field in TABLES[name].items()])
    descriptor = _build_descriptor(session, folder, reader, revision)
    text = json.dumps(descriptor, ensure_ascii=False, indent=1)
    (folder / DESCRIPTOR_FILENAME).write_text(text + "\n", encoding="utf-8")
    return descriptor


def _iter_table_rows(session: Session, reader: Reader, revision: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield `(table, row)`, in the order of each table."""
    yield from _label_rows(
        "sources",
        read_all_rows(lambda query: list_pages.query_sources(session, query, revision), ListQuery(limit=MAX_LIMIT)),
    )
    for row in read_all_rows(
        lambda query: list_pages.query_facilities(session, query, revision), FacilityQuery(limit=MAX_LIMIT)
    ):
        yield "facilities", {**row, **(row["point"] or {})}
    numbers = list_pages.number_records(session, reader, revision)
    detainees = session.scalars(
        select(col(Detainee.detainee))
        .where(valid_at(Detainee, revision), visible_to(reader, col(Detainee.detainee), revision))
        .order_by(col(Detainee.detainee))
    ).all()
    for keys in split_into_chunks(detainees):
        people = person_records.load_people(session, keys, revision)
        for key in keys:
            yield from _iter_person_rows(people[key], reader)
        yield from _label_rows(
            "reports",
            map(_flatten_report, list_pages.build_public_reports(session, people, numbers, reader, revision)),
        )
    yield from _label_rows(
        "claims",
        read_all_rows(
            lambda query: claim_pages.query_claims(session, query, reader, revision), ClaimQuery(limit=MAX_LIMIT)
        ),
    )


def _label_rows(name: str, rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    return ((name, row) for row in rows)


def _iter_person_rows(person: Person, reader: Reader) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield `(table, row)` of one person, without the reports."""
    detainee = shapes.build_detainee_shape(person, reader)
    yield "detainees", detainee
    for spell, detention in zip(person.detentions, detainee["detentions"], strict=True):
        end: EndedOut = detention["ended"] or {"on": None, "how": None}
        yield "detentions", {**detention, "ended_on": end["on"], "ended_how": end["how"]}
        if spell in person.releases:
            yield "releases", shapes.build_release_shape(person, spell, reader)
        for subject in ("detention", "release"):
            for verification in person_records.build_verification_shapes(person, spell, subject, reader):
                release = detention["release_id"] if subject == "release" else None
                yield "verifications", {**verification, "detention_id": detention["id"], "release_id": release}


def _flatten_report(row: Mapping[str, Any]) -> dict[str, Any]:
    """Flatten the objects of a report to the importer's columns: `{"release": {"kind": …}}` → `{"release.kind": …}`."""
    flat: dict[str, Any] = {}
    for name, value in row.items():
        flat |= {f"{name}.{part}": item for part, item in value.items()} if isinstance(value, dict) else {name: value}
    return flat


def _build_descriptor(session: Session, folder: Path, reader: Reader, revision: int) -> Descriptor:
    releases = list_pages.query_releases(session, ReleaseQuery(limit=1, **ALL_RELEASES), reader, revision)
    withheld_count = releases.build_caveats()["withheld"]
    head: Head = {
        "$schema": PROFILE_URL,
        "name": "recuento",
        "title": "A registry of political prisoners, as anybody may read it",
        "version": str(revision),
    }
    if revision:
        head["created"] = format_instant(load_entry(session, revision).recorded_at)
    return {
        **head,
        "recuento": {"revision": revision, "rules": RULES, "withheld": {"releases": withheld_count}},
        "resources": [_build_resource(folder / f"{name}.csv", name) for name in TABLES],
    }


def _build_resource(path: Path, name: str) -> Resource:
    data = path.read_bytes()
    return {
        "name": name,
        "title": TABLE_TITLES[name],
        "path": path.name,
        "type": "table",
        "format": "csv",
        "mediatype": TABLE_MEDIA_TYPES[TableFormat.CSV],
        "encoding": "utf-8",
        "bytes": len(data),
        "hash": f"sha256:{hashlib.sha256(data).hexdigest()}",
        "schema": build_table_schema(name),
    }


CsvRow = dict[str, str]  # column → text
ParsedRow = dict[str, Any]  # column → value, by `table_schema.parse_cell`


@dataclass(frozen=True, slots=True)
class FiledCopy:
    """The number of filed reports, and `sources`: slug → whether the source counts as independent."""

    reports: int
    sources: dict[str, bool]


def file_public_copy(context: WriteContext, folder: Path) -> FiledCopy:
    """File the reports of a copy. Raises BadFile, Conflict, Problem."""
    require_empty_registry(context)
    _verify_hashes(folder)
    sources: dict[str, bool] = {}
    for line, row in _read_csv_rows(folder, "sources"):
        with _translate_line_errors("sources", line):
            values = _parse_row("sources", row)
            source = SourceIn.model_validate(values)
            directory.add_source(context, source)
            sources[source.slug] = values["independent"] and not source.quarantined
    for line, row in _read_csv_rows(folder, "facilities"):
        with _translate_line_errors("facilities", line):
            directory.add_facility(context, FacilityIn.model_validate(_parse_facility(row)))
    reports = sorted(_read_reports(folder), key=lambda report: report.number)
    _check_report_numbers(reports)
    return FiledCopy(replicate_reports(context, reports), sources)


def _verify_hashes(folder: Path) -> None:
    """Raise BadFile if a table is missing, or does not match its hash in the descriptor."""
    files = [folder / DESCRIPTOR_FILENAME, *(folder / f"{name}.csv" for name in TABLES)]
    if not all(path.is_file() for path in files):  # reading a pipe would wait for its end
        raise BadFile("no_copy", NO_COPY_MESSAGE)
    try:
        descriptor = json.loads((folder / DESCRIPTOR_FILENAME).read_text(encoding="utf-8"))
        expected_hashes = {table["name"]: table["hash"] for table in descriptor["resources"]}
        hashes = {name: f"sha256:{_hash_file(folder / f'{name}.csv')}" for name in TABLES}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        raise BadFile("no_copy", NO_COPY_MESSAGE) from None
    changed_table = next((name for name in TABLES if expected_hashes.get(name) != hashes[name]), None)
    if changed_table is not None:
        raise BadFile("changed_copy", f"This is not the {changed_table}.csv that was exported: export the copy again.")


NO_COPY_MESSAGE = "There is no whole copy in this folder: make one with recuento export --to."


def _hash_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_csv_rows(folder: Path, name: str) -> Iterator[tuple[int, CsvRow]]:
    """Yield `(line, row)` of each row of a table; `line` is where the row ends. Raises BadFile."""
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        try:
            if rows.fieldnames != list(TABLES[name]):
                # Columns of another version: a missing column would be lost silently.
                detail = f"{name}.csv has other columns than this version writes: export it again."
                raise BadFile("other_columns", detail)
            for row in rows:
                if None in row or None in row.values():  # more cells than columns, or fewer
                    raise _build_changed_row_error(name, rows.line_num)
                yield rows.line_num, row
        except csv.Error:
            raise _build_changed_row_error(name, rows.reader.line_num) from None
        except UnicodeDecodeError:  # the decoder reads a whole buffer: the line is not known
            raise BadFile("bad_copy", f"{name}.csv is not in UTF-8, as it was exported.") from None


def _build_changed_row_error(name: str, line: int) -> BadFile:
    return BadFile("bad_copy", f"{name}.csv, line {line}, is not as it was exported.", line)


@contextmanager
def _translate_line_errors(name: str, line: int) -> Iterator[None]:
    """Raise BadFile for a line that this version would not have written."""
    try:
        yield
    except (ValueError, KeyError, RecursionError, Problem):
        raise _build_changed_row_error(name, line) from None


def _check_report_numbers(reports: Sequence[ReplicatedReport]) -> None:
    """Raise BadFile if two reports have one number, or a report points at no other report of the copy."""
    numbers = {report.number for report in reports}
    if len(numbers) < len(reports):
        raise BadFile("bad_copy", "Two reports of this copy have one number: export it again.")
    for report in reports:
        if report.target_number is not None and (
            report.target_number not in numbers or report.target_number == report.number
        ):
            raise BadFile("bad_copy", f"Report {report.number} of this copy points at none: export it again.")


def _parse_row(name: str, row: CsvRow) -> ParsedRow:
    """Parse a row exactly, unlike a list that a person typed: a man called Total is no sum, and "N/A" is a value.

    Raises ValueError, KeyError, RecursionError, Problem.
    """
    values: ParsedRow = clean_json(
        {column: parse_cell(text, TABLES[name][column]) for column, text in row.items() if text}
    )
    return values


def _parse_facility(row: CsvRow) -> ParsedRow:
    values = _parse_row("facilities", row)
    lat, lon = values.pop("lat", None), values.pop("lon", None)
    return {**values, "point": None if lat is None or lon is None else {"lat": lat, "lon": lon}}


def _read_reports(folder: Path) -> Iterator[ReplicatedReport]:
    for line, row in _read_csv_rows(folder, "reports"):
        with _translate_line_errors("reports", line):
            values = _parse_row("reports", row)
            body = unfold({name: values[name] for name in PUBLIC_REPORT_FIELDS if name in values})
            schema = ReleaseReportIn if "release" in body else DetentionReportIn
            extra_values = {name: values[name] for name in EXTRA_REPORT_FIELDS if name in values}
            if (fields := extra_values.get(TAKEN_OVER)) is not None:
                if not TAKEN_OVER_FIELDS.issuperset(fields):
                    raise ValueError(fields)
                # A revision of the other registry means nothing here.
                extra_values[TAKEN_OVER] = {"fields": fields, "revision": None}
            report = ReplicatedReport(
                values["report"],
                values["source"],
                values["detainee"],
                values.get("points_at"),
                values.get("list"),
                schema.model_validate(body),
                extra_values,
            )
        yield report
