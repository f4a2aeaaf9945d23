"""An end of custody beside the days on which somebody was seen inside: whose word counts, and from when to when."""

import pytest

from app.dates import FIRST_DAY, LAST_DAY, PartialDate, parse_date
from app.projection import Statement
from app.projection.consolidate import read_field
from app.projection.ends import (
    NO_END,
    End,
    compute_end_bounds,
    consolidate_end,
    find_custody_sightings,
    find_earliest_end,
    find_sightings,
    pick_finer_end,
    select_credible,
)
from tests.registry.statements import held, out, statement

RELEASED = read_field("release.released_on")
SEEN = held(9, "jep", detention__held_on="2026-01-10")


def days(*texts: str) -> list[PartialDate]:
    return [parse_date(text) for text in texts]


def between(lo: str, hi: str) -> tuple[int, int]:
    return parse_date(lo).lo, parse_date(hi).hi


@pytest.mark.parametrize("word, counts", [
    (out(1, "ministry", "2026-01-05"), False),
    (out(1, "ministry", "2026-01"), True),  # it may have been after the tenth
    (out(1, "ministry"), True),
    (out(1, "ministry", "2026-01-11"), True),
    (out(1, "foro", "2026-01-05"), True),
    (out(1, "foro", "2026-01-05", verification__citing=["ministry"]), False),
    (out(1, "foro", "2026-01-05", verification__method="press"), False),
])  # fmt: skip
def test_an_end_before_an_independent_sighting_counts_only_by_an_independent_word(
    word: Statement, counts: bool
) -> None:
    assert bool(select_credible([word], RELEASED, find_sightings([SEEN]))) is counts


@pytest.mark.parametrize("sighting", [
    held(9, "police", detention__held_on="2026-01-10"),
    held(9, "jep", detention__held_on="2026-01-10", verification__citing=["police"]),
    held(9, "jep", detention__held_on="2026-01-10", verification__verdict="retracted"),
    held(9, "jep", detention__held_on="2026-01-10", verification__verdict="refuted"),
    held(9, "jep", detention__held_on="2026-01"),
])  # fmt: skip
def test_it_counts_where_no_independent_source_surely_saw_the_person_later(sighting: Statement) -> None:
    seen = find_sightings([sighting])
    assert select_credible([out(1, "ministry", "2026-01-05")], RELEASED, seen)


def test_nobody_left_before_being_arrested() -> None:
    arrest = held(9, "jep", since="2026-01-10")
    assert select_credible([out(1, "ministry", "2026-01-05")], RELEASED, find_sightings([arrest]))
    assert not select_credible([out(1, "ministry", "2026-01-05")], RELEASED, find_custody_sightings([arrest]))


def test_what_is_left_of_an_end_is_told_by_those_who_count() -> None:
    seen = find_sightings([SEEN])
    ministry, police = out(1, "ministry", "2026-01-05"), out(2, "police", "2026-01-12")
    assert consolidate_end([ministry], RELEASED, seen) is None
    later = consolidate_end([ministry, police], RELEASED, seen)
    assert later == End(
        parse_date("2026-01-12"), (parse_date("2026-01-12"),), (), independent=False, source_slugs=frozenset({"police"})
    )
    undated = consolidate_end([ministry, out(3, "foro")], RELEASED, seen)
    assert undated == End(None, (), independent=False, source_slugs=frozenset({"foro"}))


def test_the_days_that_settle_an_end_are_those_of_independent_sources() -> None:
    said = [out(1, "ministry", "2026-01-05"), out(2, "foro", "2026-01-07"), out(3, "pud", "2026-01-12")]
    end = consolidate_end(said, RELEASED, [])
    assert end is not None
    assert (end.independent, list(end.deciding_days)) == (True, days("2026-01-07", "2026-01-12"))


def test_an_end_is_not_before_the_last_day_inside() -> None:
    assert compute_end_bounds(End(parse_date("2026-01")), days("2024-10-13", "2026-01-11"), []) == between(
        "2026-01-11", "2026-01-31"
    )
    assert compute_end_bounds(End(None), days("2024-10-13", "2026-01-11"), []) == (
        parse_date("2026-01-11").lo,
        LAST_DAY,
    )
    assert compute_end_bounds(End(None), [], []) == (FIRST_DAY, LAST_DAY)


def test_a_day_inside_that_does_not_weigh_as_much_contradicts_nothing() -> None:
    assert compute_end_bounds(End(parse_date("2026-01-05")), days("2026-01-10"), []) == between(
        "2026-01-05", "2026-01-05"
    )


def test_a_contradicted_end_has_no_last_day_unless_one_was_given_that_agrees() -> None:
    seen = days("2026-01-10")
    assert compute_end_bounds(End(parse_date("2026-01-05")), seen, seen) == (parse_date("2026-01-05").lo, LAST_DAY)
    settled = End(parse_date("2026-01-05"), deciding_days=tuple(days("2026-01-05", "2026-02-01", "2026-01-12")))
    assert compute_end_bounds(settled, seen, seen) == between("2026-01-05", "2026-01-12")


def test_the_earliest_of_several_ends_is_as_vague_as_they_are() -> None:
    assert find_earliest_end([]) == NO_END
    death, month = between("2026-01-15", "2026-01-15"), between("2026-01", "2026-01")
    assert find_earliest_end([month, death]) == between("2026-01-01", "2026-01-15")
    assert find_earliest_end([(FIRST_DAY, LAST_DAY), death]) == (FIRST_DAY, death[1])


def test_two_words_on_one_end_are_as_precise_as_the_better() -> None:
    year, day, none = End(parse_date("2026")), End(parse_date("2026-01-15")), End(None)
    assert (
        pick_finer_end(year, day)
        == pick_finer_end(day, year)
        == pick_finer_end(none, day)
        == pick_finer_end(day, None)
        == day
    )
    assert pick_finer_end(none, None) == none
    assert pick_finer_end(End(parse_date("2026-01-16")), day) == day


def test_a_refuted_release_says_that_the_person_is_inside() -> None:
    denial = statement(1, "foro", release__stage="carried_out", detention__held_on="2026-01-10",
                     verification__verdict="refuted")  # fmt: skip
    assert [(one.day.text, one.independent) for one in find_sightings([denial])] == [("2026-01-10", True)]
