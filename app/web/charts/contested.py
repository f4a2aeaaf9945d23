"""Draw the contested series: verified counts as lines, claims as bars, and below them the window of each figure.

Labels (names, numbers, unverified remainders, remarks) are placed where they overlap nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from app.web.charts.marks import (
    END,
    MIDDLE,
    START,
    Box,
    Canvas,
    Circle,
    ClaimBar,
    ClaimsChart,
    Frame,
    Gap,
    PublishedValue,
    Run,
    draw_steps,
    draw_window_rows,
    measure_lines_height,
    measure_lines_width,
)
from app.web.charts.text import (
    ELLIPSIS,
    LinearScale,
    choose_ticks,
    measure_text,
    spread_labels,
    truncate_text,
    wrap_text,
)

OPEN_END, CHEVRON = 26, 8  # px: length of an open bar's sides beyond its value, and height of its tip
LABEL_ROW_HEIGHT = 19  # px between labels at line ends
# Offsets tried for labels: px down from the bar's top for a label next to it; px up for a label above it, and shifts to
# the side as a share of half its width.
SIDE_SHIFTS = (0, 12, -12, 24, -24, 40, -40, 60, 80, 110)
UPWARD_SHIFTS = (0, 14, 28, 42, 56)
SIDEWAYS_SHARES = (0, -0.2, 0.2, -0.4, 0.4, -0.6, 0.6, -0.8, 0.8)
MAX_SOURCE_NAME_LINES = 3  # of a source's name
NARROW_LABEL_SHARE = 0.72  # of a label's width, tried if the full width finds no room


def compute_tip_y(bar: ClaimBar, y: LinearScale) -> float:
    """Return the y of a bar's upper end, with its open end."""
    return y(bar.top) - (OPEN_END + CHEVRON + 4 if bar.is_open_above else 0)


def draw_gap_bracket(
    canvas: Canvas, gap: Gap | None, bars: Sequence[ClaimBar], bar_xs: dict[str, float], y: LinearScale, frame: Frame
) -> None:  # fmt: skip
    """Draw a bracket at the side of a claim for the part that no source had verified."""
    bar = next((bar for bar in bars if gap is not None and bar.id == gap.bar_id), None)
    if gap is None or bar is None or bar.verified_count is None or frame.column_x is None:
        return
    top, bottom, right = y(bar.top), y(bar.verified_count), bar_xs[bar.id] + frame.bar_width / 2 + 9
    canvas.add_path(f"M{right - 4:.1f} {top:.1f}h5V{bottom:.1f}h-5", "leader")
    canvas.occupied_boxes.append(Box(right - 5, top, right + 2, bottom))
    lines = [[Run(gap.number, "gap", gap.address, gap.link_name, size=20, bold=True)]]
    lines += [[Run(part)] for part in wrap_text(gap.text, frame.text_width, 13, max_lines=4)]
    middle = (top + bottom) / 2 - 8 * len(lines)
    canvas.place_text_block(lines, [(max(right + 8, frame.column_x - shift_x), middle + shift_y, START)
                         for shift_x in (0, 60, 200) for shift_y in (-20, 0, 30, -50, 60)])  # fmt: skip


def place_bar_label(canvas: Canvas, bar: ClaimBar, bar_x: float, y: LinearScale, frame: Frame) -> bool:
    """Write a bar's label next to it; return False if there is no room."""
    number = Run(bar.number, "claim-number", bar.address, bar.link_name, size=frame.number_size, bold=True)
    for max_width, max_lines in ((frame.text_width, 3), (frame.text_width * NARROW_LABEL_SHARE, 4)):
        claimant_lines = wrap_text(f"{bar.claimant}, {bar.stated_on}", max_width, 13, max_lines=max_lines)
        if claimant_lines[-1].endswith(ELLIPSIS):  # the day is never truncated
            claimant_lines = [truncate_text(bar.claimant, max_width, 13), bar.stated_on]
        short_lines = [[number], *([Run(part, "claim-text")] for part in claimant_lines)]
        has_note = bar.note and (frame.column_x is not None or bar.verified_count is None)
        note_lines = (
            [[Run(part, "second-ink")] for part in wrap_text(bar.note, max_width, 13, max_lines=max_lines)]
            if has_note
            else []
        )
        for lines in (short_lines + note_lines, short_lines) if note_lines else (short_lines,):
            if canvas.place_text_block(lines, _iter_label_positions(bar, bar_x, y, frame, lines)):
                return True
    shortest_lines = [[number], [Run(bar.stated_on, "claim-text")]]
    return canvas.place_text_block(shortest_lines, _iter_label_positions(bar, bar_x, y, frame, shortest_lines))


def _iter_label_positions(
    bar: ClaimBar, bar_x: float, y: LinearScale, frame: Frame, lines: Sequence[Sequence[Run]]
) -> Iterator[tuple[float, float, str]]:  # fmt: skip
    """Yield positions for a label: next to its bar if the frame has a column for line ends, above it on a phone."""
    top, height = compute_tip_y(bar, y), measure_lines_height(lines)
    half_width, side_offset = measure_lines_width(lines) / 2, frame.bar_width / 2 + 7
    positions_above = (
        (bar_x + shift * half_width, top - height - 5 - shift_up, MIDDLE)
        for shift_up in UPWARD_SHIFTS
        for shift in SIDEWAYS_SHARES
    )
    start = max(top, y(bar.top) - OPEN_END) - 12
    side_positions = (
        (bar_x + offset, start + shift_down, anchor)
        for shift_down in SIDE_SHIFTS
        for offset, anchor in ((-side_offset, END), (side_offset, START))
    )
    yield from positions_above if frame.column_x is None else side_positions
    yield from side_positions if frame.column_x is None else positions_above


def draw_line_ends_in_column(canvas: Canvas, chart: ClaimsChart, y: LinearScale, frame: Frame) -> None:
    """Label each line at its end, in a separate column."""
    assert frame.column_x is not None
    rows: list[tuple[float, list[Run], float | None]] = []
    if chart.reference and chart.reference.steps:
        reference_y = y(chart.reference.steps[-1][1])
        rows.append((reference_y - 6, [Run(chart.reference.label, "strong", bold=True)], None))
        rows += [(reference_y + 8, [Run(part, "axis", size=12)], None) for part in
                 wrap_text(chart.reference.words, frame.width - frame.column_x, 12, max_lines=2)]  # fmt: skip
    for line in sorted(chart.lines, key=lambda line: -line.steps[-1][1]):
        line_y = y(line.steps[-1][1])
        number = Run(line.number, f"end-number ink-{line.style}", line.address, line.link_name, size=15, bold=True)
        max_width, look = frame.width - frame.column_x - number.width - 8, f"strong ink-{line.style}"
        first, *other_lines = wrap_text(line.name, max_width, 13, max_lines=MAX_SOURCE_NAME_LINES, bold=True)
        rows.append((line_y, [number, Run(f" {first}", look, bold=True)], line_y))
        rows += [(line_y, [Run(part, look, bold=True)], None) for part in other_lines]
    if chart.band:
        low = y(chart.band[-1][1])
        rows += [(low + 14, [Run(part, "axis", size=12)], None) for part in
                 wrap_text(chart.band_label, frame.width - frame.column_x - 8, 12, max_lines=3)]  # fmt: skip
    places = spread_labels([desired_y for desired_y, _runs, _end in rows], LABEL_ROW_HEIGHT, frame.top, frame.base - 4)
    for place, (_desired_y, runs, end) in zip(places, rows, strict=True):
        canvas.add_text(frame.column_x + 2, place + 4, *runs)
        canvas.occupied_boxes.append(
            Box(frame.column_x, place - LABEL_ROW_HEIGHT / 2, frame.width, place + LABEL_ROW_HEIGHT / 2)
        )
        if end is not None and abs(place - end) > 3:
            canvas.add_path(f"M{frame.right + 1:.1f} {end:.1f}L{frame.column_x - 1:.1f} {place:.1f}", "leader")


def draw_line_ends_below(canvas: Canvas, chart: ClaimsChart, y: LinearScale, frame: Frame) -> None:
    """Label each line below its end, if there is no column next to the plot."""
    lines = sorted(chart.lines, key=lambda line: -line.steps[-1][1])
    if not lines:
        return
    rows: list[list[Run]] = []
    for line in lines:
        number = Run(line.number, f"end-number ink-{line.style}", line.address, line.link_name, size=15, bold=True)
        first, *other_lines = wrap_text(line.short_name, frame.text_width, 13, max_lines=MAX_SOURCE_NAME_LINES)
        rows += [
            [number, Run(f" {first}", f"ink-{line.style}")],
            *([Run(part, f"ink-{line.style}")] for part in other_lines),
        ]
    lowest = max(y(line.steps[-1][1]) for line in lines)
    places = [
        (right, lowest + 8 + shift_down, END)
        for shift_down in (0, 12, 24, 48)
        for right in _iter_leftward(frame.right, frame.left)
    ]
    places += [(right, frame.top - 60.0, END) for right in _iter_leftward(frame.right, frame.left)]
    if not canvas.place_text_block(rows, places):
        top = canvas.height
        canvas.height += measure_lines_height(rows)
        canvas.place_text_block(rows, [(frame.right, top, END)])
    if chart.reference and chart.reference.steps:
        end = y(chart.reference.steps[-1][1])
        label = [[Run(chart.reference.label, "strong", bold=True)]]
        smaller = [[Run(part, "axis", size=12)] for part in wrap_text(chart.reference.label, 88, 12, max_lines=2)]
        for words in (label, smaller):
            shifts = (-4 - measure_lines_height(words), 5)
            if canvas.place_text_block(
                words,
                [
                    (right, end + shift_y, END)
                    for shift_y in shifts
                    for right in _iter_leftward(frame.right, frame.left)
                ],
            ):
                return


def _iter_leftward(x: float, min_x: float) -> Iterator[float]:
    while x > min_x:
        yield x
        x -= 6


def draw_remarks(
    canvas: Canvas, chart: ClaimsChart, bars: Sequence[ClaimBar], bar_xs: dict[str, float], x: LinearScale,
    y: LinearScale, frame: Frame,
) -> None:  # fmt: skip
    """Explain the hatching where it occurs and mark the event's day, each only if there is room."""
    if frame.column_x is None:
        return
    if chart.event is not None:
        moment, words = chart.event
        lines = [[Run(part, "axis", size=12)] for part in wrap_text(words, 96, 12, max_lines=3)]
        event_x = x(moment)
        places = [(event_x + side, top, anchor) for top in (frame.base - high for high in (160, 190, 130, 100, 70, 220))
                  for side, anchor in ((-5, END), (5, START))]  # fmt: skip
        for place in places:
            if canvas.place_text_block(lines, [place]):
                canvas.add_path(f"M{event_x:.1f} {place[1]:.1f}V{frame.base:.1f}", "leader")
                break
    bar = next((bar for bar in bars if chart.gap is not None and bar.id == chart.gap.bar_id), None)
    if bar is None or chart.gap is None or bar.verified_count is None:
        return
    middle, bar_left = (y(bar.top) + y(bar.verified_count)) / 2, bar_xs[bar.id] - frame.bar_width / 2
    for max_width, max_lines in ((190, 3), (126, 4)):
        lines = [[Run(part)] for part in wrap_text(chart.gap.hatch_legend, max_width, 13, max_lines=max_lines)]
        for shift_y in (0, 24, 48, 62, 76, -24):
            if canvas.place_text_block(lines, [(bar_left - 16, middle - 8 * len(lines) + shift_y, END)]):
                canvas.add_path(f"M{bar_left - 12:.1f} {middle + shift_y:.1f}H{bar_left - 2:.1f}", "leader")
                return


AXIS_SIZE, TO_AXIS = 12, 8  # px: font size of the axes, and from a number to its grid line


def draw_claims_chart(chart: ClaimsChart, frame: Frame, prefix: str) -> Canvas:
    """Draw the chart. A claim whose label finds no room is left to the table; the most contested claims come first,
    and others make room for them."""
    bars = list(chart.bars[: frame.max_bars])
    while True:
        canvas, unlabelled_bars = _draw_with_bars(chart, frame, bars, prefix)
        if not unlabelled_bars:
            return canvas
        bars.remove(bars[-1] if unlabelled_bars == bars[:1] else unlabelled_bars[-1])


def _draw_with_bars(
    chart: ClaimsChart, frame: Frame, bars: Sequence[ClaimBar], prefix: str
) -> tuple[Canvas, list[ClaimBar]]:
    """Draw the chart with these bars; also return the bars whose labels found no room."""
    canvas = Canvas(frame.width, frame.base + 30)
    high = _find_highest_value(chart, bars)
    frame = _widen_axis(frame, chart.format_number(max(_choose_visible_ticks(high))))
    x = LinearScale(chart.first, chart.last, frame.first, frame.right)
    y = LinearScale(0, high, frame.base, frame.top)
    _draw_grid(canvas, chart, frame, x, y, high)
    if chart.band:
        canvas.add_path(_build_band_path(chart.band, x, y, frame.right), "band")
    bar_xs = _place_bars(bars, x, frame)
    for bar in bars:
        _draw_bar(canvas, bar, bar_xs[bar.id], y, frame, prefix)
    if chart.reference:
        draw_steps(canvas, chart.reference.steps, x, y, frame.right, "line-registry")
    for line in sorted(chart.lines, key=lambda line: -line.style):
        draw_steps(canvas, line.steps, x, y, frame.right, f"line-{line.style}")
    _draw_published_values(canvas, chart.published_values, x, y, frame)
    (draw_line_ends_in_column if frame.column_x is not None else draw_line_ends_below)(canvas, chart, y, frame)
    draw_gap_bracket(canvas, chart.gap, bars, bar_xs, y, frame)
    unlabelled_bars = [bar for bar in bars if not place_bar_label(canvas, bar, bar_xs[bar.id], y, frame)]
    draw_remarks(canvas, chart, bars, bar_xs, x, y, frame)
    draw_window_rows(
        canvas,
        chart.windows_heading,
        chart.list_window_rows([bar.id for bar in bars]),
        x,
        is_narrow=frame.column_x is None,
    )
    return canvas, unlabelled_bars


def _find_highest_value(chart: ClaimsChart, bars: Sequence[ClaimBar]) -> int:
    """Return the largest number drawn."""
    return max(
        [bar.top for bar in bars]
        + [value for line in chart.lines for _moment, value in line.steps]
        + [value for _moment, value in (chart.reference.steps if chart.reference else ())]
        + [figure.value for figure in chart.published_values]
        + [1]
    )


def _choose_visible_ticks(high: int) -> list[int]:
    return [value for value in choose_ticks(high) if value <= high]


def _widen_axis(frame: Frame, number_text: str) -> Frame:
    """Shift the plot to the right if the axis's largest number is wider than its margin."""
    extra_width = max(0.0, measure_text(number_text, AXIS_SIZE) + TO_AXIS + 1 - frame.left)
    return replace(frame, left=frame.left + extra_width, first=frame.first + extra_width)


def _draw_grid(canvas: Canvas, chart: ClaimsChart, frame: Frame, x: LinearScale, y: LinearScale, high: int) -> None:
    tick_values = _choose_visible_ticks(high)
    canvas.occupied_boxes.append(Box(0, frame.base + 4, canvas.width, canvas.height))
    for value in tick_values:
        canvas.add_path(f"M{frame.left:.1f} {y(value):.1f}H{frame.right:.1f}", "grid" if value else "zero")
        canvas.add_text(
            frame.left - TO_AXIS, y(value) + 4, Run(chart.format_number(value), size=AXIS_SIZE), anchor=END, kind="axis"
        )
        canvas.occupied_boxes.append(Box(0, y(value) - 6, frame.left - TO_AXIS, y(value) + 5))
    if frame.column_x is not None:
        canvas.add_text(frame.left + 1, y(tick_values[-1]) - 6, Run(chart.unit, size=AXIS_SIZE), kind="axis")
        canvas.occupied_boxes.append(
            Box(frame.left, y(tick_values[-1]) - 18, frame.left + Run(chart.unit).width, y(tick_values[-1]))
        )
    for moment, label in chart.ticks:
        canvas.add_path(f"M{x(moment):.1f} {frame.base:.1f}v5", "zero")
        day = Run(label, size=AXIS_SIZE)
        if x(moment) + day.width / 2 <= frame.width:
            canvas.add_text(x(moment), frame.base + 18, day, anchor=MIDDLE, kind="axis")


def _build_band_path(band: Sequence[tuple[float, int, int]], x: LinearScale, y: LinearScale, right: float) -> str:
    """Return the path between two step lines: along the upper one, and back along the lower."""
    ends = [*(x(moment) for moment, _low, _high in band[1:]), right]
    forward_path = "".join(f"V{y(high):.1f}H{end:.1f}" for (_moment, _low, high), end in zip(band, ends, strict=True))
    starts = [x(moment) for moment, _low, _high in band]
    backward_path = "".join(
        f"V{y(low):.1f}H{start:.1f}"
        for (_moment, low, _high), start in zip(reversed(band), reversed(starts), strict=True)
    )
    return f"M{starts[0]:.1f} {y(band[0][1]):.1f}{forward_path}{backward_path}Z"


def _place_bars(bars: Sequence[ClaimBar], x: LinearScale, frame: Frame) -> dict[str, float]:
    """Return the x of each bar: the middle of its day, or side by side with other bars of that day."""
    sorted_bars = sorted(bars, key=lambda bar: (bar.day, -bar.top))
    gap, by_day = frame.bar_width + 3, [bar.day for bar in sorted_bars]
    desired_xs = []
    for place, bar in enumerate(sorted_bars):
        index_in_day = place - by_day.index(bar.day)
        desired_xs.append(x(bar.day) + (index_in_day - (by_day.count(bar.day) - 1) / 2) * gap)
    return dict(
        zip([bar.id for bar in sorted_bars], spread_labels(desired_xs, gap, frame.left, frame.right), strict=True)
    )


def _draw_bar(canvas: Canvas, bar: ClaimBar, bar_x: float, y: LinearScale, frame: Frame, prefix: str) -> None:
    left, right, base = bar_x - frame.bar_width / 2, bar_x + frame.bar_width / 2, y(0)
    top, unsure = y(bar.top), "" if bar.verified_count is not None else " unsure"
    if bar.is_open_below:
        canvas.add_path(f"M{left:.1f} {top:.1f}H{right:.1f}", "claim")
        canvas.add_path(f"M{left:.1f} {top:.1f}v{OPEN_END}M{right:.1f} {top:.1f}v{OPEN_END}", "claim unsure")
        canvas.add_path(_build_chevron_path(bar_x, top + OPEN_END + 4, frame, CHEVRON), "claim")
    else:
        hatch_bottom = y(bar.low) if bar.low is not None and bar.high != bar.low and bar.high is not None else None
        start = (
            hatch_bottom if hatch_bottom is not None else None if bar.verified_count is None else y(bar.verified_count)
        )
        if start is not None and start > top:
            d = f"M{left:.1f} {top:.1f}H{right:.1f}V{start:.1f}H{left:.1f}Z"
            canvas.add_path(d, "hatched", fill=f"{prefix}-hatch")
        canvas.add_path(f"M{left:.1f} {base:.1f}V{top:.1f}M{right:.1f} {base:.1f}V{top:.1f}", f"claim{unsure}")
        canvas.add_path(f"M{left:.1f} {top:.1f}H{right:.1f}", "claim unsure" if bar.is_about else f"claim{unsure}")
    if bar.is_open_above:
        canvas.add_path(f"M{left:.1f} {top:.1f}v-{OPEN_END}M{right:.1f} {top:.1f}v-{OPEN_END}", "claim unsure")
        canvas.add_path(_build_chevron_path(bar_x, top - OPEN_END - 2, frame, -CHEVRON), "claim")
    canvas.occupied_boxes.append(Box(left - 1, compute_tip_y(bar, y), right + 1, base))


def _build_chevron_path(x: float, y: float, frame: Frame, height: float) -> str:
    half = frame.bar_width / 2 + 2
    return f"M{x - half:.1f} {y:.1f}L{x:.1f} {y + height:.1f}L{x + half:.1f} {y:.1f}"


def _draw_published_values(
    canvas: Canvas, published_values: Sequence[PublishedValue], x: LinearScale, y: LinearScale, frame: Frame
) -> None:
    is_wide = frame.column_x is not None
    for figure in published_values:
        start_x, end_x, value_y = x(figure.start), x(figure.end), y(figure.value)
        if figure.start == figure.end:
            kind = f"dot-{figure.style}"
            canvas.circles.append(Circle(start_x, value_y, 4 if is_wide else 2.6, kind))
        else:
            canvas.add_path(f"M{start_x:.1f} {value_y:.1f}H{end_x:.1f}", f"day-{figure.style}")
        if figure.label is not None:
            middle = (start_x + end_x) / 2
            places = [(middle, value_y + shift_y, MIDDLE) for shift_y in (-22, 6, -36, 20)]
            canvas.place_text_block([[Run(figure.label, f"ink-{figure.style}", bold=True)]], places)
