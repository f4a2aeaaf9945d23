"""Load complete people as of a revision in a fixed number of queries, and the person of a report just filed.

For a new report the write context already has the person; for a repeated request the stored one is read."""

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
from app.log.entries import load_kinds_and_dates
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
from app.projection.person import SOURCE_FIELDS
from app.projection.rows import Rows
from app.queries import shapes
from app.queries.selection.visibility import valid_at, visible_to
from app.queries.shapes import Ids, Person
from app.registry import records
from app.registry.directory_snapshot import DirectorySnapshot
from app.registry.identity.clusters import StoredRecord
from app.registry.publication.classes import RecordedConsent, compute_person_class, find_strictest_class
from app.registry.publication.permissions import Reader
from app.registry.records import TargetKind
from app.registry.reprojection import ProjectedPerson, build_version_statement
from app.registry.write import Outcome, WriteContext
from app.schemas.records import VerificationShape, Version
from app.translations import Message
from app.vocabulary import Publish

# Statements are built once: building one costs more than running it.
_KEYS_PARAM: Any = bindparam("keys", expanding=True)
_REVISION_PARAM: Any = bindparam("revision", type_=Key)
_PERSON_TABLES: tuple[type[Any], ...] = (
    Detainee, DetaineePersonal, Detention, SpellPersonal, Release, Verification, DetentionState, SourceDetention,
)  # fmt: skip
_ROW_STATEMENTS = {
    table: select(*table.__table__.c).where(
        table.__table__.c.detainee.in_(_KEYS_PARAM),
        table.__table__.c.since <= _REVISION_PARAM,
        table.__table__.c.until > _REVISION_PARAM,
    )
    for table in _PERSON_TABLES
}
_VERSION_PARTS: tuple[Literal["detainee", "releases"], ...] = ("detainee", "releases")
_COLUMN_NAMES = {table: tuple(table.__table__.c.keys()) for table in _PERSON_TABLES}
_ROW_STATEMENTS[Detention] = _ROW_STATEMENTS[Detention].order_by(col(Detention.ordinal))
# The tables read for the people of a list: what the shapes in `shapes.py` show, without verifications.
_LIST_TABLES: dict[TargetKind, tuple[type[Any], ...]] = {
    "release": (Detainee, SpellPersonal, Release),
    "detention": (Detainee, Detention, SpellPersonal, Release, DetentionState, SourceDetention),
    "detainee": (Detainee, DetaineePersonal, Detention, SpellPersonal, Release, DetentionState, SourceDetention),
}
_RECORD_STATEMENT: Any = (
    select(
        col(Placement.detainee).label("person"),
        col(Record.key),
        col(Record.publish_now),
        col(Record.detainee_id),
        col(Record.detention_id),
        col(Record.release_id),
    )
    .join(Record, col(Record.key) == col(Placement.record))
    .where(
        col(Placement.detainee).in_(_KEYS_PARAM),
        col(Placement.since) <= _REVISION_PARAM,
        col(Placement.until) > _REVISION_PARAM,
    )
)
_PLACEMENT_STATEMENT = (
    select(col(Placement.record), col(Placement.since), col(Placement.spell), col(Placement.detainee))
    .where(col(Placement.record).in_(_KEYS_PARAM), col(Placement.since) <= _REVISION_PARAM)
    .order_by(col(Placement.record), col(Placement.since))
)
# Aliases, since a condition on the person reads the same tables.
_RECORD_ALIAS: Any = aliased(Record)
_PLACEMENT_ALIAS: Any = aliased(Placement)
_CONSENT_STATEMENT = select(col(Consent.key), col(Consent.record), col(Consent.publish)).where(
    col(Consent.record) == bindparam("record")
)
_SLUG_STATEMENT = select(col(Source.key), col(Source.slug))


def load_people(
    session: Session, detainees: Collection[int], revision: int, kind: TargetKind | None = None
) -> dict[int, Person]:
    """Return a dict of detainee key → everything known about the person at the revision, with today's class.

    `kind`: read only what lists of this kind show."""
    if not detainees:
        return {}
    run, parameters = session.connection().execute, {"keys": list(detainees), "revision": revision}
    record_rows = run(_RECORD_STATEMENT, parameters).all()
    records_by_person: dict[int, list[Any]] = {}
    for record in record_rows:
        records_by_person.setdefault(record.person, []).append(record)
    slugs = dict(run(_SLUG_STATEMENT).all())
    moves = _load_moves(session, [record.key for record in record_rows], revision)
    rows_by_person: dict[int, Rows] = {}
    for table in _PERSON_TABLES if kind is None else _LIST_TABLES[kind]:
        rows = run(_ROW_STATEMENTS[table], parameters)
        for row in rows.all():  # by hand: reading row mappings takes longer than the query
            values = dict(zip(_COLUMN_NAMES[table], row, strict=True))
            rows_by_person.setdefault(values["detainee"], {}).setdefault(table, []).append(values)
    return {
        key: _build_person(
            rows,
            find_strictest_class(record.publish_now for record in records_by_person[key]),
            records_by_person[key],
            slugs,
            moves,
        )
        for key, rows in rows_by_person.items()
    }


def build_projected_person(session: Session, projected_person: ProjectedPerson, revision: int) -> Person:
    """Build a person as the newest entry, of that revision, has just left it."""
    slugs = {key: view.slug for key, view in DirectorySnapshot.for_session(session).sources.items()}
    moves = _load_moves(session, [record.key for record in projected_person.records], revision)
    return _build_person(
        _sort_detentions(projected_person.rows), projected_person.publish, projected_person.records, slugs, moves
    )


def build_single_report_person(session: Session, projected_person: ProjectedPerson) -> Person:
    """Build a person with a single report as its entry has just left it, with the class of the report."""
    (record,), (detainee,) = projected_person.records, projected_person.rows[Detainee]
    slugs = {record.source: DirectorySnapshot.for_session(session).sources[record.source].slug}
    return _build_person(_sort_detentions(projected_person.rows), detainee["publish"], [record], slugs, {})


def _sort_detentions(rows: Rows) -> Rows:
    """Return the rows of a person with the detentions in order."""
    return rows | {Detention: sorted(rows[Detention], key=itemgetter("ordinal"))}


def _build_person(
    rows: Rows,
    publish: str,
    person_records: Iterable[Record | StoredRecord],
    slugs: dict[int, str],
    moves: dict[int, list[int]],
) -> Person:
    """Build a person from its rows, class and records."""
    (detainee,) = rows[Detainee]
    personal = rows.get(DetaineePersonal)
    person = Person(
        publish=publish,
        detainee=_parse_row(detainee, facts=json.loads(detainee["facts"])),
        personal=json.loads(personal[0]["facts"]) if personal else {},
        personal_since=personal[0].get("since", 0) if personal else 0,
        detentions={row["spell"]: _parse_row(row, facts=json.loads(row["facts"])) for row in rows.get(Detention, ())},
        releases={row["spell"]: _parse_row(row, **json.loads(row["facts"])) for row in rows.get(Release, ())},
        verifications=[_parse_row(row, said=json.loads(row["said"])) for row in rows.get(Verification, ())],
        detention_states={row["spell"]: _parse_row(row) for row in rows.get(DetentionState, ())},
        held_by_source=[_parse_row(row) for row in rows.get(SourceDetention, ())],
        ids={record.key: Ids(record.detainee_id, record.detention_id, record.release_id) for record in person_records},
        slugs=slugs,
        moves=moves,
    )
    for row in rows.get(SpellPersonal, ()):
        facts = json.loads(row["facts"])
        person.by_source[row["spell"]] = {name: facts.pop(name) for name in SOURCE_FIELDS if name in facts}
        person.spell_facts[row["spell"]] = facts
        person.spell_since[row["spell"]] = row.get("since", 0)
    return person


def _parse_row(row: TableRow, **parsed_columns: Any) -> Any:
    """Return a row with its JSON parsed; `Person` defines its type."""
    return {**row, **parsed_columns}


def _load_moves(session: Session, keys: Sequence[int], revision: int) -> dict[int, list[int]]:
    """Return a dict of record → revisions at which a correction or decision moved it."""
    rows = session.connection().execute(_PLACEMENT_STATEMENT, {"keys": list(keys), "revision": revision})
    moves: dict[int, list[int]] = {}
    previous: dict[int, tuple[int, int]] = {}
    for record, since, spell, detainee in rows:
        if previous.get(record, (spell, detainee)) != (spell, detainee):
            moves.setdefault(record, []).append(since)
        previous[record] = (spell, detainee)
    return moves


def find_person_by_id(
    session: Session, kind: TargetKind, item_id: uuid.UUID, reader: Reader, revision: int
) -> tuple[Person, int]:
    """Return the person and the key behind an id at a revision.

    Raise NotFound for what the reader may not know of, and Moved (308) if another id replaces it at the head. A person
    hidden from the reader is not found by the first statement, like an unknown id."""
    placement = session.execute(
        select(_RECORD_ALIAS.key, _PLACEMENT_ALIAS.detainee, _PLACEMENT_ALIAS.spell)
        .join(_PLACEMENT_ALIAS, _PLACEMENT_ALIAS.record == _RECORD_ALIAS.key)
        .where(
            getattr(_RECORD_ALIAS, f"{kind}_id") == item_id,
            valid_at(_PLACEMENT_ALIAS, revision),
            visible_to(reader, _PLACEMENT_ALIAS.detainee, revision),
        )
    ).one_or_none()
    if placement is None:
        raise NotFound(Message("There is no {kind} with this id.", kind=kind))
    record, detainee, spell = placement
    person = load_people(session, [detainee], revision)[detainee]
    key = detainee if kind == "detainee" else spell
    if kind == "release" and key not in person.releases:
        raise NotFound(Message("There is no {kind} with this id.", kind=kind))
    if key != record:
        if not _was_ever_shown(session, kind, record):
            raise NotFound(Message("There is no {kind} with this id.", kind=kind))
        raise Moved(item_id, getattr(person.ids[key], kind))
    return person, key


def load_single_report_person(
    session: Session, record: Record | StoredRecord, version: records.RecordVersion
) -> Person:
    """Return the person according to one version of one report alone."""
    statement = build_version_statement(
        record, version.entry, DirectorySnapshot.for_session(session), pointer=None, is_erased=record.redacted
    )
    publish = compute_person_class([statement], _load_consents(session, record))
    # As filed: for its own source, whatever the person's class is now.
    rows = project([statement.to_filed()], publish)
    return _build_person(rows, publish, [record], {record.source: statement.source.slug}, {})


def _load_consents(session: Session, record: Record | StoredRecord) -> list[RecordedConsent]:
    if isinstance(record, StoredRecord) and not record.has_consent:
        return []
    rows = session.connection().execute(_CONSENT_STATEMENT, {"record": record.key})
    return [(consent, record_key, publish) for consent, record_key, publish in rows]


def _was_ever_shown(session: Session, kind: TargetKind, key: int) -> bool:
    """Return whether an id was ever shown as current; one that never was must not disclose where its report went."""
    column: Any = Placement.detainee if kind == "detainee" else Placement.spell
    return session.scalars(select(col(Placement.record)).where(column == key)).first() is not None


def build_verification_shapes(person: Person, spell: int, object_kind: str, reader: Reader) -> list[VerificationShape]:
    """Return the verdicts on a release or detention, by source."""
    rows = person.list_verdicts(spell, object_kind)
    return [shapes.build_verification_shape(person, row, reader) for row in rows]


def load_history(session: Session, detainee_id: uuid.UUID, reader: Reader, revision: int) -> list[Version]:
    """Return every revision at which anything shown of a detainee changed, with what was shown from then on."""
    _person, key = find_person_by_id(session, "detainee", detainee_id, reader, revision)
    change_revisions: set[int] = set()
    for table in _PERSON_TABLES:
        columns = table.__table__.c
        change_revisions |= set(
            session.scalars(select(columns.since).where(columns.detainee == key, columns.since <= revision))
        )
    versions: list[Version] = []
    entries = load_kinds_and_dates(session, sorted(change_revisions))
    for change_revision in sorted(change_revisions):
        person = load_people(session, [key], change_revision).get(key)
        if person is None or not reader.can_see_person(person.publish):
            continue
        entry, recorded_at = entries[change_revision]
        new_version: Version = {
            "revision": change_revision,
            "recorded_at": format_instant(recorded_at),
            "entry": entry,
            "detainee": shapes.build_detainee_shape(person, reader),
            "releases": [shapes.build_release_shape(person, spell, reader) for spell in sorted(person.releases)],
        }
        # A change of a hidden value is no change for this reader.
        if not versions or any(versions[-1][part] != new_version[part] for part in _VERSION_PARTS):
            versions.append(new_version)
    return versions


@dataclass(frozen=True, slots=True)
class FiledReport:
    """A report, and the person and the spell in which its record was placed.

    `record_count`: number of records of that person. `publish`: today's class. `projected_person`: the person, if the
    write has just projected it."""

    record: Record | StoredRecord
    version: records.RecordVersion
    detainee: int
    spell: int
    record_count: int
    publish: str
    projected_person: ProjectedPerson | None = None

    def load_single_report_person(self, session: Session) -> Person:
        """Return the person according to this report alone.

        Uses the person projected by the write if it has no other report and its rows hide nothing from the report's own
        source."""
        if (
            self.projected_person is not None
            and self.record_count == 1
            and not self.projected_person.records[0].has_consent
        ):
            person = build_single_report_person(session, self.projected_person)
            if person.publish != Publish.COUNTED:
                return person
        return load_single_report_person(session, self.record, self.version)

    def load_person(self, session: Session, revision: int) -> Person:
        """Return the person according to all reports."""
        if self.projected_person is not None:
            return build_projected_person(session, self.projected_person, revision)
        return load_people(session, [self.detainee], revision)[self.detainee]


def load_filed_report(context: WriteContext, outcome: Outcome) -> FiledReport:
    """Return the report of an outcome."""
    report, entry = uuid.UUID(outcome.ids["report"]), context.last_entry
    if entry is None or entry.revision != outcome.revision:
        return _load_stored_report(context.session, report, outcome.revision)
    people = context.projected_people.values()
    record, person = next((record, person) for person in people for record in person.records if record.id == report)
    (spell,) = (row["spell"] for row in person.rows[Placement] if row["record"] == record.key)
    version = records.RecordVersion(outcome.ids["version"], entry)
    return FiledReport(record, version, person.detainee, spell, len(person.records), person.publish, person)


def _load_stored_report(session: Session, report: uuid.UUID, revision: int) -> FiledReport:
    record, placement = records.load_placed_record(session, report, revision)
    version = records.find_version(session, record, revision)
    assert version is not None
    classes = records.list_record_classes(session, placement.detainee, revision)
    return FiledReport(
        record, version, placement.detainee, placement.spell, len(classes), find_strictest_class(classes)
    )
