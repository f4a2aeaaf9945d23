"""Objections at the desk: curators read what was written to them, and two decide, each for themselves."""

from datetime import timedelta

import pytest

from app.db.engine import open_write_session
from app.registry import api_keys
from app.vocabulary import Role
from app.web.desk.sessions import IDLE_TIMEOUT
from tests.support import Body, World
from tests.web.desk.officer import Officer

OBJECTIONS, DECISION, WITHDRAWAL = "/desk/objections", "/desk/objections/decision", "/desk/review/withdrawal"
SECOND = "second curator"
WORDS = "This is me. <b>My family</b> is visited because of it."


@pytest.fixture
def objected(world: World) -> Body:
    """Somebody who was shown with her name, and objected."""
    filed = world.file("foro", detainee__publish="named", detainee__full_name="Zoraida Montilla Paz")
    world.object_to(f"/v1/detainees/{filed['detainee']['id']}", words=WORDS, contact="zoraida@mail.example")
    world.beat()
    with open_write_session(world.engine) as session:
        world.keys[SECOND] = world._key(session, Role.CURATOR, None, "Bruno Salas")
    return filed


@pytest.fixture
def curator(world: World, objected: Body) -> Officer:
    curator = Officer(world)
    curator.sign_in("curator")
    curator.open(OBJECTIONS)
    return curator


def is_shown(world: World, filed: Body) -> bool:
    return world.get(f"/v1/detainees/{filed['detainee']['id']}").status_code == 200


def waiting(world: World) -> int:
    return len(world.get("/v1/objections", "curator").json()["data"])


def test_a_curator_finds_them_on_the_desk_and_reads_what_was_written(curator: Officer) -> None:
    home = curator.open().text
    assert f'href="/en{OBJECTIONS}"' in home
    assert "Somebody objects to what is shown of one person" in home
    page = curator.open(OBJECTIONS).text
    assert "Zoraida Montilla Paz" in page
    assert "This is me. &lt;b&gt;My family&lt;/b&gt; is visited because of it." in page
    assert "zoraida@mail.example" in page
    assert "Do not show this person" in page
    assert "Hidden since 1 Mar 2026" in page
    assert "Foro" in page, "whom a curator can ask"


def test_two_curators_uphold_an_objection(curator: Officer, objected: Body) -> None:
    world = curator.world
    told = curator.fill(DECISION, {"outcome": "anonymous", "reason": "She said so herself."})
    assert told.status_code == 200
    assert "Your decision waits for a second curator" in told.text
    assert waiting(world) == 1
    assert "She said so herself." in curator.open(OBJECTIONS).text, "the first is told what waits"
    curator.sign_in(SECOND)
    assert "She said so herself." in curator.open(OBJECTIONS).text, "and so is the second"
    told = curator.fill(DECISION, {"outcome": "anonymous", "reason": "I called her sister."})
    assert "Decided:" in told.text
    assert str(world.revision) in told.text
    assert waiting(world) == 0
    assert world.get(f"/v1/detainees/{objected['detainee']['id']}").json()["name"] is None
    assert "Nobody objects." in curator.open(OBJECTIONS).text


def test_two_curators_dismiss_one_and_the_person_is_shown_as_before(curator: Officer, objected: Body) -> None:
    for who in ("curator", SECOND):
        curator.sign_in(who)
        curator.open(OBJECTIONS)
        assert not is_shown(curator.world, objected)
        curator.fill(DECISION, {"outcome": "dismissed", "reason": "Another person of this name."})
    assert is_shown(curator.world, objected)


def test_who_is_to_be_erased_stays_hidden_and_waits(curator: Officer, objected: Body) -> None:
    for who in ("curator", SECOND):
        curator.sign_in(who)
        curator.open(OBJECTIONS)
        curator.fill(DECISION, {"outcome": "erasure", "reason": "She is who she says."})
    assert not is_shown(curator.world, objected)
    assert "stays hidden until the fact is corrected, or all of it erased" in curator.open(OBJECTIONS).text


def test_a_button_that_is_pressed_twice_decides_once(curator: Officer) -> None:
    form = curator.filled(DECISION) | {"outcome": "dismissed", "reason": "She said so."}
    for _press in range(2):
        told = curator.post(DECISION, form)
        assert told.status_code == 200
        assert "waits for a second curator" in told.text
    assert len(curator.world.get("/v1/proposals", "curator").json()["data"]) == 1


def test_a_decision_without_a_reason_comes_back_and_says_so(curator: Officer) -> None:
    told = curator.fill(DECISION, {"outcome": "counted", "reason": " "})
    assert told.status_code == 422
    assert "<title>Error: Objections" in told.text
    assert "leave it empty" not in told.text
    assert "This is me." in told.text, "beside what it is about"
    assert 'id="reason-fault"' in told.text
    assert curator.filled(DECISION)["outcome"] == ["counted"]
    told = curator.fill(DECISION, {"outcome": "everything", "reason": "She said so."})
    assert told.status_code == 422
    assert 'href="#outcome"' in told.text
    assert curator.fill(DECISION, {"outcome": "counted", "reason": "She said so."}).status_code == 200


def test_what_waits_is_taken_off_the_list(curator: Officer) -> None:
    curator.fill(DECISION, {"outcome": "dismissed", "reason": "She said so."})
    curator.open(OBJECTIONS)
    assert curator.fill(WITHDRAWAL, {}).status_code == 200
    assert curator.world.get("/v1/proposals", "curator").json()["data"] == []


def test_a_session_that_ends_before_a_decision_loses_nothing(curator: Officer) -> None:
    curator.world.now += IDLE_TIMEOUT + timedelta(minutes=1)
    curator.fill(DECISION, {"outcome": "dismissed", "reason": "She said so."})
    back = curator.fill("/desk/session", {"key": curator.world.keys["curator"]})
    assert back.status_code == 200
    assert curator.filled(DECISION)["reason"] == ["She said so."]
    assert curator.fill(DECISION, {}).status_code == 200
    assert len(curator.world.get("/v1/proposals", "curator").json()["data"]) == 1


def test_a_decision_that_others_made_meanwhile_is_told_and_no_word_is_lost(curator: Officer, objected: Body) -> None:
    world = curator.world
    world.now += IDLE_TIMEOUT + timedelta(minutes=1)
    curator.fill(DECISION, {"outcome": "counted", "reason": "She told me so at the market."})
    (about,) = world.get("/v1/objections", "curator").json()["data"]
    for who in ("curator", SECOND):
        decision = {"decision": "dismissed", "reason": "Another person of this name."}
        world.post(f"/v1/objections/{about['id']}/decision", decision, who)
    back = curator.fill("/desk/session", {"key": world.keys["curator"]})
    assert back.status_code == 200
    assert "no longer waits here" in back.text
    assert "She told me so at the market." in back.text
    assert "This is not decided yet" not in back.text


def test_a_decision_about_what_others_decided_while_it_was_made_loses_no_word(curator: Officer) -> None:
    world = curator.world
    (about,) = world.get("/v1/objections", "curator").json()["data"]
    for who in ("curator", SECOND):
        decision = {"decision": "dismissed", "reason": "Another person of this name."}
        world.post(f"/v1/objections/{about['id']}/decision", decision, who)
    told = curator.fill(DECISION, {"outcome": "counted", "reason": "She told me so at the market."})
    assert told.status_code == 404
    assert "no longer waits here" in told.text
    assert "She told me so at the market." in told.text


def test_a_decision_comes_back_beside_its_person_whatever_came_in_since(curator: Officer, objected: Body) -> None:
    world = curator.world
    world.now += IDLE_TIMEOUT + timedelta(minutes=1)
    curator.fill(DECISION, {"outcome": "counted", "reason": "She said so."})
    world.object_to(f"/v1/detainees/{objected['detainee']['id']}", host="203.0.113.9", words="Once more.")
    world.beat()
    curator.fill("/desk/session", {"key": world.keys["curator"]})
    assert curator.filled(DECISION)["reason"] == ["She said so."]


def test_a_decision_comes_back_with_an_objection_that_came_meanwhile(curator: Officer, objected: Body) -> None:
    form = curator.filled(DECISION) | {"outcome": "dismissed", "reason": "Another person of this name."}
    curator.world.object_to(f"/v1/detainees/{objected['detainee']['id']}", host="203.0.113.9", words="Her sister.")
    curator.world.beat()
    told = curator.post(DECISION, form)
    assert told.status_code == 409
    assert "There is another objection about this person" in told.text
    assert "Her sister." in told.text
    assert curator.fill(DECISION, {}).status_code == 200


def test_a_key_that_does_not_open_a_form_leaves_it_filled_in_for_one_that_does(curator: Officer) -> None:
    world = curator.world
    with open_write_session(world.engine) as session:
        world.keys["limited"] = api_keys.create_key(
            session, Role.CURATOR, None, 30, world.now, "Ada Mota", ["GET /v1/me"]
        )
    world.now += IDLE_TIMEOUT + timedelta(minutes=1)
    curator.fill(DECISION, {"outcome": "counted", "reason": "She said so."})
    told = curator.fill("/desk/session", {"key": world.keys["limited"]})
    assert told.status_code == 403
    assert "What this form is about is not there for this key" in told.text
    assert curator.fill("/desk/session", {"key": world.keys["curator"]}).status_code == 200
    assert curator.filled(DECISION)["reason"] == ["She said so."]


def test_a_reporter_reads_and_decides_nothing(curator: Officer) -> None:
    form = curator.filled(DECISION)
    curator.sign_in("foro")
    page = curator.open()
    assert OBJECTIONS not in page.text
    assert curator.open(OBJECTIONS).status_code == 403
    curator.open("/desk/release")
    form["token"] = curator.filled("/desk/release")["token"]
    assert curator.post(DECISION, form | {"outcome": "dismissed", "reason": "x"}).status_code == 403
    assert waiting(curator.world) == 1


def test_a_key_that_is_limited_to_less_is_told_nothing_of_objections(curator: Officer) -> None:
    world, routes = curator.world, ["GET /v1/me", "GET /v1/waiting", "GET /v1/sources"]
    with open_write_session(world.engine) as session:
        world.keys["limited"] = api_keys.create_key(session, Role.CURATOR, None, 30, world.now, "Ada Mota", routes)
    assert curator.sign_in("limited").status_code == 303
    home = curator.open()
    assert home.status_code == 200
    assert OBJECTIONS not in home.text
    assert curator.open(OBJECTIONS).status_code == 403


def test_no_other_site_decides(curator: Officer) -> None:
    form = curator.filled(DECISION) | {"outcome": "dismissed", "reason": "x"}
    assert curator.post(DECISION, form, headers={"origin": "https://elsewhere.example"}).status_code == 403
    assert curator.post(DECISION, form | {"token": ""}).status_code == 403
    assert curator.world.get("/v1/proposals", "curator").json()["data"] == []


@pytest.mark.parametrize("objection", ["", "../claims", "00000000-0000-0000-0000-000000000000"])
def test_what_nobody_objects_to_is_not_decided(curator: Officer, objection: str) -> None:
    form = curator.filled(DECISION) | {"objection": objection, "outcome": "dismissed", "reason": "x"}
    assert curator.post(DECISION, form).status_code == 404


def test_the_list_of_what_waits_for_a_second_curator_leads_to_objections(curator: Officer) -> None:
    curator.fill(DECISION, {"outcome": "dismissed", "reason": "She said so."})
    page = curator.open("/desk/review").text
    assert f'href="/en{OBJECTIONS}"' in page
