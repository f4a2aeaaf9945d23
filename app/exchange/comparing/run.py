"""Compare a list with another list or with the registry, or a person with the registry."""

from datetime import datetime
from functools import partial
from math import inf

from sqlmodel import Session

from app.exchange.comparing import registry
from app.exchange.comparing.files import read
from app.exchange.comparing.registry import Scope
from app.exchange.comparing.report import ListComparison, compare
from app.exchange.imports import stored
from app.exchange.imports.faults import BadFile
from app.exchange.imports.lists import open_list
from app.exchange.imports.mapping import Mapping
from app.log import content
from app.log.entries import head
from app.matching.alignment import Deadline, TooLong
from app.registry.publication.permissions import Reader
from app.schemas.imports import CandidatesOut
from app.schemas.reports import PersonSoughtIn

# Not compared with the registry: an agreement would disclose the identification number.
NOT_COMPARED = "detainee.national_id"

TAKES_TOO_LONG = (
    "Too many rows of this list are like too many others, or have too many names: part it, by country or by year, or "
    "compare it on your own machine (recuento match)."
)

List = tuple[bytes, Mapping | None]


def two_lists(mine: List, theirs: List, now: datetime) -> ListComparison:
    """A comparison of two files. Raises BadFile."""
    their_list = read(open_list(*theirs), now)
    return {**compare(read(open_list(*mine), now), their_list.detentions), "unread_theirs": their_list.unread}


def with_registry(
    session: Session, secret: bytes, now: datetime, reader: Reader, mine: List, scope: Scope, *, seconds: float = inf
) -> ListComparison:
    """A comparison of a file with the registry as this reader may see it, within so many processor seconds in all.
    Raises BadFile, Invalid."""
    deadline = Deadline(seconds)
    source = reader.source
    saved = (lambda _: None) if source is None else partial(stored.saved_mapping, session, secret, source)
    try:
        listed = read(open_list(*mine, saved), now, registry.same_place(session), deadline)
        revision = head(session)[0]
        theirs = registry.beside(session, secret, now, reader, revision, listed, scope, deadline)
        compared = compare(listed, theirs.detentions, theirs.tied, theirs.in_scope, deadline)
    except TooLong:
        raise BadFile("takes_too_long", TAKES_TOO_LONG) from None
    return {**compared, "lists": theirs.lists, "revision": revision}


def with_person(session: Session, now: datetime, reader: Reader, sought: PersonSoughtIn) -> CandidatesOut:
    """The candidate people of a report of this person, as far as this reader may know. Nothing is stored."""
    reported = content.with_age_today(content.flatten(sought.model_dump(mode="json")), now)
    reported.pop(NOT_COMPARED, None)
    revision = head(session)[0]
    return {"candidates": registry.who_may_be(session, reader, revision, reported), "revision": revision}
