"""Parse, compare and format partial dates, instants and time zones.

A partial date is as precise as its source was, in EDTF level 0 (https://www.loc.gov/standards/datetime/, ISO 8601-2):
`2026`, `2026-01`, `2026-01-12`, and closed intervals of two such dates, `2026-01-08/2026-01-09`. It has its text, and
the first and last day that it may mean. So a month stays a month: no source ever said that somebody was released on the
first of it.

Days are proleptic Gregorian ordinals (`date.toordinal()`: 1 is 0001-01-01). Instants are aware datetimes in UTC. Error
messages never repeat the rejected text, which may be personal.
"""

import re
from calendar import isleap, monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import cache, lru_cache
from importlib.resources import files
from typing import Literal
from zoneinfo import ZoneInfo

from app.translations import Message

MAX_TEXT = 64  # a valid date has at most 21 characters, an instant 35: longer input is not read at all
MAX_AGE = 130  # the longest documented human life is 122 years; a larger age is a typing error
DAY_LENGTH = len("YYYY-MM-DD")  # a longer text has an hour
MAX_OFFSET = timedelta(hours=14)  # no place on earth is further than 14 hours from UTC (Kiritimati)
MAX_YEAR_DAYS = 366
PARSE_CACHE_SIZE = 16_384  # a registry has few different dates, and each report repeats the same ones
FIRST_DAY, LAST_DAY = 1, date.max.toordinal()

Precision = Literal["day", "month", "year", "interval"]

_PARTIAL = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?")
_DAY_FIRST = re.compile(r"[0-9]{1,2}[-/. ][0-9]{1,2}[-/. ][0-9]{2,4}")
_ZONE = re.compile(r"([+ -])([0-9]{2}):([0-9]{2})")
_INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt ]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?"
    r"([Zz]|[+ -][0-9]{2}:[0-9]{2})"
)
_PRECISIONS: dict[int, Precision] = {4: "year", 7: "month", 10: "day"}
_FORMS = Message("YYYY, YYYY-MM, YYYY-MM-DD or an interval of two of these, A/B")


class DateError(ValueError):
    """A date, zone or instant that cannot be read. `detail`: how to write it."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


@dataclass(frozen=True, slots=True)
class PartialDate:
    """A date as precise as its source was: canonical `text`, and the days `lo`..`hi` that it may mean."""

    text: str
    lo: int
    hi: int

    @property
    def first(self) -> date:
        """Return the earliest day that this may mean."""
        return date.fromordinal(self.lo)

    @property
    def last(self) -> date:
        """Return the latest day that this may mean."""
        return date.fromordinal(self.hi)

    @property
    def precision(self) -> Precision:
        """Return how the date was written; `A/A` is an interval although it means one day."""
        return _PRECISIONS.get(len(self.text), "interval")

    def is_within(self, other: "PartialDate") -> bool:
        """Return whether every day that this may mean is a day that the other may mean. A date is within itself."""
        return other.lo <= self.lo and self.hi <= other.hi

    def contains(self, other: "PartialDate") -> bool:
        """Return whether the other is within this: a coarser date supports the finer one."""
        return other.is_within(self)

    def overlaps(self, other: "PartialDate") -> bool:
        """Return whether some day is possible for both, so that the two do not contradict each other."""
        return self.lo <= other.hi and other.lo <= self.hi


def _parse_bounds(text: str) -> tuple[int, int]:
    """Return the first and last day of one side of an interval. Raises DateError."""
    match = _PARTIAL.fullmatch(text)
    if match is None:
        raise DateError(Message("Write the date as {forms}, with every digit.", forms=_FORMS))
    year, month, day = match.groups()
    try:
        first = date(int(year), int(month or 1), int(day or 1))
    except ValueError:
        raise DateError("The calendar has no such date: correct it, or leave off what is not known.") from None
    if day:
        return first.toordinal(), first.toordinal()
    last_month = first.month if month else 12
    return first.toordinal(), date(first.year, last_month, monthrange(first.year, last_month)[1]).toordinal()


@lru_cache(maxsize=PARSE_CACHE_SIZE)
def parse_date(text: str) -> PartialDate:
    """Parse a partial date. Raises DateError.

    An interval runs from the first day of its first side to the last day of its second.
    """
    if len(text) > MAX_TEXT:
        raise DateError(
            Message("A date has at most {length} characters: write it as {forms}.", length=MAX_TEXT, forms=_FORMS)
        )
    if _DAY_FIRST.fullmatch(text):
        raise DateError("Write the year first and use hyphens: YYYY-MM-DD.")
    left, slash, right = text.partition("/")
    if not slash:
        return PartialDate(text, *_parse_bounds(text))
    if not left or not right or ".." in (left, right):
        raise DateError("Give both sides of the interval, A/B; open intervals are not accepted.")
    lo, hi = _parse_bounds(left)[0], _parse_bounds(right)[1]
    if lo > hi:
        raise DateError("The interval ends before it begins: write the earlier date first.")
    return PartialDate(text, lo, hi)


def parse_window_start(text: str) -> int:
    """Return the first day of a partial date, where a window starts. Raises DateError."""
    return parse_date(text).lo


def parse_window_end(text: str) -> int:
    """Return the last day of a partial date, where a window ends. Raises DateError."""
    return parse_date(text).hi


def subtract_years(day: int, years: int) -> int:
    """Return the same calendar day so many years earlier, as an ordinal: of 29 February the 28th, and at the earliest
    FIRST_DAY."""
    start = date.fromordinal(day)
    year = start.year - years
    if year < date.min.year:
        return FIRST_DAY
    is_leap_day = (start.month, start.day) == (2, 29) and not isleap(year)
    return start.replace(year=year, day=28 if is_leap_day else start.day).toordinal()


def _require_aware(instant: datetime) -> datetime:
    if instant.utcoffset() is None:
        raise ValueError("An instant needs a zone: pass an aware datetime.")
    return instant


def latest_today(now: datetime) -> int:
    """Return the ordinal of today's date where a day begins first on earth, UTC+14. `now` must be aware."""
    return _require_aware(now).astimezone(timezone(MAX_OFFSET)).date().toordinal()


def is_future(partial_date: PartialDate, now: datetime) -> bool:
    """Return whether the date has begun nowhere on earth. A year, month or interval that is running is not in the
    future.

    So is an interval that ends more than a year ahead: it is a slip, and would hide the date in every count.
    """
    today, end = latest_today(now), partial_date.text.partition("/")[2]
    return partial_date.lo > today or bool(end and parse_date(end).lo > today + MAX_YEAR_DAYS)


@cache
def _zone_names() -> frozenset[str]:
    """Return the names of the IANA database, from the locked package: they are the same on every machine."""
    return frozenset((files("tzdata") / "zones").read_text(encoding="utf-8").split())


def parse_zone(text: str) -> tzinfo:
    """Parse a zone: an offset (`Z`, `UTC`, `+05:30`, `-04:00`) or an IANA name (`America/Caracas`). Raises DateError.

    A space is read as "+": a client that does not encode the "+" of a query string sends a space.
    """
    if text.upper() in {"Z", "UTC"}:
        return UTC
    match = _ZONE.fullmatch(text)
    if match is None:
        name = text.replace(" ", "+")
        if "/" in name and name in _zone_names():  # names without a place, such as EST, mean several zones
            return ZoneInfo(name)
        raise DateError(
            "Write the zone as an offset, Z, +05:30 or -04:00 (in an address, write + as %2B), or by its name in the "
            "IANA database, such as America/Caracas."
        )
    sign, hours, minutes = match[1], int(match[2]), int(match[3])
    offset = timedelta(hours=hours, minutes=minutes)
    if minutes > 59 or offset > MAX_OFFSET:
        raise DateError("The zone must lie between -14:00 and +14:00, with minutes from 00 to 59.")
    return timezone(-offset if sign == "-" else offset) if offset else UTC


def format_zone(zone: tzinfo) -> str:
    """Format a zone as `parse_zone` reads it; Python names a fixed offset `UTC-04:00`."""
    name = str(zone)
    return name if isinstance(zone, ZoneInfo) or name == "UTC" else name.removeprefix("UTC")


def end_of_day(day: date, zone: tzinfo) -> datetime:
    """Return the last microsecond of a day; the later one if clocks are set back over midnight."""
    return datetime.combine(day, time.max, zone).replace(fold=1)


def _parse_clock(hour: int, minute: int, second: int, fraction: str) -> time:
    """Parse a time of day. Digits beyond the microsecond are cut, not rounded: the instant must not pass a later
    entry."""
    if hour > 23 or minute > 59 or second > 59:
        raise DateError("The time of day must lie between 00:00:00 and 23:59:59.")
    return time(hour, minute, second, int(fraction[:6].ljust(6, "0")))


def parse_instant(text: str, zone: tzinfo = UTC) -> datetime:
    """Parse an instant as an aware datetime in UTC. Raises DateError.

    Either RFC 3339 with a zone (an unencoded "+" may arrive as a space, see `parse_zone`), or a full date alone, which
    means the end of that day in `zone`.
    """
    match = _INSTANT.fullmatch(text) if len(text) <= MAX_TEXT else None
    if match is not None:
        day, hour, minute, second, fraction, offset = match.groups()
        clock = _parse_clock(int(hour), int(minute), int(second), fraction or "0")
        local = datetime.combine(parse_date(day).first, clock, parse_zone(offset))
    elif is_day(text) and _PARTIAL.fullmatch(text):
        local = end_of_day(parse_date(text).first, zone)
    else:
        raise DateError("Write the instant with its zone, 2026-01-14T19:00:00Z, or a whole day, 2026-01-14.")
    try:
        return local.astimezone(UTC)
    except OverflowError:
        raise DateError("The instant falls outside the years 0001 to 9999 in UTC.") from None


def parse_moment(text: str, zone: tzinfo = UTC) -> datetime:
    """Parse an instant, or a month or year alone, which means its end in `zone`. Raises DateError."""
    return parse_instant(parse_date(text).last.isoformat() if is_month_or_year(text) else text, zone)


def is_month_or_year(text: str) -> bool:
    """Return whether a moment is not given to the day."""
    return len(text) < DAY_LENGTH and _PARTIAL.fullmatch(text) is not None


def has_no_hour(text: str) -> bool:
    """Return whether a moment is written as a day, month or year, whose end depends on the zone."""
    return len(text) <= DAY_LENGTH


def is_day(text: str) -> bool:
    """Return whether an instant is written as a day alone, whose end depends on the zone."""
    return len(text) == DAY_LENGTH


def has_begun(text: str, instant: datetime, zone: tzinfo, now: datetime) -> bool:
    """Return whether the instant that `text` means in `zone` has come; without an hour, whether its first day has."""
    return parse_date(text).first <= now.astimezone(zone).date() if has_no_hour(text) else instant <= now


def format_instant(instant: datetime) -> str:
    """Format an instant as RFC 3339 in UTC with `Z`, with microseconds only if not zero. `instant` must be aware."""
    return _require_aware(instant).astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _count_completed_years(birth: date, reference_day: date) -> int:
    """Count completed years. Born on 29 February, a person completes a year on 1 March of common years."""
    return reference_day.year - birth.year - ((reference_day.month, reference_day.day) < (birth.month, birth.day))


def compute_age_bounds(birth: PartialDate, reference_date: PartialDate) -> tuple[int, int]:
    """Return the lowest and highest age in completed years on some day of `reference_date`; a birth after it is age
    0."""
    return max(0, _count_completed_years(birth.last, reference_date.first)), max(
        0, _count_completed_years(birth.first, reference_date.last)
    )


def _find_latest_birth(age: int, reference_day: date) -> int:
    """Return the latest day of birth that has completed `age` years on `reference_day`; 0 if before year 1."""
    if reference_day.year - age < 1:
        return FIRST_DAY - 1
    day = min(reference_day.day, monthrange(reference_day.year - age, reference_day.month)[1])
    return date(reference_day.year - age, reference_day.month, day).toordinal()


def compute_birth_bounds_from_age(age: int, reference_date: PartialDate) -> tuple[int, int]:
    """Return the first and last day of birth of a person who was `age` years old on a day of `reference_date`.

    Raises DateError if the age is impossible on that date.
    """
    if not 0 <= age <= MAX_AGE:
        raise DateError(Message("Give the age in completed years, 0 to {highest}.", highest=MAX_AGE))
    lo, hi = _find_latest_birth(age + 1, reference_date.first) + 1, _find_latest_birth(age, reference_date.last)
    if hi < FIRST_DAY:
        raise DateError("No one can have been that old on that date: correct the age or the date.")
    return lo, hi
