"""Order the rows of count files as they were opened."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlmodel import Session, col

from app.columns.loader import Columns
from app.columns.rows import NULL, OPEN_UNTIL, Array
from app.columns.table import SINCE_COLUMN, UNTIL_COLUMN, Codes, TableSpec
from app.exports.count_files.tables import FILE_TABLES, NUMBERED_TYPES, UNLINKED_TABLES, Column, ColumnType, FileTable
from app.exports.count_files.unlinked import SOURCE_TABLES, partition_rows
from app.models import PendingPair

# Types other than numbers of 32 bits.
FILE_DTYPES: dict[ColumnType, Any] = {ColumnType.TEXT: object, ColumnType.TRUTH: np.bool_}
ArraysByName = Mapping[str, Array]


class OrderedRows:
    """All rows of each table, by registry column name, in the order of opening.

    Rows of one entry are ordered by their content. A row that ends where another with the same content begins is
    continued instead: no file shows that something else changed. The order, and the numbers of people and detentions,
    are the same at every later revision: rows are closed and opened, never removed.
    """

    def __init__(self, session: Session, columns: Columns) -> None:
        self._session, self._columns = session, columns
        self._numbers = {type_: self._assign_numbers(type_) for type_ in NUMBERED_TYPES}
        self.partition = partition_rows(columns)
        self._unlinked_tables = dict(zip((table.name for table in UNLINKED_TABLES), SOURCE_TABLES, strict=True))

    def read_table(self, table: FileTable) -> ArraysByName:
        rows = self._read_rows(table)
        for column in table.columns:
            if column.type in NUMBERED_TYPES:
                rows[column.registry_name] = self.number_keys(column.type, rows[column.registry_name])
        rows = _merge_continued_rows(
            rows,
            [rows[name] for name in table.key],
            [column.registry_name for column in table.columns if column.registry_name in rows],
        )
        codes_by_type = {ColumnType.CODE: self._columns.codes, ColumnType.VALUE: self._columns.values}
        codes_by_column = {
            column.registry_name: codes_by_type[column.type] for column in table.columns if column.type in codes_by_type
        }
        key = [
            _rank_by_text(codes_by_column[name], rows[name]) if name in codes_by_column else rows[name]
            for name in table.key
        ]
        order = np.lexsort((*reversed(key), rows[SINCE_COLUMN]))
        return {name: column[order] for name, column in rows.items()}

    def number_keys(self, type_: ColumnType, keys: Array) -> Array:
        """Return the numbers of people or detentions in the files, by the registry's own keys."""
        numbers: Array = self._numbers[type_][keys]
        return numbers

    def _read_rows(self, table: FileTable) -> dict[str, Array]:
        if table.registry_spec in SOURCE_TABLES:
            return {**self.partition.linked_rows[table.registry_spec.name]}
        if table.registry_spec is not None:
            return self._read_registry_table(table.registry_spec)
        if table.name in self._unlinked_tables:
            rows = self.partition.unlinked_rows[self._unlinked_tables[table.name].name]
            types = {column.registry_name: FILE_DTYPES.get(column.type, np.int32) for column in table.columns}
            types |= dict.fromkeys((SINCE_COLUMN, UNTIL_COLUMN), np.int32)
            return {name: np.array([row[name] for row in rows], dtype) for name, dtype in types.items()}
        names = ("decision", SINCE_COLUMN, UNTIL_COLUMN, "detainee_a", "detainee_b")
        pair_rows = self._session.execute(select(*(col(getattr(PendingPair, name)) for name in names))).all()
        numbers = np.minimum(np.array(pair_rows, np.int64).reshape(-1, len(names)), OPEN_UNTIL).astype(np.int32)
        return dict(zip(names, numbers.T, strict=True))

    def _read_registry_table(self, spec: TableSpec) -> dict[str, Array]:
        cached_table = self._columns.tables[spec.name]
        return {name: cached_table.column(name) for name in (SINCE_COLUMN, UNTIL_COLUMN, *spec.columns)}

    def _assign_numbers(self, type_: ColumnType) -> Array:
        """Return the number by the registry's own key: from 1 on, in the order of the first revision in a table."""
        first_revision = np.full(self._columns.key_count, OPEN_UNTIL, np.int32)
        for table in FILE_TABLES:
            for name in _list_registry_names(table.columns, type_):
                assert table.registry_spec is not None
                cached_table = self._columns.tables[table.registry_spec.name]
                np.minimum.at(first_revision, cached_table.column(name), cached_table.column(SINCE_COLUMN))
        used_keys = np.argsort(first_revision, kind="stable")[: np.count_nonzero(first_revision != OPEN_UNTIL)]
        numbers = np.full(len(first_revision), NULL, np.int32)
        numbers[used_keys] = np.arange(1, len(used_keys) + 1)
        return numbers


def _list_registry_names(columns: tuple[Column, ...], type_: ColumnType) -> list[str]:
    return [column.registry_name for column in columns if column.type is type_]


def _merge_continued_rows(rows: dict[str, Array], key: list[Array], columns: list[str]) -> dict[str, Array]:
    """Merge each row with the next one of the same key that begins where it ends and has the same content."""
    if not len(rows[SINCE_COLUMN]):
        return rows
    order = np.lexsort((rows[SINCE_COLUMN], *key))
    rows = {name: column[order] for name, column in rows.items()}
    is_continued = rows[SINCE_COLUMN][1:] == rows[UNTIL_COLUMN][:-1]
    for column in (
        *(key_column[order] for key_column in key),
        *(rows[name] for name in columns if name not in (SINCE_COLUMN, UNTIL_COLUMN)),
    ):
        is_continued &= column[1:] == column[:-1]
    first = np.flatnonzero(~np.append(False, is_continued))
    last = np.append(first[1:], len(order)) - 1
    return {name: column[last if name == UNTIL_COLUMN else first] for name, column in rows.items()}


def _rank_by_text(codes: Codes, column: Array) -> Array:
    """Return codes as ranks of their texts: which code a text has depends on the process."""
    used_codes = np.unique(column).tolist()
    rank_by_code = np.zeros(max(used_codes, default=0) + 1, np.int32)
    rank_by_code[sorted(used_codes, key=lambda code: codes.text(code) or "")] = np.arange(len(used_codes))
    ranks: Array = rank_by_code[column]
    return ranks
