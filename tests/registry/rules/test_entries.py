"""The entries of one request are atomic, and a change of a source or facility is one of them."""

import json
from typing import Any

import pytest
from sqlalchemy import select
from sqlmodel import col

from app.db.engine import open_read_session, open_write_session
from app.log.entries import read_head
from app.models import PROJECTED_TABLES, Entry, ReleaseAtStage, Verification
from app.registry.apply import Projector, rebuild_tables
from tests.support import World, make_report


def kinds(world: World, after: int = 0) -> list[str]:
    """The kinds of the entries after a revision, in order."""
    with open_read_session(world.engine) as session:
        return list(
            session.scalars(select(col(Entry.kind)).where(col(Entry.revision) > after).order_by(col(Entry.revision)))
        )


def revision(world: World) -> int:
    with open_read_session(world.engine) as session:
        return read_head(session)[0]


def rows(world: World) -> dict[str, list[str]]:
    """Every projected row there is, closed ones included."""
    with open_read_session(world.engine) as session:
        return {
            table.__tablename__: sorted(str(dict(row)) for row in session.execute(select(table.__table__)).mappings())
            for table in PROJECTED_TABLES
        }


def test_an_identity_entry_precedes_the_report_it_ties(world: World) -> None:
    before = world.file("foro")["receipt"]["revision"]
    world.file("jep")
    assert kinds(world, before) == ["identity", "report"]


def test_the_receipt_is_the_reports_revision(world: World) -> None:
    world.file("foro")
    receipt = world.file("jep")["receipt"]
    with open_read_session(world.engine) as session:
        entry = session.get_one(Entry, receipt["revision"])
        assert entry.kind == "report"
        assert json.loads(entry.body)["source"] == "jep"
        assert entry.leaf_hash.hex() == receipt["leaf_hash"]


def test_an_identity_entry_whose_report_is_yet_to_come_touches_nothing(world: World) -> None:
    """At the revision between the two, all is as it was before."""
    first = world.file("foro")
    second = world.file("jep")
    between = second["receipt"]["revision"] - 1
    assert between == first["receipt"]["revision"] + 1
    assert world.count(as_of=between)["total"] == world.count(as_of=between - 1)["total"]


def test_the_entries_of_one_request_are_atomic(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The identity entry stands in the log when its report fails: it goes with it."""
    world.file("foro")
    before, shown = revision(world), rows(world)

    def fails(_projector: Projector, _entry: Any) -> Any:
        raise RuntimeError("no room on the disk")

    with monkeypatch.context() as patched:
        patched.setattr(Projector, "_apply_report", fails)
        world.refuse(world.post("/v1/releases", make_report(source_record_id="J-1"), "jep"), 500, "internal_error")
    assert (revision(world), rows(world)) == (before, shown)
    again = world.file("jep", source_record_id="J-1")
    assert again["report"]["version"] == 1
    assert again["receipt"]["revision"] == before + 2


def test_a_refused_request_leaves_no_entry(world: World) -> None:
    world.file("foro", source_record_id="FP-1")
    before = revision(world)
    world.refuse(
        world.post("/v1/releases", make_report(detainee__full_name="Zulma Paz", source_record_id="FP-1"), "foro"),
        409,
        "another_person",
    )
    world.refuse(world.post("/v1/releases", make_report(release__released_on="2027-01-01"), "foro"), 422, "future_date")
    assert revision(world) == before


def change(world: World, path: str, body: dict[str, Any], who: str) -> int:
    """PATCH; the revision of the entry it led to."""
    response = world.client.patch(path, json=body, headers=world.headers(who))
    assert response.status_code == 200, response.text
    return int(response.json()["receipt"]["revision"])


@pytest.mark.parametrize("body", [{"quarantined": True}, {"independent": False}], ids=["quarantine", "independence"])
def test_a_change_of_a_source_reprojects_what_names_it_in_that_entry(world: World, body: dict[str, Any]) -> None:
    world.file("foro")
    before = world.file("jep")["receipt"]["revision"]
    changed = change(world, "/v1/sources/jep", body, "admin")
    assert kinds(world, before) == ["source"]
    assert world.count(as_of=before)["total"]["by_min_sources"] == {"1": 1, "2": 1}
    assert world.count(as_of=changed)["total"]["by_min_sources"] == {"1": 1}
    with open_read_session(world.engine) as session:
        touched = session.scalars(select(col(Verification.source)).where(col(Verification.since) == changed)).all()
        assert len(touched) == 1
        assert set(session.scalars(select(col(ReleaseAtStage.since)).where(col(ReleaseAtStage.until) > changed))) == {
            changed
        }
    undone = change(world, "/v1/sources/jep", {name: not value for name, value in body.items()}, "admin")
    assert world.count(as_of=undone)["total"]["by_min_sources"] == {"1": 1, "2": 1}


def test_a_change_of_a_sources_name_reprojects_nothing(world: World) -> None:
    world.file("jep")
    before = rows(world)
    change(world, "/v1/sources/jep", {"name": "Justicia"}, "admin")
    assert rows(world) == before


RODEO = {"slug": "el-rodeo-i", "name": "El Rodeo I", "kind": "prison", "country": "VE", "area": "Miranda"}


def by_facility(world: World, **terms: Any) -> dict[str | None, int]:
    return {
        group["by"]["facility"]: group["counts"]["cases"]
        for group in world.count(group_by="facility", **terms)["groups"]
    }


def test_a_change_of_a_facility_reprojects_what_names_it_in_that_entry(world: World) -> None:
    world.file("foro")
    before = world.file("jep", detention__facility="Rodeo Uno", detainee__full_name="Berta Solano Ugas")["receipt"][
        "revision"
    ]
    added = world.post("/v1/facilities", RODEO, "curator")
    assert added.status_code == 201, added.text
    known = added.json()["receipt"]["revision"]
    renamed = change(world, "/v1/facilities/el-rodeo-i", {"names": ["El Rodeo I", "Rodeo Uno"]}, "curator")
    assert kinds(world, before) == ["facility", "facility"]
    assert by_facility(world, as_of=before) == {None: 2}
    assert by_facility(world, as_of=known) == {"el-rodeo-i": 1, None: 1}
    assert by_facility(world, as_of=renamed) == {"el-rodeo-i": 2}
    taken_back = change(world, "/v1/facilities/el-rodeo-i", {"names": ["El Rodeo I"]}, "curator")
    assert by_facility(world, as_of=taken_back) == {"el-rodeo-i": 1, None: 1}


def test_a_facility_that_only_stood_where_a_report_points_is_changed_there_too(world: World) -> None:
    world.post("/v1/facilities", RODEO, "curator")
    filed = world.file("foro", source_record_id="F-1")
    world.verify(filed["release"]["id"], "jep", verdict="verified", method="family")
    world.file("foro", source_record_id="F-1", detention__facility="Yare")
    change(world, "/v1/facilities/el-rodeo-i", {"area": "Guatire"}, "curator")
    assert world.by_source(area="Guatire") == {"jep": 1}
    assert world.by_source(area=RODEO["area"]) == {}


def test_it_is_the_same_path_as_a_rebuild(world: World) -> None:
    world.file("foro")
    world.file("jep")
    world.file("pud", detainee__full_name="Berta Solano Ugas", detention__facility="Rodeo Uno")
    world.post("/v1/facilities", RODEO, "curator")
    change(world, "/v1/facilities/el-rodeo-i", {"names": ["Rodeo Uno"], "area": "Guatire"}, "curator")
    change(world, "/v1/sources/jep", {"quarantined": True}, "admin")
    live = rows(world)
    with open_write_session(world.engine) as session:
        rebuild_tables(session)
    assert rows(world) == live
