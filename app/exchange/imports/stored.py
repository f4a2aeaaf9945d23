"""Imports as the database keeps them: begun, carried on batch by batch, ended. What is told of them: `receipts`."""

import json
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import delete, func, insert, or_, select, update
from sqlmodel import Session, col

from app.errors import Conflict, NotFound
from app.exchange.imports.groups import Groups
from app.exchange.imports.layout import RowsCounted
from app.exchange.imports.lists import digest_of
from app.exchange.imports.mapping import Mapping
from app.import_codes import ImportOutcome
from app.models import ImportFile, ImportMapping, ImportRow, ListImport
from app.registry.write import Outcome, WriteContext, new_id

# Whoever works on an import says so again with each batch. A batch takes seconds: after this long the process is gone.
LEASE = timedelta(minutes=2)
# What became of each row is kept as long as idempotent answers are; the receipt stays.
ROWS_KEPT = timedelta(days=45)
OPEN_STATES = ("waiting", "checking", "running")
MOST_WAITING = 5  # lists of one source whose files are kept at once
WAIT = "5"  # seconds: a list of hundreds of rows is through by then
RECEIVED = 202  # noted, and filed as whoever sent it reads on

# What rows speak of, counted: somebody who is out, or somebody held. A death or an escape is neither.
About = Literal["releases", "held"]
ABOUT: tuple[About, ...] = ("releases", "held")
UNREGISTERED = "unregistered"  # rows that name a place which nobody has registered: never the names
SUMMED = frozenset({*ABOUT, "groups", "tally", UNREGISTERED})  # of rows: forgotten where they are tried anew

Row = dict[str, Any]
ImportId = uuid.UUID
_INSERT_ROWS = insert(ImportRow)


@dataclass(frozen=True)
class Sent:
    """What is asked for with a list."""

    dry_run: bool = False
    strict: bool = False
    confirmed: bool = False
    mapping: Mapping | None = None
    whole: int | None = None  # rows of the list that this one is a part of


@dataclass(frozen=True)
class RowOutcome:
    """What became of a row; `faults` where it is in error, else of what it speaks, and what of that is told summed."""

    row: int
    outcome: str
    report: uuid.UUID | None
    revision: int | None
    faults: list[dict[str, Any]] | None
    about: About | None = None
    tally: dict[str, int] = field(default_factory=dict)
    unregistered: bool = False  # it names a place that nobody has registered


def begin(session: Session, source: int, key_id: str | None, digest: str, sent: Sent, now: datetime) -> ListImport:
    """Note a list to be filed; its file is kept beside it or by whoever sent it."""
    job = ListImport(
        id=new_id(),
        source=source,
        key_id=key_id,
        digest=digest,
        mapping=None if sent.mapping is None else sent.mapping.model_dump_json(),
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
        told="{}",
        questions="[]",
    )
    session.add(job)
    session.flush()
    forget_rows(session, now)
    return job


def forget_rows(session: Session, now: datetime) -> None:
    old = select(col(ListImport.id)).where(col(ListImport.finished_at) < now - ROWS_KEPT)
    session.connection().execute(delete(ImportRow).where(col(ImportRow.list_import).in_(old)))


def receive(context: WriteContext, key_id: str, data: bytes, sent: Sent) -> Outcome:
    """Note a list that was sent, and keep its file until it is through. Raises Conflict where too many wait."""
    assert context.actor.source is not None  # a reporter's key always has one (policy of keys)
    if waiting(context.session, context.actor.source) >= MOST_WAITING:
        detail = f"{MOST_WAITING} lists of yours are not through yet: wait until one is, then send this one."
        raise Conflict(detail, headers={"Retry-After": WAIT})
    job = begin(context.session, context.actor.source, key_id, digest_of(data), sent, context.now)
    keep_file(context.session, job.id, data)
    return Outcome("import", RECEIVED, context.log.revision, {"import": str(job.id)})


def keep_file(session: Session, job: uuid.UUID, data: bytes) -> None:
    session.connection().execute(insert(ImportFile), [{"list_import": job, "data": data}])


def file_of(session: Session, job: uuid.UUID) -> bytes | None:
    return session.scalars(select(col(ImportFile.data)).where(col(ImportFile.list_import) == job)).one_or_none()


def unfinished(session: Session, source: int, digest: str, mapping: Mapping | None) -> ListImport | None:
    """The import of the same file by the same source that was killed half-way, if there is one."""
    found = session.scalars(
        select(ListImport)
        .where(
            col(ListImport.source) == source,
            col(ListImport.digest) == digest,
            col(ListImport.dry_run).is_(False),
            col(ListImport.state).in_(("checking", "running")),
        )
        .order_by(col(ListImport.created_at).desc())
    ).all()
    said = None if mapping is None else mapping.model_dump_json()
    return next((job for job in found if job.mapping == said), None)


def waiting(session: Session, source: int) -> int:
    """How many lists of a source are not through."""
    mine = (col(ListImport.source) == source, col(ListImport.state).in_(OPEN_STATES))
    return int(session.execute(select(func.count()).select_from(ListImport).where(*mine)).scalar_one())


def free(session: Session, now: datetime) -> uuid.UUID | None:
    """The oldest import with a file here that nobody works on; None where there is none."""
    asked = (
        select(col(ListImport.id))
        .where(
            col(ListImport.state).in_(OPEN_STATES),
            or_(col(ListImport.leased_until).is_(None), col(ListImport.leased_until) < now),
            col(ListImport.id).in_(select(col(ImportFile.list_import))),
        )
        .order_by(col(ListImport.created_at))
    )
    return session.scalars(asked.limit(1)).one_or_none()


def lease(session: Session, job: uuid.UUID, now: datetime) -> None:
    session.connection().execute(update(ListImport).where(col(ListImport.id) == job).values(leased_until=now + LEASE))


def advance(session: Session, job: ListImport, rows: Sequence[RowOutcome], done: int, now: datetime) -> bool:
    """Settle rows together with what was filed of them; False where somebody else did so first, and nothing may be
    kept."""
    counts, told = json.loads(job.counts), json.loads(job.told)
    groups, unregistered = Groups(told.get("groups", [])), RowsCounted(**told.get(UNREGISTERED, {}))
    for row in rows:
        counts[row.outcome] += 1
        groups.add(row.row, row.faults or [])
        if row.about is not None:
            told[row.about] = told.get(row.about, 0) + 1
        told["tally"] = dict(Counter(told.get("tally", {})) + Counter(row.tally))
        if row.unregistered:
            unregistered.add(row.row)
    told["groups"] = groups.kept()
    told[UNREGISTERED] = unregistered.shape()
    revisions = [row.revision for row in rows if row.revision is not None and row.outcome not in ("unchanged", "error")]
    first = min([*revisions, *([job.first_revision] if job.first_revision else [])], default=None)
    last = max([*revisions, *([job.last_revision] if job.last_revision else [])], default=None)
    settled = {
        "done": done,
        "counts": json.dumps(counts),
        "told": json.dumps(told, ensure_ascii=False),
        "first_revision": first,
        "last_revision": last,
    }
    if not move(session, job, **settled, leased_until=now + LEASE):
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
                    "faults": json.dumps(row.faults, ensure_ascii=False) if row.faults else None,
                }
                for row in rows
            ],
        )
    return True


def change(session: Session, job: uuid.UUID, **values: Any) -> None:
    session.connection().execute(update(ListImport).where(col(ListImport.id) == job).values(**values))


def move(session: Session, job: ListImport, **values: Any) -> bool:
    """Change an import that is still as it was seen, and has not ended; False where somebody else moved it first."""
    as_seen = (col(ListImport.id) == job.id, col(ListImport.state) == job.state, col(ListImport.done) == job.done)
    going_on = update(ListImport).where(*as_seen, col(ListImport.state).in_(OPEN_STATES))
    return session.connection().execute(going_on.values(**values)).rowcount == 1


def finish(
    session: Session, job: ListImport, state: str, now: datetime, fault: dict[str, Any] | None = None, **values: Any
) -> None:
    """End an import that nobody else has moved, and let go of its file. One that ends in the trial before a strict run
    has filed nothing: its counts keep the errors only, and its rows what would have become of them."""
    tried = job.state == "checking" and state == "failed"
    counts = {one: number if one == "error" or not tried else 0 for one, number in json.loads(job.counts).items()}
    ended = {
        "state": state,
        "finished_at": now,
        "counts": json.dumps(counts),
        "leased_until": None,
        "fault": None if fault is None else json.dumps(fault),
    }
    if tried:
        ended["told"] = _without_tally(job)
    if move(session, job, **ended, **values):
        session.connection().execute(delete(ImportFile).where(col(ImportFile.list_import) == job.id))


def begin_again(session: Session, job: ListImport, state: str) -> bool:
    """After the trial of a strict import: forget it, and file. False where somebody else moved it first."""
    counts, told = json.dumps(dict.fromkeys(ImportOutcome, 0)), _without_tally(job)
    if not move(session, job, state=state, done=0, counts=counts, told=told):
        return False
    session.connection().execute(delete(ImportRow).where(col(ImportRow.list_import) == job.id))
    return True


def _without_tally(job: ListImport) -> str:
    told = {name: found for name, found in json.loads(job.told).items() if name not in SUMMED}
    return json.dumps(told, ensure_ascii=False)


def load(session: Session, job: uuid.UUID) -> ListImport:
    return session.scalars(
        select(ListImport).where(col(ListImport.id) == job).execution_options(populate_existing=True)
    ).one()


def own(session: Session, job: uuid.UUID, source: int | None) -> ListImport:
    """An import of this source; a foreign one is not found."""
    found = session.get(ListImport, job)
    if found is None or found.source != source:
        raise NotFound("There is no import with this id among your own.")
    return found


def last_list(session: Session, source: int) -> ListImport | None:
    """The source's last list that was filed; of one that came in parts, its last part."""
    return session.scalars(
        select(ListImport)
        .where(col(ListImport.source) == source, col(ListImport.state) == "done", col(ListImport.dry_run).is_(False))
        .order_by(col(ListImport.finished_at).desc())
        .limit(1)
    ).one_or_none()


def saved_mapping(session: Session, source: int, headings: str) -> Mapping | None:
    kept = session.get(ImportMapping, (source, headings))
    return None if kept is None else Mapping.model_validate_json(kept.mapping)


def save_mapping(session: Session, source: int, headings: str, mapping: Mapping, now: datetime) -> None:
    """Keep a mapping for the next list; only for the only writer, as two that find none would both add it."""
    session.merge(ImportMapping(source=source, headings=headings, mapping=mapping.model_dump_json(), saved_at=now))
    session.flush()
