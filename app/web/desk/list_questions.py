"""Show the questions about a list as fields of a form, with the answers given so far (pure)."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from app.imports import faults
from app.imports.fields import STATE
from app.imports.filing.question_form import CHANGES_STEP, READ_STEP, VALUES_STEP, list_choices
from app.imports.filing.questions import ANSWER_LABELS
from app.imports.mapping import NOT_CHECKED, QUESTIONS, list_answers
from app.imports.mapping import Question as RowQuestion
from app.imports.reader.list_reader import format_row_label
from app.web.desk.answers import NOTHING, RowIdentity, build_answer_name, find_answer
from app.web.desk.fields import get_code_language
from app.web.desk.list_words import (
    CASE_NUMBER,
    build_field_titles,
)
from app.web.rendering import Catalogue

Receipt = Mapping[str, Any]
Question = Mapping[str, Any]
MAX_RADIOS = 7  # choices of a question; more of them are a drop-down
MAX_SINGLE_ROWS = 3  # a larger group of rows gets one question
MAX_SAMPLES = 3
MAX_PREVIEW_CELLS = 5  # of a row that is asked about
SHEET_PLACES = ("/sheets/", "/header")
COLUMN_PLACE, CHECKED_PLACE = "/positions/", "/checked"
# A numeric date in which day and month may be swapped.
_NUMERIC_DATE = re.compile(r"(\d{1,2})\D(\d{1,2})\D(\d{4})")


@dataclass(frozen=True)
class FormQuestion:
    """A question as a field of a form.

    `name`: of the field; `options`: value and label of each answer; `guess`: the value that is likeliest; `selected`:
    the value that is given, or else the guess; `cells`: of the row that is asked about; `fault`: what is wrong with the
    answer given.
    """

    place: str
    name: str
    id: str
    step: int
    kind: str
    text: str
    hint: str = ""
    options: Sequence[tuple[str, str]] = ()
    guess: str | None = None
    selected: str | None = None
    cells: Sequence[str] = ()
    fault: str = ""


@dataclass(frozen=True)
class FormColumn:
    """A column of a list with its meaning. `question`: what is asked about it; empty if it is read without a doubt.

    `reading`: what it is read as; `is_numbering`: it numbers the rows, and is not read.
    """

    letter: str
    heading: str
    samples: Sequence[str]
    filled: int
    name: str
    reading: str
    is_numbering: bool
    question: str = ""
    guess: str | None = None
    selected: str | None = None
    fault: str = ""


@dataclass(frozen=True)
class FormSwitch:
    """Something that was settled without a question and can be changed. `options`: first what holds, without a
    value."""

    name: str
    title: str
    options: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class ListQuestions:
    """What a page asks about a list, and what was answered before.

    `previous`: the questions as the API has them, open and answered, for the next form.
    """

    open: Sequence[FormQuestion]
    answered: Sequence[FormQuestion]
    columns: Sequence[FormColumn]
    previous: Sequence[Question] = field(default_factory=list)
    switches: Sequence[FormSwitch] = ()

    @property
    def open_columns(self) -> list[FormColumn]:
        return [column for column in self.columns if column.question]

    @property
    def settled_columns(self) -> list[FormColumn]:
        return [column for column in self.columns if not column.question]

    @property
    def open_count(self) -> int:
        return len(self.open) + len(self.open_columns)

    @property
    def is_open_about_reading(self) -> bool:
        return bool(self.open_columns) or any(question.step == READ_STEP for question in self.open)

    @property
    def about_sheets(self) -> list[FormQuestion]:
        """What decides which columns there are."""
        return [question for question in self.list_step(READ_STEP) if question.place.startswith(SHEET_PLACES)]

    @property
    def about_list(self) -> list[FormQuestion]:
        return [question for question in self.list_step(READ_STEP) if not question.place.startswith(SHEET_PLACES)]

    def list_step(self, step: int) -> list[FormQuestion]:
        return [question for question in self.open if question.step == step]


@dataclass(frozen=True)
class FormAnswers:
    """The answers about a list.

    `previous`: the questions of earlier forms; `refused`: the places of unreadable answers.
    """

    mapping: Mapping[str, Any]
    previous: Sequence[Question] = ()
    refused: frozenset[str] = frozenset()


def build_list_questions(
    receipt: Receipt,
    answers: FormAnswers,
    identities: Mapping[str, RowIdentity],
    withdrawn_on: Mapping[int, str],
    words: Catalogue,
) -> ListQuestions:
    """Build the questions about a list.

    `identities`: of rows by their labels; `withdrawn_on`: the days on which reports were withdrawn, by the row."""
    open_questions = [_give_place(question, receipt, words) for question in receipt["questions"] if question["place"]]
    if receipt["state"] == "done":
        grouped = _build_group_questions(receipt, identities, withdrawn_on, words)
        open_questions += [one for one in grouped if find_answer(answers.mapping, one["place"]) is None]
    others = [one for one in open_questions if not _is_about_column(one)]
    separate_places = {one["place"] for one in others}
    about_columns = {
        one["place"]: one for one in open_questions if _is_about_column(one) and one["place"] not in separate_places
    }
    earlier = [one for one in answers.previous if one["place"] not in separate_places]
    known_places = {one["place"] for one in [*earlier, *others]}
    earlier += [one for one in _recall_values(answers.mapping, words) if one["place"] not in known_places]
    answered = [one for one in earlier if find_answer(answers.mapping, one["place"]) is not None]
    status_columns = [one["column"] for one in receipt["columns"] if STATE in one["fields"]]
    builder = _FormBuilder(answers, identities, status_columns, words)
    titles = build_field_titles(words)
    return ListQuestions(
        [builder.build(one) for one in others],
        [builder.build(one) for one in answered],
        [
            builder.build_column(column, about_columns.get(COLUMN_PLACE + _escape(column["column"])), titles)
            for column in receipt["columns"]
            if (column["fields"] or column.get("filled", 1))
            and COLUMN_PLACE + _escape(column["column"]) not in separate_places
        ],
        [*earlier, *(one for one in others if not one["place"].startswith(COLUMN_PLACE))],
        [
            switch
            for place, switch in _list_switches(receipt, identities, words)
            if place not in separate_places and find_answer(answers.mapping, place) is None
        ],
    )


def _list_switches(
    receipt: Receipt, identities: Mapping[str, RowIdentity], words: Catalogue
) -> Iterable[tuple[str, FormSwitch]]:
    """Yield places of a mapping with what was settled there without a question: sheets, sums, and kept answers."""
    _, lang = words.gettext, get_code_language(words)

    def build(place: str, title: str, options: Sequence[tuple[str, str]]) -> tuple[str, FormSwitch]:
        return place, FormSwitch(build_answer_name(place), title, options)

    used, aside = (faults.get_label(label, lang) for label in ("used", "set_aside"))
    for name in list_used_sheets(receipt) if receipt["other_sheets"] or receipt["sheet_names"] else ():
        yield build(f"/sheets/{_escape(name)}", name, [("", used), ("false", aside)])
    for name in receipt["other_sheets"]:
        yield build(f"/sheets/{_escape(name)}", name, [("", aside), ("true", used)])
    for number in receipt["sums"]["rows"]:
        label = format_row_label(number, receipt["sheet_names"]) or ""
        title = _name_row(label, identities, words)
        yield build(f"/rows/{_escape(label)}", title, [("", _("A sum: left out")), ("read", _("It is one person"))])
    for key, answer in receipt["kept_answers"].items():
        label, code = split_row_key(key)
        question = RowQuestion(code) if code else None
        values = list_answers(question) if question else ("leave_out", "read")
        names = {value: ANSWER_LABELS.get((question, value), value) if question else value for value in values}
        labels = {value: faults.get_label(name, lang) for value, name in names.items()}
        options = [("", labels[answer]), *((value, text) for value, text in labels.items() if value != answer)]
        title = (
            f"{_name_row(label, identities, words)} {faults.format_bare_question(question, lang) if question else ''}"
        )
        yield build(f"/rows/{_escape(key)}", title, options)


def split_row_key(key: str) -> tuple[str, str]:
    """Split a name under `rows` of a mapping: "Enero!14 remark_wish" → the row and the question, if it has one."""
    label, _space, code = key.rpartition(" ")
    return (label, code) if code in QUESTIONS else (key, "")


def list_used_sheets(receipt: Receipt) -> list[str]:
    """Return the names of the sheets that belong to the list."""
    names = [name for name in receipt["sheet_names"].values() if name not in receipt["other_sheets"]]
    return names or list(filter(None, [receipt["sheet"]]))


def _name_row(label: str, identities: Mapping[str, RowIdentity], words: Catalogue) -> str:
    row = words.gettext("Row %(row)s.") % {"row": label}
    identity = identities.get(label)
    return row if identity is None or not identity.name else f"{row} {identity.name}."


def _recall_values(mapping: Mapping[str, Any], words: Catalogue) -> Iterable[Question]:
    """Yield the questions about values that were answered with an earlier list."""
    lang = get_code_language(words)
    titles = build_field_titles(words)
    for name, meanings in mapping.get("values", {}).items():
        choices, kind = list_choices(name)
        for word in meanings:
            values = {"word": word, "title": titles[name]}
            yield {
                "code": "value_unknown",
                "detail": faults.format_list_question("value_unknown", values)[lang],
                "place": f"/values/{_escape(name)}/{_escape(word)}",
                "step": VALUES_STEP,
                "kind": kind,
                "choices": [{"value": choice["value"], "label": choice["labels"][lang]} for choice in choices],
                "guess": None,
            }


def _escape(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


def _is_about_column(question: Question) -> bool:
    return question["kind"] == "meaning" and str(question["place"]).startswith(COLUMN_PLACE)


def _give_place(question: Question, receipt: Receipt, words: Catalogue) -> Question:
    """Return a question where a page asks it. Whether case numbers only count rows is answered at their column."""
    _ = words.gettext
    column = next((one for one in receipt["columns"] if CASE_NUMBER in one["fields"]), None)
    if question["code"] == "numbers_count_rows" and column is not None:
        return {
            **question,
            "detail": _("The numbers in column %(column)s only count the rows. What are they?")
            % {"column": column["heading"] or column["column"]},
            "place": COLUMN_PLACE + _escape(column["column"]),
            "kind": "choice",
            "choices": [
                {"value": CASE_NUMBER, "label": _("Our case numbers: each always belongs to the same person")},
                {"value": "", "label": _("They only number the rows of this list")},
            ],
            "guess": "",
        }
    return question


def _build_group_questions(
    receipt: Receipt, identities: Mapping[str, RowIdentity], withdrawn_on: Mapping[int, str], words: Catalogue
) -> list[Question]:
    """Return the questions that only the trial of the rows raises."""
    _, lang = words.gettext, get_code_language(words)
    labels = {identity.number: label for label, identity in identities.items()}
    questions: list[Question] = []
    for group in receipt["groups"]:
        shared = {"code": group["code"], "guess": None, "value": None, "samples": [], "column": group["column"]}
        if group["code"] == "country_required":
            detail = _("In which country are or were these people held?")
            questions.append(
                {**shared, "detail": detail, "place": "/constants/detention.country", "kind": "country", "choices": [],
                 "step": READ_STEP, "count": group["count"], "rows": []}
            )  # fmt: skip
        elif group["question"] and group["code"] in QUESTIONS:
            question = RowQuestion(group["code"])
            bare = faults.format_bare_question(question, lang)
            choices = [
                {
                    "value": str(answer),
                    "label": faults.get_label(ANSWER_LABELS.get((question, answer), answer), lang),
                }
                for answer in list_answers(question)
            ]
            shared |= {"kind": "choice", "choices": choices, "step": CHANGES_STEP}
            if group["count"] > MAX_SINGLE_ROWS:
                questions.append(
                    {**shared, "detail": bare, "place": f"/rows/{question}", "count": group["count"],
                     "rows": [labels.get(example["row"], str(example["row"])) for example in group["examples"]]}
                )  # fmt: skip
                continue
            for example in group["examples"]:
                label = labels.get(example["row"], str(example["row"]))
                row_text = _("Row %(row)s.") % {"row": label}
                detail = f"{row_text} {bare}"
                if day := withdrawn_on.get(example["row"]):
                    detail += " " + _("You withdrew it on %(day)s.") % {"day": words.long_day(day)}
                place = f"/rows/{_escape(label)}"
                questions.append({**shared, "detail": detail, "place": place, "count": 1, "rows": [label]})
    return questions


class _FormBuilder:
    def __init__(
        self,
        answers: FormAnswers,
        identities: Mapping[str, RowIdentity],
        status_columns: Sequence[str],
        words: Catalogue,
    ) -> None:
        self._answers = answers
        self._identities = identities
        self._status_columns = status_columns
        self._words = words
        self._count = 0

    def build(self, question: Question) -> FormQuestion:
        """Return a question as a field of the form."""
        self._count += 1
        place = question["place"]
        answer = find_answer(self._answers.mapping, place)
        options = [(choice["value"] or NOTHING, choice["label"]) for choice in question["choices"]]
        if question["code"] == "date_order":
            options = [(value, self._show_date(value, label, question["value"])) for value, label in options]
        if place == CHECKED_PLACE:
            options = [(value, self._show_method(value, label)) for value, label in options]
        kind = question["kind"]
        if kind == "country":
            options = [*self._words.countries, *options]
        elif kind == "meaning":
            options = [*build_field_titles(self._words).items(), (NOTHING, self._words.gettext("Not needed"))]
        elif kind == "text" and options and len(options) > 1:
            kind = "choice"
        if kind in ("choice", "country", "meaning"):
            kind = "radio" if kind == "choice" and len(options) <= MAX_RADIOS else "select"
        if kind == "radio" and len(options) == 1:
            kind = "confirm"
        guess = None if question["guess"] is None else question["guess"] or NOTHING
        return FormQuestion(
            place,
            build_answer_name(place),
            f"q{self._count}",
            question["step"],
            kind,
            question["detail"],
            self._describe_rows(question),
            options,
            guess,
            answer or guess,
            self._preview_row(question),
            self._words.gettext("This answer could not be read: correct it.") if place in self._answers.refused else "",
        )

    def _preview_row(self, question: Question) -> Sequence[str]:
        """Return cells of the first row that is asked about: the name and the cell in question, or the first ones."""
        rows = question.get("rows") or []
        identity = self._identities.get(rows[0]) if rows else None
        if identity is None or (len(rows) > 1 and question["code"] not in QUESTIONS):
            return []
        cell = identity.cells.get(question.get("column") or "")
        if question["code"] == RowQuestion.REMARK_STATE:
            status = [identity.cells.get(column, "") for column in self._status_columns]
            return list(filter(None, dict.fromkeys([identity.name, *status, cell or ""])))
        if question["code"] in QUESTIONS and cell and identity.name and cell != identity.name:
            return [cell] if identity.name in question["detail"] else [identity.name, cell]
        return list(identity.cells.values())[:MAX_PREVIEW_CELLS]

    def _describe_rows(self, question: Question) -> str:
        """Return how many cells a question about a value is about, and in which rows."""
        rows, count = question.get("rows") or [], question.get("count")
        if question["code"] in QUESTIONS or question["code"] == "list_held" or not count:
            return ""
        if not rows:
            return self._words.ngettext("%(n)s row", "%(n)s rows", count) % {"n": self._words.number(count)}
        listed = ", ".join(rows) + (", …" if count > len(rows) else "")
        text = self._words.ngettext("In row %(rows)s", "In %(n)s rows: %(rows)s", count)
        return text % {"n": self._words.number(count), "rows": listed}

    def _show_method(self, value: str, label: str) -> str:
        return label if value == NOT_CHECKED else self._words.gettext("Yes: %(how)s") % {"how": label.lower()}

    def _show_date(self, order: str, label: str, cell: str | None) -> str:
        """Return an order of day and month with the day that the cell is by it."""
        match = _NUMERIC_DATE.search(cell or "")
        if match is None:
            return label
        first, second, year = map(int, match.groups())
        day, month = (first, second) if order == "day_first" else (second, first)
        try:
            return f"{label}: {self._words.long_day(date(year, month, day).isoformat())}"
        except ValueError:
            return label

    def build_column(
        self, column: Mapping[str, Any], question: Question | None, titles: Mapping[str, str]
    ) -> FormColumn:
        """Return a column with the meaning that it is read as."""
        fields = column["fields"]
        place = COLUMN_PLACE + _escape(column["column"])
        reading = self._words.listed([titles.get(name, name) for name in fields]) if fields else ""
        letter = column["column"].rpartition("!")
        guess = None if question is None else question["guess"] or None
        refused = place in self._answers.refused
        return FormColumn(
            f"{letter[0]}: {letter[2]}" if letter[0] else letter[2],
            column["heading"],
            column.get("samples", [])[:MAX_SAMPLES],
            column.get("filled", 0),
            build_answer_name(place),
            reading,
            bool(column.get("counts_rows")),
            "" if question is None else question["detail"],
            guess,
            guess,
            self._words.gettext("Two columns cannot both be this: choose for each what it is.") if refused else "",
        )
