"""nginx and Varnish with the configurations of deploy/, on ports and in folders of their own."""

import http.client
import os
import re
import shlex
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from time import monotonic, sleep

from tests.cli.test_commands import ROOT, free_port
from tests.support import PATIENCE

DEPLOY = ROOT / "deploy"
AT_HEADER = "X-Test-Address"  # where nginx is told to take a client's address from, since loopback has no other network
PAUSE = 0.05  # seconds between two looks at whether it listens
HOST = "127.0.0.1"
ORIGIN = f"{HOST}:8000"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Message
    body: bytes

    @property
    def request(self) -> str | None:
        """Which request to the registry this is the answer of: kept answers have that of whoever asked first."""
        return self.headers["Request-Id"]


@dataclass(frozen=True)
class Asker:
    """Asks at a port, as a client who sits at an address of this machine. `headers`: sent each time."""

    port: int
    client: str = HOST
    headers: dict[str, str] = field(default_factory=dict)
    tls: bool = False

    def __call__(self, path: str, method: str = "GET", body: str | None = None, **headers: str) -> Answer:
        given = {"Host": "registry.example", **self.headers}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        line = self._line()
        try:
            line.request(method, path, body, given)
            answer = line.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            line.close()

    def _line(self) -> http.client.HTTPConnection:
        at = (self.client, 0)
        if not self.tls:
            return http.client.HTTPConnection(HOST, self.port, timeout=PATIENCE, source_address=at)
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # its certificate is of a moment ago
        return http.client.HTTPSConnection(HOST, self.port, timeout=PATIENCE, source_address=at, context=context)


@dataclass(frozen=True)
class Before:
    """What stands before a registry: where it listens, and the folder in which it writes."""

    ask: Asker
    folder: Path
    by_tls: Asker | None = None
    by_tor: int | None = None  # the port to which tor leads


def missing(kind: str) -> str | None:
    """What of Debian's packages is not installed to run it."""
    needed = {"nginx": ["nginx", "openssl"], "varnish": ["varnishd", "cc"]}[kind]
    found = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"])
    return next((f"{name} is not installed" for name in needed if shutil.which(name, path=found) is None), None)


@contextmanager
def standing_before(kind: str, origin: int, folder: Path, **instead: str) -> Iterator[Before]:
    """nginx or Varnish before whatever listens at a port. `instead`: other values of directives of nginx."""
    folder.mkdir()
    command, before = _nginx(origin, folder, instead) if kind == "nginx" else _varnish(origin, folder)
    environment = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin"}
    with (
        (folder / "said").open("w") as said,
        subprocess.Popen(command, cwd=folder, env=environment, stdout=said, stderr=said) as process,
    ):
        try:
            wait_for(before.ask.port, process, folder / "said")
            yield before
        finally:
            process.terminate()


def wait_for(port: int, process: "subprocess.Popen[bytes]", said: Path) -> None:
    until = monotonic() + PATIENCE
    while process.poll() is None and monotonic() < until:
        with suppress(OSError), socket.create_connection((HOST, port)):
            return
        sleep(PAUSE)
    raise AssertionError(said.read_text())


def _put(text: str, instead: dict[str, object]) -> str:
    for found, put in instead.items():
        assert found in text, f"the configuration has no {found}"
        text = text.replace(found, str(put))
    return text


def _nginx(origin: int, folder: Path, directives: dict[str, str]) -> tuple[list[str], Before]:
    plain, by_tls, by_tor = free_port(), free_port(), free_port()
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    made = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=registry.example"
    subprocess.run(
        [*made.split(), "-keyout", str(key), "-out", str(certificate)],
        check=True,
        capture_output=True,
    )
    instead: dict[str, object] = {
        "listen 80;": f"listen {HOST}:{free_port()};",
        "listen 443 ssl;": f"listen {HOST}:{by_tls} ssl;",
        f"listen {HOST}:8080": f"listen {HOST}:{plain}; listen {HOST}:{by_tor}",
        ORIGIN: f"{HOST}:{origin}",
        "/var/cache/nginx/recuento": folder / "cache",
        "/var/log/nginx/recuento.log": folder / "error.log",
        "/etc/ssl/registry.example.pem": certificate,
        "/etc/ssl/registry.example.key": key,
    }
    text = _put((DEPLOY / "nginx.conf").read_text(), instead)
    for name, value in directives.items():
        text, number = re.subn(rf"\b{name} [^;]+;", f"{name} {value};", text)
        assert number, f"the configuration has no {name}"
    (folder / "site.conf").write_text(text)
    user = "user root;" if os.geteuid() == 0 else ""  # its folder is its owner's alone
    temporary = "".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; {user} worker_processes 2; pid {folder}/pid; error_log stderr;"
        f" events {{ worker_connections 2048; }} http {{ access_log {folder}/access.log;"
        f" {temporary} set_real_ip_from {HOST}; real_ip_header {AT_HEADER};"
        f" gzip on; gzip_types *; include {folder}/site.conf; }}"  # as Debian's own does
    )
    command = ["nginx", "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    return command, Before(Asker(plain), folder, Asker(by_tls, tls=True), by_tor)


def _varnish(origin: int, folder: Path) -> tuple[list[str], Before]:
    text, port = (DEPLOY / "varnish.vcl").read_text(), free_port()
    (folder / "recuento.vcl").write_text(_put(text, {'.port = "8000"': f'.port = "{origin}"'}))
    told = re.search(r"^# +(varnishd .+)$", text, re.MULTILINE)
    assert told, "the configuration does not say how to start it"
    command = _put(
        told[1],
        {"/etc/varnish/recuento.vcl": folder / "recuento.vcl", f"{HOST}:6081": f"{HOST}:{port}", "256m": "16m"},
    )
    # In its folder alone, and as whoever runs the test.
    command += f" -F -j none -T none -n {folder}/working"
    return shlex.split(command), Before(Asker(port), folder)
