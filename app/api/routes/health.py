"""Health checks: `/healthz` for the process, `/readyz` for the database, the clock and the log."""

import logging
from collections.abc import AsyncIterator
from threading import Lock
from time import monotonic
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import State

from app.api.routing import document_refusals
from app.db.engine import describe_database_error, is_locked, open_read_session, try_writing
from app.db.scrub import is_scrubbing
from app.errors import ClockJumped, TooManyRequests, Unavailable
from app.log.entries import require_clock_past_head, require_steady_clock
from app.log.mark import LogWentBackwards, UnreadableMark
from app.registry.alerts import list_operator_warnings
from app.registry.publication import erasure
from app.schemas.directory import Health

# How long the result of a test write is reused: each waits for the disk, and `/readyz` is public.
WRITE_TRIAL_INTERVAL_SECONDS = 2.0
# How long a locked SQLite file counts as ready during an erasure, because another process may be rewriting it:
# enough for 7 GB. A longer lock has another cause.
MAX_SCRUB_SECONDS = 120.0

health_router = APIRouter(tags=["health"])
log = logging.getLogger("recuento")


class Readiness:
    """Whether the database can be written to, tested at most once in WRITE_TRIAL_INTERVAL_SECONDS.

    During a test, other callers get the previous result: otherwise they would occupy all threads.
    """

    def __init__(self) -> None:
        self._trial_lock = Lock()
        self._valid_until = 0.0
        self._last_failure: str | None = None
        self._first_locked_at: float | None = None

    def failure(self, engine: Engine, *, erasing: bool) -> str | None:
        """Return the description of the last failure to write, if any. `erasing`: an erasure is pending."""
        if monotonic() > self._valid_until and self._trial_lock.acquire(blocking=False):
            try:
                self._last_failure = self._run_write_trial(engine, erasing=erasing)
                self._valid_until = monotonic() + WRITE_TRIAL_INTERVAL_SECONDS
            finally:
                self._trial_lock.release()
        return self._last_failure

    def _run_write_trial(self, engine: Engine, *, erasing: bool) -> str | None:
        was_scrubbing = is_scrubbing(engine)
        try:
            try_writing(engine)
        except SQLAlchemyError as error:
            # While the file is rewritten after an erasure, writers only wait.
            if is_locked(error) and (was_scrubbing or is_scrubbing(engine) or (erasing and self._is_recently_locked())):
                return None
            failure = describe_database_error(error)
            if failure != self._last_failure:
                log.error("writing to the database fails: %s", failure)
            return failure
        self._first_locked_at = None
        return None

    def _is_recently_locked(self) -> bool:
        """Return whether another process may still be rewriting the file; this one can only see the lock."""
        self._first_locked_at = self._first_locked_at or monotonic()
        return monotonic() - self._first_locked_at < MAX_SCRUB_SECONDS


async def _acquire_readiness_slot(request: Request) -> AsyncIterator[None]:
    async with request.app.state.limits.readiness:
        yield


@health_router.get("/healthz", response_model=Health, response_model_exclude_unset=True)
async def is_alive() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@health_router.get(
    "/readyz",
    response_model=Health,
    response_model_exclude_unset=True,
    responses=document_refusals(TooManyRequests, Unavailable, ClockJumped, LogWentBackwards),
)
def is_ready(
    request: Request, _slot: Annotated[None, Depends(_acquire_readiness_slot, scope="function")]
) -> dict[str, str | list[str]]:
    """The database answers too, can be written to, and the clock has not jumped. `warnings`, where there are any: what
    whoever runs the registry should look at. It stays ready all the same, or a key that writes too much could take it
    out of service. It is not ready where the database was put back from an earlier copy."""
    warnings = check_readiness(request.app.state)
    return {"status": "ok", "warnings": warnings} if warnings else {"status": "ok"}


def check_readiness(state: State) -> list[str]:
    """Return the warnings of a registry that is ready. Raises Problem if it is not."""
    try:
        with open_read_session(state.engine) as session:
            state.mark.check_log(session)
            require_clock_past_head(session, require_steady_clock(state.watch, state.clock()))
            warnings = list_operator_warnings(session, state.filed_by_day, state.clock())
    except SQLAlchemyError as error:
        log.error("the database does not answer: %s", describe_database_error(error))
        raise Unavailable("The database does not answer.") from None
    except UnreadableMark:
        raise Unavailable("The file that remembers the newest revision cannot be read or written.") from None
    if state.mark.has_lost_entries:
        raise LogWentBackwards
    if state.readiness.failure(state.engine, erasing=erasure.UNFINISHED_ERASURE_WARNING in warnings) is not None:
        raise Unavailable("The database cannot be written to: the server's log says why.")
    return warnings
