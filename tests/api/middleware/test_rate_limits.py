"""How often a client or a key may ask."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest

from app.api.middleware.rate_limits import BUCKETS, RateLimiter
from app.errors import TooManyRequests
from app.models import metadata
from tests.api.serving import serving
from tests.databases import settings_of
from tests.support import World, make_report

SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # what is tested touches no table
CLIENT, OTHER = "203.0.113.7", "198.51.100.9"


@contextmanager
def bounded(world: World, *, by_client: int = 0, by_key: int = 0) -> Iterator[None]:
    """The world with rates of its own."""
    former = world.app.state.rates
    world.app.state.rates = RateLimiter(by_client, by_key)
    yield
    world.app.state.rates = former


def counted(rates: RateLimiter, client: str, token: str | None = None) -> bool:
    """Whether one more is answered."""
    try:
        rates.count(token, client)
    except TooManyRequests:
        return False
    return True


@SQLITE
def test_a_client_that_asks_too_often_is_told_when_to_go_on(world: World) -> None:
    with bounded(world, by_client=2):
        assert [world.get("/v1/sources").status_code for _ in range(2)] == [200, 200]
        answer = world.get("/v1/sources")
    world.refuse(answer, 429, "too_many_requests")
    seconds = int(answer.headers["retry-after"])
    assert 1 <= seconds <= 60
    assert answer.headers["ratelimit-policy"] == '"client";q=2;w=60'
    assert answer.headers["ratelimit"] == f'"client";r=0;t={seconds}'
    assert answer.headers["cache-control"] == "no-store"


@SQLITE
def test_other_sites_may_read_when_to_go_on(world: World) -> None:
    with bounded(world, by_client=1):
        world.get("/v1/sources")
        answer = world.client.get("/v1/sources", headers={"Origin": "https://example.org"})
    assert answer.status_code == 429
    exposed = {name.strip() for name in answer.headers["access-control-expose-headers"].split(",")}
    assert {"Retry-After", "RateLimit", "RateLimit-Policy"} <= exposed


@SQLITE
def test_a_valid_key_is_counted_by_itself_whatever_its_client_has_used_up(world: World) -> None:
    with bounded(world, by_client=1, by_key=2):
        assert world.get("/v1/me", "foro").status_code == 200  # counts on the client: nobody knows the key yet
        world.refuse(world.get("/v1/sources"), 429, "too_many_requests")
        assert [world.get("/v1/me", "foro").status_code for _ in range(3)] == [200, 200, 429]
        answer = world.get("/v1/me", "foro")
    assert answer.headers["ratelimit-policy"] == '"key";q=2;w=60'


@SQLITE
def test_keys_made_up_have_no_rate_of_their_own(world: World) -> None:
    made_up = world.keys["foro"][:-1] + ("0" if world.keys["foro"][-1] != "0" else "1")
    with bounded(world, by_client=2, by_key=1):
        headers = {"Authorization": f"Bearer {made_up}"}
        statuses = [world.client.get("/v1/me", headers=headers).status_code for _ in range(3)]
    assert statuses == [401, 401, 429]


def test_an_ended_key_counts_on_its_client_again() -> None:
    rates = RateLimiter(1, 5)
    rates.learn("a key", "source 1")
    assert all(counted(rates, CLIENT, "a key") for _ in range(5))
    rates.learn("a key", None)
    assert [counted(rates, CLIENT, "a key") for _ in range(2)] == [True, False]


@SQLITE
def test_whoever_asks_whether_the_process_is_there_is_never_refused(world: World) -> None:
    with bounded(world, by_client=1):
        assert [world.get("/healthz").status_code for _ in range(3)] == [200] * 3


def test_clients_do_not_use_each_others_rate_up() -> None:
    rates = RateLimiter(1, 0)
    assert counted(rates, CLIENT)
    assert counted(rates, OTHER)
    assert not counted(rates, CLIENT)


def test_who_has_no_address_is_told_apart_by_what_a_proxy_calls_them() -> None:
    rates = RateLimiter(9, 9)
    assert rates._bucket("unix") == rates._bucket("unix")
    assert len({rates._bucket(f"client {number}") for number in range(9)}) > 1


@SQLITE
def test_nothing_that_is_kept_of_a_client_leads_back_to_it(world: World) -> None:
    with bounded(world, by_client=9):
        rates = world.app.state.rates
        rates.count(None, CLIENT)
        held = str(vars(rates)) + str(vars(rates._window_limiter.storage))
    assert CLIENT not in held
    assert 0 <= rates._bucket(CLIENT) < BUCKETS
    for table in metadata.tables:
        assert not any("testclient" in str(row) or CLIENT in str(row) for row in world.rows(f"SELECT * FROM {table}"))


@SQLITE
def test_rates_of_settings_are_those_of_the_app(database_url: str) -> None:
    with World(settings_of(database_url, rate_by_client=1)) as world:
        world.get("/v1/vocabulary")
        answer: Any = world.get("/v1/vocabulary")
        world.refuse(answer, 429, "too_many_requests")


@SQLITE
@pytest.mark.parametrize("proxies, statuses", [("127.0.0.1", [200, 200, 429]), ("", [200, 429, 429])])
def test_who_the_client_is_only_a_trusted_proxy_says(database_url: str, proxies: str, statuses: list[int]) -> None:
    with serving(settings_of(database_url, rate_by_client=1, trusted_proxies=proxies)) as address:
        answers = [
            httpx2.get(f"{address}/v1/vocabulary", headers={"X-Forwarded-For": f"192.0.2.66, {client}"})
            for client in (CLIENT, OTHER, OTHER)  # what a client wrote itself stands before what the proxy adds
        ]
    assert [answer.status_code for answer in answers] == statuses


@SQLITE
def test_whoever_asks_no_more_often_than_that_files_a_report(world: World) -> None:
    with bounded(world, by_client=5, by_key=5):
        assert world.post("/v1/releases", make_report(), "foro").status_code == 201


@SQLITE
def test_an_answer_that_no_cache_shares_says_how_many_requests_are_left(world: World) -> None:
    with bounded(world, by_client=9, by_key=5):
        world.get("/v1/me", "foro")  # counts on the client: nobody knows the key yet
        by_key = world.get("/v1/sources", "foro")
        refused = world.get("/v1/nothing")
    assert by_key.headers["ratelimit-policy"] == '"key";q=5;w=60'
    assert by_key.headers["ratelimit"].startswith('"key";r=4;t=')
    assert refused.headers["ratelimit"].startswith('"client";r=7;t=')


@SQLITE
def test_a_search_by_name_counts_in_two_windows(world: World) -> None:
    former = world.app.state.rates
    world.app.state.rates = RateLimiter(9, 9, 3)
    answer = world.get("/v1/releases", q="nobody", limit="many")
    world.app.state.rates = former
    assert answer.headers["ratelimit-policy"] == '"client";q=9;w=60, "searches";q=3;w=60'
    assert [state.partition(";t=")[0] for state in answer.headers["ratelimit"].split(", ")] == [
        '"client";r=8', '"searches";r=2',
    ]  # fmt: skip


@SQLITE
def test_an_answer_that_caches_share_tells_nobody_the_state_of_another(world: World) -> None:
    with bounded(world, by_client=9):
        for path in ("/v1/sources", "/v1/counts/releases", "/openapi.json", "/v1"):
            answer = world.get(path)
            assert not {"ratelimit", "ratelimit-policy"} & set(answer.headers), path
