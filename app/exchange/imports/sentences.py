"""The sentences about a list, in English and Spanish: questions, faults, and what to do about them.

They stand in `sentences.toml`. The English of most faults stands where the fault is found; their Spanish is looked up
by code, or by the English where one code has several sentences.
"""

import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from app.exchange.titles import LANGUAGES
from app.vocabulary import Language
from app.wire.imports import ImportFault, ImportQuestion

_SAID: dict[str, Any] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
# Lines about a number have a sentence for one and a sentence for many.
LINES: dict[str, list[str] | dict[str, list[str]]] = _SAID["lines"]
FAULTS: dict[str, str] = {name: english for name, (english, _spanish) in _SAID["faults"].items()}
_SPANISH = dict(_SAID["faults"].values())  # by the English

Answer = Literal["confirm", "mapping"]
# A value of a sentence: the same in every language, or made for each.
Value = str | int | Callable[[Language], str]


class Question(TypedDict):
    """A question about a list as stored, in every language; one stored by an earlier version has one sentence only, its
    `detail`."""

    code: str
    details: NotRequired[dict[Language, str]]
    detail: NotRequired[str]
    answer: NotRequired[Answer]


class KeptFault(ImportFault):
    """The refusal of a file as stored."""

    spanish: NotRequired[str]


def question(code: str, row: int | None = None, lang: Language = "en") -> str:
    """The question about a row, with how a mapping answers it; `row` None: about several rows."""
    said, answer = (_SAID[part][code if part == "questions" else "answer"][LANGUAGES.index(lang)]
                    for part in ("questions", "answers"))  # fmt: skip
    return f"{said} {answer.format(row=row or 14, code=code)}"


def about_list(code: str, answer: Answer = "confirm", **values: Value) -> Question:
    """A question about a whole list, in every language. `answer`: the way to answer it."""
    details = dict(zip(LANGUAGES, _both("asked", code, values), strict=True))
    return {"code": code, "details": details, "answer": answer}


def of_file(name: str, **values: Value) -> tuple[str, str]:
    """The reason why a file is refused: `(English, Spanish)`."""
    english, spanish = _both("files", name, values)
    return english, spanish


def _both(part: str, name: str, values: Mapping[str, Value]) -> list[str]:
    return [
        said.format(**{name: one(lang) if callable(one) else one for name, one in values.items()})
        for lang, said in zip(LANGUAGES, _SAID[part][name], strict=True)
    ]


def problem(kept: KeptFault, lang: Language) -> ImportFault:
    """The stored reason of a refused file (`BadFile.shape`) in a language."""
    spanish = kept.get("spanish") if lang == "es" else None
    told = spanish or detail(kept["code"], kept["detail"], lang)
    return {"code": kept["code"], "detail": told, "row": kept["row"]}


def asked(one: Question, lang: Language) -> ImportQuestion:
    """A question about a list in a language."""
    said = one["details"][lang] if "details" in one else one["detail"]
    return {"code": one["code"], "detail": said, "answer": one.get("answer", "confirm")}


def confirmed(questions: Iterable[ImportQuestion]) -> bool:
    """Whether confirming the list is an answer."""
    return all(one["answer"] == "confirm" for one in questions)


def detail(code: str, english: str, lang: Language, row: int | None = None) -> str:
    """The sentence of a code in a language; the English one where there is no other."""
    if code in _SAID["questions"]:
        return question(code, row, lang)
    return english if lang == "en" else _SPANISH.get(english) or _SAID["errors"].get(code, english)


def line(name: str, lang: Language, **values: object) -> str:
    """A line of a receipt, in the singular or plural by `count`."""
    said = LINES[name]
    if isinstance(said, dict):
        said = said["one" if values["count"] == 1 else "many"]
    return said[LANGUAGES.index(lang)].format(**values)


def rows(count: int) -> Callable[[Language], str]:
    """A number of rows, in words of each language."""
    return lambda lang: line("rows", lang, count=count)
