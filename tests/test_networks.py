"""Which addresses are one client, and which one network."""

import ipaddress
from functools import partial

from hypothesis import given
from hypothesis import strategies as st

from app.api.middleware.rate_limits import NETWORK_PREFIXES, RateLimiter
from app.registry.publication.objection_queue import PREFIX_V4, PREFIX_V6, find_network

client_of = partial(find_network, bits_v4=NETWORK_PREFIXES[-1][0], bits_v6=NETWORK_PREFIXES[-1][1])
neighbours_of = partial(find_network, bits_v4=PREFIX_V4, bits_v6=PREFIX_V6)


@given(st.text())
def test_no_text_fails(text: str) -> None:
    assert find_network(text, 32, 64) is None or "." in text or ":" in text


def test_a_household_is_one_client_and_a_mapped_address_is_what_it_maps() -> None:
    assert client_of("2001:db8:1:2:3:4:5:6") == client_of("2001:db8:1:2::1") != client_of("2001:db8:1:3::1")
    assert client_of("::ffff:203.0.113.7") == client_of("203.0.113.7") != client_of("203.0.113.8")


@given(st.ip_addresses(v=6))
def test_of_an_ipv6_address_no_bit_of_the_host_counts(address: ipaddress.IPv6Address) -> None:
    if address.ipv4_mapped is None:
        kept = ipaddress.IPv6Network(str(client_of(str(address))))
        assert kept.prefixlen == 64
        assert int(kept.network_address) >> 64 == int(address) >> 64


def test_neighbours_are_one_network_and_others_are_not() -> None:
    assert neighbours_of("198.51.100.7") == neighbours_of("198.51.100.250") == neighbours_of("::ffff:198.51.100.9")
    assert neighbours_of("198.51.100.7") != neighbours_of("198.51.101.7")
    assert neighbours_of("2001:db8:1:2::1") == neighbours_of("2001:db8:1:ffff::9") != neighbours_of("2001:db8:2::1")
    assert neighbours_of("fe80::1%eth0") == neighbours_of("fe80::2")


def test_what_is_no_address_has_no_network() -> None:
    assert client_of("unix") is neighbours_of("testclient") is neighbours_of("") is None


def test_a_client_shares_turns_with_its_networks_and_a_circuit_of_tor_with_all_others() -> None:
    identify = partial(RateLimiter(0, 0).identify, None)
    neighbour, household = identify("198.51.100.7"), identify("2001:db8:1:2::1")
    assert neighbour[0] == identify("198.51.100.8")[0] != identify("198.51.101.7")[0]
    assert neighbour != identify("198.51.100.8")
    assert household == identify("2001:db8:1:2::9") != identify("2001:db8:1:3::1")
    assert household[:2] == identify("2001:db8:1:3::1")[:2] != identify("2001:db8:1:1002::1")[:2]
    assert household[0] == identify("2001:db8:1:1002::1")[0] != identify("2001:db8:2::1")[0]
    circuits = identify("fc00:dead:beef:4dad::1:2"), identify("fc00:dead:beef:4dad::1:3")
    assert circuits[0][0] == circuits[1][0]
    assert circuits[0] != circuits[1]
    assert not any("198" in str(name) for name in neighbour)


def test_a_source_is_one_client_by_each_of_its_valid_keys_and_an_unknown_key_is_none() -> None:
    rates = RateLimiter(0, 0)
    rates.learn("rcn_one", "source 3")
    rates.learn("rcn_two", "source 3")
    assert rates.identify("rcn_one", "198.51.100.7") == rates.identify("rcn_two", "2001:db8::1") == ("source 3",)
    rates.learn("rcn_two", None)
    assert rates.identify("rcn_two", "198.51.100.7") == rates.identify(None, "198.51.100.7")
