"""create_reader(folder, settings): an application that answers every public count from count files, without the
registry's database and while the registry itself does not answer."""

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

from app.api.head_watcher import Heads, Settling
from app.api.middleware.body_limits import Room
from app.api.middleware.concurrency import Lanes
from app.api.middleware.response_cache import KeptAnswers
from app.api.routes.counts import counts
from app.clock import count, wall_clock
from app.columns.cache import Directory
from app.columns.loader import Columns
from app.columns.store import give, release
from app.config import Settings
from app.dates import parse_zone
from app.db.engine import make_engine, migrate, writing
from app.db.guards import restrict
from app.exports.count_files.files import About, Described
from app.exports.count_files.load import CountFiles, as_bad_file, personal_parts_in, without_personal
from app.imports.faults import BadFile
from app.log.mark import attach
from app.main import described, furnish, serve_routes
from app.memory import give_back, leave_alone_what_stays

# Seconds. A folder is renewed once in minutes or hours, and a look at it costs a small file.
LOOKED_EVERY = 10.0
# For so long personal values are told though their newest parts cannot be taken up: within that time both folders are
# copied. After it what is told may have been closed by a withdrawn consent or an erasure.
PERSONAL_MINUTES = 10

log = logging.getLogger("recuento")


class _Settled(Settling):
    """Nobody writes here: of the moments that the files reach, each is settled."""

    async def reach(self, state: State, instant: datetime) -> None:
        pass


class _Database:
    """What counts ask for beside columns: a file of its own, which goes with the process. `log_end`: its last entry."""

    log_end: About | None = None

    def __init__(self, sessions: int) -> None:
        self._folder = TemporaryDirectory(prefix="recuento-files-")
        self.engine = make_engine(f"sqlite:///{self._folder.name}/counts.db", pool_size=sessions)
        migrate(self.engine)
        restrict(self.engine)

    def close(self) -> None:
        release(self.engine)
        self.engine.dispose()
        self._folder.cleanup()


class _Followed:
    """A folder of count files, perhaps with their personal parts, and the application that stands for the newest.

    `_descriptors`: of the files that are answered from; None where the newest are to be taken up in any case;
    `_given`: the columns that a database has; `_current_at`: when the personal parts were last seen to be the newest;
    `_before`: the database of another log, which whoever was being answered then may still read."""

    def __init__(self, folder: Path, personal: Path | None, app: FastAPI, database: _Database) -> None:
        self._folder, self._personal, self._app = folder, personal, app
        self._database = database
        self._before: _Database | None = None
        self._descriptors: tuple[Described, Described | None] | None = None
        self._given: tuple[Engine, Columns] | None = None
        self._current_at = count()
        self._turn = Lock()  # of whoever gives columns; nothing is read from a folder in it, which may not answer

    def follow(self) -> None:
        """Let the application answer from the newest files, if it does not yet. Raises BadFile."""
        begun = count()
        with as_bad_file(self._folder):
            if self._personal is not None:
                newest = personal_parts_in(self._personal).descriptor
                if self._descriptors is not None and newest == self._descriptors[1]:
                    self._current_at = begun
            files = CountFiles.newest_in(self._folder, self._personal)
            if self._descriptors == _descriptors_of(files):
                return
            files.require_whole()
            database = self._database_for(files)
            try:
                self._take(files, database, begun)
            except BaseException:
                if database is not self._database:
                    database.close()
                raise
        del files
        give_back()

    def withhold_outdated(self) -> None:
        """Tell no personal value any more where newer personal parts could not be taken up for PERSONAL_MINUTES."""
        with self._turn:
            if self._given is None or count() - self._current_at <= PERSONAL_MINUTES * 60:
                return
            engine, columns = self._given
            if not columns.are_personal:
                return
            self._give(engine, without_personal(columns))
            self._descriptors = None
            self._app.state.kept_answers = KeptAnswers()
        log.error("nothing personal is told: newer personal parts could not be read for %d minutes", PERSONAL_MINUTES)

    def close(self) -> None:
        for database in (self._database, self._before):
            if database is not None:
                database.close()

    def _database_for(self, files: CountFiles) -> _Database:
        """The database, if its log goes on in these files; otherwise an empty one: nothing of another log stays."""
        log_end = self._database.log_end
        if log_end is None or files.has(log_end):
            return self._database
        return _Database(self._app.state.sessions)

    def _take(self, files: CountFiles, database: _Database, begun: float) -> None:
        """Answer from files. Raises BadFile, and then answers stay as they were."""
        columns, log_end = self._mapped(files.columns), database.log_end
        with writing(database.engine) as session:
            files.fill(session, 0 if log_end is None else log_end.revision)
            with self._turn:  # before COMMIT: they answer for every revision before theirs
                self._give(database.engine, columns)
                self._current_at = begun
        state, about = self._app.state, files.descriptor.recuento
        state.zone = parse_zone(about.zone)
        state.public_url = state.settings.public_url or files.descriptor.homepage
        if files.personal is not None:
            state.names = files.personal.descriptor.names
        if database is not self._database:
            if self._before is not None:
                self._before.close()
            self._before, self._database = self._database, database
            state.heads.close()
            state.heads, state.mark = Heads(database.engine), attach(database.engine, None)
            state.engine = database.engine
        state.kept_answers = KeptAnswers()  # last: what is kept from now on is of these files
        database.log_end, self._descriptors = about, _descriptors_of(files)

    def _mapped(self, columns: Columns) -> Columns:
        """The same over files, so that memory is the system's to take back; as they are where no place is set for that.
        The files have no name any more once they are mapped: nobody else reads them, and they go with this process."""
        place = self._app.state.settings.columns_dir
        if place is None:
            return columns
        Directory(place).require_fit()
        with TemporaryDirectory(prefix="reader-", dir=place) as folder:
            directory = Directory(Path(folder))
            directory.save(columns, lambda: 0)  # files that are read know of no erasure after them
            mapped = directory.mapped()
        if mapped is None:
            return columns
        return replace(mapped, are_personal=columns.are_personal, first_apart=columns.first_apart)

    def _give(self, engine: Engine, columns: Columns) -> None:
        give(engine, columns)
        self._given = engine, columns


def _descriptors_of(files: CountFiles) -> tuple[Described, Described | None]:
    return files.descriptor, None if files.personal is None else files.personal.descriptor


def create_reader(folder: Path, settings: Settings, personal: Path | None = None) -> FastAPI:
    """The application on a folder of count files; it follows the folder. `personal`: the folder of their personal
    parts. Raises BadFile."""
    # A reader asks no registry's database, whatever else the settings are for.
    settings = settings.model_copy(update={"database_read_url": None, "database_listen_url": None})
    app = described(settings, _lifespan)
    database = _Database(app.state.sessions)
    furnish(app, settings, database.engine, attach(database.engine, None))
    app.state.clock = wall_clock
    app.state.head_moves = False
    app.state.settling = _Settled()
    app.state.followed = _Followed(folder, personal, app, database)
    try:
        app.state.followed.follow()
    except BaseException:
        app.state.followed.close()
        raise
    _open(app)
    serve_routes(app, settings, (counts,))
    return app


def _open(app: FastAPI) -> None:
    settings: Settings = app.state.settings
    app.state.lanes = Lanes.of(settings.concurrency, settings.patience_seconds)
    app.state.room = Room(settings.max_bytes_in_flight, settings.patience_seconds)


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    _open(app)  # once more: a lane belongs to the loop in which somebody first had to wait at it
    followed: _Followed = app.state.followed
    stopping = asyncio.Event()
    # Beside each other: a folder that does not answer must not keep what it had told before.
    chores = [asyncio.create_task(_repeat(stopping, act)) for act in (followed.follow, followed.withhold_outdated)]
    leave_alone_what_stays()
    try:
        yield
    finally:
        stopping.set()
        await asyncio.gather(*chores)  # a thread may still be writing into the database
        await app.state.heads.stop()
        followed.close()


async def _repeat(stopping: asyncio.Event, act: Callable[[], None]) -> None:
    """Act in a thread, again and again, whatever comes of it."""
    while not stopping.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), LOOKED_EVERY)
        if stopping.is_set():
            return
        try:
            await run_sync(act)
        except Exception as error:
            line = error.detail if isinstance(error, BadFile) else type(error).__name__
            log.error("newer count files cannot be taken up: %s", line)
