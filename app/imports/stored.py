"""Imports in the database: begin them, advance them batch by batch, end them. `receipts` reads them.

What quotes a list is sealed here, with the operator's `secret` (`vault`).
"""

import json
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import delete, func, insert, or_, select, update
from sqlmodel import Session, col

from app.errors import ListsWaiting, NotFound
from app.imports.faults import WISH_WITHDRAWN, KeptFault, KeptRowError
from app.imports.lists import digest_of
from app.imports.mapping import Groups, Mapping
from app.imports.rows import RowsCounted
from app.log import head
from app.log.entries import keyed_digest
from app.models import OPEN, ImportFile, ImportMapping, ImportRow, ListImport, RecalledEntry
from app.registry.write import Outcome, WriteContext, new_id
from app.vocabulary import ImportOutcome

# A process renews the lease of its import with each batch, every few seconds: with an older lease it is gone.
LEASE = timedelta(minutes=2)
# Outcomes of rows are kept as long as idempotent answers are; the receipt stays.
ROWS_KEPT = timedelta(days=45)
OPEN_STATES = ("waiting", "checking", "running")
MOST_WAITING = 5  # lists of one source whose files are kept at once
WAIT_FOR_ONE = f"{MOST_WAITING} lists of yours are not through yet: wait until one is, then send this one."
WAIT = "5"  # seconds, in which a list of hundreds of rows is filed
RECEIVED = 202  # the list is stored, and filed after the answer

# A row is about a release, or about a person in custody. A death or an escape is neither.
About = Literal["releases", "held"]
ABOUT: tuple[About, ...] = ("releases", "held")
UNREGISTERED = "unregistered"  # the number of rows with an unregistered place, not its name
WISHES_WITHDRAWN = "wishes_withdrawn"  # the number of rows that take back a stricter wish about publication
# Columns of an import that are sealed, as JSON.
SEALED = frozenset({"mapping", "told", "questions", "fault"})
SUMMED = frozenset(
    {*ABOUT, "groups", "tally", UNREGISTERED, WISHES_WITHDRAWN}
)  # sums over rows, reset before rows are tried anew

ImportId = uuid.UUID
_INSERT_ROWS = insert(ImportRow)


@dataclass(frozen=True)
class Sent:
    """The parameters sent with a list."""

    dry_run: bool = False
    strict: bool = False
    confirmed: bool = False
    mapping: Mapping | None = None
    whole: int | None = None  # rows of the whole list, if this is a part of it


@dataclass(frozen=True)
class RowOutcome:
    """The outcome of a row: its `faults` or warnings, what its report is `about`, and the `tally` of its values."""

    row: int
    outcome: str
    report: uuid.UUID | None
    revision: int | None
    faults: list[KeptRowError] | None
    about: About | None = None
    tally: dict[str, int] = field(default_factory=dict)
    unregistered: bool = False  # the row names an unregistered place


def begin(
    session: Session, secret: bytes, source: int, key_id: str | None, digest: str, sent: Sent, now: datetime
) -> ListImport:
    """Begin an import. Its file is stored beside it, or stays with the sender."""
    job_id = new_id()
    quoting: dict[str, Any] = {"mapping": _dump(sent.mapping), "told": {"digest": digest}, "questions": []}
    job = ListImport(
        id=job_id,
        source=source,
        key_id=key_id,
        digest=_list_digest(secret, digest),
        **_as_stored(secret, job_id, quoting),
        dry_run=sent.dry_run,
        strict=sent.strict,
        confirmed=sent.confirmed,
        whole=sent.whole,
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
    forget_rows(session, now)
    return job


def forget_rows(session: Session, now: datetime) -> None:
    old = select(col(ListImport.id)).where(col(ListImport.finished_at) < now - ROWS_KEPT)
    session.connection().execute(delete(ImportRow).where(col(ImportRow.list_import).in_(old)))


def receive(context: WriteContext, key_id: str, data: bytes, sent: Sent) -> Outcome:
    """Begin an import, and store its file until the import ends. Raises ListsWaiting."""
    assert context.actor.source is not None  # a reporter's key always has one (policy of keys)
    if waiting(context.session, context.actor.source) >= MOST_WAITING:
        raise ListsWaiting(WAIT_FOR_ONE, headers={"Retry-After": WAIT})
    job = begin(context.session, context.secret, context.actor.source, key_id, digest_of(data), sent, context.now)
    keep_file(context.session, context.secret, job.id, data)
    return Outcome("import", RECEIVED, context.log.revision, {"import": str(job.id)})


def under_way(session: Session) -> dict[str, int]:
    """How many lists are not through yet, by how far they have got."""
    open_ones = select(col(ListImport.state), func.count()).where(col(ListImport.state).in_(OPEN_STATES))
    return dict.fromkeys(OPEN_STATES, 0) | dict(session.execute(open_ones.group_by(col(ListImport.state))).all())


def is_recalled(session: Session, job: uuid.UUID) -> bool:
    """Whether an entry that a row of a list led to, or that it found unchanged, is recalled by now."""
    rows = select(col(ImportRow.row)).join(RecalledEntry, col(RecalledEntry.revision) == col(ImportRow.revision))
    recalled = rows.where(col(ImportRow.list_import) == job, col(RecalledEntry.until) == OPEN)
    return session.scalars(recalled.limit(1)).first() is not None


def keep_file(session: Session, secret: bytes, job: uuid.UUID, data: bytes) -> None:
    row = {"list_import": job, "data": head.seal(secret, data, job, "data")}
    session.connection().execute(insert(ImportFile), [row])


def file_of(session: Session, secret: bytes, job: uuid.UUID) -> bytes | None:
    """The bytes of a list that was sent. Raises Damaged."""
    query = select(col(ImportFile.data)).where(col(ImportFile.list_import) == job)
    sealed = session.scalars(query).one_or_none()
    return None if sealed is None else head.unseal(secret, sealed, job, "data")


def read(secret: bytes, job: ListImport, column: str) -> Any:
    """The value of a sealed column of an import; None where it has none. Raises Damaged."""
    sealed = getattr(job, column)
    return None if sealed is None else head.unseal_json(secret, sealed, job.id, column)


def _as_stored(secret: bytes, job: uuid.UUID, values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: head.seal_json(secret, value, job, name) if name in SEALED and value is not None else value
        for name, value in values.items()
    }


def _list_digest(secret: bytes, digest: str) -> str:
    return keyed_digest(secret, "list", digest)


def _dump(mapping: Mapping | None) -> dict[str, Any] | None:
    return None if mapping is None else mapping.model_dump(mode="json")


def unfinished(session: Session, secret: bytes, source: int, digest: str, mapping: Mapping | None) -> ListImport | None:
    """The import of the same file by the same source that was killed half-way, if there is one."""
    jobs = session.scalars(
        select(ListImport)
        .where(
            col(ListImport.source) == source,
            col(ListImport.digest) == _list_digest(secret, digest),
            col(ListImport.dry_run).is_(False),
            col(ListImport.state).in_(("checking", "running")),
        )
        .order_by(col(ListImport.created_at).desc())
    ).all()
    return next((job for job in jobs if read(secret, job, "mapping") == _dump(mapping)), None)


def waiting(session: Session, source: int) -> int:
    """The number of lists of a source that have not ended."""
    open_ones = (col(ListImport.source) == source, col(ListImport.state).in_(OPEN_STATES))
    return int(session.execute(select(func.count()).select_from(ListImport).where(*open_ones)).scalar_one())


def free(session: Session, now: datetime) -> uuid.UUID | None:
    """The oldest import with a stored file and no valid lease, if there is one."""
    query = (
        select(col(ListImport.id))
        .where(
            col(ListImport.state).in_(OPEN_STATES),
            or_(col(ListImport.leased_until).is_(None), col(ListImport.leased_until) < now),
            col(ListImport.id).in_(select(col(ImportFile.list_import))),
        )
        .order_by(col(ListImport.created_at))
    )
    return session.scalars(query.limit(1)).one_or_none()


def lease(session: Session, job: uuid.UUID, now: datetime) -> None:
    change(session, job, leased_until=now + LEASE)


def advance(
    session: Session, secret: bytes, job: ListImport, rows: Sequence[RowOutcome], done: int, now: datetime
) -> bool:
    """Settle rows in the transaction that filed them. False where another process settled them first: then the caller
    rolls back."""
    counts, told = json.loads(job.counts), read(secret, job, "told")
    groups = Groups(told.get("groups", []))
    unregistered, withdrawn = (RowsCounted(**told.get(name, {})) for name in (UNREGISTERED, WISHES_WITHDRAWN))
    for row in rows:
        counts[row.outcome] = counts.get(row.outcome, 0) + 1  # an earlier version knew fewer outcomes
        if row.outcome == "error":
            groups.add(row.row, row.faults or [])
        elif any(fault["code"] == WISH_WITHDRAWN for fault in row.faults or ()):
            withdrawn.add(row.row)
        if row.about is not None:
            told[row.about] = told.get(row.about, 0) + 1
        told["tally"] = dict(Counter(told.get("tally", {})) + Counter(row.tally))
        if row.unregistered:
            unregistered.add(row.row)
    told["groups"] = groups.kept()
    told |= {UNREGISTERED: unregistered.shape(), WISHES_WITHDRAWN: withdrawn.shape()}
    revisions = [row.revision for row in rows if row.revision is not None and row.outcome not in ("unchanged", "error")]
    settled: dict[str, Any] = {
        "done": done,
        "counts": json.dumps(counts),
        "told": told,
        "first_revision": min([*revisions, *([job.first_revision] if job.first_revision else [])], default=None),
        "last_revision": max([*revisions, *([job.last_revision] if job.last_revision else [])], default=None),
    }
    if not move(session, secret, job, **settled, leased_until=now + LEASE):
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
                    "faults": head.seal_json(secret, row.faults, job.id, row.row) if row.faults else None,
                }
                for row in rows
            ],
        )
    return True


def change(session: Session, job: uuid.UUID, **values: Any) -> None:
    session.connection().execute(update(ListImport).where(col(ListImport.id) == job).values(**values))


def move(session: Session, secret: bytes, job: ListImport, **values: Any) -> bool:
    """Change an import that has not ended; False where another process changed it first."""
    values = _as_stored(secret, job.id, values)
    as_read = (col(ListImport.id) == job.id, col(ListImport.state) == job.state, col(ListImport.done) == job.done)
    open_one = update(ListImport).where(*as_read, col(ListImport.state).in_(OPEN_STATES))
    return session.connection().execute(open_one.values(**values)).rowcount == 1


def finish(
    session: Session,
    secret: bytes,
    job: ListImport,
    state: str,
    now: datetime,
    fault: KeptFault | None = None,
    **values: Any,
) -> None:
    """End an import that no other process has moved, and delete its file. An import that fails in the trial before a
    strict run has filed nothing: only its errors are counted, and its rows have the outcomes of the trial."""
    tried = job.state == "checking" and state == "failed"
    counts = json.loads(job.counts)
    if tried:
        counts = dict.fromkeys(counts, 0) | {"error": counts["error"]}
    ended: dict[str, Any] = {
        "state": state,
        "finished_at": now,
        "counts": json.dumps(counts),
        "leased_until": None,
        "fault": fault,
    }
    if tried:
        ended["told"] = _without_tally(secret, job)
    if move(session, secret, job, **ended, **values):
        session.connection().execute(delete(ImportFile).where(col(ImportFile.list_import) == job.id))


def begin_again(session: Session, secret: bytes, job: ListImport, state: str) -> bool:
    """Reset an import to its first row. False where another process moved it first."""
    counts, told = json.dumps(dict.fromkeys(ImportOutcome, 0)), _without_tally(secret, job)
    if not move(session, secret, job, state=state, done=0, counts=counts, told=told):
        return False
    session.connection().execute(delete(ImportRow).where(col(ImportRow.list_import) == job.id))
    return True


def _without_tally(secret: bytes, job: ListImport) -> dict[str, Any]:
    return {name: value for name, value in read(secret, job, "told").items() if name not in SUMMED}


def load(session: Session, job: uuid.UUID) -> ListImport:
    return session.scalars(
        select(ListImport).where(col(ListImport.id) == job).execution_options(populate_existing=True)
    ).one()


def own(session: Session, job: uuid.UUID, source: int | None) -> ListImport:
    """An import of this source. Raises NotFound, also for another source's import."""
    stored = session.get(ListImport, job)
    if stored is None or stored.source != source:
        raise NotFound("There is no import with this id among your own.")
    return stored


def last_list(session: Session, source: int) -> ListImport | None:
    """The source's last list that was filed; of a list sent in parts, its last part."""
    return session.scalars(
        select(ListImport)
        .where(col(ListImport.source) == source, col(ListImport.state) == "done", col(ListImport.dry_run).is_(False))
        .order_by(col(ListImport.finished_at).desc())
        .limit(1)
    ).one_or_none()


def saved_mapping(session: Session, secret: bytes, source: int, headings: str) -> Mapping | None:
    key = _headings_digest(secret, headings)
    saved = session.get(ImportMapping, (source, key))
    return None if saved is None else Mapping.model_validate(head.unseal_json(secret, saved.mapping, source, key))


def save_mapping(session: Session, secret: bytes, source: int, headings: str, mapping: Mapping, now: datetime) -> None:
    """Save a mapping for the next list. The caller has locked the head row: two inserts at once would collide."""
    key = _headings_digest(secret, headings)
    sealed = head.seal_json(secret, _dump(mapping), source, key)
    session.merge(ImportMapping(source=source, headings=key, mapping=sealed, saved_at=now))
    session.flush()


def _headings_digest(secret: bytes, headings: str) -> str:
    return keyed_digest(secret, "headings", headings)
