"""How much room a text takes in a drawing, in pixels, and how it is made to fit: in lines, else with an ellipsis.

A server has no fonts to measure with, so widths are estimates, made to be rather too large than too small.

What all charts share: scales, ticks, and labels that make way for each other.

Where the ticks of an axis of days stand: days, weeks, months or years, as many as can be read."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from math import ceil, floor, log10

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
# The width of a letter as a share of the size of its type, in the sans serif faces that pages use: measured of names in
# ten scripts in Noto Sans, the widest of those faces.
NARROW, SLIM, USUAL, CAPITAL, FOREIGN, WIDE, FULL, EMOJI = 0.31, 0.43, 0.57, 0.67, 0.62, 0.92, 1.02, 1.3
BOLD = 1.06  # times the same letter in regular type
NARROW_LETTERS, SLIM_LETTERS = frozenset(" \N{NO-BREAK SPACE}ijlI.,:;'|!·"), frozenset("frt-()/“”‘’")
WIDE_LETTERS = frozenset("mwMW%—")
FIRST_EMOJI = "\N{MAHJONG TILE EAST WIND}"  # U+1F000: pictures from here on
INVISIBLE = frozenset(("Mn", "Me", "Cf", "Cc"))  # categories of what adds nothing to a line: accents, directions
BREAKS = re.compile(r"[ \t\r\n]+")  # between words; a no-break space is none
LOOSE_END = " ,.;:("  # what reads badly before an ellipsis
SHORTEST_LAST_WORD = 3  # letters: a name cut after “y” or “of” reads badly


def width_of(text: str, size: float, *, bold: bool = False) -> float:
    """About how many pixels a text takes in type of a size, rather more than less."""
    return sum(map(_share, text)) * size * (BOLD if bold else 1)


@cache
def _share(letter: str) -> float:
    """The width of a letter as a share of the size of its type."""
    if letter in NARROW_LETTERS:
        return NARROW
    if letter in SLIM_LETTERS:
        return SLIM
    if letter in WIDE_LETTERS:
        return WIDE
    category = unicodedata.category(letter)
    if category in INVISIBLE:
        return 0
    if letter >= FIRST_EMOJI and category == "So":
        return EMOJI
    if unicodedata.east_asian_width(letter) in "WF":
        return FULL
    if category == "Lu":
        return CAPITAL
    return USUAL if letter.isascii() or unicodedata.decomposition(letter) else FOREIGN


def cut(text: str, room: float, size: float, *, bold: bool = False) -> str:
    """A text as far as it fits the room, with an ellipsis where it does not."""
    if width_of(text, size, bold=bold) <= room:
        return text
    return _beginning(text, room, size, bold=bold).rstrip(LOOSE_END) + ELLIPSIS


def shortened(text: str, room: float, size: float) -> str:
    """As `cut`, but after a whole word where these leave half of what has room."""
    if width_of(text, size) <= room:
        return text
    kept = _beginning(text, room, size, bold=False)
    whole = kept if text[len(kept) :].startswith(" ") else kept.rpartition(" ")[0]
    first, _space, last = whole.rpartition(" ")
    whole = first if 0 < len(last) < SHORTEST_LAST_WORD else whole
    return (whole if len(whole) * 2 > len(kept) else kept).rstrip(LOOSE_END) + ELLIPSIS


def _beginning(text: str, room: float, size: float, *, bold: bool) -> str:
    """As much of a text as has room before an ellipsis."""
    return text[: _letters(text, room - width_of(ELLIPSIS, size, bold=bold), size, bold=bold)]


def wrapped(text: str, room: float, size: float, *, most: int, bold: bool = False) -> list[str]:
    """A text in lines that fit the room, at most so many; an ellipsis tells that more would follow. A word that is
    wider than a line goes on in the next."""
    words = BREAKS.split(text)
    lines = [""]
    while words:
        word = words.pop(0)
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if width_of(longer, size, bold=bold) <= room:
            lines[-1] = longer
        elif len(lines) == most:
            return [*lines[:-1], cut(" ".join((longer, *words)), room, size, bold=bold)]
        elif lines[-1]:
            lines.append("")
            words.insert(0, word)
        else:
            fits = max(1, _letters(word, room, size, bold=bold))
            lines[-1], rest = word[:fits], word[fits:]
            if rest:
                lines.append("")
                words.insert(0, rest)
    return lines


def _letters(text: str, room: float, size: float, *, bold: bool) -> int:
    """How many letters of a text have room."""
    reached = 0.0
    for at, letter in enumerate(text):
        reached += width_of(letter, size, bold=bold)
        if reached > room:
            return at
    return len(text)


STEPS = (1, 2, 5, 10)  # a tick is one of these times a power of ten


@dataclass(frozen=True)
class Linear:
    """A straight scale from values to pixels. `low` stands at `start`, `high` at `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        width = self.high - self.low or 1
        return self.start + (value - self.low) / width * (self.end - self.start)


def ticks(high: float, most: int = 6) -> list[int]:
    """Whole numbers from zero on, at most `most`, of which the last is `high` or the first beyond."""
    if high <= 0:
        return [0, 1]
    rough = high / (most - 1)
    power = 10 ** floor(log10(rough)) if rough >= 1 else 1
    step = next(step * power for step in STEPS if step * power >= rough)
    return list(range(0, ceil(high / step) * step + 1, step))


def spread(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places for labels, as near to the wanted ones as at least `gap` between them and the bounds allow; in the order
    given, which is that of the wanted places."""
    placed = list(wanted)
    for at in range(1, len(placed)):
        placed[at] = max(placed[at], placed[at - 1] + gap)
    if placed and placed[-1] > high:
        placed[-1] = high
        for at in range(len(placed) - 2, -1, -1):
            placed[at] = min(placed[at], placed[at + 1] - gap)
    return [max(place, low + gap * at) for at, place in enumerate(placed)]


def flow(wanted: Sequence[float], sizes: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Where labels of some sizes begin: as near to the wanted places as the gap between them and the bounds allow."""
    placed: list[float] = []
    for want, _size in zip(wanted, sizes, strict=True):
        least = placed[-1] + sizes[len(placed) - 1] + gap if placed else low
        placed.append(max(want, least))
    limit = high
    for at in range(len(placed) - 1, -1, -1):
        placed[at] = min(placed[at], limit - sizes[at])
        limit = placed[at] - gap
    return placed


DAY, WEEK = 1, 7
FEW_DAYS, FEW_WEEKS = 9, 70  # up to so many days each day has a tick, each week
MONTHS = (1, 2, 3, 6, 12, 24, 60, 120)  # else one for every so many months


def day_number(moment: datetime) -> float:
    """A moment as a number of days, with its hour as a part of one."""
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return moment.toordinal() + (moment - midnight).total_seconds() / 86_400


def day_ticks(first: float, last: float, most: int) -> list[date]:
    """Days that get a tick, from the first day on, at most `most`."""
    days = last - first
    start = date.fromordinal(int(first))
    for step in (DAY, 2 * DAY, WEEK, 2 * WEEK):
        fits = days <= (FEW_DAYS if step < WEEK else FEW_WEEKS)
        if fits and days / step < most:
            return [date.fromordinal(day) for day in range(start.toordinal(), int(last) + 1, step)]
    for step in MONTHS:
        months = list(_months(start, last, step))
        if len(months) <= most:
            return months
    return months[:: len(months) // most + 1]


def _months(start: date, last: float, step: int) -> Iterator[date]:
    """The first days of every so many months after a day."""
    month = start.year * 12 + start.month - 1 + (start.day > 1)
    month += -month % step
    while (day := date(month // 12, month % 12 + 1, 1)).toordinal() <= last:
        yield day
        month += step
