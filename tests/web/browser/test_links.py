"""Whatever a page links to is there, files and pages alike."""

import re
from html import unescape
from urllib.parse import urljoin, urlsplit

import httpx2
import pytest

from tests.web.browser.pages import REFUSED, THOROUGH, address_of, each_page

LINK = re.compile(r'(?:href|src)="([^"]+)"')
MOST = 10_000 if THOROUGH else 40  # of a page: a list has hundreds of one kind


@pytest.fixture(scope="module")
def followed() -> dict[str, int]:
    """What addresses answered: most pages share them."""
    return {}


@each_page
def test_every_link_leads_somewhere(here: str, followed: dict[str, int], name: str, language: str) -> None:
    if name in REFUSED:
        return  # it leads to itself in another language
    start = address_of(here, name, language)
    dead = []
    with httpx2.Client(timeout=30, follow_redirects=True) as client:
        text = client.get(start).text
        named = set(re.findall(r'\bid="([^"]+)"', text))
        addresses = list(dict.fromkeys(urljoin(start, unescape(one)) for one in LINK.findall(text)))
        for address in [one for one in addresses if one.startswith(f"{here}/")][:MOST]:
            page, _hash, fragment = address.partition("#")
            if fragment and page == start and fragment not in named:
                dead.append(f"{address}: no such place")
            if page not in followed:
                followed[page] = client.get(page).status_code
            if followed[page] != 200 and page != start:
                dead.append(f"{urlsplit(page).path}?{urlsplit(page).query} answers {followed[page]}")
    assert not dead, "\n".join(dead)
