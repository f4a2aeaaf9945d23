"""Many clients at once on a real server: nobody is counted twice, nobody is refused, everybody is answered."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, TypeVar

import httpx2
import pytest

from app.config import Settings
from tests.api.serving import serving
from tests.support import Body, World, make_report

T = TypeVar("T")

PATIENCE = 120  # seconds: a machine that runs other tests too must not fail one
CROWD = 200  # clients at N = 4, by design
FIRST = [
    "Ana",
    "Bea",
    "Carl",
    "Dora",
    "Elí",
    "Fay",
    "Gil",
    "Ida",
    "Jon",
    "Kai",
    "Lea",
    "Max",
    "Noa",
    "Oto",
    "Pia",
    "Rex",
]
LAST = ["Alcalá", "Bustos", "Cárdenas", "Duarte", "Escobar", "Figueroa", "Guzmán", "Herrera", "Ibáñez", "Jaramillo"]


@pytest.fixture
def served(settings: Settings) -> Iterator[tuple[World, httpx2.Client]]:
    """A world, and a client of a real server on its database with room for 4 requests inside at a time."""
    assert settings.concurrency == 4
    world = World(settings)
    limits = httpx2.Limits(max_connections=CROWD, max_keepalive_connections=CROWD)
    with serving(settings) as address, httpx2.Client(base_url=address, timeout=PATIENCE, limits=limits) as client:
        yield world, client
    world.engine.dispose()


def at_once(tasks: list[Callable[[], T]]) -> list[T]:
    """Run all tasks in threads that start together; their results in order."""
    start = Barrier(len(tasks))

    def run(task: Callable[[], T]) -> T:
        start.wait()
        return task()

    with ThreadPoolExecutor(len(tasks)) as pool:
        return list(pool.map(run, tasks))


def poster(client: httpx2.Client, world: World, who: str, body: Body) -> Callable[[], httpx2.Response]:
    return lambda: client.post("/v1/releases", json=body, headers=world.headers(who))


def person(number: int, **changes: Any) -> Body:
    """One of 160 people whom nobody would take for another."""
    name = f"{FIRST[number % 16]} {LAST[number // 16 % 10]} {LAST[(number * 3 + 1) % 10]}"
    return make_report(detainee__full_name=name, detainee__birth_date=str(1930 + number % 70), **changes)


def test_64_clients_posting_one_record_file_one_report_and_one_release(served: tuple[World, httpx2.Client]) -> None:
    world, client = served
    before = world.revision
    answers = at_once([poster(client, world, "foro", make_report(source_record_id="FP-1"))] * 64)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: 63}
    assert len({answer.content for answer in answers}) == 1  # all of them hold the same receipt
    assert world.revision == before + 1
    assert len(client.get("/v1/reports", headers=world.headers("foro")).json()["data"]) == 1
    count = client.get("/v1/counts/releases").json()
    assert count["total"]["cases"] == 1


def test_64_repetitions_of_one_request_are_done_once(served: tuple[World, httpx2.Client]) -> None:
    world, client = served
    headers = world.headers("foro", **{"Idempotency-Key": "once"})
    answers = at_once([lambda: client.post("/v1/releases", json=make_report(), headers=headers)] * 64)
    assert {answer.status_code for answer in answers} == {201}
    assert Counter(answer.headers.get("idempotency-replayed") for answer in answers) == {None: 1, "true": 63}
    assert len({answer.content for answer in answers}) == 1
    assert client.get("/v1/counts/releases").json()["total"]["cases"] == 1


def test_two_sources_posting_one_person_at_once_give_one_release_with_two_verifications(
    served: tuple[World, httpx2.Client],
) -> None:
    world, client = served
    for number in range(0, 160, 20):
        body = person(number)
        answers = at_once([poster(client, world, who, body) for who in ("foro", "jep")])
        assert [answer.status_code for answer in answers] == [201, 201]
        (release,) = {answer.json()["release"]["id"] for answer in answers}
        verdicts = client.get(f"/v1/releases/{release}/verifications").json()["data"]
        assert [(one["source"], one["verdict"]) for one in verdicts] == [("foro", "verified"), ("jep", "verified")]
    total = client.get("/v1/counts/releases").json()["total"]
    assert (total["cases"], total["by_min_sources"]) == (8, {"1": 8, "2": 8})


def test_200_clients_at_4_places_are_all_answered_and_none_with_a_fault(served: tuple[World, httpx2.Client]) -> None:
    world, client = served
    revisions = world.revision

    def visit(number: int) -> list[int]:
        """A client that writes, reads its own write, counts, and makes a mistake."""
        who = ("foro", "jep", "pud")[number % 3]
        headers = world.headers(who)
        filed = client.post("/v1/releases", json=person(number // 3, source_record_id=str(number)), headers=headers)
        mine = client.get(f"/v1/reports/{filed.json()['report']['id']}", headers=headers)
        count = client.get("/v1/counts/releases", params={"group_by": "source"})
        listed = client.get("/v1/releases", params={"limit": 5, "q": LAST[number % 10]})
        wrong = client.post("/v1/releases", json={}, headers=headers)
        return [answer.status_code for answer in (filed, mine, count, listed, wrong)]

    found = at_once([lambda number=number: visit(number) for number in range(CROWD)])  # type: ignore[misc]
    assert Counter(map(tuple, found)) == {(201, 200, 200, 200, 422): CROWD}
    reports = 0
    for who in ("foro", "jep", "pud"):
        page = client.get("/v1/reports", params={"limit": 200}, headers=world.headers(who)).json()
        reports += len(page["data"])
    assert reports == CROWD
    assert world.revision >= revisions + CROWD
    log = [row[0] for row in world.rows("SELECT revision FROM entry ORDER BY revision")]
    assert log == list(range(1, world.revision + 1))  # no gaps


def test_a_count_at_a_revision_stands_still_while_others_write(served: tuple[World, httpx2.Client]) -> None:
    world, client = served
    client.post("/v1/releases", json=person(0), headers=world.headers("foro"))
    address = client.get("/v1/counts/releases", params={"group_by": "source"}).json()["links"]["permalink"]

    def count(_number: int) -> bytes:
        return client.get(address).content

    writers = [poster(client, world, "jep", person(number)) for number in range(1, 21)]
    readers = [lambda number=number: count(number) for number in range(20)]
    mixed: list[Callable[[], Any]] = [*writers, *readers]
    answers = at_once(mixed)
    assert {answer.status_code for answer in answers[:20]} == {201}
    assert len(set(answers[20:])) == 1


def test_a_body_of_10_mb_is_refused_on_a_real_connection(served: tuple[World, httpx2.Client]) -> None:
    world, client = served
    headers = world.headers("foro", **{"Content-Type": "application/json"})
    huge = b'{"note": "' + b"x" * 10_000_000 + b'"}'
    with world.storing_nothing():
        answer = client.post("/v1/releases", content=huge, headers=headers)
        world.refuse(answer, 413, "payload_too_large")
