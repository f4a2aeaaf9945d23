"""The template as a field office uses it: empty, filled in, and sent back without a mapping."""

import io
import re
import zipfile

import pytest
import xlsxwriter

from app.imports.fields import FIELDS, STATE_DAY, STATE_MARKS
from app.imports.formats.template import (
    FIELD_TITLES,
    LANGUAGES,
    TEMPLATE_COLUMNS,
    TEMPLATE_TEXTS,
    build_examples,
    build_template,
    get_field_title,
)
from app.imports.mapping import Answer, ListMapping, Question
from app.imports.reader.heading_recognition import recognise_heading
from app.imports.reader.list_reader import open_list
from app.imports.reader.rows import validate_body
from app.schemas.reports import DetentionReportIn
from app.vocabulary import Language, build_vocabulary

ONE_EACH = ListMapping(rows={Question.REPEATED: Answer.READ})  # rows that name one person, and are several
every_language = pytest.mark.parametrize("lang", LANGUAGES)


def filled(lang: Language, rows: list[list[str]]) -> bytes:
    """The first sheet with rows under its headings, saved as a spreadsheet saves it."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_urls": False}) as book:
        page = book.add_worksheet()
        for number, row in enumerate([[get_field_title(path, lang) for path in TEMPLATE_COLUMNS], *rows]):
            page.write_row(number, 0, row)
    return out.getvalue()


def reports(data: bytes, mapping: ListMapping | None = None) -> list[DetentionReportIn]:
    found = [validate_body(row) for row in open_list(data, mapping).rows()]
    read = [one for one in found if isinstance(one, DetentionReportIn)]
    assert len(read) == len(found), [one for one in found if isinstance(one, list)]
    return read


@every_language
def test_every_heading_of_ours_is_known_to_an_import(lang: Language) -> None:
    columns = [path for path in FIELD_TITLES if path not in (STATE_DAY, *STATE_MARKS)]
    assert [recognise_heading(get_field_title(path, lang))[:1] for path in columns] == [(path,) for path in columns]


@every_language
def test_every_field_that_a_column_can_be_read_for_has_a_title_of_its_own(lang: Language) -> None:
    titles = [get_field_title(path, lang) for path in FIELDS]
    assert all(titles)
    assert len(set(titles)) == len(FIELDS) == len(FIELD_TITLES)


@every_language
def test_the_empty_template_has_all_columns_and_no_rows(lang: Language) -> None:
    opened = open_list(build_template(lang), None)
    assert [column.fields for column in opened.columns] == [(path,) for path in TEMPLATE_COLUMNS]
    assert opened.count_rows() == 0
    assert opened.shape()["other_sheets"] == [TEMPLATE_TEXTS["sheets"]["values"][LANGUAGES.index(lang)]]


@every_language
def test_the_examples_are_read_without_a_fault_when_filled_in(lang: Language) -> None:
    released, held, nameless = (one.model_dump(mode="json") for one in reports(filled(lang, build_examples(lang))))
    assert released["detainee"]["birth_date"] == "1984-03"
    assert released["release"]["released_on"] == "2026-01-12"
    assert (released["release"]["kind"], released["release"]["conditions"]) == ("release_with_measures", ["travel_ban"])
    assert (released["verification"]["verdict"], released["verification"]["method"]) == ("verified", "family")
    assert (held["detention"]["detained_on"], held["detainee"]["age"]) == ("2025-01", 58)
    assert "release" not in held
    assert nameless["detainee"]["full_name"] is None
    assert nameless["detainee"]["nationalities"] == ["AR"]


def choices(path: str, lang: Language) -> dict[str, str]:
    """Code → what the drop-down of a column offers for it; nothing where there is no drop-down."""
    field = FIELDS[path]
    if field.kind in ("country", "countries"):
        return {code: names[LANGUAGES.index(lang)] for code, names in TEMPLATE_TEXTS["countries"].items()}
    return {one["code"]: one["label"] for one in build_vocabulary(lang)[field.codes]} if field.codes else {}


@every_language
def test_every_choice_of_a_drop_down_is_understood_as_its_code(lang: Language, subtests: pytest.Subtests) -> None:
    person = {
        "detainee.full_name": "Eufemia Landaeta",
        "verification.method": choices("verification.method", lang)["family"],
    }
    for path in TEMPLATE_COLUMNS:
        offered = choices(path, lang)
        person["release.released_on"] = "2026-01-12" if path in ("release.kind", "release.conditions") else ""
        rows = [[{**person, path: label}.get(name, "") for name in TEMPLATE_COLUMNS] for label in offered.values()]
        if not rows:
            continue
        with subtests.test(path):
            section, _, name = path.partition(".")
            said = [one.model_dump(mode="json")[section][name] for one in reports(filled(lang, rows), ONE_EACH)]
            assert said == [[code] if isinstance(said[0], list) else code for code in offered]


def test_the_examples_stand_on_a_sheet_that_is_not_read() -> None:
    data = build_template("es")
    assert reports(data) == []
    assert len(reports(data, ListMapping(sheet="Cómo llenarla"))) == 3


def test_the_same_command_writes_the_same_bytes() -> None:
    assert build_template("es") == build_template("es")
    with zipfile.ZipFile(io.BytesIO(build_template("es"))) as parts:
        assert b"2026-01-01T00:00:00Z" in parts.read("docProps/core.xml")


@every_language
def test_a_spreadsheet_keeps_partial_dates_as_text_and_offers_lists(lang: Language) -> None:
    with zipfile.ZipFile(io.BytesIO(build_template(lang))) as parts:
        page, styles = parts.read("xl/worksheets/sheet1.xml").decode(), parts.read("xl/styles.xml").decode()
    formats = re.findall(r'<xf numFmtId="(\d+)"', styles.partition("<cellXfs")[2])
    columns = re.findall(r'<col min="(\d+)" max="(\d+)" [^>]*style="(\d+)"', page)
    covered = {number for first, last, _style in columns for number in range(int(first), int(last) + 1)}
    assert covered == set(range(1, len(TEMPLATE_COLUMNS) + 1))
    assert {formats[int(style)] for _first, _last, style in columns} == {"49"}  # "@": ECMA-376 part 1, section 18.8.30
    assert page.count("<dataValidation ") == len(TEMPLATE_COLUMNS)
    assert page.count('type="list"') == 8
    assert 'state="frozen"' in page


@every_language
def test_no_message_is_longer_than_a_spreadsheet_shows(lang: Language) -> None:
    assert [path for path, texts in TEMPLATE_TEXTS["columns"].items() if len(texts[LANGUAGES.index(lang)]) > 255] == []
