"""What the first page is about where its address does not say: the same rules for every registry."""

from datetime import date
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.web.home.statements import (
    choose_zoom_start,
    find_contested_statement,
    group_statements,
    list_own_figures,
    rank_statements,
)
from app.web.home.texts import format_statement
from app.web.rendering import load_catalogue
from tests.support import Body

CARACAS = ZoneInfo("America/Caracas")
SOURCES = {
    "foro": {"independent": True, "kind": "ngo", "country": "VE"},
    "ministry": {"independent": False, "kind": "government", "country": "VE"},
    "party": {"independent": False, "kind": "opposition", "country": "VE"},
}


def claim(claimant: str | None = "ministry", **said: Any) -> Body:
    usual = {"id": "a", "measure": "released", "country": "VE", "qualifier": "exactly", "low": 9, "high": 9,
             "series": "cumulative", "window_from": None, "stated_at": "2026-01-13"}  # fmt: skip
    body = {**usual, "claimant": claimant, **said}
    return {"at": f"{body['stated_at']}T23:59:59Z" if len(body["stated_at"]) == 10 else body["stated_at"], **body}


def test_a_figure_that_was_printed_with_several_beginnings_is_one_statement() -> None:
    printed = [claim(id=str(n), low=401, high=None, window_from=begin)
               for n, begin in enumerate((None, "2024-12", "2025-12", "2025-12-23", "2024-12"))]  # fmt: skip
    others = [claim(id="z", low=626, high=626, window_from="2025-12", stated_at="2026-01-23")]
    first, second = group_statements([*printed, *others], SOURCES, CARACAS)
    assert first.beginnings == ("2024-12", "2025-12", "2025-12-23")
    assert first.claim["window_from"] == "2025-12"  # the usual one, which others can be set beside
    assert (first.size, second.size) == (401, 626)


def test_only_governments_are_authorities() -> None:
    told = group_statements(
        [claim("foro"), claim("party"), claim(None), claim("nobody"), claim("ministry")], SOURCES, CARACAS
    )
    assert [one.claim["claimant"] for one in told] == ["ministry"]


def test_a_day_is_the_day_that_was_said_whatever_its_zone() -> None:
    (told,) = group_statements([claim(at="2026-01-14T03:59:59Z")], SOURCES, ZoneInfo("UTC"))
    assert (told.day, told.moment) == ("2026-01-13", date(2026, 1, 13).toordinal() + 0.5)
    (told,) = group_statements([claim(stated_at="2026-01-14T03:00:00Z")], SOURCES, CARACAS)
    assert (told.day, told.moment) == ("2026-01-13", date(2026, 1, 13).toordinal() + 23 / 24)


def test_the_contested_figure_is_the_one_farthest_from_what_anybody_had_verified_that_day() -> None:
    claims = [
        claim(id="of one occasion", low=5000, series="batch"),
        claim(id="no least", low=None, high=9000),
        claim(id="farthest where both were published", low=401, high=None),
        claim(id="less far", low=626, stated_at="2026-01-23"),
        claim(id="farther, where nobody published", low=900, stated_at="2026-01-24"),
    ]
    told = group_statements(claims, SOURCES, CARACAS)
    verified = {"2026-01-13": 76, "2026-01-23": 170, "2026-01-24": 100}
    found = find_contested_statement(told, verified, {"2026-01-13", "2026-01-23"})
    assert found is not None
    assert found.id == "farthest where both were published"
    found = find_contested_statement(told, verified, set())
    assert found is not None
    assert found.id == "farther, where nobody published"
    assert find_contested_statement([], {}, set()) is None


def test_a_part_of_a_figure_is_never_the_contested_total_of_its_claimant() -> None:
    (part,) = group_statements([claim(low=406, part_of=[{"claim": "a", "partition": "batches"}])], SOURCES, CARACAS)
    assert find_contested_statement([part], {}, set()) is None


def test_claims_are_shown_by_how_contested_and_how_large_they_are() -> None:
    claims = [claim(id=str(size), low=size, high=size, stated_at=f"2026-01-{10 + number}")
              for number, size in enumerate((10, 40, 30))]  # fmt: skip
    claims.append(claim(id="batch", low=99, series="batch"))
    told = group_statements(claims, SOURCES, CARACAS)
    by_id = {one.id: one for one in told}
    assert [one.id for one in rank_statements(told, by_id["30"], by_id["10"])] == ["30", "10", "40", "batch"]


def test_the_same_number_of_the_same_day_is_one_figure_of_a_source() -> None:
    claims = [
        claim("foro", stated_at="2026-01-12T12:20:00Z", low=53),
        claim("foro", stated_at="2026-01-12", low=53),
        claim("foro", stated_at="2026-01-12", low=54, qualifier="at_least"),
        claim("foro", stated_at="2026-01-12", low=55, window_from="2025-12"),
        claim("ministry", stated_at="2026-01-12", low=56),
    ]
    assert [one["low"] for one in list_own_figures(claims, "foro", None)] == [53]


def test_the_two_days_that_are_told_by_the_hour_are_those_of_most_figures() -> None:
    days = {date(2026, 1, 12): 4, date(2026, 1, 13): 3, date(2026, 1, 14): 2, date(2026, 2, 1): 9}
    assert choose_zoom_start(days, date(2026, 1, 13)) == date(2026, 1, 12)
    assert choose_zoom_start(days, date(2026, 1, 20)) is None
    assert choose_zoom_start(days, None) == date(2026, 1, 31)
    assert choose_zoom_start({}, None) is None


@pytest.mark.parametrize(
    "said,sentence",
    [
        ({}, "El 13 de enero el gobierno dijo que habían salido de prisión 9 personas."),
        ({"low": 1, "high": 1}, "El 13 de enero el gobierno dijo que había salido de prisión 1 persona."),
        (
            {"stated_at": "2025-12-30"},
            "El 30 de diciembre de 2025 el gobierno dijo que habían salido de prisión 9 personas.",
        ),
    ],
)
def test_what_was_said_names_the_year_of_another_one(said: Body, sentence: str) -> None:
    (statement,) = group_statements([claim(**said)], SOURCES, CARACAS)
    page: Any = SimpleNamespace(catalogue=load_catalogue("es"), zone=CARACAS, sources=SOURCES)
    gathered: Any = SimpleNamespace(
        count_now={"at": {"recorded_at": "2026-03-23T16:00:00Z"}}, question=SimpleNamespace(country="VE")
    )
    assert format_statement(page, gathered, statement).striptags() == sentence
