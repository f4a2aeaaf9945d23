"""Recognise the shape of a cell, and parse its text as the value of a field: dates, codes, numbers, lists (pure).

A date that can be read in two ways is refused: nobody was detained on a day that no source ever said.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any, Self

from app import dates
from app.formats import COUNTRIES
from app.imports.faults import FAULTS
from app.imports.fields import (
    BIRTH,
    EMBARGO,
    FIELDS,
    GIVEN_NAMES,
    GROUPS,
    NAME,
    SENTENCE_UNTIL,
    SURNAMES,
    UNKNOWN_IS_ERROR,
    Field,
)
from app.imports.formats import template
from app.imports.formats.csv import MAX_CELL_CHARACTERS, UNDECODED_BYTE
from app.imports.reader.code_words import (
    CELL_WORDS,
    COUNTRY_CODE_LIST,
    MAX_FOLDED_LENGTH,
    find_code,
    fold_short_text,
    is_known_code,
)
from app.imports.reader.heading_words import MONTH_WORDS, PARTICLES
from app.imports.reader.sheet_dates import (
    AMBIGUOUS_DATE_DETAIL,
    DateContext,
    DateOrder,
    UnreadCellDate,
    has_time_of_day,
    is_unknown_date,
    parse_sheet_date,
    strip_accents,
)
from app.imports.reader.states import (
    UNKNOWN,
    StateReading,
    expand_abbreviations,
    is_state_choice,
    read_meaning,
    read_state,
    split_date,
)
from app.log.content import AGE
from app.matching.scripts import fold
from app.schemas import text as refused_names
from app.schemas.reports import MAX_LIST_LENGTH
from app.schemas.text import parse_embargo_end
from app.tables import unquote_cell
from app.unicode_text import INVISIBLE, TOO_MANY_MARKS_DETAIL, has_too_many_marks, is_blank, normalize_text
from app.vocabulary import build_vocabulary

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


_DITTO_CELLS = frozenset(map(strip_accents, CELL_WORDS["ditto"]["cells"]))
MAX_DITTO_LENGTH = 20


def is_ditto(text: str) -> bool:
    """Whether a text only says that the cell has the value of the one above: a ditto mark, "ídem"."""
    return len(text) <= MAX_DITTO_LENGTH and strip_accents(text.strip()) in _DITTO_CELLS


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


TEMPLATE_CODE_LISTS = frozenset(
    FIELDS[path].codes for path in template.TEMPLATE_COLUMNS
)  # code lists of the template's drop-downs
MAX_EXAMPLE_WORDS = 3  # known words in a message: enough to see what the field takes
# Days after the one for which a list is true, from which nothing tells their year.
DAYS_TO_COME = frozenset({EMBARGO, SENTENCE_UNTIL})
# Cells of a column of crosses.
CROSSES = frozenset("xX✓✔☑*●•√+1")
MARKS = {name: frozenset(map(fold, words)) for name, words in CELL_WORDS["marks"].items()}
_SERIAL = re.compile(r"\d{5}")
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
_AGE_WORDS: dict[str, list[str]] = CELL_WORDS["ages"]


def _build_age_pattern(name: str) -> str:
    return "|".join(sorted(map(fold, _AGE_WORDS[name]), key=len, reverse=True))


# Of a folded text, in which "~", brackets and points are spaces.
_AGE = re.compile(
    rf"(?:(?:{_build_age_pattern('approximate')}) ?)?(\d{{1,3}})(?: 0)?"
    rf"(?: ?(?:{_build_age_pattern('units')}))?(?: (?:{_build_age_pattern('approximate')}))?"
)
_EXACT_AGE = re.compile(rf"(?:\d{{1,3}}(?:[.,]0)?) ?(?:{'|'.join(map(re.escape, _AGE_WORDS['units']))})?\.?")
_MINOR_OR_ADULT = re.compile(rf"\b(?:({_build_age_pattern('minor')})|{_build_age_pattern('adult')})\b")
_AGE_LIMIT = re.compile(r"[<>≤≥+]|^-")  # "50+" and "<18" are no ages
MAX_MINOR_AGE = 17

_SPREADSHEET_ERROR_WORDS = frozenset(CELL_WORDS["errors"]["cells"])


class UnreadCell(ValueError):
    """A cell that cannot be read. `code` is stable; the message says what to do, and does not quote the cell.
    `sentence`: its name in `FAULTS`, if the code has several; `field`: that was read, if it is not the column's;
    `word`: the part of the cell to ask about; `other`: what else cannot be read."""

    def __init__(self, code: str, detail: str, sentence: str | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.sentence = sentence
        self.field: str | None = None
        self.word: str | None = None
        self.other: UnreadCell | None = None

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


def parse_cell_value(name: str, text: str, context: DateContext | None, meanings: dict[str, str] | None) -> Any:
    """Return the value of a field from the text of a cell; None if the text means "unknown". Raises UnreadCell.

    `context`: of the dates of a list; None for a text that belongs to no list."""
    field = FIELDS[name]
    if meanings is not None and (mapped_text := meanings.get(fold_short_text(text))) is not None:
        if not mapped_text:
            return None
        text = text if field.kind == "state" else mapped_text
    elif name in NAME_FIELDS and (damage := refused_names.find_name_damage(text)) is not None:
        raise UnreadCell(*damage)
    elif text.upper() in _SPREADSHEET_ERROR_WORDS:
        raise UnreadCell(
            "formula",
            "This is what a spreadsheet writes where it can compute nothing: put the value there, or leave it empty.",
        )
    elif name not in UNKNOWN_IS_ERROR and _is_unknown(field, text):
        return None
    match field.kind:
        case "date" if name == EMBARGO:
            return _parse_embargo_end(text, context or DateContext())
        case "date":
            if context is None and _SERIAL.fullmatch(text):  # no spreadsheet wrote it
                raise UnreadCell.with_sentence("invalid_date", "date_unread")
            return _parse_date(name, text, context or DateContext())
        case "state":
            return _parse_state(text, context or DateContext(), meanings or {})
        case "mark":
            return _parse_mark(text, context or DateContext())
        case "code":
            return _parse_code(field.codes or "", text)
        case "codes" if name == GROUPS:  # a profession is no group: `has_further_words`
            codes = _parse_list(_CODE_LIST, text, lambda word: find_code(field.codes or "", word))
            return [code for code in codes if code is not None]
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


def has_further_words(name: str, text: str, parsed_value: Any) -> bool:
    """Whether a cell says more than its value: an age that is not exact, a profession in a column of groups."""
    if name == AGE:
        return _EXACT_AGE.fullmatch(text.casefold()) is None
    return name == GROUPS and parsed_value is not None and len(parsed_value) < len(_parse_list(_CODE_LIST, text, str))


def _is_unknown(field: Field, text: str) -> bool:
    """Whether a text is a word for "unknown", and no value of the field."""
    if field.kind == "text" or len(text) > MAX_FOLDED_LENGTH:
        return False
    if field.kind == "date" and is_unknown_date(text):
        return True
    return refused_names.is_unknown_text(text) and not _is_code(field, text)


def _is_code(field: Field, text: str) -> bool:
    """Whether a word for "unknown" is a code of this field: "anonymous" is a class of publication. Codes of countries
    are in capitals: SD is Sudan and NA is Namibia, while "s/d", "sd", "n/a" and "na" are unknown."""
    if field.kind in ("country", "countries"):
        return text in COUNTRIES
    return field.codes is not None and is_known_code(field.codes, text)


def _parse_years(text: str) -> str:
    match = _YEARS.fullmatch(text)
    assert match is not None
    if match[1] > match[2]:
        raise UnreadCell.with_sentence("invalid_date", "years_turned")
    return f"{match[1]}/{match[2]}"


def _parse_state(text: str, context: DateContext, meanings: dict[str, str]) -> StateReading | None:
    """A status, in words of a sheet or as an answer says of the cell, or of its words without the date."""
    dated = split_date(text, context) if has_digit(text) else None
    words = (text,) if dated is None else (text, dated.word)
    answered = (meanings[word] for word in map(fold_short_text, words) if word in meanings)
    meaning = next(answered, text if is_state_choice(text) else None)
    problem = None if dated is None else dated.problem
    if meaning is not None and problem is not None:
        raise UnreadCell(problem.code, str(problem), problem.sentence)
    if meaning == "":
        return None
    if meaning is not None and is_state_choice(meaning):
        return read_meaning(meaning, text, context)
    full_text = expand_abbreviations(text)
    reading = read_state(meaning or full_text, context)
    if reading is not None:
        return reading if meaning is None else read_meaning(reading.choice, text, context)
    if context.order is None:
        in_order = read_state(full_text, replace(context, order=DateOrder.DAY_FIRST))
        if in_order is not None and in_order.state != UNKNOWN:  # only its day is open
            raise UnreadCell("ambiguous_date", AMBIGUOUS_DATE_DETAIL)
    error = UnreadCell.with_sentence("unknown_code", "state_unread")
    if dated is not None and read_state(expand_abbreviations(dated.word), context) is None:
        error.word = dated.word
        is_ambiguous = problem is not None and problem.code == "ambiguous_date"
        error.other = UnreadCell("ambiguous_date", AMBIGUOUS_DATE_DETAIL) if is_ambiguous else None
    raise error


def _parse_mark(text: str, context: DateContext) -> str | bool:
    """Whether a cell is crossed; a day also says since when."""
    folded = fold_short_text(text)
    if text in CROSSES or folded in MARKS["yes"]:
        return True
    if folded in MARKS["no"] or text in MARKS["no"]:
        return False
    try:
        return parse_sheet_date(text, context)
    except UnreadCellDate:
        raise UnreadCell.with_sentence("unknown_mark", "unknown_mark") from None


def _parse_embargo_end(text: str, context: DateContext) -> str:
    """A day, or an instant. Whatever else is written there, "to be confirmed" or an hour of no zone, would have the
    report published at once or hours too early."""
    try:
        parse_embargo_end(text)
        return text
    except dates.DateError:
        if has_time_of_day(text):
            raise UnreadCell.with_sentence("invalid_date", "embargo_hour") from None
    return _parse_date(EMBARGO, text, context)


def _parse_date(name: str, text: str, context: DateContext) -> str:
    if name == BIRTH and _YEARS.fullmatch(text):
        return _parse_years(text)
    if name in DAYS_TO_COME:
        context = replace(context, until=None)
    try:
        return parse_sheet_date(text, context, is_birth=name == BIRTH)
    except UnreadCellDate as error:
        raise UnreadCell(error.code, str(error), error.sentence) from None


def _parse_code(codes: str, text: str) -> str:
    code = find_code(codes, text)
    if code is not None:
        return code
    if codes == "genders" and fold_short_text(text) == "m":
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
    """An age in completed years, exact or approximate. A word such as "menor" may stand beside a number, not for it."""
    bare_text = text.removeprefix("+/-")
    folded = fold_short_text(bare_text)
    word = _MINOR_OR_ADULT.search(folded)
    match = _AGE.fullmatch(" ".join(_MINOR_OR_ADULT.sub("", folded, 1).split()))
    if match is None or _AGE_LIMIT.search(bare_text):
        if word is not None:
            raise UnreadCell.with_sentence("age_in_words", "age_in_words")
        raise UnreadCell("invalid_number", "Write the age in completed years, as a number.")
    if word is not None and (int(match[1]) <= MAX_MINOR_AGE) is (word[1] is None):
        raise UnreadCell.with_sentence("age_in_words", "age_in_words")  # "25 (menor)"
    return int(match[1])


def _normalize_spaces(text: str) -> str:
    return _SPACE.sub(" ", text)
