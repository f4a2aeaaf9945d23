"""Build the rows of lists of people, detentions and releases: the shape, when it was recorded, and the person."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlmodel import Session

from app.dates import format_instant
from app.log.entries import load_kinds_and_dates
from app.queries import person_records
from app.queries.rows.revisions import Item, find_row_revisions, find_verdict_revisions
from app.queries.shapes import SHAPE_BUILDERS, Person
from app.registry.publication.permissions import Reader
from app.registry.records import TargetKind

Row = dict[str, Any]


def load_rows(
    session: Session, items: Sequence[Item], kind: TargetKind, reader: Reader, revision: int, *, include_detainee: bool
) -> list[Row]:
    """Load the people of some items and return the rows, in the order of the items."""
    # The tables of a list of detainees include those of the other lists.
    tables: TargetKind = "detainee" if include_detainee else kind
    people = person_records.load_people(session, {person for _key, person in items}, revision, tables)
    return build_rows(session, people, items, kind, reader, revision, include_detainee=include_detainee)


def build_rows(
    session: Session,
    people: Mapping[int, Person],
    items: Sequence[Item],
    kind: TargetKind,
    reader: Reader,
    revision: int,
    *,
    include_detainee: bool = False,
) -> list[Row]:
    """Return the rows of some items as the reader may see them, each with the revision that last changed it.

    `include_detainee`: embed the row of the person."""
    shapes = [SHAPE_BUILDERS[kind](people[person], key, reader) for key, person in items]
    rows = add_revisions(session, shapes, find_row_revisions(session, people, items, kind, reader, revision))
    if include_detainee:
        detainees = list(dict.fromkeys((person, person) for _key, person in items))
        detainee_rows = build_rows(session, people, detainees, "detainee", reader, revision)
        row_by_person = dict(zip((key for key, _person in detainees), detainee_rows, strict=True))
        for row, (_key, person) in zip(rows, items, strict=True):
            row["detainee"] = row_by_person[person]
    return rows


def build_verification_rows(
    session: Session, person: Person, spell: int, object_kind: str, reader: Reader, revision: int
) -> list[Row]:
    """Return the rows of the verdicts on a release or detention, by source."""
    shapes = person_records.build_verification_shapes(person, spell, object_kind, reader)
    verdicts = person.list_verdicts(spell, object_kind)
    return add_revisions(session, shapes, find_verdict_revisions(session, person, verdicts, reader, revision))


def add_revisions(session: Session, shapes: Sequence[Mapping[str, Any]], revisions: Sequence[int]) -> list[Row]:
    """Return rows with `revision` and `recorded_at`: the newest entry that changed each."""
    entries = load_kinds_and_dates(session, sorted(set(revisions)))
    return [
        {**shape, "revision": revision, "recorded_at": format_instant(entries[revision][1])}
        for shape, revision in zip(shapes, revisions, strict=True)
    ]
