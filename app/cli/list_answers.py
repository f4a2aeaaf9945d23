"""Ask an officer at the terminal what `questions` asks about a list, and write the answers beside it."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import typer

from app.imports.answers import build_answers, merge_answers
from app.imports.fields import FIELDS
from app.imports.formats.template import get_field_title
from app.imports.mapping import ListMapping, decode_mapping
from app.schemas.imports import ImportQuestion
from app.vocabulary import Language

ANSWERS_SUFFIX = ".answers.toml"
MAX_SAMPLES = 3
_PROMPTS = {
    "choice": {"en": "Number", "es": "Número"},
    "meaning": {"en": "Number, or nothing for “not needed”", "es": "Número, o nada si «no hace falta»"},
    "country": {"en": "Country (two letters)", "es": "País (dos letras)"},
    "date": {"en": "Day (2026-01-20)", "es": "Día (2026-01-20)"},
    "number": {"en": "Number", "es": "Número"},
    "text": {"en": "Text", "es": "Texto"},
}
_ANSWERED_IN = {"en": "Your answers are in {path}.", "es": "Sus respuestas están en {path}."}


def find_answers_file(path: Path) -> Path:
    """Return the file with the answers about a list: beside it, under its name."""
    return path.with_name(path.name + ANSWERS_SUFFIX)


def load_answers(path: Path | None) -> ListMapping | None:
    """Load a mapping from a file, if there is one. Raises BadFile."""
    return None if path is None else ListMapping.parse_toml(decode_mapping(path.read_bytes()))


def ask_questions(questions: Sequence[ImportQuestion], lang: Language) -> list[tuple[str, str]]:
    """Ask each question that has a place in the mapping, and return places and answers."""
    return [(question["place"], _ask(question, lang)) for question in questions if question["place"]]


def _ask(question: ImportQuestion, lang: Language) -> str:
    _print(f"\n{question['detail']}")
    if question["samples"]:
        _print("    " + " · ".join(question["samples"][:MAX_SAMPLES]))
    options = [*_list_options(question, lang)]
    for number, (_value, label) in enumerate(options, 1):
        _print(f"  {number:>2}. {label}")
    values = [value for value, _label in options]
    guess = question["guess"]
    default = str(values.index(guess) + 1) if guess in values else guess
    while True:
        text = str(typer.prompt(_PROMPTS[question["kind"]][lang], default=default or "", show_default=bool(default)))
        if not options:
            return text
        if text.isdecimal() and 0 < int(text) <= len(values):
            return values[int(text) - 1]
        if not text and question["kind"] == "meaning":
            return ""


def _list_options(question: ImportQuestion, lang: Language) -> Iterator[tuple[str, str]]:
    if question["kind"] == "meaning":
        yield from ((name, get_field_title(name, lang)) for name in FIELDS)
    yield from ((choice["value"], choice["label"]) for choice in question["choices"])


def write_answers(path: Path, given: Path | None, answers: Sequence[tuple[str, str]], lang: Language) -> Path:
    """Write the answers beside the list, on top of those in the file `given`, and return the file."""
    file = find_answers_file(path)
    base = given if given is not None else file if file.exists() else None
    text = "" if base is None else decode_mapping(base.read_bytes())
    file.write_text(merge_answers(text, build_answers(answers)), encoding="utf-8")
    file.chmod(0o600)  # words of the list stand in it
    _print(_ANSWERED_IN[lang].format(path=file))
    return file


def is_interactive() -> bool:
    return sys.stdin.isatty()


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
