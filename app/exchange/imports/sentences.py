"""The sentences about a list, in English and Spanish: questions, faults, and what to do about them.

They stand in `sentences.toml`. The English of most faults stands in the code that finds the fault; their Spanish is
looked up by code, or by the name of the sentence where one code has several.
"""

import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from app.exchange.titles import LANGUAGES
from app.schemas.imports import ImportFault, ImportQuestion, RowError
from app.vocabulary import Language

_TEXTS: dict[str, Any] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
# A line about a number has a sentence for one and a sentence for many.
LINES: dict[str, list[str] | dict[str, list[str]]] = _TEXTS["lines"]
FAULTS: dict[str, str] = {name: english for name, (english, _spanish) in _TEXTS["faults"].items()}

Answer = Literal["confirm", "mapping"]
# A value in a sentence: the same in every language, or made for each language.
Value = str | int | Callable[[Language], str]

WISH_WITHDRAWN: Literal["wish_withdrawn"] = "wish_withdrawn"  # a warning about a row, which is filed all the same


class StoredQuestion(TypedDict):
    """A question about a list as stored, in every language. An earlier version stored a single sentence, `detail`."""

    code: str
    details: NotRequired[dict[Language, str]]
    detail: NotRequired[str]
    answer: NotRequired[Answer]


class KeptFault(ImportFault):
    """The refusal of a file as stored."""

    spanish: NotRequired[str]


class KeptRowError(RowError):
    """A fault of a row as stored. `sentence`: its name in `FAULTS`, where its code has several sentences."""

    sentence: NotRequired[str]


def question(code: str, row: int | None = None, lang: Language = "en") -> str:
    """The question about a row, or about several (`row` None), with the way to answer it in a mapping."""
    answers = _TEXTS["answers"]
    answer = answers.get(code, answers["answer"])[LANGUAGES.index(lang)].format(row=row or 14, code=code)
    return f"{bare_question(code, lang)} {answer}"


def bare_question(code: str, lang: Language) -> str:
    """The same without the way to answer it, for who answers otherwise than by a mapping of their own."""
    sentence: str = _TEXTS["questions"][code][LANGUAGES.index(lang)]
    return sentence


def about_list(code: str, answer: Answer = "confirm", **values: Value) -> StoredQuestion:
    """A question about a whole list, in every language. `answer`: the way to answer it."""
    details = dict(zip(LANGUAGES, in_both("list_questions", code, values), strict=True))
    return {"code": code, "details": details, "answer": answer}


def in_both(part: str, name: str, values: Mapping[str, Value]) -> list[str]:
    """A sentence in each of `LANGUAGES`. `part`: of `sentences.toml`."""
    return [
        text.format(**{key: value(lang) if callable(value) else value for key, value in values.items()})
        for lang, text in zip(LANGUAGES, _TEXTS[part][name], strict=True)
    ]


def problem(kept: KeptFault, lang: Language) -> ImportFault:
    """The stored reason of a refused file (`BadFile.shape`) in a language."""
    spanish = kept.get("spanish") if lang == "es" else None
    text = spanish or detail(kept["code"], kept["detail"], lang)
    return {"code": kept["code"], "detail": text, "row": kept["row"]}


def translated(about: StoredQuestion, lang: Language) -> ImportQuestion:
    """A question about a list in a language."""
    text = about["details"][lang] if "details" in about else about["detail"]
    return {"code": about["code"], "detail": text, "answer": about.get("answer", "confirm")}


def confirmed(questions: Iterable[ImportQuestion]) -> bool:
    """Whether confirming the list answers all these questions."""
    return all(about["answer"] == "confirm" for about in questions)


def detail(code: str, english: str, lang: Language, row: int | None = None, sentence: str | None = None) -> str:
    """The sentence of a code in a language; `english` where there is no other. `sentence`: its name in `FAULTS`."""
    if code in _TEXTS["questions"]:
        return question(code, row, lang)
    if code == WISH_WITHDRAWN:
        return line(code, lang)
    if lang == "en":
        return english
    if sentence is not None:
        return str(_TEXTS["faults"][sentence][LANGUAGES.index(lang)])
    return str(_TEXTS["errors"].get(code, english))


def line(name: str, lang: Language, **values: object) -> str:
    """A line of a receipt, in the singular or plural by `count`."""
    texts = LINES[name]
    if isinstance(texts, dict):
        texts = texts["one" if values["count"] == 1 else "many"]
    return texts[LANGUAGES.index(lang)].format(**values)


def rows(count: int) -> Callable[[Language], str]:
    """A number of rows in words, for each language."""
    return lambda lang: line("rows", lang, count=count)
