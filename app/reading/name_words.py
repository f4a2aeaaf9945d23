"""Who has a word in their name that holds a text: indexes of words, in memory.

An index has the names of people of some classes of publication alone: those whose name a reader may see. So a look-up
meets nobody else, and costs the same whether or not somebody hidden is so called.

An index serves later heads too. Rows that came since, and those of people whose class has opened since, are in a small
one beside it, which each head makes anew; whoever has closed has the large one made anew.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from app.columns.loader import Columns
from app.columns.rows import Array, Mask, Places, among, flags
from app.columns.table import NAME, NAMES, PERSON, PLACEMENTS, SINCE, UNTIL
from app.models import CLASSES_OF_TODAY
from app.reading.classes import hidden

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
