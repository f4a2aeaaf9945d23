"""Objections of the person concerned: every one is answered alike, hides within a beat, and moves no count."""

import json
import logging
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx2
import pytest
from httpx2 import Response
from sqlalchemy import text

from app.api.middleware.response_headers import REQUEST_ID_HEADER
from app.db.engine import open_read_session, open_write_session
from app.exports import package
from app.lanes import Lane
from app.registry.apply import BASE_TABLES, rebuild_tables
from app.registry.publication import objections
from app.registry.publication.objection_queue import (
    MAX_HIDDEN_PER_NETWORK,
    ObjectionIn,
    store_objection,
)
from app.registry.publication.objections import (
    OBJECTION_WARNING_DELAY,
    QUIET_PERIOD,
    TEXT_RETENTION,
    UNANSWERED_RETENTION,
)
from app.vocabulary import Role
from tests.api.serving import serving
from tests.properties.test_rebuild import TABLES, rows
from tests.support import ANYONE, PATIENCE, Body, World, make_report
from tests.working import statements

MARK = "zqwordsqz"
WORDS: Body = {"words": f"{MARK} I am her", "contact": f"{MARK}@mail.example"}
LETTERS = str.maketrans("0123456789", "ghijklmnop")
PUBLIC = ("foro", "jep", "ministry", "admin", None)


def address(filed: Body) -> str:
    return f"/v1/detainees/{filed['detainee']['id']}"


def shown(world: World, filed: Body, who: str | None = None) -> bool:
    return world.get(address(filed), who).status_code == 200


def queue(world: World) -> list[Body]:
    return list(world.get("/v1/objections", "curator").json()["data"])


def person(world: World, number: int, **changes: Any) -> Body:
    """One of many people who are unlike each other."""
    digest = uuid.uuid5(uuid.NAMESPACE_DNS, str(number)).hex.translate(LETTERS)
    return world.file(
        detainee__full_name=f"{digest[:9].title()} {digest[9:20].title()}", source_record_id=f"P-{number}", **changes
    )


def counts(world: World, revision: int) -> list[Body]:
    """Counts over nothing personal, of every revision so far, without what the head says."""
    asked: list[Body] = [{}, {"group_by": ["source", "status"]}, {"group_by": "country"}, {"group_by": "release_kind"}]
    answers = [
        world.get(f"/v1/counts/{of}", **terms, **({"held_on": "2025-12-01"} if of == "held" else {}), as_of=at)
        for of in ("releases", "detentions", "held")
        for terms in asked
        if of == "releases" or terms.get("group_by") != "release_kind"
        for at in range(1, revision + 1)
    ]
    assert {answer.status_code for answer in answers} == {200}
    return [{**answer.json(), "not_visible": None} for answer in answers]


# --- no oracle -------------------------------------------------------------------------------------------------------


def guesses(world: World) -> dict[str, str]:
    """Addresses of somebody shown, of somebody hidden, of somebody erased, of absorbed ids, and of nobody."""
    visible = world.file(detainee__publish="named")
    hidden = world.file(detainee__full_name="Zoraida Montilla Paz", detainee__publish="counted")
    erased = world.file(detainee__full_name="Ulises Barrios Coy")
    world.redact(erased["detainee"]["id"])
    absorbed = person(world, 1)
    world.judge(visible["detainee"]["id"], absorbed["detainee"]["id"], "same")
    return {
        "visible": address(visible), "hidden": address(hidden), "erased": address(erased),
        "absorbed": address(absorbed), "unknown": f"/v1/detainees/{uuid.uuid4()}", "nonsense": "who is this about",
        "another host": f"https://elsewhere.example/v1/releases/{visible['release']['id']}",
    }  # fmt: skip


def test_every_objection_is_answered_with_the_same_bytes_and_by_the_same_statements(world: World) -> None:
    asked = guesses(world)
    told: dict[str, Any] = {}
    for what, about in asked.items():
        with statements(world.engine) as ran:
            answer: Response = world.client.post("/v1/objections", json={"about": about, "wish": "hide", **WORDS})
        told[what] = (answer.status_code, answer.content, {**answer.headers, REQUEST_ID_HEADER.lower(): ""}, ran)
    assert told["visible"][0] == 202
    assert len(told["visible"][3]) > 0
    assert [what for what in told if told[what] != told["visible"]] == []


def test_no_state_tells_afterwards_whether_a_guess_was_right(world: World) -> None:
    """The head, the warnings and the public answers stand still, whether somebody is hidden, erased or made up."""
    asked = guesses(world)
    visible = {asked.pop("visible"), asked.pop("absorbed"), asked.pop("another host")}
    paths = ("/v1/detainees", "/v1/releases", "/v1/corrections", "/readyz", *visible, *asked.values())
    before = [(path, world.get(path).content) for path in paths if path.startswith("/")]
    for about in asked.values():
        world.object_to(about)
        world.beat()
        assert [(path, world.get(path).content) for path, _content in before] == before
    assert len(queue(world)) == 1, "a hidden person's objection reaches the curators"


def test_an_address_that_its_sender_cannot_read_hides_nobody(world: World) -> None:
    """A detention has no release: the id that one would have is in no answer."""
    filed = world.file_detention()
    (release,) = world.rows("SELECT release_id FROM record")[0]
    assert world.get(f"/v1/releases/{uuid.UUID(str(release))}").status_code == 404
    world.object_to(f"/v1/releases/{uuid.UUID(str(release))}")
    world.beat()
    assert shown(world, filed)
    assert [row["state"] for row in queue(world)] == ["open"]


@pytest.mark.parametrize("thing", ["detainee", "detention", "release"])
def test_each_address_of_a_person_hides_the_person(world: World, thing: str) -> None:
    filed = world.file()
    world.object_to(f"https://registry.example/v1/{thing}s/{filed[thing]['id']}")
    assert shown(world, filed), "nothing happens within the request"
    world.beat()
    assert not shown(world, filed)


def test_an_absorbed_id_hides_who_holds_it_today(world: World) -> None:
    first, second = world.file(), person(world, 1)
    world.judge(first["detainee"]["id"], second["detainee"]["id"], "same")
    world.object_to(address(second))
    world.beat()
    assert not shown(world, first)


def test_what_cannot_be_read_as_an_objection_is_refused_without_looking(world: World) -> None:
    about = "/v1/detainees/x"
    for body, pointer in (
        ({"wish": "hide"}, "/about"), ({"about": about, "wish": "blame"}, "/wish"),
        ({"about": about, "wish": "hide", "words": "x" * 1_001}, "/words"),
        ({"about": "x" * 301, "wish": "hide"}, "/about"), ({"about": about, "wish": "hide", "key": "1"}, "/key"),
    ):  # fmt: skip
        with world.storing_nothing():
            world.refuse(world.post("/v1/objections", body, None), 422, "invalid", pointer)
    with world.storing_nothing():
        world.refuse(world.post("/v1/objections?x=1", {"about": about, "wish": "hide"}, None), 422, "unknown_field")
        huge = {"about": about, "wish": "hide", "words": "x" * 40_000}
        world.refuse(world.post("/v1/objections", huge, None), 413, "payload_too_large")


# --- what hiding does ------------------------------------------------------------------------------------------------


def test_a_hidden_person_is_in_no_list_record_search_export_or_pinned_answer(world: World, tmp_path: Path) -> None:
    world.add_facility()
    filed = world.file()
    pinned = world.revision
    ids = [filed[thing]["id"] for thing in ("detainee", "detention", "release")]
    world.object_to(address(filed))
    world.beat()
    for who in PUBLIC:
        for path in (
            "/v1/detainees",
            "/v1/detentions",
            "/v1/releases",
            "/v1/corrections",
            "/v1/held?held_on=2025",
        ):
            for ending, terms in (("", {}), ("", {"as_of": pinned}), (".csv", {}), (".jsonl", {"as_of": pinned})):
                text = world.get(path.partition("?")[0] + ending, who, **terms).text
                assert not [mark for mark in (*ids, "Quintana") if mark in text], (path, who)
        for path in ("/v1/detainees", "/v1/releases"):
            assert world.get(path, who, q="Tomás Quintana").json()["data"] == []
            assert world.get(path, who, q="Tomás Quintana", as_of=pinned).json()["data"] == []
        for thing, thing_id in zip(("detainees", "detentions", "releases"), ids, strict=True):
            assert world.get(f"/v1/{thing}/{thing_id}", who).status_code == 404
            assert world.get(f"/v1/{thing}/{thing_id}", who, as_of=pinned).status_code == 404
    for name in ("gender", "facility", "age_group", "nationality"):
        groups = world.count(group_by=name, as_of=pinned)["groups"]
        assert [group["by"][name] for group in groups] == ["withheld"]
    with open_read_session(world.engine) as session:
        for at, folder in ((world.revision, tmp_path / "now"), (pinned, tmp_path / "pinned")):
            folder.mkdir()
            package.write_package(session, folder, ANYONE, at)
            assert not [file for file in folder.iterdir() if "Quintana" in file.read_text(encoding="utf-8")]
    assert shown(world, filed, "curator")


def test_hiding_and_showing_again_change_no_count_and_no_withheld_of_any_revision(world: World) -> None:
    filed = world.file()
    world.file("jep")
    person(world, 1, detainee__publish="anonymous")
    person(world, 2, detainee__publish="counted")
    pinned = world.revision
    before, live = counts(world, pinned), world.count()["caveats"]["withheld"]
    assert live == 1
    world.object_to(address(filed))
    world.beat()
    assert not shown(world, filed)
    assert counts(world, pinned) == before
    assert world.count()["caveats"]["withheld"] == live
    assert world.count()["total"] == before[pinned - 1]["total"]
    world.decide(queue(world)[0]["id"], "dismissed")
    assert shown(world, filed)
    assert counts(world, pinned) == before


def test_a_rebuild_gives_the_same_rows_at_every_step(world: World) -> None:
    first, second, third = (person(world, number) for number in range(3))
    for filed in (first, second, third):
        world.object_to(address(filed))
    world.beat()
    by_person = {row["detainee"]["id"]: row["id"] for row in queue(world)}
    steps = ((first, "dismissed", None), (second, "upheld", "counted"), (third, "upheld", "correction"))
    for filed, decision, to in (*steps, (third, "dismissed", None)):
        world.decide(by_person[filed["detainee"]["id"]], decision, to)
        with open_read_session(world.engine) as session:
            before = {table.__name__: rows(session, table) for table in TABLES}
        assert before["ObjectionHiding"]
        with open_write_session(world.engine) as session:
            rebuild_tables(session)
        with open_read_session(world.engine) as session:
            assert {table.__name__: rows(session, table) for table in TABLES} == before
    assert [shown(world, filed) for filed in (first, second, third)] == [True, False, True]
    assert "objection_hiding" in {table.__tablename__ for table in BASE_TABLES}


def test_each_step_is_an_entry_without_a_word_of_anybody(world: World) -> None:
    filed = world.file()
    before = world.revision
    world.object_to(address(filed), **WORDS)
    world.beat()
    world.decide(queue(world)[0]["id"], "upheld", "anonymous")
    entries = [json.loads(body) for (body,) in world.rows("SELECT body FROM entry ORDER BY revision")][before:]
    assert [{*entry} - {"v", "recorded_at", "kind", "record"} for entry in entries] == [
        {"objection"}, {"publish", "_sd"}, {"objection", "to"}
    ]  # fmt: skip
    assert [(entry["kind"], entry.get("objection"), entry.get("to")) for entry in entries] == [
        ("consent", "received", None), ("consent", None, None), ("consent", "upheld", "anonymous")
    ]  # fmt: skip
    assert world.get(address(filed)).json()["publish"] == "anonymous"


def test_the_words_stand_before_curators_and_nowhere_else(world: World, caplog: pytest.LogCaptureFixture) -> None:
    filed = world.file()
    with caplog.at_level(logging.DEBUG):
        world.object_to(address(filed), **WORDS)
        world.beat()
    (waiting,) = queue(world)
    assert waiting["objections"][0]["words"] == WORDS["words"]
    assert waiting["objections"][0]["contact"] == WORDS["contact"]
    for path, operations in world.app.openapi()["paths"].items():
        path = path.replace("{extension}", "csv")
        if "get" in operations and "{" not in path:
            for who in (None, "foro", "ministry", "reader", "admin"):
                assert MARK not in world.get(path, who).text, (path, who)
    assert not [body for (body,) in world.rows("SELECT body FROM entry") if MARK in body]
    assert not [text for (text,) in world.rows("SELECT disclosures FROM sealed") if MARK in text]
    ours = [r for r in caplog.records if not r.name.startswith(("httpx2", "httpcore2", "sqlalchemy"))]
    assert MARK not in "\n".join(logging.Formatter().format(record) for record in ours)


def test_a_server_writes_nothing_of_an_objection_into_its_log(world: World, caplog: pytest.LogCaptureFixture) -> None:
    with (
        caplog.at_level(logging.DEBUG),
        serving(world.settings, log_level="trace") as server,
        httpx2.Client(base_url=server) as client,
    ):
        sent = len(caplog.records)
        body = {"about": f"/v1/detainees/{uuid.uuid4()}", "wish": "hide", **WORDS}
        assert client.post("/v1/objections", json=body).status_code == 202
        assert client.post("/v1/objections", json={**body, "wish": MARK}).status_code == 422
    ours = [record for record in caplog.records[sent:] if not record.name.startswith(("httpx2", "httpcore2"))]
    assert MARK not in "\n".join(logging.Formatter().format(record) for record in ours)


def test_no_address_of_a_client_is_stored_and_nothing_of_it_beyond_the_decision(world: World) -> None:
    world.object_to(address(world.file()), host="198.51.100.7")
    for _when in ("received", "hiding"):
        assert "198.51" not in str(world.rows("SELECT * FROM objection"))
        world.beat()
    world.decide(queue(world)[0]["id"], "dismissed")
    assert world.rows("SELECT network FROM objection") == [(None,)]


# --- curators --------------------------------------------------------------------------------------------------------


def test_two_different_keys_decide(world: World) -> None:
    filed = world.file()
    world.object_to(address(filed))
    world.beat()
    path, body = f"/v1/objections/{queue(world)[0]['id']}/decision", {"decision": "dismissed", "reason": "a stranger"}
    for _again in range(2):
        assert world.post(path, body, "curator").json()["waiting"] is True
    assert not shown(world, filed)
    (proposal,) = world.get("/v1/proposals", "curator").json()["data"]
    assert (proposal["kind"], proposal["decision"], proposal["mine"]) == ("objection", "dismissed", True)
    world.decide(queue(world)[0]["id"], "dismissed")
    assert shown(world, filed)
    assert world.get("/v1/proposals", "curator").json()["data"] == []
    assert queue(world) == []
    world.refuse(world.post(path, body, "curator"), 404, "not_found")


@pytest.mark.parametrize("to", [None, "counted"])
def test_a_decision_about_somebody_hidden_anyway_tells_the_log_of_no_objection(world: World, to: str | None) -> None:
    """The log is public: whoever objected on a guess must not read there that the guess was right."""
    filed = world.file(detainee__publish="counted")
    world.object_to(address(filed))
    world.beat()
    before = world.revision
    world.decide(queue(world)[0]["id"], "upheld" if to else "dismissed", to)
    assert queue(world) == []
    assert world.revision == before + (to is not None), "a consent, where one was decided"
    assert [body for (body,) in world.rows("SELECT body FROM entry") if "objection" in body] == []
    world.consent(filed["detainee"]["id"], "named")
    world.object_to(address(filed))
    world.beat()
    assert not shown(world, filed), "a new objection hides who is shown since"


def test_one_curators_consent_does_not_answer_an_objection(world: World) -> None:
    filed = world.file()
    world.object_to(address(filed))
    world.beat()
    world.consent(filed["detainee"]["id"], "named")
    assert not shown(world, filed)


@pytest.mark.parametrize("to", ["counted", "anonymous"])
def test_an_objection_that_is_upheld_becomes_a_consent(world: World, to: str) -> None:
    filed = world.file()
    world.object_to(address(filed))
    world.beat()
    world.decide(queue(world)[0]["id"], "upheld", to)
    assert shown(world, filed) == (to == "anonymous")
    assert world.rows("SELECT publish FROM consent") == [(to,)]
    assert queue(world) == []


@pytest.mark.parametrize("hide", [True, False])
def test_who_waits_for_a_correction_is_hidden_until_curators_decide_again(world: World, hide: bool) -> None:
    filed = world.file()
    world.object_to(address(filed), wish="correct" if hide else "not_missing")
    world.beat()
    assert shown(world, filed) != hide
    (waiting,) = queue(world)
    world.decide(waiting["id"], "upheld", "correction")
    assert not shown(world, filed)
    assert [row["state"] for row in queue(world)] == ["upheld"]
    world.decide(waiting["id"], "dismissed")
    assert shown(world, filed)


def test_an_erasure_takes_the_objections_with_it(world: World) -> None:
    filed = world.file()
    for host in ("198.51.100.7", "203.0.113.7"):
        world.object_to(address(filed), host=host, **WORDS)
    world.beat()
    world.decide(queue(world)[0]["id"], "upheld", "erasure")
    world.redact(filed["detainee"]["id"])
    assert world.rows("SELECT id FROM objection") == []
    world.object_to(address(filed), **WORDS)
    world.beat()
    assert world.rows("SELECT id FROM objection") == []


def test_an_objection_opens_nobody(world: World) -> None:
    """Somebody who asked to be counted alone is not shown without a name by an objection, nor a possible child."""
    for filed in (
        world.file(detainee__publish="counted"),
        person(world, 1, detainee__birth_date="2008-05-05"),
    ):
        world.object_to(address(filed))
        world.beat()
        path = f"/v1/objections/{queue(world)[-1]['id']}/decision"
        body = {"decision": "upheld", "to": "anonymous", "reason": "asked for"}
        world.refuse(world.post(path, body, "curator"), 422, "would_open", "/to")


def test_an_objection_opens_nobody_whom_a_birth_hides_that_a_state_alone_gives(world: World) -> None:
    filed = world.file(detainee__birth_date=None)
    world.file("ministry", detainee={"birth_date": "2010"}, detainee_id=filed["detainee"]["id"], source_record_id="1")
    world.object_to(address(filed))
    world.beat()
    path = f"/v1/objections/{queue(world)[-1]['id']}/decision"
    body = {"decision": "upheld", "to": "anonymous", "reason": "asked for"}
    world.refuse(world.post(path, body, "curator"), 422, "would_open", "/to")


def test_an_objection_takes_the_name_of_a_child_whom_a_guardians_consent_named(world: World) -> None:
    filed = world.file(detainee__birth_date="2010")
    world.consent(filed["detainee"]["id"], "named", "guardian")
    world.object_to(address(filed))
    world.beat()
    world.decide(queue(world)[-1]["id"], "upheld", "anonymous")
    (shown,) = world.get("/v1/detainees").json()["data"]
    assert (shown["publish"], shown["name"]) == ("anonymous", None)


@pytest.mark.parametrize("body", [{"decision": "upheld"}, {"decision": "dismissed", "to": "counted"}])
def test_an_upheld_objection_leads_to_something_and_a_dismissed_one_to_nothing(world: World, body: Body) -> None:
    world.object_to(address(world.file()))
    world.beat()
    path = f"/v1/objections/{queue(world)[0]['id']}/decision"
    world.refuse(world.post(path, body | {"reason": "why"}, "curator"), 422, "to_something")


def test_not_missing_hides_nobody_and_reaches_the_curators(world: World) -> None:
    filed = world.file_detention(detention__legal_status="enforced_disappearance")
    world.object_to(address(filed), wish="not_missing", **WORDS)
    world.beat()
    assert shown(world, filed)
    (waiting,) = queue(world)
    assert (waiting["state"], waiting["objections"][0]["wish"]) == ("open", "not_missing")


def test_words_are_deleted_some_time_after_the_decision(world: World) -> None:
    world.object_to(address(world.file()), **WORDS)
    world.beat()
    world.decide(queue(world)[0]["id"], "dismissed")
    world.now += TEXT_RETENTION - timedelta(hours=1)
    world.beat()
    assert world.rows("SELECT count(*) FROM objection WHERE words IS NOT NULL") == [(1,)]
    world.now += timedelta(hours=2)
    world.beat()
    assert world.rows("SELECT words FROM objection") == []


def test_words_and_contact_lie_sealed_and_open_in_their_own_place_alone(world: World) -> None:
    first, second = world.file(), person(world, 1)
    for filed in (first, second):
        world.object_to(address(filed), **WORDS)
    world.beat()
    for row in world.rows("SELECT words, contact FROM objection"):
        assert not any(MARK.encode() in bytes(sealed) for sealed in row)
    read = [one for row in queue(world) for one in row["objections"]]
    assert [{name: one[name] for name in WORDS} for one in read] == [WORDS, WORDS]
    with open_write_session(world.engine) as session:  # as somebody might who has the database
        session.execute(text("UPDATE objection SET words = contact"))
    read = [one for row in queue(world) for one in row["objections"]]
    assert [(one["words"], one["contact"]) for one in read] == [(None, WORDS["contact"])] * 2


def test_what_nobody_took_up_is_deleted_some_time_later(world: World) -> None:
    world.object_to(address(world.file(detainee__publish="counted")), **WORDS)
    world.beat()
    world.now += UNANSWERED_RETENTION + timedelta(hours=1)
    world.beat()
    assert world.rows("SELECT words FROM objection") == []


def test_whoever_runs_the_registry_learns_how_many_are_hidden_and_others_learn_no_guess(world: World) -> None:
    world.object_to(address(world.file(detainee__publish="counted")))
    world.object_to(address(person(world, 1)))
    world.beat()
    with open_read_session(world.engine) as session:
        assert objections.count_objections(session) == {"hidden_on_objections": 1, "objections_waiting": 1}
    assert "warnings" not in world.get("/readyz").json(), "who was just hidden, was so on an objection"
    world.now += OBJECTION_WARNING_DELAY
    assert world.get("/readyz").json()["warnings"] == ["objections_unanswered"]


def test_the_first_decision_of_two_is_seen_and_can_be_withdrawn(world: World) -> None:
    world.object_to(address(world.file()))
    world.beat()
    body = {"decision": "dismissed", "reason": "an invented one"}
    assert world.post(f"/v1/objections/{queue(world)[0]['id']}/decision", body, "curator").status_code == 202
    (proposal,) = world.get("/v1/proposals", "curator").json()["data"]
    assert proposal["kind"] == "objection"
    path = f"/v1/proposals/{proposal['id']}"
    assert world.client.delete(path, headers=world.headers("curator")).status_code == 200
    assert world.get("/v1/proposals", "curator").json()["data"] == []


def test_nobody_is_shown_again_against_the_last_word_of_the_first_curator(world: World) -> None:
    filed = world.file()
    world.object_to(address(filed))
    world.beat()
    path = f"/v1/objections/{queue(world)[0]['id']}/decision"
    dismissed = {"decision": "dismissed", "reason": "an invented one"}
    opened = {"decision": "upheld", "to": "anonymous", "reason": "her sister called"}
    for body in (dismissed, opened):
        assert world.post(path, body, "curator").status_code == 202
    (proposal,) = world.get("/v1/proposals", "curator").json()["data"]
    assert (proposal["decision"], proposal["body"]["reason"]) == ("anonymous", "her sister called")
    world.add_second_curator()
    assert world.post(path, dismissed, "second curator").status_code == 202
    assert not shown(world, filed)
    assert world.post(path, opened, "second curator").status_code == 200
    assert world.get("/v1/proposals", "curator").json()["data"] == []


def test_a_decision_answers_no_objection_that_it_does_not_name(world: World) -> None:
    filed = world.file()
    world.object_to(address(filed), words="It is me.")
    world.beat()
    (first,) = queue(world)
    path, dismissed = f"/v1/objections/{first['id']}/decision", {"decision": "dismissed", "reason": "an invented one"}
    assert world.post(path, dismissed, "curator").status_code == 202
    world.object_to(address(filed), host="203.0.113.9", words="I am her sister, and it is her.")
    world.beat()
    with open_write_session(world.engine) as session:
        world.keys["second curator"] = world._key(session, Role.CURATOR, None, "Luis Ortega")
    (row,) = queue(world)
    (other,) = (one["id"] for one in row["objections"] if one["id"] != first["id"])
    refused = world.refuse(world.post(path, dismissed, "second curator"), 409, "objection_arrived")
    assert refused["objections"] == [other]
    named = dismissed | {"objections": [other]}
    assert world.post(path, named, "second curator").status_code == 202, "the first curator has not read it"
    assert not shown(world, filed)
    assert world.post(path, named, "curator").status_code == 200
    assert shown(world, filed)


def test_whoever_upholds_an_objection_needs_no_second_and_ends_what_waited(world: World) -> None:
    filed = world.file()
    world.object_to(address(filed))
    world.beat()
    path = f"/v1/objections/{queue(world)[0]['id']}/decision"
    assert world.post(path, {"decision": "dismissed", "reason": "asked back"}, "curator").status_code == 202
    body = {"decision": "upheld", "to": "correction", "reason": "her sister called"}
    assert world.post(path, body, "curator").status_code == 200
    assert world.get("/v1/proposals", "curator").json()["data"] == []
    assert not shown(world, filed)


def test_a_first_decision_does_not_outlive_its_objection(world: World) -> None:
    filed = world.file(detainee__full_name="Otra Persona Inventada", detainee__birth_date="1961")
    world.object_to(address(filed), wish="not_missing")
    world.beat()
    (waiting,) = queue(world)
    body = {"decision": "dismissed", "reason": "an invented one"}
    assert world.post(f"/v1/objections/{waiting['id']}/decision", body, "curator").status_code == 202
    world.now += UNANSWERED_RETENTION + timedelta(hours=1)
    world.beat()
    assert queue(world) == []
    world.now += timedelta(days=1)
    world.carry_out_due()
    assert world.rows("SELECT kind FROM proposal") == []
    assert world.rows("SELECT kind FROM entry WHERE kind = 'consent'") == []


def test_what_a_source_reports_of_somebody_whom_an_objection_hides_says_days_as_before(world: World) -> None:
    filed = world.file("foro", detainee__publish="named")
    world.object_to(address(filed))
    world.beat()
    again = {"detainee_id": filed["detainee"]["id"], "detention__detained_on": "2026-02-11", "release": None}
    body = make_report(**again, detainee=None, source_record_id="again")
    answer = world.post("/v1/detentions", body, "foro")
    assert answer.status_code == 201, answer.text
    (entry,) = world.rows("SELECT body FROM entry WHERE kind = 'report' ORDER BY revision DESC LIMIT 1")
    assert '"detention.detained_on":"2026-02-11"' in entry[0]


# --- limits ----------------------------------------------------------------------------------------------------------


def test_objections_to_one_person_share_one_place(world: World) -> None:
    filed = world.file()
    before = world.revision
    for number in range(7):
        world.object_to(address(filed), host=f"198.51.{number}.7", words=f"voice {number}")
        world.now += timedelta(seconds=1)
    world.beat()
    assert world.revision == before + 1
    (waiting,) = queue(world)
    assert (waiting["state"], len(waiting["objections"])) == ("hiding", 7)


def test_a_dismissed_objection_hides_nobody_again_for_a_month_whoever_sends_it(world: World) -> None:
    filed = world.file()
    world.object_to(address(filed))
    world.beat()
    world.decide(queue(world)[0]["id"], "dismissed")
    decided_at = world.now
    for day in (0, 1, QUIET_PERIOD.days - 1):
        world.now = decided_at + timedelta(days=day)
        world.object_to(address(filed), host=f"203.0.{day}.7")
        world.beat()
        assert shown(world, filed)
    world.now = decided_at + QUIET_PERIOD
    world.beat()
    assert shown(world, filed), "what was sent meanwhile does not hide later by itself"
    world.object_to(address(filed))
    world.beat()
    assert not shown(world, filed)


def test_an_objection_is_new_once_a_consent_changed_what_is_shown(world: World) -> None:
    filed = world.file(detainee__publish="anonymous")
    world.object_to(address(filed))
    world.beat()
    world.decide(queue(world)[0]["id"], "dismissed")
    world.now += timedelta(hours=1)
    world.consent(filed["detainee"]["id"], "named")
    world.object_to(address(filed))
    world.beat()
    assert not shown(world, filed)


@pytest.mark.campaign
def test_ten_thousand_hostile_objections_move_no_count_and_delay_no_real_one(world: World) -> None:
    """From many networks, before and after the real one: it is hidden at the next beat."""
    people = [person(world, number) for number in range(60)]
    real = person(world, 99)
    before, pinned = world.count(group_by="source"), world.revision
    hosts = [f"10.{number}.0.1" for number in range(9)]
    # On PostgreSQL, where each statement is a round trip, a tenth of them.
    many = 5_000 if world.engine.dialect.name == "sqlite" else 500

    def attack(times: int) -> None:
        with open_write_session(world.engine) as session:
            for number in range(times):
                about = address(people[number % len(people)])
                sent = ObjectionIn(about=about, wish="hide", words="hostile")
                network = world.app.state.networks.name_network(hosts[number % len(hosts)], world.now)
                store_objection(session, world.app.state.secret, sent, network, world.now)

    attack(many)
    world.beat()
    world.now += timedelta(minutes=1)
    world.object_to(address(real), host="203.0.113.5", **WORDS)
    attack(many)
    world.now += timedelta(minutes=1)
    world.beat()
    assert not shown(world, real)
    for _beat in range(6):
        world.now += timedelta(minutes=1)
        attack(many // 10)
        world.beat()
    assert len([filed for filed in people if not shown(world, filed)]) <= len(hosts) * MAX_HIDDEN_PER_NETWORK
    assert world.count()["total"] == before["total"]
    assert {**world.count(group_by="source", as_of=pinned), "not_visible": None} == {**before, "not_visible": None}


def test_one_network_hides_few_people_however_many_it_names(world: World) -> None:
    people = [person(world, number) for number in range(MAX_HIDDEN_PER_NETWORK + 3)]
    for filed in people:
        world.object_to(address(filed))
        world.now += timedelta(seconds=1)
    for _beat in range(3):
        world.beat()
    assert [shown(world, filed) for filed in people] == [False] * MAX_HIDDEN_PER_NETWORK + [True] * 3
    decided = queue(world)[0]
    world.decide(decided["id"], "upheld", "counted")
    world.beat()
    assert [shown(world, filed) for filed in people].count(False) == MAX_HIDDEN_PER_NETWORK + 1, "an answer frees it"


def test_networks_take_turns_whatever_one_of_them_sends(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a beat that looks at three objections, and of a queue that keeps four."""
    monkeypatch.setattr(objections, "OBJECTION_PLACEMENT_BATCH", 3)
    monkeypatch.setattr(objections, "MAX_QUEUED_OBJECTIONS", 4)
    for number in range(8):
        world.object_to(address(person(world, number)), host="198.51.100.7")
        world.now += timedelta(seconds=1)
    real = person(world, 99)
    world.object_to(address(real), host="203.0.113.7")
    world.beat()
    assert not shown(world, real)
    assert world.rows("SELECT count(*) FROM objection") == [(4,)]
    assert shown(world, person(world, 7))


def test_whoever_comes_through_tor_hides_fifty(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seven here."""
    monkeypatch.setattr("app.registry.publication.objection_queue.MAX_HIDDEN_THROUGH_TOR", 7)
    people = [person(world, number) for number in range(9)]
    for filed in people:
        world.object_to(address(filed), host="127.0.0.1")
        world.now += timedelta(seconds=1)
    world.beat()
    assert [shown(world, filed) for filed in people] == [False] * 7 + [True] * 2


def together(world: World, first: Body, second: Body) -> str:
    """Judge two to be one person; the decision."""
    return str(world.judge(first["detainee"]["id"], second["detainee"]["id"], "same")["id"])


def undo(world: World, decision: str) -> None:
    answer = world.client.delete(f"/v1/identity/{decision}", headers=world.headers("curator"))
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("host", ["203.0.113.7", "198.51.100.7"], ids=["other networks", "one family"])
def test_undoing_a_merge_shows_nobody_whose_objection_joined_anothers(world: World, host: str) -> None:
    first, second = world.file(), person(world, 1)
    world.object_to(address(first))
    world.beat()
    decision = together(world, first, second)
    world.object_to(address(second), host=host)
    world.beat()
    before = world.revision
    undo(world, decision)
    assert world.revision == before + 2, "in the same write"
    assert not shown(world, first)
    assert not shown(world, second)
    world.consent(second["detainee"]["id"], "named")
    assert not shown(world, second), "one curator's consent does not answer it"
    with open_read_session(world.engine) as session:
        assert objections.count_objections(session) == {"hidden_on_objections": 2, "objections_waiting": 0}
    (waiting,) = [row for row in queue(world) if row["detainee"]["id"] == second["detainee"]["id"]]
    world.decide(waiting["id"], "dismissed")
    assert shown(world, second)
    assert not shown(world, first)
    with open_write_session(world.engine) as session:
        stored = [rows(session, table) for table in TABLES]
        rebuild_tables(session)
        assert [rows(session, table) for table in TABLES] == stored


def test_parting_two_by_a_judgement_shows_nobody_either(world: World) -> None:
    first = world.file()
    world.file("jep", detainee_id=first["detainee"]["id"], detainee__full_name=None)
    own = [str(uuid.UUID(str(one))) for (one,) in world.rows("SELECT detainee_id FROM record ORDER BY key")]
    world.object_to(address(first))
    world.object_to(f"/v1/detainees/{own[1]}", host="203.0.113.7")
    world.beat()
    world.judge(own[0], own[1], "different")
    assert len(world.get("/v1/detainees", "curator").json()["data"]) == 2
    assert world.get("/v1/detainees").json()["data"] == []


def test_whoever_two_curators_hid_until_a_correction_stays_so_when_a_merge_is_undone(world: World) -> None:
    first, second = world.file(), person(world, 1)
    decision = together(world, first, second)
    world.object_to(address(first), wish="correct")
    world.object_to(address(second), host="203.0.113.7", wish="correct")
    world.beat()
    world.decide(queue(world)[0]["id"], "upheld", "correction")
    undo(world, decision)
    assert not shown(world, first)
    assert not shown(world, second)


def test_undoing_a_merge_shows_again_whom_no_objection_concerns_or_curators_answered_for(world: World) -> None:
    first, second = world.file(), person(world, 1)
    world.object_to(address(second), host="203.0.113.7")
    world.beat()
    world.decide(queue(world)[0]["id"], "dismissed")
    world.now += QUIET_PERIOD / 2
    world.object_to(address(second), host="203.0.113.7")  # reaches curators, and hides nobody in the quiet time
    world.object_to(address(first))
    world.beat()
    decision = together(world, first, second)
    assert not shown(world, second)
    undo(world, decision)
    assert not shown(world, first)
    assert shown(world, second)


def test_a_person_judged_the_same_as_a_hidden_one_is_hidden_too(world: World) -> None:
    first, second = world.file(), person(world, 1)
    world.object_to(address(first))
    world.beat()
    decision = world.judge(first["detainee"]["id"], second["detainee"]["id"], "same")
    assert not shown(world, second)
    world.client.delete(f"/v1/identity/{decision['id']}", headers=world.headers("curator"))
    assert not shown(world, first)
    assert shown(world, second)


# --- the beat --------------------------------------------------------------------------------------------------------


def until(holds: Callable[[], bool]) -> bool:
    """Whether something comes to hold."""
    end = monotonic() + PATIENCE
    while not holds():
        if monotonic() > end:
            return False
        sleep(0.02)
    return True


def test_a_server_settles_objections_by_itself(resting: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.jobs.OBJECTIONS_INTERVAL_SECONDS", 0.05)
    with resting as world:
        filed = world.file()
        world.object_to(address(filed))
        assert until(lambda: not shown(world, filed))


def test_a_beat_that_fails_says_no_word_and_the_next_goes_on(
    resting: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_args: object) -> None:
        raise RuntimeError(MARK)

    monkeypatch.setattr("app.jobs.OBJECTIONS_INTERVAL_SECONDS", 0.05)
    with resting as world:
        filed = world.file()
        with monkeypatch.context() as patched:
            patched.setattr(objections, "settle_objections", fails)
            world.object_to(address(filed))
            assert until(lambda: "unforeseen RuntimeError in settling objections" in caplog.text)
        assert until(lambda: not shown(world, filed))
    assert MARK not in caplog.text


def test_more_objections_at_once_than_can_wait_are_told_to_come_again(world: World) -> None:
    body = {"about": "whoever", "wish": "hide"}
    former = world.app.state.limits
    world.app.state.limits = replace(former, arrivals=Lane(0, 0))
    with world.storing_nothing():
        answer = world.post("/v1/objections", body, None)
        world.refuse(answer, 429, "busy")
    assert answer.headers["retry-after"] == "10"
    world.app.state.limits = former
    world.object_to("whoever")
    assert former.arrivals.free_places == 1
