"""What the columns of our own workbooks are called, in English and in Spanish."""

import tomllib
from pathlib import Path

from app.vocabulary import Language

LANGUAGES: tuple[Language, ...] = ("en", "es")
TITLES: dict[str, list[str]] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def title(field: str, lang: Language) -> str:
    """The heading of a field of a report."""
    return TITLES[field][LANGUAGES.index(lang)]


def titled(field: str, lang: Language) -> str:
    """The same of a field that no workbook of ours has a column for: its own name."""
    return title(field, lang) if field in TITLES else field
