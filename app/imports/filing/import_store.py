"""Store imports in the database: begin them, advance them batch by batch, end them. `receipts` reads them.

Columns that quote a list are sealed with the operator's `secret`.
"""

import json
import uuid
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import delete, func, insert, or_, select, update
from sqlmodel import Session, col

from app.dates import format_instant
from app.errors import ListsWaiting, NotFound
from app.imports.fault_groups import FaultGroups
from app.imports.faults import WISH_WITHDRAWN, StoredFault, StoredRowError
from app.imports.mapping import ListMapping
from app.imports.reader.list_reader import digest_bytes
from app.imports.reader.tally import RowsCounted
from app.log import sealing
from app.log.entries import compute_keyed_digest
from app.models import OPEN, ImportFile, ImportMapping, ImportRow, ListImport, RecalledEntry
from app.registry.write import Outcome, WriteContext, new_id
from app.schemas.imports import ImportFieldChange
from app.translations import Message
from app.vocabulary import ImportOutcome

# A process renews the lease of its import with each batch, every few seconds: with an older lease it is gone.
LEASE = timedelta(minutes=2)
# Outcomes of rows are kept as long as idempotent answers are; the receipt stays.
ROW_RETENTION = timedelta(days=45)
MAX_IMPORT_WAIT = timedelta(minutes=15)  # the longest list expected takes less, unless others wait before it
OPEN_STATES = ("waiting", "checking", "running")
MAX_WAITING_LISTS = 5  # lists of one source whose files are stored at once
TOO_MANY_WAITING_MESSAGE = Message(
    "{number} lists of yours are not through yet: wait until one is, then send this one.", number=MAX_WAITING_LISTS
)
RETRY_AFTER_SECONDS = "5"  # seconds, in which a list of hundreds of rows is filed
ACCEPTED_STATUS = 202  # the list is stored, and filed after the answer

# A row is about a release, or about a person in custody. A death or an escape is neither.
ImportSubject = Literal["releases", "held"]
IMPORT_SUBJECTS: tuple[ImportSubject, ...] = ("releases", "held")
UNREGISTERED_KEY = "unregistered"  # the number of rows with an unregistered place, not its name
WISHES_WITHDRAWN_KEY = "wishes_withdrawn"  # the number of rows that take back a stricter wish about publication
GOING_BACK_KEY = "going_back"  # the number of rows that bring back a value of an earlier version
CHANGES = "changes"  # the sealed column of a row
# Columns of an import that are sealed, as JSON.
SEALED_COLUMNS = frozenset({"mapping", "told", "questions", "fault"})
SUMMED_KEYS = frozenset(
    {*IMPORT_SUBJECTS, "groups", "tally", UNREGISTERED_KEY, WISHES_WITHDRAWN_KEY, GOING_BACK_KEY}
)  # sums over rows, reset before rows are tried again

ImportId = uuid.UUID
_INSERT_ROWS = insert(ImportRow)


@dataclass(frozen=True)
class ImportOptions:
    """The parameters sent with a list."""

    dry_run: bool = False
    strict: bool = False
    confirmed: bool = False
    mapping: ListMapping | None = None
    whole: int | None = None  # rows of the whole list, if this is a part of it


@dataclass(frozen=True)
class RowOutcome:
    """The outcome of a row: its `faults` or warnings, what its report is `subject`, and the `tally` of its values."""

    row: int
    outcome: str
    report: uuid.UUID | None
    revision: int | None
    faults: list[StoredRowError] | None
    subject: ImportSubject | None = None
    tally: dict[str, int] = field(default_factory=dict)
    is_unregistered: bool = False  # the row names an unregistered place
    changes: list[ImportFieldChange] = field(
        default_factory=list
    )  # of the report; of a new one its status, day and place


def begin_import(
    session: Session, secret: bytes, source: int, key_id: str | None, digest: str, options: ImportOptions, now: datetime
) -> ListImport:
    """Begin an import. Its file is stored with it, or stays with the sender."""
    job_id = new_id()
    sealed_values: dict[str, Any] = {
        "mapping": _dump_mapping(options.mapping),
        "told": {"digest": digest},
        "questions": [],
    }
    job = ListImport(
        id=job_id,
        source=source,
        key_id=key_id,
        digest=_digest_list(secret, digest),
        **_seal_columns(secret, job_id, sealed_values),
        dry_run=options.dry_run,
        strict=options.strict,
        confirmed=options.confirmed,
        whole=options.whole,
        state="waiting",
        created_at=now,
        rows=None,
        done=0,
        counts=json.dumps(dict.fromkeys(ImportOutcome, 0)),
        first_revision=None,
        last_revision=None,
    )
    session.add(job)
    session.flush()
    delete_old_rows(session, now)
    return job


def delete_old_rows(session: Session, now: datetime) -> None:
    old_imports = select(col(ListImport.id)).where(col(ListImport.finished_at) < now - ROW_RETENTION)
    session.connection().execute(delete(ImportRow).where(col(ImportRow.list_import).in_(old_imports)))


def receive_list(context: WriteContext, key_id: str, data: bytes, options: ImportOptions) -> Outcome:
    """Begin an import, and store its file until the import ends. Raises ListsWaiting."""
    assert context.actor.source is not None  # a reporter's key always has one (policy of keys)
    if count_waiting_lists(context.session, context.actor.source) >= MAX_WAITING_LISTS:
        raise ListsWaiting(TOO_MANY_WAITING_MESSAGE, headers={"Retry-After": RETRY_AFTER_SECONDS})
    job = begin_import(
        context.session, context.secret, context.actor.source, key_id, digest_bytes(data), options, context.now
    )
    store_file(context.session, context.secret, job.id, data)
    return Outcome("import", ACCEPTED_STATUS, context.log.revision, {"import": str(job.id)})


def count_open_imports(session: Session) -> dict[str, int]:
    """How many lists are not through yet, by how far they have got."""
    open_imports = select(col(ListImport.state), func.count()).where(col(ListImport.state).in_(OPEN_STATES))
    return dict.fromkeys(OPEN_STATES, 0) | dict(session.execute(open_imports.group_by(col(ListImport.state))).all())


def has_overdue_import(session: Session, now: datetime) -> bool:
    """Whether a list that is not through yet was sent longer than MAX_IMPORT_WAIT ago."""
    is_overdue = col(ListImport.state).in_(OPEN_STATES), col(ListImport.created_at) < now - MAX_IMPORT_WAIT
    return session.scalars(select(col(ListImport.id)).where(*is_overdue).limit(1)).first() is not None


def has_recalled_entry(session: Session, job: uuid.UUID) -> bool:
    """Whether an entry that a row of a list led to, or that it found unchanged, is recalled by now."""
    rows = select(col(ImportRow.row)).join(RecalledEntry, col(RecalledEntry.revision) == col(ImportRow.revision))
    recalled_rows = rows.where(col(ImportRow.list_import) == job, col(RecalledEntry.until) == OPEN)
    return session.scalars(recalled_rows.limit(1)).first() is not None


def store_file(session: Session, secret: bytes, job: uuid.UUID, data: bytes) -> None:
    row = {"list_import": job, "data": sealing.seal_bytes(secret, data, job, "data")}
    session.connection().execute(insert(ImportFile), [row])


def load_file(session: Session, secret: bytes, job: uuid.UUID) -> bytes | None:
    """Return the bytes of a list that was sent. Raises DamagedCiphertext."""
    query = select(col(ImportFile.data)).where(col(ImportFile.list_import) == job)
    sealed_data = session.scalars(query).one_or_none()
    return None if sealed_data is None else sealing.unseal_bytes(secret, sealed_data, job, "data")


def read_sealed_column(secret: bytes, job: ListImport, column: str) -> Any:
    """Return the value of a sealed column of an import; None if it has none. Raises DamagedCiphertext."""
    sealed_value = getattr(job, column)
    return None if sealed_value is None else sealing.unseal_json(secret, sealed_value, job.id, column)


def _seal_columns(secret: bytes, job: uuid.UUID, values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: sealing.seal_json(secret, value, job, name) if name in SEALED_COLUMNS and value is not None else value
        for name, value in values.items()
    }


def _digest_list(secret: bytes, digest: str) -> str:
    return compute_keyed_digest(secret, "list", digest)


def _dump_mapping(mapping: ListMapping | None) -> dict[str, Any] | None:
    return None if mapping is None else mapping.model_dump(mode="json")


def find_unfinished_import(
    session: Session, secret: bytes, source: int, digest: str, mapping: ListMapping | None
) -> ListImport | None:
    """The import of the same file by the same source that was killed half-way, if there is one."""
    jobs = session.scalars(
        select(ListImport)
        .where(
            col(ListImport.source) == source,
            col(ListImport.digest) == _digest_list(secret, digest),
            col(ListImport.dry_run).is_(False),
            col(ListImport.state).in_(("checking", "running")),
        )
        .order_by(col(ListImport.created_at).desc())
    ).all()
    return next((job for job in jobs if read_sealed_column(secret, job, "mapping") == _dump_mapping(mapping)), None)


def count_waiting_lists(session: Session, source: int) -> int:
    """The number of lists of a source that have not ended."""
    is_open = (col(ListImport.source) == source, col(ListImport.state).in_(OPEN_STATES))
    return int(session.execute(select(func.count()).select_from(ListImport).where(*is_open)).scalar_one())


def find_free_import(session: Session, now: datetime, busy_sources: Collection[int] = ()) -> uuid.UUID | None:
    """The oldest import with a stored file and no valid lease, of another source than these, if there is one."""
    query = (
        select(col(ListImport.id))
        .where(
            col(ListImport.state).in_(OPEN_STATES),
            or_(col(ListImport.leased_until).is_(None), col(ListImport.leased_until) < now),
            col(ListImport.id).in_(select(col(ImportFile.list_import))),
            col(ListImport.source).not_in(busy_sources),
        )
        .order_by(col(ListImport.created_at))
    )
    return session.scalars(query.limit(1)).one_or_none()


def lease_import(session: Session, job: uuid.UUID, now: datetime) -> None:
    update_import(session, job, leased_until=now + LEASE)


def advance_import(
    session: Session,
    secret: bytes,
    job: ListImport,
    rows: Sequence[RowOutcome],
    last_settled: int,
    now: datetime,
    first_revision: int | None = None,
) -> bool:
    """Settle rows in the transaction that filed them. False where another process settled them first: then the caller
    rolls back. `first_revision`: the first that the list made; None if it made none."""
    counts, summary = json.loads(job.counts), read_sealed_column(secret, job, "told")
    groups = FaultGroups(summary.get("groups", []))
    unregistered_rows, withdrawn_wishes, returning_rows = (
        RowsCounted(**summary.get(name, {})) for name in (UNREGISTERED_KEY, WISHES_WITHDRAWN_KEY, GOING_BACK_KEY)
    )
    for row in rows:
        counts[row.outcome] = counts.get(row.outcome, 0) + 1  # an earlier version knew fewer outcomes
        if row.outcome == "error":
            groups.add(row.row, row.faults or [])
        elif any(fault["code"] == WISH_WITHDRAWN for fault in row.faults or ()):
            withdrawn_wishes.add(row.row)
        if row.subject is not None:
            summary[row.subject] = summary.get(row.subject, 0) + 1
        summary["tally"] = dict(Counter(summary.get("tally", {})) + Counter(row.tally))
        if row.is_unregistered:
            unregistered_rows.add(row.row)
        if any(change["goes_back"] for change in row.changes):
            returning_rows.add(row.row)
    summary["groups"] = groups.to_stored()
    summary |= {UNREGISTERED_KEY: unregistered_rows.shape(), WISHES_WITHDRAWN_KEY: withdrawn_wishes.shape()}
    summary[GOING_BACK_KEY] = returning_rows.shape()
    revisions = [row.revision for row in rows if row.revision is not None and row.outcome not in ("unchanged", "error")]
    changes: dict[str, Any] = {
        "done": last_settled,
        "counts": json.dumps(counts),
        "told": summary,
        "first_revision": first_revision,
        "last_revision": max([*revisions, *([job.last_revision] if job.last_revision else [])], default=None),
    }
    if not update_open_import(session, secret, job, **changes, leased_until=now + LEASE):
        return False
    if rows:
        session.connection().execute(
            _INSERT_ROWS,
            [
                {
                    "list_import": job.id,
                    "row": row.row,
                    "outcome": row.outcome,
                    "report": row.report,
                    "revision": row.revision,
                    "faults": sealing.seal_json(secret, row.faults, job.id, row.row) if row.faults else None,
                    CHANGES: sealing.seal_json(secret, row.changes, job.id, row.row, CHANGES) if row.changes else None,
                }
                for row in rows
            ],
        )
    return True


def update_import(session: Session, job: uuid.UUID, **values: Any) -> None:
    session.connection().execute(update(ListImport).where(col(ListImport.id) == job).values(**values))


def update_open_import(session: Session, secret: bytes, job: ListImport, **values: Any) -> bool:
    """Change an import that has not ended; False where another process changed it first."""
    values = _seal_columns(secret, job.id, values)
    is_unchanged = (col(ListImport.id) == job.id, col(ListImport.state) == job.state, col(ListImport.done) == job.done)
    statement = update(ListImport).where(*is_unchanged, col(ListImport.state).in_(OPEN_STATES))
    return session.connection().execute(statement.values(**values)).rowcount == 1


def finish_import(
    session: Session,
    secret: bytes,
    job: ListImport,
    state: str,
    now: datetime,
    fault: StoredFault | None = None,
    **values: Any,
) -> None:
    """End an import that no other process has moved, and delete its file. An import that fails in the trial before a
    strict run has filed nothing: only its errors are counted, and its rows have the outcomes of the trial."""
    is_trial = job.state == "checking" and state == "failed"
    counts = json.loads(job.counts)
    if is_trial:
        counts = dict.fromkeys(counts, 0) | {"error": counts["error"]}
    changes: dict[str, Any] = {
        "state": state,
        "finished_at": now,
        "counts": json.dumps(counts),
        "leased_until": None,
        "fault": fault,
    }
    if is_trial:
        changes["told"] = _drop_sums(secret, job)
    if update_open_import(session, secret, job, **changes, **values):
        session.connection().execute(delete(ImportFile).where(col(ImportFile.list_import) == job.id))


def restart_import(session: Session, secret: bytes, job: ListImport, state: str) -> bool:
    """Reset an import to its first row. False where another process moved it first."""
    counts, summary = json.dumps(dict.fromkeys(ImportOutcome, 0)), _drop_sums(secret, job)
    if not update_open_import(session, secret, job, state=state, done=0, counts=counts, told=summary):
        return False
    session.connection().execute(delete(ImportRow).where(col(ImportRow.list_import) == job.id))
    return True


def _drop_sums(secret: bytes, job: ListImport) -> dict[str, Any]:
    return {name: value for name, value in read_sealed_column(secret, job, "told").items() if name not in SUMMED_KEYS}


UNDO_REQUEST_KEY = "undo_request"  # the first revision of an undoing that goes on
UNDONE_AT_KEY = "undone_at"


def load_undo_request(secret: bytes, job: ListImport) -> int | None:
    """Return the first revision of the undoing of an import that has not ended; None if there is none."""
    request: int | None = read_sealed_column(secret, job, "told").get(UNDO_REQUEST_KEY)
    return request


def store_undo_progress(session: Session, secret: bytes, job: ListImport, request: int | None, now: datetime) -> None:
    """Store the first revision of an undoing that goes on, or once it has ended (None) the time of its end."""
    summary = read_sealed_column(secret, job, "told")
    summary.pop(UNDO_REQUEST_KEY, None)
    summary |= {UNDONE_AT_KEY: format_instant(now)} if request is None else {UNDO_REQUEST_KEY: request}
    update_import(session, job.id, **_seal_columns(secret, job.id, {"told": summary}))


def load_undone_at(secret: bytes, job: ListImport) -> str | None:
    """Return the time at which an import was undone, if it was."""
    undone_at: str | None = read_sealed_column(secret, job, "told").get(UNDONE_AT_KEY)
    return undone_at


def list_filed_imports(session: Session, source: int | None, limit: int) -> Sequence[ListImport]:
    """Return the source's last lists that were sent to be filed, the newest first. Trials are left out."""
    is_filed = (col(ListImport.source) == source, col(ListImport.dry_run).is_(False))
    return session.scalars(
        select(ListImport).where(*is_filed).order_by(col(ListImport.created_at).desc(), col(ListImport.id)).limit(limit)
    ).all()


def load_import(session: Session, job: uuid.UUID) -> ListImport:
    return session.scalars(
        select(ListImport).where(col(ListImport.id) == job).execution_options(populate_existing=True)
    ).one()


def load_own_import(session: Session, job: uuid.UUID, source: int | None) -> ListImport:
    """An import of this source. Raises NotFound, also for another source's import."""
    list_import = session.get(ListImport, job)
    if list_import is None or list_import.source != source:
        raise NotFound("There is no import with this id among your own.")
    return list_import


def find_last_list(session: Session, source: int) -> ListImport | None:
    """The source's last list that was filed; of a list sent in parts, its last part."""
    return session.scalars(
        select(ListImport)
        .where(col(ListImport.source) == source, col(ListImport.state) == "done", col(ListImport.dry_run).is_(False))
        .order_by(col(ListImport.finished_at).desc())
        .limit(1)
    ).one_or_none()


def find_saved_mapping(session: Session, secret: bytes, source: int, headings: str) -> ListMapping | None:
    key = _digest_headings(secret, headings)
    stored_mapping = session.get(ImportMapping, (source, key))
    if stored_mapping is None:
        return None
    mapping = ListMapping.model_validate(sealing.unseal_json(secret, stored_mapping.mapping, source, key))
    job = session.get(ListImport, uuid.UUID(mapping.kept_from)) if mapping.kept_from else None
    return mapping if job is not None and load_undone_at(secret, job) is None else mapping.forget_rows()


def save_mapping(
    session: Session, secret: bytes, source: int, headings: str, mapping: ListMapping, now: datetime
) -> None:
    """Save a mapping for the next list. The caller has locked the head row: two inserts at once would collide."""
    key = _digest_headings(secret, headings)
    sealed_mapping = sealing.seal_json(secret, _dump_mapping(mapping), source, key)
    session.merge(ImportMapping(source=source, headings=key, mapping=sealed_mapping, saved_at=now))
    session.flush()


def _digest_headings(secret: bytes, headings: str) -> str:
    return compute_keyed_digest(secret, "headings", headings)
