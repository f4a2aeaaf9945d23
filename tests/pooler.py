"""pgbouncer in transaction mode before a test's PostgreSQL: it keeps nothing for anybody between two transactions."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import URL, make_url

from tests.cli.test_commands import free_port
from tests.deploy.before_it import HOST, wait_for

CONNECTIONS = 6  # of its own to the server: fewer than a test's clients have, so that they take turns
PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])


def missing() -> str | None:
    """Why there is no pooler here."""
    return None if shutil.which("pgbouncer", path=PATH) else "pgbouncer is not installed"


@contextmanager
def pooled(url: str, folder: Path) -> Iterator[str]:
    """The address of a database through a pooler."""
    direct, port = make_url(url), free_port()
    configuration = folder / "pgbouncer.ini"
    configuration.write_text(
        f"[databases]\n* = {_at(direct)}\n"
        f"[pgbouncer]\nlisten_addr = {HOST}\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = any\npool_mode = transaction\nmax_prepared_statements = 0\n"
        f"default_pool_size = {CONNECTIONS}\nserver_round_robin = 1\n"
    )
    as_whom = ["-u", Path(str(direct.query["host"])).owner()] if _must_be_another(direct) else []
    with (
        (folder / "said").open("w") as said,
        subprocess.Popen(
            ["pgbouncer", *as_whom, str(configuration)], env={**os.environ, "PATH": PATH}, stdout=said, stderr=said
        ) as process,
    ):
        try:
            wait_for(port, process, folder / "said")
            yield URL.create(
                "postgresql", direct.username, direct.password, HOST, port, direct.database
            ).render_as_string(hide_password=False)
        finally:
            process.send_signal(signal.SIGQUIT)  # at SIGTERM it waits until all clients have gone


def _at(direct: URL) -> str:
    """Where the server is, as pgbouncer is told it."""
    places = {
        "host": direct.host or direct.query.get("host"),
        "port": direct.port,
        "user": direct.username,
        "password": direct.password,
    }
    return " ".join(f"{name}={value}" for name, value in places.items() if value)


def _must_be_another(direct: URL) -> bool:
    """Whether root runs the tests, as whom pgbouncer does not run: the owner of the server's socket then does."""
    return os.geteuid() == 0 and "host" in direct.query
