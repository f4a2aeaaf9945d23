"""M in a list: known by the other letters of its column, and by nothing else."""

import pytest

from app.imports.reader.list_reader import open_list
from tests.imports.sheets import row, xlsx
from tests.imports.test_list_reader import bodies, faults


def people(*letters: str, mapping: str | None = None) -> list[str | None]:
    said = "nombre;sexo\n" + "".join(f"Persona {chr(65 + n)};{one}\n" for n, one in enumerate(letters))
    return [None if one is None else one["detainee"].get("gender") for one in bodies(said, mapping)]


def test_beside_f_it_is_male_and_beside_h_female_wherever_these_stand() -> None:
    assert people("M", "m.", "", "F") == ["male", "male", None, "female"]
    assert people("M", "H", "h") == ["female", "male", "male"]


@pytest.mark.parametrize("letters", [("M", "M"), ("M", "femenino"), ("M", "F", "H"), ("M", "Fem", "s/d")])
def test_alone_or_beside_both_it_is_refused_with_what_to_do(letters: tuple[str, ...]) -> None:
    assert people(*letters)[0] is None
    said = "nombre;sexo\n" + "".join(f"Persona;{one}\n" for one in letters)
    (fault,) = next(open_list(said.encode(), None).rows()).faults
    assert (fault.column, fault.code) == ("B", "unknown_code")
    assert "mujer or masculino" in fault.detail
    assert '[values."detainee.gender"] M = "male"' in fault.detail


def test_what_a_mapping_says_comes_first() -> None:
    assert people("M", "F", mapping='[values."detainee.gender"]\nM = "female"\n') == ["female", "female"]


def test_a_workbook_is_looked_through_too() -> None:
    made = xlsx(row(1, "Nombre", "Sexo"), row(2, "Rosa", "F"), row(3, "Raúl", "M"), row(4, "Ana", "s/d"))
    assert [one["detainee"].get("gender") for one in bodies(made)] == ["female", "male", None]
    assert faults(made) == {}
