"""Labels of drawings: broken into lines, or shortened, where they have no room."""

from app.web.charts.scale import shortened, width_of, wrapped


def test_a_long_label_is_broken_at_its_spaces() -> None:
    lines = wrapped("El registro une lo que se dice de una misma persona", 130, 12, most=9)
    assert len(lines) > 1
    assert all(width_of(line, 12) <= 130 for line in lines)
    assert " ".join(lines) == "El registro une lo que se dice de una misma persona"


def test_a_name_without_room_is_cut_after_a_whole_word() -> None:
    assert shortened("Foro Penal", 13, 150) == "Foro Penal"
    assert shortened("Justicia, Encuentro y Perdón", 13, 170) == "Justicia, Encuentro…"
    assert shortened("Donaudampfschifffahrtsgesellschaft", 13, 80).startswith("Donaudamp")
