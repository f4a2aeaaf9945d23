"""All rows of one person: properties that hold for any reports."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import permutations
from time import process_time
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.models import (
    Detainee,
    DetaineePersonal,
    Detention,
    Placement,
    Release,
    ReleaseAtStage,
    SourceRelease,
    SourceTrait,
    SpellPersonal,
    Trait,
    Verification,
)
from app.registry.projection import Rows, Statement, project
from tests.registry.projection.histories import reports
from tests.registry.statements import held, out, row_of, statement

PERSONAL = (DetaineePersonal, SpellPersonal, Trait, SourceTrait)


def rows(said: Sequence[Statement], publish: str = "anonymous") -> dict[str, list[str]]:
    return {table.__name__: sorted(map(str, found)) for table, found in project(said, publish).items()}


def keys(table: type[Any], found: Rows) -> list[tuple[Any, ...]]:
    names = [column.name for column in table.__table__.primary_key if column.name != "since"]
    return [tuple(row[name] for name in names) for row in found.get(table, [])]


@given(reports(), st.randoms(use_true_random=False))
def test_no_order_of_the_reports_changes_a_row(said: list[Statement], random: Any) -> None:
    before = rows(said)
    random.shuffle(said)
    assert rows(said) == before


def test_no_order_at_all_changes_a_row() -> None:
    said = [
        out(1, "foro", "2025-06-01", "2024-10-13", release__conditions=["travel_ban"]),
        held(2, "jep", "2025-09-01", detention__held_on="2025-10-01"),
        out(3, "pud", pointer=1, verification__verdict="verified"),
        out(4, "ministry", "2025-06-02", verification__verdict="retracted"),
        statement(5, "jep", detention__held_on="2025-10-01", detainee__full_name="Berta Solano"),
    ]
    assert len({str(rows(order)) for order in permutations(said)}) == 1


@given(reports())
def test_no_two_rows_are_of_one_thing(said: list[Statement]) -> None:
    found = project(said, "named")
    for table in found:
        assert len(set(keys(table, found))) == len(found[table])


@given(reports())
def test_every_report_is_placed_and_every_row_hangs_on_a_spell(said: list[Statement]) -> None:
    found = project(said, "named")
    assert sorted(row["record"] for row in found[Placement]) == [one.record for one in said]
    spells = {row["spell"] for row in found[Placement]}
    assert {row["spell"] for row in found[Detention]} == spells
    for table in (Release, ReleaseAtStage, SourceRelease, Verification, SpellPersonal, Trait):
        assert {row["spell"] for row in found[table]} <= spells
    assert {row["detainee"] for table in found for row in found[table]} == {1}


@given(reports())
def test_a_spell_is_named_by_its_earliest_report(said: list[Statement]) -> None:
    placed: dict[int, list[int]] = {}
    for row in project(said, "named")[Placement]:
        placed.setdefault(row["spell"], []).append(row["record"])
    assert all(min(records) == spell for spell, records in placed.items())


@given(reports())
def test_a_spell_has_a_release_exactly_when_a_report_there_speaks_of_one(said: list[Statement]) -> None:
    found = project(said, "named")
    spell_of = {row["record"]: row["spell"] for row in found[Placement]}
    spoken = {spell_of[one.record] for one in said if one.has_release}
    assert {row["spell"] for row in found[Release]} == spoken
    assert {row["spell"] for row in found[ReleaseAtStage]} == {row["spell"] for row in found[SourceRelease]} == spoken


@given(reports())
def test_every_standing_is_of_a_stage_that_a_voice_speaks_of(said: list[Statement]) -> None:
    found = project(said, "named")
    assert {(row["spell"], row["stage"]) for row in found[ReleaseAtStage]} == {
        (row["spell"], row["stage"]) for row in found[SourceRelease]
    }


@given(reports())
def test_a_source_speaks_of_a_release_only_through_a_report_of_its_own(said: list[Statement]) -> None:
    by_record = {one.record: one for one in said}
    for row in project(said, "named")[Verification]:
        speaker = by_record[row["record"]]
        assert row["source"] == speaker.source.key
        assert row["verdict"] == speaker.verdict
        assert speaker.has_release is (row["object"] == "release")


@given(reports())
def test_what_is_public_does_not_depend_on_anything_personal(said: list[Statement]) -> None:
    """So that erasing a person changes no count over dates, stages, kinds, status or sources."""
    erased = [
        replace(one, content={k: v for k, v in one.content.items() if k not in SEALED}, facility=None, erased=True)
        for one in said
    ]
    before, after = rows(said), rows(erased)
    personal = {table.__name__ for table in PERSONAL}
    assert {name: found for name, found in before.items() if name not in personal} == after


SEALED = {
    "detainee.full_name", "detainee.birth_date", "detainee.age", "detainee.age_on", "detainee.nationalities",
    "detainee.gender", "detention.legal_status", "release.conditions",
}  # fmt: skip


def test_one_erased_report_leaves_nothing_personal_of_the_whole_person() -> None:
    said = [
        held(1, since="2024-10-13", detainee__full_name="Berta", erased=True),
        held(2, "jep", detainee__gender="female"),
    ]
    assert not any(project(said, "counted").get(table) for table in PERSONAL)


def test_whoever_is_counted_is_withheld_in_the_rows_of_that_revision() -> None:
    said = [out(1, on="2026-01-12")]
    assert {row["withheld"] for row in project(said, "counted")[ReleaseAtStage]} == {True}
    assert {row["withheld"] for row in project(said, "anonymous")[ReleaseAtStage]} == {False}
    assert project(said, "counted")[Detainee][0]["publish"] == "counted"


def test_a_voice_tells_what_its_source_says_and_takes_nothing_from_others() -> None:
    said = [
        out(
            1, "foro", "2026-01-12", detention__country="VE", release__kind="amnesty", detainee__designation="political"
        ),
        out(2, "jep", "2026-01-13", detention__country="CO", release__kind="pardon"),
        out(3, "pud"),
    ]
    own = row_of(said, SourceRelease, source=2, stage="carried_out")
    assert (own["country"], own["kind"], own["designation"]) == ("CO", "pardon", "unstated")
    unsaid = row_of(said, SourceRelease, source=3, stage="carried_out")
    assert [unsaid[name] for name in ("lo", "hi", "kind", "country", "designation")] == [
        None, None, "unspecified", None, "unstated",
    ]  # fmt: skip
    assert row_of(said, ReleaseAtStage, stage="carried_out")["designation"] == "political"


def test_a_verification_tells_what_its_source_said_and_nothing_it_did_not() -> None:
    said = row_of([out(1, on="2026-01-12", verification__verified_on="2026-01-13")], Verification)["said"]
    assert said == {
        "stage": "carried_out",
        "released_on": "2026-01-12",
        "ordered_on": None,
        "announced_on": None,
        "kind": "unspecified",
        "method": None,
        "verified_on": "2026-01-13",
        "citing": [],
    }


def test_a_long_chain_of_pointers_keeps_the_registry_a_moment_and_not_minutes() -> None:
    """A person is projected whole under the lock of the log, and one key may file as many reports as it likes, each
    with an earlier arrest than the last, so that the next one points at it."""
    arrests = [date(2023, 12, 31) - timedelta(days=number) for number in range(1_000)]
    chain = [
        held(number, "pud", f"{day.isoformat()}/2024-01-10", pointer=number - 1)
        for number, day in enumerate(arrests, 2)
    ]
    begun = process_time()
    project([out(1, "foro", "2024-05-01", since="2024-01-10"), *chain], "named")
    assert process_time() - begun < 3
