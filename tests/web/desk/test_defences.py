"""Whatever the desk has, or comes to have, is behind the same doors: no other site writes in an officer's name, frames
a page, or sends an officer elsewhere, and no cookie opens anything but the one that was given."""

import re
import uuid
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import timedelta

import pytest
from fastapi.routing import APIRoute

from app.db.engine import open_write_session
from app.registry import api_keys
from app.vocabulary import Role
from app.web.desk import DESK_ROUTERS
from app.web.desk.sessions import IDLE_TIMEOUT, MAX_COOKIE_LENGTH
from tests.support import Body, World
from tests.web.desk.officer import FROM_HERE, HERE, Officer

COOKIE = "desk"
SIGN_IN = "/desk/session"
RELEASE = "/desk/release"
OPEN = ("/desk", SIGN_IN)  # to whoever has no session


def routes(method: str) -> list[str]:
    """Every address of the desk that takes a method, with ids that name nothing."""
    listed = [route for pages in DESK_ROUTERS for route in pages.routes if isinstance(route, APIRoute)]
    return sorted(
        {re.sub(r"\{\w+\}", str(uuid.UUID(int=0)), each.path) for each in listed if method in (each.methods or ())}
    )


FORMS = [path for path in routes("POST") if path != SIGN_IN]
PAGES = [path for path in routes("GET") if path not in OPEN]


@pytest.fixture
def officer(world: World) -> Officer:
    officer = Officer(world)
    officer.sign_in()
    officer.open(RELEASE)
    return officer


def stored(world: World) -> tuple[int, Body]:
    return world.revision, world.stored()


def sent(officer: Officer, path: str, token: str, **headers: str) -> int:
    """The status of a form that is sent with the head of a session: as text, and where a file is taken in parts."""
    fields = {"token": token, "key": officer.world.keys["foro"], "sure": "yes"}
    files = {"file": ("list.csv", b"name\nAna Paz\n")} if path == "/desk/list" else None
    return officer.post(path, fields, files=files, headers=headers).status_code


def test_there_are_as_many_forms_as_are_looked_at() -> None:
    assert len(FORMS) >= 12
    assert "/desk/list/trial" in FORMS
    assert "/desk/objections/decision" in FORMS


@pytest.mark.parametrize("path", FORMS)
def test_no_form_of_the_desk_is_taken_from_elsewhere(officer: Officer, path: str) -> None:
    token = officer.filled(RELEASE)["token"][0]
    before = stored(officer.world)
    for headers in ({"origin": "https://elsewhere.example"}, {"origin": "null"}, {"sec-fetch-site": "same-site"}, {}):
        assert sent(officer, path, token, **headers) == 403
    assert stored(officer.world) == before


@pytest.mark.parametrize("path", FORMS)
def test_no_form_of_the_desk_is_taken_without_the_token_of_its_session(officer: Officer, path: str) -> None:
    before = stored(officer.world)
    other = Officer(officer.world)
    other.sign_in("jep")
    other.open(RELEASE)
    of_another = other.filled(RELEASE)["token"][0]
    officer.sign_in()
    for token in ("", "A" * 60, "é", of_another, str(officer.client.cookies.get(COOKIE))):
        assert sent(officer, path, token, **FROM_HERE) == 403
    assert stored(officer.world) == before


@pytest.mark.parametrize("path", [*PAGES, *FORMS])
def test_nothing_of_the_desk_is_told_to_whoever_has_no_session(world: World, path: str) -> None:
    stranger = Officer(world)
    told = stranger.open(path) if path in PAGES else stranger.post(path, {"token": "A" * 60})
    assert told.status_code == 403
    assert 'name="key"' in told.text


@pytest.mark.parametrize("path", [*PAGES, *OPEN[:1]])
def test_no_page_of_the_desk_is_framed_kept_or_written_to_from_a_script(officer: Officer, path: str) -> None:
    """Pages that refuse, too: they are drawn by other hands."""
    told = officer.open(path)
    assert "frame-ancestors 'none'" in told.headers["content-security-policy"]
    assert "form-action 'self'" in told.headers["content-security-policy"]
    assert "no-store" in told.headers["cache-control"]
    assert told.headers["x-content-type-options"] == "nosniff"
    assert "<script" not in told.text


@pytest.mark.parametrize("name", ["next", "back", "url", "return_to", "redirect"])
def test_no_address_leads_an_officer_elsewhere(officer: Officer, name: str) -> None:
    for path in ("/desk", RELEASE, "/desk/list"):
        told = officer.open(path, **{name: "https://elsewhere.example/"})
        assert told.status_code == 200
        assert "elsewhere.example" not in told.headers.get("location", "")
        assert not re.search(r'(href|action)="https?://elsewhere', told.text)
    Officer(officer.world).open(RELEASE, **{name: "//elsewhere.example"})
    told = officer.sign_in(**({} if name == "back" else {name: "//elsewhere.example"}))
    assert told.headers["location"] == "/en/desk"


def test_a_cookie_with_any_byte_changed_opens_nothing(officer: Officer) -> None:
    sealed = urlsafe_b64decode(str(officer.client.cookies.get(COOKIE)))
    for place in {0, 1, len(sealed) // 2, len(sealed) - 1}:
        changed = bytes(byte ^ (at == place) for at, byte in enumerate(sealed))
        assert opens(officer, urlsafe_b64encode(changed).decode()) == 403
    assert opens(officer, urlsafe_b64encode(sealed).decode()) == 200
    assert opens(officer, urlsafe_b64encode(sealed[:-1]).decode()) == 403
    assert opens(officer, officer.filled(RELEASE)["token"][0]) == 403, "what is sealed for a form is no session"


def opens(officer: Officer, cookie: str) -> int:
    """The status of a page for whoever sends a cookie."""
    address = officer.address(RELEASE)
    officer.world.client.cookies.clear()
    return officer.world.client.get(address, headers={"cookie": f"{COOKIE}={cookie}"}).status_code


@pytest.mark.parametrize(
    "cookie", ["", "=====", "A" * (MAX_COOKIE_LENGTH + 1), "A" * 60_000, '"; Path=/', "%00%00%00", "🂡🂡🂡"]
)
def test_a_cookie_of_any_size_and_make_is_answered_calmly(officer: Officer, cookie: str) -> None:
    officer.world.client.cookies.clear()
    header = f"{COOKIE}={cookie}".encode()
    told = officer.world.client.get(officer.address(RELEASE), headers={b"cookie": header})
    assert told.status_code in (403, 431)
    assert cookie[:40] not in told.text or not cookie


def test_a_session_of_another_registry_opens_nothing(officer: Officer) -> None:
    """Of another secret: where an operator changed it, and where somebody runs a registry of their own."""
    cookie = str(officer.client.cookies.get(COOKIE))
    officer.world.restart_with(secret="another secret of another operator")
    assert opens(officer, cookie) == 403


def revoked(world: World) -> None:
    key_id = world.get("/v1/me", "foro").json()["key_id"]
    with open_write_session(world.engine) as session:
        api_keys.revoke_key(session, key_id, world.now)


def test_a_key_that_is_revoked_while_a_form_is_filled_in_files_nothing_and_loses_nothing(officer: Officer) -> None:
    form = officer.filled(RELEASE) | {"detainee.full_name": "Ana Paz", "detention.country": "VE"}
    revoked(officer.world)
    before = officer.world.revision
    told = officer.post(RELEASE, form)
    assert told.status_code == 403
    assert officer.filled(SIGN_IN)["detainee.full_name"] == ["Ana Paz"]
    assert officer.client.cookies.get(COOKIE) is None
    assert officer.world.revision == before


def test_a_copied_cookie_of_a_revoked_key_opens_nothing(officer: Officer) -> None:
    cookie = str(officer.client.cookies.get(COOKIE))
    revoked(officer.world)
    assert opens(officer, cookie) == 403
    told = officer.world.client.get(f"{HERE}/en/desk", headers={"cookie": f"{COOKIE}={cookie}"})
    assert 'name="key"' in told.text


@pytest.mark.parametrize("path", FORMS)
def test_whoever_signs_in_again_goes_on_at_a_page(officer: Officer, path: str) -> None:
    """What a form was sent to is no page, and a list is chosen again."""
    token = officer.filled(RELEASE)["token"][0]
    revoked(officer.world)
    officer.world.keys["foro"] = officer.world.keys["jep"]
    assert sent(officer, path, token, **FROM_HERE) == 403
    told = officer.fill(SIGN_IN, {"key": officer.world.keys["jep"]})
    if told.status_code == 303:
        assert officer.client.get(f"{HERE}{told.headers['location']}").status_code in (200, 403)
    else:
        assert told.status_code in (200, 403, 404)


def test_a_key_that_ends_ends_the_session_with_it(world: World) -> None:
    with open_write_session(world.engine) as session:
        world.keys["brief"] = api_keys.create_key(session, Role.REPORTER, "foro", 1, world.now, "Ada Mota")
    officer = Officer(world)
    world.now += timedelta(days=1) - timedelta(minutes=10)
    officer.sign_in("brief")
    assert officer.open(RELEASE).status_code == 200
    world.now += timedelta(minutes=11)
    assert officer.open("/desk").status_code == 403


def test_whoever_signs_in_on_a_form_that_another_filled_in_is_told_for_whom_it_will_be_sent(officer: Officer) -> None:
    officer.open(RELEASE)
    officer.world.now += IDLE_TIMEOUT + timedelta(minutes=1)
    officer.fill(RELEASE, {"detainee.full_name": "Rosa Quintana"})
    told = officer.fill(SIGN_IN, {"key": officer.world.keys["jep"]})
    assert "it will be sent for Jep" in told.text
    assert officer.filled(RELEASE)["detainee.full_name"] == ["Rosa Quintana"]
    assert "was filled in before you signed in" not in officer.open(RELEASE).text


def test_a_key_that_cannot_send_a_form_leaves_it_filled_in_for_one_that_can(officer: Officer) -> None:
    officer.open(RELEASE)
    officer.world.now += IDLE_TIMEOUT + timedelta(minutes=1)
    officer.fill(RELEASE, {"detainee.full_name": "Rosa Quintana"})
    told = officer.fill(SIGN_IN, {"key": officer.world.keys["curator"]})
    assert told.status_code == 403
    assert "with the key of an organisation" in told.text
    assert officer.fill(SIGN_IN, {"key": officer.world.keys["foro"]}).status_code == 200
    assert officer.filled(RELEASE)["detainee.full_name"] == ["Rosa Quintana"]


def test_a_correction_is_kept_for_the_organisation_whose_report_it_is_of(officer: Officer) -> None:
    report = officer.world.file("foro", source_record_id="1")["report"]["id"]
    officer.open(f"/desk/reports/{report}")
    officer.world.now += IDLE_TIMEOUT + timedelta(minutes=1)
    officer.fill("/desk/correction", {"detainee.full_name": "Rosa Quintana"})
    told = officer.fill(SIGN_IN, {"key": officer.world.keys["jep"]})
    assert told.status_code == 404
    assert "What this form is about is not there for this key" in told.text
    assert officer.fill(SIGN_IN, {"key": officer.world.keys["foro"]}).status_code == 200
    assert officer.filled("/desk/correction")["detainee.full_name"] == ["Rosa Quintana"]
