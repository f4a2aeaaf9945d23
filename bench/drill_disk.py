"""Fill the disk under a registry, make room again, over and over: writes are refused with a declared answer, readiness
says so, reads go on, and nothing that was acknowledged is lost.

    python -m bench.drill_disk sqlite|postgresql [ROUNDS]

The disk is a small file system in memory (tmpfs), which takes root. PostgreSQL's own log lies on another disk: without
room for that one it stops at once, and reads stop with it.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

from bench.audit import audit, unaccounted
from bench.clients import PAUSE, Book, Client, Sent, ask
from bench.drill_kill import CURATOR, READER, REPORTER, furnish, wait_for_lists
from bench.linear import Written, faults
from bench.servers import PATIENCE, Postgres, Server, say

ROUNDS, SEED = 10, 1
SIZES = {"sqlite": "24m", "postgresql": "160m"}  # a registry, and for PostgreSQL a new server
LEFT = 200_000  # bytes of room that writers still find, at most
BEFORE = 1.0  # seconds for which writers have room
DECLARED = ("unavailable", "perhaps_stored")
PIECE = 4096
LONG = 3_000  # characters of a text, so that the room is soon gone
READS = ("/v1/releases?limit=5", "/v1/counts/releases?group_by=source", "/v1/sources")


class NoDisk(Exception):
    """No file system can be mounted here."""


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    disk = folder / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, stderr=subprocess.DEVNULL).returncode:  # noqa: S603
        raise NoDisk("This drill mounts a small file system, which takes root and a right to mount: nothing was tried.")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)  # noqa: S603, S607


def fill(disk: Path, left: int) -> None:
    """Take all room but so much."""
    room = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize - left
    handle = os.open(disk / "ballast", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        for _piece in range(0, max(room, 0), PIECE):
            os.write(handle, b"x" * PIECE)
    except OSError:  # it is full
        pass
    finally:
        os.close(handle)


def drill(engine: str, folder: Path, rounds: int, seed: int) -> Counter[str]:
    """Run it; what it came to. Raises NoDisk where none can be mounted."""
    pick = random.Random(seed)
    with small_disk(folder, SIZES[engine]) as disk:
        postgres = None
        if engine == "postgresql":
            postgres = Postgres(disk / "postgres", wal=folder / "wal")
        url = postgres.new(1) if postgres else f"sqlite:///{disk / 'drill.db'}"
        keys = furnish(url)
        server = Server(url, folder, mark=disk / "drill.head")
        try:
            return _drill(server, url, keys, disk, folder, rounds, pick)
        finally:
            server.kill()
            if postgres:
                postgres.stop()


def _drill(
    server: Server, url: str, keys: dict[str, str], disk: Path, folder: Path, rounds: int, pick: random.Random
) -> Counter[str]:
    book, tally = Book(), Counter[str]()
    works = {"drill": REPORTER, "foro": REPORTER, "curator": CURATOR, "": READER}
    clients = [
        Client(name or "reader", keys.get(name, ""), server.port, random.Random(pick.random()), book, kinds)
        for name, kinds in works.items()
    ]
    for _round in range(rounds):
        over = Event()
        threads = [Thread(target=each.work, args=(over,)) for each in clients]
        for thread in threads:
            thread.start()
        time.sleep(pick.uniform(0, BEFORE))
        fill(disk, pick.randint(0, LEFT))
        code, text, refused = _refused(server.port, keys["jep"], book)
        tally[f"refused: {code}"] += 1
        fill(disk, 0)
        _until_not_ready(server.port)
        for path in READS:
            answer = ask(server.port, "", Sent("GET", path))
            assert answer is not None, f"{path} was not answered on a full disk"
            assert answer[0] == 200, f"{path} on a full disk: {answer[0]} {answer[2]!r}"
            tally["reads on a full disk"] += 1
        (disk / "ballast").unlink()
        server.wait("/readyz")
        _acknowledged(server.port, keys["jep"], book, text, refused)
        over.set()
        for thread in threads:
            thread.join()
        assert not book.faults, book.faults
        wait_for_lists(url)
        found = audit(url, folder)
        wrong = [*faults(found.leaves, book.history), *unaccounted(found, book.receipts(), book.spare)]
        assert not wrong, wrong[:20]
        tally["rounds"] += 1
    tally["writes acknowledged"], tally["sent again"] = len(book.receipts()), book.again
    return tally


def _refused(port: int, key: str, book: Book) -> tuple[str, str, Sent]:
    """Send figures until one is refused; `(code, text, request)` of it."""
    until = time.monotonic() + PATIENCE
    body = {"measure": "released", "qualifier": "exactly", "low": 1, "high": 1, "reported_by": "An invented paper"}
    while time.monotonic() < until:
        text, begun = uuid.uuid4().hex, time.monotonic()
        said = json.dumps({**body, "note": "x" * LONG, "source_record_id": text}).encode()
        request = Sent("POST", "/v1/claims", said, {"Content-Type": "application/json"})
        answer = ask(port, key, request)
        assert answer is not None, "a writer got no answer on a full disk"
        if answer[0] != 201:
            code = json.loads(answer[2])["code"]
            assert answer[0] == 503, f"a writer was told {answer[0]} {answer[2]!r}"
            assert code in DECLARED, f"a writer was told {answer[0]} {answer[2]!r}"
            assert "retry-after" in answer[1], "a writer was not told when to try again"
            return code, text, request
        _keep(book, text, begun, answer[2])
    raise AssertionError("the disk is full, and nothing was refused")


def _acknowledged(port: int, key: str, book: Book, text: str, request: Sent) -> None:
    begun, until = time.monotonic(), time.monotonic() + PATIENCE
    while time.monotonic() < until:
        answer = ask(port, key, request)
        if answer is not None and answer[0] in (200, 201):
            return _keep(book, text, begun, answer[2])
        time.sleep(PAUSE)
    raise AssertionError(f"there is room again, and still a writer is refused: {answer}")


def _keep(book: Book, text: str, begun: float, answer: bytes) -> None:
    receipt = json.loads(answer)["receipt"]
    book.history.append(Written("jep", text, begun, time.monotonic(), receipt["revision"], receipt["leaf_hash"]))


def _until_not_ready(port: int) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        answer = ask(port, "", Sent("GET", "/readyz"))
        if answer is not None and answer[0] == 503:
            return
        time.sleep(PAUSE)
    raise AssertionError("the disk is full, and the server says that it is ready")


def main() -> None:
    engine, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="recuento-drill-", ignore_cleanup_errors=True) as name:
        try:
            tally = drill(engine, Path(name), rounds, SEED)
        except NoDisk as none:
            raise SystemExit(str(none)) from None
    say(f"{engine}, {time.monotonic() - begun:.0f} s: {dict(tally)}; nothing acknowledged was lost")


if __name__ == "__main__":
    main()
