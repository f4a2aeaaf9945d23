"""What stands beside the marks of the contested series: names, numbers, what nobody had verified, and remarks.

What was claimed against what each source had verified: lines that grow, bars where somebody stated a figure, and
beneath them since when each figure counts."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from app.web.charts.marks import (
    END,
    MIDDLE,
    START,
    Bar,
    Box,
    Canvas,
    Circle,
    Contest,
    Frame,
    Gap,
    Published,
    Run,
    height_of_lines,
    lanes,
    stairs,
    width_of_lines,
)
from app.web.charts.text import ELLIPSIS, Linear, cut, spread, ticks, width_of, wrapped

OPEN_END, CHEVRON = 26, 8  # px: how far the sides of an open bar go on, and the height of its tip
ROW = 19  # px from one label at the end of a line to the next
# How far down from its bar's top a label beside it may stand; how far up one above it, and to each side, in halves of
# its width.
BESIDE = (0, 12, -12, 24, -24, 40, -40, 60, 80, 110)
ABOVE = (0, 14, 28, 42, 56)
ALONG = (0, -0.2, 0.2, -0.4, 0.4, -0.6, 0.6, -0.8, 0.8)
MOST_OF_NAME = 3  # lines of a source's name
NARROWER = 0.72  # of the width of a label, where it finds no room


def tip(bar: Bar, y: Linear) -> float:
    """Where a bar ends, with its open end."""
    return y(bar.top) - (OPEN_END + CHEVRON + 4 if bar.opens_up else 0)


def bracket(
    canvas: Canvas, gap: Gap | None, shown: Sequence[Bar], at: dict[str, float], y: Linear, frame: Frame
) -> None:  # fmt: skip
    """Beside a claim, what of it nobody had verified."""
    bar = next((bar for bar in shown if gap is not None and bar.id == gap.bar), None)
    if gap is None or bar is None or bar.verified is None or frame.column is None:
        return
    top, bottom, right = y(bar.top), y(bar.verified), at[bar.id] + frame.bar / 2 + 9
    canvas.path(f"M{right - 4:.1f} {top:.1f}h5V{bottom:.1f}h-5", "leader")
    canvas.taken.append(Box(right - 5, top, right + 2, bottom))
    lines = [[Run(gap.number, "gap", gap.address, gap.link, size=20, bold=True)]]
    lines += [[Run(part)] for part in wrapped(gap.words, frame.text, 13, most=4)]
    middle = (top + bottom) / 2 - 8 * len(lines)
    canvas.block(lines, [(max(right + 8, frame.column - shift), middle + down, START)
                         for shift in (0, 60, 200) for down in (-20, 0, 30, -50, 60)])  # fmt: skip


def named(canvas: Canvas, bar: Bar, at: float, y: Linear, frame: Frame) -> bool:
    """Write what a bar says beside it; whether there was room."""
    number = Run(bar.number, "claim-number", bar.address, bar.link, size=frame.number, bold=True)
    for room, most in ((frame.text, 3), (frame.text * NARROWER, 4)):
        who = wrapped(f"{bar.who}, {bar.said}", room, 13, most=most)
        if who[-1].endswith(ELLIPSIS):  # the day is never cut off
            who = [cut(bar.who, room, 13), bar.said]
        short = [[number], *([Run(part, "claim-text")] for part in who)]
        is_told = bar.note and (frame.column is not None or bar.verified is None)
        note = [[Run(part, "second-ink")] for part in wrapped(bar.note, room, 13, most=most)] if is_told else []
        for lines in (short + note, short) if note else (short,):
            if canvas.block(lines, _around(bar, at, y, frame, lines)):
                return True
    shortest = [[number], [Run(bar.said, "claim-text")]]
    return canvas.block(shortest, _around(bar, at, y, frame, shortest))


def _around(
    bar: Bar, at: float, y: Linear, frame: Frame, lines: Sequence[Sequence[Run]]
) -> Iterator[tuple[float, float, str]]:  # fmt: skip
    """Where a label may stand: beside its bar where there is a column for the ends of lines, above it on a phone."""
    top, height = tip(bar, y), height_of_lines(lines)
    half, side = width_of_lines(lines) / 2, frame.bar / 2 + 7
    above = ((at + shift * half, top - height - 5 - up, MIDDLE) for up in ABOVE for shift in ALONG)
    start = max(top, y(bar.top) - OPEN_END) - 12
    beside = ((at + way, start + down, anchor) for down in BESIDE for way, anchor in ((-side, END), (side, START)))
    yield from above if frame.column is None else beside
    yield from beside if frame.column is None else above


def ends_beside(canvas: Canvas, contest: Contest, y: Linear, frame: Frame) -> None:
    """Each line named at its end, in a column of its own."""
    assert frame.column is not None
    rows: list[tuple[float, list[Run], float | None]] = []
    if contest.reference and contest.reference.steps:
        lies = y(contest.reference.steps[-1][1])
        rows.append((lies - 6, [Run(contest.reference.label, "strong", bold=True)], None))
        rows += [(lies + 8, [Run(part, "axis", size=12)], None) for part in
                 wrapped(contest.reference.words, frame.width - frame.column, 12, most=2)]  # fmt: skip
    for line in sorted(contest.lines, key=lambda line: -line.steps[-1][1]):
        at = y(line.steps[-1][1])
        number = Run(line.number, f"end-number ink-{line.style}", line.address, line.link, size=15, bold=True)
        room, look = frame.width - frame.column - number.width - 8, f"strong ink-{line.style}"
        first, *others = wrapped(line.name, room, 13, most=MOST_OF_NAME, bold=True)
        rows.append((at, [number, Run(f" {first}", look, bold=True)], at))
        rows += [(at, [Run(part, look, bold=True)], None) for part in others]
    if contest.band:
        low = y(contest.band[-1][1])
        rows += [(low + 14, [Run(part, "axis", size=12)], None) for part in
                 wrapped(contest.band_words, frame.width - frame.column - 8, 12, most=3)]  # fmt: skip
    places = spread([wanted for wanted, _runs, _end in rows], ROW, frame.top, frame.base - 4)
    for place, (_wanted, runs, end) in zip(places, rows, strict=True):
        canvas.text(frame.column + 2, place + 4, *runs)
        canvas.taken.append(Box(frame.column, place - ROW / 2, frame.width, place + ROW / 2))
        if end is not None and abs(place - end) > 3:
            canvas.path(f"M{frame.right + 1:.1f} {end:.1f}L{frame.column - 1:.1f} {place:.1f}", "leader")


def ends_below(canvas: Canvas, contest: Contest, y: Linear, frame: Frame) -> None:
    """Each line named beneath its end, where there is no column beside the plot."""
    lines = sorted(contest.lines, key=lambda line: -line.steps[-1][1])
    if not lines:
        return
    rows: list[list[Run]] = []
    for line in lines:
        number = Run(line.number, f"end-number ink-{line.style}", line.address, line.link, size=15, bold=True)
        first, *others = wrapped(line.short, frame.text, 13, most=MOST_OF_NAME)
        rows += [
            [number, Run(f" {first}", f"ink-{line.style}")],
            *([Run(part, f"ink-{line.style}")] for part in others),
        ]
    lowest = max(y(line.steps[-1][1]) for line in lines)
    places = [(right, lowest + 8 + down, END) for down in (0, 12, 24, 48) for right in _from(frame.right, frame.left)]
    places += [(right, frame.top - 60.0, END) for right in _from(frame.right, frame.left)]
    if not canvas.block(rows, places):
        top = canvas.height
        canvas.height += height_of_lines(rows)
        canvas.block(rows, [(frame.right, top, END)])
    if contest.reference and contest.reference.steps:
        end = y(contest.reference.steps[-1][1])
        label = [[Run(contest.reference.label, "strong", bold=True)]]
        smaller = [[Run(part, "axis", size=12)] for part in wrapped(contest.reference.label, 88, 12, most=2)]
        for words in (label, smaller):
            ups = (-4 - height_of_lines(words), 5)
            if canvas.block(words, [(right, end + up, END) for up in ups for right in _from(frame.right, frame.left)]):
                return


def _from(right: float, left: float) -> Iterator[float]:
    while right > left:
        yield right
        right -= 6


def remarks(
    canvas: Canvas, contest: Contest, shown: Sequence[Bar], at: dict[str, float], x: Linear, y: Linear, frame: Frame
) -> None:  # fmt: skip
    """What hatching means, where it happens, and what happened on a day; each only where there is room."""
    if frame.column is None:
        return
    if contest.event is not None:
        moment, words = contest.event
        lines = [[Run(part, "axis", size=12)] for part in wrapped(words, 96, 12, most=3)]
        here = x(moment)
        places = [(here + side, top, anchor) for top in (frame.base - high for high in (160, 190, 130, 100, 70, 220))
                  for side, anchor in ((-5, END), (5, START))]  # fmt: skip
        for place in places:
            if canvas.block(lines, [place]):
                canvas.path(f"M{here:.1f} {place[1]:.1f}V{frame.base:.1f}", "leader")
                break
    bar = next((bar for bar in shown if contest.gap is not None and bar.id == contest.gap.bar), None)
    if bar is None or contest.gap is None or bar.verified is None:
        return
    middle, left = (y(bar.top) + y(bar.verified)) / 2, at[bar.id] - frame.bar / 2
    for room, most in ((190, 3), (126, 4)):
        lines = [[Run(part)] for part in wrapped(contest.gap.hatch, room, 13, most=most)]
        for down in (0, 24, 48, 62, 76, -24):
            if canvas.block(lines, [(left - 16, middle - 8 * len(lines) + down, END)]):
                canvas.path(f"M{left - 12:.1f} {middle + down:.1f}H{left - 2:.1f}", "leader")
                return


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
