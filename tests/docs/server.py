"""The demo's registry on a real port, for commands that are run as a reader would run them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import uvicorn

from app.db.engine import open_write_session
from app.demo import run as replay
from app.main import create_app
from app.registry import api_keys
from app.vocabulary import Role
from tests.replay import settings_for

# After the last day of the replay, and after every day that the pages name.
NOW = datetime(2026, 4, 1, 12, tzinfo=UTC)


class _Announcing(uvicorn.Server):
    """A server that says when it can be reached."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.reachable = threading.Event()

    async def startup(self, sockets: list[object] | None = None) -> None:  # type: ignore[override]
        await super().startup(sockets)  # type: ignore[arg-type]
        self.reachable.set()

    @property
    def port(self) -> int:
        return int(self.servers[0].sockets[0].getsockname()[1])


@contextmanager
def served(database: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """`(address, keys)` of the registry in a database; keys by the names that the pages give them."""
    app = create_app(settings_for(f"sqlite:///{database}"))
    app.state.clock = lambda: NOW
    with open_write_session(app.state.engine) as session:
        given = {
            "KEY": replay.create_guest_key(session, NOW),
            "CURATOR": api_keys.create_key(session, Role.CURATOR, None, 30, NOW, "Ana Pérez"),
            "ADMIN": api_keys.create_key(session, Role.ADMIN, None, 30, NOW, "Bruno Salas"),
        }
    server = _Announcing(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", access_log=False, ws="none"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        assert server.reachable.wait(timeout=60), "the server did not start"
        yield f"http://127.0.0.1:{server.port}", given
    finally:
        server.should_exit = True
        thread.join()
