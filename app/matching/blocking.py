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

from app.db.engine import chunks, rows_of
from app.matching import romanisation
from app.matching.phonetics import bones
from app.matching.scripts import NAMES_REMEMBERED, remembered
from app.matching.words import Name, Word, first_spelling, parse
from app.models import OPEN

MOST_SPELLINGS = 6  # of one person: name and aliases beyond these are seldom names
MOST_LINES = 3  # of the list in which a short form stands: Ale is Alejandro, Alejandra, Alexis and more
# Of one spelling: 990 of 1,000 names have 24 at most, and the labelled pairs meet by these as by all. Eight words of
# six sounds each have hundreds, and each is a row of the index. The bound is for each spelling, so that no alias
# displaces the name, and a person whose name is another's alias shares all keys of it.
MOST_KEYS = 32
TELLING_BONES = 4  # consonants that tell a word by themselves; Rojas, Reyes and Ruiz share two
MOST_READINGS = 24  # of one Chinese name in Wade-Giles: ch stands for four sounds, and a name has three syllables

_ALIKE = str.maketrans("eo", "iu")

OF_PAIR, OF_ONE, OF_WORD, OF_CHINESE, OF_KOREAN = "p:", "o:", "w:", "c:", "k:"


def blocking_keys(name: str | None, aliases: Iterable[str]) -> frozenset[str]:
    """The keys of a person's name and aliases.

    ``p:`` every pair of words, sorted, so that order and missing second names do not matter; ``o:`` the word of a name
    that has only one; ``c:`` the syllables of a Chinese name; ``k:`` how those of a Korean one begin and end. At most
    MOST_KEYS of each spelling, the most telling ones.
    """
    return frozenset().union(*(_of_name(text) for text in [name or "", *aliases][:MOST_SPELLINGS]))


def fewest_keys(name: str | None, aliases: Iterable[str]) -> int:
    """The least number of keys shared by a name of the very same words in any order: that of the spelling with the
    fewest keys."""
    counted = [len(_of_its_words(text)) for text in [name or "", *aliases][:MOST_SPELLINGS]]
    return min(filter(None, counted), default=0)


def word_keys(name: str | None, aliases: Iterable[str]) -> frozenset[str]:
    """A key ``w:`` for every word, for searches by one word; never used to link people."""
    return frozenset().union(*(_of_words(text) for text in [name or "", *aliases][:MOST_SPELLINGS]))


@remembered(NAMES_REMEMBERED)
def _of_words(text: str) -> frozenset[str]:
    return frozenset(OF_WORD + key for word in parse(text).words for key in _of_word(word))


def search_keys(question: str) -> frozenset[str]:
    """The keys of a search: for one word, of people with it; for several, of people with two of them."""
    if len(parse(question).words) == 1:
        return word_keys(question, ())
    return blocking_keys(question, ())


@remembered(NAMES_REMEMBERED)
def _of_name(text: str) -> tuple[str, ...]:
    """The keys of one spelling, cached since each report needs them twice. Keys of its words come first, so that beyond
    MOST_KEYS the same words still have the same keys."""
    name = parse(text)
    frames = sorted(OF_KOREAN + frame for frame in romanisation.frames(name.korean))
    told = dict.fromkeys((*_of_its_words(text), *_of_chinese(name), *frames, *_of_neighbours(name)))
    return tuple(islice(told, MOST_KEYS))


@remembered(NAMES_REMEMBERED)
def _of_its_words(text: str) -> tuple[str, ...]:
    """The keys of the words by themselves, which are the same in whatever order they stand; the most telling first."""
    name = parse(text)
    words = _whole(name)
    if len(words) == 1:
        return tuple(OF_ONE + key for key in _of_word(words[0]))
    return tuple(islice(_pairs([_forms(word, name.vowels_vary) for word in words]), MOST_KEYS))


def _of_neighbours(name: Name) -> Iterator[str]:
    """The keys of a name of three words with two neighbours joined (Park Ji Hoon, Park Jihoon). Longer names have two
    other words to share."""
    if len(words := _whole(name)) == 3:
        first, middle, last = words
        yield from _pairs([_forms(_together(first, middle), False), _forms(last, name.vowels_vary)])
        yield from _pairs([_forms(first, name.vowels_vary), _forms(_together(middle, last), False)])


def _whole(name: Name) -> list[Word]:
    return [word for word in name.words if not word.initial]


def _pairs(words: Sequence[Sequence[str]]) -> Iterator[str]:
    """The keys of every pair of words: by the first form of both, then by the second of either, and so on, so that of
    many words fewer forms come before MOST_KEYS. Consonants pair with consonants or with a line of the list."""
    keys = set[str]()
    for last in range(max(map(len, words), default=0)):
        layer = {
            _pair(left, right)
            for left_forms, right_forms in combinations(words, 2)
            for left, right in (
                *product(left_forms[: last + 1], right_forms[last : last + 1]),
                *product(left_forms[last : last + 1], right_forms[:last]),
            )
            if left != right and ("~" not in left + right or {left[0], right[0]} <= {"~", "="})
        }
        yield from sorted(layer - keys)
        keys |= layer


def _pair(left: str, right: str) -> str:
    return f"{OF_PAIR}{left}|{right}" if left < right else f"{OF_PAIR}{right}|{left}"


def _forms(word: Word, vowels_vary: bool) -> list[str]:
    """The word's keys, the most telling first: ``=`` a line of the list, ``~`` consonants alone, else as it is
    heard."""
    forms = _of_word(word)
    if vowels_vary and not word.known:
        forms += ["~" + bones(heard) for heard in word.loose if len(bones(heard)) > 1]
    if word.stem is not None:
        forms += _of_word(word.stem)
    return list(dict.fromkeys(forms))


def _of_word(word: Word) -> list[str]:
    if word.known:
        lines = sorted(word.known.full) + sorted(word.known.short)
        return list(dict.fromkeys("=" + first_spelling(line) for line in lines[:MOST_LINES]))
    frame = bones(word.sound)
    return [frame if len(frame) >= TELLING_BONES else word.sound.translate(_ALIKE)]


def _together(left: Word, right: Word) -> Word:
    return parse(left.text + right.text).words[0]


def _of_chinese(name: Name) -> Iterator[str]:
    syllables = [readings for word in name.chinese for readings in word]
    if not syllables:
        return
    for number, reading in enumerate(product(*map(sorted, syllables))):
        if number == MOST_READINGS:
            return
        yield OF_CHINESE + "|".join(sorted(reading))


# Records compared in full. Homonyms beyond this are a curator's work: no score would tell them apart.
MOST_CANDIDATES = 30
# Index rows that one look-up counts, once for rare keys and once for common ones: a few milliseconds. In a registry of
# a million people the commonest pairs ("José", "Rodríguez") have more, and hit only people born about the same year.
MOST_ROWS = 1_000
TOGETHER = 50  # queries in one statement: beyond that, counting costs far more than asking
BORN_SLACK = 3  # years: births more than two apart conflict, and an age spans two

# A class is given beside each key: of a list of classes SQLite would step from one to the next over what lies between.
_SIZES = """
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
_SHARING = """
    SELECT CAST(given.value->>0 AS integer) AS who, record, count(*) AS shared, min(born) AS born, min(source) AS source
    FROM {given} JOIN blocking_key ON blocking_key.key = given.value->>1 AND publish_now = given.value->>2
    GROUP BY 1, 2
"""
_NARROWED = """
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
_RANKED = """
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
_COUNTED = _RANKED.replace("{counted}", _SHARING)
_BORN_ABOUT = _RANKED.replace("{counted}", _NARROWED.replace("{years}", "born BETWEEN :first AND :last"))
_ANYWHO = _RANKED.replace("{counted}", _NARROWED.replace("WHERE {years}", ""))


class BlockingQuery(NamedTuple):
    """The blocking keys to look up, and the first possible year of birth, if known, which narrows common keys.
    `fewest`: the least number of these keys that a record of the very same name shares; `born_last`: the last possible
    year of birth."""

    keys: Collection[str]
    born: int | None = None
    fewest: int = 0
    born_last: int | None = None


class BlockingHit(NamedTuple):
    """A record with its number of shared keys, as far as they were counted (`shared`) and at most (`most`), its first
    possible year of birth, if stored, its source, and its person (`detainee`)."""

    record: int
    shared: int
    most: int
    born: int | None
    source: int = 0
    detainee: int | None = None


def look_up(
    session: Session, query: BlockingQuery, classes: Collection[str], most: int = MOST_CANDIDATES
) -> list[BlockingHit]:
    """The records that share most keys with the query, at most `most` of each source, of people of these `classes` of
    publication."""
    return look_up_each(session, [query], classes, most)[0]


def look_up_each(
    session: Session, queries: Sequence[BlockingQuery], classes: Collection[str], most: int = MOST_CANDIDATES
) -> list[list[BlockingHit]]:
    """The hits of each query: queries with rare keys alone run TOGETHER, the others one by one."""
    hits: list[list[BlockingHit]] = []
    for some in chunks(queries, TOGETHER):
        sizes = _sizes(session, {key for query in some for key in query.keys}, classes)
        parted = [_parted(sizes, query.keys) for query in some]
        together = iter(_sharing(session, [rare for rare, common in parted if not common], classes, most))
        for query, (rare, common) in zip(some, parted, strict=True):
            hits.append(_narrowed(session, rare, common, classes, query.born, most) if common else next(together))
    return hits


def best(rows: Iterable[tuple[int, int | None]], most: int = MOST_CANDIDATES) -> list[BlockingHit]:
    """The hits of `(record, year of birth)` rows, one for every shared key: the records with most rows first."""
    born: dict[int, int | None] = {}
    shared = Counter[int]()
    for record, year in rows:
        shared[record] += 1
        born[record] = year
    ranked = sorted(shared, key=lambda record: (-shared[record], record))[:most]
    return [BlockingHit(record, shared[record], shared[record], born[record]) for record in ranked]


def _run(session: Session, sql: str, given: dict[str, Any], **values: int) -> Any:
    """Run a statement on lists (`rows_of`) in place of tables."""
    connection = session.connection()
    statement = _statement(sql, **{name: rows_of(connection, name) for name in given})
    return connection.execute(statement, {name: json.dumps(rows) for name, rows in given.items()} | values)


@lru_cache
def _statement(sql: str, **tables: str) -> TextClause:
    return text(sql.format(**tables))


def _sizes(session: Session, keys: Collection[str], classes: Collection[str]) -> Counter[str]:
    """Key → number of its records, counted up to one more than MOST_ROWS of each class."""
    rows = _run(session, _SIZES, {"keys": list(product(sorted(keys), classes))}, enough=MOST_ROWS + 1)
    sizes = Counter[str]()
    for key, size in rows:
        sizes[key] += size
    return sizes


def _parted(sizes: Counter[str], keys: Collection[str]) -> tuple[list[str], list[str]]:
    """`(rare, common)`: the rarest keys, as many as have MOST_ROWS records at most together, and the rest."""
    rare, common, rows = list[str](), list[str](), 0
    for key in sorted((key for key in keys if sizes[key]), key=lambda key: (sizes[key], key)):
        rows += sizes[key]
        (rare if rows <= MOST_ROWS else common).append(key)
    return rare, common


def _sharing(
    session: Session, rare: Sequence[Sequence[str]], classes: Collection[str], most: int
) -> list[list[BlockingHit]]:
    """For each list of rare keys the records that share most of them."""
    hits: list[list[BlockingHit]] = [[] for _ in rare]
    keys = [(who, key, publish) for who, of_query in enumerate(rare) for key, publish in product(of_query, classes)]
    for who, record, shared, born, source, detainee in _run(session, _COUNTED, {"given": keys}, most=most, open=OPEN):
        hits[who].append(BlockingHit(record, shared, shared, born, source, detainee))
    return hits


def _narrowed(
    session: Session,
    rare: Sequence[str],
    common: Sequence[str],
    classes: Collection[str],
    born: int | None,
    most: int,
) -> list[BlockingHit]:
    """The records of a query with common keys. Of these only people born about the same year count; where the year is
    unknown, any of them, but only if the query has no rare key."""
    keys = {"rare": list(product(rare, classes)), "common": list(product(common, classes))}
    values = {"room": MOST_ROWS, "most": most, "open": OPEN}
    if born is not None:
        rows = _run(session, _BORN_ABOUT, keys, first=born - BORN_SLACK, last=born + BORN_SLACK, **values)
    else:
        rows = _run(session, _ANYWHO, keys | ({"common": []} if rare else {}), **values)
    # Not all rows of common keys were counted: a hit may share all of them.
    every = len(rare) + len(common)
    return [
        BlockingHit(record, shared, min(shared + len(common), every), year, source, detainee)
        for _who, record, shared, year, source, detainee in rows
    ]
