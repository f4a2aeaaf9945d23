"""The date of a release at each stage, and of the arrest (rules 5 and 9)."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.dates import PartialDate, parse_date
from app.models import SourceRelease
from app.projection import Statement
from app.projection.custody import Custody, read_custody
from app.projection.detentions import divide_into_detentions
from app.projection.event_dates import EventDate, choose_release_date
from app.vocabulary import Stage
from tests.projection.histories import DATES
from tests.registry.statements import ARREST, J8, J20, SOURCES, held, out, refuted, row_of, statement, verified

OWN: dict[str, Any] = {"verification__method": "family"}
VERIFIED: dict[str, Any] = {"verification__verdict": "verified"}


def text_of(date: EventDate) -> str | None:
    return None if date.date is None else date.date.text


def release_date(*said: Statement, stage: Stage = Stage.CARRIED_OUT) -> str | None:
    return text_of(read_custody(said).stages[stage].date)


def arrest_date(*said: Statement) -> str | None:
    return text_of(read_custody(said).arrest)


def is_uncertain(*said: Statement) -> bool:
    return read_custody(said).stages[Stage.CARRIED_OUT].date.is_uncertain


def divide(*said: Statement) -> list[Custody]:
    return [read_custody(found.statements, found.begin) for found in divide_into_detentions(said)]


# The release


def test_the_sources_that_verify_date_the_release() -> None:
    said = [verified(1, "foro", J8), out(2, "jep", "2026-01-31", **OWN), out(3, "pud", "2026-01-31", **OWN)]
    assert (release_date(*said), is_uncertain(*said)) == (J8, True)


def test_without_a_date_in_one_group_the_next_group_dates_the_release() -> None:
    said = [out(5, "police", "2026-01-05"), out(4, "foro", "2026-01-04"), out(3, "jep", "2026-01-03", **OWN)]
    for number, expected in enumerate(("2026-01-05", "2026-01-04", "2026-01-03"), 1):
        assert release_date(*said[:number]) == expected
    assert release_date(*said, verified(2, "pud")) == "2026-01-03"
    assert release_date(*said, verified(2, "pud", "2026-01-02")) == "2026-01-02"


def test_no_government_dates_a_release_that_an_organisation_asserts() -> None:
    assert release_date(out(1, "ministry", J8), out(2, "jep")) is None
    assert release_date(out(1, "ministry", J8), refuted(2, "jep", J20)) == J8


def test_a_corrected_date_is_not_outvoted_by_copies_of_the_slip() -> None:
    copies = [
        verified(2, "jep", pointer=1, taken__release__released_on=J8),
        verified(3, "pud", pointer=1, taken__release__released_on=J8),
    ]
    assert release_date(verified(1, "foro", J8), *copies) == J8
    said = [verified(1, "foro", "2026-01-09"), *copies]
    assert (release_date(*said), is_uncertain(*said)) == ("2026-01-09", False)
    assert read_custody(said).stages[Stage.CARRIED_OUT].verified_count == 3


def test_sources_that_verify_by_id_verify_the_date_that_they_saw() -> None:
    pointing = [
        verified(n, source, pointer=1, taken__release__released_on=J8) for n, source in enumerate(("foro", "jep"), 2)
    ]
    said = [out(1, "ministry", J8), *pointing]
    assert release_date(*said) == J8
    row = row_of(said, SourceRelease, source=SOURCES["jep"].key, stage="carried_out")
    assert (row["lo"], row["said_lo"], row["verdict"]) == (parse_date(J8).lo, None, "verified")


def test_the_date_of_a_source_is_its_newest_and_not_that_of_the_report_that_speaks_for_it() -> None:
    said = [verified(1, "foro", J8), out(2, "foro", J20, **OWN)]
    assert (release_date(*said), is_uncertain(*said)) == (J20, False)
    assert release_date(out(1, "foro", J8), verified(2, "foro")) == J8
    assert release_date(verified(1, "foro", J8), out(2, "foro", J20)) == J8, "a first-hand date goes before others"


def test_a_source_that_denies_has_no_vote() -> None:
    said = [verified(1, "foro", J8), out(2, "jep", J20, **OWN), refuted(3, "jep", J8)]
    assert (release_date(*said), is_uncertain(*said)) == (J8, False)


def test_each_stage_has_its_own_date() -> None:
    assert release_date(verified(1, "foro", J8), stage=Stage.ANNOUNCED) is None
    announced = verified(1, "foro", J8, release__announced_on="2026-01-05")
    assert release_date(announced, stage=Stage.ANNOUNCED) == "2026-01-05"


def test_a_coarse_date_supports_the_days_inside_and_a_tie_goes_to_the_later_and_then_the_finer_date() -> None:
    assert release_date(verified(1, "foro", J8), verified(2, "jep", J20), verified(3, "pud", "2026-01")) == J20
    assert release_date(verified(1, "foro", J8), verified(2, "jep", "2026-01")) == J8
    assert release_date(verified(1, "foro", "2026-01-31"), verified(2, "jep", "2026-01-30/2026-01-31")) == "2026-01-31"


def test_second_hand_and_overlapping_dates_leave_no_doubt() -> None:
    assert not is_uncertain(verified(1, "foro", J8), out(2, "jep", J20), out(3, "ministry", J20))
    assert not is_uncertain(verified(1, "foro", J8), out(2, "jep", "2026-01", **OWN))
    assert not is_uncertain(verified(1, "foro", J8), verified(2, "jep", pointer=9, taken__release__released_on=J20))
    assert is_uncertain(verified(1, "foro", J8), out(2, "jep", J20, **OWN))


@st.composite
def draw_said(draw: st.DrawFn) -> list[Statement]:
    """One dated report of each of some sources."""
    sources = draw(st.lists(st.sampled_from(["foro", "jep", "pud", "ministry", "police"]), unique=True, min_size=1))
    return [
        out(
            number,
            source,
            draw(st.sampled_from([None, *DATES])),
            verification__verdict=draw(st.sampled_from(["reported", "verified"])),
            verification__method=draw(st.sampled_from(["family", "press"])),
            taken__release__released_on=draw(st.sampled_from([None, *DATES])),
        )
        for number, source in enumerate(sources, 1)
    ]


def dates_that_vote(said: Sequence[Statement]) -> list[PartialDate]:
    """The dates of the first group of rule 5: own ones, otherwise those taken over."""
    organisations = [one for one in said if one.source.independent]
    groups = [
        [one for one in organisations if one.independent and one.verdict == "verified"],
        [one for one in organisations if one.independent],
        organisations,
        [] if organisations else said,
    ]
    for group in groups:
        own = [day for one in group if (day := one.own_date("release.released_on"))]
        votes = own or [day for one in group if (day := one.release_day)]
        if votes:
            return votes
    return []


@given(draw_said())
def test_any_dates_give_the_one_of_the_rule(said: list[Statement]) -> None:
    votes = dates_that_vote(said)
    found = choose_release_date(said, said, "release.released_on").date
    support = {date: sum(date.is_within(other) for other in votes) for date in votes}
    tied = [date for date in votes if support[date] == max(support.values())]
    latest = [date for date in tied if date.hi == max(other.hi for other in tied)]
    expected = max(latest, key=lambda date: date.lo, default=None)
    assert (found and (found.lo, found.hi)) == (expected and (expected.lo, expected.hi))


# The arrest


def test_a_tie_on_the_arrest_goes_to_the_earlier_date() -> None:
    assert arrest_date(held(1, "foro", "2025-03-04", **VERIFIED), held(2, "jep", ARREST, **VERIFIED)) == ARREST


def test_a_source_votes_on_the_arrest_in_the_best_group_of_its_reports() -> None:
    said = [held(1, "foro", "2025-03-04", **VERIFIED), held(2, "foro", "2025-03-05", **OWN)]
    assert arrest_date(*said, held(3, "jep", ARREST, **OWN), held(4, "pud", ARREST, **OWN)) == "2025-03-05"


def test_a_verified_release_verifies_the_arrest_that_its_report_gives() -> None:
    assert arrest_date(held(1, "foro", "2025-02-01", **OWN), verified(2, "jep", J8, ARREST)) == ARREST


@pytest.mark.parametrize("verdict", ["disputed", "refuted", "retracted"])
def test_a_denial_dates_no_arrest_and_keeps_the_vote_of_its_source(verdict: str) -> None:
    denial = held(2, "foro", "2025-02-01", verification__verdict=verdict)
    assert arrest_date(held(1, "foro", ARREST, **VERIFIED), denial) == ARREST


def test_a_date_after_the_release_has_no_vote_on_the_arrest() -> None:
    said = [verified(1, "foro", J8), held(2, "jep", J20, **VERIFIED)]
    assert arrest_date(*said) is None
    assert arrest_date(*said, held(3, "pud", ARREST)) == ARREST


def test_a_date_before_a_second_detention_has_no_vote_on_its_arrest() -> None:
    said = [verified(1, "foro", J8, ARREST), verified(2, "jep", "2026-02-10", ARREST), held(3, "pud", J20, **VERIFIED)]
    first, second = divide(*said)
    assert [text_of(custody.arrest) for custody in (first, second)] == [ARREST, J20]
    assert {one.record for one in second.statements} == {2, 3}


def test_no_government_dates_the_arrest_of_somebody_whom_an_organisation_reports() -> None:
    assert arrest_date(held(1, "ministry", ARREST)) == ARREST
    assert arrest_date(held(1, "ministry", ARREST), held(2, "jep")) is None


def test_an_announcement_of_a_government_is_dated_by_it() -> None:
    announced = statement(1, "ministry", release__stage="announced", release__announced_on=J8)
    assert release_date(announced, stage=Stage.ANNOUNCED) == J8
