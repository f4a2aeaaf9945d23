"""Protect append-only tables: triggers against mistakes, and restricted connections against injected SQL."""

import re
from collections.abc import Iterable
from typing import Any

import pysqlite3
from sqlalchemy import Connection, Engine, event, text

from app.db.engine import is_sqlite

# All that a server does. Anything else, such as changing the schema or attaching a database, is refused before it runs.
_ALLOWED_ACTIONS = frozenset(
    {
        pysqlite3.SQLITE_SELECT,
        pysqlite3.SQLITE_READ,
        pysqlite3.SQLITE_INSERT,
        pysqlite3.SQLITE_UPDATE,
        pysqlite3.SQLITE_DELETE,
        pysqlite3.SQLITE_FUNCTION,
        pysqlite3.SQLITE_RECURSIVE,
        pysqlite3.SQLITE_TRANSACTION,
        pysqlite3.SQLITE_SAVEPOINT,
        pysqlite3.SQLITE_PRAGMA,
    }
)
_CHANGES = frozenset({pysqlite3.SQLITE_UPDATE, pysqlite3.SQLITE_DELETE})
# Pragmas that open the schema's own tables, or bypass a trigger.
_UNSAFE_PRAGMAS = frozenset({"writable_schema", "recursive_triggers", "ignore_check_constraints", "foreign_keys"})
LOG_TABLE = "entry"
# The tables that a server only reads and adds to: the log, and which key wrote which entry, by which the entries of a
# thief are recalled. SQLite treats REPLACE as an INSERT; a trigger refuses it for the log alone.
APPEND_ONLY_TABLES = (LOG_TABLE, "written_by")
_ROLE_PATTERN = re.compile(r"[a-z_][a-z0-9_]{0,62}")  # an unquoted name of PostgreSQL


def restrict_connections(engine: Engine) -> None:
    """Restrict the connections of a SQLite engine from now on.

    They may neither change nor delete entries of the log, nor which key wrote them; nor change the schema, nor attach
    another database. On PostgreSQL the serving role is restricted instead (`build_grants`).
    """
    if not is_sqlite(engine):
        return

    def authorize(
        action: int, first: str | None, _second: str | None, _database: str | None, _trigger: str | None
    ) -> int:
        is_refused = (
            action not in _ALLOWED_ACTIONS
            or (action in _CHANGES and first in APPEND_ONLY_TABLES)
            or (action == pysqlite3.SQLITE_PRAGMA and first in _UNSAFE_PRAGMAS)
        )
        return int(pysqlite3.SQLITE_DENY if is_refused else pysqlite3.SQLITE_OK)

    @event.listens_for(engine, "checkout")
    def install_authorizer(connection: Any, record: Any, _proxy: object) -> None:
        if record.info.get("restricted") is not connection:
            connection.set_authorizer(authorize)
            record.info["restricted"] = connection


def build_grants(role: str, tables: Iterable[str]) -> list[str]:
    """Return the statements by which the owner of a PostgreSQL database lets a role serve it.

    The role may read and write every table, but only read and add to append-only tables. Raises ValueError for a name
    that would need quotes.
    """
    if not _ROLE_PATTERN.fullmatch(role):
        raise ValueError("A role is named by small letters, digits and underscores.")
    other_tables = ", ".join(sorted(set(tables).difference(APPEND_ONLY_TABLES)))
    return [
        f"GRANT USAGE ON SCHEMA public TO {role}",
        f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}",
        f"GRANT SELECT ON alembic_version TO {role}",
        f"GRANT SELECT, INSERT ON {', '.join(APPEND_ONLY_TABLES)} TO {role}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {other_tables} TO {role}",
    ]


def forbid_changes(connection: Connection, table: str) -> None:
    """Make a table append-only: triggers refuse UPDATE and DELETE, and TRUNCATE on PostgreSQL."""
    for statement in _build_forbid_statements(table, sqlite=is_sqlite(connection)):
        connection.execute(text(statement))


def allow_changes(connection: Connection, table: str) -> None:
    """Undo `forbid_changes`, for a downgrade."""
    if not is_sqlite(connection):
        connection.execute(text(f"DROP FUNCTION {table}_append_only() CASCADE"))
        return
    for action in ("update", "delete"):
        connection.execute(text(f"DROP TRIGGER {table}_no_{action}"))


def _build_forbid_statements(table: str, *, sqlite: bool) -> list[str]:
    message = f"{table} is append-only"
    if sqlite:
        return [
            f"CREATE TRIGGER {table}_no_{action} BEFORE {action.upper()} ON {table} "
            f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
            for action in ("update", "delete")
        ]
    function = (
        f"CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{message}'; END $$"
    )
    return [function] + [
        f"CREATE TRIGGER {table}_no_{action} BEFORE {action.upper()} ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()"
        for action in ("update", "delete", "truncate")
    ]
