"""What is a correction and what only says more; and that nothing personal can ever be a change."""

from typing import Any

import pytest

from app.log.content import PUBLIC_FIELDS, flatten_body
from app.projection.statements import split_content
from app.queries.correction_candidates import CLAIM_FIELDS, CORRECTION_FIELDS, compare_claims, compare_report_versions
from app.vocabulary import CorrectionKind
from tests.support import make_report

SAID = {
    "detention.detained_on": "2025-06",
    "detention.country": "VE",
    "detention.held_on": "2026-01-05",
    "release.stage": "carried_out",
    "release.kind": "release_with_measures",
    "release.released_on": "2026-01-12",
    "verification.verdict": "verified",
    "verification.method": "family",
}


def said(**changes: Any) -> dict[str, Any]:
    """What a report says, with changes by the end of a name; None leaves one out."""
    paths = {path.partition(".")[2]: path for path in PUBLIC_FIELDS}
    found = SAID | {paths[name]: value for name, value in changes.items()}
    return {path: value for path, value in found.items() if value is not None}


def kind(before: dict[str, Any], after: dict[str, Any]) -> str | None:
    return compare_report_versions(said(**before), said(**after))[0]


@pytest.mark.parametrize(
    "before,after",
    [
        ({}, {"released_on": "2026-01-13"}),
        ({}, {"released_on": "2026-01"}),  # coarser: less is said
        ({"released_on": "2026-01-08/2026-01-09"}, {"released_on": "2026-01-09/2026-01-10"}),
        ({}, {"detained_on": None}),
        ({}, {"detained_on": "2025-07-01"}),
        ({}, {"kind": "pardon"}),
        ({}, {"kind": "unspecified"}),
        ({}, {"stage": "ordered"}),
        ({}, {"held_on": "2026-01-04"}),
        ({}, {"country": "CO"}),
        ({}, {"verdict": "reported"}),
        ({"verdict": "refuted"}, {"verdict": "verified"}),
        ({"verdict": "retracted"}, {"verdict": "verified"}),
        ({"designation": "political"}, {"designation": "not_political"}),
        ({"designation": "political"}, {"designation": "unstated"}),
        ({}, {"method": "press"}),
        ({}, {"citing": ["jep"]}),
        ({"ended": {"how": "died", "on": "2026-01-10"}}, {"ended": {"how": "escaped", "on": "2026-01-10"}}),
        ({"died_on": "2026-01-10"}, {"died_on": None}),
        ({"announced_on": "2026-01-08"}, {"announced_on": "2026-01-09"}),
        ({"ordered_on": "2026-01-08"}, {"ordered_on": "2026-01-09"}),
        ({"measures_lifted_on": "2026-02"}, {"measures_lifted_on": "2026-03"}),
    ],
)
def test_to_say_something_else_or_less_is_a_correction(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert kind(before, after) == CorrectionKind.RESTATED


@pytest.mark.parametrize(
    "before,after",
    [
        ({}, {}),
        ({"released_on": "2026-01"}, {"released_on": "2026-01-12"}),
        ({"detained_on": None}, {"detained_on": "2025-06"}),
        ({"kind": "unspecified"}, {"kind": "amnesty"}),
        ({"designation": "unstated"}, {"designation": "political"}),
        ({"stage": "ordered", "released_on": None}, {}),
        ({"stage": None, "kind": None, "released_on": None}, {}),  # from a detention to its release
        # So, too, where it knew of the detention itself and of the release only from others.
        ({"stage": None, "kind": None, "released_on": None}, {"verdict": "reported", "method": "press"}),
        ({"verdict": "reported", "method": None}, {}),
        ({}, {"held_on": "2026-01-09"}),
        ({"verified_on": "2026-01-12"}, {"verified_on": "2026-02-01"}),  # the day of a check is nothing of a release
        ({"publish": "named"}, {"publish": "counted"}),  # nobody's business
    ],
)
def test_to_say_more_is_no_correction(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert kind(before, after) is None


def test_to_check_what_was_passed_on_is_no_correction_and_to_check_less_is_one() -> None:
    passed_on = {"verdict": "reported", "method": "press"}
    assert kind(passed_on, {}) is None
    assert kind({}, passed_on) == CorrectionKind.RESTATED


@pytest.mark.parametrize("verdict", ["retracted", "refuted", "disputed"])
def test_a_verdict_that_withdraws_or_denies_names_the_correction(verdict: str) -> None:
    found, changes = compare_report_versions(said(), said(verdict=verdict, released_on="2026-01-13"))
    assert found == verdict
    assert changes == [
        {"field": "verdict", "before": "verified", "after": verdict},
        {"field": "released_on", "before": "2026-01-12", "after": "2026-01-13"},
    ]
    assert kind({"verdict": verdict}, {"verdict": verdict, "kind": "pardon"}) == CorrectionKind.RESTATED


def test_a_first_report_corrects_others_by_a_denial_and_by_nothing_else() -> None:
    found = {verdict: compare_report_versions(None, said(verdict=verdict)) for verdict in ("refuted", "disputed")}
    assert found == {"refuted": (CorrectionKind.REFUTED, []), "disputed": (CorrectionKind.DISPUTED, [])}
    for verdict in ("verified", "reported", "retracted"):
        assert compare_report_versions(None, said(verdict=verdict)) == (None, [])


def test_what_is_added_by_a_correction_stands_among_its_changes() -> None:
    _kind, changes = compare_report_versions(said(announced_on=None), said(announced_on="2026-01-08", kind="pardon"))
    assert {change["field"]: change["before"] for change in changes} == {
        "announced_on": None, "kind": "release_with_measures",
    }  # fmt: skip


def test_that_the_log_says_months_and_no_method_from_then_on_is_no_correction() -> None:
    """Nor that it says days again: the source said the same."""
    in_clear = said(detained_on="2025-06-03")
    sealed = {"detention.detained_on": "2025-06", "detention.held_on": "2026-01", "verification.first_hand": True}
    sealed = said(method=None) | sealed
    assert compare_report_versions(in_clear, sealed) == compare_report_versions(sealed, in_clear) == (None, [])
    assert (
        compare_report_versions(in_clear, sealed | {"detention.detained_on": "2025-07"})[0] == CorrectionKind.RESTATED
    )


def test_nothing_personal_and_no_class_is_ever_a_change() -> None:
    """Whoever makes a value public decides here too whether a change of it is told."""
    told = {*CORRECTION_FIELDS.values(), "detention.ended"}
    assert told < PUBLIC_FIELDS
    assert PUBLIC_FIELDS - told == {"detainee.publish", "verification.verified_on"}
    personal = split_content(flatten_body(make_report()), is_count_only=False)[1]
    assert personal.keys() >= {"detainee.full_name", "detainee.gender", "detention.facility"}
    assert compare_report_versions(said(), said() | personal) == (None, [])


def test_a_figure_changes_in_its_numbers_and_terms_and_not_in_its_prose() -> None:
    before = {"low": 80, "high": None, "qualifier": "at_least", "reported_by": "a paper", "citation": {"quote": "80"}}
    after = {**before, "low": 104, "reported_by": "another", "citation": {"quote": "104"}, "window_said": "since May"}
    assert compare_claims(before, after) == [{"field": "low", "before": 80, "after": 104}]
    assert not {"window_said", "reported_by", "citation", "definition", "note", "source_record_id"} & {*CLAIM_FIELDS}
