"""Tables whose rows carry transaction time (`since`, `until`): close rows that no longer hold, insert new ones.

Statements are made once: building one costs more than running it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    Connection,
    Select,
    Table,
    bindparam,
    cast,
    delete,
    insert,
    literal,
    null,
    select,
    union_all,
    update,
)
from sqlalchemy.types import TypeEngine

from app.db.engine import chunks
from app.db.write_buffer import WriteBuffer
from app.models import OPEN, TableRow


class VersionedTables:
    """Tables whose rows may change together. They are found by the value of one column that all have, `matched_by`, and
    read with one statement."""

    def __init__(self, models: Sequence[type[Any]], matched_by: str) -> None:
        self._tables = [_Versioned(model, matched_by) for model in models]
        # One row is wide enough for any table: each column stands in the next free place for its type.
        wide: list[TypeEngine[Any]] = []
        self._places = [_places(table, wide) for table in self._tables]
        numbered = enumerate(zip(self._tables, self._places, strict=True))
        self._standing = union_all(*(_widened(number, *part, wide) for number, part in numbered))

    def replace(
        self, run: Connection, among: Collection[Any], wanted: Mapping[type[Any], list[TableRow]], revision: int
    ) -> None:
        """Make `wanted`, rows by their table, the standing rows from `revision` on, in place of those found by
        `among`."""
        standing: list[list[tuple[Any, ...]]] = [[] for _ in self._tables]
        for some in chunks(among):
            for number, *row in run.execute(self._standing, {"among": some}):
                standing[number].append(tuple(row[place] for place in self._places[number]))
        buffer = WriteBuffer(run)
        for table, rows in zip(self._tables, standing, strict=True):
            table.replace(buffer, rows, wanted.get(table.model, []), revision)
        buffer.flush()

    def open(self, buffer: WriteBuffer, wanted: Mapping[type[Any], list[TableRow]], revision: int) -> None:
        """Add to the buffer rows that stand in place of none."""
        for table in self._tables:
            table.open(buffer, wanted.get(table.model, []), revision)


class _Versioned:
    """One such table."""

    def __init__(self, model: type[Any], matched_by: str) -> None:
        table: Table = model.__table__
        self.model = model
        key = [column for column in table.primary_key.columns if column.name != "since"]
        self._key = [column.name for column in key]
        self._values = [c.name for c in table.c if c.name not in (*self._key, "since", "until")]
        self._insert = insert(table)
        this = [column == bindparam(f"this_{column.name}") for column in (*key, table.c.since)]
        self._close = update(table).where(*this).values(until=bindparam("closed_at"))
        self._delete = delete(table).where(*this)
        # `since` first, then the key, then the values: a row is cut into its parts by position.
        self.columns = [table.c.since, *key, *(table.c[name] for name in self._values)]
        self.stands = (table.c[matched_by].in_(bindparam("among", expanding=True)), table.c.until == OPEN)

    def replace(
        self, buffer: WriteBuffer, standing: Iterable[tuple[Any, ...]], wanted: list[TableRow], at: int
    ) -> None:
        """Add to the buffer what makes `wanted` the rows that stand from a revision on, in place of rows of
        `columns`."""
        new = {tuple(row[n] for n in self._key): tuple(row[n] for n in self._values) for row in wanted}
        width = 1 + len(self._key)
        closed: list[TableRow] = []
        unseen: list[TableRow] = []
        for row in standing:
            since, key, values = row[0], row[1:width], row[width:]
            if new.get(key) == values:
                del new[key]
                continue
            this = {"this_since": since, **{f"this_{n}": value for n, value in zip(self._key, key, strict=True)}}
            # A row of this very revision was never visible to anyone: it leaves no past.
            (unseen if since == at else closed).append(this)
        buffer.add(self._delete, unseen)
        buffer.add(self._close, [{**this, "closed_at": at} for this in closed])
        names = (*self._key, *self._values)
        opened = [dict(zip(names, key + values, strict=True)) for key, values in new.items()]
        buffer.add(self._insert, [{**row, "since": at, "until": OPEN} for row in opened])

    def open(self, buffer: WriteBuffer, wanted: list[TableRow], at: int) -> None:
        once = {tuple(row[n] for n in self._key): row for row in wanted}
        buffer.add(self._insert, [{**row, "since": at, "until": OPEN} for row in once.values()])


def _places(table: _Versioned, wide: list[TypeEngine[Any]]) -> list[int]:
    """The places of a table's columns in the wide row, which grows by those that it lacks."""
    places: list[int] = []
    for column in table.columns:
        kind = column.type.python_type
        free = (n for n, other in enumerate(wide) if other.python_type is kind and n not in places)
        place = next(free, len(wide))
        if place == len(wide):
            wide.append(column.type)
        places.append(place)
    return places


def _widened(number: int, table: _Versioned, places: Sequence[int], wide: Sequence[TypeEngine[Any]]) -> Select[Any]:
    """The standing rows of a table as wide rows, each with the table's number."""
    by_place = dict(zip(places, table.columns, strict=True))
    cells = [by_place.get(place, cast(null(), kind)).label(f"c{place}") for place, kind in enumerate(wide)]
    return select(literal(number).label("of"), *cells).where(*table.stands)
