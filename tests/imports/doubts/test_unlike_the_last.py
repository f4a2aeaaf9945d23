"""A list that is unlike its source's last one is asked about, and its receipt says what was lost and gained."""

import pytest

from tests.imports.filing.test_filing import counts, many
from tests.support import Body, World

HEAD = (
    "código;nombre;fecha de detención;edad;país;fecha de excarcelación;verificación;método de verificación;publicar\n"
)
VERIFIED = "verificado;familia;con nombre"


def listed(numbers: tuple[str, ...] = ("007", "012", "031"), rest: str = VERIFIED) -> str:
    """Three people who are out, verified, named."""
    people = ("Rosa Inés Valdivia", "Julio Peralta Ríos", "Elsa Mora Quiroga")
    rows = zip(numbers, people, strict=True)
    return HEAD + "".join(f"{case};{name};2025-03-02;;VE;12 de enero de 2026;{rest}\n" for case, name in rows)


def codes(receipt: Body) -> list[tuple[str, str]]:
    return [(one["code"], one["answer"]) for one in receipt["questions"]]


def test_a_list_far_longer_or_shorter_than_the_last_one_is_questioned_until_confirmed(world: World) -> None:
    world.send_list(many(30))
    short = world.send_list(many(5))
    assert (short["state"], short["questions"][0]["code"], short["settled"]) == ("questioned", "row_count", 0)
    assert counts(world.send_list(many(5), confirm=True)) == {"unchanged": 5}
    assert world.send_list(many(5), who="jep")["state"] == "done"


def test_a_list_whose_verdicts_fell_to_none_is_questioned_until_confirmed(world: World) -> None:
    gained = world.send_list(listed())
    assert gained["gained"] == {"verdicts": 3, "dates": 6, "wishes": 3}
    without = listed(rest=";;con nombre")
    receipt = world.send_list(without)
    assert (receipt["state"], codes(receipt), receipt["settled"]) == ("questioned", [("column_gone", "confirm")], 0)
    told = 'Verification (3 rows; in column G "verificación" no cell says it)'
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


@pytest.mark.parametrize("numbers", [("7", "12", "31"), (" 007 ", "12", "0031")])
def test_case_numbers_that_differ_from_known_ones_in_leading_zeros_are_questioned(
    world: World, numbers: tuple[str, str, str]
) -> None:
    world.send_list(listed())
    receipt = world.send_list(listed(numbers).replace("código", "ficha"))
    assert ("case_numbers_alike", "confirm") in codes(receipt)
    assert world.count()["total"]["cases"] == 3


def test_case_numbers_that_differ_in_capitals_are_questioned_and_those_of_others_are_not(world: World) -> None:
    world.send_list(listed(("FP-10", "FP-20", "FP-100")))
    assert codes(world.send_list(listed(("fp-10", "FP-20", "FP-100")))) == [("case_numbers_alike", "confirm")]
    assert codes(world.send_list(listed(("FP-1", "FP-2", "FP-1000")))) == []
    assert codes(world.send_list(listed(("fp-10", "fp-20", "fp-100")), who="jep")) == []


@pytest.mark.parametrize(
    "alike", ["FP\u201110", "FP\u221210", "FP\u201310", "\uff26\uff30\uff0d\uff11\uff10", "fp\u20110010"]
)
def test_case_numbers_that_only_look_like_known_ones_are_questioned(world: World, alike: str) -> None:
    world.send_list(listed(("FP-10", "FP-20", "FP-100")))
    assert codes(world.send_list(listed((alike, "FP-20", "FP-100")))) == [("case_numbers_alike", "confirm")]
    receipt = world.send_list(listed((alike, "FP-20", "FP-100")), confirm="true")
    assert receipt["counts"]["new"] + receipt["counts"]["needs_review"] == 1
    stored = {report["source_record_id"] for report in world.get("/v1/reports", "foro").json()["data"]}
    assert stored == {"FP-10", "FP-20", "FP-100", alike}, "it stays as it was sent"
