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

from app.formats import lower_first_letter
from app.web.charts.text import wrap_text
from app.web.rendering import Catalogue, render_template

PADDING, BORDERS = 16, 2  # of the frame's page on each side, and the lines above and below it
MIN_FRAME_WIDTH = 320  # the narrowest frame: that of a small phone
MAX_CAPTION_WIDTH = 609  # the width of a caption: 42 em, as on pages
INNER_MARGINS = 26  # margins between heading, drawing, caption and foot
SPARE_HEIGHT = 6  # for faces a little larger than those that texts are measured by
MAX_FRAME_LINES = 1_000  # more than any text has: none is cut here
NUMBER_HEIGHT, NUMBER_MARGINS = 79.2, 20  # the large number alone, and what stands between it and the text


@dataclass(frozen=True)
class TextStyle:
    """A kind of text in a frame: the size of its letters, and from one line to the next."""

    size: float
    line_height: float
    bold: bool = False

    def measure_height(self, text: str, width: float) -> float:
        """Of a text in lines of this width."""
        return (
            self.line_height * len(wrap_text(text, width, self.size, max_lines=MAX_FRAME_LINES, bold=self.bold))
            if text
            else 0
        )


HEADING, CAPTION, FOOT, TEXT, LABEL = (
    TextStyle(21, 26.25, bold=True), TextStyle(14.5, 21.75), TextStyle(14.5, 21.75), TextStyle(17, 25.5),
    TextStyle(17, 23.8, bold=True),
)  # fmt: skip
# The longest foot: the words differ by a registry's languages and revision, the frame need not know them.
LONGEST_FOOT = "Demonstration, invented people. Recuento, revision 123456789."


def measure_figure_frame(width: int, heading: str, drawing: tuple[int, int], caption: str) -> int:
    """A frame of a width around a heading, a drawing so wide and high, and its caption."""
    inner_width = width - 2 * PADDING
    scale = min(1.0, inner_width / drawing[0])
    return _add_frame(
        HEADING.measure_height(heading, inner_width) + drawing[1] * scale
        + CAPTION.measure_height(caption, min(inner_width, MAX_CAPTION_WIDTH)), inner_width
    )  # fmt: skip


def measure_number_frame(width: int, sentence: str, label: str) -> int:
    """A frame of a width around one number, what it is called, and its sentence."""
    inner_width = width - 2 * PADDING
    return _add_frame(
        NUMBER_HEIGHT
        + NUMBER_MARGINS
        + LABEL.measure_height(label, inner_width)
        + TEXT.measure_height(sentence, inner_width),
        inner_width,
    )


def _add_frame(content_height: float, inner_width: float) -> int:
    return ceil(
        2 * PADDING
        + BORDERS
        + content_height
        + INNER_MARGINS
        + FOOT.measure_height(LONGEST_FOOT, inner_width)
        + SPARE_HEIGHT
    )


# Units of a drawing, each one CSS pixel: the whole width of the grid, seven and five of its columns, and a phone.
FULL_WIDTH, SEVEN_COLUMNS_WIDTH, FIVE_COLUMNS_WIDTH, PHONE_WIDTH = 1120, 643, 453, 328
VIEW_BOX = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')
Cell = str | int | Markup


@dataclass(frozen=True)
class Figure:
    """`finding`: what it shows, in one sentence with its numbers, for whoever does not see it. `wide` and `narrow`: the
    drawings, as SVG; `explain_short_names`: what names are that the narrow one writes short. `terms`: with which
    `/figures/<name>.svg`, `.csv`, `.png` and `/embed/<name>` draw it again; None where nothing does. `is_personal`: it
    shows one person's life, which is no picture for elsewhere. `count_scope`: what its numbers count, where that is
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
    is_personal: bool = False
    count_scope: str = ""

    @property
    def title(self) -> str:
        """Its heading wherever it stands without its page, which says what is counted."""
        return f"{self.heading} ({lower_first_letter(self.count_scope)})" if self.count_scope else self.heading

    @property
    def wide_width(self) -> int:
        """How wide the wide drawing is."""
        return parse_size(self.wide)[0]

    def measure_frame(self, width: int) -> int:
        """How high a frame of this width is in which it stands whole (`embed.html`)."""
        if width - 2 * PADDING >= self.wide_width:
            return measure_figure_frame(width, self.title, parse_size(self.wide), str(strip_links(self.caption)))
        caption = f"{strip_links(self.caption)} {self.short_names}".strip()
        return measure_figure_frame(width, self.title, parse_size(self.narrow), caption)

    @property
    def max_frame_height(self) -> int:
        """How high a frame of any width is: where text has least room, and where each drawing is whole."""
        full_widths = [drawing + 2 * PADDING for drawing in (PHONE_WIDTH, self.wide_width)]
        return max(self.measure_frame(width) for width in (MIN_FRAME_WIDTH, *full_widths))


def parse_size(svg: Markup) -> tuple[int, int]:
    """Across and down, in pixels: one unit of a drawing is one."""
    match = VIEW_BOX.search(svg)
    assert match is not None, "a drawing says how large it is"
    return round(float(match[1])), round(float(match[2]))


def strip_links(text: Cell) -> str | int:
    """A cell or a caption without its links."""
    return text.striptags() if isinstance(text, Markup) else text


def render_drawing(template: str, words: Catalogue, **values: Any) -> Markup:
    """An SVG by its template; what stands in it is escaped there."""
    return Markup(render_template(f"charts/{template}.svg", words, **values))  # noqa: S704 - escaped by the template


def render_drawings(template: str, words: Catalogue, layouts: Sequence[Any], **values: Any) -> tuple[Markup, Markup]:
    """The wide and the narrow drawing of one template, which knows them as `layout`."""
    wide, narrow = (render_drawing(template, words, drawn=layout, **values) for layout in layouts)
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


def draw_sentence(text: str, words: Catalogue) -> tuple[Markup, Markup]:
    """The wide and the narrow drawing."""
    layouts = [
        Sentence(width, wrap_text(text, width, SIZE, max_lines=MAX_SENTENCE_LINES))
        for width in (SEVEN_COLUMNS_WIDTH, PHONE_WIDTH)
    ]
    return render_drawings("sentence", words, layouts, text=text)
