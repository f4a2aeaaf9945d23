"""nginx and Varnish before a registry, as deploy/ configures them: what they keep, for whom, and for how long.

An answer carries the id of the request that Recuento made it for: of two answers with one id, one was kept.
"""

import asyncio
import gzip
import json
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import NamedTuple

import brotli
import pytest

from app.api.middleware.response_headers import SECURITY_HEADERS
from app.api.responses import CACHE_IMMUTABLE, CACHE_SHORT
from app.api.table_routes import build_table_address
from app.queries.terms import PERSONAL_FILTERS
from app.web.rendering import load_assets
from tests.api.serving import serving
from tests.cli.test_commands import free_port
from tests.cli.test_metrics_port import scraped, served
from tests.databases import Templates, settings_of
from tests.deploy.before_it import DEPLOY, HOST, Answer, Asker, Before, missing, standing_before
from tests.support import PATIENCE, World, make_report

KINDS = ("nginx", "varnish")
COUNT = "/v1/counts/releases?group_by=source"
PINNED_COUNT = f"{COUNT}&as_of=r6"  # four sources and two reports are entered by then
CLIENTS, AT_ONCE = 1_000, 200
FRESH = 5.0  # seconds for which a live answer may be told: LIVE says so
MORE = 2.5  # seconds that a machine with much else to do may take besides
HELD = 64 * 1024  # bytes of a body that are on the way through at most
UNPACK: dict[str | None, Callable[[bytes], bytes]] = {None: bytes, "gzip": gzip.decompress, "br": brotli.decompress}
SOUGHT = "Quintana"


class Origin(NamedTuple):
    """A registry that is served without anything before it."""

    port: int
    metrics: int
    keys: dict[str, str]


@pytest.fixture(scope="module")
def registry(templates: Templates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A registry of today with two releases."""
    folder = tmp_path_factory.mktemp("registry")
    with (
        templates.copy("sqlite", templates.empty("sqlite"), folder) as url,
        World(settings_of(url), datetime.now(UTC)) as world,
    ):
        world.file("foro")
        world.file("jep", detainee__full_name="Leocadio Pinto Arias", detainee__birth_date="1969")
        yield world


@pytest.fixture(scope="module")
def origin(registry: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Origin]:
    metrics = free_port()
    with served(registry.settings, tmp_path_factory.mktemp("served"), "--metrics-port", str(metrics)) as address:
        yield Origin(int(address.rpartition(":")[2]), metrics, registry.keys)


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    if lacking := missing(request.param):
        pytest.skip(lacking)
    return str(request.param)


@pytest.fixture(scope="module")
def before(kind: str, origin: Origin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Before]:
    with standing_before(kind, origin.port, tmp_path_factory.mktemp(kind) / "before") as standing:
        yield standing


def with_key(origin: Origin, who: str = "curator") -> dict[str, str]:
    return {"Authorization": f"Bearer {origin.keys[who]}"}


def are_kept(*answers: Answer) -> bool:
    """Whether all of these are the answer of one request."""
    assert {answer.status for answer in answers} == {200}, answers
    return len({answer.request for answer in answers}) == 1


def test_a_pinned_count_is_told_though_the_registry_is_stopped_and_a_live_one_is_not_when_it_is_old(
    kind: str, registry: World, tmp_path: Path
) -> None:
    pinned, live = PINNED_COUNT, f"{COUNT}&country=VE"
    with serving(registry.settings, at=None) as address:
        standing = standing_before(kind, int(address.rpartition(":")[2]), tmp_path / "before")
        with_it = standing.__enter__()
        told, _live = with_it.ask(pinned), with_it.ask(live)
        asked = monotonic()
    try:
        assert told.headers["Cache-Control"] == CACHE_IMMUTABLE
        assert are_kept(told, with_it.ask(pinned))
        sleep(max(0.0, asked + FRESH + MORE - monotonic()))
        assert with_it.ask(live).status in (502, 503)
        assert are_kept(told, again := with_it.ask(pinned))
        assert again.body == told.body
    finally:
        standing.__exit__(None, None, None)


def test_a_thousand_clients_who_ask_the_same_new_count_are_one_request_to_the_registry(
    kind: str, before: Before, origin: Origin
) -> None:
    before_them = asked(origin)
    path = f"{COUNT}&released_from=2025-{KINDS.index(kind) + 1:02}-01"
    answers = asyncio.run(ask_all(before.ask.port, path))
    assert len(answers) == CLIENTS
    assert {answer.partition(b" ")[2][:3] for answer in answers} == {b"200"}
    assert len({answer.partition(b"\r\n\r\n")[2] for answer in answers}) == 1
    until = monotonic() + MORE
    while asked(origin) == before_them:  # the last answer is counted once it is sent
        assert monotonic() < until
    assert asked(origin) == before_them + 1


def asked(origin: Origin) -> int:
    """How often the registry was asked to count releases."""
    counted = re.findall(
        r'recuento_requests_total\{[^}]*route="/v1/counts/releases"[^}]*\} (\d+)', scraped(origin.metrics)
    )
    return sum(map(int, counted))


async def ask_all(port: int, path: str) -> list[bytes]:
    """The answers to CLIENTS who ask, AT_ONCE at once, each on a connection of its own."""
    places, numbers = asyncio.Semaphore(AT_ONCE), count()

    async def ask() -> bytes:
        async with places:
            network, part = divmod(next(numbers), 250)
            reader, writer = await asyncio.open_connection(HOST, port, local_addr=(f"127.{1 + part}.{network}.2", 0))
            writer.write(f"GET {path} HTTP/1.1\r\nHost: registry.example\r\nConnection: close\r\n\r\n".encode())
            answer = await reader.read()
            writer.close()
            await writer.wait_closed()
            return answer

    return await asyncio.gather(*(ask() for _client in range(CLIENTS)))


@pytest.mark.parametrize("first", ["with a key", "without"])
def test_what_is_told_by_a_key_is_told_to_nobody_else_and_the_reverse(
    first: str, before: Before, origin: Origin
) -> None:
    path = f"{PINNED_COUNT}&country={'VE' if first == 'without' else 'CO'}"
    ways = [{}, with_key(origin)] if first == "without" else [with_key(origin), {}]
    told = [before.ask(path, **way) for way in [*ways, *ways]]
    by_key = [answer for answer, way in zip(told, [*ways, *ways], strict=True) if way]
    by_none = [answer for answer, way in zip(told, [*ways, *ways], strict=True) if not way]
    assert {answer.headers["Cache-Control"] for answer in by_key} == {"private, no-store"}
    assert {answer.headers["Cache-Control"] for answer in by_none} == {CACHE_IMMUTABLE}
    assert not are_kept(*by_key)
    assert are_kept(*by_none)
    assert before.ask(path, Authorization="Bearer rcn_wrong").status == 401


@pytest.mark.parametrize(
    "path",
    [
        f"/v1/releases?q={SOUGHT}",
        f"/v1/detainees?q={SOUGHT}&as_of=r6",
        "/v1/releases?as_of=r6",
        "/v1/sources",
        "/v1/counts/releases?group_by=gender&as_of=r6",
        "/v1/counts/releases?gender=male",
        "/v1/counts/releases?gend%65r=male",  # as no configuration foresees it
        "/v1/estimates/releases?group_by=nonsense",
        "/v1/counts/releases?as_of=r999999",
        f"/v1/counts/releases?q={SOUGHT}",
        "/readyz",
    ],
)
def test_lists_searches_what_is_personal_and_refusals_are_not_kept(path: str, before: Before) -> None:
    first, second = before.ask(path), before.ask(path)
    assert first.status == second.status
    assert first.request != second.request


@pytest.mark.parametrize("path", ["/es/counts?country=VE", "/en/counts/held", "/es/claims", "/es/sources", "/en/data"])
def test_a_page_of_numbers_is_kept_for_as_long_as_it_is_fresh(path: str, before: Before) -> None:
    first = before.ask(path, Accept_Encoding="br")
    assert first.headers["Cache-Control"] == CACHE_SHORT
    assert are_kept(first, before.ask(path, Accept_Encoding="br"))
    assert not are_kept(first, before.ask(path)), "packed in another way"
    assert not are_kept(first, before.ask(path, Accept_Encoding="br", Cookie="__Host-desk=x"))
    if "/counts" in path:
        past = before.ask(path, Accept_Encoding="br", Accept_Datetime="Mon, 12 Jan 2026 16:00:00 GMT")
        assert past.status == 302, "who asks for the past is led there"


@pytest.mark.parametrize(
    "path",
    [
        "/es/", "/es/people", f"/es/people?q={SOUGHT}", "/es/releases", "/es/corrections", "/es/sources/foro",
        "/es/desk", "/es/counts?gender=male", "/es/counts?another=1", "/es/claims?another=1", f"/es/counts?q={SOUGHT}",
    ],
)  # fmt: skip
def test_a_page_on_which_somebody_stands_the_desk_and_refusals_are_not_kept(path: str, before: Before) -> None:
    first, second = before.ask(path), before.ask(path)
    assert first.status == second.status
    assert first.request != second.request


def test_the_files_of_pages_are_kept(before: Before) -> None:
    file = load_assets()["pages.css"].address
    first = before.ask(file, Accept_Encoding="br")
    assert first.headers["Cache-Control"] == CACHE_IMMUTABLE
    assert are_kept(first, before.ask(file, Accept_Encoding="br"))
    assert UNPACK[None](before.ask(file).body) != first.body


def test_who_sends_a_cookie_or_a_body_is_answered_by_the_registry(before: Before) -> None:
    path = f"{PINNED_COUNT}&stage=ordered"
    kept = before.ask(path)
    assert not are_kept(kept, before.ask(path, Cookie="a=b"))
    assert not are_kept(kept, before.ask(path, body="{}"))
    assert are_kept(kept, before.ask(path))


def test_an_objection_is_handed_on_each_time(before: Before) -> None:
    body = json.dumps({"about": "nobody who is here", "wish": "hide"})
    told = [before.ask("/v1/objections", "POST", body, Content_Type="application/json") for _again in range(2)]
    assert told[0].request != told[1].request


@pytest.mark.parametrize("count", [COUNT, PINNED_COUNT])
def test_each_gets_the_form_and_the_coding_that_they_asked_for(count: str, before: Before) -> None:
    path = f"{count}&group_by=month&group_by=release_kind&released_from=2026-01-01"
    paths = {"application/json": path, "text/csv": build_table_address(path, "csv")}
    asked_for = [(form, coding) for form in paths for coding in ("gzip", "identity", "br")]
    for form, coding in [*asked_for, *reversed(asked_for)]:
        answer = before.ask(paths[form], Accept_Encoding=coding)
        assert answer.status == 200
        assert answer.headers["Content-Type"].partition(";")[0] == form
        packed = answer.headers["Content-Encoding"]
        # A table this short is not packed.
        assert packed == (None if coding == "identity" or form == "text/csv" else coding)
        text = UNPACK[packed](answer.body).decode()
        assert text.startswith("{" if form == "application/json" else "source,")


def test_a_live_count_is_never_older_than_it_says(kind: str, before: Before, origin: Origin) -> None:
    path = f"{COUNT}&release_kind=release_with_measures"
    first, begun = before.ask(path), monotonic()
    assert first.headers["Cache-Control"] == CACHE_SHORT
    assert are_kept(first, before.ask(path))
    filed = make_report(detainee__full_name=f"Ovidio Marcano {kind.title()}", detainee__birth_date="1955")
    report = json.dumps(filed)
    written = before.ask("/v1/releases", "POST", report, Content_Type="application/json", **with_key(origin, "pud"))
    assert written.status == 201, written.body
    while (now := before.ask(path)).request == first.request:
        assert monotonic() - begun < FRESH + MORE
        sleep(0.1)
    assert int(now.headers["Recuento-Revision"]) > int(first.headers["Recuento-Revision"])
    assert now.body != first.body


def test_a_head_and_a_304_come_of_what_is_kept(before: Before) -> None:
    path = f"{PINNED_COUNT}&release_kind=release_with_measures"
    asked_first = before.ask(path, "HEAD")
    whole = before.ask(path)
    assert are_kept(asked_first, whole, before.ask(path, "HEAD"))
    assert (asked_first.body, asked_first.headers["Content-Length"]) == (b"", str(len(whole.body)))
    same = before.ask(path, If_None_Match=whole.headers["ETag"])
    assert (same.status, same.body, same.headers["ETag"]) == (304, b"", whole.headers["ETag"])
    assert before.ask(path, If_None_Match='"another"').status == 200


def test_what_is_kept_is_what_the_registry_says_with_the_headers_that_protect_its_reader(
    before: Before, origin: Origin
) -> None:
    path = f"{COUNT}&as_of=r1"
    direct = Asker(origin.port)(path)
    for answer in (before.ask(path), before.ask(path)):
        assert answer.body == direct.body
        for name in (
            *SECURITY_HEADERS,
            "Repr-Digest",
            "ETag",
            "Vary",
            "Cache-Control",
            "Recuento-Rules",
            "Content-Type",
        ):
            assert answer.headers.get_all(name) == direct.headers.get_all(name), name


def test_a_page_of_another_site_may_read_what_was_kept_for_somebody_else(before: Before) -> None:
    path = f"{PINNED_COUNT}&release_kind=pardon"
    kept, for_page = before.ask(path), before.ask(path, Origin="https://dashboard.example")
    assert (kept.status, for_page.status, for_page.body) == (200, 200, kept.body)
    assert for_page.headers["Access-Control-Allow-Origin"] == "*"


def test_browsers_are_told_how_old_an_answer_is(before: Before) -> None:
    path = f"{PINNED_COUNT}&release_kind=acquittal"
    first = before.ask(path)
    sleep(1.1)  # a date has seconds
    again = before.ask(path)
    assert first.status == again.status
    assert first.headers.get_all("Date") == again.headers.get_all("Date")


def test_a_client_is_counted_by_the_address_that_it_has_and_not_by_one_that_it_says(
    kind: str, registry: World, tmp_path: Path
) -> None:
    bounded = registry.settings.model_copy(update={"rate_by_client": 2})
    with (
        serving(bounded, at=None) as address,
        standing_before(kind, int(address.rpartition(":")[2]), tmp_path / "before") as standing,
    ):
        one, other = (replace(standing.ask, client=f"127.0.{number}.2") for number in (2, 3))
        told = [one("/v1/sources", X_Forwarded_For=f"203.0.{number}.9").status for number in range(4)]
        assert told == [200, 200, 429, 429]
        assert other("/v1/sources").status == 200


def test_varnish_hands_on_which_client_the_proxy_before_it_named(registry: World, tmp_path: Path) -> None:
    if lacking := missing("varnish"):
        pytest.skip(lacking)
    bounded = registry.settings.model_copy(update={"rate_by_client": 1})
    with (
        serving(bounded, at=None) as address,
        standing_before("varnish", int(address.rpartition(":")[2]), tmp_path / "before") as standing,
    ):
        clients = ["203.0.113.5", "203.0.113.5", "198.51.100.7"]
        told = [standing.ask("/v1/sources", X_Forwarded_For=client).status for client in clients]
        assert told == [200, 429, 200]


def test_a_body_is_handed_on_before_it_has_come_whole(kind: str, tmp_path: Path) -> None:
    came: list[bytes] = []
    half = b"x" * 200_000

    def take() -> None:
        line, _address = listening.accept()
        with line:
            line.settimeout(PATIENCE)
            while sum(map(len, came)) < len(half) - HELD:
                came.append(line.recv(65_536))

    with closing(socket.create_server((HOST, 0))) as listening:
        thread = Thread(target=take)
        with standing_before(kind, listening.getsockname()[1], tmp_path / "before") as standing:
            thread.start()
            with socket.create_connection((HOST, standing.ask.port)) as line:
                head = f"POST /v1/imports HTTP/1.1\r\nHost: registry.example\r\nContent-Length: {2 * len(half)}\r\n\r\n"
                line.sendall(head.encode() + half)
                thread.join(PATIENCE)
            assert sum(map(len, came)) >= len(half) - HELD


def test_nothing_that_stands_before_it_writes_down_who_was_sought(before: Before) -> None:
    for path in (f"/v1/releases?q={SOUGHT}+Zzyzx", f"/v1/counts/releases?q={SOUGHT}+Zzyzx"):
        before.ask(path)
        before.ask(path, User_Agent="Zzyzx")
    written = [file for file in before.folder.rglob("*") if file.is_file()]
    assert written
    assert [file for file in written if b"Zzyzx" in file.read_bytes()] == []


def test_the_names_and_bounds_that_configurations_repeat_are_those_of_the_registry() -> None:
    for name in ("nginx.conf", "varnish.vcl"):
        (personal,) = re.findall(r"\[\?&=\]\((facility[^$]+)\)\(\[&", (DEPLOY / name).read_text())
        words = [*personal.replace("(not_)?nationality", "nationality|not_nationality").split("|")]
        assert sorted(words) == sorted(PERSONAL_FILTERS)
    assert f"max-age={FRESH:.0f}," in CACHE_SHORT
    assert f"proxy_cache_valid 200 {FRESH:.0f}s;" in (DEPLOY / "nginx.conf").read_text()


def test_nginx_keeps_one_answer_for_both_of_its_doors_and_tells_which_was_taken(before: Before) -> None:
    if before.by_tls is None:
        pytest.skip("Varnish has no TLS of its own")
    path = f"{PINNED_COUNT}&release_kind=amnesty"
    assert are_kept(before.ask(path), before.by_tls(path))
