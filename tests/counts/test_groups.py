"""In which groups a release or a person stands, and how often.

A day is put into the bucket that the calendar puts it into, and a bucket into words and back."""

from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.columns.rows import NULL
from app.counts.groups import format_bucket, parse_bucket
from app.dates import PartialDate, parse_date, parse_window_end, parse_window_start
from app.queries.dimensions import DayUnit
from app.queries.selection.windows import compute_bucket_numbers
from tests.buckets import bucket
from tests.drawn import USUAL, examples
from tests.support import GOVERNMENT, Body, World

AGAIN = {"detainee": None, "detention__detained_on": "2026-01-20", "release__released_on": "2026-02-10"}
BOTH = {"detainee__nationalities": ["AR", "IL"]}
OTHER_MAN = {"detainee__full_name": "Ismael Otero Invento", "detainee__birth_date": "1950"}


def groups(world: World, by: str | list[str], *names: str, who: str | None = None, **terms: Any) -> list[Any]:
    found = world.count(who, group_by=by, **terms)["groups"]
    keys = [by] if isinstance(by, str) else by
    return [(*(group["by"][key] for key in keys), *(group["counts"][name] for name in names)) for group in found]


def test_whoever_may_not_be_seen_stands_once_among_the_withheld_whatever_their_nationalities(world: World) -> None:
    world.file("foro", **BOTH, detainee__publish="counted")
    world.file("foro", **OTHER_MAN, detainee__nationalities=["VE"], detainee__publish="counted")
    world.file("foro", detainee__full_name="Ramiro Sosa Fingido", **BOTH)
    wanted = [("AR", 1, 1), ("IL", 1, 1), ("withheld", 2, 2)]
    assert groups(world, "nationality", "cases", "people") == wanted
    assert groups(world, ["nationality", "month"], "cases") == [
        ("AR", "2026-01", 1), ("IL", "2026-01", 1), ("withheld", "2026-01", 2),
    ]  # fmt: skip
    by_source = [("AR", "foro", 1, 1), ("IL", "foro", 1, 1), ("withheld", "foro", 2, 2)]
    assert groups(world, ["nationality", "source"], "verified", "people") == by_source
    asked = world.count(group_by="nationality")
    assert (asked["total"]["cases"], asked["caveats"]["not_visible"]) == (3, 2)


def test_two_personal_dimensions_of_whoever_may_not_be_seen_are_one_group(world: World) -> None:
    world.file("foro", **BOTH, detainee__publish="counted", detainee__gender="female")
    world.file("foro", **OTHER_MAN, **BOTH, detainee__gender=None)
    assert groups(world, ["nationality", "gender"], "cases") == [
        ("AR", None, 1), ("IL", None, 1), ("withheld", "withheld", 1),
    ]  # fmt: skip


def test_a_person_stands_once_in_a_group_however_many_of_its_spells_do(world: World) -> None:
    person = world.file("foro")["detainee"]["id"]
    world.file("foro", detainee_id=person, **AGAIN)
    world.file("foro", **OTHER_MAN)
    assert groups(world, "gender", "cases", "people") == [("male", 3, 2)]
    assert groups(world, "source", "verified", "people") == [("foro", 3, 2)]
    assert groups(world, ["gender", "month"], "cases", "people") == [
        ("male", "2026-01", 2, 2),
        ("male", "2026-02", 1, 1),
    ]
    assert world.count()["total"]["people"] == 2


def test_spells_that_are_of_one_person_only_since_a_judgement_are_counted_so_at_each_revision(world: World) -> None:
    one = world.file("foro")["detainee"]["id"]
    two = world.file("foro", **{**OTHER_MAN, **AGAIN, "detainee": {**_man(), "publish": "named"}})["detainee"]["id"]
    apart = world.revision
    world.judge(one, two, "same")
    assert groups(world, "gender", "cases", "people", as_of=apart) == [("male", 2, 2)]
    assert groups(world, "gender", "cases", "people") == [("male", 2, 1)]


def _man() -> Body:
    return {"full_name": "Ismael Otero Invento", "birth_date": "1950", "gender": "male", "nationalities": ["VE"]}


def test_a_place_by_the_name_of_the_withheld_is_not_told_from_them_nor_beside_them(world: World) -> None:
    """A group is known by its values: two of one name would be read as one of them."""
    world.add_facility("yare", "Yare", area="withheld")
    world.file("foro", detention__facility="Yare")
    world.file("foro", **OTHER_MAN, detention__facility="Yare", detainee__publish="counted")
    assert groups(world, "area", "cases") == [("withheld", 2)]


UNITS: tuple[DayUnit, ...] = ("day", "week", "month")
# Where a calendar breaks first: leap days, ISO weeks of two years, ends of months and of centuries.
EDGES = tuple(
    date.fromisoformat(text)
    for text in (
        "0001-01-01", "0001-12-31", "1582-10-10", "1899-12-31", "1900-02-28", "1900-03-01", "2000-02-29", "2000-03-01",
        "2015-12-31", "2016-01-03", "2020-12-31", "2021-01-03", "2024-02-29", "2024-12-30", "2026-01-01", "9999-12-31",
    )
)  # fmt: skip
DAYS = st.one_of(st.sampled_from(EDGES), st.dates())


@st.composite
def partial_dates(draw: st.DrawFn) -> PartialDate:
    """A day, or a few days up to some weeks, in which a bucket may or may not end."""
    first = draw(DAYS).toordinal()
    last = min(first + draw(st.sampled_from((0, 0, 1, 6, 27, 30, 365))), date.max.toordinal())
    return PartialDate("", first, last)


def _numbers(when: list[PartialDate], unit: DayUnit) -> list[int]:
    lo, hi = (np.array(days, np.int32) for days in ([one.lo for one in when], [one.hi for one in when]))
    numbers: list[int] = compute_bucket_numbers(lo, hi, unit).tolist()
    return numbers


@pytest.mark.parametrize("unit", UNITS)
@examples(USUAL)
@given(when=st.lists(partial_dates(), min_size=1, max_size=20))
def test_a_date_is_in_the_same_bucket_as_in_the_calendar(unit: DayUnit, when: list[PartialDate]) -> None:
    assert [format_bucket(number, unit) for number in _numbers(when, unit)] == [bucket(one, unit) for one in when]


@pytest.mark.parametrize("unit", UNITS)
def test_the_days_of_four_centuries_are_in_the_buckets_of_the_calendar(unit: DayUnit) -> None:
    first = date(1999, 12, 25).toordinal()
    days = [PartialDate("", day, day) for day in range(first, first + 146_097, 97)]
    assert [format_bucket(n, unit) for n in _numbers(days, unit)] == [bucket(one, unit) for one in days]


@pytest.mark.parametrize(
    "unit, text, in_words",
    [
        ("day", "2026-01-12", "2026-01-12"),
        ("week", "2026-01-12", "2026-W03"),
        ("week", "2021-01-03", "2020-W53"),
        ("week", "2024-12-30", "2025-W01"),
        ("month", "2026-01", "2026-01"),
        ("month", "2026-01-08/2026-01-31", "2026-01"),
        ("week", "2026-01-12/2026-01-18", "2026-W03"),
        ("day", "2026-01-12/2026-01-13", None),
        ("week", "2026-01-18/2026-01-19", None),
        ("month", "2026-01-31/2026-02-01", None),
        ("month", "2026", None),
        ("day", "2026-01", None),
    ],
)
def test_a_date_that_straddles_buckets_stands_in_none(unit: DayUnit, text: str, in_words: str | None) -> None:
    assert format_bucket(_numbers([parse_date(text)], unit)[0], unit) == in_words


def test_an_undated_event_stands_in_no_bucket() -> None:
    undated = np.array([NULL], np.int32)
    assert [compute_bucket_numbers(undated, undated, unit).tolist() for unit in UNITS] == [[NULL]] * len(UNITS)
    assert format_bucket(NULL, "week") is None


@given(day=st.dates(max_value=date(9999, 12, 20)), unit=st.sampled_from(UNITS))
def test_the_window_of_a_bucket_holds_its_days_and_no_others(day: date, unit: DayUnit) -> None:
    when = PartialDate("", day.toordinal(), day.toordinal())
    text = bucket(when, unit)
    assert text is not None
    first, last = parse_bucket(text, unit)
    lo, hi = parse_window_start(first), parse_window_end(last)
    assert lo <= when.lo <= hi
    assert bucket(PartialDate("", lo, hi), unit) == text
    outside = [edge for edge in (lo - 1, hi + 1) if edge >= 1]
    assert all(bucket(PartialDate("", edge, edge), unit) != text for edge in outside)


@pytest.fixture
def confirmed_later(world: World) -> World:
    """A release of 30 January that two sources date so, and a third on 2 February."""
    release = world.file("foro", release__released_on="2026-01-30")["release"]["id"]
    world.verify(release, "jep", verdict="verified", method="family", released_on="2026-01-30")
    world.verify(release, "pud", verdict="verified", method="family", released_on="2026-02-02")
    return world


@pytest.mark.parametrize("window", [{}, {"released_from": "2026-01-08", "released_to": "2026-02-28"}])
def test_a_group_by_month_counts_like_the_window_of_the_month(confirmed_later: World, window: Body) -> None:
    whole = confirmed_later.count(group_by="month", **window)
    assert whole["total"]["by_min_sources"] == {"1": 1, "2": 1, "3": 1}
    (group,) = whole["groups"]
    assert group["counts"]["by_min_sources"] == {"1": 1, "2": 1}
    month = confirmed_later.count(released_from="2026-01", released_to="2026-01")
    assert group["counts"]["by_min_sources"] == month["total"]["by_min_sources"]


@pytest.mark.parametrize(
    "terms", [{"min_sources": 2, "max_sources": 2}, {"max_sources": 3}, {"min_sources": 3}, {"status": "verified"}]
)
@pytest.mark.parametrize("group_by", [["month"], ["source", "month"], ["month", "day"], ["month", "source_count"]])
def test_the_list_behind_a_group_by_month_has_as_many_as_the_group(
    confirmed_later: World, terms: Body, group_by: list[str]
) -> None:
    for group in confirmed_later.count(group_by=group_by, **terms)["groups"]:
        listed = confirmed_later.client.get(group["list"]).json()["data"]
        assert len(listed) == group.get("releases", group["counts"]["verified"]), group


def test_a_group_by_month_has_members_whom_only_its_own_month_confirms(confirmed_later: World) -> None:
    assert [
        len(confirmed_later.count(group_by="month", min_sources=number, max_sources=number)["groups"])
        for number in (2, 3)
    ] == [1, 0]
    groups = confirmed_later.count(group_by=["source", "month"], min_sources=1, max_sources=1)["groups"]
    assert [(group["by"]["source"], group["by"]["month"]) for group in groups] == [("pud", "2026-02")]


def test_cases_are_those_with_the_status_asked_for(world: World) -> None:
    world.file()
    denied = world.file(GOVERNMENT, detainee__full_name="Eva Paz", detainee__birth_date="1950")
    world.verify(denied["release"]["id"], "foro", verdict="refuted", method="family")
    for status, cases in (("verified", 1), ("refuted", 1), (["verified", "refuted"], 2)):
        count = world.count(status=status)
        rows = world.client.get(count["links"]["list"]).json()["data"]
        assert len(rows) == count["total"]["cases"] == count["total"]["people"] == cases, status
