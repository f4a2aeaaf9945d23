"""Make the n-th write or sync of the database's files fail, for every n that a few requests come to, and prove that
what was answered is so.

    python -m bench.drill_io sqlite|postgresql [MOST]

MOST: so many numbers n, drawn at random where there are more. A library in C makes the call fail (failing_io.c). What
was acknowledged is stored, what was told as stored nowhere is not, what was perhaps stored is stored once after it was
sent again; the server goes on, and the file is whole.
"""

import errno
import json
import mmap
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import pysqlite3
from sqlalchemy import select
from sqlalchemy.engine import make_url

from app.db.engine import make_engine, open_read_session
from app.models import Entry, Sealed
from bench.audit import audit
from bench.clients import AGAIN_SECONDS, PAUSE, Sent, ask
from bench.drill_kill import furnish
from bench.invented import Crowd
from bench.linear import Written, faults
from bench.servers import Postgres, Server, say

MOST, SEED = 150, 1
ERRORS = (errno.EIO, errno.ENOSPC)
OF_A_REGISTRY = 15  # failures on one registry, after which the server is killed
SHIM = Path(__file__).with_name("failing_io.c")
NOTHING, PERHAPS = "unavailable", "perhaps_stored"
JSON = {"Content-Type": "application/json"}


class Control:
    """What the library counts, and which call it makes fail."""

    _FORM = struct.Struct("=qqq")

    def __init__(self, folder: Path) -> None:
        path = folder / "control"
        path.write_bytes(self._FORM.pack(0, 0, 0))
        path.chmod(0o666)  # PostgreSQL runs as somebody else
        with path.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), self._FORM.size)
        library = folder / "failing_io.so"
        compiler = shutil.which("gcc") or shutil.which("cc")
        if compiler is None:
            raise SystemExit("This drill needs a C compiler (gcc or cc), and there is none: nothing was tried.")
        subprocess.run([compiler, "-shared", "-fPIC", "-O2", "-o", library, SHIM, "-ldl"], check=True)  # noqa: S603
        library.chmod(0o755)
        self._path, self._library = path, library

    def environment(self, files: Path) -> dict[str, str]:
        """Of a process whose calls on files in this folder are counted."""
        return {
            "LD_PRELOAD": str(self._library),
            "FAILING_IO_CONTROL": str(self._path),
            "FAILING_IO_FOLDER": str(files),
        }

    def arm(self, number: int, error: int) -> None:
        self._shared[:] = self._FORM.pack(number, 0, error)

    def disarm(self) -> int:
        """Let nothing fail any more; the calls so far."""
        calls = int(self._FORM.unpack(self._shared[:])[1])
        self._shared[:] = self._FORM.pack(0, 0, 0)
        return calls


class Requests:
    """The same few requests again and again, each with a text of its own by which it is found."""

    def __init__(self, port: int, keys: dict[str, str]) -> None:
        self._port, self._keys = port, keys
        self._number = 0
        self._people = Crowd(port).people(10_000)

    def round(self, control: Control, number: int, error: int) -> tuple[list[tuple[str, str, Sent, str, Any]], int]:
        """`(text, key, request, what it was told, its answer)` of each, and how many calls they came to."""
        corrected, withdrawn = (self._acknowledged("drill", self._report()[1]) for _ in range(2))
        sent = [
            self._report(source_record_id=self._new()),
            self._report(),
            self._report(once=True),
            self._sent("PATCH", f"/v1/reports/{corrected['report']['id']}", "note"),
            self._sent("POST", f"/v1/reports/{withdrawn['report']['id']}/retract", "reason"),
            self._sent("POST", "/v1/claims", "note", measure="released", qualifier="exactly", low=5, high=5,
                       reported_by="An invented paper"),
            self._sent("POST", f"/v1/detainees/{corrected['detainee']['id']}/consent", "reason", once=True,
                       publish="named", given_by="the person", given_on="2026-02-01"),
        ]  # fmt: skip
        told = []
        control.arm(number, error)
        for text, request in sent:
            key = "curator" if "consent" in request.path else "drill"
            answer = ask(self._port, self._keys[key], request)
            assert answer is not None, f"no answer to {request.path}: the server ended"
            body = json.loads(answer[2])
            code = "stored" if answer[0] in (200, 201) else body["code"]
            assert code in ("stored", NOTHING, PERHAPS), f"{request.method} {request.path}: {answer[0]} {body}"
            told.append((text, key, request, code, body))
        return told, control.disarm()

    def again(self, key: str, request: Sent) -> Any:
        return self._acknowledged(key, request)

    def _acknowledged(self, key: str, request: Sent) -> Any:
        until = time.monotonic() + AGAIN_SECONDS
        while time.monotonic() < until:
            answer = ask(self._port, self._keys[key], request)
            if answer is not None and answer[0] in (200, 201):
                return json.loads(answer[2])
            time.sleep(PAUSE)
        raise AssertionError(f"{request.path} was never acknowledged: {answer}")

    def _new(self) -> str:
        self._number += 1
        return f"number {self._number} of {uuid.uuid4().hex}"

    def _report(self, *, once: bool = False, **more: str) -> tuple[str, Sent]:
        name, born = next(self._people)
        person = {"full_name": name, "birth_date": str(born or 1980)}
        detention = {"detained_on": "2025-06-03", "country": "VE"}
        release = {"released_on": "2026-01-11"}
        return self._sent(
            "POST", "/v1/releases", "note", once=once, detainee=person, detention=detention, release=release, **more
        )

    def _sent(self, method: str, path: str, field: str, *, once: bool = False, **body: Any) -> tuple[str, Sent]:
        text = self._new()
        headers = {**JSON, "Idempotency-Key": uuid.uuid4().hex} if once else JSON
        return text, Sent(method, path, json.dumps({**body, field: text}).encode(), headers)


def times_stored(url: str, texts: list[str]) -> dict[str, int]:
    engine = make_engine(url)
    with open_read_session(engine) as session:
        bodies = [*session.scalars(select(Entry.body)), *session.scalars(select(Sealed.disclosures))]
    engine.dispose()
    return {text: sum(text in body for body in bodies) for text in texts}


def require_whole(url: str) -> None:
    """SQLite's own opinion of its file."""
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        connection = pysqlite3.connect(address.database)
        found = connection.execute("PRAGMA integrity_check").fetchall()
        connection.close()
        assert found == [("ok",)], found


def fail_once(
    url: str, folder: Path, server: Server, requests: Requests, control: Control, number: int, error: int
) -> tuple[Counter[str], bool]:
    """Let the n-th call fail; what clients were told, and whether there was an n-th call."""
    told, calls = requests.round(control, number, error)
    server.wait("/readyz")
    stored = times_stored(url, [text for text, *_rest in told])
    for text, _key, request, code, _body in told:
        where = f"{request.method} {request.path} at call {number} ({errno.errorcode[error]}), told {code}"
        if code != PERHAPS:
            assert stored[text] == (code == "stored"), f"{where}: stored {stored[text]} times"
        assert stored[text] <= 1, f"{where}: stored twice"
    acknowledged = [
        (text, body if code == "stored" else requests.again(key, request)) for text, key, request, code, body in told
    ]
    stored = times_stored(url, [text for text, *_rest in told])
    assert set(stored.values()) == {1}, f"call {number}: after it was sent again, {stored}"
    require_whole(url)
    found = audit(url, folder)
    history = [
        Written("drill", text, 0.0, float("inf"), body["receipt"]["revision"], body["receipt"]["leaf_hash"])
        for text, body in acknowledged
    ]
    wrong = faults(found.leaves, history)
    assert not wrong, wrong
    return Counter(code for _text, _key, _request, code, _body in told), calls >= number


def drill(engine: str, folder: Path, most: int, seed: int) -> Counter[str]:
    """Run it; what clients were told in all. Must be the first of its process to start a server."""
    pick = random.Random(seed)
    control = Control(folder)
    files = folder / "files"
    files.mkdir()
    postgres = None
    if engine == "postgresql":
        postgres = Postgres(folder / "postgres", control.environment(folder / "postgres" / "data"))
    else:
        os.environ.update(control.environment(files))  # whatever is forked from here on has it
    tally = Counter[str]()
    registry = 0
    server: Server | None = None
    numbers: list[tuple[int, int]] = []
    try:
        for turn in range(most + 1):
            if turn % OF_A_REGISTRY == 0:
                if server:
                    server.kill()
                    say(f"{turn} tried: {dict(tally)}")
                registry += 1
                url = postgres.new(registry) if postgres else f"sqlite:///{files / f'drill-{registry}.db'}"
                keys = furnish(url)
                server = Server(url, folder)
                requests = Requests(server.port, keys)
            assert server is not None
            if turn == 0:  # nothing fails: how many calls there are
                told, calls = requests.round(control, 2**40, errno.EIO)
                assert {code for _text, _key, _request, code, _body in told} == {"stored"}, told
                every = [(number, error) for number in range(1, calls + 1) for error in ERRORS]
                numbers = sorted(every if len(every) <= most else pick.sample(every, most))
                tally["calls without a failure"] = calls
                continue
            if turn > len(numbers):
                break
            codes, reached = fail_once(url, folder, server, requests, control, *numbers[turn - 1])
            tally += codes
            tally["failures"] += reached
    finally:
        if server:
            server.kill()
        if postgres:
            postgres.stop()
    return tally


def main() -> None:
    engine, most = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else MOST
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="recuento-drill-", ignore_cleanup_errors=True) as folder:
        tally = drill(engine, Path(folder), most, SEED)
    say(f"{engine}, {time.monotonic() - begun:.0f} s: {dict(tally)}; what was answered was so, and the log is whole")


if __name__ == "__main__":
    main()
