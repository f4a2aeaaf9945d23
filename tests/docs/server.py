"""The demo's registry on a real port, for commands that are run as a reader would run them."""

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import uvicorn

from app.config import Settings
from app.database import make_engine, migrate, writing
from app.demo import run as replay
from app.log.head import bind_secret
from app.main import create_app
from app.registry import keys
from app.vocabulary import Role

# After the last day of the replay, and after every day that the pages name.
NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)
SECRET = "a secret of the documentation"


def settings_for(database: Path) -> Settings:
    return Settings(database_url=f"sqlite:///{database}", secret=SECRET, concurrency=4)  # type: ignore[arg-type]


def replayed_once(folders: pytest.TempPathFactory) -> Path:
    """A database with the replay in it; workers that need one make it once between them."""
    base = folders.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    database = shared / "documentation.db"
    with (shared / "documentation.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not database.exists():
            draft = database.with_suffix(".draft")
            _replay(settings_for(draft))
            draft.rename(database)
    return database


def _replay(settings: Settings) -> None:
    engine = make_engine(settings.database_url)
    migrate(engine)
    with writing(engine) as session:
        bind_secret(session, settings.secret_key())
        replay.load(session, settings.secret_key())
    engine.dispose()  # the last connection empties the write-ahead log into the file


class _Announcing(uvicorn.Server):
    """A server that says when it can be reached."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.reachable = threading.Event()

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        await super().startup(sockets)  # type: ignore[arg-type]
        self.reachable.set()

    @property
    def port(self) -> int:
        return int(self.servers[0].sockets[0].getsockname()[1])


@contextmanager
def served(database: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """`(address, keys)` of the registry in a database; keys by the names that the pages give them."""
    app = create_app(settings_for(database))
    app.state.clock = lambda: NOW
    with writing(app.state.engine) as session:
        given = {
            "KEY": replay.guest_key(session, NOW),
            "CURATOR": keys.create(session, Role.CURATOR, None, 30, NOW),
            "ADMIN": keys.create(session, Role.ADMIN, None, 30, NOW),
        }
    server = _Announcing(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", access_log=False, ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        assert server.reachable.wait(timeout=60), "the server did not start"
        yield f"http://127.0.0.1:{server.port}", given
    finally:
        server.should_exit = True
        thread.join()
