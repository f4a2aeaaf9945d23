"""Who was held on a day: when a detention begins and ends, by whose word, and of whom nobody has heard."""

from typing import Any

import pytest

from tests.support import Body, World

OTHER_MAN = {"detainee__full_name": "Ismael Otero Invento", "detainee__birth_date": "1950"}


def held(world: World, day: str | None = "2026-01-10", who: str | None = None, **terms: Any) -> Body:
    """A count of the held on a day."""
    asked = terms if day is None else {"held_on": day, **terms}
    response = world.get("/v1/counts/held", who, **asked)
    assert response.status_code == 200, response.text
    return dict(response.json())


def number(world: World, day: str, **terms: Any) -> int:
    return int(held(world, day, **terms)["total"]["cases"])


def by_source(world: World, day: str, **terms: Any) -> dict[str, tuple[int, int]]:
    """Source → whom it verified held on the day, and of whom it reports that."""
    groups = held(world, day, group_by="source", **terms)["groups"]
    return {group["by"]["source"]: (group["counts"]["verified"], group["counts"]["reported"]) for group in groups}


def again(world: World, person: Body, **changes: Any) -> Body:
    """Somebody known is taken again."""
    return world.file_detention("jep", detainee_id=person["detainee"]["id"], detainee=None, **changes)


def test_who_left_was_held_from_the_first_day_to_the_last(world: World) -> None:
    world.file()  # taken on 2024-10-13, out on 2026-01-12
    found = {day: number(world, day) for day in ("2024-10-12", "2024-10-13", "2026-01-12", "2026-01-13")}
    assert found == {"2024-10-12": 0, "2024-10-13": 1, "2026-01-12": 1, "2026-01-13": 0}


def test_a_total_has_the_keys_of_a_count_of_releases(world: World) -> None:
    assert held(world)["total"] == {
        "cases": 0, "people": 0, "verified": 0, "contested": 0, "reported": 0,
        "refuted": 0, "official_only": 0, "by_min_sources": {},
    }  # fmt: skip
    world.file_detention("foro")
    world.file_detention("jep", verification__method="lawyer")
    world.file_detention("pud", **OTHER_MAN, verification__verdict="reported")
    count = held(world)
    assert count["total"] == {
        "cases": 2, "people": 2, "verified": 1, "contested": 0, "reported": 1,
        "refuted": 0, "official_only": 0, "by_min_sources": {"1": 1, "2": 1},
    }  # fmt: skip
    assert count["terms"] == {"held_on": "2026-01-10", "house_arrest": False, "held_within": 2}


@pytest.mark.parametrize("detained, released", [
    (None, None), ("2026-01", None), ("2024-10-13", "2026-01"), ("2026-01-08/2026-01-11", "2026-02-01"),
])  # fmt: skip
def test_a_date_that_is_missing_or_straddles_the_day_is_told_apart(
    world: World, detained: str | None, released: str | None
) -> None:
    world.file(detention__detained_on=detained, release__released_on=released)
    count = held(world)
    assert (count["total"]["cases"], count["caveats"]["uncertain_date"]) == (0, 1)


def test_who_was_seen_held_had_been_taken_by_then(world: World) -> None:
    world.file_detention(detention__detained_on=None, detention__held_on="2026-01-05")
    found = [held(world, day) for day in ("2026-01-04", "2026-01-05", "2026-01-20")]
    assert [(count["total"]["cases"], count["caveats"]["uncertain_date"]) for count in found] == [
        (0, 1),
        (1, 0),
        (1, 0),
    ]


def let_go(world: World, who: str, person: Body, day: str | None, **verification: Any) -> Body:
    """A release of somebody whom another source reported."""
    return world.file(who, detainee=None, detention=None, detention_id=person["detention"]["id"],
                      release={"released_on": day} if day else {"stage": "carried_out"},
                      verification=verification or {"verdict": "reported"})  # fmt: skip


def test_what_a_ministry_says_alone_removes_nobody_whom_another_saw_inside_afterwards(world: World) -> None:
    person = world.file_detention("foro", detention__held_on="2026-01-10")
    let_go(world, "ministry", person, "2025-06-01")
    escape = {"how": "escaped", "on": "2025-06-01"}
    other = world.file_detention("foro", **OTHER_MAN, detention__held_on="2026-01-10")
    world.file_detention("ministry", detainee=None, detention={"ended": escape}, verification={"verdict": "reported"},
                         detention_id=other["detention"]["id"])  # fmt: skip
    for day in ("2025-12-01", "2026-01-10", "2026-02-10"):
        count = held(world, day)
        assert (count["total"]["cases"], count["caveats"]["uncertain_date"]) == (2, 0)
        assert by_source(world, day) == {"foro": (2, 0)}


def test_who_is_let_go_by_one_organisation_and_seen_inside_by_another_is_uncertain(world: World) -> None:
    person = world.file_detention("jep", detention__held_on="2026-01-10")
    let_go(world, "foro", person, "2026-01-05", verdict="verified", method="family")
    found = [held(world, day) for day in ("2026-01-05", "2026-01-10", "2026-02-10")]
    assert [(count["total"]["cases"], count["caveats"]["uncertain_date"]) for count in found] == [
        (1, 0),
        (0, 1),
        (0, 0),
    ]
    assert by_source(world, "2026-01-10") == {"jep": (1, 0)}


def test_who_left_on_different_days_by_two_accounts_counts_to_the_later_and_is_uncertain_from_the_earlier(
    world: World,
) -> None:
    release = world.file("foro", release__released_on="2026-01-20")["release"]["id"]
    world.verify(release, "jep", verdict="reported", method="lawyer", released_on="2026-01-10")
    found = [held(world, day) for day in ("2026-01-10", "2026-01-11", "2026-01-20", "2026-01-21")]
    counted = [(count["total"]["cases"], count["caveats"]["uncertain_date"]) for count in found]
    assert counted == [(1, 0), (1, 1), (1, 1), (0, 0)]


def test_who_was_seen_held_and_left_without_a_date_had_not_left_before_then(world: World) -> None:
    world.file(detention__held_on="2026-01-11", release__released_on=None)
    found = [held(world, day) for day in ("2026-01-07", "2026-01-11", "2026-01-12")]
    assert [(count["total"]["cases"], count["caveats"]["uncertain_date"]) for count in found] == [
        (1, 0),
        (1, 0),
        (0, 1),
    ]
    assert by_source(world, "2026-01-07") == {"foro": (1, 0)}


def test_who_left_on_no_known_day_and_died_later_is_uncertain_until_the_death(world: World) -> None:
    world.file(detention__detained_on="2024", release__released_on=None, detainee__died_on="2026-02-20")
    found = [held(world, day) for day in ("2026-02-10", "2026-02-21")]
    assert [(count["total"]["cases"], count["caveats"]["uncertain_date"]) for count in found] == [(0, 1), (0, 0)]


@pytest.mark.parametrize("how", ["escaped", "died"])
def test_whoever_died_or_escaped_is_held_no_more(world: World, how: str) -> None:
    world.file_detention(detention__ended={"how": how, "on": "2026-01-09"})
    world.file_detention(**OTHER_MAN, detention__ended={"how": how, "on": None})
    assert [number(world, day) for day in ("2026-01-09", "2026-01-10")] == [1, 0]
    assert held(world)["caveats"]["uncertain_date"] == 1, "an end without a day may lie on either side"


def test_a_day_of_death_ends_the_detention_that_nobody_else_ended(world: World) -> None:
    world.file_detention(detainee__died_on="2026-01-09")
    assert [number(world, day) for day in ("2026-01-09", "2026-01-10")] == [1, 0]
    assert by_source(world, "2026-01-10") == {}


def test_a_release_that_was_ordered_ends_nothing(world: World) -> None:
    world.file(release={"stage": "ordered", "ordered_on": "2026-01-08"})
    assert number(world, "2026-03-01") == 1


def test_a_refuted_release_ends_nothing(world: World) -> None:
    release = world.file("pud", verification__verdict="reported", verification__method="press")["release"]["id"]
    assert number(world, "2026-02-01") == 0
    world.verify(release, "foro", verdict="refuted", method="family")
    assert number(world, "2026-02-01") == 1
    assert by_source(world, "2026-02-01") == {}, "a denial alone says of no day that he was inside"


def test_of_whom_only_a_government_reports_the_detention_stands_apart(world: World) -> None:
    world.file_detention("ministry", verification__verdict="reported", verification__method=None)
    total = held(world)["total"]
    assert (total["cases"], total["official_only"]) == (0, 1)


def test_a_later_detention_ends_an_earlier_one_that_nobody_is_known_to_have_left(world: World) -> None:
    first = world.file("pud", verification__verdict="reported", verification__method=None)
    again(world, first, detention__detained_on="2026-01-20")
    assert [number(world, day) for day in ("2026-01-15", "2026-01-20", "2026-02-01")] == [0, 1, 1]
    world.verify(first["release"]["id"], "foro", verdict="refuted", method="family")
    assert [number(world, day) for day in ("2026-01-15", "2026-01-20", "2026-02-01")] == [1, 1, 1]


def test_house_arrest_is_out_of_prison_and_counted_when_asked_for(world: World) -> None:
    world.file(release__kind="house_arrest")
    assert number(world, "2026-01-20") == 0
    with_it = held(world, "2026-01-20", house_arrest=True)
    assert (with_it["total"]["cases"], with_it["terms"]["house_arrest"]) == (1, True)
    assert by_source(world, "2026-01-20", house_arrest=True) == {"foro": (1, 0)}


def test_who_was_detained_at_home_is_counted_with_and_without_those_released_there(world: World) -> None:
    """The legal status is personal: no public number may move with it."""
    world.file_detention(detention__legal_status="house_arrest")
    assert [number(world, "2026-01-20", house_arrest=asked) for asked in (False, True)] == [1, 1]


def test_each_source_counts_by_its_own_day_of_arrest(world: World) -> None:
    world.file_detention("foro", detention__detained_on="2024-10-13")
    world.file_detention("jep", detention__detained_on="2024-09-04", verification__method="lawyer")
    assert by_source(world, "2024-10-01") == {"jep": (1, 0)}
    assert by_source(world, "2024-10-13") == {"foro": (1, 0), "jep": (1, 0)}


def test_each_source_counts_by_its_own_day_of_release(world: World) -> None:
    world.file("foro", release__released_on="2026-01-12")
    world.file("jep", release__released_on="2026-01-09", verification__method="lawyer")
    assert by_source(world, "2026-01-10") == {"foro": (1, 0)}
    assert by_source(world, "2026-01-09") == {"foro": (1, 0), "jep": (1, 0)}


def test_who_is_a_political_prisoner_is_the_word_of_each_source(world: World) -> None:
    world.file_detention("foro", detainee__designation="political")
    world.file_detention("jep", detainee__designation="not_political", verification__method="lawyer")
    groups = held(world, group_by=["source", "designation"])["groups"]
    told = [(group["by"]["source"], group["by"]["designation"], group["counts"]["verified"]) for group in groups]
    assert told == [("foro", "political", 1), ("jep", "not_political", 1)]
    assert by_source(world, "2026-01-10", designation="political") == {"foro": (1, 0)}


def test_a_source_that_has_heard_of_no_release_still_says_that_the_person_is_held(world: World) -> None:
    world.file_detention("jep")
    world.file("foro")
    assert number(world, "2026-02-01") == 0
    assert by_source(world, "2026-02-01") == {"jep": (1, 0)}


def test_a_verified_release_verifies_that_the_person_had_been_held(world: World) -> None:
    first = world.file_detention("foro", verification__verdict="reported", verification__method=None)
    assert by_source(world, "2026-01-10") == {"foro": (0, 1)}
    world.file("foro", detention_id=first["detention"]["id"], detainee=None)
    assert by_source(world, "2026-01-10") == {"foro": (1, 0)}


def test_whoever_withdraws_its_release_report_says_nothing_more_of_the_detention(world: World) -> None:
    filed = world.file("foro")
    world.post(f"/v1/reports/{filed['report']['id']}/retract", {"reason": "another man"}, "foro")
    count = held(world)
    assert (count["total"]["cases"], count["total"]["refuted"]) == (0, 0)


def test_a_detention_that_independent_sources_deny_stands_apart(world: World) -> None:
    world.file_detention("ministry", verification__verdict="reported", verification__method=None)
    world.file_detention("foro", verification__verdict="refuted")
    assert (number(world, "2026-01-10"), held(world)["total"]["refuted"]) == (0, 1)
    world.file_detention("jep", verification__method="lawyer")
    assert held(world)["total"]["contested"] == 1


def heard_of(world: World, day: str = "2026-01-10", **terms: Any) -> tuple[int, int, int]:
    """How many are held on a day, how many are outside `held_within`, and how many are uncertain."""
    count = held(world, day, **terms)
    return count["total"]["cases"], count["caveats"]["outside_held_within"], count["caveats"]["uncertain_date"]


def test_a_person_counts_as_held_if_an_arrest_or_a_sighting_lies_within_two_years(world: World) -> None:
    world.file_detention(detention__detained_on="2021-05-01", detention__held_on="2023-10-15")
    assert [heard_of(world, day) for day in ("2025-10-15", "2025-10-16")] == [(1, 0, 0), (0, 1, 0)]
    assert [heard_of(world, held_within=years) for years in (1, 2, 3, 100)] == [
        (0, 1, 0),
        (0, 1, 0),
        (1, 0, 0),
        (1, 0, 0),
    ]


def test_two_years_before_a_29_february_is_a_28_february(world: World) -> None:
    world.file_detention(detention__detained_on="2022-02-28")
    assert [heard_of(world, day)[0] for day in ("2024-02-28", "2024-02-29", "2024-03-01")] == [1, 1, 0]


def test_a_coarse_date_counts_by_its_last_possible_day(world: World) -> None:
    world.file_detention(detention__detained_on="2023")
    assert [heard_of(world, day)[0] for day in ("2025-12-31", "2026-01-01")] == [1, 0]


def test_who_is_held_on_no_known_day_stays_uncertain(world: World) -> None:
    world.file_detention(detention__detained_on=None)
    assert heard_of(world) == (0, 0, 1)


def test_an_uncertain_detention_of_long_ago_is_in_no_number(world: World) -> None:
    first = world.file("foro", detention__detained_on="2018-03", release__released_on="2019-06-01")
    denial = {"release_id": first["release"]["id"], "detainee": None, "release__released_on": None}
    world.file("jep", **denial, verification__verdict="refuted", verification__method="lawyer")
    assert heard_of(world, held_within=100) == (0, 0, 1)
    assert heard_of(world) == (0, 0, 0)


def test_a_check_a_denial_and_a_government_show_nobody_inside(world: World) -> None:
    first = world.file_detention(detention__detained_on="2021-05-01", verification__verified_on="2025-12-01")
    known = {"detention_id": first["detention"]["id"], "detainee": None, "detention__held_on": "2025-12-01"}
    world.file_detention("ministry", **known, verification__method=None, verification__verdict="reported")
    world.file_detention("jep", **known, verification__verdict="disputed")
    assert heard_of(world)[:2] == (0, 1)
    world.file_detention("pud", **known)
    assert heard_of(world)[:2] == (1, 0)


def test_a_row_of_one_source_is_of_that_sources_own_dates(world: World) -> None:
    first = world.file_detention("foro", detention__detained_on="2021-05-01")
    again(world, first, detention__detained_on="2021-05-01", detention__held_on="2025-12-01")
    assert by_source(world, "2026-01-10") == {"jep": (1, 0)}
    assert heard_of(world, source="foro")[:2] == (0, 1)
    assert by_source(world, "2026-01-10", held_within=5) == {"foro": (1, 0), "jep": (1, 0)}


def test_the_list_behind_a_count_leaves_out_whom_the_count_does(world: World) -> None:
    world.file_detention(detention__detained_on="2021-05-01")
    lists = [held(world, held_within=years)["links"]["list"] for years in (2, 5)]
    assert [len(world.client.get(address).json()["data"]) for address in lists] == [0, 1]


def test_without_a_day_it_is_that_of_the_revision_in_the_zone_asked_for(world: World) -> None:
    world.file()
    assert held(world, None)["terms"]["held_on"] == "2026-03-01"
    assert held(world, None, zone="+14:00")["terms"]["held_on"] == "2026-03-02"


def test_a_month_means_its_last_day_and_the_answer_says_so(world: World) -> None:
    world.file()
    assert held(world, "2026-01")["terms"]["held_on"] == "2026-01-31"
    assert (number(world, "2025-12"), number(world, "2026-01")) == (1, 0)


def test_what_was_known_then_can_be_asked_for(world: World) -> None:
    first = world.file_detention("foro")
    then = world.revision
    world.file("foro", detention_id=first["detention"]["id"], detainee=None)
    assert (number(world, "2026-02-01", as_of=then), number(world, "2026-02-01")) == (1, 0)


def test_a_personal_dimension_tells_only_what_the_reader_may_see(world: World) -> None:
    world.file_detention(detention__legal_status="pretrial")
    world.file_detention(**OTHER_MAN, detention__legal_status="pretrial", detainee__publish="anonymous")
    groups = held(world, group_by="legal_status")["groups"]
    assert [(group["by"]["legal_status"], group["counts"]["cases"], group["list"] is None) for group in groups] == [
        ("pretrial", 1, False), ("withheld", 1, True),
    ]  # fmt: skip
    assert number(world, "2026-01-10", legal_status="pretrial") == 1
    whole = held(world, who="reader", group_by="legal_status")["groups"]
    assert [(group["by"]["legal_status"], group["counts"]["cases"]) for group in whole] == [("pretrial", 2)]


def test_a_refuted_detention_is_not_counted_and_its_days_are_uncertain(world: World) -> None:
    """What nobody checked and an organisation refutes is no number, and no nought either."""
    press = world.file_detention("pud", verification__method="press")
    pointed = {"detention_id": press["detention"]["id"], "detainee": None}
    world.file_detention("ministry", **pointed, verification__verdict="refuted")
    assert number(world, "2026-01-10") == 1, "a government's denial changes nothing"
    world.file_detention("jep", **pointed, verification__verdict="refuted", verification__method="family")
    counts = [held(world, day) for day in ("2024-10-12", "2026-01-10")]
    assert [(count["total"]["cases"], count["total"]["refuted"]) for count in counts] == [(0, 0), (0, 1)]
    assert [count["caveats"]["uncertain_date"] for count in counts] == [0, 1]
    world.file_detention("foro", **pointed, verification__verdict="reported", verification__method="family")
    count = held(world, "2026-01-10")
    assert (count["total"]["contested"], count["caveats"]["uncertain_date"]) == (1, 1)


def test_a_source_that_denies_what_it_repeated_refutes_it(world: World) -> None:
    press = world.file_detention("pud", verification__method="press")
    pointed = {"detention_id": press["detention"]["id"], "detainee": None}
    world.file_detention("pud", **pointed, verification__verdict="refuted", verification__method="family")
    count = held(world, "2026-01-10")
    assert (count["total"]["refuted"], count["caveats"]["uncertain_date"]) == (1, 1)
