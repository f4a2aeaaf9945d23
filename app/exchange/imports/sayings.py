"""What is told of a list, in the reader's language: what is asked, what is wrong, what to do about it.

English messages stand where a fault is found, and say most about it; questions, and what is wrong in Spanish, stand in
`sayings.toml`, by their codes.
"""

import tomllib
from pathlib import Path
from typing import Any

from app.exchange.titles import LANGUAGES
from app.vocabulary import Language

_SAID: dict[str, Any] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
LINES: dict[str, list[str]] = _SAID["lines"]


def question(code: str, row: int | None = None, lang: Language = "en") -> str:
    """What is asked about a row, and how a mapping answers; of several rows without their numbers."""
    said, answer = (_SAID[part][code if part == "questions" else "answer"][LANGUAGES.index(lang)]
                    for part in ("questions", "answers"))  # fmt: skip
    return f"{said} {answer.format(row=row or 14, code=code)}"


def detail(code: str, english: str, lang: Language, row: int | None = None) -> str:
    """What is told of a code in that language; in English where nothing better is known."""
    if code in _SAID["questions"]:
        return question(code, row, lang)
    return english if lang == "en" else _SAID["errors"].get(code, english)


def line(name: str, lang: Language, **values: object) -> str:
    """A line of a receipt."""
    return LINES[name][LANGUAGES.index(lang)].format(**values)
