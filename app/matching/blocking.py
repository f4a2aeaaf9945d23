"""The blocking keys of a name: two people who share one are compared.

A word's key is the first spelling of its line in the list of given names, so that Pancho meets Francisco; of other
words the consonants where there are many, else the sound without the vowels that are heard alike. Names of Arabic,
Persian and Hebrew also have keys of consonants alone, so that scripts meet.

Blocked look-up: the records that share blocking keys with a query, most shared keys first.

A look-up reads a bounded number of index rows, however large the registry: rare keys are read whole, keys that
thousands of records have only for people born about the same year. It asks for records of some classes of publication
alone: whoever is of another class is not compared, takes no place, and costs no time."""

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

MAX_INDEXED_SPELLINGS = 6  # of one person: name and aliases beyond these are seldom names
MAX_LINES = 3  # of the list in which a short form stands: Ale is Alejandro, Alejandra, Alexis and more
# Of one spelling: 990 of 1,000 names have 24 at most, and the labelled pairs meet by these as by all. Eight words of
# six sounds each have hundreds, and each is a row of the index. The bound is for each spelling, so that no alias
# displaces the name, and a person whose name is another's alias shares all keys of it.
MAX_NAME_KEYS = 32
DISTINCTIVE_CONSONANTS = 4  # consonants that tell a word by themselves; Rojas, Reyes and Ruiz share two
MAX_READINGS = 24  # of one Chinese name in Wade-Giles: ch stands for four sounds, and a name has three syllables

_SIMILAR_VOWELS = str.maketrans("eo", "iu")

PAIR_PREFIX, SINGLE_PREFIX, WORD_PREFIX, CHINESE_PREFIX, KOREAN_PREFIX = "p:", "o:", "w:", "c:", "k:"


def build_name_blocking_keys(name: str | None, aliases: Iterable[str]) -> frozenset[str]:
    """The keys of a person's name and aliases.

    ``p:`` every pair of words, sorted, so that order and missing second names do not matter; ``o:`` the word of a name
    that has only one; ``c:`` the syllables of a Chinese name; ``k:`` how those of a Korean one begin and end. At most
    MOST_KEYS of each spelling, the most telling ones.
    """
    return frozenset().union(*(_build_name_keys(text) for text in [name or "", *aliases][:MAX_INDEXED_SPELLINGS]))


def count_min_shared_keys(name: str | None, aliases: Iterable[str]) -> int:
    """The least number of keys shared by a name of the very same words in any order: that of the spelling with the
    fewest keys."""
    counts = [len(_build_order_free_keys(text)) for text in [name or "", *aliases][:MAX_INDEXED_SPELLINGS]]
    return min(filter(None, counts), default=0)


def build_word_keys(name: str | None, aliases: Iterable[str]) -> frozenset[str]:
    """A key ``w:`` for every word, for searches by one word; never used to link people."""
    return frozenset().union(
        *(_build_search_word_keys(text) for text in [name or "", *aliases][:MAX_INDEXED_SPELLINGS])
    )


@scoped_cache(NAME_CACHE_SIZE)
def _build_search_word_keys(text: str) -> frozenset[str]:
    return frozenset(WORD_PREFIX + key for word in parse_name(text).words for key in _list_base_forms(word))


def build_search_keys(question: str) -> frozenset[str]:
    """The keys of a search: for one word, of people with it; for several, of people with two of them."""
    if len(parse_name(question).words) == 1:
        return build_word_keys(question, ())
    return build_name_blocking_keys(question, ())


@scoped_cache(NAME_CACHE_SIZE)
def _build_name_keys(text: str) -> tuple[str, ...]:
    """The keys of one spelling, cached since each report needs them twice. Keys of its words come first, so that beyond
    MOST_KEYS the same words still have the same keys."""
    name = parse_name(text)
    frames = sorted(KOREAN_PREFIX + frame for frame in romanisation.extract_frames(name.korean))
    keys = dict.fromkeys(
        (*_build_order_free_keys(text), *_build_chinese_keys(name), *frames, *_build_joined_keys(name))
    )
    return tuple(islice(keys, MAX_NAME_KEYS))


@scoped_cache(NAME_CACHE_SIZE)
def _build_order_free_keys(text: str) -> tuple[str, ...]:
    """The keys of the words by themselves, which are the same in whatever order they stand; the most telling first."""
    name = parse_name(text)
    words = _list_whole_words(name)
    if len(words) == 1:
        return tuple(SINGLE_PREFIX + key for key in _list_base_forms(words[0]))
    return tuple(islice(_build_pair_keys([_list_forms(word, name.vowels_vary) for word in words]), MAX_NAME_KEYS))


def _build_joined_keys(name: Name) -> Iterator[str]:
    """The keys of a name of three words with two neighbours joined (Park Ji Hoon, Park Jihoon). Longer names have two
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
    """The keys of every pair of words: by the first form of both, then by the second of either, and so on, so that of
    many words fewer forms come before MOST_KEYS. Consonants pair with consonants or with a line of the list."""
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
    """The word's keys, the most telling first: ``=`` a line of the list, ``~`` consonants alone, else as it is
    heard."""
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


# Records compared in full. Homonyms beyond this are a curator's work: no score would tell them apart.
MAX_CANDIDATES = 30
# Index rows that one look-up counts, once for rare keys and once for common ones: a few milliseconds. In a registry of
# a million people the commonest pairs ("José", "Rodríguez") have more, and hit only people born about the same year.
MAX_INDEX_ROWS = 1_000
QUERIES_PER_STATEMENT = 50  # queries in one statement: beyond that, counting costs far more than asking
BIRTH_YEAR_SLACK = 3  # years: births more than two apart conflict, and an age spans two

# A class is given beside each key: of a list of classes SQLite would step from one to the next over what lies between.
_SIZES_SQL = """
    SELECT keys.value->>0, (
        SELECT count(*)
        FROM (
            SELECT 1 FROM blocking_key
            WHERE blocking_key.key = keys.value->>0 AND publish_now = keys.value->>1
            LIMIT :enough
        ) AS few
    )
    FROM {keys}
"""
_SHARING_SQL = """
    SELECT CAST(given.value->>0 AS integer) AS who, record, count(*) AS shared, min(born) AS born, min(source) AS source
    FROM {given} JOIN blocking_key ON blocking_key.key = given.value->>1 AND publish_now = given.value->>2
    GROUP BY 1, 2
"""
_NARROWED_SQL = """
    SELECT 0 AS who, record, count(*) AS shared, min(born) AS born, min(source) AS source
    FROM (
        SELECT record, born, source
        FROM {rare} JOIN blocking_key ON blocking_key.key = rare.value->>0 AND publish_now = rare.value->>1
        UNION ALL
        SELECT * FROM (
            SELECT record, born, source
            FROM {common} JOIN blocking_key ON blocking_key.key = common.value->>0 AND publish_now = common.value->>1
            WHERE {years}
            LIMIT :room
        ) AS few
    ) AS every
    GROUP BY 2
"""
# Places are by source: a source that files one name a hundred times takes no other source's place. The person of a
# record is asked for by a query within the query, which no planner turns into a walk through all places.
_RANKED_SQL = """
    SELECT who, record, shared, born, source, (
        SELECT detainee FROM placement WHERE placement.record = ranked.record AND until = :open
    ) AS detainee
    FROM (
        SELECT *, row_number() OVER (PARTITION BY who, source ORDER BY shared DESC, record) AS place
        FROM ({counted}) AS counted
    ) AS ranked
    WHERE place <= :most
    ORDER BY who, shared DESC, record
"""
_RARE_KEYS_SQL = _RANKED_SQL.replace("{counted}", _SHARING_SQL)
_NEAR_BIRTH_SQL = _RANKED_SQL.replace("{counted}", _NARROWED_SQL.replace("{years}", "born BETWEEN :first AND :last"))
_ANY_BIRTH_SQL = _RANKED_SQL.replace("{counted}", _NARROWED_SQL.replace("WHERE {years}", ""))


class BlockingQuery(NamedTuple):
    """The blocking keys to look up, and the first possible year of birth, if known, which narrows common keys.
    `min_shared_keys`: the least number of these keys that a record of the very same name shares; `last_birth_year`: the last possible
    year of birth."""

    keys: Collection[str]
    first_birth_year: int | None = None
    min_shared_keys: int = 0
    last_birth_year: int | None = None


class BlockingHit(NamedTuple):
    """A record with its number of shared keys, as far as they were counted (`shared_keys`) and at most (`max_shared_keys`), its first
    possible year of birth, if stored, its source, and its person (`detainee`)."""

    record: int
    shared_keys: int
    max_shared_keys: int
    first_birth_year: int | None
    source: int = 0
    detainee: int | None = None


def find_blocking_hits(
    session: Session, query: BlockingQuery, classes: Collection[str], limit: int = MAX_CANDIDATES
) -> list[BlockingHit]:
    """The records that share most keys with the query, at most `limit` of each source, of people of these `classes` of
    publication."""
    return find_blocking_hits_each(session, [query], classes, limit)[0]


def find_blocking_hits_each(
    session: Session, queries: Sequence[BlockingQuery], classes: Collection[str], limit: int = MAX_CANDIDATES
) -> list[list[BlockingHit]]:
    """The hits of each query: queries with rare keys alone run TOGETHER, the others one by one."""
    hits: list[list[BlockingHit]] = []
    for chunk in split_into_chunks(queries, QUERIES_PER_STATEMENT):
        sizes = _count_key_records(session, {key for query in chunk for key in query.keys}, classes)
        keys_by_query = [_split_keys(sizes, query.keys) for query in chunk]
        rare_hits = iter(
            _find_by_rare_keys(session, [rare for rare, common in keys_by_query if not common], classes, limit)
        )
        for query, (rare, common) in zip(chunk, keys_by_query, strict=True):
            hits.append(
                _find_by_common_keys(session, rare, common, classes, query.first_birth_year, limit)
                if common
                else next(rare_hits)
            )
    return hits


def rank_hits(rows: Iterable[tuple[int, int | None]], limit: int = MAX_CANDIDATES) -> list[BlockingHit]:
    """The hits of `(record, year of birth)` rows, one for every shared key: the records with most rows first."""
    birth_years: dict[int, int | None] = {}
    shared = Counter[int]()
    for record, year in rows:
        shared[record] += 1
        birth_years[record] = year
    ranking = sorted(shared, key=lambda record: (-shared[record], record))[:limit]
    return [BlockingHit(record, shared[record], shared[record], birth_years[record]) for record in ranking]


def _run_on_lists(session: Session, sql: str, lists: dict[str, Any], **values: int) -> Any:
    """Run a statement on lists (`rows_of`) in place of tables."""
    connection = session.connection()
    statement = _build_statement(sql, **{name: build_json_rows_sql(connection, name) for name in lists})
    return connection.execute(statement, {name: json.dumps(rows) for name, rows in lists.items()} | values)


@lru_cache
def _build_statement(sql: str, **tables: str) -> TextClause:
    return text(sql.format(**tables))


def _count_key_records(session: Session, keys: Collection[str], classes: Collection[str]) -> Counter[str]:
    """Key → number of its records, counted up to one more than MOST_ROWS of each class."""
    rows = _run_on_lists(session, _SIZES_SQL, {"keys": list(product(sorted(keys), classes))}, enough=MAX_INDEX_ROWS + 1)
    sizes = Counter[str]()
    for key, size in rows:
        sizes[key] += size
    return sizes


def _split_keys(sizes: Counter[str], keys: Collection[str]) -> tuple[list[str], list[str]]:
    """`(rare, common)`: the rarest keys, as many as have MOST_ROWS records at most together, and the rest."""
    rare, common, rows = list[str](), list[str](), 0
    for key in sorted((key for key in keys if sizes[key]), key=lambda key: (sizes[key], key)):
        rows += sizes[key]
        (rare if rows <= MAX_INDEX_ROWS else common).append(key)
    return rare, common


def _find_by_rare_keys(
    session: Session, rare: Sequence[Sequence[str]], classes: Collection[str], limit: int
) -> list[list[BlockingHit]]:
    """For each list of rare keys the records that share most of them."""
    hits: list[list[BlockingHit]] = [[] for _ in rare]
    keys = [
        (query_index, key, publish)
        for query_index, query_keys in enumerate(rare)
        for key, publish in product(query_keys, classes)
    ]
    for query_index, record, shared, birth_year, source, detainee in _run_on_lists(
        session, _RARE_KEYS_SQL, {"given": keys}, most=limit, open=OPEN
    ):
        hits[query_index].append(BlockingHit(record, shared, shared, birth_year, source, detainee))
    return hits


def _find_by_common_keys(
    session: Session,
    rare: Sequence[str],
    common: Sequence[str],
    classes: Collection[str],
    birth_year: int | None,
    limit: int,
) -> list[BlockingHit]:
    """The records of a query with common keys. Of these only people born about the same year count; where the year is
    unknown, any of them, but only if the query has no rare key."""
    keys = {"rare": list(product(rare, classes)), "common": list(product(common, classes))}
    values = {"room": MAX_INDEX_ROWS, "most": limit, "open": OPEN}
    if birth_year is not None:
        rows = _run_on_lists(
            session,
            _NEAR_BIRTH_SQL,
            keys,
            first=birth_year - BIRTH_YEAR_SLACK,
            last=birth_year + BIRTH_YEAR_SLACK,
            **values,
        )
    else:
        rows = _run_on_lists(session, _ANY_BIRTH_SQL, keys | ({"common": []} if rare else {}), **values)
    # Not all rows of common keys were counted: a hit may share all of them.
    key_count = len(rare) + len(common)
    return [
        BlockingHit(record, shared, min(shared + len(common), key_count), year, source, detainee)
        for _query_index, record, shared, year, source, detainee in rows
    ]
