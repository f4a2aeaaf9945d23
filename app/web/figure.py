"""How high a frame must be in which a figure or a number stands within another page: a frame does not grow with what is
in it, so its code says a height, reckoned from the drawing and the lines of text around it. In CSS pixels.

A figure: the same finding as two drawings, a caption, a table and an alternative text.

A sentence in a chart's place, where there is nothing to draw: never an empty frame."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from markupsafe import Markup

from app.formats import lowered
from app.web.charts.text import wrapped
from app.web.rendering import Catalogue, rendered

PADDING, RULES = 16, 2  # of the frame's page on each side, and the lines above and below it
SMALLEST = 320  # the narrowest frame: that of a small phone
MOST_OF_CAPTION = 609  # the width of a caption: 42 em, as on pages
FURTHER = 26  # margins between heading, drawing, caption and foot
SPARE = 6  # for faces a little larger than those that texts are measured by
MOST_LINES = 1_000  # more than any text has: none is cut here
NUMBER, NUMBER_MARGINS = 79.2, 20  # the large number alone, and what stands between it and the text


@dataclass(frozen=True)
class Type:
    """A kind of text in a frame: the size of its letters, and from one line to the next."""

    size: float
    line: float
    bold: bool = False

    def height_of(self, text: str, room: float) -> float:
        """Of a text in lines of this width."""
        return self.line * len(wrapped(text, room, self.size, most=MOST_LINES, bold=self.bold)) if text else 0


HEADING, CAPTION, FOOT, TEXT, LABEL = (
    Type(21, 26.25, bold=True), Type(14.5, 21.75), Type(14.5, 21.75), Type(17, 25.5), Type(17, 23.8, bold=True),
)  # fmt: skip
# The longest foot: the words differ by a registry's languages and revision, the frame need not know them.
LONGEST_FOOT = "Demonstration, invented people. Recuento, revision 123456789."


def of_figure(width: int, heading: str, drawing: tuple[int, int], caption: str) -> int:
    """A frame of a width around a heading, a drawing so wide and high, and its caption."""
    room = width - 2 * PADDING
    scale = min(1.0, room / drawing[0])
    return _whole(
        HEADING.height_of(heading, room) + drawing[1] * scale
        + CAPTION.height_of(caption, min(room, MOST_OF_CAPTION)), room
    )  # fmt: skip


def of_number(width: int, sentence: str, label: str) -> int:
    """A frame of a width around one number, what it is called, and its sentence."""
    room = width - 2 * PADDING
    return _whole(NUMBER + NUMBER_MARGINS + LABEL.height_of(label, room) + TEXT.height_of(sentence, room), room)


def _whole(inside: float, room: float) -> int:
    return ceil(2 * PADDING + RULES + inside + FURTHER + FOOT.height_of(LONGEST_FOOT, room) + SPARE)


# Units of a drawing, each one CSS pixel: the whole width of the grid, seven and five of its columns, and a phone.
WHOLE, SEVEN, FIVE, PHONE = 1120, 643, 453, 328
VIEW_BOX = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')
Cell = str | int | Markup


@dataclass(frozen=True)
class Figure:
    """`finding`: what it shows, in one sentence with its numbers, for whoever does not see it. `wide` and `narrow`: the
    drawings, as SVG; `short_names`: what names are that the narrow one writes short. `terms`: with which
    `/figures/<name>.svg`, `.csv`, `.png` and `/embed/<name>` draw it again; None where nothing does. `of_person`: it
    shows one person's life, which is no picture for elsewhere. `counted`: what its numbers count, where that is
    narrower than what the first page counts."""

    name: str
    heading: str
    finding: str
    wide: Markup
    narrow: Markup
    caption: str | Markup
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    terms: Mapping[str, Any] | None = field(default_factory=dict)
    files: Sequence[tuple[str, str]] = ()  # further ones: name and address
    short_names: str = ""
    key: Markup | None = None  # the table, where it stands beside the drawing and is read with it
    of_person: bool = False
    counted: str = ""

    @property
    def title(self) -> str:
        """Its heading wherever it stands without its page, which says what is counted."""
        return f"{self.heading} ({lowered(self.counted)})" if self.counted else self.heading

    @property
    def across(self) -> int:
        """How wide the wide drawing is."""
        return size_of(self.wide)[0]

    def framed(self, width: int) -> int:
        """How high a frame of this width is in which it stands whole (`embed.html`)."""
        if width - 2 * PADDING >= self.across:
            return of_figure(width, self.title, size_of(self.wide), str(plain(self.caption)))
        caption = f"{plain(self.caption)} {self.short_names}".strip()
        return of_figure(width, self.title, size_of(self.narrow), caption)

    @property
    def framed_anywhere(self) -> int:
        """How high a frame of any width is: where text has least room, and where each drawing is whole."""
        whole = [drawing + 2 * PADDING for drawing in (PHONE, self.across)]
        return max(self.framed(width) for width in (SMALLEST, *whole))


def size_of(drawn: Markup) -> tuple[int, int]:
    """Across and down, in pixels: one unit of a drawing is one."""
    found = VIEW_BOX.search(drawn)
    assert found is not None, "a drawing says how large it is"
    return round(float(found[1])), round(float(found[2]))


def plain(text: Cell) -> str | int:
    """A cell or a caption without its links."""
    return text.striptags() if isinstance(text, Markup) else text


def drawing(template: str, words: Catalogue, **values: Any) -> Markup:
    """An SVG by its template; what stands in it is escaped there."""
    return Markup(rendered(f"charts/{template}.svg", words, **values))  # noqa: S704 - escaped by the template


def drawings(template: str, words: Catalogue, laid_out: Sequence[Any], **values: Any) -> tuple[Markup, Markup]:
    """The wide and the narrow drawing of one template, which knows them as `drawn`."""
    wide, narrow = (drawing(template, words, drawn=drawn, **values) for drawn in laid_out)
    return wide, narrow


SIZE, LINE, MAX_SENTENCE_LINES = 16, 24, 6


@dataclass(frozen=True)
class Sentence:
    """A drawing of words."""

    width: int
    lines: list[str]

    @property
    def height(self) -> int:
        return LINE * len(self.lines) + 8


def in_place_of_a_chart(text: str, words: Catalogue) -> tuple[Markup, Markup]:
    """The wide and the narrow drawing."""
    laid = [Sentence(width, wrapped(text, width, SIZE, most=MAX_SENTENCE_LINES)) for width in (SEVEN, PHONE)]
    return drawings("sentence", words, laid, text=text)
