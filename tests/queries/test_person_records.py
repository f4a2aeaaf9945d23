"""What a list reads of its people is all that it shows of them."""

import pytest

from tests.columns.lives import life
from tests.support import World


@pytest.mark.parametrize("kind", ["releases", "detentions", "detainees"])
def test_a_thing_is_shown_in_a_list_as_at_its_own_address(world: World, kind: str) -> None:
    for _happened in life(world):
        pass
    for who in (None, "reader", "curator"):
        listed = world.get(f"/v1/{kind}", who).json()["data"]
        assert listed
        for thing in listed:
            alone = world.get(f"/v1/{kind}/{thing['id']}", who).json()
            assert {name: alone[name] for name in thing} == thing
