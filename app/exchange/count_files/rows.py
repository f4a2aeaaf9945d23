"""The rows of count files, under numbers of people and detentions that no other answer of the registry has."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlmodel import Session, col

from app.columns.loader import Columns
from app.columns.rows import NONE, STANDS, Array
from app.columns.table import SINCE, UNTIL, Codes, Kept
from app.exchange.count_files.tables import FILE_TABLES, UNLINKED, Column, FileTable, Type
from app.exchange.count_files.unlinked import VOICES, parted
from app.models import PendingPair

NUMBERED = (Type.PERSON, Type.DETENTION)
# Of columns that hold something else than numbers of 32 bits.
DTYPES: dict[Type, Any] = {Type.TEXT: object, Type.TRUTH: np.bool_}
Rows = Mapping[str, Array]


class RowsInOrder:
    """All rows of each table, by the names of the registry's own columns, in the order of their opening; rows that the
    same entry opened in an order that follows from what they say. A row that ends where another begins that says the
    same goes on instead: what changed is in no file.

    The order, and the numbers of people and detentions, are the same at every later revision: rows are closed and
    opened, never taken away."""

    def __init__(self, session: Session, columns: Columns) -> None:
        self._session, self._columns = session, columns
        self._numbers = {type_: self._numbers_of(type_) for type_ in NUMBERED}
        self.parted = parted(columns)
        self._unlinked = dict(zip((table.name for table in UNLINKED), VOICES, strict=True))

    def of(self, table: FileTable) -> Rows:
        rows = self._rows(table)
        for column in table.columns:
            if column.type in NUMBERED:
                rows[column.kept] = self.number(column.type, rows[column.kept])
        rows = _gone_on(
            rows, [rows[name] for name in table.key], [column.kept for column in table.columns if column.kept in rows]
        )
        texts = {Type.CODE: self._columns.codes, Type.VALUE: self._columns.values}
        coded = {column.kept: texts[column.type] for column in table.columns if column.type in texts}
        key = [_by_text(coded[name], rows[name]) if name in coded else rows[name] for name in table.key]
        order = np.lexsort((*reversed(key), rows[SINCE]))
        return {name: column[order] for name, column in rows.items()}

    def number(self, type_: Type, keys: Array) -> Array:
        """The numbers of people or detentions in the files, by the registry's own keys."""
        numbers: Array = self._numbers[type_][keys]
        return numbers

    def _rows(self, table: FileTable) -> dict[str, Array]:
        if table.kept in VOICES:
            return {**self.parted.linked[table.kept.name]}
        if table.kept is not None:
            return self._of_server(table.kept)
        if table.name in self._unlinked:
            rows = self.parted.unlinked[self._unlinked[table.name].name]
            types = {column.kept: DTYPES.get(column.type, np.int32) for column in table.columns}
            types |= dict.fromkeys((SINCE, UNTIL), np.int32)
            return {name: np.array([row[name] for row in rows], dtype) for name, dtype in types.items()}
        pairs = (
            PendingPair.decision,
            PendingPair.since,
            PendingPair.until,
            PendingPair.detainee_a,
            PendingPair.detainee_b,
        )
        undecided = self._session.execute(select(*map(col, pairs))).all()
        numbers = np.minimum(np.array(undecided, np.int64).reshape(-1, len(pairs)), STANDS).astype(np.int32)
        return dict(zip(("decision", SINCE, UNTIL, "detainee_a", "detainee_b"), numbers.T, strict=True))

    def _of_server(self, kept: Kept) -> dict[str, Array]:
        held = self._columns.tables[kept.name]
        return {name: held.column(name) for name in (SINCE, UNTIL, *kept.columns)}

    def _numbers_of(self, type_: Type) -> Array:
        """The number by the registry's own key: from 1 on, in the order of the revisions at which each first stands in
        a table."""
        first = np.full(self._columns.keys, STANDS, np.int32)
        for table in FILE_TABLES:
            for name in _names_of(table.columns, type_):
                assert table.kept is not None
                held = self._columns.tables[table.kept.name]
                np.minimum.at(first, held.column(name), held.column(SINCE))
        there = np.argsort(first, kind="stable")[: np.count_nonzero(first != STANDS)]
        numbers = np.full(len(first), NONE, np.int32)
        numbers[there] = np.arange(1, len(there) + 1)
        return numbers


def _names_of(columns: tuple[Column, ...], type_: Type) -> list[str]:
    return [column.kept for column in columns if column.type is type_]


def _gone_on(rows: dict[str, Array], key: list[Array], columns: list[str]) -> dict[str, Array]:
    """The rows, without those that begin where a row of the same key ends that says the same in these columns, which
    lasts on instead."""
    if not len(rows[SINCE]):
        return rows
    order = np.lexsort((rows[SINCE], *key))
    rows = {name: column[order] for name, column in rows.items()}
    same = rows[SINCE][1:] == rows[UNTIL][:-1]
    for column in (*(of_key[order] for of_key in key), *(rows[name] for name in columns if name not in (SINCE, UNTIL))):
        same &= column[1:] == column[:-1]
    first = np.flatnonzero(~np.append(False, same))
    last = np.append(first[1:], len(order)) - 1
    return {name: column[last if name == UNTIL else first] for name, column in rows.items()}


def _by_text(codes: Codes, column: Array) -> Array:
    """Codes as numbers in the order of their texts: which code a text has depends on the process."""
    used = np.unique(column).tolist()
    place = np.zeros(max(used, default=0) + 1, np.int32)
    place[sorted(used, key=lambda code: codes.text(code) or "")] = np.arange(len(used))
    places: Array = place[column]
    return places
