"""What a key may not read, it cannot probe."""

import uuid
from typing import Any

import pytest

from tests.support import Body, World, make_report

NEW = {"outcome": "new", "candidates": []}
KINDS = ("detainee", "detention", "release")
# A man like the one of every report here, that nobody has reported yet.
STRANGER: dict[str, Any] = {"detainee__full_name": "Olegario Pinto Sayago", "detainee__birth_date": "1949"}


def filed(world: World, who: str, **changes: Any) -> Body:
    response = world.post("/v1/releases", make_report(**changes), who)
    assert response.status_code == 201, response.text
    return dict(response.json())


def texture(value: Any) -> Any:
    """An answer without what any two answers differ in: ids, numbers of entries, names and years."""
    if isinstance(value, dict):
        personal = {
            "id",
            "detainee_id",
            "detention_id",
            "release_id",
            "receipt",
            "name",
            "birth_year",
            "age",
            "full_name",
        }
        return {name: texture(item) for name, item in value.items() if name not in personal}
    return [texture(item) for item in value] if isinstance(value, list) else value


def test_towards_people_of_class_counted_a_write_is_answered_as_if_new(world: World) -> None:
    hidden = filed(world, "foro", detainee__publish="counted")
    answer = filed(world, "jep")
    assert answer["match"] == NEW
    assert texture(answer) == texture(filed(world, "jep", **STRANGER))
    assert answer["release"]["verified_by"] == ["jep"]
    assert not {answer[kind]["id"] for kind in KINDS} & {hidden[kind]["id"] for kind in KINDS}
    count = world.count()
    assert (count["total"]["by_min_sources"], count["caveats"]["possible_duplicates"]) == ({"1": 3}, 0), (
        "only a curator knows"
    )


def test_the_answer_holds_the_reports_own_ids(world: World) -> None:
    """The ids under which the report would stand, were it alone: the same in every later answer."""
    filed(world, "foro", detainee__publish="counted")
    first = filed(world, "jep", source_record_id="J-1")
    second = world.file("jep", source_record_id="J-1", release__kind="pardon")
    assert [second[kind]["id"] for kind in KINDS] == [first[kind]["id"] for kind in KINDS]
    assert (second["match"], second["release"]["verified_by"]) == (NEW, ["jep"])


def test_who_becomes_counted_later_is_no_longer_recognised(world: World) -> None:
    known = filed(world, "foro")
    assert filed(world, "jep", source_record_id="J-1")["match"]["outcome"] == "linked"
    consent = {"publish": "counted", "given_by": "family", "given_on": "2026-02-20"}
    assert world.post(f"/v1/detainees/{known['detainee']['id']}/consent", consent, "curator").status_code == 200
    again = world.file("jep", source_record_id="J-1", release__kind="pardon")
    assert again["match"] == NEW
    assert again["detainee"]["id"] != known["detainee"]["id"]


def test_an_answer_given_again_is_silent_about_who_has_become_counted_since(world: World) -> None:
    known = filed(world, "foro")
    once = {"Idempotency-Key": "a first try on a bad line"}
    assert world.post("/v1/releases", make_report(), "jep", **once).json()["match"]["outcome"] == "linked"
    consent = {"publish": "counted", "given_by": "family", "given_on": "2026-02-20"}
    world.post(f"/v1/detainees/{known['detainee']['id']}/consent", consent, "curator")
    replayed = world.post("/v1/releases", make_report(), "jep", **once)
    assert replayed.headers["idempotency-replayed"] == "true"
    assert replayed.json()["match"] == NEW
    assert known["detainee"]["id"] not in replayed.text


@pytest.mark.parametrize("publish", ["anonymous", "counted"])
def test_a_governments_write_towards_anyone_unnamed_is_answered_as_if_new(world: World, publish: str) -> None:
    hidden = filed(world, "foro", detainee__publish=publish)
    answer = filed(world, "ministry")
    assert answer["match"] == NEW
    assert texture(answer) == texture(filed(world, "ministry", **STRANGER))
    assert not {answer[kind]["id"] for kind in KINDS} & {hidden[kind]["id"] for kind in KINDS}


def test_a_government_recognises_whom_everyone_may_name(world: World) -> None:
    known = filed(world, "foro", detainee__publish="named")
    answer = filed(world, "ministry")
    assert (answer["match"]["outcome"], answer["detainee"]["id"]) == ("linked", known["detainee"]["id"])


def test_an_independent_source_recognises_whom_it_may_read(world: World) -> None:
    known = filed(world, "foro", detainee__publish="anonymous")
    answer = filed(world, "jep", detainee__publish="anonymous")
    assert (answer["match"]["outcome"], answer["detainee"]["id"]) == ("linked", known["detainee"]["id"])


def test_a_source_that_loses_its_independence_loses_sight_of_the_unnamed(world: World) -> None:
    filed(world, "foro", detainee__publish="anonymous")
    world.client.patch("/v1/sources/jep", json={"independent": False}, headers=world.headers("admin"))
    assert filed(world, "jep", detainee__publish="anonymous")["match"] == NEW


@pytest.mark.parametrize("who, publish", [("jep", "counted"), ("ministry", "anonymous")])
def test_matching_is_silent_about_pairs_that_wait_for_review(world: World, who: str, publish: str) -> None:
    """A namesake with another birth: enough for a curator to look at, nothing for the one who asks."""
    filed(world, "foro", detainee__publish=publish)
    answer = filed(world, who, detainee__birth_date="1944")
    assert answer["match"] == NEW
    world.find_pairs()
    waiting = world.get("/v1/review", "curator").json()["data"]
    assert [pair["kind"] for pair in waiting] == ["pair"]


def test_matching_speaks_of_pairs_that_both_may_be_seen(world: World) -> None:
    known = filed(world, "foro", detainee__publish="anonymous")
    match = filed(world, "jep", detainee__birth_date="1944", detainee__publish="anonymous")["match"]
    assert match["outcome"] == "needs_review"
    assert [one["detainee_id"] for one in match["candidates"]] == [known["detainee"]["id"]]


@pytest.mark.parametrize("publish, found", [("named", 1), ("anonymous", 0), ("counted", 0)])
def test_search_by_name_is_silent_about_whose_name_may_not_be_read(world: World, publish: str, found: int) -> None:
    filed(world, "foro", detainee__publish=publish)
    for who in (None, "jep", "ministry", "admin"):
        for path in ("/v1/detainees", "/v1/releases", "/v1/detentions"):
            assert len(world.get(path, who, q="quintana").json()["data"]) == found
    assert len(world.get("/v1/detainees", "reader", q="quintana").json()["data"]) == 1


@pytest.mark.parametrize("who", ["jep", "ministry"])
def test_pointing_at_someone_counted_is_answered_like_pointing_at_nobody(world: World, who: str) -> None:
    hidden = filed(world, "foro", detainee__publish="counted")
    body = {"release": {"released_on": "2026-01-12"}}
    for kind in KINDS:
        at_hidden = world.post("/v1/releases", {**body, f"{kind}_id": hidden[kind]["id"]}, who)
        at_nobody = world.post("/v1/releases", {**body, f"{kind}_id": str(uuid.uuid4())}, who)
        assert (at_hidden.status_code, at_hidden.json()) == (404, at_nobody.json())
    verdict = {"verdict": "reported"}
    at_hidden = world.post(f"/v1/releases/{hidden['release']['id']}/verifications", verdict, who)
    at_nobody = world.post(f"/v1/releases/{uuid.uuid4()}/verifications", verdict, who)
    assert (at_hidden.status_code, at_hidden.json()) == (404, at_nobody.json())


def test_ones_own_report_of_someone_counted_can_still_be_pointed_at(world: World) -> None:
    own = filed(world, "foro", detainee__publish="counted")
    answer = world.verify(own["release"]["id"], "foro", verdict="disputed")
    assert answer["report"] == {"id": own["report"]["id"], "version": 2}


def test_a_government_that_points_at_someone_unnamed_learns_no_more_than_it_says(world: World) -> None:
    known = filed(world, "foro", detainee__publish="anonymous")
    answer = world.verify(known["release"]["id"], "ministry", verdict="reported", released_on="2026-01-08")
    assert answer["match"] == NEW
    assert (answer["release"]["verified_by"], answer["release"]["reported_by"]) == ([], ["ministry"])
    assert answer["detainee"]["facts"] == {}
