"""Rows that are perhaps no person: sums, titles, several people in one cell, rows struck out or hidden in the sheet.
Each is a question; until a mapping answers it, the row is left out and counted (pure)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.exchange.imports.cell_values import WORDS
from app.exchange.imports.cells import Cells
from app.exchange.imports.faults import letter
from app.exchange.imports.fields import FIELDS, GIVEN_NAMES, NAME
from app.exchange.imports.headings import Column
from app.exchange.imports.mapping import Answer, Mapping, Question, compared
from app.matching.fold import fold

LOOKED_AT = 200  # characters of a cell: longer than any title or name
PARTED = 3  # parts between commas: "Paz, Juana" has two, and is one person
MOST_EXAMPLES = 3  # numbers of counted rows: enough to look them up
# Kinds of fields that take any text.
WIDE = frozenset({"line", "lines", "text", "state"})


_ASKED: dict[str, list[str]] = WORDS["asked"]
_SUMS = tuple(fold(word) for word in _ASKED["sums"])
_NOT_NAMES = frozenset(map(fold, _ASKED["not_names"]))
_GROUPS = frozenset(map(fold, _ASKED["groups"]))
_PEOPLE = "|".join(_ASKED["people"])
_NUMBERS = "|".join(_ASKED["numbers"])
_NUMBER_OF_PEOPLE = re.compile(rf"\b(?:\d+|{_NUMBERS}) (?:{_PEOPLE})\b|\b(?:y|and) (?:otr[oa]s|others)\b")
# What joins two people, and two surnames now and then: "Ramón y Cajal" is asked about too. A capital Y is an initial.
_AND = re.compile(r"\s(?:y|and|\+)\s|&")
_AND_IN_CAPITALS = re.compile(r"\s(?:Y|AND|\+)\s|&")
# What joins two people only where each has two names: "João da Costa e Silva" is one, and a slash may part an alias.
_PERHAPS_AND = re.compile(r"\s(?:e|E)\s|[;/\n]")


@dataclass(frozen=True, slots=True)
class RowQuestion:
    """A question about a row, and its column, if it is about one."""

    question: Question
    column: str | None


class Layout:
    """The questions about the rows of one list, with the answers of its mapping."""

    def __init__(self, columns: Sequence[Column], mapping: Mapping) -> None:
        self._headings = {column.place: compared(column.heading) for column in columns}
        self._several_columns = sum(1 for column in columns if column.heading) > 1
        # Of a surname alone "Ramón y Cajal" is usual.
        self._names = [c.place for c in columns if not {NAME, GIVEN_NAMES}.isdisjoint(c.fields)]
        # No title is read as a day, a number or a code: where it is not, the cell is at fault.
        self._narrow = {c.place for c in columns if c.fields and FIELDS[c.fields[0]].kind not in WIDE}
        self._answers = mapping.rows

    def open_questions(self, cells: Cells) -> list[RowQuestion] | None:
        """The unanswered questions about a row; None of a row that the mapping leaves out."""
        answer = self._answers.get(str(cells.number)) if self._answers else None
        if answer is not None:
            return None if answer is Answer.LEAVE_OUT else []
        asked = self.questions(cells)
        if not asked or not self._answers:
            return asked
        answers = [self._answers.get(one.question.value) for one in asked]
        if Answer.LEAVE_OUT in answers:
            return None
        return [one for one, answer in zip(asked, answers, strict=True) if answer is None]

    def questions(self, cells: Cells) -> list[RowQuestion]:
        """All questions about a row, answered or not."""
        found = [
            RowQuestion(Question(code), letter(places[0]) if places else None)
            for code, places in cells.marks.items()
            if not places or code == Question.COMMENT or any(_said(cells, place) for place in places)
        ]
        said = [(place, text) for place, cell in enumerate(cells.texts) if (text := cell.strip())]
        if not said:
            return found
        place, first = said[0]
        if sums_up(first):
            return [*found, RowQuestion(Question.SUM, letter(place))]
        if self._several_columns and len(said) == 1 and place not in self._narrow and not cells.without:
            return [*found, RowQuestion(Question.TITLE, letter(place))]
        if len(said) > 1 and all(compared(text) == self._headings.get(place) for place, text in said):
            return [*found, RowQuestion(Question.HEADINGS, letter(place))]
        for place in self._names:
            question = question_about_name(_said(cells, place))
            if question is not None:
                found.append(RowQuestion(question, letter(place)))
        return found


def _said(cells: Cells, place: int) -> str:
    return cells.texts[place].strip() if place < len(cells.texts) else ""


def question_about_name(text: str) -> Question | None:
    """The question about a text in a column of names, if any."""
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


class RowsCounted:
    """The number of rows with one property, and the first of them."""

    def __init__(self, count: int = 0, rows: Sequence[int] = ()) -> None:
        self.count = count
        self.rows = list(rows)

    def add(self, *numbers: int, count: int = 1) -> None:
        """Add `count` rows, of which these are the first."""
        self.count += count
        self.rows += numbers[: max(0, MOST_EXAMPLES - len(self.rows))]

    def shape(self) -> dict[str, Any]:
        return {"count": self.count, "rows": self.rows}
