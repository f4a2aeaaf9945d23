"""What a cache may keep for ever has nothing in it that changes later: remarks on what came after stand elsewhere."""

from collections.abc import Callable

import pytest

from app.projection import RULES
from tests.api.access.test_recalls import key_id
from tests.support import Body, World

ADDRESSES = (
    "/v1/counts/releases?group_by=source&group_by=release_kind",
    "/v1/counts/releases?released_from=2026-01-01&released_to=2026-01-31&group_by=month",
    "/v1/counts/releases.csv?stage=announced&verified_by=foro",
    "/v1/counts/held?held_on=2025-12-01&group_by=source",
    "/v1/counts/series?zone=-04:00&claims=true&interval=week",
    "/v1/counts/series?zone=-04:00&by=event&interval=month",
    "/v1/counts/overlap?country=VE",
    "/v1/estimates/releases?lists=foro&lists=jep",
    "/v1/timemaps/releases?zone=-04:00",
)
CLAIM = {"claimant": "ministry", "measure": "released", "qualifier": "exactly", "low": 400, "high": 400,
         "stated_at": "2026-01-14", "country": "VE", "source_record_id": "C-1"}  # fmt: skip

Event = Callable[[World, Body, Body], object]


def correct(world: World, _first: Body, _other: Body) -> None:
    world.file(source_record_id="R-1", release__released_on="2026-01-20", release__kind="pardon")


def recall(world: World, _first: Body, _other: Body) -> object:
    body = {"key_id": key_id(world, "foro"), "since": "2020-01-01T00:00:00Z"}
    return world.post("/v1/recalls", body, "admin")


EVENTS: dict[str, Event] = {
    "a correction": correct,
    "a withdrawal": lambda world, first, _other: world.post(
        f"/v1/reports/{first['report']['id']}/retract", {"reason": "another man"}, "foro"
    ),
    "a refutation": lambda world, first, _other: world.verify(
        first["release"]["id"], "jep", verdict="refuted", method="family"
    ),
    "an erasure": lambda world, first, _other: world.redact(first["detainee"]["id"]),
    "a consent": lambda world, first, _other: world.consent(first["detainee"]["id"], "counted"),
    "a merger": lambda world, first, other: world.judge(first["detainee"]["id"], other["detainee"]["id"], "same"),
    "a renamed source": lambda world, _first, _other: world.client.patch(
        "/v1/sources/foro", json={"name": "Another Name"}, headers=world.headers("admin")
    ),
    "a quarantine": lambda world, _first, _other: world.client.patch(
        "/v1/sources/foro", json={"quarantined": True}, headers=world.headers("admin")
    ),
    "a corrected figure": lambda world, _first, _other: world.post(
        "/v1/claims", CLAIM | {"low": 500, "high": 500}, "foro"
    ),
    "a recall": recall,
}


@pytest.mark.parametrize("event", EVENTS)
def test_nothing_that_happens_later_changes_an_immutable_answer(world: World, event: str) -> None:
    first = world.file(source_record_id="R-1")
    other = world.file("jep", detainee__full_name="Simón Invento")
    world.post("/v1/claims", CLAIM, "foro")
    pins = f"rules={RULES}&as_of=r{world.revision}"
    before = {address: world.client.get(f"{address}&{pins}") for address in ADDRESSES}
    for address, answer in before.items():
        assert answer.status_code == 200, answer.text
        assert "immutable" in answer.headers["Cache-Control"], address
    revision = world.revision
    outcome = EVENTS[event](world, first, other)
    assert world.revision > revision, getattr(outcome, "text", outcome)
    for address, old in before.items():
        new = world.client.get(f"{address}&{pins}")
        assert (new.content, new.headers.get("Link")) == (old.content, old.headers.get("Link")), address
