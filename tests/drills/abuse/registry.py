"""A demo registry of a checkout, copied for each drill, with a server of its own on loopback."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx2

from tests.drills.abuse import names

SECRET = "a secret of the abuse drills"
START_SECONDS = 60.0
ANSWER_SECONDS = 120.0  # for one request of an attack
LIST_SECONDS = 900.0  # for a list of 5,000 rows on a slow machine
POLL_SECONDS = 0.2

ATTACKER = "example-ngo"
GOVERNMENT = "ministerio-interior"
HONEST = "foro-penal"
FAMILIES = "families"
NEW_SOURCE = "new-ngo"
SOURCES = (ATTACKER, GOVERNMENT, HONEST, FAMILIES, NEW_SOURCE)
ROLES = ("reader", "curator", "admin")

Body = dict[str, Any]


@dataclass(frozen=True)
class Checkout:
    """A tree of the application, run with this interpreter. `folder`: for its databases."""

    path: Path
    folder: Path

    def build_environment(self, database: Path, **more: str) -> dict[str, str]:
        """Return the environment of a command on a database, without settings of the machine."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("RECUENTO_")}
        return inherited | {
            "PYTHONPATH": str(self.path),
            "RECUENTO_DATABASE_URL": f"sqlite:///{database}",
            "RECUENTO_SECRET": SECRET,
            "RECUENTO_HEAD_FILE": f"{database}.head",
            "RECUENTO_RATE_BY_CLIENT": "0",  # the drills measure what writes may do, not how many fit into a minute
            "RECUENTO_RATE_BY_KEY": "0",
            "RECUENTO_RATE_OF_SEARCHES": "0",
            **more,
        }

    def run_command(self, database: Path, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `recuento` on a database, and return how it ended."""
        return subprocess.run(
            [sys.executable, "-m", "app.cli", *words],
            cwd=self.folder,
            env=self.build_environment(database),
            stdin=subprocess.DEVNULL,  # a command that asks is refused, and does not wait
            capture_output=True,
            text=True,
            check=False,
            timeout=LIST_SECONDS,
        )

    def create_template(self) -> "Template":
        """Replay January 2026 into a database, with the keys that the drills use."""
        database = self.folder / "template.db"
        self._require(database, "demo", "--no-serve")
        self._require(database, *names.build_source_command(NEW_SOURCE))
        keys = {slug: self._create_key(database, slug) for slug in SOURCES}
        keys |= {role: self._create_key(database, "--role", role) for role in ROLES}
        keys["second curator"] = self._create_key(database, "--role", "curator", holder="Second curator")
        self.set_number(database, ATTACKER, names.MAX_UNREVIEWED)
        return Template(self, database, keys)

    def set_number(self, database: Path, slug: str, number: int) -> None:
        """Set the number of a source. A checkout without numbers does not know the command, and counts everything."""
        self.run_command(database, *names.build_trust_command(slug, number))

    def _create_key(self, database: Path, *words: str, holder: str = "") -> str:
        holder = holder or f"Holder of {words[-1]}"
        return self._require(database, "key", "create", *words, "--holder", holder).stdout.strip()

    def _require(self, database: Path, *words: str) -> subprocess.CompletedProcess[str]:
        done = self.run_command(database, *words)
        if done.returncode:
            raise RuntimeError(f"recuento {' '.join(words)} failed: {done.stdout}{done.stderr}")
        return done


@dataclass(frozen=True)
class Template:
    """The database that each drill starts with."""

    checkout: Checkout
    database: Path
    keys: dict[str, str]

    @contextmanager
    def serve(self, name: str, trusted: tuple[str, ...] = (), **settings: str) -> Iterator["Server"]:
        """Serve a copy of the database. `trusted`: sources whose number an operator raises before."""
        database = self.checkout.folder / f"{name}.db"
        shutil.copy(self.database, database)
        with suppress(FileNotFoundError):
            shutil.copy(f"{self.database}.head", f"{database}.head")
        for slug in trusted:
            self.checkout.set_number(database, slug, names.ENOUGH)
        with Server(self.checkout, database, self.keys, settings) as server:
            yield server


class Server:
    """`recuento serve` on a free port, and a client for each key."""

    def __init__(self, checkout: Checkout, database: Path, keys: dict[str, str], settings: dict[str, str]) -> None:
        self.checkout, self.database, self.keys = checkout, database, keys
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._environment = checkout.build_environment(database, RECUENTO_PORT=str(self.port), **settings)
        self._client = httpx2.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=ANSWER_SECONDS)

    def __enter__(self) -> Self:
        self._log = Path(f"{self.database}.log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "app.cli", "serve"],
            cwd=self.checkout.folder,
            env=self._environment,
            stdout=self._log,
            stderr=self._log,
        )
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            with suppress(httpx2.TransportError):
                if self._client.get("/healthz").status_code == 200:
                    return self
            time.sleep(POLL_SECONDS)
        self.__exit__()
        raise RuntimeError(f"the server did not start: {Path(self._log.name).read_text()[-2000:]}")

    def __exit__(self, *_error: object) -> None:
        self._client.close()
        self._process.terminate()
        try:
            self._process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def ask(self, method: str, path: str, who: str | None = None, **request: Any) -> httpx2.Response:
        """Send a request with the key of a source or a role."""
        headers = {"Authorization": f"Bearer {self.keys[who]}"} if who else {}
        return self._client.request(method, path, headers=headers, **request)

    def get(self, path: str, who: str | None = None, **params: Any) -> Body:
        """Return the answer to a GET, which must succeed."""
        answer = self.ask("GET", path, who, params=params or None)  # no parameters would clear those of `path`
        answer.raise_for_status()
        return dict(answer.json())

    def post(self, path: str, body: Any, who: str) -> httpx2.Response:
        """Send a body, whatever the answer is: an attack goes on after a refusal."""
        return self.ask("POST", path, who, json=body)

    def read_list(self, path: str, who: str | None = None, **params: Any) -> list[Body]:
        """Return all pages of a list."""
        page = self.get(path, who, limit=200, **params)
        rows: list[Body] = page["data"]
        while page["next"]:
            page = self.get(page["next"], who)
            rows += page["data"]
        return rows

    def start_list(self, data: bytes, who: str, **params: Any) -> str:
        """Send a list, and return the address of its receipt."""
        params = {"confirm": "true", **params}
        answer = self.ask("POST", "/v1/imports", who, params=params, files={"file": ("list", data)})
        answer.raise_for_status()
        return f"/v1/imports/{answer.json()['id']}"

    def wait_for_list(self, receipt: str, who: str, seconds: float = LIST_SECONDS) -> Body | None:
        """Return the receipt of a list that is done, or None if it is not done in time."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            answer = self.get(receipt, who)
            if answer["finished_at"]:
                return answer
            time.sleep(POLL_SECONDS)
        return None

    def send_list(self, data: bytes, who: str, **params: Any) -> Body:
        """Send a list, wait until it is done, and return its receipt."""
        receipt = self.wait_for_list(self.start_list(data, who, **params), who)
        if receipt is None:
            raise RuntimeError("a list is not done")
        return receipt
