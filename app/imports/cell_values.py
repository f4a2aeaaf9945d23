"""Parse the text of a cell as the value of a field: dates in English and Spanish, codes, numbers, lists (pure).

A date that can be read in two ways is refused: nobody was detained on a day that no source ever said.
"""

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
from app.imports.formats.csv import MAX_CELL_CHARACTERS, UNDECODED_BYTE
from app.matching.scripts import fold
from app.schemas import text as refused_names
from app.schemas.reports import MAX_LIST_LENGTH
from app.schemas.text import parse_embargo_end
from app.tables import unquote_cell
from app.unicode_text import INVISIBLE, TOO_MANY_MARKS_DETAIL, has_too_many_marks, is_blank, normalize_text
from app.vocabulary import CODE_LISTS, build_vocabulary


class DateOrder(StrEnum):
    """The order of a date in three numbers in a sheet. It is declared, never guessed."""

    DAY_FIRST = "day_first"
    MONTH_FIRST = "month_first"


class UnreadCellDate(ValueError):
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
_NUMERIC_DATE = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d+)")
_MONTH_YEAR = re.compile(r"(\d{1,2})[/.-](\d{4})")
_YEAR_FIRST = re.compile(r"(\d{4})[/.-](\d{1,2})(?:[/.-](\d{1,2}))?")
_NO_YEAR = re.compile(r"(?:el )?(\d{1,2})(?:st|nd|rd|th|º|°|ro)?[ /.-]*(?:de |of )?([^\W\d]+)")
_SHORT_YEAR = re.compile(r"(?<!\d)(\d\d)$")
_TIME_OF_DAY = re.compile(r"[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})?$")
# A spreadsheet's number for a day from 1927 to 2064, counted from 1900: a day only if it is formatted as a day.
_SERIAL = re.compile(r"[1-5]\d{4}")

LEAP_YEAR = "2024"  # with every day that a year can have


def has_time_of_day(text: str) -> bool:
    """Whether a text ends with an hour, which `parse_sheet_date` leaves off."""
    return _TIME_OF_DAY.search(text.strip()) is not None


def parse_sheet_date(text: str, order: DateOrder | None) -> str:
    """The partial date (EDTF level 0) of a cell. Raises UnclearDate.

    Day and month in numbers need `order`, unless the day is past 12. Two digits are no year.
    """
    date_text = " ".join(_TIME_OF_DAY.sub("", text.strip()).split()).strip(".,").casefold()
    if len(date_text) > dates.MAX_TEXT:
        _refuse_invalid("date_long")
    if _SERIAL.fullmatch(date_text):
        _refuse(
            "serial_date", "This is a spreadsheet's number for a day: format the column as a date and save it again."
        )
    if match := _NUMERIC_DATE.fullmatch(date_text):
        return _parse_numbers(int(match[1]), int(match[3]), match[4], order)
    if match := _MONTH_YEAR.fullmatch(date_text):
        return _build_date(match[2], int(match[1]), None)
    if match := _YEAR_FIRST.fullmatch(date_text):
        return _build_date(match[1], int(match[2]), int(match[3]) if match[3] else None)
    for pattern, day, month, year in ((_DAY_FIRST, 1, 2, 3), (_MONTH_FIRST, 2, 1, 3), (_MONTH_ALONE, 0, 1, 2)):
        match = pattern.fullmatch(date_text)
        if match and match[month] in MONTHS:
            return _build_date(match[year], MONTHS[match[month]], int(match[day]) if day else None)
    if (match := _NO_YEAR.fullmatch(date_text)) and match[2] in MONTHS:
        _build_date(LEAP_YEAR, MONTHS[match[2]], int(match[1]))
        _refuse_invalid("date_without_year")
    try:
        return dates.parse_date(date_text).text
    except dates.DateError:
        _refuse_invalid("date_unread")


def list_possible_days(text: str, order: DateOrder | None) -> list[date]:
    """Return the days that a cell may mean.

    Two if the order of its numbers is open; of this century if its year has two digits; none if it has no full day.
    """
    try:
        return [date.fromisoformat(day)] if dates.is_day(day := parse_sheet_date(text, order)) else []
    except UnreadCellDate as error:
        if error.code == "ambiguous_date":
            return [day for candidate_order in DateOrder for day in list_possible_days(text, candidate_order)]
        full_text = _SHORT_YEAR.sub(r"20\1", _TIME_OF_DAY.sub("", text.strip()))
        return list_possible_days(full_text, order) if error.code == "ambiguous_year" and full_text != text else []


def _parse_numbers(first: int, second: int, year: str, order: DateOrder | None) -> str:
    if order is None and first <= 12 and second <= 12 and first != second:
        _refuse(
            "ambiguous_date",
            'This can be two days: say `dates = "day_first"` or "month_first" in the mapping, or write the month out.',
        )
    month_first = second > 12 if order is None else order is DateOrder.MONTH_FIRST
    day, month = (second, first) if month_first else (first, second)
    return _build_date(year, month, day)


def _build_date(year: str, month: int, day: int | None) -> str:
    if len(year) != 4:
        _refuse("ambiguous_year", "Write the year with four digits: two could be of another century.")
    try:
        return dates.parse_date(f"{year}-{month:02}" + ("" if day is None else f"-{day:02}")).text
    except dates.DateError:
        _refuse_invalid("no_such_day")


def _refuse(code: str, detail: str) -> NoReturn:
    raise UnreadCellDate(code, detail)


def _refuse_invalid(sentence: str) -> NoReturn:
    raise UnreadCellDate("invalid_date", FAULTS[sentence], sentence)


CELL_WORDS: dict[str, Any] = tomllib.loads(Path(__file__).with_name("words.toml").read_text(encoding="utf-8"))
COUNTRY_CODE_LIST = "countries"
TEMPLATE_CODE_LISTS = frozenset(
    FIELDS[path].codes for path in template.TEMPLATE_COLUMNS
)  # code lists of the template's drop-downs
MAX_EXAMPLE_WORDS = 3  # known words in a message: enough to see what the field takes
NAME_FIELDS = frozenset({NAME, GIVEN_NAMES, SURNAMES})

# Characters that no line or note may have, as in JSON.
_INVISIBLE_CHARACTERS = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f{INVISIBLE}]")
# UTF-8 read as Windows-1252 and saved again (é became Ã©), and letters that an earlier program replaced.
_GARBLED_TEXT = re.compile("[ÃÂ][\u0080-\u00bf]|â€|\ufffd")
# Space around separators is stripped afterwards: with space in this pattern, a cell of spaces would take seconds.
_LIST = re.compile(r"[;|\n]")
_CODE_LIST = re.compile(r"[;|\n,/+]|\s(?:y|e|and)\s")
_SPACE = re.compile(r"\s+")
# "1936-1942" is a birth somewhere in these years. Of a detention it would be its beginning and its end.
_YEARS = re.compile(r"(?:(?:entre|between) )?(\d{4}) ?(?:[-–—/]|a|y|to|and|o|or) ?(\d{4})", re.IGNORECASE)
_AGE = re.compile(r"(\d{1,3})(?: ?(?:años|anos|years|years old))?", re.IGNORECASE)

_SPREADSHEET_ERROR_WORDS = frozenset(CELL_WORDS["errors"]["cells"])
_PREFIXES = tuple(fold(word) for word in CELL_WORDS["states"]["prefixes"])
_STATES = {fold(word): state for state in ("released", "held") for word in CELL_WORDS["states"][state]}
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
    def with_sentence(cls, code: str, sentence: str) -> Self:
        """Of a code that has several sentences."""
        return cls(code, FAULTS[sentence], sentence)


def clean_cell(cell: str) -> str:
    """The text of a cell in NFC, stripped. Raises UnreadCell."""
    text = cell.strip()
    if not text:
        return ""
    if text.isascii() and text.isprintable() and len(text) <= MAX_CELL_CHARACTERS and text[0] not in "='":
        return text  # nearly every cell
    if len(text) > MAX_CELL_CHARACTERS:
        raise UnreadCell("cell_too_long", "This cell has more than 32,767 characters: is a quotation mark missing?")
    if text.startswith("="):
        raise UnreadCell("formula", "This cell holds a formula: put the value there (Paste special, values only).")
    if UNDECODED_BYTE.search(text):
        raise UnreadCell(
            "mixed_encodings", "This row's letters are not those of the rest: save the whole list as CSV UTF-8."
        )
    if _GARBLED_TEXT.search(text):
        raise UnreadCell("garbled_text", "Letters of this cell were lost on the way here: send the list they stand in.")
    if is_blank(text):
        return ""
    if _INVISIBLE_CHARACTERS.search(text):
        raise UnreadCell("control_character", "Remove control, text-direction and invisible characters.")
    text = unquote_cell(text)  # an apostrophe keeps a spreadsheet from running a cell, in our own exports too
    if has_too_many_marks(text):
        raise UnreadCell("too_many_marks", TOO_MANY_MARKS_DETAIL)
    return normalize_text("NFC", text)


def parse_cell_value(name: str, text: str, order: DateOrder | None, meanings: dict[str, str] | None) -> Any:
    """Return the value of a field from the text of a cell; None if the text means "unknown". Raises UnreadCell."""
    field = FIELDS[name]
    if meanings is not None and (mapped_text := meanings.get(_fold_short_text(text))) is not None:
        if not mapped_text:
            return None
        text = mapped_text
    elif name in NAME_FIELDS and (damage := refused_names.find_name_damage(text)) is not None:
        raise UnreadCell(*damage)
    elif text.upper() in _SPREADSHEET_ERROR_WORDS:
        raise UnreadCell(
            "formula",
            "This is what a spreadsheet writes where it can compute nothing: put the value there, or leave it empty.",
        )
    elif field.kind != "text" and name not in UNKNOWN_IS_ERROR and _is_unknown_word(text) and not _is_code(field, text):
        return None
    match field.kind:
        case "date" if name == EMBARGO:
            return _parse_embargo_end(text, order)
        case "date":
            return _parse_years(text) if name == BIRTH and _YEARS.fullmatch(text) else _parse_date(text, order)
        case "state":
            return _parse_state(text)
        case "code":
            return _parse_code(field.codes or "", text)
        case "codes":
            return _parse_list(_CODE_LIST, text, lambda word: _parse_code(field.codes or "", word))
        case "country":
            return _parse_code(COUNTRY_CODE_LIST, text)
        case "countries":
            return _parse_list(_CODE_LIST, text, lambda word: _parse_code(COUNTRY_CODE_LIST, word))
        case "lines":
            return _parse_list(_LIST, text, _normalize_spaces)
        case "links":
            return [_parse_link(link) for link in _parse_list(_SPACE, text, str)]
        case "number":
            return _parse_age(text)
        case "text":
            return text
        case _:
            return _normalize_spaces(text)


def _is_unknown_word(text: str) -> bool:
    return len(text) <= MAX_FOLDED_LENGTH and refused_names.is_unknown_text(text)


def _is_code(field: Field, text: str) -> bool:
    """Whether a word for "unknown" is a code of this field: "anonymous" is a class of publication. Codes of countries
    are in capitals: SD is Sudan and NA is Namibia, while "s/d", "sd", "n/a" and "na" are unknown."""
    if field.kind in ("country", "countries"):
        return text in COUNTRIES
    return field.codes is not None and is_known_code(field.codes, text)


def is_known_code(codes: str, text: str) -> bool:
    """Whether a text is a code of the list or a known word for one."""
    return _fold_short_text(text) in _load_code_words(codes)


def is_date(text: str, order: DateOrder | None) -> bool:
    """Whether a text is a day, a month or a year, ambiguous or not."""
    try:
        parse_sheet_date(text, order)
    except UnreadCellDate as error:
        return error.code == "ambiguous_date"
    return True


def _parse_years(text: str) -> str:
    match = _YEARS.fullmatch(text)
    assert match is not None
    if match[1] > match[2]:
        raise UnreadCell.with_sentence("invalid_date", "years_turned")
    return f"{match[1]}/{match[2]}"


def find_state(note: str) -> tuple[str, str] | None:
    """The state of the person in a note that says nothing else: "Estado: excarcelado"."""
    head, colon, _rest = note.partition(":")
    if not colon or _fold_short_text(head) not in _PREFIXES:
        return None
    try:
        return _parse_state(note)
    except UnreadCell:
        return None


def _parse_state(text: str) -> tuple[str, str]:
    """The state of a person in a sheet: `("", "released")`, `("", "held")`, or `(code list, code)`."""
    folded = _fold_short_text(text)
    prefix = next((word for word in _PREFIXES if folded.startswith(f"{word} ")), "")
    bare = folded.removeprefix(prefix).strip()
    state = _STATES.get(bare)
    if state is not None:
        return "", state
    for codes in STATE_CODES:
        if (code := _load_code_words(codes).get(bare)) is not None:
            return codes, code
    raise UnreadCell.with_sentence("unknown_code", "state_unread")


def _parse_embargo_end(text: str, order: DateOrder | None) -> str:
    """A day, or an instant. Whatever else is written there, "to be confirmed" or an hour of no zone, would have the
    report published at once or hours too early."""
    try:
        parse_embargo_end(text)
        return text
    except dates.DateError:
        if has_time_of_day(text):
            raise UnreadCell.with_sentence("invalid_date", "embargo_hour") from None
    return _parse_date(text, order)


def _parse_date(text: str, order: DateOrder | None) -> str:
    try:
        return parse_sheet_date(text, order)
    except UnreadCellDate as error:
        raise UnreadCell(error.code, str(error), error.sentence) from None


def _parse_code(codes: str, text: str) -> str:
    code = _load_code_words(codes).get(_fold_short_text(text))
    if code is not None:
        return code
    if codes == "genders" and _fold_short_text(text) == "m":
        raise UnreadCell.with_sentence("unknown_code", "m_is_open")
    if codes == COUNTRY_CODE_LIST:
        raise UnreadCell.with_sentence("unknown_code", "country_unread")
    if codes == "publish":
        raise UnreadCell.with_sentence("unknown_code", "wish_unread")
    raise UnreadCell("unknown_code", _format_unknown_code(codes))


@cache
def _format_unknown_code(codes: str) -> str:
    """The message about an unknown word, with a few known words."""
    english, spanish = (build_vocabulary(lang)[codes][:MAX_EXAMPLE_WORDS] for lang in ("en", "es"))
    examples = ", ".join(f"{en['label']} or {es['label']}" for en, es in zip(english, spanish, strict=True))
    sheet = ", and on the last sheet of the template" if codes in TEMPLATE_CODE_LISTS else ""
    return (
        f"This word is not known here: take one that is ({examples}; all are at /v1/vocabulary?lang=es under "
        f"{codes}{sheet}), or say what yours means under `values` in the mapping."
    )


def _parse_link(text: str) -> dict[str, str]:
    if not text.casefold().startswith(("https://", "http://")):
        raise UnreadCell(
            "invalid_url",
            "This column is read for addresses that begin with https://. Whose word you pass on goes into a column "
            '"Según" or "According to" (verification.citing): rename it, or say in a mapping which field it is.',
        )
    return {"url": text}


def _parse_list(separator: re.Pattern[str], text: str, read_part: Callable[[str], Any]) -> list[Any]:
    parts = [bare for part in separator.split(text) if (bare := part.strip())]
    if len(parts) > MAX_LIST_LENGTH:
        raise UnreadCell(
            "too_many", f"This cell lists more than {MAX_LIST_LENGTH} things: leave the less important out."
        )
    parts[1:] = map(unquote_cell, parts[1:])  # `clean_cell` has unquoted the first
    return list(dict.fromkeys(map(read_part, parts)))


def _parse_age(text: str) -> int:
    match = _AGE.fullmatch(text)
    if match is None:
        raise UnreadCell("invalid_number", "Write the age in completed years, as a number.")
    return int(match[1])


def _normalize_spaces(text: str) -> str:
    return _SPACE.sub(" ", text)


@lru_cache(maxsize=4096)
def _fold_short_text(text: str) -> str:
    return fold(text) if len(text) <= MAX_FOLDED_LENGTH else text


MAX_FOLDED_LENGTH = 200  # no word for a code is longer


@cache
def _load_code_words(codes: str) -> dict[str, str]:
    """Folded word → code: the codes themselves, their labels in both languages, and the words of sheets."""
    sheet_words = CELL_WORDS["codes"].get(codes, {})
    if codes == COUNTRY_CODE_LIST:
        code_by_word = {fold(code): code for code in COUNTRIES}
    else:
        code_by_word = {fold(str(code)): str(code) for code in CODE_LISTS[codes]}
        for lang in ("en", "es"):
            code_by_word |= {fold(term["label"]): term["code"] for term in build_vocabulary(lang)[codes]}
    return code_by_word | {fold(word): code for code, words in sheet_words.items() for word in words}
