"""An end of custody beside the days on which somebody was seen inside: whose word counts, and from when to when."""

import pytest

from app.dates import FIRST_DAY, LAST_DAY, PartialDate, parse
from app.projection import Statement
from app.projection.consolidate import field
from app.projection.ends import STANDS, End, bounds, credible, days_inside, earliest, end_of, finer, sightings
from tests.registry.statements import held, out, statement

RELEASED = field("release.released_on")
SEEN = held(9, "jep", detention__held_on="2026-01-10")


def days(*texts: str) -> list[PartialDate]:
    return [parse(text) for text in texts]


def between(lo: str, hi: str) -> tuple[int, int]:
    return parse(lo).lo, parse(hi).hi


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
    assert bool(credible([word], RELEASED, sightings([SEEN]))) is counts


@pytest.mark.parametrize("sighting", [
    held(9, "police", detention__held_on="2026-01-10"),
    held(9, "jep", detention__held_on="2026-01-10", verification__citing=["police"]),
    held(9, "jep", detention__held_on="2026-01-10", verification__verdict="retracted"),
    held(9, "jep", detention__held_on="2026-01-10", verification__verdict="refuted"),
    held(9, "jep", detention__held_on="2026-01"),
])  # fmt: skip
def test_it_counts_where_no_independent_source_surely_saw_the_person_later(sighting: Statement) -> None:
    seen = sightings([sighting])
    assert credible([out(1, "ministry", "2026-01-05")], RELEASED, seen)


def test_nobody_left_before_being_arrested() -> None:
    arrest = held(9, "jep", since="2026-01-10")
    assert credible([out(1, "ministry", "2026-01-05")], RELEASED, sightings([arrest]))
    assert not credible([out(1, "ministry", "2026-01-05")], RELEASED, days_inside([arrest]))


def test_what_is_left_of_an_end_is_told_by_those_who_count() -> None:
    seen = sightings([SEEN])
    ministry, police = out(1, "ministry", "2026-01-05"), out(2, "police", "2026-01-12")
    assert end_of([ministry], RELEASED, seen) is None
    later = end_of([ministry, police], RELEASED, seen)
    assert later == End(parse("2026-01-12"), (parse("2026-01-12"),), (), independent=False, by=frozenset({"police"}))
    undated = end_of([ministry, out(3, "foro")], RELEASED, seen)
    assert undated == End(None, (), independent=False, by=frozenset({"foro"}))


def test_the_days_that_settle_an_end_are_those_of_independent_sources() -> None:
    said = [out(1, "ministry", "2026-01-05"), out(2, "foro", "2026-01-07"), out(3, "pud", "2026-01-12")]
    end = end_of(said, RELEASED, [])
    assert end is not None
    assert (end.independent, list(end.given)) == (True, days("2026-01-07", "2026-01-12"))


def test_an_end_is_not_before_the_last_day_inside() -> None:
    assert bounds(End(parse("2026-01")), days("2024-10-13", "2026-01-11"), []) == between("2026-01-11", "2026-01-31")
    assert bounds(End(None), days("2024-10-13", "2026-01-11"), []) == (parse("2026-01-11").lo, LAST_DAY)
    assert bounds(End(None), [], []) == (FIRST_DAY, LAST_DAY)


def test_a_day_inside_that_does_not_weigh_as_much_contradicts_nothing() -> None:
    assert bounds(End(parse("2026-01-05")), days("2026-01-10"), []) == between("2026-01-05", "2026-01-05")


def test_a_contradicted_end_has_no_last_day_unless_one_was_given_that_agrees() -> None:
    seen = days("2026-01-10")
    assert bounds(End(parse("2026-01-05")), seen, seen) == (parse("2026-01-05").lo, LAST_DAY)
    settled = End(parse("2026-01-05"), given=tuple(days("2026-01-05", "2026-02-01", "2026-01-12")))
    assert bounds(settled, seen, seen) == between("2026-01-05", "2026-01-12")


def test_the_earliest_of_several_ends_is_as_vague_as_they_are() -> None:
    assert earliest([]) == STANDS
    death, month = between("2026-01-15", "2026-01-15"), between("2026-01", "2026-01")
    assert earliest([month, death]) == between("2026-01-01", "2026-01-15")
    assert earliest([(FIRST_DAY, LAST_DAY), death]) == (FIRST_DAY, death[1])


def test_two_words_on_one_end_are_as_precise_as_the_better() -> None:
    year, day, none = End(parse("2026")), End(parse("2026-01-15")), End(None)
    assert finer(year, day) == finer(day, year) == finer(none, day) == finer(day, None) == day
    assert finer(none, None) == none
    assert finer(End(parse("2026-01-16")), day) == day


def test_a_refuted_release_says_that_the_person_is_inside() -> None:
    denial = statement(1, "foro", release__stage="carried_out", detention__held_on="2026-01-10",
                     verification__verdict="refuted")  # fmt: skip
    assert [(one.day.text, one.independent) for one in sightings([denial])] == [("2026-01-10", True)]
