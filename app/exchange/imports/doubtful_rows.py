"""Rows that are perhaps no person: sums, titles, doubtful names, rows struck out or hidden in the sheet (pure).

Each such row raises a question. Until a mapping answers it, the row is left out and counted.
"""

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
    """A question about a row, or about its cell in a column."""

    question: Question
    column: str | None


class DoubtfulRows:
    """The questions about the rows of one list, with the answers of its mapping."""

    def __init__(self, columns: Sequence[Column], mapping: Mapping) -> None:
        self._headings = {column.place: compared(column.heading) for column in columns}
        self._several_columns = sum(1 for column in columns if column.heading) > 1
        # Surnames alone are not doubted: "Ramón y Cajal" is usual there.
        self._names = [c.place for c in columns if not {NAME, GIVEN_NAMES}.isdisjoint(c.fields)]
        # Columns of days, numbers or codes: no title stands there, and an unread cell is a fault.
        self._narrow = {c.place for c in columns if c.fields and FIELDS[c.fields[0]].kind not in WIDE}
        self._answers = mapping.rows

    def open_questions(self, cells: Cells) -> list[RowQuestion] | None:
        """The unanswered questions about a row; None if the mapping leaves the row out."""
        answer = self._answers.get(str(cells.number)) if self._answers else None
        if answer is not None:
            return None if answer is Answer.LEAVE_OUT else []
        questions = self.questions(cells)
        if not questions or not self._answers:
            return questions
        answers = [self._answers.get(about.question.value) for about in questions]
        if Answer.LEAVE_OUT in answers:
            return None
        return [about for about, answer in zip(questions, answers, strict=True) if answer is None]

    def questions(self, cells: Cells) -> list[RowQuestion]:
        """All questions about a row, answered or not."""
        questions = [
            RowQuestion(Question(code), letter(places[0]) if places else None)
            for code, places in cells.marks.items()
            if not places or code == Question.COMMENT or any(cells.text(place) for place in places)
        ]
        filled = [(place, text) for place, cell in enumerate(cells.texts) if (text := cell.strip())]
        if not filled:
            return questions
        place, first = filled[0]
        if sums_up(first):
            return [*questions, RowQuestion(Question.SUM, letter(place))]
        if self._several_columns and len(filled) == 1 and place not in self._narrow and not cells.without:
            return [*questions, RowQuestion(Question.TITLE, letter(place))]
        if len(filled) > 1 and all(compared(text) == self._headings.get(place) for place, text in filled):
            return [*questions, RowQuestion(Question.HEADINGS, letter(place))]
        for place in self._names:
            question = question_about_name(cells.text(place))
            if question is not None:
                questions.append(RowQuestion(question, letter(place)))
        return questions
