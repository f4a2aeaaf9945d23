"""A denial of a detail counts as no denial, and waits in the review queue (rule 2)."""

import json

import pytest
from sqlmodel import select

from app.db.engine import open_read_session
from app.models import Entry
from tests.support import Body, World

DETAIL = {"verdict": "refuted", "method": "family", "denies": "date"}
LIST = "Caso,Nombre,País,Fecha de excarcelación,Verificación,Cómo se verificó,Qué niega\n"


def release_of(world: World, **changes: str) -> Body:
    """A release verified by foro."""
    verified = {"verification__verdict": "verified", "verification__method": "family"}
    return dict(world.file("foro", release__released_on="2026-01-08", **verified | changes)["release"])


def said_last(world: World) -> Body:
    """What the newest entry of the log says in the clear."""
    with open_read_session(world.engine) as session:
        body = session.scalars(select(Entry.body).order_by(Entry.revision.desc())).first()  # type: ignore[attr-defined]
    said: Body = json.loads(body or "{}")["said"]
    return said


def waiting_kinds(world: World) -> list[str]:
    return [item["kind"] for item in world.get("/v1/review", "curator").json()["data"]]


def test_the_log_has_what_a_denial_denies_only_if_it_is_a_detail(world: World) -> None:
    release = release_of(world)
    world.verify(release["id"], "jep", **DETAIL | {"denies": "event"})
    assert "verification.denies" not in said_last(world)
    world.verify(release["id"], "jep", **DETAIL)
    assert said_last(world)["verification.denies"] == "date"


def test_a_denied_detail_leaves_every_number_as_it_was_and_waits_with_its_source(world: World) -> None:
    release = release_of(world)
    path = f"/v1/releases/{release['id']}"
    before = world.count()["total"], world.by_source()
    world.verify(release["id"], "jep", **DETAIL)
    shown = world.get(path).json()
    assert (world.count()["total"], world.by_source()) == before
    assert (world.count()["caveats"]["denied_by_some"], shown["status"], shown["denied_by"]) == (0, "verified", [])
    assert [row["source"] for row in world.get(f"{path}/verifications").json()["data"]] == ["foro"]
    (item,) = world.get("/v1/review", "curator").json()["data"]
    assert (item["kind"], item["denied"]) == ("denied_details", [{"value": "date", "by": ["jep"]}])
    assert item["detention"]["release_id"] == release["id"]
    record = world.get(f"/v1/detentions/{item['detention']['id']}", "foro").json()
    assert record["facts"]["denies"]["said"] == item["denied"]


def test_details_and_dates_of_one_release_wait_as_two_items_over_pages(world: World) -> None:
    release = release_of(world)
    world.verify(release["id"], "pud", verdict="verified", method="lawyer", released_on="2026-01-20")
    world.verify(release["id"], "jep", **DETAIL)
    assert waiting_kinds(world) == ["disjoint_releases", "denied_details"]
    page = world.get("/v1/review", "curator", limit=1).json()
    rest = world.client.get(page["next"], headers=world.headers("curator")).json()
    assert [item["kind"] for item in rest["data"]] == ["denied_details"]


def test_each_verdict_says_itself_what_it_denies(world: World) -> None:
    release = release_of(world)
    world.verify(release["id"], "jep", **DETAIL)
    world.verify(release["id"], "jep", verdict="refuted", method="family")
    assert world.get(f"/v1/releases/{release['id']}").json()["denied_by"] == ["jep"]
    assert waiting_kinds(world) == []


def test_a_source_that_denies_a_detail_no_longer_verifies(world: World) -> None:
    release = release_of(world)
    world.verify(release["id"], "jep", verdict="verified", method="lawyer")
    world.verify(release["id"], "foro", **DETAIL)
    assert world.get(f"/v1/releases/{release['id']}").json()["verified_by"] == ["jep"]


def test_a_withdrawn_denial_waits_no_longer_and_denies_nothing(world: World) -> None:
    release = release_of(world)
    report = world.verify(release["id"], "jep", **DETAIL)["report"]["id"]
    world.post(f"/v1/reports/{report}/retract", {}, "jep")
    assert "verification.denies" not in said_last(world)
    assert waiting_kinds(world) == []


def test_the_only_report_of_a_release_may_become_a_denial_of_its_date(world: World) -> None:
    release = release_of(world)
    answer = world.verify(release["id"], "foro", **DETAIL)
    assert answer["release"] is None
    assert world.count()["total"]["cases"] == 0
    assert world.get(f"/v1/releases/{release['id']}").status_code == 404


@pytest.mark.parametrize("verdict", ["reported", "verified", "retracted"])
def test_only_a_denial_says_what_it_denies(world: World, verdict: str) -> None:
    release, body = release_of(world), DETAIL | {"verdict": verdict}
    refused = [
        world.post(f"/v1/releases/{release['id']}/verifications", body, "jep"),
        world.post("/v1/releases", {"release_id": release["id"], "verification": body}, "jep"),
    ]
    errors = [(answer.status_code, answer.json()["errors"][0]) for answer in refused]
    assert [(status, error["pointer"], error["code"]) for status, error in errors] == [
        (422, "/denies", "no_denial"),
        (422, "/verification/denies", "no_denial"),
    ]
    assert "disputed` or `refuted" in errors[0][1]["detail"]


def test_a_denial_that_becomes_one_of_a_detail_is_a_correction(world: World) -> None:
    release = release_of(world)
    report = world.verify(release["id"], "jep", verdict="refuted", method="family")["report"]["id"]
    world.client.patch(
        f"/v1/reports/{report}",
        json={"verification": {"denies": "kind"}},
        headers=world.headers("jep", **{"If-Match": f'"{report}-v1"'}),
    )
    newest = world.get("/v1/corrections").json()["data"][0]
    assert (newest["kind"], newest["changes"]) == (
        "restated",
        [
            {"field": "denies", "before": None, "after": "kind"},
            {"field": "status", "before": "contested", "after": "verified"},
        ],
    )


def test_a_list_says_in_a_column_what_it_denies(world: World) -> None:
    release_of(world, detainee__full_name="Aurelio Rangel Soto")
    receipt = world.send_list(LIST + "J-1,Aurelio Rangel Soto,VE,2026-01-09,Desmiente,familia,la fecha\n", "jep")
    assert receipt["counts"]["error"] == 0, world.rows_of(receipt, "jep")
    assert said_last(world)["verification.denies"] == "date"
    wrong = world.send_list(LIST + "J-2,Lidia Campos Urrutia,VE,2026-01-09,Reporta,familia,la fecha\n", "jep")
    (row,) = world.rows_of(wrong, "jep")
    assert row["errors"][0]["code"] == "no_denial"


def test_the_page_of_the_person_names_the_detail_and_its_source(world: World) -> None:
    release = release_of(world)
    world.verify(release["id"], "jep", **DETAIL)
    person = world.get(f"/v1/releases/{release['id']}").json()["detainee_id"]
    page = world.client.get(f"/en/people/{person}").text
    assert "Denied details" in page
    assert "No number counts this as a denial." in page
