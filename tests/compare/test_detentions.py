"""What contradicts, and what is only told more or less exactly."""

from typing import Any

import pytest

from app.compare.detentions import AnyComparedDetention, build_account, build_detention, find_conflicts
from app.schemas.comparison import AccountShape, ConflictShape

BASE = {"detainee.full_name": "Eufemia Landaeta", "detention.country": "VE"}


def detention(**said: Any) -> AnyComparedDetention:
    content = {**BASE, **{name.replace("__", "."): value for name, value in said.items()}}
    shown: AccountShape = build_account({"row": 2}, content)
    return build_detention(content, shown)


def contradicted(mine: dict[str, Any], theirs: dict[str, Any]) -> list[str]:
    found = find_conflicts(detention(**mine), detention(**theirs))
    assert found == conflicts_turned(theirs, mine)
    return [one["field"] for one in found]


def conflicts_turned(mine: dict[str, Any], theirs: dict[str, Any]) -> list[ConflictShape]:
    """Whoever is asked first, the same contradicts."""
    turned = find_conflicts(detention(**mine), detention(**theirs))
    return [{"field": one["field"], "mine": one["theirs"], "theirs": one["mine"]} for one in turned]


@pytest.mark.parametrize(
    "field,mine,theirs",
    [
        ("release__released_on", "2026-01-12", "2026-01-14"),
        ("detention__detained_on", "2025-03", "2025-04-01"),
        ("release__ordered_on", "2025", "2026-01-19"),
        ("release__kind", "full_release", "house_arrest"),
        ("detainee__gender", "female", "male"),
        ("detainee__birth_date", "1984-03-05", "1984-03-06"),
        ("detainee__nationalities", ["VE"], ["AR", "IL"]),
        ("detention__facility", "INOF", "El Rodeo I"),
        ("detention__facility", "El Rodeo II", "El Rodeo I"),
    ],
)
def test_what_cannot_both_be_true_is_a_conflict(field: str, mine: Any, theirs: Any) -> None:
    name = field.rpartition("__")[2]
    assert contradicted({field: mine}, {field: theirs}) == ["birth" if name == "birth_date" else name]


@pytest.mark.parametrize(
    "field,mine,theirs",
    [
        ("release__released_on", "2026-01", "2026-01-14"),
        ("detention__detained_on", "2024", "2024-10-13"),
        ("detention__detained_on", "2024-09-20/2024-10-20", "2024-10"),
        ("release__kind", "unspecified", "full_release"),
        ("detention__facility", "EL RODEO I", "El Rodeo I"),
        ("detention__facility", "Helicoide", "El Helicoide"),
        ("detention__facility", "El Rodeo", "Rodeo I"),
        ("detention__facility", "Centro de Reclusión El Rodeo I", "Rodeo I"),
        ("detention__facility", "La", "El La"),
        ("detainee__nationalities", ["VE"], ["VE", "ES"]),
        ("detainee__birth_date", "1984", "1984-03-05"),
        ("detainee__gender", "female", None),
    ],
)
def test_what_is_coarser_or_left_unsaid_is_none(field: str, mine: Any, theirs: Any) -> None:
    assert contradicted({field: mine}, {} if theirs is None else {field: theirs}) == []


def test_an_age_a_year_off_is_no_conflict_and_one_ten_years_off_is() -> None:
    def aged(years: int) -> dict[str, Any]:
        return {"detainee__age": years, "detainee__age_on": "2026-01-12"}

    assert contradicted(aged(40), {"detainee__birth_date": "1984"}) == []
    assert contradicted(aged(41), aged(40)) == []
    assert contradicted(aged(50), {"detainee__birth_date": "1984"}) == ["age"]


@pytest.mark.parametrize("held, released", [("2026-01-20", "2026-01-12"), ("2026-02", "2026-01"), ("2026", "2025-12")])
def test_who_was_seen_held_after_the_others_release_is_a_conflict_of_these_two_days(held: str, released: str) -> None:
    mine, theirs = detention(detention__held_on=held), detention(release__released_on=released)
    assert find_conflicts(mine, theirs) == [{"field": "held_after_release", "mine": held, "theirs": released}]
    assert find_conflicts(theirs, mine) == [{"field": "held_after_release", "mine": released, "theirs": held}]


@pytest.mark.parametrize("held, released", [("2026-01-12", "2026-01-12"), ("2026-01", "2026-01-12"), ("2025", "2026")])
def test_who_was_seen_held_before_it_or_perhaps_so_is_none(held: str, released: str) -> None:
    assert contradicted({"detention__held_on": held}, {"release__released_on": released}) == []
