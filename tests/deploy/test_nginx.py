"""nginx as deploy/ configures it: how many connections a client and its networks have, and how long a line may rest."""

import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import Any

import pytest

from tests.deploy.before_it import AT_HEADER, DEPLOY, HOST, Before, missing, standing_before
from tests.support import PATIENCE

CLIENT, SITE, NETWORK = 20, 40, 80  # connections
SLOW = "POST /v1/objections HTTP/1.1\r\nHost: registry.example\r\nContent-Length: 100\r\n{}\r\n\r\nx"
ASKS = "GET /v1/sources HTTP/1.1\r\nHost: registry.example\r\nConnection: close\r\n{}\r\n\r\n"
CIRCUIT = "PROXY TCP6 fc00:dead:beef:4dad::{:x}:{:x} ::1 65535 42\r\n"

if lacking := missing("nginx"):
    pytest.skip(lacking, allow_module_level=True)


class Answering(BaseHTTPRequestHandler):
    """Answers a question at once, and a body once it is there."""

    clients: list[str]

    def do_GET(self) -> None:
        self.clients.append(self.headers["X-Forwarded-For"])
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_args: Any) -> None:
        """Say nothing."""


@contextmanager
def answering() -> Iterator[tuple[int, list[str]]]:
    """The port of a server, and the clients whose requests came to it."""
    clients: list[str] = []
    handler = type("Handler", (Answering,), {"clients": clients})
    with ThreadingHTTPServer((HOST, 0), handler) as server:
        server.daemon_threads, server.block_on_close = True, False
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1], clients
        server.shutdown()


@pytest.fixture
def before(tmp_path: Path) -> Iterator[Before]:
    with answering() as (port, _clients), standing_before("nginx", port, tmp_path / "before") as standing:
        yield standing


def status(port: int, text: str) -> int:
    """The status of the answer to a request."""
    with socket.create_connection((HOST, port), PATIENCE) as line:
        line.sendall(text.encode())
        return int(line.recv(64).split()[1])


def hold(stack: ExitStack, port: int, text: str) -> None:
    """Begin a request whose body does not come."""
    stack.enter_context(socket.create_connection((HOST, port), PATIENCE)).sendall(text.encode())


def address_header(address: str) -> str:
    return f"{AT_HEADER}: {address}"


@pytest.mark.parametrize(
    "steps",
    [
        [("203.0.113.7", CLIENT, 429, "203.0.113.8"), ("203.0.113.{}", NETWORK - CLIENT, 429, "203.0.114.7")],
        [
            ("2001:db8:1:2::{:x}", CLIENT, 429, "2001:db8:1:3::1"),
            ("2001:db8:1:{:x}::1", SITE - CLIENT, 429, "2001:db8:1:1000::1"),
            ("2001:db8:1:10{:02x}::1", NETWORK - SITE, 429, "2001:db8:2::1"),
        ],
    ],
    ids=["IPv4", "IPv6"],
)
def test_a_client_and_each_network_around_it_has_so_many_connections_and_others_have_theirs(
    before: Before, steps: list[tuple[str, int, int, str]]
) -> None:
    port, begun = before.ask.port, 0
    with ExitStack() as stack:
        for pattern, number, refused, another in steps:
            addresses = [pattern.format(16 + step) for step in range(number)]
            for address in addresses:
                hold(stack, port, SLOW.format(address_header(address)))
            begun += number
            until = monotonic() + PATIENCE
            while status(port, ASKS.format(address_header(pattern.format(16 + number)))) != refused:
                assert monotonic() < until, (pattern, begun)
            assert status(port, ASKS.format(address_header(another))) == 200


def test_all_circuits_of_tor_are_one_network_and_each_is_named_to_the_registry(tmp_path: Path) -> None:
    with (
        answering() as (origin, clients),
        standing_before("nginx", origin, tmp_path / "before") as standing,
        ExitStack() as stack,
    ):
        assert standing.by_tor is not None
        assert status(standing.by_tor, CIRCUIT.format(1, 2) + ASKS.format("X-Forwarded-For: 198.51.100.7")) == 200
        assert clients == ["fc00:dead:beef:4dad::1:2"]
        for number in range(NETWORK):
            hold(stack, standing.by_tor, CIRCUIT.format(2, number) + SLOW.format("X-Slow: yes"))
        until = monotonic() + PATIENCE
        while status(standing.by_tor, CIRCUIT.format(1, 2) + ASKS.format("X-Slow: no")) != 429:
            assert monotonic() < until
        assert status(standing.ask.port, ASKS.format("X-Slow: no")) == 200


@pytest.mark.parametrize(
    "directive,text",
    [("client_header_timeout", "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "), ("client_body_timeout", SLOW.format("A: b"))],
    ids=["header", "body"],
)
def test_a_line_that_falls_silent_is_cut_off_and_nobody_waits_for_the_registry(
    tmp_path: Path, directive: str, text: str
) -> None:
    with (
        answering() as (origin, _clients),
        standing_before("nginx", origin, tmp_path / "before", **{directive: "1s"}) as standing,
        socket.create_connection((HOST, standing.ask.port), PATIENCE) as line,
    ):
        began = monotonic()
        line.sendall(text.encode())
        while line.recv(4096):
            pass
        assert monotonic() - began < PATIENCE / 2


def _compose() -> dict[str, Any]:
    yaml = pytest.importorskip("yaml")
    document: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    return document


def test_in_containers_the_registry_publishes_no_port_and_trusts_nginx_alone() -> None:
    services = _compose()["services"]
    assert "ports" not in services["recuento"]
    (proxy,) = services["nginx"]["networks"].values()
    assert services["recuento"]["environment"]["RECUENTO_TRUSTED_PROXIES"] == proxy["ipv4_address"]


def test_the_configuration_that_a_container_makes_is_one_that_nginx_takes(tmp_path: Path) -> None:
    services = _compose()["services"]
    (registry,) = services["recuento"]["networks"].values()
    command = services["nginx"]["command"][-1].partition("&& exec nginx")[0]
    for name in ("tls", "cache", "logs"):
        (tmp_path / name).mkdir()
    made = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=registry.example"
    files = ["-keyout", str(tmp_path / "tls/registry.example.key"), "-out", str(tmp_path / "tls/registry.example.pem")]
    subprocess.run([*made.split(), *files], check=True, capture_output=True)
    command = command.replace("/etc/recuento/nginx.conf", str(DEPLOY / "nginx.conf")).replace("/tmp/", f"{tmp_path}/")
    subprocess.run(["sh", "-ec", command], check=True)
    site = (tmp_path / "conf/recuento.conf").read_text()
    assert site.count(f"proxy_pass http://{registry['ipv4_address']}:8000;") == site.count("proxy_pass http")
    for found, put in {"/etc/tls": "tls", "/var/cache/nginx": "cache", "/var/log/nginx": "logs"}.items():
        site = site.replace(found, str(tmp_path / put))
    (tmp_path / "conf/recuento.conf").write_text(re.sub(r"(listen \S*?)(80|443|8080)\b", r"\g<1>1\2", site))
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin") or "nginx"
    main = tmp_path / "nginx.conf"
    main.write_text(main.read_text().replace("/run/", f"{tmp_path}/"))
    told = subprocess.run([nginx, "-t", "-e", "stderr", "-c", str(main)], capture_output=True, text=True, check=False)
    assert "test is successful" in told.stderr, told.stderr
