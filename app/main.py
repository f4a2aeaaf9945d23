"""create_app(settings): the ASGI application."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from threading import Lock
from typing import Any

import anyio.to_thread
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy import Engine

from app import __version__
from app.api import problems
from app.api.count_worker import Behind, CountedApart, pools_of
from app.api.group_commit import Together
from app.api.head_watcher import Heads, Replica, Settling
from app.api.middleware.body_limits import Door, Room
from app.api.middleware.concurrency import Lanes, sessions, shares
from app.api.middleware.metrics import Measured, Metrics, Routed, parameters_of
from app.api.middleware.rate_limits import Counted, Rates
from app.api.middleware.response_cache import AnswersFromMemory, KeptAnswers
from app.api.middleware.security_headers import REQUEST_ID, Shield
from app.api.openapi import HERE, Served, completed
from app.api.routes.counts import citations, counts
from app.api.routes.curation import MOST_BYTES, curation, objections
from app.api.routes.directory import claims, directory
from app.api.routes.files import count_files, reference, well_known
from app.api.routes.health import Readiness, health
from app.api.routes.imports import imports
from app.api.routes.matching import matching
from app.api.routes.records import corrections, people, releases
from app.api.routes.reports import reports, waiting
from app.clock import WatchedClock
from app.columns import cache
from app.columns.store import prepare, release
from app.config import Settings
from app.dates import parse_zone
from app.db.engine import clock_of, is_memory, make_engine, migrate, writing
from app.db.guards import restrict
from app.demo import plan
from app.imports.filing_queue import Worker
from app.jobs import EmbargoBeat, ObjectionBeat, background, background_of_counting
from app.log.entries import require_steady
from app.log.head import bind_secret, is_bound, is_demo, require_rules
from app.log.mark import Mark, attach
from app.projection import RULES
from app.registry.alerts import FiledByDay
from app.registry.api_keys import KeyUses
from app.registry.publication.objection_queue import Networks
from app.web import desk
from app.web.asking import Inside
from app.web.page import kept_as
from app.web.people import objection
from app.web.pictures import Pictures
from app.web.routes import serve_pages
from app.web.warmup import prepared

ROUTERS = (
    counts,
    citations,
    releases,
    people,
    reports,
    waiting,
    claims,
    imports,
    matching,
    corrections,
    directory,
    curation,
    objections,
    health,
    reference,
    well_known,
    count_files,
)
ASKED = ["If-None-Match", "Accept-Datetime"]  # a script that polls with the tag, or asks for the past
LISTS = ("/v1/imports", "/v1/match/list")  # addresses that take a whole list
EXPOSED = [
    "ETag",
    "Link",
    "Retry-After",
    "RateLimit",
    "RateLimit-Policy",
    "Recuento-Revision",
    "Recuento-Rules",
    "Idempotency-Replayed",
    "Repr-Digest",
    "Memento-Datetime",
    REQUEST_ID,
]
OBJECTIONS = "/v1/objections"
# Threads beyond those that hold a session: file reads must not wait for a registry that is busy.
SPARE_THREADS = 8
# After which a thread that works gives way to one that waits. The loop waits so long several times a request: with
# Python's own five milliseconds a list that is filed makes every answer wait for tens of them.
SWITCH_SECONDS = 0.0005
# FastAPI can record validation failures with their input and exceptions with their text: nothing of it is wanted.
SILENT: Any = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]
SUMMARY = "A registry of political prisoners that many organisations write to and anyone can count from."


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    sockets = app.state.settings.counting_sockets or []
    async with _ready(app):
        app.state.heads.start()
        app.state.counting = pools_of(sockets, shares(app.state.settings.concurrency)["costly"])
        async with background(app.state), prepared(app, sockets):
            yield
        for pool in app.state.counting:
            await pool.aclose()
        app.state.counting = []
        await app.state.heads.stop()


@asynccontextmanager
async def _lifespan_of_counting(app: FastAPI) -> AsyncIterator[None]:
    async with _ready(app), background_of_counting(app.state):
        yield


@asynccontextmanager
async def _ready(app: FastAPI) -> AsyncIterator[None]:
    sys.setswitchinterval(SWITCH_SECONDS)
    limiter = anyio.to_thread.current_default_thread_limiter()
    limiter.total_tokens = max(limiter.total_tokens, app.state.sessions + SPARE_THREADS)
    _open(app)  # once more: a lane belongs to the loop in which somebody first had to wait at it
    prepare(app.state.engine)
    yield
    if app.state.replica is not None:
        app.state.replica.close()
    release(app.state.engine)
    app.state.engine.dispose()


def _open(app: FastAPI) -> None:
    """Make the lanes, the room for bodies, and who files lists beside those who pass."""
    state = app.state
    one_place = is_memory(state.settings.database_url)
    patience = state.settings.patience_seconds
    state.lanes = Lanes.with_one_place(patience) if one_place else Lanes.of(state.settings.concurrency, patience)
    state.together = Together(state)
    state.room = Room(state.settings.max_bytes_in_flight, patience)
    writing_as_of_now = (state.engine, state.secret, lambda: require_steady(state.watch, state.clock()))
    state.imports = Worker(*writing_as_of_now, state.names, state.lanes.filing)
    state.pictures = Pictures()
    state.objection_turn, state.objections_waiting = asyncio.Semaphore(1), 0
    state.objection_beat = ObjectionBeat(*writing_as_of_now)
    state.embargo_beat = EmbargoBeat(*writing_as_of_now, state.names)


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


def routes() -> list[str]:
    """What a key can be limited to: every route that is described, as `METHOD /path`. Pages take no key."""
    served = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    served = [route for route in served if route.include_in_schema]
    return sorted(f"{method} {route.path}" for route in served for method in route.methods or ())


def _operation_id(route: APIRoute) -> str:
    """An operation is called as its function is: clients make their names of it."""
    return route.name


def create_app(settings: Settings) -> FastAPI:
    """The application on the settings' database, which is brought to the newest schema first."""
    app = _opened(settings, _lifespan)
    serve_routes(app, settings, ROUTERS)
    serve_pages(app)
    return app


def create_counting(settings: Settings) -> FastAPI:
    """The application that counts for serving processes on the same database: it answers nobody else."""
    app = _opened(settings, _lifespan_of_counting)
    problems.install(app)
    app.add_middleware(Behind)
    app.include_router(counts)
    return app


def _opened(settings: Settings, lifespan: Lifespan) -> "_App":
    app = described(settings, lifespan)
    engine = make_engine(settings.database_url, pool_size=app.state.sessions)
    try:
        mark = attach(engine, settings.mark_file())
        directory = cache.attach(engine, settings.columns_dir)
        if directory is not None:
            directory.require_fit()
        migrate(engine)
        restrict(engine)
        with writing(engine) as session:
            mark.look(session)
            mark.require_erased()
            app.state.secret = settings.secret_key(make=not is_bound(session))
            bind_secret(session, app.state.secret)
            require_rules(session, RULES)
            demo = is_demo(session)
            app.state.watch = WatchedClock(clock_of(session.connection()))
    except BaseException:
        engine.dispose()  # a database that is refused is let go of
        raise
    furnish(app, settings, engine, mark)
    app.state.clock = app.state.watch.now
    app.state.demo = demo
    app.state.public_url = settings.public_url or (settings.address() if demo else "")
    app.state.zone = parse_zone(settings.zone or (plan.ZONE if demo else "UTC"))
    app.state.comparing = set()  # who has a list laid beside the registry just now
    _open(app)
    return app


def described(settings: Settings, lifespan: Lifespan) -> "_App":
    """An application without routes."""
    app = _App(
        title="Recuento",
        summary=SUMMARY,
        version=__version__,
        telemetry=SILENT,
        openapi_url=None,  # served below, as bytes
        servers=[{"url": settings.public_url or "/", "description": HERE}],
        generate_unique_id_function=_operation_id,
        lifespan=lifespan,
        redirect_slashes=False,  # an address with a slash too many is told in words, not sent elsewhere
    )
    app.state.sessions = sessions(settings.concurrency)
    return app


def furnish(app: FastAPI, settings: Settings, engine: Engine, mark: Mark) -> None:
    """Give an application what its routes work with, but for its clock, zone and address."""
    app.state.engine = engine
    app.state.mark = mark
    app.state.settings = settings
    app.state.two_person = settings.two_person
    app.state.names = settings.names
    app.state.max_import_bytes = settings.max_import_bytes
    app.state.security_contact = settings.security_contact
    app.state.readiness = Readiness()
    app.state.settling = Settling()
    app.state.head_moves = True  # a day that is not over may be asked for: entries of it will be in this log
    app.state.question_seconds = settings.question_seconds
    app.state.rates = Rates(settings.rate_by_client, settings.rate_by_key, settings.rate_of_searches)
    app.state.networks = Networks()
    app.state.heads = Heads(engine, settings.database_listen_url)
    read_url = settings.database_read_url
    app.state.replica = None if read_url is None else Replica(read_url, app.state.sessions, engine)
    app.state.kept_answers = KeptAnswers()
    app.state.counting = []
    app.state.metrics = Metrics()
    app.state.key_uses = KeyUses()
    app.state.filed_by_day = FiledByDay()


def serve_routes(app: "_App", settings: Settings, routers: Sequence[APIRouter]) -> None:
    """Serve routes behind the one front door."""
    problems.install(app)
    app.add_middleware(Routed)
    app.add_middleware(
        Door,
        most=settings.max_body_bytes,
        others=dict.fromkeys((*LISTS, *desk.LISTS), settings.max_import_bytes),
        keyless={OBJECTIONS: MOST_BYTES, **objection.FORMS, **desk.FORMS},
        pages=desk.LISTS,
    )
    app.add_middleware(CountedApart)
    app.add_middleware(AnswersFromMemory, page=kept_as)
    app.add_middleware(Inside, state=app.state)
    app.add_middleware(Counted)
    app.add_middleware(
        problems.Cors, allow_origins=["*"], allow_methods=["GET"], allow_headers=ASKED, expose_headers=EXPOSED
    )
    app.add_middleware(problems.Head)
    app.add_middleware(Shield)
    app.add_middleware(Measured, parameters=parameters_of(route for router in routers for route in router.routes))
    for router in routers:
        app.include_router(router)
    app.add_route("/openapi.json", app.serve_openapi, include_in_schema=False)


def __getattr__(name: str) -> Any:
    """`app.main:app` and `app.main:counting` for ASGI servers, each made when it is asked for: importing this module
    reads no settings."""
    if name in MADE:
        globals()[name] = MADE[name](Settings())
        return globals()[name]
    raise AttributeError(name)


MADE = {"app": create_app, "counting": create_counting}
