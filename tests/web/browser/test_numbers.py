"""Every number on a page is the API's: whoever follows it finds it, behind its link and in the API's own answer."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2

from tests.web.browser.conftest import Visitor
from tests.web.browser.pages import THOROUGH, each_page

# A list page, and the count whose terms are the list's own.
COUNTED = {"releases": "releases", "detentions": "detentions", "held": "held", "people": "releases"}
LINKS = """() => [...document.querySelectorAll('main :is(a.number, svg a)')].filter(one => one.getClientRects().length)
  .map(one => [one.textContent.trim(), one.getAttribute('href'), one.getAttribute('aria-label')])"""
MOST = 1_000 if THOROUGH else 12


@dataclass(frozen=True)
class Linked:
    number: int
    path: str
    query: str
    name: str | None


def linked(visitor: Visitor, name: str, language: str) -> list[Linked]:
    found = visitor.opens(name, language).evaluate(LINKS)
    told = []
    for text, address, spoken in found:
        number = re.sub(r"[.,\s]", "", text)
        if number.isdigit():
            parts = urlsplit(address)
            told.append(Linked(int(number), parts.path, parts.query, spoken))
    return told


@each_page
def test_a_number_is_that_of_the_count_and_of_the_page_behind_it(visitor: Visitor, name: str, language: str) -> None:
    wrong = []
    with httpx2.Client(base_url=visitor.here) as client:
        for link in list(dict.fromkeys(linked(visitor, name, language)))[:MOST]:
            _nothing, _language, kind, *_further = link.path.split("/")
            if link.name is not None and not re.search(
                rf"\b{link.number}\b", re.sub(r"(?<=\d)[.,](?=\d{3})", "", link.name)
            ):
                wrong.append(f"{link.name!r} does not name {link.number}")
            behind = client.get(f"{link.path}?{link.query}")
            if behind.status_code != 200:
                wrong.append(f"{link.number} leads to {link.path}?{link.query}, which answers {behind.status_code}")
            if kind in COUNTED:
                count = client.get(f"/v1/counts/{COUNTED[kind]}?{link.query}").json()
                if link.number not in numbers_of(count):
                    wrong.append(f"{link.number} at {link.path}?{link.query} is {count.get('total')} to the API")
    assert not wrong, "\n".join(wrong)


def numbers_of(count: dict[str, Any]) -> set[int]:
    """What a list of these terms may be called by: how many rows it means, how many people, how many are verified."""
    return {number for number in count.get("total", {}).values() if isinstance(number, int)}
