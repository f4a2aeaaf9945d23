"""One spell read whole: what it says of custody, and of the person's state."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from app import dates
from app.models import Detainee, Detention, Release, ReleaseAtStage
from app.registry.projection import Statement
from app.vocabulary import EndedHow, ReleaseKind
from tests.registry.statements import held, out, row_of, rows_of, statement


def state(*said: Statement) -> str:
    return str(row_of(said, Detainee)["state"])


def detention(*said: Statement) -> Any:
    return row_of(said, Detention)


def facts(*said: Statement) -> dict[str, Any]:
    return {name: fact["value"] for name, fact in detention(*said)["facts"].items()}


def test_who_was_detained_is_held() -> None:
    assert state(held(1, since="2024-10-13")) == "held"


@pytest.mark.parametrize("kind", [kind for kind in ReleaseKind if kind != "house_arrest"])
def test_who_was_let_go_is_released_whatever_the_legal_outcome(kind: str) -> None:
    assert state(out(1, on="2026-01-12", release__kind=kind)) == "released"


def test_house_arrest_is_a_release_that_leaves_its_own_state() -> None:
    home = out(1, on="2026-01-12", release__kind="house_arrest")
    assert state(home) == "house_arrest"
    row = row_of([home], ReleaseAtStage, stage="carried_out")
    assert (row["status"], row["kind"]) == ("reported", "house_arrest")


def test_who_is_taken_from_house_arrest_is_held() -> None:
    assert (
        state(out(1, on="2026-01-12", since="2024", release__kind="house_arrest"), held(2, since="2026-02-01"))
        == "held"
    )


@pytest.mark.parametrize("stage", ["announced", "ordered"])
def test_who_was_only_to_be_let_go_is_held(stage: str) -> None:
    assert state(statement(1, release__stage=stage, release__ordered_on="2026-01-19")) == "held"


def test_a_release_that_is_refuted_or_withdrawn_leaves_the_person_held() -> None:
    assert state(out(1, on="2026-01-12"), out(2, "jep", verification__verdict="refuted")) == "held"
    assert state(out(1, on="2026-01-12", verification__verdict="retracted"), held(2, "jep")) == "held"


def test_a_contested_release_is_a_release() -> None:
    said = [out(1, on="2026-01-12", verification__verdict="verified"), out(2, "jep", verification__verdict="disputed")]
    assert state(*said) == "released"


@pytest.mark.parametrize("how", [how for how in EndedHow if how != "died"])
def test_another_end_of_custody_is_no_release_nor_is_the_end_of_a_sentence(how: str) -> None:
    ended = held(1, since="2024-10-13", detention__ended={"on": "2026-01-12", "how": how})
    assert state(ended) == "unknown"
    assert rows_of([ended], Release) == rows_of([ended], ReleaseAtStage) == []
    row = detention(ended)
    assert (row["ended_lo"], row["has_release"]) == (dates.parse("2026-01-12").lo, False)


def test_a_sentence_that_has_run_out_ends_nothing() -> None:
    assert state(held(1, since="2024-10-13", detention__sentence={"until": "2025-10-13", "term": None})) == "held"


def test_death_in_custody_is_no_release() -> None:
    died = held(1, since="2024-10-13", detention__ended={"on": "2026-01-12", "how": "died"})
    assert state(died) == "died"
    assert rows_of([died], Release) == []


def test_who_died_afterwards_died() -> None:
    assert state(out(1, on="2026-01-12", detainee__died_on="2026-02-01")) == "died"
    assert row_of([out(1, detainee__died_on="2026-02-01")], Detainee)["facts"]["died_on"]["value"] == "2026-02-01"


def test_a_death_withdrawn_is_none() -> None:
    withdrawn = held(2, "jep", detainee__died_on="2026-02-01", verification__verdict="retracted")
    assert state(held(1, since="2024-10-13"), withdrawn) == "held"


def test_an_end_that_is_denied_is_none() -> None:
    denied = held(2, "jep", detention__ended={"on": "2026-01-12", "how": "died"}, verification__verdict="disputed")
    assert state(held(1, since="2024-10-13"), denied) == "held"


@pytest.mark.parametrize("verdict", ["retracted", "refuted"])
def test_where_nobody_holds_that_there_was_a_detention_the_state_is_unknown(verdict: str) -> None:
    denied = held(1, since="2024-10-13", verification__verdict=verdict)
    assert state(denied) == "unknown"
    assert facts(denied)["detained_on"] == "2024-10-13"


def test_so_it_is_where_its_source_has_since_refuted_it_under_another_case() -> None:
    filed, refuted = held(1, since="2024-10-13"), held(2, since="2024-10-13", verification__verdict="refuted")
    assert state(filed, refuted) == "unknown"
    assert state(refuted, replace(filed, revision=3)) == "held", "the last word is the newest"
    assert state(filed, refuted, held(3, "jep", "2024-10-13")) == "held"


def test_a_detention_that_its_source_has_since_refuted_takes_nobody_again() -> None:
    before, taken = out(1, on="2025-06-01", since="2024-10-13"), held(2, since="2025-09-01")
    refuted = held(3, since="2025-09-01", verification__verdict="refuted")
    found = row_of([before, taken, refuted], Detainee)
    assert (found["state"], found["rearrested"]) == ("released", False)
    assert state(before, taken) == "held"


def test_a_transfer_is_no_release_and_no_new_detention() -> None:
    moved = held(1, since="2024-10-13", detention__transfers=[{"on": "2025-02", "facility": "El Helicoide"}])
    assert (state(moved), len(rows_of([moved], Detention))) == ("held", 1)
    assert rows_of([moved], Release) == []


def test_measures_lifted_on_someone_already_out_are_no_second_release() -> None:
    said = [
        out(1, on="2026-01-12", release__kind="release_with_measures"),
        out(2, "jep", "2026-01-12", release__measures_lifted_on="2026-02-25"),
    ]
    (release,) = rows_of(said, Release)
    assert release["facts"]["facts"]["measures_lifted_on"]["value"] == "2026-02-25"
    standing = row_of(said, ReleaseAtStage, stage="carried_out")
    assert (standing["lo"], standing["kind"]) == (dates.parse("2026-01-12").lo, "release_with_measures")


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
    assert detention(*said)["held_hi"] == dates.parse("2026-03-23").hi


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
    stages = told(said)
    assert {name: stage["date"] for name, stage in stages.items()} == {
        "announced": None,  # only the ministry gives that day, and foro verified the release
        "ordered": "2026-01-09",
        "carried_out": "2026-01-12",
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
