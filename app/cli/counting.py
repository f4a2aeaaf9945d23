"""The processes that count beside those that serve (decision 0072).

python -m app.cli.counting SOCKET
"""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import Any

import uvicorn
from sqlalchemy.engine import make_url

from app.config import Settings
from app.database import is_memory
from app.main import create_counting
from app.server_log import CONFIGURATION

SOCKET_IN = "RECUENTO_COUNTING_SOCKET"
# Added to the niceness of the system: whoever writes, or reads what is quick to read, goes first.
NICER = 10
LOOKS_EVERY = 0.5  # seconds
AGAIN_AFTER = 5.0  # seconds: one that ended is started again, and one that cannot start keeps no processor busy


@contextmanager
def counting_apart(settings: Settings) -> Iterator[Settings]:
    """Meanwhile processes of their own count; the settings with the socket at which they answer. They end with this
    process, however it ends."""
    if not settings.counting_apart or is_memory(make_url(settings.database_url)):
        yield settings
        return
    with TemporaryDirectory(prefix="recuento-counting-") as folder:
        socket = Path(folder) / "socket"
        os.environ[SOCKET_IN] = str(socket)
        stopping = Event()
        keeper = Thread(target=_keep, args=(socket, stopping), name="counting")
        keeper.start()
        try:
            yield settings.model_copy(update={"counting_socket": socket})
        finally:
            del os.environ[SOCKET_IN]
            stopping.set()
            keeper.join()


def _keep(socket: Path, stopping: Event) -> None:
    """Have them there until this stops."""
    command = [sys.executable, "-m", "app.cli.counting", str(socket)]
    while not stopping.is_set():
        # A session of its own: Ctrl-C is for the serving process, and then the pipe tells of the end.
        with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as process:  # noqa: S603 - ours
            while process.poll() is None and not stopping.wait(LOOKS_EVERY):
                pass  # leaving this block closes the pipe
        stopping.wait(AGAIN_AFTER)


def main() -> None:
    """Count until whoever started this has ended."""
    os.nice(NICER)
    Thread(target=_end_with_parent, daemon=True).start()
    given: dict[str, Any] = {
        "uds": sys.argv[1],
        "log_level": "warning",
        "log_config": CONFIGURATION,
        "access_log": False,
        "ws": "none",
    }
    settings = Settings()
    if settings.workers > 1:
        uvicorn.run("app.main:counting", workers=settings.workers, **given)
    else:
        uvicorn.run(create_counting(settings), **given)


def _end_with_parent() -> None:
    """It holds the other end of the pipe, and writes nothing. Whoever asked has ended too."""
    sys.stdin.read()
    os.killpg(0, signal.SIGKILL)  # with the processes that were started from here


if __name__ == "__main__":
    main()
