"""A claim with a personal term is compared with the lowest and the highest number that the registry may have."""

from typing import Any

import pytest

from tests.support import Body, World
from tests.web.claims.pages import text_of

JANUARY = {"window_from": "2026-01-08", "stated_at": "2026-01-13"}
FIVE: dict[str, Body] = {
    "Berta Solano Ugas": {"publish": "named", "gender": "female"},
    "Ciro Leal Bracho": {"publish": "named", "gender": "male"},
    "Noelia Sardi Pinto": {"publish": "named", "gender": None},
    "Casilda Prieto Roa": {"publish": "anonymous", "gender": "female"},
    "Damián Luque Ferro": {"publish": "counted", "gender": "male"},
}


def file_five(world: World, **people: Body) -> World:
    """Two named people with a gender, one without, and two whose gender may not be shown."""
    for name, said in {**FIVE, **people}.items():
        more = {f"detainee__{field}": value for field, value in said.items()}
        world.file(
            detainee__full_name=name, detainee__birth_date="1980", release__released_on="2026-01-09",
            verification__verified_on="2026-01-09", **more,
        )  # fmt: skip
    return world


@pytest.fixture
def five(world: World) -> World:
    return file_five(world)


def claim(world: World, number: int, **more: Any) -> str:
    body = {
        "claimant": "ministry", "measure": "released", "qualifier": "exactly", "country": "VE", "said": number,
        **JANUARY, **more,
    }  # fmt: skip
    return world.claim(body)


def compared(world: World, number: int, key: str | None = None, **terms: Any) -> tuple[Any, Any]:
    """The lowest and highest number that the registry may have now, and the distance of the claim."""
    claim_id = claim(world, number, definition={"terms": terms} if terms else None)
    answer = world.get(f"/v1/claims/{claim_id}/reconciliation", key).json()["now"]
    bounds = answer.get("possible")
    return bounds and (bounds["low"], bounds["high"]), (answer["gap"]["low"], answer["gap"]["high"])


def test_unknown_and_hidden_values_make_bounds(five: World) -> None:
    assert compared(five, 3, gender="female") == ((1, 4), (-1, 2)), "it lies within"
    assert compared(five, 9, gender="female") == ((1, 4), (5, 8)), "5 more than it may be at most"


def test_a_reader_who_sees_everybody_is_left_with_the_unknown(five: World) -> None:
    assert compared(five, 3, "reader", gender="female") == ((2, 3), (0, 1))


def test_who_visibly_has_another_value_is_not_possible(five: World) -> None:
    five.add_facility()
    five.add_facility("yare", "Yare", area="Caracas")
    assert compared(five, 3, facility="yare")[0] == (0, 1), "four are in another prison, and of one it may not be shown"
    five.file(
        detainee__full_name="Tulio Arcila Mora", detainee__publish="anonymous", detention__facility=None,
        release__released_on="2026-01-09",
    )  # fmt: skip
    assert compared(five, 3, facility="yare")[0] == (0, 2)
    assert compared(five, 3, facility="yare", gender="female")[0] == (0, 2), "of one place and gender are unknown"


def test_without_a_personal_term_there_are_no_bounds(five: World) -> None:
    assert compared(five, 7) == (None, (2, 2))


def test_what_was_known_before_the_log_began_has_bounds_too(five: World) -> None:
    claim_id = claim(five, 3, definition={"terms": {"gender": "female"}})
    then = five.get(f"/v1/claims/{claim_id}/reconciliation").json()["then"]
    assert (then["basis"], then["total"]["cases"], then["possible"]) == ("said", 1, {"low": 1, "high": 4})
    assert then["gap"] == {"low": -1, "high": 2}


def test_people_held_have_bounds_too(five: World) -> None:
    held = {"measure": "held", "stated_at": "2026-01-09", "window_from": None}
    claim_id = claim(five, 3, definition={"terms": {"gender": "female"}}, **held)
    now = five.get(f"/v1/claims/{claim_id}/reconciliation").json()["now"]
    assert (now["total"]["cases"], now["possible"]) == (1, {"low": 1, "high": 4})


def test_the_page_states_no_difference_within_the_bounds(five: World) -> None:
    within = f"/claims/{claim(five, 3, definition={'terms': {'gender': 'female'}})}"
    english, spanish = text_of(five, "/en" + within), text_of(five, "/es" + within)
    assert "The registry counts 1 to 4: of 3 a value that the claim asks for is not known or may not" in english
    assert "El registro cuenta entre 1 y 4: de 3 no se conoce o no se puede mostrar un dato" in spanish
    assert "On that same count at least 1 verified" in english
    assert "no independent source has verified" not in english
    assert "Without a known reason" not in english
    beyond = text_of(five, f"/en/claims/{claim(five, 9, definition={'terms': {'gender': 'female'}})}")
    assert "5 to 8" in beyond
    assert "5 that no independent source has verified" in beyond
