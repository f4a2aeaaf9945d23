"""Search by name: people with this name, then people with a similar name, the most similar first."""

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, case, exists, false, literal, or_, select
from sqlmodel import Session, col

from app.matching.fold import fold
from app.matching.lookup import BlockingQuery, look_up
from app.matching.name_keys import search_keys
from app.matching.names import SAME, answers
from app.models import DetaineePersonal, Placement
from app.reading.visibility import Condition, at, hidden, unless
from app.registry.projection.consolidate import said_of, value_of
from app.registry.read_permissions import Reader
from app.vocabulary import Publish
from app.wire.base import Facts

EXACT = 1000  # the rank of a name that holds every word as it was asked; others by likeness, in thousandths


@dataclass(frozen=True)
class Search:
    """A condition on people whose name the reader may see, and their rank, highest first."""

    inside: Condition
    rank: Any


def by_name(session: Session, reader: Reader, q: str, detainee: Any, revision: int) -> Search:
    """People whose folded name holds every folded word of the question, in any order, or the same words spelt
    otherwise, among the people whose name the reader may see.

    People with a similar name are found by the keys that stand today, and judged by their name at the revision.
    """
    words = fold(q).split()
    if not words:
        return Search(false(), literal(EXACT))  # punctuation alone is nobody's name, and stands in everybody's
    so_called = exists(
        select(1).where(
            col(DetaineePersonal.detainee) == detainee,
            *(col(DetaineePersonal.folded_name).contains(word, autoescape=True) for word in words),
            at(DetaineePersonal, revision),
        )
    )
    alike = _alike(session, reader, q, revision)
    matches = or_(so_called, detainee.in_(alike)) if alike else so_called
    unnamed = tuple(publish for publish in Publish if publish not in reader.named)
    matches = unless(hidden(detainee, unnamed, revision) if unnamed else None, matches)
    return Search(matches, case(alike, value=detainee, else_=EXACT) if alike else literal(EXACT))


def _alike(session: Session, reader: Reader, q: str, revision: int) -> dict[int, int]:
    """Person → likeness in thousandths, of those found by the keys of the question whose name the reader may see."""
    records = [hit.record for hit in look_up(session, BlockingQuery(search_keys(q)), reader.named)]
    if not records:
        return {}
    rows = session.execute(
        select(col(Placement.detainee), col(DetaineePersonal.facts))
        .join(DetaineePersonal, col(DetaineePersonal.detainee) == col(Placement.detainee))
        .where(
            col(Placement.record).in_(bindparam("records", expanding=True)),
            at(Placement, revision),
            at(DetaineePersonal, revision),
        ),
        {"records": records},
    )
    scored = {detainee: max((answers(q, name) for name in _names(facts)), default=0.0) for detainee, facts in rows}
    return {detainee: round(value * EXACT) for detainee, value in scored.items() if value >= SAME}


def _names(facts: str) -> list[str]:
    """Every source's spelling of the name, and the aliases."""
    about: Facts = json.loads(facts)
    spellings = [group["value"] for group in said_of(about, "full_name")]
    return [*spellings, *(value_of(about, "aliases") or [])]
