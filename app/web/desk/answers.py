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

from app.imports.faults import BadFile, place_of
from app.imports.fields import GIVEN_NAMES, NAME, SURNAMES
from app.imports.lists import open_list
from app.imports.mapping import Mapping as ListMapping
from app.imports.mapping import is_too_long
from app.log import head
from app.web.desk.page import Given, first

# Packed: some five thousand rows. A third more as text, it comes and goes with each trial, in seconds over a bad line;
# whoever has a longer list chooses the file again.
MOST_HELD = 256 * 1024
_PLACE = "list of"


def sealed(secret: bytes, data: bytes, source: str) -> str | None:
    """The list as a page may hold it for a source; None where it is too long for that."""
    packed = zlib.compress(data)
    if len(packed) > MOST_HELD:
        return None
    return urlsafe_b64encode(head.seal(secret, packed, "desk", _PLACE, source)).decode()


def opened(secret: bytes, text: str, source: str) -> bytes | None:
    """The list that a page held for this source."""
    try:  # what was sealed here unpacks to no more than the list that the API took
        return zlib.decompress(head.unseal(secret, urlsafe_b64decode(text), "desk", _PLACE, source))
    except (head.Damaged, ValueError):
        return None


def digest(data: bytes) -> str:
    """By what the API tells a list."""
    return hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class Told:
    """What a row says of itself: whom it names, and its case number."""

    name: str
    case: str


def rows_in(data: bytes, mapping: str, receipt: Mapping[str, Any], last: int) -> dict[int, Told]:
    """What each row says of itself, up to the row `last`; nothing where the list may have been read otherwise than
    here."""
    columns = [(place_of(one["column"]), one["heading"], set(one["fields"])) for one in receipt["columns"]]
    places = [place for place, _heading, fields in columns if not fields.isdisjoint({NAME, GIVEN_NAMES, SURNAMES})]
    of_case = next((place for place, _heading, fields in columns if "source_record_id" in fields), None)
    try:
        listed = open_list(data, ListMapping.read(mapping) if mapping.strip() else None)
        read = [(column.place, column.heading) for column in listed.columns]
        same = listed.sheet == receipt["sheet"] and read == [(place, heading) for place, heading, _fields in columns]
        if not same or listed.cells is None:
            return {}
        cells = takewhile(lambda row: row.number <= last, listed.cells())
        return {
            row.number: Told(
                " ".join(filter(None, (row.text(place) for place in places))),
                "" if of_case is None else row.text(of_case),
            )
            for row in cells
        }
    except BadFile:
        return {}


# The fields of a form that answer: by name, or by what stands before the colon.
DATES, AGE_ON, AGE_DAY, CONFIRM = "dates", "age_on", "age_day", "confirm"
ROW, ROWS, VALUE, COLUMN, CONSTANT = "row", "rows", "value", "column", "constant"
ON_A_DAY = "day"  # the answer to `age_on` that the day beside it tells
LEFT_OUT = "-"  # of a column
WITHOUT = "without "  # an answer to `age_on`, with the letter of the column that is left out
Answers = dict[str, Any]


class Unreadable(Exception):
    """The mapping that somebody wrote is not TOML, or none that answers can be written into."""


def without(letter: str) -> str:
    """The answer that nobody knows of which day the ages of a column are."""
    return f"{WITHOUT}{letter}"


def answers_in(given: Given) -> Answers:
    """What was answered in a form, as part of a mapping."""
    answers: Answers = {}
    if first(given, DATES):
        answers["dates"] = first(given, DATES)
    age_on = first(given, AGE_DAY).strip() if first(given, AGE_ON) == ON_A_DAY else first(given, AGE_ON)
    if age_on.startswith(WITHOUT):
        answers["positions"] = {age_on.removeprefix(WITHOUT): []}
    elif age_on:
        answers["age_on"] = age_on
    for name in given:
        kind, _colon, about = name.partition(":")
        answer = first(given, name)
        if not answer or not about:
            continue
        if kind in (ROW, ROWS):
            answers.setdefault("rows", {})[about] = answer
        elif kind == VALUE:
            field, _colon, word = about.partition(":")
            answers.setdefault("values", {}).setdefault(field, {})[word] = answer
        elif kind == COLUMN:
            answers.setdefault("positions", {})[about] = [] if answer == LEFT_OUT else answer
        elif kind == CONSTANT:
            answers.setdefault("constants", {})[about] = answer
    return answers


def merged(text: str, remembered: str, answers: Answers) -> str:
    """The mapping with answers written into it. `remembered`: what begins it where nobody has said anything yet, and
    the registry read the list by a mapping of an earlier one, which a new mapping takes the place of. Raises
    Unreadable."""
    if not answers:
        return text
    before = text if text.strip() else remembered
    if is_too_long(before):  # which takes minutes to read
        raise Unreadable
    try:
        return written(_laid_over(tomllib.loads(before), answers))
    except (ValueError, TypeError, RecursionError):  # no TOML, a day where a word should be, a pile of brackets
        raise Unreadable from None


def as_read(columns: Iterable[Mapping[str, Any]]) -> str:
    """A mapping that reads the columns of a list as they were read."""
    return written({"positions": {column["column"]: column["fields"] for column in columns if column["fields"]}})


def _laid_over(before: Answers, answers: Answers) -> Answers:
    over = dict(before)
    for name, value in answers.items():
        known = over.get(name)
        over[name] = _laid_over(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return over


def written(mapping: Answers) -> str:
    """A mapping as TOML: what stands alone first, then its tables."""
    lines = [f"{name} = {_quoted(value)}" for name, value in mapping.items() if not isinstance(value, dict)]
    for name, table in mapping.items():
        if isinstance(table, dict):
            lines += _table(_quoted(name), table)
    return "\n".join(lines).lstrip() + "\n" if lines else ""  # browsers drop a line break that begins a field


def _table(name: str, table: Answers) -> list[str]:
    alone = [f"{_quoted(key)} = {_quoted(value)}" for key, value in table.items() if not isinstance(value, dict)]
    lines = ["", f"[{name}]", *alone] if alone else []
    for key, below in table.items():
        if isinstance(below, dict):
            lines += _table(f"{name}.{_quoted(key)}", below)
    return lines


def _quoted(value: Any) -> str:
    """A string, number or list: JSON writes these as TOML does, but for one character that TOML wants escaped."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
