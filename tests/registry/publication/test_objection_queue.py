"""Where objections wait, and which of them hide: fair between networks (pure)."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.registry.publication.objection_queue import (
    ANSWER_TIMEOUT,
    BUCKETS,
    MAX_HIDDEN_PEOPLE,
    MAX_HIDDEN_PER_NETWORK,
    SLOTS_PER_BUCKET,
    NetworkSlots,
    ObjectionTarget,
    choose_next_hiding,
    parse_registry_address,
)
from tests.drawn import examples

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


def test_all_who_have_no_address_share_the_places_of_one_network() -> None:
    networks = NetworkSlots()
    assert networks.assign_slot("unix", NOW)[0] == networks.assign_slot("", NOW)[0]


def test_a_network_has_its_places_and_takes_the_oldest_again() -> None:
    networks = NetworkSlots()
    taken = [networks.assign_slot("198.51.100.7", NOW) for _objection in range(SLOTS_PER_BUCKET + 1)]
    assert len({name for name, _slot in taken}) == 1
    assert len({slot for _name, slot in taken}) == SLOTS_PER_BUCKET
    assert taken[0] == taken[-1]
    assert all(0 <= slot < BUCKETS * SLOTS_PER_BUCKET for _name, slot in taken)


def test_neither_the_next_day_nor_another_process_knows_the_network_again() -> None:
    """Nothing that is stored tells where an objection came from, nor whether two days' came from one place."""
    today, tomorrow = NetworkSlots(), NOW + timedelta(days=1)
    names = {today.assign_slot("198.51.100.7", NOW)[0], NetworkSlots().assign_slot("198.51.100.7", NOW)[0]}
    names.add(today.assign_slot("198.51.100.7", tomorrow)[0])
    assert len(names) == 3


def target(person: int, *networks: str, since: datetime = NOW) -> ObjectionTarget:
    return ObjectionTarget(person, frozenset(networks), since)


def full(*networks: str) -> list[ObjectionTarget]:
    """Every place taken, in turn by these networks."""
    return [target(person, networks[person % len(networks)]) for person in range(MAX_HIDDEN_PEOPLE)]


def test_the_oldest_is_hidden_where_places_are_free() -> None:
    first, second = target(1, "a", since=NOW - timedelta(hours=1)), target(2, "b")
    assert choose_next_hiding([], [second, first], NOW) == (first, None)
    assert choose_next_hiding([first], [], NOW) is None


def test_a_network_that_hides_fewer_comes_first() -> None:
    early = target(2, "a", since=NOW - timedelta(hours=9))
    late = target(3, "b")
    assert choose_next_hiding([target(1, "a")], [early, late], NOW) == (late, None)


def test_no_network_hides_more_than_its_number() -> None:
    hidden = [target(person, "a") for person in range(MAX_HIDDEN_PER_NETWORK)]
    assert choose_next_hiding(hidden, [target(99, "a")], NOW) is None
    assert choose_next_hiding(hidden, [target(99, "a", "b")], NOW) is not None


def test_a_network_with_none_takes_a_place_at_once_from_one_with_two() -> None:
    hidden = full(*map(str, range(MAX_HIDDEN_PEOPLE - 1)))  # one of them has two
    real = target(99, "real")
    move = choose_next_hiding(hidden, [real], NOW)
    assert move is not None
    assert move[0] == real
    assert move[1] is not None
    assert move[1].networks == {"0"}


def test_where_each_hides_one_the_oldest_gives_its_place_after_a_day() -> None:
    hidden = full(*map(str, range(MAX_HIDDEN_PEOPLE)))
    assert choose_next_hiding(hidden, [target(99, "real")], NOW + ANSWER_TIMEOUT - timedelta(seconds=1)) is None
    assert choose_next_hiding(hidden, [target(99, "real")], NOW + ANSWER_TIMEOUT) is not None


def test_a_stranger_who_joins_never_weakens_an_objection() -> None:
    """The real one and the stranger object to one person; the stranger's other people give their places up first."""
    hidden = [*full("a", "b", "c")[1:], target(0, "real", "a")]
    for person in range(100, 130):
        move = choose_next_hiding(hidden, [target(person, f"new {person}")], NOW)
        if move is None:
            break
        assert move[1] is not None
        assert move[1].person != 0
        hidden = [one for one in hidden if one is not move[1]] + [target(person, f"new {person}")]


NETWORKS = st.frozensets(st.sampled_from("abcdefgh"), min_size=1, max_size=2)
TARGETS = st.lists(NETWORKS, max_size=80)


@examples(50)
@given(TARGETS, TARGETS, st.integers(0, 30))
def test_moves_come_to_an_end_and_keep_every_bound(
    standing: list[frozenset[str]], coming: list[frozenset[str]], hours: int
) -> None:
    hidden = {n: ObjectionTarget(n, networks, NOW) for n, networks in enumerate(standing[:MAX_HIDDEN_PEOPLE])}
    waiting = {n: ObjectionTarget(n, networks, NOW) for n, networks in enumerate(coming, 1_000)}
    now, moves = NOW + timedelta(hours=hours), 0
    while (move := choose_next_hiding(hidden.values(), waiting.values(), now)) is not None:
        first, giver = move
        if giver is not None:
            del hidden[giver.person]
        del waiting[first.person]
        hidden[first.person] = ObjectionTarget(first.person, first.networks, now)
        moves += 1
        assert len(hidden) <= MAX_HIDDEN_PEOPLE
    assert moves <= len(coming)


@examples(30)
@given(st.integers(1, MAX_HIDDEN_PEOPLE - 1), st.integers(1, 400))
def test_a_real_objection_is_hidden_at_once_among_fewer_hostile_networks_than_places(hostile: int, each: int) -> None:
    """Whatever they send before and after it."""
    hidden: dict[int, ObjectionTarget] = {}
    waiting = {n: target(n, str(n % hostile)) for n in range(hostile * min(each, SLOTS_PER_BUCKET))}

    def beat() -> None:
        while (move := choose_next_hiding(hidden.values(), waiting.values(), NOW)) is not None:
            if move[1] is not None:
                del hidden[move[1].person]
            del waiting[move[0].person]
            hidden[move[0].person] = ObjectionTarget(move[0].person, move[0].networks, NOW)

    beat()
    waiting[-1] = target(-1, "real")
    beat()
    assert -1 in hidden
    waiting |= {n: target(n, str(n % hostile)) for n in range(10_000, 10_400)}
    beat()
    assert -1 in hidden
    loads = Counter(network for one in hidden.values() for network in one.networks)
    assert max(loads.values()) <= MAX_HIDDEN_PER_NETWORK


@pytest.mark.parametrize("hostile", [60, 120, 200])
def test_among_more_hostile_networks_a_real_objection_waits_a_day_for_every_fifty(hostile: int) -> None:
    """They send all the time, under new names every day. Once hidden, it stays so for a day."""
    hidden: dict[int, ObjectionTarget] = {}
    waiting: dict[int, ObjectionTarget] = {}
    hidden_at, shown_at, people, now = None, None, 0, NOW
    for hour in range(24 * (hostile // MAX_HIDDEN_PEOPLE + 3)):
        now = NOW + timedelta(hours=hour)
        if hour == 1:
            waiting[-1] = target(-1, "real", since=now)
        for network in range(hostile):
            people += 1
            waiting[people] = target(people, f"{now.date()} {network}", since=now)
        while (move := choose_next_hiding(hidden.values(), waiting.values(), now)) is not None:
            if move[1] is not None:
                del hidden[move[1].person]
            del waiting[move[0].person]
            hidden[move[0].person] = ObjectionTarget(move[0].person, move[0].networks, now)
        hidden_at = hidden_at or (now if -1 in hidden else None)
        shown_at = shown_at or (now if hidden_at and -1 not in hidden else None)
        waiting = {one: of for one, of in waiting.items() if one == -1 or now - of.since < timedelta(hours=8)}
    assert hidden_at is not None
    assert hidden_at - NOW <= timedelta(days=hostile / MAX_HIDDEN_PEOPLE, hours=1)
    assert shown_at is None or shown_at - hidden_at >= ANSWER_TIMEOUT
