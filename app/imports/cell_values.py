"""Read dates as printed in English and Spanish sheets (pure).

A date that can be read in two ways is refused: nobody was detained on a day that no source ever said.

Read the text of a cell as the value of a field: dates, codes, numbers, lists (pure)."""

import re
import tomllib
from collections.abc import Callable
from datetime import date
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NoReturn, Self

from app import dates
from app.formats import COUNTRIES
from app.imports.faults import FAULTS
from app.imports.fields import BIRTH, EMBARGO, FIELDS, GIVEN_NAMES, NAME, SURNAMES, UNKNOWN_IS_ERROR, Field
from app.imports.formats import template
from app.imports.formats.csv import MOST_CHARACTERS, UNREAD
from app.imports.formats.tables import unquoted
from app.matching.scripts import fold
from app.schemas import text as refused_names
from app.schemas.reports import LIST_LENGTH
from app.schemas.text import ends_at
from app.unicode_text import TOO_MANY, UNSEEN, has_too_many_marks, is_blank, normal
from app.vocabulary import LISTS, vocabulary


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


WORDS: dict[str, Any] = tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))
CODES = "countries"
OFFERED = frozenset(FIELDS[path].codes for path in template.COLUMNS)  # code lists of the template's drop-downs
NAMED = 3  # known words in a message: enough to see what the field takes
NAMES = frozenset({NAME, GIVEN_NAMES, SURNAMES})

# Characters that no line or note may have, as in JSON.
_UNSEEN = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f{UNSEEN}]")
# UTF-8 read as Windows-1252 and saved again (é became Ã©), and letters that an earlier program replaced.
_GARBLED = re.compile("[ÃÂ][\u0080-\u00bf]|â€|\ufffd")
# Space around separators is stripped afterwards: with space in this pattern, a cell of spaces would take seconds.
_LIST = re.compile(r"[;|\n]")
_CODE_LIST = re.compile(r"[;|\n,/+]|\s(?:y|e|and)\s")
_SPACE = re.compile(r"\s+")
# "1936-1942" is a birth somewhere in these years. Of a detention it would be its beginning and its end.
_YEARS = re.compile(r"(?:(?:entre|between) )?(\d{4}) ?(?:[-–—/]|a|y|to|and|o|or) ?(\d{4})", re.IGNORECASE)
_AGE = re.compile(r"(\d{1,3})(?: ?(?:años|anos|years|years old))?", re.IGNORECASE)

_ERRORS = frozenset(WORDS["errors"]["cells"])
_PREFIXES = tuple(fold(word) for word in WORDS["states"]["prefixes"])
_STATES = {fold(word): state for state in ("released", "held") for word in WORDS["states"][state]}
# Code list → field, for the words of a column of states. The first list with the word is taken: "casa por cárcel" is a
# legal status before it is a kind of release, since house arrest is not being out.
STATE_CODES = {
    "legal_statuses": "detention.legal_status",
    "release_kinds": "release.kind",
    "ended": "detention.ended.how",
    "stages": "release.stage",
}


class UnreadCell(ValueError):
    """A cell that cannot be read. `code` is stable; the message says what to do, and does not quote the cell.
    `sentence`: its name in `FAULTS`, if the code has several."""

    def __init__(self, code: str, detail: str, sentence: str | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.sentence = sentence

    @classmethod
    def by(cls, code: str, sentence: str) -> Self:
        """Of a code that has several sentences."""
        return cls(code, FAULTS[sentence], sentence)


def plain(cell: str) -> str:
    """The text of a cell in NFC, stripped. Raises UnreadCell."""
    text = cell.strip()
    if not text:
        return ""
    if text.isascii() and text.isprintable() and len(text) <= MOST_CHARACTERS and text[0] not in "='":
        return text  # nearly every cell
    if len(text) > MOST_CHARACTERS:
        raise UnreadCell("cell_too_long", "This cell has more than 32,767 characters: is a quotation mark missing?")
    if text.startswith("="):
        raise UnreadCell("formula", "This cell holds a formula: put the value there (Paste special, values only).")
    if UNREAD.search(text):
        raise UnreadCell(
            "mixed_encodings", "This row's letters are not those of the rest: save the whole list as CSV UTF-8."
        )
    if _GARBLED.search(text):
        raise UnreadCell("garbled_text", "Letters of this cell were lost on the way here: send the list they stand in.")
    if is_blank(text):
        return ""
    if _UNSEEN.search(text):
        raise UnreadCell("control_character", "Remove control, text-direction and invisible characters.")
    text = unquoted(text)  # an apostrophe keeps a spreadsheet from running a cell, in our own exports too
    if has_too_many_marks(text):
        raise UnreadCell("too_many_marks", TOO_MANY)
    return normal("NFC", text)


def value(name: str, text: str, order: Order | None, meanings: dict[str, str] | None) -> Any:
    """The value of a field from the text of a cell; None where the text says "unknown". Raises UnreadCell."""
    field = FIELDS[name]
    if meanings is not None and (meant := meanings.get(_folded(text))) is not None:
        if not meant:
            return None
        text = meant
    elif name in NAMES and (damaged := refused_names.damage(text)) is not None:
        raise UnreadCell(*damaged)
    elif text.upper() in _ERRORS:
        raise UnreadCell(
            "formula",
            "This is what a spreadsheet writes where it can compute nothing: put the value there, or leave it empty.",
        )
    elif field.kind != "text" and name not in UNKNOWN_IS_ERROR and _is_unsaid(text) and not _names_code(field, text):
        return None
    match field.kind:
        case "date" if name == EMBARGO:
            return _end_of_embargo(text, order)
        case "date":
            return _years(text) if name == BIRTH and _YEARS.fullmatch(text) else _date(text, order)
        case "state":
            return _state(text)
        case "code":
            return _code(field.codes or "", text)
        case "codes":
            return _many(_CODE_LIST, text, lambda word: _code(field.codes or "", word))
        case "country":
            return _code(CODES, text)
        case "countries":
            return _many(_CODE_LIST, text, lambda word: _code(CODES, word))
        case "lines":
            return _many(_LIST, text, _line)
        case "links":
            return [_link(link) for link in _many(_SPACE, text, str)]
        case "number":
            return _number(text)
        case "text":
            return text
        case _:
            return _line(text)


def _is_unsaid(text: str) -> bool:
    return len(text) <= MOST_FOLDED and refused_names.is_unsaid(text)


def _names_code(field: Field, text: str) -> bool:
    """Whether a word for "unknown" is a code of this field: "anonymous" is a class of publication. Codes of countries
    are in capitals: SD is Sudan and NA is Namibia, while "s/d", "sd", "n/a" and "na" are unknown."""
    if field.kind in ("country", "countries"):
        return text in COUNTRIES
    return field.codes is not None and known_code(field.codes, text)


def known_code(codes: str, text: str) -> bool:
    """Whether a text is a code of the list or a known word for one."""
    return _folded(text) in _code_words(codes)


def is_date(text: str, order: Order | None) -> bool:
    """Whether a text is a day, a month or a year, ambiguous or not."""
    try:
        read(text, order)
    except UnclearDate as error:
        return error.code == "ambiguous_date"
    return True


def _years(text: str) -> str:
    match = _YEARS.fullmatch(text)
    assert match is not None
    if match[1] > match[2]:
        raise UnreadCell.by("invalid_date", "years_turned")
    return f"{match[1]}/{match[2]}"


def state_in(note: str) -> tuple[str, str] | None:
    """The state of the person in a note that says nothing else: "Estado: excarcelado"."""
    head, colon, _rest = note.partition(":")
    if not colon or _folded(head) not in _PREFIXES:
        return None
    try:
        return _state(note)
    except UnreadCell:
        return None


def _state(text: str) -> tuple[str, str]:
    """The state of a person in a sheet: `("", "released")`, `("", "held")`, or `(code list, code)`."""
    folded = _folded(text)
    prefix = next((word for word in _PREFIXES if folded.startswith(f"{word} ")), "")
    bare = folded.removeprefix(prefix).strip()
    state = _STATES.get(bare)
    if state is not None:
        return "", state
    for codes in STATE_CODES:
        if (code := _code_words(codes).get(bare)) is not None:
            return codes, code
    raise UnreadCell.by("unknown_code", "state_unread")


def _end_of_embargo(text: str, order: Order | None) -> str:
    """A day, or an instant. Whatever else is written there, "to be confirmed" or an hour of no zone, would have the
    report published at once or hours too early."""
    try:
        ends_at(text)
        return text
    except dates.DateError:
        if has_clock(text):
            raise UnreadCell.by("invalid_date", "embargo_hour") from None
    return _date(text, order)


def _date(text: str, order: Order | None) -> str:
    try:
        return read(text, order)
    except UnclearDate as error:
        raise UnreadCell(error.code, str(error), error.sentence) from None


def _code(codes: str, text: str) -> str:
    code = _code_words(codes).get(_folded(text))
    if code is not None:
        return code
    if codes == "genders" and _folded(text) == "m":
        raise UnreadCell.by("unknown_code", "m_is_open")
    if codes == CODES:
        raise UnreadCell.by("unknown_code", "country_unread")
    if codes == "publish":
        raise UnreadCell.by("unknown_code", "wish_unread")
    raise UnreadCell("unknown_code", _unknown(codes))


@cache
def _unknown(codes: str) -> str:
    """The message about an unknown word, with a few known words."""
    english, spanish = (vocabulary(lang)[codes][:NAMED] for lang in ("en", "es"))
    named = ", ".join(f"{en['label']} or {es['label']}" for en, es in zip(english, spanish, strict=True))
    sheet = ", and on the last sheet of the template" if codes in OFFERED else ""
    return (
        f"This word is not known here: take one that is ({named}; all are at /v1/vocabulary?lang=es under "
        f"{codes}{sheet}), or say what yours means under `values` in the mapping."
    )


def _link(text: str) -> dict[str, str]:
    if not text.casefold().startswith(("https://", "http://")):
        raise UnreadCell(
            "invalid_url",
            "This column is read for addresses that begin with https://. Whose word you pass on goes into a column "
            '"Según" or "According to" (verification.citing): rename it, or say in a mapping which field it is.',
        )
    return {"url": text}


def _many(separator: re.Pattern[str], text: str, read_part: Callable[[str], Any]) -> list[Any]:
    parts = [bare for part in separator.split(text) if (bare := part.strip())]
    if len(parts) > LIST_LENGTH:
        raise UnreadCell("too_many", f"This cell lists more than {LIST_LENGTH} things: leave the less important out.")
    parts[1:] = map(unquoted, parts[1:])  # `plain` has unquoted the first
    return list(dict.fromkeys(map(read_part, parts)))


def _number(text: str) -> int:
    match = _AGE.fullmatch(text)
    if match is None:
        raise UnreadCell("invalid_number", "Write the age in completed years, as a number.")
    return int(match[1])


def _line(text: str) -> str:
    return _SPACE.sub(" ", text)


@lru_cache(maxsize=4096)
def _folded(text: str) -> str:
    return fold(text) if len(text) <= MOST_FOLDED else text


MOST_FOLDED = 200  # no word for a code is longer


@cache
def _code_words(codes: str) -> dict[str, str]:
    """Folded word → code: the codes themselves, their labels in both languages, and the words of sheets."""
    of_sheets = WORDS["codes"].get(codes, {})
    if codes == CODES:
        known = {fold(code): code for code in COUNTRIES}
    else:
        known = {fold(str(code)): str(code) for code in LISTS[codes]}
        for lang in ("en", "es"):
            known |= {fold(term["label"]): term["code"] for term in vocabulary(lang)[codes]}
    return known | {fold(word): code for code, words in of_sheets.items() for word in words}
