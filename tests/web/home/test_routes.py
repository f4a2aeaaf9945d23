"""The first page says in one sentence what is contested, whatever the registry holds, and only what the API says."""

import datetime as dt
import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import Any

import pytest

from app.config import Settings
from app.registry import directory
from tests import support
from tests.support import JANUARY, Body, World

PAGE = {"accept": "text/html"}
HOSTILE = '<script>alert(1)</script> "Señora" & نص 🕊 %(who)s {0} ' + "á" * 60
NAMES = ("Abelardo Quintero", "Berenice Urdaneta", "Casimiro Lozada", "Dorotea Bracho", "Evaristo Marcano")


def at(world: World, moment: str) -> None:
    world.now = dt.datetime.fromisoformat(moment)


def claim(world: World, claimant: str = "ministry", **said: Any) -> str:
    usual = {"measure": "released", "qualifier": "exactly", "series": "cumulative", "window_from": "2026-01-08"}
    body = {"claimant": claimant, "country": "VE", **usual, **said}
    return world.claim(body)


def file(world: World, who: str, number: int, released: str = "2026-01-09") -> None:
    world.file(
        who,
        detainee__full_name=NAMES[number],
        detainee__birth_date=str(1950 + 7 * number),
        release__released_on=released,
    )


def shown(world: World, path: str = "/es/") -> str:
    """A page, without its markup."""
    answer = world.client.get(path, headers=PAGE)
    assert answer.status_code == 200, answer.text
    body = answer.text.split("<main")[1]
    return unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", body))).replace("\N{NO-BREAK SPACE}", " ")


def headline(world: World, path: str = "/es/") -> str:
    answer = world.client.get(path, headers=PAGE)
    assert answer.status_code == 200, answer.text
    found = re.search(r"<h1>(.*?)</h1>", answer.text, re.DOTALL)
    assert found is not None
    return unescape(re.sub(r"<[^>]*>", "", found[1])).replace("\N{NO-BREAK SPACE}", " ")


@pytest.fixture
def registry(settings: Settings) -> Iterator[World]:
    """A registry that has begun on 1 January."""
    with World(settings, JANUARY) as made:
        made.restart_with(country="VE", released_from="2026-01-08")
        yield made


@pytest.fixture
def contested(registry: World) -> World:
    """Two organisations verify, a government claims: with a beginning and without, more than there is."""
    at(registry, "2026-01-09T15:00:00Z")
    for number in range(3):
        file(registry, "foro", number)
    file(registry, "jep", 0)
    at(registry, "2026-01-21T15:00:00Z")
    claim(registry, "foro", low=3, high=3, stated_at="2026-01-12T09:00:00Z")
    claim(registry, "jep", low=1, high=1, stated_at="2026-01-12T10:00:00Z")
    claim(registry, "foro", low=3, high=3, stated_at="2026-01-13")
    claim(registry, qualifier="more_than", said=40, stated_at="2026-01-13", window_from=None)
    claim(registry, qualifier="more_than", said=40, stated_at="2026-01-13", window_from="2025-12")
    claim(registry, low=90, high=90, stated_at="2026-01-20", window_from="2025-12")
    at(registry, "2026-02-01T15:00:00Z")
    file(registry, "foro", 3, "2026-01-30")
    return registry


def test_the_headline_says_what_was_said_and_what_had_been_verified_that_day(contested: World) -> None:
    assert headline(contested) == (
        "El 13 de enero el gobierno dijo que habían salido de prisión «más de 40» personas. "
        "Ese día las organizaciones habían verificado 3 y 1; hoy, 4 y 1"
    )
    assert headline(contested, "/en/") == (
        "On 13 January the government said that “more than 40” people had left prison. "
        "That day the organisations had verified 3 and 1; today, 4 and 1"
    )


def test_the_first_words_after_it_say_what_does_not_match(contested: World) -> None:
    page = shown(contested)
    assert (
        "No cuentan lo mismo. Las organizaciones cuentan desde el 8 de enero de 2026; el gobierno, desde diciembre de "
        "2025, cuando dice desde cuándo."
    ) in page
    assert "sus 90 del 20 de enero de 2026 tenían ese día al lado 3 excarcelaciones verificadas" in page
    assert "Las otras 87 no las había verificado ninguna. No quiere decir que no ocurrieran." in page


def test_a_figure_of_a_day_before_the_first_report_stands_beside_what_sources_say_of_that_day(
    contested: World,
) -> None:
    file(contested, "foro", 4, "2026-01-05")
    claim(contested, low=90, high=90, stated_at="2026-01-08", window_from="2025-12")
    answer = contested.client.get("/es/")
    assert answer.status_code == 200
    assert "8 ene 2026" in answer.text


def test_sides_that_count_since_the_same_day_are_not_told_apart(contested: World) -> None:
    page = shown(contested, "/es/?released_from=2025-12")
    assert "No cuentan lo mismo" not in page
    assert "cuentan desde diciembre de 2025; el gobierno también, cuando dice desde cuándo." in page


def test_the_numbers_of_the_page_are_those_of_the_api_at_its_revision(contested: World) -> None:
    page = contested.client.get("/es/", headers=PAGE).text
    for address in re.findall(r'href="(/es/releases\?[^"]*)"', page):
        listed = contested.client.get(unescape(address).replace("/es", "/v1", 1)).json()
        assert f"as_of=r{listed['at']['revision']}" in address
    now = contested.count(country="VE", released_from="2026-01-08", group_by="source")
    assert [group["counts"]["verified"] for group in now["groups"]] == [4, 1]
    assert f"Revisión {now['at']['revision']}." in shown(contested)


def test_a_page_of_the_past_tells_what_was_known_then(contested: World) -> None:
    assert headline(contested, "/es/?as_of=2026-01-21") == (
        "El 13 de enero el gobierno dijo que habían salido de prisión «más de 40» personas. "
        "Ese día las organizaciones habían verificado 3 y 1; al 21 ene, 15:00, 3 y 1"
    )


def test_every_beginning_that_was_printed_is_told(contested: World) -> None:
    page = shown(contested)
    assert "Desde cuándo cuenta cada cifra" in page
    assert "«más de 40»: desde diciembre de 2025" in page
    assert "las organizaciones" in page


def test_days_of_many_figures_are_told_by_the_hour(contested: World) -> None:
    claim(contested, "foro", low=2, high=2, stated_at="2026-01-12T07:00:00Z")
    page = shown(contested)
    assert "En dos días, cuatro cifras de dos organizaciones. Cada una vale a su hora" in page
    assert "2 el 12 ene a las 7:00, 3 a las 9:00 y 3 el 13 ene, sin hora: no son tres versiones, son tres horas" in page


def test_one_organisation_is_told_by_its_name(registry: World) -> None:
    at(registry, "2026-01-12T15:00:00Z")
    file(registry, "foro", 0)
    claim(registry, low=9, high=9, stated_at="2026-01-12", window_from="2026-01-08")
    at(registry, "2026-01-20T15:00:00Z")
    file(registry, "foro", 1)
    assert headline(registry, "/es/?released_from=2026-01-08") == (
        "El 12 de enero el gobierno dijo que habían salido de prisión 9 personas. "
        "Ese día Foro había verificado 1; hoy, 2"
    )
    assert "No cuentan lo mismo" not in shown(registry, "/es/?released_from=2026-01-08")


def test_without_claims_the_headline_says_who_verified_how_many(registry: World) -> None:
    at(registry, "2026-01-12T15:00:00Z")
    file(registry, "foro", 0)
    assert headline(registry) == "Foro ha verificado 1 excarcelación"
    assert "Ninguna autoridad ha publicado una cifra que se pueda poner al lado." in shown(registry)
    file(registry, "jep", 1)
    assert headline(registry) == "Las organizaciones han verificado 1 y 1 excarcelaciones"


def test_what_is_only_reported_is_told_as_reported(registry: World) -> None:
    at(registry, "2026-01-12T15:00:00Z")
    registry.file("foro", verification={"verdict": "reported"})
    assert headline(registry) == "Se reportó 1 excarcelación, que ninguna fuente independiente ha verificado"


def test_a_claim_that_nobody_verified_anything_of_is_told_so(registry: World) -> None:
    at(registry, "2026-01-12T15:00:00Z")
    claim(registry, low=9, high=9, stated_at="2026-01-12")
    assert headline(registry) == (
        "El 12 de enero el gobierno dijo que habían salido de prisión 9 personas. "
        "Ninguna fuente independiente ha verificado ninguna."
    )


@pytest.mark.parametrize("path", ["/es/", "/en/"])
def test_an_empty_registry_is_told_in_a_sentence(registry: World, path: str) -> None:
    assert "<svg" not in registry.client.get(path, headers=PAGE).text
    assert headline(registry, "/es/") == "Aquí no hay registrada ninguna excarcelación"
    assert "Aquí no se ha corregido nada." in shown(registry, "/es/")
    assert "antes del primer registro" in shown(registry, "/es/?as_of=r0&country=VE")


def test_the_government_of_another_country_is_told_by_its_name(contested: World) -> None:
    contested.client.patch(
        "/v1/sources/ministry", json={"country": "AR"}, headers=contested.headers("admin")
    ).raise_for_status()
    assert headline(contested).startswith(
        "El 13 de enero Ministry dijo que habían salido de prisión «más de 40» personas."
    )


@pytest.mark.parametrize(
    "said",
    [
        {"qualifier": "at_most", "high": 12},
        {"qualifier": "fewer_than", "said": 12},
        {"qualifier": "about", "low": 12, "high": 12},
        {"qualifier": "between", "low": 10, "high": 20},
        {"qualifier": "at_least", "low": 12},
        {"qualifier": "exactly", "low": 2, "high": 2},
        {"qualifier": "unquantified"},
    ],
)
def test_a_claim_of_every_kind_is_drawn(contested: World, said: Body) -> None:
    claim(contested, stated_at="2026-01-25", window_from="2025-12", **said)
    claim(contested, stated_at=None, window_from="2025", low=5, high=5)
    assert "<svg" in contested.client.get("/es/", headers=PAGE).text


def test_hostile_names_are_only_text(contested: World) -> None:
    for slug in ("foro", "ministry"):
        contested.client.patch(
            f"/v1/sources/{slug}", json={"name": HOSTILE}, headers=contested.headers("admin")
        ).raise_for_status()
    page = contested.client.get("/es/", headers=PAGE).text
    assert "<script>alert" not in page
    assert "%(who)s {0}" in page
    assert "<bdi>&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert 'aria-label="4, &lt;script&gt;' in page


def test_the_question_can_be_changed_without_a_script(contested: World) -> None:
    page = contested.client.get("/es/?country=VE&released_from=2026-01-10", headers=PAGE).text
    assert '<form method="get" action="/es/">' in page
    assert '<option value="VE" selected>Venezuela</option>' in page
    assert 'name="released_from" value="2026-01-10"' in page
    assert contested.client.get("/es/?country=&released_from=&as_of=", headers=PAGE).status_code == 200
    assert contested.client.get("/es/?country=xx&released_from=soon", headers=PAGE).status_code == 422


def test_corrections_are_told_with_what_stood_before(contested: World) -> None:
    old = claim(contested, low=897, high=897, stated_at="2026-01-28", window_from="2025-12")
    claim(contested, low=896, high=896, stated_at="2026-01-29", window_from="2025-12", supersedes=[old])
    page = shown(contested)
    assert "Ministry sustituyó su cifra: antes 897 → después 896" in page
    assert "antes había dicho 897" in page


def test_long_registries_are_told_in_weeks_or_months(registry: World) -> None:
    """More days on which something was recorded than a series may count."""
    for day in range(70):
        at(registry, (dt.datetime(2026, 1, 9, 15, tzinfo=dt.UTC) + dt.timedelta(days=day)).isoformat())
        if day == 40:
            file(registry, "foro", 0)
            claim(registry, low=9, high=9, stated_at=registry.now.date().isoformat(), window_from="2025-12")
        claim(registry, "jep", measure="held", series=None, low=day, high=day, stated_at="2026-01-01", window_from=None)
    assert headline(registry, "/es/?released_from=2026-01-08") == (
        "El 18 de febrero el gobierno dijo que habían salido de prisión 9 personas. "
        "Ese día Foro había verificado 1; hoy, 1"
    )


@pytest.mark.parametrize("further", ["", "&released_to=2026-02-01", "&release_kind=amnesty"])
def test_a_figure_elsewhere_leads_to_a_page_that_is_there(contested: World, further: str) -> None:
    narrowed = ("funnel", "overlap", "people", "source-rows")
    for name in narrowed if further else ("contested", *narrowed):
        page = contested.client.get(f"/es/embed/{name}?country=VE&released_from=2026-01-08{further}").text
        address = unescape(page.split('<footer class="from">')[1].split('href="')[1].split('"')[0])
        assert contested.client.get(address).status_code == 200, address


@pytest.mark.parametrize("count", [1, 2])
def test_a_registry_with_few_sources_shows_every_page_of_numbers(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr(support, "INDEPENDENT", support.INDEPENDENT[:count])
    monkeypatch.setattr(support, "GOVERNMENT", support.INDEPENDENT[0])
    monkeypatch.setattr(directory, "add_source", without_governments(directory.add_source))
    with World(settings, JANUARY) as world:
        world.restart_with(country="VE", released_from="2026-01-08")
        at(world, "2026-01-10T15:00+00:00")
        file(world, support.INDEPENDENT[0], 0)
        at(world, "2026-01-12T15:00+00:00")
        assert len(world.get("/v1/sources").json()["data"]) == count
        pages = ("", "counts", "counts/releases", "counts/detentions", "sources", "people", "releases", "data")
        for path in (*(f"/es/{name}" for name in pages), "/es/embed/contested?country=VE"):
            assert world.client.get(path, headers=PAGE).status_code == 200, path
        assert "Banda gris" not in shown(world)


def without_governments(add_source: Callable[..., Any]) -> Callable[..., Any]:
    """Let no government be added."""

    def add(context: Any, body: Any) -> Any:
        return None if body.kind == "government" else add_source(context, body)

    return add


def test_reports_that_await_review_are_named_below_the_headline(registry: World) -> None:
    at(registry, "2026-01-12T12:00:00-04:00")
    file(registry, "foro", 0)
    registry.trust("foro", 0)
    file(registry, "foro", 1)
    assert headline(registry, "/en/") == "Foro has verified 1 release"
    assert "1 report awaits review by a curator" in shown(registry, "/en/")
