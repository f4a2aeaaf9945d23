"""How the reports of one person are divided into detentions: rules 4 and 10, and properties of any reports."""

from dataclasses import replace
from itertools import permutations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.projection import Statement
from app.projection.detentions import build_units, divide_into_detentions, find_pointer_roots
from app.projection.statements import ASSERTIONS
from tests.projection.histories import reports
from tests.registry.statements import ARREST, J8, J20, held, out, records_of, refuted, statement, verified

RETRACTED = {"verification__verdict": "retracted"}


def ids_of(said: list[Statement]) -> list[list[str]]:
    return [sorted(one.id for one in detention.statements) for detention in divide_into_detentions(said)]


@given(reports())
def test_every_report_is_in_exactly_one_detention_and_none_is_empty(said: list[Statement]) -> None:
    placed = records_of(said)
    assert sorted(record for detention in placed for record in detention) == [one.record for one in said]
    assert all(placed)


@given(reports(), st.randoms(use_true_random=False))
def test_no_order_of_arrival_changes_the_detentions(said: list[Statement], random: Random) -> None:
    """The same reports come in another order: they keep their ids, and get other keys and revisions."""
    arrival = [one.record for one in said]
    random.shuffle(arrival)
    key = dict(zip((one.record for one in said), arrival, strict=True))
    moved = [
        replace(one, record=key[one.record], revision=key[one.record], pointer=key.get(one.pointer or 0))
        for one in said
    ]
    random.shuffle(moved)
    assert ids_of(moved) == ids_of(said)


@given(reports())
def test_a_report_stands_where_it_points_but_governments_place_no_organisation(said: list[Statement]) -> None:
    placed = {record: number for number, detention in enumerate(records_of(said)) for record in detention}
    governments = {one.record for one in said if not one.source.independent}
    for one in said:
        if one.pointer in placed and (one.pointer not in governments or not one.source.independent):
            assert placed[one.record] == placed[one.pointer]


@given(reports())
def test_governments_neither_divide_nor_join_what_organisations_report(said: list[Statement]) -> None:
    organisations = {one.record for one in said if one.source.independent and not one.is_retracted}
    said = [one for one in said if not one.is_retracted]
    said = [one if one.pointer is None else replace(one, pointer=None) for one in said]
    if any(one.source.independent and one.verdict in ASSERTIONS for one in said):
        seen = [[record for record in detention if record in organisations] for detention in records_of(said)]
        assert [detention for detention in seen if detention] == records_of(s for s in said if s.source.independent)


@given(reports())
def test_every_detention_is_asserted_by_some_report_if_any_is(said: list[Statement]) -> None:
    """What was withdrawn or denied makes no detention of its own."""
    if any(one.verdict in ASSERTIONS for one in said):
        for detention in divide_into_detentions(said):
            assert any(one.verdict in ASSERTIONS for one in detention.statements)
    else:
        assert len(divide_into_detentions(said)) == 1


@given(reports())
def test_withdrawn_reports_change_no_detention_of_the_others(said: list[Statement]) -> None:
    """Those that nobody who stands points at, by however many steps."""
    pointer = {one.record: one.pointer for one in said}
    kept: set[int] = set()
    for one in said:
        step: int | None = None if one.is_retracted else one.record
        while step in pointer and step not in kept:
            kept.add(step)
            step = pointer[step]
    if kept:
        seen = [[record for record in detention if record in kept] for detention in records_of(said)]
        assert [detention for detention in seen if detention] == records_of(one for one in said if one.record in kept)


@given(reports())
def test_a_second_detention_begins_with_an_arrest_after_an_asserted_release(said: list[Statement]) -> None:
    releases = [day for one in said if one.asserts_release and (day := one.release_day)]
    for detention in divide_into_detentions(said):
        if detention.begin is not None:
            assert any(day.hi <= detention.begin.lo for day in releases)


# Rule 4


def test_a_new_arrest_after_a_release_makes_a_second_detention() -> None:
    first, second = divide_into_detentions([verified(1, "foro", J8, ARREST), held(2, "jep", J20)])
    assert [one.record for one in first.statements] == [1]
    assert first.begin is None
    assert second.begin is not None
    assert second.begin.text == J20


def test_an_arrest_in_a_denial_divides_nothing() -> None:
    said = [verified(1, "foro", J8, ARREST), verified(2, "pud", "2026-01-31"), refuted(3, "jep", "2026-01-31", J20)]
    assert records_of(said) == [[1, 2, 3]]


def test_a_slip_of_the_year_makes_no_second_detention() -> None:
    assert records_of([verified(1, "foro", J8, ARREST), verified(2, "jep", "2025-01-08"), verified(3, "pud", J8)]) == [
        [1, 2, 3]
    ]


def test_a_sighting_after_the_release_makes_no_second_detention() -> None:
    said = [verified(1, "foro", J8, ARREST), held(2, "pud", detention__held_on="2026-01-12")]
    assert records_of([*said, verified(3, "jep", "2026-01-31")]) == [[1, 2, 3]]


def test_an_arrest_on_the_day_of_the_release_begins_a_second_detention() -> None:
    assert records_of([verified(1, "foro", J8, ARREST), verified(2, "foro", J20, J8)]) == [[1], [2]]


def test_releases_on_one_side_of_an_arrest_are_one_release() -> None:
    said = [verified(1, "foro", J8, ARREST), verified(2, "jep", J20), verified(3, "pud", "2026-02-10")]
    assert records_of(said) == [[1, 2, 3]]
    assert records_of([*said, held(4, "foro", "2026-01-15")]) == [[1], [2, 3, 4]]


def test_dates_that_were_taken_over_and_second_hand_dates_divide() -> None:
    taken_over = out(
        1, "foro", taken__release__released_on=J8, taken__detention__detained_on=ARREST, verification__method="press"
    )
    assert records_of([taken_over, held(2, "jep", taken__detention__detained_on=J20)]) == [[1], [2]]


def test_a_coarse_arrest_that_may_lie_before_the_release_divides_nothing() -> None:
    assert records_of([verified(1, "foro", J8, ARREST), held(2, "jep", "2026-01")]) == [[1, 2]]
    assert records_of([verified(1, "foro", J8, ARREST), held(2, "jep", "2026-02")]) == [[1], [2]]


def test_an_arrest_after_the_release_divides_only_if_the_person_was_shown_in_custody_before() -> None:
    said = [verified(1, "foro", J8), held(2, "jep", J20)]
    assert records_of(said) == [[1, 2]]
    assert records_of([*said, held(3, "pud", detention__held_on="2025-12-01")]) == [[1, 3], [2]]


def test_a_withdrawn_arrest_divides_nothing_for_the_reports_that_point_at_it() -> None:
    pointing = verified(2, "jep", J8, "2025", pointer=1)
    earlier = verified(3, "pud", "2025-06-01", "2024-10")
    assert records_of([out(1, "foro", J8, "2025-06-01", **RETRACTED), pointing, earlier]) == [[1, 2, 3]]
    assert records_of([out(1, "foro", J8, "2025-06-01"), pointing, earlier]) == [[3], [1, 2]]


# Rule 10

TWO_DETENTIONS = [verified(101, "foro", J8, ARREST), held(102, "jep", J20)]


def place(said: Statement) -> int:
    """Return which of two detentions a report joins."""
    placed = records_of([*TWO_DETENTIONS, said])
    assert len({str(records_of(order)) for order in permutations([*TWO_DETENTIONS, said])}) == 1
    return next(i for i, records in enumerate(placed) if said.record in records)


def test_another_end_is_placed_like_a_release() -> None:
    assert place(held(1, "pud", J20, detention__ended={"how": "escaped", "on": J20})) == 0
    assert place(held(1, "pud", ARREST, detention__ended={"how": "escaped", "on": "2026-01-21"})) == 1


def test_a_coarse_date_is_placed_by_the_next_date_that_fits() -> None:
    assert place(out(1, "pud", "2026-01", ARREST)) == 0
    assert place(out(1, "pud", "2026-01")) == 0
    assert place(out(1, "pud", "2026-01", "2026-01", detention__held_on="2026-01-25")) == 1
    assert place(out(1, "pud", "2026-01", taken__detention__detained_on=J20)) == 1
    assert place(held(1, "pud", "2026-01", detention__held_on="2026-01-25")) == 1
    ordered = statement(
        1, "pud", release__stage="ordered", release__ordered_on="2026-01", release__announced_on="2026-01-22"
    )
    assert place(ordered) == 1


def test_a_report_is_placed_by_its_release_then_its_arrest_then_its_sighting() -> None:
    assert place(out(1, "pud", J8, J20)) == 0
    assert place(held(1, "pud", J20, detention__held_on="2026-01-10")) == 1
    assert place(held(1, "pud", detention__held_on="2026-01-19")) == 0
    assert place(held(1, "pud", detention__held_on=J20)) == 1
    assert place(held(1, "pud", taken__detention__detained_on=ARREST)) == 0


def test_a_report_without_a_date_joins_the_latest_release_or_the_latest_detention() -> None:
    assert (place(verified(1, "pud")), place(held(1, "pud"))) == (0, 1)


def test_a_report_is_placed_where_it_points_also_at_a_withdrawn_report() -> None:
    withdrawn = out(1, "pud", J8, **RETRACTED)
    assert records_of([*TWO_DETENTIONS, withdrawn, held(2, "pud", pointer=1)]) == [[1, 2, 101], [102]]
    assert records_of([*TWO_DETENTIONS, held(2, "pud", pointer=101)]) == [[2, 101], [102]]


def test_the_report_of_a_government_joins_the_detention_that_it_fits() -> None:
    assert place(out(1, "ministry", J8, ARREST)) == 0
    assert place(out(1, "ministry", "2026-02-10", "2026-02-01")) == 1
    # Its release places it in the first detention, but its arrest lies after the release there.
    assert place(out(1, "ministry", J20, "2026-01-15")) == 1
    # Its dates place it before the earliest arrest of either detention: it fits neither.
    assert records_of([*TWO_DETENTIONS, out(1, "ministry", "2024-01-01")]) == [[1], [101], [102]]


def test_the_reports_of_governments_that_fit_none_are_divided_among_themselves() -> None:
    official = [
        out(1, "ministry", "2020-02-01", "2020-01-01"),
        out(2, "police", "2020-02-01"),
        out(3, "ministry", "2022-02-01", "2022-01-01"),
    ]
    assert records_of(official) == [[1, 2], [3]]
    assert records_of([*official, *TWO_DETENTIONS]) == [[1, 2], [3], [101], [102]]
    assert records_of([*official, refuted(4, "foro", "2022-02-01")]) == [[1, 2], [3, 4]]


@pytest.mark.parametrize("since", [None, "2025-11-20"])
def test_a_ministrys_dates_move_nobody_who_points_at_its_report_and_gives_own_dates(since: str | None) -> None:
    pointing = verified(2, "jep", J8, pointer=1)
    assert records_of([out(1, "ministry", J8, since), pointing, verified(3, "pud", "2025-08-10", "2024-10")]) == [
        [1, 2, 3]
    ]


def test_a_ministrys_release_keeps_no_organisations_order_from_the_later_detention() -> None:
    ordered = statement(1, "foro", release__stage="ordered", release__ordered_on="2026-01")
    others = [out(3, "pud", "2025-06-01", "2024-10-13"), out(4, "jep", "2026-01-12", "2025-11-20")]
    assert records_of([ordered, *others]) == [[3], [1, 4]]
    assert records_of([ordered, out(2, "ministry", "2025-03", "2024-10-14", pointer=1), *others]) == [[3], [1, 2, 4]]


def test_reports_that_point_at_each_other_are_one_unit_and_the_last_pointed_at_is_its_root() -> None:
    said = [statement(1), statement(2, pointer=1), statement(3, pointer=2), statement(4, pointer=99)]
    assert [[one.record for one in unit.members] for unit in build_units(said)] == [[1, 2, 3], [4]]
    cycle = {number: statement(number, pointer=number % 3 + 1) for number in (1, 2, 3)}
    assert find_pointer_roots(cycle) == {1: 1, 2: 1, 3: 1}
    swapped = {1: statement(1, id="b" * 32, pointer=2), 2: statement(2, id="a" * 32, pointer=1)}
    assert find_pointer_roots(swapped) == {1: 2, 2: 2}
    assert find_pointer_roots({1: statement(1, pointer=1)}) == {1: 1}
