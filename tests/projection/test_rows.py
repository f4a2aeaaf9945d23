"""All rows of one person: properties that hold for any reports."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from hashlib import sha256
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.dates import parse_date
from app.models import (
    PROJECTED_TABLES,
    Detainee,
    DetaineePersonal,
    Detention,
    DetentionState,
    Placement,
    Release,
    ReleaseAtStage,
    SourceDetention,
    SourceRelease,
    SourceTrait,
    SpellPersonal,
    Trait,
    Verification,
)
from app.projection import ROWS_VERSION, Rows, Statement, person, project
from tests.growth import assert_grows_linearly
from tests.projection.histories import reports
from tests.registry.statements import held, out, row_of, rows_of, statement

# The digest of the columns and traits of rows, by `ROWS_VERSION.projection`. Increment that number when they change, by
# a migration that leaves the head at the number before.
ROW_DIGESTS = {2: "2ae4c0f37b8640db"}
PERSONAL = (DetaineePersonal, SpellPersonal, Trait, SourceTrait)


def rows(said: Sequence[Statement], publish: str = "anonymous") -> dict[str, list[str]]:
    return {table.__name__: sorted(map(str, found)) for table, found in project(said, publish).items()}


def keys(table: type[Any], found: Rows) -> list[tuple[Any, ...]]:
    names = [column.name for column in table.__table__.primary_key if column.name != "since"]
    return [tuple(row[name] for name in names) for row in found.get(table, [])]


def test_the_version_of_rows_rises_with_their_columns_and_traits() -> None:
    columns = [(table.__tablename__, *sorted(table.__table__.columns.keys())) for table in PROJECTED_TABLES]
    traits = sorted({*person._PERSON_TRAITS.values(), *person._SPELL_TRAITS.values()})
    digest = sha256(json.dumps([sorted(columns), traits]).encode()).hexdigest()
    assert digest[:16] == ROW_DIGESTS[ROWS_VERSION.projection]


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
        replace(one, content={k: v for k, v in one.content.items() if k not in SEALED}, facility=None, is_erased=True)
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


KEPT = {
    "taken__detention__detained_on": "2024-10-13",
    "taken__detention__held_on": "2025-06-01",
    "taken__detention__country": "VE",
    "taken__detainee__designation": "political",
    "taken__release__released_on": "2026-01-12",
    "taken__release__kind": "pardon",
}


def test_who_says_nothing_else_where_it_points_says_what_stood_there() -> None:
    """In its own counts, and in those of all, where nobody gives a day, a kind, a country or a designation."""
    said = [out(1, "jep", verification__verdict="verified", **KEPT)]
    day = parse_date("2026-01-12").lo
    for row in (row_of(said, table, stage="carried_out") for table in (SourceRelease, ReleaseAtStage)):
        assert [row[name] for name in ("lo", "hi", "kind", "country", "designation")] == [
            day, day, "pardon", "VE", "political",
        ]  # fmt: skip
    for row in (row_of(said, SourceDetention, source=2), row_of(said, DetentionState)):
        assert [row[name] for name in ("lo", "hi", "out_hi", "country", "designation")] == [
            parse_date("2024-10-13").lo, parse_date("2024-10-13").hi, day, "VE", "political",
        ]  # fmt: skip
    assert row_of(said, Detainee)["facts"]["designation"] == {"value": "political", "said": []}
    assert row_of(said, Detention)["facts"]["country"] == {"value": "VE", "said": []}
    assert row_of(said, Release)["facts"]["facts"]["kind"] == {"value": "pardon", "said": []}


@pytest.mark.parametrize("stage, name", [("announced", "announced_on"), ("ordered", "ordered_on")])
def test_a_day_kept_of_an_earlier_stage_is_of_that_stage(stage: str, name: str) -> None:
    kept: dict[str, Any] = {f"taken__release__{name}": "2026-01-08"}
    said = [statement(1, release__stage=stage, **kept)]
    assert row_of(said, SourceRelease, stage=stage)["lo"] == parse_date("2026-01-08").lo
    assert row_of(said, ReleaseAtStage, stage=stage)["lo"] == parse_date("2026-01-08").lo


def test_a_source_says_first_what_it_says_itself_and_only_then_what_stood_where_it_points() -> None:
    own = {"detention__country": "CO", "detainee__designation": "not_political", "release__kind": "amnesty"}
    said = [out(1, "jep", "2026-01-13", "2024-10-14", **KEPT, **own)]
    for table in (SourceRelease, ReleaseAtStage):
        row = row_of(said, table, stage="carried_out")
        assert [row[name] for name in ("lo", "kind", "country", "designation")] == [
            parse_date("2026-01-13").lo, "amnesty", "CO", "not_political",
        ]  # fmt: skip


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


# Held, pardoned, taken again, escaped.
TWICE_IN_PRISON = (
    statement(
        1, "foro", detention__detained_on="2024-10-13", detention__country="VE", detention__held_on="2025-12",
        release__released_on="2026-01-12", release__kind="pardon", detainee__designation="political",
        verification__verdict="verified", verification__method="lawyer", verification__verified_on="2026-01-13",
        verification__citing=[],
    ),
    held(
        7, "jep", "2026-02-20", detention__country="CO", detention__ended={"on": "2026-03-01", "how": "escaped"},
        verification__verdict="verified",
    ),
)  # fmt: skip


def first_and_last(prefix: str, text: str | None) -> dict[str, int | None]:
    day = None if text is None else parse_date(text)
    return {f"{prefix}lo": day.lo if day else None, f"{prefix}hi": day.hi if day else None}


def test_a_detention_is_told_with_its_days_and_how_it_ended() -> None:
    first, second = rows_of(TWICE_IN_PRISON, Detention)
    assert first.pop("facts").keys() == {"country", "designation", "detained_on", "held_on"}
    assert first == {
        "detainee": 1, "spell": 1, "ordinal": 1, "country": "VE", "designation": "political", "has_release": True,
        "disjoint_releases": False, **first_and_last("detained_", "2024-10-13"), **first_and_last("held_", "2025-12"),
        **first_and_last("ended_", "2026-01-12"),
    }  # fmt: skip
    assert second.pop("facts").keys() == {"country", "detained_on", "ended_how", "ended_on"}
    assert second == {
        "detainee": 1, "spell": 7, "ordinal": 2, "country": "CO", "designation": "unstated", "has_release": False,
        "disjoint_releases": False, **first_and_last("detained_", "2026-02-20"), **first_and_last("held_", None),
        **first_and_last("ended_", "2026-03-01"),
    }  # fmt: skip


def test_a_release_is_told_at_each_stage_with_the_arrest_that_followed() -> None:
    arrested_again = parse_date("2026-02-20").hi
    for row in rows_of(TWICE_IN_PRISON, ReleaseAtStage):
        when = "2026-01-12" if row["stage"] == "carried_out" else None
        assert row == {
            "detainee": 1, "spell": 1, "stage": row["stage"], "status": "verified", "kind": "pardon",
            "country": "VE", "designation": "political", "independent_verified": 1, "next_hi": arrested_again,
            "withheld": False, "is_denied": False, **first_and_last("", when),
        }  # fmt: skip
    at = {"status": "verified", "independent": 1, "verified_by": ["foro"], "reported_by": [],
          "denied_by": []}  # fmt: skip
    assert row_of(TWICE_IN_PRISON, Release) == {
        "detainee": 1, "spell": 1, "stage": "carried_out", "status": "verified", "country": "VE", "facts": {
            "facts": {
                "kind": {"value": "pardon", "said": [{"value": "pardon", "by": ["foro"]}]},
                "released_on": {"value": "2026-01-12", "said": [{"value": "2026-01-12", "by": ["foro"]}]},
            },
            "stages": {"announced": at, "ordered": at, "carried_out": at},
        },
    }  # fmt: skip


def test_a_source_tells_the_release_and_the_arrest_that_followed_by_its_own_reports() -> None:
    own = row_of(TWICE_IN_PRISON, SourceRelease, stage="carried_out")
    assert own == {
        "detainee": 1, "spell": 1, "source": 1, "stage": "carried_out", "verdict": "verified", "independent": True,
        "status": "verified", "review": None, "kind": "pardon", "country": "VE", "designation": "political",
        "next_hi": None, "said_kind": "pardon",
        **first_and_last("", "2026-01-12"), **first_and_last("said_", "2026-01-12"),
    }  # fmt: skip
    again = held(8, "foro", "2026-02")
    assert row_of([*TWICE_IN_PRISON, again], SourceRelease, stage="carried_out")["next_hi"] == parse_date("2026-02").hi


def test_custody_is_told_from_its_first_day_to_its_last_by_all_and_by_each() -> None:
    spells = {1: ("2024-10-13", "2026-01-12", "VE", "political"), 7: ("2026-02-20", "2026-03-01", "CO", "unstated")}

    ways = {"2026-01-12": "released", "2026-03-01": "escaped"}

    def days(begun: str, ended: str) -> dict[str, Any]:
        """The first and the last day, on which all sources agree."""
        arrest, end = parse_date(begun).lo, parse_date(ended).hi
        sure = {"sure_lo": arrest, "sure_hi": end, "free_sure_hi": end}
        arrest_days = first_and_last("", begun) | first_and_last("detained_", begun) | {"ended": ways[ended]}
        return arrest_days | first_and_last("out_", ended) | first_and_last("free_", ended) | sure

    for row in rows_of(TWICE_IN_PRISON, DetentionState):
        begun, ended, country, designation = spells[row["spell"]]
        assert row == {
            "detainee": 1, "spell": row["spell"], "status": "verified", "independent_verified": 1, "withheld": False,
            "country": country, "designation": designation, "is_denied": False,
            "heard_hi": parse_date(ended).hi,
            "next_hi": parse_date("2026-02-20").hi if row["spell"] == 1 else None,
            **days(begun, ended),
        }  # fmt: skip
    for row in rows_of(TWICE_IN_PRISON, SourceDetention):
        begun, ended, country, designation = spells[row["spell"]]
        assert row == {
            "detainee": 1, "spell": row["spell"], "source": 1 if row["spell"] == 1 else 2, "verdict": "verified",
            "independent": True, "status": "verified", "review": None, "country": country, "designation": designation,
            "next_hi": None, "heard_hi": parse_date(ended).hi, **days(begun, ended),
        }  # fmt: skip


def test_a_verdict_is_told_with_what_it_is_about_and_the_report_that_it_is_of() -> None:
    of_release, of_detention = rows_of(TWICE_IN_PRISON, Verification)
    verified = {"detainee": 1, "verdict": "verified", "independent": True}
    said = dict.fromkeys(("stage", "kind", "released_on", "ordered_on", "announced_on", "verified_on"))
    assert of_release == {
        **verified, "spell": 1, "source": 1, "record": 1, "object": "release", "said": {
            **said, "stage": "carried_out", "kind": "pardon", "released_on": "2026-01-12",
            "method": "lawyer", "verified_on": "2026-01-13", "citing": [],
        },
    }  # fmt: skip
    assert of_detention == {
        **verified, "spell": 7, "source": 2, "record": 7, "object": "detention",
        "said": {**said, "method": "family", "citing": []},
    }  # fmt: skip
    staged = statement(
        1, release__stage="ordered", release__ordered_on="2026-01-10", release__announced_on="2026-01-08",
        verification__citing=["jep"],
    )  # fmt: skip
    told = row_of([staged], Verification)["said"]
    assert (told["ordered_on"], told["announced_on"], told["citing"]) == ("2026-01-10", "2026-01-08", ["jep"])


def test_a_long_chain_of_pointers_keeps_the_registry_a_moment_and_not_minutes() -> None:
    """A person is projected whole under the lock of the log, and one key may file as many reports as it likes, each
    with an earlier arrest than the last, so that the next one points at it."""

    def project_chain(length: int) -> None:
        arrests = [date(2023, 12, 31) - timedelta(days=number) for number in range(length)]
        chain = [
            held(number, "pud", f"{day.isoformat()}/2024-01-10", pointer=number - 1)
            for number, day in enumerate(arrests, 2)
        ]
        project([out(1, "foro", "2024-05-01", since="2024-01-10"), *chain], "named")

    assert_grows_linearly(project_chain, 1_000)
