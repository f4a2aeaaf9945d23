"""A row with the same cells as on the last list keeps the answer that it got then."""

import pytest

from tests.support import Body, World

HEAD = "N°;Nombre y apellido;Fecha de detención;Estatus;Observaciones\n"
ANA = "Ana Roca Lugo;2025-03-02;detenida;NO PUBLICAR\n"
EVA = "Eva Paz Ruiz;2025-03-02;detenida;salió el 18 de enero según vecinos\n"
LUZ = "Luz Gil Mora;2025-03-02;detenida;\n"
FIRST = f"{HEAD}1;{ANA}2;{EVA}3;{LUZ}"
ANSWERS = '[rows]\n"2 remark_wish" = "remark"\n"3 remark_state" = "read"\n'


def asked(receipt: Body) -> list[str]:
    return [question["code"] for question in receipt["questions"]]


@pytest.fixture(autouse=True)
def first_list(world: World) -> Body:
    assert asked(world.send_list(FIRST)) == ["remark_wish", "remark_state"]
    return world.send_list(FIRST, mapping=ANSWERS)


def test_equal_rows_are_not_asked_about_again_wherever_they_are(world: World) -> None:
    receipt = world.send_list(f"{HEAD}1;{LUZ}2;{EVA}3;{ANA}", dry_run=True)
    assert (asked(receipt), receipt["counts"]["unchanged"]) == ([], 3)
    assert receipt["kept_answers"] == {"3 remark_state": "read", "4 remark_wish": "remark"}


@pytest.mark.parametrize(
    "row",
    [
        EVA.replace("detenida", "trasladada"),
        EVA.replace("18 de enero", "19 de enero"),
        EVA.replace("salió el 18 de enero", "falleció el 18 de enero"),
    ],
)
def test_a_row_with_another_cell_is_asked_about(world: World, row: str) -> None:
    assert asked(world.send_list(f"{HEAD}1;{ANA}2;{row}3;{LUZ}", dry_run=True)) == ["remark_state"]


def test_a_row_is_asked_about_if_a_word_or_a_column_means_something_else(world: World) -> None:
    for mapping in ('[values.state]\ndetenida = "transferred"\n', '[positions]\nC = "detention.held_on"\n'):
        assert "remark_state" in asked(world.send_list(FIRST, mapping=mapping, dry_run=True))


def test_another_answer_holds(world: World) -> None:
    receipt = world.send_list(FIRST, mapping='[rows]\n"3 remark_state" = "leave_out"\n', dry_run=True)
    assert (receipt["left_out"], receipt["kept_answers"]) == ({"count": 1, "rows": [3]}, {"2 remark_wish": "remark"})


def test_answers_of_a_list_that_was_undone_are_asked_again(world: World, first_list: Body) -> None:
    response = world.post(f"/v1/imports/{first_list['id']}/undo", {}, "foro")
    assert response.status_code == 200, response.text
    assert "remark_state" in asked(world.send_list(FIRST, dry_run=True))


def test_nothing_is_kept_for_others_or_beyond_the_next_list(world: World) -> None:
    assert asked(world.send_list(FIRST, "jep", dry_run=True)) == ["remark_wish", "remark_state"]
    world.send_list(f"{HEAD}1;{LUZ}")
    assert asked(world.send_list(FIRST, dry_run=True)) == ["remark_wish", "remark_state"]
