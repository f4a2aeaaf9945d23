"""The database of the settings, for commands."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.engine import make_url
from sqlmodel import Session

from app.config import Settings
from app.database import make_engine, migrate, writing
from app.log.head import bind_secret, is_bound, require_rules
from app.registry import scrubbing
from app.registry.projection import RULES


def located(url: str) -> str:
    """Where a database is, as it is shown: a file of SQLite by its whole path, any other without its password."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        parsed = parsed.set(database=str(Path(parsed.database).resolve()))
    return parsed.render_as_string(hide_password=True)


@contextmanager
def database(settings: Settings) -> Iterator[Engine]:
    """The settings' database, brought to the newest schema; let go of whatever happens."""
    engine = make_engine(settings.database_url)
    try:
        migrate(engine)
        scrubbing.finish(engine)
        yield engine
    finally:
        engine.dispose()


@contextmanager
def opened(settings: Settings, *, any_rules: bool = False) -> Iterator[Session]:
    """A writing session on the settings' database, whose secret is known to be the right one, and whose rows to have
    been made under today's rules unless it is for making them anew. Raises WrongSecret and OtherRules."""
    with database(settings) as engine, writing(engine) as session:
        bind_secret(session, settings.secret_key(make=not is_bound(session)))
        if not any_rules:
            require_rules(session, RULES)
        yield session
