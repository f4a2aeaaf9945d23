"""Who has a word in their name that holds a text: indexes of words, in memory.

An index has the names of people of some classes of publication alone: those whose name a reader may see. So a look-up
meets nobody else, and costs the same whether or not somebody hidden is so called.

An index serves later heads too. Rows that came since, and those of people whose class has opened since, are in a small
one beside it, which each head makes anew; whoever has closed has the large one made anew.

Search by name: people with this name, then people with a similar name, the most similar first.

Where the operator lets names that only reports ask for be searched and not listed (`Reader.names`), they are found by
the whole name as it is spelt, and by no part of it.

The people of whom a report may speak, as far as the key that filed the report may know of them (rule 12)."""

import json
import uuid
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.columns.loader import Columns
from app.columns.rows import Array, Mask, Places, among, flags
from app.columns.store import columns_of
from app.columns.table import NAME, NAMES, PERSON, PLACEMENTS, SINCE, UNTIL
from app.db.engine import Key, require_time
from app.log import entries
from app.matching.blocking import BlockingQuery, look_up, search_keys
from app.matching.names import SAME, answers
from app.matching.scripts import PARTICLES, Script, fold, script_of
from app.models import CLASSES_OF_TODAY, Decision, DetaineePersonal, Placement, Record, Sealed
from app.projection.consolidate import said_of, value_of
from app.queries.visibility import at, hidden
from app.registry.publication.permissions import Reader
from app.schemas.base import Facts
from app.schemas.filed import Candidate
from app.unicode_text import normal
from app.vocabulary import Judgement

# Rows in the small index, which takes some milliseconds then: with more, the large one is made anew, in half a second
# for each million people.
MOST_BESIDE = 20_000
WHOLE = "\n{}\n"  # what is sought in place of a word, to find it alone and not as a part of others


class Index:
    """Rows of the table of names by word. All words stand in one text, which is searched much faster than they are."""

    def __init__(self, columns: Columns, places: Places) -> None:
        """`places`: of the rows, in any order."""
        word = columns.tables[NAMES.name].column(NAME)
        self._places = places[np.argsort(word[places], kind="stable")].astype(np.int32)
        by_word = word[self._places]
        first = np.flatnonzero(np.diff(by_word, prepend=-1))
        texts = [columns.values.text(code) or "" for code in by_word[first].tolist()]
        self._begins = np.append(first, len(places))
        self._starts = np.cumsum([0, *(len(text) + 1 for text in texts)])[:-1]
        self.text = "\n".join(("", *texts, ""))

    def places(self, sought: str) -> Places:
        """Where the rows stand whose word holds a text (`WHOLE`: is it)."""
        found, at = list[int](), self.text.find(sought)
        while at >= 0:
            found.append(at)
            at = self.text.find(sought, at + 1)
        words = np.unique(np.searchsorted(self._starts, np.array(found, np.intp), "right") - 1)
        begins, ends = self._begins[words].tolist(), self._begins[words + 1].tolist()
        return np.concatenate(
            [self._places[:0], *(self._places[begin:end] for begin, end in zip(begins, ends, strict=True))]
        )


class Large(NamedTuple):
    """An index of all rows that there were then (`rows`) of these people (`whose`, by key)."""

    words: Index
    rows: int
    whose: Mask


class Indexes(NamedTuple):
    """What serves one head. `mixed`: people who once had a record that is of another class today: what they were
    called then may be the name of somebody who is hidden, so that their rows are in no index."""

    large: Index
    beside: Index
    mixed: Sequence[int]


def bearing(
    columns: Columns,
    sought: Sequence[str],
    classes: tuple[str, ...],
    revision: int,
    require_time: Callable[[], None] = lambda: None,
) -> Array:
    """The people of these classes whose name had, at the revision, a word for each text that is sought
    (`Index.places`), in ascending order. `require_time` raises where the time for the answer is over."""
    others = [publish for publish in CLASSES_OF_TODAY if publish not in classes]
    made = _indexes(columns, classes)
    table = columns.tables[NAMES.name]
    apart = _standing(columns, np.array([*table.places(made.mixed)], np.intp), revision)
    apart = apart[~hidden(columns, table.column(PERSON)[apart], others, revision)]
    indexes = made.large, made.beside, Index(columns, apart)
    called = np.ones(columns.keys, bool)
    for text in sought:
        require_time()
        called &= _with_word(columns, indexes, text, revision)
    return np.flatnonzero(called)


def _with_word(columns: Columns, indexes: Sequence[Index], sought: str, revision: int) -> Mask:
    """By key, whether a person's name had such a word."""
    places = _standing(columns, np.concatenate([index.places(sought) for index in indexes]), revision)
    return flags(columns.keys, columns.tables[NAMES.name].column(PERSON)[places])


def _standing(columns: Columns, places: Places, revision: int) -> Places:
    """Where, of these, the rows stand that hold at a revision."""
    table = columns.tables[NAMES.name]
    places = places[places < len(table)]  # another may have made an index for a later head
    held = table.column(UNTIL)[places] > revision
    if revision < columns.head:
        held &= table.column(SINCE)[places] <= revision
    return places[held]


def _indexes(columns: Columns, classes: tuple[str, ...]) -> Indexes:
    name = f"names of {classes}"
    made: Indexes | None = columns.made.get(name)
    if made is None:
        made = columns.made[name] = _made(columns, classes)
    return made


def _made(columns: Columns, classes: tuple[str, ...]) -> Indexes:
    """A person's class is the strictest of its records' classes: one record is enough to leave somebody out. The key of
    a person is that of a record which it had at every revision."""
    members = among(columns.classes, [CLASSES_OF_TODAY.index(publish) for publish in classes])
    placed = columns.tables[PLACEMENTS.name]
    mixed = members & flags(columns.keys, placed.column(PERSON)[~members[placed.column("record")]])
    whose = members & ~mixed
    large: Large | None = columns.indexes.get(classes)
    beside = None if large is None else _beside(columns, large, whose)
    if large is None or beside is None or len(beside) > MOST_BESIDE:
        table = columns.tables[NAMES.name]
        places = np.flatnonzero(whose[table.column(PERSON)])
        large = columns.indexes[classes] = Large(Index(columns, places), len(table), whose)
        beside = places[:0]
    return Indexes(large.words, Index(columns, beside), np.flatnonzero(mixed).tolist())


def _beside(columns: Columns, large: Large, whose: Mask) -> Places | None:
    """Where the rows of some people (`whose`) stand that an index has not; None where it has some of others."""
    table = columns.tables[NAMES.name]
    known = min(len(whose), len(large.whose))
    then, now = large.whose[:known], whose[:known]
    if bool((then & ~now).any()):
        return None
    opened = [place for place in table.places(np.flatnonzero(now & ~then).tolist()) if place < large.rows]
    came = np.arange(large.rows, len(table))
    return np.array([*opened, *came[whose[table.column(PERSON)[came]]].tolist()], np.intp)


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


_HOLDER: Any = aliased(Record)
_DECIDED = (
    select(col(Decision.score), col(Record.publish_now), _HOLDER.detainee_id, col(Sealed.disclosures))
    .join(Record, col(Record.id) == col(Decision.a))
    .join(Placement, col(Placement.record) == col(Record.key))  # none of a recalled record
    .join(_HOLDER, _HOLDER.key == col(Placement.detainee))
    .outerjoin(Sealed, col(Sealed.revision) == col(Decision.key))
    .where(
        col(Decision.b) == bindparam("of"),
        col(Decision.decided_by) == "matcher",
        col(Decision.key) < bindparam("at"),
        or_(col(Decision.judgement) == Judgement.UNSURE, col(Decision.judgement) == Judgement.SAME),
        col(Placement.since) <= bindparam("at"),
        col(Placement.until) > bindparam("at"),
    )
    .order_by(col(Decision.score).desc(), col(Decision.key))
)


def match_candidates(session: Session, record: uuid.UUID, revision: int, reader: Reader) -> list[Candidate]:
    """The people whom the matcher found, best first, as far as this key may know of them."""
    rows = session.connection().execute(_DECIDED, {"of": record, "at": revision})
    return [
        {"detainee_id": detainee, "score": score / 1000, "reasons": entries.values(disclosures).get("reasons", [])}
        for score, publish, detainee, disclosures in rows
        if reader.recognises(publish)
    ]
