"""An organisation's own reports at the desk: found, corrected, withdrawn; never overwritten unseen."""

from datetime import timedelta

import pytest

from app.web.desk.corrections import build_report_patch
from app.web.desk.sessions import IDLE_TIMEOUT
from tests.support import Body, World
from tests.web.desk.officer import Officer

REPORTS, CORRECTION, RETRACTION = "/desk/reports", "/desk/correction", "/desk/retraction"


@pytest.fixture
def officer(world: World) -> Officer:
    officer = Officer(world)
    officer.sign_in()
    return officer


@pytest.fixture
def filed(officer: Officer) -> Body:
    return officer.world.file("foro", source_record_id="FP-1", detainee__national_id="V-1234567", note="Call again.")


def report_of(officer: Officer, filed: Body) -> Body:
    return dict(officer.world.get(f"/v1/reports/{filed['report']['id']}", "foro").json())


def test_a_report_is_found_by_its_case_number_that_stands_in_no_address(officer: Officer, filed: Body) -> None:
    officer.world.file("foro", source_record_id="EXP-2026-0002")
    officer.open(REPORTS)
    found = officer.fill(REPORTS, {"source_record_id": "FP-1"})
    assert filed["report"]["id"] in found.text
    assert "EXP-2026-0002" not in found.text
    assert "source_record_id" not in str(found.url)
    assert "No report of yours" in officer.fill(REPORTS, {"source_record_id": "FP-9"}).text
    assert "&lt;b&gt;9" in officer.fill(REPORTS, {"source_record_id": "<b>9"}).text


def test_own_reports_are_listed_and_those_of_others_are_not_there(officer: Officer, filed: Body) -> None:
    other = officer.world.file("jep", source_record_id="JEP-2026-0001")
    page = officer.open(REPORTS).text
    assert "FP-1" in page
    assert "JEP-2026-0001" not in page
    assert officer.open(f"{REPORTS}/{other['report']['id']}").status_code == 404


def test_a_value_that_the_registry_gave_is_no_word_of_the_organisation_and_its_change_is_told(officer: Officer) -> None:
    world = officer.world
    filed = world.file("jep", release={"released_on": "2026-01-12", "kind": "pardon"})
    verified = world.verify(filed["release"]["id"], "foro", verdict="verified", method="family")
    assert "(taken over from the registry)" in officer.open(REPORTS).text
    moved = {"release": {"released_on": "2026-01-20"}}
    world.client.patch(f"/v1/reports/{filed['report']['id']}", json=moved, headers=world.headers("jep"))
    assert "the registry shows another value now" in officer.open(REPORTS).text
    page = officer.open(f"{REPORTS}/{verified['report']['id']}").text
    assert "Taken over from the registry: " in page
    assert "The registry shows another value now: " in page
    officer.fill(CORRECTION, {"note": "New."})
    assert report_of(officer, verified)["taken_over"]["changed"] == ["release.released_on"]
    officer.open(f"{REPORTS}/{verified['report']['id']}")
    officer.fill(CORRECTION, {"release.released_on": "2026-01-13"})
    assert report_of(officer, verified)["taken_over"]["changed"] == []
    assert "(taken over from the registry)" not in officer.open(REPORTS).text


def test_what_is_changed_in_the_form_is_changed_and_nothing_else(officer: Officer, filed: Body) -> None:
    before = report_of(officer, filed)
    officer.open(f"{REPORTS}/{filed['report']['id']}")
    told = officer.fill(CORRECTION, {"release.kind": "full_release", "release.released_on": "", "note": "New."})
    assert told.status_code == 200
    assert "in version 2" in told.text
    after = report_of(officer, filed)
    assert after["release"] == {"stage": "carried_out", "kind": "full_release"}
    assert (after["note"], after["version"], after["has_national_id"]) == ("New.", 2, True)
    assert after["detainee"] == before["detainee"]
    assert after["detention"] == before["detention"]


def test_a_form_that_is_sent_as_it_is_changes_nothing(officer: Officer, filed: Body) -> None:
    officer.open(f"{REPORTS}/{filed['report']['id']}")
    told = officer.fill(CORRECTION, {})
    assert "Nothing was changed" in told.text
    assert report_of(officer, filed)["version"] == 1


def test_a_report_that_a_colleague_changed_is_not_overwritten(officer: Officer, filed: Body) -> None:
    officer.open(f"{REPORTS}/{filed['report']['id']}")
    form = officer.filled(CORRECTION)
    officer.world.file("foro", source_record_id="FP-1", release__kind="pardon")
    told = officer.post(CORRECTION, form | {"release.kind": "full_release"})
    assert told.status_code == 412
    assert "Somebody changed this report since you opened it" in told.text
    assert report_of(officer, filed)["release"]["kind"] == "pardon"
    assert officer.fill(CORRECTION, {}).status_code == 412, "the form still knows what it was made from"


def test_what_is_wrong_with_a_correction_is_told_at_its_field(officer: Officer, filed: Body) -> None:
    officer.open(f"{REPORTS}/{filed['report']['id']}")
    told = officer.fill(CORRECTION, {"release.released_on": "12/01/2026", "note": "Kept."})
    assert told.status_code == 422
    assert 'id="release-released_on-fault"' in told.text
    assert officer.filled(CORRECTION)["note"] == ["Kept."]


def test_a_date_in_a_correction_is_read_as_officers_write_it(officer: Officer, filed: Body) -> None:
    officer.open(f"{REPORTS}/{filed['report']['id']}")
    told = officer.fill(CORRECTION, {"release.released_on": "15 de enero de 2026"})
    assert "<dd>15 Jan 2026</dd>" in told.text
    assert told.text.count("2026</dd>") == 1, "only what the correction changes"
    assert report_of(officer, filed)["release"]["released_on"] == "2026-01-15"


def test_all_that_is_wrong_with_a_correction_is_told_in_one_round(officer: Officer, filed: Body) -> None:
    officer.open(f"{REPORTS}/{filed['report']['id']}")
    told = officer.fill(
        CORRECTION, {"release.released_on": "1 de enero de 2020", "detainee.age": "old", "verification.method": ""}
    )
    for name in ("release-released_on", "detainee-age", "verification-method"):
        assert f'id="{name}-fault"' in told.text


def test_somebody_held_may_come_out(officer: Officer) -> None:
    filed = officer.world.file_detention("foro", source_record_id="FP-1")
    officer.open(f"{REPORTS}/{filed['report']['id']}")
    told = officer.fill(CORRECTION, {"release.released_on": "2026-01-12"})
    assert told.status_code == 200
    assert report_of(officer, filed)["release"]["released_on"] == "2026-01-12"


def test_a_report_is_withdrawn_and_stands_again(officer: Officer, filed: Body) -> None:
    officer.open(f"{REPORTS}/{filed['report']['id']}")
    form = officer.filled(RETRACTION) | {"reason": "Another woman of the same name."}
    told = officer.post(RETRACTION, form)
    assert told.status_code == 200
    assert "The report is withdrawn" in told.text
    assert "report withdrawn" in officer.open(REPORTS).text
    page = officer.open(f"{REPORTS}/{filed['report']['id']}").text
    assert "This report is withdrawn" in page
    assert f"/en{RETRACTION}" not in page
    assert officer.fill(CORRECTION, {"verification.verdict": "verified"}).status_code == 200
    assert "retraction" not in report_of(officer, filed)


def test_a_button_that_is_pressed_twice_withdraws_once(officer: Officer, filed: Body) -> None:
    officer.open(f"{REPORTS}/{filed['report']['id']}")
    form = officer.filled(RETRACTION)
    assert officer.post(RETRACTION, form).status_code == 200
    assert officer.post(RETRACTION, form).status_code == 200
    assert report_of(officer, filed)["version"] == 2


def test_a_session_that_ends_during_a_correction_loses_nothing(officer: Officer, filed: Body) -> None:
    officer.open(f"{REPORTS}/{filed['report']['id']}")
    officer.world.now += IDLE_TIMEOUT + timedelta(minutes=1)
    officer.fill(CORRECTION, {"note": "Kept."})
    back = officer.fill("/desk/session", {"key": officer.world.keys["foro"]})
    assert back.status_code == 200
    assert officer.filled(CORRECTION)["note"] == ["Kept."]
    assert officer.fill(CORRECTION, {}).status_code == 200
    assert report_of(officer, filed)["note"] == "Kept."


@pytest.mark.parametrize("path", [CORRECTION, RETRACTION])
def test_the_report_of_another_source_is_neither_corrected_nor_withdrawn(officer: Officer, path: str) -> None:
    other = officer.world.file("jep", source_record_id="J-1")
    own = officer.world.file("foro", source_record_id="FP-1")
    officer.open(f"{REPORTS}/{own['report']['id']}")
    form = officer.filled(path)
    assert officer.post(path, form | {"report": other["report"]["id"], "note": "x"}).status_code == 404
    assert officer.post(path, form | {"report": "../../x"}).status_code == 404
    assert officer.world.get(f"/v1/reports/{other['report']['id']}", "jep").json()["version"] == 1


@pytest.mark.parametrize("path", [CORRECTION, RETRACTION, REPORTS])
def test_a_form_of_another_site_changes_nothing(officer: Officer, filed: Body, path: str) -> None:
    officer.open(REPORTS if path == REPORTS else f"{REPORTS}/{filed['report']['id']}")
    form = officer.filled(path) | {"note": "x"}
    assert officer.post(path, form, headers={"origin": "https://elsewhere.example"}).status_code == 403
    assert officer.post(path, form | {"token": ""}).status_code == 403
    assert report_of(officer, filed)["version"] == 1


def test_a_patch_names_what_differs() -> None:
    report = {
        "detainee": {"full_name": "Ana", "nationalities": ["VE"], "age": 30},
        "verification": {"verdict": "verified", "evidence": [{"url": "https://one.example", "sha256": "0" * 64}]},
    }
    form = {
        "detainee.full_name": ["Ana Paz"],
        "detainee.age": ["30"],
        "verification.verdict": ["verified"],
        "verification.evidence": ["https://one.example"],
    }
    assert build_report_patch(report, form) == {"detainee": {"full_name": "Ana Paz", "nationalities": None}}
