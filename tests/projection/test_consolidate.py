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
from app.projection.event_dates import FIRST_HAND, GOVERNMENT, ORGANISATION, VERIFYING
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
            draw(values),
            source,
            GOVERNMENT if source == "ministry" else draw(st.sampled_from([VERIFYING, FIRST_HAND, ORGANISATION])),
            draw(st.booleans()),
        )
        for source in speaking
    ]


said_dates = words(st.sampled_from(DATES))
said_lists = words(st.lists(st.sampled_from(["AR", "IL", "VE"]), min_size=1, unique=True))


def deciding(said: Sequence[SourceValue]) -> list[SourceValue]:
    """Rules 5 and 15: the first group of sources with a value; own values before those taken over."""
    group = [one for one in said if one.rank == min(other.rank for other in said)]
    return [one for one in group if not one.is_taken_over] or group


def best_days(said: Sequence[SourceValue]) -> tuple[int, int]:
    """Rule 5 by brute force: the latest of the dates with the most support."""
    days = [dates.parse_date(one.value) for one in deciding(said)]
    support = {day: sum(day.is_within(other) for other in days) for day in days}
    latest = max((day for day in days if support[day] == max(support.values())), key=lambda day: (day.hi, day.lo))
    return latest.lo, latest.hi


@given(said_dates)
def test_a_date_is_the_one_the_rule_gives(said: list[SourceValue]) -> None:
    fact = date_fact(said)
    assert fact is not None
    day = dates.parse_date(fact["value"])
    assert (day.lo, day.hi) == best_days(said)
    assert fact["value"] in {one.value for one in deciding(said)}


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
    own = {(one.source, one.value) for one in said if not one.is_taken_over}
    for combine in (plain_fact, date_fact, latest_fact):
        fact = combine(said)
        assert fact is not None
        listed = [one["value"] for one in fact["said"]]
        assert fact["value"] not in listed[1:]
        assert {(by, one["value"]) for one in fact["said"] for by in one["by"]} == own


@given(said_dates)
def test_governments_change_no_value_that_organisations_give(said: list[SourceValue]) -> None:
    organisations = [one for one in said if one.rank < GOVERNMENT]
    for combine in (plain_fact, date_fact):
        fact, alone = combine(said), combine(organisations)
        assert alone is None or (fact is not None and fact["value"] == alone["value"])


@given(said_lists)
def test_a_union_holds_what_any_organisation_says_and_nothing_else(said: list[SourceValue]) -> None:
    fact = union_fact(said)
    assert fact is not None
    giving = [one for one in said if one.rank < GOVERNMENT] or said
    assert set(fact["value"]) == {item for one in giving for item in one.value}
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
