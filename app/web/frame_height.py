"""How high a frame must be in which a figure or a number stands within another page: a frame does not grow with what is
in it, so its code says a height, reckoned from the drawing and the lines of text around it. In CSS pixels."""

from dataclasses import dataclass
from math import ceil

from app.web.charts.text import wrapped

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
