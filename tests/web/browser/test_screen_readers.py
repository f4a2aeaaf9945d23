"""The journeys of `docs/screen-readers.md` are walked as they are written there, key by key, and heard word by word."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.api.serving import serving
from tests.databases import Templates, settings_of
from tests.web.browser.conftest import Visitor
from tests.web.browser.hearing import Hearing

DOCUMENT = Path(__file__).parents[3] / "docs" / "screen-readers.md"
STEP = re.compile(r"^\| `(.+?)` \| (.+) \|$", re.MULTILINE)
KEY = "rcn_…"


@pytest.fixture
def desk(templates: Templates) -> Iterator[tuple[str, str]]:
    """A server whose registry is empty, and the key of an officer."""
    template, keys = templates.world("sqlite")
    with templates.copy("sqlite", template) as url, serving(settings_of(url)) as here:
        yield here, keys["foro"]


def journeys() -> dict[str, list[tuple[str, str]]]:
    """Their steps, by their headings: what is pressed, and what is said then."""
    _before, *parts = re.split(r"^## ", DOCUMENT.read_text(), flags=re.MULTILINE)
    return {part.partition("\n")[0]: STEP.findall(part) for part in parts}


def walked(visitor: Visitor, here: str, steps: list[tuple[str, str]], key: str = "") -> list[tuple[str, str]]:
    hearing = Hearing(visitor.context().new_page())
    heard = []
    for pressed, _said in steps:
        opened = pressed.removeprefix("open ")
        if opened != pressed:
            heard.append((pressed, hearing.opens(here + opened)))
        else:
            heard.append((pressed, hearing.presses(pressed.replace(KEY, key)).replace(key or KEY, KEY)))
    return heard


@pytest.mark.parametrize("name", ["What is contested, and by how much", "A number, and how it is cited"])
def test_a_reader_hears_what_is_written_down(visitor: Visitor, name: str) -> None:
    steps = journeys()[name]
    assert walked(visitor, visitor.here, steps) == steps


def test_an_officer_hears_what_is_wrong_and_where(browser: Browser, desk: tuple[str, str]) -> None:
    here, key = desk
    officer = Visitor(browser, here)
    steps = journeys()["A release, with an error on the way"]
    assert walked(officer, here, steps, key) == steps
    officer.leaves()
    assert officer.wrong == []
