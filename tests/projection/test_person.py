"""The facts about the person and the place."""

from dataclasses import replace
from typing import Any

import pytest

from app.models import DetaineePersonal, SourceTrait, SpellPersonal, Trait
from app.projection import Statement
from tests.registry.statements import HELICOIDE, RODEO, held, out, row_of, rows_of, statement


def facts(*said: Statement) -> dict[str, Any]:
    return {name: fact["value"] for name, fact in row_of(said, DetaineePersonal)["facts"].items()}


def place(*said: Statement) -> dict[str, Any]:
    found = row_of(said, SpellPersonal)["facts"]
    return {name: fact["value"] for name, fact in found.items() if name != "evidence"}


def traits(*said: Statement) -> set[tuple[str, str]]:
    return {(row["name"], row["value"]) for row in rows_of(said, Trait)}


def age_group(**said: Any) -> str | None:
    return dict(traits(statement(1, **said))).get("age_group")


def test_what_was_withdrawn_is_not_among_the_facts() -> None:
    withdrawn = statement(1, detainee__full_name="Berta", verification__verdict="retracted")
    assert rows_of([withdrawn], DetaineePersonal) == []
    assert facts(withdrawn, statement(2, "jep", detainee__gender="female")) == {"gender": "female"}


def test_names_and_aliases_are_folded_for_search() -> None:
    row = row_of([statement(1, detainee__full_name="Ángel Núñez", detainee__aliases=["El Profe"])], DetaineePersonal)
    assert row["folded_name"] == "angel nunez el profe"
    assert row_of([statement(1, detainee__gender="male")], DetaineePersonal)["folded_name"] == ""


def test_a_person_is_found_by_every_spelling_that_a_list_has() -> None:
    said = [statement(1, detainee__full_name="Eliezer Kohan"), statement(2, "jep", detainee__full_name="Eliécer Cohán")]
    assert row_of(said, DetaineePersonal)["folded_name"] == "eliezer kohan eliecer cohan"


def unreviewed(*given: Any, **said: Any) -> Statement:
    return replace(statement(*given, **said), is_unreviewed=True)


def test_an_alias_that_others_add_is_dropped_until_it_is_reviewed_or_given_twice() -> None:
    first = statement(1, detainee__full_name="Ana Prieto", detainee__aliases=["Anita"])
    added = unreviewed(2, "jep", detainee__full_name="Ana Prieto", detainee__aliases=["La Traidora", "Anita"])
    said = row_of([first, added], DetaineePersonal)
    assert said["facts"]["aliases"] == {"value": ["Anita"], "said": [{"by": ["foro", "jep"], "value": ["Anita"]}]}
    assert said["folded_name"] == "ana prieto anita"
    also = unreviewed(3, "pud", detainee__aliases=["La Traidora"])
    again = unreviewed(4, "jep", detainee__aliases=["La Traidora"])
    assert facts(first, added, again)["aliases"] == ["Anita"]
    assert facts(first, added, also)["aliases"] == facts(first, replace(added, is_unreviewed=False))["aliases"]


def test_whoever_reports_a_person_first_gives_aliases_at_once() -> None:
    first = unreviewed(1, detainee__aliases=["Anita"])
    assert facts(first)["aliases"] == facts(first, statement(2, "jep"))["aliases"] == ["Anita"]
    said = statement(1, detainee__gender="female"), unreviewed(2, "jep", detainee__aliases=["La Traidora"])
    assert facts(*said) == {"gender": "female"}


@pytest.mark.parametrize(
    "said, age",
    [
        ({"release__released_on": "2026-01-12", "detention__detained_on": "2024-10-13"}, 72),
        ({"detention__held_on": "2025-01-12", "detention__detained_on": "2024-10-13"}, 71),
        ({"detention__detained_on": "2024-10-13"}, 71),
        ({"detention__ended": {"on": "2027-01-12", "how": "escaped"}, "detention__held_on": "2025"}, 73),
    ],
)
def test_the_age_is_told_for_the_last_day_known(said: dict[str, Any], age: int) -> None:
    assert facts(statement(1, detainee__birth_date="1953-02", **{**said}))["age"] == age


def test_an_age_that_was_said_is_not_computed() -> None:
    said = statement(1, detainee__birth_date="1953", detainee__age=70, detention__detained_on="2024-10-13")
    assert facts(said)["age"] == 70


def test_a_birth_without_any_day_gives_no_age() -> None:
    assert "age" not in facts(statement(1, detainee__birth_date="1953"))


def test_a_registered_facility_is_told_by_its_slug_with_its_area() -> None:
    said = [
        held(1, "foro", "2024-10-13", facility=RODEO, detention__facility="Rodeo Uno"),
        held(2, "jep", "2024-10-13", facility=HELICOIDE, detention__facility="El Helicoide"),
        held(3, "pud", "2024-10-13", facility=RODEO, detention__facility="El Rodeo I"),
    ]
    assert place(*said) == {"facility": "el-rodeo-i", "area": "Miranda"}


def test_a_facility_without_an_area_has_none() -> None:
    nowhere = type(RODEO)(3, "zona-7", "Zona 7", None)
    assert place(held(1, facility=nowhere, detention__facility="Zona 7")) == {"facility": "zona-7"}


def test_a_place_that_nobody_registered_is_kept_as_said_and_is_no_dimension_of_counts() -> None:
    said = held(1, since="2024-10-13", detention__facility="a farm near Barinas")
    assert place(said) == {"facility_as_said": "a farm near Barinas"}
    assert traits(said) == set()


def test_the_conditions_in_force_are_those_of_who_asserts_the_release() -> None:
    said = [
        out(1, "foro", "2026-01-12", release__conditions=["travel_ban"], release__destination="CO"),
        out(2, "jep", "2026-01-12", release__conditions=["gag_order"], verification__verdict="disputed"),
    ]
    assert place(*said) == {"conditions": ["travel_ban"], "destination": "CO"}


def test_the_place_and_the_law_are_told_by_who_holds_that_there_was_a_detention() -> None:
    said = [
        held(1, "foro", detention__legal_status="pretrial", detention__charges=["conspiracy"]),
        held(2, "jep", detention__legal_status="convicted", verification__verdict="retracted"),
    ]
    assert place(*said) == {"legal_status": "pretrial", "charges": ["conspiracy"]}


def test_evidence_is_kept_by_source_and_by_what_it_is_about() -> None:
    link = [{"url": "https://a.example/"}]
    said = [
        held(1, "foro", verification__evidence=link),
        out(2, "jep", "2026-01-12", verification__evidence=link),
        out(3, "pud", "2026-01-12"),
        out(4, "ministry", "2026-01-12", verification__evidence=link, verification__verdict="retracted"),
    ]
    assert row_of(said, SpellPersonal)["facts"]["evidence"] == {"detention": {"foro": link}, "release": {"jep": link}}


def test_traits_are_the_personal_dimensions_of_a_spell() -> None:
    said = out(
        1, on="2026-01-12", since="2024-10-13", facility=RODEO, detention__facility="El Rodeo I",
        detention__legal_status="pretrial", detainee__gender="male", detainee__category="civilian",
        detainee__nationalities=["AR", "IL"], detainee__groups=["journalist"], detainee__birth_date="1953",
        release__conditions=["travel_ban", "gag_order"], release__destination="CO",
    )  # fmt: skip
    assert traits(said) == {
        ("facility", "el-rodeo-i"),
        ("area", "Miranda"),
        ("legal_status", "pretrial"),
        ("gender", "male"),
        ("category", "civilian"),
        ("nationality", "AR"),
        ("nationality", "IL"),
        ("group", "journalist"),
        ("age", "72"),
        ("age_group", "over_70"),
        ("condition", "travel_ban"),
        ("condition", "gag_order"),
        ("destination", "CO"),
    }


@pytest.mark.parametrize(
    "said, group",
    [
        ({"detainee__birth_date": "1953", "detention__detained_on": "2024-10-13"}, "over_70"),
        ({"detainee__birth_date": "1953-10-14", "detention__detained_on": "2023-10-13"}, "18_to_69"),
        ({"detainee__birth_date": "1953-10-13", "detention__detained_on": "2023-10-13"}, "over_70"),
        ({"detainee__birth_date": "2008-03-01", "detention__detained_on": "2026-02-28"}, "under_18"),
        ({"detainee__birth_date": "2008-03-01", "detention__detained_on": "2026-03-01"}, "18_to_69"),
        ({"detainee__birth_date": "2008", "detention__detained_on": "2026-03-01"}, None),
        ({"detainee__birth_date": "1953", "release__released_on": "2026-01-12"}, "over_70"),
        ({"detainee__birth_date": "1953", "detention__held_on": "2026-01-12"}, "over_70"),
        ({"detainee__birth_date": "2008", "release__released_on": "2026-06"}, None),
        ({"detainee__birth_date": "2008", "detention__held_on": "2026-06"}, None),
        ({"detainee__birth_date": "2008", "release__released_on": "2026-06", "detention__held_on": "2025-06"}, None),
        ({"detainee__age": 72, "detainee__age_on": "2026-01", "detention__detained_on": "2025-01"}, "over_70"),
        ({"detainee__age": 18, "detainee__age_on": "2026-01", "detention__detained_on": "2023-12"}, "under_18"),
        ({"detainee__age": 72}, "over_70"),
        ({"detainee__birth_date": "1953"}, None),
        ({}, None),
    ],
)
def test_the_age_group_is_that_at_the_detention_or_none_where_it_cannot_be_told(
    said: dict[str, Any], group: str | None
) -> None:
    assert age_group(**said) == group


def aged(
    record: int, source: str, age: int, on: str | None = None, within: str | None = None, **more: Any
) -> Statement:
    """A report of somebody arrested on 13 October 2024, with an age on a day, or on some day within a span."""
    said = {"detainee__age": age, "detainee__age_on": on, "detainee__age_span": within}
    return held(record, source, "2024-10-13", **said, **more)


def age_group_by(*said: Statement) -> str | None:
    return dict(traits(*said)).get("age_group")


VERIFIED = {"verification__verdict": "verified"}
# 18 at the arrest by the first day, and 17 by the second.
THEN, A_YEAR_LATER = "2024-10-13", "2025-10-13"


@pytest.mark.parametrize("first, second", [(THEN, A_YEAR_LATER), (A_YEAR_LATER, THEN)])
def test_the_same_age_on_days_a_year_apart_gives_no_group_whichever_comes_first(first: str, second: str) -> None:
    assert age_group_by(aged(1, "foro", 18, THEN)) == "18_to_69"
    assert age_group_by(aged(1, "foro", 18, A_YEAR_LATER)) == "under_18"
    assert age_group_by(aged(1, "foro", 18, first), aged(2, "jep", 18, second)) is None


def test_the_same_age_on_days_a_year_apart_gives_the_group_that_it_is_by_both() -> None:
    assert age_group_by(aged(1, "foro", 40, THEN), aged(2, "jep", 40, A_YEAR_LATER)) == "18_to_69"
    assert age_group_by(aged(1, "foro", 17, THEN), aged(2, "jep", 17, A_YEAR_LATER)) == "under_18"


def test_two_sources_that_give_an_age_on_one_day_outweigh_one_that_gives_another() -> None:
    assert age_group_by(aged(1, "foro", 18, THEN), aged(2, "jep", 18, A_YEAR_LATER), aged(3, "pud", 18, THEN)) == (
        "18_to_69"
    )


def test_an_age_without_a_day_supports_a_day_within_its_span_and_contradicts_one_outside() -> None:
    undated = aged(1, "foro", 18, within=f"{THEN}/{A_YEAR_LATER}")
    assert age_group_by(undated) is None
    assert age_group_by(undated, aged(2, "jep", 18, THEN)) == "18_to_69"
    assert age_group_by(aged(2, "jep", 18, "2024-10-01"), aged(3, "pud", 18, THEN)) == "18_to_69"
    assert age_group_by(undated, aged(2, "jep", 18, "2024-10-01")) is None


def test_a_report_without_any_day_of_its_age_leaves_it_to_those_that_have_one() -> None:
    assert age_group_by(aged(1, "foro", 18), aged(2, "jep", 18, A_YEAR_LATER)) == "under_18"


def test_no_day_is_taken_from_a_source_that_gives_another_age_or_none() -> None:
    foro, pud = aged(1, "foro", 18, A_YEAR_LATER), aged(3, "pud", 18, A_YEAR_LATER)
    assert age_group_by(foro, aged(2, "jep", 19, THEN), pud) == "under_18"
    assert age_group_by(foro, statement(2, "jep", detainee__age_on=THEN)) == "under_18"
    assert facts(statement(2, "jep", detainee__age_on=THEN, detainee__gender="male")) == {"gender": "male"}


@pytest.mark.parametrize("day", [None, THEN])
def test_an_age_and_its_day_are_of_one_report_of_a_source(day: str | None) -> None:
    older, newer = aged(1, "foro", 17, A_YEAR_LATER), aged(2, "foro", 18, day)
    assert age_group_by(older, newer) == "18_to_69"
    assert facts(older, newer).get("age_on") == day


def test_a_source_that_repeats_as_reported_an_age_that_it_verified_dates_it_as_one_that_verified() -> None:
    verified, other = aged(1, "foro", 18, A_YEAR_LATER, **VERIFIED), aged(3, "jep", 18, A_YEAR_LATER)
    assert age_group_by(verified, aged(2, "foro", 18, THEN, verification__method="family"), other) == "18_to_69"
    assert age_group_by(verified, aged(2, "foro", 18, THEN, verification__method="press"), other) == "under_18"


@pytest.mark.parametrize("more", [VERIFIED, {}])
def test_no_ministry_dates_an_age_that_an_organisation_gives(more: dict[str, str]) -> None:
    ministry = aged(1, "ministry", 18, A_YEAR_LATER, **VERIFIED)
    assert age_group_by(ministry) == "under_18"
    assert age_group_by(ministry, aged(2, "foro", 18, THEN, **more)) == "18_to_69"
    assert age_group_by(ministry, aged(2, "foro", 18, within=f"{THEN}/{A_YEAR_LATER}", **more)) is None
    assert age_group_by(ministry, aged(2, "foro", 18, **more)) == "18_to_69"


def test_the_place_by_a_source_is_its_own_with_the_area_or_what_stood_where_it_points() -> None:
    said = [
        held(1, "foro", "2024-10-13", facility=RODEO),
        held(2, "jep", "2024-10-13", facility=HELICOIDE, taken__detention__facility="el-helicoide"),
        held(3, "pud", "2024-10-13", detention__facility="a cellar"),
    ]
    own = {(row["source"], row["name"], row["value"]) for row in rows_of(said, SourceTrait)}
    assert own == {
        (1, "facility", "el-rodeo-i"), (1, "area", "Miranda"), (2, "facility", "el-helicoide"), (2, "area", "Caracas"),
    }  # fmt: skip
