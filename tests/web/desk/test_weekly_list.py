"""A list that an officer sends again each week: each change once, rows by sheet and name, and what was sent."""

import re
from datetime import timedelta

import pytest

from app.registry.review import limits
from tests.imports.filing.test_several_sheets import workbook
from tests.support import Body, World
from tests.web.desk.officer import Officer

PATH = "/desk/list"
HEAD = ("nombre", "fecha de detención", "visto por última vez", "centro de reclusión", "verificación", "método")
NAMES = ("Ana Roca Lugo", "Eva Paz Ruiz", "Luz Gil Mora", "Sol Rey Vera", "Ivo Sanz Cruz", "Noé Prat Lira")
MEN, WOMEN = NAMES[4:], NAMES[:4]
MAPPING = (
    "[sheets]\nVarones = true\nMujeres = true\n"
    '[positions]\n"Varones!C" = ["detention.held_on"]\n"Mujeres!C" = ["detention.held_on"]\n'
)


def build_list(held_on: str, places: dict[str, str] | None = None, left_out: str = "") -> bytes:
    def build_rows(names: tuple[str, ...]) -> list[tuple[str, ...]]:
        return [
            (name, "2025-03-02", held_on, (places or {}).get(name, "Tocorón"), "verificada", "familia")
            for name in names
            if name != left_out
        ]

    return workbook(Varones=[HEAD, *build_rows(MEN)], Mujeres=[HEAD, *build_rows(WOMEN)])


def send(world: World, data: bytes, mapping: str = MAPPING) -> Body:
    receipt = world.send_list(data, mapping='list_date = "2026-01-14"\n' + mapping)
    assert receipt["state"] == "done", receipt["questions"]
    return receipt


@pytest.fixture
def officer(world: World) -> Officer:
    officer = Officer(world)
    officer.sign_in()
    return officer


def read_text(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", page.split("<main")[1]))


def test_a_change_of_many_rows_is_one_line_below_the_changes_of_single_rows(officer: Officer) -> None:
    send(officer.world, build_list("2026-01-07"))
    receipt = send(officer.world, build_list("2026-01-14", {"Eva Paz Ruiz": "Yare"}))
    assert receipt["counts"]["updated"] == 6
    page = read_text(officer.open(f"{PATH}/{receipt['id']}").text)
    listed = page[page.index("What changed of your earlier reports") :]
    assert listed.index("Eva Paz Ruiz") < listed.index("Yare") < listed.index("14 Jan") < listed.index("6 rows")
    assert listed.count("14 Jan") == 1
    assert "Varones!2, Varones!3, Mujeres!2" in listed


def test_rows_of_a_filed_list_are_named_by_sheet_and_person(officer: Officer) -> None:
    receipt = send(officer.world, build_list("2026-01-07"))
    rows = officer.world.rows_of(receipt)
    assert [(row["label"], row["name"]) for row in rows][:3] == [
        ("Varones!2", "Ivo Sanz Cruz"), ("Varones!3", "Noé Prat Lira"), ("Mujeres!2", "Ana Roca Lugo"),
    ]  # fmt: skip
    page = read_text(officer.open(f"{PATH}/{receipt['id']}").text)
    assert "Varones!2 Ivo Sanz Cruz" in page
    assert not re.search(r"\b[12]!\d", page)


@pytest.mark.parametrize("is_trial", [True, False])
def test_a_withdrawn_person_has_a_name_and_is_not_held(officer: Officer, is_trial: bool) -> None:
    world = officer.world
    send(world, build_list("2026-01-07"))
    (case,) = [
        report["source_record_id"]
        for report in world.get("/v1/reports", "foro").json()["data"]
        if report["detainee"]["full_name"] == "Sol Rey Vera"
    ]
    mapping = f'list_date = "2026-01-14"\nwhole = true\n{MAPPING}[missing]\n"{case}" = "mistake"\n'
    receipt = world.send_list(build_list("2026-01-14", left_out="Sol Rey Vera"), mapping=mapping, dry_run=is_trial)
    assert (receipt["rows"], receipt["missing"], receipt["held"], receipt["held_counted"]) == (6, 1, 5, 5)
    last = world.rows_of(receipt)[-1]
    assert (last["label"], last["name"]) == (None, "Sol Rey Vera")
    page = read_text(officer.open(f"{PATH}/{receipt['id']}").text)
    assert "5 rows and 1 person whom the list lacks" in page
    assert "(no name)" not in page


def test_the_desk_lists_what_was_sent_and_what_was_undone(officer: Officer) -> None:
    assert "Your last lists" not in officer.open().text
    first = send(officer.world, build_list("2026-01-07"))
    officer.world.now += timedelta(minutes=1)
    second = send(officer.world, build_list("2026-01-14"))
    officer.world.send_list(build_list("2026-01-14"), mapping=MAPPING, dry_run=True)
    officer.open(f"{PATH}/{second['id']}/undo")
    officer.fill("/desk/list/undo", {})
    page = officer.open().text
    assert [page.count(f'{PATH}/{receipt["id"]}"') for receipt in (first, second)] == [1, 1]
    assert page.count("6 rows") == 2, "a trial is not listed"
    assert page.count("undone") == 1
    assert "You undid this list on" in officer.open(f"{PATH}/{second['id']}").text
    listed = officer.world.get("/v1/imports", "foro").json()["data"]
    assert [(one["id"], one["undone_at"] is not None) for one in listed] == [(second["id"], True), (first["id"], False)]
    assert officer.world.get("/v1/imports", "jep").json()["data"] == []
    assert officer.world.get("/v1/imports", "curator").status_code == 403


def test_the_desk_says_how_many_reports_await_review(officer: Officer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DEFAULT_UNREVIEWED_LIMIT", 2)
    send(officer.world, build_list("2026-01-07"))
    page = officer.open().text
    assert "4 reports await review by a curator." in page
    assert "No report waits for the day" in page
    states = officer.world.get("/v1/reports", "foro", review="unreviewed").json()["data"]
    assert len(states) == 2


def test_a_further_round_shows_no_column_again_that_is_not_asked_about(officer: Officer) -> None:
    officer.open(PATH)
    data = ("nombre;fecha de detención;país;estatus\nAna Roca Lugo;2025-03-02;VE;xyzzy\n").encode()
    first = officer.fill(PATH, {}, files={"file": ("list.csv", data)}).text
    asked, settled = first.split("<details", 1)
    assert "3 columns read like this" in settled
    assert [text.count("<bdi>estatus</bdi></th>") for text in (asked, settled)] == [1, 0]
    assert [text.count("<bdi>país</bdi></th>") for text in (asked, settled)] == [0, 1]
    second = officer.fill(PATH, {"answer:/positions/D": "state"}, files={"file": ("", b"")}).text
    shown, behind = second.split("<details", 1)
    assert "What does “xyzzy” mean" in shown
    assert "<bdi>estatus</bdi></th>" not in shown
    assert "<bdi>estatus</bdi></th>" in behind
