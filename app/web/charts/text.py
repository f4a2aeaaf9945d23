"""Measure, truncate and wrap text in pixels; scales, ticks, and placing of labels for all charts.

A server has no fonts to measure with. Widths are therefore estimates, rather too large than too small.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from math import ceil, floor, log10

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
# Widths of letters as a share of the font size, measured on names in ten scripts in Noto Sans, the widest of the pages'
# sans serif fonts.
NARROW_LETTER, SLIM_LETTER, USUAL_LETTER, CAPITAL_LETTER, FOREIGN_LETTER, WIDE_LETTER, FULL_WIDTH_LETTER, EMOJI = (
    0.31,
    0.43,
    0.57,
    0.67,
    0.62,
    0.92,
    1.02,
    1.3,
)
BOLD_FACTOR = 1.06  # times the regular width
NARROW_LETTERS, SLIM_LETTERS = frozenset(" \N{NO-BREAK SPACE}ijlI.,:;'|!·"), frozenset("frt-()/“”‘’")
WIDE_LETTERS = frozenset("mwMW%—")
FIRST_EMOJI = "\N{MAHJONG TILE EAST WIND}"  # U+1F000, the first of the pictographs
INVISIBLE = frozenset(("Mn", "Me", "Cf", "Cc"))  # Unicode categories without width: accents, directions
BREAKS = re.compile(r"[ \t\r\n]+")  # line breaks: not at a no-break space
LOOSE_END = " ,.;:("  # stripped before an ellipsis
SHORTEST_LAST_WORD = 3  # letters: do not cut a name after “y” or “of”


def measure_text(text: str, size: float, *, bold: bool = False) -> float:
    """Estimate the width of a text in px, rather too large."""
    return sum(map(_measure_letter, text)) * size * (BOLD_FACTOR if bold else 1)


@cache
def _measure_letter(letter: str) -> float:
    """Return the width of a letter as a share of the font size."""
    if letter in NARROW_LETTERS:
        return NARROW_LETTER
    if letter in SLIM_LETTERS:
        return SLIM_LETTER
    if letter in WIDE_LETTERS:
        return WIDE_LETTER
    category = unicodedata.category(letter)
    if category in INVISIBLE:
        return 0
    if letter >= FIRST_EMOJI and category == "So":
        return EMOJI
    if unicodedata.east_asian_width(letter) in "WF":
        return FULL_WIDTH_LETTER
    if category == "Lu":
        return CAPITAL_LETTER
    return USUAL_LETTER if letter.isascii() or unicodedata.decomposition(letter) else FOREIGN_LETTER


def truncate_text(text: str, max_width: float, size: float, *, bold: bool = False) -> str:
    """Truncate a text to a width, with an ellipsis if anything is cut."""
    if measure_text(text, size, bold=bold) <= max_width:
        return text
    return _truncate_before_ellipsis(text, max_width, size, bold=bold).rstrip(LOOSE_END) + ELLIPSIS


def truncate_at_word(text: str, max_width: float, size: float) -> str:
    """Truncate like `truncate_text`, but after a whole word if the words fill half of the width."""
    if measure_text(text, size) <= max_width:
        return text
    beginning = _truncate_before_ellipsis(text, max_width, size, bold=False)
    whole_words = beginning if text[len(beginning) :].startswith(" ") else beginning.rpartition(" ")[0]
    first, _space, last = whole_words.rpartition(" ")
    whole_words = first if 0 < len(last) < SHORTEST_LAST_WORD else whole_words
    return (whole_words if len(whole_words) * 2 > len(beginning) else beginning).rstrip(LOOSE_END) + ELLIPSIS


def _truncate_before_ellipsis(text: str, max_width: float, size: float, *, bold: bool) -> str:
    """Return the beginning of a text that fits before an ellipsis."""
    return text[: _count_fitting_letters(text, max_width - measure_text(ELLIPSIS, size, bold=bold), size, bold=bold)]


def wrap_text(text: str, max_width: float, size: float, *, max_lines: int, bold: bool = False) -> list[str]:
    """Wrap a text into at most `max_lines` lines; end with an ellipsis if anything is cut. A word that is wider than
    a line is broken."""
    words = BREAKS.split(text)
    lines = [""]
    while words:
        word = words.pop(0)
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if measure_text(longer, size, bold=bold) <= max_width:
            lines[-1] = longer
        elif len(lines) == max_lines:
            return [*lines[:-1], truncate_text(" ".join((longer, *words)), max_width, size, bold=bold)]
        elif lines[-1]:
            lines.append("")
            words.insert(0, word)
        else:
            fits = max(1, _count_fitting_letters(word, max_width, size, bold=bold))
            lines[-1], rest = word[:fits], word[fits:]
            if rest:
                lines.append("")
                words.insert(0, rest)
    return lines


def _count_fitting_letters(text: str, max_width: float, size: float, *, bold: bool) -> int:
    """Return how many letters of a text fit."""
    width = 0.0
    for index, letter in enumerate(text):
        width += measure_text(letter, size, bold=bold)
        if width > max_width:
            return index
    return len(text)


STEPS = (1, 2, 5, 10)  # times a power of ten


@dataclass(frozen=True)
class LinearScale:
    """A linear scale from values to pixels: `low` maps to `start`, `high` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        width = self.high - self.low or 1
        return self.start + (value - self.low) / width * (self.end - self.start)


def choose_ticks(high: float, max_ticks: int = 6) -> list[int]:
    """Return at most `max_ticks` whole numbers from zero; the last is `high` or the first tick beyond it."""
    if high <= 0:
        return [0, 1]
    rough_step = high / (max_ticks - 1)
    power = 10 ** floor(log10(rough_step)) if rough_step >= 1 else 1
    step = next(step * power for step in STEPS if step * power >= rough_step)
    return list(range(0, ceil(high / step) * step + 1, step))


def spread_labels(desired_positions: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move positions apart to at least `gap`, within bounds, as near as possible to the desired ones. Both are in
    ascending order."""
    positions = list(desired_positions)
    for index in range(1, len(positions)):
        positions[index] = max(positions[index], positions[index - 1] + gap)
    if positions and positions[-1] > high:
        positions[-1] = high
        for index in range(len(positions) - 2, -1, -1):
            positions[index] = min(positions[index], positions[index + 1] - gap)
    return [max(place, low + gap * index) for index, place in enumerate(positions)]


def flow_labels(
    desired_positions: Sequence[float], sizes: Sequence[float], gap: float, low: float, high: float
) -> list[float]:
    """Return where labels of these sizes begin, as near to the desired positions as the gap and the bounds allow."""
    positions: list[float] = []
    for desired_position, _size in zip(desired_positions, sizes, strict=True):
        min_position = positions[-1] + sizes[len(positions) - 1] + gap if positions else low
        positions.append(max(desired_position, min_position))
    limit = high
    for index in range(len(positions) - 1, -1, -1):
        positions[index] = min(positions[index], limit - sizes[index])
        limit = positions[index] - gap
    return positions


DAY, WEEK = 1, 7
MAX_DAYS_BY_DAY, MAX_DAYS_BY_WEEK = 9, 70  # longest axes with a tick for each day, and for each week
MONTHS = (1, 2, 3, 6, 12, 24, 60, 120)  # months between ticks of longer axes


def compute_day_number(moment: datetime) -> float:
    """Convert a moment to a number of days, with the hour as a fraction."""
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return moment.toordinal() + (moment - midnight).total_seconds() / 86_400


def choose_day_ticks(first: float, last: float, max_ticks: int) -> list[date]:
    """Choose at most `max_ticks` days for ticks, from the first day on: days, weeks, months or years."""
    days = last - first
    start = date.fromordinal(int(first))
    for step in (DAY, 2 * DAY, WEEK, 2 * WEEK):
        fits = days <= (MAX_DAYS_BY_DAY if step < WEEK else MAX_DAYS_BY_WEEK)
        if fits and days / step < max_ticks:
            return [date.fromordinal(day) for day in range(start.toordinal(), int(last) + 1, step)]
    for step in MONTHS:
        months = list(_iter_month_starts(start, last, step))
        if len(months) <= max_ticks:
            return months
    return months[:: len(months) // max_ticks + 1]


def _iter_month_starts(start: date, last: float, step: int) -> Iterator[date]:
    """Yield the first day of every `step` months after a day."""
    month = start.year * 12 + start.month - 1 + (start.day > 1)
    month += -month % step
    while (day := date(month // 12, month % 12 + 1, 1)).toordinal() <= last:
        yield day
        month += step
