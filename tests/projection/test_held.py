"""On which days a person counts as held (rule 7)."""

from typing import Any

import numpy as np
import pytest

from app.columns.rows import NULL
from app.dates import parse_date
from app.models import DetentionState, SourceDetention
from app.projection import Statement
from app.queries.selection.windows import match_held_on_day
from tests.registry.statements import ARREST, J8, J20, SOURCES, held, out, refuted, rows_of, verified

OWN: dict[str, Any] = {"verification__method": "family"}
VERIFIED: dict[str, Any] = {"verification__verdict": "verified"}
BEFORE, AFTER = "2025-02-28", "2026-01-09"  # the days around a detention from ARREST to J8


def on(said: list[Statement], *days: str, by: str | None = None, house_arrest: bool = False) -> list[str]:
    """How the person counts on each day in all detentions together, or in those of one source: `in`, `in?`, `out` or
    `out?`, with a question mark if uncertain too."""
    rows = rows_of(said, DetentionState if by is None else SourceDetention)
    rows = [row for row in rows if by is None or row["source"] == SOURCES[by].key]
    numbers: Any = {
        name: np.array([NULL if row[name] is None else row[name] for row in rows])
        for name in rows[0]
        if name.rpartition("_")[2] in ("lo", "hi")
    }
    found = [match_held_on_day(numbers, parse_date(day).lo, house_arrest=house_arrest) for day in days]
    return [f"{'in' if a.is_inside.any() else 'out'}{'?' * bool(a.is_uncertain.any())}" for a in found]


def seen(record: int, source: str, day: str, **more: Any) -> Statement:
    return held(record, source, detention__held_on=day, **VERIFIED | more)


def ended(record: int, source: str, day: str | None, how: str = "escaped", **more: Any) -> Statement:
    return held(record, source, detention__ended={"how": how, "on": day} if day else {"how": how}, **more)


TWO_VERIFY = [verified(1, "foro", J8, ARREST), verified(2, "jep", J8, ARREST)]


def test_a_person_is_held_from_the_arrest_through_the_day_of_release() -> None:
    said = [out(1, "foro", J8, ARREST)]
    for by in (None, "foro"):
        assert on(said, BEFORE, ARREST, J8, AFTER, by=by) == ["out", "in", "in", "out"]


def test_a_disputed_announcement_leaves_the_person_held() -> None:
    announced = out(2, "ministry", release__stage="announced", release__announced_on=J8)
    disputed = refuted(3, "foro", release__stage="announced")
    assert on([held(1, "jep", ARREST, **VERIFIED), announced, disputed], "2026-02-01") == ["in"]


# The begin


def test_a_later_arrest_in_the_press_does_not_move_the_begin() -> None:
    said = [seen(1, "foro", "2021-08-20"), held(2, "jep", "2023-01", verification__method="press")]
    assert on(said, "2021-08-19", "2021-09-01") == ["out", "in"]


def test_two_arrests_without_a_release_are_one_detention_from_the_earlier_one() -> None:
    said = [held(1, "foro", "2021-01-20"), held(2, "foro", "2023-02-27")]
    assert on(said, "2021-03-01", "2023-03-01") == ["in", "in"]
    first_hand = [held(1, "foro", "2021-01-20", **VERIFIED), held(2, "jep", "2023-02-27", **VERIFIED)]
    assert on(first_hand, "2021-03-01", "2023-03-01") == ["in?", "in"]


def test_the_begin_is_the_earliest_sighting_if_it_lies_wholly_before_the_arrest() -> None:
    said = [held(1, "foro", ARREST, **VERIFIED), seen(2, "jep", "2025-02-10")]
    assert on(said, "2025-02-09", "2025-02-10", ARREST) == ["out", "in?", "in"]


def test_a_coarse_arrest_was_at_the_latest_on_the_earliest_sighting() -> None:
    said = [held(1, "foro", "2025-03", **VERIFIED), seen(2, "jep", "2025-03-10")]
    assert on(said, BEFORE, "2025-03-09", "2025-03-10") == ["out", "out?", "in"]


def test_without_an_arrest_the_first_day_is_unknown() -> None:
    assert on([seen(1, "foro", J8)], "2020-01-01", J8) == ["out?", "in"]
    assert on([held(1, "foro")], J8) == ["out?"]
    assert on([held(1, "jep", ARREST), out(2, "foro", J8)], J8, AFTER, by="foro") == ["out?", "out"]


def test_a_date_before_a_second_detention_does_not_show_it() -> None:
    said = [verified(1, "foro", J8, ARREST), verified(2, "jep", "2026-02-10", ARREST), held(3, "pud", J20)]
    assert on(said, J8, "2026-01-10", J20, "2026-02-10", "2026-02-11") == ["in", "out", "in", "in", "out"]


def test_a_coarse_release_in_the_first_detention_does_not_end_the_second() -> None:
    said = [verified(1, "foro", J8, ARREST), held(2, "jep", J20, **VERIFIED), verified(3, "pud", "2026-01", ARREST)]
    assert on(said, "2026-01-25") == ["in"]


# The end


def test_a_sighting_after_the_release_makes_the_days_until_then_uncertain() -> None:
    assert on([*TWO_VERIFY, seen(3, "pud", "2026-01-12")], "2026-01-10", "2026-02-01") == ["out?", "out"]


@pytest.mark.parametrize("later", [
    out(3, "pud", J20, verification__method="press"),
    held(3, "pud", detention__held_on=J20, verification__verdict="disputed"),
    refuted(3, "pud", J8, detention__held_on=J20),
    seen(3, "pud", "2026-01-09/2026-01-20"),
])  # fmt: skip
def test_later_dates_of_other_reports_make_the_days_until_then_uncertain(later: Statement) -> None:
    assert on([*TWO_VERIFY, later], J20, "2026-01-21") == ["out?", "out"]


@pytest.mark.parametrize("other", [
    seen(3, "pud", "2026-01"),
    out(3, "pud", J20, verification__verdict="disputed"),
    held(3, "ministry", detention__held_on=J20),
    out(3, "ministry", J20),
])  # fmt: skip
def test_overlapping_dates_denied_releases_and_governments_leave_the_end_certain(other: Statement) -> None:
    assert on([*TWO_VERIFY, other], J20) == ["out"]


def test_an_arrest_after_the_end_makes_the_days_until_then_uncertain() -> None:
    said = [verified(1, "foro", J8), held(2, "jep", J20, **VERIFIED)]
    assert on(said, "2026-01-15", "2026-01-21") == ["out?", "out"]


def test_another_first_hand_release_date_that_has_passed_makes_the_days_uncertain() -> None:
    said = [verified(1, "foro", J20, ARREST), verified(2, "pud", J20), verified(3, "jep", J8)]
    assert on(said, J8, AFTER, J20, "2026-01-21") == ["in", "in?", "in?", "out"]


def test_a_contested_release_makes_the_days_after_it_uncertain() -> None:
    said = [verified(1, "foro", J8, ARREST), refuted(2, "jep")]
    assert on(said, J8, AFTER, "2027-01-01") == ["in", "out?", "out?"]


def test_a_refuted_release_ends_nothing() -> None:
    assert on([out(1, "foro", J8, ARREST), refuted(2, "jep", J8)], AFTER) == ["in"]


def test_a_coarse_release_leaves_its_days_uncertain() -> None:
    assert on([verified(1, "foro", "2026-01", ARREST)], "2025-12-31", "2026-01-01", "2026-01-02", "2026-02-01") == [
        "in", "in", "out?", "out",
    ]  # fmt: skip


def test_an_end_without_a_date_lies_on_or_after_the_latest_day_inside() -> None:
    assert on([verified(1, "foro", since=ARREST), seen(2, "jep", J8)], J8, AFTER) == ["in", "out?"]
    assert on([held(3, "foro", ARREST), ended(1, "foro", None), seen(2, "jep", J8)], J8, AFTER) == ["in", "out?"]


def test_another_end_ends_the_detention_and_the_earlier_end_counts() -> None:
    said = [held(1, "foro", ARREST), ended(2, "foro", J8)]
    assert on(said, J8, AFTER) == ["in", "out"]
    assert on([*said, out(3, "jep", J20)], J8, AFTER, "2026-01-21") == ["in", "out?", "out"]
    assert on([held(1, "foro", ARREST), ended(2, "foro", J20), out(3, "jep", J8)], J8, AFTER) == ["in", "out"]
    denied = ended(2, "foro", J8, verification__verdict="disputed")
    assert on([held(1, "jep", ARREST), denied], AFTER)[0].startswith("in")


def test_a_death_ends_the_detention() -> None:
    said = [held(1, "foro", ARREST, detainee__died_on=J8)]
    for by in (None, "foro"):
        assert on(said, J8, AFTER, by=by) == ["in", "out"]


def test_a_denial_of_the_custody_dates_no_death_but_a_denial_of_the_release_does() -> None:
    denials = (
        held(2, "jep", verification__verdict="refuted", detainee__died_on=J8),
        refuted(2, "jep", J8, detainee__died_on=J8),
    )
    assert [on([held(1, "foro", ARREST), denial], AFTER)[0][:2] for denial in denials] == ["in", "ou"]


def test_a_death_after_the_release_says_nothing_of_the_days_between() -> None:
    assert on([verified(1, "foro", J8, ARREST, detainee__died_on="2026-02-20")], J8, AFTER) == ["in", "out"]


def test_house_arrest_ends_being_in_prison_and_not_being_held() -> None:
    said = [verified(1, "foro", J8, ARREST, release__kind="house_arrest")]
    for by in (None, "foro"):
        assert on(said, AFTER, by=by) + on(said, AFTER, by=by, house_arrest=True) == ["out", "in"]


# Denials and governments


def test_a_denial_of_custody_counts_only_as_the_newest_report_of_its_source() -> None:
    said = [held(1, "jep", ARREST, **VERIFIED), held(2, "foro", ARREST, **VERIFIED)]
    denial = held(3, "foro", verification__verdict="disputed")
    assert on([*said, denial], J8) == ["in?"]
    assert on([*said, denial, seen(4, "foro", "2025-06-01")], J8) == ["in"]
    assert on([*said, held(3, "foro", verification__verdict="disputed", verification__method="press")], J8) == ["in"]


BY_THE_MINISTRY = {
    "release": out(2, "ministry", J8),
    "release without a date": out(2, "ministry"),
    "escape": ended(2, "ministry", J8),
    "escape without a date": ended(2, "ministry", None),
    "death in custody": ended(2, "ministry", J8, "died"),
    "death": held(2, "ministry", detainee__died_on=J8),
    "house arrest": out(2, "ministry", J8, release__kind="house_arrest"),
    "sighting before": held(2, "ministry", detention__held_on="2024-12-01"),
    "arrest before": held(2, "ministry", "2024-12-01"),
    "denial": held(2, "ministry", verification__verdict="refuted"),
}


@pytest.mark.parametrize("official", BY_THE_MINISTRY.values(), ids=BY_THE_MINISTRY)
@pytest.mark.parametrize("verdict", ["verified", "reported"])
def test_a_government_changes_nothing_if_an_organisation_reports_the_detention(
    official: Statement, verdict: str
) -> None:
    said = [held(1, "foro", ARREST, verification__verdict=verdict), official]
    assert on(said, BEFORE, ARREST, J8, J20) == ["out", "in", "in", "in"]


def test_the_reports_of_governments_decide_if_no_organisation_reports_the_detention() -> None:
    assert on([out(1, "ministry", J8, ARREST)], BEFORE, J8, AFTER) == ["out", "in", "out"]
    assert on([held(1, "ministry", ARREST), ended(2, "police", J8)], J8, AFTER) == ["in", "out"]


def test_the_row_of_a_government_shows_its_own_word() -> None:
    said = [held(1, "foro", ARREST, **VERIFIED), out(2, "ministry", J8, ARREST)]
    assert (on(said, AFTER), on(said, AFTER, by="foro"), on(said, AFTER, by="ministry")) == (["in"], ["in"], ["out"])


def test_a_death_without_a_date_takes_the_date_of_the_death() -> None:
    """Otherwise the days from the arrest to the death would be uncertain."""
    said = [held(1, "foro", ARREST, detainee__died_on=J8), ended(2, "jep", None, "died")]
    assert on(said, ARREST, J8, AFTER) == ["in", "in", "out"]
    assert on([*said[:1], ended(2, "jep", None, "escaped")], J8, AFTER) == ["out?", "out"]
