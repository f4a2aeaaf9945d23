"""Tables whose rows carry transaction time (`since`, `until`): close rows that no longer hold, insert new ones.

Statements are made once for each table: building one costs more than running it.
"""

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import Connection, Table, bindparam, delete, insert, select, update

from app.database import chunks
from app.models import OPEN, TableRow
from app.write_buffer import WriteBuffer


class VersionedTable:
    """One such table. Rows that may change together are found by the value of one column, `matched_by`."""

    def __init__(self, model: type[Any], matched_by: str) -> None:
        table: Table = model.__table__
        key = [column for column in table.primary_key.columns if column.name != "since"]
        self._key = [column.name for column in key]
        self._values = [c.name for c in table.c if c.name not in (*self._key, "since", "until")]
        self._insert = insert(table)
        this = [column == bindparam(f"this_{column.name}") for column in (*key, table.c.since)]
        self._close = update(table).where(*this).values(until=bindparam("closed_at"))
        self._delete = delete(table).where(*this)
        # `since` first, then the key, then the values: a row is cut into its parts by position.
        self._standing = select(table.c.since, *key, *(table.c[name] for name in self._values)).where(
            table.c[matched_by].in_(bindparam("among", expanding=True)), table.c.until == OPEN
        )

    def replace(self, run: Connection, among: Collection[Any], wanted: list[TableRow], revision: int) -> None:
        """Make `wanted` the standing rows, from `revision` on, in place of those found by `among`."""
        new = {tuple(row[n] for n in self._key): tuple(row[n] for n in self._values) for row in wanted}
        width = 1 + len(self._key)
        closed: list[TableRow] = []
        unseen: list[TableRow] = []
        for row in self._standing_rows(run, among):
            since, key, values = row[0], row[1:width], row[width:]
            if new.get(key) == values:
                del new[key]
                continue
            this = {"this_since": since, **{f"this_{n}": value for n, value in zip(self._key, key, strict=True)}}
            # A row of this very revision was never visible to anyone: it leaves no past.
            (unseen if since == revision else closed).append(this)
        if unseen:
            run.execute(self._delete, unseen)
        if closed:
            run.execute(self._close, [{**this, "closed_at": revision} for this in closed])
        names = (*self._key, *self._values)
        opened = [dict(zip(names, key + values, strict=True)) for key, values in new.items()]
        if opened:  # an empty list would insert a row of defaults
            run.execute(self._insert, [{**row, "since": revision, "until": OPEN} for row in opened])

    def open(self, buffer: WriteBuffer, wanted: list[TableRow], revision: int) -> None:
        """Add to the buffer rows of a person who has none yet."""
        once = {tuple(row[n] for n in self._key): row for row in wanted}
        buffer.add(self._insert, [{**row, "since": revision, "until": OPEN} for row in once.values()])

    def _standing_rows(self, run: Connection, among: Collection[Any]) -> Iterable[tuple[Any, ...]]:
        for some in chunks(among):
            yield from map(tuple, run.execute(self._standing, {"among": some}))
