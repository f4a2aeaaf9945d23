"""Apply an entry: change the base tables, then project the touched people again.

Requests and replays use the same function, inside the transaction of the entry.

Replay the log: make every base and projected table anew from the entries and the sealed values."""

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
from app.log.head import set_rules
from app.matching.scripts import fold
from app.models import (
    OPEN,
    PROJECTED_TABLES,
    BlockingKey,
    ChangedPerson,
    Claim,
    Consent,
    Decision,
    Entry,
    Facility,
    ObjectionHiding,
    PendingPair,
    RecalledEntry,
    Record,
    Report,
    RequestedClass,
    Source,
)
from app.projection import RULES
from app.registry import effective_versions
from app.registry.directory_snapshot import Views, find_current_row
from app.registry.identity import blocking_keys
from app.registry.identity.clusters import StoredRecord
from app.registry.publication import classes, erasure
from app.registry.reprojection import ProjectedPerson, project_unlinked, reproject_people
from app.vocabulary import Judgement, Publish

_INSERT_RECORD = insert(Record)
_RECORD_COLUMNS = tuple(Record.model_fields)
_INSERT_REPORT = insert(Report)
_CLOSE_REPORT = (
    update(Report).where(col(Report.record) == bindparam("of"), col(Report.until) == OPEN).values(until=bindparam("at"))
)
_SELECT_RECORD = select(col(Record.key), col(Record.source), col(Record.publish_now)).where(
    col(Record.id) == bindparam("of")
)
_DELETE_RECORD_KEYS = delete(BlockingKey).where(col(BlockingKey.record) == bindparam("of"))
_INSERT_DECISION = insert(Decision)
_CLOSE_PAIR = (
    update(PendingPair)
    .where(col(PendingPair.decision) == bindparam("of"), col(PendingPair.until) == OPEN)
    .values(until=bindparam("at"))
)
_SELECT_EXISTING_RECORDS = select(col(Record.id)).where(col(Record.id).in_(bindparam("ids", expanding=True)))


class Projector:
    """Applies entries within one session. `erased`: in a replay, the records of erased people, of whom nothing personal
    is projected for any time. A replay begins with empty tables, and so with Views of its own.

    `projected_people`: record → its person, of the people whom the last entry touched."""

    def __init__(self, session: Session, erased_ids: Collection[uuid.UUID] | None = None) -> None:
        self._session = session
        self._execute = session.connection().execute
        self.views = Views.for_session(session) if erased_ids is None else Views(session)
        self._erased_ids = frozenset(erased_ids or ())
        self._linked_records: dict[uuid.UUID, uuid.UUID] = {}  # record to come → the one to which a decision ties it
        self.projected_people: dict[int, ProjectedPerson] = {}

    def apply_entry(self, entry: LogEntry) -> None:
        """Bring the tables to the state after `entry`."""
        handlers: dict[str, Callable[[LogEntry], Collection[uuid.UUID]]] = {
            "source": self._apply_source,
            "facility": self._apply_facility,
            "report": self._apply_report,
            "identity": self._apply_identity,
            "consent": self._apply_consent,
            "claim": self._apply_claim,
            "redaction": self._apply_redaction,
            "recall": self._apply_recall,
        }
        self.projected_people = {}
        touched_ids = handlers[entry.kind](entry)
        if touched_ids:
            self.projected_people = reproject_people(
                self._session, self.views, touched_ids, entry.revision, self._erased_ids
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
        keys = [
            blocking_keys.format_inherited_facility_key(body["slug"]),
            *(blocking_keys.format_facility_key(fold(name)) for name in all_names),
        ]
        record_keys = select(col(BlockingKey.record)).where(col(BlockingKey.key).in_(keys))
        return self._session.scalars(select(col(Record.id)).where(col(Record.key).in_(record_keys))).all()

    def _apply_report(self, entry: LogEntry) -> Collection[uuid.UUID]:
        body = entry.body
        record_id = uuid.UUID(body["record"])
        if body["version"] == 1:
            self._open_record(entry, self._build_record(entry, record_id))
            return ()
        buffer = WriteBuffer(self._session.connection())
        key, source, publish = self._execute(_SELECT_RECORD, {"of": record_id}).one()
        if "supersedes" not in body:  # it stood no more, and is filed again
            self._end_links(record_id, key, entry.revision)
        self._execute(_CLOSE_REPORT, {"of": key, "at": entry.revision})
        self._execute(_DELETE_RECORD_KEYS, {"of": key})
        self._buffer_version(entry, key, source, publish, buffer)
        buffer.flush()
        return (record_id,)

    def _open_record(self, entry: LogEntry, record: StoredRecord) -> None:
        """Project the person of a new record before the record is written: by then its class of publication is
        known."""
        seeds = {record.id, self._linked_records.pop(record.id, record.id)}
        self.projected_people = reproject_people(
            self._session, self.views, seeds, entry.revision, self._erased_ids, record
        )
        buffer = WriteBuffer(self._session.connection())
        self._buffer_first_version(entry, record, buffer)
        buffer.flush()

    def _end_links(self, record_id: uuid.UUID, key: int, revision: int) -> None:
        """End what tied the recalled versions of a record by being filed; what ties its new version came later."""
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
        """Add to the buffer what `apply_entry` would write for the first report of a person whom no decision ties to anybody;
        returns the person's class of publication. `waiting`: decision → the person who may be the same."""
        record = self._build_record(entry, uuid.UUID(entry.body["record"]))
        person = project_unlinked(self.views, record, entry, waiting, buffer)
        self.projected_people = {record.key: person}
        self._buffer_first_version(entry, record, buffer)
        return person.publish

    def _build_record(self, entry: LogEntry, record_id: uuid.UUID) -> StoredRecord:
        """The record that an entry opens, as it is once it is stored."""
        body = entry.body
        return StoredRecord(
            key=entry.revision,
            id=record_id,
            source=self.views.sources_by_slug[body["source"]].key,
            detainee_id=uuid.UUID(body["subject"]),
            detention_id=uuid.uuid5(record_id, "detention"),
            release_id=uuid.uuid5(record_id, "release"),
            publish_now=body["said"].get("detainee.publish", Publish.ANONYMOUS.value),
            redacted=False,
            detainee=None,
            has_consent=False,
            has_objection=False,
            stated=entry.revision,
            body=body,
            personal=entry.personal,
        )

    def _apply_identity(self, entry: LogEntry) -> Collection[uuid.UUID]:
        body = entry.body
        if "undoes" in body:
            undone = self._session.execute(
                update(Decision)
                .where(col(Decision.id) == uuid.UUID(body["undoes"]))
                .values(until=entry.revision)
                .returning(col(Decision.key), col(Decision.a), col(Decision.b))
            ).one()
            self._execute(_CLOSE_PAIR, {"of": undone.key, "at": entry.revision})  # where it was waiting for a curator
            return undone.a, undone.b
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
        """Add to the buffer a decision on a record to come, which touches nobody."""
        row = _build_decision_row(entry)
        buffer.add(_INSERT_DECISION, [row])
        if row["judgement"] == Judgement.SAME:
            self._linked_records[row["b"]] = row["a"]

    def _apply_consent(self, entry: LogEntry) -> Collection[uuid.UUID]:
        record_id = uuid.UUID(entry.body["record"])
        key = self._session.scalars(select(col(Record.key)).where(col(Record.id) == record_id)).one()
        if "objection" in entry.body:
            self._apply_objection(entry, key)
        else:
            row = {"key": entry.revision, "record": key, "publish": entry.body["publish"]}
            self._execute(insert(Consent), row)
        return (record_id,)

    def _apply_objection(self, entry: LogEntry, record_key: int) -> None:
        """Hide the record's person, or end that. Who waits for a correction or an erasure is hidden until then."""
        step, revision = entry.body["objection"], entry.revision
        hides = step == "received" or entry.body.get("to") in ("correction", "erasure")
        open_hiding = (col(ObjectionHiding.record) == record_key, col(ObjectionHiding.until) == OPEN)
        changes = {"until": OPEN} if hides else {"until": revision, "lapsed": step == "lapsed"}
        if not self._execute(update(ObjectionHiding).where(*open_hiding).values(changes)).rowcount:
            row = {"key": revision, "record": record_key, "until": OPEN if hides else revision, "lapsed": False}
            self._execute(insert(ObjectionHiding), row)

    def _apply_claim(self, entry: LogEntry) -> Collection[uuid.UUID]:
        body = entry.body
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
        }
        self._close_version(Claim, row["key"], entry.revision)
        self._execute(insert(Claim), row)
        return ()

    def _apply_redaction(self, entry: LogEntry) -> Collection[uuid.UUID]:
        records = [uuid.UUID(record) for record in entry.body["records"]]
        erasure.erase_records(self._session, records, entry.revision)
        return records

    def _apply_recall(self, entry: LogEntry) -> Collection[uuid.UUID]:
        return effective_versions.apply_recall(
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
        publish = self.projected_people[record.key].publish
        row = {name: getattr(record, name) for name in _RECORD_COLUMNS}
        buffer.add(_INSERT_RECORD, [row | {"publish_now": publish}])
        self._buffer_version(entry, record.key, record.source, publish, buffer)

    def _buffer_version(self, entry: LogEntry, record: int, source: int, publish: str, buffer: WriteBuffer) -> None:
        """Add a version of a record, its blocking keys under today's class of its person, and the class that it asks
        for."""
        revision, content = entry.revision, {**entry.body["said"], **entry.personal}
        row = {"record": record, "since": revision, "until": OPEN, "stated": revision, "version": entry.body["version"]}
        buffer.add(_INSERT_REPORT, [row])
        buffer.add(
            effective_versions.INSERT_BLOCKING_KEYS, blocking_keys.build_blocking_rows(content, record, source, publish)
        )
        classes.buffer_wish(self._session, entry, record, buffer)


def _build_decision_row(entry: LogEntry) -> dict[str, Any]:
    """The row of the decision in an entry."""
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
    """Make all rows anew under today's rules; returns the number of entries replayed. Under unchanged rules the rows
    are the same as before."""
    lock_head(session)  # no write may come between deleting and replaying
    directory = get_columns_directory(session.connection().engine)
    if directory is not None:
        directory.delete_before(OPEN_UNTIL)  # whatever was saved is of the rows that stood before
    set_rules(session, RULES)
    for table in (*BASE_TABLES, *PROJECTED_TABLES):
        session.connection().execute(delete(table))
    projector = Projector(session, _find_erased_records(session))
    count = 0
    for entry in replay_entries(session):
        projector.apply_entry(entry)
        count += 1
    return count


def _find_erased_records(session: Session) -> set[uuid.UUID]:
    """The records erased at any time: nothing personal of them may come back, not even for the time before."""
    bodies = session.scalars(select(col(Entry.body)).where(col(Entry.kind) == "redaction"))
    return {uuid.UUID(record) for body in bodies for record in json.loads(body)["records"]}
