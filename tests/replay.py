"""The January replay in a database of SQLite: it takes seconds, so the workers of a run make it once between them."""

import fcntl
import os
from pathlib import Path

import pytest

from app.config import Settings
from app.database import make_engine, migrate, writing
from app.demo import run
from app.log.head import bind_secret, require_rules
from app.registry.projection import RULES

SECRET = "a secret of the replay"


def settings_for(url: str) -> Settings:
    return Settings(database_url=url, secret=SECRET, concurrency=4)  # type: ignore[arg-type]


def replayed_once(folders: pytest.TempPathFactory) -> Path:
    """The database, to be copied and not written to."""
    base = folders.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    database = shared / "replay.db"
    with (shared / "replay.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not database.exists():
            draft = database.with_suffix(".draft")
            load(settings_for(f"sqlite:///{draft}"))
            draft.rename(database)
    return database


def load(settings: Settings) -> None:
    """Replay January into an empty database."""
    engine = make_engine(settings.database_url)
    migrate(engine)
    with writing(engine) as session:
        bind_secret(session, settings.secret_key())
        require_rules(session, RULES)
        run.load(session, settings.secret_key())
    engine.dispose()  # the last connection empties the write-ahead log into the file
