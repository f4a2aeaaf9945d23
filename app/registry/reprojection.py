"""Tables whose rows carry transaction time (`since`, `until`): close rows that no longer hold, insert new ones.

Statements are made once: building one costs more than running it.

Which people an entry touched, for whoever keeps their rows elsewhere (`app/columns`).

Project again the people whom an entry touched, and write the rows that changed."""

import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import (
    Connection,
    Select,
    Table,
    and_,
    bindparam,
    cast,
    delete,
    insert,
    literal,
    null,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy.types import TypeEngine
from sqlmodel import Session, col

from app.db.engine import split_into_chunks
from app.db.write_buffer import WriteBuffer
from app.log.content import INHERITED_FACILITY, Content
from app.log.entries import LogEntry
from app.models import (
    OPEN,
    PROJECTED_TABLES,
    BlockingKey,
    Consent,
    Detainee,
    PendingPair,
    Placement,
    ProvisionalHiding,
    Record,
    TableRow,
)
from app.projection import Rows, Statement, project, statements
from app.registry.directory_snapshot import Views
from app.registry.identity.clusters import (
    IDS_PARAMETER,
    Edge,
    StoredRecord,
    load_component,
    load_stored_records,
    resolve_people,
    select_in_chunks,
)
from app.registry.publication.classes import (
    RecordedConsent,
    compute_current_class,
    compute_person_class,
    find_provisional_hidings,
)
from app.vocabulary import Judgement, Publish


class VersionedTables:
    """Tables whose rows may change together. They are found by the value of one column that all have, `matched_by`, and
    read with one statement."""

    def __init__(self, models: Sequence[type[Any]], match_column: str) -> None:
        self._tables = [_VersionedTable(model, match_column) for model in models]
        # One row is wide enough for any table: each column stands in the next free place for its type.
        wide_types: list[TypeEngine[Any]] = []
        self._positions = [_assign_positions(table, wide_types) for table in self._tables]
        numbered_tables = enumerate(zip(self._tables, self._positions, strict=True))
        self._select_current = union_all(
            *(_select_wide_rows(number, *part, wide_types) for number, part in numbered_tables)
        )

    def replace(
        self,
        connection: Connection,
        values: Collection[Any],
        new_rows: Mapping[type[Any], list[TableRow]],
        revision: int,
    ) -> None:
        """Make `new_rows`, rows by their table, the standing rows from `revision` on, in place of those found by
        `values`."""
        current_rows: list[list[tuple[Any, ...]]] = [[] for _ in self._tables]
        for chunk in split_into_chunks(values):
            for number, *row in connection.execute(self._select_current, {"among": chunk}):
                current_rows[number].append(tuple(row[position] for position in self._positions[number]))
        buffer = WriteBuffer(connection)
        for table, rows in zip(self._tables, current_rows, strict=True):
            table.replace(buffer, rows, new_rows.get(table.model, []), revision)
        buffer.flush()

    def insert_rows(self, buffer: WriteBuffer, new_rows: Mapping[type[Any], list[TableRow]], revision: int) -> None:
        """Add to the buffer rows that stand in place of none."""
        for table in self._tables:
            table.insert_rows(buffer, new_rows.get(table.model, []), revision)


class _VersionedTable:
    """One such table."""

    def __init__(self, model: type[Any], match_column: str) -> None:
        table: Table = model.__table__
        self.model = model
        key = [column for column in table.primary_key.columns if column.name != "since"]
        self._key = [column.name for column in key]
        self._values = [c.name for c in table.c if c.name not in (*self._key, "since", "until")]
        self._insert = insert(table)
        is_this_row = [column == bindparam(f"this_{column.name}") for column in (*key, table.c.since)]
        self._close = update(table).where(*is_this_row).values(until=bindparam("closed_at"))
        self._delete = delete(table).where(*is_this_row)
        # `since` first, then the key, then the values: a row is cut into its parts by position.
        self.columns = [table.c.since, *key, *(table.c[name] for name in self._values)]
        self.current_conditions = (table.c[match_column].in_(bindparam("among", expanding=True)), table.c.until == OPEN)

    def replace(
        self, buffer: WriteBuffer, current_rows: Iterable[tuple[Any, ...]], new_rows: list[TableRow], revision: int
    ) -> None:
        """Add to the buffer what makes `new_rows` the rows that stand from a revision on, in place of rows of
        `columns`."""
        new = {tuple(row[n] for n in self._key): tuple(row[n] for n in self._values) for row in new_rows}
        width = 1 + len(self._key)
        closed_rows: list[TableRow] = []
        unpublished_rows: list[TableRow] = []
        for row in current_rows:
            since, key, values = row[0], row[1:width], row[width:]
            if new.get(key) == values:
                del new[key]
                continue
            row_id = {"this_since": since, **{f"this_{n}": value for n, value in zip(self._key, key, strict=True)}}
            # A row of this very revision was never visible to anyone: it leaves no past.
            (unpublished_rows if since == revision else closed_rows).append(row_id)
        buffer.add(self._delete, unpublished_rows)
        buffer.add(self._close, [{**row_id, "closed_at": revision} for row_id in closed_rows])
        names = (*self._key, *self._values)
        inserted_rows = [dict(zip(names, key + values, strict=True)) for key, values in new.items()]
        buffer.add(self._insert, [{**row, "since": revision, "until": OPEN} for row in inserted_rows])

    def insert_rows(self, buffer: WriteBuffer, new_rows: list[TableRow], revision: int) -> None:
        unique_rows = {tuple(row[n] for n in self._key): row for row in new_rows}
        buffer.add(self._insert, [{**row, "since": revision, "until": OPEN} for row in unique_rows.values()])


def _assign_positions(table: _VersionedTable, wide_types: list[TypeEngine[Any]]) -> list[int]:
    """The places of a table's columns in the wide row, which grows by those that it lacks."""
    positions: list[int] = []
    for column in table.columns:
        kind = column.type.python_type
        free = (n for n, other in enumerate(wide_types) if other.python_type is kind and n not in positions)
        position = next(free, len(wide_types))
        if position == len(wide_types):
            wide_types.append(column.type)
        positions.append(position)
    return positions


def _select_wide_rows(
    number: int, table: _VersionedTable, positions: Sequence[int], wide_types: Sequence[TypeEngine[Any]]
) -> Select[Any]:
    """The standing rows of a table as wide rows, each with the table's number."""
    columns_by_position = dict(zip(positions, table.columns, strict=True))
    cells = [
        columns_by_position.get(position, cast(null(), kind)).label(f"c{position}")
        for position, kind in enumerate(wide_types)
    ]
    return select(literal(number).label("of"), *cells).where(*table.current_conditions)


# One row for each person: whoever missed many entries reads the person once.
_UPSERT_CHANGED_PERSON = text(
    "INSERT INTO changed_person (detainee, revision) VALUES (:detainee, :revision) "
    "ON CONFLICT (detainee) DO UPDATE SET revision = excluded.revision"
)


def mark_changed_people(connection: Connection, people: Collection[int], revision: int) -> None:
    """Remember that the entry of a revision touched these people. Whose first report it is needs no mark: a person's
    key is that revision."""
    rows = [{"detainee": person, "revision": revision} for person in sorted(people) if person != revision]
    if rows:
        connection.execute(_UPSERT_CHANGED_PERSON, rows)


_TABLES = VersionedTables(PROJECTED_TABLES, "detainee")
_PENDING_TABLES = VersionedTables([PendingPair], "decision")
_SELECT_CONSENTS = select(col(Consent.key), col(Consent.record), col(Consent.publish)).where(
    col(Consent.record).in_(IDS_PARAMETER)
)
_SELECT_PLACEMENTS = (
    select(col(Record.id), col(Placement.detainee))
    .join(Placement, and_(col(Placement.record) == col(Record.key), col(Placement.until) == OPEN))
    .where(col(Record.id).in_(IDS_PARAMETER))
)
_SELECT_PAST_PEOPLE = select(col(Placement.detainee)).where(col(Placement.record).in_(IDS_PARAMETER))
# Whoever judges by today's class finds it beside the record, and a look-up beside each of its blocking keys.
_UPDATE_CLASS = (
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


def reproject_people(
    session: Session,
    views: Views,
    seeds: Collection[uuid.UUID],
    revision: int,
    erased_ids: frozenset[uuid.UUID] = frozenset(),
    new_record: StoredRecord | None = None,
) -> dict[int, ProjectedPerson]:
    """Project the clusters in the components of the seeds, and write the difference at `revision`. Returns record → its
    person. `new_record`: one of the seeds, whose rows the caller writes afterwards, under the class of its person."""
    component, edges = load_component(session, seeds)
    stored_rows = [*load_stored_records(session, component), *([] if new_record is None else [new_record])]
    by_key = {record.key: record for record in stored_rows}
    new_rows: Rows = {table: [] for table in PROJECTED_TABLES}
    people_by_record: dict[int, ProjectedPerson] = {}
    # Of whom nothing stands any more keeps the class of before, and is only counted once erased.
    classes: dict[int, str] = {row.key: Publish.COUNTED if row.redacted else row.publish_now for row in stored_rows}
    for members, consents, records, has_objection in _iterate_people(
        session, stored_rows, _build_statements(stored_rows, views, erased_ids), edges
    ):
        rows, current_class = _project_person(members, consents, has_objection=has_objection)
        for table, table_rows in rows.items():
            new_rows[table] += table_rows
        classes |= dict.fromkeys(records, current_class)
        current_records = [by_key[member.record] for member in members]
        people_by_record |= dict.fromkeys(
            (current_record.key for current_record in current_records),
            ProjectedPerson(rows, current_class, current_records),
        )
    old_people = {row.detainee for row in stored_rows if row.detainee is not None}
    _TABLES.replace(session.connection(), old_people, new_rows, revision)
    touched_people = old_people | {row["detainee"] for row in new_rows[Detainee]}
    class_changes = [
        {"of": r.key, "class": classes[r.key]}
        for r in stored_rows
        if r is not new_record and r.publish_now != classes[r.key]
    ]
    if class_changes:
        for statement in _UPDATE_CLASS:
            session.connection().execute(statement, class_changes)
        # A recalled report is of nobody now, and of the person it was of at an earlier revision.
        touched_people.update(
            person for (person,) in select_in_chunks(session, _SELECT_PAST_PEOPLE, [row["of"] for row in class_changes])
        )
    mark_changed_people(session.connection(), touched_people, revision)
    if any(edge.judgement == Judgement.UNSURE for edge in edges):
        _write_pending_pairs(
            session, edges, {r.id: p.detainee for p in people_by_record.values() for r in p.records}, revision
        )
    return people_by_record


def is_person_count_only(
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
    component, edges = load_component(session, [record.id])
    stored_rows = load_stored_records(session, component)
    statements = _build_statements(stored_rows, views, frozenset())
    if content is not None:
        statement = statements.get(record.id) or _build_statement(
            record, OPEN, content, {}, views, pointer=None, is_erased=False, wish={}
        )
        statements[record.id] = replace(
            statement, revision=OPEN, content=content, hidden_content={},
            wish_revision=wish.get("since"), is_wish_suspended=wish.get("stopped", False),
        )  # fmt: skip
    people = _iterate_people(session, stored_rows, statements, edges)
    members, consents = next(
        (members, consents) for members, consents, records, _has_objection in people if record.key in records
    )
    return compute_current_class(compute_person_class(members, consents), members, consents) == Publish.COUNTED


def _iterate_people(
    session: Session, stored_rows: Sequence[StoredRecord], statements: dict[uuid.UUID, Statement], edges: Sequence[Edge]
) -> Iterator[tuple[list[Statement], list[RecordedConsent], list[int], bool]]:
    """`(statements, consents, records, whether an objection hides the person)` of each person of a component."""
    rows_by_id = {row.id: row for row in stored_rows}
    consents = _load_consents(session, [row.key for row in stored_rows if row.has_consent])
    for cluster in resolve_people(rows_by_id, statements, edges):
        members = [statements[record] for record in cluster if record in statements]
        if members:
            keys = [rows_by_id[record].key for record in cluster]
            person_consents = [consent_ for key in keys for consent_ in consents.get(key, [])]
            yield members, person_consents, keys, any(rows_by_id[record].has_objection for record in cluster)


def project_unlinked(
    views: Views, record: StoredRecord, entry: LogEntry, waiting: Mapping[int, int], buffer: WriteBuffer
) -> ProjectedPerson:
    """Add to the buffer the rows of a person of whom `entry` is the only report. `waiting`: decision → the person who
    may be the same.

    It does what `reproject_people` does for a component of one record, without reading what cannot be there yet.
    """
    statement = build_version_statement(record, entry, views, pointer=None, is_erased=False)
    rows, current_class = _project_person([statement], [])
    _TABLES.insert_rows(buffer, rows, entry.revision)
    person = ProjectedPerson(rows, current_class, [record])
    pairs = [_build_pending_row(decision, other_person, person.detainee) for decision, other_person in waiting.items()]
    _PENDING_TABLES.insert_rows(buffer, {PendingPair: pairs}, entry.revision)
    return person


def _project_person(
    members: Sequence[Statement], consents: Sequence[RecordedConsent], *, has_objection: bool = False
) -> tuple[Rows, str]:
    """`(rows, class of today)` of one person."""
    publish = compute_person_class(members, consents)
    rows = project(members, publish)
    rows[ProvisionalHiding] = [
        {"detainee": rows[Detainee][0]["detainee"], **asdict(hiding)}
        for hiding in find_provisional_hidings(members, consents)
    ]
    return rows, compute_current_class(publish, members, consents, has_objection=has_objection)


def _build_statements(
    stored_rows: Sequence[StoredRecord], views: Views, erased_ids: frozenset[uuid.UUID]
) -> dict[uuid.UUID, Statement]:
    """Record id → the statement of its current version, if it has one."""
    keys = {row.id: row.key for row in stored_rows if row.body is not None}
    statements = {}
    for row in stored_rows:
        body = row.body
        if body is None or row.stated is None:
            continue
        pointer = body.get("pointer")
        statements[row.id] = _build_statement(
            row,
            row.stated,
            body["said"],
            row.personal,
            views,
            pointer=None if pointer is None else keys.get(uuid.UUID(pointer)),
            is_erased=row.redacted or row.id in erased_ids,
            is_filed_by_pointer=pointer is not None or "person" in body,
            wish=body.get("wish", {}),
        )
    return statements


def build_version_statement(
    record: Record | StoredRecord, version: LogEntry, views: Views, *, pointer: int | None, is_erased: bool
) -> Statement:
    """The statement of one version of a record."""
    public_content, wish = version.body["said"], version.body.get("wish", {})
    return _build_statement(
        record,
        version.revision,
        public_content,
        version.personal,
        views,
        pointer=pointer,
        is_erased=is_erased,
        wish=wish,
    )


def _build_statement(
    record: Record | StoredRecord,
    revision: int,
    public_content: Content,
    personal: Content,
    views: Views,
    *,
    pointer: int | None,
    is_erased: bool,
    wish: dict[str, Any],
    is_filed_by_pointer: bool = False,
) -> Statement:
    content, hidden_content = statements.merge_content(public_content, personal)
    return Statement(
        record=record.key,
        id=record.id.hex,
        source=views.sources[record.source],
        revision=revision,
        content=content,
        pointer=pointer,
        facility=views.find_facility(content.get("detention.facility"), content.get("detention.country")),
        inherited_facility=views.find_facility(content.get(INHERITED_FACILITY), content.get("kept.country")),
        is_redacted=record.redacted,
        is_erased=is_erased,
        is_filed_by_pointer=is_filed_by_pointer,
        wish_revision=wish.get("since"),
        is_wish_suspended=wish.get("stopped", False),
        hidden_content=hidden_content,
    )


def _load_consents(session: Session, keys: Sequence[int]) -> dict[int, list[RecordedConsent]]:
    consents: dict[int, list[RecordedConsent]] = {}
    for key, record, publish in select_in_chunks(session, _SELECT_CONSENTS, keys):
        consents.setdefault(record, []).append((key, record, publish))
    return consents


def _write_pending_pairs(
    session: Session, edges: Sequence[Edge], people_by_record: dict[uuid.UUID, int], revision: int
) -> None:
    """Write the pairs that wait for a curator: of `unsure` decisions on two known people not judged `different`.
    `people_by_record`: record → its person, of the standing records of the component."""
    ends = {record for edge in edges for record in (edge.a, edge.b)} - people_by_record.keys()
    person_by_record = dict(select_in_chunks(session, _SELECT_PLACEMENTS, ends)) | people_by_record
    placed_edges = [edge for edge in edges if edge.a in person_by_record and edge.b in person_by_record]
    different_pairs = {
        frozenset((person_by_record[edge.a], person_by_record[edge.b]))
        for edge in placed_edges
        if edge.judgement == Judgement.DIFFERENT
    }
    unsure = [edge for edge in edges if edge.judgement == Judgement.UNSURE]
    pending_rows = []
    for edge in unsure:
        if edge.a not in person_by_record or edge.b not in person_by_record:
            continue
        a, b = person_by_record[edge.a], person_by_record[edge.b]
        if a != b and frozenset((a, b)) not in different_pairs:
            pending_rows.append(_build_pending_row(edge.key, a, b))
    _PENDING_TABLES.replace(session.connection(), [edge.key for edge in unsure], {PendingPair: pending_rows}, revision)


def _build_pending_row(decision: int, a: int, b: int) -> dict[str, int]:
    """The row of two people of whom a curator is to say whether they are one."""
    return {"decision": decision, "detainee_a": min(a, b), "detainee_b": max(a, b)}
