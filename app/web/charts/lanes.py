"""Since when each figure counts: a line for each, from its beginning to the moment at which it was stated."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.web.charts.marks import Canvas, Circle, Run
from app.web.charts.scale import Linear
from app.web.charts.text import wrapped

SIZE, LINE = 13, 16  # px of type, and from one line of words to the next
MOST_LINES = 3  # of the words of a lane: the table has all
BESIDE, ABOVE = 21, 37  # px of a lane, with its words beside it and above it
UNSAID = 46  # px of the dashes of a figure that does not say since when it counts
HEADING = 52  # px from the axis to the first lane
GUTTER_NARROW = 4  # px from the edge of a narrow drawing to the earliest of the beginnings before the chart
GUTTER = 98  # px that they have in a wide one
TO_WORDS = 10  # px from the end of a lane to its words

Words = list[tuple[float, list[Run]]]  # lines, and how far each stands from where the words begin


@dataclass(frozen=True)
class Lane:
    """`begins`: every beginning that was printed with the figure, the first first; none where nobody said. `said`: when
    it was stated; None goes on to the end. `figure`: the number, in bold; `words`: since when."""

    figure: str
    words: str
    begins: tuple[float, ...]
    said: float | None
    is_claim: bool = True


def lanes(canvas: Canvas, heading: str, shown: Sequence[Lane], x: Linear, *, narrow: bool) -> None:
    """Draw the lanes beneath what is drawn, and make the drawing so much higher."""
    if not shown:
        return
    top = canvas.height
    canvas.text(0, top + 20, Run(heading, "strong", size=SIZE, bold=True))
    earlier = _gutter(shown, x, GUTTER_NARROW if narrow else x.start - GUTTER)
    words = [_words(lane, canvas.width if narrow else canvas.width - _end(lane, x) - 2 - TO_WORDS) for lane in shown]
    heights = [(ABOVE if narrow else BESIDE) + LINE * (len(lines) - 1) for lines in words]
    first = top + HEADING + (8 if narrow else 0)
    if narrow:  # words stand above their lane
        places = [first + sum(heights[: at + 1]) - heights[0] + LINE * (len(words[0]) - 1) for at in range(len(shown))]
    else:
        places = [first + sum(heights[:at]) for at in range(len(shown))]
        canvas.path(f"M{x.start:.1f} {top + 30:.1f}V{places[-1] + 12:.1f}", "grid")
    for lane, lines, y in zip(shown, words, places, strict=True):
        _lane(canvas, lane, y, x, earlier)
        start, base = (0.0, y - 9 - LINE * (len(lines) - 1)) if narrow else (_end(lane, x) + TO_WORDS, y + 4)
        for at, (indent, runs) in enumerate(lines):
            canvas.text(start + indent, base + LINE * at, *runs, kind="second-ink" if narrow else "")
    canvas.height = places[-1] + 16 + (0 if narrow else heights[-1] - BESIDE)


def _end(lane: Lane, x: Linear) -> float:
    return x.end if lane.said is None else x(lane.said)


def _words(lane: Lane, room: float) -> Words:
    """What is said of a lane, in lines: the words after the figure, or below it where it leaves them little room."""
    figure = Run(lane.figure, "claim-text strong" if lane.is_claim else "strong", bold=True)
    if figure.width <= room / 2:
        first, *others = wrapped(lane.words, room - figure.width, SIZE, most=MOST_LINES)
        return [
            (0, [figure, Run(first)] if lane.figure else [Run(first)]),
            *((figure.width, [Run(line)]) for line in others),
        ]
    figures = wrapped(lane.figure, room, SIZE, most=MOST_LINES, bold=True)
    words = wrapped(lane.words.lstrip(": "), room, SIZE, most=MOST_LINES)
    return [*((0.0, [Run(line, figure.kind, bold=True)]) for line in figures), *((0.0, [Run(line)]) for line in words)]


def _gutter(shown: Sequence[Lane], x: Linear, left: float) -> dict[float, float]:
    """Where beginnings before the chart stand: in their order, without a scale, the earliest at the edge."""
    earlier = sorted({begin for lane in shown for begin in lane.begins if begin < x.low})
    if not earlier:
        return {}
    apart = (x.start - left) / (len(earlier) + (len(earlier) == 1))
    first = left + (apart if len(earlier) == 1 else 0)
    return {begin: first + place * apart for place, begin in enumerate(earlier)}


def _lane(canvas: Canvas, lane: Lane, y: float, x: Linear, earlier: dict[float, float]) -> None:
    """The line of a lane, with a tick at each of its beginnings; of the earliest at the edge an arrow."""
    kind, end = "claim" if lane.is_claim else "line-1", _end(lane, x)
    if lane.begins:
        places = [earlier[begin] if begin in earlier else x(begin) for begin in lane.begins]
        canvas.path(f"M{places[0]:.1f} {y:.1f}H{end:.1f}", kind)
        for begin, place in zip(lane.begins, places, strict=True):
            is_edge = len(earlier) > 1 and begin == min(earlier)
            arrow = f"M{place + 6:.1f} {y - 5:.1f}L{place:.1f} {y:.1f}l6 5"
            canvas.path(arrow if is_edge else f"M{place:.1f} {y - 5:.1f}v10", f"{kind} tick")
    else:
        start = max(end - UNSAID, 14)
        canvas.path(f"M{start:.1f} {y:.1f}H{end:.1f}", f"{kind} unsure")
        canvas.text(start - 12, y + 4, Run("?", "claim-text" if lane.is_claim else "", bold=True))
    if lane.said is not None:
        canvas.circles.append(Circle(end, y, 4, "dot-claim"))
