"""Connect to PostgreSQL, directly or through a pooler.

A pooler (pgbouncer in transaction mode) may give every transaction another of its connections. So no setting and no
prepared statement may outlive a transaction, and code that needs its own connection checks first (`is_direct`).
"""

from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, create_engine, make_url
from sqlalchemy.exc import OperationalError

# A server whose machine is gone sends nothing at all: a connection that is silent this long is given up.
SILENCE_TIMEOUT_MS = 30_000
# A writer whose machine is gone is silent too, and others wait for its locks. No writer of ours pauses this long
# between two statements; the server's system would notice only after two hours.
IDLE_TRANSACTION_TIMEOUT_MS = 120_000
NO_TIMEOUT = 0  # PostgreSQL's value for no limit
COMMIT_CHANNEL = "recuento_committed"
COMMIT_NOTICE = f"NOTIFY {COMMIT_CHANNEL}"  # sent to listeners after the commit, also through a pooler


def make_postgresql_engine(url: str, pool_size: int, silent_ms: int) -> Engine:
    """Create an engine for a `postgresql://…` address."""
    address = make_url(url)
    if address.drivername == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
    return create_engine(
        address,
        pool_size=pool_size,
        max_overflow=0,
        pool_pre_ping=True,
        hide_parameters=True,  # parameters hold names, which belong in no error message
        connect_args={
            "connect_timeout": silent_ms // 1000,
            "tcp_user_timeout": silent_ms,
            "keepalives_idle": silent_ms // 1000,
            "keepalives_interval": silent_ms // 3000,
            "prepare_threshold": None,
        },
    )


def set_transaction_timeouts(connection: Connection, *, statement_ms: int, lock_ms: int, writes: bool) -> None:
    """Limit the transaction that has just begun: the time of each statement, the wait for a lock, and the idle time of
    a writer."""
    bounds = {"statement_timeout": statement_ms, "lock_timeout": lock_ms}
    if writes:
        bounds["idle_in_transaction_session_timeout"] = IDLE_TRANSACTION_TIMEOUT_MS
    # One statement for all three; `SET LOCAL` would need one each.
    settings = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in bounds.items())
    connection.exec_driver_sql(f"SELECT {settings}").close()


def is_direct(driver: Any) -> bool:
    """Return whether a connection goes to the server itself. A pooler gives its client an invented process id."""
    ((process,),) = driver.execute("SELECT pg_backend_pid()").fetchall()
    return bool(process == driver.info.backend_pid)


def is_coming_up(error: OperationalError) -> bool:
    """Return whether a PostgreSQL server that refused a connection may still be starting.

    Once it has asked for a password it is up, and a refusal is final.
    """
    line: Any = getattr(error.orig, "pgconn", None)
    was_password_requested = line is not None and (line.needs_password or line.used_password)
    return isinstance(error.orig, psycopg.OperationalError) and not was_password_requested
