"""The code of an embed gives its frame a height in which all of it stands, whatever room another page has for it."""

import html
import re
from typing import Any
from urllib.parse import urlsplit

from tests.web.browser.conftest import Visitor

WIDTHS = (320, 360, 640, 1120, 1300)
CODE = re.compile(r'src="(?P<address>[^"]+)".* height="(?P<height>\d+)"')
# Further down or across than the frame: what is not seen without a bar to scroll.
HIDDEN = "[document.documentElement.scrollHeight - innerHeight, document.documentElement.scrollWidth - innerWidth]"


def test_nothing_of_a_figure_is_cut_in_its_frame(visitor: Visitor) -> None:
    codes = [html.unescape(code) for code in visitor.opens("home").locator(".embed pre").all_text_contents()]
    assert len(codes) > 4
    wrong: list[Any] = []
    for code in codes:
        told = CODE.search(code)
        assert told is not None, code
        address, height = urlsplit(html.unescape(told["address"])), int(told["height"])
        page = visitor.goes(f"{visitor.here}{address.path}?{address.query}", width=WIDTHS[0], height=height)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": height})
            if (hidden := page.evaluate(HIDDEN)) != [0, 0]:
                wrong.append((address.path, width, hidden))
    assert not wrong
