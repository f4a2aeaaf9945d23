"""Rows out of a text: a quotation mark that stands alone, and notes that really have several lines."""

import csv
import io

import pytest

from app.imports.faults import BadFile
from app.imports.reader.list_reader import open_list
from tests.growth import assert_grows_linearly

HEAD = ["Código", "Nombre", "País", "Fecha de detención", "Nota"]
FIRST = ["N-1", "Ana Ruz Paz", "Venezuela", "2026-02-01"]


def notes(data: str) -> list[str | None]:
    return [None if row.body is None else row.body.get("note") for row in open_list(data.encode(), None).rows()]


def lines(*rows: str, delimiter: str = ";") -> str:
    """A text as somebody types it: the headings, and rows as they are."""
    return "\n".join([delimiter.join(HEAD), *rows]) + "\n"


@pytest.mark.parametrize(
    "rows",
    [
        ['N-1;Ana Ruz;VE;2026;"La familia pide', "N-2;Beto Gil;VE;2026;", 'N-3;Caro Paz;VE;2026;"Una nota"'],
        ['N-1;Ana Ruz;VE;2026;"La familia pide', "N-2;Beto Gil;VE;2026;", "N-3;Caro Paz;VE;2026;"],
        ['N-1;Ana Ruz;VE;2026;"La familia pide', 'N-2;Beto Gil;VE;2026;reserva"', "N-3;Caro Paz;VE;2026;"],
        ['N-1;Ana Ruz;VE;2026;"La familia pide', 'N-2;Beto "El Gato" Gil;VE;2026;reserva', "N-3;Caro Paz;VE;2026;"],
        ['N-1;"Ana Ruz;VE;2026;', 'N-2;"Beto Gil";VE;2026;una nota', "N-3;Caro Paz;VE;2026;"],
        ['N-1;"Ana Ruz;VE;2026;', 'N-2;Beto Gil";VE;2026;una nota', "N-3;Caro Paz;VE;2026;"],
        ['"N-1";"Ana Ruz";"VE";"2026";"La familia pide', '"N-2";"Beto Gil";"VE";"2026";""'],
        ['"N-1";"Ana Ruz";"VE";"2026";"La familia pide', '"";"Beto Gil";"VE";"2026";""'],
    ],
    ids=[
        "next is quoted",
        "no other",
        "its cell ends so",
        "inside a name",
        "half rows",
        "half rows, two",
        "all",
        "empty",
    ],
)
def test_a_quotation_mark_that_swallows_rows_is_told_with_its_row_and_lines(rows: list[str]) -> None:
    with pytest.raises(
        BadFile, match=r"^In row 2 \(lines 2 to \d of the file\) a quotation mark is missing"
    ) as refused:
        notes(lines(*rows))
    assert (refused.value.code, refused.value.row) == ("quotation_mark", 2)


def test_the_line_is_counted_in_the_file_and_the_row_as_a_spreadsheet_counts() -> None:
    good = 'N-0;Olga Rey;VE;2026;"dos\nlíneas"'
    with pytest.raises(BadFile, match=r"^In row 3 \(lines 4 to 5 of the file\)"):
        notes(lines(good, 'N-1;Ana Ruz;VE;2026;"La familia pide', "N-2;Beto Gil;VE;2026;"))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize(
    "note",
    [
        "La familia pide visitas.\nNo llamar.",
        "Visitas: lunes, martes, jueves, sábado, domingo;\nsu madre, su hermana, su hijo, su tía, su vecina",
        'Le dicen "El Gato"; y dijo:\n"no hay luz, ni agua, ni visitas"\n\nFin.',
        "Pide 3,50 de ayuda\ny 4;\n",
        'Al final una cita: "así"\n"y así"',
    ],
)
def test_a_note_of_several_lines_comes_through(note: str, delimiter: str) -> None:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows([HEAD, [*FIRST, note], ["N-2", "Beto Gil", "VE", "2026", "otra"]])
    assert notes(out.getvalue()) == [note.strip(), "otra"]


def test_a_note_of_several_lines_comes_through_beside_empty_cells() -> None:
    assert notes(lines('N-1;;VE;2026;"una\nnota"', 'N-2;"\n";VE;;"\n"')) == ["una\nnota", None]


def test_a_name_in_quotation_marks_of_its_own_is_read_as_before() -> None:
    assert notes(lines('N-1;"El Gato" Gil;VE;2026;una', "N-2;Beto Gil;VE;2026;otra")) == ["una", "otra"]


def test_long_notes_are_looked_through_once() -> None:
    def read(length: int) -> None:
        note = '"' + "a;b\n" * length + '"'
        assert len(notes(lines(*(f"N-{n};Ana;VE;2026;{note}" for n in range(5))))) == 5

    assert_grows_linearly(read, 8_000)
