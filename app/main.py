"""create_app(settings): the ASGI application."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from threading import Lock
from typing import Any

import anyio.to_thread
from fastapi import FastAPI, Request, Response
from fastapi.routing import APIRoute

from app import __version__
from app.api import problems
from app.api.citations import citations
from app.api.claims import claims
from app.api.corrections import corrections
from app.api.counts import counts
from app.api.curation import curation
from app.api.directory import directory
from app.api.health import health
from app.api.imports import imports
from app.api.matching import matching
from app.api.openapi import HERE, Served, completed
from app.api.people import people
from app.api.releases import releases
from app.api.reports import reports
from app.config import Settings
from app.database import is_memory, make_engine, migrate, writing
from app.dates import parse_zone
from app.demo import clock
from app.exchange.imports.filing_queue import Worker
from app.log.head import bind_secret, is_bound, is_demo, require_rules
from app.registry.pair_finder import PairFinder
from app.registry.projection import RULES

ROUTERS = (
    counts,
    citations,
    releases,
    people,
    reports,
    claims,
    imports,
    matching,
    corrections,
    directory,
    curation,
    health,
)
ASKED = ["If-None-Match"]  # a script that polls with the tag
LISTS = ("/v1/imports", "/v1/match/list")  # addresses that take a whole list
EXPOSED = ["ETag", "Link", "Retry-After", "Recuento-Revision", "Recuento-Rules", "Idempotency-Replayed", "Repr-Digest"]
# Whole lists that are read at a time are this part of N: sixty at once are many seconds of the processor, and counts
# and writes must find places beside them.
LISTS_INSIDE = 4
# Threads beyond the gate's N: readiness checks and file reads must not wait for a registry that is busy.
SPARE_THREADS = 8
# FastAPI can record validation failures with their input and exceptions with their text: nothing of it is wanted.
SILENT: Any = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
SUMMARY = "A registry of political prisoners that many organisations write to and anyone can count from."


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    limiter = anyio.to_thread.current_default_thread_limiter()
    limiter.total_tokens = max(limiter.total_tokens, app.state.concurrency + SPARE_THREADS)
    _open(app)  # once more: a gate belongs to the loop in which somebody first had to wait at it
    worker = app.state.imports
    finder = PairFinder(app.state.engine, app.state.gate)
    working = [asyncio.create_task(worker.run()), asyncio.create_task(finder.run())]
    yield
    worker.stop()
    finder.stop()
    await asyncio.gather(*working)
    app.state.engine.dispose()


def _open(app: FastAPI) -> None:
    """Make the gate, the turns of whole lists before it, and who files lists in turn with those who pass it."""
    app.state.gate = asyncio.Semaphore(app.state.concurrency)
    app.state.whole_lists = asyncio.Semaphore(max(1, app.state.concurrency // LISTS_INSIDE))
    app.state.imports = Worker(app.state.engine, app.state.secret, lambda: app.state.clock(), app.state.gate)


class _App(FastAPI):
    _document: dict[str, Any] | None = None
    _served: Served | None = None
    _making = Lock()

    def openapi(self) -> dict[str, Any]:
        """The document, made once. Several may ask at the same time, and half of it is none."""
        with self._making:
            self._document = self._document or completed(super().openapi())
        return self._document

    def serve_openapi(self, request: Request) -> Response:
        """The document as bytes, made at the first request."""
        self._served = self._served or Served.of(self.openapi())
        return self._served.answer(request)


def _operation_id(route: APIRoute) -> str:
    """An operation is called as its function is: clients make their names of it."""
    return route.name


def create_app(settings: Settings) -> FastAPI:
    """The application on the settings' database, which is brought to the newest schema first."""
    app = _App(
        title="Recuento",
        summary=SUMMARY,
        version=__version__,
        telemetry=SILENT,
        openapi_url=None,  # served below, as bytes
        servers=[{"url": settings.public_url or "/", "description": HERE}],
        generate_unique_id_function=_operation_id,
        lifespan=_lifespan,
        redirect_slashes=False,  # an address with a slash too many is told in words, not sent elsewhere
    )
    concurrency = 1 if is_memory(settings.database_url) else settings.concurrency
    # A connection for each place inside the gate, and one for the readiness check.
    engine = make_engine(settings.database_url, pool_size=concurrency + 1)
    try:
        migrate(engine)
        with writing(engine) as session:
            app.state.secret = settings.secret_key(make=not is_bound(session))
            bind_secret(session, app.state.secret)
            require_rules(session, RULES)
            demo = is_demo(session)
    except BaseException:
        engine.dispose()  # a database that is refused is let go of
        raise
    app.state.engine = engine
    app.state.concurrency = concurrency
    app.state.two_person = settings.two_person
    app.state.max_import_bytes = settings.max_import_bytes
    app.state.public_url = settings.public_url or (settings.address() if demo else "")
    app.state.zone = parse_zone(settings.zone or (clock.ZONE if demo else "UTC"))
    app.state.clock = lambda: datetime.now(UTC)
    app.state.comparing = set()  # who has a list laid beside the registry just now
    _open(app)
    problems.install(app)
    app.add_middleware(
        problems.BodyLimit, most=settings.max_body_bytes, others=dict.fromkeys(LISTS, settings.max_import_bytes)
    )
    app.add_middleware(
        problems.Cors, allow_origins=["*"], allow_methods=["GET"], allow_headers=ASKED, expose_headers=EXPOSED
    )
    app.add_middleware(problems.Head)
    app.add_middleware(problems.Shield)
    for router in ROUTERS:
        app.include_router(router)
    app.add_route("/openapi.json", app.serve_openapi, include_in_schema=False)
    return app


def __getattr__(name: str) -> Any:
    """`app.main:app` for ASGI servers, made when it is asked for: importing this module reads no settings."""
    if name == "app":
        globals()[name] = create_app(Settings())
        return globals()[name]
    raise AttributeError(name)
