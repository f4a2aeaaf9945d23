"""Append, read and replay log entries, numbered from 1 without gaps.

`Log.append` is the only function that writes an entry. It runs in the request's transaction, after `lock_head`: the
holder of the lock is the only writer, so the number after the head is free. Entries are canonical JSON (RFC 8785), so
anybody can recompute the leaf hashes of RFC 9162 section 2.1.1.

Personal values enter the log only as salted digests (RFC 9901, selective disclosure). A disclosure is
`[salt, name, value]` as JSON, in base64url without padding; its digest is the SHA-256 of those ASCII bytes, again in
base64url. Entries list digests in sorted order, so neither names nor order reveal which fields were sent. The 128-bit
salt makes a digest useless without its disclosure: an unsalted hash of four hundred known names would be plaintext.
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, NamedTuple

import rfc8785
from sqlalchemy import Engine, bindparam, func, insert, select, update
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col

from app.clock import MAX_CLOCK_DRIFT, WatchedClock
from app.dates import format_instant
from app.db.engine import CommitUnanswered, is_locked, open_read_session, open_write_session, split_into_chunks
from app.db.write_buffer import WriteBuffer
from app.errors import ClockJumped, Invalid
from app.log import mark
from app.log.freeze import Freeze, get_freeze_in_force
from app.models import Entry, Head, Sealed
from app.models.log import RowsVersion
from app.translations import Message


def compute_leaf_hash(entry: bytes) -> bytes:
    """Return SHA-256(0x00 || entry), 32 bytes."""
    return hashlib.sha256(b"\x00" + entry).digest()


# The largest integer that RFC 8785 writes exactly.
MAX_EXACT_INTEGER = 2**53 - 1
_CANONICAL_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def encode_canonical(value: Any) -> bytes:
    """Return the canonical bytes. For plain values Python's own encoder gives the same bytes five times as fast."""
    return _CANONICAL_ENCODER.encode(value).encode() if _is_plain(value) else rfc8785.dumps(value)


def _is_plain(value: Any) -> bool:
    """Return whether Python's encoder writes a value as RFC 8785 does.

    That excludes fractions, integers too large to be exact, and names that sort differently by UTF-16 and by code
    points."""
    if isinstance(value, str) or value is None:
        return True
    if isinstance(value, dict):
        return all(isinstance(name, str) and name.isascii() and _is_plain(inner) for name, inner in value.items())
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return isinstance(value, int) and -MAX_EXACT_INTEGER <= value <= MAX_EXACT_INTEGER


SALT_BYTES = 16
# Built once: json.dumps with options builds an encoder for each call.
_DISCLOSURE_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))

Disclosures = dict[str, tuple[str, Any]]


def _encode_base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def salt_values(values: dict[str, Any]) -> Disclosures:
    """Return `{name: (salt, value)}` with a fresh salt for each value."""
    return {name: (_encode_base64url(secrets.token_bytes(SALT_BYTES)), value) for name, value in sorted(values.items())}


def compute_digest(name: str, salt: str, value: Any) -> str:
    """Return the digest that replaces a value in the log (RFC 9901 section 4.2.3)."""
    disclosure = _encode_base64url(_DISCLOSURE_ENCODER.encode([salt, name, value]).encode())
    return _encode_base64url(hashlib.sha256(disclosure.encode()).digest())


def compute_digests(disclosures: Disclosures) -> list[str]:
    """Return the sorted digests of all values."""
    return sorted(compute_digest(name, salt, value) for name, (salt, value) in disclosures.items())


def dump_disclosures(disclosures: Disclosures) -> str:
    return _DISCLOSURE_ENCODER.encode(disclosures)


def load_values(text: str | None) -> dict[str, Any]:
    """Return the values of stored disclosures, without salts; `{}` if they were erased."""
    return {} if text is None else {name: value for name, (_salt, value) in json.loads(text).items()}


def compute_keyed_digest(secret: bytes, *parts: str) -> str:
    """Return the HMAC-SHA-256 over the parts, each preceded by its length, as 64 hexadecimal characters."""
    message = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)
    return hmac.new(secret, message, hashlib.sha256).hexdigest()


# Kind → `v`, the format version of its body; 2 by default. Report 2: bodies about count-only people have months instead
# of days and no method (decision 0042). Report 3, and 2 of any other kind: the entry opens nobody without an agreement
# (decision 0082). Entries keep the format in which they were written.
BODY_FORMATS = {"report": 3}
DEFAULT_BODY_FORMAT = 2
# The tile format writes an entry's length in two bytes (C2SP tlog-tiles).
MAX_ENTRY_BYTES = 65_535
REPLAY_BATCH_ENTRIES = 1_000
INSTANT_RESOLUTION = timedelta(microseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# How long one attempt waits for the write lock. While lists are imported back to back, the date of the next entry is
# seen between attempts, before a gap between two writers is hit.
LOCK_ATTEMPT_TIMEOUT_MS = 100
# Hexadecimal digits of a leaf hash in an address. 64 bits distinguish two entries that ever had the same number, and
# the address is still short enough to read aloud.
LEAF_DIGITS = 16

_INSERT_ENTRY = insert(Entry)
_INSERT_SEALED = insert(Sealed)
_LOCK_HEAD_QUERY = (
    select(
        col(Head.revision), col(Head.recorded_at), col(Head.rules), col(Head.projection), col(Head.frozen_since),
        col(Head.frozen_until),
    )
    .where(col(Head.id) == 1)
    .with_for_update()
)  # fmt: skip
_ENTRIES_QUERY = select(*Entry.__table__.c, col(Sealed.disclosures)).outerjoin(  # type: ignore[attr-defined]
    Sealed, col(Sealed.revision) == col(Entry.revision)
)
_ENTRY_QUERY = _ENTRIES_QUERY.where(col(Entry.revision) == bindparam("revision"))
_ENTRIES_BY_REVISION_QUERY = _ENTRIES_QUERY.where(
    col(Entry.revision).in_(bindparam("revisions", expanding=True))
).order_by(col(Entry.revision))
_LEAF_QUERY = select(col(Entry.leaf_hash)).where(col(Entry.revision) == bindparam("revision"))
_RECORDED_AT_QUERY = select(col(Entry.recorded_at)).where(col(Entry.revision) == bindparam("revision"))
_KINDS_AND_DATES_QUERY = select(col(Entry.revision), col(Entry.kind), col(Entry.recorded_at)).where(
    col(Entry.revision).in_(bindparam("revisions", expanding=True))
)
_LAST_REVISION_QUERY = (
    select(col(Entry.revision))
    .where(col(Entry.recorded_at) <= bindparam("instant"))
    .order_by(col(Entry.recorded_at).desc(), col(Entry.revision).desc())
    .limit(1)
)
_ADVANCE_HEAD = (
    update(Head)
    .where(col(Head.id) == 1)
    .values(revision=bindparam("new_revision"), recorded_at=bindparam("new_recorded_at"))
)
_SET_HEAD_DATE = update(Head).where(col(Head.id) == 1).values(recorded_at=bindparam("new_recorded_at"))


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A log entry with its public values (`body`) and its personal values, just appended or replayed."""

    revision: int
    kind: str
    recorded_at: datetime
    body: dict[str, Any]
    personal: dict[str, Any]
    leaf_hash: bytes


class Pin(NamedTuple):
    """A revision in an address: its number and the first digits of its entry's leaf hash.

    After a restore the number alone may belong to another entry. Before the first entry there is no leaf."""

    revision: int
    leaf: str | None = None


def lock_head(session: Session) -> tuple[int, datetime]:
    """Become the only writer until the transaction ends.

    Returns the revision and the earliest date that a new entry can have."""
    row = _lock_head_row(session)
    _cache_locked_head(session, row)
    return row.revision, row.recorded_at


def reuse_head(session: Session, log: "Log") -> None:
    """Let the next `Log` of the session's transaction continue after `log` without reading the head row again."""
    _cache_locked_head(
        session, _LockedHead(log.revision, log.recorded_at, *log.rows_version, *(log.freeze or (None, None)))
    )


class _LockedHead(NamedTuple):
    revision: int
    recorded_at: datetime
    rules: int
    projection: int
    frozen_since: datetime | None
    frozen_until: datetime | None


def _lock_head_row(session: Session) -> _LockedHead:
    row = _LockedHead(*session.connection().execute(_LOCK_HEAD_QUERY).one())
    head_mark = mark.get_mark(session)
    if head_mark is not None:
        head_mark.require_revision(row.revision)
    return row


def _cache_locked_head(session: Session, row: _LockedHead) -> None:
    """Cache the head for readers until the transaction writes an entry."""
    session.info[_LockedHead] = (session.get_transaction(), row)


def _get_locked_head(session: Session) -> _LockedHead | None:
    """Return the head as this transaction locked it, or None after its first `Log` was opened."""
    transaction, row = session.info.get(_LockedHead, (None, None))
    return row if transaction is not None and transaction is session.get_transaction() else None


@contextmanager
def open_writer_session(engine: Engine) -> Iterator[Session]:
    """Open a write session that holds the head lock.

    The caller reads the clock and the key inside. Read before the wait, the clock would date an entry into a past that
    somebody has cited, and a key that ended meanwhile could still write."""
    with open_write_session(engine) as session:
        lock_head(session)
        yield session


class Log:
    """The log in one write transaction, which holds the head lock.

    `rows_version`: of the projected rows. `freeze`: the freeze in force, if there is one."""

    def __init__(self, session: Session, now: datetime) -> None:
        self._session = session
        head = _get_locked_head(session) or _lock_head_row(session)
        self.revision, last = head.revision, head.recorded_at
        self.rows_version = RowsVersion(head.rules, head.projection)
        self.freeze: Freeze | None = get_freeze_in_force(head.frozen_since, head.frozen_until, now)
        session.info.pop(_LockedHead, None)
        # A clock set back must not change the past: readers who asked for the last entry's instant, or for a later one
        # (`wait_until_settled`), were answered that it was the last.
        self.recorded_at = now.astimezone(UTC) if now >= last else last + INSTANT_RESOLUTION

    def append(
        self, kind: str, body: dict[str, Any], personal: dict[str, Any] | None = None, buffer: WriteBuffer | None = None
    ) -> LogEntry:
        """Write one entry, store its personal values with their salts, and return the entry.

        With a `buffer` both are written when the buffer is flushed."""
        disclosures = salt_values(personal or {})
        full_body = {
            "v": BODY_FORMATS.get(kind, DEFAULT_BODY_FORMAT),
            "kind": kind,
            "recorded_at": format_instant(self.recorded_at),
            **body,
        }
        if disclosures:
            full_body["_sd"] = compute_digests(disclosures)
        entry_bytes = encode_canonical(full_body)
        if len(entry_bytes) > MAX_ENTRY_BYTES:
            raise Invalid.at_pointer(
                "", "too_large", Message("An entry holds at most {length} bytes: shorten it.", length=MAX_ENTRY_BYTES)
            )
        self.revision += 1
        leaf = compute_leaf_hash(entry_bytes)
        row = {
            "revision": self.revision,
            "kind": kind,
            "recorded_at": self.recorded_at,
            "body": entry_bytes.decode(),
            "leaf_hash": leaf,
        }
        disclosures_json = dump_disclosures(disclosures) if disclosures else None
        writes = buffer or WriteBuffer(self._session.connection())
        writes.add(_INSERT_ENTRY, [row])
        if disclosures_json is not None:
            writes.add(_INSERT_SEALED, [{"revision": self.revision, "disclosures": disclosures_json}])
        writes.replace(_ADVANCE_HEAD, {"new_revision": self.revision, "new_recorded_at": self.recorded_at})
        if buffer is None:
            writes.flush()
        # Decoded from the written bytes, so that it equals what a replay reads.
        return LogEntry(
            self.revision, kind, self.recorded_at, json.loads(entry_bytes), load_values(disclosures_json), leaf
        )


def replay_entries(session: Session) -> Iterator[LogEntry]:
    """Yield every entry in order, with the personal values that no erasure deleted."""
    last = 0
    while True:
        rows = session.execute(
            select(Entry, col(Sealed.disclosures))
            .outerjoin(Sealed, col(Sealed.revision) == col(Entry.revision))
            .where(col(Entry.revision) > last)
            .order_by(col(Entry.revision))
            .limit(REPLAY_BATCH_ENTRIES)
        ).all()
        for entry, disclosures in rows:
            yield parse_entry_row(entry, disclosures)
        session.expunge_all()
        if len(rows) < REPLAY_BATCH_ENTRIES:
            return
        last = rows[-1][0].revision


def parse_entry_row(entry: Any, disclosures: str | None) -> LogEntry:
    """Parse an `Entry`, or a row with its columns, and the disclosures that no erasure deleted."""
    body = json.loads(entry.body)
    personal = load_values(disclosures)
    return LogEntry(entry.revision, entry.kind, entry.recorded_at, body, personal, entry.leaf_hash)


def load_entry(session: Session, revision: int) -> LogEntry:
    row = session.connection().execute(_ENTRY_QUERY, {"revision": revision}).one()
    return parse_entry_row(row, row.disclosures)


def load_entries(session: Session, revisions: Iterable[int]) -> Iterator[LogEntry]:
    """Yield the entries of these revisions, in order."""
    for chunk in split_into_chunks(sorted(revisions)):
        for row in session.connection().execute(_ENTRIES_BY_REVISION_QUERY, {"revisions": chunk}):
            yield parse_entry_row(row, row.disclosures)


def pin_revision(session: Session, revision: int) -> Pin:
    """Return a revision with the first digits of its entry's leaf hash."""
    leaf = session.connection().execute(_LEAF_QUERY, {"revision": revision}).scalar_one_or_none()
    return Pin(revision, None if leaf is None else bytes(leaf).hex()[:LEAF_DIGITS])


def load_recorded_at(session: Session, revision: int) -> datetime:
    """Return when an entry was recorded. Dates never decrease with the revision."""
    instant: datetime = session.connection().execute(_RECORDED_AT_QUERY, {"revision": revision}).scalar_one()
    return instant


def load_kinds_and_dates(session: Session, revisions: Sequence[int]) -> dict[int, tuple[str, datetime]]:
    """Return revision → (kind of its entry, when it was recorded)."""
    rows = session.connection().execute(_KINDS_AND_DATES_QUERY, {"revisions": [*revisions]})
    return {row.revision: (row.kind, row.recorded_at) for row in rows}


def read_head(session: Session) -> tuple[int, datetime]:
    """Return the number of entries and when the last was recorded (EPOCH if there is none)."""
    last = col(Entry.revision) == col(Head.revision)
    row = session.execute(select(col(Head.revision), col(Entry.recorded_at)).outerjoin(Entry, last)).one()
    return row[0], row[1] or EPOCH


def read_min_entry_date(session: Session) -> datetime:
    """Return the earliest date that a new entry can have: the last entry's, or just after an instant already served."""
    locked_head = _get_locked_head(session)
    return session.scalars(select(col(Head.recorded_at))).one() if locked_head is None else locked_head.recorded_at


def require_steady_clock(watch: WatchedClock, now: datetime) -> datetime:
    """Return `now`. Raises ClockJumped if the machine's clock has jumped since the process began."""
    jump = watch.find_jump()
    if jump is None:
        return now
    direction = "ahead" if jump > timedelta() else "back"
    raise ClockJumped(
        Message(
            "this machine's clock has jumped {direction} by {span}, or is so far from the database's. Whoever runs the "
            "registry: set the clock. If it is right, as after the machine was paused, start the server again.",
            direction=direction,
            span=str(abs(jump)).partition(".")[0],
        )
    )


def require_clock_past_head(session: Session, now: datetime) -> None:
    """Raise ClockJumped if the clock is far behind the earliest date that a new entry can have.

    The operator may have stated that an earlier clock was ahead (`pin_clock`): the server cannot find out which of the
    two clocks is wrong."""
    last, ahead_until = session.execute(select(col(Head.recorded_at), col(Head.dated_ahead_until))).one()
    if last - now <= MAX_CLOCK_DRIFT or (ahead_until is not None and last - ahead_until <= MAX_CLOCK_DRIFT):
        return
    raise ClockJumped(
        Message(
            "the last entry or answer is of {last}, and this machine's clock says {now}. Whoever runs the registry: "
            "set the clock. If it is right, the other was ahead: run recuento clock --pin.",
            last=format_instant(last),
            now=format_instant(now),
        )
    )


def pin_clock(session: Session) -> datetime:
    """Record that a wrong clock dated the last entry ahead, and return that entry's date.

    Later entries are dated just after it until the clock reaches that date."""
    last = read_min_entry_date(session)
    session.connection().execute(update(Head).values(dated_ahead_until=last))
    return last


def count_redactions_since(session: Session, revision: int) -> int:
    """Count the erasures after a revision."""
    conditions = (col(Entry.kind) == "redaction", col(Entry.revision) > revision)
    return int(session.execute(select(func.count()).select_from(Entry).where(*conditions)).scalar_one())


def wait_until_settled(
    engine: Engine, instant: datetime, clock: Callable[[], datetime], timeout_seconds: float
) -> datetime:
    """Wait until no entry can be dated at or before a past instant, by any clock of any process.

    Returns the instant up to which this now holds. Raises TimeoutError. A writer has already read its clock and is
    invisible before COMMIT, so this takes the write lock itself, unless an entry of a later date comes first."""
    deadline = monotonic() + timeout_seconds
    while True:
        with open_read_session(engine) as session:
            min_entry_date = read_min_entry_date(session)
        if instant < min_entry_date:
            return min_entry_date - INSTANT_RESOLUTION
        if monotonic() > deadline:
            raise TimeoutError
        try:
            with open_write_session(engine, LOCK_ATTEMPT_TIMEOUT_MS) as session:
                min_entry_date = max(lock_head(session)[1], max(instant, clock()) + INSTANT_RESOLUTION)
                session.connection().execute(_SET_HEAD_DATE, {"new_recorded_at": min_entry_date})
        except CommitUnanswered:
            continue  # the head row shows whether it was committed
        except OperationalError as error:
            if not is_locked(error):
                raise
        else:
            return min_entry_date - INSTANT_RESOLUTION


def find_revision_at(session: Session, instant: datetime) -> int:
    """Return the last revision recorded at or before an instant, or 0 before the first."""
    return session.connection().execute(_LAST_REVISION_QUERY, {"instant": instant}).scalar_one_or_none() or 0
