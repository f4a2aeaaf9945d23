"""A row of a list that is sent again takes back no stricter wish about publication by a word that is no wish, and never
without telling it."""

import pytest

from tests.support import Body, World

HEADINGS = "Nombre;Código;País;Fecha de nacimiento;Fecha de detención;Publicar\n"
COUNTED = "Dolores Berrío Coy;E-1;Venezuela;1990;2025-03-02;"
OTHER = "Ulises Barrios Coy;E-2;Venezuela;1970;2025-03-02;anónimo\n"


def listed(wish: str) -> str:
    return f"{HEADINGS}{COUNTED}{wish}\n{OTHER}"


def shown(world: World) -> int:
    return len(world.get("/v1/detainees").json()["data"])


def told(receipt: Body) -> list[tuple[str, int, list[int]]]:
    return [(one["code"], one["count"], [row["row"] for row in one["examples"]]) for one in receipt["warnings"]]


@pytest.mark.parametrize("word", ["por confirmar", "s/d", "pendiente", "?", "-", "quizás"])
def test_a_word_that_is_no_wish_is_asked_about_and_is_an_error_of_its_row(world: World, word: str) -> None:
    world.send_list(listed("solo contar"))
    assert [one["value"] for one in world.send_list(listed(word))["questions"]] == [word]
    tried = world.send_list(listed(word), dry_run="true", confirm="true")
    (row, _other) = world.rows_of(tried, lang="es")
    (error,) = row["errors"]
    assert (row["outcome"], error["column"], error["pointer"], error["code"]) == (
        "error", "F", "/detainee/publish", "unknown_code",
    )  # fmt: skip
    assert "«solo contar»" in error["detail"]
    assert "only counted" in world.rows_of(tried)[0]["errors"][0]["detail"]
    world.send_list(listed(word), confirm="true")
    assert shown(world) == 1, "what was said before stands"


def test_a_mapping_may_say_that_a_word_is_no_wish(world: World) -> None:
    mapping = '[values."detainee.publish"]\n"por confirmar" = ""\n'
    receipt = world.send_list(listed("por confirmar"), mapping=mapping)
    assert (receipt["counts"]["new"], receipt["counts"]["error"]) == (2, 0)


@pytest.mark.parametrize("wish", ["", "anónimo", "con nombre"])
def test_a_row_that_takes_back_a_stricter_wish_says_so_and_so_does_the_receipt(world: World, wish: str) -> None:
    assert told(world.send_list(listed("solo contar"))) == []
    for dry_run in ("true", "false"):
        receipt = world.send_list(listed(wish), dry_run=dry_run, confirm="true")
        assert told(receipt) == [("wish_withdrawn", 1, [2])]
        changed, other = world.rows_of(receipt)
        assert (changed["outcome"], changed["errors"], other["warnings"]) == ("updated", [], [])
        (warning,) = changed["warnings"]
        assert (warning["column"], warning["pointer"], warning["code"]) == ("F", "/detainee/publish", "wish_withdrawn")
        assert "deseo más estricto" in world.rows_of(receipt, lang="es")[0]["warnings"][0]["detail"]
        assert receipt["groups"] == [], "nothing is wrong with the row"


def test_a_row_that_waits_for_its_day_tells_that_it_will_take_back_the_wish(world: World) -> None:
    world.send_list(listed("solo contar"))
    waiting = listed("anónimo").replace("Publicar\n", "Publicar;No publicar antes de\n")
    waiting = waiting.replace(
        "E-1;Venezuela;1990;2025-03-02;anónimo", "E-1;Venezuela;1990;2025-03-02;anónimo;2026-03-10"
    )
    tried = world.send_list(waiting, dry_run="true")
    assert (world.rows_of(tried)[0]["outcome"], told(tried)) == ("waiting", [("wish_withdrawn", 1, [2])])


@pytest.mark.parametrize(
    "before, after", [("", "anónimo"), ("anónimo", ""), ("", "solo contar"), ("anónimo", "solo contar")]
)
def test_a_wish_that_shows_no_more_than_before_is_no_warning(world: World, before: str, after: str) -> None:
    world.send_list(listed(before))
    assert told(world.send_list(listed(after), confirm="true")) == []
