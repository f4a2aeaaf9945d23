"""An erasure holds at once, and is finished once nobody reads what was deleted: then no file of the database has it."""

import json
import random
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from app import jobs
from app.cli import maintenance
from app.db.engine import open_snapshot_session, open_write_session
from app.models import metadata
from app.registry.publication import erasure
from tests.support import PATIENCE, Body, World
from tests.working import statements

# Tables without a value that an erasure or a filed list deletes: what is public, decisions by number, keys, the head.
PUBLIC = {
    *("api_key", "case_key", "claim", "consent", "decision", "detainee", "detention", "detention_state", "entry"),
    *("facility", "head", "idempotent_answer", "objection_hiding", "pending_pair", "placement", "record", "release"),
    *("changed_person", "class_hold", "recalled_entry", "source_trust", "written_by"),
    *("release_at_stage", "report", "source", "source_detention", "source_release", "verification"),
}
PEOPLE, ERASED = 240, 24
LONGEST = 5.0  # seconds: far less than a writer would wait for a reader, far more than it takes


def list_of_people() -> Iterator[Body]:
    """People whose names, and so whose keys, are found nowhere else, in no order: what is indexed by them is moved from
    page to page as it grows."""
    draw = random.Random(7)

    def word() -> str:
        return "".join(draw.choice("bcdfghjklmnpqrstvwxz") + draw.choice("aeiou") for _ in range(5)).capitalize()

    for number in range(PEOPLE):
        name = f"{word()} {word()} {word()}"
        yield {
            "source_record_id": f"S-{number}",
            "detainee": {"full_name": name, "birth_date": str(1950 + number % 40), "publish": "named"},
            "detention": {"detained_on": "2025-01-02", "facility": f"Retén {word()}", "country": "VE"},
            "release": {"released_on": "2026-01-10"},
            "verification": {"verdict": "verified", "method": "family"},
            "note": f"su hermana {word()} pregunta " + "x" * draw.randint(0, 3_000),
        }


def files(world: World) -> list[Path]:
    """The files of the database; on PostgreSQL those of its tables, as they lie on the disk of this machine."""
    if world.engine.dialect.name == "sqlite":
        return list(Path(str(world.engine.url.database)).parent.iterdir())
    with open_write_session(world.engine) as session:
        (folder,) = session.execute(text("SHOW data_directory")).one()
        (number,) = session.execute(text("SELECT oid FROM pg_database WHERE datname = current_database()")).one()
        session.connection().connection.driver_connection.commit()  # type: ignore[union-attr]
        session.execute(text("CHECKPOINT"))
    found = Path(folder) / "base" / str(number)
    if not found.is_dir():
        pytest.skip("the server is on another machine")
    return [path for path in found.iterdir() if path.is_file()]


def personal_of(world: World, cases: set[str]) -> set[bytes]:
    """The values and salts of these reports, and the keys under which they alone are found."""
    texts: set[str] = set()
    mine: set[int] = set()
    for revision, disclosures in world.rows("SELECT revision, disclosures FROM sealed"):
        values = json.loads(disclosures)
        if values.get("source_record_id", ["", ""])[1] in cases:
            mine.add(revision)
            texts |= {salt for salt, _value in values.values()}
            texts |= {values[name][1] for name in ("detainee.full_name", "detention.facility", "note")}
    keys = world.rows("SELECT record, key FROM blocking_key")
    others = {key for record, key in keys if record not in mine}
    alone = {key for record, key in keys if record in mine and not any(key in other for other in others)}
    return {value.encode() for value in texts | alone}


def found(world: World, values: set[bytes]) -> dict[str, int]:
    """File → how many of the values it holds."""
    contents = {path.name: path.read_bytes() for path in files(world)}
    held = {name: sum(value in content for value in values) for name, content in contents.items()}
    return {name: number for name, number in held.items() if number}


def erase(world: World, person: str) -> Body:
    response = world.post(f"/v1/detainees/{person}/redaction", {"reason": "asked for by the family"}, "admin")
    assert response.status_code == 200, response.text
    return dict(response.json())


@contextmanager
def somebody_reads(world: World) -> Iterator[Connection]:
    """Somebody who goes on seeing the registry as it was when they began."""
    with open_snapshot_session(world.engine) as session:
        session.execute(text("SELECT count(*) FROM sealed"))
        yield session.connection()


def warnings(world: World) -> list[str]:
    return list(world.get("/readyz").json().get("warnings", []))


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that tries again only after the test."""
    monkeypatch.setattr(jobs, "ERASURES_INTERVAL_SECONDS", PATIENCE)


def test_no_byte_of_the_erased_stays_in_a_file_of_the_database(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = [json.dumps(person, ensure_ascii=False) for person in list_of_people()]
    assert world.send_list("\n".join(listed), confirm="true")["counts"]["new"] == PEOPLE
    cases = {f"S-{number}" for number in range(0, PEOPLE, PEOPLE // ERASED)}
    values = personal_of(world, cases)
    rows = world.client.get("/v1/detainees.jsonl", headers=world.headers("curator")).text
    ids = {person["name"]: person["id"] for person in map(json.loads, rows.splitlines())}
    assert sum(found(world, values).values()) >= len(values)
    with monkeypatch.context() as patched:
        patched.setattr(erasure, "scrub_database", lambda *_: False)
        erased = [erase(world, ids[name]) for name in ids if name.encode() in values]
    assert len(erased) == ERASED
    assert not any(answer["scrubbed"] for answer in erased)
    assert found(world, values)  # deleting, and overwriting what was deleted, is not enough
    assert erasure.finish_erasures(world.engine) is True
    assert found(world, values) == {}
    assert world.count()["total"]["cases"] == PEOPLE


def test_an_erasure_that_nobody_hinders_is_finished_with_its_answer(world: World) -> None:
    assert erase(world, world.file()["detainee"]["id"])["scrubbed"] is True
    assert warnings(world) == []


def test_an_erasure_that_a_reader_hinders_holds_says_so_and_is_finished_after_them(world: World) -> None:
    person = world.file()["detainee"]["id"]
    with somebody_reads(world):
        answer = erase(world, person)
        assert (answer["records"], answer["scrubbed"]) == (1, False)
        assert warnings(world) == ["erasure_unfinished"]
        world.refuse(world.get(f"/v1/detainees/{person}"), 404, "not_found")
        assert erase(world, person)["scrubbed"] is False
    again = erase(world, person)
    assert (again["records"], again["scrubbed"]) == (0, True)
    assert warnings(world) == []


def test_a_repeated_request_says_whether_the_erasure_is_finished_by_now(world: World) -> None:
    person = world.file()["detainee"]["id"]
    path, body, once = f"/v1/detainees/{person}/redaction", {"reason": "asked for"}, {"Idempotency-Key": "once"}
    with somebody_reads(world):
        assert world.post(path, body, "admin", **once).json()["scrubbed"] is False
    again = world.post(path, body, "admin", **once)
    assert (again.headers["idempotency-replayed"], again.json()["scrubbed"]) == ("true", True)


def test_no_writer_waits_long_for_an_erasure_behind_a_reader(world: World) -> None:
    persons = [world.file(detainee__full_name=name)["detainee"]["id"] for name in ("Una Persona", "Otra Gente")]
    with somebody_reads(world):
        began = monotonic()
        other = Thread(target=erase, args=(world, persons[1]))
        other.start()
        erase(world, persons[0])
        world.file("jep", detainee__full_name="Tercera Persona")
        other.join()
        assert monotonic() - began < LONGEST


@pytest.mark.parametrize("trouble", ["no room", "busy"])
def test_an_erasure_holds_whatever_keeps_it_from_being_finished(
    world: World, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    person = world.file()["detainee"]["id"]

    def fails(*_: Any) -> bool:
        raise OperationalError(trouble, None, Exception(trouble))

    with monkeypatch.context() as patched:
        patched.setattr(erasure, "scrub_database", fails)
        assert erase(world, person)["scrubbed"] is False
    assert warnings(world) == ["erasure_unfinished"]
    assert world.rows("SELECT count(*) FROM detainee_personal") == [(0,)]


def test_a_server_tries_again_until_it_is_finished(resting: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "ERASURES_INTERVAL_SECONDS", 0.05)
    with resting as world:
        person = world.file()["detainee"]["id"]
        with somebody_reads(world):
            assert erase(world, person)["scrubbed"] is False
        until = monotonic() + PATIENCE
        while warnings(world):
            assert monotonic() < until, "nobody tried again"
            sleep(0.02)


def test_an_unfinished_erasure_outlives_a_restart_and_the_next_command_finishes_it(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RECUENTO_DATABASE_URL", world.settings.database_url)
    monkeypatch.setenv("RECUENTO_SECRET", "a secret of the tests")
    person = world.file()["detainee"]["id"]
    with somebody_reads(world):
        erase(world, person)
        maintenance.status(as_json=False)
        assert "WARNING an erasure is not finished" in capsys.readouterr().out
        maintenance.status(as_json=True)
        assert json.loads(capsys.readouterr().out)["warnings"] == ["erasure_unfinished"]
    maintenance.status(as_json=False)
    assert "WARNING" not in capsys.readouterr().out
    assert warnings(world) == []


def test_an_erasure_that_comes_while_another_is_finished_is_not_taken_for_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    persons = [world.file(detainee__full_name=name)["detainee"]["id"] for name in ("Una Persona", "Otra Gente")]
    with monkeypatch.context() as patched:
        patched.setattr(erasure, "scrub_database", lambda *_: False)
        erase(world, persons[0])

        def meanwhile(*_: Any) -> bool:
            patched.setattr(erasure, "scrub_database", lambda *_: False)
            erase(world, persons[1])
            return True

        patched.setattr(erasure, "scrub_database", meanwhile)
        assert erasure.finish_erasures(world.engine) is True
    assert warnings(world) == ["erasure_unfinished"]


def test_every_table_that_an_erasure_deletes_from_leaves_the_files_too(world: World) -> None:
    person = world.file()["detainee"]["id"]
    with statements(world.engine) as run:
        erase(world, person)
    deleted = {table for statement in run for table in re.findall(r"DELETE FROM (\w+)", statement)}
    assert "sealed" in deleted
    assert deleted <= set(erasure.SCRUBBED_TABLES)


def test_no_table_is_neither_public_nor_one_that_leaves_the_files() -> None:
    assert set(metadata.tables) - set(erasure.SCRUBBED_TABLES) == PUBLIC
