"""A figure: the same finding as two drawings, a caption, a table and an alternative text."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from app.formats import lowered
from app.web import frame_height
from app.web.catalogue import Catalogue
from app.web.rendering import rendered

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
        if width - 2 * frame_height.PADDING >= self.across:
            return frame_height.of_figure(width, self.title, size_of(self.wide), str(plain(self.caption)))
        caption = f"{plain(self.caption)} {self.short_names}".strip()
        return frame_height.of_figure(width, self.title, size_of(self.narrow), caption)

    @property
    def framed_anywhere(self) -> int:
        """How high a frame of any width is: where text has least room, and where each drawing is whole."""
        whole = [drawing + 2 * frame_height.PADDING for drawing in (PHONE, self.across)]
        return max(self.framed(width) for width in (frame_height.SMALLEST, *whole))


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
