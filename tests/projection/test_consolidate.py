"""One value out of what several sources say: properties that hold whatever they say."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app import dates
from app.projection.consolidate import (
    SourceValue,
    collect_facts,
    date_fact,
    get_fact_value,
    get_last_day_key,
    get_value_by_source,
    latest_fact,
    plain_fact,
    read_field,
    read_source_values,
    union_fact,
)
from app.schemas.base import Facts
from tests.projection.histories import DATES
from tests.registry.statements import statement

SOURCES = ("foro", "jep", "pud", "ministry")


@st.composite
def words(draw: st.DrawFn, values: st.SearchStrategy[Any]) -> list[SourceValue]:
    """At most one word of each source."""
    speaking = draw(st.lists(st.sampled_from(SOURCES), unique=True, min_size=1))
    return [
        SourceValue(
            draw(values), source, source != "ministry" and draw(st.booleans()), draw(st.booleans()), draw(st.booleans())
        )
        for source in speaking
    ]


said_dates = words(st.sampled_from(DATES))
said_lists = words(st.lists(st.sampled_from(["AR", "IL", "VE"]), min_size=1, unique=True))


def deciding(said: Sequence[SourceValue]) -> list[SourceValue]:
    """Rule 4: independent sources that verified, else independent ones, else all; what was kept only where no
    independent source states a value."""
    for asked in (
        [one for one in said if one.independent and one.is_verified and not one.is_inherited],
        [one for one in said if one.independent and not one.is_inherited],
        [one for one in said if one.independent and one.is_verified],
        [one for one in said if one.independent],
    ):
        if asked:
            return asked
    return list(said)


def best_days(said: Sequence[SourceValue]) -> tuple[int, int]:
    """Rule 4 by brute force: the interval that holds all the dates that most support."""
    votes = {
        one.value: sum(dates.parse_date(other.value).contains(dates.parse_date(one.value)) for other in deciding(said))
        for one in deciding(said)
    }
    tied = [dates.parse_date(value) for value, number in votes.items() if number == max(votes.values())]
    return min(day.lo for day in tied), max(day.hi for day in tied)


@given(said_dates)
def test_a_date_is_the_one_the_rule_gives(said: list[SourceValue]) -> None:
    fact = date_fact(said)
    assert fact is not None
    day = dates.parse_date(fact["value"])
    assert (day.lo, day.hi) == best_days(said)
    assert fact["value"] in {one.value for one in said} or "/" in fact["value"]


@given(said_dates)
def test_a_plain_value_is_the_one_most_say_or_none(said: list[SourceValue]) -> None:
    fact = plain_fact(said)
    assert fact is not None
    values = [one.value for one in deciding(said)]
    most = max(values.count(value) for value in values)
    tied = {value for value in values if values.count(value) == most}
    assert fact["value"] == (tied.pop() if len(tied) == 1 else None)


@given(said_dates, st.randoms(use_true_random=False))
def test_no_order_changes_a_fact(said: list[SourceValue], random: Any) -> None:
    before = [combine(said) for combine in (plain_fact, date_fact, latest_fact)]
    random.shuffle(said)
    assert [combine(said) for combine in (plain_fact, date_fact, latest_fact)] == before


@given(said_dates)
def test_every_fact_says_who_says_what_the_chosen_value_first(said: list[SourceValue]) -> None:
    own = {(one.source, one.value) for one in said if not one.is_inherited}
    for combine in (plain_fact, date_fact, latest_fact):
        fact = combine(said)
        assert fact is not None
        listed = [one["value"] for one in fact["said"]]
        assert fact["value"] not in listed[1:]
        assert {(by, one["value"]) for one in fact["said"] for by in one["by"]} == own


@given(said_dates)
def test_sources_that_are_not_independent_change_nothing_that_independent_ones_say_alike(
    said: list[SourceValue],
) -> None:
    own = [one for one in said if one.independent and not one.is_inherited]
    if len({one.value for one in own}) == 1 and all(dates.parse_date(one.value).precision == "day" for one in own):
        fact = date_fact(said)
        assert fact is not None
        assert fact["value"] == own[0].value


@given(said_lists)
def test_a_union_holds_what_any_independent_source_says_and_nothing_else(said: list[SourceValue]) -> None:
    fact = union_fact(said)
    assert fact is not None
    deciding = [one for one in said if one.independent] or said
    assert set(fact["value"]) == {item for one in deciding for item in one.value}
    assert fact["value"] == sorted(fact["value"])


@given(said_dates)
def test_the_latest_date_ends_last(said: list[SourceValue]) -> None:
    fact = latest_fact(said)
    assert fact is not None
    assert all(get_last_day_key(one.value) <= get_last_day_key(fact["value"]) for one in said)


def test_where_nobody_says_anything_there_is_no_fact() -> None:
    assert [combine([]) for combine in (plain_fact, date_fact, latest_fact, union_fact)] == [None] * 4
    assert get_fact_value({}, "kind") is None
    assert collect_facts([statement(1)], {"kind": plain_fact}, "release") == {}


def test_a_source_says_what_its_newest_report_that_speaks_of_it_says() -> None:
    said = [
        statement(1, revision=7, detainee__gender="male"),
        statement(2, detainee__gender="female"),
        statement(3, revision=9),
        statement(4, "jep", detainee__gender="female", detainee__full_name="Berta", revision=5),
        statement(5, "jep", detainee__gender="male", verification__verdict="retracted", revision=11),
    ]
    assert [(one.source, one.value) for one in read_source_values(said, read_field("detainee.gender"))] == [
        ("foro", "male"),
        ("jep", "female"),
    ]
    facts = collect_facts(said, {"gender": plain_fact, "full_name": plain_fact}, "detainee")
    assert get_fact_value(facts, "full_name") == "Berta"


def test_the_value_by_a_source_is_the_one_that_it_says() -> None:
    facts: Facts = {"age": {"value": 30, "said": [{"value": 30, "by": ["foro", "jep"]}, {"value": 31, "by": ["pud"]}]}}
    assert [get_value_by_source(slug, facts, "age") for slug in ("jep", "pud", "ministry")] == [30, 31, None]
    assert get_value_by_source("jep", facts, "gender") is None
