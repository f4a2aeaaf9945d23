"""A row that a state plants learns nothing of whom others report, and decides nothing about it."""

from typing import Any

import pytest

from app.matching.blocking import MAX_CANDIDATES
from tests.support import GOVERNMENT, Body, World, make_report

NAME = "Zoraida Montilla Paz"
HER: Body = {"detainee__full_name": NAME, "detainee__gender": "female", "detainee__birth_date": "1940"}
NAMED: Body = {**HER, "detainee__publish": "named"}
OTHER: Body = {
    "detainee__full_name": "Ángela Figueredo Sanz",
    "detainee__gender": "female",
    "detainee__birth_date": "1988",
    "detainee__publish": "named",
}
WINDOW = {"released_from": "2026-01-12", "released_to": "2026-01-12"}


def seen_by_the_state(world: World, release: str) -> list[Any]:
    """All that its planted release and the counts around it tell."""
    path = f"/v1/releases/{release}"
    answers = [world.get(path, GOVERNMENT), world.get(f"{path}/verifications", GOVERNMENT)]
    counts = [
        world.count(GOVERNMENT, **WINDOW, **terms)["total"]["cases"]
        for terms in ({"source": GOVERNMENT, "verified_by": "foro"}, {"verified_by": ["foro", GOVERNMENT]})
    ]
    told = [{**answer.json(), "at": None} for answer in answers]
    return [*told, *counts, world.count(**WINDOW)["caveats"]["possible_duplicates"]]


def pairs(world: World) -> list[Body]:
    world.find_pairs()
    return [row for row in world.get("/v1/review", "curator").json()["data"] if row["kind"] == "pair"]


def names(world: World) -> list[str]:
    return [one["name"] for one in world.get("/v1/detainees").json()["data"]]


@pytest.mark.parametrize("birth", ["1940", "1975"], ids=["sure", "unsure"])
@pytest.mark.parametrize("publish", ["counted", "anonymous", None])
def test_a_state_does_not_learn_who_reports_whom_it_planted(world: World, publish: str | None, birth: str) -> None:
    planted = world.file(GOVERNMENT, **NAMED)
    before, revision = seen_by_the_state(world, planted["release"]["id"]), world.revision
    filed = world.file("foro", **{**HER, "detainee__birth_date": birth, "detainee__publish": publish})
    assert seen_by_the_state(world, planted["release"]["id"]) == before
    assert filed["match"] == {"outcome": "new", "candidates": []}
    assert filed["detainee"]["id"] != planted["detainee"]["id"]
    assert world.revision == revision + 1
    assert len(pairs(world)) == 1


def test_a_named_report_is_still_tied_to_whom_a_state_reports(world: World) -> None:
    planted = world.file(GOVERNMENT, **NAMED)
    answer = world.file("foro", **NAMED)
    assert (answer["match"]["outcome"], answer["detainee"]["id"]) == ("linked", planted["detainee"]["id"])
    assert world.file("jep", **HER, detainee__publish="anonymous")["match"]["outcome"] == "linked"


def test_a_child_asked_for_by_name_is_told_like_somebody_counted(world: World) -> None:
    planted = world.file(GOVERNMENT, **{**NAMED, "detainee__birth_date": None})
    before, revision = seen_by_the_state(world, planted["release"]["id"]), world.revision
    world.file("foro", **{**NAMED, "detainee__birth_date": "2010"})
    assert seen_by_the_state(world, planted["release"]["id"]) == before
    assert world.revision == revision + 1


def test_a_state_still_meets_its_own_rows(world: World) -> None:
    anonymous = {**HER, "detainee__publish": "anonymous"}
    world.file(GOVERNMENT, **NAMED)
    assert world.file(GOVERNMENT, **anonymous)["match"]["outcome"] == "needs_review"


def test_a_state_that_points_at_somebody_with_anothers_facts_makes_no_two_people_one(world: World) -> None:
    known = world.file("foro", **NAMED)
    body = make_report(release=None, **OTHER, detainee_id=known["detainee"]["id"])
    assert world.post("/v1/detentions", body, GOVERNMENT).status_code == 201
    answer = world.file("jep", **OTHER)
    assert (answer["match"]["outcome"], answer["detainee"]["name"]) == ("new", OTHER["detainee__full_name"])
    assert sorted(names(world)) == sorted([NAME, OTHER["detainee__full_name"]])
    assert world.count()["caveats"]["possible_duplicates"] == 0
    assert len(pairs(world)) == 1


def test_a_state_that_makes_its_row_another_persons_makes_no_two_people_one(world: World) -> None:
    world.file(GOVERNMENT, **NAMED, source_record_id="M")
    world.file("foro", **NAMED)
    world.file("pud", **NAMED)
    swapped = make_report(**{**OTHER, "detainee__birth_date": None, "detainee__gender": None}, source_record_id="M")
    world.refuse(world.post("/v1/releases", swapped, GOVERNMENT), 409, "another_person")
    assert world.file("jep", **OTHER)["match"]["outcome"] == "new"
    assert len(names(world)) == 2


def test_a_states_row_keeps_no_reports_of_one_person_apart(world: World) -> None:
    known = world.file("foro", **NAMED)
    body = make_report(**{**NAMED, "detainee__birth_date": "1975"}, detainee_id=known["detainee"]["id"])
    assert world.post("/v1/releases", body, GOVERNMENT).status_code == 201
    answer = world.file("jep", **NAMED)
    assert (answer["match"]["outcome"], answer["detainee"]["id"]) == ("linked", known["detainee"]["id"])


def test_a_namesake_whom_a_state_invents_keeps_no_reports_of_one_person_apart(world: World) -> None:
    """Beside her it files a man of her name, who fits whoever leaves the gender out just as well."""
    known = world.file("foro", **NAMED)
    apart = world.file(GOVERNMENT, **{**NAMED, "detainee__gender": "male"})
    assert apart["detainee"]["id"] != known["detainee"]["id"]
    answer = world.file("jep", **{**NAMED, "detainee__gender": None})
    assert (answer["match"]["outcome"], answer["detainee"]["id"]) == ("linked", known["detainee"]["id"])


def test_two_accounts_of_independent_sources_that_contradict_the_report_still_wait(world: World) -> None:
    known = world.file("foro", **NAMED)
    body = make_report(**{**NAMED, "detainee__birth_date": "1975"}, detainee_id=known["detainee"]["id"])
    assert world.post("/v1/releases", body, "pud").status_code == 201
    assert world.file("jep", **NAMED)["match"]["outcome"] == "needs_review"


def test_rows_that_a_state_plants_by_the_dozen_keep_nobodys_reports_apart(world: World) -> None:
    for number in range(MAX_CANDIDATES + 5):
        world.file_detention(
            GOVERNMENT, source_record_id=str(number), detainee__gender="male", detainee__birth_date="1990"
        )
    first, second = world.file("foro", detainee__birth_date="1971"), world.file("jep", detainee__birth_date="1971")
    assert second["match"]["outcome"] == "linked"
    assert second["detainee"]["id"] == first["detainee"]["id"]


def test_a_state_does_not_learn_the_day_that_others_give_for_whom_it_planted(world: World) -> None:
    counted: Body = {"detainee__publish": "counted"}
    reported: Body = {**counted, "verification__verdict": "reported"}
    planted = world.file(GOVERNMENT, **HER, **reported, release__released_on="2026-01-20")
    theirs = world.file("foro", detainee__full_name="Ángela Figueredo Sanz", **counted)  # released on 12 January
    world.judge(planted["detainee"]["id"], theirs["detainee"]["id"], "same")
    terms = {"source": GOVERNMENT, "released_to": "2026-01-20", "min_sources": 1}
    totals = [world.count(GOVERNMENT, released_from=day, **terms)["total"] for day in ("2026-01-12", "2026-01-13")]
    assert totals[0] == totals[1]


def test_no_total_tells_that_two_sources_report_somebody_whom_neither_verifies(world: World) -> None:
    """The planted report is that of an organisation's stolen key, of its own knowledge, under a day of its own."""
    reported: Body = {"detainee__publish": "counted", "verification__verdict": "reported"}
    planted = world.file("pud", **HER, **reported, release__released_on="2026-01-20")
    theirs = world.file("foro", detainee__full_name="Ángela Figueredo Sanz", **reported)
    world.judge(planted["detainee"]["id"], theirs["detainee"]["id"], "same")
    for day in ("2026-01-12", "2026-01-20"):
        assert world.count(released_from=day, released_to=day)["caveats"]["uncertain_date"] == 0, day
    assert world.count()["caveats"]["uncertain_date"] == 0
