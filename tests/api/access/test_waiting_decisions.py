"""What shows more of people waits for a second holder or a day, and so do decisions beyond a curator's limit."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from httpx2 import Response

from app import jobs
from app.db.engine import open_write_session
from app.registry import api_keys
from app.registry.apply import rebuild_tables
from app.registry.curation import proposals
from app.registry.curation.proposals import MAX_PEOPLE_A_DAY, WAITING_TIME
from app.vocabulary import Role
from tests.properties.test_rebuild import TABLES, rows
from tests.support import GOVERNMENT, Body, World, make_report, openings_wait

SECOND = "second curator"


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(jobs, "MIN_WATCHED_SECONDS", 0.0)
    with openings_wait():
        yield


@pytest.fixture
def world(world: World) -> World:
    """A registry with two curators, and two people at one source."""
    world.add_second_curator()
    with open_write_session(world.engine) as session:
        world.keys["colleague"] = world._key(session, Role.REPORTER, "foro", "Dora Paz")
    return world


def hidden_person(world: World, **said: Any) -> Body:
    """Somebody who is only counted."""
    return world.file("foro", source_record_id="F-1", detainee__publish="counted", **said)


def consent(world: World, filed: Body, publish: str = "named", who: str = "curator") -> Response:
    body = {"publish": publish, "given_by": "her sister", "given_on": "2026-02-01"}
    return world.post(f"/v1/detainees/{filed['detainee']['id']}/consent", body, who)


def correct(world: World, publish: str | None, **said: Any) -> Body:
    answer = world.post("/v1/releases", make_report(source_record_id="F-1", detainee__publish=publish, **said), "foro")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def waiting(world: World, who: str = SECOND) -> list[Body]:
    return list(world.get("/v1/proposals", who).json()["data"])


def agree(world: World, who: str = SECOND, *ids: str) -> Response:
    return world.post("/v1/proposals/agreement", {"proposals": ids or [row["id"] for row in waiting(world, who)]}, who)


def is_shown(world: World, filed: Body) -> bool:
    return world.get(f"/v1/detainees/{filed['detainee']['id']}").status_code == 200


def two(world: World, number: int = 0) -> Body:
    """Two people, as a judgement names them."""
    a = world.file("foro", detainee__full_name=f"Ana Rivero {number}", detainee__birth_date=None)
    b = world.file("jep", detainee__full_name=f"Ulises Barrios {number}", detainee__birth_date=None)
    return {"a": a["detainee"]["id"], "b": b["detainee"]["id"], "reason": "the same mother"}


def judge(world: World, pair: Body, who: str = "curator", judgement: str = "same") -> Response:
    return world.post("/v1/identity", {**pair, "judgement": judgement}, who)


def test_a_consent_that_opens_shows_nobody_until_a_second_holder_agrees(world: World) -> None:
    filed = hidden_person(world)
    answer = consent(world, filed)
    assert (answer.status_code, answer.json()["opening_waits"]) == (200, True)
    assert not is_shown(world, filed)
    (row,) = waiting(world)
    assert (row["kind"], row["decision"], row["people"], row["mine"]) == ("opening", "consent", 1, False)
    assert row["a"]["id"] == filed["detainee"]["id"]
    world.refuse(agree(world, "curator"), 403, "forbidden")
    assert agree(world).json()["carried_out"] == [row["id"]]
    assert is_shown(world, filed)
    assert waiting(world) == []


def test_what_opens_takes_effect_after_a_day_and_not_before(world: World) -> None:
    filed = hidden_person(world)
    consent(world, filed)
    world.now += WAITING_TIME - timedelta(seconds=1)
    world.carry_out_due()
    assert not is_shown(world, filed)
    world.now += timedelta(seconds=1)
    world.carry_out_due()
    assert is_shown(world, filed)
    assert waiting(world) == []


def test_no_day_goes_by_on_a_machine_that_was_just_started(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "MIN_WATCHED_SECONDS", 3600.0)
    filed = hidden_person(world)
    consent(world, filed)
    world.now += WAITING_TIME
    world.carry_out_due()
    assert not is_shown(world, filed)


@pytest.mark.parametrize("who", ["curator", SECOND])
def test_any_curator_stops_an_opening_for_good(world: World, who: str) -> None:
    filed = hidden_person(world)
    consent(world, filed)
    (row,) = waiting(world)
    assert world.client.delete(f"/v1/proposals/{row['id']}", headers=world.headers(who)).status_code == 200
    world.now += WAITING_TIME
    world.carry_out_due()
    assert (is_shown(world, filed), waiting(world)) == (False, [])
    assert consent(world, filed).json()["opening_waits"], "a later consent may open the person again"


def test_a_correction_that_opens_waits_for_a_colleague_of_the_source(world: World) -> None:
    filed = hidden_person(world)
    answer = correct(world, "named")
    assert answer["opening_waits"]
    assert not is_shown(world, filed)
    (row,) = waiting(world, "colleague")
    assert (row["mine"], row["a"], row["reports"]) == (False, None, [filed["report"]["id"]])
    assert [other["mine"] for other in waiting(world, "foro")] == [True]
    assert waiting(world, "jep") == []
    world.refuse(agree(world, "jep", row["id"]), 404, "not_found")
    world.refuse(agree(world, "foro", row["id"]), 403, "forbidden")
    assert agree(world, "colleague").json()["carried_out"] == [row["id"]]
    assert is_shown(world, filed)


def test_a_report_filed_meanwhile_opens_nobody_and_a_further_opening_waits_anew(world: World) -> None:
    filed = hidden_person(world)
    correct(world, "anonymous")
    (first,) = waiting(world)
    world.now += timedelta(hours=1)
    correct(world, "named")
    assert not is_shown(world, filed)
    rows = {row["id"]: row["people"] for row in waiting(world)}
    assert rows.pop(first["id"]) == 0
    assert list(rows.values()) == [1]
    assert agree(world, SECOND, first["id"]).json()["void"] == [first["id"]]
    assert not is_shown(world, filed)
    agree(world)
    assert world.get(f"/v1/detainees/{filed['detainee']['id']}").json()["name"] is not None


def test_hiding_never_waits_whatever_else_does(world: World) -> None:
    filed = hidden_person(world)
    correct(world, "named")
    consent(world, filed, "counted")
    agree(world)
    assert not is_shown(world, filed)
    known = world.file("jep", detainee__full_name="Ulises Barrios")
    consent(world, known, "counted")
    assert not is_shown(world, known)


def test_parting_and_undoing_open_nobody(world: World) -> None:
    pair = two(world)
    tie = judge(world, pair).json()["id"]
    filed = {"detainee": {"id": pair["a"]}}
    consent(world, filed, "counted")
    assert world.client.delete(f"/v1/identity/{tie}", headers=world.headers("curator")).status_code == 200
    other = {"detainee": {"id": pair["b"]}}
    assert (is_shown(world, filed), is_shown(world, other)) == (False, False)
    (row,) = waiting(world)
    assert (row["decision"], row["people"]) == ("identity", 1)
    agree(world)
    assert (is_shown(world, filed), is_shown(world, other)) == (False, True)


def test_a_source_that_is_no_longer_independent_opens_nobody_and_one_decision_covers_all(world: World) -> None:
    known = [world.file("jep", detainee__full_name=f"Persona Uno {n}", detainee__birth_date=None) for n in range(3)]
    for n, filed in enumerate(known):
        world.file("foro", source_record_id=f"F-{n}", detainee_id=filed["detainee"]["id"], detainee__publish="counted")
    assert not any(is_shown(world, filed) for filed in known)
    body = {"quarantined": True}
    assert world.client.patch("/v1/sources/foro", json=body, headers=world.headers("admin")).status_code == 200
    assert not any(is_shown(world, filed) for filed in known)
    (row,) = waiting(world)
    assert (row["decision"], row["people"]) == ("source", 3)
    assert [len(one["reports"]) for one in waiting(world, "jep")] == [3], "the people's sources are told"
    assert [one["id"] for one in waiting(world, "admin")] == [row["id"]]
    agree(world)
    assert all(is_shown(world, filed) for filed in known)


def test_what_a_list_opens_is_one_decision_though_one_of_its_people_is_erased(world: World) -> None:
    lines = [f"F-{n},Persona {'ABC'[n] * 3}a Inventada,VE,2026-01-{n + 10}" for n in range(3)]
    head = "source_record_id,detainee.full_name,detention.country,release.released_on,release.stage"
    head += ",verification.verdict,detainee.publish"
    for publish in ("counted", "named"):
        rows_of_list = [f"{line},carried_out,reported,{publish}" for line in lines]
        receipt = world.send_list("\n".join([head, *rows_of_list]))
        assert receipt["counts"]["error"] == 0, receipt
    (row,) = waiting(world)
    assert (row["kind"], row["decision"], row["people"]) == ("opening", "report", 3)
    world.redact(row["a"]["id"])
    assert [one["people"] for one in waiting(world)] == [2]
    agree(world)
    assert len([one for one in world.get("/v1/detainees").json()["data"] if one["name"]]) == 2


def test_a_recall_over_the_api_opens_nobody_until_it_is_agreed(world: World) -> None:
    known = world.file("jep")
    world.now += timedelta(hours=1)
    world.file("foro", detainee_id=known["detainee"]["id"], detainee__publish="counted")
    assert not is_shown(world, known)
    body = {"key_id": world.keys["foro"][4:12], "since": "2026-01-01T00:00:00Z"}
    assert world.post("/v1/recalls", body, "admin").status_code == 200
    assert not is_shown(world, known)
    agree(world)
    assert is_shown(world, known)


def test_an_independent_report_of_somebody_whom_only_a_state_reports_is_not_delayed(world: World) -> None:
    known = world.file(GOVERNMENT, detainee__publish="anonymous")
    answer = world.file("foro", detainee_id=known["detainee"]["id"], detainee__publish="named")
    assert waiting(world) == []
    assert answer["detainee"]["name"] is not None


def test_an_objection_meanwhile_hides_nothing_of_what_waits(world: World) -> None:
    """Opened below an objection, the person would be shown in silence when it ends."""
    filed = world.file("foro", source_record_id="F-1", detainee__publish="anonymous")
    world.object_to(f"/v1/detainees/{filed['detainee']['id']}")
    world.beat()
    assert not is_shown(world, filed)
    correct(world, "named")
    (objected,) = world.get("/v1/objections", "curator").json()["data"]
    world.decide(objected["id"], "dismissed")
    assert world.get(f"/v1/detainees/{filed['detainee']['id']}").json()["name"] is None
    agree(world)
    assert world.get(f"/v1/detainees/{filed['detainee']['id']}").json()["name"] is not None


def test_an_objection_is_dismissed_by_two_or_after_a_day_and_upheld_by_one(world: World) -> None:
    for number, outcome in enumerate(({"decision": "dismissed"}, {"decision": "upheld", "to": "counted"})):
        filed = world.file("foro", detainee__full_name=f"Persona Dos {number}", detainee__birth_date=None)
        world.object_to(f"/v1/detainees/{filed['detainee']['id']}")
        world.beat()
        (row,) = world.get("/v1/objections", "curator").json()["data"]
        body = {**outcome, "reason": "asked back"}
        answer = world.post(f"/v1/objections/{row['id']}/decision", body, "curator")
        assert answer.status_code == (202 if outcome["decision"] == "dismissed" else 200)
        assert not is_shown(world, filed)
        world.now += WAITING_TIME
        world.carry_out_due()
        assert is_shown(world, filed) is (outcome["decision"] == "dismissed")


def test_a_curator_joins_and_parts_twenty_people_a_day_and_the_rest_waits(world: World) -> None:
    pairs = [two(world, number) for number in range(MAX_PEOPLE_A_DAY + 1)]
    statuses = [judge(world, pair).status_code for pair in pairs]
    assert statuses == [201] * MAX_PEOPLE_A_DAY + [202]
    (row,) = waiting(world)
    assert (row["kind"], row["decision"], row["people"]) == ("identity", "same", 1)
    assert judge(world, pairs[-1], SECOND).status_code == 201, "a second holder decides the same"
    assert waiting(world) == []
    further = two(world, 99)
    assert judge(world, further).status_code == 202
    world.now += WAITING_TIME
    world.carry_out_due()
    assert waiting(world) == []
    assert world.get(f"/v1/detainees/{further['b']}").json()["id"] == further["a"]
    assert judge(world, two(world, 100)).status_code == 201, "it is another day"


def test_two_keys_of_one_holder_have_one_limit_and_no_second_word(world: World) -> None:
    with open_write_session(world.engine) as session:
        successor = api_keys.rotate_key(session, world.keys["curator"][4:12], 365, world.now, ends_in=7)
        world.keys["successor"] = successor
        world.keys["unnamed"] = api_keys.create_key(session, Role.CURATOR, None, 365, world.now, None)
    for number in range(MAX_PEOPLE_A_DAY):
        assert judge(world, two(world, number)).status_code == 201
    pair = two(world, 99)
    assert judge(world, pair, "successor").status_code == 202
    (row,) = waiting(world)
    for who in ("curator", "successor", "unnamed"):
        world.refuse(agree(world, who, row["id"]), 403, "forbidden")
    assert agree(world, SECOND).json()["carried_out"] == [row["id"]]


def test_what_a_revoked_key_opened_takes_two_others_and_no_day_opens_it(world: World) -> None:
    filed = hidden_person(world)
    consent(world, filed)
    with open_write_session(world.engine) as session:
        api_keys.revoke_key(session, world.keys["curator"][4:12], world.now)
        world.keys["third"] = world._key(session, Role.CURATOR, None, "Carla Ruiz")
    world.now += WAITING_TIME
    world.carry_out_due()
    assert agree(world, SECOND).json()["waiting"]
    assert agree(world, SECOND).json()["waiting"], "the same person is not a second one"
    assert not is_shown(world, filed)
    assert agree(world, "third").json()["carried_out"]
    assert is_shown(world, filed)


def test_what_a_source_opens_beyond_a_curators_limit_takes_one_curator_more(world: World) -> None:
    for number in range(MAX_PEOPLE_A_DAY):
        assert judge(world, two(world, number), SECOND).status_code == 201
    filed = hidden_person(world)
    correct(world, "named")
    assert agree(world, SECOND).json()["waiting"]
    assert agree(world, "curator").json()["carried_out"]
    assert is_shown(world, filed)


def test_nobody_reads_anything_of_somebody_whose_opening_waits(world: World) -> None:
    """At no revision, though the correction gives a day and is in the log."""
    day = {"detention__detained_on": "2025-05-17"}
    filed = hidden_person(world, **day)
    revision = world.revision
    known = {path: world.get(path, as_of=revision).json() for path in PUBLIC_PATHS}
    correct(world, "named", **day, detainee__gender="female")
    (body,) = world.rows(f"SELECT body FROM entry WHERE revision = {world.revision}")[0]
    assert "2025-05-17" not in body
    for path, before in known.items():
        after = world.get(path, as_of=world.revision).json()
        for field in ("revision", "pinned_at", "recorded_at", "as_of", "permalink", "citation"):
            before.pop(field, None), after.pop(field, None)
        assert (after.get("data"), after.get("rows"), after.get("total")) == (
            before.get("data"), before.get("rows"), before.get("total"),
        )  # fmt: skip
        assert filed["detainee"]["id"] not in str(after)


PUBLIC_PATHS = ("/v1/detainees", "/v1/releases", "/v1/detentions", "/v1/counts/held?group_by=detained_on")


def test_whoever_keeps_a_copy_is_told_when_the_opening_is_agreed(world: World) -> None:
    filed = hidden_person(world)
    correct(world, "named")
    since = world.revision
    agree(world)
    rows_since = world.get("/v1/detainees", changed_since=since).json()["data"]
    assert [row["id"] for row in rows_since] == [filed["detainee"]["id"]]


def test_a_rebuild_keeps_what_waits(world: World) -> None:
    hidden_person(world)
    correct(world, "named")
    judge(world, two(world))
    with open_write_session(world.engine) as session:
        before = {table.__name__: rows(session, table) for table in TABLES}
        rebuild_tables(session)
        assert {table.__name__: rows(session, table) for table in TABLES} == before
    agree(world)


def test_a_facility_counts_as_the_people_whose_reports_name_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proposals, "MAX_PEOPLE_A_DAY", 3)

    def move(area: str) -> Response:
        headers = world.headers("curator")
        return world.client.patch("/v1/facilities/el-rodeo-i", json={"area": area}, headers=headers)

    def add(slug: str, name: str) -> int:
        body = {"slug": slug, "name": name, "kind": "prison", "country": "VE"}
        return world.post("/v1/facilities", body, "curator").status_code

    world.add_facility()
    assert move("Guarenas").status_code == 200, "nobody's reports name it"
    for number, name in enumerate(("Ana Prieto", "Ulises Barrios")):
        world.file(detainee__full_name=name, detainee__birth_date=str(1950 + 9 * number), source_record_id=name)
    world.now += WAITING_TIME
    assert move("Inventada").status_code == 200
    refused = world.refuse(move("Miranda"), 403, "forbidden")
    assert "2 people" in refused["detail"]
    assert "recuento facility import" in refused["detail"]
    assert add("yare", "Yare") == 201
    world.now += WAITING_TIME
    assert move("Miranda").status_code == 200
