"""The log: numbers without gaps, whoever writes at once; bytes and hashes that anyone can compute again."""

import hashlib
import json
import random
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlmodel import Session, col

from app.db.engine import make_engine, open_read_session, open_write_session
from app.errors import Invalid
from app.log import entries
from app.log.entries import (
    MAX_ENTRY_BYTES,
    Log,
    LogEntry,
    find_revision_at,
    load_entry,
    open_writer_session,
    read_head,
    replay_entries,
    wait_until_settled,
)
from app.models import Entry, Sealed
from tests.support import A_WHILE, World, kept_waiting

NOON = datetime(2026, 1, 12, 12, tzinfo=UTC)
WRITERS, EACH = 6, 8


@pytest.fixture
def other(database_url: str) -> Iterator[Engine]:
    """Another process on the same registry."""
    engine = make_engine(database_url)
    yield engine
    engine.dispose()


def stored(engine: Engine) -> list[Entry]:
    with open_read_session(engine) as session:
        return list(session.scalars(select(Entry).order_by(col(Entry.revision))))


def append(engine: Engine, now: datetime = NOON, personal: dict[str, Any] | None = None, **body: Any) -> LogEntry:
    with open_write_session(engine) as session:
        return Log(session, now).append("source", body, personal)


def canonical(value: Any) -> str:
    """RFC 8785 for what entries hold, written from the standard alone: no number here needs an exponent."""
    if isinstance(value, dict):
        ordered = sorted(value.items(), key=lambda item: item[0].encode("utf-16-be"))
        return "{" + ",".join(f"{canonical(name)}:{canonical(inner)}" for name, inner in ordered) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return json.dumps(value, ensure_ascii=False)


def test_revisions_have_no_gap_though_many_write_at_once_and_some_fail(engine: Engine) -> None:
    class Changed(Exception):
        """A writer's mind, after it has appended."""

    def write(number: int) -> None:
        chance = random.Random(number)
        for turn in range(EACH):
            try:
                with open_write_session(engine) as session:
                    log = Log(session, NOON + timedelta(minutes=chance.randrange(-60, 60)))
                    for part in range(chance.randrange(1, 4)):
                        log.append("source", {"writer": number, "turn": turn, "part": part})
                    if chance.random() < 0.4:
                        raise Changed
            except Changed:
                continue

    threads = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = stored(engine)
    assert len(found) > WRITERS
    assert [entry.revision for entry in found] == list(range(1, len(found) + 1))
    instants = [entry.recorded_at for entry in found]
    assert instants == sorted(instants)
    with open_read_session(engine) as session:
        assert read_head(session) == (len(found), instants[-1])


def test_entries_of_one_transaction_stand_together(engine: Engine) -> None:
    def write(number: int) -> None:
        for _ in range(EACH):
            with open_write_session(engine) as session:
                log = Log(session, NOON)
                for part in range(3):
                    log.append("source", {"writer": number, "part": part})

    threads = [threading.Thread(target=write, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    bodies = [json.loads(entry.body) for entry in stored(engine)]
    assert len(bodies) == WRITERS * EACH * 3
    for first in range(0, len(bodies), 3):
        together = bodies[first : first + 3]
        assert len({body["writer"] for body in together}) == 1
        assert [body["part"] for body in together] == [0, 1, 2]


def test_a_clock_set_back_does_not_move_the_past(engine: Engine) -> None:
    append(engine, NOON)
    behind = append(engine, NOON - timedelta(hours=5))
    ahead = append(engine, NOON + timedelta(seconds=1))
    assert behind.recorded_at == NOON + timedelta(microseconds=1)
    assert ahead.recorded_at == NOON + timedelta(seconds=1)
    assert json.loads(stored(engine)[1].body)["recorded_at"] == "2026-01-12T12:00:00.000001Z"


def test_whoever_waits_to_write_looks_at_the_clock_and_the_tables_once_it_is_their_turn(engine: Engine) -> None:
    now, found = NOON, []

    def wait() -> None:
        with open_writer_session(engine) as session:
            found.append((now, read_head(session)[0]))

    with kept_waiting(engine, wait) as session:
        Log(session, NOON).append("source", {})
        now = NOON + timedelta(seconds=1)
    assert found == [(now, 1)]


def test_an_instant_that_was_settled_gets_no_entry_from_any_process_by_any_clock(engine: Engine, other: Engine) -> None:
    append(engine, NOON)
    answered = NOON + timedelta(seconds=10)
    assert wait_until_settled(engine, answered, lambda: answered, A_WHILE) == answered
    behind = append(other, NOON + timedelta(seconds=5))
    assert behind.recorded_at > answered
    with open_read_session(engine) as session:
        assert find_revision_at(session, answered) == 1


def test_what_one_process_settled_is_waited_for_by_none(engine: Engine, other: Engine) -> None:
    answered = NOON + timedelta(seconds=10)
    wait_until_settled(engine, NOON, lambda: answered, A_WHILE)
    with open_writer_session(engine):
        assert wait_until_settled(other, answered, lambda: NOON, A_WHILE) == answered
        with pytest.raises(TimeoutError):
            wait_until_settled(other, answered + timedelta(seconds=1), lambda: NOON, A_WHILE)


def test_an_answer_changes_nothing_about_the_last_entry(engine: Engine) -> None:
    append(engine, NOON)
    wait_until_settled(engine, NOON + timedelta(seconds=10), lambda: NOON, A_WHILE)
    with open_read_session(engine) as session:
        assert read_head(session) == (1, NOON)


@pytest.mark.parametrize("spare", [0, -1])
def test_an_entry_holds_at_most_65535_bytes(engine: Engine, spare: int) -> None:
    empty = len(canonical({"v": 2, "kind": "source", "recorded_at": "2026-01-12T12:00:00Z", "text": ""}))
    text = "ñ" * ((MAX_ENTRY_BYTES - empty) // 2) + "n" * ((MAX_ENTRY_BYTES - empty) % 2)
    if spare == 0:
        append(engine, text=text)
        assert len(stored(engine)[0].body.encode()) == MAX_ENTRY_BYTES == 65_535
        return
    with pytest.raises(Invalid, match="65535 bytes"):
        append(engine, text=text + "n")
    assert stored(engine) == []


def test_the_bytes_of_every_kind_of_entry_are_canonical_and_so_is_their_hash(world: World) -> None:
    world.add_facility(point={"lat": 10.5, "lon": -67})
    first = world.file("foro")
    second = world.file("jep", release__released_on="2026-01-13", note='«ñandú» 🕊 \\ " \u00a0')
    world.judge(first["detainee"]["id"], world.file("pud", detainee__full_name="Otro")["detainee"]["id"], "different")
    world.consent(second["detainee"]["id"], "named")
    claim = {"measure": "released", "qualifier": "exactly", "low": 3, "high": 3, "claimant": "foro"}
    assert world.post("/v1/claims", claim | {"stated_at": "2026-01-12", "zone": "-04:00"}, "foro").status_code == 201
    world.redact(first["detainee"]["id"])
    recall = {"key_id": world.keys["jep"][4:12], "since": "2026-01-01T00:00:00Z"}
    assert world.post("/v1/recalls", recall, "admin").status_code == 200
    found = stored(world.engine)
    written_today = {"source", "facility", "report", "identity", "consent", "claim", "redaction", "recall"}
    assert {entry.kind for entry in found} == written_today
    for entry in found:
        assert entry.body == canonical(json.loads(entry.body))
        assert entry.leaf_hash == hashlib.sha256(b"\x00" + entry.body.encode()).digest()


@pytest.mark.parametrize("body, text", [
    ({"b": 1, "a": [True, None, "x"]}, '"a":[true,null,"x"],"b":1'),
    ({"n": 10.0, "half": -66.5}, '"half":-66.5,"kind":"source","n":10,'),
    ({"\u20ac": 1, "\U0001f600": 2, "\ufb33": 3, "\r": 4}, '{"\\r":4,'),
    ({"\u20ac": 1, "\U0001f600": 2, "\ufb33": 3}, '"\u20ac":1,"\U0001f600":2,"\ufb33":3}'),  # by UTF-16 (3.2.3)
    ({"s": '\x0f\n"\\/'}, '"s":"\\u000f\\n\\"\\\\/"'),
])  # fmt: skip
def test_canonical_is_what_rfc_8785_says(engine: Engine, body: dict[str, Any], text: str) -> None:
    append(engine, **body)
    assert text in stored(engine)[0].body


@pytest.mark.parametrize("entry, leaf", [
    (b"", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
    (b"\x00", "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"),
    (b"\x10", "0298d122906dcfc10892cb53a73992fc5b9f493ea4c9badb27b791b4127a7fe7"),
    (b"\x20\x21", "07506a85fd9dd2f120eb694f86011e5bb4662e5c415a62917033d4a9624487e7"),
])  # fmt: skip
def test_leaf_hashes_are_those_of_certificate_transparency(entry: bytes, leaf: str) -> None:
    assert entries.compute_leaf_hash(entry).hex() == leaf


def test_what_is_returned_is_what_a_replay_reads(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "REPLAY_BATCH_ENTRIES", 2)
    written = [append(engine, personal={"name": f"Ana {number}"}, number=number) for number in range(5)]
    with open_read_session(engine) as session:
        assert list(replay_entries(session)) == written
        assert load_entry(session, 3) == written[2]


def test_a_replay_of_an_erased_entry_has_the_body_and_nothing_personal(engine: Engine) -> None:
    written = append(engine, personal={"name": "Ana"}, number=1)
    with open_write_session(engine) as session:
        session.delete(session.get_one(Sealed, 1))
    with open_read_session(engine) as session:
        (left,) = replay_entries(session)
    assert (left.body, left.leaf_hash, left.personal) == (written.body, written.leaf_hash, {})


def last(session: Session, *instants: datetime) -> list[int]:
    return [find_revision_at(session, instant) for instant in instants]


def test_the_last_revision_at_an_instant_is_the_last_recorded_by_then(engine: Engine) -> None:
    for minutes in (0, 0, 10):
        append(engine, NOON + timedelta(minutes=minutes))
    second = timedelta(seconds=1)
    with open_read_session(engine) as session:
        assert last(session, NOON - second, NOON, NOON + second) == [0, 2, 2]
        assert last(session, NOON + timedelta(minutes=10), NOON + timedelta(days=9)) == [3, 3]
