"""Where the ticks of an axis of days stand: days, weeks, months or years, as many as can be read."""

from collections.abc import Iterator
from datetime import date, datetime

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
