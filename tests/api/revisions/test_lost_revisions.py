"""Where an earlier copy of the database was put back, its revisions are other entries than those that were cited: no
address and no tag of a lost revision is answered with what stands there now."""

from collections.abc import Iterator
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from sqlalchemy.engine import make_url

from tests.databases import Templates, settings_of
from tests.support import Body, World

SINCE = {"detainee__full_name": "Ismael Otero Invento", "detainee__birth_date": "1950", "source_record_id": "EX-2"}


@pytest.fixture
def lost(world: World, templates: Templates) -> Iterator[World]:
    """The registry as it went on, before an earlier copy was put back, which is `world`."""
    kind = make_url(world.settings.database_url).get_backend_name()
    template, keys = templates.world(kind)
    with templates.copy(kind, template) as url, World(settings_of(url), keys=keys) as gone:
        yield gone


@pytest.fixture
def cited(world: World, lost: World) -> Body:
    """A count as it was cited; at its revision the copy has another entry."""
    lost.file(**SINCE)
    world.file(release__kind="pardon")
    assert world.revision == lost.revision
    return lost.count(country="VE", group_by="source")


def without(address: str, *names: str) -> str:
    path, query = urlsplit(address).path, urlsplit(address).query
    return f"{path}?{urlencode([pair for pair in parse_qsl(query) if pair[0] not in names])}"


def test_every_address_of_a_count_carries_the_leaf_of_its_revision(world: World, subtests: pytest.Subtests) -> None:
    filed = world.file()
    leaf = filed["receipt"]["leaf_hash"][:16]
    held = world.get("/v1/counts/held", held_on="2025-01-01", group_by="source").json()
    count = world.count(group_by="source")
    overlap = world.get("/v1/counts/overlap").json()
    estimate = world.get("/v1/estimates/releases").json()
    addresses = [
        count["links"]["permalink"],
        count["links"]["list"],
        count["groups"][0]["list"],
        held["links"]["permalink"],
        held["links"]["list"],
    ]
    addresses += [
        world.get("/v1/counts/series").json()["links"]["permalink"],
        overlap["links"]["permalink"],
        estimate["links"]["permalink"],
    ]
    addresses += [overlap["sources"][0]["list"], overlap["sources"][0]["only_list"], overlap["patterns"][0]["list"]]
    for address in addresses:
        with subtests.test(address):
            assert f"&leaf={leaf}&as_of=r{world.revision}" in address
            assert world.client.get(address).status_code == 200
    assert "leaf" not in count["terms"]


def test_the_next_page_of_a_list_carries_it_too(world: World) -> None:
    for number in range(2):
        world.file(source_record_id=str(number), detainee__full_name=f"Ismael {'ABC'[number]}ltamira")
    page = world.get("/v1/releases", limit=1).json()
    assert "&leaf=" in page["next"]
    further = world.client.get(page["next"])
    assert (further.status_code, len(further.json()["data"])) == (200, 1)


def test_a_permalink_of_a_lost_revision_is_gone_and_names_todays_address(world: World, cited: Body) -> None:
    for address in (cited["links"]["permalink"], cited["links"]["list"]):
        refused = world.client.get(address)
        assert (refused.status_code, refused.json()["code"]) == (410, "revision_lost"), address
        assert refused.headers["Cache-Control"] == "no-store"
        assert refused.json()["address"] == without(address, "rules", "leaf", "as_of")
        assert world.client.get(refused.json()["address"]).status_code == 200


def test_a_citation_in_print_of_a_lost_revision_is_gone_and_names_todays_count(world: World, cited: Body) -> None:
    refused = world.client.get(cited["links"]["cite"])
    assert (refused.status_code, refused.json()["code"]) == (410, "revision_lost")
    assert refused.json()["address"] == without(cited["links"]["permalink"], "rules", "leaf", "as_of")
    today = world.client.get(refused.json()["address"]).json()
    assert (today["terms"], today["at"]["revision"]) == (cited["terms"], world.revision)


def test_a_revision_beyond_the_head_is_lost_where_its_leaf_is_known(world: World, lost: World) -> None:
    lost.file(**SINCE)
    count = lost.count(country="VE")
    assert count["at"]["revision"] > world.revision
    for address in (count["links"]["permalink"], count["links"]["cite"], count["links"]["list"]):
        assert world.client.get(address).json()["code"] == "revision_lost", address
    world.refuse(world.get("/v1/counts/releases", as_of=count["at"]["revision"]), 422, "ahead_of_head", "/as_of")


def test_an_address_without_a_leaf_is_answered_by_the_number_of_its_revision(world: World, cited: Body) -> None:
    answer = world.client.get(without(cited["links"]["permalink"], "leaf"))
    assert (answer.status_code, answer.json()["at"]["revision"]) == (200, cited["at"]["revision"])
    assert answer.json() == world.count(country="VE", group_by="source")


def test_an_address_of_a_revision_that_both_have_leads_to_it_in_both(world: World, lost: World) -> None:
    shared = world.count(country="VE")
    lost.file(**SINCE)
    assert lost.client.get(shared["links"]["permalink"]).json() == shared


def test_a_leaf_says_nothing_without_its_revision(world: World) -> None:
    for terms in ({}, {"as_of": "2026-01-01"}):
        refused = world.get("/v1/counts/releases", leaf="0123456789abcdef", **terms)
        world.refuse(refused, 422, "as_of_missing", "/leaf")
    for leaf in ("0123", "0123456789ABCDEF", "0123456789abcdef0"):
        world.refuse(world.get("/v1/counts/releases", leaf=leaf, as_of=1), 422, "invalid_format", "/leaf")


def test_a_tag_of_a_lost_head_is_not_known_to_the_copy(world: World, lost: World, cited: Body) -> None:
    for path in (
        "/v1/counts/releases",
        "/v1/releases",
        "/v1/sources",
        f"/v1/counts/releases?as_of=r{cited['at']['revision']}",
    ):
        tag = lost.client.get(path).headers["ETag"]
        answer = world.client.get(path, headers={"If-None-Match": tag})
        assert answer.status_code == 200, path
        assert answer.headers["ETag"] != tag
