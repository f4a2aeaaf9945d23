"""Build an application that answers public counts from count files, independently of the registry and its database."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock

from anyio.to_thread import run_sync
from fastapi import FastAPI
from sqlalchemy import Engine
from starlette.datastructures import State

from app.api.head_watcher import HeadWatcher, MomentSettler
from app.api.middleware.body_limits import MAX_LONG_BODIES
from app.api.middleware.concurrency import ConcurrencyLimits
from app.api.middleware.response_cache import ResponseCache
from app.api.routes.counts import counts_router
from app.api.routes.problem_pages import problem_pages_router
from app.clock import read_elapsed_seconds, read_wall_clock
from app.columns.cache import ColumnsDirectory
from app.columns.loader import Columns
from app.columns.store import release_columns, set_columns
from app.config import Settings
from app.dates import parse_zone
from app.db.engine import make_engine, migrate_database, open_write_session
from app.db.guards import restrict_connections
from app.exports.count_files.files import FolderDescriptor, SnapshotInfo
from app.exports.count_files.load import CountFiles, drop_personal_columns, load_personal_parts, translate_read_errors
from app.imports.faults import BadFile
from app.lanes import Admission
from app.log.mark import attach_mark
from app.main import build_bare_app, serve_routes, set_app_state
from app.memory import freeze_live_objects, return_freed_memory

# The folder changes every few minutes or hours, and a check reads one small file.
FOLDER_INTERVAL_SECONDS = 10.0
# How long personal values are served although their newest parts cannot be loaded: enough for copying both folders.
# After it, consent may have been withdrawn or a person erased.
PERSONAL_MINUTES = 10

log = logging.getLogger("recuento")


class _NothingToSettle(MomentSettler):
    """A settler that never waits: every moment that the files cover is settled."""

    async def reach(self, state: State, instant: datetime) -> None:
        pass


class _CountsDatabase:
    """A temporary database with the tables that counts need besides columns. `log_end`: its last log entry."""

    log_end: SnapshotInfo | None = None

    def __init__(self, sessions: int) -> None:
        self._folder = TemporaryDirectory(prefix="recuento-files-")
        self.engine = make_engine(f"sqlite:///{self._folder.name}/counts.db", pool_size=sessions)
        migrate_database(self.engine)
        restrict_connections(self.engine)

    def close(self) -> None:
        release_columns(self.engine)
        self.engine.dispose()
        self._folder.cleanup()


class _FollowedFolder:
    """A folder of count files, perhaps with personal parts, and the application that serves the newest ones.

    `_descriptors`: the descriptors of the loaded files; None forces a reload. `_current_columns`: the loaded columns
    and their engine. `_current_at`: when the personal parts were last confirmed as the newest. `_previous_database`:
    the database of another log, which earlier requests may still read.
    """

    def __init__(self, folder: Path, personal: Path | None, app: FastAPI, database: _CountsDatabase) -> None:
        self._folder, self._personal, self._app = folder, personal, app
        self._database = database
        self._previous_database: _CountsDatabase | None = None
        self._descriptors: tuple[FolderDescriptor, FolderDescriptor | None] | None = None
        self._current_columns: tuple[Engine, Columns] | None = None
        self._current_at = read_elapsed_seconds()
        # Guards the columns. No folder is read under this lock, because its file system may hang.
        self._columns_lock = Lock()

    def follow(self) -> None:
        """Load the newest files into the application if they have changed. Raises BadFile."""
        started_at = read_elapsed_seconds()
        with translate_read_errors(self._folder):
            if self._personal is not None:
                newest = load_personal_parts(self._personal).descriptor
                if self._descriptors is not None and newest == self._descriptors[1]:
                    self._current_at = started_at
            files = CountFiles.open_newest(self._folder, self._personal)
            if self._descriptors == _list_descriptors(files):
                return
            files.require_intact()
            database = self._choose_database(files)
            try:
                self._apply_files(files, database, started_at)
            except BaseException:
                if database is not self._database:
                    database.close()
                raise
        del files
        return_freed_memory()

    def withhold_outdated(self) -> None:
        """Remove personal values if newer personal parts could not be loaded for PERSONAL_MINUTES."""
        with self._columns_lock:
            if self._current_columns is None or read_elapsed_seconds() - self._current_at <= PERSONAL_MINUTES * 60:
                return
            engine, columns = self._current_columns
            if not columns.are_personal:
                return
            self._set_columns(engine, drop_personal_columns(columns))
            self._descriptors = None
            self._app.state.response_cache = ResponseCache()
        log.error("nothing personal is told: newer personal parts could not be read for %d minutes", PERSONAL_MINUTES)

    def close(self) -> None:
        for database in (self._database, self._previous_database):
            if database is not None:
                database.close()

    def _choose_database(self, files: CountFiles) -> _CountsDatabase:
        """Return the database if these files continue its log, else an empty one."""
        log_end = self._database.log_end
        if log_end is None or files.has_entry(log_end):
            return self._database
        return _CountsDatabase(self._app.state.sessions)

    def _apply_files(self, files: CountFiles, database: _CountsDatabase, started_at: float) -> None:
        """Switch the application to these files. Raises BadFile, and then the previous files remain in use."""
        columns, log_end = self._map_columns(files.columns), database.log_end
        with open_write_session(database.engine) as session:
            files.fill_database(session, 0 if log_end is None else log_end.revision)
            with self._columns_lock:  # before COMMIT, because new columns also answer for earlier revisions
                self._set_columns(database.engine, columns)
                self._current_at = started_at
        state, files_info = self._app.state, files.descriptor.recuento
        state.zone = parse_zone(files_info.zone)
        state.public_url = state.settings.public_url or files.descriptor.homepage
        if files.personal is not None:
            state.names = files.personal.descriptor.names
        if database is not self._database:
            if self._previous_database is not None:
                self._previous_database.close()
            self._previous_database, self._database = self._database, database
            state.head_watcher.close()
            state.head_watcher, state.mark = HeadWatcher(database.engine), attach_mark(database.engine, None)
            state.engine = database.engine
        state.response_cache = ResponseCache()  # last, so that it only contains responses from these files
        database.log_end, self._descriptors = files_info, _list_descriptors(files)

    def _map_columns(self, columns: Columns) -> Columns:
        """Return the columns mapped from files, so that the system can reclaim their memory.

        Without `columns_dir` the columns are returned unchanged. The files are unlinked after mapping, so that they
        disappear with this process.
        """
        columns_folder = self._app.state.settings.columns_dir
        if columns_folder is None:
            return columns
        ColumnsDirectory(columns_folder).require_usable()
        with TemporaryDirectory(prefix="reader-", dir=columns_folder) as folder:
            directory = ColumnsDirectory(Path(folder))
            directory.save(columns, lambda: 0)  # count files contain no later erasures
            mapped_columns = directory.map_newest()
        if mapped_columns is None:
            return columns
        return replace(
            mapped_columns, are_personal=columns.are_personal, first_unlinkable_spell=columns.first_unlinkable_spell
        )

    def _set_columns(self, engine: Engine, columns: Columns) -> None:
        set_columns(engine, columns)
        self._current_columns = engine, columns


def _list_descriptors(files: CountFiles) -> tuple[FolderDescriptor, FolderDescriptor | None]:
    return files.descriptor, None if files.personal is None else files.personal.descriptor


def create_reader(folder: Path, settings: Settings, personal: Path | None = None) -> FastAPI:
    """Create the application on a folder of count files, which it reloads when they change.

    `personal`: the folder of the personal parts. Raises BadFile.
    """
    # A reader uses no database of a registry, even if the settings name one.
    settings = settings.model_copy(update={"database_read_url": None, "database_listen_url": None})
    app = build_bare_app(settings, _reader_lifespan)
    database = _CountsDatabase(app.state.sessions)
    set_app_state(app, settings, database.engine, attach_mark(database.engine, None))
    app.state.clock = read_wall_clock
    app.state.head_moves = False
    app.state.settling = _NothingToSettle()
    app.state.followed = _FollowedFolder(folder, personal, app, database)
    try:
        app.state.followed.follow()
    except BaseException:
        app.state.followed.close()
        raise
    _create_reader_limits(app)
    serve_routes(app, settings, (counts_router, problem_pages_router))
    return app


def _create_reader_limits(app: FastAPI) -> None:
    settings: Settings = app.state.settings
    app.state.limits = ConcurrencyLimits.with_places(settings.concurrency)
    app.state.long_bodies = Admission(MAX_LONG_BODIES)


@asynccontextmanager
async def _reader_lifespan(app: FastAPI) -> AsyncIterator[None]:
    _create_reader_limits(app)  # again: a waiting task belongs to an event loop
    followed_folder: _FollowedFolder = app.state.followed
    stop_event = asyncio.Event()
    # In parallel: a hanging folder must not prevent the removal of outdated personal values.
    tasks = [
        asyncio.create_task(_run_repeatedly(stop_event, job))
        for job in (followed_folder.follow, followed_folder.withhold_outdated)
    ]
    freeze_live_objects()
    try:
        yield
    finally:
        stop_event.set()
        await asyncio.gather(*tasks)  # a thread may still be writing into the database
        await app.state.head_watcher.stop()
        followed_folder.close()


async def _run_repeatedly(stop_event: asyncio.Event, job: Callable[[], None]) -> None:
    """Run a job in a thread every FOLDER_INTERVAL_SECONDS; log its errors."""
    while not stop_event.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(stop_event.wait(), FOLDER_INTERVAL_SECONDS)
        if stop_event.is_set():
            return
        try:
            await run_sync(job)
        except Exception as error:
            line = error.detail if isinstance(error, BadFile) else type(error).__name__
            log.error("newer count files cannot be taken up: %s", line)
