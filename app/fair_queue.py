"""A bounded queue that gives turns to clients, and within a network to its parts (pure).

A client is a path from the widest network that contains it to itself, such as `("192.0.2.0/24", "192.0.2.7")`. At each
step of the path the next turn goes to the part that has fewest turns under way, then to the part that has used least.
So a client with a thousand items delays another's first item by at most the rest of one turn. A client that comes has
used as much as the others have on average, so that none saves up turns and none waits for ever (A. Demers, S. Keshav
and S. Shenker, "Analysis and Simulation of a Fair Queueing Algorithm", SIGCOMM 1989).
"""

from collections.abc import Hashable
from dataclasses import dataclass, field
from itertools import chain, pairwise, repeat
from typing import Generic, TypeVar

Client = tuple[Hashable, ...]
Item = TypeVar("Item", bound=Hashable)
# Parts of one network that are remembered after their last turn, because they have used more than others.
MAX_REMEMBERED = 1_000


@dataclass(slots=True)
class _Part(Generic[Item]):
    """A client, or a network with its parts. `waiting`, `running`: items of all parts; `used`: the cost of their turns;
    `level`: what a new part has used; `order`: since when it waits for a turn."""

    used: float
    order: int
    items: dict[Item, None] = field(default_factory=dict)  # of a client, oldest first
    parts: "dict[Hashable, _Part[Item]]" = field(default_factory=dict)
    waiting: int = 0
    running: int = 0
    level: float = 0.0

    @property
    def rank(self) -> tuple[int, float, int]:
        return self.running, self.used, self.order

    @property
    def is_active(self) -> bool:
        return self.waiting + self.running > 0

    def find_next(self) -> "_Part[Item]":
        """Return the part whose turn it is."""
        return min((part for part in self.parts.values() if part.waiting), key=lambda part: part.rank)

    def find_largest(self, preferred_name: Hashable) -> Hashable:
        """Return the name of the part with most waiting items; of equals the preferred one."""
        return max(self.parts, key=lambda name: (self.parts[name].waiting, name == preferred_name))

    def forget_idle_parts(self) -> None:
        """Forget the parts that have no turn under way and no debt."""
        is_crowded = len(self.parts) > MAX_REMEMBERED
        for name, part in [*self.parts.items()]:
            if not part.is_active and (is_crowded or part.used <= self.level):
                del self.parts[name]


class FairQueue(Generic[Item]):
    """Items of clients, at most `capacity` of which wait. All items are different."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._root: _Part[Item] = _Part(0.0, 0)
        self._last_order = 0

    def __len__(self) -> int:
        return self._root.waiting

    def add(self, client: Client, item: Item) -> None:
        """Queue an item."""
        part = self._root
        part.waiting += 1
        for name in client:
            if name not in part.parts:
                part.forget_idle_parts()
                part.parts[name] = _Part(part.level, 0)
            parent, part = part, part.parts[name]
            if not part.is_active:
                part.used, part.order = max(part.used, parent.level), self._count_order()
            part.waiting += 1
        part.items[item] = None

    def remove_excess(self, newcomer: Client) -> Item | None:
        """If too many wait, remove and return the newest item of the part with most, the newcomer's if equal."""
        if self._root.waiting <= self._capacity:
            return None
        largest = self._find_largest(newcomer)
        newest = next(reversed(self._follow(largest)[-1].items))
        self.remove(largest, newest)
        return newest

    def _find_largest(self, newcomer: Client) -> Client:
        """Return the client of which an item is removed: at each step the part with most, the newcomer's if equal."""
        part, path = self._root, list[Hashable]()
        for own_name in chain(newcomer, repeat(None)):
            if not part.parts:
                break
            path.append(part.find_largest(own_name))
            part = part.parts[path[-1]]
        return tuple(path)

    def remove(self, client: Client, item: Item) -> None:
        """Remove an item that waits; do nothing if it does not."""
        path = self._follow(client)
        if len(path) <= len(client) or item not in path[-1].items:
            return
        del path[-1].items[item]
        for part in path:
            part.waiting -= 1
        for part in path[:-1]:
            part.forget_idle_parts()

    def pop(self) -> Item | None:
        """Take the item whose turn it is; None if none waits. Its turn lasts until `finish`."""
        if not self._root.waiting:
            return None
        part = self._root
        part.waiting, part.running = part.waiting - 1, part.running + 1
        while part.parts:
            part = part.find_next()
            part.waiting, part.running, part.order = part.waiting - 1, part.running + 1, self._count_order()
        item = next(iter(part.items))
        del part.items[item]
        return item

    def finish(self, client: Client, cost: float) -> None:
        """End a turn of a client, which has cost this much, such as seconds."""
        path = self._follow(client)
        for parent, part in pairwise(path):
            parent.level += cost / sum(1 for each in parent.parts.values() if each.is_active)
            part.used += cost
            parent.running -= 1
        path[-1].running -= 1
        for part in path[:-1]:
            part.forget_idle_parts()

    def _count_order(self) -> int:
        self._last_order += 1
        return self._last_order

    def _follow(self, client: Client) -> list[_Part[Item]]:
        """Return the parts on a client's path, from all clients together to itself; fewer if it has nothing here."""
        path = [self._root]
        for name in client:
            part = path[-1].parts.get(name)
            if part is None:
                break
            path.append(part)
        return path
