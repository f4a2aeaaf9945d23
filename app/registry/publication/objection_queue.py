"""Queue objections fairly between networks: name networks, store objections, and say how many people each may hide.

Networks take turns, and the oldest objection of each comes first. A request stores one row, by the same statements for
every objection. What exceeds the queue is deleted by the job, from the networks with the most."""

import re
import secrets
import uuid
from datetime import date, datetime
from ipaddress import IPv6Address, ip_address, ip_network
from threading import Lock
from typing import Annotated, Any

from pydantic import AfterValidator, StringConstraints
from sqlalchemy import func, insert
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


# The largest networks that providers assign to a customer, and so the smallest that a hostile customer has for free.
PREFIX_V4, PREFIX_V6 = 24, 48
# Listed people whom undecided objections from one network hide: a family. Organisations can write to the curators.
MAX_HIDDEN_PER_NETWORK = 5
# The same for everybody who comes through the onion service, which is one network here.
MAX_HIDDEN_THROUGH_TOR = 50
# Rows of at most 6 kB each.
MAX_QUEUED_OBJECTIONS = 65_536
TOR_SUFFIX = "tor"  # of the name of the network of the onion service
TOR_CIRCUITS = ip_network("fc00:dead:beef:4dad::/64")  # by which tor names circuits: HiddenServiceExportCircuitID
NAME_DIGITS = 16  # 64 bits: no two networks of a day share a name

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


class NetworkNames:
    """Names of networks for the queue.

    No address is stored: a name is a digest under a key that exists only in this process, for one day."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._day: date | None = None
        self._key = b""

    def name_network(self, host: str, now: datetime) -> str:
        """Return the name of a client's network. All who come through the onion service are one network."""
        with self._lock:
            if self._day != now.date():
                self._day, self._key = now.date(), secrets.token_bytes(32)
            if _is_through_tor(host):
                return f"{compute_keyed_digest(self._key)[:NAME_DIGITS]}-{TOR_SUFFIX}"
            return compute_keyed_digest(self._key, str(find_network(host, PREFIX_V4, PREFIX_V6)))[:NAME_DIGITS]


def _is_through_tor(host: str) -> bool:
    """Return whether a client is local, as the onion service is, or a circuit that it names by an address."""
    try:
        address = ip_address(host)
    except ValueError:
        return True
    return address.is_loopback or address in TOR_CIRCUITS


def get_hiding_limit(network: str) -> int:
    """Return how many people undecided objections from a network may hide."""
    return MAX_HIDDEN_THROUGH_TOR if network.endswith(TOR_SUFFIX) else MAX_HIDDEN_PER_NETWORK


def build_turn_order() -> tuple[Any, ...]:
    """Return the columns that order objections: networks in turn, oldest first within each."""
    by_age = (col(Objection.received_at), col(Objection.id))
    return (func.row_number().over(partition_by=col(Objection.network), order_by=by_age), *by_age)


# Half a page is enough to explain who somebody is and what is wrong. Curators ask for proof elsewhere.
MAX_OBJECTION_LENGTH = 1_000

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


def store_objection(session: Session, secret: bytes, body: ObjectionIn, network: str, now: datetime) -> None:
    """Store an objection. Its words and the contact are sealed.

    They can name the family of somebody in danger."""
    objection_id = new_id()
    row = {"id": objection_id, "network": network, "received_at": now, "state": "received"}
    texts = {"words": body.words, "contact": body.contact}
    sealed_texts = {
        name: text and sealing.seal_bytes(secret, text.encode(), objection_id, name) for name, text in texts.items()
    }
    session.connection().execute(_INSERT_OBJECTION, {**row, "about": body.about, "wish": body.wish, **sealed_texts})
