"""Search people by name, with in-memory word indexes, and list the matcher's candidates for a report.

An index has only the names of people in publication classes whose name the reader may see. So a lookup never reads
other people, and takes the same time whether or not somebody hidden has the name. An index serves later heads too: rows
added since, and those of people whose class has opened since, are in a small index rebuilt for each head; if a class
has closed, the main index is rebuilt.

People with the exact name are followed by people with similar names, most similar first. If the operator allows names
without consent to be searched but not listed (`Reader.names`), they are found by the whole name as it is spelt, not by
a part of it. Candidates are limited to people that the key that filed the report may know of."""

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
from app.queries.selection.visibility import match_classes, valid_at
from app.registry.publication.permissions import Reader
from app.schemas.base import Facts
from app.schemas.filed import Candidate
from app.unicode_text import normalize_text
from app.vocabulary import Judgement

# Rows in the small index, which then takes some milliseconds; beyond it the main index is rebuilt, in half a second per
# million people.
MAX_RECENT_ROWS = 20_000
WHOLE_WORD = "\n{}\n"  # matches a whole word instead of a substring


class WordIndex:
    """Rows of the table of names by word. One text joins all words, because searching it is much faster than searching
    each."""

    def __init__(self, columns: Columns, places: Places) -> None:
        """`places`: of the rows, in any order."""
        word = columns.tables[NAMES.name].column(NAME_COLUMN)
        self._places = places[np.argsort(word[places], kind="stable")].astype(np.int32)
        by_word = word[self._places]
        first = np.flatnonzero(np.diff(by_word, prepend=-1))
        texts = [columns.values.text(code) or "" for code in by_word[first].tolist()]
        self._row_starts = np.append(first, len(places))
        self._text_starts = np.cumsum([0, *(len(text) + 1 for text in texts)])[:-1]
        self.text = "\n".join(("", *texts, ""))

    def find_places(self, substring: str) -> Places:
        """Return the places of the rows whose word contains a substring (or equals it, with `WHOLE_WORD`)."""
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
    """An index of the first `row_count` rows of the people in `members` (by key)."""

    word_index: WordIndex
    row_count: int
    members: Mask


class IndexSet(NamedTuple):
    """The indexes for one head.

    `mixed_people`: people who once had a record of another class than today's. Their earlier name may be the name of a
    hidden person, so their rows are in no index."""

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
    """Return the people of these classes whose name at the revision had a word for each text (`WordIndex.find_places`),
    ascending.

    `check_time` raises if the time for the request is over."""
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
    """Return by key whether a person's name had such a word."""
    places = _filter_valid_rows(columns, np.concatenate([index.find_places(substring) for index in indexes]), revision)
    return flag_keys(columns.key_count, columns.tables[NAMES.name].column(PERSON_COLUMN)[places])


def _filter_valid_rows(columns: Columns, places: Places, revision: int) -> Places:
    """Return the places whose rows are valid at a revision."""
    table = columns.tables[NAMES.name]
    places = places[places < len(table)]  # another thread may have built an index for a later head
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
    """Build the indexes of people in these classes.

    A person's class is the strictest class of its records: one record is enough to exclude somebody. A person's key is
    that of a record which it had at every revision."""
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
    """Return the places of the rows of `members` that the index lacks; None if it has rows of others."""
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


UNSPACED_SCRIPTS = (Script.HAN, Script.HANGUL)  # scripts in which surname and given name form one word
NOT_FOUND = 0
EXACT_RANK = 1000  # the rank of a name with every word as queried; others have their similarity in thousandths

# Built once: building a statement costs more than running it.
_SEARCH_KEYS: Any = bindparam("keys", expanding=True)
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
    """Return whether a query is a whole name rather than an attempt to browse: two words without particles.

    A name written as one word, such as a Chinese or Korean one, is whole with two characters."""
    words = {word for word in fold(q).split() if word not in PARTICLES}
    has_unspaced_name = any(
        detect_script(word) in UNSPACED_SCRIPTS and len(normalize_text("NFC", word)) > 1 for word in words
    )
    return has_unspaced_name or len(words) > 1


def rank_by_name(session: Session, reader: Reader, q: str, revision: int) -> Array:
    """Return the rank of every person by key, higher is better, NOT_FOUND for no match.

    A match has every folded word of the query, in any order, or the same words in another spelling, and a name that the
    reader may see. People that the reader may only search match if the query is a whole name and their name has every
    word as queried. People with similar names are found by today's blocking keys and scored by their name at the
    revision."""
    columns, words = get_columns(session), [*dict.fromkeys(fold(q).split())]
    ranks = np.full(columns.key_count, NOT_FOUND, np.int16)
    if not words:
        return ranks  # a query of punctuation alone would match everybody
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
    """Return a dict of person → similarity in thousandths, for people found by blocking keys only (not in `ranks`)."""
    records = [
        hit.record for hit in find_blocking_hits(session, BlockingQuery(build_search_keys(q)), reader.named_classes)
    ]
    run = session.connection().execute
    people = np.array(
        run(_PEOPLE_STATEMENT, {"keys": records, "revision": revision}).scalars().all() if records else [], np.intp
    )
    hidden_classes = [publish for publish in CURRENT_CLASSES if publish not in reader.named_classes]
    candidates = people[
        (ranks[people] == NOT_FOUND) & ~match_classes(columns, people, hidden_classes, revision)
    ].tolist()
    rows = run(_FACTS_STATEMENT, {"keys": candidates, "revision": revision}).all() if candidates else []
    scores = {
        detainee: max((score_search(q, name) for name in _list_names(facts)), default=0.0) for detainee, facts in rows
    }
    return {detainee: round(value * EXACT_RANK) for detainee, value in scores.items() if value >= SAME_NAME_SCORE}


def _list_names(facts: str) -> list[str]:
    """Return every source's spelling of the name, and the aliases."""
    person_facts: Facts = json.loads(facts)
    spellings = [group["value"] for group in get_reported_values(person_facts, "full_name")]
    return [*spellings, *(get_fact_value(person_facts, "aliases") or [])]


_HOLDER_RECORD: Any = aliased(Record)
_MATCHER_DECISIONS = (
    select(col(Decision.score), col(Record.publish_now), _HOLDER_RECORD.detainee_id, col(Sealed.disclosures))
    .join(Record, col(Record.id) == col(Decision.a))
    .join(Placement, col(Placement.record) == col(Record.key))  # excludes recalled records
    .join(_HOLDER_RECORD, _HOLDER_RECORD.key == col(Placement.detainee))
    .outerjoin(Sealed, col(Sealed.revision) == col(Decision.key))
    .where(
        col(Decision.b) == bindparam("record"),
        col(Decision.decided_by) == "matcher",
        col(Decision.key) < bindparam("revision"),
        or_(col(Decision.judgement) == Judgement.UNSURE, col(Decision.judgement) == Judgement.SAME),
        col(Placement.since) <= bindparam("revision"),
        col(Placement.until) > bindparam("revision"),
    )
    .order_by(col(Decision.score).desc(), col(Decision.key))
)


def find_match_candidates(session: Session, record: uuid.UUID, revision: int, reader: Reader) -> list[Candidate]:
    """Return the people that the matcher found, best first, as far as the reader may know of them."""
    rows = session.connection().execute(_MATCHER_DECISIONS, {"record": record, "revision": revision})
    return [
        {"detainee_id": detainee, "score": score / 1000, "reasons": entries.load_values(disclosures).get("reasons", [])}
        for score, publish, detainee, disclosures in rows
        if reader.can_recognise(publish)
    ]
