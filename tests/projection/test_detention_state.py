"""The rows of custody: what all sources say together, and what each source says by its own reports (rule 9)."""

from typing import Any

import pytest

from app.dates import parse_date
from app.models import Detainee, DetentionState, Release, ReleaseAtStage, SourceDetention
from app.projection import Statement
from tests.registry.statements import SOURCES, held, out, refuted, row_of, rows_of, verified

SINCE = "2024-10-13"
VERIFIED: dict[str, Any] = {"verification__verdict": "verified"}


def together(*said: Statement) -> dict[str, Any]:
    return row_of(said, DetentionState)


def by(source: str, *said: Statement) -> dict[str, Any]:
    return row_of(said, SourceDetention, source=SOURCES[source].key)


def hi(text: str) -> int:
    return parse_date(text).hi


def test_a_source_takes_no_day_from_the_others() -> None:
    said = [verified(1, "foro", "2026-01", SINCE), held(2, "jep", detention__held_on="2026-01-11", **VERIFIED)]
    assert (by("foro", *said)["lo"], by("foro", *said)["out_lo"]) == (hi(SINCE), parse_date("2026-01").lo)
    assert (by("jep", *said)["lo"], by("jep", *said)["hi"]) == (None, hi("2026-01-11"))


def test_a_source_borrows_no_release_but_the_one_that_it_took_over() -> None:
    said = [held(1, "foro", SINCE), out(2, "jep", "2026-01-12", pointer=1)]
    assert by("foro", *said)["out_hi"] > hi("2026-01-12")
    pointing = verified(
        1, "foro", pointer=2, taken__release__released_on="2026-01-12", taken__detention__detained_on=SINCE
    )
    row = by("foro", pointing, out(2, "jep", "2026-01-12", SINCE))
    assert (row["lo"], row["out_hi"]) == (hi(SINCE), hi("2026-01-12"))


def test_a_source_says_the_day_of_death_that_it_said_last() -> None:
    first, second = held(1, "foro", SINCE, detainee__died_on="2025-02-01"), held(2, detainee__died_on="2025-03")
    assert by("foro", first, second)["out_hi"] == hi("2025-03")
    assert by("foro", held(3, "foro", SINCE, detainee__died_on="2025-02-01"), second)["out_hi"] == hi("2025-02-01")


def test_the_last_arrest_sighting_or_end_that_is_asserted_tells_when_the_person_was_last_heard_of() -> None:
    said = [held(1, "foro", SINCE)]
    assert together(*said)["heard_hi"] == hi(SINCE)
    said.append(held(3, "jep", detention__held_on="2025-02"))
    assert together(*said)["heard_hi"] == hi("2025-02")
    said.append(held(4, "pud", verification__verified_on="2025-06-01"))
    said.append(held(5, "ministry", detention__held_on="2026-01-01"))
    said.append(refuted(6, "pud", detention__held_on="2026-01-01"))
    assert together(*said)["heard_hi"] == hi("2025-02")
    said.append(verified(2, "jep", "2026-01-12"))
    assert together(*said)["heard_hi"] == hi("2026-01-12")
    assert [by(source, *said)["heard_hi"] for source in ("foro", "jep", "ministry")] == [
        hi(SINCE), hi("2026-01-12"), hi("2026-01-01"),
    ]  # fmt: skip


STATUSES = [
    ([held(1, "foro", SINCE, **VERIFIED)], "verified", False),
    ([verified(1, "foro", "2026-01-12", SINCE)], "verified", False),
    ([out(1, "ministry", "2026-01-12"), refuted(2, "foro")], "official_only", False),
    ([held(1, "foro", SINCE), held(2, "jep", verification__verdict="disputed")], "contested", True),
    ([held(1, "foro", SINCE), held(2, "jep", verification__verdict="refuted")], "refuted", True),
    ([held(1, "foro", **VERIFIED), held(2, "jep", verification__verdict="refuted")], "contested", True),
    ([held(1, "foro", **VERIFIED), held(2, "jep", **VERIFIED), held(3, "pud", verification__verdict="refuted")],
     "verified", True),
    ([held(1, "ministry", SINCE)], "official_only", False),
    ([held(1, "foro", verification__verdict="retracted")], "retracted", False),
    ([held(1, "foro", verification__verdict="refuted")], None, True),
]  # fmt: skip


@pytest.mark.parametrize("said, status, is_denied", STATUSES)
def test_the_status_of_a_detention_is_decided_by_the_same_weight(
    said: list[Statement], status: str | None, is_denied: bool
) -> None:
    row = together(*said)
    assert (row["status"], row["is_denied"]) == (status, is_denied)


def test_whoever_may_only_be_counted_is_withheld_in_the_rows_of_custody() -> None:
    said = [held(1, "foro", SINCE)]
    assert [row["withheld"] for row in rows_of(said, DetentionState, "counted")] == [True]
    assert [row["withheld"] for row in rows_of(said, DetentionState, "anonymous")] == [False]


def test_a_later_sighting_leaves_a_ministrys_release_where_it_was() -> None:
    said = [held(1, "foro", SINCE, detention__held_on="2026-01-10"), out(2, "ministry", "2025-06-01", pointer=1)]
    (release,) = rows_of(said, Release)
    assert (release["stage"], release["status"]) == ("carried_out", "official_only")
    assert row_of(said, ReleaseAtStage, stage="carried_out")["lo"] == hi("2025-06-01")
    assert row_of(said, Detainee)["state"] == "held"


def test_a_death_that_only_a_ministry_reports_ends_no_custody_that_an_organisation_reports() -> None:
    died = held(2, "ministry", SINCE, detainee__died_on="2025-06-01")
    for said in ([out(1, "foro", "2026-01-12", SINCE)], [held(1, "foro", SINCE)]):
        assert together(*said, died) == together(*said)
        assert row_of([*said, died], Detainee)["state"] == row_of(said, Detainee)["state"]
    assert row_of([died], Detainee)["state"] == "died"
    assert by("ministry", held(1, "foro", SINCE), died)["out_hi"] == hi("2025-06-01")


ENDS: list[tuple[str | None, list[Statement]]] = [
    (None, [held(1, "foro", SINCE)]),
    ("released", [verified(1, "foro", "2026-01-12", SINCE)]),
    ("died", [held(1, "foro", SINCE, detention__ended={"how": "died", "on": "2026-01-10"})]),
    ("died", [held(1, "foro", SINCE, detainee__died_on="2026-01-10")]),
    ("released", [verified(1, "foro", "2026-01-12", SINCE), held(2, "jep", detainee__died_on="2026-02")]),
    ("died", [verified(1, "foro", "2026-01-12", SINCE), held(2, "jep", detainee__died_on="2026-01-10")]),
    (None, [out(1, "foro", "2026-01-12", SINCE), refuted(2, "jep", "2026-01-12", verification__method="family")]),
    ("escaped", [held(1, "ministry", SINCE, detention__ended={"how": "escaped", "on": None})]),
    (None, [held(1, "ministry", SINCE, detention__ended={"how": "escaped", "on": None}), held(2, "foro", SINCE)]),
]  # fmt: skip


@pytest.mark.parametrize("way, statements", ENDS)
def test_the_end_that_came_first_says_how_custody_ended(way: str | None, statements: list[Statement]) -> None:
    assert together(*statements)["ended"] == way


def test_sources_that_differ_on_the_way_of_an_end_leave_it_without_a_code_of_its_own() -> None:
    said = [
        held(number, who, SINCE, detention__ended={"how": how, "on": "2026-01-10"})
        for number, (who, how) in enumerate((("foro", "died"), ("jep", "escaped")), 1)
    ]
    assert together(*said)["ended"] == "other"
    assert (by("foro", *said)["ended"], by("jep", *said)["ended"]) == ("died", "escaped")
