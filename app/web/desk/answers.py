"""What an officer answers about a list, as the mapping that the API takes with it (pure).

A mapping is TOML. The one of before comes along with each form, and the new answers are written into it.
"""

import json
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from app.imports.mapping import is_too_long
from app.web.desk.page import Given, first

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
