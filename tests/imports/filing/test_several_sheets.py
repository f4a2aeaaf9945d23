"""Lists of several sheets: each word is asked about where it stands, and answered by its sheet and column."""

import io
from collections.abc import Sequence

from openpyxl import Workbook

from tests.support import World

HELD = (("código", "nombre", "fecha de detención", "sexo", "motivo del fin de la detención"),
        ("A-1", "Ana Ruz Paz", "2025-03-02", "mujer", "xyzzy"),
        ("A-2", "Eva Sol Rey", "45 de marzo", "mujer", ""))  # fmt: skip
RELEASED = (("código", "nombre", "fecha de excarcelación", "sexo"), ("B-1", "Ivo Ruz Paz", "2026-01-02", "plugh"))
BOTH = "[sheets]\nDetenidos = true\nLiberados = true\n"
ANSWERS = BOTH + '[positions]\n"Detenidos!E" = []\n[values."detainee.gender"]\nplugh = "male"\n'


def workbook(**sheets: Sequence[Sequence[str]]) -> bytes:
    book, out = Workbook(), io.BytesIO()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(out)
    return out.getvalue()


LIST = workbook(Detenidos=HELD, Liberados=RELEASED)


def test_words_that_are_not_understood_are_asked_about_on_each_sheet(world: World) -> None:
    receipt = world.send_list(LIST, mapping=BOTH)
    assert [(one["code"], one["value"], one["rows"]) for one in receipt["questions"]] == [
        ("value_unknown", "xyzzy", ["Detenidos!2"]),
        ("value_unknown", "plugh", ["Liberados!2"]),
    ]


def test_a_column_and_a_word_are_answered_by_their_sheet(world: World) -> None:
    receipt = world.send_list(LIST, mapping=ANSWERS)
    assert {outcome: number for outcome, number in receipt["counts"].items() if number} == {"new": 2, "error": 1}
    (group,) = receipt["groups"]
    assert (group["column"], group["examples"][0]["value"]) == ("Detenidos!C", "45 de marzo")
