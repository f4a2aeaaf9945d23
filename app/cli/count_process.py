"""Run expensive counts in separate processes, next to the serving ones (decision 0071).

python -m app.cli.count_process SOCKET VERSION
"""

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from logging.config import dictConfig
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Thread
from time import sleep

import uvicorn

from app import __version__, server_log
from app.config import Settings
from app.db.engine import is_memory
from app.main import create_count_worker

SOCKETS_VARIABLE = "RECUENTO_COUNTING_SOCKETS"
METRICS_FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"  # where workers started from now on write metrics
MAX_SOCKET_PATH_BYTES = 100  # Linux allows 107, other systems fewer
NICENESS = 10  # writes and quick reads go first
WORKER_CHECK_SECONDS = 0.5
RESTART_DELAY_SECONDS = 5.0  # so that a worker that cannot start keeps no processor busy
WORKER_STOP_SECONDS = 3.0  # to finish a count, and to close the database
NO_WORKERS_WARNING = "counts are made by the serving process, since no socket can be made (RECUENTO_COUNTING_APART): %s"

log = logging.getLogger("recuento")


@contextmanager
def run_count_workers(settings: Settings) -> Iterator[Settings]:
    """Run as many count workers as serving workers; yield the settings with the workers' sockets.

    The workers end with this process, however it ends.
    """
    if not settings.counting_apart or is_memory(settings.database_url):
        yield settings
        return
    try:
        folder = TemporaryDirectory(prefix="recuento-counting-")
    except OSError as error:
        log.warning(NO_WORKERS_WARNING, type(error).__name__)
        yield settings
        return
    with folder:
        sockets = [str(Path(folder.name) / str(number)) for number in range(settings.workers)]
        if len(os.fsencode(sockets[-1])) > MAX_SOCKET_PATH_BYTES:
            log.warning(NO_WORKERS_WARNING, "the path of the folder for temporary files is too long")
            yield settings
            return
        stopping = Event()
        supervisors = [
            Thread(target=_supervise_worker, args=(socket_path, stopping), name="counting") for socket_path in sockets
        ]
        os.environ[SOCKETS_VARIABLE] = ",".join(sockets)
        try:
            for supervisor in supervisors:
                supervisor.start()
            yield settings.model_copy(update={"counting_sockets": sockets})
        finally:
            del os.environ[SOCKETS_VARIABLE]
            stopping.set()
            for supervisor in supervisors:
                if supervisor.ident is not None:
                    supervisor.join()


def _supervise_worker(socket_path: str, stopping: Event) -> None:
    """Run a count worker, and start it again when it ends, until `stopping` is set."""
    # -P: import nothing from the folder in which the server was started.
    command = [sys.executable, "-P", "-m", "app.cli.count_process", socket_path, __version__]
    environment = {name: value for name, value in os.environ.items() if name != METRICS_FOLDER_VARIABLE}
    while not stopping.is_set():
        # A session of its own: Ctrl-C goes to the serving process, which then stops the worker.
        process = subprocess.Popen(  # noqa: S603 - our own code
            command, stdin=subprocess.PIPE, env=environment, start_new_session=True
        )
        while process.poll() is None and not stopping.wait(WORKER_CHECK_SECONDS):
            pass
        if not stopping.is_set():
            log.warning("a process that counts ended with status %d, and is started again", process.returncode)
        _stop_process(process)
        Path(socket_path).unlink(missing_ok=True)
        stopping.wait(RESTART_DELAY_SECONDS)


def _stop_process(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(WORKER_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    assert process.stdin is not None
    process.stdin.close()


def main() -> None:
    """Count until the parent process ends or terminates this one."""
    socket_path, version = sys.argv[1:]
    dictConfig(server_log.CONFIGURATION)
    if version != __version__:
        sys.exit(f"recuento: version {version} serves, and this is {__version__}: start the server again.")
    # uvicorn finishes current requests and raises the signal again.
    signal.signal(signal.SIGTERM, lambda _signal, _frame: sys.exit(0))
    Thread(target=_exit_with_parent, daemon=True).start()
    os.nice(NICENESS)
    try:
        uvicorn.run(
            create_count_worker(Settings()),
            uds=socket_path,
            log_level="warning",
            log_config=server_log.CONFIGURATION,
            access_log=False,
            ws="none",
            timeout_graceful_shutdown=1,
        )
    except Exception as error:
        server_log.log_unforeseen_error(error, "the start of a process that counts")
        sys.exit(1)


def _exit_with_parent() -> None:
    """End this process when the parent, which holds the other end of the pipe, has ended. Then no client waits any
    more."""
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)
    sleep(WORKER_STOP_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main()
