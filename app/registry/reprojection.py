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

from app.db.engine import chunks
from app.db.write_buffer import WriteBuffer
from app.log.content import KEPT_FACILITY, Content
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
    TableRow,
)
from app.projection import Rows, Statement, project, statements
from app.registry.directory_snapshot import Views
from app.registry.identity.clusters import AMONG, Edge, StoredRecord, clusters, component_of, rows_among, stored_records
from app.registry.publication.classes import GivenConsent, class_of_today, person_class, provisional
from app.vocabulary import Judgement, Publish


class VersionedTables:
    """Tables whose rows may change together. They are found by the value of one column that all have, `matched_by`, and
    read with one statement."""

    def __init__(self, models: Sequence[type[Any]], matched_by: str) -> None:
        self._tables = [_Versioned(model, matched_by) for model in models]
        # One row is wide enough for any table: each column stands in the next free place for its type.
        wide: list[TypeEngine[Any]] = []
        self._places = [_places(table, wide) for table in self._tables]
        numbered = enumerate(zip(self._tables, self._places, strict=True))
        self._standing = union_all(*(_widened(number, *part, wide) for number, part in numbered))

    def replace(
        self, run: Connection, among: Collection[Any], wanted: Mapping[type[Any], list[TableRow]], revision: int
    ) -> None:
        """Make `wanted`, rows by their table, the standing rows from `revision` on, in place of those found by
        `among`."""
        standing: list[list[tuple[Any, ...]]] = [[] for _ in self._tables]
        for some in chunks(among):
            for number, *row in run.execute(self._standing, {"among": some}):
                standing[number].append(tuple(row[place] for place in self._places[number]))
        buffer = WriteBuffer(run)
        for table, rows in zip(self._tables, standing, strict=True):
            table.replace(buffer, rows, wanted.get(table.model, []), revision)
        buffer.flush()

    def open(self, buffer: WriteBuffer, wanted: Mapping[type[Any], list[TableRow]], revision: int) -> None:
        """Add to the buffer rows that stand in place of none."""
        for table in self._tables:
            table.open(buffer, wanted.get(table.model, []), revision)


class _Versioned:
    """One such table."""

    def __init__(self, model: type[Any], matched_by: str) -> None:
        table: Table = model.__table__
        self.model = model
        key = [column for column in table.primary_key.columns if column.name != "since"]
        self._key = [column.name for column in key]
        self._values = [c.name for c in table.c if c.name not in (*self._key, "since", "until")]
        self._insert = insert(table)
        this = [column == bindparam(f"this_{column.name}") for column in (*key, table.c.since)]
        self._close = update(table).where(*this).values(until=bindparam("closed_at"))
        self._delete = delete(table).where(*this)
        # `since` first, then the key, then the values: a row is cut into its parts by position.
        self.columns = [table.c.since, *key, *(table.c[name] for name in self._values)]
        self.stands = (table.c[matched_by].in_(bindparam("among", expanding=True)), table.c.until == OPEN)

    def replace(
        self, buffer: WriteBuffer, standing: Iterable[tuple[Any, ...]], wanted: list[TableRow], at: int
    ) -> None:
        """Add to the buffer what makes `wanted` the rows that stand from a revision on, in place of rows of
        `columns`."""
        new = {tuple(row[n] for n in self._key): tuple(row[n] for n in self._values) for row in wanted}
        width = 1 + len(self._key)
        closed: list[TableRow] = []
        unseen: list[TableRow] = []
        for row in standing:
            since, key, values = row[0], row[1:width], row[width:]
            if new.get(key) == values:
                del new[key]
                continue
            this = {"this_since": since, **{f"this_{n}": value for n, value in zip(self._key, key, strict=True)}}
            # A row of this very revision was never visible to anyone: it leaves no past.
            (unseen if since == at else closed).append(this)
        buffer.add(self._delete, unseen)
        buffer.add(self._close, [{**this, "closed_at": at} for this in closed])
        names = (*self._key, *self._values)
        opened = [dict(zip(names, key + values, strict=True)) for key, values in new.items()]
        buffer.add(self._insert, [{**row, "since": at, "until": OPEN} for row in opened])

    def open(self, buffer: WriteBuffer, wanted: list[TableRow], at: int) -> None:
        once = {tuple(row[n] for n in self._key): row for row in wanted}
        buffer.add(self._insert, [{**row, "since": at, "until": OPEN} for row in once.values()])


def _places(table: _Versioned, wide: list[TypeEngine[Any]]) -> list[int]:
    """The places of a table's columns in the wide row, which grows by those that it lacks."""
    places: list[int] = []
    for column in table.columns:
        kind = column.type.python_type
        free = (n for n, other in enumerate(wide) if other.python_type is kind and n not in places)
        place = next(free, len(wide))
        if place == len(wide):
            wide.append(column.type)
        places.append(place)
    return places


def _widened(number: int, table: _Versioned, places: Sequence[int], wide: Sequence[TypeEngine[Any]]) -> Select[Any]:
    """The standing rows of a table as wide rows, each with the table's number."""
    by_place = dict(zip(places, table.columns, strict=True))
    cells = [by_place.get(place, cast(null(), kind)).label(f"c{place}") for place, kind in enumerate(wide)]
    return select(literal(number).label("of"), *cells).where(*table.stands)


# One row for each person: whoever missed many entries reads the person once.
_MARK = text(
    "INSERT INTO changed_person (detainee, revision) VALUES (:detainee, :revision) "
    "ON CONFLICT (detainee) DO UPDATE SET revision = excluded.revision"
)


def mark(run: Connection, people: Collection[int], revision: int) -> None:
    """Remember that the entry of a revision touched these people. Whose first report it is needs no mark: a person's
    key is that revision."""
    rows = [{"detainee": person, "revision": revision} for person in sorted(people) if person != revision]
    if rows:
        run.execute(_MARK, rows)


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
    content, hidden = statements.parted(said, personal)
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
