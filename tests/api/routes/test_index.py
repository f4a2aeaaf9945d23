"""GET /v1 leads to everything that is public."""

from app.projection import RULES
from tests.support import World


def test_every_link_of_the_index_answers_without_a_key(world: World) -> None:
    world.file()
    index = world.get("/v1").json()
    assert index["at"] == {"revision": world.revision, "recorded_at": index["at"]["recorded_at"], "rules": RULES}
    assert index["lists"]["releases"] == "/v1/releases"
    assert index["counts"]["releases"] == "/v1/counts/releases"
    assert index["estimates"] == {"releases": "/v1/estimates/releases"}
    for group in ("lists", "counts", "estimates", "timemaps", "links"):
        assert index[group]
        for address in index[group].values():
            assert world.get(address).status_code == 200, address


def test_the_index_names_no_list_that_needs_a_key(world: World) -> None:
    assert world.get("/v1").json()["lists"].keys().isdisjoint({"reports", "waiting", "review", "proposals"})


def test_the_index_is_cached_with_its_tag_and_refuses_terms(world: World) -> None:
    answer = world.get("/v1")
    assert answer.headers["cache-control"] == "no-cache"
    again = world.client.get("/v1", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    world.refuse(world.get("/v1", country="VE"), 422, "unknown_field", "/country")
