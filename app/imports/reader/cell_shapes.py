"""Shapes of cells: dates, crosses, links, ids and lengths of time in any language (pure)."""

import re

from app.imports.reader.heading_words import MONTH_WORDS, PARTICLES
from app.matching.scripts import fold

_MAX_DATE_WORDS = 6
_TIME = re.compile(r"[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?\s*(?:[ap]\.? ?m\.?)?$", re.IGNORECASE)
_DATE_IN_NUMBERS = re.compile(
    r"(?:\d{1,2}([/.\-])\d{1,2}\1(?:\d{4}|\d{2})|\d{4}([/.-])\d{1,2}(?:\2\d{1,2})?|\d{1,2}[/-]\d{1,2}|\d{1,2}[/-]\d{4})"
)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DOCKET_YEAR = re.compile(r"(?:/[^/]{0,12}\b(?:19|20)\d\d\b)|(?:\b(?:19|20)\d\d\b[^/]{0,12}/)")
_TERM = re.compile(
    r"\d{1,3}(?:[.,]\d+)? ?(?:anos?|years?|yrs?|ans?|annees?|mes(?:es)?|months?|mois|dias?|days?|jours?)\b"
)
_LINK = re.compile(r"(?:https?://|www\.)\S|\S+\.(?:com|org|net|info)(?:/|$)", re.IGNORECASE)
_CROSS_SIGNS = frozenset("✓✔√☑✗✘×•●*+☒■")
_CROSS_WORDS = frozenset({"x", "xx", "si", "s", "no", "n", "yes", "y", "1", "0", "sim", "nao", "oui", "non", "ok",
                          "o", "true", "false", "verdadero", "falso", "vrai", "faux"})  # fmt: skip


def is_cross(text: str) -> bool:
    return len(text) <= len("verdadero") and (text[0] in _CROSS_SIGNS or fold(text) in _CROSS_WORDS)


def is_date_like(text: str) -> bool:
    """Whether a text is a date in any style: "12/1", "17-ene-26", "el 3 de mayo de 2025", "March 2024"."""
    bare = _TIME.sub("", text).strip(" .,")
    if _DATE_IN_NUMBERS.fullmatch(bare):
        numbers = [int(number) for number in re.findall(r"\d+", bare)]
        return any(0 < number <= 12 for number in numbers) and all(number <= 31 or number > 1900 or number < 100
                                                                     for number in numbers)  # fmt: skip
    words = re.sub(r"(?<=\d)(?=[^\W\d])|(?<=[^\W\d])(?=\d)", " ", fold(bare)).split()
    months = sum(1 for word in words if word in MONTH_WORDS)
    others = [word for word in words if word not in MONTH_WORDS and word not in PARTICLES]
    fillers = {"el", "er", "ro", "st", "nd", "rd", "th", "em", "en", "on", "no", "to"}
    numbers_or_fillers = [word for word in others if word.isdecimal() or word in fillers]
    return (
        months == 1
        and len(words) <= _MAX_DATE_WORDS
        and len(others) == len(numbers_or_fillers)
        and any(word.isdecimal() for word in others)
    )


def is_uuid(text: str) -> bool:
    return _UUID.fullmatch(text) is not None


def is_docket(text: str) -> bool:
    """Whether a text has letters, a slash and a year: "KP01-P/2024"."""
    return _DOCKET_YEAR.search(text) is not None and any(char.isalpha() for char in text)


def is_term(text: str) -> bool:
    """Whether a text is a length of time: "12 años", "5 years, 3 months"."""
    return _TERM.match(fold(text)) is not None


def is_link(text: str) -> bool:
    return _LINK.search(text) is not None


def has_digit(text: str) -> bool:
    return any(char.isdecimal() for char in text)


def is_name_like(text: str) -> bool:
    words = [word for word in re.split(r"[\s,]+", text) if word]
    return 2 <= len(words) <= 7 and not any(char.isdecimal() for char in text) and words[0][:1].isupper()
