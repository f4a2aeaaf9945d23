"""Ask about values that are not understood, and about rows that may be nobody or contradict themselves (pure)."""

from collections.abc import Callable, Sequence

from app.imports.faults import (
    StoredQuestion,
    format_bare_question,
    format_choice,
    format_line,
)
from app.imports.fields import FIELDS
from app.imports.filing.question_form import (
    CHANGES_STEP,
    LIST_COUNTRY,
    READ_STEP,
    VALUES_STEP,
    build_question,
    list_choices,
)
from app.imports.filing.surveyed_faults import (
    ANSWERED_CODES,
    COUNTRY_REQUIRED,
    DATE_ORDER_CODE,
    FaultGroup,
    SurveyedFaults,
)
from app.imports.formats.template import LANGUAGES
from app.imports.mapping import (
    CELL_QUESTIONS,
    QUESTIONS,
    Answer,
    Question,
    list_answers,
)
from app.imports.reader.layout import Column
from app.imports.reader.rows import COUNTRY
from app.matching.scripts import fold

# Questions about values of one list: beyond these the column was read for the wrong thing.
MAX_VALUE_QUESTIONS = 60
MAX_SINGLE_ROWS = 3  # a larger group of rows gets one question
MAX_WORD_LENGTH = 60


def ask_about_rows(
    faults: SurveyedFaults, columns: Sequence[Column], label_row: Callable[[int], str]
) -> list[StoredQuestion]:
    """Ask about values that are not understood, and about rows that may be no person or contradict themselves."""
    by_letter = {column.letter: column for column in columns}
    questions: list[StoredQuestion] = []
    values = 0
    for (code, letter, _value), group in sorted(faults.groups.items(), key=lambda item: item[1].rows[0]):
        column = by_letter.get(letter or "")
        labels = [label_row(number) for number in group.rows]
        if code in QUESTIONS:
            questions += _ask_about_doubtful(Question(code), group, column, labels)
        elif code in ANSWERED_CODES and column is not None and group.fault.value is not None:
            values += 1
            if values <= MAX_VALUE_QUESTIONS and len(group.fault.value) < MAX_WORD_LENGTH:
                questions.append(_ask_about_value(group, column, labels))
        elif code == DATE_ORDER_CODE and not any(question["code"] == "date_order" for question in questions):
            choices = [format_choice("day_first", "day_first"), format_choice("month_first", "month_first")]
            questions.append(
                build_question(
                    "date_order", ["dates"], VALUES_STEP, column=column, choices=choices, count=group.count,
                    value=group.fault.value, rows=labels, values={"cell": group.fault.value or ""},
                )
            )  # fmt: skip
        elif code == COUNTRY_REQUIRED:
            questions.append(
                build_question(
                    LIST_COUNTRY, ["constants", COUNTRY], READ_STEP, kind="country",
                    count=group.count,
                )
            )  # fmt: skip
    return questions


# Question → the labels of its answers, where they are not those of the answers' names.
_ANSWER_LABELS = {
    (Question.WITHDRAWN, Answer.LEAVE_OUT): "stays_withdrawn",
    (Question.REMARK_STATE, Answer.READ): "remark_set_aside",
    (Question.REPEATED, Answer.LEAVE_OUT): "same_person",
    (Question.REPEATED, Answer.READ): "another_person",
    (Question.REMARK_WISH, Answer.READ): "remark_set_aside",
}
_LIKELY_NOBODY = frozenset({Question.SUM, Question.TITLE, Question.HEADINGS, Question.NOT_A_NAME})


def _ask_about_doubtful(
    code: Question, group: FaultGroup, column: Column | None, labels: Sequence[str]
) -> list[StoredQuestion]:
    choices = [format_choice(answer, _ANSWER_LABELS.get((code, answer), answer)) for answer in list_answers(code)]
    guess = Answer.LEAVE_OUT if code in _LIKELY_NOBODY else None
    is_group = group.count > MAX_SINGLE_ROWS
    questions = []
    values = group.values if len(group.values) == len(labels) else [*group.values[:1]] * len(labels)
    for label, value in zip(labels[:1] if is_group else labels, values or [""] * len(labels), strict=False):
        count = group.count if is_group else 1
        details = {
            lang: f"{format_line('question_rows', lang, count=count, row=label)} {format_bare_question(code, lang)}"
            for lang in LANGUAGES
        }
        name = str(code) if is_group else f"{label} {code}" if code in CELL_QUESTIONS else label
        questions.append(
            build_question(
                code,
                ["rows", name],
                _find_step(code),
                details=details,
                column=column,
                choices=choices,
                guess=guess,
                value=value or None,
                count=count,
                rows=labels if is_group else [label],
                samples=group.values if is_group else [value],
            )
        )
    return questions


def _find_step(question: Question) -> int:
    return CHANGES_STEP if question in CELL_QUESTIONS else VALUES_STEP


def _ask_about_value(group: FaultGroup, column: Column, labels: Sequence[str]) -> StoredQuestion:
    name = group.fault.pointer.removeprefix("/").replace("/", ".")
    name = name if name in FIELDS else column.fields[0]
    value = group.fault.value or ""
    choices, kind = list_choices(name)
    return build_question(
        "value_unknown",
        ["values", name, fold(value)],
        VALUES_STEP,
        kind=kind,
        column=column,
        choices=choices,
        value=value,
        count=group.count,
        rows=labels,
        values={"word": value, "title": column.title},
    )
