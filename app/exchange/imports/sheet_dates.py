"""Read dates as printed in English and Spanish sheets (pure).

A date that can be read in two ways is refused: nobody was detained on a day that no source ever said.
"""

import re
from enum import StrEnum
from typing import NoReturn

from app import dates
from app.exchange.imports.sentences import FAULTS


class Order(StrEnum):
    """The order of a date of three numbers in a sheet; an undeclared order is not guessed."""

    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"


class UnclearDate(ValueError):
    """`code` is stable; the message says what to do, without the date."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


# No abbreviation of one language is another month's in the other, so that nobody need say which language it is.
_MONTHS = {
    1: "january jan enero ene", 2: "february feb febrero", 3: "march mar marzo", 4: "april apr abril abr",
    5: "may mayo", 6: "june jun junio", 7: "july jul julio", 8: "august aug agosto ago",
    9: "september sep sept septiembre setiembre set", 10: "october oct octubre", 11: "november nov noviembre",
    12: "december dec diciembre dic",
}  # fmt: skip
MONTHS = {name: number for number, names in _MONTHS.items() for name in names.split()}
_DAY_FIRST = re.compile(
    r"(?:el )?(\d{1,2})(?:st|nd|rd|th|º|°|ro)?[ /.-]*(?:de |of )?([^\W\d]+)\.?[ /.,-]*(?:de |del )?(\d+)"
)
_MONTH_FIRST = re.compile(r"([^\W\d]+)\.? *(\d{1,2})(?:st|nd|rd|th)?(?:, *| +)(\d+)")
_MONTH_ALONE = re.compile(r"(?:en )?([^\W\d]+)\.?[ /.,-]*(?:de |del )?(\d+)")
_NUMBERS = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d+)")
_MONTH_YEAR = re.compile(r"(\d{1,2})[/.-](\d{4})")
_YEAR_FIRST = re.compile(r"(\d{4})[/.-](\d{1,2})(?:[/.-](\d{1,2}))?")
_NO_YEAR = re.compile(r"(?:el )?(\d{1,2})(?:st|nd|rd|th|º|°|ro)?[ /.-]*(?:de |of )?([^\W\d]+)")
_CLOCK = re.compile(r"[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})?$")
# What a spreadsheet counts from 1900 for the years 1928 to 2064: no year, and a day only where it is formatted as one.
_SERIAL = re.compile(r"[1-5]\d{4}")

LEAP_YEAR = "2024"  # has every day that any year has


def read(text: str, order: Order | None) -> str:
    """The partial date (EDTF level 0) of a cell. Raises UnclearDate.

    Day, month and year in numbers need `order`, unless the day is past 12. Two digits are no year.
    """
    said = " ".join(_CLOCK.sub("", text.strip()).split()).strip(".,").casefold()
    if len(said) > dates.MAX_TEXT:
        _refuse("invalid_date", FAULTS["date_long"])
    if _SERIAL.fullmatch(said):
        _refuse(
            "serial_date", "This is a spreadsheet's number for a day: format the column as a date and save it again."
        )
    if match := _NUMBERS.fullmatch(said):
        return _numbers(int(match[1]), int(match[3]), match[4], order)
    if match := _MONTH_YEAR.fullmatch(said):
        return _written(match[2], int(match[1]), None)
    if match := _YEAR_FIRST.fullmatch(said):
        return _written(match[1], int(match[2]), int(match[3]) if match[3] else None)
    for pattern, day, month, year in ((_DAY_FIRST, 1, 2, 3), (_MONTH_FIRST, 2, 1, 3), (_MONTH_ALONE, 0, 1, 2)):
        match = pattern.fullmatch(said)
        if match and match[month] in MONTHS:
            return _written(match[year], MONTHS[match[month]], int(match[day]) if day else None)
    if (match := _NO_YEAR.fullmatch(said)) and match[2] in MONTHS:
        _written(LEAP_YEAR, MONTHS[match[2]], int(match[1]))
        _refuse("invalid_date", FAULTS["date_without_year"])
    try:
        return dates.parse(said).text
    except dates.DateError:
        _refuse("invalid_date", FAULTS["date_unread"])


def _numbers(first: int, second: int, year: str, order: Order | None) -> str:
    if order is None and first <= 12 and second <= 12 and first != second:
        _refuse(
            "ambiguous_date",
            'This can be two days: say `dates = "day_first"` or "month_first" in the mapping, or write the month out.',
        )
    month_first = second > 12 if order is None else order is Order.MONTH_FIRST
    day, month = (second, first) if month_first else (first, second)
    return _written(year, month, day)


def _written(year: str, month: int, day: int | None) -> str:
    if len(year) != 4:
        _refuse("ambiguous_year", "Write the year with four digits: two could be of another century.")
    try:
        return dates.parse(f"{year}-{month:02}" + ("" if day is None else f"-{day:02}")).text
    except dates.DateError:
        _refuse("invalid_date", FAULTS["no_such_day"])


def _refuse(code: str, detail: str) -> NoReturn:
    raise UnclearDate(code, detail)
