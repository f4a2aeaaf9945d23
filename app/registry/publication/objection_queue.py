"""Which place an objection waits at, and which of those that wait hide somebody: fair between the networks that they
come from, however many one of them sends (pure but for a day's memory of networks).

The queue is a stochastic fair queue (P. E. McKenney, "Stochastic Fairness Queueing", INFOCOM 1990): a network falls
into one of BUCKETS by a digest under a key of the day, and has PLACES_EACH places there, of which a new objection takes
the oldest. So it is bounded in rows whatever comes, no network can crowd out another outside its bucket, and the next
day the buckets are dealt anew.

What a request does with an objection: it stores one row, by the same statements whatever the row is about."""

import re
import secrets
import uuid
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from threading import Lock
from typing import Annotated

from pydantic import AfterValidator, StringConstraints
from sqlalchemy import bindparam, delete, insert
from sqlmodel import Session, col

from app.log import head
from app.log.entries import keyed_digest
from app.models import Objection
from app.models.log import ObjectionWish
from app.networks import network_of
from app.registry.records import Kind
from app.registry.write import new_id
from app.schemas.reports import Line, Shape
from app.schemas.text import prose

# Of a hundred hostile networks, one in eighty times one falls into the bucket of a given other network.
BUCKETS = 8_192
# A family, or a lawyer with several clients, between two beats. With BUCKETS 65,536 rows, of 6 kB at the very most.
PLACES_EACH = 8
# What providers give to one customer at most, and so the least that a hostile one has for nothing.
PREFIX_V4, PREFIX_V6 = 24, 48
# Listed people hidden at once on objections that nobody answered: as many as two curators can read in a day.
MOST_HIDDEN = 50
# Of these on the word of one network of one day: a family. Whoever speaks for more people has curators to write to.
MOST_OF_NETWORK = 5
# A hiding that nobody has answered for so long may have to give its place to another: curators look once a day.
ANSWERED_WITHIN = timedelta(hours=24)

_PATHS: dict[str, Kind] = {"detainees": "detainee", "detentions": "detention", "releases": "release"}
_ADDRESS = re.compile(
    r"(?:https?://[^/\s?#]+)?(?:/v1)?/(detainees|detentions|releases)/([0-9a-f-]{32,36})(?:[/?#].*)?", re.IGNORECASE
)


def thing_at(address: str) -> tuple[Kind, uuid.UUID] | None:
    """The kind and the id in an address of the registry, with or without the host; None for any other text."""
    found = _ADDRESS.fullmatch(address.strip())
    if found is None:
        return None
    try:
        return _PATHS[found[1].lower()], uuid.UUID(found[2])
    except ValueError:
        return None


class Networks:
    """The places of networks in the queue. No address is stored: a network is a bucket under a key that lives in this
    process alone, for one day."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._day: date | None = None
        self._key = b""
        self._name = ""
        self._taken: Counter[int] = Counter()

    def place(self, host: str, now: datetime) -> tuple[str, int]:
        """`(name of the network, slot)` for the next objection from an address of a client."""
        with self._lock:
            if self._day != now.date():
                self._day, self._key, self._name = now.date(), secrets.token_bytes(32), secrets.token_hex(4)
                self._taken.clear()
            network = network_of(host, PREFIX_V4, PREFIX_V6) or ""  # all clients without an address are one
            bucket = int(keyed_digest(self._key, network), 16) % BUCKETS
            turn = self._taken[bucket] % PLACES_EACH
            self._taken[bucket] += 1
            return f"{self._name}-{bucket}", bucket * PLACES_EACH + turn


@dataclass(frozen=True, slots=True)
class Target:
    """A person to whom objections point: the networks that they came from, and since when they wait, or hide."""

    person: int
    networks: frozenset[str]
    since: datetime


def next_to_hide(
    hidden: Collection[Target], waiting: Collection[Target], now: datetime
) -> tuple[Target, Target | None] | None:
    """Who is hidden next, and who gives the place up where none is free; None where everybody stays as they are.

    A target counts for whichever of its networks hides fewest, so that joining an objection never weakens it. The
    network with the fewest comes first, of equals the oldest. It takes a place from one that hides two more at any
    time, from one that hides one more after ANSWERED_WITHIN, and never from one that hides as few.
    """
    hiding = Counter(network for target in hidden for network in target.networks)

    def share(target: Target) -> int:
        return min((hiding[network] for network in target.networks), default=0)

    allowed = [target for target in waiting if share(target) < MOST_OF_NETWORK]
    if not allowed:
        return None
    first = min(allowed, key=lambda target: (share(target), target.since, target.person))
    if len(hidden) < MOST_HIDDEN:
        return first, None
    givers = [
        target
        for target in hidden
        if share(target) - share(first) >= (1 if now - target.since >= ANSWERED_WITHIN else 2)
    ]
    if not givers:
        return None
    return first, max(givers, key=lambda target: (share(target), now - target.since, -target.person))


# Half a page says who somebody is and what is wrong; what proves it is asked for by curators, elsewhere.
MOST_WORDS = 1_000

_FREE_SLOT = delete(Objection).where(col(Objection.slot) == bindparam("at"))
_INSERT = insert(Objection)


Words = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MOST_WORDS), AfterValidator(prose)
]


class ObjectionIn(Shape):
    about: Line
    wish: ObjectionWish
    words: Words | None = None
    contact: Line | None = None


def receive(session: Session, secret: bytes, sent: ObjectionIn, network: str, slot: int, now: datetime) -> None:
    """Store an objection at a place of its network, in place of what still waits there. Its words and the contact,
    which can name the family of somebody in danger, are sealed."""
    run, objection = session.connection().execute, new_id()
    run(_FREE_SLOT, {"at": slot})
    row = {"id": objection, "slot": slot, "network": network, "received_at": now, "state": "received"}
    texts = {"words": sent.words, "contact": sent.contact}
    sealed = {name: text and head.seal(secret, text.encode(), objection, name) for name, text in texts.items()}
    run(_INSERT, {**row, "about": sent.about, "wish": sent.wish, **sealed})
