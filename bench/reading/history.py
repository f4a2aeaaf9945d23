"""The rows that the write path would leave after the steps of one block of people, computed without a database.

Whom a step touches is projected again by the rules of `app.projection`, as `app.registry.reprojection` does,
and rows that no longer hold are closed. What of a record only writers read is left out: its sealed values, its case
number, who wrote it, which classes it asked for.
"""

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from operator import itemgetter
from random import Random
from typing import Any

from app.log import content
from app.log.entries import LogEntry
from app.models import (
    OPEN,
    PROJECTED_TABLES,
    BlockingKey,
    Decision,
    Detainee,
    PendingPair,
    ProvisionalHiding,
    Record,
    Report,
)
from app.projection import Statement, project
from app.projection.statements import split_content
from app.registry.directory_snapshot import DirectorySnapshot
from app.registry.identity import blocking_keys
from app.registry.identity.clusters import StoredRecord
from app.registry.publication import classes
from app.registry.publication.classes import (
    CLASS_FIELD,
    compute_current_class,
    compute_person_class,
    find_provisional_hidings,
)
from app.registry.reprojection import build_version_statement
from app.vocabulary import Publish
from bench.reading.people import Step
from bench.reading.telling import SOURCES

Row = tuple[Any, ...]
Tables = dict[type[Any], list[Row]]
Block = tuple[list[str], Tables]  # the kinds of its entries, and the rows

# The first entry; all that was reported happened before.
BEGUN = datetime(2025, 6, 1, tzinfo=UTC)
FILED_ON = BEGUN.date().isoformat()


class Shape:
    """How rows of a projected table are cut: the key that stands over time, then the rest."""

    def __init__(self, table: type[Any]) -> None:
        columns = table.__table__.columns
        self.key = [column.name for column in columns if column.primary_key and column.name != "since"]
        self.values = [column.name for column in columns if column.name not in (*self.key, "since", "until")]
        self.key_of, self.values_of = _cut(self.key), _cut(self.values)


def _cut(names: list[str]) -> Callable[[dict[str, Any]], Row]:
    if len(names) == 1:
        (only,) = names
        return lambda row: (row[only],)
    return itemgetter(*names)


WRITTEN: tuple[type[Any], ...] = (Record, Report, Decision, PendingPair, BlockingKey)
SHAPES = {table: Shape(table) for table in PROJECTED_TABLES}
COLUMNS: dict[type[Any], list[str]] = {
    **{table: [*shape.key, "since", "until", *shape.values] for table, shape in SHAPES.items()},
    **{table: [column.name for column in table.__table__.columns] for table in WRITTEN},
}


@dataclass
class _Filed:
    """A record with the statement that stands for it."""

    record: StoredRecord
    statement: Statement
    content: dict[str, Any]
    publish: str = ""
    since: int = 0
    version: int = 1


@dataclass
class _Person:
    """The records of one person, who stands as several people until a curator joins them; and the standing rows."""

    clusters: list[list[_Filed]] = field(default_factory=list)
    standing: dict[type[Any], dict[Row, tuple[int, Row]]] = field(
        default_factory=lambda: {table: {} for table in PROJECTED_TABLES}
    )


def rows_of(steps: Iterable[Step], first: int, views: DirectorySnapshot, seed: int) -> Block:
    """The rows of a block whose first entry has the revision `first`."""
    return _Writing(first, views, seed).after(steps)


class _Writing:
    def __init__(self, first: int, views: DirectorySnapshot, seed: int) -> None:
        self._revision = first - 1
        self._views, self._chance = views, Random(f"{seed} {first}")
        self._sources = [views.sources_by_slug[slug].key for slug, _kind, _often in SOURCES]
        self._filed: dict[int, _Filed] = {}
        self._people: defaultdict[int, _Person] = defaultdict(_Person)
        self._kinds: list[str] = []
        self._rows: Tables = {table: [] for table in COLUMNS}

    def after(self, steps: Iterable[Step]) -> Block:
        for step in steps:
            match step.kind:
                case "unsure":
                    self._unsure(step)
                case "joined":
                    self._joined(step)
                case "next":
                    self._next(step)
                case _:
                    self._first(step)
        for person in self._people.values():
            for table, standing in person.standing.items():
                self._rows[table] += [(*key, since, OPEN, *values) for key, (since, values) in standing.items()]
        for filed in self._filed.values():
            record = filed.record._replace(publish_now=filed.publish)
            self._rows[Record].append(tuple(_stored(getattr(record, name)) for name in COLUMNS[Record]))
            self._rows[Report].append((filed.record.key, filed.since, OPEN, filed.since, filed.version))
            keys = blocking_keys.build_blocking_rows(
                filed.content, filed.record.key, filed.record.source, filed.publish
            )
            self._rows[BlockingKey] += [tuple(row[name] for name in COLUMNS[BlockingKey]) for row in keys]
        return self._kinds, self._rows

    def _first(self, step: Step) -> None:
        person = self._people[step.person]
        record_id = self._new_id()
        if step.kind == "tied":
            self._decision(self._filed[step.other].record.id, record_id, "same", "matcher")
        revision, source = self._entry("report"), self._sources[step.source]
        detention, release = uuid.uuid5(record_id, "detention"), uuid.uuid5(record_id, "release")
        record = StoredRecord(
            revision, record_id, source, self._new_id(), detention, release, publish_now="", redacted=False,
            detainee=None, has_consent=False, has_objection=False, publish_decided=None, opening=None, opening_to=None,
            stated=revision, review=None, body=None, personal={},
        )  # fmt: skip
        filed = self._filed[step.record] = self._stated(record, step, revision)
        if step.kind == "tied":
            person.clusters[0].append(filed)
        else:
            person.clusters.append([filed])
        self._project(person, revision)

    def _next(self, step: Step) -> None:
        revision, before = self._entry("report"), self._filed[step.record]
        self._rows[Report].append((before.record.key, before.since, revision, before.since, before.version))
        new = self._stated(before.record, step, revision)
        before.statement, before.content = new.statement, new.content
        before.since, before.version = revision, before.version + 1
        self._project(self._people[step.person], revision)

    def _joined(self, step: Step) -> None:
        a, b = self._filed[step.record].record.id, self._filed[step.other].record.id
        revision = self._decision(a, b, "same", "curator")
        person = self._people[step.person]
        person.clusters = [[filed for cluster in person.clusters for filed in cluster]]
        self._project(person, revision)

    def _unsure(self, step: Step) -> None:
        a, b = self._filed[step.record].record, self._filed[step.other].record
        revision = self._decision(a.id, b.id, "unsure", "curator")
        self._rows[PendingPair].append((revision, revision, OPEN, *sorted((a.key, b.key))))

    def _stated(self, record: Any, step: Step, revision: int) -> _Filed:
        """The record with its content as the write path has it."""
        said = classes.add_minor_class(content.flatten_body(step.body), FILED_ON)
        said = {**said, "source_record_id": step.body["source_record_id"]}
        public, personal = split_content(said, is_count_only=said.get(CLASS_FIELD) == Publish.COUNTED)
        entry = LogEntry(revision, "report", BEGUN, {"said": public}, personal, b"")
        statement = build_version_statement(record, entry, self._views, pointer=None, is_erased=False)
        return _Filed(record, statement, said, since=revision)

    def _project(self, person: _Person, revision: int) -> None:
        """Project the person's clusters anew, close the rows that changed, and open others."""
        wanted: dict[type[Any], dict[Row, Row]] = {table: {} for table in PROJECTED_TABLES}
        for cluster in person.clusters:
            members = [filed.statement for filed in cluster]
            publish = compute_person_class(members, [])
            rows = project(members, publish)
            detainee = rows[Detainee][0]["detainee"]
            rows[ProvisionalHiding] = [
                {"detainee": detainee, **asdict(one)} for one in find_provisional_hidings(members, [])
            ]
            for filed in cluster:
                filed.publish = compute_current_class(publish, members, [])
            for table, of_table in rows.items():
                shape = SHAPES[table]
                wanted[table].update((shape.key_of(row), shape.values_of(row)) for row in of_table)
        for table, new in wanted.items():
            standing = person.standing[table]
            for key, (since, values) in [*standing.items()]:
                if new.get(key) != values:
                    del standing[key]
                    self._rows[table].append((*key, since, revision, *values))
            standing.update((key, (revision, values)) for key, values in new.items() if key not in standing)

    def _decision(self, a: uuid.UUID, b: uuid.UUID, judgement: str, by: str) -> int:
        revision = self._entry("identity")
        row = (revision, self._new_id(), a, b, judgement, by, 1000, OPEN)
        self._rows[Decision].append(tuple(map(_stored, row)))
        return revision

    def _entry(self, kind: str) -> int:
        """The revision of the next entry."""
        self._revision += 1
        self._kinds.append(kind)
        return self._revision

    def _new_id(self) -> uuid.UUID:
        return uuid.UUID(int=self._chance.getrandbits(128), version=4)


def _stored(value: Any) -> Any:
    """An id as SQLite has it."""
    return value.hex if isinstance(value, uuid.UUID) else value
