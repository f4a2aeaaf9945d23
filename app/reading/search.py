"""Search by name: people with this name, then people with a similar name, the most similar first.

Where the operator lets names that only reports ask for be searched and not listed (`Reader.names`), they are found by
the whole name as it is spelt, and by no part of it.
"""

import json
from functools import partial
from typing import Any

import numpy as np
from sqlalchemy import bindparam, select
from sqlmodel import Session, col

from app.columns.loader import Columns
from app.columns.rows import Array
from app.columns.store import columns_of
from app.db.engine import Key, require_time
from app.matching.blocking import BlockingQuery, look_up, search_keys
from app.matching.names import SAME, answers
from app.matching.scripts import PARTICLES, Script, fold, script_of
from app.models import CLASSES_OF_TODAY, DetaineePersonal, Placement
from app.projection.consolidate import said_of, value_of
from app.reading.classes import hidden
from app.reading.name_words import WHOLE, bearing
from app.reading.visibility import at
from app.registry.publication.permissions import Reader
from app.schemas.base import Facts
from app.unicode_text import normal

IN_ONE = (Script.HAN, Script.HANGUL)  # scripts in which a surname and a given name stand in one word
NOT_FOUND = 0
EXACT = 1000  # the rank of a name that holds every word as it was asked; others by likeness, in thousandths

# Made once: building a statement costs more than running it.
_SOME: Any = bindparam("some", expanding=True)
_REVISION: Any = bindparam("revision", type_=Key)
_PEOPLE = select(col(Placement.detainee)).where(col(Placement.record).in_(_SOME), at(Placement, _REVISION)).distinct()
_FACTS = select(col(DetaineePersonal.detainee), col(DetaineePersonal.facts)).where(
    col(DetaineePersonal.detainee).in_(_SOME), at(DetaineePersonal, _REVISION)
)


def is_whole_name(q: str) -> bool:
    """Whether a question is a name, and no way to browse names: two words at least, particles apart. A name that is
    written in one, as Chinese and Korean ones are, is whole with two characters."""
    words = {word for word in fold(q).split() if word not in PARTICLES}
    in_one = any(script_of(word) in IN_ONE and len(normal("NFC", word)) > 1 for word in words)
    return in_one or len(words) > 1


def by_name(session: Session, reader: Reader, q: str, revision: int) -> Array:
    """By key of a person, the rank, highest first, of those whose folded name holds every folded word of the question,
    in any order, or the same words spelt otherwise, among the people whose name the reader may see; of all others
    NOT_FOUND. People whom the reader may only find are those whose name has every word as it was asked, if the question
    is a whole name.

    People with a similar name are found by the keys that stand today, and judged by their name at the revision.
    """
    columns, words = columns_of(session), [*dict.fromkeys(fold(q).split())]
    ranks = np.full(columns.keys, NOT_FOUND, np.int16)
    if not words:
        return ranks  # punctuation alone is nobody's name, and stands in everybody's
    in_time = partial(require_time, session.connection())
    ranks[bearing(columns, words, reader.named, revision, in_time)] = EXACT
    if reader.finding != reader and is_whole_name(q):
        whole = [WHOLE.format(word) for word in words]
        ranks[bearing(columns, whole, reader.finding.named, revision, in_time)] = EXACT
    for person, likeness in _alike(session, columns, reader, q, revision, ranks).items():
        ranks[person] = likeness
    return ranks


def _alike(session: Session, columns: Columns, reader: Reader, q: str, revision: int, ranks: Array) -> dict[int, int]:
    """Person → likeness in thousandths, of those found by the keys of the question and not otherwise (`ranks`)."""
    records = [hit.record for hit in look_up(session, BlockingQuery(search_keys(q)), reader.named)]
    run = session.connection().execute
    people = np.array(run(_PEOPLE, {"some": records, "revision": revision}).scalars().all() if records else [], np.intp)
    unnamed = [publish for publish in CLASSES_OF_TODAY if publish not in reader.named]
    others = people[(ranks[people] == NOT_FOUND) & ~hidden(columns, people, unnamed, revision)].tolist()
    rows = run(_FACTS, {"some": others, "revision": revision}).all() if others else []
    scored = {detainee: max((answers(q, name) for name in _names(facts)), default=0.0) for detainee, facts in rows}
    return {detainee: round(value * EXACT) for detainee, value in scored.items() if value >= SAME}


def _names(facts: str) -> list[str]:
    """Every source's spelling of the name, and the aliases."""
    about: Facts = json.loads(facts)
    spellings = [group["value"] for group in said_of(about, "full_name")]
    return [*spellings, *(value_of(about, "aliases") or [])]
