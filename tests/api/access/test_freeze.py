"""A frozen registry stores only what hides, erases or revokes, and objections; and everybody goes on reading."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session

from app.api.routes.health import note_freeze
from app.db.engine import open_write_session
from app.errors import Frozen
from app.imports.filing import import_store, row_filing
from app.imports.filing.filing_queue import ImportWorker
from app.imports.filing.row_filing import Filing
from app.lanes import Lane
from app.log.entries import lock_head
from app.log.freeze import begin_freeze, end_freeze
from app.registry import api_keys
from app.registry.publication.permissions import Reader
from app.registry.write import WriteContext
from tests.imports.filing.test_filing import begin, many
from tests.support import NOW, Body, World, make_report

CASE = {"source_record_id": "foro-1"}


def freeze(world: World, who: str = "admin") -> Body:
    answer = world.post("/v1/freeze", None, who)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def switch_freeze(world: World, *, begins: bool) -> None:
    """Freeze the registry, or end it, as `recuento freeze` does beside the server."""
    with open_write_session(world.engine) as session:
        lock_head(session)
        if begins:
            begin_freeze(session, world.now, None, None)
        else:
            end_freeze(session)


def end(world: World) -> None:
    assert world.client.delete("/v1/freeze", headers=world.headers("admin")).json() == {"freeze": None}


def publish(world: World, filed: Body, **detainee: Any) -> int:
    """Correct a report; the status."""
    return world.client.patch(
        f"/v1/reports/{filed['report']['id']}", json={"detainee": detainee}, headers=world.headers("foro")
    ).status_code


def test_a_frozen_registry_refuses_writes_with_one_problem_that_says_until_when(world: World) -> None:
    person = world.file()["detainee"]["id"]
    other = world.file("jep", detainee__full_name="Ulises Barrios")["detainee"]["id"]
    pair = {"a": person, "b": other, "judgement": "same", "reason": "the same mother"}
    assert freeze(world, "curator")["freeze"]["until"] == "2026-03-02T12:00:00Z"
    before = world.revision
    consent = {"publish": "named", "given_by": "the person", "given_on": "2026-02-01"}
    facility = {"slug": "ramo-verde", "name": "Ramo Verde", "kind": "prison", "country": "VE"}
    refused = [
        world.post("/v1/releases", make_report(detainee__full_name="Ana Prieto"), "foro"),
        world.post("/v1/releases", make_report(**CASE) | {"publish_not_before": "2026-04-01"}, "foro"),
        world.post("/v1/identity", pair, "curator"),
        world.post("/v1/facilities", facility, "curator"),
        world.post(f"/v1/detainees/{other}/consent", consent, "curator"),
        world.client.post("/v1/imports", files={"file": ("list", b"a,b\n")}, headers=world.headers("foro")),
    ]
    for answer in refused:
        problem = world.refuse(answer, 503, "frozen")
        assert problem["until"] == "2026-03-02T12:00:00Z"
        assert answer.headers["retry-after"] == "3600"
    assert world.revision == before
    assert world.get("/v1/detainees").status_code == 200


def test_closings_erasures_and_recalls_go_through_and_openings_do_not(world: World) -> None:
    hidden, unnamed = world.file(**CASE), world.file(detainee__full_name="Ulises Barrios")
    consented, erased = (
        world.file("jep", detainee__full_name="Ana Prieto"),
        world.file("jep", detainee__full_name="Eva Ros"),
    )
    recalled = world.file("pud", detainee__full_name="Iker Soto")
    freeze(world)
    assert publish(world, hidden, publish="counted", gender="female") == 503, "a closing says nothing else"
    assert publish(world, hidden, publish="counted") == 200
    assert publish(world, hidden, publish="named") == 503
    assert publish(world, unnamed, full_name="Ulises B.") == 503
    assert publish(world, unnamed, full_name=None) == 200
    again = make_report(**CASE, detainee__publish="anonymous")
    world.refuse(world.post("/v1/releases", again, "foro"), 503, "frozen")
    world.consent(consented["detainee"]["id"], "counted")
    opening = {"publish": "named", "given_by": "the person", "given_on": "2026-02-01"}
    path = f"/v1/detainees/{consented['detainee']['id']}/consent"
    world.refuse(world.post(path, opening, "curator"), 503, "frozen")
    world.redact(erased["detainee"]["id"])
    key_id = world.keys["pud"][4:12]
    recall = world.post("/v1/recalls", {"key_id": key_id, "since": "2026-03-01T00:00:00Z"}, "admin")
    assert recall.status_code == 200
    undo = world.post("/v1/recalls", {"undoes": recall.json()["receipt"]["revision"]}, "admin")
    world.refuse(undo, 503, "frozen")
    assert world.get(f"/v1/detainees/{recalled['detainee']['id']}").status_code != 200
    names = world.get("/v1/detainees").text
    assert not [name for name in ("Quintana", "Barrios", "Prieto", "Ros", "Soto") if name in names]


def test_an_objection_hides_and_curators_can_only_uphold_it(world: World) -> None:
    filed = world.file(detainee__publish="anonymous")
    freeze(world)
    world.object_to(f"/v1/detainees/{filed['detainee']['id']}")
    world.beat()
    assert world.get("/v1/detainees").json()["data"] == []
    (objected,) = world.get("/v1/objections", "curator").json()["data"]
    path = f"/v1/objections/{objected['id']}/decision"
    dismissed = {"decision": "dismissed", "reason": "nobody", "objections": [objected["objections"][0]["id"]]}
    world.refuse(world.post(path, dismissed, "curator"), 503, "frozen")
    world.decide(objected["id"], "upheld", "counted")


def test_no_embargo_ends_during_a_freeze(world: World) -> None:
    world.wait("2026-03-02", **CASE)
    freeze(world)
    world.now += timedelta(days=3)
    with pytest.raises(Frozen):
        world.end_embargoes()
    assert len(world.waiting()) == 1
    end(world)
    world.end_embargoes()
    assert world.waiting() == []


def test_a_list_pauses_between_its_batches_and_goes_on_after_the_freeze(
    resting: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_filing, "BATCH_ROWS", 4)
    data = many(8).encode()
    job = begin(resting, data)
    with open_write_session(resting.engine) as session:
        import_store.store_file(session, resting.app.state.secret, job, data)
    step = Filing.step

    def freeze_after_step(running: Filing) -> bool:
        has_more = step(running)
        if resting.rows("SELECT count(*) FROM record") != [(0,)]:
            switch_freeze(resting, begins=True)
        return has_more

    def work() -> None:
        worker = ImportWorker(resting.engine, resting.app.state.secret, lambda: NOW, "list", Lane(1))
        asyncio.run(worker._file_waiting_lists())

    monkeypatch.setattr(Filing, "step", freeze_after_step)
    work()
    work()
    assert resting.rows("SELECT count(*) FROM record") == [(4,)]
    monkeypatch.setattr(Filing, "step", step)
    switch_freeze(resting, begins=False)
    work()
    assert resting.rows("SELECT count(*) FROM record") == [(8,)]
    assert resting.rows("SELECT state, counts FROM list_import")[0][0] == "done"


def test_a_curators_freeze_ends_after_a_day_and_cannot_be_prolonged_by_a_curator(world: World) -> None:
    freeze(world, "curator")
    world.now += timedelta(hours=23)
    assert freeze(world, "curator")["freeze"] == {"since": "2026-03-01T12:00:00Z", "until": "2026-03-02T12:00:00Z"}
    world.refuse(world.client.delete("/v1/freeze", headers=world.headers("curator")), 403, "forbidden")
    world.refuse(world.post("/v1/freeze", None, "foro"), 403, "forbidden")
    world.now += timedelta(hours=1)
    world.file()


def test_an_administrators_freeze_stands_until_it_is_ended(world: World) -> None:
    freeze(world, "curator")
    assert freeze(world)["freeze"] == {"since": "2026-03-01T12:00:00Z", "until": None}
    assert freeze(world, "curator")["freeze"]["until"] is None
    world.now += timedelta(days=30)
    world.refuse(world.post("/v1/releases", make_report(), "foro"), 503, "frozen")
    end(world)
    world.file()


def test_the_health_of_a_frozen_registry_is_good_and_says_that_it_is_frozen(world: World) -> None:
    assert "freeze" not in world.get("/readyz").json()
    freeze(world, "curator")
    told = {"since": "2026-03-01T12:00:00Z", "until": "2026-03-02T12:00:00Z"}
    ready = world.get("/readyz")
    assert (ready.status_code, ready.json()["freeze"]) == (200, told)
    end(world)
    switch_freeze(world, begins=True)
    note_freeze(world.app.state)
    alive = world.get("/healthz")
    assert (alive.status_code, alive.json()["freeze"]) == (200, {"since": "2026-03-01T12:00:00Z", "until": None})
    assert world.get("/v1/me", "foro").json()["freeze"] == {"since": "2026-03-01T12:00:00Z", "until": None}


def test_no_other_way_to_write_passes_a_freeze(world: World) -> None:
    def write(session: Session) -> None:
        context = WriteContext(session, Reader(), world.now, world.app.state.secret)
        context.write_entry("source", {"slug": "x"})

    freeze(world)
    with pytest.raises(Frozen), open_write_session(world.engine) as session:
        write(session)
    with open_write_session(world.engine) as session:
        api_keys.revoke_key(session, world.keys["jep"][4:12], world.now)
        end_freeze(session)
