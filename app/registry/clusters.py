"""Rule 5: which records are one person, computed from the standing decisions (pure).

Nothing is merged physically: take a decision away and the clusters are what they were before it.
"""

import uuid
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.vocabulary import Judgement

Record = uuid.UUID


@dataclass(frozen=True, slots=True)
class Edge:
    """A standing decision about two records; `score` in thousandths."""

    key: int
    id: uuid.UUID
    a: Record
    b: Record
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

    def __init__(self, records: Iterable[Record]) -> None:
        self._members = {record: {record} for record in records}

    def of(self, record: Record) -> set[Record]:
        return self._members.setdefault(record, {record})

    def join(self, a: Record, b: Record) -> None:
        joined = self.of(a) | self.of(b)
        for record in joined:
            self._members[record] = joined

    def all(self) -> list[set[Record]]:
        return list({id(group): group for group in self._members.values()}.values())


def resolve(records: Iterable[Record], edges: Sequence[Edge]) -> list[set[Record]]:
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


def cluster_of(record: Record, edges: Sequence[Edge]) -> set[Record]:
    """The cluster of a record."""
    return next(cluster for cluster in resolve([record], edges) if record in cluster)


def contradiction(edges: Sequence[Edge], a: Record, b: Record, judgement: str) -> list[Edge]:
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


def path(edges: Sequence[Edge], start: Record, goal: Record) -> list[Edge] | None:
    """The shortest chain of `same` edges from one record to another: `[]` from a record to itself, None without a
    chain."""
    neighbours: dict[Record, list[tuple[Record, Edge]]] = {}
    for edge in edges:
        if edge.same:
            neighbours.setdefault(edge.a, []).append((edge.b, edge))
            neighbours.setdefault(edge.b, []).append((edge.a, edge))
    came: dict[Record, tuple[Record, Edge] | None] = {start: None}
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
