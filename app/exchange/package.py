"""The whole public registry as a folder: `datapackage.json` and a CSV for each table (Data Package 2.0).

The same revision, consent and version of the software give the same bytes. People who may only be counted are in no
table, as they are in no list. `copies` reads the folder back.
"""

import csv
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NotRequired

from sqlalchemy import select
from sqlmodel import Session, col
from typing_extensions import TypedDict

from app.dates import format_instant
from app.db.engine import chunks
from app.exchange.exports import every
from app.exchange.table_schema import TABLES, TITLES, cell, schema
from app.log.entries import entry_at
from app.models import Detainee
from app.reading import lists, person_records, public_reports, shapes
from app.reading.formats import MEDIA
from app.reading.questions import MOST_LIMIT, ClaimQuery, FacilityQuery, Paged, ReleaseQuery
from app.reading.shapes import Person
from app.reading.visibility import at, visible
from app.registry.publication.permissions import Reader
from app.schemas.records import EndedOut

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
        for name, row in _rows(session, reader, revision):
            writers[name].writerow([cell(row.get(column), field) for column, field in TABLES[name].items()])
    described = _descriptor(session, folder, reader, revision)
    text = json.dumps(described, ensure_ascii=False, indent=1)
    (folder / DESCRIPTOR).write_text(text + "\n", encoding="utf-8")
    return described


def _rows(session: Session, reader: Reader, revision: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
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
        "schema": schema(name),
    }
