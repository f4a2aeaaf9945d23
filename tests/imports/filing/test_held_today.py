"""A receipt says how many of the people reported as held count as held today, and why others do not."""

from tests.support import World


def test_somebody_who_died_is_neither_out_nor_held(world: World) -> None:
    said = "código;nombre;detenido el;fecha de muerte;fecha de excarcelación;país\nA-1;Ana Ruz;2024;2025;;VE\n"
    receipt = world.send_list(said + "A-2;Eva Sol;2024;2025-06;2025-01;VE\nA-3;Olga Rey;2024;;;VE\n")
    assert (receipt["releases"], receipt["held"], receipt["held_counted"]) == (1, 1, 1)
    assert receipt["counts"]["new"] == 3


def test_a_receipt_says_how_many_of_the_held_count_as_held_and_why_not(world: World) -> None:
    said = "código;nombre;fecha de detención;país\nA-1;Rosa Inés Valdivia;;VE\nA-2;Julio Peralta Ríos;2025;VE\n"
    receipt = world.send_list(said + "A-3;Elsa Mora Quiroga;2026;VE\nA-4;Iván Soto Lira;2021-05-03;VE\n")
    assert (receipt["held"], receipt["held_counted"]) == (4, 1)
    assert receipt["held_not_counted"] == {"no_day_of_arrest": 1, "day_not_past": 1, "day_too_old": 1}
    assert world.get("/v1/counts/held?held_on=2026-03-01").json()["total"]["reported"] == 1
