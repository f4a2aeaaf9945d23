"""Build the ASGI applications of the server and of the count workers."""

import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from threading import Lock
from typing import Any

import anyio.to_thread
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.routing import APIRoute
from sqlalchemy import Engine

from app import __version__
from app.api import problems
from app.api.group_commit import GroupCommit
from app.api.head_watcher import HeadWatcher, MomentSettler, Replica
from app.api.middleware.body_limits import MAX_LONG_BODIES, BodyLimitMiddleware
from app.api.middleware.concurrency import ConcurrencyLimits, compute_lane_sizes, compute_max_sessions
from app.api.middleware.count_worker import WorkerReplyMiddleware, build_worker_pools
from app.api.middleware.metrics import Metrics, collect_query_parameters
from app.api.middleware.rate_limits import RateLimiter, RateLimitMiddleware
from app.api.middleware.request_boundary import RequestBoundaryMiddleware
from app.api.middleware.response_cache import ResponseCache, ResponseCacheMiddleware
from app.api.middleware.response_headers import REQUEST_ID_HEADER, ProblemCorsMiddleware
from app.api.openapi import (
    DESK_OPENAPI_PATH,
    OPENAPI_PATH,
    SERVER_DESCRIPTION,
    ServedDocument,
    complete_document,
    divide_document,
)
from app.api.routes.counts import citations_router, counts_router
from app.api.routes.curation import MAX_OBJECTION_BYTES, curation_router, objections_router
from app.api.routes.directory import claims_router, directory_router
from app.api.routes.files import count_files_router, reference_router, well_known_router
from app.api.routes.health import Readiness, health_router
from app.api.routes.imports import imports_router
from app.api.routes.index import build_index_links, index_router
from app.api.routes.matching import matching_router
from app.api.routes.notices import notices_router
from app.api.routes.problem_pages import problem_pages_router
from app.api.routes.records import corrections_router, people_router, releases_router
from app.api.routes.reports import reports_router, waiting_router
from app.api.table_routes import is_table_route
from app.clock import WatchedClock
from app.columns import cache
from app.columns.store import prefetch_columns, release_columns
from app.config import Settings
from app.dates import parse_zone
from app.db.engine import is_memory, make_engine, migrate_database, open_write_session, read_server_clock
from app.db.guards import restrict_connections
from app.demo import plan
from app.imports.filing.filing_queue import ImportWorker
from app.jobs import EmbargoJob, ObjectionJob, ProposalJob, run_background_jobs, run_count_worker_jobs
from app.lanes import Admission
from app.log.entries import require_steady_clock
from app.log.head import bind_secret, is_demo, is_secret_bound, require_rows_version
from app.log.mark import HighWaterMark, attach_mark
from app.notices.delivery import build_mailer
from app.notices.job import NoticeJob
from app.operator import load_operator
from app.projection import ROWS_VERSION
from app.registry.api_keys import KeyUses
from app.registry.publication.objection_queue import NetworkNames
from app.web import desk
from app.web.page import normalize_cached_query
from app.web.people import objection
from app.web.pictures import PictureRenderer
from app.web.routes import serve_pages, warm_up_pages

ROUTERS = (
    index_router,
    counts_router,
    citations_router,
    releases_router,
    people_router,
    reports_router,
    waiting_router,
    claims_router,
    imports_router,
    matching_router,
    corrections_router,
    directory_router,
    curation_router,
    objections_router,
    notices_router,
    health_router,
    reference_router,
    problem_pages_router,
    well_known_router,
    count_files_router,
)
CORS_REQUEST_HEADERS = ["If-None-Match", "Accept-Datetime"]  # a script that polls with the tag, or asks for the past
LIST_UPLOAD_PATHS = ("/v1/imports", "/v1/match/list")  # addresses that take a whole list
CORS_EXPOSED_HEADERS = [
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
    REQUEST_ID_HEADER,
]
OBJECTIONS_PATH = "/v1/objections"
# Threads in addition to those with a session, so that file reads do not wait for a busy database.
SPARE_THREADS = 8
# The interval after which a working thread yields to a waiting one. The event loop waits for it several times per
# request: with Python's default of 5 ms, the filing of a list delays every response by tens of milliseconds.
SWITCH_SECONDS = 0.0005
# FastAPI can record the input of validation errors and the text of exceptions, which may contain personal data.
TELEMETRY_OFF: Any = {
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
    async with _manage_resources(app):
        app.state.head_watcher.start()
        app.state.counting = build_worker_pools(sockets, compute_lane_sizes(app.state.settings.concurrency)["costly"])
        async with run_background_jobs(app.state), warm_up_pages(app) if sockets else nullcontext():
            yield
        for pool in app.state.counting:
            await pool.aclose()
        app.state.counting = []
        await app.state.head_watcher.stop()


@asynccontextmanager
async def _count_worker_lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with _manage_resources(app), run_count_worker_jobs(app.state):
        yield


@asynccontextmanager
async def _manage_resources(app: FastAPI) -> AsyncIterator[None]:
    sys.setswitchinterval(SWITCH_SECONDS)
    limiter = anyio.to_thread.current_default_thread_limiter()
    limiter.total_tokens = max(limiter.total_tokens, app.state.sessions + SPARE_THREADS)
    _create_limits(app)  # again: a waiting task belongs to an event loop
    prefetch_columns(app.state.engine)
    yield
    if app.state.replica is not None:
        app.state.replica.close()
    release_columns(app.state.engine)
    app.state.engine.dispose()


def _create_limits(app: FastAPI) -> None:
    """Create the limiters, the queues and the background jobs, which belong to an event loop."""
    state = app.state
    has_one_place = is_memory(state.settings.database_url)
    state.limits = (
        ConcurrencyLimits.with_one_place()
        if has_one_place
        else ConcurrencyLimits.with_places(state.settings.concurrency)
    )
    state.group_commit = GroupCommit(state)
    state.long_bodies = Admission(MAX_LONG_BODIES)
    writer_arguments = (state.engine, state.secret, lambda: require_steady_clock(state.watch, state.clock()))
    state.imports = ImportWorker(*writer_arguments, state.names, state.limits.filing)
    state.pictures = PictureRenderer(state.limits.pictures)
    state.objection_job = ObjectionJob(*writer_arguments)
    state.embargo_job = EmbargoJob(*writer_arguments, state.names)
    state.notice_job = NoticeJob(*writer_arguments, state.names, state.mailer, state.public_url)
    state.proposal_job = ProposalJob(*writer_arguments, state.names)


class _App(FastAPI):
    _document: dict[str, Any] | None = None
    _served_documents: dict[str, ServedDocument] | None = None
    _document_lock = Lock()

    def openapi(self) -> dict[str, Any]:
        """Return the document of all operations, built once. The lock keeps concurrent requests from seeing an
        incomplete one."""
        with self._document_lock:
            self._document = self._document or complete_document(super().openapi())
        return self._document

    def serve_openapi(self, request: Request) -> Response:
        """Return the serialized document of an address. All are built at the first request."""
        self._served_documents = self._served_documents or {
            path: ServedDocument.from_document(part) for path, part in divide_document(self.openapi()).items()
        }
        return self._served_documents[request.url.path].build_response(request)


def list_described_routes() -> list[str]:
    """Return the possible scopes of a key: every documented route as `METHOD /path`, with its tables. Pages take no
    key."""
    described_routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    described_routes = [route for route in described_routes if route.include_in_schema and not is_table_route(route)]
    return sorted(f"{method} {route.path}" for route in described_routes for method in route.methods or ())


def _build_operation_id(route: APIRoute) -> str:
    """Return the name of the route's function, from which generated clients derive their names."""
    return route.name


def create_app(settings: Settings) -> FastAPI:
    """Create the application on the database of the settings, after migrating it to the newest schema."""
    app = _build_app(settings, _lifespan)
    serve_routes(app, settings, ROUTERS)
    serve_pages(app)
    return app


def create_count_worker(settings: Settings) -> FastAPI:
    """Create the application of a count worker, which only answers serving processes on the same database."""
    app = _build_app(settings, _count_worker_lifespan)
    problems.install_error_handlers(app)
    app.add_middleware(WorkerReplyMiddleware)
    app.include_router(counts_router)
    return app


def _build_app(settings: Settings, lifespan: Lifespan) -> "_App":
    app = build_bare_app(settings, lifespan)
    engine = make_engine(settings.database_url, pool_size=app.state.sessions)
    try:
        mark = attach_mark(engine, settings.mark_file())
        columns_directory = cache.attach_columns_directory(engine, settings.columns_dir)
        if columns_directory is not None:
            columns_directory.require_usable()
        migrate_database(engine)
        restrict_connections(engine)
        with open_write_session(engine) as session:
            mark.check_log(session)
            mark.require_erasures()
            app.state.secret = settings.secret_key(make=not is_secret_bound(session))
            bind_secret(session, app.state.secret)
            require_rows_version(session, ROWS_VERSION)
            is_demo_registry = is_demo(session)
            app.state.watch = WatchedClock(read_server_clock(session.connection()))
    except BaseException:
        engine.dispose()
        raise
    set_app_state(app, settings, engine, mark)
    app.state.clock = app.state.watch.now
    app.state.demo = is_demo_registry
    app.state.public_url = settings.public_url or (settings.address() if is_demo_registry else "")
    app.state.zone = parse_zone(settings.zone or (plan.CARACAS_ZONE_NAME if is_demo_registry else "UTC"))
    app.state.country = settings.country or (plan.COUNTRY if is_demo_registry else None)
    app.state.released_from = settings.released_from or (plan.RELEASED_FROM if is_demo_registry else None)
    app.state.mailer = build_mailer(settings)
    app.state.comparing = set()  # the sources or keys whose lists are being compared
    _create_limits(app)
    return app


def build_bare_app(settings: Settings, lifespan: Lifespan) -> "_App":
    """Create an application without routes."""
    app = _App(
        title="Recuento",
        summary=SUMMARY,
        version=__version__,
        telemetry=TELEMETRY_OFF,
        openapi_url=None,  # served below, as bytes
        servers=[{"url": settings.public_url or "/", "description": SERVER_DESCRIPTION}],
        generate_unique_id_function=_build_operation_id,
        lifespan=lifespan,
        redirect_slashes=False,  # an address with an extra slash gets a 404 with an explanation
    )
    app.state.sessions = compute_max_sessions(settings.concurrency)
    return app


def set_app_state(app: FastAPI, settings: Settings, engine: Engine, mark: HighWaterMark) -> None:
    """Set the state that routes need, except clock, zone and public address."""
    app.state.engine = engine
    app.state.mark = mark
    app.state.settings = settings
    app.state.names = settings.names
    app.state.max_import_bytes = settings.max_import_bytes
    app.state.security_contact = settings.security_contact
    app.state.operator = None if settings.about_file is None else load_operator(settings.about_file)
    app.state.readiness = Readiness()
    app.state.last_freeze = None
    app.state.settling = MomentSettler()
    app.state.head_moves = True  # this log gets the future entries, so that the current day may be requested
    app.state.question_seconds = settings.question_seconds
    app.state.rates = RateLimiter(settings.rate_by_client, settings.rate_by_key, settings.rate_of_searches)
    app.state.networks = NetworkNames()
    app.state.head_watcher = HeadWatcher(engine, settings.database_listen_url)
    read_url = settings.database_read_url
    app.state.replica = None if read_url is None else Replica(read_url, app.state.sessions, engine)
    app.state.response_cache = ResponseCache()
    app.state.counting = []
    app.state.metrics = Metrics()
    app.state.key_uses = KeyUses()
    app.state.withdrawals_by_day = {}


def serve_routes(app: "_App", settings: Settings, routers: Sequence[APIRouter]) -> None:
    """Add the middleware, the routes and the OpenAPI documents."""
    problems.install_error_handlers(app)
    app.add_middleware(
        BodyLimitMiddleware,
        max_bytes=settings.max_body_bytes,
        max_bytes_by_path=dict.fromkeys((*LIST_UPLOAD_PATHS, *desk.LIST_PATHS), settings.max_import_bytes),
        keyless={OBJECTIONS_PATH: MAX_OBJECTION_BYTES, **objection.OBJECTION_BODY_LIMITS, **desk.DESK_BODY_LIMITS},
        pages=desk.LIST_PATHS,
    )
    app.add_middleware(ResponseCacheMiddleware, page=normalize_cached_query)
    app.add_middleware(RateLimitMiddleware)
    app.add_middleware(
        ProblemCorsMiddleware,
        allow_origins=["*"],
        allow_methods=["GET"],
        allow_headers=CORS_REQUEST_HEADERS,
        expose_headers=CORS_EXPOSED_HEADERS,
    )
    app.add_middleware(
        RequestBoundaryMiddleware,
        parameters=collect_query_parameters(route for router in routers for route in router.routes),
    )
    for router in routers:
        app.include_router(router)
    app.state.index_links = build_index_links(route for router in routers for route in router.routes)
    for path in (OPENAPI_PATH, DESK_OPENAPI_PATH):
        app.add_route(path, app.serve_openapi, include_in_schema=False)


def __getattr__(name: str) -> Any:
    """Create `app.main:app` or `app.main:counting` for ASGI servers at first access, so that importing this module
    reads no settings."""
    if name in APP_FACTORIES:
        globals()[name] = APP_FACTORIES[name](Settings())
        return globals()[name]
    raise AttributeError(name)


APP_FACTORIES = {"app": create_app, "counting": create_count_worker}
