"""Store the address to which a holder of keys gets notices, and the numbers of the last ones.

An e-mail address is personal: it is sealed with the operator's secret, is in no log, export or answer, and is deleted
with the holder's last key. Of the secret address of a feed only a digest is stored, as of a key.
"""

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlmodel import Session, col

from app.config import Names
from app.dates import format_instant
from app.errors import Conflict, Invalid, NotFound
from app.log import sealing
from app.matching.scripts import fold
from app.models import ApiKey, NoticeHolder
from app.registry import api_keys
from app.registry.publication.permissions import Reader
from app.registry.write import new_id

NOTICE_INTERVAL = timedelta(hours=1)
RETRY_INTERVAL = timedelta(minutes=10)  # after an attempt that failed, or a crash
MAX_DIGESTS = 24  # digests in a feed: feed readers ask at least once a day
TOKEN_BYTES = 32
MAX_ADDRESS_LENGTH = 254  # characters (RFC 5321 section 4.5.3.1.3)
_SEAL_CONTEXT = "notice address"

Counts = dict[str, int]  # kind of notice → number


@dataclass(frozen=True)
class HolderKey:
    """A live key of a holder. `scopes`: the routes to which it is limited; None if it is not."""

    reader: Reader
    scopes: Sequence[str] | None


def set_email(session: Session, secret: bytes, key_id: str, address: str, now: datetime) -> None:
    """Send notices for all keys of a key's holder to an address. Raises Invalid, NotFound, Conflict."""
    name, _at, host = address.partition("@")
    is_address = bool(name) and "." in host and address.isascii() and address.isprintable() and " " not in address
    if not is_address or len(address) > MAX_ADDRESS_LENGTH or host.count("@"):
        raise Invalid.at_pointer("/email", "invalid_email", "This is not an e-mail address: name@example.org.")
    row = _load_or_create(session, key_id, now)
    row.email = sealing.seal_bytes(secret, address.encode(), _SEAL_CONTEXT, row.holder)
    session.flush()


def create_feed(session: Session, key_id: str, now: datetime) -> str:
    """Give a key's holder a new secret address of a feed, in place of an earlier one; its path."""
    row, token = _load_or_create(session, key_id, now), secrets.token_urlsafe(TOKEN_BYTES)
    row.feed_digest = _digest_token(token)
    session.flush()
    return f"/v1/notices/{token}.atom"


def delete_addresses(session: Session, key_id: str, now: datetime) -> None:
    """Send no more notices to a key's holder, and delete both addresses."""
    holder = _load_folded_holder(session, key_id, now)
    session.connection().execute(delete(NoticeHolder).where(col(NoticeHolder.holder) == holder))


def list_channels(session: Session) -> dict[str, list[str]]:
    """Return folded holder → the ways in which notices reach them, without the addresses."""
    return {
        row.holder: [name for name, value in (("email", row.email), ("feed", row.feed_digest)) if value is not None]
        for row in session.scalars(select(NoticeHolder))
    }


def _load_or_create(session: Session, key_id: str, now: datetime) -> NoticeHolder:
    holder = _load_folded_holder(session, key_id, now)
    row = session.get(NoticeHolder, holder)
    if row is None:
        row = NoticeHolder(holder=holder, covered_until=now, due_at=now)
        session.add(row)
    return row


def _load_folded_holder(session: Session, key_id: str, now: datetime) -> str:
    key = session.get(ApiKey, key_id)
    if key is None:
        raise NotFound("There is no key with this id.")
    if key.holder is None or api_keys.is_key_ended(key, api_keys.get_key_time(session, now)):
        raise Conflict("Notices go to the holder of a key that has not ended: see recuento key list.")
    return fold(key.holder)


def load_live_keys(session: Session, holder: str, now: datetime, names: Names) -> list[HolderKey]:
    """Return the live keys of a folded holder."""
    moment = api_keys.get_key_time(session, now)
    keys = session.scalars(select(ApiKey).where(col(ApiKey.holder).is_not(None), col(ApiKey.expires_at) > moment))
    return [
        HolderKey(api_keys.reload_reader(session, key.id, now, names), api_keys.parse_key_scopes(key))
        for key in keys.all()
        if fold(str(key.holder)) == holder and not api_keys.is_key_ended(key, moment)
    ]


def list_due_holders(session: Session, now: datetime) -> list[str]:
    """Return the folded holders to whom a notice may be sent now."""
    return list(session.scalars(select(col(NoticeHolder.holder)).where(col(NoticeHolder.due_at) <= now)))


def unseal_email(secret: bytes, row: NoticeHolder) -> str | None:
    """Return the e-mail address of a holder, if there is one. Raises DamagedCiphertext."""
    return None if row.email is None else sealing.unseal_bytes(secret, row.email, _SEAL_CONTEXT, row.holder).decode()


def add_digest(row: NoticeHolder, counts: Mapping[str, int], now: datetime) -> None:
    """Add a digest to a holder's feed, and to what is to be mailed."""
    digests = [{"id": str(new_id()), "at": format_instant(now), "counts": dict(counts)}, *json.loads(row.digests)]
    row.digests = json.dumps(digests[:MAX_DIGESTS])
    if row.email is not None:
        unsent: Counts = json.loads(row.unsent)
        row.unsent = json.dumps({kind: unsent.get(kind, 0) + counts.get(kind, 0) for kind in {**unsent, **counts}})


def find_feed(session: Session, token: str) -> list[dict[str, Any]]:
    """Return the digests of the feed at a secret address, newest first. Raises NotFound."""
    query = select(col(NoticeHolder.digests)).where(col(NoticeHolder.feed_digest) == _digest_token(token))
    digests = session.scalars(query).one_or_none()
    if digests is None:
        raise NotFound("There is no feed at this address: ask whoever runs the registry for a new one.")
    return list(json.loads(digests))


def _digest_token(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
