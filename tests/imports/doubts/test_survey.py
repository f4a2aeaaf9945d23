"""A list is surveyed before it is filed: ages without a day, and case numbers that only count rows, are asked about."""

import random
from collections import Counter
from typing import Any

import pytest

from app.demo.people import draw_names as invented_names
from app.imports.faults import Fault
from app.imports.filing import survey
from app.imports.reader import rows
from app.imports.reader.rows import Row
from app.models import OPEN
from app.schemas.reports import DetentionReportIn
from tests.imports.doubts.test_unlike_the_last import codes
from tests.imports.filing.test_filing import counts
from tests.support import NOW, World

AGES = "código;nombre;fecha de detención;edad;país\nA-1;Rosa Inés Valdivia;2024-03-02;19;VE\n"


@pytest.mark.parametrize("sent", [{}, {"dry_run": True}, {"strict": True}])
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
    assert receipt["questions"][0]["column"] == "D"


def test_an_age_that_may_be_a_childs_is_not_filed_by_confirming_its_list(world: World) -> None:
    receipt = world.send_list(AGES + "A-2;Elsa Mora Quiroga;2024-03-02;40;VE\n", confirm=True)
    assert [(one["code"], one["answer"]) for one in receipt["questions"]] == [("age_needs_day", "mapping")]
    assert world.count()["total"]["cases"] == 0


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


def test_a_list_is_not_checked_row_by_row_before_it_is_filed_where_no_report_stands_to_be_laid_beside(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked: list[int] = []

    def body_of(row: Row) -> DetentionReportIn | list[Fault]:
        checked.append(row.number)
        return rows.validate_body(row)

    monkeypatch.setattr(survey, "validate_body", body_of)
    said = "código;nombre;país;fecha de excarcelación\nA-1;Rosa Inés Valdivia;VE;2026-01-12\n"
    assert counts(world.send_list(said)) == {"new": 1}
    assert not checked
    assert counts(world.send_list(said)) == {"unchanged": 1}
    assert checked == [2]


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


def test_case_numbers_that_only_count_the_rows_are_questioned(world: World) -> None:
    said = "id;nombre;país\n1;Rosa Inés Valdivia;VE\n2;Julio Peralta Ríos;VE\n"
    (question,) = world.send_list(said)["questions"]
    assert (question["code"], question["place"], question["guess"]) == (
        "numbers_count_rows", "/positions/A", "source_record_id"
    )  # fmt: skip
    left_out = "[columns]\nid = []\n"
    assert world.send_list(said, mapping=left_out)["derived_case_numbers"] == 2
