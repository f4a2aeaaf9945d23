"""A replica of the database, from which questions of anybody are read where it has just what the database has.

A replica is behind by as long as its line and its work take, and nobody can tell from it alone by how long. Who may be
shown is today's consent whatever revision is read, so that being behind by a second would show somebody who was hidden
or erased within it. So a replica is asked for its head, and read only where that is the head which the database has
after the question came: it then has every entry that anybody was told of.
"""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from time import monotonic

from fastapi import Request
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from app.api.heads import Head
from app.columns.store import release, share
from app.db.engine import kind_and_place, make_engine, reading
from app.errors import Problem
from app.log.head import head_under
from app.projection import RULES

# A replica is on a line that is good; of one that says nothing for so long the database is asked instead.
SILENT_MS = 3_000
AWAY_SECONDS = 10.0  # for which a replica that failed is not asked

log = logging.getLogger("recuento")


class Replica:
    """The replica of one database, whose columns it shares."""

    def __init__(self, url: str, pool_size: int, database: Engine) -> None:
        self.engine = make_engine(url, pool_size, silent_ms=SILENT_MS)
        self._away_until = 0.0
        share(database, self.engine)

    @contextmanager
    def reading(self, head: Head, seconds: float) -> Iterator[Session | None]:
        """A session that reads the replica; None where it has another head, or does not answer."""
        with ExitStack() as opened:
            yield self._open(opened, head, seconds)

    def _open(self, opened: ExitStack, head: Head, seconds: float) -> Session | None:
        if monotonic() < self._away_until:
            return None
        try:
            session = opened.enter_context(reading(self.engine, seconds))
            if head_under(session, RULES) == head:
                return session
        except Problem:
            pass  # its rows are of other rules still
        except SQLAlchemyError as error:
            self._away_until = monotonic() + AWAY_SECONDS
            log.warning("the replica is not read for %d seconds: %s", AWAY_SECONDS, kind_and_place(error))
        opened.close()
        return None

    def close(self) -> None:
        release(self.engine)
        self.engine.dispose()


async def head_to_read(request: Request) -> Head | None:
    """The head that a replica must have to be read for a request. None where there is no replica, and for whoever sends
    a key: whether that still holds is not in the log."""
    state = request.app.state
    if state.replica is None or "authorization" in request.headers:
        return None
    head: Head | None = await state.heads.look()
    return head
