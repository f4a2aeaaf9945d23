"""What is asked before a list is filed, and what its receipt says was lost and gained."""

import random
from collections import Counter
from typing import Any

import pytest

from app.demo.names import names as invented_names
from app.models import OPEN
from tests.exchange.imports.test_filing import counts
from tests.support import NOW, Body, World

HEAD = (
    "código;nombre;fecha de detención;edad;país;fecha de excarcelación;verificación;método de verificación;publicar\n"
)
VERIFIED = "verificado;familia;con nombre"
AGES = "código;nombre;fecha de detención;edad;país\nA-1;Rosa Inés Valdivia;2024-03-02;19;VE\n"


def listed(numbers: tuple[str, ...] = ("001", "002", "003"), rest: str = VERIFIED) -> str:
    """Three people who are out, verified, named."""
    people = ("Rosa Inés Valdivia", "Julio Peralta Ríos", "Elsa Mora Quiroga")
    rows = zip(numbers, people, strict=True)
    return HEAD + "".join(f"{case};{name};2025-03-02;;VE;12 de enero de 2026;{rest}\n" for case, name in rows)


def codes(receipt: Body) -> list[tuple[str, str]]:
    return [(one["code"], one["answer"]) for one in receipt["questions"]]


@pytest.mark.parametrize("sent", [{}, {"dry_run": True}, {"confirm": True}, {"strict": True}])
def test_a_column_of_ages_without_a_day_is_asked_about_before_anything_is_filed(
    world: World, sent: dict[str, Any]
) -> None:
    revision = world.revision
    receipt = world.send_list(AGES, **sent)
    assert (receipt["state"], codes(receipt), world.revision) == (
        "questioned",
        [("age_needs_day", "mapping")],
        revision,
    )
    assert "Column D" in receipt["questions"][0]["detail"]


@pytest.mark.parametrize(
    "said, mapping",
    [
        (AGES, 'age_on = "detained_on"\n'),
        (AGES, '[constants]\n"detainee.age_on" = "2024-03"\n'),
        (AGES.replace("edad", "edad al momento de la detención"), None),
        (AGES.replace("edad;", "edad;age on;").replace("19;", "19;2024-03-02;"), None),
    ],
)
def test_a_column_of_ages_is_answered_by_a_mapping_a_heading_or_a_column_of_days(
    world: World, said: str, mapping: str | None
) -> None:
    assert counts(world.send_list(said, mapping=mapping)) == {"new": 1}
    assert world.get("/v1/detainees").json()["data"][0]["publish"] == "anonymous"


def test_ages_beside_dates_of_birth_are_not_asked_about(world: World) -> None:
    said = AGES.replace("edad;", "edad;fecha de nacimiento;").replace("19;", "19;2004-05-01;")
    assert counts(world.send_list(said)) == {"new": 1}


def test_the_answer_is_kept_for_the_next_list_and_the_same_list_changes_nothing_a_year_later(world: World) -> None:
    said = AGES.replace(";19;", ";40;")
    assert counts(world.send_list(said, mapping='age_on = "filed"\n')) == {"new": 1}
    revision = world.revision
    world.now = NOW.replace(year=NOW.year + 1, month=NOW.month - 1)
    assert counts(world.send_list(said)) == {"unchanged": 1}
    assert world.revision == revision


def test_a_row_of_json_lines_with_an_age_that_may_be_a_childs_is_in_error(world: World) -> None:
    line = '{"detainee": {"full_name": "Rosa Inés Valdivia", "age": 19}, "detention": {"country": "VE", '
    (row,) = world.rows_of(world.send_list(line + '"detained_on": "2024-03-02"}}\n'))
    assert [(one["pointer"], one["code"]) for one in row["errors"]] == [("/detainee/age_on", "age_needs_day")]


def test_a_list_with_ages_at_arrest_and_the_same_with_birth_dates_give_the_same_people(world: World) -> None:
    dice = random.Random(11)
    people = []
    for number, name in enumerate(invented_names(["male"] * 100 + ["female"] * 100)):
        born, taken = dice.randint(1905, 1957), f"{dice.randint(1973, 1976)}-{dice.randint(1, 12):02}-15"
        full = f"{born}-{dice.randint(1, 12):02}-{dice.randint(1, 28):02}"
        age = int(taken[:4]) - born - (taken[5:] < full[5:])
        people.append((number, " ".join(name), full, taken, age))
    ages = "código;nombre;fecha de detención;edad al ser detenido;país\n"
    births = "código;nombre;fecha de detención;fecha de nacimiento;país\n"
    ages += "".join(f"A-{n};{name};{taken};{age};CL\n" for n, name, _born, taken, age in people)
    lines = [f"B-{n};{name};{taken};{born};CL\n" for n, name, born, taken, _age in people]
    assert counts(world.send_list(ages)) == {"new": 200}
    # Children are only counted, and recognised by nobody: they stand once for each source.
    children = sum(1 for *_rest, age in people if age < 18)
    became: Counter[str] = Counter()
    for first in range(0, 200, 50):
        became.update(counts(world.send_list(births + "".join(lines[first : first + 50]), who="jep")))
    assert became == {"new": children, "linked": 200 - children}
    of_each = "SELECT count(*), sum(CASE WHEN publish_now = 'counted' THEN 1 ELSE 0 END) FROM record GROUP BY source"
    assert world.rows(of_each) == [(200, children)] * 2
    assert world.rows(f"SELECT count(DISTINCT detainee) FROM placement WHERE until = {OPEN}") == [(200 + children,)]


def test_a_list_whose_verdicts_fell_to_none_is_questioned_until_confirmed(world: World) -> None:
    gained = world.send_list(listed())
    assert gained["gained"] == {"verdicts": 3, "dates": 6, "wishes": 3}
    without = listed(rest=";;con nombre")
    receipt = world.send_list(without)
    assert (receipt["state"], codes(receipt), receipt["settled"]) == ("questioned", [("column_gone", "confirm")], 0)
    told = 'Verification [verification.verdict] (3 rows; in column G "verificación" no cell says it)'
    assert told in receipt["questions"][0]["detail"]
    spanish = world.get(f"/v1/imports/{receipt['id']}", "foro", lang="es").json()["questions"]
    assert "en la columna G «verificación» ninguna celda lo dice" in spanish[0]["detail"]
    assert codes(world.send_list(without, dry_run=True)) == [("column_gone", "confirm")]
    assert world.by_source() == {"foro": 3}
    taken_back = world.send_list(without, confirm=True)
    assert (taken_back["lost"], taken_back["gained"]) == (
        {"verdicts": 3, "dates": 0, "wishes": 0},
        {"verdicts": 0, "dates": 0, "wishes": 0},
    )


def test_a_list_that_lost_its_wishes_or_a_column_of_dates_is_questioned_too(world: World) -> None:
    world.send_list(listed())
    assert codes(world.send_list(listed(rest="verificado;familia;"))) == [("column_gone", "confirm")]
    assert codes(world.send_list(listed().replace("2025-03-02", ""))) == [("column_gone", "confirm")]


def test_one_row_that_takes_a_value_back_is_a_correction(world: World) -> None:
    world.send_list(listed())
    corrected = listed().replace(f"12 de enero de 2026;{VERIFIED}", "12 de enero de 2026;;;", 1)
    receipt = world.send_list(corrected)
    assert (receipt["state"], receipt["lost"]["verdicts"], receipt["lost"]["wishes"]) == ("done", 1, 1)


@pytest.mark.parametrize("numbers", [("1", "2", "3"), (" 001 ", "2", "0003")])
def test_case_numbers_that_differ_from_known_ones_in_leading_zeros_are_questioned(
    world: World, numbers: tuple[str, str, str]
) -> None:
    world.send_list(listed())
    receipt = world.send_list(listed(numbers).replace("código", "ficha"))
    assert ("case_numbers_alike", "confirm") in codes(receipt)
    assert world.count()["total"]["releases"] == 3


def test_case_numbers_that_differ_in_capitals_are_questioned_and_those_of_others_are_not(world: World) -> None:
    world.send_list(listed(("FP-10", "FP-20", "FP-100")))
    assert codes(world.send_list(listed(("fp-10", "FP-20", "FP-100")))) == [("case_numbers_alike", "confirm")]
    assert codes(world.send_list(listed(("FP-1", "FP-2", "FP-1000")))) == []
    assert codes(world.send_list(listed(("fp-10", "fp-20", "fp-100")), who="jep")) == []


def test_somebody_who_died_is_neither_out_nor_held(world: World) -> None:
    said = "código;nombre;detenido el;fecha de muerte;fecha de excarcelación;país\nA-1;Ana Ruz;2024;2025;;VE\n"
    receipt = world.send_list(said + "A-2;Eva Sol;2024;2025-06;2025-01;VE\nA-3;Olga Rey;2024;;;VE\n")
    assert (receipt["releases"], receipt["held"], receipt["held_counted"]) == (1, 1, 1)
    assert receipt["counts"]["new"] == 3


def test_a_receipt_says_how_many_of_the_held_count_as_held_and_why_not(world: World) -> None:
    said = "código;nombre;fecha de detención;país\nA-1;Rosa Inés Valdivia;;VE\nA-2;Julio Peralta Ríos;2025;VE\n"
    receipt = world.send_list(said + "A-3;Elsa Mora Quiroga;2026;VE\n")
    assert (receipt["held"], receipt["held_counted"]) == (3, 1)
    assert receipt["held_not_counted"] == {"no_day_of_arrest": 1, "day_not_past": 1}
    assert world.get("/v1/counts/detentions?held_on=2026-03-01").json()["total"]["reported"] == 1
