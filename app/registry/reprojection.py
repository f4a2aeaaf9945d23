"""Project again the people whom an entry touched, and write the rows that changed."""

import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import and_, bindparam, select, update
from sqlmodel import Session, col

from app.db.write_buffer import WriteBuffer
from app.log.entries import LogEntry
from app.models import (
    OPEN,
    PROJECTED,
    BlockingKey,
    Consent,
    Detainee,
    PendingPair,
    Placement,
    ProvisionalHiding,
    Record,
)
from app.registry.changed_people import mark
from app.registry.clusters import Edge
from app.registry.components import AMONG, StoredRecord, clusters, component_of, rows_among, stored_records
from app.registry.content import KEPT_FACILITY, Content
from app.registry.projection import Rows, Statement, counted_reports, project
from app.registry.publication_class import GivenConsent, class_of_today, person_class, provisional
from app.registry.versioned_table import VersionedTables
from app.registry.views import Views
from app.vocabulary import Judgement, Publish

_TABLES = VersionedTables(PROJECTED, "detainee")
_PENDING = VersionedTables([PendingPair], "decision")
_CONSENTS = select(col(Consent.key), col(Consent.record), col(Consent.publish)).where(col(Consent.record).in_(AMONG))
_PLACES = (
    select(col(Record.id), col(Placement.detainee))
    .join(Placement, and_(col(Placement.record) == col(Record.key), col(Placement.until) == OPEN))
    .where(col(Record.id).in_(AMONG))
)
_PEOPLE_EVER = select(col(Placement.detainee)).where(col(Placement.record).in_(AMONG))
# Whoever judges by today's class finds it beside the record, and a look-up beside each of its blocking keys.
_SET_CLASS = (
    update(Record).where(col(Record.key) == bindparam("of")).values(publish_now=bindparam("class")),
    update(BlockingKey).where(col(BlockingKey.record) == bindparam("of")).values(publish_now=bindparam("class")),
)


class ProjectedPerson(NamedTuple):
    """A person as an entry left it: its rows, today's class, and its standing records."""

    rows: Rows
    publish: str
    records: list[StoredRecord]

    @property
    def detainee(self) -> int:
        key: int = self.rows[Detainee][0]["detainee"]
        return key


def reproject(
    session: Session,
    views: Views,
    seeds: Collection[uuid.UUID],
    revision: int,
    erased: frozenset[uuid.UUID] = frozenset(),
    new: StoredRecord | None = None,
) -> dict[int, ProjectedPerson]:
    """Project the clusters in the components of the seeds, and write the difference at `revision`. Returns record → its
    person. `new`: one of the seeds, whose rows the caller writes afterwards, under the class of its person."""
    component, edges = component_of(session, seeds)
    stored = [*stored_records(session, component), *([] if new is None else [new])]
    by_key = {record.key: record for record in stored}
    wanted: Rows = {table: [] for table in PROJECTED}
    projected: dict[int, ProjectedPerson] = {}
    # Of whom nothing stands any more keeps the class of before, and is only counted once erased.
    classes: dict[int, str] = {row.key: Publish.COUNTED if row.redacted else row.publish_now for row in stored}
    for members, given, records, objected in _people(session, stored, _statements(stored, views, erased), edges):
        rows, today = _projected(members, given, objected=objected)
        for table, of_table in rows.items():
            wanted[table] += of_table
        classes |= dict.fromkeys(records, today)
        standing = [by_key[member.record] for member in members]
        projected |= dict.fromkeys((each.key for each in standing), ProjectedPerson(rows, today, standing))
    old = {row.detainee for row in stored if row.detainee is not None}
    _TABLES.replace(session.connection(), old, wanted, revision)
    touched = old | {row["detainee"] for row in wanted[Detainee]}
    changed = [
        {"of": r.key, "class": classes[r.key]} for r in stored if r is not new and r.publish_now != classes[r.key]
    ]
    if changed:
        for statement in _SET_CLASS:
            session.connection().execute(statement, changed)
        # A recalled report is of nobody now, and of the person it was of at an earlier revision.
        touched.update(person for (person,) in rows_among(session, _PEOPLE_EVER, [row["of"] for row in changed]))
    mark(session.connection(), touched, revision)
    if any(edge.judgement == Judgement.UNSURE for edge in edges):
        _write_pending(session, edges, {r.id: p.detainee for p in projected.values() for r in p.records}, revision)
    return projected


def is_counted(
    session: Session,
    views: Views,
    record: Record,
    content: Content | None = None,
    wish: Mapping[str, Any] = MappingProxyType({}),
) -> bool:
    """Whether the person of a record may only be counted today, by reports and consents alone: an objection hides, and
    changes nothing of what the log says. `content`: and still once it is the record's next version, be it that none
    stands; `wish`: the wish in its entry."""
    if record.publish_now != Publish.COUNTED:
        return False
    component, edges = component_of(session, [record.id])
    stored = stored_records(session, component)
    statements = _statements(stored, views, frozenset())
    if content is not None:
        stands = statements.get(record.id) or _statement(
            record, OPEN, content, {}, views, pointer=None, erased=False, wish={}
        )
        statements[record.id] = replace(
            stands, revision=OPEN, content=content, hidden={},
            wished=wish.get("since"), stopped=wish.get("stopped", False),
        )  # fmt: skip
    people = _people(session, stored, statements, edges)
    members, given = next((members, given) for members, given, records, _objected in people if record.key in records)
    return class_of_today(person_class(members, given), members, given) == Publish.COUNTED


def _people(
    session: Session, stored: Sequence[StoredRecord], statements: dict[uuid.UUID, Statement], edges: Sequence[Edge]
) -> Iterator[tuple[list[Statement], list[GivenConsent], list[int], bool]]:
    """`(statements, consents, records, whether an objection hides the person)` of each person of a component."""
    filed = {row.id: row for row in stored}
    consents = _consents(session, [row.key for row in stored if row.consented])
    for cluster in clusters(filed, statements, edges):
        members = [statements[record] for record in cluster if record in statements]
        if members:
            keys = [filed[record].key for record in cluster]
            given = [consent_ for key in keys for consent_ in consents.get(key, [])]
            yield members, given, keys, any(filed[record].objected for record in cluster)


def project_alone(
    views: Views, record: StoredRecord, entry: LogEntry, waiting: Mapping[int, int], buffer: WriteBuffer
) -> ProjectedPerson:
    """Add to the buffer the rows of a person of whom `entry` is the only report. `waiting`: decision → the person who
    may be the same.

    It does what `reproject` does for a component of one record, without reading what cannot be there yet.
    """
    statement = statement_of(record, entry, views, pointer=None, erased=False)
    rows, today = _projected([statement], [])
    _TABLES.open(buffer, rows, entry.revision)
    person = ProjectedPerson(rows, today, [record])
    pairs = [_pending(decision, other, person.detainee) for decision, other in waiting.items()]
    _PENDING.open(buffer, {PendingPair: pairs}, entry.revision)
    return person


def _projected(
    members: Sequence[Statement], given: Sequence[GivenConsent], *, objected: bool = False
) -> tuple[Rows, str]:
    """`(rows, class of today)` of one person."""
    publish = person_class(members, given)
    rows = project(members, publish)
    rows[ProvisionalHiding] = [
        {"detainee": rows[Detainee][0]["detainee"], **asdict(hiding)} for hiding in provisional(members, given)
    ]
    return rows, class_of_today(publish, members, given, objected=objected)


def _statements(
    stored: Sequence[StoredRecord], views: Views, erased: frozenset[uuid.UUID]
) -> dict[uuid.UUID, Statement]:
    """Record id → the statement of its current version, if it has one."""
    keys = {row.id: row.key for row in stored if row.body is not None}
    statements = {}
    for row in stored:
        body = row.body
        if body is None or row.stated is None:
            continue
        pointer = body.get("pointer")
        statements[row.id] = _statement(
            row,
            row.stated,
            body["said"],
            row.personal,
            views,
            pointer=None if pointer is None else keys.get(uuid.UUID(pointer)),
            erased=row.redacted or row.id in erased,
            points=pointer is not None or "person" in body,
            wish=body.get("wish", {}),
        )
    return statements


def statement_of(
    record: Record | StoredRecord, version: LogEntry, views: Views, *, pointer: int | None, erased: bool
) -> Statement:
    """The statement of one version of a record."""
    said, wish = version.body["said"], version.body.get("wish", {})
    return _statement(
        record, version.revision, said, version.personal, views, pointer=pointer, erased=erased, wish=wish
    )


def _statement(
    record: Record | StoredRecord,
    revision: int,
    said: Content,
    personal: Content,
    views: Views,
    *,
    pointer: int | None,
    erased: bool,
    wish: dict[str, Any],
    points: bool = False,
) -> Statement:
    content, hidden = counted_reports.parted(said, personal)
    return Statement(
        record=record.key,
        id=record.id.hex,
        source=views.sources[record.source],
        revision=revision,
        content=content,
        pointer=pointer,
        facility=views.facility(content.get("detention.facility"), content.get("detention.country")),
        kept_facility=views.facility(content.get(KEPT_FACILITY), content.get("kept.country")),
        redacted=record.redacted,
        erased=erased,
        points=points,
        wished=wish.get("since"),
        stopped=wish.get("stopped", False),
        hidden=hidden,
    )


def _consents(session: Session, keys: Sequence[int]) -> dict[int, list[GivenConsent]]:
    consents: dict[int, list[GivenConsent]] = {}
    for key, record, publish in rows_among(session, _CONSENTS, keys):
        consents.setdefault(record, []).append((key, record, publish))
    return consents


def _write_pending(session: Session, edges: Sequence[Edge], projected: dict[uuid.UUID, int], revision: int) -> None:
    """Write the pairs that wait for a curator: of `unsure` decisions on two known people not judged `different`.
    `projected`: record → its person, of the standing records of the component."""
    ends = {record for edge in edges for record in (edge.a, edge.b)} - projected.keys()
    place = dict(rows_among(session, _PLACES, ends)) | projected
    known = [edge for edge in edges if edge.a in place and edge.b in place]
    apart = {frozenset((place[edge.a], place[edge.b])) for edge in known if edge.judgement == Judgement.DIFFERENT}
    unsure = [edge for edge in edges if edge.judgement == Judgement.UNSURE]
    wanted = []
    for edge in unsure:
        if edge.a not in place or edge.b not in place:
            continue
        a, b = place[edge.a], place[edge.b]
        if a != b and frozenset((a, b)) not in apart:
            wanted.append(_pending(edge.key, a, b))
    _PENDING.replace(session.connection(), [edge.key for edge in unsure], {PendingPair: wanted}, revision)


def _pending(decision: int, a: int, b: int) -> dict[str, int]:
    """The row of two people of whom a curator is to say whether they are one."""
    return {"decision": decision, "detainee_a": min(a, b), "detainee_b": max(a, b)}
