"""Runs migrations: all of them in one transaction, one process at a time, on SQLite and PostgreSQL alike.

The caller hands over a connection outside a transaction in `config.attributes["connection"]`; the alembic
command line, which has none, gets the database of `RECUENTO_DATABASE_URL`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from alembic import context
from alembic.util import CommandError
from sqlalchemy import Connection, TypeDecorator
from sqlmodel import SQLModel

import app.models  # noqa: F401 - fills SQLModel.metadata
from app.config import Settings
from app.db.engine import WRITES_OPTION, is_sqlite, make_engine

# Two servers that start together on PostgreSQL migrate one after the other (any number nobody else uses).
MIGRATION_LOCK = 0x5EC0_E270


def render_item(kind: str, item: Any, _autogenerate: object) -> str | Literal[False]:
    """Write our types as what they are in the database, so that a migration never changes with the code."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl_instance!r}"
    return False


@contextmanager
def foreign_keys_off(connection: Connection) -> Iterator[None]:
    """Batch mode drops and renames tables: with foreign keys on, that would delete the rows pointing at them.

    SQLite ignores this pragma inside a transaction, so it goes to the driver, which begins none by itself.
    """
    if not is_sqlite(connection):
        yield
        return
    driver: Any = connection.connection.driver_connection
    driver.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys = ON")


def check_foreign_keys(connection: Connection) -> None:
    dangling = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    if dangling is not None:
        raise CommandError(f"A row of {dangling[0]} would point at no row of {dangling[2]}.")


def migrate(connection: Connection) -> None:
    if connection.in_transaction():
        raise CommandError("A migration needs a connection outside a transaction: engine.connect().")
    connection = connection.execution_options(**{WRITES_OPTION: True})
    with foreign_keys_off(connection):
        context.configure(
            connection=connection,
            target_metadata=SQLModel.metadata,
            render_as_batch=True,
            render_item=render_item,
            compare_type=True,
            transactional_ddl=True,
        )
        with context.begin_transaction():
            if not is_sqlite(connection):
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")
                # It thinks for as long as a large registry takes between two statements.
                connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
            before = context.get_context().get_current_heads()
            context.run_migrations()
            if is_sqlite(connection) and context.get_context().get_current_heads() != before:
                check_foreign_keys(connection)


def run() -> None:
    if context.is_offline_mode():
        raise CommandError("Migrations look at the database they change, so there is no --sql.")
    given: Connection | None = context.config.attributes.get("connection")
    if given is not None:
        migrate(given)
        return
    engine = make_engine(Settings().database_url)
    with engine.connect() as connection:
        migrate(connection)
    engine.dispose()


run()
