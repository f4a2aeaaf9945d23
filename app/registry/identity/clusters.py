"""Rule 5: which records are one person, computed from the standing decisions (pure).

Nothing is merged physically: take a decision away and the clusters are what they were before it.

What stands of people before they are projected: records with their versions, and the decisions that tie them.

A component is all records that standing `same` decisions connect, void ones included: no entry changes clusters outside
the components of its records."""

import json
import uuid
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, and_, bindparam, exists, or_, select
from sqlmodel import Session, col

from app.db.engine import chunks
from app.log import entries
from app.log.content import Content
from app.models import OPEN, Consent, Decision, Entry, ObjectionHiding, Placement, Record, Report, Sealed
from app.vocabulary import Judgement

ClusteredRecord = uuid.UUID


@dataclass(frozen=True, slots=True)
class Edge:
    """A standing decision about two records; `score` in thousandths."""

    key: int
    id: uuid.UUID
    a: ClusteredRecord
    b: ClusteredRecord
    judgement: str
    decided_by: str
    score: int

    @property
    def by_curator(self) -> bool:
        return self.decided_by == "curator"

    @property
    def same(self) -> bool:
        return self.judgement == Judgement.SAME


class _Groups:
    """Disjoint sets of records."""

    def __init__(self, records: Iterable[ClusteredRecord]) -> None:
        self._members = {record: {record} for record in records}

    def of(self, record: ClusteredRecord) -> set[ClusteredRecord]:
        return self._members.setdefault(record, {record})

    def join(self, a: ClusteredRecord, b: ClusteredRecord) -> None:
        joined = self.of(a) | self.of(b)
        for record in joined:
            self._members[record] = joined

    def all(self) -> list[set[ClusteredRecord]]:
        return list({id(group): group for group in self._members.values()}.values())


def resolve(records: Iterable[ClusteredRecord], edges: Sequence[Edge]) -> list[set[ClusteredRecord]]:
    """Clusters of records. Curators' edges apply first, then automatic edges by score and ids; an automatic edge that
    would join people judged `different` is void."""
    groups = _Groups(records)
    apart = [(edge.a, edge.b) for edge in edges if edge.judgement == Judgement.DIFFERENT]
    for edge in edges:
        if edge.same and edge.by_curator:
            groups.join(edge.a, edge.b)
    automatic = [edge for edge in edges if edge.same and not edge.by_curator]
    for edge in sorted(automatic, key=lambda edge: (-edge.score, sorted((edge.a.hex, edge.b.hex)))):
        a, b = groups.of(edge.a), groups.of(edge.b)
        if not any((x in a and y in b) or (x in b and y in a) for x, y in apart):
            groups.join(edge.a, edge.b)
    return groups.all()


def cluster_of(record: ClusteredRecord, edges: Sequence[Edge]) -> set[ClusteredRecord]:
    """The cluster of a record."""
    return next(cluster for cluster in resolve([record], edges) if record in cluster)


def contradiction(edges: Sequence[Edge], a: ClusteredRecord, b: ClusteredRecord, judgement: str) -> list[Edge]:
    """The chain of standing decisions that a new judgement would contradict; empty where there is none.

    `same` and `different` can contradict curators' decisions only; `unsure` about two records of one cluster
    contradicts the edges that connect them.
    """
    decided = [edge for edge in edges if edge.by_curator]
    if judgement == Judgement.DIFFERENT:
        return path(decided, a, b) or []
    if judgement == Judgement.UNSURE and b in cluster_of(a, edges):
        return path(edges, a, b) or []
    for edge in decided:
        if edge.judgement != Judgement.DIFFERENT:
            continue
        for x, y in ((edge.a, edge.b), (edge.b, edge.a)):
            before, after = path(decided, a, x), path(decided, y, b)
            if before is not None and after is not None:
                return [*before, edge, *after]
    return []


def path(edges: Sequence[Edge], start: ClusteredRecord, goal: ClusteredRecord) -> list[Edge] | None:
    """The shortest chain of `same` edges from one record to another: `[]` from a record to itself, None without a
    chain."""
    neighbours: dict[ClusteredRecord, list[tuple[ClusteredRecord, Edge]]] = {}
    for edge in edges:
        if edge.same:
            neighbours.setdefault(edge.a, []).append((edge.b, edge))
            neighbours.setdefault(edge.b, []).append((edge.a, edge))
    came: dict[ClusteredRecord, tuple[ClusteredRecord, Edge] | None] = {start: None}
    queue = deque([start])
    while queue and goal not in came:
        here = queue.popleft()
        for there, edge in neighbours.get(here, []):
            if there not in came:
                came[there] = (here, edge)
                queue.append(there)
    if goal not in came:
        return None
    chain, step = [], came[goal]
    while step is not None:
        chain.append(step[1])
        step = came[step[0]]
    return chain[::-1]


# Statements are made once and run on the connection: building one costs more than running it, and rows that are
# only read need no identity map.
AMONG: BindParameter[Any] = bindparam("among", expanding=True)
_EDGES = select(
    col(Decision.key), col(Decision.id), col(Decision.a), col(Decision.b),
    col(Decision.judgement), col(Decision.decided_by), col(Decision.score),
).where(col(Decision.until) == OPEN, or_(col(Decision.a).in_(AMONG), col(Decision.b).in_(AMONG)))  # fmt: skip
_STATEMENTS = (
    select(
        col(Record.key), col(Record.id), col(Record.source), col(Record.detainee_id), col(Record.detention_id),
        col(Record.release_id), col(Record.publish_now), col(Record.redacted), col(Placement.detainee),
        exists().where(col(Consent.record) == col(Record.key)),
        exists().where(col(ObjectionHiding.record) == col(Record.key), col(ObjectionHiding.until) == OPEN),
        col(Report.stated), col(Entry.body), col(Sealed.disclosures),
    )
    .outerjoin(Report, and_(col(Report.record) == col(Record.key), col(Report.until) == OPEN))
    .outerjoin(Entry, col(Entry.revision) == col(Report.stated))
    .outerjoin(Sealed, col(Sealed.revision) == col(Report.stated))
    .outerjoin(Placement, and_(col(Placement.record) == col(Record.key), col(Placement.until) == OPEN))
    .where(col(Record.id).in_(AMONG))
)  # fmt: skip


class StoredRecord(NamedTuple):
    """A row of `record`, the person at whom it is placed (`detainee`), whether it has a consent or an objection that
    hides, and its standing version, if it has one: the revision of its entry, with the body and the personal values."""

    key: int
    id: uuid.UUID
    source: int
    detainee_id: uuid.UUID
    detention_id: uuid.UUID
    release_id: uuid.UUID
    publish_now: str
    redacted: bool
    detainee: int | None
    consented: bool
    objected: bool
    stated: int | None
    body: dict[str, Any] | None
    personal: Content


def rows_among(session: Session, statement: Any, among: Iterable[Any]) -> Iterator[Any]:
    run = session.connection().execute
    for some in chunks(among):
        yield from run(statement, {"among": some})


def edges_of(session: Session, records: Collection[uuid.UUID]) -> list[Edge]:
    """All standing decisions on any of the records."""
    edges = {row.key: Edge(*row) for row in rows_among(session, _EDGES, records)}
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


def stored_records(session: Session, ids: Collection[uuid.UUID]) -> list[StoredRecord]:
    """The stored records of these ids."""
    return [
        StoredRecord._make((*record, None if body is None else json.loads(body), entries.values(disclosures)))
        for *record, body, disclosures in rows_among(session, _STATEMENTS, ids)
    ]


def clusters(
    filed: Mapping[uuid.UUID, StoredRecord], standing: Collection[uuid.UUID], edges: Sequence[Edge]
) -> list[set[uuid.UUID]]:
    """The people of a component, with records that do not stand, since they were recalled. What curators decided about
    the person of such a record still holds, and what others' reports were tied to it; but it ties itself to nobody."""
    ties = [e for e in edges if e.a in filed and e.b in filed and (e.by_curator or e.b in standing)]
    return resolve(filed, ties)


def of_one_person_with(session: Session, record: uuid.UUID) -> int | None:
    """The oldest standing record that is of one person with a recalled one, if any is."""
    component, edges = component_of(session, [record])
    stored = {record.id: record for record in stored_records(session, component)}
    standing = {record_id: row.key for record_id, row in stored.items() if row.body is not None}
    cluster = next(cluster for cluster in clusters(stored, standing, edges) if record in cluster)
    return min((standing[other] for other in cluster & standing.keys()), default=None)


def recalled_with(session: Session, ids: Collection[uuid.UUID]) -> set[int]:
    """The recalled records that are of one person with any of these records."""
    component, edges = component_of(session, ids)
    stored = {record.id: record for record in stored_records(session, component)}
    standing = {record_id for record_id, row in stored.items() if row.body is not None}
    theirs = [cluster for cluster in clusters(stored, standing, edges) if not cluster.isdisjoint(ids)]
    return {stored[record].key for cluster in theirs for record in cluster - standing}
