"""Answers about columns are remembered for the next list, and answers about one list are not."""

from tests.support import Body, World

LIST = "Código;Nombre y apellidos;Fecha de detención;País;XYZ\nA-1;Rosa Inés Valdivia;2025-03-02;Venezuela;maestra\n"
FACTS = 'list_date = "2026-01-20"\nwhole = false\nchecked = "family"\nheld = "held"\n'


def list_places(receipt: Body) -> set[str]:
    return {question["place"] for question in receipt["questions"]}


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
