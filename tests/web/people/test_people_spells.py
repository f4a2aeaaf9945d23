"""A life line says no more than the sources: where they part it is hatched, and where nobody speaks it is dotted."""

from datetime import date
from types import SimpleNamespace
from typing import Any

import pytest

from app.web.people.spells import PersonFormatter, Spell, build_spells, build_timeline, count_days_inside
from app.web.rendering import load_catalogue

NAMES = {slug: {"name": slug.title(), "independent": True} for slug in ("foro", "jep", "pud", "ministry")}


def telling(language: str = "en") -> PersonFormatter:
    page: Any = SimpleNamespace(
        catalogue=load_catalogue(language), sources=NAMES, get_source_name=lambda slug: NAMES[slug]["name"]
    )
    return PersonFormatter(page, {"el-rodeo-i": {"name": "El Rodeo I"}})


def facts(**said: Any) -> dict[str, Any]:
    """Facts as the API tells them: `detained_on={"2024-02-01": "foro jep"}`."""
    return {
        name: {"value": None, "said": [{"value": value, "by": by.split()} for value, by in values.items()]}
        for name, values in said.items()
    }


def spell(release: dict[str, Any] | None = None, **said: Any) -> Spell:
    detention: dict[str, Any] = {
        "id": "d", "release_id": "r", "facility": "el-rodeo-i", "area": "Miranda", "ended": None, "transfers": [],
        "held_on": None, "country": "VE", "facts": facts(**said),
    }  # fmt: skip
    return Spell(detention, release, [])


def release(
    status: str = "verified", stage: str = "carried_out", kind: str = "unspecified", **said: Any
) -> dict[str, Any]:
    stages = {"carried_out": {"status": status}} if said.get("released_on") else {}
    return {
        "id": "r", "stage": stage, "status": status, "kind": kind, "stages": stages, "facts": facts(**said),
        "ordered_on": None, "announced_on": None,
    }  # fmt: skip


def drawn(*spells: Spell, state: str = "released", died_on: str | None = None) -> list[tuple[str, str, str]]:
    life = build_timeline({"state": state, "died_on": died_on}, spells, telling())
    assert life is not None
    return [
        (date.fromordinal(one.start).isoformat(), date.fromordinal(one.end).isoformat(), one.certainty)
        for one in life.stretches
    ]


def marks(*spells: Spell, state: str = "released", died_on: str | None = None) -> list[tuple[str, str, bool]]:
    life = build_timeline({"state": state, "died_on": died_on}, spells, telling())
    return [(mark.date, mark.words, mark.is_bracket) for mark in life.marks] if life else []


def test_between_contradicting_days_it_is_hatched_and_a_year_that_holds_them_changes_nothing() -> None:
    one = spell(
        release(released_on={"2026-01-12": "foro jep pud"}),
        detained_on={"2024": "pud", "2024-09-04": "jep", "2024-10-13": "foro"},
    )
    assert drawn(one)[:2] == [("2024-09-04", "2024-10-13", "some"), ("2024-10-13", "2026-01-12", "all")]
    assert drawn(one)[2][0::2] == ("2026-01-12", "nobody")
    assert ("2024", "detained: Pud", True) in marks(one)
    assert ("12 Jan 2026", "left prison: 3 sources", False) in marks(one)
    assert count_days_inside(one) == (456, 495)


def test_a_year_alone_is_hatched_over_the_year() -> None:
    one = spell(release(released_on={"2026-01-12": "foro"}), detained_on={"2024": "foro"})
    assert drawn(one)[0] == ("2024-01-01", "2024-12-31", "some")


def test_a_release_that_somebody_refutes_leaves_the_line_hatched() -> None:
    one = spell(
        release("refuted", "ordered", released_on={"2025-11-24": "ministry"}), detained_on={"2024-08-11": "foro"}
    )
    (_first, solid, _all), (since, _end, how) = drawn(one, state="held")
    assert (solid, since, how) == ("2025-11-24", "2025-11-24", "some")
    assert ("24 Nov 2025", "refuted: left prison, says Ministry", False) in marks(one, state="held")


def test_of_somebody_held_it_ends_with_the_last_day_that_anybody_knows() -> None:
    one = spell(
        release("verified", "ordered", ordered_on={"2026-01-19": "foro"}),
        detained_on={"2024-10-19": "foro"}, held_on={"2026-03-23": "foro"},
    )  # fmt: skip
    assert drawn(one, state="held")[0] == ("2024-10-19", "2026-03-23", "all")
    assert drawn(one, state="held")[1][0::2] == ("2026-03-23", "nobody")
    assert ("19 Jan 2026", "release ordered: Foro", False) in marks(one, state="held")


def test_of_somebody_held_of_whom_nobody_spoke_again_nothing_is_full() -> None:
    assert {how for _start, _end, how in drawn(spell(detained_on={"2024-10-19": "foro"}), state="held")} == {"nobody"}


def test_an_arrest_that_nobody_dates_has_no_beginning() -> None:
    one = spell(release(released_on={"2026-01-12": "foro"}))
    start, end, how = drawn(one)[0]
    assert (start < "2026", end, how) == (True, "2026-01-12", "nobody")
    assert count_days_inside(one) is None


def test_between_two_detentions_nobody_has_the_person_inside() -> None:
    first = spell(
        release(released_on={"2026-01-13": "foro"}, kind="release_with_measures"), detained_on={"2024-08-10": "foro"}
    )
    second = spell(release("reported", released_on={"2026-02-03": "foro"}), detained_on={"2026-01-22": "foro"})
    assert drawn(first, second)[:3] == [
        ("2024-08-10", "2026-01-13", "all"),
        ("2026-01-13", "2026-01-22", "nobody"),
        ("2026-01-22", "2026-02-03", "all"),
    ]
    told = [words for day, words, _bracket in marks(first, second) if not day]
    assert told == ["Release with measures", "out of prison; nobody says under what conditions"]


def test_a_death_is_told_on_the_line() -> None:
    one = spell(detained_on={"2024-08-10": "foro"})
    assert ("1 Feb 2025", "died", False) in marks(one, died_on="2025-02-01")


@pytest.mark.parametrize("state", ["held", "unknown"])
def test_whoever_has_no_day_at_all_has_no_line(state: str) -> None:
    assert marks(spell(), state=state) == []


def test_spells_are_told_with_their_own_releases_and_verdicts() -> None:
    person = {"detentions": [{"id": "d1", "release_id": None}, {"id": "d2", "release_id": "r2"}]}
    spells = build_spells(person, [{"id": "r2"}], {"d1": [{"of": "d1"}], "r2": [{"of": "r2"}]})
    assert [one.release for one in spells] == [None, {"id": "r2"}]
    assert [one.verdicts for one in spells] == [[{"of": "d1"}], [{"of": "r2"}]]
