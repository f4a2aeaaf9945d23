"""Parse dates as sheets print them, in Spanish, English, Portuguese and French (pure).

A date that can be read in two ways is refused: nobody was detained on a day that no source ever said. The day for which
a list is true completes what its author left out as plain: the year of "14/1", the century of "17-ene-26".
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import NoReturn

from app import dates
from app.imports.faults import FAULTS
from app.imports.reader.code_words import CELL_WORDS
from app.matching.scripts import fold
from app.unicode_text import normalize_text


class DateOrder(StrEnum):
    """The order of a date in three numbers in a sheet. It is declared or proven by a whole column, never guessed."""

    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"


@dataclass(frozen=True, slots=True)
class DateContext:
    """What a list says about its dates. `order`: of day and month in numbers; `until`: the day for which the list is
    true, which completes dates without a year or century."""

    order: DateOrder | None = None
    until: date | None = None


class UnreadCellDate(ValueError):
    """A date that cannot be read. `code` is stable; the message says what to do, and does not quote the date.
    `sentence`: its name in `FAULTS`, if the code has several."""

    def __init__(self, code: str, detail: str, sentence: str | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.sentence = sentence


def strip_accents(text: str) -> str:
    """Return a text in lower case without accents. Punctuation remains."""
    if text.isascii():
        return text.lower()
    decomposed = normalize_text("NFD", text.casefold())
    return "".join(char for char in decomposed if not unicodedata.combining(char))


_DATE_WORDS = CELL_WORDS["dates"]
# No word is one month in one language and another in the next, so that nobody need say which language a sheet is in.
MONTHS = {
    strip_accents(name): number for number, names in enumerate(_DATE_WORDS["months"], start=1) for name in names.split()
}
_UNKNOWN_DATES = frozenset(map(fold, _DATE_WORDS["unknown"]))


def _join_words(words: Iterable[str]) -> str:
    """Return alternatives of a pattern, the longest first."""
    return "|".join(re.escape(word) for word in sorted(map(strip_accents, words), key=len, reverse=True))


# "1º de enero", "1er janvier", "January 3rd".
_ORDINAL = r"(?:\.?(?:st|nd|rd|th|º|°|ª|ro|er|o)(?=[ /.,-]|$))?"
_MONTH = r"([^\W\d_]+)\.?"
_YEAR = r"[ /.,'’-]*(?:de |del )?'?(\d+)"
_DAY_FIRST = re.compile(rf"(\d{{1,2}}){_ORDINAL}[ /.-]*(?:de |of )?{_MONTH}{_YEAR}")
_MONTH_FIRST = re.compile(rf"{_MONTH} *(\d{{1,2}}){_ORDINAL}(?:, *| +)(\d+)")
_YEAR_MONTH_DAY = re.compile(rf"(\d{{4}})[ /.-]+{_MONTH}[ /.-]+(\d{{1,2}})")
_MONTH_ALONE = re.compile(rf"{_MONTH}([ /.,'’-]*(?:de |del )?'?)(\d+)")
_DAY_MONTH = re.compile(rf"(\d{{1,2}}){_ORDINAL}[ /.-]*(?:de |of )?{_MONTH}")
_MONTH_DAY = re.compile(rf"{_MONTH} *(\d|\d{{1,2}}(?:st|nd|rd|th))")
_NUMERIC_DATE = re.compile(r"(\d{1,2})( ?[/.-] ?| )(\d{1,2})\2(\d+)")
_NUMERIC_DAY_MONTH = re.compile(r"(\d{1,2}) ?[/.-] ?(\d{1,2})")
_MONTH_YEAR = re.compile(r"(\d{1,2})[/.-](\d{4})")
_YEAR_FIRST = re.compile(r"(\d{4})[/.-](\d{1,2})(?:[/.-](\d{1,2}))?")
_SHORT_YEAR = re.compile(r"(?<!\d)(\d\d)$")
_TIME_OF_DAY = re.compile(r"[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})?$")
# A spreadsheet's number for a day from 1927 to 2064, with an hour as a fraction.
_SERIAL = re.compile(r"([1-5][0-9]{4})(?:[.,][0-9]+)?")
_SERIAL_START = date(1899, 12, 30)
# 19812 is a day of 1954, or a slip for 1981-2.
_YEAR_WITH_A_DIGIT_TOO_MANY = re.compile("(?:19|20)")
_WEEKDAY = rf"(?:(?:{_join_words(_DATE_WORDS['weekdays'])})\b[., ]+)?"
_ARTICLE = re.compile(rf"{_WEEKDAY}(?:(?:{_join_words(_DATE_WORDS['before'])}) )?")
_APPROXIMATE = _join_words(_DATE_WORDS["approximate"])
_PARTS = _join_words(_DATE_WORDS["parts"])
_VAGUE_START = re.compile(
    rf"(?:(?:{_APPROXIMATE})\b[. ]*|~ *|(?:a )?(?:{_PARTS})\b(?: de| del| do| of|-)? ?){{1,3}}(?=\S)"
)
_VAGUE_END = re.compile(rf"(?: +\(?|\()(?:{_APPROXIMATE})[.)]*$")

LEAP_YEAR = "2024"  # with every day that a year can have
AMBIGUOUS_DATE_DETAIL = (
    'This can be two days: say `dates = "day_first"` or "month_first" in the mapping, or write the month out.'
)
MAX_EVENT_YEARS = 80  # a two-digit year further back is a slip: "35" in a list of 2026 is not 1935
MIN_BIRTH_YEARS = 10  # a younger person is a child whose age must not be guessed
CENTURY = 100
MAX_DASHED_YEARS = 3  # "ene-25" is a month of 2025, or the 25th: in older years it is refused
MIN_MONTH_WORD = 4  # "mar" alone may be a Tuesday


def has_time_of_day(text: str) -> bool:
    """Return whether a text ends with an hour, which `parse_sheet_date` leaves off."""
    return _TIME_OF_DAY.search(text.strip()) is not None


def is_unknown_date(text: str) -> bool:
    """Return whether a text says that nobody knows the date: "s/f", "sin fecha"."""
    return len(text) <= dates.MAX_TEXT and fold(text) in _UNKNOWN_DATES


def parse_sheet_date(text: str, context: DateContext, *, is_birth: bool = False) -> str:
    """Parse the partial date (EDTF level 0) of a cell. Raises UnreadCellDate.

    Day and month in numbers need `context.order`, unless the day is past 12. A year of two digits or a missing one
    needs `context.until`: of an event it is the latest that is not after it, of a birth one at least ten years before.
    """
    date_text = _normalize_date(text)
    if len(date_text) > dates.MAX_TEXT:
        _refuse_invalid("date_long")
    exact_text = date_text if context.until is None else _strip_vagueness(date_text)
    parsed_text = _Reader(context, is_birth).read(_strip_article(exact_text))
    if exact_text != date_text and not dates.is_month_or_year(parsed_text):
        _refuse_invalid("date_unread")  # "about the 12th" is another day, perhaps of another month
    return parsed_text


def find_proven_orders(texts: Iterable[str]) -> frozenset[DateOrder]:
    """Return the orders of day and month that the dates of a column prove: none, one, or both."""
    return frozenset(order for text in texts if (order := _find_proven_order(text)) is not None)


def _find_proven_order(text: str) -> DateOrder | None:
    date_text = _strip_article(_normalize_date(text[: dates.MAX_TEXT]))
    full_match = _NUMERIC_DATE.fullmatch(date_text)
    match = full_match or _NUMERIC_DAY_MONTH.fullmatch(date_text)
    if match is None:
        return None
    first, second = int(match[1]), int(match[3 if full_match else 2])
    if 12 < first <= 31 and second <= 12:
        return DateOrder.DAY_FIRST
    # "1/26" without a year may be January of 2026.
    return DateOrder.MONTH_FIRST if full_match and first <= 12 < second <= 31 else None


def list_possible_days(text: str, order: DateOrder | None) -> list[date]:
    """Return the days that a cell may mean.

    Two if the order of its numbers is open; of this century if its year has two digits; none if it has no full day.
    """
    try:
        day = parse_sheet_date(text, DateContext(order))
        return [date.fromisoformat(day)] if dates.is_day(day) else []
    except UnreadCellDate as error:
        if error.code == "ambiguous_date":
            return [day for candidate_order in DateOrder for day in list_possible_days(text, candidate_order)]
        full_text = _SHORT_YEAR.sub(r"20\1", _TIME_OF_DAY.sub("", text.strip()))
        return list_possible_days(full_text, order) if error.code == "ambiguous_year" and full_text != text else []


def _normalize_date(text: str) -> str:
    return strip_accents(" ".join(_TIME_OF_DAY.sub("", text.strip()).split()).strip(".,"))


def _strip_vagueness(date_text: str) -> str:
    start = _VAGUE_START.match(date_text)
    return _VAGUE_END.sub("", date_text[start.end() :] if start else date_text)


def _strip_article(date_text: str) -> str:
    return date_text[match.end() :] if (match := _ARTICLE.match(date_text)) else date_text


class _Reader:
    """A reader of the normalized text of one date. Of a birth, nothing completes a missing year."""

    def __init__(self, context: DateContext, is_birth: bool) -> None:
        self._order = context.order
        self._until = context.until
        self._is_birth = is_birth

    def read(self, date_text: str) -> str:
        if match := _SERIAL.fullmatch(date_text):
            return _parse_serial(match[1])
        if match := _NUMERIC_DATE.fullmatch(date_text):
            day, month = self._order_numbers(int(match[1]), int(match[3]))
            return self._build_date(match[4], month, day)
        if match := _MONTH_YEAR.fullmatch(date_text):
            return self._build_date(match[2], int(match[1]), None)
        if match := _YEAR_FIRST.fullmatch(date_text):
            return self._build_date(match[1], int(match[2]), int(match[3]) if match[3] else None)
        if match := _NUMERIC_DAY_MONTH.fullmatch(date_text):
            return self._read_day_and_month(int(match[1]), int(match[2]))
        parsed_text = self._read_words(date_text)
        if parsed_text is not None:
            return parsed_text
        try:
            return dates.parse_date(date_text).text
        except dates.DateError:
            _refuse_invalid("date_unread")

    def _read_words(self, date_text: str) -> str | None:
        """Read a date with the month in words; None for another text."""
        for pattern, day, month, year in ((_DAY_FIRST, 1, 2, 3), (_MONTH_FIRST, 2, 1, 3), (_YEAR_MONTH_DAY, 3, 2, 1)):
            if (match := pattern.fullmatch(date_text)) and match[month] in MONTHS:
                return self._build_date(match[year], MONTHS[match[month]], int(match[day]))
        if (match := _DAY_MONTH.fullmatch(date_text)) and match[2] in MONTHS:
            return self._build_latest_day(MONTHS[match[2]], int(match[1]))
        if self._until is not None and not self._is_birth:
            if (match := _MONTH_DAY.fullmatch(date_text)) and match[1] in MONTHS:
                return self._build_latest_day(MONTHS[match[1]], int(match[2].rstrip("sthndr")))
            if len(date_text) >= MIN_MONTH_WORD and date_text in MONTHS:
                month = MONTHS[date_text]
                return f"{self._until.year - (month > self._until.month):04}-{month:02}"
        if (match := _MONTH_ALONE.fullmatch(date_text)) and match[1] in MONTHS:
            if self._may_be_day(match[2], match[3]):
                _refuse_year()
            return self._build_date(match[3], MONTHS[match[1]], None)
        return None

    def _may_be_day(self, separator: str, number: str) -> bool:
        """Return whether the number after a month may as well be a day as a year of two digits."""
        if self._until is None or self._is_birth or len(number) != 2 or int(number) > 31:
            return False
        if "de" in separator or "'" in separator or "’" in separator:
            return False
        years_back = (self._until.year - int(number)) % CENTURY
        return not separator.strip() or years_back > MAX_DASHED_YEARS

    def _order_numbers(self, first: int, second: int) -> tuple[int, int]:
        """Return day and month. Raises UnreadCellDate if they may be either way round."""
        if self._order is None and first <= 12 and second <= 12 and first != second:
            _refuse_order()
        month_first = second > 12 if self._order is None else self._order is DateOrder.MONTH_FIRST
        return (second, first) if month_first else (first, second)

    def _read_day_and_month(self, first: int, second: int) -> str:
        if self._until is None or self._is_birth:
            _refuse_invalid("date_without_year")
        if self._order is None and second > 12:
            _refuse_order()  # "1/26" is the 26th of January or January of 2026
        day, month = self._order_numbers(first, second)
        return self._build_latest_day(month, day)

    def _build_latest_day(self, month: int, day: int) -> str:
        """Build the latest such day that is not after the day for which the list is true."""
        _check_day(LEAP_YEAR, month, day)
        if self._until is None or self._is_birth:
            _refuse_invalid("date_without_year")
        year = self._until.year - ((month, day) > (self._until.month, self._until.day))
        while True:
            try:
                return date(year, month, day).isoformat()
            except ValueError:  # 29 February of a common year
                year -= 1
            if year < 1:
                _refuse_invalid("no_such_day")

    def _build_date(self, year: str, month: int, day: int | None) -> str:
        if len(year) == 2 and self._until is not None:
            year = f"{self._complete_year(int(year), month, day or 1, self._until):04}"
        if len(year) != 4:
            _refuse_year()
        return _check_day(year, month, day)

    def _complete_year(self, short_year: int, month: int, day: int, until: date) -> int:
        """Return the year that two digits mean. Raises UnreadCellDate if they may be of two centuries."""
        if not self._is_birth:
            year = until.year - (until.year - short_year) % CENTURY
            return year if year >= until.year - MAX_EVENT_YEARS else _refuse_year()
        is_past = (month, day) > (until.month, until.day)
        last_year = until.year - MIN_BIRTH_YEARS - is_past
        year = last_year - (last_year - short_year) % CENTURY
        # A hundred years old, or a small child: which of them must not be guessed.
        return year if year + CENTURY > until.year - is_past else _refuse_year()


def _parse_serial(digits: str) -> str:
    if _YEAR_WITH_A_DIGIT_TOO_MANY.match(digits):
        raise UnreadCellDate("serial_date", FAULTS["serial_or_year"], "serial_or_year")
    return (_SERIAL_START + timedelta(days=int(digits))).isoformat()


def _check_day(year: str, month: int, day: int | None) -> str:
    try:
        return dates.parse_date(f"{year}-{month:02}" + ("" if day is None else f"-{day:02}")).text
    except dates.DateError:
        _refuse_invalid("no_such_day")


def _refuse_year() -> NoReturn:
    _refuse("ambiguous_year", "Write the year with four digits: two could be of another century.")


def _refuse_order() -> NoReturn:
    _refuse("ambiguous_date", AMBIGUOUS_DATE_DETAIL)


def _refuse(code: str, detail: str) -> NoReturn:
    raise UnreadCellDate(code, detail)


def _refuse_invalid(sentence: str) -> NoReturn:
    raise UnreadCellDate("invalid_date", FAULTS[sentence], sentence)


_MONTH_WORDS = _join_words(MONTHS)
DATE_IN_TEXT = re.compile(
    rf"(?<![\w/.-]){_WEEKDAY}(?:"
    r"\d{4}[/.-]\d{1,2}[/.-]\d{1,2}|\d{1,2}[/.-]\d{1,2}(?:[/.-]\d{2,4})?"
    rf"|\d{{1,2}}{_ORDINAL}[ /.-]*(?:de |of )?(?:{_MONTH_WORDS})\b\.?"
    r"(?:[ ,/.'-]*(?:de |del )?\d{4}|[ /.'-]+(?:de )?\d{2})?"
    rf"|(?:{_MONTH_WORDS})\b\.? ?\d{{1,2}}{_ORDINAL}(?:, ?| )\d{{4}}"
    rf"|(?:{_MONTH_WORDS})\b\.?[ /.,'-]*(?:de |del )?\d{{2,4}}"
    r"|(?:19|20)\d{2}"
    r")(?![\w/-]|\.\d)"
)
"""A date inside a text that `strip_accents` has normalized."""


def list_date_texts(text: str) -> list[str]:
    """Return the text of a cell, and the dates inside it: "exc. 14/11"."""
    return [text, *DATE_IN_TEXT.findall(strip_accents(text))] if text and any(map(str.isdecimal, text)) else []
