"""Two files laid side by side, as an officer has them."""

import io
import re
import zipfile
from datetime import UTC, datetime
from typing import Any

import pytest

from app import tables
from app.compare import comparison, detentions
from app.compare.comparison import ListComparison, build_sheets
from app.imports.faults import BadFile
from app.imports.mapping import ListMapping

MINE = """Código;Nombre;Cédula;Fecha de nacimiento;Fecha de detención;País;Liberado el;Tipo de excarcelación
EX-1;Eufemia Clarisa Landaeta Pons;;1984;2025-03-02;Venezuela;12 de enero de 2026;excarcelada con medidas
EX-2;Baudilio Ytriago Roca;;1969;abril de 2025;Venezuela;13 de enero de 2026;libertad plena
EX-3;Zenobia Quintero;;;;Venezuela;;
EX-4;Anselmo Barreto Luna;V-12.345.678;;;Venezuela;;
EX-5;Nadie Más;;;03/04/2026;Venezuela;;
;Rosalba Ibarra Gil;;1990;2024;Venezuela;;
"""
THEIRS = """name,national id,dob,detained on,country,released on,kind
"LANDAETA PONS, Eufemia",,1984-05,2025-03,VE,2026-01-14,full_release
Baudilio Ytriago,,1969-01-01,2025-04-03,VE,2026-01,full_release
Zenobia Quintero,,,,VE,,
Anselmo Barreto,12345678,,,VE,,
@Otra Persona Gil,,1980,2025,VE,,
"""


NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def two_lists(mine: comparison.ListFile, theirs: comparison.ListFile) -> ListComparison:
    return comparison.compare_two_lists(mine, theirs, NOW)


@pytest.fixture(scope="module")
def found() -> ListComparison:
    return two_lists((MINE.encode(), None), (THEIRS.encode(), None))


def rows(found: Any, part: str) -> list[int]:
    return [one["mine"]["row"] if "mine" in one else one["row"] for one in found[part]]


def test_every_row_that_was_read_stands_in_one_part(found: ListComparison) -> None:
    assert (rows(found, "both"), rows(found, "likely"), rows(found, "mine_only")) == ([2, 3, 5], [4], [7])
    assert [one["name"] for one in found["theirs_only"]] == ["@Otra Persona Gil"]
    assert found["summary"] == {
        "mine": 5, "theirs": 5, "both": 3, "likely": 1, "mine_only": 1, "theirs_only": 1, "conflicts": 1, "unread": 1,
    }  # fmt: skip


def test_a_pair_says_why_and_what_contradicts(found: ListComparison) -> None:
    first, second, _third = found["both"]
    assert [one["feature"] for one in first["reasons"]] == ["name", "birth", "released_on", "detained_on"]
    assert first["conflicts"] == [
        {"field": "released_on", "mine": "2026-01-12", "theirs": "2026-01-14"},
        {"field": "kind", "mine": "release_with_measures", "theirs": "full_release"},
    ]
    assert second["conflicts"] == []


def test_identification_numbers_pair_people_and_are_never_shown(found: ListComparison) -> None:
    assert found["both"][2]["reasons"][-1]["feature"] == "national_id"
    assert "12345678" not in str(found)


def test_a_row_that_cannot_be_read_is_compared_with_nothing_and_said_so(found: ListComparison) -> None:
    (unread,) = found["unread"]
    assert (unread["row"], unread["errors"][0]["code"]) == (6, "ambiguous_date")


@pytest.mark.parametrize(
    "row,column,code",
    [
        ("Eufemia Landaeta,2030,VE,,", "B", "future_date"),
        ("Eufemia Landaeta,1984,VE,2025-03-02,2025-01-12", "E", "release_before_detention"),
        ("Eufemia Landaeta,1884,VE,2025-03-02,", "B", "too_old"),
    ],
)
def test_a_row_that_cannot_be_true_is_left_out_on_either_list_as_an_import_would(
    row: str, column: str, code: str
) -> None:
    data = f"name,dob,country,detained on,released on\n{row}\n".encode()
    found = two_lists((data, None), (data, None))
    for unread in (found["unread"], found["unread_theirs"]):
        ((number, (error,)),) = [(one["row"], one["errors"]) for one in unread]
        assert (number, error["column"], error["code"]) == (2, column, code)
    summary = found["summary"]
    assert (summary["mine"], summary["theirs"], summary["unread"]) == (0, 0, 1)


def test_what_says_too_little_to_be_filed_is_compared_all_the_same() -> None:
    """Somebody else's list without a country, a verdict without a method, a row without a name."""
    verified = ListMapping.parse_toml('[constants]\n"verification.verdict" = "verified"')
    mine = b"name,dob\nEufemia Landaeta Pons,1984\n,1990\n"
    theirs = b"name,dob\nEufemia Landaeta Pons,1984\n"
    found = two_lists((mine, verified), (theirs, None))
    assert (rows(found, "both"), rows(found, "mine_only"), found["unread"]) == ([2], [3], [])


def test_a_day_held_given_to_all_rows_leaves_out_who_was_released_before_it() -> None:
    held = ListMapping.parse_toml('[constants]\n"detention.held_on" = "2026-01-20"')
    headings, released = b"name,dob,country,released on\n", b"Baudilio Ytriago Roca,1969,VE,2026-01-12\n"
    mine = headings + b"Eufemia Landaeta Pons,1984-03-05,VE,\n" + released
    found = two_lists((mine, held), (headings + released, None))
    assert [(one["row"], one["errors"][0]["code"]) for one in found["unread"]] == [(3, "held_after_release")]
    assert (found["both"], [one["name"] for one in found["theirs_only"]]) == ([], ["Baudilio Ytriago Roca"])


def test_each_file_has_a_mapping_of_its_own() -> None:
    mine = b"Quien;Fecha de arresto;pais\nEufemia Landaeta;02/03/2025;VE\n"
    mapping = ListMapping.parse_toml('dates = "day_first"\n[columns]\n"Quien" = "detainee.full_name"\n')
    theirs = b"name,arrested,country\nEufemia Landaeta,2025-03-02,VE\n"
    assert rows(two_lists((mine, mapping), (theirs, None)), "both") == [2]


def test_a_list_of_too_many_rows_is_refused_before_any_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detentions, "validate_body", None)
    lines = b'{"detainee": {}}\n\n' * 3
    for mine, theirs in ((MINE.encode(), THEIRS.encode()), (MINE.encode(), lines), (lines, MINE.encode())):
        monkeypatch.setattr(detentions, "MAX_COMPARED_ROWS", 2)
        with pytest.raises(BadFile) as refused:
            two_lists((mine, None), (theirs, None))
        assert refused.value.code == "too_many_rows"


def parts_of(data: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


@pytest.mark.parametrize(
    "lang,names",
    [
        ("en", ["Summary", "Both", "Conflicts", "Likely", "Mine only", "Theirs only", "Not read"]),
        (
            "es",
            ["Resumen", "En las dos", "Contradicciones", "Probables", "Solo en la mía", "Solo en la suya", "Sin leer"],
        ),
    ],
)
def test_the_workbook_has_a_sheet_for_each_part(found: ListComparison, lang: str, names: list[str]) -> None:
    made = build_sheets(found, "es" if lang == "es" else "en")
    assert [sheet.name for sheet in made] == names
    assert {len(row) for sheet in made for row in sheet.rows if len(row) != len(sheet.headings)} == set()
    conflict = made[2].rows[1]
    label = "Libertad plena" if lang == "es" else "Full release"
    assert (conflict[0], conflict[1], conflict[-1]) == (2, "EX-1", label)


@pytest.mark.parametrize(
    "lang,lines",
    [
        ("en", [["On both", 3], ["of which with a contradiction", 1]]),
        ("es", [["En las dos", 3], ["de ellas con alguna contradicción", 1]]),
    ],
)
def test_the_summary_says_of_those_on_both_how_many_contradict(
    found: ListComparison, lang: str, lines: list[list[str]]
) -> None:
    summary = build_sheets(found, "es" if lang == "es" else "en")[0]
    assert summary.rows[2:4] == lines


def test_no_cell_of_a_workbook_is_a_formula_or_a_link() -> None:
    begun = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "{=1}", "https://example.org", "12"]
    parts = parts_of(tables.write_workbook([tables.Sheet("x", ["h"], [[cell] for cell in begun])]))
    page = parts["xl/worksheets/sheet1.xml"]
    assert "<f>" not in page
    assert "<hyperlink" not in page
    assert len(re.findall(r't="s"', page)) == len(begun) + 1
    assert "=1+1" in parts["xl/sharedStrings.xml"]


def test_the_same_rows_give_the_same_bytes(found: ListComparison) -> None:
    assert tables.write_workbook(build_sheets(found, "es")) == tables.write_workbook(build_sheets(found, "es"))


def test_as_one_table_each_pair_and_each_lone_account_is_a_line(found: ListComparison) -> None:
    table = comparison.flatten_comparison(found)
    assert [line["part"] for line in table] == ["both"] * 3 + ["likely", "mine_only", "theirs_only"]
    assert "'@Otra Persona Gil" in tables.to_csv(table)


def test_who_is_held_on_a_list_of_one_day_is_laid_against_earlier_releases_in_the_workbook_too() -> None:
    held = ListMapping.parse_toml('[constants]\n"detention.held_on" = "2026-01-20"')
    mine = b"name,dob,country\nEufemia Landaeta Pons,1984-03-05,VE\n"
    theirs = b"name,dob,country,released on\nEufemia Landaeta Pons,1984-03-05,VE,2026-01-12\n"
    found = two_lists((mine, held), (theirs, None))
    assert found["both"][0]["conflicts"] == [
        {"field": "held_after_release", "mine": "2026-01-20", "theirs": "2026-01-12"}
    ]
    conflicts = next(one for one in build_sheets(found, "es") if one.name == "Contradicciones")
    assert conflicts.rows[0][-3:] == ["Detenida en una, excarcelada antes en la otra", "2026-01-20", "2026-01-12"]


def test_a_list_in_json_has_no_other_names_than_a_spreadsheet() -> None:
    """A name that says nobody knew it pairs nobody here either."""
    line = b'{"detainee": {"full_name": "S/I", "birth_date": "1984"}, "detention": {"country": "VE"}}\n'
    found = two_lists((line, None), (b"name,dob,country\nS/I,1984,VE\n", None))
    assert [one["errors"][0]["code"] for one in found["unread"]] == ["placeholder_name"]
    assert (found["both"], found["likely"], found["theirs_only"][0]["name"]) == ([], [], None)


def test_an_age_of_today_is_compared_as_of_the_day_of_the_comparison() -> None:
    headings = "Nombre;Fecha de detención;País;{}\n"
    mine = headings.format("Edad actual") + "Eufemia Clarisa Landaeta Pons;2025-03-02;Venezuela;{}\n"
    theirs = headings.format("Fecha de nacimiento") + "Eufemia Clarisa Landaeta Pons;2025-03-02;Venezuela;1984\n"
    for age, contradictions in (("41", []), ("67", ["age"])):
        found = two_lists((mine.format(age).encode(), None), (theirs.encode(), None))
        (pair,) = found["both"] + found["likely"]
        assert [conflict["field"] for conflict in pair["conflicts"]] == contradictions
