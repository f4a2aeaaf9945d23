"""Whose rows of a count or a list today's reader may see, by today's class of each person."""

from collections.abc import Collection, Sequence
from functools import partial

import numpy as np

from app.columns import table as tables
from app.columns.loader import Columns
from app.columns.rows import Array, Mask
from app.models import CLASSES_OF_TODAY
from app.reading.visibility import sees_all
from app.registry.publication.permissions import Reader

_CLASSES_BEFORE = "classes by person, of the earlier revision that was asked for last"


def classes_of(columns: Columns, revision: int) -> Array:
    """By person, which of today's classes the records have that were the person's at the revision: a bit for each, by
    its place in CLASSES_OF_TODAY."""
    if revision >= columns.head:
        return columns.in_common(
            "classes by person", lambda: _classes_at(columns, columns.head), partial(_renewed, columns)
        )
    made: tuple[int, Array] | None = columns.made.get(_CLASSES_BEFORE)
    if made is None or made[0] != revision:
        made = columns.made[_CLASSES_BEFORE] = revision, _classes_at(columns, revision)
    return made[1]


def _classes_at(columns: Columns, revision: int) -> Array:
    placed = columns.rows(tables.PLACEMENTS, revision)
    own, people = columns.classes[placed["record"]], placed[tables.PERSON]
    bits = np.zeros(columns.keys, np.uint8)
    for place in range(len(CLASSES_OF_TODAY)):
        bits[people[np.flatnonzero(own == place)]] |= np.uint8(1 << place)
    return bits


def _renewed(columns: Columns, before: Array, touched: Collection[int]) -> Array:
    """The classes at the head. `before`: those at an earlier one; `touched`: whose may be others by now."""
    bits = np.zeros(columns.keys, np.uint8)
    bits[: len(before)] = before
    table = columns.tables[tables.PLACEMENTS.name]
    record, until = table.column("record"), table.column(tables.UNTIL)
    for person in touched:
        classes = {
            int(columns.classes[record[place]]) for place in table.places([person]) if until[place] > columns.head
        }
        bits[person] = sum(1 << place for place in classes)
    return bits


def hidden(columns: Columns, people: Array, classes: Sequence[str], revision: int) -> Mask:
    """Whether today's class of each of these people is among `classes`.

    The person is taken as at the revision; its class is the strictest of today's classes of the records it had then."""
    bits = sum(1 << CLASSES_OF_TODAY.index(publish) for publish in classes)
    found: Mask = (classes_of(columns, revision)[people] & bits) != 0
    return found


def hidden_trait(
    columns: Columns, people: Array, reader: Reader, name: str, revision: int, values: Sequence[str] = ()
) -> Mask | None:
    """Of which of these people the reader may not see a personal dimension (with one of these values); None where the
    reader may see it of everyone."""
    classes = [publish for publish in CLASSES_OF_TODAY if not sees_all(reader, publish, name, values)]
    return hidden(columns, people, classes, revision) if classes else None


def seen(columns: Columns, people: Array, reader: Reader, revision: int) -> Mask:
    """Which of these people stand in lists for the reader."""
    classes = [publish for publish in CLASSES_OF_TODAY if not reader.sees_person(publish)]
    return ~hidden(columns, people, classes, revision)
