"""A real server on a port of its own, for what an in-process client cannot show: many connections at once."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import Thread

import uvicorn

from app.cli.http_protocol import build_uvicorn_options
from app.config import Settings
from app.main import create_app
from tests.support import NOW

BACKLOG = 512  # every client of a test may knock before the server has begun to answer


@contextmanager
def serving(settings: Settings, log_level: str = "warning", *, at: datetime | None = NOW) -> Iterator[str]:
    """The address of a server over the settings' database, with the options of `recuento serve`. `at`: what its clock
    says; that of the machine where commands have written before."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(BACKLOG)
    settings = settings.model_copy(update={"port": listening.getsockname()[1]})  # of which the demo's addresses are
    app = create_app(settings)
    if at is not None:
        app.state.clock = lambda: at
    server = uvicorn.Server(
        uvicorn.Config(app, log_level=log_level, log_config=None, **build_uvicorn_options(settings))
    )
    thread = Thread(target=server.run, args=([listening],), name="server")
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
