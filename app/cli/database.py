"""The database of the settings, for commands."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

from sqlalchemy import Engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from app.cli.output import console, fail
from app.columns import cache
from app.config import Settings
from app.db.engine import make_engine, migrate, reading, writing
from app.db.postgresql import is_coming_up
from app.log.head import bind_secret, is_bound, require_rules
from app.log.mark import attach
from app.projection import RULES
from app.registry.publication import erasure

# PostgreSQL is up again within seconds of a power cut, and whoever started the server looks at it for about so long.
PATIENCE = 60.0
PAUSE = 1.0


def located(url: str) -> str:
    """Where a database is, as it is shown: a file of SQLite by its whole path, any other without its password."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        parsed = parsed.set(database=str(Path(parsed.database).resolve()))
    return parsed.render_as_string(hide_password=True)


def wait_until_up(url: str) -> None:
    """Wait for a database that comes up beside the server, as after a power cut. Raises what the database refuses once
    it is up, and ends the command where it does not come up."""
    engine, until, told = make_engine(url), monotonic() + PATIENCE, False
    try:
        while True:
            try:
                engine.connect().close()
            except OperationalError as error:
                if not is_coming_up(error):
                    raise
                if monotonic() > until:
                    fail(f"The database did not come up in {PATIENCE:.0f} seconds: start it, or correct its address.")
            else:
                return
            if not told:
                console.print(f"The database does not answer yet: waiting for it, {PATIENCE:.0f} seconds at most.")
                told = True
            sleep(PAUSE)
    finally:
        engine.dispose()


@contextmanager
def database(settings: Settings, *, finishing: bool = True) -> Iterator[Engine]:
    """The settings' database, brought to the newest schema; let go of whatever happens. An erasure that is not finished
    is first tried to be, but for commands that must work at once, and where there is little memory or disk."""
    engine = make_engine(settings.database_url)
    try:
        cache.attach(engine, settings.columns_dir)
        migrate(engine)
        if finishing:
            erasure.finish(engine)
        yield engine
    finally:
        engine.dispose()


@contextmanager
def opened(settings: Settings, *, any_rules: bool = False, finishing: bool = True) -> Iterator[Session]:
    """A writing session on the settings' database, whose secret is known to be the right one, and whose rows to have
    been made under today's rules unless it is for making them anew. Raises WrongSecret, OtherRules and, where the
    database would show somebody who was erased, WentBackwards."""
    with database(settings, finishing=finishing) as engine:
        mark = attach(engine, settings.mark_file())
        with writing(engine) as session:
            mark.look(session)
            mark.require_erased()
            bind_secret(session, settings.secret_key(make=not is_bound(session)))
            if not any_rules:
                require_rules(session, RULES)
            yield session
        with reading(engine) as session:
            mark.look(session)
