"""The database of the settings, for commands."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from app.config import Settings
from app.database import make_engine, migrate


@contextmanager
def database(settings: Settings) -> Iterator[Engine]:
    """The settings' database, brought to the newest schema; let go of whatever happens."""
    engine = make_engine(settings.database_url)
    try:
        migrate(engine)
        yield engine
    finally:
        engine.dispose()
