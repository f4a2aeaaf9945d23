"""The pages of sources: whom each counts, what it verified alone and with others, and its own figures."""

import re
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.web.charts.source_line import Point
from app.web.rendering import load_catalogue
from app.web.sources import (
    build_line_heading,
    build_published_figures,
    build_source_overlaps,
    build_source_rows,
    build_unknown_source,
    format_date_agreement,
    get_verified_range,
    is_comparable,
)
from tests.support import GOVERNMENT, World

PAGE = {"accept": "text/html"}
CARACAS = ZoneInfo("America/Caracas")
ENGLISH, SPANISH = load_catalogue("en"), load_catalogue("es")
SAID = dict.fromkeys(("verified", "reported", "official_only", "disputed", "refuted", "retracted", "uncertain_date"), 0)
JANUARY_8 = date(2026, 1, 8).toordinal() + 1.0  # its end, as a number of days
HOSTILE = "<script>alert(1)</script> & “" + "ñ" * 100


def behind(address: str) -> str:
    return address.removeprefix("/v1")


def claim(**said: Any) -> dict[str, Any]:
    return {
        "id": "c", "qualifier": "exactly", "low": 41, "high": 41, "stated_at": "2026-01-12T09:00:00-04:00",
        "at": "2026-01-12T13:00:00Z", "window_from": "2026-01-08", "series": "cumulative",
    } | said  # fmt: skip


def test_sources_stand_by_what_they_verified_and_those_that_say_nothing_last() -> None:
    known = {slug: build_unknown_source(slug) for slug in ("a quiet one", "foro", "jep", "ministry")}
    said = (("ministry", {"reported": 1}), ("jep", {"verified": 2}), ("foro", {"verified": 2}), ("new", {"refuted": 1}))
    count = {"groups": [{"by": {"source": slug}, "counts": SAID | numbers, "list": None} for slug, numbers in said]}
    overlap = {
        "sources": [
            {
                "source": "foro",
                "only_this_source": 1,
                "only_list": "/v1/releases?verified_by_match=only&verified_by=foro",
            }
        ]
    }
    rows = build_source_rows(count, overlap, known, behind)
    assert [row.source["slug"] for row in rows] == ["foro", "jep", "ministry", "new", "a quiet one"]
    assert (rows[0].only_this_source, rows[0].only_list_page) == (
        1,
        "/releases?verified_by_match=only&verified_by=foro",
    )
    assert [row.statements for row in rows] == [2, 2, 1, 1, 0]


def test_a_pair_is_told_from_the_side_of_the_source() -> None:
    dates = {"same": 4, "compatible": 0, "different": 1, "unsaid": 0}
    pair = {"a": "foro", "b": "jep", "both": 5, "only_a": 3, "only_b": 1, "dates": dates, "list": None}
    other = {**pair, "b": "pud", "both": 7}
    ours = build_source_overlaps({"pairs": [pair, other]}, "jep", str, SPANISH, behind)
    assert [
        (one.other_slug, one.shared_count, one.only_this_count, one.only_other_count, one.days) for one in ours
    ] == [("foro", 5, 1, 3, "4 con el mismo día, 1 con otro día")]
    assert [
        one.other_slug for one in build_source_overlaps({"pairs": [pair, other]}, "foro", str, SPANISH, behind)
    ] == ["pud", "jep"]
    assert format_date_agreement({"same": 0, "compatible": 0, "different": 0, "unsaid": 0}, ENGLISH) == "none"


def test_a_figure_is_beside_the_line_if_it_counts_from_the_same_day() -> None:
    assert is_comparable(claim(), {"released_from": "2026-01-08"})
    assert not is_comparable(claim(window_from="2025-12"), {"released_from": "2026-01-08"})
    assert not is_comparable(claim(series="batch"), {"released_from": "2026-01-08"})
    assert not is_comparable(claim(window_from=None), {})


@pytest.mark.parametrize(
    "said,is_off",
    [
        ({"low": 41, "high": 41}, False),  # between the ends of two days
        ({"low": 60, "high": 60}, True),
        ({"low": 29, "high": 29}, True),
        ({"low": 41, "high": None, "qualifier": "more_than"}, False),
        ({"low": 51, "high": None, "qualifier": "more_than"}, True),
        ({"low": None, "high": 29, "qualifier": "at_most"}, True),
        ({"low": 10, "high": 35, "qualifier": "between"}, False),
    ],
)
def test_a_figure_is_off_the_line_if_it_is_no_number_of_that_day(said: dict[str, Any], is_off: bool) -> None:
    points = [Point(JANUARY_8 + day, value) for day, value in enumerate((5, 10, 20, 30, 50, 70))]
    (one,) = build_published_figures(
        [claim(**said)], points, SPANISH, CARACAS, lambda claim_id: f"/es/claims/{claim_id}"
    )
    assert (one.is_off, one.address) == (is_off, "/es/claims/c")


def test_a_figure_without_an_hour_is_as_wide_as_its_day() -> None:
    day = claim(stated_at="2026-01-12", at="2026-01-13T03:59:59.999999Z")
    (one,) = build_published_figures([day], [Point(JANUARY_8, 41)], SPANISH, CARACAS, str)
    assert (one.moment, one.end) == (JANUARY_8 + 3, JANUARY_8 + 4)
    (one,) = build_published_figures([claim()], [Point(JANUARY_8, 41)], SPANISH, CARACAS, str)
    assert one.moment == one.end == JANUARY_8 + 3 + 9 / 24


def test_of_a_line_of_weeks_a_day_is_known_as_well_as_its_week() -> None:
    days = [Point(JANUARY_8 + day, 10 * day) for day in range(5)]
    assert [get_verified_range(days, int(JANUARY_8) + day) for day in (-1, 0, 3, 9)] == [
        (0, 0),
        (0, 10),
        (30, 40),
        (40, 40),
    ]
    weeks = [Point(JANUARY_8 + 7, 10), Point(JANUARY_8 + 14, 30)]
    assert [get_verified_range(weeks, int(JANUARY_8) + day) for day in (5, 7, 13)] == [(0, 10), (10, 30), (10, 30)]
    assert get_verified_range([], 1) == (0, 0)


def test_the_heading_says_how_many_figures_are_others() -> None:
    points = [Point(JANUARY_8 + day, 41) for day in range(6)]
    right, wrong = claim(), claim(low=99, high=99)

    def heading(*claims: dict[str, Any], has_line: bool = True) -> str:
        return build_line_heading(
            build_published_figures(claims, points, SPANISH, CARACAS, str), has_line=has_line, words=SPANISH
        )

    assert heading(right, right) == "Las 2 cifras que publicó concuerdan con sus propios registros"
    assert heading(right, wrong) == "Una de las 2 cifras que publicó es distinta de sus propios registros de ese día"
    assert heading(wrong) == "La cifra que publicó es distinta de sus propios registros de ese día"
    assert heading() == "No ha publicado ninguna cifra que cuente lo mismo"
    assert heading(right, has_line=False) == "No verificó ninguna de estas excarcelaciones"


def filed(world: World) -> str:
    """A release that two organisations verified and a government reports; its id."""
    release = str(world.file("foro")["release"]["id"])
    world.verify(release, "jep", verdict="verified", method="family")
    world.verify(release, GOVERNMENT, verdict="verified", method="official_list")
    return release


def test_the_list_says_who_verified_how_many_and_who_is_no_independent_source(world: World) -> None:
    filed(world)
    page = world.client.get("/en/sources?country=VE", headers=PAGE)
    assert page.status_code == 200
    rows = {re.sub(r"<[^>]+>", " ", row).split()[0]: row for row in page.text.split("</table>")[0].split("<tr>")[2:]}
    assert 'href="/en/releases?country=VE' in rows["Foro"]
    assert "government" in rows["Ministry"]
    assert '<span class="of">verified </span>0</td>' in rows["Ministry"]
    assert '<span class="of">reported </span>1</td>' in rows["Ministry"]
    assert "The two large lists share 1" in page.text
    assert "Sources that say nothing of these releases" in page.text


def test_the_numbers_of_the_list_are_the_answers_of_the_api(world: World) -> None:
    filed(world)
    world.file("jep", detainee__full_name="Ulises Barrios", detainee__birth_date="1950")
    page = world.client.get("/en/sources?country=VE", headers=PAGE).text
    for group in world.get("/v1/counts/releases", country="VE", group_by="source").json()["groups"]:
        address = group["list"].replace("/v1", "/en").replace("&", "&amp;")
        label = (
            f'href="{address}" aria-label="{group["counts"]["verified"]}, {group["by"]["source"].title()}, verified"'
        )
        assert (label in page) == (group["counts"]["verified"] > 0)


def test_a_source_in_quarantine_is_told_as_one(world: World) -> None:
    filed(world)
    assert world.client.patch("/v1/sources/foro", json={"quarantined": True}, headers=world.headers("admin")).is_success
    assert "en cuarentena" in world.client.get("/es/sources", headers=PAGE).text
    page = world.client.get("/es/sources/foro", headers=PAGE).text
    assert "Está en cuarentena: lo que dice se muestra, y no cuenta como independiente." in page


def test_a_hostile_name_and_definition_are_text(world: World) -> None:
    filed(world)
    body = {"name": HOSTILE, "definition": HOSTILE}
    assert world.client.patch("/v1/sources/jep", json=body, headers=world.headers("admin")).is_success
    for path in ("/es/sources", "/es/sources/jep", "/es/sources/foro", "/es/corrections"):
        page = world.client.get(path, headers=PAGE)
        assert page.status_code == 200
        assert "<script" not in page.text
        assert "&lt;script&gt;" in page.text


def test_a_source_shows_its_line_its_balance_and_its_corrections(world: World) -> None:
    world.file("foro", source_record_id="1")
    world.file("foro", source_record_id="1", release__kind="pardon")
    figure = {"claimant": "foro", "measure": "released", "qualifier": "exactly", "said": 7, "country": "VE",
              "window_from": "2026-01-08", "stated_at": "2026-03-01T10:00:00Z", "series": "cumulative"}  # fmt: skip
    assert world.post("/v1/claims", figure, "foro").is_success
    for day, said in (("2026-02-01", 90), ("2026-02-20", 80)):
        held = {"claimant": "foro", "measure": "held", "qualifier": "exactly", "said": said, "country": "VE",
                "stated_at": day, "zone": "-04:00"}  # fmt: skip
        assert world.post("/v1/claims", held, "foro").is_success
    page = world.client.get("/en/sources/foro?country=VE&released_from=2026-01-08", headers=PAGE)
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-cache"
    assert "It verified one of these releases" in page.text
    assert "Its published figure is another than its own records of that day" in page.text
    assert "<strong>−10</strong>" in page.text
    assert "kind of release: <del>" in page.text


def test_a_source_that_did_nothing_is_told_in_sentences(world: World) -> None:
    page = world.client.get(f"/es/sources/{GOVERNMENT}", headers=PAGE)
    assert page.status_code == 200
    for sentence in (
        "No verificó ninguna de estas excarcelaciones",
        "No ha dicho a quién cuenta.",
        "No ha publicado dos cifras de personas presas que se puedan comparar.",
        "No hay ninguna reciente que se pueda mostrar.",
        "No cuenta como fuente independiente",
    ):
        assert sentence in page.text


def test_a_figure_that_was_replaced_stands_among_the_corrections_of_its_claimant(world: World) -> None:
    first = {"claimant": GOVERNMENT, "measure": "released", "qualifier": "exactly", "said": 897, "country": "VE"}
    replaced = world.claim(first)
    again = first | {"said": 896, "supersedes": [replaced]}
    world.claim(again)
    page = world.client.get(f"/es/sources/{GOVERNMENT}", headers=PAGE).text
    assert "sustituyó su cifra" in page
    assert "sustituyó su cifra" not in world.client.get("/es/sources/foro", headers=PAGE).text


def test_an_unknown_source_is_told_as_such(world: World) -> None:
    assert world.client.get("/es/sources/nobody", headers=PAGE).status_code == 404
    assert world.client.get("/es/sources/foro?country=nowhere", headers=PAGE).status_code == 422


def test_without_terms_the_country_and_the_beginning_are_those_of_the_settings(world: World) -> None:
    filed(world)
    world.file("jep", detainee__full_name="Ulises Barrios", release__released_on="2025-11-02")
    world.restart_with(country="VE", released_from="2026-01-08")
    assert "from 8 January 2026 on" in world.client.get("/en/sources", headers=PAGE).text
    link = world.get("/v1/counts/releases").json()["links"]["permalink"].replace("/v1/counts/releases", "/en/sources")
    assert "of any day" in world.client.get(link, headers=PAGE).text


def test_its_figures_are_files_too_with_and_without_anything_to_draw(world: World) -> None:
    for _time in range(2):
        for name in ("funnel", "overlap", "source-line"):
            for form, media in (("svg", "image/svg+xml"), ("csv", "text/csv")):
                answer = world.client.get(f"/es/figures/{name}.{form}?country=VE&source=foro")
                assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, media), name
        filed(world)
