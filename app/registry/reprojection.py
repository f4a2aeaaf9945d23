"""Reproject the people that an entry concerns, and write the rows that changed.

`VersionedTables` closes rows that are no longer valid and inserts new ones. `mark_changed_people` records whose rows
changed, for copies of rows elsewhere (`app/columns`). Statements are built once: building one costs more than running
it.
"""

import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from types import MappingProxyType
from typing import Any, NamedTuple

from sqlalchemy import (
    Connection,
    and_,
    bindparam,
    select,
    text,
    update,
)
from sqlmodel import Session, col

from app.db.write_buffer import WriteBuffer
from app.log.content import Content
from app.log.entries import LogEntry
from app.models import (
    OPEN,
    PROJECTED_TABLES,
    BlockingKey,
    ClassHold,
    Consent,
    Detainee,
    PendingPair,
    Placement,
    ProvisionalHiding,
    Record,
)
from app.models.versioned_tables import VersionedTables
from app.projection import Rows, Statement, project, statements
from app.registry.directory_snapshot import DirectorySnapshot
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
    find_strictest_class,
)
from app.registry.publication.openings import OpeningRule, build_opening_rule, compute_hold
from app.vocabulary import Judgement, Publish, Review

# One row for each person, so that a copy that missed many entries reads the person once.
_UPSERT_CHANGED_PERSON = text(
    "INSERT INTO changed_person (detainee, revision) VALUES (:detainee, :revision) "
    "ON CONFLICT (detainee) DO UPDATE SET revision = excluded.revision"
)


def mark_changed_people(connection: Connection, people: Collection[int], revision: int) -> None:
    """Record that the entry of a revision changed these people.

    A person whose first report it is needs no row: the person's key is that revision."""
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
# Today's class is stored in the record and, for lookups, in each of its blocking keys.
_UPDATE_CLASS = (
    update(Record)
    .where(col(Record.key) == bindparam("record_key"))
    .values(publish_now=bindparam("new_class"), publish_decided=bindparam("decided_class"))
)
_UPDATE_KEY_CLASS = (
    update(BlockingKey)
    .where(col(BlockingKey.record) == bindparam("record_key"))
    .values(publish_now=bindparam("new_class"))
)
_CLASS_PARAMETERS = ("record_key", "new_class", "decided_class")


class ProjectedPerson(NamedTuple):
    """A person after an entry: the rows, today's class, the class without objections, and the current records."""

    rows: Rows
    publish: str
    decided_class: str
    records: list[StoredRecord]

    @property
    def detainee(self) -> int:
        key: int = self.rows[Detainee][0]["detainee"]
        return key

    @property
    def openings(self) -> set[int]:
        """The entries that would open the person."""
        return {row["opening"] for row in self.rows[ClassHold]}


def reproject_people(
    session: Session,
    views: DirectorySnapshot,
    seeds: Collection[uuid.UUID],
    rule: OpeningRule,
    erased_ids: frozenset[uuid.UUID] = frozenset(),
    new_record: StoredRecord | None = None,
) -> dict[int, ProjectedPerson]:
    """Project the people in the components of the seed records, and write the changed rows at the rule's revision.

    Returns record → its person. `rule`: what the entry may open. `new_record`: one of the seeds, whose rows the caller
    writes afterwards with the class of its person."""
    revision = rule.revision
    component, edges = load_component(session, seeds)
    stored_rows = [*load_stored_records(session, component), *([] if new_record is None else [new_record])]
    by_key = {record.key: record for record in stored_rows}
    new_rows: Rows = {table: [] for table in PROJECTED_TABLES}
    people_by_record: dict[int, ProjectedPerson] = {}
    # Records without a current version keep their class, or are count-only if erased. What undoes a stolen key's word
    # leaves no class behind to which a later report would have to be closed.
    classes: dict[int, tuple[str, str | None]] = {
        row.key: (Publish.COUNTED, Publish.COUNTED)
        if row.redacted
        else (row.publish_now, Publish.NAMED if rule.opens_freely else row.publish_decided)
        for row in stored_rows
    }
    for members, consents, records, has_objection in _iterate_people(
        session, stored_rows, _build_statements(stored_rows, views, erased_ids), edges
    ):
        person_records = [by_key[key] for key in records]
        rows, decided_class = _project_person(members, consents, person_records, views, rule)
        for table, table_rows in rows.items():
            new_rows[table] += table_rows
        # Objections are sent without a key, and must not change counts: they close only today's class.
        is_hidden = has_objection or _is_unapproved(members)
        current_class = Publish.COUNTED.value if is_hidden else decided_class
        classes |= dict.fromkeys(records, (current_class, decided_class))
        current_records = [by_key[member.record] for member in members]
        person = ProjectedPerson(rows, current_class, decided_class, current_records)
        people_by_record |= dict.fromkeys((record.key for record in current_records), person)
    old_people = {row.detainee for row in stored_rows if row.detainee is not None}
    _TABLES.replace(session.connection(), old_people, new_rows, revision)
    touched_people = old_people | {row["detainee"] for row in new_rows[Detainee]}
    changed_records = [
        r for r in stored_rows if r is not new_record and (r.publish_now, r.publish_decided) != classes[r.key]
    ]
    if changed_records:
        class_changes = [dict(zip(_CLASS_PARAMETERS, (r.key, *classes[r.key]), strict=True)) for r in changed_records]
        session.connection().execute(_UPDATE_CLASS, class_changes)
    changed_keys = [r.key for r in changed_records if r.publish_now != classes[r.key][0]]
    if changed_keys:
        key_changes = [{"record_key": key, "new_class": classes[key][0]} for key in changed_keys]
        session.connection().execute(_UPDATE_KEY_CLASS, key_changes)
        # A recalled report belongs to nobody now, but to its former person at earlier revisions.
        touched_people.update(person for (person,) in select_in_chunks(session, _SELECT_PAST_PEOPLE, changed_keys))
    mark_changed_people(session.connection(), touched_people, revision)
    if any(edge.judgement == Judgement.UNSURE for edge in edges):
        _write_pending_pairs(
            session, edges, {r.id: p.detainee for p in people_by_record.values() for r in p.records}, revision
        )
    return people_by_record


def is_person_count_only(
    session: Session,
    views: DirectorySnapshot,
    record: Record,
    content: Content | None = None,
    wish: Mapping[str, Any] = MappingProxyType({}),
) -> bool:
    """Return whether a record's person is count-only today, by reports and consents alone.

    Objections are ignored: they do not change what entries disclose. `content`, `wish`: judge as if this content, with
    this wish in its entry, were already the record's next version."""
    if record.publish_decided == Publish.COUNTED:
        return True  # the next version opens nobody yet
    if record.publish_now != Publish.COUNTED or content is None:
        return False
    component, edges = load_component(session, [record.id])
    stored_rows = load_stored_records(session, component)
    statements = _build_statements(stored_rows, views, frozenset())
    statement = statements.get(record.id) or _build_statement(
        record, OPEN, content, {}, views, pointer=None, is_erased=False, body={}
    )
    statements[record.id] = replace(
        statement, revision=OPEN, request=0, content=content, hidden_content={},
        wish_revision=wish.get("since"), is_wish_suspended=wish.get("name_only", False),
    )  # fmt: skip
    people = _iterate_people(session, stored_rows, statements, edges)
    members, consents = next(
        (members, consents) for members, consents, records, _has_objection in people if record.key in records
    )
    return compute_current_class(compute_person_class(members, consents), members, consents) == Publish.COUNTED


def _iterate_people(
    session: Session, stored_rows: Sequence[StoredRecord], statements: dict[uuid.UUID, Statement], edges: Sequence[Edge]
) -> Iterator[tuple[list[Statement], list[RecordedConsent], list[int], bool]]:
    """Yield `(statements, consents, records, whether an objection hides the person)` for each person of a component."""
    rows_by_id = {row.id: row for row in stored_rows}
    consents = _load_consents(session, [row.key for row in stored_rows if row.has_consent])
    for cluster in resolve_people(rows_by_id, statements, edges):
        members = [statements[record] for record in cluster if record in statements]
        if members:
            keys = [rows_by_id[record].key for record in cluster]
            person_consents = [consent_ for key in keys for consent_ in consents.get(key, [])]
            yield members, person_consents, keys, any(rows_by_id[record].has_objection for record in cluster)


def project_unlinked(
    views: DirectorySnapshot, record: StoredRecord, entry: LogEntry, waiting: Mapping[int, int], buffer: WriteBuffer
) -> ProjectedPerson:
    """Buffer the rows of a person whose only report is `entry`.

    The rows are those of `reproject_people` for a component of one record, but nothing is read from the database.
    `waiting`: decision → the person who may be the same.
    """
    statement = _build_statement(
        record, entry.revision, entry.body["said"], entry.personal, views,
        pointer=None, is_erased=False, body=entry.body, review=record.review,
    )  # fmt: skip
    rows, decided_class = _project_person([statement], [], [record], views, build_opening_rule(entry))
    _TABLES.insert_rows(buffer, rows, entry.revision)
    current_class = Publish.COUNTED.value if _is_unapproved([statement]) else decided_class
    person = ProjectedPerson(rows, current_class, decided_class, [record])
    pairs = [_build_pending_row(decision, other_person, person.detainee) for decision, other_person in waiting.items()]
    _PENDING_TABLES.insert_rows(buffer, {PendingPair: pairs}, entry.revision)
    return person


def _is_unapproved(members: Sequence[Statement]) -> bool:
    """Return whether only unapproved reports describe a person, who is then shown to nobody, as on an objection."""
    return all(statement.review is not None for statement in members)


def _project_person(
    members: Sequence[Statement],
    consents: Sequence[RecordedConsent],
    records: Sequence[StoredRecord],
    views: DirectorySnapshot,
    rule: OpeningRule,
) -> tuple[Rows, str]:
    """Return `(rows, today's class without objections)` of one person."""
    publish = compute_person_class(members, consents)
    current_class = compute_current_class(publish, members, consents)
    hold = compute_hold(records, views.sources, current_class, rule)
    if hold is not None:
        publish, current_class = find_strictest_class([publish, hold.logged_class]), hold.publish
    rows = project(members, publish)
    detainee = {"detainee": rows[Detainee][0]["detainee"]}
    rows[ProvisionalHiding] = [detainee | asdict(hiding) for hiding in find_provisional_hidings(members, consents)]
    rows[ClassHold] = [] if hold is None else [detainee | hold._asdict()]
    return rows, current_class


def _build_statements(
    stored_rows: Sequence[StoredRecord], views: DirectorySnapshot, erased_ids: frozenset[uuid.UUID]
) -> dict[uuid.UUID, Statement]:
    """Return record id → the statement of its current version, if it has one."""
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
            body=body,
            review=row.review,
        )
    return statements


def build_version_statement(
    record: Record | StoredRecord, version: LogEntry, views: DirectorySnapshot, *, pointer: int | None, is_erased: bool
) -> Statement:
    """Return the statement of one version of a record."""
    return _build_statement(
        record, version.revision, version.body["said"], version.personal, views,
        pointer=pointer, is_erased=is_erased, body=version.body,
    )  # fmt: skip


def _build_statement(
    record: Record | StoredRecord,
    revision: int,
    public_content: Content,
    personal: Content,
    views: DirectorySnapshot,
    *,
    pointer: int | None,
    is_erased: bool,
    body: Mapping[str, Any],
    is_filed_by_pointer: bool = False,
    review: str | None = None,
) -> Statement:
    wish = body.get("wish", {})
    content, hidden_content = statements.merge_content(public_content, personal)
    return Statement(
        record=record.key,
        id=record.id.hex,
        source=views.sources[record.source],
        revision=revision,
        content=content,
        pointer=pointer,
        request=body.get("request", 0),
        facility=views.find_facility(content.get("detention.facility"), content.get("detention.country")),
        is_redacted=record.redacted,
        is_erased=is_erased,
        is_filed_by_pointer=is_filed_by_pointer,
        wish_revision=wish.get("since"),
        is_wish_suspended=wish.get("name_only", False),
        review=None if review in (None, Review.UNREVIEWED) else Review(review),
        is_unreviewed=review == Review.UNREVIEWED,
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
    """Write the pairs that wait for a curator: `unsure` decisions on two people who are not judged `different`.

    `people_by_record`: record → its person, for the current records of the component."""
    ends = {record for edge in edges for record in (edge.a, edge.b)} - people_by_record.keys()
    person_by_record = dict(select_in_chunks(session, _SELECT_PLACEMENTS, ends)) | people_by_record
    placed_edges = [edge for edge in edges if edge.a in person_by_record and edge.b in person_by_record]
    different_pairs = {
        frozenset((person_by_record[edge.a], person_by_record[edge.b]))
        for edge in placed_edges
        if edge.judgement == Judgement.DIFFERENT
    }
    pending_rows = []
    for edge in placed_edges:
        a, b = person_by_record[edge.a], person_by_record[edge.b]
        if edge.judgement == Judgement.UNSURE and a != b and frozenset((a, b)) not in different_pairs:
            pending_rows.append(_build_pending_row(edge.key, a, b))
    unsure_keys = [edge.key for edge in edges if edge.judgement == Judgement.UNSURE]
    _PENDING_TABLES.replace(session.connection(), unsure_keys, {PendingPair: pending_rows}, revision)


def _build_pending_row(decision: int, a: int, b: int) -> dict[str, int]:
    """Return the row of two people that a curator must compare."""
    return {"decision": decision, "detainee_a": min(a, b), "detainee_b": max(a, b)}
