"""Search by name: people with this name, then people with a similar name, the most similar first.

Where the operator lets names that only reports ask for be searched and not listed (`Reader.names`), they are found by
the whole name as it is spelt, and by no part of it.
"""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import and_, bindparam, literal, or_, select
from sqlmodel import Session, col

from app.matching.fold import PARTICLES, fold
from app.matching.lookup import BlockingQuery, look_up
from app.matching.name_keys import search_keys
from app.matching.names import SAME, answers
from app.matching.scripts import Script, script_of
from app.models import CLASSES_OF_TODAY, DetaineePersonal, Placement
from app.normal import normal
from app.reading.visibility import Condition, at, hidden, unless
from app.registry.projection.consolidate import said_of, value_of
from app.registry.read_permissions import Reader
from app.wire.base import Facts

IN_ONE = (Script.HAN, Script.HANGUL)  # scripts in which a surname and a given name stand in one word
EXACT = 1000  # the rank of a name that holds every word as it was asked; others by likeness, in thousandths


def is_whole_name(q: str) -> bool:
    """Whether a question is a name, and no way to browse names: two words at least, particles apart. A name that is
    written in one, as Chinese and Korean ones are, is whole with two characters."""
    words = {word for word in fold(q).split() if word not in PARTICLES}
    in_one = any(script_of(word) in IN_ONE and len(normal("NFC", word)) > 1 for word in words)
    return in_one or len(words) > 1


def by_name(session: Session, reader: Reader, q: str, revision: int) -> dict[int, int]:
    """Person → rank, highest first, of the people whose folded name holds every folded word of the question, in any
    order, or the same words spelt otherwise, among the people whose name the reader may see. People whom the reader may
    only find are those whose name has every word as it was asked, if the question is a whole name.

    People with a similar name are found by the keys that stand today, and judged by their name at the revision.
    """
    words = fold(q).split()
    if not words:
        return {}  # punctuation alone is nobody's name, and stands in everybody's
    alike = _alike(session, reader, q, revision)
    detainee, name = col(DetaineePersonal.detainee), col(DetaineePersonal.folded_name)
    so_called = _so_called(name, words)
    matches = _among(reader, detainee, revision, or_(so_called, detainee.in_(alike)) if alike else so_called)
    if reader.finding != reader and is_whole_name(q):
        whole = _so_called(literal(" ") + name + literal(" "), [f" {word} " for word in words])
        matches = or_(matches, _among(reader.finding, detainee, revision, whole))
    found = session.scalars(select(detainee).where(at(DetaineePersonal, revision), matches))
    return {person: alike.get(person, EXACT) for person in found}


def _so_called(name: Any, parts: Sequence[str]) -> Condition:
    """Whether a person's name, as a column, holds every part."""
    return and_(*(name.contains(part, autoescape=True) for part in parts))


def _among(reader: Reader, detainee: Any, revision: int, matches: Condition) -> Condition:
    """`matches`, read only of people whose name the reader may see."""
    unnamed = tuple(publish for publish in CLASSES_OF_TODAY if publish not in reader.named)
    return unless(hidden(detainee, unnamed, revision) if unnamed else None, matches)


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
