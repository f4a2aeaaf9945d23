"""Read people whole, as they stood at a revision, in a fixed number of queries.

The report that a write filed, with its person, for the answer: as the write left them, which it knows without
reading; and as they are stored, where a repeated request is answered again."""

import json
import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Literal

from sqlalchemy import bindparam, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.dates import format_instant
from app.db.engine import Key
from app.errors import Moved, NotFound
from app.log.entries import recorded
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
    TableRow,
    Verification,
)
from app.projection import project
from app.projection.person import BY_SOURCE
from app.projection.rows import Rows
from app.queries import shapes
from app.queries.shapes import Ids, Person
from app.queries.visibility import at, visible
from app.registry import records
from app.registry.directory_snapshot import Views
from app.registry.identity.clusters import StoredRecord
from app.registry.publication.classes import GivenConsent, person_class, strictest
from app.registry.publication.permissions import Reader
from app.registry.records import Kind
from app.registry.reprojection import ProjectedPerson, statement_of
from app.registry.write import Outcome, WriteContext
from app.schemas.records import VerificationOut, Version
from app.vocabulary import Publish

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
_SHOWN_IN_A_VERSION: tuple[Literal["detainee", "releases"], ...] = ("detainee", "releases")
_COLUMNS = {table: tuple(table.__table__.c.keys()) for table in _TABLES}
_ROWS[Detention] = _ROWS[Detention].order_by(col(Detention.ordinal))
# What is read of the people of a list: what the shape of each thing shows (`shapes.py`), and no verification.
_SHOWN: dict[Kind, tuple[type[Any], ...]] = {
    "release": (Detainee, SpellPersonal, Release),
    "detention": (Detainee, Detention, SpellPersonal, Release, DetentionState, SourceDetention),
    "detainee": (Detainee, DetaineePersonal, Detention, SpellPersonal, Release, DetentionState, SourceDetention),
}
_RECORDS: Any = (
    select(
        col(Placement.detainee).label("of"),
        col(Record.key),
        col(Record.publish_now),
        col(Record.detainee_id),
        col(Record.detention_id),
        col(Record.release_id),
    )
    .join(Record, col(Record.key) == col(Placement.record))
    .where(col(Placement.detainee).in_(_SOME), col(Placement.since) <= _REVISION, col(Placement.until) > _REVISION)
)
_PLACED = (
    select(col(Placement.record), col(Placement.since), col(Placement.spell), col(Placement.detainee))
    .where(col(Placement.record).in_(_SOME), col(Placement.since) <= _REVISION)
    .order_by(col(Placement.record), col(Placement.since))
)
# Aliases, since a condition on the person reads the same tables.
_RECORD: Any = aliased(Record)
_PLACE: Any = aliased(Placement)
_CONSENTS = select(col(Consent.key), col(Consent.record), col(Consent.publish)).where(
    col(Consent.record) == bindparam("of")
)
_SLUGS = select(col(Source.key), col(Source.slug))


def people(session: Session, detainees: Collection[int], revision: int, kind: Kind | None = None) -> dict[int, Person]:
    """Detainee key → everything known of that person at the revision, with today's class. `kind`: of what is shown of
    them in a list, and then no more than that."""
    if not detainees:
        return {}
    run, given = session.connection().execute, {"some": list(detainees), "revision": revision}
    found = run(_RECORDS, given).all()
    records_of: dict[int, list[Any]] = {}
    for record in found:
        records_of.setdefault(record.of, []).append(record)
    slugs = dict(run(_SLUGS).all())
    moved = _moved(session, [record.key for record in found], revision)
    rows_of: dict[int, Rows] = {}
    for table in _TABLES if kind is None else _SHOWN[kind]:
        rows = run(_ROWS[table], given)
        for row in rows.all():  # by hand: mappings, read one by one, take longer than the query
            named = dict(zip(_COLUMNS[table], row, strict=True))
            rows_of.setdefault(named["detainee"], {}).setdefault(table, []).append(named)
    return {
        key: _person(rows, strictest(record.publish_now for record in records_of[key]), records_of[key], slugs, moved)
        for key, rows in rows_of.items()
    }


def of_projected(session: Session, projected: ProjectedPerson, revision: int) -> Person:
    """A person as the entry of that revision, the newest, has just left it."""
    slugs = {key: view.slug for key, view in Views.of(session).sources.items()}
    moved = _moved(session, [record.key for record in projected.records], revision)
    return _person(_ordered(projected.rows), projected.publish, projected.records, slugs, moved)


def of_projected_alone(session: Session, projected: ProjectedPerson) -> Person:
    """A person of one report as its entry has just left it, under the class that the report gives."""
    (record,), (detainee,) = projected.records, projected.rows[Detainee]
    slugs = {record.source: Views.of(session).sources[record.source].slug}
    return _person(_ordered(projected.rows), detainee["publish"], [record], slugs, {})


def _ordered(rows: Rows) -> Rows:
    """The rows of a person with detentions in their order."""
    return rows | {Detention: sorted(rows[Detention], key=itemgetter("ordinal"))}


def _person(
    rows: Rows,
    publish: str,
    of_person: Iterable[Record | StoredRecord],
    slugs: dict[int, str],
    moved: dict[int, list[int]],
) -> Person:
    """A person by its rows, its class and its records."""
    (detainee,) = rows[Detainee]
    personal = rows.get(DetaineePersonal)
    person = Person(
        publish=publish,
        detainee=_with(detainee, facts=json.loads(detainee["facts"])),
        personal=json.loads(personal[0]["facts"]) if personal else {},
        detentions={row["spell"]: _with(row, facts=json.loads(row["facts"])) for row in rows.get(Detention, ())},
        releases={row["spell"]: _with(row, **json.loads(row["facts"])) for row in rows.get(Release, ())},
        verifications=[_with(row, said=json.loads(row["said"])) for row in rows.get(Verification, ())],
        held={row["spell"]: row["status"] for row in rows.get(DetentionState, ())},
        held_by_source=[_with(row) for row in rows.get(SourceDetention, ())],
        ids={record.key: Ids(record.detainee_id, record.detention_id, record.release_id) for record in of_person},
        slugs=slugs,
        moved=moved,
    )
    for row in rows.get(SpellPersonal, ()):
        facts = json.loads(row["facts"])
        person.by_source[row["spell"]] = {name: facts.pop(name) for name in BY_SOURCE if name in facts}
        person.spells[row["spell"]] = facts
    return person


def _with(row: TableRow, **read: Any) -> Any:
    """A row with its JSON read; `Person` says which columns it has."""
    return {**row, **read}


def _moved(session: Session, keys: Sequence[int], revision: int) -> dict[int, list[int]]:
    """Record → the revisions at which a correction or a decision put it somewhere else."""
    rows = session.connection().execute(_PLACED, {"some": list(keys), "revision": revision})
    moved: dict[int, list[int]] = {}
    before: dict[int, tuple[int, int]] = {}
    for record, since, spell, detainee in rows:
        if before.get(record, (spell, detainee)) != (spell, detainee):
            moved.setdefault(record, []).append(since)
        before[record] = (spell, detainee)
    return moved


def find(session: Session, kind: Kind, thing_id: uuid.UUID, reader: Reader, revision: int) -> tuple[Person, int]:
    """The person and the key behind an id at a revision.

    Raises NotFound for what this reader may not know of, and Moved (308) where another id stands for it at the head.
    Whom the reader may not see the first statement does not find, like an id of nobody.
    """
    placed = session.execute(
        select(_RECORD.key, _PLACE.detainee, _PLACE.spell)
        .join(_PLACE, _PLACE.record == _RECORD.key)
        .where(
            getattr(_RECORD, f"{kind}_id") == thing_id,
            at(_PLACE, revision),
            visible(reader, _PLACE.detainee, revision),
        )
    ).one_or_none()
    if placed is None:
        raise NotFound(f"There is no {kind} with this id.")
    record, detainee, spell = placed
    person = people(session, [detainee], revision)[detainee]
    key = detainee if kind == "detainee" else spell
    if kind == "release" and key not in person.releases:
        raise NotFound(f"There is no {kind} with this id.")
    if key != record:
        if not _ever_stood(session, kind, record):
            raise NotFound(f"There is no {kind} with this id.")
        raise Moved(thing_id, getattr(person.ids[key], kind))
    return person, key


def only_person(session: Session, record: Record | StoredRecord, version: records.Version) -> Person:
    """The person as one report alone tells it, in one of its versions."""
    statement = statement_of(record, version.entry, Views.of(session), pointer=None, erased=record.redacted)
    publish = person_class([statement], _consents(session, record))
    # As filed: to its own source, whatever the person's class by now.
    rows = project([statement.as_filed()], publish)
    return _person(rows, publish, [record], {record.source: statement.source.slug}, {})


def _consents(session: Session, record: Record | StoredRecord) -> list[GivenConsent]:
    if isinstance(record, StoredRecord) and not record.consented:
        return []
    rows = session.connection().execute(_CONSENTS, {"of": record.key})
    return [(consent, of, publish) for consent, of, publish in rows]


def _ever_stood(session: Session, kind: Kind, key: int) -> bool:
    """Whether an id was ever shown as standing: one that never was must not tell where its report went."""
    column: Any = Placement.detainee if kind == "detainee" else Placement.spell
    return session.scalars(select(col(Placement.record)).where(column == key)).first() is not None


def verifications(person: Person, spell: int, about: str, reader: Reader) -> list[VerificationOut]:
    """The verdicts on a release or on a detention, by source."""
    rows = [row for row in person.verifications if row["spell"] == spell and row["object"] == about]
    return sorted((shapes.verification(person, row, reader) for row in rows), key=lambda verdict: verdict["source"])


def history(session: Session, detainee_id: uuid.UUID, reader: Reader, revision: int) -> list[Version]:
    """Every revision at which anything shown of a detainee changed, with what was shown from then on."""
    _person, key = find(session, "detainee", detainee_id, reader, revision)
    since: set[int] = set()
    for table in _TABLES:
        columns = table.__table__.c
        since |= set(session.scalars(select(columns.since).where(columns.detainee == key, columns.since <= revision)))
    versions: list[Version] = []
    entries = recorded(session, sorted(since))
    for version in sorted(since):
        person = people(session, [key], version).get(key)
        if person is None or not reader.sees_person(person.publish):
            continue
        entry, recorded_at = entries[version]
        shown: Version = {
            "revision": version,
            "recorded_at": format_instant(recorded_at),
            "entry": entry,
            "detainee": shapes.detainee(person, reader),
            "releases": [shapes.release(person, spell, reader) for spell in sorted(person.releases)],
        }
        # A change of what this reader may not see is not a change to this reader.
        if not versions or any(versions[-1][part] != shown[part] for part in _SHOWN_IN_A_VERSION):
            versions.append(shown)
    return versions


@dataclass(frozen=True, slots=True)
class FiledReport:
    """A report, and the person and the spell at whom its record was placed. `number`: of that person's records;
    `publish`: today's class; `projected`: the person, where the write has just projected it."""

    record: Record | StoredRecord
    version: records.Version
    detainee: int
    spell: int
    number: int
    publish: str
    projected: ProjectedPerson | None = None

    def alone(self, session: Session) -> Person:
        """The person as this report alone tells it: as the write projected it, if it did so from this report alone, and
        the rows hide nothing of it from its own source."""
        if self.projected is not None and self.number == 1 and not self.projected.records[0].consented:
            person = of_projected_alone(session, self.projected)
            if person.publish != Publish.COUNTED:
                return person
        return only_person(session, self.record, self.version)

    def together(self, session: Session, revision: int) -> Person:
        """The person as all reports tell it."""
        if self.projected is not None:
            return of_projected(session, self.projected, revision)
        return people(session, [self.detainee], revision)[self.detainee]


def filed_report(context: WriteContext, outcome: Outcome) -> FiledReport:
    """The report of an outcome."""
    report, entry = uuid.UUID(outcome.ids["report"]), context.last
    if entry is None or entry.revision != outcome.revision:
        return _stored(context.session, report, outcome.revision)
    people = context.projected.values()
    record, person = next((record, person) for person in people for record in person.records if record.id == report)
    (spell,) = (row["spell"] for row in person.rows[Placement] if row["record"] == record.key)
    version = records.Version(outcome.ids["version"], entry)
    return FiledReport(record, version, person.detainee, spell, len(person.records), person.publish, person)


def _stored(session: Session, report: uuid.UUID, revision: int) -> FiledReport:
    record, place = records.placed(session, report, revision)
    version = records.current(session, record, revision)
    assert version is not None
    classes = records.classes(session, place.detainee, revision)
    return FiledReport(record, version, place.detainee, place.spell, len(classes), strictest(classes))
