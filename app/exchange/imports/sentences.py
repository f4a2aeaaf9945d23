"""What is told of a list, in the reader's language: what is asked, what is wrong, what to do about it.

It stands in `sayings.toml`, in English and Spanish. The English of most faults stands where the fault is found, and
their Spanish is found by their code, or by the English where one code is told in several ways.
"""

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from app.exchange.titles import LANGUAGES
from app.vocabulary import Language

_SAID: dict[str, Any] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
# Of what is counted there is one sentence for one, and one for many.
LINES: dict[str, list[str] | dict[str, list[str]]] = _SAID["lines"]
FAULTS: dict[str, str] = {name: english for name, (english, _spanish) in _SAID["faults"].items()}
_SPANISH = dict(_SAID["faults"].values())  # by the English

Question = dict[str, Any]
Answer = Literal["confirm", "mapping"]
# A value of a sentence: the same in every language, or said in each.
Value = str | int | Callable[[Language], str]


def question(code: str, row: int | None = None, lang: Language = "en") -> str:
    """What is asked about a row, and how a mapping answers; of several rows without their numbers."""
    said, answer = (_SAID[part][code if part == "questions" else "answer"][LANGUAGES.index(lang)]
                    for part in ("questions", "answers"))  # fmt: skip
    return f"{said} {answer.format(row=row or 14, code=code)}"


def about_list(code: str, answer: Answer = "confirm", **values: Value) -> Question:
    """A question about a whole list, in every language. `answer`: by what it is answered."""
    details = dict(zip(LANGUAGES, _both("asked", code, values), strict=True))
    return {"code": code, "details": details, "answer": answer}


def of_file(name: str, **values: Value) -> tuple[str, str]:
    """Why a file is not filed, in English and Spanish."""
    english, spanish = _both("files", name, values)
    return english, spanish


def _both(part: str, name: str, values: Mapping[str, Value]) -> list[str]:
    return [
        said.format(**{name: one(lang) if callable(one) else one for name, one in values.items()})
        for lang, said in zip(LANGUAGES, _SAID[part][name], strict=True)
    ]


def problem(kept: dict[str, Any], lang: Language) -> dict[str, Any]:
    """Why a file was not filed, as a reader of that language is told. `kept`: of `BadFile.shape`."""
    spanish = kept.get("spanish") if lang == "es" else None
    told = spanish or detail(kept["code"], kept["detail"], lang)
    return {"code": kept["code"], "detail": told, "row": kept["row"]}


def asked(one: Question, lang: Language) -> Question:
    """A question about a list as a reader of that language is told. Of one kept by an earlier version, or told by a
    registry elsewhere, there is one sentence."""
    said = one["details"][lang] if "details" in one else one["detail"]
    return {"code": one["code"], "detail": said, "answer": one.get("answer", "confirm")}


def detail(code: str, english: str, lang: Language, row: int | None = None) -> str:
    """What is told of a code in that language; in English where nothing better is known."""
    if code in _SAID["questions"]:
        return question(code, row, lang)
    return english if lang == "en" else _SPANISH.get(english) or _SAID["errors"].get(code, english)


def line(name: str, lang: Language, **values: object) -> str:
    """A line of a receipt; by its `count`, where it is told otherwise of one than of many."""
    said = LINES[name]
    if isinstance(said, dict):
        said = said["one" if values["count"] == 1 else "many"]
    return said[LANGUAGES.index(lang)].format(**values)


def rows(count: int) -> Callable[[Language], str]:
    """So many rows."""
    return lambda lang: line("rows", lang, count=count)
