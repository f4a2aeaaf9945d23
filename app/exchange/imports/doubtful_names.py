"""Texts in a column of names that may not be the name of one person: sums, words for no name, several people (pure)."""

import re

from app.exchange.imports.cell_values import WORDS
from app.exchange.imports.mapping import Question
from app.matching.scripts import fold

LOOKED_AT = 200  # characters of a cell: more than any title or name has
PARTED = 3  # parts between commas of several people: "Paz, Juana" has two, and is one person

_WORDS: dict[str, list[str]] = WORDS["asked"]
_SUMS = tuple(fold(word) for word in _WORDS["sums"])
_NOT_NAMES = frozenset(map(fold, _WORDS["not_names"]))
_GROUPS = frozenset(map(fold, _WORDS["groups"]))
_PEOPLE = "|".join(_WORDS["people"])
_NUMBERS = "|".join(_WORDS["numbers"])
_NUMBER_OF_PEOPLE = re.compile(rf"\b(?:\d+|{_NUMBERS}) (?:{_PEOPLE})\b|\b(?:y|and) (?:otr[oa]s|others)\b")
# Words that join two people, or two surnames: "Ramón y Cajal" is asked about too. A capital Y is an initial, unless the
# whole name is in capitals.
_AND = re.compile(r"\s(?:y|and|\+)\s|&")
_AND_IN_CAPITALS = re.compile(r"\s(?:Y|AND|\+)\s|&")
# Signs that join two people only if each has two names: "João da Costa e Silva" is one, and a slash may part an alias.
_PERHAPS_AND = re.compile(r"\s(?:e|E)\s|[;/\n]")


def question_about_name(text: str) -> Question | None:
    """The question about a text in a column of names, if there is one."""
    if not text:
        return None
    if sums_up(text):
        return Question.SUM
    if fold(text[:LOOKED_AT]) in _NOT_NAMES:
        return Question.NOT_A_NAME
    return Question.SEVERAL if _is_several(text[:LOOKED_AT]) else None


def sums_up(text: str) -> bool:
    """Whether a text says that its row is a sum: "Total: 24"."""
    folded = fold(text[:LOOKED_AT])
    return folded.startswith(_SUMS) and any(folded == word or folded.startswith(f"{word} ") for word in _SUMS)


def _is_several(text: str) -> bool:
    folded = fold(text)
    if not _GROUPS.isdisjoint(folded.split()) or _NUMBER_OF_PEOPLE.search(folded):
        return True
    if any(map(str.strip, (_AND_IN_CAPITALS if text.isupper() else _AND).split(text)[1:])):
        return True
    parts = _PERHAPS_AND.split(text)
    if len(parts) > 1 and all(len(part.split()) > 1 for part in parts):
        return True
    return sum(1 for part in text.split(",") if part.strip()) >= PARTED
