"""The groups of a count: which rows of a selection are in which, and how many rows and people."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from app.columns import table
from app.columns.loader import Columns
from app.columns.rows import NO_PLACE, Array, Cells, Mask, Places, cells, flags, outer_join, pairs
from app.columns.table import NOTHING
from app.counts.buckets import bucket_numbers, bucket_text
from app.counts.cells import MOST_CELLS, too_many
from app.counts.list_addresses import WITHHELD
from app.reading import traits
from app.reading.classes import hidden_trait
from app.reading.dimensions import DIMENSIONS, DimensionValue
from app.reading.selection import Selection
from app.registry.publication.permissions import Reader

# The code of a value that the reader may not see, beside those of texts.
UNSEEN = -1

Key = tuple[DimensionValue, ...]


@dataclass(frozen=True)
class Groups:
    """Rows of a selection in groups. A row is a member of several groups where a dimension has several values:
    `place` is the row of each member, None where each row is one; `group` the group of each member."""

    selection: Selection
    names: Sequence[str]
    place: Places | None
    group: Cells

    def numbers(self, where: Mask, *by: Array) -> dict[tuple[int, ...], int]:
        """`(group, *by)` → how many rows for which a condition holds; `by`: further columns of the selection. Raises
        Invalid for more than MOST_CELLS."""
        found = cells(self._members(where, *by))
        if len(found) > MOST_CELLS:
            raise too_many()
        values = (column.tolist() for column in (*found.values, found.sizes()))
        return {cell[:-1]: cell[-1] for cell in zip(*values, strict=True)}

    def _members(self, where: Mask, *by: Array) -> list[Array]:
        """The group of each member for whose row a condition holds, and columns of the selection."""
        if self.place is not None:
            where, by = where[self.place], tuple(column[self.place] for column in by)
        columns = [self.group.number, *by]
        return columns if where.all() else [column[np.flatnonzero(where)] for column in columns]

    def people(self, where: Mask) -> dict[int, int]:
        """Group → how many people the rows are of for which a condition holds."""
        group, person = self._members(where, self.selection.person)
        # Whoever was detained once stands in a group once: only of the others are the same looked for.
        keys, groups = self.selection.columns.keys, len(self.group)
        again = np.flatnonzero(_detained_again(self.selection.columns)[person])
        number = np.bincount(group, minlength=groups) - np.bincount(group[again], minlength=groups)
        each = _each_once(group[again] * keys + person[again])
        number += np.bincount(each // keys, minlength=groups)
        return {at: count for at, count in enumerate(number.tolist()) if count}

    def told(self, slugs: Mapping[int, str]) -> list[Key]:
        """For each group the values of its dimensions, as clients read them. `slugs`: of the sources, by key."""
        columns = []
        for name, values in zip(self.names, self.group.values, strict=True):
            numbers = values.tolist()
            read = {value: _wire(self.selection.columns, name, value, slugs) for value in set(numbers)}
            columns.append([read[value] for value in numbers])
        return [*zip(*columns, strict=True)]


def grouped(selection: Selection, names: Sequence[str], reader: Reader) -> Groups:
    """The rows of a selection that are inside or uncertain, in groups by dimensions."""
    selection = selection.where(selection.inside | selection.uncertain)
    place: Places | None = None
    columns: list[Array] = []
    for name in names:
        if DIMENSIONS[name].personal:
            of, values = _traits(selection, place, name, reader)
            if len(of) > len(selection.rows if place is None else place):  # some row has several values
                place, columns = of if place is None else place[of], [column[of] for column in columns]
            columns.append(values)
        else:
            column = _column(selection, name)
            columns.append(column if place is None else column[place])
    return Groups(selection, names, place, cells(columns))


def _column(selection: Selection, name: str) -> Array:
    """The values of a dimension that is not personal, for each row of a selection."""
    dimension, rows = DIMENSIONS[name], selection.rows
    if dimension.of_day is not None:
        return bucket_numbers(rows["lo"], rows["hi"], dimension.of_day[1])
    together = {"status": "status", "sources": "independent_verified"}
    return selection.together[together[name]] if name in together else rows[name]


def _traits(selection: Selection, place: Places | None, name: str, reader: Reader) -> tuple[Places, Array]:
    """A personal dimension of some rows: the row of each value, by its place among them, and the value. A row of which
    the reader may not see it has one, UNSEEN; a row without a value has one, NOTHING."""
    columns, revision = selection.columns, selection.revision
    rows = selection.rows if place is None else selection.rows.at(place)
    by_source = traits.rests_on_source(name, own=selection.own)
    said = traits.traits(columns, name, revision, by_source=by_source)
    unseen = hidden_trait(columns, rows[table.PERSON], reader, name, revision)
    of_rows, of_said = rows["spell"], said["spell"]
    if by_source:
        of_rows, of_said = pairs(columns.keys, (of_rows, rows["source"]), (of_said, said["source"]))
    if unseen is not None:
        of_rows = np.where(unseen, NO_PLACE, of_rows)  # nothing that is said of whoever may not be seen is looked up
    of, found = outer_join(of_rows, of_said)
    values = np.full(len(of), NOTHING, np.int32)
    has = found != NO_PLACE
    values[has] = said["value"][found[has]]
    values[values == columns.values.of(WITHHELD)] = UNSEEN  # a place of that name stands in the group of that name
    if unseen is not None:
        values[unseen[of]] = UNSEEN
    return of, values


def _detained_again(columns: Columns) -> Mask:
    """By person, whether the person has had more than one spell, at any revision."""
    arrests = columns.tables[table.ARRESTS.name]
    every_person, every_spell = arrests.column(table.PERSON), arrests.column("spell")

    def make() -> Mask:
        last = np.zeros(columns.keys, np.int32)
        last[every_person] = every_spell
        return flags(columns.keys, every_person[every_spell != last[every_person]])

    def renew(before: Mask, touched: Collection[int]) -> Mask:
        again = np.zeros(columns.keys, bool)
        again[: len(before)] = before
        for person in touched:
            again[person] = len({*every_spell[[*arrests.places([person])]].tolist()}) > 1
        return again

    return columns.in_common("people with several spells", make, renew)


def _each_once(numbers: Array) -> Array:
    """Numbers without repetition; np.unique takes ten times as long for them."""
    in_order = np.sort(numbers)
    return in_order[np.flatnonzero(np.diff(in_order, prepend=NO_PLACE))]


def _wire(columns: Columns, name: str, value: int, slugs: Mapping[int, str]) -> DimensionValue:
    """A dimension's value as clients read it."""
    dimension = DIMENSIONS[name]
    if dimension.of_day is not None:
        return bucket_text(value, dimension.of_day[1])
    if name == "source":
        return slugs[value]
    if name == "sources":
        return value
    if dimension.personal:
        return WITHHELD if value == UNSEEN else columns.values.text(value)
    return columns.codes.text(value)
