"""Choices that look like chance and are the same on every machine and every Python: digests, no generator."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")
Item = TypeVar("Item", int, str)


def draw(*parts: object) -> int:
    """A large number that depends on nothing but the parts."""
    text = "/".join(str(part) for part in parts)
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest())


def one_in(chance: int, *parts: object) -> bool:
    """True for about one in `chance`."""
    return draw(*parts) % chance == 0


def pick(options: Sequence[T], *parts: object) -> T:
    """One of the options."""
    return options[draw(*parts) % len(options)]


def shuffled(items: Iterable[Item], *parts: object) -> list[Item]:
    """The items in an order of their own."""
    return sorted(items, key=lambda item: draw(*parts, item))
