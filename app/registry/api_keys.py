"""Create, rotate, revoke and authenticate API keys, and record the day of their last use.

A key is `rcn_` + id + secret + checksum. Only the secret's SHA-256 is stored: it has 190 bits of randomness, so a slow
hash is not needed. The CRC distinguishes a mistyped key from a revoked one without a lookup.

The day of last use is collected in memory (`KeyUses`) and written now and then. A request that reads must not become
one that writes: SQLite has one writer, and a registry that cannot be written to must go on answering.
"""

import hashlib
import hmac
import json
import re
import secrets
import zlib
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from threading import Lock
from typing import Any

from sqlalchemy import Engine, Row, and_, bindparam, delete, or_, select, update
from sqlmodel import Session, col

from app.config import Names
from app.db.engine import open_write_session
from app.errors import Conflict, Invalid, NotFound, Unauthenticated
from app.log.entries import read_min_entry_date
from app.matching.scripts import fold
from app.models import OPEN, ApiKey, Head, NoticeHolder, Source
from app.registry.publication.permissions import Reader, build_source_reader
from app.translations import Message
from app.vocabulary import Role

KEY_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
KEY_ID_LENGTH = 8
KEY_SECRET_LENGTH = 32  # 62**32 is 190 bits: above the 178 of comparable tokens
CHECKSUM_LENGTH = 6  # CRC-32 in base 62
# Two keys of a source and role, so that a key can be rotated without a gap; nobody remembers more.
MAX_LIVE_KEYS = 2
INVALID_KEY_DETAIL = "This key is not valid: ask the administrator for a new one."
MAX_HOLDER_LENGTH = 200  # characters: as long as the names of sources
KEY_PATTERN = re.compile(
    rf"rcn_([0-9A-Za-z]{{{KEY_ID_LENGTH}}})([0-9A-Za-z]{{{KEY_SECRET_LENGTH}}})([0-9A-Za-z]{{{CHECKSUM_LENGTH}}})"
)
# A key with the current version of the source that it acts for.
_SELECT_KEY = (
    select(ApiKey, Source, col(Head.recorded_at))
    .select_from(ApiKey)
    .join(Head, col(Head.id) == 1)
    .outerjoin(Source, and_(col(Source.key) == col(ApiKey.source), col(Source.until) == OPEN))
    .where(col(ApiKey.id) == bindparam("id"))
)


def create_key(
    session: Session,
    role: Role,
    source: str | None,
    days: int,
    now: datetime,
    holder: str | None = None,
    scopes: Sequence[str] | None = None,
) -> str:
    """Create a key and return its text, which is not stored. A reporter's key needs a source.

    `scopes`: the routes to which the key is limited, as `METHOD /path`. Raises NotFound and Invalid."""
    moment = get_key_time(session, now)
    source_key = None
    if source is not None:
        query = select(col(Source.key)).where(col(Source.slug) == source, col(Source.until) == OPEN)
        source_key = session.scalars(query).one_or_none()
        if source_key is None:
            raise NotFound("There is no source with this slug: add it first (recuento source add).")
    elif role is Role.REPORTER:
        raise Invalid.at_pointer("/source", "source_required", "A reporter's key writes as one source: name it.")
    scopes_json = None if scopes is None else json.dumps(list(dict.fromkeys(scopes)))
    holder_name = None if holder is None else _validate_holder(holder)
    return _insert_key(session, role, source_key, moment, days, holder_name, scopes_json)


def _insert_key(
    session: Session,
    role: Role,
    source: int | None,
    moment: datetime,
    days: int,
    holder: str | None,
    scopes: str | None,
) -> str:
    if source is not None:
        _check_key_limit(session, role, source, moment)
    key_id, secret = _generate_text(KEY_ID_LENGTH), _generate_text(KEY_SECRET_LENGTH)
    session.add(
        ApiKey(
            id=key_id,
            role=role,
            source=source,
            digest=_hash_secret(secret),
            created_at=moment,
            expires_at=moment + timedelta(days=days),
            holder=holder,
            scopes=scopes,
        )
    )
    session.flush()
    return f"rcn_{key_id}{secret}{_compute_checksum(key_id + secret)}"


def _validate_holder(holder: str) -> str:
    """Return the holder's name on one line. It needs letters, because holders are compared by folded name."""
    name = " ".join(holder.split())
    if not fold(name) or len(name) > MAX_HOLDER_LENGTH or not name.isprintable():
        detail = Message(
            "Name the holder, the person who has the key, in up to {length} letters (--holder).",
            length=MAX_HOLDER_LENGTH,
        )
        raise Invalid.at_pointer("/holder", "holder_required", detail)
    return name


def _check_key_limit(session: Session, role: Role, source: int, moment: datetime) -> None:
    live_keys = session.scalars(
        select(col(ApiKey.id)).where(
            col(ApiKey.source) == source,
            col(ApiKey.role) == role,
            col(ApiKey.revoked_at).is_(None),
            col(ApiKey.expires_at) > moment,
        )
    ).all()
    if len(live_keys) >= MAX_LIVE_KEYS:
        raise Invalid.at_pointer(
            "/source",
            "too_many_keys",
            Message(
                "This source has {number} live keys of this role: revoke one first (recuento key revoke),"
                " or give --at-once to rotate one.",
                number=MAX_LIVE_KEYS,
            ),
        )


def rotate_key(
    session: Session, key_id: str, days: int, now: datetime, *, ends_in: int, holder: str | None = None
) -> str:
    """Create the successor of a live key, with its holder, role, source and scopes, and return its text.

    The old key ends `ends_in` days from now (0: at once), or earlier if it expires. `holder` names the holder of a key
    without one, for both keys: they belong to one person. Raises NotFound, Conflict for a key that has ended, and
    Invalid."""
    key, moment = _load_key(session, key_id), get_key_time(session, now)
    if is_key_ended(key, moment):
        raise Conflict("This key has ended, and has no successor: make a new key (recuento key create).")
    if key.holder is None:
        key.holder = _validate_holder(holder or "")
    elif holder is not None and not is_same_holder(key.holder, holder):
        detail = "This key has another holder. A key for somebody else is a new key (recuento key create)."
        raise Invalid.at_pointer("/holder", "another_holder", detail)
    # Not revoked: embargoed reports of a revoked key are refused as a thief's.
    key.expires_at = min(key.expires_at, moment + timedelta(days=ends_in))
    session.add(key)
    session.flush()
    return _insert_key(session, Role(key.role), key.source, moment, days, key.holder, key.scopes)


def revoke_key(session: Session, key_id: str, now: datetime) -> None:
    """End a key at once, and delete the notice addresses of a holder without another."""
    key = _load_key(session, key_id)
    key.revoked_at = key.revoked_at or now
    session.add(key)
    session.flush()
    moment, keys = get_key_time(session, now), session.scalars(select(ApiKey).where(col(ApiKey.holder).is_not(None)))
    live_holders = {fold(str(other.holder)) for other in keys if not is_key_ended(other, moment)}
    if key.holder is not None and fold(key.holder) not in live_holders:
        session.connection().execute(delete(NoticeHolder).where(col(NoticeHolder.holder) == fold(key.holder)))


def is_key_revoked(session: Session, key_id: str) -> bool:
    """Return whether a key was revoked. Raises NotFound."""
    return _load_key(session, key_id).revoked_at is not None


def _load_key(session: Session, key_id: str) -> ApiKey:
    key = session.get(ApiKey, key_id)
    if key is None:
        raise NotFound("There is no key with this id.")
    return key


def get_key_time(session: Session, now: datetime) -> datetime:
    """Return the instant at which expiry is judged: the clock's, or the last entry's if that is later.

    So a clock that was set back revives no key."""
    return max(now, read_min_entry_date(session))


def is_key_ended(key: ApiKey, moment: datetime) -> bool:
    """Return whether a key was revoked, or has expired at the instant of `get_key_time`."""
    return key.revoked_at is not None or key.expires_at <= moment


def is_same_holder(first: str, second: str) -> bool:
    """Return whether two names mean one holder, regardless of case and accents."""
    return fold(first) == fold(second)


def parse_key_scopes(key: ApiKey) -> list[str] | None:
    """Return the routes to which a key is limited, as `METHOD /path`; None if it may do all that its role may."""
    return None if key.scopes is None else json.loads(key.scopes)


def reload_reader(session: Session, key_id: str, now: datetime, names: Names) -> Reader:
    """Return the reader of a key that was authenticated before: a write may wait long for its body and the lock.

    Raises Unauthenticated if the key has ended since."""
    row = session.execute(_SELECT_KEY, {"id": key_id}).one_or_none()
    if row is None or is_key_ended(row.ApiKey, get_key_time(session, now)):
        raise Unauthenticated(INVALID_KEY_DETAIL)
    return _build_key_reader(row, names)


def authenticate_key(session: Session, token: str, now: datetime, names: Names) -> tuple[Reader, ApiKey]:
    """Return the reader and the row of a key.

    Raises Unauthenticated, with the same detail for an unknown, an expired and a revoked key."""
    match = KEY_PATTERN.fullmatch(token)
    if match is None or _compute_checksum(match[1] + match[2]) != match[3]:
        raise Unauthenticated("This is not a whole key: check that it was copied to its end.")
    row = session.execute(_SELECT_KEY, {"id": match[1]}).one_or_none()
    is_known = row is not None and hmac.compare_digest(row.ApiKey.digest, _hash_secret(match[2]))
    if row is None or not is_known or is_key_ended(row.ApiKey, max(now, row.recorded_at)):
        raise Unauthenticated(INVALID_KEY_DETAIL)
    return _build_key_reader(row, names), row.ApiKey


def _build_key_reader(row: Row[Any], names: Names) -> Reader:
    """Return the reader that acts with a key, for its source if it has one."""
    role = Role(row.ApiKey.role)
    return Reader(role, names=names) if row.ApiKey.source is None else build_source_reader(row.Source, names, role)


def _generate_text(length: int) -> str:
    return "".join(secrets.choice(KEY_ALPHABET) for _ in range(length))


def _hash_secret(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _compute_checksum(text: str) -> str:
    number, digits = zlib.crc32(text.encode()), ""
    for _ in range(CHECKSUM_LENGTH):
        number, digit = divmod(number, len(KEY_ALPHABET))
        digits = KEY_ALPHABET[digit] + digits
    return digits


class KeyUses:
    """The key uses that a process has not written yet: one day for each key."""

    def __init__(self) -> None:
        self._unwritten: dict[str, date] = {}
        self._lock = Lock()

    def record_use(self, key: ApiKey, day: date) -> None:
        """Record that a key was used on a day. A key causes at most one write a day."""
        if key.last_used_on is None or key.last_used_on < day:
            with self._lock:
                self._unwritten[key.id] = max(day, self._unwritten.get(key.id, day))

    def write_uses(self, engine: Engine) -> None:
        """Write the recorded uses. If that fails they stay for the next call."""
        uses = dict(self._unwritten)
        if not uses:
            return
        with open_write_session(engine) as session:
            for key_id, day in sorted(uses.items()):  # sorted, so that concurrent processes lock rows in one order
                is_earlier = or_(col(ApiKey.last_used_on).is_(None), col(ApiKey.last_used_on) < day)
                statement = update(ApiKey).where(col(ApiKey.id) == key_id, is_earlier).values(last_used_on=day)
                session.connection().execute(statement)
        with self._lock:
            for key_id, day in uses.items():
                if self._unwritten.get(key_id) == day:
                    del self._unwritten[key_id]
