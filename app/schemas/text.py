"""Validate lines, prose, names and embargo ends (pure).

Words for "unknown", texts with lost letters, and numbers are refused as names: the name "S/I" would make one person of
all nameless people. Imports recognise the same words as "unknown" in any cell of a list.
"""

import re
from datetime import datetime, timedelta, timezone
from typing import Annotated, Any, LiteralString

from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError

from app import dates
from app.errors import Invalid
from app.matching.scripts import fold, split_words
from app.translations import Message
from app.unicode_text import INVISIBLE, is_blank, remove_ignorable

# Not allowed in a line: C0, DEL, C1, and characters that display another text. The JSON parser refuses control
# characters, but query strings may contain them.
_INVISIBLE_PATTERN = re.compile(f"[\x00-\x1f\x7f-\x9f{INVISIBLE}]")

# Many spreadsheet programs split CSV cells at a semicolon, others at a bar. They would split such a line into two
# cells, the second a formula, which the apostrophe that exports put before a cell cannot prevent. A hyphen starts a
# formula too. Names need none there. In prose it is refused only before a number, a bracket or a quotation mark, or if
# a function call, or a program's name and a bar, follows later. Signs may be full-width characters.
_SIGNS, _HYPHENS = r"=+@\uff1d\uff0b\uff20", r"\-\uff0d"
_AFTER_SEPARATOR = rf"[;|][^\w;|{_SIGNS}{_HYPHENS}]*+"
_FORMULA_IN_A_LINE = re.compile(rf"{_AFTER_SEPARATOR}[{_SIGNS}{_HYPHENS}]")
_FORMULA_IN_PROSE = re.compile(
    rf"""{_AFTER_SEPARATOR}(?:[{_SIGNS}]|[{_HYPHENS}](?:\s*+[\d("'{_SIGNS}{_HYPHENS}]|[^;|\n]*\w\s*+[(|]))"""
)


def remove_invisible(value: Any) -> Any:
    """Return a name without invisible characters, so that names that look the same are equal.

    A name with nothing visible is returned unchanged, to be refused."""
    return remove_ignorable(value) if isinstance(value, str) and not is_blank(value) else value


def validate_line(value: str) -> str:
    """Return a valid line. Raises PydanticCustomError."""
    if _INVISIBLE_PATTERN.search(value) or is_blank(value):
        raise PydanticCustomError("control_character", "Remove line breaks, tabs, control and invisible characters.")
    return _reject_formula(value, _FORMULA_IN_A_LINE)


def validate_prose(value: str) -> str:
    """Return a valid text of several lines. Raises PydanticCustomError."""
    return _reject_formula(value, _FORMULA_IN_PROSE)


def _reject_formula(value: str, formula: re.Pattern[str]) -> str:
    if formula.search(value):
        detail = "A spreadsheet would run what stands behind ; or | as a formula: leave that out, or write it in words."
        raise PydanticCustomError("formula", detail)
    return value


NameFault = tuple[LiteralString, LiteralString]  # code and detail

# Words for "unknown" in spreadsheets, folded. Not "si", which is "sí" without its accent.
_UNKNOWN_TEXTS = frozenset(
    {
        "anonima", "anonimo", "anonymous", "desconocida", "desconocido", "identidad desconocida",
        "identidad protegida", "identidad reservada", "n a", "n c", "n d", "n i", "n n", "na", "name unknown",
        "name withheld", "nd", "nn", "no aplica", "no consta", "no data", "no disponible", "no especificado",
        "no identificada", "no identificado", "no informado", "no name", "no se conoce", "no se conoce el nombre",
        "no se sabe", "no se sabe el nombre", "no se tiene", "nombre desconocido", "nombre no disponible",
        "nombre por confirmar", "nombre protegido", "nombre reservado", "none", "not available", "not known",
        "not reported", "null", "pendiente", "por confirmar", "por definir", "por determinar", "por identificar",
        "por verificar", "reservado", "s d", "s i", "s inf", "s info", "s n", "sd", "se desconoce", "se ignora",
        "sin dato", "sin datos", "sin especificar", "sin identificar", "sin info", "sin informacion", "sin nombre",
        "tba", "tbc", "tbd", "to be confirmed", "unidentified", "unknown", "unknown name", "unnamed", "withheld",
    }
)  # fmt: skip
_CROSSES_PATTERN = re.compile(r"x[x ]*x")  # "XXX", "xx xx"; a single x is a tick
# A program that could not encode a letter writes "?" for it: next to letters, or for all letters of several words. One
# that could not decode it writes U+FFFD. The pattern matches only two letters of each word: with more, thousands in a
# row would be searched again from each position.
_LOST_LETTERS_PATTERN = re.compile(r"\w\?|\?\w|\?\?\s+\?\?|\ufffd")
# A telephone or identification number or a date: seven digits, however separated.
_LONG_NUMBER_PATTERN = re.compile(r"(?:\d[ ./-]?){7}")
PLACEHOLDER_FAULT: NameFault = (
    "placeholder_name",
    "This says that nobody knew the name: leave it out, and say what tells the person apart.",
)
GARBLED_FAULT: NameFault = (
    "garbled_text",
    "Letters of this name were lost on the way here (there is a question mark in their place): send the list they "
    "stand in. If it is a doubt, leave the mark out and write the doubt into the note.",
)
NUMBER_FAULT: NameFault = (
    "number_in_name",
    "There is a long number in this name, which is not part of a name: put an identification number into a column "
    "of its own (detainee.national_id), and leave a telephone number out.",
)


def is_unknown_text(text: str) -> bool:
    """Return whether a text means "unknown": a dash, "S/I", "n/a", "sin datos"."""
    folded_text = fold(text)
    return not folded_text or folded_text in _UNKNOWN_TEXTS or _CROSSES_PATTERN.fullmatch(folded_text) is not None


def find_name_damage(name: str) -> NameFault | None:
    """Return code and detail of damage in a name or a part of one; None without damage."""
    if _LOST_LETTERS_PATTERN.search(name):
        return GARBLED_FAULT
    return NUMBER_FAULT if any(letter.isalpha() for letter in name) and _LONG_NUMBER_PATTERN.search(name) else None


def find_name_fault(name: str) -> NameFault | None:
    """Return code and detail of the reason for which a text is no name; None for a name."""
    damage_fault = find_name_damage(name)
    if damage_fault is not None:
        return damage_fault
    if not any(letter.isalpha() for letter in name):
        return "no_name", "There is no letter in this name: leave it out when you do not know it."
    if is_unknown_text(name) or is_unknown_text(" ".join(split_words(name))):
        return PLACEHOLDER_FAULT
    return None


# A family asks for days, and leaving a country takes weeks. After three months a report is outdated and forgotten: a
# person who must never be shown is `counted` instead.
MAX_EMBARGO = timedelta(days=90)
# Where a day begins last: an embargo that ends hours late harms nobody.
LAST_ZONE = timezone(timedelta(hours=-12))


def parse_embargo_end(text: str) -> datetime:
    """Return the instant, or for a day the instant at which it has begun everywhere. Raises DateError."""
    instant = dates.parse_instant(text, LAST_ZONE)
    # A day is parsed as its end, a microsecond before the next day.
    return instant - timedelta(days=1) + timedelta(microseconds=1) if dates.is_day(text) else instant


def _validate_embargo_end(text: str) -> str:
    try:
        parse_embargo_end(text)
    except dates.DateError as error:
        raise PydanticCustomError("invalid_instant", "{reason}", {"reason": error.detail}) from error
    return text


EmbargoEnd = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=dates.MAX_TEXT), AfterValidator(_validate_embargo_end)
]


def find_embargo_end(text: str | None, now: datetime) -> datetime | None:
    """Return the end of an embargo that is not over, or None. Raises Invalid if it exceeds MAX_EMBARGO."""
    end = None if text is None else parse_embargo_end(text)
    if end is None or end <= now:
        return None
    if end - now > MAX_EMBARGO:
        max_days = MAX_EMBARGO.days
        detail = Message(
            "Nothing waits for more than {max_days} days: give an earlier day, or send the report later.",
            max_days=max_days,
        )
        raise Invalid.at_pointer("/publish_not_before", "too_far_ahead", detail)
    return end
