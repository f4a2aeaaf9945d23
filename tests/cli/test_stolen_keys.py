"""A stolen key of any role: by one command it ends, and all that it wrote and decided is as before."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from app.cli.output import utc_now
from app.db.engine import open_write_session
from app.registry.apply import rebuild_tables
from app.vocabulary import Role
from tests.cli.test_commands import Run, recuento
from tests.properties.test_rebuild import TABLES, rows
from tests.support import Body, World, openings_wait

__all__ = ["recuento"]
THEFT = "2026-03-02T00:00:00Z"


@pytest.fixture(autouse=True)
def waits() -> Iterator[None]:
    with openings_wait():
        yield


def steal(world: World) -> None:
    world.now += timedelta(days=1)


def person(world: World, number: int = 0, who: str = "foro", **said: Any) -> Body:
    name = f"Persona {'ABCDEFGH'[number] * 3}o Inventada"
    return world.file(who, source_record_id=f"F-{number}", detainee__full_name=name, detainee__birth_date=None, **said)


def shown(world: World, *people: Body) -> list[bool]:
    return [world.get(f"/v1/detainees/{one['detainee']['id']}").status_code == 200 for one in people]


def take_back(world: World, recuento: Run, who: str, *more: str) -> str:
    ran = recuento("key", "stolen", world.keys[who][4:12], "--since", THEFT, *more)
    assert ran.status == 0, ran.err
    world.now = max(world.now, utc_now())  # a command reads the machine's clock
    return ran.out + ran.err


def consent(world: World, filed: Body, publish: str, who: str = "curator") -> None:
    body = {"publish": publish, "given_by": "guardian", "given_on": "2026-02-01"}
    answer = world.post(f"/v1/detainees/{filed['detainee']['id']}/consent", body, who)
    assert answer.status_code == 200, answer.text


def state(world: World) -> Any:
    """What anybody and any curator reads, revisions apart."""
    people = [
        {**row, "revision": None, "recorded_at": None,
         "detentions": [{**spell, "moved_at": None} for spell in row["detentions"]]}
        for who in (None, "curator")
        for row in world.get("/v1/detainees", who, limit=200).json()["data"]
    ]  # fmt: skip
    count = world.count()
    numbers = count["total"] | {name: count["caveats"][name] for name in ("unlinkable", "denied_by_some")}
    return people, numbers, world.rows("SELECT key, publish_now, publish_decided FROM record ORDER BY 1")


def assert_rebuilt_alike(world: World) -> None:
    with open_write_session(world.engine) as session:
        before = {table.__name__: rows(session, table) for table in TABLES}
        rebuild_tables(session)
        assert {table.__name__: rows(session, table) for table in TABLES} == before


def test_people_whom_a_stolen_reporters_key_hid_are_shown_at_once_except_whom_others_hide_too(
    world: World, recuento: Run
) -> None:
    people = [person(world, number) for number in range(4)]
    before = state(world)[:2]
    steal(world)
    for number in range(4):
        person(world, number, detainee__publish="counted")
    person(world, 7)
    assert shown(world, *people) == [False] * 4
    consent(world, people[1], "counted")
    take_back(world, recuento, "foro")
    assert shown(world, *people) == [True, False, True, True]
    consent(world, people[1], "named")
    assert world.get("/v1/proposals", "curator").json()["data"][0]["people"] == 1, (
        "what a curator closed, a second opens"
    )
    assert world.count()["total"]["cases"] == before[1]["cases"]
    world.refuse(world.get("/v1/me", "foro"), 401, "unauthenticated")
    assert_rebuilt_alike(world)


def test_what_a_stolen_curators_key_decided_is_as_before(world: World, recuento: Run) -> None:
    a, b, c, d = (person(world, number, who) for number, who in enumerate(("foro", "jep", "foro", "pud")))
    with open_write_session(world.engine) as session:
        world.keys["thief"] = world._key(session, Role.CURATOR, None, "Somebody robbed")
    tie = world.judge(a["detainee"]["id"], b["detainee"]["id"], "same")
    world.object_to(f"/v1/detainees/{d['detainee']['id']}")
    world.beat()
    before = state(world)
    steal(world)
    for filed in (a, c):
        consent(world, filed, "counted", "thief")
    undone = world.client.delete(f"/v1/identity/{tie['id']}", headers=world.headers("thief"))
    assert undone.status_code == 200
    joined = {"a": a["detainee"]["id"], "b": c["detainee"]["id"], "judgement": "same", "reason": "stolen"}
    assert world.post("/v1/identity", joined, "thief").status_code == 201
    (row,) = world.get("/v1/objections", "thief").json()["data"]
    counted = {"decision": "upheld", "to": "counted", "reason": "stolen"}
    assert world.post(f"/v1/objections/{row['id']}/decision", counted, "thief").status_code == 200
    assert state(world) != before
    told = take_back(world, recuento, "thief", "--dry-run")
    assert "consent to counted" in told
    assert state(world) != before
    take_back(world, recuento, "thief")
    assert state(world) == before
    assert len(world.get("/v1/objections", "curator").json()["data"]) == 1
    assert_rebuilt_alike(world)
    take_back(world, recuento, "thief")  # once more changes nothing
    assert state(world) == before


def test_whom_a_thief_opened_is_closed_again_and_waits(world: World, recuento: Run) -> None:
    hidden = person(world, 0, detainee__publish="counted")
    with open_write_session(world.engine) as session:
        world.keys["thief"] = world._key(session, Role.CURATOR, None, "Somebody robbed")
    steal(world)
    person(world, 0, detainee__publish="named")
    (row,) = world.get("/v1/proposals", "thief").json()["data"]
    answer = world.post("/v1/proposals/agreement", {"proposals": [row["id"]]}, "thief")
    assert answer.json()["carried_out"] == [row["id"]]
    assert shown(world, hidden) == [True]
    take_back(world, recuento, "thief")
    assert shown(world, hidden) == [False]
    assert [one["people"] for one in world.get("/v1/proposals", "curator").json()["data"]] == [1]
    assert_rebuilt_alike(world)


def test_a_source_and_a_facility_that_a_stolen_key_changed_are_as_before(world: World, recuento: Run) -> None:
    with open_write_session(world.engine) as session:
        world.keys["thief"] = world._key(session, Role.ADMIN, None, "Somebody robbed")
    known = person(world, 0, "jep")
    world.file("foro", detainee_id=known["detainee"]["id"], detainee__publish="counted")
    steal(world)
    change = {"quarantined": True, "name": "Otro nombre"}
    assert world.client.patch("/v1/sources/foro", json=change, headers=world.headers("thief")).status_code == 200
    take_back(world, recuento, "thief")
    (source,) = [row for row in world.get("/v1/sources").json()["data"] if row["slug"] == "foro"]
    assert (source["quarantined"], source["name"]) == (False, "Foro")
    assert shown(world, known) == [False]


def test_an_erasure_is_said_to_be_for_good(world: World, recuento: Run) -> None:
    filed = person(world)
    steal(world)
    world.redact(filed["detainee"]["id"])
    assert "1 erasures cannot be taken back" in take_back(world, recuento, "admin")
