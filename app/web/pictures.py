"""Figures as files: a standalone SVG with heading, caption and origin, and its PNG.

PNGs are rendered one at a time in a subprocess, by turns of clients, and cached by a digest of their drawing.
"""

import hashlib
import re
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from math import sqrt
from pathlib import Path
from xml.etree import ElementTree as Xml

from fastapi.concurrency import run_in_threadpool
from markupsafe import Markup

from app.api.middleware.concurrency import acquire_lane
from app.errors import Unavailable
from app.lanes import Lane
from app.web.charts.text import measure_text, wrap_text
from app.web.figure import Figure, parse_size, strip_links
from app.web.rendering import STATIC_FOLDER, Catalogue, render_template

MARGIN, SPACING = 40, 14  # px around everything, and between heading, drawing and text
# Font size and line height of each text around the drawing, in px.
HEADING, CAPTION, FOOT = (22, 28), (13, 18), (12, 16)
MAX_TEXT_LINES = 1_000  # more than any text has: nothing is cut
CSS_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
CSS_VARIABLE = re.compile(r"var\((--[\w-]+)\)")
COMPOUND_SELECTOR = re.compile(r"(?P<tag>[a-z]*)(?P<classes>(?:\.[\w-]+)*)")
OWN_CLASSES = ("file-paper", "file-heading", "file-caption", "file-foot")  # of the text around a drawing
TEXT_TAGS = ("text", "tspan")
SVG_NAMESPACE = "{http://www.w3.org/2000/svg}"


@dataclass(frozen=True)
class TextBlock:
    """Lines of text with their positions."""

    kind: str
    lines: Sequence[tuple[int, str]]


@dataclass(frozen=True)
class StandaloneDrawing:
    """A standalone SVG. `text`: the document; `style`: its CSS, which the content security policy allows by digest;
    sizes in pixels."""

    text: str
    style: str
    width: int
    height: int


def build_standalone_drawing(
    figure: Figure, words: Catalogue, *, origin: Sequence[str], address: str
) -> StandaloneDrawing:
    """Build a file from a figure's wide drawing. `origin`: lines naming its origin; `address`: of its page."""
    root = Xml.fromstring(figure.wide)  # noqa: S314 - rendered by our template
    for element in root.iter():
        element.tag = element.tag.removeprefix(SVG_NAMESPACE)
    drawing_width, drawing_height = parse_size(figure.wide)
    drawing = _remove_links(root)
    top = MARGIN + HEADING[0]
    heading, top = _build_block("file-heading", figure.title, drawing_width, HEADING, top)
    drawing_top = top - HEADING[0] + SPACING
    caption, top = _build_block(
        "file-caption",
        str(strip_links(figure.caption)),
        drawing_width,
        CAPTION,
        drawing_top + drawing_height + SPACING + CAPTION[0],
    )
    origin_lines = [*_wrap_lines("\n".join(origin), drawing_width, FOOT), *_wrap_address(address, drawing_width)]
    foot, top = _position_lines("file-foot", origin_lines, FOOT, top + SPACING // 2)
    style = "\n".join(select_rules(load_css_rules(), root))
    width, height = drawing_width + 2 * MARGIN, top - FOOT[1] + MARGIN // 2
    markup = {"style": Markup(style), "drawing": Markup(drawing)}  # noqa: S704 - from our stylesheets and templates
    text = render_template(
        "standalone.svg", words, figure=figure, blocks=(heading, caption, foot), margin=MARGIN,
        drawing_top=drawing_top, drawing_width=drawing_width,
        drawing_height=drawing_height, width=width, height=height, **markup,
    )  # fmt: skip
    return StandaloneDrawing(text, style, width, height)


def _build_block(kind: str, text: str, width: int, size: tuple[int, int], top: int) -> tuple[TextBlock, int]:
    """Place a wrapped text from `top`; also return the y of the next line."""
    return _position_lines(kind, _wrap_lines(text, width, size, bold=kind == "file-heading"), size, top)


def _position_lines(kind: str, lines: Sequence[str], size: tuple[int, int], top: int) -> tuple[TextBlock, int]:
    _font_size, line_height = size
    return TextBlock(
        kind, [(top + line_height * index, line) for index, line in enumerate(lines)]
    ), top + line_height * len(lines)


def _wrap_lines(text: str, width: int, size: tuple[int, int], *, bold: bool = False) -> list[str]:
    font_size, _line_height = size
    return [
        line
        for part in text.splitlines()
        for line in wrap_text(part, width, font_size, max_lines=MAX_TEXT_LINES, bold=bold)
    ]


def _wrap_address(address: str, width: int) -> list[str]:
    """Wrap an address before its separators: half a number would be read as another. A part that is wider than a line
    is broken."""
    lines = [""]
    for part in re.split(r"(?=[/?&])", address):
        if measure_text(lines[-1] + part, FOOT[0]) <= width:
            lines[-1] += part
        else:
            lines += _wrap_lines(part, width, FOOT)
    return [line for line in lines if line]


def _remove_links(root: Xml.Element) -> str:
    """Return the drawing as text without links: they are relative to our pages."""
    for element in root.iter():
        for link in element.iterfind("a"):
            link.tag, link.attrib = "tspan" if element.tag in TEXT_TAGS else "g", {}
    return Xml.tostring(root, encoding="unicode")


@cache
def load_css_rules() -> Sequence[tuple[str, str]]:
    """Return all unconditional CSS rules as (selector, declarations), with variables resolved."""
    text = "".join(path.read_text() for path in sorted((STATIC_FOLDER / "css").glob("*.css")))
    matches = CSS_RULE.findall(_remove_conditional_rules(CSS_COMMENT.sub("", text)))
    variables = dict(
        re.findall(r"(--[\w-]+):\s*([^;]+);", next(body for name, body in matches if name.strip() == ":root"))
    )
    return [
        (selector.strip(), " ".join(CSS_VARIABLE.sub(lambda match: variables[match[1]], body).split()))
        for names, body in matches
        for selector in names.split(",")
    ]


def _remove_conditional_rules(text: str) -> str:
    """Remove `@media` and other conditional rules of a stylesheet: they are for pages."""
    pieces, depth, is_skipping = [], 0, False
    for piece in re.split(r"([{}])", text):
        is_skipping = is_skipping or (depth == 0 and piece.strip().startswith("@"))
        if not is_skipping:
            pieces.append(piece)
        depth += {"{": 1, "}": -1}.get(piece, 0)
        if is_skipping and depth == 0 and piece == "}":
            is_skipping = False
    return "".join(pieces)


def select_rules(all_rules: Iterable[tuple[str, str]], root: Xml.Element) -> list[str]:
    """Return the rules that match something in a drawing, or the text around it."""
    tags = {"text", *(element.tag for element in root.iter())}
    classes = {*OWN_CLASSES, *(name for element in root.iter() for name in element.get("class", "").split())}
    return [f"{selector}{{{body}}}" for selector, body in all_rules if _may_match(selector, tags, classes)]


def _may_match(selector: str, tags: set[str], classes: set[str]) -> bool:
    parts = [COMPOUND_SELECTOR.fullmatch(part) for part in selector.replace(">", " ").split()]
    return all(
        part is not None and (not part["tag"] or part["tag"] in tags) and set(part["classes"].split(".")[1:]) <= classes
        for part in parts
    )


RENDERER = Path(__file__).with_name("rasterizer.py")
ZOOM = 1.5  # sharp on most screens at 200 kB, good for link previews; 2.0 would take 320 kB
MAX_PIXELS = 8_000_000  # 32 MB while rendering; a square chart has 6 million
MAX_RENDER_SECONDS = 30.0  # rendering has the lowest priority on a busy machine
MAX_CACHE_BYTES = 16 * 1024 * 1024  # about a hundred pictures
RETRY_HEADERS = {"Retry-After": "5"}


class PictureRenderer:
    """The renderer of a process: a lane and a cache of PNGs."""

    def __init__(self, lane: Lane) -> None:
        self._lane = lane
        self._cache: OrderedDict[bytes, bytes] = OrderedDict()
        self._free_bytes = MAX_CACHE_BYTES

    async def render(self, drawing: StandaloneDrawing) -> bytes:
        """Return the PNG of a drawing. Each client waits for its own turn, even if another asked for the same before.
        Raises Busy."""
        key = hashlib.sha256(drawing.text.encode()).digest()
        if key not in self._cache:
            async with acquire_lane("pictures", self._lane):
                if key not in self._cache:
                    picture = await run_in_threadpool(render_in_subprocess, drawing)
                    if picture is None:
                        raise Unavailable(
                            "This figure cannot be drawn as a picture: take its SVG.", headers=RETRY_HEADERS
                        )
                    self._store(key, picture)
                    return picture
        self._cache.move_to_end(key)
        return self._cache[key]

    def _store(self, key: bytes, picture: bytes) -> None:
        self._cache[key] = picture
        self._free_bytes -= len(picture)
        while self._free_bytes < 0:
            _key, oldest = self._cache.popitem(last=False)
            self._free_bytes += len(oldest)


def render_in_subprocess(drawing: StandaloneDrawing) -> bytes | None:
    """Render a PNG in a subprocess that gets nothing but the drawing; None if it fails or times out."""
    zoom = min(ZOOM, sqrt(MAX_PIXELS / (drawing.width * drawing.height)))
    command = [sys.executable, "-I", str(RENDERER), f"{zoom:.3f}"]
    try:
        result = subprocess.run(  # noqa: S603 - our own program
            command, input=drawing.text.encode(), capture_output=True, timeout=MAX_RENDER_SECONDS, check=False, env={}
        )
    except subprocess.TimeoutExpired:
        return None
    return result.stdout if result.returncode == 0 else None
