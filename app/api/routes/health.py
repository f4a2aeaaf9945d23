"""Is the server there, and can it answer and store?"""

import logging
from collections.abc import AsyncIterator
from threading import Lock
from time import monotonic
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import State

from app.api.routing import refusals
from app.db.engine import is_locked, kind_and_place, reading, try_writing
from app.db.scrub import is_scrubbing
from app.errors import ClockJumped, TooManyRequests, Unavailable
from app.log.entries import require_clock, require_steady
from app.log.mark import UnreadableMark, WentBackwards
from app.registry.alerts import operator_warnings
from app.registry.publication import erasure
from app.schemas.directory import Health

# Seconds for which a trial of writing holds: each waits for the disk, and anybody may ask.
TRIED_EVERY = 2.0
# Seconds for which a lock is taken for another process that writes the file anew, where an erasure is to be finished:
# 7 GB of SQLite. Somebody who keeps the lock longer has met something else.
SCRUBS_TAKE = 120.0

health = APIRouter(tags=["health"])
log = logging.getLogger("recuento")


class Readiness:
    """Whether the database can be written to, tried once in TRIED_EVERY seconds however many ask. Whoever asks during a
    trial is told of the one before: a thread for each would leave none for requests."""

    def __init__(self) -> None:
        self._trying = Lock()
        self._until = 0.0
        self._failure: str | None = None
        self._locked_since: float | None = None

    def failure(self, engine: Engine, *, erasing: bool) -> str | None:
        """The kind and place of the failure to write, if there is one. `erasing`: an erasure is to be finished."""
        if monotonic() > self._until and self._trying.acquire(blocking=False):
            try:
                self._failure = self._tried(engine, erasing=erasing)
                self._until = monotonic() + TRIED_EVERY
            finally:
                self._trying.release()
        return self._failure

    def _tried(self, engine: Engine, *, erasing: bool) -> str | None:
        ours = is_scrubbing(engine)
        try:
            try_writing(engine)
        except SQLAlchemyError as error:
            # Whoever writes waits for as long as the file is written anew, and no longer.
            if is_locked(error) and (ours or is_scrubbing(engine) or (erasing and self._is_locked_newly())):
                return None
            failure = kind_and_place(error)
            if failure != self._failure:
                log.error("writing to the database fails: %s", failure)
            return failure
        self._locked_since = None
        return None

    def _is_locked_newly(self) -> bool:
        """Whether another process may still be at it: of that this one sees the lock alone."""
        self._locked_since = self._locked_since or monotonic()
        return monotonic() - self._locked_since < SCRUBS_TAKE


async def _gate(request: Request) -> AsyncIterator[None]:
    async with request.app.state.lanes.readiness:
        yield


@health.get("/healthz", response_model=Health, response_model_exclude_unset=True)
async def is_alive() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@health.get(
    "/readyz",
    response_model=Health,
    response_model_exclude_unset=True,
    responses=refusals(TooManyRequests, Unavailable, ClockJumped, WentBackwards),
)
def is_ready(request: Request, _place: Annotated[None, Depends(_gate, scope="function")]) -> dict[str, str | list[str]]:
    """The database answers too, can be written to, and the clock has not jumped. `warnings`, where there are any: what
    whoever runs the registry should look at. It stays ready all the same, or a key that writes too much could take it
    out of service. It is not ready where the database was put back from an earlier copy."""
    warnings = standing_warnings(request.app.state)
    return {"status": "ok", "warnings": warnings} if warnings else {"status": "ok"}


def standing_warnings(state: State) -> list[str]:
    """The warnings of a registry that is ready. Raises the Problem of one that is not."""
    try:
        with reading(state.engine) as session:
            state.mark.look(session)
            require_clock(session, require_steady(state.watch, state.clock()))
            warnings = operator_warnings(session, state.filed_by_day, state.clock())
    except SQLAlchemyError as error:
        log.error("the database does not answer: %s", kind_and_place(error))
        raise Unavailable("The database does not answer.") from None
    except UnreadableMark:
        raise Unavailable("The file that remembers the newest revision cannot be read or written.") from None
    if state.mark.lost:
        raise WentBackwards
    if state.readiness.failure(state.engine, erasing=erasure.UNFINISHED in warnings) is not None:
        raise Unavailable("The database cannot be written to: the server's log says why.")
    return warnings
