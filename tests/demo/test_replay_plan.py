"""The replay by brute force: what each source has filed at an instant, counted from the bodies alone."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest

from app.demo.plan import CARACAS_TIMEZONE, STREAMS, Step, Stream, parse_caracas_time, plan_filings, to_local_day
from app.demo.run import REPLAYED_SOURCES, ReplayEvent, build_events, parse_stated_instant, read_figure_rows

EVENTS = build_events()
CYCLE, DECEMBER = "2026-01-08", "2025-12-01"
FIGURES = {
    "foro-penal": (
        ("2026-01-09T10:00", 8),
        ("2026-01-09T20:00", 9),
        ("2026-01-10", 16),
        ("2026-01-11", 17),
        ("2026-01-12T09:00", 41),
        ("2026-01-12T14:00", 48),
        ("2026-01-12T16:00", 49),
        ("2026-01-13", 56),
        ("2026-01-14T08:00", 72),
        ("2026-01-14T20:30", 84),
        ("2026-01-16", 100),
        ("2026-01-17T17:00", 139),
        ("2026-01-19", 143),
        ("2026-01-20", 151),
        ("2026-01-23", 154),
        ("2026-01-26T09:00", 266),
        ("2026-01-28T16:00", 297),
        ("2026-01-28T22:00", 300),
        ("2026-01-29", 302),
        ("2026-04-01", 302),
    ),
    "jep": (
        ("2026-01-09", 11),
        ("2026-01-12T08:20", 53),
        ("2026-01-12", 53),
        ("2026-01-13", 53),
        ("2026-01-16", 116),
        ("2026-01-28", 294),
        ("2026-04-01", 294),
    ),
    "pud": (
        ("2026-01-12T20:00", 65),
        ("2026-01-12T23:00", 73),
        ("2026-01-13T11:20", 76),
        ("2026-01-13", 76),
        ("2026-01-17", 155),
        ("2026-01-24", 173),
        ("2026-01-26", 277),
        ("2026-01-28", 303),
        ("2026-04-01", 303),
    ),
    "clippve": (("2026-01-09", 9), ("2026-01-14", 83), ("2026-04-01", 83)),
}
CASES = [(source, at, count) for source, figures in FIGURES.items() for at, count in figures]


def key(body: dict[str, Any]) -> tuple[object, ...]:
    """What tells one record of a list from another."""
    release = body.get("release", {})
    return (body["detainee"]["full_name"], body["detainee"].get("birth_date"), release.get("released_on"))


def standing(source: str, at: datetime, log: Iterable[ReplayEvent] = EVENTS) -> list[dict[str, Any]]:
    """The last version of each record that the source had filed by then."""
    records = {
        event.body["source_record_id"]: event.body for event in log if event.source == source and event.filed_at <= at
    }
    return list(records.values())


def verified_out(source: str, at: datetime, first: str, last: str = "9999") -> int:
    out = [
        body
        for body in standing(source, at)
        if body["verification"]["verdict"] == "verified"
        and body.get("release", {}).get("stage", "carried_out") == "carried_out"
        and first <= body.get("release", {}).get("released_on", "") <= last
    ]
    assert len({key(body) for body in out}) == len(out) or source == "sntp"
    return len(out)


@pytest.mark.parametrize("source, at, count", CASES)
def test_a_list_is_as_long_as_its_source_said(source: str, at: str, count: int) -> None:
    assert verified_out(source, parse_caracas_time(at), CYCLE) == count


@pytest.mark.parametrize("source, at, count", CASES)
def test_a_moment_more_or_less_changes_no_figure(source: str, at: str, count: int) -> None:
    for minutes in (-2, 2):
        assert verified_out(source, parse_caracas_time(at) + timedelta(minutes=minutes), CYCLE) == count


@pytest.mark.parametrize("at, count", [("2025-12-29", 61), ("2026-01-23", 269), ("2026-01-26", 383)])
def test_the_window_of_december_gives_the_figures_stated_for_it(at: str, count: int) -> None:
    assert verified_out("foro-penal", parse_caracas_time(at), DECEMBER) == count


def test_foro_penal_has_no_release_of_the_days_before_christmas() -> None:
    assert verified_out("foro-penal", parse_caracas_time("2026-04-01"), "2025-12-01", "2025-12-24") == 0


@pytest.mark.parametrize("at, count", [("2026-01-25T18:00", 80), ("2026-01-25T20:00", 104), ("2026-01-29", 104)])
def test_eighty_become_a_hundred_and_four_in_one_evening(at: str, count: int) -> None:
    assert verified_out("foro-penal", parse_caracas_time(at), "2026-01-25", "2026-01-25") == count


def test_the_batches_of_the_lists_are_those_announced() -> None:
    night = [
        body["detention"]["facility"]
        for body in standing("foro-penal", parse_caracas_time("2026-01-12T09:00"))
        if body["release"]["released_on"] == "2026-01-12"
    ]
    assert Counter(night) == {"El Rodeo I": 15, "La Crisálida": 9}
    assert verified_out("pud", parse_caracas_time("2026-01-12"), "2026-01-12", "2026-01-12") == 24
    assert verified_out("foro-penal", parse_caracas_time("2026-01-17T17:00"), "2026-01-17", "2026-01-17") == 9
    assert verified_out("clippve", parse_caracas_time("2025-12-26"), "2025-12-25") == 63


def test_seventeen_of_the_first_84_are_foreigners_or_dual_nationals() -> None:
    listed = standing("foro-penal", parse_caracas_time("2026-01-14T20:30"))
    cycle = [body for body in listed if body.get("release", {}).get("released_on", "") >= CYCLE]
    assert sum(body["detainee"]["nationalities"] != ["VE"] for body in cycle) == 17


PUBLISHED = [
    row
    for row in read_figure_rows()
    if row["claimant"] in REPLAYED_SOURCES and row["measure"] == "released" and row["window_from"]
]


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda row: row["claim_id"])
def test_every_published_figure_of_a_replayed_source_holds(row: dict[str, str]) -> None:
    count = verified_out(row["claimant"], parse_stated_instant(row), row["window_from"])
    assert not row["low"] or count >= int(row["low"])
    assert row["qualifier"] not in ("exactly", "fewer_than") or count <= int(row["high"])


def test_all_but_one_figure_of_the_replayed_sources_state_their_window() -> None:
    open_ones = [
        row["claim_id"]
        for row in read_figure_rows()
        if row["claimant"] in REPLAYED_SOURCES and row["measure"] == "released" and not row["window_from"]
    ]
    assert open_ones == ["cl011"]  # a batch of 24, counted by day above


def test_what_was_verified_says_the_day_it_was_filed() -> None:
    seen: set[str] = set()
    for event in EVENTS:
        record = event.body["source_record_id"]
        if event.source in REPLAYED_SOURCES and "verified_on" in event.body["verification"] and record not in seen:
            assert event.body["verification"]["verified_on"] == to_local_day(event.filed_at).isoformat() or (
                record == "CLP-2025-0001"
            )
            seen.add(record)


def test_nobody_is_filed_before_the_day_they_went_out() -> None:
    for event in EVENTS:
        release = event.body.get("release", {})
        dates = [release.get(name) for name in ("released_on", "ordered_on", "announced_on")]
        for day in filter(None, dates):
            assert event.filed_at >= datetime.combine(date.fromisoformat(day), time.min, CARACAS_TIMEZONE)


def test_events_come_in_order_and_no_two_share_an_instant() -> None:
    instants = [event.filed_at for event in EVENTS]
    assert instants == sorted(set(instants))
    assert all(event.filed_at.utcoffset() == timedelta(0) for event in EVENTS)


def test_the_replay_is_the_same_every_time() -> None:
    assert build_events() == EVENTS


@pytest.mark.parametrize(
    "at", ["2026-01-09", "2026-01-11", "2026-01-12T16:00", "2026-01-13", "2026-01-14", "2026-01-16"]
)
def test_no_list_is_part_of_another(at: str) -> None:
    lists = {
        source: {f.person for f in plan_filings() if f.source == source and f.filed_at <= parse_caracas_time(at)}
        for source in REPLAYED_SOURCES
    }
    for source, people in lists.items():
        for other, others in lists.items():
            assert source == other or not people or not people <= others


def test_a_plan_that_cannot_be_kept_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    impossible = Stream("jep", range(115, 418), "2026-01-08T12:00", (Step("2026-01-09", 300),))
    monkeypatch.setattr("app.demo.plan.STREAMS", (*STREAMS[:1], impossible))
    with pytest.raises(ValueError, match="26 people for 300 at 2026-01-09"):
        plan_filings.__wrapped__()
