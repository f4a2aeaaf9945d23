"""What a name, a line and prose may hold (pure)."""

import re
from typing import Any

from pydantic_core import PydanticCustomError

from app.unicode_text import UNSEEN, is_blank, without_unread

# What a line cannot hold: C0, DEL, C1, what shows another text. Query strings bring them past the JSON gate.
_UNSEEN = re.compile(f"[\x00-\x1f\x7f-\x9f{UNSEEN}]")

# Half the world's spreadsheets part the cells of a CSV file at a semicolon, others at a bar: of such a line they would
# make two cells, the second a formula. The apostrophe that stands before a cell cannot help there (`exchange.tables`).
# A hyphen begins one too, and a name needs none there, but prose may: only where a number, a bracket or a quotation
# mark follows, or later a call or a program's name and a bar. Signs may be as wide as a Chinese character.
_SIGNS, _HYPHENS = r"=+@\uff1d\uff0b\uff20", r"\-\uff0d"
_BEHIND = rf"[;|][^\w;|{_SIGNS}{_HYPHENS}]*+"
_FORMULA_IN_A_LINE = re.compile(rf"{_BEHIND}[{_SIGNS}{_HYPHENS}]")
_FORMULA_IN_PROSE = re.compile(
    rf"""{_BEHIND}(?:[{_SIGNS}]|[{_HYPHENS}](?:\s*+[\d("'{_SIGNS}{_HYPHENS}]|[^;|\n]*\w\s*+[(|]))"""
)


def as_read(value: Any) -> Any:
    """A name as somebody reads it: two that look the same are the same. What shows nothing stays, to be refused."""
    return without_unread(value) if isinstance(value, str) and not is_blank(value) else value


def one_line(value: str) -> str:
    """A line. Raises PydanticCustomError."""
    if _UNSEEN.search(value) or is_blank(value):
        raise PydanticCustomError("control_character", "Remove line breaks, tabs, control and invisible characters.")
    return _no_formula(value, _FORMULA_IN_A_LINE)


def prose(value: str) -> str:
    """A text of several lines. Raises PydanticCustomError."""
    return _no_formula(value, _FORMULA_IN_PROSE)


def _no_formula(value: str, formula: re.Pattern[str]) -> str:
    if formula.search(value):
        detail = "A spreadsheet would run what stands behind ; or | as a formula: leave that out, or write it in words."
        raise PydanticCustomError("formula", detail)
    return value
