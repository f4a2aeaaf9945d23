"""A mapping that is wrong is told with what is wrong in it, and what was perhaps meant."""

import pytest

from app.imports.faults import BadFile
from app.imports.mapping import ListMapping
from tests.imports.test_list_reader import LINE, SPANISH, bodies, opened


@pytest.mark.parametrize(
    "mapping, told",
    [
        ('[columns]\nX = "detainee.ful_name"', 'at columns: "X": there is no field "detainee.ful_name": perhaps'),
        ('[columns]\n"Quién" = "full_name"', 'no field "full_name": perhaps detainee.full_name is meant.'),
        ('[columns]\n"Pena" = ["note", "sentencia"]', '"Pena": there is no field "sentencia"'),
        ('[constants]\n"release.kinds" = "x"', 'no field "release.kinds": perhaps release.kind'),
        ("[constants]\nqqqq = 'x'", "the fields are those of a report, such as detainee.full_name"),
        ('[constants]\n"verification.verdict" = "seguro"', 'constants."verification.verdict": This word is not known'),
        ('[constants]\n"release.released_on" = "03/04/2026"', 'constants."release.released_on": This can be two days'),
        ("column = 1", "at column: there is no such setting: take one of columns, values, constants, dates"),
        ("[values.'release.kind']\nx = 'freed'", "values for release.kind must be codes of the list release_kinds"),
    ],
)  # fmt: skip
def test_a_mapping_that_is_wrong_is_told_by_name_and_with_the_nearest(mapping: str, told: str) -> None:
    with pytest.raises(BadFile) as refused:
        ListMapping.parse_toml(mapping)
    assert refused.value.code == "bad_mapping"
    assert told in refused.value.detail
    assert "Value error" not in refused.value.detail
    assert len(refused.value.detail) < 400


def test_the_columns_that_a_list_does_not_have_are_named() -> None:
    mapping = "[columns]\n" + "\n".join(f'"Otra {n}" = "note"' for n in range(5))
    with pytest.raises(BadFile, match=r'not have: "Otra 0", "Otra 1", "Otra 2" and 2 more') as refused:
        opened(SPANISH + LINE, mapping)
    assert refused.value.code == "mapping_mismatch"


def test_a_constant_is_read_as_a_cell_of_its_column() -> None:
    table = "nombre;fecha de detención\nRamón Ibáñez;2025\n"
    mapping = (
        '[constants]\n"detention.country" = "  el país "\nnote = "\'-5"\n[values."detention.country"]\n"El país" = "VE"'
    )
    (body,) = bodies(table, mapping)
    assert (body["detention"]["country"], body["note"]) == ("VE", "-5")


def test_of_a_heading_as_long_as_a_paragraph_the_beginning_tells() -> None:
    paragraph = "¿Dónde estaba la persona cuando se la vio por última vez, y según quién? " * 5
    assert bodies(
        f"nombre;{paragraph}\nRamón Ibáñez;Tocorón\n", f'[columns]\n"{paragraph}" = "detention.facility"'
    ) == [{"detainee": {"full_name": "Ramón Ibáñez"}, "detention": {"facility": "Tocorón"}}]


@pytest.mark.parametrize("text", [
    "a = " + "[" * 1_900 + "\n" + "[" * 1_900,
    "header = " + "9" * 1_900 + "9" * 90,
    "header = 1" + "_0" * 3_000,
    "a." * 20_000 + "a = 1",
    '[constants]\n"detention.country" = "' + " " * 25_000 + '"',
    "x = 1\n" * 20_000,
    '[constants]\n"detention.country" = "Nowhere"',
    '[constants]\nnote = "' + "\\u0301" * 200 + '"',
    '[constants]\nnote = "=1+1"',
    '"\u2028".' * 10_000 + "a = 1",  # what is a line elsewhere is none in TOML
    "x = [" + "\n[" * 30_000,
])  # fmt: skip
def test_a_mapping_made_to_break_the_reader_is_refused(text: str) -> None:
    with pytest.raises(BadFile) as refused:
        ListMapping.parse_toml(text)
    assert refused.value.code == "bad_mapping"
    assert len(refused.value.detail) < 400


def test_answers_over_saved_ones_keep_the_saved_though_headings_were_looked_up_before() -> None:
    saved = ListMapping.parse_toml('[columns]\nquien = "detainee.full_name"\n[values."detainee.gender"]\nv = "male"\n')
    answers = ListMapping(whole=True)
    assert (answers.targets, answers.meanings) == ({}, {})
    merged = answers.lay_over(saved)
    assert (merged.targets, merged.meanings) == ({"quien": ["detainee.full_name"]}, {"detainee.gender": {"v": "male"}})
    assert (merged.whole, merged.to_saved().whole, merged.to_saved().targets) == (True, None, merged.targets)
