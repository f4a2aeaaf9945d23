"""How PostgreSQL is spoken to, directly or through a pooler that lends every transaction another of its connections
(pgbouncer in transaction mode): nothing stays with a connection between two transactions, neither a setting nor a
prepared statement, and what needs a connection of its own asks first whether it has one."""

from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, create_engine, make_url
from sqlalchemy.exc import OperationalError

# A server whose machine is gone answers nothing at all: a line that is silent this long is given up.
SILENCE_TIMEOUT_MS = 30_000
# Nor does a writer whose machine is gone, and others wait for its locks. No writer of ours thinks this long between two
# statements; the system of the server would take two hours to miss it.
IDLE_TRANSACTION_TIMEOUT_MS = 120_000
NO_TIMEOUT = 0  # as PostgreSQL writes it
COMMIT_CHANNEL = "recuento_committed"
COMMIT_NOTICE = (
    f"NOTIFY {COMMIT_CHANNEL}"  # to whoever listens, once the transaction is committed; also through a pooler
)


def make_postgresql_engine(url: str, pool_size: int, silent_ms: int) -> Engine:
    """An engine for a `postgresql://…` address."""
    address = make_url(url)
    if address.drivername == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
    return create_engine(
        address,
        pool_size=pool_size,
        max_overflow=0,
        pool_pre_ping=True,
        hide_parameters=True,  # parameters hold names: they belong in no error message
        connect_args={
            "connect_timeout": silent_ms // 1000,
            "tcp_user_timeout": silent_ms,
            "keepalives_idle": silent_ms // 1000,
            "keepalives_interval": silent_ms // 3000,
            "prepare_threshold": None,
        },
    )


def set_transaction_timeouts(connection: Connection, *, statement_ms: int, lock_ms: int, writes: bool) -> None:
    """Bound the transaction that has just begun: each of its statements, its waits for a lock, and for how long one
    that writes may do nothing."""
    bounds = {"statement_timeout": statement_ms, "lock_timeout": lock_ms}
    if writes:
        bounds["idle_in_transaction_session_timeout"] = IDLE_TRANSACTION_TIMEOUT_MS
    # One statement for all: `SET LOCAL` would be one each.
    settings = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in bounds.items())
    connection.exec_driver_sql(f"SELECT {settings}").close()


def is_direct(driver: Any) -> bool:
    """Whether a connection is one of the server's own. A pooler tells a client of a process that there is not."""
    ((process,),) = driver.execute("SELECT pg_backend_pid()").fetchall()
    return bool(process == driver.info.backend_pid)


def is_coming_up(error: OperationalError) -> bool:
    """Whether a PostgreSQL server that refused a connection may only be starting. Once it has asked for a password it
    is up, and whatever it refuses then is wrong."""
    line: Any = getattr(error.orig, "pgconn", None)
    was_password_requested = line is not None and (line.needs_password or line.used_password)
    return isinstance(error.orig, psycopg.OperationalError) and not was_password_requested
