"""Pages of numbers are kept as ready bytes until the next entry; pages of people never are."""

from typing import Any

import pytest

from app.api.middleware.rate_limits import RateLimiter
from app.api.middleware.response_cache import ResponseCache
from app.web.api_client import ApiClient
from app.web.page import PAGE_COST, normalize_cached_query
from tests.support import World

CLAIM = {"claimant": "ministry", "measure": "released", "qualifier": "exactly", "said": 5, "stated_at": "2026-01-12"}
COUNTED = "/es/counts?country=VE&released_from=2026-01-08"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The routes whose functions pages call."""
    routes: list[str] = []
    ask = ApiClient._call_route

    async def record_route(self: ApiClient, route: Any, values: Any, run: Any) -> Any:
        routes.append(route.__name__)
        return await ask(self, route, values, run)

    monkeypatch.setattr(ApiClient, "_call_route", record_route)
    return routes


@pytest.mark.parametrize("path", ["/es/", "/en/counts", "/es/claims", "/es/sources", "/es/corrections", "/es/data"])
def test_a_page_that_was_just_made_is_not_made_again(world: World, asked: list[str], path: str) -> None:
    first = world.client.get(path)
    assert first.status_code == 200
    made = len(asked)
    assert made > 0
    again = world.client.get(path)
    assert (again.text, again.headers["etag"]) == (first.text, first.headers["etag"])
    assert again.headers["content-security-policy"] == first.headers["content-security-policy"]
    assert len(asked) == made


def test_a_page_tells_of_every_entry_at_once(world: World) -> None:
    before = world.client.get(COUNTED).text
    world.file("foro")
    assert world.client.get(COUNTED).text != before


def test_a_kept_page_is_packed_as_each_reader_takes_it(world: World) -> None:
    plain = world.client.get(COUNTED, headers={"accept-encoding": "identity"})
    packed = world.client.get(COUNTED, headers={"accept-encoding": "br"})
    assert packed.headers["content-encoding"] == "br"
    assert packed.text == plain.text
    assert packed.headers["etag"] != plain.headers["etag"]
    known = world.client.get(COUNTED, headers={"accept-encoding": "br", "if-none-match": packed.headers["etag"]})
    assert known.status_code == 304


def test_a_page_of_a_moment_that_may_be_settled_is_made_each_time(world: World, asked: list[str]) -> None:
    world.client.get("/es/counts?as_of=2026-01-31")
    made = len(asked)
    world.client.get("/es/counts?as_of=2026-01-31")
    assert len(asked) > made


def test_pages_of_people_and_of_the_desk_are_not_kept() -> None:
    person = "0393b36a-0583-4f56-adae-5d8b4cae2060"
    never = ("people", f"people/{person}", "releases", "objection", "desk", "desk/lists", "c/x")
    assert [path for path in never if normalize_cached_query(f"/es/{path}", b"") is not None] == []
    assert normalize_cached_query(f"/es/claims/{person}", b"") == b""


def test_what_other_sites_append_to_a_link_makes_no_page_of_its_own(world: World, asked: list[str]) -> None:
    world.client.get("/es/?country=VE")
    made = len(asked)
    world.client.get("/es/?country=VE&utm_source=somewhere&fbclid=1")
    assert len(asked) == made


def test_a_term_that_a_page_does_not_know_makes_no_page_of_its_own(world: World) -> None:
    claim = world.claim(CLAIM)
    for path in ("", "counts", "claims", f"claims/{claim}", "sources", "sources/foro", "corrections", "data"):
        known, unknown = (world.client.get(f"/es/{path}{query}") for query in ("", "?another=1"))
        assert (known.status_code, unknown.status_code) == (200, 422), path
        assert "<code>another</code>" in unknown.text
        assert normalize_cached_query(f"/es/{path}", b"another=&x") == b"", "what nobody filled in"
        assert normalize_cached_query(f"/es/{path}", b"%75tm_source=y") == b"", "what a page does not look at"
        for zones in ("zone=somewhere", "zone=UTC&zone=Z"):
            assert world.client.get(f"/es/{path}?{zones}").status_code == 422, (path, zones)


@pytest.mark.parametrize("further", ["&as_of=", "&as_of=r2", "&zone=", "&zone=UTC", "&=&as_of", "&rules=", "&leaf="])
def test_no_way_to_write_an_address_changes_what_others_read_at_it(world: World, further: str) -> None:
    claim = world.claim(CLAIM)
    pinned, zone = f"as_of=r{world.revision}", "zone=Pacific/Kiritimati"
    world.file("foro")
    for path in ("", "counts", "claims", f"claims/{claim}", "sources", "sources/foro", "corrections", "data"):
        addresses = [f"/es/{path}?{pinned}", f"/es/{path}?as_of=2026-03-02&{zone}"]
        for address in addresses:
            world.client.get(f"{address}{further}")
        told = [world.client.get(address).text for address in addresses]
        world.app.state.response_cache = ResponseCache()
        assert [world.client.get(address).text for address in addresses] == told, path


def test_a_page_that_is_made_counts_as_several_requests(world: World) -> None:
    former = world.app.state.rates
    world.app.state.rates = RateLimiter(by_client=PAGE_COST + 2, by_key=0)
    first, again, another = (world.client.get(f"/es/{path}") for path in ("counts", "counts", "claims"))
    world.app.state.rates = former
    assert (first.status_code, again.status_code, another.status_code) == (200, 200, 429)
    assert "retry-after" in another.headers
