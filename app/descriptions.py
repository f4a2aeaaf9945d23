"""What parameters and fields are, in one place: `openapi.json` and `--help` say the same words.

They stand beside this file in ``load_descriptions.toml``.

The words of the field in English and Spanish, once: `/v1/vocabulary` and docs/glossary.md have them from here.

They stand beside this file in ``build_glossary.toml``."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from app.vocabulary import Language


@cache
def load_descriptions() -> dict[str, dict[str, Any]]:
    """`{"parameters": {name: [English, Spanish]}, "bodies": {name: English}, "answers": {name: English}, "shapes":
    {schema: English}}`; a name is `name`, or `operation.name` or `Schema.name` where it means something of its own."""
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def describe_parameter(name: str, operation: str = "") -> str | None:
    """What a parameter of an operation is, in English; None for one that nobody described."""
    texts = load_descriptions()["parameters"]
    words = texts.get(f"{operation}.{name}", texts.get(name))
    return None if words is None else str(words[0])


def describe_field(part: str, shape: str, name: str) -> str | None:
    """What a field of a body or of an answer is. Of an answer that is a shape with something more (`ReleaseOut`,
    `FiledClaim`) the words are those of the shape."""
    texts = load_descriptions()[part]
    family = f"{shape.removeprefix('Filed').removesuffix('Out')}Shape"
    for key in (f"{shape}.{name}", f"{family}.{name}", name):
        if key in texts:
            return str(texts[key])
    return None


def describe_parameter_option(operation: str, name: str) -> str:
    """The help of an option that is a parameter of an operation. KeyError for none that is."""
    return _require_text(describe_parameter(name, operation), name)


def describe_field_option(shape: str, name: str) -> str:
    """The help of an option that is a field of a body. KeyError for none that is."""
    return _require_text(describe_field("bodies", shape, name), name)


def _require_text(text: str | None, name: str) -> str:
    if text is None:
        raise KeyError(name)
    return text


WORD_FIELDS = ("code", "label", "definition")


@cache
def _load_words() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(Path(__file__).with_name("glossary.toml").read_text(encoding="utf-8"))


def build_glossary(lang: Language) -> list[dict[str, str]]:
    """Every word in order, in the shape of a code list: `[{"code", "label", "definition"}, …]`."""
    return [dict(zip(WORD_FIELDS, (code, *words[lang]), strict=True)) for code, words in _load_words().items()]
