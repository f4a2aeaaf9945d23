"""A figure in the name of a ministry is told by no page until it is confirmed, and no claim turns the first page."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest

from app.config import Settings
from app.web.home import data
from tests.support import JANUARY, Body, World

PAGE = {"accept": "text/html"}
MANY: Body = {
    "claimant": "ministry", "measure": "released", "qualifier": "more_than", "said": 808, "series": "cumulative",
    "window_from": "2026-01-08", "stated_at": "2026-01-14", "country": "VE",
    "citation": {"url": "https://diario.example/ochocientos"},
}  # fmt: skip
# The first page, its chart, the rows under it, the page and the line of the ministry, and of an organisation.
PAGES = (
    "/es/", "/en/", "/es/embed/contested?country=VE&released_from=2026-01-08",
    "/es/embed/source-rows?country=VE&released_from=2026-01-08", "/es/sources/ministry", "/es/sources/foro",
    "/es/embed/source-line?source=ministry&country=VE&released_from=2026-01-08",
)  # fmt: skip


@pytest.fixture
def registry(settings: Settings) -> Iterator[World]:
    """Two organisations verify releases in Venezuela, of which the government gives a number of its own."""
    with World(settings, JANUARY) as made:
        made.restart_with(country="VE", released_from="2026-01-08", public_url="https://recuento.example")
        made.now = datetime(2026, 1, 10, 15, tzinfo=UTC)
        for who in ("foro", "jep"):
            made.file(who, release__released_on="2026-01-09")
        made.now = datetime(2026, 1, 20, 15, tzinfo=UTC)
        claim(made, "ministry", said=40, stated_at="2026-01-13", citation=None)
        yield made


def claim(world: World, who: str, **more: Any) -> str:
    answer = world.post("/v1/claims", {**MANY, **more}, who)
    assert answer.is_success, answer.text
    return str(answer.json()["id"])


def told(world: World, path: str) -> str:
    """A page without its revision, which every entry changes, and without ids."""
    answer = world.client.get(path, headers=PAGE)
    assert answer.status_code in (200, 404), answer.text
    varying = (
        r"as_of(=|%3D)r\d+|recuento-\d+-[\w-]{6}|revisi[oó]n \d+|leaf(=|%3D)\w+|/c/[\w-]+|[\da-f]{8}(-[\da-f]{4,12}){4}"
    )
    return re.sub(varying, "", unescape(answer.text), flags=re.I)


def headline(world: World, path: str) -> str:
    found = re.search(r'<meta property="og:title" content="([^"]*)"', world.client.get(path, headers=PAGE).text)
    assert found is not None
    return unescape(found[1])


def test_a_figure_in_the_name_of_a_ministry_is_on_no_page_of_numbers_until_it_is_confirmed(registry: World) -> None:
    before = {path: "808" in told(registry, path) for path in PAGES}
    titles = {path: headline(registry, path) for path in ("/es/", "/es/sources/ministry")}
    assert not any(before.values())
    assert "más de 40" in titles["/es/"].replace("\N{NO-BREAK SPACE}", " ")
    hearsay = claim(registry, "foro")
    claim(registry, "foro", qualifier="unquantified", said=None, stated_at="2026-01-15")
    assert {path: "808" in told(registry, path) for path in PAGES} == before
    assert {path: headline(registry, path) for path in titles} == titles
    rows = f"/es/embed/source-rows?country=VE&released_from=2026-01-08&claim={hearsay}"
    assert "808" not in registry.client.get(rows, headers=PAGE).text.split("<figcaption")[0].split("<svg")[-1]
    assert registry.client.get(f"/es/embed/reconciliation?claim={hearsay}").status_code == 404
    registry.add_second_curator()
    assert registry.post(f"/v1/claims/{hearsay}/confirmation", None, "second curator").is_success
    assert "más de 808" in headline(registry, "/es/").replace("\N{NO-BREAK SPACE}", " ")
    assert "808" in told(registry, PAGES[2])
    assert registry.client.get(f"/es/embed/reconciliation?claim={hearsay}").status_code == 200


def test_hearsay_is_listed_and_compared_as_filed_by_its_source(registry: World) -> None:
    hearsay = claim(registry, "foro")
    for language, label, title in (
        ("es", "según la presentó Foro, que cita diario.example", "Una cifra que nadie ha confirmado"),
        ("en", "as filed by Foro, citing diario.example", "A figure that nobody has confirmed"),
    ):
        for path in (f"/{language}/claims", f"/{language}/claims/{hearsay}"):
            assert label in unescape(registry.client.get(path, headers=PAGE).text), path
        assert headline(registry, f"/{language}/claims/{hearsay}") == title
    assert registry.get(f"/v1/claims/{hearsay}/reconciliation").json()["now"]["total"]["cases"] == 1


def test_claims_of_a_government_about_another_country_do_not_turn_the_first_page(registry: World) -> None:
    registry.restart_with(country=None, released_from=None)
    before = headline(registry, "/es/")
    for day in range(1, 9):
        claim(registry, "ministry", country="NI", stated_at=f"2026-01-0{day}", window_from=None, citation=None)
    for who in ("foro", "foro", "foro"):  # of one source alone
        registry.file(who, detention__country="NI", release__released_on="2026-01-09")
    assert headline(registry, "/es/") == before
    assert "Venezuela" in registry.client.get("/es/", headers=PAGE).text


def test_however_much_hearsay_is_filed_it_hides_no_confirmed_figure(
    registry: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The correction on the first page is told as the ministry printed it."""
    monkeypatch.setattr(data, "MAX_CLAIMS", 2)
    corrected: Body = {"source_record_id": "M-1", "citation": None, "stated_at": "2026-01-12"}
    for number in (50, 60):
        claim(registry, "ministry", said=number, **corrected)
    before = told(registry, "/es/")
    for number in range(3):
        claim(registry, "foro", said=70, source_record_id=f"F-{number}")
    assert told(registry, "/es/") == before


def test_a_country_of_the_settings_without_releases_can_be_chosen(registry: World) -> None:
    registry.restart_with(country="CU")
    page = registry.client.get("/es/", headers=PAGE).text
    assert '<option value="CU" selected>' in page


def test_the_first_page_is_about_the_country_where_two_sources_verified_most_of_late(registry: World) -> None:
    registry.restart_with(country=None, released_from=None)
    for birth in ("1961", "1972"):
        for who in ("foro", "jep"):
            registry.file(
                who, detainee__full_name=f"Ramiro Osorio {birth}", detainee__birth_date=birth,
                detention__country="NI", release__released_on="2025-06-02",
            )  # fmt: skip
    page = registry.client.get("/es/", headers=PAGE).text
    assert '<option value="VE" selected>' in page
    registry.restart_with(country="NI", released_from="2025-06")
    page = registry.client.get("/es/", headers=PAGE).text
    assert '<option value="NI" selected>' in page
    assert 'placeholder="2025-06"' in page
