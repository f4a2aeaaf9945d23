"""The reasons for which two numbers differ: each is named where it is known to bear, and nowhere else."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from app.claims.figures import Figure, check_arithmetic
from app.claims.reasons import (
    BEYOND_TERMS,
    TWO_SOURCE_LISTS,
    ClaimContext,
    find_differences,
    find_obstacles,
    find_reasons,
)
from app.vocabulary import Reason
from tests.claims.figuring import all_of, figure, part

SAID = {"window_from": "2026-01-08", "stated_at": "2026-01-13"}
PLAIN = figure("116", 116, claimant="ministry", definition={"net": False}, **SAID)


def mine(**said: Any) -> Figure:
    """The ministry's 116 with something else about it."""
    return figure(
        "116", said.pop("number", 116), **{"claimant": "ministry", "definition": {"net": False}, **SAID, **said}
    )


def other(number: int | tuple[int, int] = 56, **said: Any) -> Figure:
    return figure(f"{number}", number, **{**SAID, **said})


def check(whole: Figure, *numbers: int) -> list[Any]:
    parts = [figure(f"part {n}", number, part_of=part(whole.id)) for n, number in enumerate(numbers)]
    return check_arithmetic(all_of(whole, *parts), whole)


# Reason → what is known around a claim, with a word of the detail; and next to it, where it must not be named.
NAMED: list[tuple[Reason, str, ClaimContext]] = [
    (Reason.WINDOW, "does not say since when", ClaimContext(mine(window_from=None))),
    (Reason.WINDOW, "since 2026-01-08; foro since 2025-12",
     ClaimContext(PLAIN, peer_figures=[other(269, window_from="2025-12")])),
    (Reason.WINDOW, "foro without saying since when", ClaimContext(PLAIN, peer_figures=[other(window_from=None)])),
    (Reason.WINDOW, "until 2026-01-12; foro until 2026-01-10",
     ClaimContext(mine(window_to="2026-01-12"), peer_figures=[other(window_to="2026-01-10")])),
    (Reason.WINDOW, "until 2026-01-13; foro until 2026-01-10",
     ClaimContext(PLAIN, peer_figures=[other(window_to="2026-01-10")])),
    (Reason.WINDOW, "foro without saying until when",
     ClaimContext(mine(window_to="2026-01-12"), peer_figures=[other(stated_at=None)])),
    (Reason.WINDOW, "stated on 2026-01-13 and counts since 2026-02-01", ClaimContext(mine(window_from="2026-02-01"))),
    (Reason.WINDOW, "since 2024-12 too", ClaimContext(PLAIN, own_figures=[mine(window_from="2024-12")])),
    (Reason.POPULATION, "in prose (not political)",
     ClaimContext(mine(definition={"net": False, "population": "not political"}))),
    (Reason.POPULATION, "in prose (women) beside its terms",
     ClaimContext(mine(definition={"net": False, "population": "women", "terms": {"gender": "female"}}),
             sees_everybody=True)),
    (Reason.POPULATION, "another population than foro",
     ClaimContext(PLAIN, peer_figures=[other(definition={"population": "political prisoners"})])),
    (Reason.POPULATION, "does not know",
     ClaimContext(mine(terms__facility="nowhere"), refusal_codes=["unknown_facility"])),
    (Reason.POPULATION, "knows no facility",
     ClaimContext(mine(terms__area="nowhere"), refusal_codes=["unknown_area"])),
    (Reason.POPULATION, "which part", ClaimContext(mine(definition={"net": False, "subset_of": "x"}))),
    (Reason.DEFINITION, "in its terms: `group`, `release_kind`",
     ClaimContext(mine(terms__kind=["amnesty"]), peer_figures=[other(terms__group="journalist")])),
    (Reason.DEFINITION, "a source that",
     ClaimContext(mine(terms__any_of=["nobody"]), refusal_codes=["unknown_source"] * 2)),
    (Reason.DEFINITION, "more sources than",
     ClaimContext(mine(terms__min_sources=5), refusal_codes=["too_many_sources"])),
    (Reason.DEFINITION, "a count names them once", ClaimContext(PLAIN, refusal_codes=[TWO_SOURCE_LISTS])),
    (Reason.DEFINITION, "more than 12 sources", ClaimContext(PLAIN, refusal_codes=[BEYOND_TERMS])),
    (Reason.DEFINITION, "`measures_lifted`", ClaimContext(mine(measure="measures_lifted"))),
    (Reason.DEFINITION, "adds `measures_lifted` to `released`",
     ClaimContext(PLAIN, parts=[figure("a", 217), figure("b", 3934, measure="measures_lifted")])),
    (Reason.STAGE, "`announced`", ClaimContext(mine(terms__stage="announced"))),
    (Reason.STAGE, "foro about `ordered`", ClaimContext(PLAIN, peer_figures=[other(terms__stage="ordered")])),
    (Reason.STAGE, "requests to the courts", ClaimContext(mine(measure="release_requested"))),
    (Reason.GROSS_NET, "leaves out who was taken again",
     ClaimContext(PLAIN, peer_figures=[other(definition={"net": True})])),
    (Reason.GROSS_NET, "116 and 115 differ", ClaimContext(PLAIN, corrections=[other(115, definition={"net": True})])),
    (Reason.GROSS_NET, "12 gross, 11 net", ClaimContext(mine(definition={}), gross=12, net=11)),
    (Reason.REPORTING_DELAY, "28 more", ClaimContext(PLAIN, learned_count=28)),
    (Reason.CONSENT, "`gender`", ClaimContext(mine(terms__gender="female", definition={"net": False}))),
    (Reason.CONSENT, "17 in the registry's count", ClaimContext(mine(named=True), withheld=17)),
    (Reason.CONSENT, "which families may refuse", ClaimContext(PLAIN, peer_figures=[other(named=True)])),
    (Reason.HOUR, "41, 49, 116",
     ClaimContext(PLAIN, own_figures=[mine(number=41, stated_at="2026-01-13T08:00:00-04:00"),
                                      mine(number=49, stated_at="2026-01-13T16:00:00-04:00")])),
    (Reason.HOUR, "foro, jep gave several", ClaimContext(PLAIN, inconsistent_claimants=["foro", "jep"])),
    (Reason.ARITHMETIC, "99 + 88 + 116 = 303, and it says 406",
     ClaimContext(mine(number=406), arithmetic=check(mine(number=406), 99, 88, 116))),
    (Reason.ARITHMETIC, "it says 401 or more", ClaimContext(mine(number=(401, None)),
                                                     arithmetic=check(mine(number=(401, None)), 99, 116))),
    (Reason.SECONDARY_CITATION, "the figure of foro", ClaimContext(PLAIN, cited_figures=[other(116)])),
    (Reason.SECONDARY_CITATION, "the figure of somebody not named",
     ClaimContext(PLAIN, cited_figures=[other(116, claimant=None)])),
    (Reason.SECONDARY_CITATION, "a misprint", ClaimContext(mine(misprint=True))),
    (Reason.SECONDARY_CITATION, "an agency printed it", ClaimContext(mine(claimant=None, reported_by="an agency"))),
    (Reason.UNDATED, "neither when it was stated nor until", ClaimContext(mine(stated_at=None))),
    (Reason.UNDATED, "on which day they were held", ClaimContext(mine(measure="held", stated_at=None))),
    (Reason.NO_REPORTS, "no report of releases in VE from 2026-01-08 to 2026-01-13",
     ClaimContext(PLAIN, has_reports=False)),
    (Reason.NO_REPORTS, "no report of people held in VE on 2026-01-13",
     ClaimContext(mine(measure="held"), has_reports=False)),
    (Reason.NO_REPORTS, "no report of releases in any country",
     ClaimContext(mine(country=None), has_reports=False)),
    (Reason.BEFORE_FIRST_REPORT, "none of releases in VE from 2026-01-08 to 2026-01-11",
     ClaimContext(PLAIN, reports_begin=date(2026, 1, 12))),
    (Reason.NO_REPORTS, "When it was stated the registry had no report", ClaimContext(PLAIN, had_reports=False)),
]  # fmt: skip

SILENT: list[tuple[Reason, ClaimContext]] = [
    (Reason.WINDOW, ClaimContext(PLAIN, peer_figures=[other()])),
    (Reason.WINDOW, ClaimContext(mine(stated_at="2026-01-13T15:00:00-04:00"),
                          peer_figures=[other(stated_at="2026-01-13T14:00:00-04:00"), other(stated_at="2026-01-11")])),
    # The same last day, once explicit and once implied.
    (Reason.WINDOW, ClaimContext(PLAIN, peer_figures=[other(window_to="2026-01-13")])),
    (Reason.WINDOW, ClaimContext(mine(window_from="2026-01", window_to="2026-01"),
                          peer_figures=[other(window_from="2026-01-01", window_to="2026-01-31")])),
    (Reason.WINDOW, ClaimContext(PLAIN, own_figures=[mine(window_from="2024-12", number=117)])),  # another number
    # Another day.
    (Reason.WINDOW, ClaimContext(PLAIN, own_figures=[mine(window_from="2024-12", stated_at="2026-01-14")])),
    (Reason.POPULATION, ClaimContext(mine(terms__stage="ordered"))),
    (Reason.POPULATION, ClaimContext(mine(terms__kind=["amnesty"], definition={"net": False, "subset_of": "x"}))),
    (Reason.POPULATION, ClaimContext(PLAIN, peer_figures=[other()])),
    (Reason.DEFINITION, ClaimContext(mine(terms__kind=["amnesty"]), peer_figures=[other(terms__kind=["amnesty"])])),
    (Reason.DEFINITION, ClaimContext(PLAIN, parts=[figure("a", 28), figure("b", 88)])),
    (Reason.STAGE, ClaimContext(PLAIN, peer_figures=[other()])),
    (Reason.GROSS_NET, ClaimContext(PLAIN, peer_figures=[other(definition={"net": False}), other()])),
    (Reason.GROSS_NET, ClaimContext(PLAIN, corrections=[other(115)])),
    (Reason.GROSS_NET, ClaimContext(mine(definition={}), gross=12, net=12)),
    (Reason.GROSS_NET, ClaimContext(PLAIN, gross=12, net=11)),  # it says that it is gross
    (Reason.REPORTING_DELAY, ClaimContext(PLAIN, learned_count=0)),
    (Reason.REPORTING_DELAY, ClaimContext(PLAIN, learned_count=-4)),
    (Reason.REPORTING_DELAY, ClaimContext(PLAIN)),
    (Reason.CONSENT, ClaimContext(mine(terms__gender="female"), sees_everybody=True)),
    (Reason.CONSENT, ClaimContext(mine(terms__kind=["amnesty"]))),
    (Reason.CONSENT, ClaimContext(mine(named=True), withheld=0)),
    (Reason.CONSENT, ClaimContext(PLAIN, withheld=17)),
    (Reason.CONSENT, ClaimContext(mine(named=True), peer_figures=[other(named=True)])),
    (Reason.HOUR, ClaimContext(PLAIN, own_figures=[mine(number=41, stated_at="2026-01-12")])),
    (Reason.HOUR, ClaimContext(PLAIN, own_figures=[mine(number=41, window_from="2025-12")])),
    (Reason.HOUR, ClaimContext(PLAIN, own_figures=[mine(number=41, terms__stage="announced")])),
    (Reason.HOUR, ClaimContext(PLAIN, own_figures=[mine(number=41, window_to="2026-01-10")])),
    (Reason.HOUR, ClaimContext(PLAIN, own_figures=[mine(number=41, part_of=part("116"))])),
    (Reason.HOUR, ClaimContext(PLAIN, own_figures=[mine(number=None)])),  # said that day, without a number
    (Reason.HOUR, ClaimContext(mine(misprint=True), own_figures=[mine(number=41)])),
    (Reason.HOUR, ClaimContext(mine(stated_at=None), own_figures=[mine(number=41)], inconsistent_claimants=["foro"])),
    (Reason.HOUR, ClaimContext(mine(stated_at="2026-01-13T14:00:00-04:00"), inconsistent_claimants=["foro"])),
    (Reason.ARITHMETIC, ClaimContext(mine(number=303), arithmetic=check(mine(number=303), 99, 88, 116))),
    (Reason.SECONDARY_CITATION, ClaimContext(PLAIN, cited_figures=[other(57)])),
    (Reason.SECONDARY_CITATION, ClaimContext(PLAIN, cited_figures=[replace(PLAIN, id="again")])),
    (Reason.UNDATED, ClaimContext(mine(stated_at=None, window_to="2026-01-12"))),  # comparable as known now
    (Reason.UNDATED, ClaimContext(mine(measure="measures_lifted", stated_at=None))),  # nobody counts these in any case
    (Reason.NO_REPORTS, ClaimContext(PLAIN)),
    (Reason.BEFORE_FIRST_REPORT, ClaimContext(PLAIN, reports_begin=date(2026, 1, 8))),
    (Reason.BEFORE_FIRST_REPORT, ClaimContext(mine(window_from=None), reports_begin=date(2026, 1, 9))),
    # Some day of January, and nothing to compare with.
    (Reason.BEFORE_FIRST_REPORT, ClaimContext(mine(window_from="2026-01"), reports_begin=date(2026, 1, 31))),
    (Reason.BEFORE_FIRST_REPORT, ClaimContext(PLAIN, reports_begin=date(2026, 1, 9), has_reports=False)),
]  # fmt: skip


@pytest.mark.parametrize("code, word, context", NAMED)
def test_a_reason_is_named_where_it_bears(code: Reason, word: str, context: ClaimContext) -> None:
    details = {reason.code: reason.build_reason_out()["detail"] for reason in find_reasons(context)}
    assert word in details.get(code, "")


@pytest.mark.parametrize("code, context", SILENT)
def test_a_reason_is_not_named_where_it_does_not(code: Reason, context: ClaimContext) -> None:
    assert code not in {reason.code for reason in find_reasons(context)}


def test_every_reason_is_tried_both_ways() -> None:
    assert {code for code, _word, _context in NAMED} == {code for code, _context in SILENT} == set(Reason)


def test_of_a_plain_figure_nothing_is_said() -> None:
    assert find_reasons(ClaimContext(PLAIN)) == find_obstacles(ClaimContext(PLAIN)) == []


@pytest.mark.parametrize(
    "context, codes",
    [
        (ClaimContext(mine(measure="release_requested", window_from=None)), ["stage"]),
        (ClaimContext(mine(measure="measures_lifted")), ["definition"]),
        (ClaimContext(PLAIN, parts=[figure("b", 3934, measure="measures_lifted")]), ["definition"]),
        (ClaimContext(mine(definition={"population": "said not to be political"})), ["population"]),
        (ClaimContext(mine(window_from=None)), ["window"]),
        (ClaimContext(mine(window_from="2026-02-01")), ["window"]),
        (ClaimContext(mine(misprint=True)), ["secondary_citation"]),
        (ClaimContext(mine(stated_at=None)), ["undated"]),
        (ClaimContext(mine(measure="held", stated_at=None)), ["undated"]),
        (ClaimContext(PLAIN, has_reports=False), ["no_reports"]),
        (ClaimContext(mine(definition={"subset_of": "x"})), ["population"]),
        (ClaimContext(mine(definition={"subset_of": "x", "terms": {"min_sources": 2}})), ["population"]),
        (ClaimContext(mine(terms__min_sources=5), refusal_codes=["too_many_sources"]), ["definition"]),
        (ClaimContext(mine(window_from=None, definition={"population": "p"})), ["population", "window"]),
    ],
)
def test_what_cannot_be_compared_says_so_first(context: ClaimContext, codes: list[str]) -> None:
    assert [str(one.code) for one in find_obstacles(context)] == codes
    assert [str(one.code) for one in find_reasons(context)][: len(codes)] == codes


@pytest.mark.parametrize(
    "context",
    [
        ClaimContext(PLAIN, peer_figures=[other(269, window_from="2025-12")], learned_count=8),
        ClaimContext(mine(terms__stage="announced")),
        ClaimContext(PLAIN, had_reports=False),
        ClaimContext(mine(definition={"population": "women", "terms": {"gender": "female"}})),
        ClaimContext(mine(number=406), arithmetic=check(mine(number=406), 99, 88, 116)),
    ],
)
def test_other_reasons_do_not_hinder(context: ClaimContext) -> None:
    assert find_obstacles(context) == []
    assert find_reasons(context)


def test_each_reason_is_named_once() -> None:
    windows = [other(n, claimant=f"c{n}", window_from=f"2025-{n}") for n in (10, 11, 12)]
    found = [reason.code for reason in find_reasons(ClaimContext(PLAIN, peer_figures=windows))]
    assert found == [Reason.WINDOW]


def test_the_windows_under_which_the_same_number_is_printed_are_listed() -> None:
    printed = [mine(window_from=start) for start in ("2025-12-23", "2024-12", "2025-12")]
    (reason,) = find_obstacles(ClaimContext(mine(window_from=None), own_figures=printed))
    assert reason.build_reason_out()["detail"].endswith("printed as counted since 2024-12, 2025-12, 2025-12-23.")


def test_two_figures_of_the_held_differ_by_their_days_once() -> None:
    first, second = (
        figure(day, 806, measure="held", window_from=start, window_to=day)
        for start, day in (("2025-12", "2026-01-05"), (None, "2026-01-08"))
    )
    assert [str(one.code) for one in find_differences(first, second)] == ["window"]


def test_between_two_figures_only_what_differs_is_told() -> None:
    assert find_differences(PLAIN, other(definition={"net": False})) == []
    apart = other(
        window_from="2025-12", terms__stage="ordered", definition={"net": True, "terms": {"stage": "ordered"}}
    )
    assert [str(one.code) for one in find_differences(PLAIN, apart)] == ["window", "stage", "gross_net"]
