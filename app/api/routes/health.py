"""Health checks: `/healthz` for the process, `/readyz` for the database, the clock and the log."""

import logging
from collections.abc import AsyncIterator
from threading import Lock
from time import monotonic
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from starlette.datastructures import State

from app.api.routing import document_refusals
from app.db.engine import describe_database_error, is_locked, open_read_session, try_writing
from app.db.scrub import is_scrubbing
from app.errors import ClockJumped, TooManyRequests, Unavailable
from app.imports.filing import import_store
from app.log.entries import read_head, require_clock_past_head, require_steady_clock
from app.log.freeze import Freeze, read_freeze
from app.log.mark import LogWentBackwards, UnreadableMark
from app.registry.alerts import list_operator_warnings
from app.schemas.directory import Health

# How long the result of a test write is reused: each waits for the disk, and `/readyz` is public.
WRITE_TRIAL_INTERVAL_SECONDS = 2.0
# How long writers may wait while no entry is written, before this counts as a failure. An erasure may rewrite the file
# meanwhile: enough for 7 GB.
MAX_LOCKED_SECONDS = 120.0
WRITERS_WAITING_WARNING = "writers_waiting"
BEHIND_WARNING = "behind"

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
        self._is_waiting = False
        self._locked_since: tuple[int, float] | None = None  # the revision at which writers began to wait, and when

    def list_warnings(self, engine: Engine, revision: int) -> list[str]:
        """Return a warning if writers wait for another one. Raises Unavailable if the database cannot be written to."""
        if monotonic() > self._valid_until and self._trial_lock.acquire(blocking=False):
            try:
                self._run_write_trial(engine, revision)
                self._valid_until = monotonic() + WRITE_TRIAL_INTERVAL_SECONDS
            finally:
                self._trial_lock.release()
        if self._last_failure is not None:
            raise Unavailable("The database cannot be written to: the server's log says why.")
        return [WRITERS_WAITING_WARNING] if self._is_waiting else []

    def _run_write_trial(self, engine: Engine, revision: int) -> None:
        was_scrubbing, failure = is_scrubbing(engine), None
        try:
            try_writing(engine)
        except SQLAlchemyError as error:
            self._is_waiting = is_locked(error)
            is_writing = self._is_waiting and (was_scrubbing or is_scrubbing(engine) or self._is_progressing(revision))
            failure = None if is_writing else describe_database_error(error)
            if failure is not None and failure != self._last_failure:
                log.error("writing to the database fails: %s", failure)
        else:
            self._is_waiting, self._locked_since = False, None
        self._last_failure = failure

    def _is_progressing(self, revision: int) -> bool:
        """Return whether the writer that holds the lock may still be at work: entries arrive, or the lock is new."""
        if self._locked_since is None or self._locked_since[0] != revision:
            self._locked_since = revision, monotonic()
        return monotonic() - self._locked_since[1] < MAX_LOCKED_SECONDS


async def _acquire_readiness_slot(request: Request) -> AsyncIterator[None]:
    async with request.app.state.limits.readiness.hold():
        yield


@health_router.get("/healthz", response_model=Health, response_model_exclude_unset=True)
async def is_alive(request: Request) -> dict[str, Any]:
    """The process answers. `freeze`: as it last saw it, some seconds ago, since this reads no database."""
    return {"status": "ok"} | _describe_freeze(request.app.state)


@health_router.get(
    "/readyz",
    response_model=Health,
    response_model_exclude_unset=True,
    responses=document_refusals(TooManyRequests, Unavailable, ClockJumped, LogWentBackwards),
)
def is_ready(
    request: Request, _slot: Annotated[None, Depends(_acquire_readiness_slot, scope="function")]
) -> dict[str, Any]:
    """The database answers too, can be written to, and the clock has not jumped. `warnings`, where there are any: what
    whoever runs the registry should look at, such as `writers_waiting` and `behind` where much is being written. It
    stays ready all the same, or a key that writes too much could take it out of service. It is not ready where the
    database was put back from an earlier copy. `freeze`: while the registry is frozen, which is no failure."""
    state = request.app.state
    warnings = check_readiness(state)
    note_freeze(state)
    return {"status": "ok"} | ({"warnings": warnings} if warnings else {}) | _describe_freeze(state)


def _describe_freeze(state: State) -> dict[str, Any]:
    freeze: Freeze | None = state.last_freeze
    return {} if freeze is None else {"freeze": freeze.to_dict()}


def note_freeze(state: State) -> None:
    """Read the freeze in force for `/healthz`, which reads no database."""
    with open_read_session(state.engine) as session:
        state.last_freeze = read_freeze(session, state.clock())


def check_readiness(state: State) -> list[str]:
    """Return the warnings of a registry that is ready. Raises Problem if it is not."""
    try:
        with open_read_session(state.engine) as session:
            state.mark.check_log(session)
            require_clock_past_head(session, require_steady_clock(state.watch, state.clock()))
            warnings = list_operator_warnings(session, state.withdrawals_by_day, state.clock())
            if state.settling.is_behind or import_store.has_overdue_import(session, state.clock()):
                warnings.append(BEHIND_WARNING)
            revision = read_head(session)[0]
    except SQLAlchemyError as error:
        log.error("the database does not answer: %s", describe_database_error(error))
        raise Unavailable("The database does not answer.") from None
    except UnreadableMark:
        raise Unavailable("The file that remembers the newest revision cannot be read or written.") from None
    if state.mark.has_lost_entries:
        raise LogWentBackwards
    return [*warnings, *state.readiness.list_warnings(state.engine, revision)]
