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
from app.log.entries import compute_keyed_digest
from app.models import Objection
from app.models.log import ObjectionWish
from app.networks import find_network
from app.registry.records import TargetKind
from app.registry.write import new_id
from app.schemas.reports import Line, StrictModel
from app.schemas.text import validate_prose

# Of a hundred hostile networks, one in eighty times one falls into the bucket of a given other network.
BUCKETS = 8_192
# A family, or a lawyer with several clients, between two beats. With BUCKETS 65,536 rows, of 6 kB at the very most.
SLOTS_PER_BUCKET = 8
# What providers give to one customer at most, and so the least that a hostile one has for nothing.
PREFIX_V4, PREFIX_V6 = 24, 48
# Listed people hidden at once on objections that nobody answered: as many as two curators can read in a day.
MAX_HIDDEN_PEOPLE = 50
# Of these on the word of one network of one day: a family. Whoever speaks for more people has curators to write to.
MAX_HIDDEN_PER_NETWORK = 5
# A hiding that nobody has answered for so long may have to give its place to another: curators look once a day.
ANSWER_TIMEOUT = timedelta(hours=24)

_PATH_KINDS: dict[str, TargetKind] = {"detainees": "detainee", "detentions": "detention", "releases": "release"}
_ADDRESS_PATTERN = re.compile(
    r"(?:https?://[^/\s?#]+)?(?:/v1)?/(detainees|detentions|releases)/([0-9a-f-]{32,36})(?:[/?#].*)?", re.IGNORECASE
)


def parse_registry_address(address: str) -> tuple[TargetKind, uuid.UUID] | None:
    """The kind and the id in an address of the registry, with or without the host; None for any other text."""
    match = _ADDRESS_PATTERN.fullmatch(address.strip())
    if match is None:
        return None
    try:
        return _PATH_KINDS[match[1].lower()], uuid.UUID(match[2])
    except ValueError:
        return None


class NetworkSlots:
    """The places of networks in the queue. No address is stored: a network is a bucket under a key that lives in this
    process alone, for one day."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._day: date | None = None
        self._key = b""
        self._name = ""
        self._slot_counts: Counter[int] = Counter()

    def assign_slot(self, host: str, now: datetime) -> tuple[str, int]:
        """`(name of the network, slot)` for the next objection from an address of a client."""
        with self._lock:
            if self._day != now.date():
                self._day, self._key, self._name = now.date(), secrets.token_bytes(32), secrets.token_hex(4)
                self._slot_counts.clear()
            network = find_network(host, PREFIX_V4, PREFIX_V6) or ""  # all clients without an address are one
            bucket = int(compute_keyed_digest(self._key, network), 16) % BUCKETS
            turn = self._slot_counts[bucket] % SLOTS_PER_BUCKET
            self._slot_counts[bucket] += 1
            return f"{self._name}-{bucket}", bucket * SLOTS_PER_BUCKET + turn


@dataclass(frozen=True, slots=True)
class ObjectionTarget:
    """A person to whom objections point: the networks that they came from, and since when they wait, or hide."""

    person: int
    networks: frozenset[str]
    since: datetime


def choose_next_hiding(
    hidden_targets: Collection[ObjectionTarget], waiting_targets: Collection[ObjectionTarget], now: datetime
) -> tuple[ObjectionTarget, ObjectionTarget | None] | None:
    """Who is hidden next, and who gives the place up where none is free; None where everybody stays as they are.

    A target counts for whichever of its networks hides fewest, so that joining an objection never weakens it. The
    network with the fewest comes first, of equals the oldest. It takes a place from one that hides two more at any
    time, from one that hides one more after ANSWERED_WITHIN, and never from one that hides as few.
    """
    hidings_per_network = Counter(network for target in hidden_targets for network in target.networks)

    def share(target: ObjectionTarget) -> int:
        return min((hidings_per_network[network] for network in target.networks), default=0)

    eligible = [target for target in waiting_targets if share(target) < MAX_HIDDEN_PER_NETWORK]
    if not eligible:
        return None
    first = min(eligible, key=lambda target: (share(target), target.since, target.person))
    if len(hidden_targets) < MAX_HIDDEN_PEOPLE:
        return first, None
    replaceable = [
        target
        for target in hidden_targets
        if share(target) - share(first) >= (1 if now - target.since >= ANSWER_TIMEOUT else 2)
    ]
    if not replaceable:
        return None
    return first, max(replaceable, key=lambda target: (share(target), now - target.since, -target.person))


# Half a page says who somebody is and what is wrong; what proves it is asked for by curators, elsewhere.
MAX_OBJECTION_LENGTH = 1_000

_FREE_SLOT = delete(Objection).where(col(Objection.slot) == bindparam("at"))
_INSERT_OBJECTION = insert(Objection)


ObjectionText = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_OBJECTION_LENGTH),
    AfterValidator(validate_prose),
]


class ObjectionIn(StrictModel):
    about: Line
    wish: ObjectionWish
    words: ObjectionText | None = None
    contact: Line | None = None


def store_objection(session: Session, secret: bytes, body: ObjectionIn, network: str, slot: int, now: datetime) -> None:
    """Store an objection at a place of its network, in place of what still waits there. Its words and the contact,
    which can name the family of somebody in danger, are sealed."""
    run, objection_id = session.connection().execute, new_id()
    run(_FREE_SLOT, {"at": slot})
    row = {"id": objection_id, "slot": slot, "network": network, "received_at": now, "state": "received"}
    texts = {"words": body.words, "contact": body.contact}
    sealed_texts = {
        name: text and head.seal_bytes(secret, text.encode(), objection_id, name) for name, text in texts.items()
    }
    run(_INSERT_OBJECTION, {**row, "about": body.about, "wish": body.wish, **sealed_texts})
