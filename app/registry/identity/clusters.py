"""Compute which records are one person from the current decisions, and load records and decisions for that.

Nothing is merged physically: without a decision, the clusters are what they would have been without it. A component is
the set of records connected by current `same` decisions, void ones included. No entry changes clusters outside the
components of its records.
"""

import json
import uuid
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, and_, bindparam, exists, or_, select
from sqlmodel import Session, col

from app.db.engine import split_into_chunks
from app.log import entries
from app.log.content import Content
from app.models import (
    OPEN,
    ClassHold,
    Consent,
    Decision,
    Entry,
    ObjectionHiding,
    Placement,
    Record,
    Report,
    Sealed,
)
from app.vocabulary import Judgement

RecordId = uuid.UUID


@dataclass(frozen=True, slots=True)
class Edge:
    """A current decision on two records. `score`: in thousandths."""

    key: int
    id: uuid.UUID
    a: RecordId
    b: RecordId
    judgement: str
    decided_by: str
    score: int

    @property
    def is_by_curator(self) -> bool:
        return self.decided_by == "curator"

    @property
    def is_same(self) -> bool:
        return self.judgement == Judgement.SAME


class _Groups:
    """Disjoint sets of records."""

    def __init__(self, records: Iterable[RecordId]) -> None:
        self._members = {record: {record} for record in records}

    def get_group(self, record: RecordId) -> set[RecordId]:
        return self._members.setdefault(record, {record})

    def merge(self, a: RecordId, b: RecordId) -> None:
        merged = self.get_group(a) | self.get_group(b)
        for record in merged:
            self._members[record] = merged

    def list_groups(self) -> list[set[RecordId]]:
        return list({id(group): group for group in self._members.values()}.values())


def resolve_clusters(records: Iterable[RecordId], edges: Sequence[Edge]) -> list[set[RecordId]]:
    """Return the clusters of records.

    Curators' edges apply first, then automatic edges by score and ids. An automatic edge that would merge people judged
    `different` is void."""
    groups = _Groups(records)
    different_pairs = [(edge.a, edge.b) for edge in edges if edge.judgement == Judgement.DIFFERENT]
    for edge in edges:
        if edge.is_same and edge.is_by_curator:
            groups.merge(edge.a, edge.b)
    automatic = [edge for edge in edges if edge.is_same and not edge.is_by_curator]
    for edge in sorted(automatic, key=lambda edge: (-edge.score, sorted((edge.a.hex, edge.b.hex)))):
        a, b = groups.get_group(edge.a), groups.get_group(edge.b)
        if not any((x in a and y in b) or (x in b and y in a) for x, y in different_pairs):
            groups.merge(edge.a, edge.b)
    return groups.list_groups()


def find_cluster(record: RecordId, edges: Sequence[Edge]) -> set[RecordId]:
    """Return the cluster of a record."""
    return next(cluster for cluster in resolve_clusters([record], edges) if record in cluster)


def find_contradiction(edges: Sequence[Edge], a: RecordId, b: RecordId, judgement: str) -> list[Edge]:
    """Return the chain of current decisions that a new judgement would contradict, or an empty list.

    `same` and `different` can contradict curators' decisions only; `unsure` about two records of one cluster
    contradicts the edges that connect them.
    """
    curator_edges = [edge for edge in edges if edge.is_by_curator]
    if judgement == Judgement.DIFFERENT:
        return find_path(curator_edges, a, b) or []
    if judgement == Judgement.UNSURE and b in find_cluster(a, edges):
        return find_path(edges, a, b) or []
    for edge in curator_edges:
        if edge.judgement != Judgement.DIFFERENT:
            continue
        for x, y in ((edge.a, edge.b), (edge.b, edge.a)):
            chain_before, chain_after = find_path(curator_edges, a, x), find_path(curator_edges, y, b)
            if chain_before is not None and chain_after is not None:
                return [*chain_before, edge, *chain_after]
    return []


def find_path(edges: Sequence[Edge], start: RecordId, goal: RecordId) -> list[Edge] | None:
    """Return the shortest chain of `same` edges between two records: `[]` for one record, None without a chain."""
    neighbours: dict[RecordId, list[tuple[RecordId, Edge]]] = {}
    for edge in edges:
        if edge.is_same:
            neighbours.setdefault(edge.a, []).append((edge.b, edge))
            neighbours.setdefault(edge.b, []).append((edge.a, edge))
    predecessors: dict[RecordId, tuple[RecordId, Edge] | None] = {start: None}
    queue = deque([start])
    while queue and goal not in predecessors:
        current = queue.popleft()
        for neighbour, edge in neighbours.get(current, []):
            if neighbour not in predecessors:
                predecessors[neighbour] = (current, edge)
                queue.append(neighbour)
    if goal not in predecessors:
        return None
    chain, step = [], predecessors[goal]
    while step is not None:
        chain.append(step[1])
        step = predecessors[step[0]]
    return chain[::-1]


# Statements are built once and run on the connection: building one costs more than running it, and rows that are
# only read need no identity map.
IDS_PARAMETER: BindParameter[Any] = bindparam("ids", expanding=True)
_SELECT_EDGES = select(
    col(Decision.key), col(Decision.id), col(Decision.a), col(Decision.b),
    col(Decision.judgement), col(Decision.decided_by), col(Decision.score),
).where(
    col(Decision.until) == OPEN, or_(col(Decision.a).in_(IDS_PARAMETER), col(Decision.b).in_(IDS_PARAMETER))
)  # fmt: skip
_SELECT_STORED_RECORDS = (
    select(
        col(Record.key), col(Record.id), col(Record.source), col(Record.detainee_id), col(Record.detention_id),
        col(Record.release_id), col(Record.publish_now), col(Record.publish_decided), col(Record.redacted),
        col(Placement.detainee),
        exists().where(col(Consent.record) == col(Record.key)),
        exists().where(col(ObjectionHiding.record) == col(Record.key), col(ObjectionHiding.until) == OPEN),
        col(ClassHold.opening), col(ClassHold.opening_to),
        col(Report.stated), col(Report.review), col(Entry.body), col(Sealed.disclosures),
    )
    .outerjoin(Report, and_(col(Report.record) == col(Record.key), col(Report.until) == OPEN))
    .outerjoin(Entry, col(Entry.revision) == col(Report.stated))
    .outerjoin(Sealed, col(Sealed.revision) == col(Report.stated))
    .outerjoin(Placement, and_(col(Placement.record) == col(Record.key), col(Placement.until) == OPEN))
    .outerjoin(ClassHold, and_(col(ClassHold.detainee) == col(Placement.detainee), col(ClassHold.until) == OPEN))
    .where(col(Record.id).in_(IDS_PARAMETER))
)  # fmt: skip


class StoredRecord(NamedTuple):
    """A row of `record` with what projecting its person needs.

    `publish_decided`: None for a record that is not stored yet. `detainee`: its person. `has_objection`: an objection
    hides it. `opening`, `opening_to`: of its person's `class_hold`. `stated`, `review`, `body`, `personal`: the
    revision, review state, body and personal values of its current version; None and empty if it has none."""

    key: int
    id: uuid.UUID
    source: int
    detainee_id: uuid.UUID
    detention_id: uuid.UUID
    release_id: uuid.UUID
    publish_now: str
    publish_decided: str | None
    redacted: bool
    detainee: int | None
    has_consent: bool
    has_objection: bool
    opening: int | None
    opening_to: str | None
    stated: int | None
    review: str | None
    body: dict[str, Any] | None
    personal: Content


def select_in_chunks(session: Session, statement: Any, values: Iterable[Any]) -> Iterator[Any]:
    """Yield the rows of a statement with IDS_PARAMETER for all values."""
    run = session.connection().execute
    for chunk in split_into_chunks(values):
        yield from run(statement, {"ids": chunk})


def load_edges(session: Session, records: Collection[uuid.UUID]) -> list[Edge]:
    """Return all current decisions on any of the records."""
    edges = {row.key: Edge(*row) for row in select_in_chunks(session, _SELECT_EDGES, records)}
    return list(edges.values())


def load_component(session: Session, seeds: Collection[uuid.UUID]) -> tuple[set[uuid.UUID], list[Edge]]:
    """Return `(records, decisions)`: the records connected to the seeds by `same`, and all decisions on them."""
    records: set[uuid.UUID] = set()
    edges: dict[int, Edge] = {}
    frontier = set(seeds)
    while frontier:
        records |= frontier
        new_edges = load_edges(session, frontier)
        edges |= {edge.key: edge for edge in new_edges}
        frontier = {record for edge in new_edges if edge.is_same for record in (edge.a, edge.b)} - records
    return records, list(edges.values())


def load_stored_records(session: Session, ids: Collection[uuid.UUID]) -> list[StoredRecord]:
    """Return the stored records with these ids."""
    return [
        StoredRecord._make((*record, None if body is None else json.loads(body), entries.load_values(disclosures)))
        for *record, body, disclosures in select_in_chunks(session, _SELECT_STORED_RECORDS, ids)
    ]


def resolve_people(
    stored_by_id: Mapping[uuid.UUID, StoredRecord], current_ids: Collection[uuid.UUID], edges: Sequence[Edge]
) -> list[set[uuid.UUID]]:
    """Return the people of a component, recalled records included.

    Decisions of curators on a recalled record stay valid, and so do links of other reports to it. Its own link does
    not."""
    valid_edges = [
        e for e in edges if e.a in stored_by_id and e.b in stored_by_id and (e.is_by_curator or e.b in current_ids)
    ]
    return resolve_clusters(stored_by_id, valid_edges)


def find_current_record_of_person(session: Session, record: uuid.UUID) -> int | None:
    """Return the oldest current record of the person of a recalled record, if there is one."""
    component, edges = load_component(session, [record])
    stored_by_id = {record.id: record for record in load_stored_records(session, component)}
    current_keys = {record_id: row.key for record_id, row in stored_by_id.items() if row.body is not None}
    cluster = next(cluster for cluster in resolve_people(stored_by_id, current_keys, edges) if record in cluster)
    return min((current_keys[member] for member in cluster & current_keys.keys()), default=None)


def find_recalled_keys(session: Session, ids: Collection[uuid.UUID]) -> set[int]:
    """Return the recalled records of the people of these records."""
    component, edges = load_component(session, ids)
    stored_by_id = {record.id: record for record in load_stored_records(session, component)}
    current_ids = {record_id for record_id, row in stored_by_id.items() if row.body is not None}
    matching_clusters = [
        cluster for cluster in resolve_people(stored_by_id, current_ids, edges) if not cluster.isdisjoint(ids)
    ]
    return {stored_by_id[record].key for cluster in matching_clusters for record in cluster - current_ids}
