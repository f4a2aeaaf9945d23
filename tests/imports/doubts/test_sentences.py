"""Whatever is wrong with a list is told in Spanish too: every code that a list can meet has a sentence."""

import ast
from collections.abc import Iterator
from pathlib import Path

from app import errors, strict_json
from app.api.routes import imports
from app.errors import Problem
from app.imports import faults, mapping
from app.imports.formats import workbook_reader
from app.imports.reader import list_reader
from app.log import content
from app.registry import checks, filing, records, report_versions, reports, waiting_reports, write
from app.registry.identity import record_linkage
from app.registry.publication import classes
from app.schemas import reports as schemas
from app.schemas import text

# What reads a list, what takes it, and what files a row.
READ = [*Path(mapping.__file__).parent.rglob("*.py"), Path(imports.__file__), Path(strict_json.__file__)]
FILED = [
    Path(str(module.__file__))
    for module in (
        filing, checks, content, checks, text, filing, report_versions, report_versions,
        write, record_linkage, classes, checks, records, text, report_versions, reports, schemas,
        text, waiting_reports,
    )
]  # fmt: skip
# Where a code stands among the arguments of what makes a fault of it.
PLACES = {
    "BadFile": 0,
    "UnreadCell": 0,
    "by": 0,
    "_refuse": 0,
    "PydanticCustomError": 0,
    "at": 1,
    "pointed": 1,
    "Fault": 2,
}
# Of pydantic: the types of errors that bodies of reports can have.
OF_PYDANTIC = {
    "greater_than_equal", "int_type", "less_than_equal", "list_type", "string_too_long",
    "string_too_short", "string_type", "too_long",
}  # fmt: skip
NOT_OF_LISTS = {
    "ahead_of_head",  # of a verification that names the revision it saw
    "bool_parsing",  # of parameters of an address
    "int_parsing",
    "bool_type",  # of JSON bodies
    "float_type",
    "greater_than",
    "int_from_float",
    "less_than",
    "too_short",
    "one_detainee",  # of two detainees that are compared
    "unknown_detainee",
    "key_id_and_since_or_undoes",  # of recalls
}
SAID_BY_THE_DESK = {"idempotency_mismatch", "payload_too_large", "precondition_failed"}


def codes_in(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        place = PLACES.get(name)
        if place is not None and place < len(node.args):
            argument = node.args[place]
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield argument.value
        problem = getattr(errors, name, None)
        if isinstance(problem, type) and issubclass(problem, Problem) and problem is not errors.Invalid:
            yield problem.code


def codes() -> set[str]:
    found = {code for path in (*READ, *FILED) for code in codes_in(path)} | OF_PYDANTIC
    found |= (
        {code for _beginnings, code, _detail in list_reader._OTHER_FORMATS}
        | set(workbook_reader.WORKBOOK_ERRORS)
        | mapping.QUESTIONS
    )
    found |= {code for code, _detail in (text.PLACEHOLDER_FAULT, text.GARBLED_FAULT, text.NUMBER_FAULT)}
    found |= {code for _first, _second, code, _detail in checks.ORDERED_DATE_FIELDS}
    found |= {code for code, _detail in errors._CODES.values()}
    return found - NOT_OF_LISTS - SAID_BY_THE_DESK


def test_every_code_that_a_list_can_meet_has_a_sentence_in_spanish() -> None:
    found = codes()
    assert {"password", "html_page", "release_before_detention", "withdrawn_report", "bad_mapping"} <= found
    assert sorted(code for code in found if faults.translate_detail(code, "English.", "es") == "English.") == []


def test_a_sentence_of_a_file_that_names_something_of_it_stands_in_both_languages() -> None:
    for name, (english, spanish) in faults._TEXTS["files"].items():
        assert english != spanish, name
