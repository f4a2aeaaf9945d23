"""What one hostile or tired report must not do."""

from typing import Any

import pytest

from app.db.engine import open_write_session
from app.registry import api_keys
from app.vocabulary import Role
from tests.support import GOVERNMENT, NOW, Body, World, make_report

NGO: Body = {"detainee__birth_date": "1973", "detainee__publish": "named"}


@pytest.mark.parametrize(
    "invented",
    [
        {"detainee": {"birth_date": "2012"}},
        {"detainee": {"age": 14, "age_on": "2025"}},
        {"detention": {"detained_on": "1985-01-01", "country": "VE"}},
        {"detainee": {"publish": "counted"}},
    ],
)
def test_a_state_hides_nobody_whom_an_independent_source_shows(world: World, invented: Body) -> None:
    known = world.file("foro", **NGO)
    body = {"detainee_id": known["detainee"]["id"], "release": {"released_on": "2026-01-12"}, **invented}
    assert world.post("/v1/releases", body, GOVERNMENT).status_code == 201
    for thing in ("detainee", "release"):
        assert world.get(f"/v1/{thing}s/{known[thing]['id']}").status_code == 200


def test_a_child_is_still_hidden_where_only_a_state_knows_the_birth(world: World) -> None:
    known = world.file("foro", detainee__birth_date=None, detainee__publish="named")
    body = {"detainee_id": known["detainee"]["id"], "detainee": {"birth_date": "2012"}, "release": {}}
    assert world.post("/v1/releases", body, GOVERNMENT).status_code == 201
    assert world.get(f"/v1/detainees/{known['detainee']['id']}").status_code == 404


@pytest.mark.parametrize("born", ["1973", None])
def test_the_persons_own_consent_is_not_blocked_by_a_birth_that_a_state_invented(
    world: World, born: str | None
) -> None:
    known = world.file("foro", detainee__birth_date=born, detainee__publish="named")
    body = {"detainee_id": known["detainee"]["id"], "detainee": {"birth_date": "2012"}, "release": {}}
    world.post("/v1/releases", body, GOVERNMENT)
    world.consent(known["detainee"]["id"], "named")
    assert world.get(f"/v1/detainees/{known['detainee']['id']}").json()["name"]


def test_a_state_does_not_end_the_silence_about_somebody(world: World) -> None:
    held = world.file_detention("foro", detention__detained_on="2021-05-01", detention__held_on="2023-01-20")
    body = {"detention_id": held["detention"]["id"], "detention": {"held_on": "2026-02-19"}}
    assert world.post("/v1/detentions", body, GOVERNMENT).status_code == 201
    assert world.get("/v1/counts/held", held_on="2026-02-20").json()["caveats"]["outside_held_within"] == 1


def test_a_state_that_says_somebody_died_does_not_undo_a_release_that_an_independent_source_knows(world: World) -> None:
    known = world.file("foro", **NGO)
    ended = {"detained_on": "2024-10-13", "country": "VE", "ended": {"on": "2026-01-10", "how": "died"}}
    for body in (
        {"detainee_id": known["detainee"]["id"], "detention": ended},
        {"detainee_id": known["detainee"]["id"], "detainee": {"died_on": "2026-02-01"}, "detention": {"country": "VE"}},
    ):
        assert world.post("/v1/detentions", body, GOVERNMENT).status_code == 201
        assert world.get(f"/v1/detainees/{known['detainee']['id']}").json()["state"] == "released"
    body = {
        "detainee_id": known["detainee"]["id"],
        "detainee": {"died_on": "2026-02-01"},
        "detention": {"country": "VE"},
    }
    assert world.post("/v1/detentions", body, "jep").status_code == 201
    assert world.get(f"/v1/detainees/{known['detainee']['id']}").json()["state"] == "died"


@pytest.mark.parametrize("role", [Role.CURATOR, Role.ADMIN])
def test_a_desks_key_of_a_state_decides_nothing(world: World, role: Role, subtests: pytest.Subtests) -> None:
    known = world.file("foro", **NGO, source_record_id="1")["detainee"]["id"]
    with open_write_session(world.engine) as session:
        world.keys["theirs"] = api_keys.create_key(session, role, GOVERNMENT, 365, NOW)
    consent = {"publish": "named", "given_by": "x", "given_on": "2026-01-01"}
    place = {"slug": "x", "name": "X", "kind": "prison", "country": "VE"}
    asked: list[tuple[str, Any]] = [
        (f"/v1/detainees/{known}/consent", consent),
        (f"/v1/detainees/{known}/redaction", {"reason": "x"}),
        ("/v1/facilities", place),
        ("/v1/sources", {"slug": "x", "name": "X", "kind": "ngo"}),
    ]
    for path, body in asked:
        with subtests.test(path), world.storing_nothing():
            world.refuse(world.post(path, body, "theirs"), 403, "forbidden")
    assert world.get("/v1/review", "theirs").status_code == 403


@pytest.mark.parametrize("name", ["POR CONFIRMAR", "N.N.", "S/I (hombre, 35 años)"])
def test_a_name_that_says_nobody_knew_the_name_makes_no_two_people_one(world: World, name: str) -> None:
    answer = world.post("/v1/releases", make_report(detainee__full_name=name), "foro")
    world.refuse(answer, 422, "placeholder_name", "/detainee/full_name")


@pytest.mark.parametrize(
    "said, code, pointer",
    [
        ({"release__released_on": "0026-01-12"}, "impossible_date", "/release/released_on"),
        ({"detention__detained_on": "1024-10-13"}, "impossible_date", "/detention/detained_on"),
        ({"release__released_on": "2026-01-12/2062-01-01"}, "future_date", "/release/released_on"),
        ({"detainee__birth_date": "0001"}, "impossible_date", "/detainee/birth_date"),
        ({"detainee__birth_date": "1871"}, "too_old", "/detainee/birth_date"),
        ({"detainee__age": 30, "detainee__age_on": "2026-01"}, "age_and_birth_differ", "/detainee/age"),
        ({"detainee__died_on": "2025-12"}, "released_after_death", "/detainee/died_on"),
        ({"verification__verified_on": "2025-01-01"}, "verified_before_release", "/verification/verified_on"),
        ({"detention__transfers": [{"on": "2023", "facility": "Yare"}]}, "transfer_before_detention",
         "/detention/transfers/0/on"),
    ],
)  # fmt: skip
def test_a_slip_of_the_year_is_told_where_it_stands(world: World, said: Body, code: str, pointer: str) -> None:
    with world.storing_nothing():
        world.refuse(world.post("/v1/releases", make_report(**said), "foro"), 422, code, pointer)


def test_the_first_day_of_the_calendar_is_before_the_first_entry(world: World) -> None:
    for asked in ({"as_of": "0001-01-01"}, {"as_of": "0001-01-02", "zone": "+14:00"}):
        assert world.get("/v1/counts/releases", **asked).json()["at"]["revision"] == 0
    assert world.get("/v1/releases", changed_since="0001-01-01").status_code == 200


def test_to_erase_again_changes_nothing(world: World) -> None:
    known = world.file("foro", **NGO)["detainee"]["id"]
    world.redact(known)
    before = world.revision
    again = world.post(f"/v1/detainees/{known}/redaction", {"reason": "again"}, "admin")
    assert (again.status_code, world.revision, again.json()["receipt"]["revision"]) == (200, before, before)


def test_a_withdrawal_based_on_an_older_version_is_refused(world: World) -> None:
    report = world.file("foro", source_record_id="1")["report"]["id"]
    tag = world.get(f"/v1/reports/{report}", "foro").headers["etag"]
    world.file("foro", source_record_id="1", release__kind="pardon")
    path = f"/v1/reports/{report}/retract"
    for stale in (tag, '"stale"', "", tag.strip('"')):
        world.refuse(world.post(path, {}, "foro", **{"If-Match": stale}), 412, "precondition_failed")
    fresh = world.get(f"/v1/reports/{report}", "foro").headers["etag"]
    assert world.post(path, {}, "foro", **{"If-Match": fresh}).status_code == 200


def test_two_keys_in_one_request_are_none(world: World) -> None:
    both = [("Authorization", f"Bearer {world.keys[who]}") for who in ("foro", "admin")]
    world.refuse(world.client.get("/v1/me", headers=both), 401, "unauthenticated")


def test_any_tag_matches_a_star(world: World) -> None:
    assert world.client.get("/v1/releases", headers={"If-None-Match": "*"}).status_code == 304


def test_a_name_is_found_by_its_words_in_any_order(world: World) -> None:
    world.file("foro", **NGO)
    for q in ("Tomás Quintana", "quintana tomas", "ribas aurelio", "TOMAS AURELIO QUINTANA RIBAS"):
        assert len(world.get("/v1/detainees", q=q).json()["data"]) == 1
    assert world.get("/v1/detainees", q="tomas barrios").json()["data"] == []


def test_an_arrest_that_only_a_state_tells_of_makes_no_two_releases_of_one(world: World) -> None:
    """Two organisations two days apart on one release are one release, whatever detention is invented between."""
    first = world.file("foro", **NGO)
    world.file("jep", **NGO, release__released_on="2026-01-14", detention__detained_on=None)
    before = world.count()["total"]
    assert before["by_min_sources"] == {"1": 1, "2": 1}
    invented = {"detainee_id": first["detainee"]["id"], "detention": {"country": "VE", "detained_on": "2026-01-13"}}
    assert world.post("/v1/detentions", invented, GOVERNMENT).status_code == 201
    assert world.count()["total"] == before
    person = world.get(f"/v1/detainees/{first['detainee']['id']}").json()
    assert (person["rearrested"], person["rearrest_claimed"]) == (False, False)
