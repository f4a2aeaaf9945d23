"""Rows that are perhaps no person: sums, titles, doubtful names, rows struck out or hidden in the sheet. Each is a
question; until a mapping answers it, the row is left out and counted (pure)."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.exchange.imports.cells import Cells
from app.exchange.imports.doubtful_names import question_about_name, sums_up
from app.exchange.imports.faults import letter
from app.exchange.imports.fields import FIELDS, GIVEN_NAMES, NAME
from app.exchange.imports.headings import Column
from app.exchange.imports.mapping import Answer, Mapping, Question, compared

# Kinds of fields that take any text.
WIDE = frozenset({"line", "lines", "text", "state"})


@dataclass(frozen=True, slots=True)
class RowQuestion:
    """A question about a row, and its column, if it is about one."""

    question: Question
    column: str | None


class DoubtfulRows:
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
