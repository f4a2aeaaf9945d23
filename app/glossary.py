"""The words of the field in English and Spanish, once: `/v1/vocabulary` and docs/glossary.md have them from here.

They stand beside this file in ``glossary.toml``.
"""

import tomllib
from functools import cache
from pathlib import Path

from app.vocabulary import Language

NAMES = ("code", "label", "definition")


@cache
def _words() -> dict[str, dict[str, list[str]]]:
    return tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))


def glossary(lang: Language) -> list[dict[str, str]]:
    """Every word in order, in the shape of a code list: `[{"code", "label", "definition"}, …]`."""
    return [dict(zip(NAMES, (code, *words[lang]), strict=True)) for code, words in _words().items()]
