"""A figure as a drawing that stands alone: an SVG with its heading, how to read it, and where it comes from.

PNGs of figures, drawn one at a time by a process apart, and kept by what they are drawn from."""

import asyncio
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

from app.errors import Busy, Unavailable
from app.web.charts.text import width_of, wrapped
from app.web.figure import Figure, plain, size_of
from app.web.rendering import STATIC, Catalogue, rendered

MARGIN, APART = 40, 14  # pixels around all, and between heading, drawing and text
# Of each kind of text around the drawing: its size, and how far its lines are apart.
HEADING, CAPTION, FOOT = (22, 28), (13, 18), (12, 16)
MOST_LINES = 1_000  # more than any text has: none is cut
RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
VARIABLE = re.compile(r"var\((--[\w-]+)\)")
COMPOUND = re.compile(r"(?P<tag>[a-z]*)(?P<classes>(?:\.[\w-]+)*)")
OWN = ("file-paper", "file-heading", "file-caption", "file-foot")  # classes of what stands around a drawing
OF_TEXT = ("text", "tspan")
SVG = "{http://www.w3.org/2000/svg}"


@dataclass(frozen=True)
class Block:
    """Lines of text, where each stands."""

    kind: str
    lines: Sequence[tuple[int, str]]


@dataclass(frozen=True)
class StandAlone:
    """`text`: the document. `style`: the rules in it, which its policy allows by their digest. In pixels."""

    text: str
    style: str
    width: int
    height: int


def stand_alone(figure: Figure, words: Catalogue, *, origin: Sequence[str], address: str) -> StandAlone:
    """The wide drawing of a figure as a file. `origin`: lines that say where it comes from; `address`: of its page."""
    drawn = Xml.fromstring(figure.wide)  # noqa: S314 - drawn by a template of ours
    for element in drawn.iter():
        element.tag = element.tag.removeprefix(SVG)
    across, down = size_of(figure.wide)
    drawing = _without_links(drawn)
    top = MARGIN + HEADING[0]
    heading, top = _block("file-heading", figure.title, across, HEADING, top)
    at = top - HEADING[0] + APART
    caption, top = _block("file-caption", str(plain(figure.caption)), across, CAPTION, at + down + APART + CAPTION[0])
    from_where = [*_lines("\n".join(origin), across, FOOT), *_address_lines(address, across)]
    foot, top = _placed("file-foot", from_where, FOOT, top + APART // 2)
    style = "\n".join(needed(rules(), drawn))
    width, height = across + 2 * MARGIN, top - FOOT[1] + MARGIN // 2
    own = {"style": Markup(style), "drawing": Markup(drawing)}  # noqa: S704 - of our sheets and our templates
    text = rendered(
        "standalone.svg", words, figure=figure, blocks=(heading, caption, foot), margin=MARGIN, at=at, across=across,
        down=down, width=width, height=height, **own,
    )  # fmt: skip
    return StandAlone(text, style, width, height)


def _block(kind: str, text: str, across: int, size: tuple[int, int], top: int) -> tuple[Block, int]:
    """A text in lines from `top` on, and where the next line would stand."""
    return _placed(kind, _lines(text, across, size, bold=kind == "file-heading"), size, top)


def _placed(kind: str, lines: Sequence[str], size: tuple[int, int], top: int) -> tuple[Block, int]:
    _letter, apart = size
    return Block(kind, [(top + apart * at, line) for at, line in enumerate(lines)]), top + apart * len(lines)


def _lines(text: str, across: int, size: tuple[int, int], *, bold: bool = False) -> list[str]:
    letter, _apart = size
    return [line for part in text.splitlines() for line in wrapped(part, across, letter, most=MOST_LINES, bold=bold)]


def _address_lines(address: str, across: int) -> list[str]:
    """An address in lines that begin with a mark between its parts: half a number would be read as another. A part that
    is wider than a line goes on in the next."""
    lines = [""]
    for part in re.split(r"(?=[/?&])", address):
        if width_of(lines[-1] + part, FOOT[0]) <= across:
            lines[-1] += part
        else:
            lines += _lines(part, across, FOOT)
    return [line for line in lines if line]


def _without_links(drawn: Xml.Element) -> str:
    """The drawing as text. A file has no links: they lead somewhere from our pages alone."""
    for element in drawn.iter():
        for link in element.iterfind("a"):
            link.tag, link.attrib = "tspan" if element.tag in OF_TEXT else "g", {}
    return Xml.tostring(drawn, encoding="unicode")


@cache
def rules() -> Sequence[tuple[str, str]]:
    """The rules of all sheets that hold anywhere, as selector and declarations, with the values of variables."""
    text = "".join(path.read_text() for path in sorted((STATIC / "css").glob("*.css")))
    found = RULE.findall(_outside_of_conditions(COMMENT.sub("", text)))
    variables = dict(
        re.findall(r"(--[\w-]+):\s*([^;]+);", next(body for name, body in found if name.strip() == ":root"))
    )
    return [
        (selector.strip(), " ".join(VARIABLE.sub(lambda told: variables[told[1]], body).split()))
        for names, body in found
        for selector in names.split(",")
    ]


def _outside_of_conditions(text: str) -> str:
    """A sheet without its @media and the like: those are for pages."""
    kept, depth, dropped = [], 0, False
    for piece in re.split(r"([{}])", text):
        dropped = dropped or (depth == 0 and piece.strip().startswith("@"))
        if not dropped:
            kept.append(piece)
        depth += {"{": 1, "}": -1}.get(piece, 0)
        if dropped and depth == 0 and piece == "}":
            dropped = False
    return "".join(kept)


def needed(all_rules: Iterable[tuple[str, str]], drawn: Xml.Element) -> list[str]:
    """Those rules that hold of something in a drawing, or around it."""
    tags = {"text", *(element.tag for element in drawn.iter())}
    classes = {*OWN, *(one for element in drawn.iter() for one in element.get("class", "").split())}
    return [f"{selector}{{{body}}}" for selector, body in all_rules if _can_hold(selector, tags, classes)]


def _can_hold(selector: str, tags: set[str], classes: set[str]) -> bool:
    parts = [COMPOUND.fullmatch(part) for part in selector.replace(">", " ").split()]
    return all(
        part is not None and (not part["tag"] or part["tag"] in tags) and set(part["classes"].split(".")[1:]) <= classes
        for part in parts
    )


RENDERER = Path(__file__).with_name("raster.py")
ZOOM = 1.5  # sharp on most screens, and light enough for sites that show links: 200 kB, where twice the pixels have 320
MOST_PIXELS = 8_000_000  # of a picture, 32 megabytes while it is drawn: a chart as long as it is wide has six
MOST_SECONDS = 30.0  # that a picture may take, where all others come first on a busy machine
PATIENCE = 8.0  # seconds that somebody waits for one; it is drawn all the same, for whoever asks again
MOST_WAITING = 8  # pictures to be drawn: those are through before a client loses its patience
MOST_KEPT = 16 * 1024 * 1024  # bytes of pictures that are kept: a hundred
RETRY = {"Retry-After": "5"}


class Pictures:
    """Those of one process."""

    def __init__(self) -> None:
        self._turn = asyncio.Semaphore(1)
        self._being_drawn: dict[bytes, asyncio.Task[bytes | None]] = {}
        self._kept: OrderedDict[bytes, bytes] = OrderedDict()
        self._room = MOST_KEPT

    async def of(self, drawing: StandAlone) -> bytes:
        """The picture of a drawing, however many ask for it drawn once. Raises Busy where it takes long."""
        key = hashlib.sha256(drawing.text.encode()).digest()
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        if key not in self._being_drawn:
            if len(self._being_drawn) >= MOST_WAITING:
                raise Busy("Too many pictures are being drawn: ask for this one again in a moment.", headers=RETRY)
            self._being_drawn[key] = asyncio.create_task(self._draw(key, drawing))
        try:
            async with asyncio.timeout(PATIENCE):
                picture = await asyncio.shield(self._being_drawn[key])
        except TimeoutError:
            raise Busy("This picture is being drawn: ask for it again in a moment.", headers=RETRY) from None
        if picture is None:
            raise Unavailable("This figure cannot be drawn as a picture: take its SVG.", headers=RETRY)
        return picture

    async def _draw(self, key: bytes, drawing: StandAlone) -> bytes | None:
        try:
            async with self._turn:
                picture = await run_in_threadpool(drawn_apart, drawing)
        finally:
            del self._being_drawn[key]
        if picture is not None:
            self._keep(key, picture)
        return picture

    def _keep(self, key: bytes, picture: bytes) -> None:
        self._kept[key] = picture
        self._room -= len(picture)
        while self._room < 0:
            _key, oldest = self._kept.popitem(last=False)
            self._room += len(oldest)


def drawn_apart(drawing: StandAlone) -> bytes | None:
    """The picture as another process draws it, which is told nothing else; None where it fails or takes too long."""
    zoom = min(ZOOM, sqrt(MOST_PIXELS / (drawing.width * drawing.height)))
    command = [sys.executable, "-I", str(RENDERER), f"{zoom:.3f}"]
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            command, input=drawing.text.encode(), capture_output=True, timeout=MOST_SECONDS, check=False, env={}
        )
    except subprocess.TimeoutExpired:
        return None
    return done.stdout if done.returncode == 0 else None
