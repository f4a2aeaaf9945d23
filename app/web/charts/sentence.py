"""A sentence in a chart's place, where there is nothing to draw: never an empty frame."""

from dataclasses import dataclass

from markupsafe import Markup

from app.web.catalogue import Catalogue
from app.web.charts.text import wrapped
from app.web.figure import PHONE, SEVEN, drawings

SIZE, LINE, MOST_LINES = 16, 24, 6


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
    laid = [Sentence(width, wrapped(text, width, SIZE, most=MOST_LINES)) for width in (SEVEN, PHONE)]
    return drawings("sentence", words, laid, text=text)
