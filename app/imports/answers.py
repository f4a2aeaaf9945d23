"""Write the answers to questions into a mapping, and a mapping as TOML (pure)."""

import json
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from app.imports.mapping import LAST_HEADER, ListMapping, is_too_long

Answers = dict[str, Any]


class UnreadableMapping(Exception):
    """A mapping is not TOML, or answers cannot be merged into it."""


def build_answers(answers: Iterable[tuple[str, str]]) -> Answers:
    """Return a mapping with these answers, each the place of a question (a JSON pointer) and a text.

    Raises UnreadableMapping if two of them contradict each other."""
    mapping: Answers = {}
    for place, text in answers:
        *sections, name = [part.replace("~1", "/").replace("~0", "~") for part in place.split("/")[1:]] or [""]
        target = mapping
        for section in sections:
            target = target.setdefault(section, {})
            if not isinstance(target, dict):  # an answer to "/columns" and another to a place in it
                raise UnreadableMapping
        target[name] = _parse_answer((sections or [name])[0], text.strip())
    return mapping


def _parse_answer(section: str, text: str) -> Any:
    """Return an answer in the type that its place in a mapping takes."""
    if section in ("sheets", "whole", "confirmed"):
        return text == "true"
    if section in ("header", "headers"):
        if not text.isdecimal():
            return 0
        return int(text) if len(text) <= len(str(LAST_HEADER)) else text  # no int is made of thousands of digits
    if section == "positions":
        return text or []
    return text


def merge_answers(text: str, answers: Answers) -> str:
    """Merge answers into the text of a mapping. Raises UnreadableMapping."""
    if not answers:
        return text
    if is_too_long(text):  # parsing would take minutes
        raise UnreadableMapping
    try:
        return format_mapping(_merge_tables(tomllib.loads(text), answers))
    except (ValueError, TypeError, RecursionError):  # not TOML, a date instead of a text, deeply nested brackets
        raise UnreadableMapping from None


def dump_mapping(mapping: ListMapping) -> str:
    """Return a mapping as TOML, without what it leaves open."""
    kept = {"kept_rows", "kept_from"}  # the registry finds them again
    return format_mapping(mapping.model_dump(mode="json", exclude_defaults=True, exclude=kept))


def _merge_tables(base: Answers, answers: Answers) -> Answers:
    result = dict(base)
    for name, value in answers.items():
        table = result.get(name)
        if isinstance(table, dict) and isinstance(value, dict):
            result[name] = _merge_tables(table, value)
        else:
            result[name] = value
    return result


def format_mapping(mapping: Mapping[str, Any]) -> str:
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
