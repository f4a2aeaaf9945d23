"""Rule 9: a source's row is its own word, with the values that it took over where it points."""

import uuid
from collections.abc import Sequence
from typing import Any

import pytest

from app.dates import parse_date
from app.models import Release, SourceDetention, SourceRelease, Verification
from app.projection import Statement
from tests.registry.statements import held, out, row_of, rows_of
from tests.support import World
from tests.working import statements


def own_values(said: Sequence[Statement], source: int) -> Any:
    row = row_of(said, SourceRelease, stage="carried_out", source=source)
    return row["lo"], row["hi"], row["kind"], row["country"], row["designation"]


TAKEN_OVER: dict[str, Any] = {
    "taken__release__released_on": "2026-01-12",
    "taken__release__kind": "pardon",
    "taken__detention__country": "VE",
    "taken__detainee__designation": "political",
}


def test_the_count_of_a_source_rests_on_its_own_word() -> None:
    said = [
        out(
            1, "foro", "2026-01-12", release__kind="pardon", detention__country="VE", detainee__designation="political"
        ),
        out(2, "jep", "2026-01-13"),
        out(3, "pud", verification__verdict="verified"),
    ]
    day = parse_date("2026-01-13").lo
    assert own_values(said, 2) == (day, day, "unspecified", None, "unstated")
    assert own_values(said, 3) == (None, None, "unspecified", None, "unstated")


def test_else_on_what_stood_where_it_pointed() -> None:
    said = [out(1, "foro", "2026-02-20"), out(2, "pud", verification__verdict="verified", pointer=1, **TAKEN_OVER)]
    day = parse_date("2026-01-12").lo
    assert own_values(said, 3) == (day, day, "pardon", "VE", "political")
    corrected = [said[0], out(2, "pud", "2026-01-20", verification__verdict="verified", pointer=1, **TAKEN_OVER)]
    day = parse_date("2026-01-20").lo
    assert own_values(corrected, 3) == (day, day, "pardon", "VE", "political")


def test_what_was_taken_over_is_no_word_of_the_source() -> None:
    said = [out(1, "foro"), out(2, "pud", verification__verdict="verified", pointer=1, **TAKEN_OVER)]
    assert row_of(said, Release)["facts"]["facts"]["released_on"]["said"] == []
    told = row_of(said, Verification, source=3)["said"]
    assert (told["released_on"], told["kind"]) == (None, "unspecified")


def test_a_detention_is_by_its_source_from_when_that_source_says() -> None:
    said = [
        held(1, "foro", "2024-10-13", detention__held_on="2026-01-10"),
        held(2, "jep"),
        held(3, "pud", pointer=1, taken__detention__detained_on="2024-10-13", taken__detention__held_on="2025-01-01"),
    ]
    rows = {row["source"]: (row["lo"], row["hi"]) for row in rows_of(said, SourceDetention)}
    day = parse_date("2024-10-13").lo
    assert rows == {1: (day, day), 2: (None, None), 3: (day, day)}


JANUARY = {"released_from": "2026-01", "released_to": "2026-01"}


def test_neither_a_government_nor_a_rival_moves_the_count_of_a_source(world: World) -> None:
    undated = {"released_on": None}
    person = world.file("foro", release=undated)["detainee"]["id"]
    for who, day in (("ministry", "2026-01-12"), ("jep", "2026-02-03"), ("pud", "2026-01-20")):
        assert world.by_source(**JANUARY).get("foro", 0) == 0
        body = {"detainee_id": person, "detention": {"country": "VE"}, "release": {"released_on": day}}
        assert world.post("/v1/releases", body, who).status_code == 201
        (group,) = [
            one for one in world.count(group_by=["source"], **JANUARY)["groups"] if one["by"]["source"] == "foro"
        ]
        assert (group["counts"]["verified"], group["counts"]["uncertain_date"]) == (0, 1)
        assert world.count(source="foro", **JANUARY)["caveats"]["uncertain_date"] == 1


def correct(world: World, filed: Any, who: str, **changes: Any) -> Any:
    """Correct a report, and return the answer."""
    answer = world.client.patch(f"/v1/reports/{filed['report']['id']}", json=changes, headers=world.headers(who))
    assert answer.status_code == 200, answer.text
    return answer.json()


def read(world: World, filed: Any, who: str) -> Any:
    return world.get(f"/v1/reports/{filed['report']['id']}", who).json()


def test_a_verification_by_id_takes_over_what_is_shown_and_its_source_sees_it(world: World) -> None:
    world.add_facility()
    filed = world.file(
        "foro", release={"released_on": "2026-01-12", "kind": "pardon"}, detention__facility="El Rodeo I"
    )
    head = world.revision
    verified = world.verify(filed["release"]["id"], "jep", verdict="verified", method="family", kind="amnesty")
    report = read(world, verified, "jep")
    detention = read(world, filed, "foro")["detention"]
    assert report["release"]["released_on"] == "2026-01-12"
    assert report["release"]["kind"] == "amnesty"
    assert report["detention"] == {
        "country": "VE", "detained_on": detention["detained_on"], "facility": "el-rodeo-i",
    }  # fmt: skip
    assert report["taken_over"] == {
        "fields": [
            "detention.country", "detention.detained_on", "detention.facility",
            "release.released_on",
        ],
        "revision": head,
        "changed": [],
    }  # fmt: skip
    (listed,) = world.get("/v1/reports", "jep").json()["data"]
    assert listed["taken_over"] == report["taken_over"]


def test_its_source_is_told_which_of_the_values_changed_and_takes_the_new_ones_by_verifying_again(world: World) -> None:
    filed = world.file("foro", release={"released_on": "2026-01-12", "kind": "pardon"})
    verified = world.verify(filed["release"]["id"], "jep", verdict="verified", method="family")
    correct(world, filed, "foro", release={"released_on": "2026-02-20"})
    assert read(world, verified, "jep")["taken_over"]["changed"] == ["release.released_on"]
    assert world.by_source(**JANUARY) == {"jep": 1}
    head = world.revision
    again = world.verify(filed["release"]["id"], "jep", verdict="verified", method="family")
    assert again["report"]["version"] == 2
    report = read(world, verified, "jep")
    assert (report["release"]["released_on"], report["taken_over"]["revision"]) == ("2026-02-20", head)
    assert report["taken_over"]["changed"] == []
    assert world.by_source(**JANUARY) == {}
    assert world.verify(filed["release"]["id"], "jep", verdict="verified", method="family")["report"] == again["report"]


def test_a_value_that_changed_since_it_was_read_is_not_taken_over(world: World) -> None:
    filed = world.file("foro", release={"released_on": "2026-01-12", "kind": "pardon"})
    release, seen = filed["release"]["id"], filed["receipt"]["revision"]
    correct(world, filed, "foro", release={"released_on": "2026-02-20"})
    body = {"verdict": "verified", "method": "family", "seen": seen}
    problem = world.refuse(world.post(f"/v1/releases/{release}/verifications", body, "jep"), 409, "conflict")
    assert "release.released_on" in problem["detail"]
    assert "release.kind" not in problem["detail"]
    world.verify(release, "jep", released_on="2026-01-12", **body)
    world.verify(release, "pud", **{**body, "seen": world.revision})
    assert world.by_source(**JANUARY) == {"jep": 1}
    assert world.by_source(release_kind="pardon") == {"foro": 1, "jep": 1, "pud": 1}


@pytest.mark.parametrize("seen, status, code", [(10_000, 422, "ahead_of_head"), (1, 409, "conflict")])
def test_nobody_verifies_what_was_not_there(world: World, seen: int, status: int, code: str) -> None:
    release = world.file("foro")["release"]["id"]
    body = {"verdict": "verified", "method": "family", "seen": seen}
    world.refuse(world.post(f"/v1/releases/{release}/verifications", body, "jep"), status, code)


def test_what_was_taken_over_stays_over_corrections(world: World) -> None:
    filed = world.file("foro", release__released_on="2026-01-12")
    verified = world.verify(filed["release"]["id"], "jep", verdict="verified", method="family")
    correct(world, filed, "foro", release={"released_on": "2026-02-20"})
    before = read(world, verified, "jep")["taken_over"]
    assert correct(world, verified, "jep", verification={"method": "lawyer"})["report"]["version"] == 2
    assert read(world, verified, "jep")["taken_over"] == before
    assert world.by_source(**JANUARY) == {"jep": 1}


def test_a_value_sent_back_stays_taken_over_another_is_the_sources_own_and_null_removes_it(world: World) -> None:
    filed = world.file("foro", release={"released_on": "2026-01-12", "kind": "pardon"})
    verified = world.verify(filed["release"]["id"], "jep", verdict="verified", method="family")
    report = read(world, verified, "jep")
    same = {name: report[name] for name in ("detention", "release", "verification")}
    assert correct(world, verified, "jep", **same)["report"]["version"] == 1
    correct(world, verified, "jep", release={"released_on": "2026-01-13"}, detention={"country": None})
    report = read(world, verified, "jep")
    assert report["taken_over"]["fields"] == ["detention.detained_on", "release.kind"]
    assert (report["release"]["released_on"], "country" in report["detention"]) == ("2026-01-13", False)
    correct(world, verified, "jep", release={"kind": None})
    assert read(world, verified, "jep")["release"] == {
        "released_on": "2026-01-13", "kind": "unspecified", "stage": "carried_out",
    }  # fmt: skip


def test_a_report_that_points_changes_nothing_when_it_is_sent_again_or_as_it_is_read(world: World) -> None:
    filed = world.file("foro", release={"released_on": "2026-01-12", "kind": "pardon"})
    body = {"release_id": filed["release"]["id"], "source_record_id": "J-1", "release": {"released_on": "2026-01-13"}}
    posted = world.post("/v1/releases", body, "jep").json()
    correct(world, filed, "foro", release={"kind": "amnesty"})
    report = read(world, posted, "jep")
    assert (report["release"]["kind"], report["taken_over"]["changed"]) == ("pardon", ["release.kind"])
    whole = {"release_id": body["release_id"]} | {
        name: report[name] for name in ("source_record_id", "detention", "release", "verification")
    }
    for sent in (body, whole, {**whole, "release": {"released_on": "2026-01-13"}}):
        assert world.post("/v1/releases", sent, "jep").json()["report"] == posted["report"]
    own = {**whole, "release": {**whole["release"], "kind": "full_release"}}
    assert world.post("/v1/releases", own, "jep").json()["report"]["version"] == 2
    assert "release.kind" not in read(world, posted, "jep")["taken_over"]["fields"]


def test_a_detention_that_points_takes_over_the_release_once_it_reports_one(world: World) -> None:
    filed = world.file("foro", release={"released_on": "2026-01-12", "kind": "pardon"})
    body = {"detention_id": filed["detention"]["id"], "source_record_id": "J-1"}
    posted = world.post("/v1/detentions", body, "jep").json()
    assert "release" not in read(world, posted, "jep")
    world.post("/v1/releases", {**body, "release": {}}, "jep")
    assert read(world, posted, "jep")["release"]["released_on"] == "2026-01-12"


def test_nothing_is_taken_over_of_somebody_who_is_hidden_from_the_source(world: World) -> None:
    """Its own report is in the detention, so that it may verify: it does not learn what others say of it."""
    world.add_facility()
    held = world.file_detention("jep", detention={"country": "VE"})
    body = {"detention_id": held["detention"]["id"], "release": {"released_on": "2026-01-12", "kind": "pardon"}}
    filed = world.post("/v1/releases", {**body, "detention": {"facility": "El Rodeo I"}}, "foro").json()
    world.object_to(f"/v1/detainees/{filed['detainee']['id']}")
    world.beat()
    verified = world.verify(filed["release"]["id"], "jep", verdict="verified", method="family")
    assert "taken_over" not in read(world, verified, "jep")
    assert "rodeo" not in str(read(world, verified, "jep"))


def test_a_new_verification_takes_what_stands_there_then_and_nothing_of_an_older_moment(world: World) -> None:
    filed = world.file("foro", release={"released_on": "2026-01-12", "kind": "pardon"})
    world.verify(filed["release"]["id"], "jep", verdict="verified", method="family")
    silent = {"release": {"released_on": "2026-01-12", "kind": None}}
    path = f"/v1/reports/{filed['report']['id']}"
    assert world.client.patch(path, json=silent, headers=world.headers("foro")).status_code == 200
    assert world.by_source(release_kind="pardon") == {"jep": 1}
    world.verify(filed["release"]["id"], "jep", verdict="verified", method="lawyer")
    assert world.by_source(release_kind="pardon") == {}
    assert world.by_source(**JANUARY) == {"foro": 1, "jep": 1}


@pytest.mark.parametrize("first", ["foro", "jep"])
def test_a_verification_takes_over_the_same_whichever_report_of_the_release_was_filed_first(
    world: World, first: str
) -> None:
    """foro knows of the detention alone and jep of the release; a release takes its id from the older report."""
    filing = {"foro": world.file_detention, "jep": world.file}
    answers = [filing[who](who) for who in sorted(filing, key=lambda who: who != first)]
    world.verify(answers[-1]["release"]["id"], "foro", verdict="verified", method="family")
    assert world.by_source(**JANUARY) == {"foro": 1, "jep": 1}


def test_what_stands_there_is_read_at_once_however_many_report_it(world: World) -> None:
    release = world.file("foro")["release"]["id"]
    body = {"release_id": release, "release": {}}

    def cost(who: str) -> int:
        with statements(world.engine) as run:
            world.verify(release, who, verdict="verified", method="family")
        return len(run)

    few = cost("jep")
    more = 20
    for number in range(more):
        assert world.post("/v1/releases", {**body, "source_record_id": f"M-{number}"}, "ministry").status_code == 201
    assert cost("pud") < few + more, "not one for each report"


def test_independent_accounts_are_seen_before_others(world: World) -> None:
    filed = world.file("foro", release={"released_on": "2026-01-12", "kind": "pardon"})
    body = {"release_id": filed["release"]["id"], "release": {"released_on": "2026-01-12", "kind": "amnesty"}}
    assert world.post("/v1/releases", body, "ministry").status_code == 201
    world.verify(filed["release"]["id"], "jep", verdict="verified", method="family")
    assert world.by_source(release_kind="pardon") == {"foro": 1, "jep": 1}
    assert world.by_source(release_kind="amnesty") == {"ministry": 0}


def test_where_only_a_state_speaks_its_values_are_what_the_verifying_source_said_yes_to(world: World) -> None:
    filed = world.file("ministry", release={"released_on": "2026-01-12", "kind": "pardon"})
    world.verify(filed["release"]["id"], "jep", verdict="verified", method="family")
    assert world.by_source(release_kind="pardon", **JANUARY)["jep"] == 1
    silent = {"release": {"released_on": "2026-02-12", "kind": None}}
    path = f"/v1/reports/{filed['report']['id']}"
    assert world.client.patch(path, json=silent, headers=world.headers("ministry")).status_code == 200
    assert world.by_source(release_kind="pardon", **JANUARY)["jep"] == 1


@pytest.mark.parametrize("by", ["a consent", "a wish", "the correction"])
def test_what_was_taken_over_stays_over_corrections_of_somebody_who_was_hidden_later(world: World, by: str) -> None:
    filed = world.file("foro", release={"released_on": "2026-01-12", "kind": "pardon"}, source_record_id="F-1")
    posted = world.verify(filed["release"]["id"], "jep", verdict="verified", method="family")
    hide = {"detainee": {"publish": "counted"}}
    if by == "a consent":
        world.consent(filed["detainee"]["id"], "counted")
    elif by == "a wish":
        path = f"/v1/reports/{filed['report']['id']}"
        assert world.client.patch(path, json=hide, headers=world.headers("foro")).status_code == 200
    change = {"verification": {"method": "lawyer"}, **(hide if by == "the correction" else {})}
    path = f"/v1/reports/{posted['report']['id']}"
    assert world.client.patch(path, json=change, headers=world.headers("jep")).status_code == 200
    assert world.get(f"/v1/releases/{filed['release']['id']}").status_code == 404
    assert world.by_source(release_kind="pardon", **JANUARY)["jep"] == 1


def test_what_was_taken_over_stays_where_its_source_verifies_again_somebody_hidden_since(world: World) -> None:
    held = world.file_detention("jep")
    released = {"released_on": "2026-01-12", "kind": "pardon"}
    filed = world.post("/v1/releases", {"detention_id": held["detention"]["id"], "release": released}, "foro").json()
    world.verify(filed["release"]["id"], "jep", verdict="verified", method="family")
    world.consent(filed["detainee"]["id"], "counted")
    world.verify(filed["release"]["id"], "jep", verdict="verified", method="lawyer")
    assert world.by_source(release_kind="pardon", **JANUARY)["jep"] == 1


def test_where_a_person_was_held_is_by_source_what_that_source_says(world: World) -> None:
    world.add_facility()
    world.add_facility("el-helicoide", "El Helicoide")
    filed = world.file("foro", detention__facility="El Rodeo I")
    release = filed["release"]["id"]
    world.verify(release, "jep", verdict="verified", method="family")
    for who in ("ministry", "pud"):
        body = {"release_id": release, "detention": {"facility": "El Helicoide"}, "release": {}}
        assert world.post("/v1/releases", body, who).status_code == 201
    groups = world.count(group_by=["source", "facility"])["groups"]
    assert {(one["by"]["source"], one["by"]["facility"]) for one in groups} == {
        ("foro", "el-rodeo-i"), ("jep", "el-rodeo-i"), ("ministry", "el-helicoide"), ("pud", "el-helicoide"),
    }  # fmt: skip
    assert world.by_source(facility="El Rodeo I") == {"foro": 1, "jep": 1}
    assert world.count(source="jep", facility="El Helicoide")["total"]["cases"] == 0
    taken_over = [entry for entry in world.rows("SELECT body FROM entry") if "taken_over" in str(entry)]
    assert taken_over
    assert not any("rodeo" in str(entry) for entry in taken_over)


def test_a_place_that_nobody_registered_is_a_sources_own_word_too(world: World) -> None:
    world.add_facility()
    release = world.file("foro", detention__facility="El Rodeo I")["release"]["id"]
    said = {"detention": {"facility": "Un sótano de Boleíta"}, "release": {}}
    verified = {"verification": {"verdict": "verified", "method": "family"}}
    assert world.post("/v1/releases", {"release_id": release, **said, **verified}, "jep").status_code == 201
    assert world.by_source(facility="El Rodeo I") == {"foro": 1}
    assert world.by_source() == {"foro": 1, "jep": 1}


def test_what_is_taken_over_is_of_the_spell_that_the_report_points_at_alone(world: World) -> None:
    """A report that is pointed at another release takes over nothing of the former one."""
    first = world.file("foro", release={"released_on": "2024-11-20", "kind": "pardon"})
    again = {"detained_on": "2025-06-01", "country": "VE"}
    body = {"detainee_id": first["detainee"]["id"], "detention": again, "release": {"released_on": "2026-01-12"}}
    second = world.post("/v1/releases", body, "foro").json()
    assert second["release"]["id"] != first["release"]["id"]
    own = {"source_record_id": "J-1", "release": {}, "verification": {"verdict": "verified", "method": "family"}}
    for filed in (first, second):
        answer = world.post("/v1/releases", {"release_id": filed["release"]["id"], **own}, "jep")
        assert answer.status_code in (200, 201)
    assert world.by_source(release_kind="pardon") == {"foro": 1}


def test_nothing_is_taken_over_with_a_report_that_hides_whom_it_points_at(world: World) -> None:
    first = world.file("foro", release={"released_on": "2026-01-12", "kind": "pardon"})
    pointing = {"detention_id": first["detention"]["id"], "source_record_id": "J-1"}
    person = {"detainee_id": first["detainee"]["id"], "source_record_id": "J-1"}
    assert world.post("/v1/detentions", person, "jep").status_code == 201
    answer = world.post("/v1/detentions", {**pointing, "detainee": {"publish": "counted"}}, "jep")
    assert answer.status_code == 200
    assert "taken_over" not in str(world.rows("SELECT body FROM entry ORDER BY revision DESC LIMIT 1"))


def test_nothing_is_taken_over_of_who_may_only_be_counted_since_two_people_were_parted(world: World) -> None:
    first = world.file("foro", release={"released_on": "2026-01-12"})
    other = world.file("pud", release={"released_on": "2026-01-12", "kind": "pardon"}, detainee__birth_date="1950")
    world.judge(first["detainee"]["id"], other["detainee"]["id"], "same")
    seen = world.revision
    (decision,) = world.rows("SELECT id FROM decision WHERE decided_by LIKE '%curator%' OR judgement = 'same'")
    path = f"/v1/identity/{uuid.UUID(str(decision[0]))}"
    assert world.client.request("DELETE", path, headers=world.headers("curator")).status_code == 200
    world.consent(other["detainee"]["id"], "counted")
    world.verify(first["release"]["id"], "jep", verdict="verified", method="family", seen=seen)
    assert "pardon" not in str(world.rows("SELECT body FROM entry ORDER BY revision DESC LIMIT 1"))


def test_counting_by_source_uses_its_own_values_and_totals_the_consolidated_ones(world: World) -> None:
    release = world.file("foro", release__kind="pardon")["release"]["id"]
    world.verify(release, "jep", verdict="verified", method="lawyer", released_on="2026-02-03", kind="full_release")
    world.verify(release, "pud", verdict="verified", method="lawyer", released_on="2026-01-12", kind="pardon")
    january = {"released_from": "2026-01", "released_to": "2026-01"}
    february = {"released_from": "2026-02", "released_to": "2026-02"}
    assert world.by_source(**january) == {"foro": 1, "pud": 1}
    assert world.by_source(**february) == {"jep": 1}
    assert world.by_source(release_kind="full_release") == {"jep": 1}
    assert [world.count(**window)["total"]["cases"] for window in (january, february)] == [1, 0]
    assert world.count(release_kind="full_release")["total"]["cases"] == 0
    assert world.count(source="jep", **february)["total"]["cases"] == 1
