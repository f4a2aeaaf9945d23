"""Reporting one person at the desk: what the API takes, what it refuses, and nothing lost on the way."""

import re
from datetime import timedelta

import pytest

from app.db.engine import open_write_session
from app.registry import api_keys
from app.vocabulary import Role
from app.web.desk import fields
from app.web.desk.fields import UnreadDate, format_unread_date, parse_written_date
from app.web.desk.sessions import IDLE_TIMEOUT
from app.web.rendering import load_catalogue
from tests.support import World
from tests.web.desk.officer import Officer

PATH = "/desk/release"
ANA = {
    "source_record_id": "FP-1",
    "detainee.full_name": "Ana Matilde Múgica Paz",
    "detainee.publish": "named",
    "detention.country": "VE",
    "detention.detained_on": "2025-03",
    "release.released_on": "2026-01-12",
    "verification.verdict": "verified",
    "verification.method": "family",
}
HOSTILE = [
    '<script>alert("x")</script>',
    '"><b onmouseover=x>',
    "=cmd|' /C calc'!A0",
    "{{ 7*7 }}",
    "محمد علي",
    "x" * 300,
]


@pytest.fixture
def officer(world: World) -> Officer:
    officer = Officer(world)
    officer.sign_in()
    officer.open(PATH)
    return officer


def test_a_report_is_filed_and_its_receipt_shown(officer: Officer) -> None:
    told = officer.fill(PATH, ANA)
    assert told.status_code == 200
    report = officer.world.get("/v1/reports", "foro", source_record_id="FP-1").json()["data"][0]
    assert report["id"] in told.text
    assert str(officer.world.revision) in told.text
    assert report["detention"]["detained_on"] == "2025-03"
    assert report["verification"] == {"verdict": "verified", "method": "family"}


def test_somebody_held_is_reported_without_a_release(officer: Officer) -> None:
    officer.open("/desk/detention")
    told = officer.fill("/desk/detention", ANA)
    assert told.status_code == 200
    report = officer.world.get("/v1/reports", "foro").json()["data"][0]
    assert report.get("release") is None


def test_a_button_that_is_pressed_twice_files_one_report(officer: Officer) -> None:
    body = officer.filled(PATH) | {name: value for name, value in ANA.items() if name != "source_record_id"}
    first = officer.post(PATH, body)
    revision = officer.world.revision
    again = officer.post(PATH, body)
    assert (first.status_code, again.status_code) == (200, 200)
    assert officer.world.revision == revision
    assert len(officer.world.get("/v1/reports", "foro").json()["data"]) == 1


def test_a_form_sent_again_with_other_content_is_told_to_be_filed_already(officer: Officer) -> None:
    body = officer.filled(PATH) | ANA
    officer.post(PATH, body)
    told = officer.post(PATH, body | {"detainee.full_name": "Ana Múgica"})
    assert told.status_code == 422
    assert "This form was filed before" in told.text


def test_what_is_wrong_is_told_at_its_field_and_nothing_is_lost(officer: Officer) -> None:
    once = officer.filled(PATH)["once"]
    wrong = ANA | {"detention.detained_on": "yesterday", "verification.method": "", "detainee.age": "old"}
    told = officer.fill(PATH, wrong)
    assert told.status_code == 422
    for name in ("detention-detained_on", "detainee-age"):
        assert f'id="{name}-fault"' in told.text
        assert f'aria-describedby="{name}-fault"' in told.text or f"{name}-fault" in told.text
    again = officer.filled(PATH)
    assert again["once"] == once
    assert again["detainee.full_name"] == ["Ana Matilde Múgica Paz"]
    assert again["detention.detained_on"] == ["yesterday"]
    assert again["verification.verdict"] == ["verified"]
    assert again["detention.country"] == ["VE"]
    assert officer.fill(PATH, ANA | {"detainee.age": ""}).status_code == 200


def test_dates_are_read_as_officers_write_them_and_shown_as_they_were_understood(officer: Officer) -> None:
    wrote = {"detention.detained_on": "octubre 2024", "release.released_on": "entre el 8 y el 9 de enero de 2026"}
    told = officer.fill(PATH, ANA | wrote)
    assert told.status_code == 200
    assert "<dt>Date of detention</dt><dd>Oct 2024</dd>" in told.text
    assert "<dd>between 8 Jan 2026 and 9 Jan 2026</dd>" in told.text
    report = officer.world.get("/v1/reports", "foro").json()["data"][0]
    assert report["detention"]["detained_on"] == "2024-10"
    assert report["release"]["released_on"] == "2026-01-08/2026-01-09"


def test_a_date_that_can_be_two_days_is_told_with_both_and_nothing_is_sent(officer: Officer) -> None:
    before = officer.world.revision
    told = officer.fill(PATH, ANA | {"release.released_on": "03/02/2026"})
    assert told.status_code == 422
    assert "This can be 3 February 2026 or 2 March 2026" in told.text
    assert "2026-02-03 or 2026-03-02" in told.text
    assert officer.world.revision == before
    assert officer.filled(PATH)["release.released_on"] == ["03/02/2026"]


def test_all_that_is_wrong_is_told_in_one_round(officer: Officer) -> None:
    """What cannot be read, what has another shape, what is left out, and what contradicts itself."""
    wrong = {
        "detainee.birth_date": "a long time ago",
        "detainee.age": "old",
        "detention.country": "",
        "detention.detained_on": "13 de enero de 2026",
        "verification.method": "",
    }
    told = officer.fill(PATH, ANA | wrong)
    assert told.status_code == 422
    for name in (*wrong.keys() - {"detention.detained_on"}, "release.released_on"):
        assert f'id="{name.replace(".", "-")}-fault"' in told.text, name
    officer.open(PATH)
    sent = officer.fill(PATH, ANA | wrong | {"detainee.birth_date": ""})
    for name in ("detainee-age", "detention-country", "verification-method", "release-released_on"):
        assert f'id="{name}-fault"' in sent.text, "also where the API refuses it"


def test_no_advice_is_given_on_what_is_not_wrong(officer: Officer) -> None:
    told = officer.fill(PATH, ANA | {"detainee.full_name": "", "release.released_on": "03/02/2026"})
    assert told.text.count('class="fault"') == 1
    assert "at least two of" not in told.text


def test_a_page_with_errors_says_so_first_and_leads_to_each_field(officer: Officer) -> None:
    told = officer.fill(PATH, ANA | {"detainee.age": "old", "verification.method": "", "detainee.publish": "all"}).text
    assert "<title>Error: Report a release · Recuento</title>" in told
    summary = told.split('role="alert" tabindex="-1" autofocus')[1].split("</div>")[0]
    assert told.index('role="alert"') < told.index("<h1>")
    led_to = re.findall(r'href="#([^"]+)"', summary)
    assert led_to == ["detainee-age", "detainee-publish", "verification-method"]
    for place in led_to:
        assert re.search(rf'<(input|select)[^>]* ?id="{place}"', told), "a field that can be typed into"
    assert re.search(r'id="detainee-age"[^>]*aria-invalid="true"', told)
    assert "<title>Report a release" in officer.open(PATH).text


def test_what_is_wrong_with_the_whole_is_told_above_the_form(officer: Officer) -> None:
    officer.fill(PATH, ANA)
    officer.open(PATH)
    told = officer.fill(PATH, ANA | {"detainee.full_name": "Ramón Ugarte", "detainee.publish": "anonymous"})
    assert told.status_code == 409
    assert "This case number" in told.text or "another person" in told.text.lower()
    assert officer.filled(PATH)["detainee.full_name"] == ["Ramón Ugarte"]


def test_a_session_that_ends_while_a_form_is_filled_in_loses_nothing(officer: Officer) -> None:
    once = officer.filled(PATH)["once"]
    officer.world.now += IDLE_TIMEOUT + timedelta(minutes=1)
    asked = officer.fill(PATH, ANA | {"note": 'She said "<b>wait</b>"', "release.conditions": ["travel_ban", "other"]})
    assert asked.status_code == 403
    assert "What you filled in is still here" in asked.text
    assert officer.world.get("/v1/reports", "foro").json()["data"] == []
    back = officer.fill("/desk/session", {"key": officer.world.keys["foro"]})
    assert back.status_code == 200
    form = officer.filled(PATH)
    assert form["once"] == once
    assert form["note"] == ['She said "<b>wait</b>"']
    assert form["release.conditions"] == ["travel_ban", "other"]
    assert officer.fill(PATH, {}).status_code == 200


@pytest.mark.parametrize("name", HOSTILE)
def test_whatever_somebody_writes_stays_text(officer: Officer, name: str) -> None:
    told = officer.fill(
        PATH, ANA | {"detainee.full_name": name, "source_record_id": name[:90], "detention.country": ""}
    )
    assert told.status_code == 422
    assert "<script>alert" not in told.text
    assert "<b onmouseover" not in told.text
    assert officer.filled(PATH)["detainee.full_name"] == [name]


def test_a_report_waits_for_its_day(officer: Officer) -> None:
    told = officer.fill(PATH, ANA | {"publish_not_before": "2026-03-20"})
    assert told.status_code == 200
    assert "The report waits until" in told.text
    assert "FP-1" in officer.open().text


def test_a_curator_sees_that_something_waits_and_not_what(world: World) -> None:
    world.wait("2026-03-20", source_record_id="EXP-2026-0001")
    officer = Officer(world)
    officer.sign_in("curator")
    page = officer.open()
    assert page.status_code == 200
    assert "until 20 Mar 2026" in page.text
    assert "EXP-2026-0001" not in page.text


def test_what_could_not_be_filed_on_its_day_is_told(world: World) -> None:
    waits = world.wait("2026-03-20", source_record_id="FP-1")
    with open_write_session(world.engine) as session:
        api_keys.revoke_key(session, world.get("/v1/me", "foro").json()["key_id"], world.now)
        world.keys["foro"] = world._key(session, Role.REPORTER, "foro", "Another officer")
    world.now += timedelta(days=30)
    world.end_embargoes()
    assert world.waiting()[0]["id"] == waits["id"]
    officer = Officer(world)
    officer.sign_in()
    assert "It could not be filed:" in officer.open().text


def test_a_curator_may_not_report(world: World) -> None:
    officer = Officer(world)
    officer.sign_in("curator")
    officer.open(PATH)
    assert officer.fill(PATH, ANA).status_code == 403


def test_a_place_that_is_registered_is_offered(officer: Officer) -> None:
    officer.world.add_facility()
    assert '<option value="El Rodeo I">' in officer.open(PATH).text


def test_a_form_is_told_in_the_language_of_its_address(world: World) -> None:
    officer = Officer(world, "es")
    officer.sign_in()
    officer.open(PATH)
    told = officer.fill(PATH, ANA | {"detention.country": ""})
    assert "Diga en qué país está o estuvo detenida la persona." in told.text
    assert "<title>Error: " in told.text
    told = officer.fill(PATH, {"release.released_on": "8 de enero", "verification.verified_on": "03/02/2026"})
    assert "Falta el año: escríbalo también, como en 12 de enero de 2026." in told.text
    assert "Puede ser el 3 de febrero de 2026 o el 2 de marzo de 2026" in told.text


@pytest.mark.parametrize(
    "name,text,told",
    [
        ("release.released_on", "ayer", "No se lee como fecha: escriba 12 de enero de 2026 o 2026-01-12"),
        ("release.released_on", "45678", "No se lee como fecha:"),
        ("release.released_on", "=A1", "No se lee como fecha:"),
        ("release.released_on", "31/02/2026", "Ese día no existe en el calendario"),
        ("release.released_on", "12/01/26", "Escriba el año con cuatro cifras"),
        ("release.released_on", "entre 2026 y 2025", "Escriba las dos fechas con su año, primero la anterior."),
        ("detainee.birth_date", "1942-1936", "El mayor de los dos años está primero"),
    ],
)
def test_why_a_date_is_not_read_is_told_without_a_word_about_sheets(name: str, text: str, told: str) -> None:
    with pytest.raises(UnreadDate) as refused:
        parse_written_date(name, text)
    assert format_unread_date(refused.value, load_catalogue("es")).startswith(told)


def test_a_form_makes_a_body_of_what_was_filled_in() -> None:
    given = {
        "detainee.age": ["72"],
        "detainee.nationalities": ["AR", ""],
        "detainee.aliases": [" Ana \r\n\r\n Anita"],
        "verification.evidence": ["https://one.example\nhttps://two.example"],
        "detention.facility": [" "],
        "token": ["x"],
    }
    assert fields.build_report_body(given, fields.list_report_fields(is_release=True)) == {
        "detainee": {"age": 72, "nationalities": ["AR"], "aliases": ["Ana", "Anita"]},
        "verification": {"evidence": [{"url": "https://one.example"}, {"url": "https://two.example"}]},
    }
