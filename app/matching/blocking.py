"""Build blocking keys from names, and look up the records that share keys with a query: only these are compared.

The key of a word is the first spelling of its line in the list of given names, so that Pancho matches Francisco; of
other words the consonants if there are many, otherwise the sound with similar vowels unified. Names of Arabic, Persian
and Hebrew also have keys of consonants alone, which match across scripts.

A lookup reads a bounded number of index rows, however large the registry: rare keys are read in full, keys of thousands
of records only for people born about the same year. It queries records of some publication classes only: people of
other classes are not compared, take no place and cost no time."""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import combinations, islice, product
from typing import Any, NamedTuple

from sqlalchemy import TextClause, text
from sqlmodel import Session

from app.db.engine import build_json_rows_sql, split_into_chunks
from app.matching import romanisation
from app.matching.phonetics import extract_consonants
from app.matching.scripts import NAME_CACHE_SIZE, scoped_cache
from app.matching.words import Name, Word, get_first_spelling, parse_name
from app.models import OPEN

MAX_INDEXED_SPELLINGS = 6  # per person: names and aliases beyond these are seldom names
MAX_LINES = 3  # lines of the name list with a short form: Ale is Alejandro, Alejandra, Alexis and more
# Per spelling: 990 of 1,000 names have at most 24, and the labelled pairs match as well with this limit as with all
# keys. Eight words with six sounds each have hundreds, each a row of the index. The limit is per spelling, so that no
# alias displaces the name, and a person whose name is another's alias shares all of its keys.
MAX_NAME_KEYS = 32
DISTINCTIVE_CONSONANTS = 4  # consonants that identify a word by themselves; Rojas, Reyes and Ruiz share two
MAX_READINGS = 24  # of one Chinese name in Wade-Giles: ch represents four sounds, and a name has three syllables

_SIMILAR_VOWELS = str.maketrans("eo", "iu")

PAIR_PREFIX, SINGLE_PREFIX, WORD_PREFIX, CHINESE_PREFIX, KOREAN_PREFIX = "p:", "o:", "w:", "c:", "k:"


def build_name_blocking_keys(name: str | None, aliases: Iterable[str]) -> frozenset[str]:
    """Return the keys of a person's name and aliases.

    ``p:`` every pair of words, sorted, so that order and missing second names do not matter; ``o:`` the word of a
    one-word name; ``c:`` the syllables of a Chinese name; ``k:`` the initials and finals of a Korean one. At most
    MAX_NAME_KEYS per spelling, the most distinctive ones."""
    return frozenset().union(*(_build_name_keys(text) for text in [name or "", *aliases][:MAX_INDEXED_SPELLINGS]))


def count_min_shared_keys(name: str | None, aliases: Iterable[str]) -> int:
    """Return the minimum number of keys shared with a name of the same words in any order: that of the spelling with
    the fewest keys."""
    counts = [len(_build_order_free_keys(text)) for text in [name or "", *aliases][:MAX_INDEXED_SPELLINGS]]
    return min(filter(None, counts), default=0)


def build_word_keys(name: str | None, aliases: Iterable[str]) -> frozenset[str]:
    """Return a key ``w:`` for every word, for searches by one word; never used to link people."""
    return frozenset().union(
        *(_build_search_word_keys(text) for text in [name or "", *aliases][:MAX_INDEXED_SPELLINGS])
    )


@scoped_cache(NAME_CACHE_SIZE)
def _build_search_word_keys(text: str) -> frozenset[str]:
    return frozenset(WORD_PREFIX + key for word in parse_name(text).words for key in _list_base_forms(word))


def build_search_keys(question: str) -> frozenset[str]:
    """Return the keys of a search: for one word, of people with it; for several, of people with two of them."""
    if len(parse_name(question).words) == 1:
        return build_word_keys(question, ())
    return build_name_blocking_keys(question, ())


@scoped_cache(NAME_CACHE_SIZE)
def _build_name_keys(text: str) -> tuple[str, ...]:
    """Return the keys of one spelling, cached since each report needs them twice. Keys of whole words come first, so
    that the limit of MAX_NAME_KEYS never removes keys that the same words share."""
    name = parse_name(text)
    frames = sorted(KOREAN_PREFIX + frame for frame in romanisation.extract_frames(name.korean))
    keys = dict.fromkeys(
        (*_build_order_free_keys(text), *_build_chinese_keys(name), *frames, *_build_joined_keys(name))
    )
    return tuple(islice(keys, MAX_NAME_KEYS))


@scoped_cache(NAME_CACHE_SIZE)
def _build_order_free_keys(text: str) -> tuple[str, ...]:
    """Return the keys that do not depend on the order of the words, the most distinctive first."""
    name = parse_name(text)
    words = _list_whole_words(name)
    if len(words) == 1:
        return tuple(SINGLE_PREFIX + key for key in _list_base_forms(words[0]))
    return tuple(islice(_build_pair_keys([_list_forms(word, name.vowels_vary) for word in words]), MAX_NAME_KEYS))


def _build_joined_keys(name: Name) -> Iterator[str]:
    """Yield the keys of a three-word name with two neighbours joined (Park Ji Hoon, Park Jihoon). Longer names have two
    other words to share."""
    if len(words := _list_whole_words(name)) == 3:
        first, middle, last = words
        yield from _build_pair_keys(
            [_list_forms(_join_words(first, middle), False), _list_forms(last, name.vowels_vary)]
        )
        yield from _build_pair_keys(
            [_list_forms(first, name.vowels_vary), _list_forms(_join_words(middle, last), False)]
        )


def _list_whole_words(name: Name) -> list[Word]:
    return [word for word in name.words if not word.is_initial]


def _build_pair_keys(words: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the keys of every pair of words: by the first forms of both, then by the second form of either, and so on,
    so that the limit drops secondary forms first. Consonants are paired with consonants or with a line of the name
    list."""
    keys = set[str]()
    for form_index in range(max(map(len, words), default=0)):
        layer = {
            _format_pair(left, right)
            for left_forms, right_forms in combinations(words, 2)
            for left, right in (
                *product(left_forms[: form_index + 1], right_forms[form_index : form_index + 1]),
                *product(left_forms[form_index : form_index + 1], right_forms[:form_index]),
            )
            if left != right and ("~" not in left + right or {left[0], right[0]} <= {"~", "="})
        }
        yield from sorted(layer - keys)
        keys |= layer


def _format_pair(left: str, right: str) -> str:
    return f"{PAIR_PREFIX}{left}|{right}" if left < right else f"{PAIR_PREFIX}{right}|{left}"


def _list_forms(word: Word, vowels_vary: bool) -> list[str]:
    """Return the word's keys, the most distinctive first: ``=`` a line of the name list, ``~`` consonants alone,
    otherwise its sound."""
    forms = _list_base_forms(word)
    if vowels_vary and not word.name_lines:
        forms += [
            "~" + extract_consonants(loose_sound)
            for loose_sound in word.loose_sounds
            if len(extract_consonants(loose_sound)) > 1
        ]
    if word.stem is not None:
        forms += _list_base_forms(word.stem)
    return list(dict.fromkeys(forms))


def _list_base_forms(word: Word) -> list[str]:
    if word.name_lines:
        lines = sorted(word.name_lines.full) + sorted(word.name_lines.short)
        return list(dict.fromkeys("=" + get_first_spelling(line) for line in lines[:MAX_LINES]))
    frame = extract_consonants(word.sound)
    return [frame if len(frame) >= DISTINCTIVE_CONSONANTS else word.sound.translate(_SIMILAR_VOWELS)]


def _join_words(left: Word, right: Word) -> Word:
    return parse_name(left.text + right.text).words[0]


def _build_chinese_keys(name: Name) -> Iterator[str]:
    syllables = [readings for word in name.chinese for readings in word]
    if not syllables:
        return
    for number, reading in enumerate(product(*map(sorted, syllables))):
        if number == MAX_READINGS:
            return
        yield CHINESE_PREFIX + "|".join(sorted(reading))


# Records compared in full. More namesakes need a curator: no score would distinguish them.
MAX_CANDIDATES = 30
# Index rows that one lookup counts, once for rare keys and once for common ones: a few milliseconds. In a registry of a
# million people the commonest pairs ("José", "Rodríguez") have more, and match only people born about the same year.
MAX_INDEX_ROWS = 1_000
QUERIES_PER_STATEMENT = 50  # queries per statement: beyond that, counting costs far more than the round trips
BIRTH_YEAR_SLACK = 3  # years: births more than two apart conflict, and an age spans two

# Each key is combined with each class, or with a source (`_Scope`): for a list of classes SQLite would scan the rows
# between them.
_SIZES_SQL = """
    SELECT keys.value->>0, (
        SELECT count(*)
        FROM (
            SELECT 1 FROM blocking_key
            WHERE blocking_key.key = keys.value->>0 AND {column} = CAST(keys.value->>1 AS {type})
            LIMIT :max_rows
        ) AS limited
    )
    FROM {keys}
"""
_SHARING_SQL = """
    SELECT CAST(query_keys.value->>0 AS integer) AS query_index, record,
        count(*) AS shared, min(born) AS born, min(source) AS source
    FROM {query_keys}
    JOIN blocking_key ON blocking_key.key = query_keys.value->>1 AND {column} = CAST(query_keys.value->>2 AS {type})
    GROUP BY 1, 2
"""
_NARROWED_SQL = """
    SELECT 0 AS query_index, record, count(*) AS shared, min(born) AS born, min(source) AS source
    FROM (
        SELECT record, born, source
        FROM {rare} JOIN blocking_key
            ON blocking_key.key = rare.value->>0 AND {column} = CAST(rare.value->>1 AS {type})
        UNION ALL
        SELECT * FROM (
            SELECT record, born, source
            FROM {common} JOIN blocking_key
                ON blocking_key.key = common.value->>0 AND {column} = CAST(common.value->>1 AS {type})
            WHERE {years}
            LIMIT :max_rows
        ) AS limited
    ) AS narrowed
    GROUP BY 2
"""
# The rank is per source: a source that files one name a hundred times displaces no other source's record. The person of
# a record is read by a scalar subquery, which no planner turns into a scan of all placements.
_RANKED_SQL = """
    SELECT query_index, record, shared, born, source, (
        SELECT detainee FROM placement WHERE placement.record = ranked.record AND until = :open
    ) AS detainee
    FROM (
        SELECT *, row_number() OVER (PARTITION BY query_index, source ORDER BY shared DESC, record) AS place
        FROM ({counted}) AS counted
    ) AS ranked
    WHERE place <= :max_rank
    ORDER BY query_index, shared DESC, record
"""
_RARE_KEYS_SQL = _RANKED_SQL.replace("{counted}", _SHARING_SQL)
_NEAR_BIRTH_SQL = _RANKED_SQL.replace("{counted}", _NARROWED_SQL.replace("{years}", "born BETWEEN :first AND :last"))
_ANY_BIRTH_SQL = _RANKED_SQL.replace("{counted}", _NARROWED_SQL.replace("WHERE {years}", ""))


class BlockingQuery(NamedTuple):
    """The blocking keys to look up, and the first possible year of birth, if known, which narrows common keys.

    `min_shared_keys`: the minimum number of these keys that a record with the same name shares. `last_birth_year`: the
    last possible year of birth."""

    keys: Collection[str]
    first_birth_year: int | None = None
    min_shared_keys: int = 0
    last_birth_year: int | None = None


class BlockingHit(NamedTuple):
    """A record and the number of keys it shares, as counted (`shared_keys`) and at most (`max_shared_keys`).

    `first_birth_year`: its first possible year of birth, if stored. `detainee`: its person."""

    record: int
    shared_keys: int
    max_shared_keys: int
    first_birth_year: int | None
    source: int = 0
    detainee: int | None = None


class _Scope(NamedTuple):
    """The records to search: those whose column has one of the values, of this SQL type."""

    column: str
    type: str
    values: tuple[str | int, ...]


def find_blocking_hits(
    session: Session, query: BlockingQuery, classes: Collection[str], limit: int = MAX_CANDIDATES
) -> list[BlockingHit]:
    """Return the records that share most keys with the query, at most `limit` per source, of people of these
    publication classes."""
    return find_blocking_hits_each(session, [query], classes, limit)[0]


def find_blocking_hits_each(
    session: Session, queries: Sequence[BlockingQuery], classes: Collection[str], limit: int = MAX_CANDIDATES
) -> list[list[BlockingHit]]:
    """Return the hits of each query, of people of these publication classes."""
    return _find_hits_each(session, queries, _Scope("publish_now", "text", tuple(classes)), limit)


def find_own_hits_each(
    session: Session, queries: Sequence[BlockingQuery], source: int, limit: int = MAX_CANDIDATES
) -> list[list[BlockingHit]]:
    """Return the hits of each query among the records of one source. No row of another source's record is read."""
    return _find_hits_each(session, queries, _Scope("source", "bigint", (source,)), limit)


def _find_hits_each(
    session: Session, queries: Sequence[BlockingQuery], scope: _Scope, limit: int
) -> list[list[BlockingHit]]:
    """Return the hits of each query. Queries with only rare keys share a statement, the others run one by one."""
    hits: list[list[BlockingHit]] = []
    for chunk in split_into_chunks(queries, QUERIES_PER_STATEMENT):
        sizes = _count_key_records(session, {key for query in chunk for key in query.keys}, scope)
        keys_by_query = [_split_keys(sizes, query.keys) for query in chunk]
        rare_hits = iter(
            _find_by_rare_keys(session, [rare for rare, common in keys_by_query if not common], scope, limit)
        )
        for query, (rare, common) in zip(chunk, keys_by_query, strict=True):
            hits.append(
                _find_by_common_keys(session, rare, common, scope, query.first_birth_year, limit)
                if common
                else next(rare_hits)
            )
    return hits


def merge_hits(hits: Iterable[BlockingHit], others: Iterable[BlockingHit]) -> list[BlockingHit]:
    """Return the hits of both lookups of one query, each record once: the records with most shared keys first."""
    hits_by_record = {hit.record: hit for hit in (*others, *hits)}
    return sorted(hits_by_record.values(), key=lambda hit: (-hit.shared_keys, hit.record))


def rank_hits(rows: Iterable[tuple[int, int | None]], limit: int = MAX_CANDIDATES) -> list[BlockingHit]:
    """Return the hits of `(record, year of birth)` rows, one row per shared key: the records with most rows first."""
    birth_years: dict[int, int | None] = {}
    shared = Counter[int]()
    for record, year in rows:
        shared[record] += 1
        birth_years[record] = year
    ranking = sorted(shared, key=lambda record: (-shared[record], record))[:limit]
    return [BlockingHit(record, shared[record], shared[record], birth_years[record]) for record in ranking]


def _run_on_lists(session: Session, sql: str, scope: _Scope, lists: dict[str, Any], **values: int) -> Any:
    """Run a statement on a scope, with lists in place of tables (`build_json_rows_sql`)."""
    connection = session.connection()
    tables = {name: build_json_rows_sql(connection, name) for name in lists}
    statement = _build_statement(sql, column=scope.column, type=scope.type, **tables)
    return connection.execute(statement, {name: json.dumps(rows) for name, rows in lists.items()} | values)


@lru_cache
def _build_statement(sql: str, **parts: str) -> TextClause:
    return text(sql.format(**parts))


def _count_key_records(session: Session, keys: Collection[str], scope: _Scope) -> Counter[str]:
    """Return a dict of key → number of its records, counted up to MAX_INDEX_ROWS + 1 per value of the scope."""
    rows = _run_on_lists(
        session, _SIZES_SQL, scope, {"keys": list(product(sorted(keys), scope.values))}, max_rows=MAX_INDEX_ROWS + 1
    )
    sizes = Counter[str]()
    for key, size in rows:
        sizes[key] += size
    return sizes


def _split_keys(sizes: Counter[str], keys: Collection[str]) -> tuple[list[str], list[str]]:
    """Return `(rare, common)`: the rarest keys with at most MAX_INDEX_ROWS records in total, and the rest."""
    rare, common, rows = list[str](), list[str](), 0
    for key in sorted((key for key in keys if sizes[key]), key=lambda key: (sizes[key], key)):
        rows += sizes[key]
        (rare if rows <= MAX_INDEX_ROWS else common).append(key)
    return rare, common


def _find_by_rare_keys(
    session: Session, rare: Sequence[Sequence[str]], scope: _Scope, limit: int
) -> list[list[BlockingHit]]:
    """Return for each list of rare keys the records that share most of them."""
    hits: list[list[BlockingHit]] = [[] for _ in rare]
    keys = [
        (query_index, key, value)
        for query_index, query_keys in enumerate(rare)
        for key, value in product(query_keys, scope.values)
    ]
    for query_index, record, shared, birth_year, source, detainee in _run_on_lists(
        session, _RARE_KEYS_SQL, scope, {"query_keys": keys}, max_rank=limit, open=OPEN
    ):
        hits[query_index].append(BlockingHit(record, shared, shared, birth_year, source, detainee))
    return hits


def _find_by_common_keys(
    session: Session,
    rare: Sequence[str],
    common: Sequence[str],
    scope: _Scope,
    birth_year: int | None,
    limit: int,
) -> list[BlockingHit]:
    """Return the records of a query with common keys. Common keys only match people born about the same year; if the
    year is unknown, they match anybody, but only if the query has no rare key."""
    keys = {"rare": list(product(rare, scope.values)), "common": list(product(common, scope.values))}
    values = {"max_rows": MAX_INDEX_ROWS, "max_rank": limit, "open": OPEN}
    if birth_year is not None:
        rows = _run_on_lists(
            session,
            _NEAR_BIRTH_SQL,
            scope,
            keys,
            first=birth_year - BIRTH_YEAR_SLACK,
            last=birth_year + BIRTH_YEAR_SLACK,
            **values,
        )
    else:
        rows = _run_on_lists(session, _ANY_BIRTH_SQL, scope, keys | ({"common": []} if rare else {}), **values)
    # Not all rows of common keys were counted: a hit may share all of them.
    key_count = len(rare) + len(common)
    return [
        BlockingHit(record, shared, min(shared + len(common), key_count), year, source, detainee)
        for _query_index, record, shared, year, source, detainee in rows
    ]
