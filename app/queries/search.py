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
from app.columns.rows import Array, Mask, Places, flag_keys, is_any_of
from app.columns.store import get_columns
from app.columns.table import NAME_COLUMN, NAMES, PERSON_COLUMN, PLACEMENTS, SINCE_COLUMN, UNTIL_COLUMN
from app.db.engine import Key, require_time
from app.log import entries
from app.matching.blocking import BlockingQuery, build_search_keys, find_blocking_hits
from app.matching.names import SAME_NAME_SCORE, score_search
from app.matching.scripts import PARTICLES, Script, detect_script, fold
from app.models import CURRENT_CLASSES, Decision, DetaineePersonal, Placement, Record, Sealed
from app.projection.consolidate import get_fact_value, get_reported_values
from app.queries.visibility import match_classes, valid_at
from app.registry.publication.permissions import Reader
from app.schemas.base import Facts
from app.schemas.filed import Candidate
from app.unicode_text import normalize_text
from app.vocabulary import Judgement

# Rows in the small index, which takes some milliseconds then: with more, the large one is made anew, in half a second
# for each million people.
MAX_RECENT_ROWS = 20_000
WHOLE_WORD = "\n{}\n"  # what is sought in place of a word, to find it alone and not as a part of others


class WordIndex:
    """Rows of the table of names by word. All words stand in one text, which is searched much faster than they are."""

    def __init__(self, columns: Columns, places: Places) -> None:
        """`find_places`: of the rows, in any order."""
        word = columns.tables[NAMES.name].column(NAME_COLUMN)
        self._places = places[np.argsort(word[places], kind="stable")].astype(np.int32)
        by_word = word[self._places]
        first = np.flatnonzero(np.diff(by_word, prepend=-1))
        texts = [columns.values.text(code) or "" for code in by_word[first].tolist()]
        self._row_starts = np.append(first, len(places))
        self._text_starts = np.cumsum([0, *(len(text) + 1 for text in texts)])[:-1]
        self.text = "\n".join(("", *texts, ""))

    def find_places(self, substring: str) -> Places:
        """Where the rows stand whose word holds a text (`WHOLE_WORD`: is it)."""
        positions, position = list[int](), self.text.find(substring)
        while position >= 0:
            positions.append(position)
            position = self.text.find(substring, position + 1)
        word_numbers = np.unique(np.searchsorted(self._text_starts, np.array(positions, np.intp), "right") - 1)
        begins, ends = self._row_starts[word_numbers].tolist(), self._row_starts[word_numbers + 1].tolist()
        return np.concatenate(
            [self._places[:0], *(self._places[begin:end] for begin, end in zip(begins, ends, strict=True))]
        )


class MainIndex(NamedTuple):
    """An index of all rows that there were then (`row_count`) of these people (`members`, by key)."""

    word_index: WordIndex
    row_count: int
    members: Mask


class IndexSet(NamedTuple):
    """What serves one head. `mixed_people`: people who once had a record that is of another class today: what they were
    called then may be the name of somebody who is hidden, so that their rows are in no index."""

    main: WordIndex
    recent: WordIndex
    mixed_people: Sequence[int]


def find_people_by_words(
    columns: Columns,
    texts: Sequence[str],
    classes: tuple[str, ...],
    revision: int,
    check_time: Callable[[], None] = lambda: None,
) -> Array:
    """The people of these classes whose name had, at the revision, a word for each text that is sought
    (`WordIndex.find_places`), in ascending order. `check_time` raises where the time for the answer is over."""
    other_classes = [publish for publish in CURRENT_CLASSES if publish not in classes]
    index_set = _load_indexes(columns, classes)
    table = columns.tables[NAMES.name]
    mixed_places = _filter_valid_rows(columns, np.array([*table.places(index_set.mixed_people)], np.intp), revision)
    mixed_places = mixed_places[
        ~match_classes(columns, table.column(PERSON_COLUMN)[mixed_places], other_classes, revision)
    ]
    indexes = index_set.main, index_set.recent, WordIndex(columns, mixed_places)
    has_words = np.ones(columns.key_count, bool)
    for text in texts:
        check_time()
        has_words &= _match_word(columns, indexes, text, revision)
    return np.flatnonzero(has_words)


def _match_word(columns: Columns, indexes: Sequence[WordIndex], substring: str, revision: int) -> Mask:
    """By key, whether a person's name had such a word."""
    places = _filter_valid_rows(columns, np.concatenate([index.find_places(substring) for index in indexes]), revision)
    return flag_keys(columns.key_count, columns.tables[NAMES.name].column(PERSON_COLUMN)[places])


def _filter_valid_rows(columns: Columns, places: Places, revision: int) -> Places:
    """Where, of these, the rows stand that hold at a revision."""
    table = columns.tables[NAMES.name]
    places = places[places < len(table)]  # another may have made an index for a later head
    is_valid = table.column(UNTIL_COLUMN)[places] > revision
    if revision < columns.head:
        is_valid &= table.column(SINCE_COLUMN)[places] <= revision
    return places[is_valid]


def _load_indexes(columns: Columns, classes: tuple[str, ...]) -> IndexSet:
    cache_key = f"names of {classes}"
    index_set: IndexSet | None = columns.shared_values.get(cache_key)
    if index_set is None:
        index_set = columns.shared_values[cache_key] = _build_indexes(columns, classes)
    return index_set


def _build_indexes(columns: Columns, classes: tuple[str, ...]) -> IndexSet:
    """A person's class is the strictest of its records' classes: one record is enough to leave somebody out. The key of
    a person is that of a record which it had at every revision."""
    has_class = is_any_of(columns.classes, [CURRENT_CLASSES.index(publish) for publish in classes])
    placements = columns.tables[PLACEMENTS.name]
    is_mixed = has_class & flag_keys(
        columns.key_count, placements.column(PERSON_COLUMN)[~has_class[placements.column("record")]]
    )
    members = has_class & ~is_mixed
    main: MainIndex | None = columns.indexes.get(classes)
    recent_places = None if main is None else _find_recent_rows(columns, main, members)
    if main is None or recent_places is None or len(recent_places) > MAX_RECENT_ROWS:
        table = columns.tables[NAMES.name]
        places = np.flatnonzero(members[table.column(PERSON_COLUMN)])
        main = columns.indexes[classes] = MainIndex(WordIndex(columns, places), len(table), members)
        recent_places = places[:0]
    return IndexSet(main.word_index, WordIndex(columns, recent_places), np.flatnonzero(is_mixed).tolist())


def _find_recent_rows(columns: Columns, main: MainIndex, members: Mask) -> Places | None:
    """Where the rows of some people (`members`) stand that an index has not; None where it has some of others."""
    table = columns.tables[NAMES.name]
    shared_size = min(len(members), len(main.members))
    old_members, new_members = main.members[:shared_size], members[:shared_size]
    if bool((old_members & ~new_members).any()):
        return None
    opened_places = [
        place for place in table.places(np.flatnonzero(new_members & ~old_members).tolist()) if place < main.row_count
    ]
    new_places = np.arange(main.row_count, len(table))
    return np.array([*opened_places, *new_places[members[table.column(PERSON_COLUMN)[new_places]]].tolist()], np.intp)


UNSPACED_SCRIPTS = (Script.HAN, Script.HANGUL)  # scripts in which a surname and a given name stand in one word
NOT_FOUND = 0
EXACT_RANK = 1000  # the rank of a name that holds every word as it was asked; others by likeness, in thousandths

# Made once: building a statement costs more than running it.
_SEARCH_KEYS: Any = bindparam("some", expanding=True)
_SEARCH_REVISION: Any = bindparam("revision", type_=Key)
_PEOPLE_STATEMENT = (
    select(col(Placement.detainee))
    .where(col(Placement.record).in_(_SEARCH_KEYS), valid_at(Placement, _SEARCH_REVISION))
    .distinct()
)
_FACTS_STATEMENT = select(col(DetaineePersonal.detainee), col(DetaineePersonal.facts)).where(
    col(DetaineePersonal.detainee).in_(_SEARCH_KEYS), valid_at(DetaineePersonal, _SEARCH_REVISION)
)


def is_whole_name(q: str) -> bool:
    """Whether a question is a name, and no way to browse names: two words at least, particles apart. A name that is
    written in one, as Chinese and Korean ones are, is whole with two characters."""
    words = {word for word in fold(q).split() if word not in PARTICLES}
    has_unspaced_name = any(
        detect_script(word) in UNSPACED_SCRIPTS and len(normalize_text("NFC", word)) > 1 for word in words
    )
    return has_unspaced_name or len(words) > 1


def rank_by_name(session: Session, reader: Reader, q: str, revision: int) -> Array:
    """By key of a person, the rank, highest first, of those whose folded name holds every folded word of the question,
    in any order, or the same words spelt otherwise, among the people whose name the reader may see; of all others
    NOT_FOUND. People whom the reader may only find are those whose name has every word as it was asked, if the question
    is a whole name.

    People with a similar name are found by the keys that stand today, and judged by their name at the revision.
    """
    columns, words = get_columns(session), [*dict.fromkeys(fold(q).split())]
    ranks = np.full(columns.key_count, NOT_FOUND, np.int16)
    if not words:
        return ranks  # punctuation alone is nobody's name, and stands in everybody's
    check_time = partial(require_time, session.connection())
    ranks[find_people_by_words(columns, words, reader.named_classes, revision, check_time)] = EXACT_RANK
    if reader.as_name_searcher != reader and is_whole_name(q):
        whole_words = [WHOLE_WORD.format(word) for word in words]
        ranks[
            find_people_by_words(columns, whole_words, reader.as_name_searcher.named_classes, revision, check_time)
        ] = EXACT_RANK
    for person, likeness in _rank_similar(session, columns, reader, q, revision, ranks).items():
        ranks[person] = likeness
    return ranks


def _rank_similar(
    session: Session, columns: Columns, reader: Reader, q: str, revision: int, ranks: Array
) -> dict[int, int]:
    """Person → likeness in thousandths, of those found by the keys of the question and not otherwise (`ranks`)."""
    records = [
        hit.record for hit in find_blocking_hits(session, BlockingQuery(build_search_keys(q)), reader.named_classes)
    ]
    run = session.connection().execute
    people = np.array(
        run(_PEOPLE_STATEMENT, {"some": records, "revision": revision}).scalars().all() if records else [], np.intp
    )
    hidden_classes = [publish for publish in CURRENT_CLASSES if publish not in reader.named_classes]
    candidates = people[
        (ranks[people] == NOT_FOUND) & ~match_classes(columns, people, hidden_classes, revision)
    ].tolist()
    rows = run(_FACTS_STATEMENT, {"some": candidates, "revision": revision}).all() if candidates else []
    scores = {
        detainee: max((score_search(q, name) for name in _list_names(facts)), default=0.0) for detainee, facts in rows
    }
    return {detainee: round(value * EXACT_RANK) for detainee, value in scores.items() if value >= SAME_NAME_SCORE}


def _list_names(facts: str) -> list[str]:
    """Every source's spelling of the name, and the aliases."""
    person_facts: Facts = json.loads(facts)
    spellings = [group["value"] for group in get_reported_values(person_facts, "full_name")]
    return [*spellings, *(get_fact_value(person_facts, "aliases") or [])]


_HOLDER_RECORD: Any = aliased(Record)
_MATCHER_DECISIONS = (
    select(col(Decision.score), col(Record.publish_now), _HOLDER_RECORD.detainee_id, col(Sealed.disclosures))
    .join(Record, col(Record.id) == col(Decision.a))
    .join(Placement, col(Placement.record) == col(Record.key))  # none of a recalled record
    .join(_HOLDER_RECORD, _HOLDER_RECORD.key == col(Placement.detainee))
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


def find_match_candidates(session: Session, record: uuid.UUID, revision: int, reader: Reader) -> list[Candidate]:
    """The people whom the matcher found, best first, as far as this key may know of them."""
    rows = session.connection().execute(_MATCHER_DECISIONS, {"of": record, "at": revision})
    return [
        {"detainee_id": detainee, "score": score / 1000, "reasons": entries.load_values(disclosures).get("reasons", [])}
        for score, publish, detainee, disclosures in rows
        if reader.can_recognise(publish)
    ]
