"""Parse JSON from outside strictly.

Python's parser takes duplicate keys, NaN, numbers of any size and lone surrogates; each has been used to make two
programs read one body differently, or to hide a name inside another.
"""

import json
import math
import re
from typing import Any

from app.errors import MAX_ERRORS, Invalid, MalformedJson, build_pointed_error
from app.translations import Message
from app.unicode_text import INVISIBLE, TOO_MANY_MARKS_DETAIL, has_too_many_marks, normalize_text

MAX_DEPTH = 32  # the deepest body of ours has 5 levels
MAX_KEY_LENGTH = 100  # characters: no key of ours has 30, and each error quotes the keys above its place
MAX_KEYS = 100  # of one object: ours have 30 at most, and each unknown key makes an error
MAX_INTEGER = 2**53  # beyond, a JSON number is not exact everywhere (RFC 8259 section 6)

# C0 except tab, line feed and carriage return (notes have lines), DEL and C1; what shows another text; surrogates.
_FORBIDDEN_CHARACTERS = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f{INVISIBLE}\ud800-\udfff]")


def parse_json(body: bytes) -> Any:
    """The value of a JSON body, strings in NFC. Raises MalformedJson (400) or Invalid (422, with pointers)."""
    try:
        value = json.loads(
            body.decode("utf-8-sig"),  # a byte order mark may be ignored (RFC 8259 section 8.1), and editors write one
            object_pairs_hook=_build_object,
            parse_constant=_reject_constant,
            parse_float=_parse_float,
            parse_int=_parse_integer,
        )
    except UnicodeDecodeError:
        raise MalformedJson("Send the body in UTF-8.") from None
    except RecursionError:
        raise MalformedJson(Message("Nest at most {highest} levels.", highest=MAX_DEPTH)) from None
    except json.JSONDecodeError as error:
        detail = Message("This is not JSON: see line {line}, column {column}.", line=error.lineno, column=error.colno)
        raise MalformedJson(detail) from None
    return clean_json(value)


def clean_json(value: Any) -> Any:
    """The value cleaned by the rules of a JSON body. Raises MalformedJson, or Invalid with pointers."""
    errors = _Errors()
    result = _clean_value(value, "", 1, errors)
    if errors.errors:
        raise errors.as_invalid()
    return result


class _Errors:
    """The errors of a body with their pointers; raised as soon as there are as many as anybody mends at once."""

    def __init__(self) -> None:
        self.errors: list[dict[str, str]] = []

    def add(self, pointer: str, code: str, detail: str) -> None:
        self.errors.append(build_pointed_error(pointer, code, detail))
        if len(self.errors) == MAX_ERRORS:
            raise self.as_invalid()

    def as_invalid(self) -> Invalid:
        return Invalid("Remove the characters or numbers pointed at.", *self.errors)


def _build_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len({key for key, _value in pairs}) < len(pairs):
        raise MalformedJson("An object has the same key twice: keep one.")
    if len(pairs) > MAX_KEYS:
        raise MalformedJson(
            Message("An object has more than {highest} keys: no body here has so many fields.", highest=MAX_KEYS)
        )
    return dict(pairs)


def _reject_constant(_text: str) -> float:
    raise MalformedJson("NaN and Infinity are not JSON: leave the field out when a value is unknown.")


def _parse_float(text: str) -> float:
    """The number; out of range infinity, which `_clean_value` refuses with a pointer."""
    return float(text)


def _parse_integer(text: str) -> int | float:
    # Python refuses to convert thousands of digits; a number as long is out of range anyway.
    return int(text) if len(text) <= len(str(MAX_INTEGER)) + 1 else math.inf


def _clean_value(value: Any, pointer: str, depth: int, errors: _Errors) -> Any:
    if depth > MAX_DEPTH:
        raise MalformedJson(Message("Nest at most {highest} levels.", highest=MAX_DEPTH))
    if isinstance(value, dict):
        if any(_FORBIDDEN_CHARACTERS.search(key) for key in value):
            raise MalformedJson("A key has control characters in it.")
        if any(len(key) > MAX_KEY_LENGTH for key in value):
            raise MalformedJson(
                Message("A key has more than {length} characters: no field here is called so.", length=MAX_KEY_LENGTH)
            )
        return {
            key: _clean_value(item, f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}", depth + 1, errors)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_clean_value(item, f"{pointer}/{number}", depth + 1, errors) for number, item in enumerate(value)]
    if isinstance(value, str):
        if _FORBIDDEN_CHARACTERS.search(value):
            errors.add(pointer, "control_character", "Remove control, text-direction and invisible characters.")
            return ""
        if has_too_many_marks(value):
            errors.add(pointer, "too_many_marks", TOO_MANY_MARKS_DETAIL)
            return ""
        return normalize_text("NFC", value)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and not abs(value) <= MAX_INTEGER:
        errors.add(pointer, "number_out_of_range", "This number is out of range.")
        return 0
    return value
