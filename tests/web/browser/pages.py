"""The pages that browsers and checkers look at, in both languages. A new page joins here."""

import os
import re
from collections.abc import Callable
from functools import cache
from itertools import cycle
from typing import Any

import httpx2
import pytest

LANGUAGES = ("es", "en")
WIDTHS = (1280, 360)
# `make browse` looks at every page in every language and width; `make test` at each page in one of each.
THOROUGH = os.environ.get("BROWSE") == "thoroughly"
# The figures of January, whose window all of them share.
JANUARY = "country=VE&released_from=2026-01-08"

# By name, addresses without their language. What stands in braces is looked up in PLACES.
PAGES = {
    "home": "/",
    "claims": "/claims",
    "claim": "/claims/{claim}",
    "people": f"/people?{JANUARY}",
    "person": "/people/{person}",
    "releases": f"/releases?{JANUARY}&limit=5&min_sources=2",
    "objection": "/objection",
    "count": f"/counts?{JANUARY}&group_by=source",
    "count of some": f"/counts?{JANUARY}&group_by=release_kind&min_sources=1&verified_by=foro-penal&gender=male",
    "count by days": f"/counts?{JANUARY}&group_by=day",
    "count of the held": "/counts/held?country=VE&group_by=source&group_by=gender",
    "count refused": "/counts?country=Ve&released_from=2026-02&released_to=2026-01&min_sources=0",
    "series": f"/counts/series?{JANUARY}",
    "overlap": f"/counts/overlap?{JANUARY}",
    "estimate": "/estimates/releases?country=VE",
    "citation": "/c/{citation}",
    "earlier citation": "/c/{earlier}",
    "sources": f"/sources?{JANUARY}",
    "source": f"/sources/foro-penal?{JANUARY}",
    "source that only claims": f"/sources/ministerio-interior?{JANUARY}",
    "corrections": "/corrections",
    "data": "/data",
    "about": "/about",
    "desk": "/desk",
    "embedded figure": f"/embed/contested?{JANUARY}",
    "embedded number": f"/embed/number?{JANUARY}",
    "nothing here": "/nothing-here",
}
REFUSED = {"nothing here": 404, "count refused": 422}

Find = Callable[[dict[str, Any]], str]
# What the braces of an address stand for: where the API tells it, and how it is read there.
PLACES: dict[str, tuple[str, Find]] = {
    "claim": ("/v1/claims?claimant=ministerio-interior", lambda told: str(told["data"][0]["id"])),
    "person": (f"/v1/detainees?{JANUARY}&limit=1", lambda told: str(told["data"][0]["id"])),
    "citation": (f"/v1/counts/releases?{JANUARY}", lambda told: str(told["links"]["cite"]).rpartition("/")[2]),
    "earlier": (
        f"/v1/counts/releases?{JANUARY}&as_of=r1310",
        lambda told: str(told["links"]["cite"]).rpartition("/")[2],
    ),
}


def address_of(here: str, name: str, language: str) -> str:
    """The address of a page on a server."""
    path = re.sub(r"\{(\w+)\}", lambda found: _told(here, found[1]), PAGES[name])
    return f"{here}/{language}{path}"


@cache
def _told(here: str, place: str) -> str:
    address, read = PLACES[place]
    answer = httpx2.get(here + address)
    assert answer.status_code == 200, answer.text
    return read(answer.json())


def _in(languages: tuple[str, ...]) -> list[Any]:
    return [pytest.param(name, one, id=f"{name}-{one}") for name in PAGES for one in languages]


def _in_turn() -> list[Any]:
    """Each page in a language, one after the other."""
    return [
        pytest.param(name, language, id=f"{name}-{language}")
        for name, language in zip(PAGES, cycle(LANGUAGES), strict=False)
    ]


each_page = pytest.mark.parametrize("name,language", _in(LANGUAGES if THOROUGH else LANGUAGES[:1]))
each_page_in_turn = pytest.mark.parametrize("name,language", _in(LANGUAGES) if THOROUGH else _in_turn())
# Whose words need most room.
LONGEST = ("home", "claim", "person", "count", "citation", "estimate", "source", "data")
