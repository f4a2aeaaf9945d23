"""Build the template of a list, and the headings of a report's fields in English and Spanish.

The template is a workbook that a field office fills in and an import reads without a mapping. Only its first sheet is
read. The second has instructions and examples; the third has the values of drop-downs with their meanings.
"""

import tomllib
from pathlib import Path
from typing import Any

from app.imports.fields import FIELDS
from app.tables import open_workbook
from app.vocabulary import Language, build_vocabulary

LANGUAGES: tuple[Language, ...] = ("en", "es")
FIELD_TITLES: dict[str, list[str]] = tomllib.loads(Path(__file__).with_name("titles.toml").read_text(encoding="utf-8"))


def get_field_title(field: str, lang: Language) -> str:
    """The heading of a field of a report."""
    return FIELD_TITLES[field][LANGUAGES.index(lang)]


def format_field_name(field: str, lang: Language) -> str:
    """A field by its heading and its name in a mapping: "Charges [detention.charges]". A field of several columns has
    the heading of the first: "End of sentence [detention.sentence]"."""
    first = next((name for name in FIELD_TITLES if name == field or name.startswith(f"{field}.")), None)
    return field if first is None else f"{get_field_title(first, lang)} [{field}]"


TEMPLATE_TEXTS: dict[str, Any] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
TEMPLATE_COLUMNS: tuple[str, ...] = tuple(TEMPLATE_TEXTS["columns"])
# Rows with drop-downs and messages: more than a field office fills in before it starts a new file.
TEMPLATE_ROWS = 5_000
TEXT_FORMAT = 49  # the format of text, "@" (ECMA-376 part 1, section 18.8.30)
COUNTRY_LIST = "countries"
# A cell of these kinds may have several values, or a value that is not on the list: the spreadsheet warns only.
UNRESTRICTED_KINDS = frozenset({"country", "countries", "codes"})
LINE_WIDTH, LONG_LINE_WIDTH, DATE_WIDTH, NUMBER_WIDTH = 18, 28, 22, 8  # widths in characters
COLUMN_WIDTHS = {
    "detainee.full_name": LONG_LINE_WIDTH,
    "verification.evidence": LONG_LINE_WIDTH,
    "note": LONG_LINE_WIDTH,
    "detainee.age": NUMBER_WIDTH,
}
DEFINITION_WIDTH = 70  # width
NOTE_SCALE = {"x_scale": 2, "y_scale": 1.6}  # of the usual box, so that the longest message fits
MAX_TITLE_LENGTH = 32  # characters that a spreadsheet takes above a message
# One tint for each part of a report, so that a row is read in parts.
SECTION_TINTS = {"detainee": "#DDEBF7", "detention": "#FCE4D6", "release": "#E2EFDA", "verification": "#FFF2CC"}
DEFAULT_TINT = "#EDEDED"


def build_template(lang: Language) -> bytes:
    """The workbook in one language; the same bytes each time."""
    texts = _TemplateTexts(lang)
    with open_workbook() as (book, buffer):
        page, manual, values = (
            book.add_worksheet(texts.translate(TEMPLATE_TEXTS["sheets"][name])) for name in ("list", "help", "values")
        )
        text_format = book.add_format({"num_format": TEXT_FORMAT})
        wrapped_format = book.add_format({"text_wrap": True, "valign": "top"})
        bold_format = book.add_format({"bold": True})
        heading_formats = [
            book.add_format(
                {"bold": True, "bottom": 1, "text_wrap": True, "valign": "top", "bg_color": _find_tint(path)}
            )
            for path in TEMPLATE_COLUMNS
        ]
        ranges = _write_values_sheet(values, texts, bold_format, wrapped_format)
        page.freeze_panes(1, 2)
        page.ignore_errors({"number_stored_as_text": f"A2:XFD{TEMPLATE_ROWS + 1}"})
        for column, path in enumerate(TEMPLATE_COLUMNS):
            heading, message = get_field_title(path, lang), texts.translate(TEMPLATE_TEXTS["columns"][path])
            page.write_string(0, column, heading, heading_formats[column])
            page.write_comment(0, column, message, NOTE_SCALE)
            # All cells are text: a spreadsheet would turn "January 2026" into the first of the month.
            page.set_column(column, column, _find_width(path), text_format)
            validation = {"validate": "any", "input_title": heading[:MAX_TITLE_LENGTH], "input_message": message}
            code_list = _find_code_list(path)
            if code_list is not None:
                severity = "information" if FIELDS[path].kind in UNRESTRICTED_KINDS else "stop"
                validation |= {
                    "validate": "list",
                    "source": ranges[code_list],
                    "error_type": severity,
                    "error_message": message,
                }
            page.data_validation(1, column, TEMPLATE_ROWS, column, validation)
        _write_help_sheet(manual, texts, bold_format, heading_formats, wrapped_format)
    return buffer.getvalue()


def build_examples(lang: Language) -> list[list[str]]:
    """The rows of examples, as a field office would fill them in."""
    texts = _TemplateTexts(lang)
    return [
        [texts.format_example(path, row.get(path, "")) for path in TEMPLATE_COLUMNS]
        for row in TEMPLATE_TEXTS["examples"]
    ]


class _TemplateTexts:
    """Texts and labels of one language."""

    def __init__(self, lang: Language) -> None:
        self._language_index = LANGUAGES.index(lang)
        self.lang = lang
        self.values = {
            name: {term["code"]: (term["label"], term["definition"]) for term in terms}
            for name, terms in build_vocabulary(lang).items()
        }
        self.values[COUNTRY_LIST] = {
            code: (self.translate(names), code) for code, names in TEMPLATE_TEXTS["countries"].items()
        }

    def translate(self, texts: list[str]) -> str:
        return texts[self._language_index]

    def format_example(self, path: str, value: str | list[str]) -> str:
        if isinstance(value, list):
            return self.translate(value)
        code_list = _find_code_list(path)
        return self.values[code_list][value][0] if code_list is not None and value else value


def _find_code_list(path: str) -> str | None:
    """The list of values to choose from in a column, if it has one."""
    field = FIELDS[path]
    return COUNTRY_LIST if field.kind in ("country", "countries") else field.codes


def _find_tint(path: str) -> str:
    return SECTION_TINTS.get(path.partition(".")[0], DEFAULT_TINT)


def _find_width(path: str) -> int:
    return COLUMN_WIDTHS.get(path, DATE_WIDTH if FIELDS[path].kind == "date" else LINE_WIDTH)


def _write_values_sheet(page: Any, texts: _TemplateTexts, bold_format: Any, wrapped_format: Any) -> dict[str, str]:
    """Write each list of values into a column, their meanings beside it: list → its range, for drop-downs."""
    ranges: dict[str, str] = {}
    page.freeze_panes(1, 0)
    for path in TEMPLATE_COLUMNS:
        code_list = _find_code_list(path)
        if code_list is None or code_list in ranges:
            continue
        column = 2 * len(ranges)
        page.set_column(column, column, LONG_LINE_WIDTH)
        page.set_column(column + 1, column + 1, DEFINITION_WIDTH)
        page.write_string(0, column, get_field_title(path, texts.lang), bold_format)
        entries = (
            sorted(texts.values[code_list].values())
            if code_list == COUNTRY_LIST
            else list(texts.values[code_list].values())
        )
        for number, (label, meaning) in enumerate(entries, 1):
            page.write_string(number, column, label, wrapped_format)
            page.write_string(number, column + 1, meaning, wrapped_format)
        letter = chr(ord("A") + column)
        ranges[code_list] = f"='{page.get_name()}'!${letter}$2:${letter}${len(entries) + 1}"
    return ranges


def _write_help_sheet(
    page: Any, texts: _TemplateTexts, bold_format: Any, heading_formats: list[Any], wrapped_format: Any
) -> None:
    lines = [texts.translate(line) for line in TEMPLATE_TEXTS["help"]["lines"]]
    for number, line in enumerate(lines):
        page.write_string(number, 0, line)
    page.write_string(len(lines) + 1, 0, texts.translate(TEMPLATE_TEXTS["help"]["examples"]), bold_format)
    examples_row = len(lines) + 2
    for column, path in enumerate(TEMPLATE_COLUMNS):
        page.set_column(column, column, _find_width(path))
        page.write_string(examples_row, column, get_field_title(path, texts.lang), heading_formats[column])
    for number, row in enumerate(build_examples(texts.lang), examples_row + 1):
        for column, cell in enumerate(row):
            page.write_string(number, column, cell, wrapped_format)
