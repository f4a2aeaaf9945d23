"""Parse the mapping file of a list, and group the faults of a list by kind and column.

A mapping has the fields of columns, the meaning of codes, and constants of every row. It is TOML, and everything in it
is optional: known headings (`headings`) and words (`cell_values`) are recognised without it.

A group is the number of rows with a fault, and the first few of them: four hundred rows with the same mistake in one
column are one thing to correct.
"""

import hashlib
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, NotRequired, Self, cast

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from sqlalchemy import select
from sqlmodel import Session, col
from typing_extensions import TypedDict

from app.dates import DateError, parse_date
from app.errors import escape_pointer_part
from app.imports.cell_values import UnreadCell, clean_cell, parse_cell_value
from app.imports.code_words import COUNTRY_CODE_LIST, is_known_code
from app.imports.faults import BadFile, StoredRowError, format_column_letters, translate_detail
from app.imports.fields import FIELDS
from app.imports.sheet_dates import DateContext, DateOrder
from app.log.content import AGE_ON_FILING_DAY
from app.log.sealing import unseal_json
from app.matching.scripts import fold
from app.models import ImportRow, ListImport
from app.schemas.imports import ImportColumn, ImportGroup, RowError
from app.vocabulary import Language

# The largest mapping imagined names 500 columns, in 30 KB; a line has a heading and five fields at most. The parser
# would take seconds for a line with thousands of dots.
MAX_MAPPING_CHARACTERS, MAX_MAPPING_LINE = 64 * 1024, 2_000
# Day on which people had the listed ages → its field.
DAYS_OF_AGES = {"detained_on": "detention.detained_on", "released_on": "release.released_on"}
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
_LETTERS = re.compile(r"[A-Z]{1,3}")


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


QUESTIONS = frozenset(Question)


class Answer(StrEnum):
    """The answers: what to do with such a row."""

    READ = "read"
    LEAVE_OUT = "leave_out"
    # For a withdrawn report. "read" means something else: that a row is a person.
    STANDS_AGAIN = "stands_again"


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
    `header`: the row of the headings. `sheet`: the name of the sheet to read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    columns: dict[str, str | Targets] = {}
    values: dict[str, dict[str, str]] = {}
    constants: dict[str, str] = {}
    dates: DateOrder | None = None
    positions: dict[str, str | Targets] = {}
    rows: dict[str, Answer] = {}
    age_on: Annotated[str, Field(max_length=MAX_QUOTED_LENGTH)] | None = None
    header: Annotated[int, Field(ge=1, le=LAST_HEADER)] | None = None
    sheet: Annotated[str, Field(max_length=100)] | None = None

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
        for name in rows:
            if not name.isdecimal() and name not in QUESTIONS:
                known_names = ", ".join(sorted(QUESTIONS))
                raise ValueError(
                    f'"{name[:MAX_QUOTED_LENGTH]}" is neither the number of a row nor one of {known_names}'
                )
        for name, answer in rows.items():
            if name in QUESTIONS and answer == (Answer.READ if name == Question.WITHDRAWN else Answer.STANDS_AGAIN):
                raise ValueError(f'"{answer}" is no answer to {name}')
        return rows

    def if_withdrawn(self, row: int) -> Answer | None:
        """What to do with a row whose report its source withdrew, if that is answered."""
        answer = self.rows.get(str(row))
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

    @field_validator("age_on")
    @classmethod
    def _known_day(cls, day: str | None) -> str | None:
        if day is None or day in DAYS_OF_AGES or day == AGE_ON_FILING_DAY:
            return day
        try:
            return parse_date(day).text
        except DateError:
            raise ValueError('say "detained_on", "released_on", "filed" or a date such as 2026-01-12') from None

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

    def without_rows(self) -> Self:
        """The mapping to save for the next list, without answers about rows: row 14 is another person there."""
        return self.model_copy(update={"rows": {}}) if self.rows else self

    def find_targets(self, place: int, heading: str) -> list[str] | None:
        """The fields that the mapping gives a column; None for a column that it does not name."""
        targets = self.positions.get(format_column_letters(place)) if self.positions and place >= 0 else None
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


MAX_GROUP_EXAMPLES = 3  # rows of a group: enough to see what is wrong
# Groups of one list, whose columns may each be wrong in a few ways. Beyond these, kinds are counted without columns.
MAX_GROUPS = 200


class StoredGroup(TypedDict):
    """A group as stored: without the values of cells."""

    code: str
    column: str | None
    pointer: str
    detail: str
    count: int
    rows: list[int]
    sentence: NotRequired[str | None]  # its name in `FAULTS`


class FaultGroups:
    """Groups of faults, counted on from stored groups."""

    def __init__(self, stored_groups: Iterable[StoredGroup] = ()) -> None:
        self._groups = {(group["code"], group["column"]): group for group in stored_groups}

    def add(self, row: int, errors: Sequence[StoredRowError] | Sequence[RowError]) -> None:
        """Count the errors of a row."""
        for error in errors:
            key = error["code"], error["column"]
            if key not in self._groups and len(self._groups) >= MAX_GROUPS:
                key = error["code"], None
            group = self._groups.setdefault(
                key,
                {"code": key[0], "column": key[1], "pointer": error["pointer"], "detail": error["detail"], "count": 0,
                 "rows": [], "sentence": cast(StoredRowError, error).get("sentence")},
            )  # fmt: skip
            group["count"] += 1
            if len(group["rows"]) < MAX_GROUP_EXAMPLES:
                group["rows"].append(row)

    def to_stored(self) -> list[StoredGroup]:
        return list(self._groups.values())

    def list_example_rows(self) -> set[int]:
        """The rows named in groups."""
        return {row for group in self._groups.values() for row in group["rows"]}


def build_group_shapes(
    stored_groups: Iterable[StoredGroup],
    columns: Iterable[ImportColumn],
    find_value: Callable[[int, str], str | None],
) -> list[ImportGroup]:
    """Groups, whose details are in the reader's language, as a reader sees them, the largest first. `find_value`: row,
    column → the value of the cell."""
    by_letter: dict[str | None, ImportColumn] = {column["column"]: column for column in columns}
    groups: list[ImportGroup] = []
    for group in sorted(stored_groups, key=lambda group: -group["count"]):
        column = by_letter.get(group["column"])
        fields = column["fields"] if column else []
        field_name = group["pointer"].removeprefix("/").replace("/", ".")
        groups.append(
            {
                "code": group["code"],
                "question": group["code"] in QUESTIONS,
                "count": group["count"],
                "column": group["column"],
                "heading": (column and column["heading"]) or None,
                "field": field_name if field_name in fields else next(iter(fields), None),
                "detail": group["detail"],
                "examples": [
                    {"row": row, "value": None if group["column"] is None else find_value(row, group["column"])}
                    for row in group["rows"]
                ],
            }
        )
    return groups


def load_import_groups(session: Session, secret: bytes, job: ListImport, lang: Language) -> list[ImportGroup]:
    """The groups of an import, with the values of cells as long as its rows are stored."""
    summary = unseal_json(secret, job.told, job.id, "told")
    groups = FaultGroups(summary.get("groups", []))
    rows = select(ImportRow).where(
        col(ImportRow.list_import) == job.id, col(ImportRow.row).in_(groups.list_example_rows())
    )
    values = {
        (row.row, error["column"]): error.get("value")
        for row in session.scalars(rows)
        for error in load_row_faults(secret, row)
    }
    translated_groups: list[StoredGroup] = [
        {
            **group,
            "detail": translate_detail(group["code"], group["detail"], lang, group["rows"][0], group.get("sentence")),
        }
        for group in groups.to_stored()
    ]
    return build_group_shapes(
        translated_groups, summary.get("columns", []), lambda row, column: values.get((row, column))
    )


def load_row_faults(secret: bytes, row: ImportRow) -> list[StoredRowError]:
    """The stored faults of a row."""
    faults: list[StoredRowError] = unseal_json(secret, row.faults, row.list_import, row.row) if row.faults else []
    return faults


def translate_errors(errors: Sequence[StoredRowError], row: int, lang: Language) -> list[RowError]:
    """The faults of a row in a language."""
    return [
        {
            "column": error["column"],
            "pointer": error["pointer"],
            "code": error["code"],
            "detail": translate_detail(error["code"], error["detail"], lang, row, error.get("sentence")),
            "value": error.get("value"),
            "withdrawn_on": error.get("withdrawn_on"),
        }
        for error in errors
    ]
