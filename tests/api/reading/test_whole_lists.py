"""Lists as CSV and JSON Lines come whole, in one answer; JSON stays paged."""

import csv
import io
import json
from threading import Event, Thread
from time import sleep
from typing import Any

import httpx2
import pytest
from httpx2 import Response

from app.api.requests import open_request_session
from app.api.routes import records
from app.queries import list_pages
from app.registry import api_keys
from tests.api.serving import serving
from tests.support import A_WHILE, Body, World, make_report

LISTS = ("/v1/releases", "/v1/detainees", "/v1/detentions")
NAMES = [f"{first} {last}" for first in ("Ana", "Bea", "Ciro") for last in ("Paz", "Gil")] + ["Eva Luna"]


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rows are read at a time."""
    monkeypatch.setattr(records, "MAX_LIMIT", 2)


@pytest.fixture
def seven(world: World) -> World:
    for number, name in enumerate(NAMES):
        world.file(detainee__full_name=name, detainee__birth_date=str(1930 + 5 * number))
    return world


def lines(answer: Response) -> list[Body]:
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


@pytest.mark.parametrize("path", LISTS)
def test_a_table_is_the_whole_list_whatever_a_page_holds(seven: World, path: str) -> None:
    listed = seven.get(path, limit=200).json()["data"]
    assert len(listed) == len(NAMES)
    whole = seven.get(f"{path}.jsonl")
    assert lines(whole) == listed
    assert "next" not in whole.headers
    table = list(csv.DictReader(io.StringIO(seven.get(f"{path}.csv").text, newline="")))
    assert [row["id"] for row in table] == [row["id"] for row in listed]
    assert all(None not in row and None not in row.values() for row in table)


def test_every_list_is_whole(seven: World) -> None:
    for number in range(3):
        claim = {"claimant": "jep", "measure": "released", "qualifier": "exactly", "low": number + 1}
        seven.post("/v1/claims", claim | {"high": number + 1}, "foro")
    for path in ("/v1/claims", "/v1/sources", "/v1/corrections"):
        assert lines(seven.get(f"{path}.jsonl")) == seven.get(path, limit=200).json()["data"]
    assert len(lines(seven.get("/v1/reports.jsonl", "foro"))) == len(NAMES)
    assert len(lines(seven.get("/v1/releases.jsonl", "reader", q="paz"))) == 3


def test_columns_are_those_of_the_list_and_not_of_the_rows_that_come_first(world: World) -> None:
    for number, ended in enumerate([None, None, {"on": "2026-01-10", "how": "died"}]):
        person = {"detainee__full_name": NAMES[number], "detainee__birth_date": str(1930 + 5 * number)}
        world.file_detention(**person, detention__ended=ended)
    rows = list(csv.reader(io.StringIO(world.get("/v1/detentions.csv").text, newline="")))
    assert {len(row) for row in rows} == {len(rows[0])}
    assert "ended" not in rows[0]
    assert len(rows) == 4


@pytest.mark.parametrize("name,value", [("limit", "5"), ("cursor", "WzJd")])
def test_a_page_of_a_table_is_refused(seven: World, name: str, value: str) -> None:
    for form in ("csv", "jsonl"):
        seven.refuse(seven.get(f"/v1/releases.{form}", **{name: value}), 422, "unpaged", f"/{name}")


def test_a_table_has_its_tag_and_is_not_sent_twice(seven: World) -> None:
    whole = seven.get("/v1/releases.csv")
    assert whole.headers["recuento-revision"] == str(seven.revision)
    again = seven.client.get("/v1/releases.csv", headers={"If-None-Match": whole.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_head_has_everything_but_the_body_and_reads_no_more_than_the_beginning(
    seven: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = seven.get("/v1/releases.csv")
    monkeypatch.setattr(records, "open_request_session", _fails)
    head = seven.client.head("/v1/releases.csv")
    assert (head.status_code, head.content) == (200, b"")
    assert {**head.headers, "request-id": ""} == {**whole.headers, "request-id": ""}


class Paused:
    """Stops the stream after its first rows until it is told to go on."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached, self.go_on = Event(), Event()

        def paused(*given: Any) -> Any:
            self.reached.set()
            assert self.go_on.wait(60)
            return open_request_session(*given)

        monkeypatch.setattr(records, "open_request_session", paused)
        self.answer: Response | None = None
        self._world = world

    def __enter__(self) -> "Paused":
        self._thread = Thread(target=self._ask)
        self._thread.start()
        assert self.reached.wait(60)
        return self

    def _ask(self) -> None:
        self.answer = self._world.get("/v1/releases.jsonl")

    def __exit__(self, *_exception: object) -> None:
        self.go_on.set()
        self._thread.join()


def test_what_is_filed_while_a_table_is_sent_is_not_in_it(seven: World, monkeypatch: pytest.MonkeyPatch) -> None:
    before = seven.get("/v1/releases", limit=200).json()["data"]
    with Paused(seven, monkeypatch) as stream:
        seven.file("jep", detainee__full_name="Olga Ruz", detainee__birth_date="1999")
    assert stream.answer is not None
    assert lines(stream.answer) == before


def test_who_withdraws_while_a_table_is_sent_is_left_out_of_what_is_still_to_come(
    seven: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = seven.get("/v1/releases", limit=200).json()["data"]
    with Paused(seven, monkeypatch) as stream:
        seven.consent(before[-1]["detainee_id"], "counted")
    assert stream.answer is not None
    assert lines(stream.answer) == before[:-1]


def test_who_reads_slowly_keeps_nobody_waiting(seven: World) -> None:
    """More streams than there are places, none of them read on, and everyone else is answered."""
    with serving(seven.settings) as address:
        streams = [httpx2.Client(base_url=address, timeout=60) for _number in range(seven.settings.concurrency * 3)]
        opened = [client.stream("GET", "/v1/releases.jsonl") for client in streams]
        answers = [one.__enter__() for one in opened]
        try:
            assert httpx2.get(f"{address}/v1/counts/releases", timeout=60).status_code == 200
            assert [len(answer.read().splitlines()) for answer in answers] == [len(NAMES)] * len(answers)
        finally:
            for one, client in zip(opened, streams, strict=True):
                one.__exit__(None, None, None)
                client.close()


def test_lists_leave_room_for_everybody_else_while_they_are_read(seven: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixty that are asked for at once take their turns, so that a count and a write need not wait for all of them."""
    inside, most, go_on = 0, 0, Event()
    build = list_pages.query_releases

    def slowly(*given: Any) -> Any:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        assert go_on.wait(60)
        inside -= 1
        return build(*given)

    monkeypatch.setattr(list_pages, "query_releases", slowly)
    with serving(seven.settings) as address, httpx2.Client(base_url=address, timeout=60) as client:
        asked = [Thread(target=client.get, args=("/v1/releases.csv",)) for _ in range(seven.settings.concurrency * 3)]
        for thread in asked:
            thread.start()
        try:
            sleep(A_WHILE)
            assert client.get("/v1/counts/releases.csv").status_code == 200
            body = make_report(detainee__full_name="Zoraida Montilla")
            assert client.post("/v1/releases", json=body, headers=seven.headers("foro")).status_code == 201
        finally:
            go_on.set()
            for thread in asked:
                thread.join()
    assert most == 1, "a quarter of four"


def _fails(_request: Any) -> Any:
    raise RuntimeError("the disk is gone")


def test_what_fails_on_the_way_does_not_look_like_a_whole_answer(seven: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "open_request_session", _fails)
    with serving(seven.settings, log_level="critical") as address, pytest.raises(httpx2.RemoteProtocolError):
        httpx2.get(f"{address}/v1/releases.csv", timeout=60)


def test_a_key_that_is_revoked_on_the_way_is_read_to_no_longer(seven: World, monkeypatch: pytest.MonkeyPatch) -> None:
    authenticate = api_keys.authenticate_key
    asked: list[int] = []

    def once(*given: Any) -> Any:
        asked.append(1)
        return authenticate(*given)

    monkeypatch.setattr(api_keys, "authenticate_key", once)
    assert len(lines(seven.get("/v1/releases.jsonl", "reader"))) == len(NAMES)
    assert len(asked) == 4  # once for the beginning, and for each of the rows that follow
