"""Turns: no client waits for ever, nor longer because another asks for more; and the queue has an end."""

import asyncio
from collections import Counter, defaultdict, deque
from itertools import count
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Busy
from app.fair_queue import Client, FairQueue
from app.lanes import Lane, Sender, current_sender
from tests.drawn import examples

ATTACKER, OTHER = ("203.0.113.0/24", "203.0.113.7"), ("198.51.100.0/24", "198.51.100.9")
CLIENTS: st.SearchStrategy[Client] = st.tuples(st.sampled_from("ABC"), st.sampled_from("abc"))
COSTS = st.sampled_from([0.0, 0.01, 1.0, 30.0])


class Served:
    """A lane on a clock of the test. A turn costs as much as its item says."""

    def __init__(self, places: int, capacity: int = 10_000) -> None:
        self.queue: FairQueue[tuple[int, Client, float]] = FairQueue(capacity)
        self.running: list[tuple[float, int, Client, float]] = []
        self.places, self.now, self._numbers = places, 0.0, count()
        self.begun: dict[int, float] = {}

    def ask(self, client: Client, cost: float = 1.0) -> int:
        number = next(self._numbers)
        self.queue.add(client, (number, client, cost))
        self._begin()
        return number

    def _begin(self) -> None:
        while len(self.running) < self.places and (item := self.queue.pop()) is not None:
            number, client, cost = item
            self.begun[number] = self.now
            self.running.append((self.now + cost, number, client, cost))

    def go_on(self) -> Client | None:
        """End the turn that ends first, and return whose it was."""
        if not self.running:
            return None
        ended = min(self.running)
        self.running.remove(ended)
        self.now, _number, client, cost = ended
        self.queue.finish(client, cost)
        self._begin()
        return client


@pytest.mark.parametrize("places", [1, 2, 5])
@pytest.mark.parametrize("other", [OTHER, ("203.0.113.0/24", "203.0.113.8"), ("source 7",)], ids=str)
def test_a_client_with_a_thousand_requests_delays_another_by_at_most_one_turn(places: int, other: Client) -> None:
    lane = Served(places)
    for _number in range(1_000):
        lane.ask(ATTACKER)
    for _round in range(50):
        lane.go_on()
        asked_at, number = lane.now, lane.ask(other)
        while number not in lane.begun:
            lane.go_on()
        assert lane.begun[number] - asked_at <= 1.0


@examples(60)
@given(st.lists(st.tuples(CLIENTS, COSTS), max_size=60), st.integers(1, 3), CLIENTS)
def test_no_client_waits_for_ever_though_others_come_again_and_again(
    asked: list[tuple[Client, float]], places: int, who: Client
) -> None:
    lane = Served(places)
    for client, cost in asked:
        lane.ask(client, cost)
    number = lane.ask(who)
    for _turn in range(1_000):
        if number in lane.begun:
            return
        ended = lane.go_on()
        assert ended is not None
        lane.ask(ended)
    raise AssertionError("its turn never comes")


def test_no_client_waits_for_ever_though_strangers_come_whom_nobody_saw_before() -> None:
    lane = Served(1)
    for _number in range(3):
        lane.ask(ATTACKER, 5.0)
    last = lane.ask(ATTACKER)
    for stranger in range(1_000):
        if last in lane.begun:
            return
        lane.ask((f"network {stranger}", "one"))
        lane.go_on()
    raise AssertionError("its turn never comes")


@examples(60)
@given(st.lists(st.integers(1, 3), min_size=2, max_size=6), st.integers(1, 2))
def test_networks_have_equal_time_however_many_clients_and_however_long_requests_each_has(
    sizes: list[int], places: int
) -> None:
    lane, used = Served(places), defaultdict[str, float](float)
    for index, size in enumerate(sizes):
        for client in [*range(size)] * 3:  # each has asked for more before its turn ends
            lane.ask((f"network {index}", client), 1.0 + index)
    while lane.now < 400:
        ended = lane.go_on()
        assert ended is not None
        cost = 1.0 + int(str(ended[0]).split()[1])
        used[str(ended[0])] += cost
        lane.ask(ended, cost)
    places_used = min(places, len(sizes))
    fair = 400 * places_used / len(sizes)
    longest = 1.0 + len(sizes)
    assert all(abs(seconds - fair) <= 0.1 * fair + 3 * longest for seconds in used.values()), used


@examples(60)
@given(st.lists(CLIENTS, max_size=80), st.integers(1, 10))
def test_of_too_many_the_newest_of_the_client_with_most_is_refused(clients: list[Client], capacity: int) -> None:
    queue: FairQueue[int] = FairQueue(capacity)
    waiting: dict[int, Client] = {}
    for number, client in enumerate(clients):
        waiting[number] = client
        queue.add(client, number)
        refused = queue.remove_excess(client)
        assert (refused is None) == (len(waiting) <= capacity)
        if refused is not None:
            networks = Counter(str(each[0]) for each in waiting.values())
            network = str(waiting[refused][0])
            assert networks[network] == max(networks.values())
            members = Counter(each for each in waiting.values() if each[0] == network)
            assert members[waiting[refused]] == max(members.values())
            assert refused == max(each for each, who in waiting.items() if who == waiting[refused])
            del waiting[refused]
        assert len(queue) == len(waiting) <= capacity


@examples(60)
@given(st.lists(CLIENTS, max_size=40), st.randoms(use_true_random=False))
def test_what_is_removed_has_no_turn_and_everything_else_has_one(clients: list[Client], choice: Random) -> None:
    queue: FairQueue[int] = FairQueue(100)
    for number, client in enumerate(clients):
        queue.add(client, number)
    removed = {number for number in range(len(clients)) if choice.random() < 0.4}
    for number in removed:
        queue.remove(clients[number], number)
        queue.remove(clients[number], number)  # again, to no effect
    taken = deque[int]()
    while (item := queue.pop()) is not None:
        taken.append(item)
        queue.finish(clients[item], 1.0)
    assert sorted(taken) == [number for number in range(len(clients)) if number not in removed]
    assert not queue._root.parts or max(part.used - queue._root.level for part in queue._root.parts.values()) > 0


async def _hold(lane: Lane, client: Client, log: list[Client], seconds: float = 0.0) -> None:
    current_sender.set(Sender(client))
    async with lane.hold():
        log.append(client)
        await asyncio.sleep(seconds)


def test_a_client_whose_request_is_cancelled_leaves_no_place_taken() -> None:
    async def scene() -> tuple[list[Client], int]:
        lane, log = Lane(1), list[Client]()
        first = asyncio.create_task(_hold(lane, ATTACKER, log, 60))
        second = asyncio.create_task(_hold(lane, ATTACKER, log))
        third = asyncio.create_task(_hold(lane, OTHER, log))
        await asyncio.sleep(0)
        first.cancel()
        second.cancel()
        await asyncio.gather(first, second, third, return_exceptions=True)
        return log, lane.free_places

    assert asyncio.run(scene()) == ([ATTACKER, OTHER], 1)


def test_a_full_lane_refuses_the_newest_of_the_client_with_most_and_says_when_to_come_again() -> None:
    async def scene() -> list[object]:
        lane, log = Lane(1, max_waiting=2), list[Client]()
        tasks = [asyncio.create_task(_hold(lane, client, log)) for client in [ATTACKER] * 3 + [OTHER]]
        return list(await asyncio.gather(*tasks, return_exceptions=True))

    results = asyncio.run(scene())
    assert [isinstance(result, Busy) for result in results] == [False, False, True, False]
    assert isinstance(results[2], Busy)
    assert results[2].headers["Retry-After"] == "10"
