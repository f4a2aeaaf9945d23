"""Read dates as printed in English and Spanish sheets (pure).

A date that can be read in two ways is refused: nobody was detained on a day that no source ever said.
"""

import re
from datetime import date
from enum import StrEnum
from typing import NoReturn

from app import dates
from app.exchange.imports.sentences import FAULTS


class Order(StrEnum):
    """The order of a date in three numbers in a sheet. It is declared, never guessed."""

    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"


class UnclearDate(ValueError):
    """A date that cannot be read. `code` is stable; the message says what to do, and does not quote the date.
    `sentence`: its name in `FAULTS`, if the code has several."""

    def __init__(self, code: str, detail: str, sentence: str | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.sentence = sentence


# No word is one month in English and another in Spanish, so that nobody need say which language a sheet is in.
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
_SHORT_YEAR = re.compile(r"(?<!\d)(\d\d)$")
_CLOCK = re.compile(r"[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})?$")
# A spreadsheet's number for a day from 1927 to 2064, counted from 1900: a day only if it is formatted as a day.
_SERIAL = re.compile(r"[1-5]\d{4}")

LEAP_YEAR = "2024"  # with every day that a year can have


def has_clock(text: str) -> bool:
    """Whether a text ends with an hour, which `read` leaves off."""
    return _CLOCK.search(text.strip()) is not None


def read(text: str, order: Order | None) -> str:
    """The partial date (EDTF level 0) of a cell. Raises UnclearDate.

    Day and month in numbers need `order`, unless the day is past 12. Two digits are no year.
    """
    date = " ".join(_CLOCK.sub("", text.strip()).split()).strip(".,").casefold()
    if len(date) > dates.MAX_TEXT:
        _invalid("date_long")
    if _SERIAL.fullmatch(date):
        _refuse(
            "serial_date", "This is a spreadsheet's number for a day: format the column as a date and save it again."
        )
    if match := _NUMBERS.fullmatch(date):
        return _numbers(int(match[1]), int(match[3]), match[4], order)
    if match := _MONTH_YEAR.fullmatch(date):
        return _written(match[2], int(match[1]), None)
    if match := _YEAR_FIRST.fullmatch(date):
        return _written(match[1], int(match[2]), int(match[3]) if match[3] else None)
    for pattern, day, month, year in ((_DAY_FIRST, 1, 2, 3), (_MONTH_FIRST, 2, 1, 3), (_MONTH_ALONE, 0, 1, 2)):
        match = pattern.fullmatch(date)
        if match and match[month] in MONTHS:
            return _written(match[year], MONTHS[match[month]], int(match[day]) if day else None)
    if (match := _NO_YEAR.fullmatch(date)) and match[2] in MONTHS:
        _written(LEAP_YEAR, MONTHS[match[2]], int(match[1]))
        _invalid("date_without_year")
    try:
        return dates.parse(date).text
    except dates.DateError:
        _invalid("date_unread")


def possible_days(text: str, order: Order | None) -> list[date]:
    """The days that a cell may mean: two where the order of its numbers is open, of this century where its year has two
    digits; none where it gives no full day."""
    try:
        return [date.fromisoformat(day)] if dates.is_day(day := read(text, order)) else []
    except UnclearDate as error:
        if error.code == "ambiguous_date":
            return [day for each in Order for day in possible_days(text, each)]
        whole = _SHORT_YEAR.sub(r"20\1", _CLOCK.sub("", text.strip()))
        return possible_days(whole, order) if error.code == "ambiguous_year" and whole != text else []


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
        _invalid("no_such_day")


def _refuse(code: str, detail: str) -> NoReturn:
    raise UnclearDate(code, detail)


def _invalid(sentence: str) -> NoReturn:
    raise UnclearDate("invalid_date", FAULTS[sentence], sentence)
