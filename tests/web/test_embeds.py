"""Embeds and what other sites are told of a page: found by search engines and by oEmbed, within any page, and never
with anything of a person."""

from urllib.parse import quote
from xml.etree import ElementTree as Xml

import pytest

from app.web import figure_files
from app.web import page as page_module
from app.web.figure import Figure
from app.web.figure_files import FigureKind, Terms
from app.web.page import Page
from tests.support import World
from tests.web.test_figure_files import of_a_test

HERE = "https://registry.example"
FOUND = "{http://www.sitemaps.org/schemas/sitemap/0.9}loc"


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    async def whole(page: Page, terms: Terms) -> Figure:
        return of_a_test(page, terms)

    monkeypatch.setitem(figure_files.FIGURE_KINDS, "of-a-test", FigureKind(whole))
    world.restart_with(public_url=HERE)


def test_an_embed_may_stand_within_any_page_and_leaves_it_by_links_alone(world: World) -> None:
    answer = world.client.get("/es/embed/of-a-test?country=VE")
    assert answer.status_code == 200
    assert "frame-ancestors *" in answer.headers["content-security-policy"]
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert "set-cookie" not in answer.headers
    assert '<base target="_blank">' in answer.text
    assert answer.text.count('<a target="_blank" href="/es/releases"') == 2, "links of drawings do not ask the base"
    assert f'href="/es/?country=VE&amp;as_of=r{world.revision}"' in answer.text


def test_a_refused_embed_may_stand_there_too(world: World) -> None:
    answer = world.client.get("/es/embed/number?country=XX1")
    assert answer.status_code == 422
    assert "frame-ancestors *" in answer.headers["content-security-policy"]


def test_a_number_is_that_of_the_api_with_its_sentence(world: World) -> None:
    world.file()
    counted = world.client.get("/v1/counts/releases?country=VE").json()
    answer = world.client.get("/es/embed/number?country=VE")
    assert counted["total"]["verified"] == 1
    assert "1</span> excarcelación verificada" in answer.text
    assert "excarcelación en Venezuela, verificada." in answer.text
    assert f'href="/es/c/{counted["links"]["cite"].rpartition("/")[2]}"' in answer.text
    for query, label in (("detentions", "verified detention"), ("held&held_on=2026-01-08", "person held, verified")):
        assert f"1</span> {label}" in world.client.get(f"/en/embed/number?count={query}").text
    assert world.client.get("/en/embed/number?count=people").status_code == 404


def test_the_code_of_an_embed_is_found_by_its_address(world: World) -> None:
    address = f"{HERE}/en/embed/of-a-test?country=VE&as_of=r0"
    answer = world.client.get(f"/oembed?url={quote(address, safe='')}&format=json&maxwidth=400&maxheight=200")
    code = answer.json()
    assert (code["version"], code["type"], code["width"], code["height"]) == ("1.0", "rich", 400, 200)
    frame = Xml.fromstring(code["html"])
    assert frame.attrib["src"] == address
    assert frame.attrib["referrerpolicy"] == "no-referrer"
    assert frame.attrib["title"].startswith("Three of <script>")
    number = world.client.get("/oembed", params={"url": f"{HERE}/es/embed/number?country=VE"}).json()
    assert number["title"].startswith("Recuento, revisión")


def test_a_frame_is_as_high_as_what_is_in_it_at_its_width(world: World) -> None:
    def height(name: str, width: int) -> int:
        asked = {"url": f"{HERE}/en/embed/{name}", "maxwidth": str(width)}
        return int(world.client.get("/oembed", params=asked).json()["height"])

    assert height("of-a-test", 360) > height("of-a-test", 640) > 100, "its drawing is 100 pixels high"
    assert height("number", 320) > height("number", 640) > 150


@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.example/en/embed/of-a-test",
        f"{HERE}.elsewhere.example/en/embed/of-a-test",
        f"{HERE}@elsewhere.example/en/embed/of-a-test",
        f"{HERE}/en/people/7",
        f"{HERE}/en/embed/none",
        "/en/embed/of-a-test",
        "javascript:alert(1)",
    ],
)
def test_nothing_else_is_embedded(world: World, url: str) -> None:
    assert world.client.get("/oembed", params={"url": url}).status_code == 404


def test_an_embed_comes_as_json_alone(world: World) -> None:
    asked = {"url": f"{HERE}/en/embed/of-a-test", "format": "xml"}
    assert world.client.get("/oembed", params=asked).status_code == 501


def test_a_page_tells_others_where_it_is_and_what_it_says(world: World) -> None:
    page = world.client.get("/es/?as_of=r0&country=VE&fbclid=abc").text
    assert f'<link rel="canonical" href="{HERE}/es/?country=VE">' in page
    assert f'<meta property="og:url" content="{HERE}/es/?as_of=r0&amp;country=VE">' in page
    assert '<meta property="og:title" content="Aquí no hay registrada ninguna excarcelación">' in page
    assert '<meta name="description" content="Ninguna autoridad ha publicado' in page
    assert 'type="application/atom+xml" title="Correcciones" href="/v1/corrections.atom?lang=es"' in page
    assert world.client.get("/v1/corrections.atom?lang=es").status_code == 200


def test_a_registry_that_does_not_know_its_address_tells_none(world: World) -> None:
    world.restart_with(public_url="")
    page = world.client.get("/es/").text
    assert "canonical" not in page
    assert "og:" not in page
    assert world.client.get("/sitemap.xml").status_code == 404
    assert "Sitemap" not in world.client.get("/robots.txt").text


def test_pages_of_people_tell_nothing_to_others(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_module, "PERSONAL_PATHS", ("/",))
    page = world.client.get("/es/").text
    assert '<meta name="robots" content="noindex, noarchive">' in page
    assert "og:" not in page
    assert "canonical" not in page


def test_a_page_that_is_not_there_is_not_kept_by_search_engines(world: World) -> None:
    page = world.client.get("/es/nada").text
    assert '<meta name="robots" content="noindex, noarchive">' in page
    assert "og:title" not in page


def test_robots_are_kept_from_people(world: World) -> None:
    told = world.client.get("/robots.txt").text.splitlines()
    closed = tuple(line.removeprefix("Disallow: ") for line in told if line.startswith("Disallow: "))
    for path in ("/v1/detainees/7", "/v1/releases", "/es/people", "/en/people/7", "/en/releases?q=x", "/es/desk/"):
        assert path.startswith(closed), path
    for path in ("/es/", "/en/claims/7", "/es/sources/foro", "/es/figures/contested.png", "/es/counts", "/oembed"):
        assert not path.startswith(closed), path
    assert f"Sitemap: {HERE}/sitemap.xml" in told


def test_the_sitemap_has_pages_of_numbers_and_nobody(world: World) -> None:
    filed = world.file()
    said = {"claimant": "ministry", "measure": "released", "qualifier": "exactly", "said": 3, "country": "VE"}
    claim = world.post("/v1/claims", {**said, "stated_at": "2026-01-12"}, "ministry").json()
    answer = world.client.get("/sitemap.xml")
    assert answer.headers["content-type"] == "application/xml"
    found = {element.text for element in Xml.fromstring(answer.text).iter(FOUND)}
    assert {f"{HERE}/es/", f"{HERE}/en/claims/{claim['id']}", f"{HERE}/es/sources/foro"} <= found
    assert "people" not in answer.text
    assert filed["detainee"]["id"] not in answer.text
