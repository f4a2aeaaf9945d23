"""Rule 2: one voice per source, spell and object."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from app.dates import parse_date
from app.models import Placement, ReleaseAtStage, SourceDetention, SourceRelease, Verification
from app.projection import Statement
from tests.registry.statements import Row, held, out, records_of, row_of, rows_of, statement
from tests.support import World, make_report


def voice(statements: Iterable[Statement], about: str = "release", **where: Any) -> int:
    """The record that speaks."""
    return int(row_of(statements, Verification, object=about, **where)["record"])


def test_a_source_has_one_voice_on_the_release_and_one_on_the_detention_of_a_spell() -> None:
    said = [held(1), held(2), out(3, on="2026-01-12"), out(4, on="2026-01-12"), out(5, "jep", "2026-01-12")]
    rows = rows_of(said, Verification)
    assert sorted((row["object"], row["source"], row["record"]) for row in rows) == [
        ("detention", 1, 2),
        ("release", 1, 4),
        ("release", 2, 5),
    ]


def test_a_source_has_a_voice_in_each_spell() -> None:
    said = [out(1, on="2025-06-01", since="2024-10-13"), out(2, on="2026-01-12", since="2025-09-01")]
    assert [(row["spell"], row["record"]) for row in rows_of(said, Verification)] == [(1, 1), (2, 2)]


def test_a_retracted_report_is_silent_while_another_of_that_source_stands() -> None:
    assert voice([out(1, on="2026-01-12"), out(2, on="2026-01-12", verification__verdict="retracted")]) == 1


def test_a_retracted_report_speaks_if_none_other_of_that_source_stands() -> None:
    withdrawn = [out(n, on="2026-01-12", verification__verdict="retracted") for n in (1, 2)]
    others = [out(3, "jep", "2026-01-12")]
    assert row_of([*withdrawn, *others], Verification, source=1)["verdict"] == "retracted"
    assert voice([*withdrawn, *others], source=1) == 2


def test_about_the_release_the_furthest_stage_speaks() -> None:
    done = out(1, on="2026-02-03")
    ordered = statement(2, release__stage="ordered", release__ordered_on="2026-01-19")
    announced = statement(3, release__stage="announced", release__announced_on="2026-01-08")
    assert voice([announced, ordered, done]) == 1
    assert voice([announced, ordered]) == 2


def test_then_the_earliest_disjoint_date_speaks() -> None:
    assert voice([out(1, on="2026-01-12"), out(2, on="2026-02-20")]) == 1
    assert voice([out(1, on="2026-02-20"), out(2, on="2026-01-12")]) == 2


def test_an_earlier_day_that_is_only_reported_takes_back_no_verified_one() -> None:
    verified = out(1, on="2026-01-12", verification__verdict="verified")
    assert voice([verified, out(2, on="2026-01-08")]) == 1
    assert voice([verified, out(2, on="2026-01-08", verification__verdict="verified")]) == 2
    assert voice([verified, out(2, on="2026-01-08", verification__verdict="refuted")]) == 2


@pytest.mark.parametrize("stage, day", [("ordered", "ordered_on"), ("announced", "announced_on")])
def test_the_date_is_that_of_the_stage(stage: str, day: str) -> None:
    dated: list[dict[str, Any]] = [{"release__stage": stage, f"release__{day}": on} for on in ("2026-01", "2026-02")]
    said = [statement(number, **content) for number, content in enumerate(dated, 1)]
    assert voice(said) == 1


def test_then_the_newest_speaks() -> None:
    """Newest is the version, not the record: a source may correct its oldest record last."""
    dates = ("2026-01-12", "2026-01", None)
    for older in dates:
        for newer in dates:
            assert voice([out(1, on=older, revision=7), out(2, on=newer)]) == 1
            assert voice([out(1, on=older), out(2, on=newer)]) == 2


def test_about_the_detention_the_newest_speaks() -> None:
    said = [held(1, since="2024-10-13", revision=9), held(2, since="2024-10-13")]
    assert voice(said, "detention") == 1


@pytest.mark.parametrize(
    "verdicts, speaks",
    [
        (("verified", "reported"), 1),
        (("verified", "reported", "reported"), 1),
        (("verified", "verified", "reported"), 2),
        (("verified", "disputed", "reported"), 3),
        (("verified", "refuted"), 2),
        (("reported", "verified", "retracted"), 2),
        (("refuted", "reported"), 2),
    ],
)
def test_reported_takes_back_no_verified_of_the_same_source(verdicts: tuple[str, ...], speaks: int) -> None:
    assert voice([out(n, on="2026-01-12", verification__verdict=said) for n, said in enumerate(verdicts, 1)]) == speaks
    assert voice([held(n, verification__verdict=said) for n, said in enumerate(verdicts, 1)], "detention") == speaks


def announced(record: int, verdict: str, on: str | None = "2026-01-08", stage: str = "announced") -> Statement:
    dates = {"announced": "announced_on", "ordered": "ordered_on", "carried_out": "released_on"}
    said: dict[str, Any] = {"release__stage": stage, f"release__{dates[stage]}": on}
    return statement(record, **said, verification__verdict=verdict)


def by_stage(*statements: Statement) -> dict[str, str]:
    return {row["stage"]: row["verdict"] for row in rows_of(statements, SourceRelease)}


def test_a_later_stage_that_is_only_reported_takes_back_no_verified_earlier_one() -> None:
    said = announced(1, "verified"), out(2, on="2026-01-12")
    rows = {row["stage"]: (row["verdict"], row["lo"], row["hi"]) for row in rows_of(said, SourceRelease)}
    day = parse_date("2026-01-08").lo
    assert rows["announced"] == ("verified", day, day)
    assert by_stage(*said) == {"announced": "verified", "ordered": "reported", "carried_out": "reported"}
    stages = {row["stage"]: (row["status"], row["independent_verified"]) for row in rows_of(said, ReleaseAtStage)}
    assert stages == {"announced": ("verified", 1), "ordered": ("reported", 0), "carried_out": ("reported", 0)}
    assert voice(said) == 2  # the furthest stage is the source's word on the release as a whole


@pytest.mark.parametrize(
    "others, heard",
    [
        ((announced(2, "reported", None, "ordered"), announced(3, "reported", None, "carried_out")), "verified"),
        ((announced(2, "disputed", None, "ordered"), announced(3, "reported", None, "carried_out")), "verified"),
        ((announced(2, "disputed"), announced(3, "reported", None, "carried_out")), "reported"),
        ((announced(2, "refuted", None, "carried_out"),), "verified"),
    ],
)
def test_at_the_earlier_stage_its_own_last_word_is_heard(others: tuple[Statement, ...], heard: str) -> None:
    assert by_stage(announced(1, "verified"), *others)["announced"] == heard


def test_a_later_stage_that_is_denied_leaves_what_was_only_reported_silent() -> None:
    assert by_stage(announced(1, "reported"), announced(2, "refuted", None, "carried_out")) == {
        "carried_out": "refuted"
    }


def test_whoever_verified_an_announcement_verified_still_that_the_person_was_held() -> None:
    (row,) = rows_of([announced(1, "verified"), out(2, on="2026-01-12")], SourceDetention)
    assert row["verdict"] == "verified"


def test_two_cases_of_one_list_that_are_one_person_stay_verified_by_who_looked(world: World) -> None:
    looked = world.file("foro", source_record_id="A-1", verification__verdict="verified")
    again = world.file("foro", source_record_id="A-2", verification__verdict="reported")
    world.judge(looked["detainee"]["id"], again["detainee"]["id"], "same")
    assert world.by_source() == {"foro": 1}


def test_a_release_reported_under_another_case_lowers_no_verified_announcement(world: World) -> None:
    announcement = {"stage": "announced", "announced_on": "2026-01-08"}
    looked = world.file("foro", source_record_id="A-1", release=announcement, verification__verdict="verified")
    person = looked["detainee"]["id"]
    world.file("foro", source_record_id="A-2", detainee_id=person, detainee={}, verification__verdict="reported")
    for stage, verified in (("announced", 1), ("carried_out", 0)):
        assert world.by_source(stage=stage) == {"foro": verified}, stage
        assert world.count(stage=stage)["total"]["verified"] == verified, stage


def test_a_report_without_a_release_never_silences_one() -> None:
    said = [out(1, on="2026-01-12", verification__verdict="verified"), held(2, verification__verdict="verified")]
    assert voice(said) == 1
    assert voice(said, "detention") == 2
    assert {row["verdict"] for row in rows_of(said, SourceRelease)} == {"verified"}


def test_where_a_person_stands_and_the_count_by_source_hear_the_same_voice(world: World) -> None:
    """Jep passes an end on; pud verified the detention, and disputes it under another case."""
    end = world.file("jep", detention__detained_on="2024-10-13", verification__method="official_statement")
    person = end["detainee"]["id"]
    cases = {"P-1": {"verdict": "verified", "method": "family"},
             "P-2": {"verdict": "disputed", "method": "official_statement"}}  # fmt: skip
    for case, said in cases.items():
        world.file_detention("pud", detainee_id=person, detainee={}, detention__detained_on="2024-10-13",
                             source_record_id=case, verification=said)  # fmt: skip
    state = world.get(f"/v1/detainees/{person}").json()["state"]
    groups = world.get("/v1/counts/detentions", held_on="2026-02-01", group_by="source").json()["groups"]
    verified = {group["source"]: group["verified"] for group in groups}
    assert (verified["pud"], state) == (0, "released")


def own(world: World, who: str) -> list[Row]:
    return list(world.get("/v1/reports", who).json()["data"])


def test_a_verification_posted_to_a_release_is_the_next_version_of_that_sources_report_there(world: World) -> None:
    filed = world.file("foro", source_record_id="FP-1", verification={"verdict": "reported"})
    verified = world.verify(filed["release"]["id"], "foro", verdict="verified", method="lawyer")
    assert verified["report"] == {"id": filed["report"]["id"], "version": 2}
    assert verified["release"]["verified_by"] == ["foro"]
    assert verified["release"]["reported_by"] == []


def test_a_source_without_a_report_there_gets_one(world: World) -> None:
    filed = world.file("foro")
    first = world.verify(filed["release"]["id"], "jep", verdict="reported")
    assert first["report"]["version"] == 1
    again = world.verify(filed["release"]["id"], "jep", verdict="verified", method="family")
    assert again["report"] == {"id": first["report"]["id"], "version": 2}
    assert again["release"]["verified_by"] == ["foro", "jep"]


def test_who_verifies_what_another_refutes_speaks_of_the_stage_in_dispute(world: World) -> None:
    release = world.file("foro", verification__verdict="reported", verification__method="press")["release"]["id"]
    world.verify(release, "jep", verdict="refuted", method="family")
    assert world.get(f"/v1/releases/{release}").json()["stages"]["carried_out"]["status"] == "refuted"
    world.verify(release, "pud", verdict="verified", method="lawyer")
    assert world.get(f"/v1/releases/{release}").json()["stages"]["carried_out"]["status"] == "contested"


def test_who_gives_the_day_of_a_release_that_was_only_ordered_says_that_it_was_carried_out(world: World) -> None:
    release = world.file("foro", release={"stage": "ordered", "ordered_on": "2026-01-19"})["release"]["id"]
    world.verify(release, "jep", verdict="verified", method="lawyer")
    assert world.count(stage="carried_out")["total"]["releases"] == 0
    world.verify(release, "pud", verdict="verified", method="family", released_on="2026-02-23")
    assert world.count(stage="carried_out", released_from="2026-02")["total"]["verified"] == 1


def test_a_report_of_the_detention_grows_by_a_verification_of_its_release(world: World) -> None:
    detention = world.file_detention("jep", source_record_id="J-1")
    release = world.file("foro", release__released_on="2026-01-12")["release"]["id"]
    world.verify(release, "jep", verdict="verified", method="family", released_on="2026-01-12")
    (report,) = own(world, "jep")
    assert (report["id"], report["version"], report["source_record_id"]) == (detention["report"]["id"], 2, "J-1")
    assert report["detention"]["detained_on"] == "2024-10-13"
    assert report["release"]["released_on"] == "2026-01-12"


def test_fields_left_out_stay(world: World) -> None:
    filed = world.file(
        "foro", release__conditions=["travel_ban"], verification__evidence=[{"url": "https://a.example/"}]
    )
    world.verify(filed["release"]["id"], "foro", verdict="disputed", kind="house_arrest")
    (report,) = own(world, "foro")
    assert report["detainee"]["full_name"] == make_report()["detainee"]["full_name"]
    assert report["release"] == {
        "stage": "carried_out",
        "released_on": "2026-01-12",
        "kind": "house_arrest",
        "conditions": ["travel_ban"],
    }
    assert report["verification"]["method"] == "family"
    assert report["verification"]["evidence"][0]["url"] == "https://a.example/"


def test_a_verification_keeps_its_pointer_which_beats_its_dates(world: World) -> None:
    """By its own date it might be of either release; it was posted to the first, and stays there."""
    filed = world.file("foro", release__released_on="2025-06-01")
    again = {"detained_on": "2025-09-01", "country": "VE"}
    second = world.file("foro", detainee_id=filed["detainee"]["id"], detention=again)["release"]["id"]
    first = filed["release"]["id"]
    posted = world.verify(first, "jep", verdict="verified", method="family", released_on="2025-06/2026-01")
    amended = world.client.patch(
        f"/v1/reports/{posted['report']['id']}",
        json={"verification": {"method": "lawyer"}},
        headers=world.headers("jep"),
    )
    assert amended.json()["report"]["version"] == 2
    assert world.get(f"/v1/releases/{first}").json()["verified_by"] == ["foro", "jep"]
    assert world.get(f"/v1/releases/{second}").json()["verified_by"] == ["foro"]


SPELLS = (out(1, on="2025-06-01", since="2024-10-13"), out(2, on="2026-01-12", since="2025-09-01"))


def test_a_pointer_beats_dates() -> None:
    assert records_of([*SPELLS, out(3, "jep", "2025-06/2026-01", pointer=1)]) == [[1, 3], [2]]
    assert records_of([*SPELLS, out(3, "jep", "2025-06/2026-01", pointer=2)]) == [[1], [2, 3]]


def test_dates_that_come_to_contradict_those_pointed_at_beat_the_pointer() -> None:
    """The report pointed at was of the second detention; corrected, it is of the first."""
    moved = out(3, "pud", "2025-06-01", "2024-10-13")
    for own in ({"on": "2026-01-12"}, {"since": "2025-09-01"}, {"on": "2026-01-12", "since": "2025-09-01"}):
        assert records_of([*SPELLS, moved, out(4, "jep", **own, pointer=3)]) == [[1, 3], [2, 4]], own


@pytest.mark.parametrize("kept", ["released_on", "detained_on"])
def test_what_was_kept_of_the_report_pointed_at_does_so_too(kept: str) -> None:
    days = {"released_on": "2026-01-12", "detained_on": "2025-09-01"}
    moved, pointing = out(3, "pud", "2025-06-01", "2024-10-13"), {f"kept__{kept}": days[kept]}
    assert records_of([*SPELLS, moved, out(4, "jep", pointer=3, **pointing)]) == [[1, 3], [2, 4]]


def test_an_own_day_comes_before_a_kept_one() -> None:
    pointing = out(3, "jep", "2025-06-01", pointer=1, kept__released_on="2026-01-12")
    assert records_of([*SPELLS, pointing]) == [[1, 3], [2]]


def test_a_release_before_the_arrest_of_the_report_pointed_at_contradicts_it() -> None:
    arrested = held(3, "pud", "2025-09-01")
    assert records_of([*SPELLS, arrested, out(4, "jep", "2025-06-01", pointer=3)]) == [[1, 4], [2, 3]]
    assert records_of([*SPELLS, out(3, "pud", "2025-06-01"), held(4, "jep", "2025-09-01", pointer=3)]) == [
        [1, 3],
        [2, 4],
    ]


@pytest.mark.parametrize("stage, day", [("ordered", "ordered_on"), ("announced", "announced_on")])
def test_so_do_days_of_an_order_or_an_announcement(stage: str, day: str) -> None:
    dated: list[dict[str, Any]] = [{"release__stage": stage, f"release__{day}": on} for on in ("2025-05", "2026-01")]
    said = [statement(3, "pud", **dated[0]), statement(4, "pud", pointer=3, **dated[1])]
    assert records_of([*SPELLS, *said]) == [[1, 3], [2, 4]]


def test_it_is_so_along_a_chain_of_pointers_and_who_points_at_it_goes_along() -> None:
    chain = [out(3, "pud", "2025-06-01"), out(4, "pud", pointer=3), out(5, "jep", "2026-01-12", pointer=4)]
    assert records_of([*SPELLS, *chain, out(6, "jep", pointer=5)]) == [[1, 3, 4], [2, 5, 6]]


def test_days_on_which_somebody_was_seen_contradict_no_pointer() -> None:
    seen = [statement(n, "pud", detention__held_on=on) for n, on in ((3, "2025-05-01"), (4, "2026-01-05"))]
    assert records_of([*SPELLS, seen[0], replace(seen[1], pointer=3)]) == [[1, 3, 4], [2]]


def test_only_a_report_that_stands_elsewhere_is_told_to_contradict_what_it_points_at() -> None:
    moved, here = out(3, "pud", "2025-06-01"), out(5, "jep", "2025-06-02", pointer=3)
    rows = rows_of([*SPELLS, moved, out(4, "jep", "2026-01-12", pointer=3), here], Placement)
    assert {row["record"]: row["contradicts"] for row in rows if row["contradicts"]} == {4: 3}


def test_who_points_astray_takes_nobody_along() -> None:
    """Pud points at the first detention with the date of the second release: jep's word on the first stands."""
    pointed = [out(2, "jep", "2025-06-01", pointer=1), out(3, "pud", "2026-01-12", pointer=1)]
    again = out(4, "foro", "2026-01-12", "2025-09-01")
    assert records_of([held(1, since="2024-10-13"), *pointed, again]) == [[1, 2, 3], [4]]
