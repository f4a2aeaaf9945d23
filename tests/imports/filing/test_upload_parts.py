"""A list cut into parts: nothing about a row depends on the part it falls into."""

import json

import pytest

from app.imports.mapping import ListMapping
from app.imports.reader.list_reader import open_list
from app.imports.upload import uploads
from app.imports.upload.uploads import ListParts, split_list

HEAD = "código;nombre;fecha de nacimiento;país\n"


def cut_of(text: str, mapping: ListMapping | None = None) -> ListParts:
    return split_list(open_list(text.encode(), mapping).rows())


def bodies(found: ListParts) -> list[dict[str, str]]:
    return [json.loads(line) for part in found.parts for line in part.data.splitlines()]


def test_a_part_holds_so_many_bytes_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    text = HEAD + "".join(f"A-{n};Rosa Inés Valdivia;1971;VE\n" for n in range(30))
    monkeypatch.setattr(uploads, "MAX_PART_BYTES", 500)
    assert max(len(part.data) for part in cut_of(text).parts) <= 500
    monkeypatch.setattr(uploads, "MAX_PART_BYTES", 10)
    assert [part.rows for part in cut_of(text).parts] == [[n] for n in range(2, 32)]  # each longer, and alone


def test_case_numbers_are_made_over_the_whole_list(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "nombre;fecha de nacimiento;país\n" + "Rosa Inés Valdivia;1971;VE\n" * 3
    other_people = ListMapping.parse_toml('[rows]\nrepeated_person = "read"\n')
    whole = [body["source_record_id"] for body in bodies(cut_of(text, other_people))]
    monkeypatch.setattr(uploads, "MAX_PART_BYTES", 1)
    found = cut_of(text, other_people)
    assert [body["source_record_id"] for body in bodies(found)] == whole
    assert (len(set(whole)), whole[1][-2:], found.derived_case_numbers) == (3, "-2", 3)


def test_rows_that_cannot_be_read_or_would_be_refused_stay_here_with_their_columns() -> None:
    found = cut_of(HEAD + "A-1;Rosa Inés Valdivia;treinta;VE\nA-2;Julio Peralta;1971;VE\nA-2;Elsa Mora;1980;VE\n"
                          f"A-4;{'x' * 400};1980;VE\n")  # fmt: skip
    assert (found.rows, [part.rows for part in found.parts]) == (4, [[3]])
    assert {row: (faults[0].column, faults[0].code) for row, faults in found.faults_by_row.items()} == {
        2: ("C", "invalid_date"),
        4: ("A", "repeated_case_number"),
        5: ("B", "string_too_long"),
    }


def test_the_same_list_is_cut_alike_and_another_is_not() -> None:
    text = HEAD + "A-1;Rosa Inés Valdivia;1971;VE\n"
    (one,), (same,), (other,) = cut_of(text).parts, cut_of(text).parts, cut_of(text.replace("1971", "1972")).parts
    assert one.digest == same.digest != other.digest
