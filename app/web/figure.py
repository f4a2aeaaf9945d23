"""A figure: two drawings of one finding, with a caption, a table and an alternative text.

The module also estimates the height of a frame that embeds a figure or a number: a frame does not grow with its
content, so the embed code states a height, from the drawing and its lines of text. If there is nothing to draw,
`draw_sentence` fills the place with a sentence. All lengths are in CSS pixels.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

from markupsafe import Markup

from app.formats import lower_first_letter
from app.web.charts.text import wrap_text
from app.web.rendering import Catalogue, render_template

PADDING, BORDERS = 16, 2  # left and right padding each, and both borders added up
MIN_FRAME_WIDTH = 320  # a small phone
MAX_CAPTION_WIDTH = 609  # 42 em, as on pages
INNER_MARGINS = 26  # margins between heading, drawing, caption and foot
SPARE_HEIGHT = 6  # for fonts slightly larger than the estimate
MAX_FRAME_LINES = 1_000  # more than any text has: nothing is cut
NUMBER_HEIGHT, NUMBER_MARGINS = 79.2, 20  # the large number, and its margins


@dataclass(frozen=True)
class TextStyle:
    """A text style in a frame: font size and line height."""

    size: float
    line_height: float
    bold: bool = False

    def measure_height(self, text: str, width: float) -> float:
        """Return the height of a text wrapped to a width."""
        return (
            self.line_height * len(wrap_text(text, width, self.size, max_lines=MAX_FRAME_LINES, bold=self.bold))
            if text
            else 0
        )


HEADING, CAPTION, FOOT, TEXT, LABEL = (
    TextStyle(21, 26.25, bold=True), TextStyle(14.5, 21.75), TextStyle(14.5, 21.75), TextStyle(17, 25.5),
    TextStyle(17, 23.8, bold=True),
)  # fmt: skip
# The longest possible foot: it depends on language and revision, which a frame's height should not.
LONGEST_FOOT = "Demonstration, invented people. Recuento, revision 123456789."


def measure_figure_frame(width: int, heading: str, drawing: tuple[int, int], caption: str) -> int:
    """Return the height of a frame of a width around a heading, a drawing of a size, and its caption."""
    inner_width = width - 2 * PADDING
    scale = min(1.0, inner_width / drawing[0])
    return _add_frame(
        HEADING.measure_height(heading, inner_width) + drawing[1] * scale
        + CAPTION.measure_height(caption, min(inner_width, MAX_CAPTION_WIDTH)), inner_width
    )  # fmt: skip


def measure_number_frame(width: int, sentence: str, label: str) -> int:
    """Return the height of a frame of a width around one number, its label, and its sentence."""
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


# Widths of drawings: the whole grid, seven and five of its columns, and a phone.
FULL_WIDTH, SEVEN_COLUMNS_WIDTH, FIVE_COLUMNS_WIDTH, PHONE_WIDTH = 1120, 643, 453, 328
VIEW_BOX = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')
Cell = str | int | Markup


@dataclass(frozen=True)
class Figure:
    """A figure with everything a page, a file or an embed needs.

    `finding`: a sentence with the numbers shown, for readers who cannot see it. `wide`, `narrow`: the drawings as
    SVG. `terms`: the query with which `/figures/<name>.svg`, `.csv`, `.png` and `/embed/<name>` draw it again; None
    if there are no such files. `short_names`: explains the names that the narrow drawing abbreviates. `is_personal`:
    it shows one person's life, so it has no picture for other sites. `count_scope`: what its numbers count, if that
    is narrower than the first page's count.
    """

    name: str
    heading: str
    finding: str
    wide: Markup
    narrow: Markup
    caption: str | Markup
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    terms: Mapping[str, Any] | None = field(default_factory=dict)
    files: Sequence[tuple[str, str]] = ()  # additional files: name and address
    short_names: str = ""
    key: Markup | None = None  # replaces the table if it is shown next to the drawing
    is_personal: bool = False
    count_scope: str = ""

    @property
    def title(self) -> str:
        """Its heading outside its page, which names what is counted."""
        return f"{self.heading} ({lower_first_letter(self.count_scope)})" if self.count_scope else self.heading

    @property
    def wide_width(self) -> int:
        """The width of the wide drawing."""
        return parse_size(self.wide)[0]

    def measure_frame(self, width: int) -> int:
        """Return the height that a frame of this width needs to show all of the figure (`embed.html`)."""
        if width - 2 * PADDING >= self.wide_width:
            return measure_figure_frame(width, self.title, parse_size(self.wide), str(strip_links(self.caption)))
        caption = f"{strip_links(self.caption)} {self.short_names}".strip()
        return measure_figure_frame(width, self.title, parse_size(self.narrow), caption)

    @property
    def max_frame_height(self) -> int:
        """The height sufficient at any width: at the narrowest text, and at the full size of each drawing."""
        full_widths = [drawing + 2 * PADDING for drawing in (PHONE_WIDTH, self.wide_width)]
        return max(self.measure_frame(width) for width in (MIN_FRAME_WIDTH, *full_widths))


def parse_size(svg: Markup) -> tuple[int, int]:
    """Return width and height in pixels: one unit of a drawing is one pixel."""
    match = VIEW_BOX.search(svg)
    assert match is not None, "a drawing says how large it is"
    return round(float(match[1])), round(float(match[2]))


def strip_links(text: Cell) -> str | int:
    """Return a cell or a caption without its links."""
    return text.striptags() if isinstance(text, Markup) else text


def render_drawing(template: str, words: Catalogue, **values: Any) -> Markup:
    """Render an SVG from its template, which escapes its values."""
    return Markup(render_template(f"charts/{template}.svg", words, **values))  # noqa: S704 - escaped by the template


def render_drawings(template: str, words: Catalogue, layouts: Sequence[Any], **values: Any) -> tuple[Markup, Markup]:
    """Render the wide and the narrow drawing with one template, each from its `layout`."""
    wide, narrow = (render_drawing(template, words, drawn=layout, **values) for layout in layouts)
    return wide, narrow


SIZE, LINE, MAX_SENTENCE_LINES = 16, 24, 6


@dataclass(frozen=True)
class Sentence:
    """A drawing of text only."""

    width: int
    lines: list[str]

    @property
    def height(self) -> int:
        return LINE * len(self.lines) + 8


def draw_sentence(text: str, words: Catalogue) -> tuple[Markup, Markup]:
    """Return the wide and the narrow drawing of a sentence."""
    layouts = [
        Sentence(width, wrap_text(text, width, SIZE, max_lines=MAX_SENTENCE_LINES))
        for width in (SEVEN_COLUMNS_WIDTH, PHONE_WIDTH)
    ]
    return render_drawings("sentence", words, layouts, text=text)
