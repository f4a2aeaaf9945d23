"""Whether what clients were answered can have come from one log that only grows (pure).

Clients write down what they asked, when it began, when it ended, and what was answered. Whoever was told of a revision
before another began has the smaller one, whichever clients they are: that is what "linearizable" means of a log.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Written:
    """An acknowledged write with its receipt. `what`: which request it was; `begun`: when it was first sent, however
    often it was sent again."""

    client: str
    what: str
    begun: float
    ended: float
    revision: int
    leaf: str


@dataclass(frozen=True)
class Seen:
    """An answer about the head, and the revision that it named."""

    client: str
    begun: float
    ended: float
    revision: int


@dataclass(frozen=True)
class Pinned:
    """An answer about a revision in the past: its address, and a digest of its bytes."""

    address: str
    digest: str


def faults(leaves: Sequence[str], history: Iterable[Written | Seen | Pinned]) -> list[str]:
    """What cannot be, in sentences. `leaves`: the leaf hashes of the log as it stands, from revision 1."""
    every = list(history)
    written = [one for one in every if isinstance(one, Written)]
    timed = [one for one in every if not isinstance(one, Pinned)]
    pinned = [one for one in every if isinstance(one, Pinned)]
    return [*_not_where_told(leaves, written), *_given_twice(written), *_out_of_order(timed), *_moved(pinned)]


def _not_where_told(leaves: Sequence[str], written: list[Written]) -> list[str]:
    told = []
    for one in written:
        stands = leaves[one.revision - 1] if 0 < one.revision <= len(leaves) else "nothing"
        if stands != one.leaf:
            told.append(f"{one.what} was acknowledged at {one.revision} as {one.leaf}, where {stands} stands")
    return told


def _given_twice(written: list[Written]) -> list[str]:
    """One revision for two requests, or two for one."""
    told = []
    of_revision: dict[int, str] = {}
    of_request: dict[str, int] = {}
    for one in written:
        if of_revision.setdefault(one.revision, one.what) != one.what:
            told.append(f"{one.revision} was given to {of_revision[one.revision]} and to {one.what}")
        if of_request.setdefault(one.what, one.revision) != one.revision:
            told.append(f"{one.what} was acknowledged at {of_request[one.what]} and at {one.revision}")
    return told


def _out_of_order(timed: list[Written | Seen]) -> list[str]:
    told = []
    ended = sorted(timed, key=lambda one: one.ended)
    newest: Written | Seen | None = None  # of those that had ended before this one began
    number = 0
    for one in sorted(timed, key=lambda one: one.begun):
        while ended[number].ended < one.begun:
            if newest is None or ended[number].revision > newest.revision:
                newest = ended[number]
            number += 1
        if newest is None:
            continue
        if isinstance(one, Written) and one.revision <= newest.revision:
            told.append(f"{one.client} wrote {one.revision} after {newest.client} had been told of {newest.revision}")
        if isinstance(one, Seen) and one.revision < newest.revision:
            told.append(f"{one.client} saw {one.revision} after {newest.client} had been told of {newest.revision}")
    return told


def _moved(pinned: list[Pinned]) -> list[str]:
    first: dict[str, str] = {}
    moved = {one.address for one in pinned if first.setdefault(one.address, one.digest) != one.digest}
    return [f"{address} was answered with other bytes later" for address in sorted(moved)]
