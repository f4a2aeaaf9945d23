"""Carry a list through the forms of its trial, and write the officer's answers into its mapping.

The server does not store a list that was only tried: the page carries it, compressed and encrypted, because an open
browser would otherwise show the names to others, and a third party could change them. The mapping is TOML. Each form
carries the previous one, into which new answers are merged.
"""

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
from app.imports.list_reader import open_list
from app.imports.mapping import ListMapping, is_too_long
from app.log import sealing
from app.web.desk.page import FormValues, first_value

# Compressed: about 5,000 rows. As text it is a third longer, and it is transferred twice with each trial, which takes
# seconds on a bad connection. For a longer list the officer chooses the file again.
MAX_HELD_BYTES = 256 * 1024
_LIST_CONTEXT = "list of"


def seal_list(secret: bytes, data: bytes, source: str) -> str | None:
    """Encrypt a list for a form of a source; None if it is too long."""
    compressed = zlib.compress(data)
    if len(compressed) > MAX_HELD_BYTES:
        return None
    return urlsafe_b64encode(sealing.seal_bytes(secret, compressed, "desk", _LIST_CONTEXT, source)).decode()


def unseal_list(secret: bytes, text: str, source: str) -> bytes | None:
    """Decrypt the list in a form of this source; None if it was changed or is of another source."""
    try:  # the decompressed size is bounded: only lists within the API's limit were sealed
        return zlib.decompress(sealing.unseal_bytes(secret, urlsafe_b64decode(text), "desk", _LIST_CONTEXT, source))
    except (sealing.DamagedCiphertext, ValueError):
        return None


def compute_digest(data: bytes) -> str:
    """Return the SHA-256 of a list, by which two forms refer to the same one."""
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class RowIdentity:
    """The name and the case number in a row."""

    name: str
    case: str


def identify_rows(data: bytes, mapping: str, receipt: Mapping[str, Any], last: int) -> dict[int, RowIdentity]:
    """Return the name and case number of each row up to `last`; none if the import job read the list differently."""
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


# The form fields with answers: whole names, or the prefix before the colon.
DATES, AGE_ON, AGE_DAY, CONFIRM = "dates", "age_on", "age_day", "confirm"
ROW, ROWS, VALUE, COLUMN, CONSTANT = "row", "rows", "value", "column", "constant"
ON_DAY_ANSWER = "day"  # answer to `age_on`: the day is in the field AGE_DAY
LEAVE_OUT_ANSWER = "-"  # answer to a column
WITHOUT_PREFIX = "without "  # answer to `age_on`, followed by the letter of the column to leave out
Answers = dict[str, Any]


class UnreadableMapping(Exception):
    """The submitted mapping is not TOML, or answers cannot be merged into it."""


def build_without_answer(letter: str) -> str:
    """Return the answer that leaves out a column of ages, because their day is unknown."""
    return f"{WITHOUT_PREFIX}{letter}"


def parse_answers(form_values: FormValues) -> Answers:
    """Parse the answers in a form as part of a mapping."""
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
    """Merge answers into a mapping. Raises UnreadableMapping.

    `remembered_mapping`: the base if `text` is empty and the list was read by the saved mapping of an earlier list,
    which a new mapping would replace.
    """
    if not answers:
        return text
    base_text = text if text.strip() else remembered_mapping
    if is_too_long(base_text):  # parsing would take minutes
        raise UnreadableMapping
    try:
        return format_mapping(_merge_tables(tomllib.loads(base_text), answers))
    except (ValueError, TypeError, RecursionError):  # not TOML, a date instead of a text, deeply nested brackets
        raise UnreadableMapping from None


def build_mapping_as_read(columns: Iterable[Mapping[str, Any]]) -> str:
    """Return a mapping that assigns the columns of a list as they were read."""
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
    """Format a mapping as TOML: single values first, then tables."""
    lines = [f"{name} = {_quote(value)}" for name, value in mapping.items() if not isinstance(value, dict)]
    for name, table in mapping.items():
        if isinstance(table, dict):
            lines += _format_table(_quote(name), table)
    return "\n".join(lines).lstrip() + "\n" if lines else ""  # browsers drop a line break at the start of a field


def _format_table(name: str, table: Answers) -> list[str]:
    scalar_lines = [f"{_quote(key)} = {_quote(value)}" for key, value in table.items() if not isinstance(value, dict)]
    lines = ["", f"[{name}]", *scalar_lines] if scalar_lines else []
    for key, subtable in table.items():
        if isinstance(subtable, dict):
            lines += _format_table(f"{name}.{_quote(key)}", subtable)
    return lines


def _quote(value: Any) -> str:
    """Format a string, number or list: as JSON, but TOML requires one more character to be escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
