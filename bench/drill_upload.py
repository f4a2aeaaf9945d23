"""Send a list through a line that breaks at random, kill sender and server on the way, and prove that it arrives.

However often it is cut off, the registry must end with one record and one outcome for each row, and the sender must say
so. With a number of bytes a second the line is as slow as in the field, with its waits, and nobody is killed.
"""

import json
import multiprocessing
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlmodel import col

from app.db.engine import make_engine, open_read_session, open_write_session
from app.imports.filing.import_store import ImportOptions
from app.imports.upload import client, remote
from app.imports.upload.client import RegistryClient
from app.models import ImportRow, ListImport, Record
from app.registry import api_keys
from app.vocabulary import Role
from bench.bad_line import BadLine
from bench.drill_import import SECRET, SOURCE, now, prepare
from bench.invented import csv_of

ROWS, SEED = 5_000, 1
KILLS, RESTARTS = 10, 1  # a list whose server was killed is taken up two minutes later (stored.LEASE)
# A drill is done in a minute or two: it waits as long as the field in proportion.
FAST = {"STALLED": 1.0, "FIRST_WAIT": 0.05, "LONGEST_WAIT": 1.0}
MOST = 9_000  # bytes of a connection at most: a part, or a page of rows
SECONDS = 4  # that a slow line holds at most
PATIENCE = 60.0  # seconds for a server to come up


class Quiet:
    """Counts what a person would be told."""

    def __init__(self) -> None:
        self.told: Counter[str] = Counter()

    def say(self, text: str) -> None:
        self.told[text.partition(";")[0]] += 1

    def moved(self, settled: int, rows: int) -> None:
        pass


def send(address: str, key: str, folder: Path, fast: bool) -> None:
    """What is killed: the upload, whose receipt it leaves beside the list."""
    if fast:
        for name, value in FAST.items():
            setattr(client, name, value)
    watch = Quiet()
    with RegistryClient(address, key, watch.say) as line:
        path, options = folder / "list.csv", ImportOptions(confirmed=True)
        receipt, rows = remote.file_remote_list(
            line, folder / "journals", path, options, now(), watch, source=None, all_rows=True
        )
    said = {"receipt": receipt, "rows": rows, "told": watch.told}
    (folder / "said.json").write_text(json.dumps(said, default=str), encoding="utf-8")


class Server:
    """`recuento serve` on a port of its own, to be killed and started again."""

    def __init__(self, url: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._environment = {**os.environ, "RECUENTO_DATABASE_URL": url, "RECUENTO_SECRET": SECRET.decode()}
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-m", "app.cli", "serve", "--port", str(self.port)]
        self._process = subprocess.Popen(command, env=self._environment, stderr=subprocess.DEVNULL)  # noqa: S603
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz"):
                return
            time.sleep(0.1)
        raise AssertionError("the server did not come up")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


def drill(folder: Path, rows: int, seed: int, kills: int, restarts: int, rate: int | None) -> dict[str, Any]:
    """Run it; what it took. Raises AssertionError where a row is lost, doubled or told wrongly."""
    pick = random.Random(seed)
    url = f"sqlite:///{folder / 'drill.db'}"
    prepare(url)
    engine = make_engine(url)
    with open_write_session(engine) as session:
        key = api_keys.create_key(session, Role.REPORTER, SOURCE, 1, now())
    (folder / "list.csv").write_bytes(csv_of(rows, seed))
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["bench.drill_upload"])
    server = Server(url)
    begun = time.monotonic()
    most = MOST if rate is None else rate * SECONDS
    try:
        with BadLine(server.port, seed, most, most, rate) as line:
            arguments = (line.address, key, folder, rate is None)
            ends = ["sender"] * kills + ["server"] * restarts
            pick.shuffle(ends)
            met: Counter[str] = Counter()
            for end in ends:
                if (folder / "said.json").exists():
                    break  # it was through before it could be killed
                sender = processes.Process(target=send, args=arguments)
                sender.start()
                sender.join(pick.uniform(0.5, 4))
                met[end] += 1
                if end == "server":
                    server.kill()
                    server.start()
                sender.kill()
                sender.join()
            if not (folder / "said.json").exists():
                last = processes.Process(target=send, args=arguments)
                last.start()
                last.join()
    finally:
        server.kill()
    took = time.monotonic() - begun
    said = json.loads((folder / "said.json").read_text(encoding="utf-8"))
    with open_read_session(engine) as session:
        records = session.execute(select(func.count()).select_from(Record)).scalar_one()
        settled = session.execute(
            select(func.count(), func.count(col(ImportRow.report).distinct())).select_from(ImportRow)
        ).one()
        imports = session.execute(select(func.count()).select_from(ListImport)).scalar_one()
    engine.dispose()
    assert records == rows, f"{records} records of {rows} rows"
    assert tuple(settled) == (rows, rows), f"{settled[0]} outcomes, of {settled[1]} reports"
    assert [row["row"] for row in said["rows"]] == list(range(2, rows + 2)), "the sender was not told of each row once"
    assert said["receipt"]["settled"] == rows, "the receipt does not sum the rows up"
    assert not list((folder / "journals").iterdir()), "a journal is left"
    return {
        "seconds": took, "broken": line.broken, "met": dict(line.met), "up": line.sent_up, "down": line.sent_down,
        "killed": dict(met), "imports": imports, "told": said["told"], "counts": said["receipt"]["counts"],
    }  # fmt: skip


def main() -> None:
    rate = int(sys.argv[1]) if len(sys.argv) > 1 else None
    kills, restarts = (KILLS, RESTARTS) if rate is None else (0, 0)
    with tempfile.TemporaryDirectory(prefix="recuento-drill-") as folder:
        took = drill(Path(folder), ROWS, SEED, kills, restarts, rate)
    sys.stdout.write(
        f"{ROWS} rows in {took['imports']} parts through {took['broken']} broken connections ({took['met']}), killed "
        f"on the way: {took['killed']}; {took['seconds']:.0f} s, {took['up']:,} bytes up and {took['down']:,} down.\n"
        f"Each row has one record and one outcome ({took['counts']}). The last sender was told: {took['told']}\n"
    )


if __name__ == "__main__":
    main()
