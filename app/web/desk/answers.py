"""A list between its trial and its sending: in the officer's browser, packed and sealed; and the names in it, for the
officer's own eyes.

The registry keeps no list that was only tried. A list of names that lies in a page in the clear could be read by
whoever finds the browser open, and changed by whoever stands between.

What an officer answers about a list, as the mapping that the API takes with it (pure).

A mapping is TOML. The one of before comes along with each form, and the new answers are written into it."""

import hashlib
import json
import tomllib
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from app.imports.faults import BadFile, parse_column_letters
from app.imports.fields import GIVEN_NAMES, NAME, SURNAMES
from app.imports.lists import open_list
from app.imports.mapping import ListMapping, is_too_long
from app.log import head
from app.web.desk.page import FormValues, first_value

# Packed: some five thousand rows. A third more as text, it comes and goes with each trial, in seconds over a bad line;
# whoever has a longer list chooses the file again.
MAX_HELD_BYTES = 256 * 1024
_LIST_CONTEXT = "list of"


def seal_list(secret: bytes, data: bytes, source: str) -> str | None:
    """The list as a page may hold it for a source; None where it is too long for that."""
    compressed = zlib.compress(data)
    if len(compressed) > MAX_HELD_BYTES:
        return None
    return urlsafe_b64encode(head.seal_bytes(secret, compressed, "desk", _LIST_CONTEXT, source)).decode()


def unseal_list(secret: bytes, text: str, source: str) -> bytes | None:
    """The list that a page held for this source."""
    try:  # what was sealed here unpacks to no more than the list that the API took
        return zlib.decompress(head.unseal_bytes(secret, urlsafe_b64decode(text), "desk", _LIST_CONTEXT, source))
    except (head.DamagedCiphertext, ValueError):
        return None


def compute_digest(data: bytes) -> str:
    """By what the API tells a list."""
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class RowIdentity:
    """What a row says of itself: whom it names, and its case number."""

    name: str
    case: str


def identify_rows(data: bytes, mapping: str, receipt: Mapping[str, Any], last: int) -> dict[int, RowIdentity]:
    """What each row says of itself, up to the row `last`; nothing where the list may have been read otherwise than
    here."""
    columns = [
        (parse_column_letters(receipt_column["column"]), receipt_column["heading"], set(receipt_column["fields"]))
        for receipt_column in receipt["columns"]
    ]
    name_columns = [
        place for place, _heading, fields in columns if not fields.isdisjoint({NAME, GIVEN_NAMES, SURNAMES})
    ]
    case_column = next((place for place, _heading, fields in columns if "source_record_id" in fields), None)
    try:
        list_file = open_list(data, ListMapping.parse_toml(mapping) if mapping.strip() else None)
        read_columns = [(column.place, column.heading) for column in list_file.columns]
        is_same_reading = list_file.sheet == receipt["sheet"] and read_columns == [
            (place, heading) for place, heading, _fields in columns
        ]
        if not is_same_reading or list_file.cells is None:
            return {}
        cells = takewhile(lambda row: row.number <= last, list_file.cells())
        return {
            row.number: RowIdentity(
                " ".join(filter(None, (row.text(place) for place in name_columns))),
                "" if case_column is None else row.text(case_column),
            )
            for row in cells
        }
    except BadFile:
        return {}


# The fields of a form that answer: by name, or by what stands before the colon.
DATES, AGE_ON, AGE_DAY, CONFIRM = "dates", "age_on", "age_day", "confirm"
ROW, ROWS, VALUE, COLUMN, CONSTANT = "row", "rows", "value", "column", "constant"
ON_DAY_ANSWER = "day"  # the answer to `age_on` that the day beside it tells
LEAVE_OUT_ANSWER = "-"  # of a column
WITHOUT_PREFIX = "without "  # an answer to `age_on`, with the letter of the column that is left out
Answers = dict[str, Any]


class UnreadableMapping(Exception):
    """The mapping that somebody wrote is not TOML, or none that answers can be written into."""


def build_without_answer(letter: str) -> str:
    """The answer that nobody knows of which day the ages of a column are."""
    return f"{WITHOUT_PREFIX}{letter}"


def parse_answers(form_values: FormValues) -> Answers:
    """What was answered in a form, as part of a mapping."""
    answers: Answers = {}
    if first_value(form_values, DATES):
        answers["dates"] = first_value(form_values, DATES)
    age_on = (
        first_value(form_values, AGE_DAY).strip()
        if first_value(form_values, AGE_ON) == ON_DAY_ANSWER
        else first_value(form_values, AGE_ON)
    )
    if age_on.startswith(WITHOUT_PREFIX):
        answers["positions"] = {age_on.removeprefix(WITHOUT_PREFIX): []}
    elif age_on:
        answers["age_on"] = age_on
    for name in form_values:
        kind, _colon, subject = name.partition(":")
        answer = first_value(form_values, name)
        if not answer or not subject:
            continue
        if kind in (ROW, ROWS):
            answers.setdefault("rows", {})[subject] = answer
        elif kind == VALUE:
            field, _colon, word = subject.partition(":")
            answers.setdefault("values", {}).setdefault(field, {})[word] = answer
        elif kind == COLUMN:
            answers.setdefault("positions", {})[subject] = [] if answer == LEAVE_OUT_ANSWER else answer
        elif kind == CONSTANT:
            answers.setdefault("constants", {})[subject] = answer
    return answers


def merge_answers(text: str, remembered_mapping: str, answers: Answers) -> str:
    """The mapping with answers written into it. `remembered_mapping`: what begins it where nobody has said anything yet, and
    the registry read the list by a mapping of an earlier one, which a new mapping takes the place of. Raises
    Unreadable."""
    if not answers:
        return text
    base_text = text if text.strip() else remembered_mapping
    if is_too_long(base_text):  # which takes minutes to read
        raise UnreadableMapping
    try:
        return format_mapping(_merge_tables(tomllib.loads(base_text), answers))
    except (ValueError, TypeError, RecursionError):  # no TOML, a day where a word should be, a pile of brackets
        raise UnreadableMapping from None


def build_mapping_as_read(columns: Iterable[Mapping[str, Any]]) -> str:
    """A mapping that reads the columns of a list as they were read."""
    return format_mapping({"positions": {column["column"]: column["fields"] for column in columns if column["fields"]}})


def _merge_tables(base: Answers, answers: Answers) -> Answers:
    result = dict(base)
    for name, value in answers.items():
        existing = result.get(name)
        result[name] = (
            _merge_tables(existing, value) if isinstance(existing, dict) and isinstance(value, dict) else value
        )
    return result


def format_mapping(mapping: Answers) -> str:
    """A mapping as TOML: what stands alone first, then its tables."""
    lines = [f"{name} = {_quote(value)}" for name, value in mapping.items() if not isinstance(value, dict)]
    for name, table in mapping.items():
        if isinstance(table, dict):
            lines += _format_table(_quote(name), table)
    return "\n".join(lines).lstrip() + "\n" if lines else ""  # browsers drop a line break that begins a field


def _format_table(name: str, table: Answers) -> list[str]:
    scalar_lines = [f"{_quote(key)} = {_quote(value)}" for key, value in table.items() if not isinstance(value, dict)]
    lines = ["", f"[{name}]", *scalar_lines] if scalar_lines else []
    for key, subtable in table.items():
        if isinstance(subtable, dict):
            lines += _format_table(f"{name}.{_quote(key)}", subtable)
    return lines


def _quote(value: Any) -> str:
    """A string, number or list: JSON writes these as TOML does, but for one character that TOML wants escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
