"""Which things a list holds, by its terms: releases, detentions or people; and the order in which it shows them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import select as select_rows
from sqlmodel import Session, col

from app.columns import table
from app.columns.rows import NONE, Array, Mask, Places, Rows, flags
from app.columns.store import columns_of
from app.models import Record
from app.reading.paging import AFTER_ANY_DAY, BEFORE_ANY_DAY
from app.reading.questions import DetaineeQuery, DetentionQuery, ReleaseQuery
from app.reading.selection import detentions, select
from app.reading.terms import PersonTerms, ReleaseTerms
from app.registry.publication.permissions import Reader

# Terms of releases: in a list of detainees they mean people with such a release.
RELEASE_TERMS = ReleaseTerms.model_fields.keys() - PersonTerms.model_fields.keys()

# Of the things of a list one in so many is looked at, to tell which come first; some more of these than the page holds
# are let pass, so that nearly always one look is enough.
SAMPLED, SPARE = 64, 16


@dataclass(frozen=True)
class ListedThings:
    """The things that terms mean at a revision: the key and the person of each, and a day, where they have one.

    `spells`: the rows that personal terms read, and `own`: of one source's own words. A release and a detention are one
    spell each, and have the row at the same place; a person may have several."""

    key: Array
    person: Array
    day: Array | None
    spells: Rows
    own: bool = False
    of_people: bool = False

    def with_spell(self, mask: Mask) -> Mask:
        """Which things have a spell for which a condition on `spells` holds."""
        if not self.of_people:
            return mask
        keys = int(self.key.max(initial=0)) + 1
        people = self.spells[table.PERSON][mask]
        return flags(keys, people[people < keys])[self.key]


# A query and a revision → the things that its terms mean then.
Listing = Callable[[ReleaseQuery | DetentionQuery | DetaineeQuery, int], ListedThings]


def counted(session: Session, query: ReleaseQuery | DetentionQuery, reader: Reader, revision: int) -> ListedThings:
    """What a count of the same terms counts."""
    selection = select(session, query, reader, revision)
    rows = selection.rows.where(selection.inside)
    return ListedThings(rows["spell"], rows[table.PERSON], rows["lo"], rows, selection.own)


def every_detention(session: Session, query: DetentionQuery, reader: Reader, revision: int) -> ListedThings:
    """Spells in custody, whenever they were."""
    rows = detentions(session, query, reader, revision)
    return ListedThings(rows["spell"], rows[table.PERSON], rows["detained_lo"], rows)


def people(session: Session, query: DetaineeQuery, reader: Reader, revision: int) -> ListedThings:
    """People. Terms of detentions mean people with a detention of which all these terms hold; terms of releases mean
    people with such a release."""
    columns = columns_of(session)
    keys = columns.rows(table.PEOPLE, revision)[table.PERSON]
    spells = detentions(session, query, reader, revision)
    if query.id:
        known = session.scalars(select_rows(col(Record.key)).where(col(Record.detainee_id).in_(query.id))).all()
        keys = keys[np.isin(keys, known)]
    if any(getattr(query, name) not in (None, []) for name in PersonTerms.model_fields):
        keys = keys[flags(columns.keys, spells[table.PERSON])[keys]]
    if query.model_fields_set & RELEASE_TERMS:
        released = select(session, query, reader, revision)
        keys = keys[flags(columns.keys, released.person[released.inside])[keys]]
    return ListedThings(keys, keys, None, spells, of_people=True)


@dataclass(frozen=True)
class ArrayOrder:
    """An order of things: columns with whether the highest come first, the last one a key."""

    columns: Sequence[tuple[Array, bool]]

    def after(self, position: Sequence[int] | None, limit: int) -> list[tuple[int, list[int]]]:
        """At most `limit` things that come after a position: the place of each, and its own position."""
        # In whole numbers as wide as the columns are: what is looked through is everybody's.
        values = [-column if down else column for column, down in self.columns]
        places: Places | None = None
        if position is not None:
            passed = [
                -number if down else number for number, (_column, down) in zip(position, self.columns, strict=True)
            ]
            places = np.flatnonzero(_beyond(values, passed))
        first = values[0] if places is None else values[0][places]
        if len(first) > limit:
            with_ties = np.flatnonzero(first <= _value_at(first, limit))
            places = with_ties if places is None else places[with_ties]
        elif places is None:
            places = np.arange(len(first))
        in_order: Places = places[np.lexsort([value[places] for value in reversed(values)])][:limit]
        shown = zip(*(column[in_order].tolist() for column, _down in self.columns), strict=True)
        return [(place, [*numbers]) for place, numbers in zip(in_order.tolist(), shown, strict=True)]


def _value_at(values: Array, place: int) -> int:
    """The value that stands at a place in ascending order. Where there are many, most are seen to be too high by a
    sample, and only the others are put in order."""
    sample = values[::SAMPLED]
    beyond = place // SAMPLED * 4 + SPARE
    if len(sample) > beyond:
        low = values[values <= np.partition(sample, beyond)[beyond]]
        values = low if len(low) > place else values
    return int(np.partition(values, place)[place])


def _beyond(values: Sequence[Array], passed: Sequence[int]) -> Mask:
    """Which rows come after a position, compared by the first value, where it is the same by the second, and so on."""
    beyond, same = np.zeros(len(values[0]), bool), np.ones(len(values[0]), bool)
    for value, number in zip(values, passed, strict=True):
        beyond |= same & (value > number)
        same &= value == number
    return beyond


def order_of(things: ListedThings, sort: str | None) -> list[tuple[Array, bool]]:
    """By key, or by day and then by key; what has no day stands last, whichever way round."""
    down = sort is not None and sort.startswith("-")
    by_key = [(things.key, down)]
    if sort is None or sort.removeprefix("-") == "recorded" or things.day is None:
        return by_key
    undated = BEFORE_ANY_DAY if down else AFTER_ANY_DAY
    return [(np.where(things.day == NONE, undated, things.day), down), *by_key]
