"""What a curator decides at the desk: two people side by side, a decision, a second curator, and undoing it."""

import re

import pytest

from app.db.engine import open_write_session
from app.registry.curation import proposals
from app.vocabulary import Role
from tests.support import World, openings_wait
from tests.web.desk.officer import Officer

REVIEW, DECISION = "/desk/review", "/desk/review/decision"
UNDO, WITHDRAWAL = "/desk/review/undo", "/desk/review/withdrawal"
CONFIRMATION = "/desk/review/confirmation"
AGREEMENT = "/desk/review/agreement"
SECOND = "second curator"


@pytest.fixture
def curator(world: World) -> Officer:
    """A curator for whom two namesakes wait, of whom one was arrested on another day."""
    world.file("foro")
    world.file("foro", detention__facility="Ramo Verde")
    curator = Officer(world)
    curator.sign_in("curator")
    curator.open(REVIEW)
    return curator


def people(world: World) -> int:
    return len(world.get("/v1/detainees").json()["data"])


def test_two_people_stand_side_by_side(curator: Officer) -> None:
    page = curator.open(REVIEW).text
    assert page.count("Tomás Aurelio Quintana Ribas") >= 4
    row = re.findall(r"<tr class=\"differs\">.*?</tr>", page, re.DOTALL)
    assert len(row) == 1
    assert "El Rodeo I" in row[0]
    assert "Ramo Verde" in row[0]
    assert "Release with measures" in page, "codes are told by what they are called"
    assert "Venezuela" in page


def test_a_decision_joins_them_and_undoing_it_parts_them(curator: Officer) -> None:
    told = curator.fill(DECISION, {"judgement": "same", "reason": "The same mother."})
    assert told.status_code == 200
    assert people(curator.world) == 1
    assert curator.fill(UNDO, {}).status_code == 200
    assert people(curator.world) == 2


def test_a_denied_detail_is_named_with_its_source(curator: Officer) -> None:
    release = curator.world.file("foro", detainee__full_name="Lidia Campos Urrutia")["release"]["id"]
    curator.world.verify(release, "jep", verdict="disputed", method="family", denies="identity")
    page = curator.open(REVIEW).text
    assert "Lidia Campos Urrutia" in page
    assert re.search(r"The identity: <bdi>Jep</bdi>", page)


def test_a_figure_that_another_source_filed_is_confirmed(curator: Officer) -> None:
    figure = {"claimant": "ministry", "measure": "released", "qualifier": "more_than", "said": 400, "country": "VE",
              "citation": {"url": "https://diario.example/cuatrocientos"}}  # fmt: skip
    figure |= {"source_record_id": "F-1"}
    claim = curator.world.post("/v1/claims", {**figure, "said": 300}, "foro").json()["id"]
    curator.open(REVIEW)
    curator.world.post("/v1/claims", figure, "foro")
    assert curator.fill(CONFIRMATION, {}).status_code == 409, "the figure was changed since it was read"
    page = curator.open(REVIEW).text.replace("\N{NO-BREAK SPACE}", " ")
    assert "as filed by Foro, citing diario.example" in page
    assert "more than 400" in page
    assert "The figure is confirmed" in curator.fill(CONFIRMATION, {}).text
    assert curator.world.get(f"/v1/claims/{claim}").json()["confirmed"]
    assert "diario.example" not in curator.open(REVIEW).text


def test_a_button_that_is_pressed_twice_decides_once(curator: Officer) -> None:
    form = curator.filled(DECISION) | {"judgement": "different", "reason": "Two mothers."}
    assert curator.post(DECISION, form).status_code == 200
    revision = curator.world.revision
    assert curator.post(DECISION, form).status_code == 200
    assert curator.world.revision == revision
    assert "Nothing waits for a curator." in curator.open(REVIEW).text


def test_who_cannot_tell_says_why_for_the_next_one(curator: Officer) -> None:
    curator.fill(DECISION, {"judgement": "unsure", "reason": "<b>Ask</b> the lawyer."})
    page = curator.open(REVIEW).text
    assert "&lt;b&gt;Ask&lt;/b&gt; the lawyer." in page
    assert "a curator could not tell" in page


def test_a_decision_that_is_refused_comes_back_with_its_reason(curator: Officer) -> None:
    told = curator.fill(DECISION, {"judgement": "same", "reason": " "})
    assert told.status_code == 422
    assert "This is not decided yet" in told.text
    assert "<title>Error: Decide" in told.text
    assert 'href="#reason"' in told.text
    assert 'id="reason" name="reason"' in told.text
    assert curator.filled(DECISION)["judgement"] == ["same"]


@pytest.fixture
def beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proposals, "MAX_PEOPLE_A_DAY", 0)


@pytest.mark.usefixtures("beyond_the_limit")
def test_what_is_beyond_a_curators_limit_waits_for_the_second_who_agrees(curator: Officer) -> None:
    world = curator.world
    with open_write_session(world.engine) as session:
        world.keys[SECOND] = world._key(session, Role.CURATOR, None, "Bruno Salas")
    told = curator.fill(DECISION, {"judgement": "same", "reason": "The same mother."})
    assert "Your decision waits for a second curator" in told.text
    assert people(world) == 2
    assert AGREEMENT not in curator.open(REVIEW).text, "nobody agrees with themselves"
    curator.sign_in(SECOND)
    page = curator.open(REVIEW).text
    assert "The same mother." in page
    assert page.index(f'action="/en{AGREEMENT}"') < page.index('id="waiting-1"'), "what waits stands first"
    assert "You agreed, and it took effect" in curator.fill(AGREEMENT, {}).text
    assert people(world) == 1


@pytest.mark.usefixtures("beyond_the_limit")
def test_a_decision_that_waits_is_stopped(curator: Officer) -> None:
    curator.fill(DECISION, {"judgement": "same", "reason": "The same mother."})
    curator.open(REVIEW)
    assert curator.fill(WITHDRAWAL, {}).status_code == 200
    assert curator.world.get("/v1/proposals", "curator").json()["data"] == []


def test_people_who_would_be_shown_stand_at_the_head_of_the_review_and_are_stopped_there(curator: Officer) -> None:
    world = curator.world
    with openings_wait():
        filed = world.file("pud", detainee__full_name="Omar Leal", detainee__publish="counted")
        world.consent(filed["detainee"]["id"], "named")
    page = curator.open(REVIEW).text
    assert "One person would be shown more than today." in page
    assert "It takes effect at" in page
    assert "It is stopped" in curator.fill(WITHDRAWAL, {}).text
    assert world.get(f"/v1/detainees/{filed['detainee']['id']}").status_code == 404


def test_a_reporter_reviews_nothing(world: World) -> None:
    officer = Officer(world)
    officer.sign_in("foro")
    assert officer.open(REVIEW).status_code == 403
    assert REVIEW not in officer.open().text


@pytest.mark.parametrize("path", [AGREEMENT, DECISION, UNDO, WITHDRAWAL])
def test_no_other_site_decides(curator: Officer, path: str) -> None:
    form = curator.filled(DECISION) | {"judgement": "same", "reason": "x", "decision": "0" * 32}
    before = curator.world.revision
    assert curator.post(path, form, headers={"origin": "https://elsewhere.example"}).status_code == 403
    assert curator.post(path, form | {"token": ""}).status_code == 403
    assert curator.world.revision == before


@pytest.mark.parametrize("path", [AGREEMENT, UNDO, WITHDRAWAL])
@pytest.mark.parametrize("decision", ["", "../sources", "00000000-0000-0000-0000-000000000000"])
def test_what_nobody_decided_is_not_undone(curator: Officer, path: str, decision: str) -> None:
    form = curator.filled(DECISION) | {"decision": decision}
    assert curator.post(path, form).status_code == 404
