"""The bounds of a claim with a personal term follow from the class of a person, never from a hidden value."""

from typing import Any

import pytest

from tests.claims.test_personal_terms import claim, file_five
from tests.support import Body, World

HIDDEN: list[Body] = [{"publish": "anonymous"}, {"publish": "counted"}]
CARRIED: list[Body] = [
    {"gender": "female"}, {"gender": "male"}, {}, {"groups": ["student"], "gender": "female"}, {"category": "military"},
]  # fmt: skip
TERMS: list[Body] = [
    {"gender": "female"}, {"gender": "male"}, {"category": "military"}, {"group": "student"},
    {"gender": "female", "category": "military"},
]  # fmt: skip


def bounds(world: World, **terms: Any) -> Body:
    claim_id = claim(world, 3, definition={"terms": terms})
    answer = world.get(f"/v1/claims/{claim_id}/reconciliation").json()
    return {side: answer[side]["possible"] for side in ("then", "now")}


@pytest.mark.parametrize("hidden", HIDDEN)
def test_whatever_a_hidden_person_carries_the_bounds_are_one_higher(world: World, hidden: Body) -> None:
    file_five(world)
    before = [bounds(world, **terms) for terms in TERMS]
    for number, carried in enumerate(CARRIED, 1):
        world.file(
            detainee__full_name=f"Invento Número {'ABCDE'[number - 1]}", detainee__birth_date=str(1950 + number),
            release__released_on="2026-01-09", verification__verified_on="2026-01-09",
            **{f"detainee__{field}": value for field, value in {**carried, **hidden}.items()},
        )  # fmt: skip
        for terms, known in zip(TERMS, before, strict=True):
            raised = {"low": known["now"]["low"], "high": known["now"]["high"] + number}
            assert bounds(world, **terms) == {"then": raised, "now": raised}, (carried, terms)


def test_an_illness_and_no_group_at_all_give_the_same_bounds(world: World) -> None:
    """A list shows no illness of a named person: a group that is neither unknown nor another one would tell of it."""
    file_five(world)
    for groups in ([], ["gravely_ill"]):
        before = bounds(world, group="student")["now"]
        world.file(
            detainee__full_name=f"Invento {'Sano' if not groups else 'Doliente'} Paz", detainee__birth_date="1971",
            detainee__publish="named", release__released_on="2026-01-09", detainee__groups=groups or None,
        )  # fmt: skip
        assert bounds(world, group="student")["now"] == {"low": before["low"], "high": before["high"] + 1}, groups
    assert bounds(world, group="gravely_ill")["now"] == {"low": 0, "high": 7}
