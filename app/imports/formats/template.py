"""The headings of the fields of a report, in English and Spanish.

The template of a list: a workbook that a field office fills in and an import reads without a mapping.

The first sheet is to be filled in, and no other is read. The second has instructions and examples; the third has the
values to choose from, with their meaning: the list of a drop-down itself would be too short for them."""

import tomllib
from pathlib import Path
from typing import Any

from app.imports.fields import FIELDS
from app.imports.formats.tables import workbook
from app.vocabulary import Language, vocabulary

LANGUAGES: tuple[Language, ...] = ("en", "es")
TITLES: dict[str, list[str]] = tomllib.loads(Path(__file__).with_name("titles.toml").read_text(encoding="utf-8"))


def title(field: str, lang: Language) -> str:
    """The heading of a field of a report."""
    return TITLES[field][LANGUAGES.index(lang)]


def named(field: str, lang: Language) -> str:
    """A field by its heading and its name in a mapping: "Charges [detention.charges]". A field of several columns has
    the heading of the first: "End of sentence [detention.sentence]"."""
    first = next((name for name in TITLES if name == field or name.startswith(f"{field}.")), None)
    return field if first is None else f"{title(first, lang)} [{field}]"


WORDS: dict[str, Any] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
COLUMNS: tuple[str, ...] = tuple(WORDS["columns"])
# Rows with drop-downs and messages: more than a field office fills in before it starts a new file.
ROWS = 5_000
TEXT = 49  # the format of text, "@" (ECMA-376 part 1, section 18.8.30)
COUNTRIES = "countries"
# A cell of these kinds may have several values, or a value that is not on the list: the spreadsheet warns only.
OPEN = frozenset({"country", "countries", "codes"})
LINE, LONG_LINE, DAY, NUMBER = 18, 28, 22, 8  # widths in characters
WIDTHS = {
    "detainee.full_name": LONG_LINE,
    "verification.evidence": LONG_LINE,
    "note": LONG_LINE,
    "detainee.age": NUMBER,
}
DEFINITION = 70  # width
NOTE = {"x_scale": 2, "y_scale": 1.6}  # of the usual box, so that the longest message fits
TITLE = 32  # characters that a spreadsheet takes above a message
# One tint for each part of a report, so that a row is read in parts.
TINTS = {"detainee": "#DDEBF7", "detention": "#FCE4D6", "release": "#E2EFDA", "verification": "#FFF2CC"}
PLAIN = "#EDEDED"


def template(lang: Language) -> bytes:
    """The workbook in one language; the same bytes each time."""
    words = _Words(lang)
    with workbook() as (book, out):
        page, manual, values = (
            book.add_worksheet(words.of(WORDS["sheets"][name])) for name in ("list", "help", "values")
        )
        text = book.add_format({"num_format": TEXT})
        wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        bold = book.add_format({"bold": True})
        heads = [
            book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top", "bg_color": _tint(path)})
            for path in COLUMNS
        ]
        lists = _write_values(values, words, bold, wrapped)
        page.freeze_panes(1, 2)
        page.ignore_errors({"number_stored_as_text": f"A2:XFD{ROWS + 1}"})
        for place, path in enumerate(COLUMNS):
            heading, message = title(path, lang), words.of(WORDS["columns"][path])
            page.write_string(0, place, heading, heads[place])
            page.write_comment(0, place, message, NOTE)
            # All cells are text: a spreadsheet would turn "January 2026" into the first of the month.
            page.set_column(place, place, _width(path), text)
            check = {"validate": "any", "input_title": heading[:TITLE], "input_message": message}
            codes = _codes(path)
            if codes is not None:
                severity = "information" if FIELDS[path].kind in OPEN else "stop"
                check |= {"validate": "list", "source": lists[codes], "error_type": severity, "error_message": message}
            page.data_validation(1, place, ROWS, place, check)
        _write_help(manual, words, bold, heads, wrapped)
    return out.getvalue()


def examples(lang: Language) -> list[list[str]]:
    """The rows of examples, as a field office would fill them in."""
    words = _Words(lang)
    return [[words.example(path, row.get(path, "")) for path in COLUMNS] for row in WORDS["examples"]]


class _Words:
    """Texts and labels of one language."""

    def __init__(self, lang: Language) -> None:
        self._place = LANGUAGES.index(lang)
        self.lang = lang
        self.values = {
            name: {term["code"]: (term["label"], term["definition"]) for term in terms}
            for name, terms in vocabulary(lang).items()
        }
        self.values[COUNTRIES] = {code: (self.of(names), code) for code, names in WORDS["countries"].items()}

    def of(self, texts: list[str]) -> str:
        return texts[self._place]

    def example(self, path: str, value: str | list[str]) -> str:
        if isinstance(value, list):
            return self.of(value)
        codes = _codes(path)
        return self.values[codes][value][0] if codes is not None and value else value


def _codes(path: str) -> str | None:
    """The list of values to choose from in a column, if it has one."""
    field = FIELDS[path]
    return COUNTRIES if field.kind in ("country", "countries") else field.codes


def _tint(path: str) -> str:
    return TINTS.get(path.partition(".")[0], PLAIN)


def _width(path: str) -> int:
    return WIDTHS.get(path, DAY if FIELDS[path].kind == "date" else LINE)


def _write_values(page: Any, words: _Words, bold: Any, wrapped: Any) -> dict[str, str]:
    """Write each list of values into a column, their meanings beside it: list → its range, for drop-downs."""
    ranges: dict[str, str] = {}
    page.freeze_panes(1, 0)
    for path in COLUMNS:
        codes = _codes(path)
        if codes is None or codes in ranges:
            continue
        place = 2 * len(ranges)
        page.set_column(place, place, LONG_LINE)
        page.set_column(place + 1, place + 1, DEFINITION)
        page.write_string(0, place, title(path, words.lang), bold)
        listed = sorted(words.values[codes].values()) if codes == COUNTRIES else list(words.values[codes].values())
        for number, (label, meaning) in enumerate(listed, 1):
            page.write_string(number, place, label, wrapped)
            page.write_string(number, place + 1, meaning, wrapped)
        letter = chr(ord("A") + place)
        ranges[codes] = f"='{page.get_name()}'!${letter}$2:${letter}${len(listed) + 1}"
    return ranges


def _write_help(page: Any, words: _Words, bold: Any, heads: list[Any], wrapped: Any) -> None:
    lines = [words.of(line) for line in WORDS["help"]["lines"]]
    for number, line in enumerate(lines):
        page.write_string(number, 0, line)
    page.write_string(len(lines) + 1, 0, words.of(WORDS["help"]["examples"]), bold)
    top = len(lines) + 2
    for place, path in enumerate(COLUMNS):
        page.set_column(place, place, _width(path))
        page.write_string(top, place, title(path, words.lang), heads[place])
    for number, row in enumerate(examples(words.lang), top + 1):
        for place, cell in enumerate(row):
            page.write_string(number, place, cell, wrapped)
