"""What a client may expect of any server: HEAD, no guessing at what was meant, one way to write an address."""

from typing import Any

import pytest

from tests.support import World, make_report


def test_head_answers_as_get_does_without_a_body(world: World, subtests: pytest.Subtests) -> None:
    world.file()
    for path in (
        "/v1/counts/releases",
        "/v1/releases.csv",
        "/v1/vocabulary",
        "/healthz",
        "/openapi.json",
        "/v1/x",
    ):
        with subtests.test(path):
            get, head = world.client.get(path), world.client.head(path)
            assert (head.status_code, head.content) == (get.status_code, b"")
            assert {**head.headers, "request-id": ""} == {**get.headers, "request-id": ""}


def test_head_is_answered_304_to_a_tag(world: World) -> None:
    tag = world.get("/v1/releases").headers["etag"]
    assert world.client.head("/v1/releases", headers={"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize("path", ["/v1/releases", "/v1/detentions", "/v1/claims", "/v1/sources"])
def test_a_parameter_on_a_write_is_refused_and_nothing_stored(world: World, path: str) -> None:
    """Whoever writes `?dry_run=true` wants nothing stored."""
    with world.storing_nothing():
        world.refuse(world.post(f"{path}?dry_run=true", make_report(), "foro"), 422, "unknown_field", "/dry_run")


def test_a_wrong_zone_is_told_also_where_no_moment_is_asked_for(world: World) -> None:
    world.refuse(world.get("/v1/releases", zone="Caracas"), 422, "invalid_zone", "/zone")


def test_an_address_with_a_slash_too_many_is_not_found(world: World) -> None:
    world.refuse(world.client.get("/v1/releases/", follow_redirects=False), 404, "not_found")


@pytest.mark.parametrize("value", ["false", "no", 0, 1])
def test_what_only_looks_like_yes_or_no_is_refused(world: World, value: Any) -> None:
    body = {"slug": "radio-bemba", "name": "Radio Bemba", "kind": "media", "independent": value}
    world.refuse(world.post("/v1/sources", body, "admin"), 422, "bool_type", "/independent")


def test_a_point_is_given_in_numbers(world: World) -> None:
    body = {"slug": "yare", "name": "Yare", "kind": "prison", "country": "VE", "point": {"lat": "10.5", "lon": -66}}
    world.refuse(world.post("/v1/facilities", body, "curator"), 422, "float_type", "/point/lat")
