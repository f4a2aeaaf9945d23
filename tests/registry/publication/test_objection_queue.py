"""The networks of objections, and what an objection is about (pure)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.registry.publication.objection_queue import (
    MAX_HIDDEN_PER_NETWORK,
    MAX_HIDDEN_THROUGH_TOR,
    NetworkNames,
    get_hiding_limit,
    parse_registry_address,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ID = "51b4d1a6-3f1e-4cf0-9a35-0b8f3a6f2c11"


@pytest.mark.parametrize(
    "address",
    [f"/v1/detainees/{ID}", f"https://registry.example/v1/detainees/{ID}", f"/detainees/{ID}/history?as_of=3#x",
     f" /v1/detainees/{ID.upper()}", f"/v1/detainees/{ID.replace('-', '')}"],
)  # fmt: skip
def test_an_address_is_read_with_or_without_the_host(address: str) -> None:
    thing = parse_registry_address(address)
    assert thing is not None
    assert (thing[0], str(thing[1])) == ("detainee", ID)


@pytest.mark.parametrize(
    "text", ["", ID, f"/v1/sources/{ID}", "/v1/detainees/", f"/v1/detainees/{ID}x", "/v1/detainees/" + "-" * 36]
)
def test_any_other_text_names_nothing(text: str) -> None:
    assert parse_registry_address(text) is None


@given(st.text())
def test_no_text_fails(text: str) -> None:
    assert parse_registry_address(text) is None or "/" in text


def test_all_who_come_through_the_onion_service_are_one_network_with_more_room() -> None:
    names = NetworkNames()
    hosts = ("unix", "", "127.0.0.1", "::1", "fc00:dead:beef:4dad::7:1")
    (name,) = {names.name_network(host, NOW) for host in hosts}
    assert get_hiding_limit(name) == MAX_HIDDEN_THROUGH_TOR
    assert get_hiding_limit(names.name_network("198.51.100.7", NOW)) == MAX_HIDDEN_PER_NETWORK


def test_the_addresses_of_one_customer_are_one_network() -> None:
    names = NetworkNames()
    assert len({names.name_network(f"198.51.100.{last}", NOW) for last in (1, 7, 254)}) == 1
    assert len({names.name_network(f"198.51.{third}.7", NOW) for third in range(100)}) == 100


def test_neither_the_next_day_nor_another_process_knows_the_network_again() -> None:
    """Nothing that is stored tells where an objection came from, nor whether two days' came from one place."""
    today, tomorrow = NetworkNames(), NOW + timedelta(days=1)
    found = {today.name_network("198.51.100.7", NOW), NetworkNames().name_network("198.51.100.7", NOW)}
    found.add(today.name_network("198.51.100.7", tomorrow))
    assert len(found) == 3
