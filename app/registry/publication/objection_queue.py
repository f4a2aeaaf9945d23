"""Queue objections fairly between networks: assign slots, store objections, and choose whom to hide next.

The queue is a stochastic fair queue (P. E. McKenney, "Stochastic Fairness Queueing", INFOCOM 1990). A network falls
into one of BUCKETS by a digest under a key of the day. A bucket has SLOTS_PER_BUCKET slots, and a new objection takes
the oldest. So the number of rows is bounded, no network can crowd out another outside its bucket, and the buckets
change every day.

A request stores one row, by the same statements for every objection."""

import re
import secrets
import uuid
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network
from threading import Lock
from typing import Annotated

from pydantic import AfterValidator, StringConstraints
from sqlalchemy import bindparam, delete, insert
from sqlmodel import Session, col

from app.log import sealing
from app.log.entries import compute_keyed_digest
from app.models import Objection
from app.models.log import ObjectionWish
from app.registry.records import TargetKind
from app.registry.write import new_id
from app.schemas.reports import Line, StrictModel
from app.schemas.text import validate_prose


def find_network(host: str, bits_v4: int, bits_v6: int) -> str | None:
    """Return the network of the first bits of an address; None for text that is no address, as behind a Unix socket.

    A mapped IPv4 address counts as IPv4; the interface of a link-local address (`%eth0`) is ignored.
    """
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    bits = bits_v4 if address.version == 4 else bits_v6
    if bits == address.max_prefixlen:
        return str(address)  # quick: this runs for each request of an IPv4 client
    return str(ip_network((address, bits), strict=False))


# With a hundred hostile networks, the chance that one shares the bucket of a given other network is one in eighty.
BUCKETS = 8_192
# The objections of a family, or of a lawyer with several clients, between two runs of the job. With BUCKETS this is
# 65,536 rows of at most 6 kB each.
SLOTS_PER_BUCKET = 8
# The largest networks that providers assign to a customer, and so the smallest that a hostile customer has for free.
PREFIX_V4, PREFIX_V6 = 24, 48
# Listed people hidden at once on undecided objections: two curators can read as many in a day.
MAX_HIDDEN_PEOPLE = 50
# The same for objections from one network on one day: a family. Organisations can write to the curators.
MAX_HIDDEN_PER_NETWORK = 5
# A hiding that is undecided for this long may have to give its place to another. Curators look once a day.
ANSWER_TIMEOUT = timedelta(hours=24)

_PATH_KINDS: dict[str, TargetKind] = {"detainees": "detainee", "detentions": "detention", "releases": "release"}
_ADDRESS_PATTERN = re.compile(
    r"(?:https?://[^/\s?#]+)?(?:/v1)?/(detainees|detentions|releases)/([0-9a-f-]{32,36})(?:[/?#].*)?", re.IGNORECASE
)


def parse_registry_address(address: str) -> tuple[TargetKind, uuid.UUID] | None:
    """Return the kind and the id in an address of the registry, with or without the host; None for any other text."""
    match = _ADDRESS_PATTERN.fullmatch(address.strip())
    if match is None:
        return None
    try:
        return _PATH_KINDS[match[1].lower()], uuid.UUID(match[2])
    except ValueError:
        return None


class NetworkSlots:
    """The slots of networks in the queue.

    No address is stored: a network is a bucket under a key that exists only in this process, for one day."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._day: date | None = None
        self._key = b""
        self._name = ""
        self._slot_counts: Counter[int] = Counter()

    def assign_slot(self, host: str, now: datetime) -> tuple[str, int]:
        """Return `(name of the network, slot)` for the next objection from a client's address."""
        with self._lock:
            if self._day != now.date():
                self._day, self._key, self._name = now.date(), secrets.token_bytes(32), secrets.token_hex(4)
                self._slot_counts.clear()
            network = find_network(host, PREFIX_V4, PREFIX_V6) or ""  # clients without an address are one network
            bucket = int(compute_keyed_digest(self._key, network), 16) % BUCKETS
            turn = self._slot_counts[bucket] % SLOTS_PER_BUCKET
            self._slot_counts[bucket] += 1
            return f"{self._name}-{bucket}", bucket * SLOTS_PER_BUCKET + turn


@dataclass(frozen=True, slots=True)
class ObjectionTarget:
    """A person with objections: the networks of the objections, and since when they wait, or hide the person."""

    person: int
    networks: frozenset[str]
    since: datetime


def choose_next_hiding(
    hidden_targets: Collection[ObjectionTarget], waiting_targets: Collection[ObjectionTarget], now: datetime
) -> tuple[ObjectionTarget, ObjectionTarget | None] | None:
    """Return who is hidden next and who is shown again for it, if no place is free; None if nothing changes.

    A target counts for the network of its own that hides fewest people, so that joining an objection never weakens it.
    The target whose network hides fewest comes first, then the oldest. It replaces a target of a network that hides two
    more at any time, or one more after ANSWER_TIMEOUT, and never one of a network that hides as few.
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


# Half a page is enough to explain who somebody is and what is wrong. Curators ask for proof elsewhere.
MAX_OBJECTION_LENGTH = 1_000

_FREE_SLOT = delete(Objection).where(col(Objection.slot) == bindparam("slot"))
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
    """Store an objection in its slot, in place of an older one. Its words and the contact are sealed.

    They can name the family of somebody in danger."""
    run, objection_id = session.connection().execute, new_id()
    run(_FREE_SLOT, {"slot": slot})
    row = {"id": objection_id, "slot": slot, "network": network, "received_at": now, "state": "received"}
    texts = {"words": body.words, "contact": body.contact}
    sealed_texts = {
        name: text and sealing.seal_bytes(secret, text.encode(), objection_id, name) for name, text in texts.items()
    }
    run(_INSERT_OBJECTION, {**row, "about": body.about, "wish": body.wish, **sealed_texts})
