"""A figure: the same finding as two drawings, a caption, a table and an alternative text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from app.web.catalogue import Catalogue
from app.web.rendering import rendered

# Units of a drawing, each one CSS pixel: the whole width of the grid, seven and five of its columns, and a phone.
WHOLE, SEVEN, FIVE, PHONE = 1120, 643, 453, 328
Cell = str | int | Markup


@dataclass(frozen=True)
class Figure:
    """`finding`: what it shows, in one sentence with its numbers, for whoever does not see it. `wide` and `narrow`: the
    drawings, as SVG. `terms`: with which `/figures/<name>.svg`, `.csv` and `.png` draw it again."""

    name: str
    heading: str
    finding: str
    wide: Markup
    narrow: Markup
    caption: str | Markup
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    terms: Mapping[str, Any] = field(default_factory=dict)
    files: Sequence[tuple[str, str]] = ()  # name and address


def drawing(template: str, words: Catalogue, **values: Any) -> Markup:
    """An SVG by its template; what stands in it is escaped there."""
    return Markup(rendered(f"charts/{template}.svg", words, **values))  # noqa: S704 - escaped by the template
