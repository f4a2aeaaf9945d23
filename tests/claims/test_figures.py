"""Published figures: bounds, windows and hours as said, parts against wholes, and which stand side by side."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.claims.figures import (
    Figure,
    Reference,
    check_arithmetic,
    group_parts_by_partition,
    subtract_bounds,
    sum_bounds,
)
from tests.claims.figuring import all_of, figure, part

Bounds = tuple[int | None, int | None]

CHRISTMAS, NEW_YEAR, TWELFTH = figure("99", 99), figure("88", 88), figure("116", 116)


def whole_and(whole: Figure, *parts: Figure, partition: str = "batches") -> list[Any]:
    """What the parts of a figure add up to."""
    told = [Figure(one.id, one.entry_revision, {**one.fields, "part_of": part(whole.id, partition)}) for one in parts]
    return check_arithmetic(all_of(whole, *told), whole)


def test_99_and_88_and_116_are_303_and_the_406_is_103_more() -> None:
    (check,) = whole_and(figure("406", 406), CHRISTMAS, NEW_YEAR, TWELFTH)
    assert check["sum"] == {"low": 303, "high": 303}
    assert (check["difference"], check["agrees"]) == ({"low": 103, "high": 103}, False)
    assert [one["low"] for one in check["parts"]] == [99, 88, 116]
    assert whole_and(figure("303", 303), CHRISTMAS, NEW_YEAR, TWELFTH)[0]["agrees"]


def test_217_and_3934_are_4151_though_they_count_two_different_things() -> None:
    lifted = figure("3934", 3934, measure="measures_lifted")
    (check,) = whole_and(figure("4151", 4151), figure("217", 217), lifted, partition="outcomes")
    assert (check["agrees"], check["difference"]) == (True, {"low": 0, "high": 0})
    assert [one["measure"] for one in check["parts"]] == ["released", "measures_lifted"]


def test_114_and_9_are_the_123_of_belarus() -> None:
    (check,) = whole_and(figure("123", 123), figure("114", 114), figure("9", 9), partition="destinations")
    assert (check["sum"], check["agrees"]) == ({"low": 123, "high": 123}, True)


def test_each_partition_of_a_whole_is_added_up_by_itself() -> None:
    whole = figure("623", 623)
    men, women = figure("men", 550, part_of=part("623", "sex")), figure("women", 73, part_of=part("623", "sex"))
    civil = figure("civil", 500, part_of=[*part("623", "status"), *part("other", "status")])
    found = all_of(whole, men, women, civil)
    assert {name: [one.id for one in parts] for name, parts in group_parts_by_partition(found, "623").items()} == {
        "sex": ["men", "women"],
        "status": ["civil"],
    }
    assert [(one["partition"], one["agrees"]) for one in check_arithmetic(found, whole)] == [
        ("sex", True),
        ("status", False),
    ]


def standing_parts(*parts: Figure) -> list[str]:
    return [one.id for one in group_parts_by_partition(all_of(figure("10", 10), *parts), "10").get("batches", [])]


def test_of_the_parts_only_what_stands_is_added_up_and_each_once() -> None:
    said = {"part_of": part("10")}
    four, five = figure("4", 4, **said), figure("5", 5, **said)
    six = figure("6", 6, supersedes=["5"], **said)
    again, sixty = figure("again", 6, same_as="6", **said), figure("60", 60, misprint=True, **said)
    assert standing_parts(four, five, six, again, sixty) == ["4", "6"]
    (check,) = check_arithmetic(all_of(figure("10", 10), four, five, six, again, sixty), figure("10", 10))
    assert (check["sum"], check["agrees"]) == ({"low": 10, "high": 10}, True)


def test_what_corrects_a_part_takes_its_place_whether_it_says_so_or_not() -> None:
    five = figure("5", 5, part_of=part("10"))
    chain = [figure("7", 7, supersedes=["5"]), figure("6", 6, supersedes=["7"])]
    assert standing_parts(five, *chain) == ["6"]
    assert standing_parts(figure("60", 60, misprint=True, part_of=part("10")), figure("6", 6, supersedes=["60"])) == [
        "6"
    ]


def test_two_prints_of_one_figure_are_one_part_whichever_of_them_says_so() -> None:
    original = figure("6", 6)
    prints = [figure(name, 6, same_as="6", part_of=part("10")) for name in ("a", "b")]
    assert standing_parts(original, *prints) == ["6"]
    assert standing_parts(original, *prints, figure("5", 5, supersedes=["6"])) == ["5"]
    assert standing_parts(figure("6", 6, misprint=True), *prints) == []


def test_figures_that_correct_each_other_and_a_whole_in_its_own_parts_stand_for_nothing() -> None:
    one = figure("1", 1, part_of=part("10"), supersedes=["2"])
    assert standing_parts(one, figure("2", 2, supersedes=["1"])) == []
    whole = figure("10", 10, supersedes=["4"])
    assert group_parts_by_partition(all_of(figure("4", 4, part_of=part("10")), whole), "10") == {}


@pytest.mark.parametrize(
    "whole, parts, difference, agrees",
    [
        ((401, None), [116, 187], (98, None), False),  # more than 400 is more than 303, and not by chance
        ((None, 360), [200, 150], (None, 10), True),
        ((None, 340), [200, 150], (None, -10), False),
        ((60, 70), [(30, 35), (20, 40)], (-15, 20), True),
        (303, [(100, None), 88], (None, 115), True),
        (303, [(None, 100), 88], (115, None), False),
        (None, [99], (None, None), True),
        (406, [None], (None, None), True),
    ],
)
def test_open_bounds_leave_the_difference_open_and_agree_where_it_can_be_nought(
    whole: Any, parts: list[Any], difference: Bounds, agrees: bool
) -> None:
    told = [figure(f"part {number}", one) for number, one in enumerate(parts)]
    (check,) = whole_and(figure("whole", whole), *told)
    assert (check["difference"]["low"], check["difference"]["high"]) == difference
    assert check["agrees"] is agrees


@pytest.mark.parametrize("number, agrees", [(406, True), (303, True), (302, False)])
def test_incomplete_parts_disagree_only_where_they_are_more_than_the_whole(number: int, agrees: bool) -> None:
    """Of the batches behind the 406 only 99 + 88 + 116 were announced."""
    some: Any = [{**part("whole")[0], "parts_complete": False}]
    parts = [figure("99", 99, part_of=some), figure("88", 88, part_of=part("whole")), figure("116", 116, part_of=some)]
    whole = figure("whole", number)
    (check,) = check_arithmetic(all_of(whole, *parts), whole)
    assert (check["sum"]["low"], check["parts_complete"], check["agrees"]) == (303, False, agrees)


def test_one_incomplete_partition_leaves_the_others_complete() -> None:
    some: Any = [{**part("whole", "batches")[0], "parts_complete": False}, *part("whole", "sex")]
    whole = figure("whole", 406)
    checks = check_arithmetic(all_of(whole, figure("99", 99, part_of=some)), whole)
    assert [(check["partition"], check["agrees"]) for check in checks] == [("batches", True), ("sex", False)]


NUMBERS = st.integers(0, 10_000)
BOUNDS = st.tuples(NUMBERS, NUMBERS).map(lambda ends: (min(ends), max(ends)))


@given(st.lists(BOUNDS, min_size=1, max_size=5), BOUNDS, st.data())
def test_whatever_the_numbers_meant_are_their_sum_and_difference_lie_within_the_bounds(
    parts: list[tuple[int, int]], whole: tuple[int, int], data: st.DataObject
) -> None:
    meant = [data.draw(st.integers(*one)) for one in parts]
    of_whole = data.draw(st.integers(*whole))
    low, high = sum_bounds([figure(str(number), one) for number, one in enumerate(parts)])
    assert low is not None
    assert high is not None
    assert low <= sum(meant) <= high
    gap = subtract_bounds(whole, (low, high))
    assert gap["low"] is not None
    assert gap["high"] is not None
    assert gap["low"] <= of_whole - sum(meant) <= gap["high"]


def test_a_window_without_an_end_ends_on_the_day_it_was_stated_by_its_own_zone() -> None:
    late = figure("a", 56, window_from="2026-01-08", stated_at="2026-01-13T23:30:00-04:00")
    assert late.window == ("2026-01-08", "2026-01-13")
    assert late.instant is not None
    assert (late.day, late.instant.date()) == (date(2026, 1, 13), date(2026, 1, 14))
    assert figure("b", 56, window_from="2026-01-08").window == ("2026-01-08", None)
    assert figure("c", 56, window_to="2026-01-12", stated_at="2026-01-13").window == (None, "2026-01-12")


def test_a_window_that_had_not_opened_when_the_figure_was_stated_does_not_end_then() -> None:
    early = figure("a", 10, window_from="2026-02-01", stated_at="2026-01-13")
    assert (early.has_future_start, early.window) == (True, ("2026-02-01", None))
    begun = [
        figure("b", 10, window_from="2026-01", stated_at="2026-01-13"),
        figure("c", 10, window_from="2026-01-13", stated_at="2026-01-13"),
        figure("d", 10, window_from="2026-02-01", window_to="2026-02-05", stated_at="2026-01-13"),
        figure("e", 10, window_from="2026-02-01"),
        figure("f", 10, stated_at="2026-01-13"),
        figure("g", 10, measure="held", window_from="2026-02-01", stated_at="2026-01-13"),
    ]
    assert not any(one.has_future_start for one in begun)


def test_a_figure_is_of_what_was_carried_out_unless_it_says_otherwise() -> None:
    announced = figure("a", 116, terms__stage="announced", terms__kind=["pardon"], terms__min_sources=2)
    assert (announced.stage, figure("b", 116).stage) == ("announced", "carried_out")
    assert announced.terms == {"release_kind": ["pardon"], "min_sources": 2}
    assert announced.population_terms == {"release_kind": ["pardon"]}


GROSS = figure("897", 897, claimant="ministry", definition={"net": False}, stated_at="2026-02-09T12:00:00-04:00",
               window_from="2025-12")  # fmt: skip
NET = figure("896", 896, claimant="ministry", definition={"net": True}, stated_at="2026-02-09T20:00:00-04:00",
             window_from="2025-12", supersedes=["897"])  # fmt: skip


def test_897_is_superseded_by_896_and_a_chain_leaves_only_its_end() -> None:
    third = figure("895", 895, claimant="ministry", supersedes=["896"], stated_at="2026-02-10", window_from="2025-12")
    found = all_of(GROSS, NET, third)
    assert found.superseded_ids == {"897", "896"}
    assert [one.id for one in found.find_referring("supersedes", "897")] == ["896"]
    ngo = figure("500", 500, stated_at="2026-02-11", window_from="2025-12")
    assert [one.id for one in all_of(GROSS, NET, third, ngo).find_peer_figures(ngo)] == ["895"]


def test_beside_a_figure_stands_what_was_published_by_then_though_it_was_corrected_later() -> None:
    afternoon = figure("500", 500, stated_at="2026-02-09T15:00:00-04:00", window_from="2025-12")
    assert [one.id for one in all_of(GROSS, NET, afternoon).find_peer_figures(afternoon)] == ["897"]
    evening = figure("501", 501, stated_at="2026-02-09T21:00:00-04:00", window_from="2025-12")
    assert [one.id for one in all_of(GROSS, NET, evening).find_peer_figures(evening)] == ["896"]


def beside(of: Figure, *others: Figure) -> list[str]:
    return [one.id for one in all_of(of, *others).find_peer_figures(of)]


MINE = figure("626", 626, claimant="presidency", window_from="2025-12", stated_at="2026-01-23")


def test_beside_a_figure_stands_the_latest_of_each_claimant_and_window_by_its_hour() -> None:
    early = figure("151", 151, window_from="2026-01-08", stated_at="2026-01-20")
    last = figure("154", 154, window_from="2026-01-08", stated_at="2026-01-23")
    same = figure("269", 269, window_from="2025-12", stated_at="2026-01-23T10:00:00Z")
    later = figure("266", 266, window_from="2026-01-08", stated_at="2026-01-26")
    assert beside(MINE, early, last, same, later) == ["154", "269"]


def test_beside_a_figure_no_stage_or_window_of_a_claimant_hides_another() -> None:
    said = {"window_from": "2026-01-08", "stated_at": "2026-01-20"}
    out, announced = figure("30", 30, **said), figure("90", 90, terms__stage="announced", **said)
    first, second = (figure(to, 20, window_to=to, **said) for to in ("2026-01-10", "2026-01-15"))
    assert sorted(beside(MINE, out, announced, first, second)) == ["2026-01-10", "2026-01-15", "30", "90"]
    assert beside(MINE, out, figure("31", 31, **{**said, "window_from": "2026-01-08", "stated_at": "2026-01-21"})) == [
        "31"
    ]


def test_who_points_at_whom_is_read_once_for_all_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a page that anyone may ask for, a thousand figures must not be a million looks."""
    looks = 0
    told = Figure.get_references

    def counted(self: Figure, name: Reference) -> list[str]:
        nonlocal looks
        looks += 1
        return told(self, name)

    monkeypatch.setattr(Figure, "get_references", counted)
    said = {"window_from": "2026-01-08", "stated_at": "2026-01-20"}
    others = [figure(str(n), n, claimant=f"c{n}", supersedes=[str(n - 1)], **said) for n in range(1, 201)]
    found = all_of(MINE, *others)
    assert [one.id for one in found.find_peer_figures(MINE)] == ["200"]
    assert group_parts_by_partition(found, "626") == {}
    assert looks <= 5 * len(found.by_id)


@pytest.mark.parametrize(
    "change",
    [
        {"claimant": "presidency"},
        {"claimant": None, "reported_by": "an agency"},
        {"country": "NI"},
        {"measure": "held"},
        {"series": "batch"},
        {"misprint": True},
        {"part_of": [{"claim": "303", "partition": "batches"}]},
        {"window_from": "2025-01", "window_to": "2025-11-30"},
        {"stated_at": None},
    ],
)
def test_what_is_no_number_of_the_same_thing_by_another_stands_not_beside(change: dict[str, Any]) -> None:
    said = {"window_from": "2026-01-08", "stated_at": "2026-01-20"}
    assert beside(MINE, figure("x", 151, **said)) == ["x"]
    assert beside(MINE, figure("x", 151, **{**said, **change})) == []


def test_a_figure_without_a_number_stands_not_beside() -> None:
    assert beside(MINE, figure("x", None, window_from="2026-01-08", stated_at="2026-01-20")) == []


def test_one_number_with_three_windows_is_the_same_claimants_own() -> None:
    said = {"claimant": "assembly", "stated_at": "2026-01-13"}
    without = figure("no window", (401, None), **said)
    december, year, day = (
        figure(start, (401, None), window_from=start, **said) for start in ("2025-12", "2024-12", "2025-12-23")
    )
    found = all_of(without, december, year, day, figure("misprinted", (4001, None), misprint=True, **said))
    assert {one.id for one in found.find_own_figures(without)} == {"2025-12", "2024-12", "2025-12-23"}
    nobody = figure("x", 60, claimant=None, reported_by="an agency")
    assert all_of(nobody, without).find_own_figures(nobody) == []


def test_whose_figures_moved_within_the_day_is_told() -> None:
    mine = figure("303", 303, claimant="ministry", stated_at="2026-01-12")
    hours = [
        figure(str(n), n, stated_at=f"2026-01-12T{at}:00:00-04:00") for n, at in ((41, "08"), (48, "17"), (49, "20"))
    ]
    once = figure("53", 53, claimant="jep", stated_at="2026-01-12T08:20:00-04:00")
    assert all_of(mine, *hours, once).find_inconsistent_claimants(mine) == ["foro"]
    assert all_of(mine, *hours[:1], once).find_inconsistent_claimants(mine) == []
    other_windows = [figure(start, n, claimant="pud", window_from=start, stated_at="2026-01-12")
                     for n, start in ((24, "2026-01-12"), (65, "2026-01-08"))]  # fmt: skip
    assert all_of(mine, *other_windows).find_inconsistent_claimants(mine) == []
    other_stages = [figure(str(n), n, stated_at="2026-01-12", **said)
                    for n, said in ((30, {}), (90, {"terms__stage": "announced"}))]  # fmt: skip
    assert all_of(mine, *other_stages).find_inconsistent_claimants(mine) == []
