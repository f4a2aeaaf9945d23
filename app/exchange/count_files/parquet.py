"""Columns of numbers to Parquet files and back, by DuckDB.

A file has days as dates, codes as texts and null where the columns have NONE, so that any tool can read it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from app.columns.codes import NOTHING, Codes
from app.columns.rows import NONE, Array
from app.exchange.count_files.tables import Column, Type

# Everything needed is built in: nothing is fetched from anywhere.
_SETTINGS = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
# What DuckDB may hold before it puts something aside on disk.
_MEMORY = "256MB"
# Rows that are fetched at a time.
BATCH = 10_000
_CODED = (Type.CODE, Type.VALUE)
_ORDINAL_1 = "DATE '0001-01-01'"


NO_CODES = Codes()  # of files that have none


def write_parquet(
    path: Path, columns: Sequence[Column], rows: Mapping[str, Array], codes: Codes, values: Codes = NO_CODES
) -> None:
    """Write rows, by the names of the registry's own columns, into a file. `values`: of personal dimensions."""
    with _connected() as connection:
        connection.register("rows", {column.kept: rows[column.kept] for column in columns})
        for column in columns:
            if column.type in _CODED:
                told = _texts(codes if column.type is Type.CODE else values, rows[column.kept])
                _set(connection, column, "VARCHAR[]", told)
        in_file = ", ".join(f"{_in_file(column)} AS {column.name}" for column in columns)
        connection.view("rows").project(in_file).write_parquet(str(path), compression="zstd")


def read_columns(
    paths: Sequence[Path], columns: Sequence[Column], codes: Codes, values: Codes = NO_CODES
) -> dict[str, Array]:
    """The rows of files that have the same columns, one file after another, by the names of the registry's own
    columns. `values`: of personal dimensions."""
    with _connected() as connection:
        rows = connection.read_parquet([str(path) for path in paths])
        for column in columns:
            if column.type in _CODED:
                add = (codes if column.type is Type.CODE else values).add
                texts = [text for (text,) in rows.unique(column.name).fetchall() if text is not None]
                _set(connection, column, "MAP(VARCHAR, INTEGER)", {text: add(text) for text in texts})
        kept = ", ".join(f"{_in_columns(column)} AS {column.kept}" for column in columns)
        found: dict[str, Any] = rows.project(kept).fetchnumpy()
        return {name: np.asarray(column) for name, column in found.items()}


def read_rows(paths: Sequence[Path], columns: Sequence[Column]) -> Iterator[dict[str, Any]]:
    """The rows of files in words, by the names of the registry's own columns."""
    names = [column.kept for column in columns]
    with _opened() as connection:  # for itself: a view is seen by all connections of a database
        rows = connection.read_parquet([str(path) for path in paths])
        rows.project(", ".join(column.name for column in columns)).create_view("told")
        told = connection.execute("FROM told")
        while some := told.fetchmany(BATCH):
            for row in some:
                yield dict(zip(names, row, strict=True))


def _opened() -> duckdb.DuckDBPyConnection:
    """An empty database in memory."""
    return duckdb.connect(":memory:", config={**_SETTINGS, "memory_limit": _MEMORY})


@cache
def _database() -> duckdb.DuckDBPyConnection:
    """The one that this process opens once, since that takes longer than to write a file."""
    return _opened()


@contextmanager
def _connected() -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection whose names and variables are its own."""
    with _database().cursor() as connection:
        yield connection


def _set(connection: duckdb.DuckDBPyConnection, column: Column, type_: str, value: Any) -> None:
    connection.execute(f"SET VARIABLE {column.kept} = ?::{type_}", [value])


def _texts(codes: Codes, column: Array) -> list[str | None]:
    """The texts of a column, each in the place of its code."""
    texts: list[str | None] = [None] * (int(column.max(initial=0)) + 1)
    for code in np.unique(column).tolist():
        texts[code] = codes.text(code)
    return texts


def _in_file(column: Column) -> str:
    match column.type:
        case Type.CODE | Type.VALUE:
            return f"list_extract(getvariable('{column.kept}'), {column.kept} + 1)"
        case Type.DAY:
            return f"CASE WHEN {column.kept} <> {NONE} THEN {_ORDINAL_1} + ({column.kept} - 1) END"
        case Type.INSTANT:
            return f"make_timestamp({column.kept}) AT TIME ZONE 'UTC'"
        case Type.TEXT | Type.TRUTH:
            return column.kept
        case _:
            return f"nullif({column.kept}, {NONE})"


def _in_columns(column: Column) -> str:
    match column.type:
        case Type.CODE | Type.VALUE:
            return f"coalesce(getvariable('{column.kept}')[{column.name}], {NOTHING})::INTEGER"
        case Type.DAY:
            return f"coalesce(date_diff('day', {_ORDINAL_1}, {column.name}) + 1, {NONE})::INTEGER"
        case Type.TRUTH:
            return column.name
        case _:
            return f"coalesce({column.name}, {NONE})::INTEGER"
