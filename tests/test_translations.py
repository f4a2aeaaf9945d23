"""Every title and every detail of a refusal has a Spanish text, found in the source itself."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import app
from app.api.problems import list_titles
from app.errors import DETAIL_TEMPLATES, VOCABULARY_HINT
from app.translations import Message, load_translations, translate

ROOT = Path(app.__file__).parent
OTHER_TEXTS = ("web", "cli", "demo")  # pages and commands have texts of their own
EXAMPLES = "openapi_examples.py"
# Functions by the place of their argument that is a detail.
DETAIL_PLACES = {
    **{"at_pointer": 2, "build_pointed_error": 2, "PydanticCustomError": 1, "Message": 0, "DateError": 0},
    **{"__init__": 0, "add": 2, "build_problem": 3},
}
HAS_WORDS = re.compile(r"[a-z]{2}")
# What only commands print, and what is made of other messages.
UNTRANSLATED = re.compile(r"(\{\w+\}|\s)*|recuento .*")


@cache
def parse_modules() -> dict[Path, ast.Module]:
    paths = (path for path in ROOT.rglob("*.py") if path.relative_to(ROOT).parts[0] not in OTHER_TEXTS)
    paths = (path for path in paths if path.name != EXAMPLES)
    return {path: ast.parse(path.read_text(encoding="utf-8")) for path in paths}


def list_problem_classes() -> set[str]:
    names = {"Problem"}
    classes = [node for tree in parse_modules().values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    for _generation in range(4):
        names |= {
            node.name for node in classes for base in node.bases if isinstance(base, ast.Name) and base.id in names
        }
    return names


def find_details() -> Iterator[tuple[str, ast.expr]]:
    """Yield each expression that becomes the detail of a refusal, with its place."""
    places = DETAIL_PLACES | dict.fromkeys(list_problem_classes(), 0)
    for path, tree in parse_modules().items():
        assigned: dict[str, list[ast.expr]] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                assigned.setdefault(node.targets[0].id, []).append(node.value)
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in places and len(node.args) > places[name]:
                for detail in _resolve(node.args[places[name]], assigned):
                    yield f"{path.relative_to(ROOT)}:{detail.lineno}", detail


def _resolve(detail: ast.expr, assigned: dict[str, list[ast.expr]]) -> Iterator[ast.expr]:
    """Yield what a name stands for in its module, and both sides of a condition."""
    if isinstance(detail, ast.IfExp):
        yield from (*_resolve(detail.body, assigned), *_resolve(detail.orelse, assigned))
    elif isinstance(detail, ast.Name) and detail.id in assigned:
        yield from assigned[detail.id]
    else:
        yield detail


def list_sentences() -> dict[str, str]:
    """Return the sentences of refusals, each with a place where it stands."""
    sentences = {
        detail.value: place
        for place, detail in find_details()
        if isinstance(detail, ast.Constant) and isinstance(detail.value, str) and HAS_WORDS.search(detail.value)
    }
    sentences |= {title: f"the title of {code}" for code, title in list_titles().items()}
    sentences |= dict.fromkeys([*DETAIL_TEMPLATES, VOCABULARY_HINT], "errors.py")
    return {sentence: place for sentence, place in sentences.items() if not UNTRANSLATED.fullmatch(sentence)}


def test_every_title_and_every_detail_has_a_spanish_text() -> None:
    missing = {
        sentence: place for sentence, place in list_sentences().items() if sentence not in load_translations("es")
    }
    assert missing == {}, "write them into app/locales/es/refusals.po"


def test_a_detail_with_values_is_a_template() -> None:
    """An f-string is a sentence that nobody can look up."""
    assert [place for place, detail in find_details() if isinstance(detail, ast.JoinedStr)] == []


def test_every_spanish_text_is_of_a_sentence_in_the_code() -> None:
    constants = {
        node.value
        for tree in parse_modules().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert set(load_translations("es")) - constants == set()


def test_a_translation_has_no_values_but_those_of_its_sentence() -> None:
    values = re.compile(r"\{(\w+)")
    for english, spanish in load_translations("es").items():
        assert set(values.findall(spanish)) <= set(values.findall(english)), english


def test_values_are_never_translated() -> None:
    """A name that equals a sentence of ours stays a name."""
    title = next(iter(load_translations("es")))
    assert translate(Message("{name}", name=title), "es") == title
    assert translate(Message("{name}", name=Message(title)), "es") == translate(title, "es") != title
