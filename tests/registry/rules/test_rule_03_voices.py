"""Rule 3: each source has one voice at each stage of a release."""

from collections.abc import Iterable
from typing import Any

import pytest

from app.dates import parse_date
from app.models import ReleaseAtStage, SourceDetention, SourceRelease, Verification
from app.projection import Statement
from tests.registry.statements import Row, held, out, row_of, rows_of, statement
from tests.support import World, make_report


def voice(statements: Iterable[Statement], about: str = "release", **where: Any) -> int:
    """The record that speaks."""
    return int(row_of(statements, Verification, object=about, **where)["record"])


def test_a_source_has_one_voice_on_the_release_and_one_on_the_detention() -> None:
    said = [held(1), held(2), out(3, on="2026-01-12"), out(4, on="2026-01-12"), out(5, "jep", "2026-01-12")]
    rows = rows_of(said, Verification)
    assert sorted((row["object"], row["source"], row["record"]) for row in rows) == [
        ("detention", 1, 2),
        ("release", 1, 4),
        ("release", 2, 5),
    ]


def test_a_source_has_a_voice_in_each_detention() -> None:
    said = [out(1, on="2025-06-01", since="2024-10-13"), out(2, on="2026-01-12", since="2025-09-01")]
    assert [(row["spell"], row["record"]) for row in rows_of(said, Verification)] == [(1, 1), (2, 2)]


@pytest.mark.parametrize(
    "verdicts, speaks",
    [
        (("verified", "reported"), 1),
        (("verified", "reported", "reported"), 1),
        (("verified", "verified", "reported"), 2),
        (("verified", "disputed", "reported"), 2),
        (("disputed", "verified"), 2),
        (("verified", "refuted"), 2),
        (("reported", "verified", "retracted"), 2),
        (("refuted", "reported"), 1),
        (("reported", "reported"), 2),
    ],
)
def test_the_newest_verdict_speaks_and_without_one_the_newest_report(verdicts: tuple[str, ...], speaks: int) -> None:
    family = {"verification__method": "family"}
    said = [out(n, on="2026-01-12", verification__verdict=verdict, **family) for n, verdict in enumerate(verdicts, 1)]
    assert voice(said) == speaks
    detention = [held(n, verification__verdict=verdict, **family) for n, verdict in enumerate(verdicts, 1)]
    assert voice(detention, "detention") == speaks


def test_the_newest_is_what_the_source_filed_last_whatever_its_date() -> None:
    """The source may correct its oldest report last."""
    dates = ("2026-01-12", "2026-02-20", "2026-01", None)
    for older in dates:
        for newer in dates:
            assert voice([out(1, on=older), out(2, on=newer)]) == 2
            assert voice([out(1, on=newer, revision=7), out(2, on=older)]) == 1


def test_among_reports_of_one_request_a_denial_speaks_first_and_then_the_later_date() -> None:
    verified = [out(n, on=on, revision=1, verification__verdict="verified") for n, on in ((1, "2026-02-20"), (2, None))]
    refuted = out(3, on="2026-01-12", revision=1, verification__verdict="refuted")
    for said in (verified, verified[::-1]):
        assert voice(said) == 1
        assert voice([*said, refuted]) == 3


def test_only_the_first_hand_reports_of_a_source_speak() -> None:
    refuted = out(1, on="2026-01-12", verification__verdict="refuted")
    press = out(2, on="2026-01-12", verification__verdict="verified", verification__method="press")
    assert voice([refuted, press]) == 1


def test_a_retracted_report_speaks_if_its_source_has_no_other() -> None:
    retracted = [out(n, on="2026-01-12", verification__verdict="retracted") for n in (1, 2)]
    assert voice([out(3, on="2026-01-12"), *retracted]) == 3
    others = [out(3, "jep", "2026-01-12")]
    assert row_of([*retracted, *others], Verification, source=1)["verdict"] == "retracted"
    assert voice([*retracted, *others], source=1) == 2


def test_on_the_release_as_a_whole_the_furthest_stage_speaks() -> None:
    done = out(1, on="2026-02-03")
    ordered = statement(2, release__stage="ordered", release__ordered_on="2026-01-19")
    announced = statement(3, release__stage="announced", release__announced_on="2026-01-08")
    assert voice([announced, ordered, done]) == 1
    assert voice([announced, ordered]) == 2


def announced(record: int, verdict: str, on: str | None = "2026-01-08", stage: str = "announced") -> Statement:
    dates = {"announced": "announced_on", "ordered": "ordered_on", "carried_out": "released_on"}
    said: dict[str, Any] = {"release__stage": stage, f"release__{dates[stage]}": on}
    return statement(record, **said, verification__verdict=verdict, verification__method="family")


def by_stage(*statements: Statement) -> dict[str, str]:
    return {row["stage"]: row["verdict"] for row in rows_of(statements, SourceRelease)}


def test_a_report_of_a_later_stage_takes_back_no_verified_earlier_one() -> None:
    said = announced(1, "verified"), out(2, on="2026-01-12")
    rows = {row["stage"]: (row["verdict"], row["lo"], row["hi"]) for row in rows_of(said, SourceRelease)}
    day = parse_date("2026-01-08").lo
    assert rows["announced"] == ("verified", day, day)
    assert by_stage(*said) == {"announced": "verified", "ordered": "reported", "carried_out": "reported"}
    stages = {row["stage"]: (row["status"], row["independent_verified"]) for row in rows_of(said, ReleaseAtStage)}
    assert stages == {"announced": ("verified", 1), "ordered": ("reported", 0), "carried_out": ("reported", 0)}


@pytest.mark.parametrize(
    "others, heard",
    [
        ((announced(2, "reported", None, "ordered"), announced(3, "reported", None, "carried_out")), "verified"),
        ((announced(2, "disputed", None, "ordered"), announced(3, "reported", None, "carried_out")), "verified"),
        ((announced(2, "disputed"), announced(3, "reported", None, "carried_out")), "disputed"),
        ((announced(2, "refuted", None, "carried_out"),), "verified"),
    ],
)
def test_at_the_earlier_stage_the_newest_verdict_on_it_speaks(others: tuple[Statement, ...], heard: str) -> None:
    assert by_stage(announced(1, "verified"), *others)["announced"] == heard


def test_a_denial_of_a_later_stage_leaves_the_earlier_ones() -> None:
    assert by_stage(announced(1, "reported"), announced(2, "refuted", None, "carried_out")) == {
        "announced": "reported",
        "carried_out": "refuted",
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


def test_the_state_of_a_person_and_the_count_by_source_follow_the_same_voice(world: World) -> None:
    """Jep takes an end over; pud verified the detention, and disputes it under another case number."""
    end = world.file("jep", detention__detained_on="2024-10-13", verification__method="official_statement")
    person = end["detainee"]["id"]
    cases = {"P-1": {"verdict": "verified", "method": "family"},
             "P-2": {"verdict": "disputed", "method": "lawyer"}}  # fmt: skip
    for case, said in cases.items():
        world.file_detention("pud", detainee_id=person, detainee={}, detention__detained_on="2024-10-13",
                             source_record_id=case, verification=said)  # fmt: skip
    state = world.get(f"/v1/detainees/{person}").json()["state"]
    groups = world.get("/v1/counts/held", held_on="2026-02-01", group_by="source").json()["groups"]
    verified = {group["by"]["source"]: group["counts"]["verified"] for group in groups}
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
    assert world.get(f"/v1/releases/{release}").json()["status"] == "contested"


def test_who_gives_the_day_of_a_release_that_was_only_ordered_says_that_it_was_carried_out(world: World) -> None:
    release = world.file("foro", release={"stage": "ordered", "ordered_on": "2026-01-19"})["release"]["id"]
    world.verify(release, "jep", verdict="verified", method="lawyer")
    assert world.count(stage="carried_out")["total"]["cases"] == 0
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
