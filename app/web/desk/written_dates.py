"""Dates as officers write them, read as those of a list are (pure).

A date that can be two days is refused with both of them, as it is asked of a list which comes first, day or month.
"""

import re
from typing import Any

from app import dates
from app.imports.cell_values import Order, UnclearDate, UnreadCell, plain, read, value
from app.log.content import AGE_ON, FILED

AMBIGUOUS, TURNED = "ambiguous_date", "interval_turned"
_BETWEEN = re.compile(r"(?:entre|between) (?:el )?(.+?) (?:y|and) (?:el )?(.+)", re.IGNORECASE)
# What the end of an interval has after its day, which its beginning may share: " de enero de 2026".
_AFTER_DAY = re.compile(r"\d{1,2}(?:st|nd|rd|th|º|°)?(\D.*)")


class UnreadDate(ValueError):
    """A date that cannot be read. `code` is stable; `readings`: the days that it can be, where it can be two."""

    def __init__(self, code: str, detail: str, readings: tuple[str, ...] = ()) -> None:
        super().__init__(detail)
        self.code, self.detail, self.readings = code, detail, readings


def read_date(name: str, text: str) -> Any:
    """The partial date (EDTF level 0) in a field; None where its text says "unknown". Raises UnreadDate."""
    if name == AGE_ON and text == FILED:
        return text
    bare = " ".join(text.split())
    between = _BETWEEN.fullmatch(bare)
    return _one_date(name, bare) if between is None else _interval(name, between[1], between[2])


def _one_date(name: str, text: str) -> Any:
    """A date that is not told as lying between two. Raises UnreadDate."""
    try:
        return value(name, plain(text), None, None)
    except UnreadCell as unread:
        readings = _readings(text) if unread.code == AMBIGUOUS else ()
        raise UnreadDate(unread.code, str(unread), readings) from None


def _readings(text: str) -> tuple[str, ...]:
    """What a date is by each order of day and month. Raises UnreadDate where it is none by either: with two digits for
    its year."""
    try:
        return tuple(read(text, order) for order in Order)
    except UnclearDate as unclear:
        raise UnreadDate(unclear.code, str(unclear)) from None


def _interval(name: str, first: str, last: str) -> str:
    """The interval of two dates. The first may leave out what it shares with the last: "entre 8 y 9 de enero de 2026".
    Raises UnreadDate."""
    end = str(_one_date(name, last))
    begin = _begin(name, first, last, end)
    try:
        return dates.parse(f"{begin}/{end}").text
    except dates.DateError:
        raise UnreadDate(TURNED, "Write both dates with their years, the earlier one first.") from None


def _begin(name: str, first: str, last: str, end: str) -> str:
    """The first date of an interval, alone or with what it shares with the last. Raises UnreadDate."""
    after = _AFTER_DAY.fullmatch(last)
    tried = [first, *([] if after is None else [first + after[1]]), f"{first} {end[:4]}"]
    for text in tried[:-1]:
        try:
            return str(_one_date(name, text))
        except UnreadDate as unread:
            if unread.code == AMBIGUOUS:
                raise
    return str(_one_date(name, tried[-1]))
