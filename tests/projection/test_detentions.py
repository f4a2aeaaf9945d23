"""Properties of spells that hold for any reports of one person."""

from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from app.projection import Statement
from app.projection.spells import divide_into_spells
from app.projection.units import Unit, build_units, find_contradicted_pointers, find_pointer_roots
from tests.projection.histories import reports
from tests.registry.statements import held, out, records_of, statement


def ids_of(said: list[Statement]) -> list[list[str]]:
    return [sorted(one.id for one in spell) for spell in divide_into_spells(said)]


@given(reports())
def test_every_report_is_in_exactly_one_spell(said: list[Statement]) -> None:
    placed = [record for spell in records_of(said) for record in spell]
    assert sorted(placed) == [one.record for one in said]


@given(reports())
def test_no_spell_is_empty(said: list[Statement]) -> None:
    assert all(records_of(said))


@given(reports(), st.randoms(use_true_random=False))
def test_no_order_of_the_reports_changes_the_spells(said: list[Statement], random: object) -> None:
    before = records_of(said)
    random.shuffle(said)  # type: ignore[attr-defined]
    assert records_of(said) == before


@given(reports(), st.randoms(use_true_random=False))
def test_no_order_of_arrival_changes_the_spells(said: list[Statement], random: Random) -> None:
    """The same reports come in another order: they keep their ids, and get other keys and revisions."""
    arrival = [one.record for one in said]
    random.shuffle(arrival)
    key = dict(zip((one.record for one in said), arrival, strict=True))
    moved = [
        replace(one, record=key[one.record], revision=key[one.record], pointer=key.get(one.pointer or 0))
        for one in said
    ]
    assert ids_of(moved) == ids_of(said)


@given(reports())
def test_whoever_points_stands_where_it_points_unless_dates_contradict_that(said: list[Statement]) -> None:
    placed = {record: number for number, spell in enumerate(records_of(said)) for record in spell}
    overruled = find_contradicted_pointers(said)
    for one in said:
        if one.pointer in placed and not overruled:
            assert placed[one.record] == placed[one.pointer]


@given(reports())
def test_others_neither_part_nor_join_what_independent_sources_report(said: list[Statement]) -> None:
    """Whatever they point at; who points at them follows them, until dates contradict that."""
    standing = [one for one in said if one.asserts_detention]
    checked = {one.record for one in standing if one.source.independent}
    said = [
        one if one.pointer in checked or not one.source.independent else replace(one, pointer=None) for one in standing
    ]
    seen = [[record for record in spell if record in checked] for spell in records_of(said)]
    alone = records_of(one for one in said if one.record in checked) if checked else []
    assert [spell for spell in seen if spell] == alone


@given(reports())
def test_every_spell_is_held_by_some_report_that_stands_if_any_does(said: list[Statement]) -> None:
    """What was withdrawn makes no detention of its own."""
    if any(one.asserts_detention for one in said):
        for spell in divide_into_spells(said):
            assert any(one.asserts_detention for one in spell)
    else:
        assert len(divide_into_spells(said)) == 1


@given(reports())
def test_withdrawn_reports_change_no_spell_of_the_others(said: list[Statement]) -> None:
    """Those that nobody who stands points at, by however many steps."""
    pointer = {one.record: one.pointer for one in said}
    kept: set[int] = set()
    for one in said:
        step: int | None = one.record if one.asserts_detention else None
        while step in pointer and step not in kept:
            kept.add(step)
            step = pointer[step]
    if kept:
        seen = [[record for record in spell if record in kept] for spell in records_of(said)]
        assert seen == records_of(one for one in said if one.record in kept)


@given(reports())
def test_two_spells_have_an_asserted_end_between_them(said: list[Statement]) -> None:
    """No re-arrest without somebody's word that custody had ended by the day a later detention began."""
    found = divide_into_spells(said)
    ends = [end for spell in found for one in spell if (end := one.release_day or one.end) is not None]
    for later in found[1:]:
        starts = [one.arrest_day for one in later if one.arrest_day is not None]
        assert any(end.hi <= start.lo for end in ends for start in starts)


def test_a_unit_is_a_report_with_those_that_point_at_it() -> None:
    root, denied = held(1, "ministry", "2024-10-13"), out(3, "jep", "2026-01-12", verification__verdict="refuted")
    told = out(2, "foro", "2026-01-13")
    unit = Unit((root, told, denied))
    assert (unit.root, unit.is_asserted, unit.independent) == (root, True, True)
    assert unit.ends == [(told, told.released_on)]
    assert unit.days == [told.released_on, denied.released_on]
    assert Unit((told, denied)).days == [told.released_on]
    assert unit.position == told.released_on


def test_the_earliest_arrest_begins_a_unit_and_no_random_id() -> None:
    """Two organisations point at a ministry's report, and say different days of arrest."""
    root = out(1, "ministry", "2026-02-01")
    later = replace(held(2, "pud", "2025-11-20"), pointer=1)
    earlier = replace(held(3, "jep", "2025-06-01"), pointer=1)
    swapped = replace(later, id=earlier.id), replace(earlier, id=later.id)
    for pointing in ((later, earlier), swapped):
        (unit,) = build_units([root, *pointing])
        assert unit.arrest_day == earlier.detained_on


def test_a_unit_of_withdrawn_reports_does_not_stand() -> None:
    assert not Unit((out(1, verification__verdict="retracted"),)).is_asserted
    assert not Unit((held(1, verification__verdict="refuted"),)).is_asserted


def test_a_withdrawn_arrest_cuts_nothing_for_who_points_at_it() -> None:
    """Who stands by an earlier end, and says only the year of the arrest, is not taken again on a day withdrawn."""
    withdrawn = out(1, "foro", "2026-01-08", "2025-06-01", verification__verdict="retracted")
    pointing = replace(out(2, "jep", "2026-01-08", "2025"), pointer=1)
    earlier = out(3, "pud", "2025-06-01", "2024-10")
    assert len(records_of([withdrawn, pointing, earlier])) == 1
    assert len(records_of([out(1, "foro", "2026-01-08", "2025-06-01"), pointing, earlier])) == 2


def test_a_ministrys_new_date_moves_nobody_who_points_at_its_report() -> None:
    """What an independent source says stands by its own and kept dates, also where it has no day of arrest."""
    pointing = replace(out(2, "jep", "2026-01-08", verification__verdict="verified"), pointer=1)
    earlier = out(3, "pud", "2025-08-10", "2024-10")
    for since in (None, "2025-11-20"):
        assert len(records_of([out(1, "ministry", "2026-01-08", since), pointing, earlier])) == 1


def test_a_ministrys_release_keeps_no_organisations_order_from_the_later_spell() -> None:
    """What points at the order of 2026 and says 2025 moves neither it nor itself into the spell of 2025."""
    ordered = statement(1, "foro", release__stage="ordered", release__ordered_on="2026-01")
    told = replace(out(2, "ministry", "2025-03", "2024-10-14"), pointer=1)
    spells_of_others = [out(3, "pud", "2025-06-01", "2024-10-13"), out(4, "jep", "2026-01-12", "2025-11-20")]
    assert records_of([ordered, *spells_of_others]) == [[3], [1, 4]]
    assert records_of([ordered, told, *spells_of_others]) == [[3], [1, 2, 4]]


def test_who_points_without_a_day_at_a_ministrys_earlier_release_goes_with_it() -> None:
    pointing = replace(held(2, "jep"), pointer=1)
    said = [out(1, "ministry", "2023-05-01"), pointing, out(3, "pud", "2025-06-01", "2024-10-13")]
    assert records_of(said) == [[1, 2], [3]]


def test_an_undated_word_on_a_release_takes_the_date_of_the_report_it_points_at_or_the_earliest_beside_it() -> None:
    undated = out(3, "foro")
    first = out(1, "ministry", "2026-01-12", verification__verdict="retracted")
    assert Unit((first, undated)).ends == [(undated, first.released_on)]
    later, earlier = out(1, "jep", "2026-02-01"), out(2, "pud", "2026-01-13")
    assert (undated, earlier.released_on) in Unit((held(4), later, earlier, undated)).ends
    assert Unit((held(4), undated)).ends == []


def test_a_word_dated_before_the_detention_it_points_at_ends_it_when_the_others_say() -> None:
    """A slip of the pen in one verification makes no second detention of the first."""
    first = out(1, "foro", "2026-01-12", "2025-09-01")
    slip = out(2, "jep", "2025-01-12", pointer=1, verification__verdict="verified", kept__detained_on="2025-09-01")
    assert Unit((first, slip)).ends == [(first, first.released_on), (slip, first.released_on)]
    assert records_of([first, slip, out(3, "pud", "2026-01-12", "2025-09-01")]) == [[1, 2, 3]]


def test_an_undated_word_on_an_order_ends_nothing() -> None:
    ordered = statement(2, "foro", release__stage="ordered")
    assert [one.record for one, _end in Unit((out(1, "jep", "2026-01-12"), ordered)).ends] == [1]


def test_roots_follow_pointers() -> None:
    said = [statement(number) for number in (1, 2, 3, 4)]
    assert find_pointer_roots(said, {2: 1, 3: 2, 4: 99}) == {1: 1, 2: 1, 3: 1, 4: 4}
    assert find_pointer_roots(said[:3], {1: 2, 2: 3, 3: 2}) == {1: 2, 2: 2, 3: 2}
    assert find_pointer_roots(said[:1], {1: 1}) == {1: 1}
    assert find_pointer_roots([statement(1, id="b" * 32), statement(2, id="a" * 32)], {1: 2, 2: 1}) == {1: 2, 2: 2}
