"""One report as the projection reads it: what it asserts, and whether it confirms anything."""

from typing import Any

import pytest

from app import dates
from app.vocabulary import Method, Stage, Verdict
from tests.registry.statements import held, out, statement

OWN = ("family", "lawyer", "detainee", "at_the_gate", "release_order", "court_record", "official_list", "diplomatic",
       "photo_video", "fellow_prisoner")  # fmt: skip


@pytest.mark.parametrize("method", OWN)
def test_what_a_source_found_out_itself_is_independent(method: str) -> None:
    assert statement(1, verification__method=method).independent


@pytest.mark.parametrize("method", sorted({*Method} - {*OWN}))
def test_what_somebody_else_found_out_is_not(method: str) -> None:
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
    assert said.asserts_detention is (verdict in ("reported", "verified", "disputed"))


@pytest.mark.parametrize("verdict", Verdict)
@pytest.mark.parametrize("stage", Stage)
def test_only_who_asserts_that_a_release_was_carried_out_says_that_custody_ended(verdict: str, stage: str) -> None:
    said = out(1, on="2026-01-12", release__stage=stage, verification__verdict=verdict)
    ended = stage == "carried_out" and verdict in ("reported", "verified")
    assert said.end == (dates.parse_date("2026-01-12") if ended else None)


@pytest.mark.parametrize("how", ["died", "escaped", "transferred_abroad", "sentence_served", "other"])
def test_another_end_of_custody_is_an_end(how: str) -> None:
    assert held(1, detention__ended={"on": "2026-01-12", "how": how}).end == dates.parse_date("2026-01-12")
    assert held(1, detention__ended={"on": None, "how": how}).end is None


def test_a_release_is_told_before_another_end() -> None:
    both: dict[str, Any] = {"detention__ended": {"on": "2026-02-01", "how": "other"}}
    assert out(1, on="2026-01-12", **both).end == dates.parse_date("2026-01-12")
    assert out(1, **both).end == dates.parse_date("2026-02-01")


def test_unspecified_and_unstated_are_saying_nothing() -> None:
    assert out(1, release__kind="unspecified").kind is None
    assert out(1, release__kind="pardon").kind == "pardon"
    assert held(1, detainee__designation="unstated").designation is None
    assert held(1, detainee__designation="not_political").designation == "not_political"


@pytest.mark.parametrize(
    "said, position",
    [
        ({"release__released_on": "2026-01-12", "detention__held_on": "2026-01-11"}, "2026-01-12"),
        (
            {"release__stage": "ordered", "release__ordered_on": "2026-01-09", "release__announced_on": "2026-01-08"},
            "2026-01-09",
        ),
        (
            {"release__stage": "announced", "release__announced_on": "2026-01-08", "detention__held_on": "2026"},
            "2026-01-08",
        ),
        ({"detention__held_on": "2026-01-11"}, "2026-01-11"),
        ({"detention__ended": {"on": "2026-01-11", "how": "died"}}, "2026-01-11"),
    ],
)
def test_a_day_it_speaks_of_tells_its_place(said: dict[str, Any], position: str) -> None:
    assert statement(1, **said).position == dates.parse_date(position)


def test_who_says_no_day_tells_no_place() -> None:
    assert statement(1).position is None
    assert statement(1, release__stage="announced").position is None
