"""Keys: who may write and who may see restricted fields.

A key is `rcn_` + id + secret + checksum. Only the secret's SHA-256 is stored: it has 190 bits of randomness, so
nothing slower is needed. The CRC lets a mistyped key be told from a revoked one without a look-up.
"""

import hashlib
import hmac
import re
import secrets
import zlib
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlmodel import Session, col

from app.errors import Invalid, NotFound, Unauthenticated
from app.models import OPEN, ApiKey, Source
from app.registry.read_permissions import Reader
from app.vocabulary import Role

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ID_LENGTH = 8
SECRET_LENGTH = 32  # 62**32 is 190 bits: above the 178 of comparable tokens
CHECK_LENGTH = 6  # CRC-32 in base 62
# Two at once, so that a key can be rotated without a gap; more would be keys nobody remembers.
MOST_LIVE_KEYS = 2
PATTERN = re.compile(
    rf"rcn_([0-9A-Za-z]{{{ID_LENGTH}}})([0-9A-Za-z]{{{SECRET_LENGTH}}})([0-9A-Za-z]{{{CHECK_LENGTH}}})"
)


def create(session: Session, role: Role, source: str | None, days: int, now: datetime) -> str:
    """Make a key and return its text, which is not stored. A reporter's key needs a source."""
    source_key = None
    if source is not None:
        query = select(col(Source.key)).where(col(Source.slug) == source, col(Source.until) == OPEN)
        source_key = session.scalars(query).one_or_none()
        if source_key is None:
            raise NotFound("There is no source with this slug: add it first (recuento source add).")
        _limit(session, role, source_key, now)
    elif role is Role.REPORTER:
        raise Invalid.at("/source", "source_required", "A reporter's key writes as one source: name it.")
    key_id, secret = _random(ID_LENGTH), _random(SECRET_LENGTH)
    session.add(
        ApiKey(
            id=key_id,
            role=role,
            source=source_key,
            digest=_digest(secret),
            created_at=now,
            expires_at=now + timedelta(days=days),
        )
    )
    session.flush()
    return f"rcn_{key_id}{secret}{_checksum(key_id + secret)}"


def _limit(session: Session, role: Role, source: int, now: datetime) -> None:
    live = session.scalars(
        select(col(ApiKey.id)).where(
            col(ApiKey.source) == source,
            col(ApiKey.role) == role,
            col(ApiKey.revoked_at).is_(None),
            col(ApiKey.expires_at) > now,
        )
    ).all()
    if len(live) >= MOST_LIVE_KEYS:
        raise Invalid.at(
            "/source",
            "too_many_keys",
            f"This source has {MOST_LIVE_KEYS} live keys of this role: revoke one first (recuento key revoke).",
        )


def revoke(session: Session, key_id: str, now: datetime) -> None:
    """End a key at once."""
    key = session.get(ApiKey, key_id)
    if key is None:
        raise NotFound("There is no key with this id.")
    key.revoked_at = key.revoked_at or now
    session.add(key)
    session.flush()


def authenticate(session: Session, token: str, now: datetime) -> tuple[Reader, ApiKey]:
    """The reader and the row of a key. Raises Unauthenticated, in the same words for an unknown, an expired and a
    revoked key."""
    match = PATTERN.fullmatch(token)
    if match is None or _checksum(match[1] + match[2]) != match[3]:
        raise Unauthenticated("This is not a whole key: check that it was copied to its end.")
    key = session.get(ApiKey, match[1])
    known = key is not None and hmac.compare_digest(key.digest, _digest(match[2]))
    if key is None or not known or key.revoked_at is not None or key.expires_at <= now:
        raise Unauthenticated("This key is not valid: ask the administrator for a new one.")
    if key.source is None:
        return Reader(Role(key.role)), key
    source = session.scalars(select(Source).where(col(Source.key) == key.source, col(Source.until) == OPEN)).one()
    return Reader(Role(key.role), source.key, source.slug, source.independent and not source.quarantined), key


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _checksum(text: str) -> str:
    number, digits = zlib.crc32(text.encode()), ""
    for _ in range(CHECK_LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits
