"""The database of the settings, for commands."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlmodel import Session

from app.config import Settings
from app.database import make_engine, migrate, writing
from app.log.head import bind_secret, is_bound
from app.registry.rebuild import catch_up


@contextmanager
def database(settings: Settings) -> Iterator[Engine]:
    """The settings' database, brought to the newest schema; let go of whatever happens."""
    engine = make_engine(settings.database_url)
    try:
        migrate(engine)
        yield engine
    finally:
        engine.dispose()


@contextmanager
def opened(settings: Settings) -> Iterator[Session]:
    """A writing session on the settings' database, whose secret is known to be the right one."""
    with database(settings) as engine, writing(engine) as session:
        bind_secret(session, settings.secret_key(make=not is_bound(session)))
        catch_up(session)
        yield session
