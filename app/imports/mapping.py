"""Parse the mapping of a list: the answers to all that is asked about it.

A mapping has the fields of columns, the meaning of codes, constants of every row, and what is true of the list. It is
TOML, and everything in it is optional: headings (`heading_recognition`) and words (`cell_values`) are recognised
without it.
"""

import hashlib
import json
import re
import tomllib
from datetime import date
from difflib import get_close_matches
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from app.dates import DateError, parse_date
from app.errors import escape_pointer_part
from app.imports.faults import BadFile, format_column_letters
from app.imports.fields import FIELDS
from app.imports.reader.cell_values import UnreadCell, clean_cell, parse_cell_value
from app.imports.reader.code_words import COUNTRY_CODE_LIST, is_known_code
from app.imports.reader.sheet_dates import DateContext, DateOrder
from app.log.content import AGE_ON_FILING_DAY
from app.matching.scripts import fold
from app.projection.statements import FIRST_HAND

# The largest mapping imagined names 500 columns, in 30 KB; a line has a heading and five fields at most. The parser
# would take seconds for a line with thousands of dots.
MAX_MAPPING_CHARACTERS, MAX_MAPPING_LINE = 64 * 1024, 2_000
# Day on which people had the listed ages → its field.
DAYS_OF_AGES = {"detained_on": "detention.detained_on", "released_on": "release.released_on"}
AGE_ON_LIST_DAY = "list_date"
NOT_CHECKED = "no"
# Answers about one list, not about its layout.
UNSAVED_ANSWERS = ("list_date", "whole", "checked", "held")
# Characters of a heading that are read: the rest of a paragraph tells no columns apart.
HEADING_LENGTH = 200
# The last row that may have the headings: at most a title and a paragraph stand above.
LAST_HEADER = 50
# Characters of a heading or name in a message, and the number of similar names in it.
MAX_QUOTED_LENGTH, MAX_SUGGESTIONS = 60, 2
MAX_PARSER_MESSAGE = 200  # characters of the parser's message
# The last part of a field's name, which a mapping may use → the field.
_FIELD_BY_LAST_PART = {name.rpartition(".")[2]: name for name in FIELDS}

Targets = Annotated[list[str], Field(max_length=5)]


class Question(StrEnum):
    """The questions about a row (`doubts`)."""

    SUM = "not_a_person"
    TITLE = "section_title"
    HEADINGS = "repeated_headings"
    NOT_A_NAME = "not_a_name"
    SEVERAL = "several_people"
    HIDDEN = "hidden_row"
    STRUCK = "struck_out"
    COMMENT = "cell_comment"
    WITHDRAWN = "withdrawn_report"  # asked when rows are filed: the file does not show it
    STATES_DIFFER = "states_differ"  # the status of a row, and its other cells
    UNDATED_RELEASE = "undated_release"  # the kind of a release, and no day of it
    REMARK_STATE = "remark_state"  # a remark that says something else of the status
    REPEATED = "repeated_person"  # an earlier row has the same name, birth and day of detention
    REMARK_WISH = "remark_wish"  # a remark that says that the name must not be published


QUESTIONS = frozenset(Question)
# Questions about one cell against the others: a row may have several of them, besides one about the whole row.
CELL_QUESTIONS = frozenset(
    {
        Question.STATES_DIFFER,
        Question.UNDATED_RELEASE,
        Question.REMARK_STATE,
        Question.REMARK_WISH,
        Question.REPEATED,
    }
)


class Answer(StrEnum):
    """The answers: what to do with such a row."""

    READ = "read"
    LEAVE_OUT = "leave_out"
    # For a withdrawn report. "read" means something else: that a row is a person.
    STANDS_AGAIN = "stands_again"
    # What holds, where the cells of a row contradict one another.
    STATUS = "status"
    CELLS = "cells"
    REMARK = "remark"
    RELEASED = "released"
    HELD = "held"


# Question → its answers, where they are not "read" and "leave_out".
ANSWERS: dict[Question, tuple[Answer, ...]] = {
    Question.WITHDRAWN: (Answer.LEAVE_OUT, Answer.STANDS_AGAIN),
    Question.STATES_DIFFER: (Answer.STATUS, Answer.CELLS, Answer.RELEASED, Answer.HELD, Answer.LEAVE_OUT),
    Question.UNDATED_RELEASE: (Answer.RELEASED, Answer.HELD, Answer.LEAVE_OUT),
    Question.REMARK_STATE: (Answer.REMARK, Answer.READ, Answer.LEAVE_OUT),
    Question.REMARK_WISH: (Answer.REMARK, Answer.READ, Answer.LEAVE_OUT),
}


def list_answers(question: Question) -> tuple[Answer, ...]:
    """Return the answers to a question about a row."""
    return ANSWERS.get(question, (Answer.LEAVE_OUT, Answer.READ))


# The number of a row, one of the QUESTIONS, or both; in a list of several sheets after the sheet's name.
_ROW_ANSWER = re.compile(rf"(?:(?P<row>(?:.{{1,255}}!)?\d+)(?: |$))?(?P<question>{'|'.join(Question)})?")
# The letter of a column; in a list of several sheets after the sheet's name, as spreadsheets write it: Detenidos!C.
_LETTERS = re.compile(r"(?:.{1,255}!)?[A-Z]{1,3}")


def is_too_long(text: str) -> bool:
    """Whether a text, or a line of it, is too long for a mapping: TOML parsers take quadratic time for dotted names."""
    return len(text) > MAX_MAPPING_CHARACTERS or any(len(line) > MAX_MAPPING_LINE for line in text.split("\n"))


def decode_mapping(data: bytes) -> str:
    """The text of a mapping file; editors write a byte order mark. Raises BadFile."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadFile("bad_mapping", "The letters of the mapping file cannot be read: save it as UTF-8.") from None


class ListMapping(BaseModel):
    """`columns`: heading → field, or fields of which the first that can read a cell takes it, or nothing to leave the
    column out. `positions`: letter of a column → the same, where two columns have one heading, or one has none.
    `values`: field → word of the list → our code. `constants`: field → the cell of every row. `rows`: a question about
    rows, or the number of a row → what to do. `dates`: the order of dates in numbers. `age_on`: the day on which people
    were as old as the list says: "detained_on", "released_on", "filed" (the day the list is first filed) or a date.
    `header`: the row of the headings, 0 if there is none. `sheet`: the name of the one sheet to read. `sheets`: name of
    a sheet → whether it is read, where a list has several; `headers`: the name → its row of headings.
    `colours`: the colour of rows → the state that it means.

    What is asked of every list, and never saved: `list_date`, the day for which the list is true; `whole`, whether it
    has everybody of whom the source knows; `checked`, how the source checked it itself, or "no"; `held`, whether the
    people who are not said to be out were in custody on that day, or it is unknown; `missing`: the case number of
    somebody whom a whole list lacks, or "*" → what became of them; `confirmed`: questions answered with yes.

    The registry itself saves `kept_rows`: the digest of a row and a question → the answer, and `kept_from`, the import
    with it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    columns: dict[str, str | Targets] = {}
    values: dict[str, dict[str, str]] = {}
    constants: dict[str, str] = {}
    dates: DateOrder | None = None
    positions: dict[str, str | Targets] = {}
    rows: dict[str, Answer] = {}
    age_on: Annotated[str, Field(max_length=MAX_QUOTED_LENGTH)] | None = None
    header: Annotated[int, Field(ge=0, le=LAST_HEADER)] | None = None
    sheet: Annotated[str, Field(max_length=100)] | None = None
    colours: dict[str, str] = {}
    sheets: dict[str, bool] = {}
    headers: dict[str, Annotated[int, Field(ge=0, le=LAST_HEADER)]] = {}
    list_date: Annotated[str, Field(max_length=MAX_QUOTED_LENGTH)] | None = None
    whole: bool | None = None
    checked: Annotated[str, Field(max_length=MAX_QUOTED_LENGTH)] | None = None
    held: Literal["held", "unknown"] | None = None
    missing: dict[str, str] = {}
    confirmed: dict[str, bool] = {}
    kept_rows: dict[str, Answer] = {}
    kept_from: Annotated[str, Field(max_length=MAX_QUOTED_LENGTH)] | None = None

    @classmethod
    def parse_toml(cls, text: str) -> Self:
        """The mapping in the text of a file. Raises BadFile, with the place of the error."""
        if is_too_long(text):
            raise BadFile("bad_mapping", "The mapping file, or a line of it, is too long to be one.")
        try:
            return cls.model_validate(tomllib.loads(text))
        except ValidationError as error:
            first = error.errors()[0]
            location = ".".join(str(part)[:MAX_QUOTED_LENGTH] for part in first["loc"]) or "the file"
            reason = first["msg"].removeprefix("Value error, ")
            if first["type"] == "extra_forbidden":
                reason = f"there is no such setting: take one of {', '.join(cls.model_fields)}"
            place = "".join(f"/{escape_pointer_part(str(part)[:MAX_QUOTED_LENGTH])}" for part in first["loc"])
            raise BadFile("bad_mapping", f"The mapping file is wrong at {location}: {reason}.", place=place) from None
        except (ValueError, RecursionError) as error:  # no TOML, a number of thousands of digits, a pile of brackets
            raise BadFile("bad_mapping", f"The mapping file is not TOML: {str(error)[:MAX_PARSER_MESSAGE]}.") from None

    @field_validator("positions")
    @classmethod
    def _letters(cls, positions: dict[str, str | list[str]]) -> dict[str, str | list[str]]:
        for letters in positions:
            if not _LETTERS.fullmatch(letters):
                raise ValueError(f'"{letters[:MAX_QUOTED_LENGTH]}" is not the letter of a column, such as F')
        return cls._known_targets(positions)

    @field_validator("rows")
    @classmethod
    def _known_questions(cls, rows: dict[str, Answer]) -> dict[str, Answer]:
        for name, answer in rows.items():
            match = _ROW_ANSWER.fullmatch(name)
            if match is None:
                known_names = ", ".join(sorted(QUESTIONS))
                raise ValueError(
                    f'"{name[:MAX_QUOTED_LENGTH]}" is neither the number of a row nor one of {known_names}'
                )
            if match["question"] and answer not in list_answers(Question(match["question"])):
                raise ValueError(f'"{answer}" is no answer to {name}')
        return rows

    def find_row_answer(self, label: str, question: Question) -> Answer | None:
        """What to do with a row about which a question is asked, if that is answered. `label`: of the row."""
        names = (f"{label} {question}", question) if question in CELL_QUESTIONS else (label, question)
        return next((answer for name in names if (answer := self.rows.get(name)) is not None), None)

    def if_withdrawn(self, label: str) -> Answer | None:
        """What to do with a row whose report its source withdrew, if that is answered."""
        answer = self.rows.get(label)
        return self.rows.get(Question.WITHDRAWN) if answer in (None, Answer.READ) else answer

    @field_validator("columns")
    @classmethod
    def _known_targets(cls, columns: dict[str, str | list[str]]) -> dict[str, str | list[str]]:
        for heading, targets in columns.items():
            for target in _as_list(targets):
                _require_known_field(target, f'"{heading[:MAX_QUOTED_LENGTH]}": ')
        return columns

    @field_validator("constants")
    @classmethod
    def _known_constants(cls, constants: dict[str, str]) -> dict[str, str]:
        for name in constants:
            _require_known_field(name)
        return constants

    @field_validator("values")
    @classmethod
    def _known_codes(cls, values: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
        for name, meanings in values.items():
            _require_known_field(name)
            codes = FIELDS[name].codes
            for code in meanings.values():
                if code and codes is not None and not is_known_code(codes, code):
                    raise ValueError(f"values for {name} must be codes of the list {codes} (see /v1/vocabulary)")
                if (
                    code
                    and FIELDS[name].kind in ("country", "countries")
                    and not is_known_code(COUNTRY_CODE_LIST, code)
                ):
                    raise ValueError(f"values for {name} must be ISO 3166-1 alpha-2 codes")
        return values

    @field_validator("list_date")
    @classmethod
    def _full_day(cls, day: str | None) -> str | None:
        try:
            return day if day is None else date.fromisoformat(day).isoformat()
        except ValueError:
            raise ValueError("say the day for which the list is true, such as 2026-01-20") from None

    @field_validator("checked")
    @classmethod
    def _known_method(cls, method: str | None) -> str | None:
        if method is None or method == NOT_CHECKED or method in FIRST_HAND:
            return method
        raise ValueError(f'say "{NOT_CHECKED}", or how: {", ".join(sorted(FIRST_HAND))}')

    @field_validator("age_on")
    @classmethod
    def _known_day(cls, day: str | None) -> str | None:
        if day is None or day in DAYS_OF_AGES or day in (AGE_ON_FILING_DAY, AGE_ON_LIST_DAY):
            return day
        try:
            return parse_date(day).text
        except DateError:
            raise ValueError(
                'say "detained_on", "released_on", "list_date", "filed" or a date such as 2026-01-12'
            ) from None

    @model_validator(mode="after")
    def _read_constants(self) -> Self:
        for name in self.constants:
            try:
                self.read_constant(name)
            except UnreadCell as error:
                raise ValueError(f'constants."{name}": {str(error).removesuffix(".")}') from None
        return self

    def read_constant(self, name: str) -> Any:
        """The constant of a field, read like a cell. Raises UnreadCell, but not of a validated mapping."""
        return parse_cell_value(
            name, clean_cell(self.constants[name]), DateContext(self.dates), self.meanings.get(name)
        )

    def lay_over(self, saved: "ListMapping") -> Self:
        """Return the answers on top of those saved for the same headings: what is not answered anew still holds."""
        merged = {
            name: {**getattr(saved, name), **answer} if isinstance(answer := getattr(self, name), dict) else answer
            for name in type(self).model_fields
            if name in self.model_fields_set or name not in saved.model_fields_set
        }
        return self._change({name: getattr(saved, name) for name in saved.model_fields_set} | merged)

    def to_saved(self, kept_rows: dict[str, Answer] | None = None, kept_from: str | None = None) -> Self:
        """The mapping to save for the next list, without what is true of this list alone: row 14 is another person
        there, and the day is another."""
        emptied: dict[str, Any] = {"sheets": {}, "rows": {}, "missing": {}, "confirmed": {}}
        kept = {"kept_rows": kept_rows or {}, "kept_from": kept_from}
        return self._change(dict.fromkeys(UNSAVED_ANSWERS) | emptied | kept)

    def with_rows(self, rows: dict[str, Answer]) -> Self:
        """The mapping with other answers about rows."""
        return self._change({"rows": rows})

    def forget_rows(self) -> Self:
        """The mapping without what earlier rows were answered."""
        return self._change({"kept_rows": {}})

    def _change(self, changes: dict[str, Any]) -> Self:
        """Return the mapping with other answers. A copy of the model would keep what is cached of the former ones."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        return self.model_construct(self.model_fields_set | changes.keys(), **values | changes)

    @cached_property
    def day(self) -> date | None:
        """The day for which the list is true."""
        return None if self.list_date is None else date.fromisoformat(self.list_date)

    def find_targets(self, place: int, heading: str, sheet: str | None = None) -> list[str] | None:
        """The fields that the mapping gives a column; None for a column that it does not name."""
        letter = format_column_letters(place)
        targets = self.positions.get(letter if sheet is None else f"{sheet}!{letter}") if self.positions else None
        return self.targets.get(fold_heading(heading)) if targets is None else _as_list(targets)

    @cached_property
    def targets(self) -> dict[str, list[str]]:
        """Folded heading → fields."""
        return {fold_heading(heading): _as_list(targets) for heading, targets in self.columns.items()}

    @cached_property
    def meanings(self) -> dict[str, dict[str, str]]:
        """Field → folded word → code."""
        return {name: {fold(word): code for word, code in codes.items()} for name, codes in self.values.items()}

    @cached_property
    def digest(self) -> str:
        """The digest (hex SHA-256) of the mapping's content, whatever its layout."""
        return hashlib.sha256(json.dumps(self.model_dump(mode="json"), sort_keys=True).encode()).hexdigest()


def fold_heading(heading: str) -> str:
    """The form of a heading in which headings are compared."""
    return fold(heading.strip()[:HEADING_LENGTH])


def _as_list(targets: str | list[str]) -> list[str]:
    return [targets] if isinstance(targets, str) and targets else list(targets)


def _require_known_field(name: str, prefix: str = "") -> None:
    """Raises ValueError for an unknown field, with the most similar names."""
    if name in FIELDS:
        return
    short = name[:MAX_QUOTED_LENGTH]
    similar_names = get_close_matches(short, FIELDS, n=MAX_SUGGESTIONS) or get_close_matches(
        short, _FIELD_BY_LAST_PART, n=MAX_SUGGESTIONS
    )
    suggestion = " or ".join(_FIELD_BY_LAST_PART.get(field, field) for field in similar_names)
    hint = (
        f"perhaps {suggestion} is meant"
        if suggestion
        else "the fields are those of a report, such as detainee.full_name"
    )
    raise ValueError(f'{prefix}there is no field "{short}": {hint}')
