"""One spell read whole: what it says of custody and of the release."""

from collections.abc import Sequence
from typing import Any

import pytest

from app import dates
from app.models import Detainee, Detention, Release, ReleaseAtStage
from app.projection import Statement
from tests.registry.statements import held, out, row_of, rows_of, statement


def detention(*said: Statement) -> Any:
    return row_of(said, Detention)


def facts(*said: Statement) -> dict[str, Any]:
    return {name: fact["value"] for name, fact in detention(*said)["facts"].items()}


def test_measures_lifted_on_someone_already_out_are_no_second_release() -> None:
    said = [
        out(1, on="2026-01-12", release__kind="release_with_measures"),
        out(2, "jep", "2026-01-12", release__measures_lifted_on="2026-02-25"),
    ]
    (release,) = rows_of(said, Release)
    assert release["facts"]["facts"]["measures_lifted_on"]["value"] == "2026-02-25"
    standing = row_of(said, ReleaseAtStage, stage="carried_out")
    assert (standing["lo"], standing["kind"]) == (dates.parse_date("2026-01-12").lo, "release_with_measures")


def test_measures_lifted_by_who_withdrew_it_are_not_lifted() -> None:
    said = [
        out(1, on="2026-01-12"),
        out(2, "jep", release__measures_lifted_on="2026-02-25", verification__verdict="retracted"),
    ]
    assert "measures_lifted_on" not in row_of(said, Release)["facts"]["facts"]


def held_on(*said: Statement) -> Any:
    return detention(*said)["facts"]["held_on"]


def test_held_on_is_the_last_day_a_source_knew_someone_held() -> None:
    said = [
        statement(1, "foro", detention__held_on="2026-01-20"),
        statement(2, "jep", detention__held_on="2026-01-20"),
        statement(3, "ministry", detention__held_on="2026-03-23"),
    ]
    assert held_on(*said) == {
        "value": "2026-03-23",
        "said": [{"value": "2026-03-23", "by": ["ministry"]}, {"value": "2026-01-20", "by": ["foro", "jep"]}],
    }
    assert detention(*said)["held_hi"] == dates.parse_date("2026-03-23").hi


@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_a_source_that_knew_it_on_two_days_knew_it_on_the_later(order: tuple[int, int]) -> None:
    said = [
        statement(record, detention__held_on=on) for record, on in zip(order, ("2026-03-23", "2026-01"), strict=True)
    ]
    assert held_on(*said) == {"value": "2026-03-23", "said": [{"value": "2026-03-23", "by": ["foro"]}]}


def test_who_denies_a_release_may_say_until_when_the_person_was_held() -> None:
    refuted = out(1, on="2025-11-24", verification__verdict="refuted", detention__held_on="2025-11-28")
    assert held_on(refuted)["value"] == "2025-11-28"


def test_what_was_withdrawn_tells_no_day() -> None:
    said = [
        held(1, since="2024-10-13"),
        statement(2, "jep", detention__held_on="2026-03-23", verification__verdict="retracted"),
    ]
    assert "held_on" not in facts(*said)


def test_the_country_and_the_designation_of_a_spell_are_those_most_say() -> None:
    said = [
        statement(1, "foro", detention__country="VE", detainee__designation="political"),
        statement(2, "jep", detention__country="VE", detainee__designation="political"),
        statement(3, "pud", detention__country="CO", detainee__designation="unstated"),
        statement(4, "ministry", detention__country="VE", detainee__designation="not_political"),
    ]
    row = detention(*said)
    assert (row["country"], row["designation"]) == ("VE", "political")
    assert row["facts"]["designation"]["said"] == [
        {"value": "political", "by": ["foro", "jep"]},
        {"value": "not_political", "by": ["ministry"]},
    ]
    assert row_of(said, Detainee)["facts"]["designation"]["value"] == "political"


def test_the_registry_calls_nobody_a_political_prisoner_by_itself() -> None:
    assert detention(held(1, since="2024-10-13"))["designation"] == "unstated"
    assert detention(held(1, detainee__designation="unstated"))["designation"] == "unstated"


def told(said: Sequence[Statement]) -> Any:
    return row_of(said, Release)["facts"]["stages"]


def test_each_stage_has_its_own_date_and_its_own_voices() -> None:
    said = [
        statement(1, "ministry", release__stage="announced", release__announced_on="2026-01-08"),
        statement(
            2, "foro", release__stage="ordered", release__ordered_on="2026-01-09", verification__verdict="verified"
        ),
        out(3, "jep", "2026-01-12"),
    ]
    stages, facts = told(said), row_of(said, Release)["facts"]["facts"]
    assert {name: facts[name]["value"] for name in ("announced_on", "ordered_on", "released_on")} == {
        "announced_on": None,  # only the ministry gives that day, and foro verified the release
        "ordered_on": "2026-01-09",
        "released_on": "2026-01-12",
    }
    assert {name: (stage["verified_by"], stage["reported_by"]) for name, stage in stages.items()} == {
        "announced": (["foro"], ["jep", "ministry"]),
        "ordered": (["foro"], ["jep"]),
        "carried_out": ([], ["jep"]),
    }


def test_a_stage_that_nobody_speaks_of_is_not_there() -> None:
    assert set(told([statement(1, release__stage="announced")])) == {"announced"}
    denied = statement(1, release__stage="ordered", verification__verdict="refuted")
    assert set(told([denied])) == {"ordered", "carried_out"}


def test_the_kind_is_that_of_the_stage() -> None:
    said = [
        statement(1, "ministry", release__stage="announced", release__kind="amnesty"),
        out(2, "foro", "2026-03-09", release__kind="acquittal"),
    ]
    kinds = {row["stage"]: row["kind"] for row in rows_of(said, ReleaseAtStage)}
    assert kinds == {"announced": "acquittal", "ordered": "acquittal", "carried_out": "acquittal"}
    assert row_of(said, Release)["facts"]["facts"]["kind"]["value"] == "acquittal"


def test_a_kind_that_nobody_says_is_unspecified() -> None:
    said = [out(1, on="2026-01-12", release__kind="unspecified")]
    assert {row["kind"] for row in rows_of(said, ReleaseAtStage)} == {"unspecified"}
    assert "kind" not in row_of(said, Release)["facts"]["facts"]


def test_how_a_detention_ended_is_told_by_whose_word_counts_beside_what_all_others_say() -> None:
    verified = {"verification__verdict": "verified"}
    said = [
        held(1, "foro", "2024-10-13", detention__ended={"how": "escaped", "on": "2026-03-01"}, **verified),
        held(2, "ministry", "2024-10-13", detention__ended={"how": "died", "on": "2026-02-01"}),
    ]
    told = detention(*said)["facts"]
    assert told["ended_how"] == {
        "value": "escaped", "said": [{"value": "escaped", "by": ["foro"]}, {"value": "died", "by": ["ministry"]}],
    }  # fmt: skip
    assert told["ended_on"] == {
        "value": "2026-03-01",
        "said": [{"value": "2026-03-01", "by": ["foro"]}, {"value": "2026-02-01", "by": ["ministry"]}],
    }
    alone = detention(held(1, "foro", "2024-10-13", **verified), said[1])
    assert (alone["facts"]["ended_how"]["value"], alone["facts"]["ended_on"]["value"]) == (None, None)
    assert alone["facts"]["ended_how"]["said"] == [{"value": "died", "by": ["ministry"]}]
    assert alone["ended_lo"] is None


def test_the_country_is_that_of_who_asserts_the_detention_else_of_whoever_says_one() -> None:
    """What nobody asserts is in no number, and its record shows a country all the same."""
    withdrawn = held(1, "foro", "2024-10-13", detention__country="CO", verification__verdict="retracted")
    refuting = held(2, "jep", "2024-10-13", detention__country="VE", verification__verdict="refuted")
    asserting = held(3, "pud", "2024-10-13", detention__country="BR")
    assert detention(withdrawn)["country"] == "CO"
    assert detention(withdrawn, refuting)["country"] == "VE"
    assert detention(withdrawn, refuting, asserting)["country"] == "BR"
    assert detention(withdrawn, refuting, held(3, "pud", "2024-10-13"))["country"] is None
    denying = out(4, "jep", "2026-01-12", detention__country="VE", verification__verdict="refuted")
    assert detention(denying, asserting)["country"] == "BR"
