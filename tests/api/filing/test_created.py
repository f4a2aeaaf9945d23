"""201 says where what was created is read, and with which tag."""

from typing import Any

import pytest

from tests.support import World, make_report

CLAIM = {
    "claimant": "foro",
    "measure": "released",
    "qualifier": "exactly",
    "low": 3,
    "high": 3,
    "stated_at": "2026-01-12",
}
CREATED: list[tuple[str, str, Any]] = [
    ("/v1/releases", "foro", make_report()),
    ("/v1/detentions", "foro", make_report(release=None)),
    ("/v1/claims", "foro", CLAIM),
    ("/v1/sources", "admin", {"slug": "clippve", "name": "CLIPPVE", "kind": "families"}),
    ("/v1/facilities", "curator", {"slug": "yare", "name": "Yare", "kind": "prison", "country": "VE"}),
]


@pytest.mark.parametrize("path, who, body", CREATED)
def test_what_was_created_is_read_at_its_location_and_has_not_changed(
    world: World, path: str, who: str, body: Any
) -> None:
    created = world.post(path, body, who)
    assert created.status_code == 201, created.text
    location, tag = created.headers["location"], created.headers["etag"]
    assert world.get(location, who).headers["etag"] == tag
    unchanged = world.client.get(location, headers={**world.headers(who), "If-None-Match": tag})
    assert unchanged.status_code == 304


def test_a_repeated_answer_has_the_same_location(world: World) -> None:
    first, again = (world.post("/v1/claims", CLAIM, "foro", **{"Idempotency-Key": "once"}) for _ in range(2))
    assert (again.headers["idempotency-replayed"], again.headers["location"]) == ("true", first.headers["location"])


def test_a_report_that_was_created_is_corrected_with_the_tag_of_its_201(world: World) -> None:
    created = world.post("/v1/releases", make_report(), "foro")
    headers = {**world.headers("foro"), "If-Match": created.headers["etag"]}
    changed = world.client.patch(created.headers["location"], json={"note": "n"}, headers=headers)
    assert changed.status_code == 200, changed.text


def test_an_act_without_an_address_creates_nothing(world: World) -> None:
    detainee = world.file()["detainee"]["id"]
    consent = {"publish": "anonymous", "given_by": "the person", "given_on": "2026-02"}
    answer = world.post(f"/v1/detainees/{detainee}/consent", consent, "curator")
    assert (answer.status_code, "location" in answer.headers) == (200, False)
