"""A name that may be nobody's, or of several people, is asked about."""

import pytest

from tests.imports.doubts.test_doubtful_rows import asked


@pytest.mark.parametrize(
    "name, code",
    [
        ("Total: 24", "not_a_person"),
        ("Subtotal", "not_a_person"),
        ("Sin confirmar", "not_a_name"),
        ("Familia Rodríguez (3 personas)", "several_people"),
        ("Familia Rodríguez", "several_people"),
        ("Juana Paz y Carlos Paz", "several_people"),
        ("JUANA PAZ Y CARLOS PAZ", "several_people"),
        ("Juana y Carlos Paz", "several_people"),
        ("Juana Paz & Carlos Paz", "several_people"),
        ("Juana Paz / Carlos Paz", "several_people"),
        ("Juana Paz, Carlos Paz, Ana Ruz", "several_people"),
        ("Juana Paz y otros", "several_people"),
        ("Juana Paz and 3 others", "several_people"),
        ("Dos adolescentes", "several_people"),
    ],
)
def test_what_is_perhaps_nobody_is_asked_about_and_made_no_person(name: str, code: str) -> None:
    assert asked(f"N-1;{name};2025;VE", "N-2;Ana Ruz;2025;VE") == {2: [("B", code)]}


@pytest.mark.parametrize(
    "name",
    [
        "Paz, Juana",
        "Juan Y. Pérez",
        "João da Costa e Silva",
        "Toto Lara",
        "Totalina Lara",
        "Juana Paz (a) La Gata",
        "Nobodyeva, Aysel (Aysel Rauf qizi Nobodyeva)",
    ],
)
def test_one_person_is_not_asked_about(name: str) -> None:
    assert asked(f"N-1;{name};2025;VE") == {}
