"""Project again the people whom an entry touched, and write the rows that changed.

A component is all records that standing `same` decisions connect, void ones included: no entry changes clusters outside
the components of its records.
"""

import json
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from types import MappingProxyType
from typing import Any

from sqlalchemy import BindParameter, Row, and_, bindparam, exists, or_, select, update
from sqlmodel import Session, col

from app.database import chunks
from app.log import sealed
from app.log.entries import LogEntry
from app.models import (
    OPEN,
    PROJECTED,
    BlockingKey,
    Consent,
    Decision,
    Detainee,
    Entry,
    ObjectionHiding,
    PendingPair,
    Placement,
    ProvisionalHiding,
    Record,
    Report,
    Sealed,
)
from app.registry.changed_people import mark
from app.registry.clusters import Edge, resolve
from app.registry.content import KEPT_FACILITY, Content
from app.registry.projection import Rows, Statement, counted_reports, project
from app.registry.publication_class import GivenConsent, class_of_today, person_class, provisional
from app.registry.versioned_table import VersionedTable
from app.registry.views import Views
from app.vocabulary import Judgement, Publish
from app.write_buffer import WriteBuffer

# Statements are made once and run on the connection: building one costs more than running it, and rows that are
# only read need no identity map.
_AMONG: BindParameter[Any] = bindparam("among", expanding=True)
_TABLES = {table: VersionedTable(table, "detainee") for table in PROJECTED}
_PENDING = VersionedTable(PendingPair, "decision")
_EDGES = select(
    col(Decision.key), col(Decision.id), col(Decision.a), col(Decision.b),
    col(Decision.judgement), col(Decision.decided_by), col(Decision.score),
).where(col(Decision.until) == OPEN, or_(col(Decision.a).in_(_AMONG), col(Decision.b).in_(_AMONG)))  # fmt: skip
_STATEMENTS = (
    select(
        col(Record.key), col(Record.id), col(Record.source), col(Record.redacted), col(Record.publish_now),
        col(Report.stated), col(Entry.body), col(Sealed.disclosures), col(Placement.detainee),
        exists().where(col(Consent.record) == col(Record.key)).label("consented"),
        exists()
        .where(col(ObjectionHiding.record) == col(Record.key), col(ObjectionHiding.until) == OPEN)
        .label("objected"),
    )
    .outerjoin(Report, and_(col(Report.record) == col(Record.key), col(Report.until) == OPEN))
    .outerjoin(Entry, col(Entry.revision) == col(Report.stated))
    .outerjoin(Sealed, col(Sealed.revision) == col(Report.stated))
    .outerjoin(Placement, and_(col(Placement.record) == col(Record.key), col(Placement.until) == OPEN))
    .where(col(Record.id).in_(_AMONG))
)  # fmt: skip
_CONSENTS = select(col(Consent.key), col(Consent.record), col(Consent.publish)).where(col(Consent.record).in_(_AMONG))
_PLACES = (
    select(col(Record.id), col(Placement.detainee))
    .join(Placement, and_(col(Placement.record) == col(Record.key), col(Placement.until) == OPEN))
    .where(col(Record.id).in_(_AMONG))
)
_PEOPLE_EVER = select(col(Placement.detainee)).where(col(Placement.record).in_(_AMONG))
# Whoever judges by today's class finds it beside the record, and a look-up beside each of its blocking keys.
_SET_CLASS = (
    update(Record).where(col(Record.key) == bindparam("of")).values(publish_now=bindparam("class")),
    update(BlockingKey).where(col(BlockingKey.record) == bindparam("of")).values(publish_now=bindparam("class")),
)


def _rows(session: Session, statement: Any, among: Iterable[Any]) -> Iterator[Any]:
    run = session.connection().execute
    for some in chunks(among):
        yield from run(statement, {"among": some})


def edges_of(session: Session, records: Collection[uuid.UUID]) -> list[Edge]:
    """All standing decisions on any of the records."""
    edges = {row.key: Edge(*row) for row in _rows(session, _EDGES, records)}
    return list(edges.values())


def component_of(session: Session, seeds: Collection[uuid.UUID]) -> tuple[set[uuid.UUID], list[Edge]]:
    """`(records, decisions)`: the records that `same` decisions connect to the seeds, and all decisions on them."""
    records: set[uuid.UUID] = set()
    edges: dict[int, Edge] = {}
    frontier = set(seeds)
    while frontier:
        records |= frontier
        reached = edges_of(session, frontier)
        edges |= {edge.key: edge for edge in reached}
        frontier = {record for edge in reached if edge.same for record in (edge.a, edge.b)} - records
    return records, list(edges.values())


def reproject(
    session: Session,
    views: Views,
    seeds: Collection[uuid.UUID],
    revision: int,
    erased: frozenset[uuid.UUID] = frozenset(),
) -> None:
    """Project the clusters in the components of the seeds, and write the difference at `revision`."""
    component, edges = component_of(session, seeds)
    stored = list(_rows(session, _STATEMENTS, component))
    wanted: Rows = {table: [] for table in PROJECTED}
    # Of whom nothing stands any more keeps the class of before, and is only counted once erased.
    classes: dict[int, str] = {row.key: Publish.COUNTED if row.redacted else row.publish_now for row in stored}
    for members, given, records, objected in _people(session, stored, _statements(stored, views, erased), edges):
        rows, today = _projected(members, given, objected=objected)
        for table, of_table in rows.items():
            wanted[table] += of_table
        classes |= dict.fromkeys(records, today)
    old = {row.detainee for row in stored if row.detainee is not None}
    for model, versioned in _TABLES.items():
        versioned.replace(session.connection(), old, wanted[model], revision)
    touched = old | {row["detainee"] for row in wanted[Detainee]}
    changed = [{"of": r.key, "class": classes[r.key]} for r in stored if r.publish_now != classes[r.key]]
    if changed:
        for statement in _SET_CLASS:
            session.connection().execute(statement, changed)
        # A recalled report is of nobody now, and of the person it was of at an earlier revision.
        touched.update(person for (person,) in _rows(session, _PEOPLE_EVER, [row["of"] for row in changed]))
    mark(session.connection(), touched, revision)
    if any(edge.judgement == Judgement.UNSURE for edge in edges):
        _write_pending(session, edges, component, revision)


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
    stored = list(_rows(session, _STATEMENTS, component))
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
    session: Session, stored: Sequence[Row[Any]], statements: dict[uuid.UUID, Statement], edges: Sequence[Edge]
) -> Iterator[tuple[list[Statement], list[GivenConsent], list[int], bool]]:
    """`(statements, consents, records, whether an objection hides the person)` of each person of a component."""
    filed = {row.id: row for row in stored}
    consents = _consents(session, [row.key for row in stored if row.consented])
    for cluster in _clusters(filed, statements, edges):
        members = [statements[record] for record in cluster if record in statements]
        if members:
            keys = [filed[record].key for record in cluster]
            given = [consent_ for key in keys for consent_ in consents.get(key, [])]
            yield members, given, keys, any(filed[record].objected for record in cluster)


def _clusters(
    filed: Mapping[uuid.UUID, Any], standing: Collection[uuid.UUID], edges: Sequence[Edge]
) -> list[set[uuid.UUID]]:
    """The people of a component, with records that do not stand, since they were recalled. What curators decided about
    the person of such a record still holds, and what others' reports were tied to it; but it ties itself to nobody."""
    ties = [e for e in edges if e.a in filed and e.b in filed and (e.by_curator or e.b in standing)]
    return resolve(filed, ties)


def of_one_person_with(session: Session, record: uuid.UUID) -> int | None:
    """The oldest standing record that is of one person with a recalled one, if any is."""
    component, edges = component_of(session, [record])
    stored = {row.id: row for row in _rows(session, _STATEMENTS, component)}
    standing = {record_id: row.key for record_id, row in stored.items() if row.body is not None}
    cluster = next(cluster for cluster in _clusters(stored, standing, edges) if record in cluster)
    return min((standing[other] for other in cluster & standing.keys()), default=None)


def recalled_with(session: Session, ids: Collection[uuid.UUID]) -> set[int]:
    """The recalled records that are of one person with any of these records."""
    component, edges = component_of(session, ids)
    stored = {row.id: row for row in _rows(session, _STATEMENTS, component)}
    standing = {record_id for record_id, row in stored.items() if row.body is not None}
    clusters = [cluster for cluster in _clusters(stored, standing, edges) if not cluster.isdisjoint(ids)]
    return {stored[record].key for cluster in clusters for record in cluster - standing}


def project_alone(views: Views, record: Any, entry: LogEntry, buffer: WriteBuffer) -> str:
    """Add to the buffer the rows of a person of whom `entry` is the only report; returns today's class of publication.

    It does what `reproject` does for a component of one record, without reading what cannot be there yet.
    """
    statement = statement_of(record, entry, views, pointer=None, erased=False)
    rows, today = _projected([statement], [])
    for table, of_table in rows.items():
        _TABLES[table].open(buffer, of_table, entry.revision)
    return today


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


def _statements(stored: Sequence[Row[Any]], views: Views, erased: frozenset[uuid.UUID]) -> dict[uuid.UUID, Statement]:
    """Record id → the statement of its current version, if it has one."""
    standing = [row for row in stored if row.body is not None]
    keys = {row.id: row.key for row in standing}
    statements = {}
    for row in standing:
        body = json.loads(row.body)
        pointer = body.get("pointer")
        statements[row.id] = _statement(
            row,
            row.stated,
            body["said"],
            sealed.values(row.disclosures),
            views,
            pointer=None if pointer is None else keys.get(uuid.UUID(pointer)),
            erased=row.redacted or row.id in erased,
            points=pointer is not None or "person" in body,
            wish=body.get("wish", {}),
        )
    return statements


def statement_of(record: Record, version: LogEntry, views: Views, *, pointer: int | None, erased: bool) -> Statement:
    """The statement of one version of a record."""
    said, wish = version.body["said"], version.body.get("wish", {})
    return _statement(
        record, version.revision, said, version.personal, views, pointer=pointer, erased=erased, wish=wish
    )


def _statement(
    record: Record | Row[Any],
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
    for key, record, publish in _rows(session, _CONSENTS, keys):
        consents.setdefault(record, []).append((key, record, publish))
    return consents


def _write_pending(session: Session, edges: Sequence[Edge], component: Collection[uuid.UUID], revision: int) -> None:
    """Write the pairs that wait for a curator: of `unsure` decisions on two known people not judged `different`."""
    ends = {record for edge in edges for record in (edge.a, edge.b)} | set(component)
    place: dict[uuid.UUID, int] = dict(_rows(session, _PLACES, ends))
    known = [edge for edge in edges if edge.a in place and edge.b in place]
    apart = {frozenset((place[edge.a], place[edge.b])) for edge in known if edge.judgement == Judgement.DIFFERENT}
    unsure = [edge for edge in edges if edge.judgement == Judgement.UNSURE]
    wanted = []
    for edge in unsure:
        if edge.a not in place or edge.b not in place:
            continue
        pair = sorted((place[edge.a], place[edge.b]))
        if pair[0] != pair[1] and frozenset(pair) not in apart:
            wanted.append({"decision": edge.key, "detainee_a": pair[0], "detainee_b": pair[1]})
    _PENDING.replace(session.connection(), [edge.key for edge in unsure], wanted, revision)
