"""What a name, a line and prose may hold (pure).

What is refused as a name: words for "unknown", texts with lost letters, numbers (pure).

Taken for a name, "S/I" would make one person of all nameless ones. The same words say "unknown" in any cell of a list.

When an embargo ends: what `publish_not_before` may say (pure)."""

import re
from datetime import datetime, timedelta, timezone
from typing import Annotated, Any, LiteralString

from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError

from app import dates
from app.errors import Invalid
from app.matching.scripts import fold, words
from app.unicode_text import UNSEEN, is_blank, without_unread

# What a line cannot hold: C0, DEL, C1, what shows another text. Query strings bring them past the JSON gate.
_UNSEEN = re.compile(f"[\x00-\x1f\x7f-\x9f{UNSEEN}]")

# Half the world's spreadsheets part the cells of a CSV file at a semicolon, others at a bar: of such a line they would
# make two cells, the second a formula. The apostrophe that stands before a cell cannot help there (`exchange.tables`).
# A hyphen begins one too, and a name needs none there, but prose may: only where a number, a bracket or a quotation
# mark follows, or later a call or a program's name and a bar. Signs may be as wide as a Chinese character.
_SIGNS, _HYPHENS = r"=+@\uff1d\uff0b\uff20", r"\-\uff0d"
_BEHIND = rf"[;|][^\w;|{_SIGNS}{_HYPHENS}]*+"
_FORMULA_IN_A_LINE = re.compile(rf"{_BEHIND}[{_SIGNS}{_HYPHENS}]")
_FORMULA_IN_PROSE = re.compile(
    rf"""{_BEHIND}(?:[{_SIGNS}]|[{_HYPHENS}](?:\s*+[\d("'{_SIGNS}{_HYPHENS}]|[^;|\n]*\w\s*+[(|]))"""
)


def as_read(value: Any) -> Any:
    """A name as somebody reads it: two that look the same are the same. What shows nothing stays, to be refused."""
    return without_unread(value) if isinstance(value, str) and not is_blank(value) else value


def one_line(value: str) -> str:
    """A line. Raises PydanticCustomError."""
    if _UNSEEN.search(value) or is_blank(value):
        raise PydanticCustomError("control_character", "Remove line breaks, tabs, control and invisible characters.")
    return _no_formula(value, _FORMULA_IN_A_LINE)


def prose(value: str) -> str:
    """A text of several lines. Raises PydanticCustomError."""
    return _no_formula(value, _FORMULA_IN_PROSE)


def _no_formula(value: str, formula: re.Pattern[str]) -> str:
    if formula.search(value):
        detail = "A spreadsheet would run what stands behind ; or | as a formula: leave that out, or write it in words."
        raise PydanticCustomError("formula", detail)
    return value


Fault = tuple[LiteralString, LiteralString]  # code and detail

# Words for "unknown" in sheets, folded, of a name or of anything else. Not "si", which is "sí" without its accent.
_UNSAID = frozenset(
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
_CROSSES = re.compile(r"x[x ]*x")  # "XXX", "xx xx"; one alone is a tick
# A program that could not encode a letter wrote "?" for it: beside letters, or for all letters of several words; one
# that could not decode it wrote U+FFFD. The pattern asks for two of a word only, since thousands in a row would be
# searched again from each of them.
_LOST = re.compile(r"\w\?|\?\w|\?\?\s+\?\?|\ufffd")
# A telephone or identification number or a date: seven digits, however separated.
_NUMBER = re.compile(r"(?:\d[ ./-]?){7}")
NOBODY_KNEW: Fault = (
    "placeholder_name",
    "This says that nobody knew the name: leave it out, and say what tells the person apart.",
)
LOST: Fault = (
    "garbled_text",
    "Letters of this name were lost on the way here (there is a question mark in their place): send the list they "
    "stand in. If it is a doubt, leave the mark out and write the doubt into the note.",
)
NUMBER: Fault = (
    "number_in_name",
    "There is a long number in this name, which is not part of a name: put an identification number into a column "
    "of its own (detainee.national_id), and leave a telephone number out.",
)


def is_unsaid(text: str) -> bool:
    """Whether a text says "unknown": a dash, "S/I", "n/a", "sin datos"."""
    folded = fold(text)
    return not folded or folded in _UNSAID or _CROSSES.fullmatch(folded) is not None


def damage(name: str) -> Fault | None:
    """Code and detail of damage in a name or a part of one; None without damage."""
    if _LOST.search(name):
        return LOST
    return NUMBER if any(letter.isalpha() for letter in name) and _NUMBER.search(name) else None


def fault(name: str) -> Fault | None:
    """Code and detail of why a text is no name; None of a name."""
    damaged = damage(name)
    if damaged is not None:
        return damaged
    if not any(letter.isalpha() for letter in name):
        return "no_name", "There is no letter in this name: leave it out when you do not know it."
    if is_unsaid(name) or is_unsaid(" ".join(words(name))):
        return NOBODY_KNEW
    return None


# A family asks for days, a way out of a country takes weeks. After a season what was sent is no longer what is known,
# and nobody remembers that it was: who is never to be shown is `counted`.
LONGEST_EMBARGO = timedelta(days=90)
# Where a day begins last: an embargo that ends hours late harms nobody.
LAST_ZONE = timezone(timedelta(hours=-12))
DAY, MOMENT = timedelta(days=1), timedelta(microseconds=1)


def ends_at(text: str) -> datetime:
    """The instant given, or that at which the given day has begun everywhere. Raises DateError."""
    instant = dates.parse_instant(text, LAST_ZONE)
    return instant - DAY + MOMENT if dates.is_day(text) else instant


def _readable(text: str) -> str:
    try:
        ends_at(text)
    except dates.DateError as error:
        raise PydanticCustomError("invalid_instant", "{reason}", {"reason": str(error)}) from error
    return text


NotBefore = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=dates.MAX_TEXT), AfterValidator(_readable)
]


def waits_until(text: str | None, now: datetime) -> datetime | None:
    """The end of an embargo that is not over; None where there is none. Raises Invalid beyond LONGEST_EMBARGO."""
    end = None if text is None else ends_at(text)
    if end is None or end <= now:
        return None
    if end - now > LONGEST_EMBARGO:
        most = LONGEST_EMBARGO.days
        detail = f"Nothing waits for more than {most} days: give an earlier day, or send the report later."
        raise Invalid.at("/publish_not_before", "too_far_ahead", detail)
    return end
