"""The headings of the fields of a report, in English and Spanish."""

import tomllib
from pathlib import Path

from app.vocabulary import Language

LANGUAGES: tuple[Language, ...] = ("en", "es")
TITLES: dict[str, list[str]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def title(field: str, lang: Language) -> str:
    """The heading of a field of a report."""
    return TITLES[field][LANGUAGES.index(lang)]


def named(field: str, lang: Language) -> str:
    """A field by its heading and its name in a mapping: "Charges [detention.charges]". A field of several columns has
    the heading of the first: "End of sentence [detention.sentence]"."""
    first = next((name for name in TITLES if name == field or name.startswith(f"{field}.")), None)
    return field if first is None else f"{title(first, lang)} [{field}]"
