"""What readers come for, from the first page on: somebody, a number, and how to cite it. With a browser as plain as it
can be: no script, or no mouse."""

import re
from time import sleep
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree as Xml

import httpx2
import pytest
from playwright.sync_api import Page

from tests.web.browser.conftest import Visitor
from tests.web.browser.pages import LANGUAGES

in_each_language = pytest.mark.parametrize("language", LANGUAGES)
NAME = {"es": "Personas", "en": "People"}
SEPARATED = re.compile(r"(?<=\d)[.,](?=\d{3})")


def told(page: Page, selector: str = "main") -> str:
    """What a page says, with numbers as the API writes them."""
    return SEPARATED.sub("", page.locator(selector).inner_text())


@in_each_language
def test_a_reader_finds_somebody_without_script(visitor: Visitor, language: str) -> None:
    page = visitor.goes(f"{visitor.here}/{language}/", java_script_enabled=False)
    page.get_by_role("navigation").get_by_role("link", name=NAME[language]).click()
    page.locator("[name=q]").fill("carvajal quinterro")  # spelt otherwise
    page.locator("form:has([name=q])").get_by_role("button").first.click()
    found = page.locator("main a[href*='/people/']").first
    name = found.inner_text()
    assert "Carvajal Quintero" in name
    found.click()
    assert name in page.get_by_role("heading", level=1).inner_text()
    person = urlsplit(page.url).path.rpartition("/")[2]
    facts = httpx2.get(f"{visitor.here}/v1/detainees/{person}").json()["facts"]
    assert facts, "who says what"
    assert page.locator("meta[name=robots][content*=noindex]").count() == 1


@in_each_language
def test_a_reader_counts_and_cites_without_script(visitor: Visitor, language: str) -> None:
    page = visitor.goes(f"{visitor.here}/{language}/counts", java_script_enabled=False)
    page.locator("[name=country]").select_option("VE")
    page.locator("[name=released_from]").fill("2026-01-08")
    page.locator("[name=group_by]").first.select_option("source")
    page.locator("form:has([name=group_by])").get_by_role("button").first.click()
    asked = parse_qs(urlsplit(page.url).query)
    assert (asked["country"], asked["group_by"]) == (["VE"], ["source"])
    count = httpx2.get(f"{visitor.here}/v1/counts/releases?country=VE&released_from=2026-01-08&group_by=source").json()
    shown = told(page)
    for number in (count["total"]["cases"], *(group["counts"]["verified"] for group in count["groups"])):
        assert re.search(rf"\b{number}\b", shown), number
    address = page.locator(".cite .address").inner_text().strip()
    assert address == count["links"]["cite"]
    page.goto(address)
    assert urlsplit(page.url).path.startswith(f"/{language}/c/") or page.locator("h1").count() == 1
    assert re.search(rf"\b{count['total']['releases']}\b", told(page, "h1"))


def test_another_language_shows_the_same_numbers(visitor: Visitor) -> None:
    page = visitor.goes(f"{visitor.here}/es/counts?country=VE&released_from=2026-01-08&as_of=r2000")
    spanish = sorted(re.findall(r"\d+", told(page, ".then-and-now")))
    page.locator("header a[hreflang=en]").click()
    assert urlsplit(page.url).path == "/en/counts"
    assert "as_of=r2000" in page.url
    assert page.locator("html").get_attribute("lang") == "en"
    assert spanish == sorted(re.findall(r"\d+", told(page, ".then-and-now"))) != []


def test_a_reader_counts_by_keys_alone(visitor: Visitor) -> None:
    page = visitor.goes(f"{visitor.here}/es/")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#content", "the first stop leads past the navigation"
    page.goto(f"{visitor.here}/es/counts")
    for _step in range(200):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "country":
            break
    page.keyboard.type("Venez")
    page.keyboard.press("Enter")
    for _step in range(300):
        if page.evaluate("document.activeElement.matches('form:has([name=group_by]) button')"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**country=VE**")
    total = httpx2.get(f"{visitor.here}/v1/counts/releases?country=VE").json()["total"]
    assert re.search(rf"\b{total['releases']}\b", told(page))


def fetched(address: str) -> httpx2.Response:
    """What is there, asked again as a client does that is told to wait: a busy machine draws pictures last."""
    for _try in range(10):
        answer = httpx2.get(address, timeout=30)
        if answer.status_code != 429:
            break
        sleep(float(answer.headers["retry-after"]))
    return answer


@in_each_language
def test_a_figure_goes_with_its_numbers_to_another_page(visitor: Visitor, language: str) -> None:
    """By its code, as files, and as what stands for the page where somebody links to it."""
    page = visitor.goes(f"{visitor.here}/{language}/", java_script_enabled=False)
    embed = page.locator("details.embed").first
    embed.locator("summary").click()
    frame = Xml.fromstring(embed.locator("pre").inner_text())
    heading = page.locator(".figure .finding").first.inner_text()
    files = [one.get_attribute("href") for one in page.locator(".files a").all()]
    image = page.locator("meta[property='og:image']").get_attribute("content")
    framed = visitor.goes(frame.attrib["src"])
    assert framed.get_by_role("heading", level=1).inner_text() == heading
    assert "as_of=" in frame.attrib["src"]
    assert image is not None
    for address in (image, *(f"{visitor.here}{one}" for one in files)):
        answer = fetched(address)
        assert answer.status_code == 200, address
        assert answer.content
