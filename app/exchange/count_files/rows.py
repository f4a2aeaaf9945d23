"""The rows of count files, under numbers of people and detentions that no other answer of the registry has."""

from collections.abc import Mapping

import numpy as np
from sqlalchemy import select
from sqlmodel import Session, col

from app.columns.codes import Codes
from app.columns.reading import Columns
from app.columns.rows import NONE, STANDS, Array
from app.columns.tables import SINCE, UNTIL, Kept
from app.exchange.count_files.tables import FILE_TABLES, Column, FileTable, Type

NUMBERED = (Type.PERSON, Type.DETENTION)
Rows = Mapping[str, Array]


class RowsInOrder:
    """All rows of each table, by the names of the registry's own columns, in the order of their opening; rows that the
    same entry opened in an order that follows from what they say. Both, and the numbers of people and detentions, are
    the same at every later revision: rows are closed and opened, never taken away."""

    def __init__(self, session: Session, columns: Columns) -> None:
        self._session, self._columns = session, columns
        self._numbers = {type_: self._numbers_of(type_) for type_ in NUMBERED}

    def of(self, table: FileTable) -> Rows:
        rows = self._rows(table)
        texts = {Type.CODE: self._columns.codes, Type.VALUE: self._columns.values}
        for column in table.columns:
            if column.type in NUMBERED:
                rows[column.kept] = self._numbers[column.type][rows[column.kept]]
        coded = {column.kept: texts[column.type] for column in table.columns if column.type in texts}
        key = [_by_text(coded[name], rows[name]) if name in coded else rows[name] for name in table.key]
        order = np.lexsort((*reversed(key), rows[SINCE]))
        return {name: column[order] for name, column in rows.items()}

    def _rows(self, table: FileTable) -> dict[str, Array]:
        if isinstance(table.rows, Kept):
            held = self._columns.tables[table.rows.name]
            return {name: held.column(name) for name in (SINCE, UNTIL, *table.rows.columns)}
        names = dict.fromkeys((SINCE, UNTIL, *table.key, *(column.kept for column in table.columns)))
        found = self._session.execute(select(*(col(getattr(table.rows, name)) for name in names))).all()
        numbers = np.minimum(np.array(found, np.int64).reshape(-1, len(names)), STANDS).astype(np.int32)
        return dict(zip(names, numbers.T, strict=True))

    def _numbers_of(self, type_: Type) -> Array:
        """The number by the registry's own key: from 1 on, in the order of the revisions at which each first stands in
        a table."""
        first = np.full(self._columns.keys, STANDS, np.int32)
        for table in FILE_TABLES:
            for name in _names_of(table.columns, type_) if isinstance(table.rows, Kept) else ():
                held = self._columns.tables[table.rows.name]
                np.minimum.at(first, held.column(name), held.column(SINCE))
        there = np.argsort(first, kind="stable")[: np.count_nonzero(first != STANDS)]
        numbers = np.full(len(first), NONE, np.int32)
        numbers[there] = np.arange(1, len(there) + 1)
        return numbers


def _names_of(columns: tuple[Column, ...], type_: Type) -> list[str]:
    return [column.kept for column in columns if column.type is type_]


def _by_text(codes: Codes, column: Array) -> Array:
    """Codes as numbers in the order of their texts: which code a text has depends on the process."""
    used = np.unique(column).tolist()
    place = np.zeros(max(used, default=0) + 1, np.int32)
    place[sorted(used, key=lambda code: codes.text(code) or "")] = np.arange(len(used))
    found: Array = place[column]
    return found
