"""Rule 12: one record that contradicts two others is no veto."""

import uuid
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.db.engine import open_read_session
from app.models import Decision
from tests.support import Body, World

LATER = "later"  # a source that reports after the others


@pytest.fixture(autouse=True)
def further_sources(world: World) -> None:
    for slug in (LATER, "other"):
        world.add_source(slug)


def people(world: World) -> set[str]:
    return {one["id"] for one in world.get("/v1/detainees").json()["data"]}


def beside(world: World, known: Body, who: str, **said: Any) -> Body:
    """A report whose source says itself that it is about somebody known, whatever else it says."""
    return world.file(who, detainee_id=known["detainee"]["id"], **said)


FALSE_BIRTH = {"detainee__birth_date": "1990"}


def contradictions(world: World) -> list[Body]:
    return [row for row in world.get("/v1/review", "curator").json()["data"] if row["kind"] == "contradiction"]


@pytest.mark.parametrize("first", ["the false record", "the two"])
def test_two_independent_sources_that_state_a_birth_outweigh_one_record_of_another(world: World, first: str) -> None:
    """Otherwise whoever ties one false birth to somebody keeps all later reports of that person apart."""
    if first == "the two":
        known = world.file("foro")
        beside(world, known, "jep")
        beside(world, known, "pud", **FALSE_BIRTH)
    else:
        known = world.file("pud", **FALSE_BIRTH)
        beside(world, known, "foro")
        beside(world, known, "jep")
    later = world.file(LATER)
    assert (later["match"]["outcome"], later["detainee"]["id"]) == ("linked", known["detainee"]["id"])
    assert len(people(world)) == 1
    (waiting,) = contradictions(world)
    assert waiting["detainee"]["id"] == known["detainee"]["id"]
    assert {"births more than 2 years apart"} <= {reason["note"] for reason in waiting["reasons"]}
    assert world.count()["caveats"]["possible_duplicates"] == 0


def test_what_was_outweighed_waits_until_a_curator_parts_it_or_says_that_it_is_the_same(world: World) -> None:
    known = world.file("foro")
    beside(world, known, "jep")
    beside(world, known, "pud", **FALSE_BIRTH)
    world.file(LATER)
    (waiting,) = contradictions(world)
    (tie,) = waiting["ties"]
    before = people(world)
    assert world.client.delete(f"/v1/identity/{tie}", headers=world.headers("curator")).status_code == 200
    assert (len(people(world)), contradictions(world)) == (2, [])
    assert [row["kind"] for row in world.get("/v1/review", "curator").json()["data"]] == ["pair"]
    world.judge(waiting["a"]["id"], waiting["b"]["id"], "same")
    assert (people(world), contradictions(world)) == (before, [])


def test_a_later_report_is_tied_to_one_of_the_two_and_stays_with_them(world: World) -> None:
    """Though one that states no birth is more like it: whose that is only the record that they contradict tells."""
    known = world.file("pud", **FALSE_BIRTH)
    beside(world, known, "other", detainee__birth_date=None)
    less: dict[str, Any] = {"detention": {"country": "VE"}, "release__released_on": None}
    two = [beside(world, known, who, **less) for who in ("foro", "jep")]
    later = world.file(LATER)
    with open_read_session(world.engine) as session:
        tied = select(col(Decision.a)).where(col(Decision.b) == uuid.UUID(later["report"]["id"]))
        assert str(session.scalars(tied).one()) in {one["report"]["id"] for one in two}


def test_a_namesake_filed_first_keeps_no_later_reports_apart(world: World) -> None:
    """A person of his own, he contradicts them and is none of theirs; that they may be one waits for a curator."""
    namesake = world.file("pud", **FALSE_BIRTH)
    known = world.file("foro")
    for who in ("jep", LATER):
        assert world.file(who)["detainee"]["id"] == known["detainee"]["id"]
    assert people(world) == {namesake["detainee"]["id"], known["detainee"]["id"]}
    assert world.count()["caveats"]["possible_duplicates"] == 1


@pytest.mark.parametrize(
    "second",
    [
        {"detainee__birth_date": None},
        {"detainee__birth_date": "1975"},
        {"verification__citing": ["foro"]},
        {"verification__method": "press"},
    ],
    ids=["unstated", "another", "citing the first", "second-hand"],
)
def test_one_source_that_states_a_birth_outweighs_nobody(world: World, second: Body) -> None:
    """A father and his son of one name, with one birth unstated, stay two."""
    known = world.file("foro")
    beside(world, known, "jep", **second)
    beside(world, known, "pud", **FALSE_BIRTH)
    assert world.file(LATER)["match"]["outcome"] == "needs_review"
    assert contradictions(world) == []


def test_a_report_is_not_one_of_the_two_that_tie_it(world: World) -> None:
    known = world.file("foro")
    beside(world, known, "pud", **FALSE_BIRTH)
    assert world.file("jep")["match"]["outcome"] == "needs_review"


def test_the_two_do_not_outweigh_two(world: World) -> None:
    known = world.file("foro")
    beside(world, known, "jep")
    beside(world, known, "pud", **FALSE_BIRTH)
    beside(world, known, "other", **FALSE_BIRTH)
    assert world.file(LATER)["match"]["outcome"] == "needs_review"


def test_the_two_are_not_joined_by_the_one_that_they_contradict(world: World) -> None:
    """They make him no other man's: a later report with the contradicted birth waits."""
    known = world.file("foro")
    beside(world, known, "jep")
    assert world.file("pud", **FALSE_BIRTH)["match"]["outcome"] == "needs_review"
    assert len(people(world)) == 2
    assert world.file(LATER)["detainee"]["id"] == known["detainee"]["id"]


def test_a_father_and_his_son_of_one_name_keep_who_states_no_birth_apart(world: World) -> None:
    """Both are known: two sources for the one do not make a report of unknown age his."""
    son = world.file("foro")
    beside(world, son, "jep")
    father = world.file("pud", detainee__birth_date="1940")
    assert father["detainee"]["id"] != son["detainee"]["id"]
    assert world.file(LATER, detainee__birth_date=None)["match"]["outcome"] == "needs_review"
    assert len(people(world)) == 3
