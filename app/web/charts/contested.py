"""What was claimed against what each source had verified: lines that grow, bars where somebody stated a figure, and
beneath them since when each figure counts."""

from collections.abc import Sequence
from dataclasses import replace

from app.web.charts.contest import Bar, Contest, Frame, Published
from app.web.charts.contest_labels import CHEVRON, OPEN_END, bracket, ends_below, ends_beside, named, remarks, tip
from app.web.charts.lanes import lanes
from app.web.charts.marks import END, MIDDLE, Box, Canvas, Circle, Run, stairs
from app.web.charts.scale import Linear, spread, ticks
from app.web.charts.text import width_of

AXIS_SIZE, TO_AXIS = 12, 8  # px of type of the axes, and from a number to its line


def draw(contest: Contest, frame: Frame, prefix: str) -> Canvas:
    """The drawing. A claim whose label finds no room is left to the table; for the most contested others make room."""
    shown = list(contest.bars[: frame.most_bars])
    while True:
        canvas, without = _drawn(contest, frame, shown, prefix)
        if not without:
            return canvas
        shown.remove(shown[-1] if without == shown[:1] else without[-1])


def _drawn(contest: Contest, frame: Frame, shown: Sequence[Bar], prefix: str) -> tuple[Canvas, list[Bar]]:
    """The drawing with these bars, and the bars whose labels found no room."""
    canvas = Canvas(frame.width, frame.base + 30)
    high = _high(contest, shown)
    frame = _with_room_for(frame, contest.told(max(_ticks(high))))
    x = Linear(contest.first, contest.last, frame.first, frame.right)
    y = Linear(0, high, frame.base, frame.top)
    _grid(canvas, contest, frame, x, y, high)
    if contest.band:
        canvas.path(_area(contest.band, x, y, frame.right), "band")
    at = _places(shown, x, frame)
    for bar in shown:
        _bar(canvas, bar, at[bar.id], y, frame, prefix)
    if contest.reference:
        stairs(canvas, contest.reference.steps, x, y, frame.right, "line-registry")
    for line in sorted(contest.lines, key=lambda line: -line.style):
        stairs(canvas, line.steps, x, y, frame.right, f"line-{line.style}")
    _figures(canvas, contest.published, x, y, frame)
    (ends_beside if frame.column is not None else ends_below)(canvas, contest, y, frame)
    bracket(canvas, contest.gap, shown, at, y, frame)
    without = [bar for bar in shown if not named(canvas, bar, at[bar.id], y, frame)]
    remarks(canvas, contest, shown, at, x, y, frame)
    lanes(canvas, contest.lanes_heading, contest.lanes([bar.id for bar in shown]), x, narrow=frame.column is None)
    return canvas, without


def _high(contest: Contest, shown: Sequence[Bar]) -> int:
    """The largest number that is drawn."""
    return max(
        [bar.top for bar in shown]
        + [value for line in contest.lines for _at, value in line.steps]
        + [value for _at, value in (contest.reference.steps if contest.reference else ())]
        + [figure.value for figure in contest.published]
        + [1]
    )


def _ticks(high: int) -> list[int]:
    return [value for value in ticks(high) if value <= high]


def _with_room_for(frame: Frame, number: str) -> Frame:
    """The frame moved on where the largest number of its axis is wider than what stands before it."""
    more = max(0.0, width_of(number, AXIS_SIZE) + TO_AXIS + 1 - frame.left)
    return replace(frame, left=frame.left + more, first=frame.first + more)


def _grid(canvas: Canvas, contest: Contest, frame: Frame, x: Linear, y: Linear, high: int) -> None:
    shown = _ticks(high)
    canvas.taken.append(Box(0, frame.base + 4, canvas.width, canvas.height))
    for value in shown:
        canvas.path(f"M{frame.left:.1f} {y(value):.1f}H{frame.right:.1f}", "grid" if value else "zero")
        canvas.text(
            frame.left - TO_AXIS, y(value) + 4, Run(contest.told(value), size=AXIS_SIZE), anchor=END, kind="axis"
        )
        canvas.taken.append(Box(0, y(value) - 6, frame.left - TO_AXIS, y(value) + 5))
    if frame.column is not None:
        canvas.text(frame.left + 1, y(shown[-1]) - 6, Run(contest.unit, size=AXIS_SIZE), kind="axis")
        canvas.taken.append(Box(frame.left, y(shown[-1]) - 18, frame.left + Run(contest.unit).width, y(shown[-1])))
    for moment, label in contest.ticks:
        canvas.path(f"M{x(moment):.1f} {frame.base:.1f}v5", "zero")
        day = Run(label, size=AXIS_SIZE)
        if x(moment) + day.width / 2 <= frame.width:
            canvas.text(x(moment), frame.base + 18, day, anchor=MIDDLE, kind="axis")


def _area(band: Sequence[tuple[float, int, int]], x: Linear, y: Linear, right: float) -> str:
    """Between two flights of stairs: along the upper one, and back along the lower."""
    ends = [*(x(moment) for moment, _low, _high in band[1:]), right]
    there = "".join(f"V{y(high):.1f}H{end:.1f}" for (_at, _low, high), end in zip(band, ends, strict=True))
    starts = [x(moment) for moment, _low, _high in band]
    back = "".join(
        f"V{y(low):.1f}H{start:.1f}" for (_at, low, _high), start in zip(reversed(band), reversed(starts), strict=True)
    )
    return f"M{starts[0]:.1f} {y(band[0][1]):.1f}{there}{back}Z"


def _places(shown: Sequence[Bar], x: Linear, frame: Frame) -> dict[str, float]:
    """Where each bar stands: in the middle of its day, or beside the others of that day."""
    ordered = sorted(shown, key=lambda bar: (bar.day, -bar.top))
    gap, by_day = frame.bar + 3, [bar.day for bar in ordered]
    wanted = []
    for place, bar in enumerate(ordered):
        among = place - by_day.index(bar.day)
        wanted.append(x(bar.day) + (among - (by_day.count(bar.day) - 1) / 2) * gap)
    return dict(zip([bar.id for bar in ordered], spread(wanted, gap, frame.left, frame.right), strict=True))


def _bar(canvas: Canvas, bar: Bar, at: float, y: Linear, frame: Frame, prefix: str) -> None:
    left, right, base = at - frame.bar / 2, at + frame.bar / 2, y(0)
    top, unsure = y(bar.top), "" if bar.verified is not None else " unsure"
    if bar.opens_down:
        canvas.path(f"M{left:.1f} {top:.1f}H{right:.1f}", "claim")
        canvas.path(f"M{left:.1f} {top:.1f}v{OPEN_END}M{right:.1f} {top:.1f}v{OPEN_END}", "claim unsure")
        canvas.path(_chevron(at, top + OPEN_END + 4, frame, CHEVRON), "claim")
    else:
        hatched = y(bar.low) if bar.low is not None and bar.high != bar.low and bar.high is not None else None
        start = hatched if hatched is not None else None if bar.verified is None else y(bar.verified)
        if start is not None and start > top:
            d = f"M{left:.1f} {top:.1f}H{right:.1f}V{start:.1f}H{left:.1f}Z"
            canvas.path(d, "hatched", fill=f"{prefix}-hatch")
        canvas.path(f"M{left:.1f} {base:.1f}V{top:.1f}M{right:.1f} {base:.1f}V{top:.1f}", f"claim{unsure}")
        canvas.path(f"M{left:.1f} {top:.1f}H{right:.1f}", "claim unsure" if bar.is_about else f"claim{unsure}")
    if bar.opens_up:
        canvas.path(f"M{left:.1f} {top:.1f}v-{OPEN_END}M{right:.1f} {top:.1f}v-{OPEN_END}", "claim unsure")
        canvas.path(_chevron(at, top - OPEN_END - 2, frame, -CHEVRON), "claim")
    canvas.taken.append(Box(left - 1, tip(bar, y), right + 1, base))


def _chevron(at: float, y: float, frame: Frame, height: float) -> str:
    half = frame.bar / 2 + 2
    return f"M{at - half:.1f} {y:.1f}L{at:.1f} {y + height:.1f}L{at + half:.1f} {y:.1f}"


def _figures(canvas: Canvas, published: Sequence[Published], x: Linear, y: Linear, frame: Frame) -> None:
    wide = frame.column is not None
    for figure in published:
        begins, ends, high = x(figure.begins), x(figure.ends), y(figure.value)
        if figure.begins == figure.ends:
            kind = f"dot-{figure.style}"
            canvas.circles.append(Circle(begins, high, 4 if wide else 2.6, kind))
        else:
            canvas.path(f"M{begins:.1f} {high:.1f}H{ends:.1f}", f"day-{figure.style}")
        if figure.label is not None:
            middle = (begins + ends) / 2
            places = [(middle, high + up, MIDDLE) for up in (-22, 6, -36, 20)]
            canvas.block([[Run(figure.label, f"ink-{figure.style}", bold=True)]], places)
