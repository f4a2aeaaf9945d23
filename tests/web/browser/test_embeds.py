"""The code of an embed gives its frame a height in which all of it stands, whatever room another page has for it."""

import html
import re
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.web.browser.conftest import Visitor

WIDTHS = (320, 360, 640, 1120, 1300)
CODE = re.compile(r'src="(?P<address>[^"]+)".* height="(?P<height>\d+)"')
# Further down or across than the frame: what is not seen without a bar to scroll.
HIDDEN = "[document.documentElement.scrollHeight - innerHeight, document.documentElement.scrollWidth - innerWidth]"


# Whose figures say by which terms they are narrower, in headings of many lines.
NARROWER = "country=VE&released_from=2026-01-08&released_to=2026-02-28&min_sources=2&net=true&status=verified"


def test_nothing_of_a_figure_is_cut_in_its_frame(visitor: Visitor) -> None:
    codes = visitor.opens("home").locator(".embed pre").all_text_contents()
    assert len(codes) > 4
    assert cut_in_its_frame(visitor, codes) == []


@pytest.mark.parametrize("address", ["sources?", "sources/foro-penal?", "counts?group_by=release_kind&"])
def test_nothing_of_a_narrower_figure_is_cut_in_its_frame(visitor: Visitor, address: str) -> None:
    page = visitor.goes(f"{visitor.here}/es/{address}{NARROWER}")
    codes = page.locator(".embed pre").all_text_contents()
    assert len(codes) == 1
    assert cut_in_its_frame(visitor, codes) == []


def cut_in_its_frame(visitor: Visitor, codes: list[str]) -> list[Any]:
    """Where something of an embed stands outside its frame, by address and width."""
    wrong: list[Any] = []
    for code in map(html.unescape, codes):
        told = CODE.search(code)
        assert told is not None, code
        address, height = urlsplit(html.unescape(told["address"])), int(told["height"])
        page = visitor.goes(f"{visitor.here}{address.path}?{address.query}", width=WIDTHS[0], height=height)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": height})
            if (hidden := page.evaluate(HIDDEN)) != [0, 0]:
                wrong.append((address.path, width, hidden))
    return wrong
