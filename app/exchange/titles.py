"""What the fields of a report are called, in English and in Spanish."""

import tomllib
from pathlib import Path

from app.vocabulary import Language

LANGUAGES: tuple[Language, ...] = ("en", "es")
TITLES: dict[str, list[str]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def title(field: str, lang: Language) -> str:
    """The heading of a field of a report."""
    return TITLES[field][LANGUAGES.index(lang)]


def named(field: str, lang: Language) -> str:
    """A field by its heading and its own name, which a mapping takes: "Charges [detention.charges]". What is said in
    several columns has the heading of the first: "End of sentence [detention.sentence]"."""
    one = next((known for known in TITLES if known == field or known.startswith(f"{field}.")), None)
    return field if one is None else f"{title(one, lang)} [{field}]"
