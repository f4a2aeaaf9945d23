"""One report as the projection reads it: what it asserts, and whether it confirms anything."""

import pytest

from app import dates
from app.vocabulary import Method, Stage, Verdict
from tests.registry.statements import held, out, statement

OWN = ("family", "lawyer", "detainee", "at_the_gate", "release_order", "court_record", "diplomatic", "photo_video",
       "fellow_prisoner")  # fmt: skip


@pytest.mark.parametrize("method", OWN)
def test_what_a_source_found_out_itself_is_independent(method: str) -> None:
    assert statement(1, verification__method=method).independent


@pytest.mark.parametrize("method", [*sorted({*Method} - {*OWN}), None])
def test_what_somebody_else_found_out_or_names_no_method_is_not(method: str | None) -> None:
    assert not statement(1, verification__method=method).independent


def test_citing_another_is_not() -> None:
    assert not statement(1, verification__method="family", verification__citing=["jep"]).independent


def test_a_source_that_is_not_independent_never_is() -> None:
    assert not statement(1, "ministry", verification__method="court_record").independent


@pytest.mark.parametrize("verdict", Verdict)
def test_who_denies_a_release_holds_that_the_person_was_detained(verdict: str) -> None:
    assert out(1, on="2026-01-12", verification__verdict=verdict).asserts_detention is (verdict != "retracted")


@pytest.mark.parametrize("verdict", Verdict)
def test_without_a_release_the_verdict_is_on_the_detention_itself(verdict: str) -> None:
    said = held(1, since="2024-10-13", verification__verdict=verdict)
    assert said.asserts_detention is (verdict in ("reported", "verified"))


@pytest.mark.parametrize("verdict", Verdict)
@pytest.mark.parametrize("stage", Stage)
def test_only_who_asserts_that_a_release_was_carried_out_asserts_a_release(verdict: str, stage: str) -> None:
    said = out(1, on="2026-01-12", release__stage=stage, verification__verdict=verdict)
    assert said.asserts_release is (stage == "carried_out" and verdict in ("reported", "verified"))


@pytest.mark.parametrize("verdict", Verdict)
def test_a_denial_of_a_detail_denies_no_event(verdict: str) -> None:
    said = out(1, verification__verdict=verdict)
    assert said.denies_event is (verdict in ("refuted", "disputed"))
    assert not out(1, verification__verdict=verdict, verification__denies="date").denies_event


@pytest.mark.parametrize("how", ["died", "escaped", "transferred_abroad", "sentence_served", "other"])
def test_another_end_of_custody_has_its_own_date(how: str) -> None:
    said = held(1, detention__ended={"on": "2026-01-12", "how": how})
    assert (said.other_end, said.release_day) == (dates.parse_date("2026-01-12"), None)
    assert held(1, detention__ended={"on": None, "how": how}).other_end is None


def test_a_date_is_its_own_before_one_that_was_taken_over() -> None:
    taken_over = {
        "taken__release__released_on": "2026-01-12",
        "taken__detention__detained_on": "2024",
        "taken__detention__held_on": "2025",
    }
    said = statement(1, release__stage="carried_out", **taken_over)  # type: ignore[arg-type]
    assert [day.text for day in said.all_dates] == ["2026-01-12", "2024", "2025"]
    assert said.own_date("release.released_on") is said.own_date("detention.detained_on") is None
    own = out(1, on="2026-02", since="2024-10", detention__held_on="2026-01", **taken_over)
    assert [day.text for day in own.all_dates] == ["2026-02", "2024-10", "2026-01"]


def test_unspecified_and_unstated_are_saying_nothing() -> None:
    assert out(1, release__kind="unspecified").kind is None
    assert out(1, release__kind="pardon").kind == "pardon"
    assert held(1, detainee__designation="unstated").designation is None
    assert held(1, detainee__designation="not_political").designation == "not_political"
