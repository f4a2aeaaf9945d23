"""What is remembered of the answers about a list, and what a confirmation passes over."""

import pytest

from tests.support import Body, World

LIST = "Código;Nombre y apellidos;Fecha de detención;País;XYZ\nA-1;Rosa Inés Valdivia;2025-03-02;Venezuela;maestra\n"
FACTS = 'list_date = "2026-01-20"\nwhole = false\nchecked = "family"\nheld = "held"\n'


def list_places(receipt: Body) -> set[str]:
    return {question["place"] for question in receipt["questions"]}


@pytest.mark.usefixtures("every_list_questions")
def test_the_meaning_of_a_column_is_asked_once_and_the_day_of_a_list_each_time(world: World) -> None:
    facts = {"/list_date", "/whole", "/checked", "/held"}
    assert list_places(world.send_list(LIST, dry_run=True)) == facts | {"/positions/E"}
    assert world.send_list(LIST, mapping=f'{FACTS}[positions]\nE = "note"\n')["state"] == "done"
    assert list_places(world.send_list(LIST, dry_run=True)) == facts


def test_answers_about_one_list_leave_remembered_meanings_as_they_are(world: World) -> None:
    world.send_list(LIST, mapping=f'{FACTS}[positions]\nE = "note"\n')
    assert world.send_list(LIST, mapping=FACTS)["state"] == "done"
    third = world.send_list(LIST, mapping=FACTS, dry_run=True)
    assert (third["questions"], third["columns"][4]["fields"]) == ([], ["note"])


def test_a_confirmation_passes_over_no_column_that_may_hold_people_back(world: World) -> None:
    receipt = world.send_list(LIST.replace("maestra", "no publicar"), confirm=True)
    assert (receipt["state"], list_places(receipt)) == ("questioned", {"/positions/E"})


def test_a_confirmed_list_leaves_out_the_row_whose_remark_asks_for_no_name(world: World) -> None:
    remark = LIST.replace("XYZ", "Observaciones").replace("maestra", "NO PUBLICAR")
    receipt = world.send_list(remark + "A-2;Julio Peralta Ríos;2025-04-01;Venezuela;\n", confirm=True)
    assert {outcome: count for outcome, count in receipt["counts"].items() if count} == {"new": 1, "error": 1}
    assert [(group["code"], group["question"]) for group in receipt["groups"]] == [("remark_wish", True)]
