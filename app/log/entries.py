"""Merkle tree hashes of RFC 9162 section 2.1.1 (pure).

Canonical JSON (RFC 8785): one text for one value, so that anybody can compute a hash of an entry again (pure).

Personal values enter the log only as salted digests, in the shape of RFC 9901 (selective disclosure).

A disclosure is `[salt, name, value]` as JSON, base64url without padding; its digest is the SHA-256 of those ASCII
bytes, again base64url. The entry lists the digests sorted, so that neither names nor order tell what was given.
The 128-bit salt makes a digest useless without the disclosure: an unsalted hash of four hundred known names would
be plaintext.

The log: every accepted entry, numbered from 1 without gaps, under the head lock.

`append` is the only function that writes an entry. It must run inside the request's transaction, after
`lock_head`; whoever holds the lock is the only writer, so the number after the head is free."""

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

from app.clock import BOUND, WatchedClock
from app.dates import format_instant
from app.db.engine import CommitUnanswered, chunks, is_locked, reading, writing
from app.db.write_buffer import WriteBuffer
from app.errors import ClockJumped, Invalid
from app.log import mark
from app.models import Entry, Head, Sealed

LEAF_PREFIX = b"\x00"


def leaf_hash(entry: bytes) -> bytes:
    """32 bytes: SHA-256(0x00 || entry)."""
    return hashlib.sha256(LEAF_PREFIX + entry).digest()


# The largest whole number that RFC 8785 writes as it is.
LARGEST = 2**53 - 1
_CANONICAL_ENCODER = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def dumps(value: Any) -> bytes:
    """The canonical bytes. Of nearly every entry the encoder of Python writes the same, five times as fast."""
    return _CANONICAL_ENCODER.encode(value).encode() if _is_plain(value) else rfc8785.dumps(value)


def _is_plain(value: Any) -> bool:
    """Whether there is one way to write a value: no fraction stands in it, no number too large to be exact, and no name
    whose place depends on whether it is sorted by UTF-16 or by code points."""
    if isinstance(value, str) or value is None:
        return True
    if isinstance(value, dict):
        return all(isinstance(name, str) and name.isascii() and _is_plain(inner) for name, inner in value.items())
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return isinstance(value, int) and -LARGEST <= value <= LARGEST


SALT_BYTES = 16
# Made once: json.dumps makes another each time.
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))

Disclosures = dict[str, tuple[str, Any]]


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def seal(values: dict[str, Any]) -> Disclosures:
    """Give each value a fresh salt: `{name: (salt, value)}`."""
    return {name: (_b64(secrets.token_bytes(SALT_BYTES)), value) for name, value in sorted(values.items())}


def digest(name: str, salt: str, value: Any) -> str:
    """The digest that stands in the log for one value (RFC 9901 section 4.2.3)."""
    disclosure = _b64(_ENCODER.encode([salt, name, value]).encode())
    return _b64(hashlib.sha256(disclosure.encode()).digest())


def digests(disclosures: Disclosures) -> list[str]:
    """The sorted digests of all values."""
    return sorted(digest(name, salt, value) for name, (salt, value) in disclosures.items())


def dump(disclosures: Disclosures) -> str:
    return _ENCODER.encode(disclosures)


def values(text: str | None) -> dict[str, Any]:
    """The values alone, of disclosures as stored; `{}` once they are erased."""
    return {} if text is None else {name: value for name, (_salt, value) in json.loads(text).items()}


def keyed_digest(secret: bytes, *parts: str) -> str:
    """HMAC-SHA-256 over the parts, each with its length before it: hex, 64 characters."""
    message = b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)
    return hmac.new(secret, message, hashlib.sha256).hexdigest()


# Kind → `v`, the version of the form of its body; 1 where none is given. Report 2: of people who may only be counted
# the body says months and no method (decision 0042). Entries stay in the form in which they were written.
FORMATS = {"report": 2}
# The tile format writes an entry's length in two bytes (C2SP tlog-tiles).
MAX_ENTRY_BYTES = 65_535
REPLAY_BATCH = 1_000
MOMENT = timedelta(microseconds=1)  # the least by which instants differ here
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A turn is waited for in pieces: where lists are filed back to back, the next date is seen before a gap is hit.
TURN_MS = 100
# Hexadecimal digits of a leaf hash in an address: 64 bits, so that two entries that were ever given one number are told
# apart, and an address can still be read out.
LEAF_DIGITS = 16

_INSERT_ENTRY = insert(Entry)
_INSERT_SEALED = insert(Sealed)
_LOCK_HEAD = (
    select(col(Head.revision), col(Head.recorded_at), col(Head.rules)).where(col(Head.id) == 1).with_for_update()
)
_ENTRIES = select(*Entry.__table__.c, col(Sealed.disclosures)).outerjoin(  # type: ignore[attr-defined]
    Sealed, col(Sealed.revision) == col(Entry.revision)
)
_ENTRY_AT = _ENTRIES.where(col(Entry.revision) == bindparam("at"))
_ENTRIES_AT = _ENTRIES.where(col(Entry.revision).in_(bindparam("among", expanding=True))).order_by(col(Entry.revision))
_LEAF_AT = select(col(Entry.leaf_hash)).where(col(Entry.revision) == bindparam("at"))
_RECORDED_AT = select(col(Entry.recorded_at)).where(col(Entry.revision) == bindparam("at"))
_RECORDED = select(col(Entry.revision), col(Entry.kind), col(Entry.recorded_at)).where(
    col(Entry.revision).in_(bindparam("among", expanding=True))
)
_LAST_AT = (
    select(col(Entry.revision))
    .where(col(Entry.recorded_at) <= bindparam("by"))
    .order_by(col(Entry.recorded_at).desc(), col(Entry.revision).desc())
    .limit(1)
)
_ADVANCE = update(Head).where(col(Head.id) == 1).values(revision=bindparam("to"), recorded_at=bindparam("at"))
_SETTLE = update(Head).where(col(Head.id) == 1).values(recorded_at=bindparam("from"))


@dataclass(frozen=True, slots=True)
class LogEntry:
    """An entry of the log with its readable and its personal values, just appended or replayed."""

    revision: int
    kind: str
    recorded_at: datetime
    body: dict[str, Any]
    personal: dict[str, Any]
    leaf_hash: bytes


class Pin(NamedTuple):
    """A revision as addresses name it: its number and the beginning of the leaf hash of its entry, since the number
    alone is another entry's after a restore. Before the first entry there is no leaf."""

    revision: int
    leaf: str | None = None


def lock_head(session: Session) -> tuple[int, datetime]:
    """Become the only writer until the transaction ends; the revision, and the date before which no entry is dated any
    more."""
    row = _lock(session)
    _keep(session, row)
    return row.revision, row.recorded_at


def go_on_after(session: Session, log: "Log") -> None:
    """Let what the session's transaction writes next go on after a log of it, without looking at the head again."""
    _keep(session, _LockedHead(log.revision, log.recorded_at, log.rules))


class _LockedHead(NamedTuple):
    revision: int
    recorded_at: datetime
    rules: int


def _lock(session: Session) -> _LockedHead:
    row = _LockedHead(*session.connection().execute(_LOCK_HEAD).one())
    marked = mark.of(session)
    if marked is not None:
        marked.require(row.revision)
    return row


def _keep(session: Session, row: _LockedHead) -> None:
    """Keep the head for what reads it before the transaction writes an entry."""
    session.info[_LockedHead] = (session.get_transaction(), row)


def _locked(session: Session) -> _LockedHead | None:
    """The head as it was when this transaction locked it, until it begins to write."""
    transaction, row = session.info.get(_LockedHead, (None, None))
    return row if transaction is not None and transaction is session.get_transaction() else None


@contextmanager
def as_only_writer(engine: Engine) -> Iterator[Session]:
    """A writing session that holds the head lock. The caller reads the clock and the key inside: read before the wait,
    they would date an entry into a past that somebody has cited, or let an ended key write."""
    with writing(engine) as session:
        lock_head(session)
        yield session


class Log:
    """The log within one writing transaction, whose end releases the head lock. `rules`: those under which the rows
    were projected."""

    def __init__(self, session: Session, now: datetime) -> None:
        self._session = session
        self.revision, last, self.rules = _locked(session) or _lock(session)
        session.info.pop(_LockedHead, None)
        # A clock set back must not make the past move: whoever asked for the last entry's instant, or for a later one
        # (`settle`), was told of it as the last.
        self.recorded_at = now.astimezone(UTC) if now >= last else last + MOMENT

    def append(
        self, kind: str, body: dict[str, Any], personal: dict[str, Any] | None = None, buffer: WriteBuffer | None = None
    ) -> LogEntry:
        """Write one entry of `kind`, its personal values sealed beside it, and return the entry. With a `buffer` it is
        written when the buffer is flushed."""
        disclosures = seal(personal or {})
        full = {"v": FORMATS.get(kind, 1), "kind": kind, "recorded_at": format_instant(self.recorded_at), **body}
        if disclosures:
            full["_sd"] = digests(disclosures)
        written = dumps(full)
        if len(written) > MAX_ENTRY_BYTES:
            raise Invalid.at("", "too_large", f"An entry holds at most {MAX_ENTRY_BYTES} bytes: shorten it.")
        self.revision += 1
        leaf = leaf_hash(written)
        row = {
            "revision": self.revision,
            "kind": kind,
            "recorded_at": self.recorded_at,
            "body": written.decode(),
            "leaf_hash": leaf,
        }
        kept = dump(disclosures) if disclosures else None
        writes = buffer or WriteBuffer(self._session.connection())
        writes.add(_INSERT_ENTRY, [row])
        if kept is not None:
            writes.add(_INSERT_SEALED, [{"revision": self.revision, "disclosures": kept}])
        writes.put(_ADVANCE, {"to": self.revision, "at": self.recorded_at})
        if buffer is None:
            writes.flush()
        # The entry as written: a replay will read these bytes.
        return LogEntry(self.revision, kind, self.recorded_at, json.loads(written), values(kept), leaf)


def replay(session: Session) -> Iterator[LogEntry]:
    """Every entry in order, with the personal values that no erasure deleted."""
    last = 0
    while True:
        rows = session.execute(
            select(Entry, col(Sealed.disclosures))
            .outerjoin(Sealed, col(Sealed.revision) == col(Entry.revision))
            .where(col(Entry.revision) > last)
            .order_by(col(Entry.revision))
            .limit(REPLAY_BATCH)
        ).all()
        for entry, disclosures in rows:
            yield read(entry, disclosures)
        session.expunge_all()
        if len(rows) < REPLAY_BATCH:
            return
        last = rows[-1][0].revision


def read(entry: Entry, disclosures: str | None) -> LogEntry:
    """A stored entry with the personal values that no erasure deleted."""
    return told(entry, disclosures)


def told(entry: Any, disclosures: str | None) -> LogEntry:
    """The entry of a row that has its columns."""
    body = json.loads(entry.body)
    personal = values(disclosures)
    return LogEntry(entry.revision, entry.kind, entry.recorded_at, body, personal, entry.leaf_hash)


def entry_at(session: Session, revision: int) -> LogEntry:
    """The entry of that revision."""
    row = session.connection().execute(_ENTRY_AT, {"at": revision}).one()
    return told(row, row.disclosures)


def entries_at(session: Session, revisions: Iterable[int]) -> Iterator[LogEntry]:
    """The entries of these revisions, in order."""
    for some in chunks(sorted(revisions)):
        for row in session.connection().execute(_ENTRIES_AT, {"among": some}):
            yield told(row, row.disclosures)


def pin(session: Session, revision: int) -> Pin:
    """A revision with what its address says of its entry."""
    leaf = session.connection().execute(_LEAF_AT, {"at": revision}).scalar_one_or_none()
    return Pin(revision, None if leaf is None else bytes(leaf).hex()[:LEAF_DIGITS])


def recorded_at(session: Session, revision: int) -> datetime:
    """When an entry was recorded: no earlier than those before it."""
    at: datetime = session.connection().execute(_RECORDED_AT, {"at": revision}).scalar_one()
    return at


def recorded(session: Session, revisions: Sequence[int]) -> dict[int, tuple[str, datetime]]:
    """Revision → of which kind its entry is, and when it was recorded."""
    rows = session.connection().execute(_RECORDED, {"among": [*revisions]})
    return {row.revision: (row.kind, row.recorded_at) for row in rows}


def head(session: Session) -> tuple[int, datetime]:
    """The number of entries, and when the last was recorded (the epoch when there is none)."""
    last = col(Entry.revision) == col(Head.revision)
    row = session.execute(select(col(Head.revision), col(Entry.recorded_at)).outerjoin(Entry, last)).one()
    return row[0], row[1] or EPOCH


def no_entry_before(session: Session) -> datetime:
    """The date before which no entry is dated any more: the last one's, or just after an instant that was answered."""
    locked = _locked(session)
    return session.scalars(select(col(Head.recorded_at))).one() if locked is None else locked.recorded_at


def require_steady(watch: WatchedClock, now: datetime) -> datetime:
    """The time, to write at. Raises ClockJumped where the machine's clock has jumped since the process began."""
    jump = watch.jump()
    if jump is None:
        return now
    way = "ahead" if jump > timedelta() else "back"
    raise ClockJumped(
        f"this machine's clock has jumped {way} by {str(abs(jump)).partition('.')[0]}, or is so far from the "
        "database's. Whoever runs the registry: set the clock. If it is right, as after the machine was paused, start "
        "the server again."
    )


def require_clock(session: Session, now: datetime) -> None:
    """Raises ClockJumped where the clock is far behind the date before which no entry is dated any more, unless whoever
    runs the registry has said that a clock was ahead by then. Nobody can tell the two apart from here."""
    last, ahead = session.execute(select(col(Head.recorded_at), col(Head.dated_ahead_until))).one()
    if last - now <= BOUND or (ahead is not None and last - ahead <= BOUND):
        return
    raise ClockJumped(
        f"the last entry or answer is of {format_instant(last)}, and this machine's clock says {format_instant(now)}. "
        "Whoever runs the registry: set the clock. If it is right, the other was ahead: run recuento clock --pin."
    )


def pin_clock(session: Session) -> datetime:
    """Remember that the last entry was dated ahead by a wrong clock: what follows is dated just after it, until the
    clock has come that far. The date of the last entry."""
    last = no_entry_before(session)
    session.connection().execute(update(Head).values(dated_ahead_until=last))
    return last


def redactions_since(session: Session, revision: int) -> int:
    """The number of erasures after a revision."""
    later = (col(Entry.kind) == "redaction", col(Entry.revision) > revision)
    return int(session.execute(select(func.count()).select_from(Entry).where(*later)).scalar_one())


def settle(engine: Engine, instant: datetime, clock: Callable[[], datetime], seconds: float) -> datetime:
    """Wait until no entry can be dated at or before an instant that has come, and see to it that none ever will be, by
    whatever clock of whatever process; the instant up to which this holds now. Raises TimeoutError.

    Whoever writes has taken the time already and is not seen before COMMIT: so this takes the writer's turn, unless an
    entry of a later date comes first."""
    patience = monotonic() + seconds
    while True:
        with reading(engine) as session:
            dated_from = no_entry_before(session)
        if instant < dated_from:
            return dated_from - MOMENT
        if monotonic() > patience:
            raise TimeoutError
        try:
            with writing(engine, TURN_MS) as session:
                dated_from = max(lock_head(session)[1], max(instant, clock()) + MOMENT)
                session.connection().execute(_SETTLE, {"from": dated_from})
        except CommitUnanswered:
            continue  # the row tells
        except OperationalError as error:
            if not is_locked(error):
                raise
        else:
            return dated_from - MOMENT


def last_revision_at(session: Session, instant: datetime) -> int:
    """The last revision recorded at or before an instant; 0 before the first."""
    return session.connection().execute(_LAST_AT, {"by": instant}).scalar_one_or_none() or 0
