"""A source's own case number names one record, which may grow and be corrected, and stays one detention."""

from typing import Any

import pytest

from tests.support import Body, World, make_report


def test_the_same_content_again_changes_nothing(world: World) -> None:
    first = world.file(source_record_id="FP-1")
    again = world.post("/v1/releases", make_report(source_record_id="FP-1"), "foro")
    assert again.status_code == 200
    assert (again.json()["report"], again.json()["receipt"]) == (first["report"], first["receipt"])


def test_other_content_is_a_new_version_that_supersedes_the_old(world: World) -> None:
    first = world.file(source_record_id="FP-1")
    corrected = world.file(source_record_id="FP-1", release__released_on="2026-01-13")
    assert corrected["report"] == {"id": first["report"]["id"], "version": 2}
    assert corrected["release"] == {**first["release"], "released_on": "2026-01-13"} | {
        name: corrected["release"][name] for name in ("facts", "stages")
    }


def test_a_case_number_is_its_sources_own(world: World) -> None:
    first = world.file("foro", source_record_id="1")
    other = world.file(
        "jep", source_record_id="1", detainee__full_name="Berta Solano Ugas", detainee__birth_date="1990"
    )
    assert other["report"]["id"] != first["report"]["id"]


def test_a_record_may_grow_from_detention_to_release(world: World) -> None:
    detention = world.file_detention(source_record_id="FP-1")
    assert detention["release"] is None
    release = world.file(source_record_id="FP-1")
    assert release["report"] == {"id": detention["report"]["id"], "version": 2}
    assert release["detention"]["id"] == detention["detention"]["id"]
    assert world.count()["total"]["cases"] == 1


AGAIN = {"detained_on": "2026-02-01", "country": "VE"}


@pytest.mark.parametrize(
    "path, body",
    [
        ("/v1/detentions", make_report(release=None, detention=AGAIN)),
        ("/v1/releases", make_report(detention=AGAIN, release={"released_on": "2026-02-20"})),
        ("/v1/releases", make_report(detention=AGAIN, release={"stage": "announced"})),
    ],
    ids=["held again", "held again and released", "held again and to be released"],
)
def test_a_record_whose_new_detention_starts_after_its_own_release_needs_a_new_record(
    world: World, path: str, body: dict[str, Any]
) -> None:
    first = world.file(source_record_id="FP-1")
    before = world.count()
    world.refuse(world.post(path, {**body, "source_record_id": "FP-1"}, "foro"), 409, "new_spell_needs_new_record")
    assert world.count() == before
    accepted = world.post(path, {**body, "source_record_id": "FP-1 again"}, "foro")
    assert accepted.status_code == 201
    assert accepted.json()["report"]["id"] != first["report"]["id"]


def test_correcting_the_detention_date_of_a_released_person_is_no_new_spell(world: World) -> None:
    world.file(source_record_id="FP-1")
    corrected = world.file(source_record_id="FP-1", detention__detained_on="2024-09-04")
    assert corrected["detention"]["detained_on"] == "2024-09-04"


@pytest.mark.parametrize("since", ["2026-01-12", "2026-01", "2026"])
def test_a_detention_that_may_have_begun_by_its_release_is_no_new_spell(world: World, since: str) -> None:
    world.file(source_record_id="FP-1")
    assert world.file(source_record_id="FP-1", detention__detained_on=since)["report"]["version"] == 2


@pytest.mark.parametrize(
    "before",
    [{"release__stage": "announced"}, {"verification__verdict": "refuted"}, {"release__released_on": None}],
    ids=["announced", "refuted", "undated"],
)
def test_a_release_that_it_never_said_was_carried_out_on_a_day_starts_no_new_spell(
    world: World, before: dict[str, Any]
) -> None:
    world.file(source_record_id="FP-1", **before)
    corrected = world.file(
        source_record_id="FP-1", detention__detained_on="2026-02-01", release__released_on="2026-02-20"
    )
    assert corrected["report"]["version"] == 2


def held(world: World, day: str, **terms: Any) -> Body:
    return dict(world.get("/v1/counts/held", held_on=day, **terms).json())


def test_a_source_that_sends_its_report_without_the_release_takes_the_release_back(world: World) -> None:
    for case, name in (("FP-1", "Rosa Inés Valdivia"), ("FP-2", "Julio Peralta Ríos")):
        world.file(source_record_id=case, detainee__full_name=name)
    assert (world.count()["total"]["cases"], held(world, "2026-01-14")["total"]["cases"]) == (2, 0)
    body = make_report(release=None, source_record_id="FP-2", detainee__full_name="Julio Peralta Ríos")
    corrected = world.post("/v1/detentions", body, "foro")
    assert (corrected.status_code, corrected.json()["report"]["version"]) == (200, 2)
    assert (world.count()["total"]["cases"], held(world, "2026-01-14")["total"]["cases"]) == (1, 1)
    (correction,) = world.get("/v1/corrections").json()["data"]
    assert (correction["kind"], "released_on" in {change["field"] for change in correction["changes"]}) == (
        "restated", True,
    )  # fmt: skip


def test_what_a_source_takes_back_leaves_the_release_that_another_source_reports(world: World) -> None:
    filed = world.file(source_record_id="FP-1")
    world.verify(filed["release"]["id"], "jep", verdict="verified", method="lawyer", released_on="2026-01-12")
    world.post("/v1/detentions", make_report(release=None, source_record_id="FP-1"), "foro")
    assert world.by_source() == {"jep": 1}
    assert (world.count()["total"]["cases"], held(world, "2026-01-14")["total"]["cases"]) == (1, 0)
    assert held(world, "2026-01-14", source="foro")["total"]["cases"] == 1, "by its own word"


def test_a_patch_takes_the_release_back_too_and_another_gives_it_again(world: World) -> None:
    report = world.file(source_record_id="FP-1")["report"]["id"]
    release = {"stage": "carried_out", "released_on": "2026-01-12"}
    for said, number in ((None, 0), (release, 1)):
        changed = world.client.patch(f"/v1/reports/{report}", json={"release": said}, headers=world.headers("foro"))
        assert changed.status_code == 200, changed.text
        assert world.count()["total"]["cases"] == number


def test_a_verification_cannot_bring_in_another_case_number(world: World) -> None:
    """Two numbers for one record would make the next sheet under the second a twin."""
    filed = world.file(source_record_id="FP-1")
    body = {"verdict": "verified", "method": "lawyer", "source_record_id": "FP-2"}
    refused = world.post(f"/v1/releases/{filed['release']['id']}/verifications", body, "foro")
    world.refuse(refused, 422, "case_is_fixed", "/source_record_id")
    (error,) = refused.json()["errors"]
    assert error["detail"] == (
        "You already have report FP-1 on this release: leave `source_record_id` out, or correct that one."
    )


def test_of_a_report_that_a_curator_joined_its_own_source_alone_is_told_the_case_number(world: World) -> None:
    joined = world.file("foro", source_record_id="FP-1", detainee__full_name="Ismael Toro Paz")
    filed = world.file("jep", source_record_id="J-1")
    world.judge(joined["detainee"]["id"], filed["detainee"]["id"], "same")
    path = f"/v1/releases/{filed['release']['id']}/verifications"
    body = {"verdict": "verified", "method": "lawyer", "source_record_id": "NEW-2"}
    (told,) = world.refuse(world.post(path, body, "foro"), 422, "case_is_fixed", "/source_record_id")["errors"]
    assert "report FP-1 on this release" in told["detail"]
    assert world.post(path, {**body, "source_record_id": "FP-1"}, "foro").status_code == 200
    assert world.post(path, body, "pud").status_code == 201


def test_a_verification_cannot_use_the_case_number_of_another_of_ones_records(world: World) -> None:
    filed = world.file("foro", source_record_id="FP-1")
    world.file("foro", source_record_id="FP-2", detainee__full_name="Berta Solano Ugas", detainee__birth_date="1990")
    body = {"verdict": "verified", "method": "lawyer", "source_record_id": "FP-2"}
    refused = world.post(f"/v1/releases/{filed['release']['id']}/verifications", body, "foro")
    world.refuse(refused, 409, "conflict")


def test_a_verification_may_give_a_record_its_first_case_number(world: World) -> None:
    filed = world.file()
    world.verify(filed["release"]["id"], "foro", verdict="verified", method="lawyer", source_record_id="FP-1")
    again = world.file(source_record_id="FP-1", verification__method="lawyer")
    assert again["report"]["id"] == filed["report"]["id"]


SOMEBODY_ELSE = [
    {"detainee__full_name": "Berta Solano Ugas", "detainee__birth_date": "1990"},
    {"detainee__full_name": "Berta Solano Ugas", "detainee__gender": "female"},
    {"detainee__full_name": "Tomás Aurelio Barrios Peña", "detainee__birth_date": None, "detainee__age": 30},
    {"detainee__full_name": "Berta Solano Ugas"},
    {"detainee__full_name": "Berta Solano Ugas", "detainee__birth_date": None, "detainee__gender": None},
]
THE_SAME = [
    {"detainee__full_name": "Tomas A. Quintana Rivas", "detainee__birth_date": "1990"},
    {"detainee__full_name": "Quintana", "detainee__birth_date": "1990"},
    {"detainee__full_name": "Tomás Aurelio Barrios Peña"},
    {"detainee__birth_date": "1917", "detainee__gender": "other"},
    {"detainee__full_name": None, "detainee__birth_date": "1990"},
    {"detainee__full_name": "Berta Solano", "detainee__aliases": ["Tomás Quintana"], "detainee__gender": "female"},
    {"detainee__full_name": "T. Quintana", "detainee__birth_date": None, "detainee__gender": None},
]


def patch_of(changes: dict[str, Any]) -> dict[str, Any]:
    return {"detainee": {path.removeprefix("detainee__"): value for path, value in changes.items()}}


@pytest.mark.parametrize("linked", [True, False], ids=["linked", "alone"])
@pytest.mark.parametrize("changes", SOMEBODY_ELSE)
def test_a_case_number_does_not_become_another_persons(world: World, changes: dict[str, Any], linked: bool) -> None:
    filed = world.file("foro", source_record_id="Z-1")
    if linked:
        assert world.file("jep")["match"]["outcome"] == "linked"
    path, headers = f"/v1/reports/{filed['report']['id']}", world.headers("foro")
    with world.storing_nothing():
        again = world.post("/v1/releases", make_report(source_record_id="Z-1", **changes), "foro")
        problem = world.refuse(again, 409, "another_person")
        world.refuse(world.client.patch(path, json=patch_of(changes), headers=headers), 409, "another_person")
    assert problem["detail"].startswith("This case number is another person's: use a new one.")
    assert world.file("foro", source_record_id="Z-2", **changes)["match"]["outcome"] == "new"


def test_one_identification_number_is_one_persons_whatever_the_name(world: World) -> None:
    numbered: dict[str, Any] = {"source_record_id": "Z-1", "detainee__national_id": "V-12345678"}
    world.file("foro", **numbered)
    renamed = world.file("foro", **numbered, detainee__full_name="Berta Solano Ugas")
    assert renamed["report"]["version"] == 2


@pytest.mark.parametrize("changes", THE_SAME)
def test_what_is_known_of_a_person_may_be_corrected(world: World, changes: dict[str, Any]) -> None:
    filed = world.file("foro", source_record_id="Z-1")
    assert world.file("foro", source_record_id="Z-1", **changes)["report"]["version"] == 2
    world.file("foro", source_record_id="Z-1")
    path = f"/v1/reports/{filed['report']['id']}"
    corrected = world.client.patch(path, json=patch_of(changes), headers=world.headers("foro"))
    assert (corrected.status_code, corrected.json()["report"]["version"]) == (200, 4)
