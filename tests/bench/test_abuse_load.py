"""The short form of the floods: whoever is honest is answered beside them."""

import pytest

from tests.bench import abuse_load

SECONDS = 3.0


@pytest.mark.parametrize("name", abuse_load.FLOODS)
def test_every_honest_request_is_answered_beside_a_flood(name: str) -> None:
    with abuse_load.served_registry() as registry:
        load = abuse_load.measure(name, registry, SECONDS)
    assert load.statuses.keys() == {200}
    assert sum(load.flood.values()) > 0


def test_a_list_is_filed_beside_those_of_another_source() -> None:
    with abuse_load.served_registry() as registry:
        abuse_load.measure_lists(registry, rows=100)  # raises TimeoutError if one of them is not filed
