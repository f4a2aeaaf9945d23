"""Sending figures at the desk: shown with what they count, filed as claims once, and corrected when sent again."""

from typing import Any

import pytest

from app.vocabulary import Measure
from app.web.desk import figures
from tests.support import World
from tests.web.desk.officer import Officer

PATH = "/desk/figures"
SUMMARY = "Resumen: Detenidos 905 · Excarcelados 56 · Fallecidos 2"
DAY = {"country": "VE", "day": "12 de enero de 2026", "url": "https://foro.example.org/boletin"}


@pytest.fixture
def officer(world: World) -> Officer:
    officer = Officer(world)
    officer.sign_in()
    return officer


def sent(officer: Officer, text: str = SUMMARY) -> str:
    """The page of the figures of a file that was sent as a list."""
    officer.open("/desk/list")
    page = officer.fill("/desk/list", {}, files={"file": ("cifras.csv", text.encode())})
    assert page.status_code == 200, page.text
    return page.text


def claims(officer: Officer) -> list[dict[str, Any]]:
    answer = officer.world.get("/v1/claims", "foro").json()["data"]
    return sorted(answer, key=lambda claim: -claim["low"])


def test_a_list_of_figures_shows_each_with_a_guess_and_files_nothing(officer: Officer) -> None:
    before = officer.world.revision
    page = sent(officer)
    assert "This file has 3 figures, and no people" in page
    form = officer.filled(PATH)
    assert [form[f"measure:{place}"] for place in range(3)] == [["held"], ["released"], ["died"]]
    assert officer.world.revision == before


def test_the_chosen_figures_become_claims_of_the_own_source(officer: Officer) -> None:
    sent(officer)
    page = officer.fill(PATH, {**DAY, "measure:2": "", "since": "2026-01-08"})
    assert "2 figures are filed" in page.text
    held, released = claims(officer)
    assert (held["claimant"], held["measure"], held["low"], held["high"]) == ("foro", "held", 905, 905)
    assert (held["country"], held["window_from"], held["window_to"]) == ("VE", None, "2026-01-12")
    assert (released["window_from"], released["window_to"]) == ("2026-01-08", "2026-01-12")
    assert released["citation"]["url"] == DAY["url"]
    assert held["confirmed"]


def test_figures_that_are_sent_twice_are_filed_once(officer: Officer) -> None:
    sent(officer)
    form = officer.filled(PATH) | DAY
    first, again = officer.post(PATH, form), officer.post(PATH, form)
    assert (first.status_code, again.status_code) == (200, 200)
    sent(officer)
    officer.fill(PATH, DAY)
    assert len(claims(officer)) == 3
    before = officer.world.revision
    sent(officer)
    officer.fill(PATH, DAY)
    assert officer.world.revision == before


def test_another_number_for_the_same_day_is_a_correction(officer: Officer) -> None:
    sent(officer, "Detenidos: 905")
    officer.fill(PATH, DAY)
    sent(officer, "Detenidos: 906")
    officer.fill(PATH, DAY)
    assert [claim["low"] for claim in claims(officer)] == [906]


def test_one_figure_printed_twice_is_two_claims(officer: Officer) -> None:
    sent(officer, "Detenidos: 905\nDetenidos: 904")
    officer.fill(PATH, DAY)
    assert [claim["low"] for claim in claims(officer)] == [905, 904]


def test_terms_and_words_of_a_table_come_with_its_figures(officer: Officer) -> None:
    sent(officer, "Centro de reclusión;Detenidos;Detenidos verificados\nEl Rodeo;120;3")
    officer.fill(PATH, DAY)
    first, second = claims(officer)
    assert first["definition"]["terms"] == {"facility": "El Rodeo"}
    assert second["definition"]["population"] == "Detenidos verificados"


@pytest.mark.parametrize(
    "changes, told",
    [
        ({"day": ""}, "Give the day of these figures."),
        ({"day": "mañana"}, "This is not read as a date"),
        ({"country": ""}, "Choose the country of these figures."),
        ({"url": "foro.example.org"}, "Give a whole address"),
        ({"day": "2031-01-01"}, 'id="day-fault"'),
        ({f"measure:{place}": "" for place in range(3)}, "Choose for one figure at least what it counts."),
    ],
)
def test_what_is_wrong_is_told_once_and_nothing_is_lost_or_filed(
    officer: Officer, changes: dict[str, str], told: str
) -> None:
    sent(officer)
    page = officer.fill(PATH, {**DAY, "population:0": "todas", **changes})
    assert page.status_code == 422
    assert told in page.text
    assert 'value="todas"' in page.text
    assert claims(officer) == []
    officer.fill(PATH, {**DAY, "measure:0": "held"})
    assert 905 in [claim["low"] for claim in claims(officer)]


def test_one_faulty_figure_keeps_all_of_them_out(officer: Officer) -> None:
    sent(officer)
    page = officer.fill(PATH, {**DAY, "population:1": "x" * 5_000})
    assert page.status_code == 422
    assert "Excarcelados" in page.text
    assert claims(officer) == []


def test_figures_that_somebody_changed_are_not_read(officer: Officer) -> None:
    sent(officer)
    page = officer.fill(PATH, {**DAY, "figures": "AAAA"})
    assert "No figures were found" in page.text
    assert claims(officer) == []


def test_the_page_speaks_spanish(world: World) -> None:
    officer = Officer(world, "es")
    officer.sign_in()
    assert "Este archivo tiene 3 cifras y ninguna persona" in sent(officer)


def test_people_are_held_on_the_day_of_the_figures_where_their_month_still_runs() -> None:
    assert figures._build_window("2026-01", Measure.HELD, "2026-01-20", "") == {"window_to": "2026-01-20"}
    assert figures._build_window("2025-12", Measure.RELEASED, "2026-01-20", "") == {
        "window_from": "2025-12",
        "window_to": "2025-12",
    }
