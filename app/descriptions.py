"""Describe parameters and fields, in the words of `descriptions.toml`."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any


@cache
def load_descriptions() -> dict[str, dict[str, Any]]:
    """Load all descriptions by group.

    Groups: `parameters`, `bodies` and `answers` {name: text}, `shapes` {schema: text}.
    A name is `name`; or `operation.name` or `Schema.name` if the meaning is special there.
    """
    return tomllib.loads(Path(__file__).with_name("descriptions.toml").read_text(encoding="utf-8"))


def describe_parameter(name: str, operation: str = "") -> str | None:
    """Return the description of a parameter of an operation; None if it has none."""
    texts: dict[str, str] = load_descriptions()["parameters"]
    return texts.get(f"{operation}.{name}", texts.get(name))


def describe_field(part: str, shape: str, name: str) -> str | None:
    """Return the description of a field of a request body or a response.

    A response that extends a shape (`ReleaseOut`, `ReleaseRow`, `FiledClaim`) shares the descriptions of the shape.
    """
    texts = load_descriptions()[part]
    family = shape.removeprefix("Filed").removesuffix("Out").removesuffix("Row")
    for key in (f"{shape}.{name}", f"{family}Shape.{name}", f"{family}Row.{name}", name):
        if key in texts:
            return str(texts[key])
    return None


def describe_parameter_option(operation: str, name: str) -> str:
    """Return the help of a command-line option that is also a parameter of an operation. Raises KeyError."""
    return _require_text(describe_parameter(name, operation), name)


def describe_field_option(shape: str, name: str) -> str:
    """Return the help of a command-line option that is also a field of a request body. Raises KeyError."""
    return _require_text(describe_field("bodies", shape, name), name)


def _require_text(text: str | None, name: str) -> str:
    if text is None:
        raise KeyError(name)
    return text
