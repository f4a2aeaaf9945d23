"""A line to PostgreSQL that breaks where a test wants it to: after COMMIT was sent, and before its answer came."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from select import select
from threading import Event, Thread

from sqlalchemy.engine import URL, make_url

MOST = 65_536


class CutLine:
    """Carries what both ends say; while `cutting` is set, the next COMMIT is carried and its answer is not."""

    def __init__(self, server: URL, port: int = 0) -> None:
        self._server = server
        self.cutting = Event()
        self.cuts = 0
        self._listening = socket.create_server(("127.0.0.1", port))
        Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> str:
        """That of the database, over this line."""
        port = self._listening.getsockname()[1]
        query = {name: value for name, value in self._server.query.items() if name != "host"}
        here = self._server.set(host="127.0.0.1", port=port, query=query)
        return here.render_as_string(hide_password=False)

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _address = self._listening.accept()
                Thread(target=self._carry, args=(client, _connected(self._server)), daemon=True).start()

    def _carry(self, client: socket.socket, server: socket.socket) -> None:
        """Carry what comes from either end until one has gone, or an answer is to be dropped."""
        dropping = False
        with client, server, suppress(OSError):
            while True:
                for ready in select([client, server], [], [])[0]:
                    said = ready.recv(MOST)
                    if not said or (ready is server and dropping):
                        return
                    if ready is client and b"COMMIT" in said and self.cutting.is_set():
                        self.cutting.clear()
                        self.cuts += 1
                        dropping = True
                    (server if ready is client else client).sendall(said)


def _connected(url: URL) -> socket.socket:
    """A connection to the server of an address, which may be a folder with its socket."""
    host = url.query.get("host", url.host)
    if isinstance(host, str) and host.startswith("/"):
        line = socket.socket(socket.AF_UNIX)
        line.connect(f"{host}/.s.PGSQL.{url.port or 5432}")
        return line
    return socket.create_connection((url.host or "127.0.0.1", url.port or 5432))


@contextmanager
def cut_line(address: str) -> Iterator[CutLine]:
    line = CutLine(make_url(address))
    try:
        yield line
    finally:
        line.close()
