"""Faults of a list and questions about it, with their sentences in English and Spanish.

The sentences are in `sentences.toml`. The English of most faults is in the code that finds the fault; their Spanish is
looked up by code, or by the name of the sentence if one code has several. A message never quotes the file: the value of
a faulty cell is separate, for the sender.
"""

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal, NotRequired, Self

from typing_extensions import TypedDict

from app.imports.fields import FIELDS, Kind
from app.imports.formats.template import LANGUAGES
from app.schemas.imports import ImportFault, ImportQuestion, RowError
from app.vocabulary import Language

_TEXTS: dict[str, Any] = tomllib.loads(Path(__file__).with_name("sentences.toml").read_text(encoding="utf-8"))
# A line about a number has a sentence for one and a sentence for many.
RECEIPT_LINES: dict[str, list[str] | dict[str, list[str]]] = _TEXTS["lines"]
FAULTS: dict[str, str] = {name: english for name, (english, _spanish) in _TEXTS["faults"].items()}

AnswerMethod = Literal["confirm", "mapping"]
# A value in a sentence: the same in every language, or made for each language.
Value = str | int | Callable[[Language], str]

WISH_WITHDRAWN: Literal["wish_withdrawn"] = "wish_withdrawn"  # a warning about a row, which is filed all the same


class Choice(TypedDict):
    """An answer that may be chosen, with its label in every language."""

    value: str
    labels: dict[Language, str]


class StoredQuestion(TypedDict):
    """A stored question about a list, in every language. An earlier version stored a single sentence, `detail`, and had
    no `place` for the answer."""

    code: str
    details: NotRequired[dict[Language, str]]
    detail: NotRequired[str]
    answer: NotRequired[AnswerMethod]
    place: NotRequired[str]
    step: NotRequired[int]
    kind: NotRequired[str]
    choices: NotRequired[list[Choice]]
    guess: NotRequired[str | None]
    column: NotRequired[str]
    heading: NotRequired[str]
    samples: NotRequired[list[str]]
    value: NotRequired[str | None]
    count: NotRequired[int | None]
    rows: NotRequired[list[str]]


class StoredFault(ImportFault):
    """The refusal of a file as stored."""

    spanish: NotRequired[str]


class StoredRowError(RowError):
    """A fault of a row as stored. `sentence`: its name in `FAULTS`, where its code has several sentences."""

    sentence: NotRequired[str]


def format_question(code: str, row: int | None = None, lang: Language = "en") -> str:
    """The question about a row, or about several (`row` None), with the way to answer it in a mapping."""
    answers = _TEXTS["answers"]
    answer = answers.get(code, answers["answer"])[LANGUAGES.index(lang)].format(row=row or 14, code=code)
    return f"{format_bare_question(code, lang)} {answer}"


def format_bare_question(code: str, lang: Language) -> str:
    """Format a question without the way to answer it, for a sender who answers otherwise than by a mapping."""
    sentence: str = _TEXTS["questions"][code][LANGUAGES.index(lang)]
    return sentence


def build_list_question(code: str, answer: AnswerMethod = "confirm", **values: Value) -> StoredQuestion:
    """A question about a whole list, in every language. `answer`: the way to answer it."""
    return {"code": code, "details": format_list_question(code, values), "answer": answer}


def format_list_question(code: str, values: Mapping[str, Value]) -> dict[Language, str]:
    """Return the sentence of a question about a list in every language."""
    return dict(zip(LANGUAGES, format_in_both_languages("list_questions", code, values), strict=True))


def get_label(name: str, lang: Language) -> str:
    """Return a label of `sentences.toml` in a language."""
    label: str = _TEXTS["labels"][name][LANGUAGES.index(lang)]
    return label


def format_choice(value: str, name: str) -> Choice:
    """Return an answer with its label. `name`: of the label in `sentences.toml`."""
    return {"value": value, "labels": dict(zip(LANGUAGES, _TEXTS["labels"][name], strict=True))}


def format_in_both_languages(section: str, name: str, values: Mapping[str, Value]) -> list[str]:
    """A sentence in each of `LANGUAGES`. `section`: of `sentences.toml`."""
    return [
        text.format(**{key: value(lang) if callable(value) else value for key, value in values.items()})
        for lang, text in zip(LANGUAGES, _TEXTS[section][name], strict=True)
    ]


def translate_problem(stored_fault: StoredFault, lang: Language) -> ImportFault:
    """The stored reason of a refused file (`BadFile.shape`) in a language."""
    spanish = stored_fault.get("spanish") if lang == "es" else None
    text = spanish or translate_detail(stored_fault["code"], stored_fault["detail"], lang)
    return {"code": stored_fault["code"], "detail": text, "row": stored_fault["row"]}


def translate_question(stored_question: StoredQuestion, lang: Language) -> ImportQuestion:
    """A question about a list in a language."""
    text = stored_question["details"][lang] if "details" in stored_question else stored_question["detail"]
    return {
        "code": stored_question["code"],
        "detail": text,
        "answer": stored_question.get("answer", "confirm"),
        "place": stored_question.get("place"),
        "step": stored_question.get("step", 1),
        "kind": stored_question.get("kind", "confirm"),
        "choices": [
            {"value": choice["value"], "label": choice["labels"][lang]} for choice in stored_question.get("choices", [])
        ],
        "guess": stored_question.get("guess"),
        "column": stored_question.get("column"),
        "heading": stored_question.get("heading"),
        "samples": stored_question.get("samples", []),
        "value": stored_question.get("value"),
        "count": stored_question.get("count"),
        "rows": stored_question.get("rows", []),
    }


def is_answered_by_confirming(questions: Iterable[ImportQuestion]) -> bool:
    """Whether confirming the list answers all these questions."""
    return all(list_question["answer"] == "confirm" for list_question in questions)


def translate_detail(
    code: str, english: str, lang: Language, row: int | None = None, sentence: str | None = None
) -> str:
    """Return the sentence of a code in a language; `english` if there is no other. `sentence`: its name in `FAULTS`."""
    if code in _TEXTS["questions"]:
        return format_question(code, row, lang)
    if code == WISH_WITHDRAWN:
        return format_line(code, lang)
    if lang == "en":
        return english
    if sentence is not None:
        return str(_TEXTS["faults"][sentence][LANGUAGES.index(lang)])
    return str(_TEXTS["errors"].get(code, english))


def format_line(name: str, lang: Language, **values: object) -> str:
    """A line of a receipt, in the singular or plural by `count`."""
    texts = RECEIPT_LINES[name]
    if isinstance(texts, dict):
        texts = texts["one" if values["count"] == 1 else "many"]
    return texts[LANGUAGES.index(lang)].format(**values)


def format_day(day: date, lang: Language) -> str:
    """A day in words: "3 January 2026"."""
    month = _TEXTS["months"]["names"][day.month - 1][LANGUAGES.index(lang)]
    return format_line("day", lang, day=day.day, month=month, year=day.year)


def format_row_count(count: int) -> Callable[[Language], str]:
    """A number of rows in words, for each language."""
    return lambda lang: format_line("rows", lang, count=count)


# Kinds of fields whose faulty cells are stored: days, numbers and codes. A name or a note that could not be filed is
# stored nowhere: the sender has it.
STORED_KINDS: frozenset[Kind] = frozenset({"date", "number", "code", "codes", "country", "countries", "state"})


class BadFile(Exception):
    """The file cannot be read as a list.

    `code` is stable; `detail` says what to do, in English. `spanish`: the same in Spanish, if the sentence of the code
    is less exact. `place`: a JSON pointer into a mapping.
    """

    def __init__(
        self, code: str, detail: str, row: int | None = None, spanish: str | None = None, place: str = ""
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.row = row
        self.spanish = spanish
        self.place = place

    @classmethod
    def from_sentence(cls, name: str, row: int | None = None, *, code: str | None = None, **values: Value) -> Self:
        """A refusal by a sentence in both languages."""
        english, spanish = format_in_both_languages("files", name, values if row is None else values | {"row": row})
        return cls(code or name, english, row, spanish)

    def shape(self) -> StoredFault:
        """The refusal as stored."""
        shape: StoredFault = {"code": self.code, "detail": self.detail, "row": self.row}
        return shape if self.spanish is None else {**shape, "spanish": self.spanish}


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of a row: the letter of its column (None: the whole row), the pointer to the field of a report, a code,
    and what to do.

    `value`: the beginning of the cell; `sentence`: its name in `FAULTS`, if its code has several; `withdrawn_on`: the
    day on which the report that the row would bring back was withdrawn; `word`: the part of the cell to ask about.
    """

    column: str | None
    pointer: str
    code: str
    detail: str
    value: str | None = None
    sentence: str | None = None
    withdrawn_on: str | None = None
    word: str | None = None

    def shape(self) -> StoredRowError:
        shape: StoredRowError = {"column": self.column, "pointer": self.pointer, "code": self.code,
                               "detail": self.detail, "value": self.value}  # fmt: skip
        if self.sentence is not None:
            shape["sentence"] = self.sentence
        if self.withdrawn_on is not None:
            shape["withdrawn_on"] = self.withdrawn_on
        return shape


def strip_unstored_value(error: StoredRowError) -> StoredRowError:
    """Return a fault as it is stored: with the value of the cell only if its field is of STORED_KINDS."""
    field = FIELDS.get(error["pointer"].removeprefix("/").replace("/", "."))
    return error if field is not None and field.kind in STORED_KINDS else {**error, "value": None}


def parse_column_letters(letters: str) -> int:
    """Return the index of a column: A → 0, AA → 26. The name of a sheet may stand before it: Detenidos!A."""
    place = 0
    for capital in letters.rpartition("!")[2]:
        place = place * 26 + ord(capital) - ord("A") + 1
    return place - 1


def format_column_letters(place: int) -> str:
    """Return the letters of a column index as in spreadsheets: 0 → A, 26 → AA."""
    name = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        name = chr(ord("A") + rest) + name
    return name
