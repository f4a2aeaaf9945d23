"""A source's own figures of held, in and out, step by step: what they explain, and what is left over."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.claims.balance import compute_balance
from app.claims.figures import Figure
from app.claims.shapes import BalanceStep
from app.schemas.directory import Bounds
from tests.claims.figuring import all_of, figure, part


def held(number: Any, stated_at: str | None, **said: Any) -> Figure:
    return figure(said.pop("name", f"held {stated_at}"), number, measure="held", stated_at=stated_at, **said)


def flow(measure: str, number: Any, stated_at: str, **said: Any) -> Figure:
    name = said.pop("name", f"{measure} {number} {stated_at}")
    return figure(name, number, measure=measure, stated_at=stated_at, **{"series": "batch", **said})


def steps(*figures: Figure, country: str | None = None) -> list[BalanceStep]:
    return compute_balance(all_of(*figures), "foro", country)


def step(*figures: Figure) -> BalanceStep:
    (only,) = steps(*figures)
    return only


def exactly(number: int) -> Bounds:
    return {"low": number, "high": number}


MONDAY, THURSDAY = held(806, "2026-01-05"), held(777, "2026-01-19")


def test_held_and_in_less_out_and_late_and_corrections_are_what_is_expected() -> None:
    flows = [
        flow("detained", 5, "2026-01-07"),
        flow("rearrested", 1, "2026-01-08"),
        flow("released", 41, "2026-01-12"),
        flow("reported_late", 12, "2026-01-13"),
        flow("delisted", 2, "2026-01-14"),
        flow("died", 1, "2026-01-15"),
    ]
    found = step(MONDAY, *flows, THURSDAY)
    assert [found[name] for name in ("in", "out", "late", "corrections")] == [
        exactly(6), exactly(41), exactly(12), exactly(3),
    ]  # fmt: skip
    assert found["expected"] == exactly(806 + 6 - 41 + 12 - 3)
    assert (found["residual"], found["missing"]) == (exactly(777 - 780), [])


def test_flows_without_a_figure_count_as_nought_and_are_named() -> None:
    found = step(MONDAY, flow("released", 41, "2026-01-12"), THURSDAY)
    assert (found["in"], found["late"], found["corrections"]) == (None, None, None)
    assert found["missing"] == ["in", "late", "corrections"]
    assert found["residual"] == exactly(777 - (806 - 41))


def test_a_fall_of_the_stock_is_no_count_of_releases() -> None:
    """Burma, 2011: the stock fell by 113 and 19 were released; 94 are for the source to explain."""
    before, after = held(2_103, "2011-05-01"), held(1_990, "2011-06-01")
    found = step(before, flow("released", 19, "2011-05-20"), after)
    assert (found["out"], found["expected"], found["residual"]) == (exactly(19), exactly(2_084), exactly(-94))
    unsaid = step(before, after)
    assert (unsaid["out"], unsaid["residual"]) == (None, exactly(-113))


def test_a_stock_goes_from_209_to_200_under_a_governments_553() -> None:
    """Cuba, 2025: only the source's own figures stand in its balance, not the government's."""
    government = flow("released", 553, "2025-03-10", claimant="ministry")
    announced = flow("released", 553, "2025-01-14", terms__stage="announced")
    found = step(held(209, "2025-01-10"), announced, government, held(200, "2025-03-12"))
    assert (found["out"], found["expected"], found["residual"]) == (None, exactly(209), exactly(-9))
    released = flow("released", 9, "2025-02-01")
    assert step(held(209, "2025-01-10"), announced, released, held(200, "2025-03-12"))["residual"] == exactly(0)


def test_a_running_total_tells_by_what_it_grew() -> None:
    """72 on the first day and 402 on the third: 330 came in between."""
    running = [
        flow("released", number, f"2021-10-{day}", series="cumulative", window_from="2021-10-01")
        for number, day in ((72, "18"), (250, "19"), (402, "20"))
    ]
    found = steps(held(7_355, "2021-10-18"), *running, held(7_000, "2021-10-20"), held(6_900, "2021-10-25"))
    assert [one["out"] for one in found] == [exactly(330), None]


def test_a_running_total_that_began_since_is_whole() -> None:
    running = flow("released", 56, "2026-01-13", series="cumulative", window_from="2026-01-08")
    assert step(MONDAY, running, THURSDAY)["out"] == exactly(56)
    older = flow("released", 269, "2026-01-13", series="cumulative", window_from="2025-12")
    assert step(MONDAY, older, THURSDAY)["out"] is None  # nobody knows how many of them before Monday
    unsaid = flow("released", 269, "2026-01-13", series="cumulative")
    assert step(MONDAY, unsaid, THURSDAY)["out"] is None


def running(number: int, stated_at: str, since: str) -> Figure:
    return flow("released", number, stated_at, series="cumulative", window_from=since)


@pytest.mark.parametrize("first", ["2026-01-05", "2025-12-29"])
def test_of_two_running_totals_the_one_that_tells_of_the_whole_time_is_taken(first: str) -> None:
    """Foro's two windows of January: what it counts since December grew by twenty, since the 8th it counts eleven."""
    december = [running(61, first, "2025-12"), running(81, "2026-01-15", "2025-12")]
    found = step(held(800, "2026-01-05"), *december, running(11, "2026-01-15", "2026-01-08"), held(780, "2026-01-15"))
    assert (found["out"], found["residual"]) == (exactly(20), exactly(0))


def test_of_two_running_totals_the_one_that_misses_fewer_days_is_taken() -> None:
    eighth = running(56, "2026-01-19", "2026-01-08")
    assert step(MONDAY, eighth, running(30, "2026-01-19", "2026-01-12"), THURSDAY)["out"] == exactly(56)
    stopped = [running(61, "2026-01-05", "2025-12"), running(81, "2026-01-10", "2025-12")]
    assert step(MONDAY, *stopped, eighth, THURSDAY)["out"] == exactly(56)


def test_of_two_running_totals_of_the_whole_time_the_one_that_tells_of_less_besides_is_taken() -> None:
    early = [running(100, "2025-12-29", "2025-06"), running(120, "2026-01-19", "2025-06")]
    sharp = [running(61, "2026-01-05", "2025-12"), running(79, "2026-01-19", "2025-12")]
    assert step(MONDAY, *early, *sharp, THURSDAY)["out"] == exactly(18)


def test_a_running_total_beats_batches_which_may_be_some_of_it() -> None:
    running = flow("released", 56, "2026-01-13", series="cumulative", window_from="2026-01-08")
    assert step(MONDAY, flow("released", 24, "2026-01-12"), running, THURSDAY)["out"] == exactly(56)


def test_batches_are_added_up_and_each_once() -> None:
    whole = flow("released", 187, "2026-01-10", name="187", claimant="foro")
    parts = [flow("released", n, "2026-01-08", name=str(n), part_of=part("187")) for n in (99, 88)]
    printed_again = flow("released", 116, "2026-01-13", name="again", same_as="116")
    last = flow("released", 116, "2026-01-12", name="116")
    assert step(MONDAY, whole, *parts, last, printed_again, THURSDAY)["out"] == exactly(303)
    assert step(MONDAY, *parts, last, THURSDAY)["out"] == exactly(303)


@pytest.mark.parametrize(
    "other",
    [
        flow("released", 41, "2026-01-05"),  # by the first stock's own day
        flow("released", 41, "2026-01-20"),
        flow("released", 41, "2026-01-12", claimant="jep"),
        flow("released", 41, "2026-01-12", claimant=None, reported_by="an agency"),
        flow("released", 41, "2026-01-12", terms__gender="female"),
        flow("released", 41, "2026-01-12", definition={"subset_of": "x"}),
        flow("released", 41, "2026-01-12", terms__stage="ordered"),
        flow("released", 41, "2026-01-12", misprint=True),
        flow("measures_lifted", 41, "2026-01-12"),
        flow("release_requested", 41, "2026-01-12"),
        flow("missing", 41, "2026-01-12"),
    ],
)
def test_what_is_another_time_source_group_or_thing_is_no_flow_here(other: Figure) -> None:
    assert step(MONDAY, other, THURSDAY)["out"] is None


def test_a_batch_of_the_second_stocks_own_day_is_before_it() -> None:
    assert step(MONDAY, flow("released", 41, "2026-01-19"), THURSDAY)["out"] == exactly(41)


@pytest.mark.parametrize(
    "other",
    [
        held(24, "2026-01-12", terms__group="journalist"),
        held(7_770, "2026-01-12", misprint=True),
        held(700, "2026-01-12", claimant="jep"),
        held(700, None),
        held(50, "2026-01-12", part_of=part("held 2026-01-05", "sex")),
        held(806, "2026-01-12", same_as="held 2026-01-05"),
    ],
)
def test_what_is_no_stock_of_everyone_makes_no_step(other: Figure) -> None:
    assert len(steps(MONDAY, other, THURSDAY)) == 1


def test_a_stock_that_was_corrected_is_left_out() -> None:
    wrong = held(908, "2026-01-05", name="wrong")
    right = held(806, "2026-01-05", name="right", supersedes=["wrong"])
    assert [(one["from"]["id"], one["residual"]) for one in steps(wrong, right, THURSDAY)] == [("right", exactly(-29))]


def test_steps_go_by_the_hour_whatever_the_order_of_filing() -> None:
    last, first, second = held(777, "2026-01-19"), held(902, "2025-12-15"), held(863, "2025-12-29T08:00:00-04:00")
    found = steps(last, first, second)
    assert [(one["from"]["low"], one["to"]["low"]) for one in found] == [(902, 863), (863, 777)]


def test_open_bounds_leave_the_residual_open() -> None:
    """Syria, 2014: at most 360 of those named in the amnesty were let out."""
    at_most = step(held(806, "2026-01-05"), flow("released", (None, 360), "2026-01-12"), held(777, "2026-01-19"))
    assert at_most["out"] == {"low": None, "high": 360}
    assert at_most["expected"] == {"low": 446, "high": None}
    assert at_most["residual"] == {"low": None, "high": 331}
    more_than = step(held((701, None), "2026-01-05"), flow("released", 5, "2026-01-12"), held(777, "2026-01-19"))
    assert more_than["residual"] == {"low": None, "high": 777 - (701 - 5)}


def test_a_country_is_asked_for_alone() -> None:
    here, there = held(806, "2026-01-05"), held(222, "2026-01-06", country="NI")
    assert len(steps(here, there, THURSDAY, country="VE")) == 1
    assert steps(here, there, THURSDAY, country="NI") == []


def test_every_country_is_a_series_of_its_own() -> None:
    stocks = [held(800, "2026-01-05"), held(100, "2026-01-10", country="NI"), held(790, "2026-01-15")]
    out = [flow("released", 10, "2026-01-12"), flow("released", 40, "2026-01-12", country="NI")]
    (only,) = steps(*stocks, *out)
    assert (only["country"], only["out"], only["residual"]) == ("VE", exactly(10), exactly(0))
    unsaid = [held(50, "2026-01-06", country=None), held(40, "2026-01-16", country=None)]
    found = [(one["country"], one["residual"]) for one in steps(*stocks, *out, *unsaid)]
    assert found == [(None, exactly(-10)), ("VE", exactly(0))]


def test_one_stock_is_no_step() -> None:
    assert steps(MONDAY) == steps() == []


NUMBERS = st.integers(0, 5_000)
MEASURES = ("detained", "rearrested", "released", "reported_late", "delisted", "died")


@given(
    st.lists(NUMBERS, min_size=2, max_size=5),
    st.lists(st.tuples(st.sampled_from(MEASURES), NUMBERS, st.integers(1, 9))),
)
def test_residuals_and_flows_explain_the_whole_way_from_the_first_stock_to_the_last(
    stocks: list[int], flows: list[tuple[str, int, int]]
) -> None:
    """Stocks on the 1st, 3rd, 5th … and flows on any day."""
    of_stock = [held(number, f"2026-01-{1 + 2 * n:02}") for n, number in enumerate(stocks)]
    of_flow = [flow(what, n, f"2026-01-{day:02}", name=f"f{i}") for i, (what, n, day) in enumerate(flows)]
    found = steps(*of_flow, *of_stock)
    signs = {"detained": 1, "rearrested": 1, "released": -1, "reported_late": 1, "delisted": -1, "died": -1}
    last = 1 + 2 * (len(stocks) - 1)
    told = sum(signs[what] * number for what, number, day in flows if 1 < day <= last)
    assert stocks[0] + told + sum(one["residual"]["low"] or 0 for one in found) == stocks[-1]
