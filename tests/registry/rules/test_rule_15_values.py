"""Rule 15: other values follow the groups of rule 5, a tie leaves them open, and lists are united."""

from typing import Any

import pytest

from app.models import DetaineePersonal, Detention, Release, ReleaseAtStage, SourceRelease, SpellPersonal
from app.projection import Statement
from tests.registry.statements import HELICOIDE, RODEO, held, out, row_of, statement
from tests.support import World


def about(*said: Statement) -> Any:
    """Personal facts: name → value."""
    return {name: fact["value"] for name, fact in row_of(said, DetaineePersonal)["facts"].items()}


def test_the_kind_of_a_stage_comes_from_the_sources_that_assert_it() -> None:
    ordered = statement(1, "jep", release__stage="ordered", release__ordered_on="2026-01-19", release__kind="pardon")
    done = out(2, "foro", "2026-02-03", release__kind="full_release")
    assert row_of([ordered, done], ReleaseAtStage, stage="carried_out")["kind"] == "full_release"


def test_values_that_were_taken_over_count_only_where_no_source_of_the_group_gives_its_own() -> None:
    taken_over = {"taken__release__released_on": "2026-01-12", "taken__release__kind": "pardon"}
    kept = out(2, "pud", verification__verdict="verified", pointer=1, **taken_over)

    def kind(*said: Statement) -> Any:
        return row_of([*said, kept], ReleaseAtStage, stage="carried_out")["kind"]

    acquitted = out(1, "foro", release__kind="acquittal", verification__verdict="verified")
    assert kind(acquitted) == "acquittal"
    assert kind(out(1, "foro")) == "pardon"
    assert kind(out(1, "ministry", release__kind="acquittal")) == "pardon"


def test_only_reports_that_assert_give_the_country() -> None:
    """A report that points at one with a country has taken the country over, and keeps it if that one is retracted."""
    withdrawn = out(1, "foro", "2026-01-12", detention__country="VE", verification__verdict="retracted")
    verified = [out(n, source, "2026-01-12", pointer=1) for n, source in ((2, "jep"), (3, "foro"))]
    denied = held(4, "pud", detention__country="CO", verification__verdict="refuted", pointer=1)
    assert row_of([withdrawn, *verified, denied], Detention)["country"] is None
    kept = out(5, "jep", "2026-01-12", taken__detention__country="VE", pointer=1)
    assert row_of([withdrawn, *verified, denied, kept], Detention)["country"] == "VE"
    told = out(6, "pud", "2026-01-12", detention__country="AR", pointer=1)
    assert row_of([withdrawn, *verified, denied, told], Detention)["country"] == "AR"


def test_a_report_that_points_at_a_retracted_one_keeps_its_country(world: World) -> None:
    first = world.file("foro")
    world.verify(first["release"]["id"], "jep", verdict="verified", method="lawyer")
    world.file("foro", verification__verdict="retracted")
    assert world.count(country="VE")["total"]["verified"] == 1


def test_a_value_stays_verified_if_its_source_repeats_it() -> None:
    verified = held(1, "foro", detention__country="VE", verification__verdict="verified")
    other = held(2, "jep", detention__country="CO", verification__verdict="verified")
    assert row_of([verified, other], Detention)["country"] is None
    assert row_of([verified, held(3, "foro", detention__country="VE"), other], Detention)["country"] is None


def test_a_value_that_a_source_checked_goes_before_a_newer_one_that_it_read() -> None:
    checked = out(1, "foro", release__kind="pardon", verification__verdict="verified")
    read = out(2, "foro", release__kind="house_arrest", verification__method="press")
    assert row_of([checked, read], ReleaseAtStage, stage="carried_out")["kind"] == "pardon"
    assert row_of([checked, read], SourceRelease, stage="carried_out")["kind"] == "pardon"


def test_a_source_stands_in_the_best_group_that_one_of_its_reports_reaches() -> None:
    verified = out(1, "foro", verification__verdict="verified")
    read = held(2, "foro", detention__country="VE", verification__method="press")
    other = held(3, "jep", detention__country="CO", verification__method="family")
    assert row_of([verified, read, other], Detention)["country"] == "VE"


def test_a_source_that_denies_a_release_gives_it_no_kind() -> None:
    said = [out(1, "foro", release__kind="pardon"), out(2, "jep", release__kind="house_arrest")]
    denied = out(3, "jep", verification__verdict="refuted")
    assert row_of(said, ReleaseAtStage, stage="carried_out")["kind"] == "unspecified"
    assert row_of([*said, denied], ReleaseAtStage, stage="carried_out")["kind"] == "pardon"


def test_a_kind_that_only_a_government_states_makes_no_house_arrest(world: World) -> None:
    release = world.file("foro", release={"released_on": "2026-01-12"})["release"]["id"]
    world.verify(release, "ministry", verdict="verified", method="court_record", kind="house_arrest")
    assert world.count(release_kind="unspecified")["total"]["verified"] == 1
    assert world.count(release_kind="house_arrest")["total"]["cases"] == 0
    kind = world.get(f"/v1/releases/{release}").json()["facts"]["kind"]
    assert kind == {"value": None, "said": [{"value": "house_arrest", "by": ["ministry"]}]}


def test_a_tie_leaves_a_value_open_and_shows_who_says_what() -> None:
    said = [
        out(1, "foro", release__kind="pardon", detention__country="VE", facility=RODEO),
        out(2, "jep", release__kind="acquittal", detention__country="CO", facility=HELICOIDE),
    ]
    row = row_of(said, ReleaseAtStage, stage="carried_out")
    assert (row["kind"], row["country"]) == ("unspecified", None)
    assert row_of(said, Release)["facts"]["facts"]["kind"] == {
        "value": None,
        "said": [{"value": "acquittal", "by": ["jep"]}, {"value": "pardon", "by": ["foro"]}],
    }
    place = row_of(said, SpellPersonal)["facts"]
    assert (place["facility"]["value"], "area" in place) == (None, False)


def test_a_verifying_source_breaks_a_tie_of_kinds() -> None:
    said = [
        out(1, "foro", release__kind="pardon"),
        out(2, "jep", release__kind="acquittal", verification__verdict="verified"),
    ]
    assert row_of(said, ReleaseAtStage, stage="carried_out")["kind"] == "acquittal"


def test_of_two_spellings_of_a_name_one_is_shown() -> None:
    names = [
        statement(1, "foro", detainee__full_name="Ángela Rojas"),
        statement(2, "jep", detainee__full_name="Angela Rojas"),
    ]
    assert about(*names)["full_name"] == about(*reversed(names))["full_name"] == "Angela Rojas"


MULTIPLE = ("nationalities", "aliases", "groups")


@pytest.mark.parametrize("field", MULTIPLE)
def test_lists_are_united_over_organisations(field: str) -> None:
    name = f"detainee__{field}"
    values: tuple[dict[str, Any], ...] = ({name: ["AR"]}, {name: ["IL", "AR"]}, {name: ["US"]})
    said = [statement(1, "foro", **values[0]), statement(2, "jep", **values[1])]
    copied = statement(3, "ministry", **values[2])
    fact = row_of([*said, copied], DetaineePersonal)["facts"][field]
    assert fact["value"] == ["AR", "IL"]
    assert {one["by"][0] for one in fact["said"]} == {"foro", "jep", "ministry"}


def test_conditions_are_united_over_organisations() -> None:
    said = [
        out(1, "foro", release__conditions=["travel_ban"]),
        out(2, "jep", release__conditions=["gag_order"]),
        out(3, "ministry", release__conditions=["electronic_tag"]),
    ]
    assert row_of(said, SpellPersonal)["facts"]["conditions"]["value"] == ["gag_order", "travel_ban"]


def test_without_an_organisation_lists_are_united_over_governments() -> None:
    said = [
        statement(1, "ministry", detainee__nationalities=["AR"]),
        statement(2, "police", detainee__nationalities=["IL"]),
    ]
    assert about(*said)["nationalities"] == ["AR", "IL"]
