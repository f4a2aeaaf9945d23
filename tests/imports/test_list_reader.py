"""A file opened as a list: what it is, where its columns are, and what cannot be read."""

import codecs
import io
import zipfile
from typing import Any

import pytest

from app import tables
from app.errors import MAX_ERRORS
from app.imports.faults import BadFile, StoredQuestion, format_column_letters
from app.imports.filing.questions import collect_questions
from app.imports.filing.survey import survey_list
from app.imports.formats import csv
from app.imports.mapping import ListMapping
from app.imports.reader import layout, rows
from app.imports.reader.code_words import CELL_WORDS, is_known_code
from app.imports.reader.list_reader import OpenedList, open_list
from app.imports.reader.rows import Row, validate_body
from app.matching.scripts import fold
from app.vocabulary import CODE_LISTS
from tests.imports.sheets import MAIN, day, ods, packed, row, xlsx

SPANISH = "Nombre y apellidos;Fecha de detención;Centro de reclusión;País\n"
LINE = "Ramón Ibáñez Otero;12 de enero de 2025;Tocorón;Venezuela\n"
MEANT = {
    "detainee": {"full_name": "Ramón Ibáñez Otero"},
    "detention": {"detained_on": "2025-01-12", "facility": "Tocorón", "country": "VE"},
}


def opened(data: bytes | str, mapping: str | None = None) -> OpenedList:
    given = None if mapping is None else ListMapping.parse_toml(mapping)
    return open_list(data if isinstance(data, bytes) else data.encode(), given)


def bodies(data: bytes | str, mapping: str | None = None) -> list[Any]:
    return [one.body for one in opened(data, mapping).rows()]


def faults(data: bytes | str, mapping: str | None = None) -> dict[int, list[tuple[str | None, str]]]:
    return {one.number: [(f.column, f.code) for f in one.faults] for one in opened(data, mapping).rows() if one.faults}


def questions(data: bytes | str, mapping: str | None = None, *, is_confirmed: bool = False) -> list[StoredQuestion]:
    """What is asked about a list, but for its country and what is asked of every list."""
    found = opened(data, mapping)
    facts = survey_list(found.rows(), fields=False)
    asked = collect_questions(found, facts.faults, facts.undated_ages, is_confirmed=is_confirmed)
    return [question for question in asked if question["code"] != "list_country"]


def places(data: bytes | str, mapping: str | None = None) -> list[tuple[str, str]]:
    """The code of each question, and the place of its answer."""
    return [(question["code"], question["place"]) for question in questions(data, mapping)]


def refusal(data: bytes | str, mapping: str | None = None) -> str:
    with pytest.raises(BadFile) as refused:
        list(opened(data, mapping).rows())
    return refused.value.code


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_a_list_is_read_in_every_encoding_that_spreadsheets_write(encoding: str) -> None:
    assert bodies((SPANISH + LINE).encode(encoding)) == [MEANT]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_any_delimiter_is_found_by_the_headings_that_it_parts(delimiter: str) -> None:
    assert bodies((SPANISH + LINE).replace(";", delimiter)) == [MEANT]


def test_a_title_above_the_headings_and_empty_lines_do_no_harm() -> None:
    assert [one.number for one in opened("Lista al 12 de enero\n\n" + SPANISH + LINE + "\n;;;\n" + LINE).rows()] == [
        4,
        7,
    ]


def test_english_headings_are_known_too() -> None:
    said = "Full name,Date of arrest,Prison,Country\nRamón Ibáñez Otero,2025-01-12,Tocorón,VE\n"
    assert bodies(said) == [MEANT]


def test_names_in_two_columns_become_one() -> None:
    said = "Nombres,Apellidos,País\nRamón,Ibáñez Otero,VE\n"
    assert bodies(said)[0]["detainee"] == {"full_name": "Ramón Ibáñez Otero"}


def test_codes_are_read_as_the_field_says_them() -> None:
    said = (
        "nombre;sexo;fecha de excarcelación;tipo de excarcelación;medidas\n"
        "Ramón Ibáñez;hombre;12/01/2026;Excarcelado con medidas;régimen de presentación, prohibición de salida\n"
        "Irma Soto;F;13/01/2026;LIBERTAD PLENA;s/d\n"
    )
    first, second = bodies(said, 'dates = "day_first"')
    assert first["release"]["kind"] == "release_with_measures"
    assert first["release"]["conditions"] == ["reporting_duty", "travel_ban"]
    assert second == {
        "detainee": {"full_name": "Irma Soto", "gender": "female"},
        "release": {"released_on": "2026-01-13", "kind": "full_release"},
    }


def test_a_code_that_means_two_things_is_refused_until_the_mapping_says_which() -> None:
    said = "nombre;sexo\nRamón Ibáñez;M\n"
    assert faults(said) == {2: [("B", "unknown_code")]}
    meant = '[values."detainee.gender"]\nM = "male"\n'
    assert bodies(said, meant)[0]["detainee"]["gender"] == "male"


def test_a_mapping_names_columns_constants_and_fields_in_order() -> None:
    mapping = """
    [columns]
    "Quien" = "detainee.full_name"
    "Pena" = ["detention.sentence.until", "detention.sentence.term"]
    "Nro" = []
    [constants]
    "detention.country" = "VE"
    "detainee.designation" = "political"
    """
    said = "Nro,Quien,Pena\n1,Ramón Ibáñez,2031-05\n2,Irma Soto,perpetua\n"
    first, second = bodies(said, mapping)
    assert first["detention"] == {"country": "VE", "sentence": {"until": "2031-05"}}
    assert second["detention"] == {"country": "VE", "sentence": {"term": "perpetua"}}
    assert first["detainee"]["designation"] == "political"


@pytest.mark.parametrize(
    "mapping",
    ["nonsense", "[columns]\nA = 'detainee.nose'", "[values.'release.kind']\nx = 'freed'", "x = 1", "dates = 'guess'",
     "[constants]\n'detainee.nose' = 'x'", "header = 51"],
)  # fmt: skip
def test_a_mapping_that_is_wrong_says_where(mapping: str) -> None:
    with pytest.raises(BadFile) as refused:
        ListMapping.parse_toml(mapping)
    assert refused.value.code == "bad_mapping"


def test_a_mapping_for_another_list_is_refused() -> None:
    assert refusal(SPANISH + LINE, "[columns]\n'Otra cosa' = 'note'") == "mapping_mismatch"


@pytest.mark.parametrize(
    "data, code",
    [
        (b"", "empty_file"),
        (b"\xef\xbb\xbf  \n", "empty_file"),
        (b"\r\n" * 2_000, "empty_file"),
        (b"\n" * 2_000 + b"%PDF-1.7", "pdf"),
        (b"nombre,pa\xc3\xads,lugar de detenci\xf3n\nRosa Valdivia,VE,x\n", "mixed_encodings"),
        (b"<!DOCTYPE html><html><body><table><tr><td>Nombre</td></tr></table>", "html_page"),
        (b"\n <HTML>", "html_page"),
        (b"%PDF-1.7", "pdf"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old_workbook"),
        (b"\x1f\x8b\x08", "packed"),
        (b"nombre,sexo\n\x81\x8d\x8f,F\n", "unknown_encoding"),
        (("nombre,sexo," + "x," * 1_000_000 + "\nRosa,F\n").encode(), "too_many_columns"),
        (b"nombre,sexo\n" + b"Rosa,F\n" * 30 + b'"' + b"x" * 10_000_000 + b'",F\n', "cell_too_long"),
        (b"PK\x03\x04 and no more", "unreadable_workbook"),
    ],
)  # fmt: skip
def test_what_is_no_list_is_refused_whole_with_what_to_do(data: bytes, code: str) -> None:
    assert refusal(data) == code


@pytest.mark.parametrize(
    "said, asked",
    [
        ("uno,dos\n1,2\n", [("header_row", "/header"), ("column_unread", "/positions/A"),
                            ("column_unread", "/positions/B")]),
        ("Ana Ruz;VE\nEva Sol;VE\n", [("header_row", "/header"), ("column_unread", "/positions/A"),
                                      ("column_unread", "/positions/B")]),
        ("edad,sexo\n31,F\n", [("age_needs_day", "/age_on")]),
        ("nombre,nombre completo\nAna,Ana Ruz\n", [("column_unread", "/positions/A")]),
    ],
)  # fmt: skip
def test_headings_that_say_nothing_or_one_thing_twice_are_asked_about(said: str, asked: list[tuple[str, str]]) -> None:
    assert places(said) == asked


def test_a_list_without_headings_is_read_by_the_letters_of_its_columns() -> None:
    mapping = 'header = 0\n[positions]\nA = "detainee.full_name"\nB = "detention.country"\n'
    assert [one["detainee"]["full_name"] for one in bodies("Ana Ruz;VE\nEva Sol;VE\n", mapping)] == [
        "Ana Ruz",
        "Eva Sol",
    ]


def test_one_field_for_two_columns_is_refused_if_a_mapping_says_so() -> None:
    mapping = '[columns]\nnombre = "detainee.full_name"\nx = "detainee.full_name"\n'
    assert refusal("nombre,x,país\nA,B,VE\n", mapping) == "two_columns_for_one"


def test_empty_lines_at_the_top_do_no_harm_however_wide_they_are() -> None:
    assert bodies((" " * 600 + "\n") * 3 + SPANISH + LINE) == [MEANT]


def test_the_heading_that_cannot_be_read_is_named() -> None:
    with pytest.raises(BadFile, match=r"heading of column C .* CSV UTF-8"):
        opened(b"nombre,pa\xc3\xads,x\xff\xfey\nRosa Valdivia,VE,1\n")


def test_lines_in_another_encoding_are_faults_of_their_rows_alone() -> None:
    said = SPANISH.encode() + LINE.encode("cp1252") + LINE.encode()
    assert faults(said) == {2: [("A", "mixed_encodings"), ("C", "mixed_encodings")]}
    assert bodies(said)[1] == MEANT


@pytest.mark.parametrize(
    "cell, code",
    [
        ("=HYPERLINK(1)", "formula"),
        ("x" * 40_000, "cell_too_long"),
        ("RamÃ³n", "garbled_text"),
        ("Ram\ufffdn", "garbled_text"),
        ("Ramón\u202eoreto", "control_character"),
        ("Ramón\u3164", "control_character"),
        ("Total", "not_a_person"),
    ],
)
def test_a_cell_that_cannot_be_meant_is_a_fault_of_its_row(cell: str, code: str) -> None:
    said = f"nombre,país\n{cell},VE\nRamón Ibáñez,VE\n"
    assert faults(said) == {2: [("A", code)]}
    assert len(bodies(said)) == 2


def test_a_cell_without_a_heading_is_asked_about() -> None:
    said = "nombre,país\nIbáñez, Ramón,VE\nIrma Soto,VE,\n"
    assert faults(said) == {2: [("B", "unknown_code")]}
    assert ("column_unread", "/positions/C") in places(said)


def test_a_row_with_more_cells_than_any_of_the_first_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "PROFILED_ROWS", 2)
    said = "nombre,país\nIrma Soto,VE\nEva Sol,VE\nIbáñez, Ramón,VE\n"
    assert faults(said) == {4: [("B", "unknown_code"), ("C", "too_many_cells")]}


def test_a_column_that_is_filled_far_below_is_asked_about_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "PROFILED_ROWS", 2)
    said = "nombre,país,cosa\n" + "Irma Soto,VE,\n" * 2 + "Ramón Ibáñez,VE,azul\n"
    asked = next(one for one in questions(said) if one["code"] == "column_unread")
    assert (asked["place"], asked["count"]) == ("/positions/C", 1)


def test_a_workbook_is_read_with_its_days_and_without_its_formulas() -> None:
    made = xlsx(
        row(1, "Lista al 12 de enero"),
        row(3, "Nombre", "Fecha de detención", "Edad", "País"),
        row(4, "Ramón Ibáñez", day("B4", 45_669), '<c r="C4"><v>41</v></c>', "VE"),
        row(5, "Irma Soto", "2025", '<c r="C5"><f>1+1</f></c>', "VE"),
        row(6, "Elsa Mora", "2025", '<c r="C6"><f>40+1</f><v>41</v></c>', "VE"),
        row(7, "Olga Rey", "2025", '<c r="C7" t="e"><v>#N/A</v></c>', "VE"),
        hidden=True,
    )
    assert bodies(made)[0] == {
        "detainee": {"full_name": "Ramón Ibáñez", "age": 41},
        "detention": {"detained_on": "2025-01-12", "country": "VE"},
    }
    assert faults(made) == {5: [("C", "formula")], 7: [("C", "formula")]}
    shape = opened(made).shape()
    assert (shape["form"], shape["sheet"], shape["other_sheets"]) == ("xlsx", "Lista", ["Oculta"])


def test_an_open_document_is_read() -> None:
    made = ods(("Nombre", "Fecha de detención", "País"), ("Ramón Ibáñez", "12 de enero de 2025", "Venezuela"))
    assert opened(made).form == "ods"
    assert bodies(made)[0]["detention"] == {"detained_on": "2025-01-12", "country": "VE"}


@pytest.mark.parametrize("data", [SPANISH + "\n" * 30, SPANISH + LINE * 30, '{"note": "x"}\n' * 30])
def test_a_file_of_more_rows_than_a_spreadsheet_has_is_no_list(data: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv, "MAX_ROWS", 25)
    assert refusal(data) == "too_many_rows"


def test_cells_that_never_end_take_no_longer_than_others() -> None:
    comment = "<!-- <f " + '<c r="A1">' * 100_000 + " -->"
    made = xlsx(row(1, "Nombre"), row(2, "Rosa"), comment)
    assert faults(made) == {}


def test_a_formula_is_found_however_its_sheet_is_written() -> None:
    """Some programs put a prefix before each element, and its style before a cell's place."""
    plain = xlsx(row(1, "Nombre", "País"), row(2, "Rosa", '<c s="0" r="B2"><f>A1</f></c>'))
    assert faults(plain) == {2: [("B", "formula")]}
    cell = f'<x:c xmlns:x="{MAIN}" r="B2"><x:f>A1</x:f></x:c>'
    prefixed = xlsx(row(1, "Nombre", "País"), row(2, "Rosa", cell))
    assert faults(prefixed) == {2: [("B", "formula")]}


def test_a_sheet_with_entities_of_its_own_is_not_read() -> None:
    made = xlsx(row(1, "Nombre"), row(2, "Rosa", '<c r="B2"><f>A1</f></c>'))
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["xl/worksheets/sheet1.xml"] = b'<!DOCTYPE w [<!ENTITY a "b">]>' + parts["xl/worksheets/sheet1.xml"]
    assert refusal(packed({**parts})) == "unreadable_workbook"


@pytest.mark.parametrize("texts", [["x" * 32_768], ["é" * 30_000] * 10], ids=["a long cell", "a long row"])
def test_texts_beyond_what_a_spreadsheet_holds_are_not_carried_over(texts: list[str]) -> None:
    assert refusal(xlsx(row(1, "Nombre", *texts))) == "cell_too_long"


def test_a_workbook_that_unpacks_to_a_hundred_times_a_list_is_not_opened() -> None:
    bomb = packed({"xl/workbook.xml": b"0" * 160_000_000})
    assert len(bomb) < 1_000_000
    assert refusal(bomb) == "suspicious_workbook"
    assert refusal(packed({f"part{number}": "x" for number in range(1_001)})) == "suspicious_workbook"


def test_a_cell_at_the_end_of_the_sheet_costs_a_refusal_and_no_memory() -> None:
    far = xlsx(row(1, "Nombre", "País"), '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>')
    assert refusal(far) in ("too_many_columns", "workbook_too_large")


def test_each_line_of_json_is_one_body_and_a_bad_one_is_a_fault_of_its_own() -> None:
    said = (
        '{"detainee": {"full_name": "Ramón"}}\n\n{"a": 1, "a": 2}\n[1]\n{"x": NaN}\n{"detention": {"country": "VE"}}\n'
    )
    assert bodies(said) == [{"detainee": {"full_name": "Ramón"}}, None, None, None, {"detention": {"country": "VE"}}]
    assert faults(said) == {
        3: [(None, "malformed_json")],
        4: [(None, "object_required")],
        5: [(None, "malformed_json")],
    }


def test_a_name_that_would_be_two_cells_elsewhere_is_told_at_its_column() -> None:
    (one,) = opened("country,name,detained on\nVE,Pedro Montilla;=1+1,2025\n").rows()
    found = validate_body(one)
    assert isinstance(found, list)
    assert [(fault.column, fault.code) for fault in found] == [("B", "formula")]


def test_of_a_row_of_faults_the_first_twenty_are_kept() -> None:
    """Each is longer than what it is of, and all of them are stored."""
    numbers = '{"a": [' + "9e99," * 1_000 + "1]}"
    assert [len(found) for found in faults(numbers).values()] == [MAX_ERRORS]
    many = validate_body(Row(1, {f"x{n}": 1 for n in range(1_000)}, []))
    assert isinstance(many, list)
    assert len(many) == MAX_ERRORS


def test_a_byte_order_mark_before_json_is_no_part_of_it() -> None:
    assert bodies(codecs.BOM_UTF8 + b'{"detainee": {"full_name": "A"}}\n') == [{"detainee": {"full_name": "A"}}]


def test_no_word_stands_for_two_codes() -> None:
    for codes, known in CELL_WORDS["codes"].items():
        meant = {(fold(word), code) for code, words in known.items() for word in words}
        said = {word for word, _code in meant}
        assert len(said) == len(meant), codes
        if codes in CODE_LISTS:
            assert set(known) <= {str(code) for code in CODE_LISTS[codes]}
        assert all(is_known_code(codes, word) for word in said)


def test_columns_are_lettered_as_spreadsheets_do() -> None:
    assert [format_column_letters(place) for place in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]


# Two public lists, as published, have dates with the month first and last, "life" for a sentence, patronymics, missing
# places and several links in a cell. These rows have their shape; the people are invented. The lists themselves were
# tried (make bench-lists) and checked by hand: of the 98 rows of the one all are read, 10 without a date of arrest and
# 29 without a place; of the 926 of the other 923, and the births of three are a day that no calendar has and two slips.
ARRESTS = """no,name_as_printed,section,date_of_arrest_raw,charge_raw,place_of_detention_raw,background_chars
1,Elmar Vagif oglu Nobodyev,A. JOURNALISTS,22 November 2013,"Article 234.4.3 (a, b)",Investigative Prison No. 1,2796
2,"Nobodyeva, Aysel (Aysel Rauf qizi Nobodyeva)",B. LAWYERS,"March 4, 2014",,,12
3,Rauf Elmar oglu Nobodyev,B. LAWYERS,"June26, 2013",{},Penitentiary Institution № 14,3
"""
ARREST_MAPPING = """
[columns]
no = []
section = []
background_chars = []
name_as_printed = "detainee.full_name"
date_of_arrest_raw = "detention.detained_on"
charge_raw = ["detention.charges", "note"]
place_of_detention_raw = "detention.facility"
[constants]
"detention.country" = "AZ"
"""
BIRTHS = """Name,Gender,Date of Birth,Date of Death,Place,Sentence,Source
无名氏,male,1955-12-28,2017-07-13,无处,2019-12-07,https://example.org/a.html
某某,female,1968,,无处,life,https://example.org/b.html https://example.org/c
某人,male,1968-02-30,,无处,2011-06,https://example.org/d.html
"""
BIRTH_MAPPING = """
[columns]
Place = "detention.place"
Sentence = ["detention.sentence.until", "detention.sentence.term"]
[constants]
"detention.country" = "CN"
"""


def test_rows_like_those_of_a_list_of_arrests_are_read() -> None:
    first, second, third = bodies(ARRESTS.format("x" * 300), ARREST_MAPPING)
    assert first["detention"]["charges"] == ["Article 234.4.3 (a, b)"]
    assert second == {
        "detainee": {"full_name": "Nobodyeva, Aysel (Aysel Rauf qizi Nobodyeva)"},
        "detention": {"detained_on": "2014-03-04", "country": "AZ"},
    }
    assert (third["detention"]["detained_on"], third["detention"]["charges"]) == ("2013-06-26", ["x" * 300])
    assert bodies(ARRESTS.format("x" * 4_001), ARREST_MAPPING)[2]["note"] == "x" * 4_001


def test_rows_like_those_of_a_list_of_sentences_are_read_but_for_a_day_that_never_was() -> None:
    first, second, third = bodies(BIRTHS, BIRTH_MAPPING)
    assert first["detention"] == {
        "place": "无处",
        "sentence": {"until": "2019-12-07"},
        "country": "CN",
        "ended": {"how": "died", "on": "2017-07-13"},
    }
    assert second["detention"]["sentence"] == {"term": "life"}
    assert [one["url"] for one in second["verification"]["evidence"]] == [
        "https://example.org/b.html",
        "https://example.org/c",
    ]
    assert third is None
    assert faults(BIRTHS, BIRTH_MAPPING) == {4: [("C", "invalid_date")]}


@pytest.mark.parametrize("text", ["S/I", "S.I.", "Sin información", "No se sabe", "N/D", "s/d", "XXX", "-"])
def test_a_cell_that_says_nobody_knows_is_empty_in_every_column(text: str) -> None:
    table = f"nombre;edad;cédula;género;centro de reclusión;país\n{text};{text};{text};{text};{text};VE\n"
    assert bodies(table) == [{"detention": {"country": "VE"}}]
    assert bodies(f"nombres;apellidos;país\nIrma;{text};VE\n")[0]["detainee"] == {"full_name": "Irma"}


@pytest.mark.parametrize("text, code", [("Mar?a Mu?oz", "garbled_text"), ("Elías Pons 04141234567", "number_in_name")])
def test_what_is_no_part_of_a_name_is_told_at_its_column(text: str, code: str) -> None:
    assert faults(f"país;nombre\nVE;{text}\n") == {2: [("B", code)]}
    assert faults(f"nombres;país;apellidos\nIrma;VE;{text}\n") == {2: [("C", code)]}


COVER = ["Comité de familiares", "Informe de enero"]
TABLE = [["Nombre", "Fecha de detención", "País"], ["Ramón Ibáñez", "2025", "VE"]]


def book(**sheets: list[Any]) -> bytes:
    return tables.write_workbook([tables.Sheet(name, rows[0], rows[1:]) for name, rows in sheets.items()])


def test_another_name_that_nobody_knew_is_none_either() -> None:
    one = rows.validate_body(next(opened("id;nombre;alias\n1;Irma Soto;S/I\n").rows()))
    assert not isinstance(one, list)
    assert one.detainee is not None
    assert one.detainee.aliases == []
    line = '{"source_record_id": "1", "detainee": {"aliases": ["Chela", "S/I"]}}'
    refused = rows.validate_body(next(opened(line).rows()))
    assert isinstance(refused, list)
    assert [(fault.pointer, fault.code) for fault in refused] == [("/detainee/aliases/1", "placeholder_name")]


def test_a_cover_page_is_passed_over_for_the_sheet_with_headings() -> None:
    made = book(Portada=[COVER], Resumen=[["Penal", "Total"], ["Yare", 3]], Lista=TABLE)
    assert bodies(made) == [
        {"detainee": {"full_name": "Ramón Ibáñez"}, "detention": {"detained_on": "2025", "country": "VE"}}
    ]
    assert opened(made).count_rows() == 1
    assert (opened(made).shape()["sheet"], opened(made).shape()["other_sheets"]) == ("Lista", ["Portada", "Resumen"])


def test_sheets_with_the_same_people_are_asked_about_and_sheets_without_any_are_not() -> None:
    made = book(Portada=[COVER], Resumen=[["Penal", "Total"], ["Yare", 3]], Lista=TABLE, Otra=TABLE)
    found = opened(made)
    assert [found.label_row(one.number) for one in found.rows()] == ["Lista!2", "Otra!2"]
    asked = {one["place"]: one["guess"] for one in questions(made) if one["code"] == "sheet_used"}
    assert asked == {"/sheets/Lista": "true", "/sheets/Otra": "true"}
    answered = "[sheets]\nResumen = false\nLista = false\nOtra = true\n"
    assert questions(made, answered) == []
    assert opened(made, answered).shape()["sheet"] == "Otra"


def test_a_value_on_one_of_two_sheets_is_asked_about_under_its_column() -> None:
    table = [["Nombre", "País"], ["Eva Sol", "Macondo"]]
    made = book(Lista=TABLE, Otra=table)
    asked = questions(made, "[sheets]\nLista = true\nOtra = true\n")
    assert [(one["place"], one["column"], one["rows"]) for one in asked] == [
        ("/values/detention.country/macondo", "Otra!B", ["Otra!2"])
    ]


def test_a_column_of_one_of_two_sheets_is_named_by_sheet_and_letter() -> None:
    made = book(Lista=TABLE, Otra=[["Nombre", "Cosa", "País"], ["Eva Sol", "Yare", "VE"]])
    mapping = '[positions]\n"Otra!B" = "detention.facility"\n[sheets]\nLista = true\nOtra = true\n'
    assert questions(made, mapping) == []
    assert bodies(made, mapping)[1]["detention"]["facility"] == "Yare"


def test_sheets_that_were_all_set_aside_are_asked_about_again() -> None:
    made = book(Otra=TABLE)
    found = opened(made, "[sheets]\nOtra = false\n")
    assert list(found.rows()) == []
    assert places(made, "[sheets]\nOtra = false\n") == [("sheet_used", "/sheets/Otra")]


def test_where_no_sheet_has_headings_their_row_is_asked_for() -> None:
    assert places(book(Portada=[COVER], Notas=[COVER])) == [("header_row", "/headers/Portada")]


def test_a_template_that_lost_its_headings_is_not_read_by_its_examples() -> None:
    help_sheet = {"Cómo llenarla": TABLE}
    made = book(Lista=TABLE[1:], **help_sheet)
    assert places(made) == [("header_row", "/headers/Lista")]
    assert list(opened(made).rows()) == []


@pytest.mark.parametrize(
    "heading, on",
    [
        ("Edad al momento de la detención", "2025-01-12"),
        ("Edad al ser detenido/a", "2025-01-12"),
        ("Age at arrest", "2025-01-12"),
        ("AGE AT TIME OF DETENTION", "2025-01-12"),
        ("Edad actual", "filed"),
        ("Current age", "filed"),
        ("Edad", None),
    ],
)
def test_a_heading_of_ages_names_their_day(heading: str, on: str | None) -> None:
    said = bodies(f"Nombre;Fecha de detención;{heading};País\nRamón Ibáñez;12 de enero de 2025;41;VE\n")
    assert said[0]["detainee"].get("age_on") == on


@pytest.mark.parametrize("day, on", [("detained_on", "2025-01-12"), ("filed", "filed"), ("2024-12", "2024-12")])
def test_a_mapping_says_on_which_day_people_were_as_old(day: str, on: str) -> None:
    said = "Nombre;Fecha de detención;Edad;País\nRamón Ibáñez;12 de enero de 2025;41;VE\nJulio Mora;2025;;VE\n"
    read = bodies(said, f'age_on = "{day}"\n')
    assert [one["detainee"].get("age_on") for one in read] == [on, None]


def test_a_day_of_ages_that_is_none_is_refused_with_those_that_are() -> None:
    with pytest.raises(BadFile, match="filed"):
        ListMapping.parse_toml('age_on = "the arrest"\n')
