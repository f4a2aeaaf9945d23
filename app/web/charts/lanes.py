"""Since when each figure counts: a line for each, from its beginning to the moment at which it was stated."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.web.charts.marks import Canvas, Circle, Run
from app.web.charts.scale import Linear
from app.web.charts.text import cut

HIGH, STACKED = 21, 37  # px of a lane, with its words beside it and above it
UNSAID = 46  # px of the dashes of a figure that does not say since when it counts
HEADING = 52  # px from the axis to the first lane
GUTTER_NARROW = 30  # px that a phone has for beginnings before the chart


@dataclass(frozen=True)
class Lane:
    """`begins`: every beginning that was printed with the figure, the first first; none where nobody said. `said`: when
    it was stated; None goes on to the end. `figure`: the number, in bold; `words`: since when."""

    figure: str
    words: str
    begins: tuple[float, ...]
    said: float | None
    is_claim: bool = True


def lanes(canvas: Canvas, heading: str, told: Sequence[Lane], x: Linear, *, narrow: bool) -> None:
    """Draw the lanes beneath what is drawn, and make the drawing so much higher."""
    if not told:
        return
    top = canvas.height
    canvas.text(0, top + 20, Run(heading, "strong", size=13, bold=True))
    earlier = _gutter(told, x, 4 if narrow else x.start - 98)
    high = STACKED if narrow else HIGH
    below = top + HEADING + (8 if narrow else 0)
    if not narrow:
        canvas.path(f"M{x.start:.1f} {top + 30:.1f}V{below + high * (len(told) - 1) + 12:.1f}", "grid")
    for number, lane in enumerate(told):
        _lane(canvas, lane, below + number * high, x, earlier, narrow=narrow)
    canvas.height = below + high * (len(told) - 1) + 16


def _gutter(told: Sequence[Lane], x: Linear, left: float) -> dict[float, float]:
    """Where beginnings before the chart stand: in their order, without a scale, the earliest at the edge."""
    earlier = sorted({begin for lane in told for begin in lane.begins if begin < x.low})
    if not earlier:
        return {}
    apart = (x.start - left) / (len(earlier) + (len(earlier) == 1))
    first = left + (apart if len(earlier) == 1 else 0)
    return {begin: first + place * apart for place, begin in enumerate(earlier)}


def _lane(canvas: Canvas, lane: Lane, y: float, x: Linear, earlier: dict[float, float], *, narrow: bool) -> None:
    kind = "claim" if lane.is_claim else "line-1"
    ink = "claim-text" if lane.is_claim else ""
    end = x.end if lane.said is None else x(lane.said)
    if lane.begins:
        places = [earlier[begin] if begin in earlier else x(begin) for begin in lane.begins]
        start = places[0]
        canvas.path(f"M{start:.1f} {y:.1f}H{end:.1f}", kind)
        for begin, place in zip(lane.begins, places, strict=True):
            is_edge = len(earlier) > 1 and begin == min(earlier)
            tick = (
                f"M{place + 6:.1f} {y - 5:.1f}L{place:.1f} {y:.1f}l6 5" if is_edge else f"M{place:.1f} {y - 5:.1f}v10"
            )
            canvas.path(tick, f"{kind} tick")
    else:
        start = max(end - UNSAID, 14)
        canvas.path(f"M{start:.1f} {y:.1f}H{end:.1f}", f"{kind} unsure")
        canvas.text(start - 12, y + 4, Run("?", ink, bold=True))
    if lane.said is not None:
        canvas.circles.append(Circle(end, y, 4, "dot-claim"))
    runs = [Run(lane.figure, f"{ink} strong", bold=True)] if lane.figure else []
    before = sum(run.width for run in runs)
    if narrow:
        canvas.text(0, y - 9, *runs, Run(cut(lane.words, canvas.width - before, 13), "second-ink"))
        return
    room = canvas.width - end - 12 - before
    canvas.text(end + 10, y + 4, *runs, Run(cut(lane.words, room, 13)))
