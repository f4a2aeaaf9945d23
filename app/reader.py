"""create_reader(folder, settings): an application that answers every public count from count files, without the
registry's database and while the registry itself does not answer."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from anyio.to_thread import run_sync
from fastapi import FastAPI
from sqlalchemy.exc import SQLAlchemyError

from app.api.counts import counts
from app.api.door import Room
from app.api.lanes import Lanes
from app.api.settling import Settling
from app.columns.held import release
from app.config import Settings
from app.database import make_engine, migrate, reading
from app.database_guards import restrict
from app.dates import parse_zone
from app.exchange.count_files.load import CountFiles, stand_for
from app.exchange.imports.faults import BadFile
from app.log.entries import head
from app.log.mark import attach
from app.main import described, furnish, serve_routes

# Seconds. A folder is renewed once in minutes or hours, and a look at it costs a small file.
LOOKED_EVERY = 10.0

log = logging.getLogger("recuento")


class _Followed:
    """A folder of count files, perhaps with their personal parts, and the application that stands for the newest."""

    def __init__(self, folder: Path, personal: Path | None, app: FastAPI) -> None:
        self._folder, self._personal, self._app, self._known = folder, personal, app, 0

    def follow(self) -> None:
        """Let the application answer from the newest files, if it does not yet. Raises BadFile."""
        files = CountFiles.newest_in(self._folder, self._personal)
        if files.revision <= self._known:
            return
        files.require_whole()
        stand_for(self._app.state.engine, files, self._known)
        state = self._app.state
        state.zone = parse_zone(files.said.recuento.zone)
        state.public_url = state.settings.public_url or files.said.homepage
        if files.personal is not None:
            state.names = files.personal.said.names
        self._known = files.revision
        with reading(self._app.state.engine) as session:
            self._recorded_at = head(session)[1]

    def now(self) -> datetime:
        """When the newest entry of the files was recorded. What came later nobody knows here: an instant after it is
        refused, as a server refuses one that has not come."""
        return self._recorded_at


def create_reader(folder: Path, settings: Settings, personal: Path | None = None) -> FastAPI:
    """The application on a folder of count files; it follows the folder. `personal`: the folder of their personal
    parts. Raises BadFile."""
    app = described(settings, _lifespan)
    # What counts ask for beside columns lies in a file of its own, which goes with the process.
    app.state.beside = TemporaryDirectory(prefix="recuento-files-")
    engine = make_engine(f"sqlite:///{app.state.beside.name}/counts.db", pool_size=app.state.sessions)
    migrate(engine)
    restrict(engine)
    furnish(app, settings, engine, attach(engine, None))
    app.state.followed = _Followed(folder, personal, app)
    try:
        app.state.followed.follow()
    except BaseException:
        _close(app)
        raise
    app.state.clock = app.state.followed.now
    _open(app)
    serve_routes(app, settings, (counts,))
    return app


def _open(app: FastAPI) -> None:
    settings: Settings = app.state.settings
    app.state.lanes = Lanes.of(settings.concurrency, settings.patience_seconds)
    app.state.room = Room(settings.max_bytes_in_flight, settings.patience_seconds)
    app.state.settling = Settling()


def _close(app: FastAPI) -> None:
    release(app.state.engine)
    app.state.engine.dispose()
    app.state.beside.cleanup()


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    _open(app)  # once more: a lane belongs to the loop in which somebody first had to wait at it
    following = asyncio.create_task(_follow(app.state.followed))
    yield
    following.cancel()
    await app.state.heads.stop()
    _close(app)


async def _follow(followed: _Followed) -> None:
    while True:
        await asyncio.sleep(LOOKED_EVERY)
        try:
            await run_sync(followed.follow)
        except (BadFile, SQLAlchemyError) as error:
            log.error("newer count files cannot be read: %s", getattr(error, "detail", type(error).__name__))
