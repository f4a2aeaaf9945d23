"""Build a question about a list: its sentence, the place of its answer, and the answers to choose from (pure)."""

from collections.abc import Iterable, Mapping, Sequence

from app.errors import escape_pointer_part
from app.imports.faults import (
    AnswerMethod,
    Choice,
    StoredQuestion,
    Value,
    format_choice,
    format_list_question,
)
from app.imports.fields import FIELDS, STATE
from app.imports.formats.template import LANGUAGES
from app.imports.reader.code_words import COUNTRY_CODE_LIST
from app.imports.reader.layout import Column
from app.imports.reader.states import STATE_CHOICES
from app.vocabulary import Language, build_vocabulary

READ_STEP, VALUES_STEP, CHANGES_STEP = 1, 2, 3
LIST_COUNTRY = "list_country"
MAX_SAMPLES = 3


def build_question(
    code: str,
    place: Sequence[str],
    step: int,
    values: Mapping[str, Value] | None = None,
    *,
    details: dict[Language, str] | None = None,
    kind: str = "choice",
    answer: AnswerMethod = "confirm",
    column: Column | None = None,
    choices: Sequence[Choice] = (),
    guess: str | None = None,
    value: str | None = None,
    count: int | None = None,
    rows: Sequence[str] = (),
    samples: Sequence[str] = (),
) -> StoredQuestion:
    """Build a question whose answer has a place in the mapping.

    `values`: of its sentence, unless that is given as `details`; `guess`: the likeliest answer; `samples`: cells that
    show what is asked, unless they are those of the column."""
    question: StoredQuestion = {
        "code": code,
        "details": details or format_list_question(code, values or {}),
        "answer": answer,
        "place": "".join(f"/{escape_pointer_part(part)}" for part in place),
        "step": step,
        "kind": kind,
        "choices": list(choices),
        "guess": guess,
        "value": value,
        "count": count,
        "rows": list(rows),
        "samples": list(samples or (() if column is None else column.profile.samples[:MAX_SAMPLES])),
    }
    if column is not None:
        question |= {"column": column.letter, "heading": column.title}
    return question


def list_choices(name: str) -> tuple[list[Choice], str]:
    """Return the answers that can be right for a word in a column, and the kind of answer."""
    empty = format_choice("", "says_nothing")
    field_kind = FIELDS[name]
    if name == STATE:
        return [
            {"value": c.code, "labels": {lang: c.label(lang) for lang in LANGUAGES}} for c in STATE_CHOICES
        ], "choice"
    if field_kind.kind == "mark":
        return [format_choice("x", "yes"), format_choice("", "no")], "choice"
    if field_kind.kind in ("country", "countries"):
        return [], "country"
    if field_kind.codes is None or field_kind.codes == COUNTRY_CODE_LIST:
        return [empty], "text"
    return [*list_code_choices(field_kind.codes), empty], "choice"


def list_code_choices(codes: str, only: Iterable[str] | None = None) -> list[Choice]:
    terms = {lang: {term["code"]: term["label"] for term in build_vocabulary(lang)[codes]} for lang in LANGUAGES}
    wanted = list(terms["en"]) if only is None else only
    return [{"value": code, "labels": {lang: terms[lang][code] for lang in LANGUAGES}} for code in wanted]
