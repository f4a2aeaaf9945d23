"""Apply log entries: update the base tables, then reproject the people they concern.

Requests and rebuilds use the same `Projector`. A request applies its entry in the entry's own transaction; a rebuild
replays the log into empty tables.
"""

import json
import uuid
from collections.abc import Callable, Collection, Mapping
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select, update
from sqlmodel import Session, col

from app.columns.cache import get_columns_directory
from app.columns.rows import OPEN_UNTIL
from app.db.write_buffer import WriteBuffer
from app.log.entries import LogEntry, lock_head, replay_entries
from app.log.head import set_rows_version
from app.matching.scripts import fold
from app.models import (
    OPEN,
    PROJECTED_TABLES,
    BlockingKey,
    ChangedPerson,
    Claim,
    ClassHold,
    Consent,
    Decision,
    Entry,
    Facility,
    ObjectionHiding,
    PendingPair,
    Placement,
    RecalledEntry,
    Record,
    Report,
    RequestedClass,
    Source,
)
from app.projection import ROWS_VERSION
from app.projection.statements import restore_content
from app.registry import effective_versions
from app.registry.curation.decision_recalls import apply_decision_recall
from app.registry.directory_snapshot import DirectorySnapshot, find_current_row
from app.registry.identity import blocking_keys
from app.registry.identity.clusters import StoredRecord
from app.registry.publication import classes, erasure
from app.registry.publication.openings import build_opening_rule
from app.registry.reprojection import ProjectedPerson, project_unlinked, reproject_people
from app.registry.review.limits import is_limited_report
from app.vocabulary import Judgement, Publish, Review

_INSERT_RECORD = insert(Record)
_RECORD_COLUMNS = tuple(Record.model_fields)
_INSERT_REPORT = insert(Report)
_CLOSE_REPORT = (
    update(Report)
    .where(col(Report.record) == bindparam("record_key"), col(Report.until) == OPEN)
    .values(until=bindparam("closed_at"))
)
_SELECT_RECORD = select(col(Record.key), col(Record.source), col(Record.publish_now)).where(
    col(Record.id) == bindparam("record_id")
)
_DELETE_RECORD_KEYS = delete(BlockingKey).where(col(BlockingKey.record) == bindparam("record_key"))
_INSERT_DECISION = insert(Decision)
_CLOSE_PAIR = (
    update(PendingPair)
    .where(col(PendingPair.decision) == bindparam("decision_key"), col(PendingPair.until) == OPEN)
    .values(until=bindparam("closed_at"))
)
SELECT_OPENED_RECORDS = (
    select(col(Record.id))
    .join(Placement, (col(Placement.record) == col(Record.key)) & (col(Placement.until) == OPEN))
    .join(ClassHold, (col(ClassHold.detainee) == col(Placement.detainee)) & (col(ClassHold.until) == OPEN))
    .where(col(ClassHold.opening) == bindparam("opening"))
    .order_by(col(Record.key))
)
_SELECT_EXISTING_RECORDS = select(col(Record.id)).where(col(Record.id).in_(bindparam("ids", expanding=True)))


class Projector:
    """Applies entries in one session.

    `erased_ids`: only for a rebuild, the records of erased people; no personal value of theirs is projected, for any
    revision. A rebuild begins with empty tables, and so with new Views. `projected_people`: record → its person, for
    the people reprojected by the last entry."""

    def __init__(self, session: Session, erased_ids: Collection[uuid.UUID] | None = None) -> None:
        self._session = session
        self._execute = session.connection().execute
        self.views = DirectorySnapshot.for_session(session) if erased_ids is None else DirectorySnapshot(session)
        self._erased_ids = frozenset(erased_ids or ())
        self._linked_records: dict[uuid.UUID, uuid.UUID] = {}  # future record → the record to which it will be linked
        self.projected_people: dict[int, ProjectedPerson] = {}

    def apply_entry(self, entry: LogEntry) -> None:
        """Update the tables to the state after `entry`."""
        handlers: dict[str, Callable[[LogEntry], Collection[uuid.UUID]]] = {
            "source": self._apply_source,
            "facility": self._apply_facility,
            "report": self._apply_report,
            "identity": self._apply_identity,
            "consent": self._apply_consent,
            "claim": self._apply_claim,
            "redaction": self._apply_redaction,
            "recall": self._apply_recall,
            "review": self._apply_review,
        }
        self.projected_people = {}
        touched_ids = handlers[entry.kind](entry)
        if touched_ids:
            self.projected_people = reproject_people(
                self._session, self.views, touched_ids, build_opening_rule(entry), self._erased_ids
            )

    def _apply_source(self, entry: LogEntry) -> Collection[uuid.UUID]:
        body = entry.body
        values = {name: body[name] for name in ("slug", "name", "kind", "country", "independent", "quarantined")}
        values["definition"] = body.get("definition")
        previous = self.views.sources_by_slug.get(body["slug"])
        self._insert_version(Source, body["slug"], values, entry.revision)
        self.views.forget_sources()
        current = self.views.sources_by_slug[body["slug"]]
        if previous is None or previous == current:
            return ()
        return self._session.scalars(select(col(Record.id)).where(col(Record.source) == current.key)).all()

    def _apply_facility(self, entry: LogEntry) -> Collection[uuid.UUID]:
        body = entry.body
        values = {name: body[name] for name in ("slug", "kind", "area", "country")}
        values["names"] = json.dumps(body["names"], ensure_ascii=False)
        values["point"] = json.dumps(body["point"]) if body["point"] else None
        previous = find_current_row(self._session, Facility, body["slug"])
        all_names = {body["slug"], *body["names"], *(json.loads(previous.names) if previous else [])}
        self._insert_version(Facility, body["slug"], values, entry.revision)
        self.views.forget_facilities()
        keys = [blocking_keys.format_facility_key(fold(name)) for name in all_names]
        record_keys = select(col(BlockingKey.record)).where(col(BlockingKey.key).in_(keys))
        return self._session.scalars(select(col(Record.id)).where(col(Record.key).in_(record_keys))).all()

    def _apply_report(self, entry: LogEntry) -> Collection[uuid.UUID]:
        body = entry.body
        record_id = uuid.UUID(body["record"])
        if body["version"] == 1:
            self._open_record(entry, self._build_record(entry, record_id))
            return ()
        buffer = WriteBuffer(self._session.connection())
        key, source, publish = self._execute(_SELECT_RECORD, {"record_id": record_id}).one()
        if "supersedes" not in body:  # the record was recalled and is filed again
            self._end_links(record_id, key, entry.revision)
        self._execute(_CLOSE_REPORT, {"record_key": key, "closed_at": entry.revision})
        if body.get("review") != Review.AWAITING_REVIEW:  # until then it is found by the version before
            self._execute(_DELETE_RECORD_KEYS, {"record_key": key})
        self._buffer_version(entry, key, source, publish, buffer)
        buffer.flush()
        return (record_id,)

    def _open_record(self, entry: LogEntry, record: StoredRecord) -> None:
        """Project the person of a new record, then write the record, whose row needs the person's class."""
        seeds = {record.id, self._linked_records.pop(record.id, record.id)}
        self.projected_people = reproject_people(
            self._session, self.views, seeds, build_opening_rule(entry), self._erased_ids, record
        )
        buffer = WriteBuffer(self._session.connection())
        self._buffer_first_version(entry, record, buffer)
        buffer.flush()

    def _end_links(self, record_id: uuid.UUID, key: int, revision: int) -> None:
        """End the links that the recalled versions of a record made. Links of its new version are later."""
        recall_revision = select(func.max(col(Report.until))).where(col(Report.record) == key).scalar_subquery()
        link_conditions = (
            col(Decision.b) == record_id,
            col(Decision.decided_by) != "curator",
            col(Decision.until) == OPEN,
        )
        self._execute(
            update(Decision).where(*link_conditions, col(Decision.key) < recall_revision).values(until=revision)
        )

    def apply_unlinked(self, entry: LogEntry, waiting: Mapping[int, int], buffer: WriteBuffer) -> str:
        """Buffer what `apply_entry` would write for the first report of a person who is linked to no other record.

        Returns the person's class of publication. `waiting`: decision → the person who may be the same."""
        record = self._build_record(entry, uuid.UUID(entry.body["record"]))
        person = project_unlinked(self.views, record, entry, waiting, buffer)
        self.projected_people = {record.key: person}
        self._buffer_first_version(entry, record, buffer)
        return person.publish

    def _build_record(self, entry: LogEntry, record_id: uuid.UUID) -> StoredRecord:
        """Return the record that an entry opens, as it will be stored."""
        body = entry.body
        return StoredRecord(
            key=entry.revision,
            id=record_id,
            source=self.views.sources_by_slug[body["source"]].key,
            detainee_id=uuid.UUID(body["subject"]),
            detention_id=uuid.uuid5(record_id, "detention"),
            release_id=uuid.uuid5(record_id, "release"),
            publish_now=body["said"].get("detainee.publish", Publish.ANONYMOUS.value),
            publish_decided=None,
            redacted=False,
            detainee=None,
            has_consent=False,
            has_objection=False,
            opening=None,
            opening_to=None,
            stated=entry.revision,
            review=body.get("review"),
            body=body,
            personal=entry.personal,
        )

    def _apply_identity(self, entry: LogEntry) -> Collection[uuid.UUID]:
        body = entry.body
        if "undoes" in body:
            decision = self._session.execute(
                update(Decision)
                .where(col(Decision.id) == uuid.UUID(body["undoes"]))
                .values(until=entry.revision)
                .returning(col(Decision.key), col(Decision.a), col(Decision.b))
            ).one()
            self._execute(_CLOSE_PAIR, {"decision_key": decision.key, "closed_at": entry.revision})
            return decision.a, decision.b
        a, b = uuid.UUID(body["a"]), uuid.UUID(body["b"])
        existing_ids = self._execute(_SELECT_EXISTING_RECORDS, {"ids": [a, b]}).scalars().all()
        buffer = WriteBuffer(self._session.connection())
        if len(existing_ids) < 2:  # a decision is written before the report that it links
            self.link_ahead(entry, buffer)
        else:
            buffer.add(_INSERT_DECISION, [_build_decision_row(entry)])
        buffer.flush()
        return existing_ids if len(existing_ids) == 2 else ()

    def link_ahead(self, entry: LogEntry, buffer: WriteBuffer) -> None:
        """Buffer a decision on a record that does not exist yet. It changes no person."""
        row = _build_decision_row(entry)
        buffer.add(_INSERT_DECISION, [row])
        if row["judgement"] == Judgement.SAME:
            self._linked_records[row["b"]] = row["a"]

    def _apply_consent(self, entry: LogEntry) -> Collection[uuid.UUID]:
        if "opens" in entry.body:
            return self._session.scalars(SELECT_OPENED_RECORDS, {"opening": entry.body["opens"]}).all()
        record_id = uuid.UUID(entry.body["record"])
        key = self._session.scalars(select(col(Record.key)).where(col(Record.id) == record_id)).one()
        if "objection" in entry.body:
            self._apply_objection(entry, key)
        else:
            row = {"key": entry.revision, "record": key, "publish": entry.body["publish"]}
            self._execute(insert(Consent), row)
        return (record_id,)

    def _apply_objection(self, entry: LogEntry, record_key: int) -> None:
        """Hide the record's person, or end the hiding. It lasts until an announced correction or erasure is made."""
        step, revision = entry.body["objection"], entry.revision
        hides = step == "received" or entry.body.get("to") in ("correction", "erasure")
        open_hiding = (col(ObjectionHiding.record) == record_key, col(ObjectionHiding.until) == OPEN)
        changes = {"until": OPEN} if hides else {"until": revision, "lapsed": step == "lapsed"}
        if not self._execute(update(ObjectionHiding).where(*open_hiding).values(changes)).rowcount:
            row = {"key": revision, "record": record_key, "until": OPEN if hides else revision, "lapsed": False}
            self._execute(insert(ObjectionHiding), row)

    def _apply_claim(self, entry: LogEntry) -> Collection[uuid.UUID]:
        body = entry.body
        if "confirms" in body:
            is_confirmed = col(Claim.stated) == body["confirms"]
            values = {"confirmed": entry.revision, "second": body.get("second")}
            self._execute(update(Claim).where(is_confirmed).values(values))
            return ()
        claim_id = uuid.UUID(body["id"])
        previous = self._session.scalars(
            select(Claim).where(col(Claim.id) == claim_id, col(Claim.until) == OPEN)
        ).one_or_none()
        filed_by = body["filed_by"]
        row = {
            "key": previous.key if previous else entry.revision,
            "since": entry.revision,
            "until": OPEN,
            "stated": entry.revision,
            "id": claim_id,
            "filed_by": self.views.sources_by_slug[filed_by].key if filed_by else None,
            "source_record_id": entry.personal.get("source_record_id"),
            "claimant": body["said"].get("claimant"),
            "measure": body["said"]["measure"],
            "country": body["said"].get("country"),
            "confirmed": None if "hearsay" in body else entry.revision,
            "second": body.get("second"),
        }
        self._close_version(Claim, row["key"], entry.revision)
        self._execute(insert(Claim), row)
        return ()

    def _apply_redaction(self, entry: LogEntry) -> Collection[uuid.UUID]:
        records = [uuid.UUID(record) for record in entry.body["records"]]
        erasure.erase_records(self._session, records, entry.revision)
        return records

    def _apply_recall(self, entry: LogEntry) -> Collection[uuid.UUID]:
        if "decisions" in entry.body:
            return apply_decision_recall(self._session, entry)
        source = entry.body["source"]
        source_key = None if source is None else self.views.sources_by_slug[source].key
        return effective_versions.apply_recall(self._session, entry, source_key)

    def _apply_review(self, entry: LogEntry) -> Collection[uuid.UUID]:
        return effective_versions.apply_review(
            self._session, entry, self.views.sources_by_slug[entry.body["source"]].key
        )

    def _insert_version(self, table: Any, slug: str, values: dict[str, Any], revision: int) -> None:
        previous = find_current_row(self._session, table, slug)
        key = previous.key if previous else revision
        self._close_version(table, key, revision)
        self._execute(insert(table), {"key": key, "since": revision, "until": OPEN, **values})

    def _close_version(self, table: Any, key: int, revision: int) -> None:
        self._execute(update(table).where(table.key == key, table.until == OPEN).values(until=revision))

    def _buffer_first_version(self, entry: LogEntry, record: StoredRecord, buffer: WriteBuffer) -> None:
        person = self.projected_people[record.key]
        row = {name: getattr(record, name) for name in _RECORD_COLUMNS}
        classes_now = {"publish_now": person.publish, "publish_decided": person.decided_class}
        buffer.add(_INSERT_RECORD, [row | classes_now])
        self._buffer_version(entry, record.key, record.source, person.publish, buffer)

    def _buffer_version(self, entry: LogEntry, record: int, source: int, publish: str, buffer: WriteBuffer) -> None:
        """Buffer a version of a record, its blocking keys under today's class of its person, and its wish."""
        revision, content = entry.revision, restore_content(entry.body["said"], entry.personal)
        review = entry.body.get("review")
        row = {"record": record, "since": revision, "until": OPEN, "stated": revision, "version": entry.body["version"]}
        row |= {"source": source, "review": review, "is_limited": is_limited_report(content)}
        buffer.add(_INSERT_REPORT, [row])
        if review != Review.AWAITING_REVIEW:
            blocking_rows = blocking_keys.build_blocking_rows(content, record, source, publish)
            buffer.add(effective_versions.INSERT_BLOCKING_KEYS, blocking_rows)
        classes.buffer_wish(self._session, entry, record, buffer)


def _build_decision_row(entry: LogEntry) -> dict[str, Any]:
    """Return the row of the decision in an entry."""
    body = entry.body
    return {
        "key": entry.revision,
        "id": uuid.UUID(body["id"]),
        "a": uuid.UUID(body["a"]),
        "b": uuid.UUID(body["b"]),
        "judgement": body["judgement"],
        "decided_by": body["by"],
        "score": body["score"],
        "until": OPEN,
    }


BASE_TABLES: tuple[type[Any], ...] = (
    Source, Facility, Record, Report, RequestedClass, Decision, Consent, ObjectionHiding, Claim, RecalledEntry,
    BlockingKey, PendingPair, ChangedPerson,
)  # fmt: skip


def rebuild_tables(session: Session) -> int:
    """Replay the log into empty tables under today's rules, and return the number of entries.

    Under unchanged rules the rows are the same as before."""
    lock_head(session)  # no write may come between deleting and replaying
    directory = get_columns_directory(session.connection().engine)
    if directory is not None:
        directory.delete_before(OPEN_UNTIL)  # every saved column is of the old rows
    set_rows_version(session, ROWS_VERSION)
    for table in (*BASE_TABLES, *PROJECTED_TABLES):
        session.connection().execute(delete(table))
    projector = Projector(session, _find_erased_records(session))
    count = 0
    for entry in replay_entries(session):
        projector.apply_entry(entry)
        count += 1
    return count


def _find_erased_records(session: Session) -> set[uuid.UUID]:
    """Return all records ever erased: a rebuild must restore no personal value, not even for earlier revisions."""
    bodies = session.scalars(select(col(Entry.body)).where(col(Entry.kind) == "redaction"))
    return {uuid.UUID(record) for body in bodies for record in json.loads(body)["records"]}
