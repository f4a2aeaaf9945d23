"""Freeze the registry: refuse every write that does not hide, erase or revoke.

The state is in the head row. Every writer locks and reads that row, so no write passes a freeze, and the check needs no
query of its own.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import select, update
from sqlmodel import Session, col

from app.dates import format_instant
from app.errors import Frozen
from app.models import Head

# A curator's freeze ends by itself: a stolen key must not stop a registry for ever. A day is enough to reach whoever
# runs the registry.
CURATOR_FREEZE = timedelta(hours=24)
MAX_RETRY_AFTER_SECONDS = 3600  # a freeze may be ended early


class Freeze(NamedTuple):
    """A freeze in force. `until`: when it ends by itself; None if somebody has to end it."""

    since: datetime
    until: datetime | None

    def to_dict(self) -> dict[str, str | None]:
        """Return both instants as JSON values."""
        until = None if self.until is None else format_instant(self.until)
        return {"since": format_instant(self.since), "until": until}

    def build_refusal(self, now: datetime) -> Frozen:
        """Return the error for a write that the freeze refuses."""
        if self.until is None:
            return Frozen(None, MAX_RETRY_AFTER_SECONDS)
        seconds = int((self.until - now).total_seconds()) + 1
        return Frozen(format_instant(self.until), min(seconds, MAX_RETRY_AFTER_SECONDS))


def get_freeze_in_force(since: datetime | None, until: datetime | None, now: datetime) -> Freeze | None:
    """Return the freeze of the head row, unless it has ended. `since`: None if there is none."""
    return None if since is None or (until is not None and until <= now) else Freeze(since, until)


def read_freeze(session: Session, now: datetime) -> Freeze | None:
    """Return the freeze in force, if there is one."""
    row = session.connection().execute(select(col(Head.frozen_since), col(Head.frozen_until))).one()
    return get_freeze_in_force(*row, now)


def begin_freeze(session: Session, now: datetime, lasts: timedelta | None, key_id: str | None) -> Freeze:
    """Freeze the registry, and return the freeze in force. The caller has locked the head row.

    `lasts`: None until somebody ends it. `key_id`: None for the operator on the machine. A freeze in force is only
    replaced by one without an end: a curator cannot prolong one."""
    current = read_freeze(session, now)
    if current is not None and (current.until is None or lasts is not None):
        return current
    freeze = Freeze(now if current is None else current.since, None if lasts is None else now + lasts)
    values = {"frozen_since": freeze.since, "frozen_until": freeze.until, "frozen_by": key_id}
    session.connection().execute(update(Head).values(values))
    return freeze


def read_freezing_key(session: Session) -> str | None:
    """Return the id of the key that froze the registry; None if it was frozen on the machine, or never."""
    return session.scalars(select(col(Head.frozen_by))).one()


def end_freeze(session: Session) -> None:
    """End the freeze in force, if there is one. The caller has locked the head row."""
    session.connection().execute(update(Head).values(frozen_since=None, frozen_until=None, frozen_by=None))
