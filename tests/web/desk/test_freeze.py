"""The button for an attack: a curator freezes the registry for a day, an administrator until it is ended."""

import pytest

from app.db.engine import open_write_session
from app.registry import api_keys
from app.vocabulary import Role
from app.web.desk.sessions import FREEZE_SCOPES
from tests.support import World, make_report
from tests.web.desk.officer import Officer
from tests.web.desk.test_reports import ANA

FROZEN, BUTTON = "This registry is frozen", "/desk/freeze"


@pytest.fixture
def administrator(world: World) -> Officer:
    """An administrator whose key may do nothing but freeze."""
    with open_write_session(world.engine) as session:
        key = api_keys.create_key(session, Role.ADMIN, None, 30, world.now, "Rita Sosa", sorted(FREEZE_SCOPES))
    world.keys["freezing"] = key
    officer = Officer(world)
    assert officer.sign_in("freezing").status_code == 303
    return officer


def test_a_curator_freezes_the_registry_for_a_day_and_every_page_of_the_desk_says_it(world: World) -> None:
    curator = Officer(world)
    curator.sign_in("curator")
    curator.open()
    assert curator.fill(BUTTON, {}).status_code == 303
    page = curator.open("/desk/review").text
    assert FROZEN in page
    assert "That ends on" in page
    assert "/desk/freeze" not in curator.open().text, "a curator cannot end it"
    world.refuse(world.post("/v1/releases", make_report(), "foro"), 503, "frozen")
    curator.language = "es"
    assert "Este registro está congelado" in curator.open().text


def test_an_administrator_keeps_it_frozen_and_ends_it(world: World, administrator: Officer) -> None:
    world.post("/v1/freeze", None, "curator")
    assert "when an administrator ends it" in administrator.open().text
    administrator.fill(BUTTON, {})
    assert "That ends when an administrator ends it." in administrator.open().text
    assert administrator.fill("/desk/freeze/end", {}).status_code == 303
    assert FROZEN not in administrator.open().text
    world.file()


def test_an_administrators_key_that_may_do_more_begins_no_session(world: World) -> None:
    officer = Officer(world)
    refused = officer.sign_in("admin")
    assert refused.status_code == 403
    assert "must be limited to the freeze" in refused.text


def test_a_report_sent_from_the_desk_during_a_freeze_is_told_why_it_is_not_stored(world: World) -> None:
    reporter = Officer(world)
    reporter.sign_in()
    world.post("/v1/freeze", None, "admin")
    page = reporter.open("/desk/release")
    assert FROZEN in page.text
    answer = reporter.fill("/desk/release", ANA)
    assert answer.status_code == 503
    assert "It stays so until an administrator ends it" in answer.text
    assert ANA["detainee.full_name"] in answer.text, "the form is kept"
