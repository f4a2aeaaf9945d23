"""What the line does is waited out, what the registry says is not; and the key goes to one address only."""

import gzip
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from itertools import count
from typing import Any

import httpx2
import pytest
from pydantic import BaseModel

from app.imports.upload import client
from app.imports.upload.client import (
    GIVE_UP_SECONDS,
    MAX_RESPONSE_BYTES,
    MAX_RETRY_AFTER_SECONDS,
    MAX_RETRY_SECONDS,
    PermanentError,
    RegistryClient,
    RemoteNotFound,
    parse_registry_origin,
)

KEY = "rcn_" + "a" * 46  # of a key's shape, and nobody's
HERE = "http://127.0.0.1:8000"
Answer = httpx2.Response | Exception
REAL = httpx2.Client


class Thing(BaseModel):
    name: str


GOOD = httpx2.Response(200, json={"name": "x"})


class Far:
    """A registry that answers as told, in turn, and for ever as at last; `waited`: what was slept in between."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch = monkeypatch
        self.requests: list[httpx2.Request] = []
        self.waited: list[float] = []
        self.told: list[str] = []
        monkeypatch.setattr(client, "sleep", self.waited.append)

    def line(self, *answers: Answer, address: str = HERE) -> RegistryClient:
        def answer(request: httpx2.Request) -> httpx2.Response:
            self.requests.append(request)
            said = answers[min(len(self.requests), len(answers)) - 1]
            if isinstance(said, Exception):
                raise said
            return said

        transport = httpx2.MockTransport(answer)
        self._patch.setattr(httpx2, "Client", partial(REAL, transport=transport))
        return RegistryClient(address, KEY, self.told.append)


@pytest.fixture
def far(monkeypatch: pytest.MonkeyPatch) -> Far:
    return Far(monkeypatch)


def refusal(status: int, **more: Any) -> httpx2.Response:
    return httpx2.Response(status, json={"code": "some_code", "detail": "Do this.", **more})


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "given, meant",
    [
        ("https://registry.example", "https://registry.example"),
        ("https://registry.example/", "https://registry.example"),
        ("https://registry.example:8443", "https://registry.example:8443"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_an_address_is_a_place_and_nothing_behind_it(given: str, meant: str) -> None:
    assert parse_registry_origin(given) == meant


@pytest.mark.parametrize(
    "given",
    ["", "registry.example", "ftp://registry.example", "https://", "https://a:b@registry.example",
     "https://registry.example/v1", "https://registry.example?x", "https://registry.example#x", "file:///x"],
)  # fmt: skip
def test_anything_else_is_no_address(given: str) -> None:
    with pytest.raises(PermanentError, match="Give the registry's address"):
        parse_registry_origin(given)


@pytest.mark.parametrize("host", ["registry.example", "192.168.1.4", "localhost.example", "127.0.0.1.example"])
def test_without_encryption_nothing_leaves_this_machine(host: str) -> None:
    with pytest.raises(PermanentError, match="can read the names and the key"):
        parse_registry_origin(f"http://{host}")


def test_half_a_key_is_not_sent() -> None:
    with pytest.raises(PermanentError, match="whole key"):
        RegistryClient(HERE, KEY[:-1], print)


def test_what_the_line_does_is_waited_out_and_the_same_request_is_sent_again(far: Far) -> None:
    line = far.line(
        httpx2.ConnectError("no route"),
        httpx2.ReadError("reset"),
        httpx2.WriteTimeout("stalled"),
        httpx2.RemoteProtocolError("broke off in the body"),
        httpx2.Response(502, text="<html>"),
        refusal(500),
        GOOD,
    )
    assert line.post("/v1/imports", b"{}\n", "once", Thing, whole=3) == Thing(name="x")
    assert len({(r.url, r.content, r.headers["idempotency-key"]) for r in far.requests}) == 1
    assert gzip.decompress(far.requests[0].content) == b"{}\n"
    assert [said.partition(";")[0] for said in far.told] == [
        "The registry cannot be reached", "The line dropped", "The line stalled", "The line dropped",
        "The registry is busy", "The registry is busy", "It goes on.",
    ]  # fmt: skip
    assert f"trying again in {far.waited[-1]:.0f} s" in far.told[-2]


def test_waits_grow_up_to_a_minute_and_no_two_senders_wait_alike(far: Far) -> None:
    waits = client._iter_retry_delays()
    drawn = [next(waits) for _ in range(20)]
    tops = [min(2.0**n, MAX_RETRY_SECONDS) for n in range(20)]
    assert all(top / 2 <= wait <= top for wait, top in zip(drawn, tops, strict=True))
    assert len(set(drawn)) == 20


IN_50_MINUTES = "in 50 minutes"  # workers collect the same tests at different moments


@pytest.mark.parametrize(
    "said, least, most",
    [
        ("30", 30, 30),
        ("0", 0, 1),
        ("99999999", MAX_RETRY_AFTER_SECONDS, MAX_RETRY_AFTER_SECONDS),
        (IN_50_MINUTES, 2900, 3000),
        ("soon", 0, 1),
        ("-5", 0, 1),
        ("9" * 400, MAX_RETRY_AFTER_SECONDS, MAX_RETRY_AFTER_SECONDS),
        ("Fri, 31 Dec 9999 23:59:59 -2359", MAX_RETRY_AFTER_SECONDS, MAX_RETRY_AFTER_SECONDS),
        ("Fri, 31 Dec 99999999999 00:00:00 GMT", 0, 1),
        ("Fri, 31 Dec 2026 00:00:00 +9999999999999999", 0, 1),
        (",", 0, 1),
    ],
)
def test_a_server_that_says_how_long_to_wait_is_believed_for_an_hour(
    far: Far, said: str, least: float, most: float
) -> None:
    if said == IN_50_MINUTES:
        said = format_datetime(datetime.now(UTC) + timedelta(minutes=50), usegmt=True)
    for status in (429, 503):
        later = httpx2.Response(status, headers={"Retry-After": said})
        far.line(later, GOOD).get("/", Thing)
        assert least <= far.waited.pop() <= most
        far.requests.clear()


def test_a_list_before_this_one_is_waited_for_and_a_conflict_of_reading_is_none(far: Far) -> None:
    far.line(refusal(409), GOOD).post("/", b"", "once", Thing)
    assert "Other lists of yours" in far.told[0]
    far.requests.clear()
    with pytest.raises(PermanentError):
        far.line(refusal(409)).get("/", Thing)


def test_after_hours_without_an_answer_somebody_should_look(far: Far, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "monotonic", partial(next, count(0, GIVE_UP_SECONDS / 3)))
    with pytest.raises(PermanentError, match="for 6 hours"):
        far.line(httpx2.ReadError("reset")).get("/", Thing)
    assert len(far.requests) == 4


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 415, 422])
def test_a_refusal_ends_it_at_once_in_the_registrys_words(far: Far, status: int) -> None:
    errors = [{"pointer": "/x", "code": "y", "detail": "And that."}]
    with pytest.raises(PermanentError, match=rf"refuses \({status}\): Do this. And that.") as stopped:
        far.line(refusal(status, errors=errors)).get("/", Thing)
    assert isinstance(stopped.value, RemoteNotFound) == (status == 404)
    assert (len(far.requests), far.waited) == (1, [])


@pytest.mark.parametrize("to", ["https://elsewhere.example/", "/v1/other", "//elsewhere.example", ""])
def test_the_key_follows_nobody_elsewhere(far: Far, to: str) -> None:
    with pytest.raises(PermanentError, match="sends elsewhere") as stopped:
        far.line(httpx2.Response(308, headers={"Location": to}), GOOD).get("/", Thing)
    assert "example" not in str(stopped.value)  # or it would be tried by hand
    assert len(far.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.Response(200, text="<html>Welcome to the hotel"),
        httpx2.Response(200, json={"name": 1}),
        httpx2.Response(200, json=[]),
        httpx2.Response(200, content=b'{"name": "x", "name": "y"}'),
        httpx2.Response(200, content=b'{"name": "\\u001b[2J"}'),
        httpx2.Response(404, text="<html>"),
        httpx2.Response(403, json={"error": "no"}),
        httpx2.Response(204),
    ],
)
def test_what_does_not_speak_as_a_registry_is_none(far: Far, answer: httpx2.Response) -> None:
    with pytest.raises(PermanentError, match="does not speak as a registry does"):
        far.line(answer).get("/", Thing)
    assert far.waited == []


class Endless(httpx2.SyncByteStream):
    """An answer that goes on for ever; `sent`: how much of it was taken."""

    sent = 0

    def __iter__(self) -> Iterator[bytes]:
        while True:
            self.sent += 65_536
            yield b" " * 65_536


def test_an_answer_without_an_end_or_packed_is_not_taken(far: Far) -> None:
    endless = Endless()
    with pytest.raises(PermanentError, match="does not speak as a registry does"):
        far.line(httpx2.Response(200, stream=endless)).get("/", Thing)
    assert endless.sent < MAX_RESPONSE_BYTES + 2 * 65_536
    packed = httpx2.Response(200, stream=Endless(), headers={"Content-Encoding": "gzip"})
    with pytest.raises(PermanentError, match="does not speak as a registry does"):
        far.line(packed).get("/", Thing)
    assert far.requests[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("cause", [ssl.SSLCertVerificationError("self-signed"), ssl.SSLError("wrong version number")])
def test_whoever_stands_between_is_not_tried_again(far: Far, cause: Exception) -> None:
    with pytest.raises(PermanentError, match="nothing was sent"):
        far.line(caused(httpx2.ConnectError("x"), caused(OSError("x"), cause)), GOOD).get("/", Thing)
    assert len(far.requests) == 1


@pytest.mark.parametrize("error", [httpx2.ConnectError("x"), httpx2.ReadError("x")])
def test_a_line_cut_while_it_is_made_private_is_a_line_cut(far: Far, error: Exception) -> None:
    assert far.line(caused(error, ssl.SSLEOFError("cut")), GOOD).get("/", Thing) == Thing(name="x")


def test_what_is_not_encrypted_passes_no_proxy_and_all_else_the_one_that_is_set(far: Far) -> None:
    assert [far.line(GOOD, address=to)._client.trust_env for to in (HERE, "https://registry.example")] == [False, True]


def test_the_key_stands_in_one_header_and_the_client_tells_nothing_of_the_machine(far: Far) -> None:
    far.line(GOOD).get("/", Thing)
    (request,) = far.requests
    assert KEY not in str(request.url)
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["user-agent"] == "recuento"
