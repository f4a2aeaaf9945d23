"""Rows that are perhaps no person are asked about, and a mapping answers."""

import pytest

from app.imports.faults import BadFile
from app.imports.mapping import ListMapping
from tests.imports.test_list_reader import faults, opened

HEAD = "Código;Nombre;Fecha de detención;País\n"


def asked(*rows: str, mapping: str | None = None) -> dict[int, list[tuple[str | None, str]]]:
    return faults(HEAD + "".join(f"{one}\n" for one in rows), mapping)


@pytest.mark.parametrize("title", ["MILITARES;;;", ";Presos en el Helicoide;;", ";;;Fuente: nosotros"])
def test_one_cell_in_an_otherwise_empty_row_is_asked_about(title: str) -> None:
    (code,) = asked(title, "N-2;Ana Ruz;2025;VE")[2]
    assert code[1] in ("section_title", "unknown_code")


def test_headings_that_stand_again_on_each_page_are_nobody() -> None:
    assert asked("N-1;Ana Ruz;2025;VE", HEAD.strip()) == {3: [("A", "repeated_headings")]}


def test_a_mapping_answers_for_a_row_or_for_all_rows_of_a_kind() -> None:
    rows = ("MILITARES;;;", "N-1;Ana Ruz;2025;VE", "POLICÍAS;;;", "N-2;Rosa Ortega y Gasset;2025;VE", ";Total;;")
    assert set(asked(*rows)) == {2, 4, 5}
    table = HEAD + "\n".join(rows) + "\n"
    answers = '[rows]\nsection_title = "leave_out"\n5 = "read"\n'
    found = opened(table, answers)
    assert found.count_rows() == 2
    read = list(found.rows())
    assert [one.body and one.body["detainee"]["full_name"] for one in read] == ["Ana Ruz", "Rosa Ortega y Gasset"]
    assert found.tally.shape()["left_out"] == {"count": 3, "rows": [2, 4, 6]}


def test_a_question_says_how_it_is_answered() -> None:
    (one,) = opened(HEAD + "MILITARES;;;\n").rows()
    assert '2 = "leave_out"' in one.faults[0].detail
    assert 'section_title = "leave_out"' in one.faults[0].detail


@pytest.mark.parametrize("answer", ['2 = "perhaps"', 'sections = "read"'])
def test_an_answer_that_is_none_is_told(answer: str) -> None:
    with pytest.raises(BadFile) as refused:
        ListMapping.parse_toml(f"[rows]\n{answer}\n")
    assert refused.value.code == "bad_mapping"
