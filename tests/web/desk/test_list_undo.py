"""Undoing a list at the desk: from its receipt to a trial, and from there to what was said before."""

import pytest

from app.imports.filing import undo
from app.web.desk import list_undo
from tests.imports.test_undo import FIRST_LIST, HEAD, SECOND_LIST, THIRD, patch, report_of
from tests.support import World
from tests.web.desk.officer import Officer


@pytest.fixture
def officer(world: World) -> Officer:
    officer = Officer(world)
    officer.sign_in()
    return officer


def test_a_list_is_undone_from_its_receipt_after_a_trial(officer: Officer) -> None:
    officer.world.send_list(FIRST_LIST)
    receipt = officer.world.send_list(SECOND_LIST)
    patch(officer.world, "U-1", {"release": {"released_on": "2026-01-14"}})
    path = f"/desk/list/{receipt['id']}"
    assert "Undo this list" in officer.open(path).text
    assert f"{path}/undo" in officer.open(path).text
    revision = officer.world.revision
    trial = officer.open(f"{path}/undo").text
    assert "Undo this list?" in trial
    assert "U-1" in trial
    assert "You changed it after this list: it stays." in trial
    assert officer.world.revision == revision
    done = officer.fill("/desk/list/undo", {}).text
    assert "The list is undone" in done
    assert report_of(officer.world, "U-2").get("release") is None
    assert report_of(officer.world, "U-1")["release"]["released_on"] == "2026-01-14"
    assert "There is nothing to undo" in officer.open(f"{path}/undo").text


def test_the_trial_compares_the_own_counts(officer: Officer) -> None:
    receipt = officer.world.send_list(SECOND_LIST)
    page = officer.open(f"/desk/list/{receipt['id']}/undo").text
    row = page[page.index("that you only reported") :]
    assert row.index(">3<") < row.index(">0<")


def test_a_long_list_is_undone_in_parts(officer: Officer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(undo, "MAX_BATCH_SECONDS", 0)
    monkeypatch.setattr(list_undo, "MAX_UNDO_SECONDS", -1)
    receipt = officer.world.send_list(HEAD + THIRD)
    path = f"/desk/list/{receipt['id']}/undo"
    assert "Undo this list?" in officer.open(path).text
    assert "Part of the list is undone" in officer.fill("/desk/list/undo", {}).text
    assert "The list is undone" in officer.fill("/desk/list/undo", {}).text
    assert report_of(officer.world, "U-3")["verification"]["verdict"] == "retracted"


def test_the_pages_speak_spanish(world: World) -> None:
    officer = Officer(world, "es")
    officer.sign_in()
    receipt = world.send_list(HEAD + THIRD)
    path = f"/desk/list/{receipt['id']}"
    assert "Deshacer esta lista" in officer.open(path).text
    assert "¿Deshacer esta lista?" in officer.open(f"{path}/undo").text
    assert "La lista quedó deshecha" in officer.fill("/desk/list/undo", {}).text


def test_a_trial_filed_nothing_and_the_lists_of_others_are_not_found(officer: Officer) -> None:
    trial = officer.world.send_list(HEAD + THIRD, dry_run=True)
    assert "There is nothing to undo" in officer.open(f"/desk/list/{trial['id']}/undo").text
    other = officer.world.send_list(HEAD + THIRD, "jep")
    assert officer.open(f"/desk/list/{other['id']}/undo").status_code == 404
