"""Lay a list beside another, or beside the registry."""

from datetime import datetime
from math import inf

from sqlmodel import Session

from app.exchange.comparing import registry
from app.exchange.comparing.files import read
from app.exchange.comparing.registry import Scope
from app.exchange.comparing.report import Comparison, compare
from app.exchange.imports import stored
from app.exchange.imports.faults import BadFile
from app.exchange.imports.lists import open_list
from app.exchange.imports.mapping import Mapping
from app.log.entries import head
from app.matching.align import Deadline, TooLong
from app.registry import content
from app.registry.policy import Reader
from app.registry.schemas import PersonSoughtIn
from app.wire.matching import CandidatesOut

# Never compared with the registry: that a number agrees would disclose the number.
UNTOLD = "detainee.national_id"

TAKES_TOO_LONG = (
    "Too many rows of this list are like too many others, or have too many names: part it, by country or by year, or "
    "compare it on your own machine (recuento match)."
)

List = tuple[bytes, Mapping | None]


def two_lists(mine: List, theirs: List, now: datetime) -> Comparison:
    """A comparison of two files. Raises BadFile."""
    other = read(open_list(*theirs), now)
    return {**compare(read(open_list(*mine), now), other.detentions), "unread_theirs": other.unread}


def with_registry(
    session: Session, secret: bytes, now: datetime, reader: Reader, mine: List, asked: Scope, *, seconds: float = inf
) -> Comparison:
    """A comparison of a file with the registry as this reader may see it, within a number of processor seconds, reading
    and look-up included. Raises BadFile, Invalid."""
    deadline = Deadline(seconds)
    source = reader.source
    saved = (lambda _digest: None) if source is None else (lambda digest: stored.saved_mapping(session, source, digest))
    try:
        listed = read(open_list(*mine, saved), now, registry.same_place(session), deadline)
        revision = head(session)[0]
        found = registry.beside(session, secret, now, reader, revision, listed, asked, deadline)
        compared = compare(listed, found.detentions, found.tied, found.asked, deadline)
    except TooLong:
        raise BadFile("takes_too_long", TAKES_TOO_LONG) from None
    return {**compared, "lists": found.lists, "revision": revision}


def with_person(session: Session, reader: Reader, sought: PersonSoughtIn) -> CandidatesOut:
    """The candidate people of a report of this person, as far as this reader may know. Nothing is stored."""
    said = content.flatten(sought.model_dump(mode="json"))
    said.pop(UNTOLD, None)
    revision = head(session)[0]
    return {"candidates": registry.who_may_be(session, reader, revision, said), "revision": revision}
