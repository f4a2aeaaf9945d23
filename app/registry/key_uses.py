"""On which day each key was last used: remembered in memory by whoever answers, and written now and then.

A request that reads must not become one that writes: SQLite has one writer, and a registry that is only read for a
while must go on answering. So the day waits in memory until `write`, and one that cannot be written is tried again.
"""

from datetime import date
from threading import Lock

from sqlalchemy import Engine, or_, update
from sqlmodel import col

from app.db.engine import writing
from app.models import ApiKey


class KeyUses:
    """The uses that one process has not written yet: one day for each key, however often it is used."""

    def __init__(self) -> None:
        self._unwritten: dict[str, date] = {}
        self._lock = Lock()

    def remember(self, key: ApiKey, day: date) -> None:
        """A key was used on a day. At most one write a day and key comes of it."""
        if key.last_used_on is None or key.last_used_on < day:
            with self._lock:
                self._unwritten[key.id] = max(day, self._unwritten.get(key.id, day))

    def write(self, engine: Engine) -> None:
        """Write what is remembered. What cannot be written stays for the next time."""
        uses = dict(self._unwritten)
        if not uses:
            return
        with writing(engine) as session:
            for key_id, day in sorted(uses.items()):  # processes that write at once lock rows in the same order
                earlier = or_(col(ApiKey.last_used_on).is_(None), col(ApiKey.last_used_on) < day)
                statement = update(ApiKey).where(col(ApiKey.id) == key_id, earlier).values(last_used_on=day)
                session.connection().execute(statement)
        with self._lock:
            for key_id, day in uses.items():
                if self._unwritten.get(key_id) == day:
                    del self._unwritten[key_id]
