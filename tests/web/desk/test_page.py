"""Whose session it is: a key in a sealed cookie of this site alone, for a while, and every form from a page of it."""

from base64 import urlsafe_b64decode
from datetime import timedelta

import pytest

from app.db.engine import open_write_session
from app.registry import api_keys
from app.web.desk.page import validate_return_path
from app.web.desk.sessions import IDLE_TIMEOUT, MAX_SESSION_AGE, DeskSession, open_session
from tests.support import NOW, World
from tests.web.desk.officer import HERE, Officer

COOKIE = "desk"
OVER_TLS = "https://registry.example"


@pytest.fixture
def officer(world: World) -> Officer:
    return Officer(world)


def cookie_of(officer: Officer) -> str:
    value = officer.client.cookies.get(COOKIE)
    assert value is not None
    return str(value)


def test_whoever_has_no_session_is_asked_for_a_key(officer: Officer) -> None:
    asked = officer.open("/desk/release")
    assert asked.status_code == 403
    assert 'name="key"' in asked.text
    assert officer.open("/desk").status_code == 200


def test_a_key_begins_a_session_that_says_whose_it_is(officer: Officer) -> None:
    begun = officer.sign_in()
    assert (begun.status_code, begun.headers["location"]) == (303, "/en/desk")
    page = officer.open()
    assert page.status_code == 200
    assert "Foro" in page.text


def test_the_cookie_is_for_this_site_alone_and_out_of_reach_of_scripts(officer: Officer) -> None:
    begun = officer.sign_in()
    assert "no-store" in begun.headers["cache-control"]
    told = begun.headers["set-cookie"]
    assert told.startswith("desk=")
    for attribute in ("HttpOnly", "SameSite=strict", "Path=/"):
        assert attribute in told
    assert "Domain" not in told
    assert "Expires" not in told
    assert "Max-Age" not in told


def test_over_tls_the_cookie_is_bound_to_its_host(world: World) -> None:
    world.restart_with(public_url=OVER_TLS)
    begun = world.client.post(
        f"{OVER_TLS}/en/desk/session",
        data={"key": world.keys["foro"]},
        headers={"origin": OVER_TLS},
        follow_redirects=False,
    )
    assert begun.headers["set-cookie"].startswith("__Host-desk=")
    assert "Secure" in begun.headers["set-cookie"]


def test_a_key_is_not_taken_over_a_line_that_others_read(world: World) -> None:
    begun = world.client.post(
        "http://registry.example/en/desk/session",
        data={"key": world.keys["foro"]},
        headers={"origin": "http://registry.example"},
    )
    assert begun.status_code == 403
    assert "set-cookie" not in begun.headers
    assert 'name="key"' not in begun.text


def test_the_key_is_in_no_page_no_address_and_not_readable_in_the_cookie(officer: Officer) -> None:
    key = officer.world.keys["foro"]
    told = officer.sign_in()
    pages = [told, officer.open(), officer.open("/desk/release"), officer.post("/desk/session", {"key": key + "x"})]
    for page in pages:
        assert key not in page.text
        assert key not in str(page.url)
        assert key not in page.headers.get("location", "")
    assert key.encode() not in urlsafe_b64decode(cookie_of(officer))


def test_a_session_is_a_new_one_each_time(officer: Officer) -> None:
    officer.client.cookies.set(COOKIE, "prepared-by-somebody-else", domain="localhost.local")
    officer.sign_in()
    first = cookie_of(officer)
    officer.open("/desk/release")
    form = officer.filled("/desk/release")
    officer.sign_in()
    assert cookie_of(officer) != first
    assert officer.post("/desk/release", form).status_code == 403, "a form of the session before"


def test_a_session_ends_after_a_pause_and_lasts_while_somebody_works(officer: Officer) -> None:
    officer.sign_in()
    for _each in range(3):
        officer.world.now += IDLE_TIMEOUT - timedelta(minutes=1)
        assert officer.open("/desk/release").status_code == 200
    officer.world.now += IDLE_TIMEOUT
    assert officer.open("/desk/release").status_code == 403


def test_a_session_ends_after_a_day_at_the_desk(officer: Officer) -> None:
    officer.sign_in()
    until = officer.world.now + MAX_SESSION_AGE
    while officer.world.now < until - IDLE_TIMEOUT:
        officer.world.now += IDLE_TIMEOUT - timedelta(minutes=1)
        officer.open()
    officer.world.now = until
    assert officer.open("/desk/release").status_code == 403


def test_a_cookie_that_somebody_changed_opens_nothing() -> None:
    session = DeskSession.begin("rcn_x", "reporter", "foro", NOW)
    sealed = session.seal(b"a secret of the operator")
    assert open_session(sealed, b"a secret of the operator", NOW) == session
    assert open_session(sealed, b"another secret", NOW) is None
    assert open_session(sealed[:-4] + "AAAA", b"a secret of the operator", NOW) is None
    assert (
        open_session(session.create_form_token(b"a secret of the operator"), b"a secret of the operator", NOW) is None
    )
    assert open_session("é", b"a secret of the operator", NOW) is None
    assert open_session("A" * 5_000, b"a secret of the operator", NOW) is None


def test_a_key_that_was_revoked_ends_the_session(officer: Officer) -> None:
    officer.sign_in()
    key_id = officer.world.get("/v1/me", "foro").json()["key_id"]
    with open_write_session(officer.world.engine) as session:
        api_keys.revoke_key(session, key_id, officer.world.now)
    ended = officer.open("/desk")
    assert ended.status_code == 403
    assert officer.client.cookies.get(COOKIE) is None


@pytest.mark.parametrize("who", ["admin", "reader"])
def test_only_reporters_and_curators_work_at_the_desk(officer: Officer, who: str) -> None:
    assert officer.sign_in(who).status_code == 403
    assert officer.client.cookies.get(COOKIE) is None


@pytest.mark.parametrize("key", ["", "rcn_", "rcn_\r\nX: y", "ñ", "x" * 3_000])
def test_what_is_no_key_is_told_so(officer: Officer, key: str) -> None:
    told = officer.post("/desk/session", {"key": key})
    assert told.status_code == 401
    assert "set-cookie" not in told.headers


def test_signing_out_ends_it_and_clears_the_browser(officer: Officer) -> None:
    officer.sign_in()
    officer.open()
    told = officer.fill("/desk/session/end", {})
    assert told.status_code == 303
    assert told.headers["clear-site-data"] == '"cache", "cookies", "storage"'
    assert officer.client.cookies.get(COOKIE) is None
    assert officer.open("/desk/release").status_code == 403


@pytest.mark.parametrize("path", ["/desk/session", "/desk/session/end", "/desk/release", "/desk/detention"])
@pytest.mark.parametrize(
    "sent",
    [
        {"origin": "https://elsewhere.example"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": HERE, "sec-fetch-site": "cross-site"},
        {"origin": HERE, "sec-fetch-site": "same-site"},
        {},
    ],
)
def test_a_form_of_another_site_is_refused(officer: Officer, path: str, sent: dict[str, str]) -> None:
    officer.sign_in()
    officer.open("/desk/release")
    form = officer.filled("/desk/release") | {"key": officer.world.keys["foro"]}
    before = officer.world.revision
    answer = officer.post(path, form, headers=sent)
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers
    assert officer.world.revision == before


def test_a_form_without_the_token_of_its_session_changes_nothing(officer: Officer) -> None:
    officer.sign_in()
    officer.open("/desk/release")
    form = officer.filled("/desk/release") | {"detainee.full_name": "Ana Paz", "detention.country": "VE"}
    before = officer.world.revision
    for token in ("", "A" * 40, cookie_of(officer)):
        assert officer.post("/desk/release", form | {"token": token}).status_code == 403
    assert officer.world.revision == before


def test_no_address_of_the_desk_changes_anything_by_being_read(officer: Officer) -> None:
    officer.sign_in()
    assert officer.open("/desk/session/end").status_code == 404
    assert officer.open("/desk/session").status_code == 404
    assert officer.open().status_code == 200


def test_the_api_takes_no_cookie(officer: Officer) -> None:
    officer.sign_in()
    cookie = {"cookie": f"{COOKIE}={cookie_of(officer)}", "origin": HERE}
    assert officer.client.get(f"{HERE}/v1/me", headers=cookie).status_code == 401
    assert officer.client.post(f"{HERE}/v1/releases", json={}, headers=cookie).status_code == 401


def test_the_desk_takes_no_key_but_that_of_its_session(officer: Officer) -> None:
    answer = officer.client.get(f"{HERE}/en/desk/release", headers=officer.world.headers("foro"))
    assert answer.status_code == 403
    officer.sign_in("foro")
    answer = officer.client.get(f"{HERE}/en/desk", headers=officer.world.headers("jep"))
    assert "Holder of foro" in answer.text


def test_pages_of_the_desk_stay_with_their_reader(officer: Officer) -> None:
    officer.sign_in()
    for path in ("/desk", "/desk/release"):
        told = officer.open(path).headers
        assert told["cache-control"] == "private, no-store"
        assert told["referrer-policy"] == "same-origin"
        assert "frame-ancestors 'none'" in told["content-security-policy"]
        assert "form-action 'self'" in told["content-security-policy"]
        assert told["x-robots-tag"] == "noindex"


@pytest.mark.parametrize(
    "back", ["//elsewhere.example", "https://elsewhere.example", "/\\elsewhere.example", "/desk/../../x", "/people", ""]
)
def test_nobody_is_led_elsewhere_after_signing_in(officer: Officer, back: str) -> None:
    assert validate_return_path(back) == "/desk"
    assert officer.sign_in(back=back).headers["location"] == "/en/desk"


def test_whoever_signs_in_goes_on_where_they_were(officer: Officer) -> None:
    officer.open("/desk/release")
    told = officer.fill("/desk/session", {"key": officer.world.keys["foro"]})
    assert told.headers["location"] == "/en/desk/release"


def test_a_form_longer_than_any_of_ours_is_not_read(officer: Officer) -> None:
    officer.sign_in()
    assert officer.post("/desk/release", {"note": "x" * 70_000}).status_code == 413
