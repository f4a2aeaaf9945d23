"""Open the database of the settings for a command."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

from sqlalchemy import Engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from app.cli.output import console, exit_with_error
from app.columns import cache
from app.config import Settings
from app.db.engine import make_engine, migrate_database, open_read_session, open_write_session
from app.db.postgresql import is_coming_up
from app.log.head import bind_secret, is_secret_bound, require_rows_version
from app.log.mark import attach_mark
from app.projection import ROWS_VERSION
from app.registry.publication import erasure

# PostgreSQL is up within seconds after a power cut, and an operator watches the start of a server for about so long.
STARTUP_TIMEOUT_SECONDS = 60.0
STARTUP_POLL_SECONDS = 1.0


def format_database_address(url: str) -> str:
    """Format a database address for display: a SQLite file by its absolute path, any other without its password."""
    parsed_url = make_url(url)
    if parsed_url.get_backend_name() == "sqlite" and parsed_url.database:
        parsed_url = parsed_url.set(database=str(Path(parsed_url.database).resolve()))
    return parsed_url.render_as_string(hide_password=True)


def wait_for_database(url: str) -> None:
    """Wait for a database that starts together with the server, as after a power cut.

    Ends the command if the database does not come up. Raises the error of a database that is up.
    """
    engine, deadline, has_notified = make_engine(url), monotonic() + STARTUP_TIMEOUT_SECONDS, False
    try:
        while True:
            try:
                engine.connect().close()
            except OperationalError as error:
                if not is_coming_up(error):
                    raise
                if monotonic() > deadline:
                    exit_with_error(
                        f"The database did not come up in {STARTUP_TIMEOUT_SECONDS:.0f} seconds: start it, or correct "
                        "its address."
                    )
            else:
                return
            if not has_notified:
                console.print(
                    f"The database does not answer yet: waiting for it, {STARTUP_TIMEOUT_SECONDS:.0f} seconds at most."
                )
                has_notified = True
            sleep(STARTUP_POLL_SECONDS)
    finally:
        engine.dispose()


@contextmanager
def open_database(settings: Settings, *, finish_erasures: bool = True) -> Iterator[Engine]:
    """Open the settings' database, brought to the newest schema, and dispose of it at the end.

    `finish_erasures`: first try to finish an unfinished erasure. False for commands that must work at once, or with
    little memory or disk.
    """
    engine = make_engine(settings.database_url)
    try:
        cache.attach_columns_directory(engine, settings.columns_dir)
        migrate_database(engine)
        if finish_erasures:
            erasure.finish_erasures(engine)
        yield engine
    finally:
        engine.dispose()


@contextmanager
def open_session(settings: Settings, *, any_version: bool = False, finish_erasures: bool = True) -> Iterator[Session]:
    """Open a writing session on the settings' database, and check its secret and the version of its rows.

    `any_version`: for a command that rebuilds the rows. Raises WrongSecret, RowsMismatch; LogWentBackwards if the
    database would show somebody who was erased.
    """
    with open_database(settings, finish_erasures=finish_erasures) as engine:
        mark = attach_mark(engine, settings.mark_file())
        with open_write_session(engine) as session:
            mark.check_log(session)
            mark.require_erasures()
            bind_secret(session, settings.secret_key(make=not is_secret_bound(session)))
            if not any_version:
                require_rows_version(session, ROWS_VERSION)
            yield session
        with open_read_session(engine) as session:
            mark.check_log(session)
