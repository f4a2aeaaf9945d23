"""Read people whole, as they stood at a revision, in a fixed number of queries."""

import json
import uuid
from collections.abc import Collection, Sequence
from typing import Any, cast

from sqlalchemy import bindparam, select
from sqlmodel import Session, col

from app.database import Key
from app.errors import Moved, NotFound
from app.models import (
    Consent,
    Detainee,
    DetaineePersonal,
    Detention,
    DetentionState,
    Placement,
    Record,
    Release,
    Source,
    SourceDetention,
    SpellPersonal,
    Verification,
)
from app.reading import shapes
from app.reading.shapes import Ids, Person
from app.registry import records
from app.registry.policy import Reader
from app.registry.projection import project
from app.registry.publication_class import person_class, strictest
from app.registry.records import Kind
from app.registry.reprojection import statement_of
from app.registry.views import Views

Row = dict[str, Any]


# Statements are made once: building one costs more than running it.
_SOME: Any = bindparam("some", expanding=True)
_REVISION: Any = bindparam("revision", type_=Key)
_TABLES: tuple[type[Any], ...] = (
    Detainee, DetaineePersonal, Detention, SpellPersonal, Release, Verification, DetentionState, SourceDetention,
)  # fmt: skip
_ROWS = {
    table: select(*table.__table__.c).where(
        table.__table__.c.detainee.in_(_SOME), table.__table__.c.since <= _REVISION, table.__table__.c.until > _REVISION
    )
    for table in _TABLES
}
_RECORDS_HELD = (
    select(col(Placement.detainee), Record)
    .join(Record, col(Record.key) == col(Placement.record))
    .where(col(Placement.detainee).in_(_SOME), col(Placement.since) <= _REVISION, col(Placement.until) > _REVISION)
)
_PLACED = (
    select(col(Placement.record), col(Placement.since), col(Placement.spell), col(Placement.detainee))
    .where(col(Placement.record).in_(_SOME), col(Placement.since) <= _REVISION)
    .order_by(col(Placement.record), col(Placement.since))
)
_SLUGS = select(col(Source.key), col(Source.slug))


def _rows(session: Session, table: type[Any], detainees: Collection[int], revision: int) -> list[Row]:
    found = session.connection().execute(_ROWS[table], {"some": list(detainees), "revision": revision})
    return [dict(row) for row in found.mappings()]


def people(session: Session, detainees: Collection[int], revision: int) -> dict[int, Person]:
    """Detainee key → everything known of that person at the revision, with today's class."""
    if not detainees:
        return {}
    held = session.execute(_RECORDS_HELD, {"some": list(detainees), "revision": revision}).all()
    records_of: dict[int, list[Record]] = {}
    for key, record in held:
        records_of.setdefault(key, []).append(record)
    slugs = dict(session.execute(_SLUGS).all())
    moved = _moved(session, [record.key for _key, record in held], revision)
    found = {}
    for row in _rows(session, Detainee, detainees, revision):
        mine = records_of[row["detainee"]]
        found[row["detainee"]] = Person(
            publish=strictest(record.publish_now for record in mine),
            detainee=row,
            ids={r.key: Ids(r.detainee_id, r.detention_id, r.release_id) for r in mine},
            moved=moved,
            slugs=slugs,
        )
    for row in _rows(session, DetaineePersonal, detainees, revision):
        found[row["detainee"]].personal = row
    for row in _rows(session, Detention, detainees, revision):
        found[row["detainee"]].detentions.append(row)
    for row in _rows(session, SpellPersonal, detainees, revision):
        found[row["detainee"]].spells[row["spell"]] = json.loads(row["facts"])
    for row in _rows(session, Release, detainees, revision):
        found[row["detainee"]].releases[row["spell"]] = row
    for row in _rows(session, Verification, detainees, revision):
        found[row["detainee"]].verifications.append(row)
    for row in _rows(session, DetentionState, detainees, revision):
        found[row["detainee"]].held[row["spell"]] = row
    for row in _rows(session, SourceDetention, detainees, revision):
        found[row["detainee"]].held_voices.append(row)
    return found


def _moved(session: Session, keys: Sequence[int], revision: int) -> dict[int, list[int]]:
    """Record → the revisions at which a correction or a decision put it somewhere else."""
    rows = session.connection().execute(_PLACED, {"some": list(keys), "revision": revision})
    found: dict[int, list[int]] = {}
    before: dict[int, tuple[int, int]] = {}
    for record, since, spell, detainee in rows:
        if before.get(record, (spell, detainee)) != (spell, detainee):
            found.setdefault(record, []).append(since)
        before[record] = (spell, detainee)
    return found


def one(session: Session, kind: Kind, thing_id: uuid.UUID, reader: Reader, revision: int) -> tuple[Person, int]:
    """The person and the key behind an id at a revision.

    Raises NotFound for what this reader may not know of, and Moved (308) where another id stands for it at the head.
    """
    record = records.derived_from(session, kind, thing_id)
    place = None if record is None else records.placement(session, record.key, revision)
    if record is None or place is None:
        raise NotFound(f"There is no {kind} with this id.")
    person = people(session, [place.detainee], revision)[place.detainee]
    key = place.detainee if kind == "detainee" else place.spell
    known = kind != "release" or key in person.releases
    if not reader.sees_person(person.publish) or not known:
        raise NotFound(f"There is no {kind} with this id.")
    if key != record.key:
        if not _ever_stood(session, kind, record.key):
            raise NotFound(f"There is no {kind} with this id.")
        raise Moved(thing_id, getattr(person.ids[key], kind))
    return person, key


def alone(session: Session, record: Record, revision: int) -> Person:
    """The person as one report alone tells it."""
    version = records.current(session, record, revision)
    assert version is not None
    account = statement_of(record, version.entry, Views(session), pointer=None, erased=record.redacted)
    given = session.scalars(select(Consent).where(col(Consent.record) == record.key))
    publish = person_class([account], [(one.key, one.record, one.publish) for one in given])
    rows = project([account], publish)
    return Person(
        publish=publish,
        detainee=rows[Detainee][0],
        personal=next(iter(rows.get(DetaineePersonal, [])), None),
        detentions=rows[Detention],
        spells={row["spell"]: json.loads(row["facts"]) for row in rows.get(SpellPersonal, [])},
        releases={row["spell"]: row for row in rows[Release]},
        verifications=rows[Verification],
        held={row["spell"]: row for row in rows[DetentionState]},
        held_voices=rows[SourceDetention],
        ids={record.key: Ids(record.detainee_id, record.detention_id, record.release_id)},
        slugs={record.source: account.source.slug},
    )


def _ever_stood(session: Session, kind: Kind, key: int) -> bool:
    """Whether an id was ever shown as standing: one that never was must not tell where its report went."""
    column: Any = Placement.detainee if kind == "detainee" else Placement.spell
    return session.scalars(select(col(Placement.record)).where(column == key)).first() is not None


def shape(kind: Kind, person: Person, key: int, reader: Reader) -> Row:
    """The wire shape of one thing of a person."""
    if kind == "detainee":
        return shapes.detainee(person, reader)
    if kind == "release":
        return shapes.release(person, person.releases[key], reader)
    row = next(row for row in person.detentions if row["spell"] == key)
    return shapes.detention(person, row, reader)


def verifications(person: Person, spell: int, about: str, reader: Reader) -> list[Row]:
    """The verdicts on a release or on a detention, by source."""
    rows = [row for row in person.verifications if row["spell"] == spell and row["object"] == about]
    found = [shapes.verification(person, row, reader) for row in rows]
    return sorted(found, key=lambda row: cast(str, row["source"]))


def history(session: Session, detainee_id: uuid.UUID, reader: Reader, revision: int) -> list[Row]:
    """Every revision at which anything shown of a detainee changed, with what was shown from then on."""
    _person, key = one(session, "detainee", detainee_id, reader, revision)
    since: set[int] = set()
    for table in _TABLES:
        columns = table.__table__.c
        since |= set(session.scalars(select(columns.since).where(columns.detainee == key, columns.since <= revision)))
    versions: list[Row] = []
    for version in sorted(since):
        person = people(session, [key], version).get(key)
        if person is None or not reader.sees_person(person.publish):
            continue
        spells = sorted(person.releases)
        releases = [shapes.release(person, person.releases[spell], reader) for spell in spells]
        shown = {"detainee": shapes.detainee(person, reader), "releases": releases}
        # A change of what this reader may not see is not a change to this reader.
        if not versions or {**versions[-1], **shown} != versions[-1]:
            versions.append({"revision": version, **shown})
    return versions
