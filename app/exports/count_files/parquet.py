"""What a Parquet file may be, which somebody may have made to harm whoever reads it: some hundred bytes can unpack to
milliards of rows. Each bound is looked at before anything takes memory for what it bounds.

Columns of numbers to Parquet files and back, by DuckDB.

A file has days as dates, codes as texts and null where the columns have NONE, so that any tool can read it. Whoever
made a file that is read may have meant ill by it (`bounds`)."""

import errno
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from glob import escape
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from app.columns.rows import NULL, Array
from app.columns.table import NULL_CODE, Codes
from app.exports.count_files.files import ParquetFile
from app.exports.count_files.tables import Column, ColumnType
from app.imports.faults import BadFile

# Bytes of what stands at the end of a file and says where everything is: about a hundred for 120,000 rows of a column.
# What DuckDB makes of it can take four hundred times as much memory.
MAX_FOOTER_BYTES = 2**20
_PARQUET_MAGIC = b"PAR1"
_FOOTER_LENGTH_BYTES = 4  # bytes of the length of the footer, which stands before the last mark
# Different codes, of which a registry has some hundred, and different values of personal dimensions: names of places.
MAX_DISTINCT_TEXTS = {ColumnType.CODE: 2**12, ColumnType.VALUE: 2**20}
# Bytes. Codes have up to 100 letters and names of places 200; a published figure has three notes of 4,000 letters.
MAX_CODE_BYTES = 2**10
MAX_TEXT_BYTES = 2**17
# Bytes of all texts of a table: so many, and so many for each row, of which a leaf hash takes 64.
MAX_TABLE_TEXT_BYTES, MAX_ROW_TEXT_BYTES = 2**27, 2**8
# Rows of a table of which each is read into memory by itself, and takes up to five kilobytes there: what sources say of
# people who may only be counted, pairs that wait for a curator, sources, facilities and published figures.
MAX_IN_MEMORY_ROWS = 2**20
_INTEGER_TYPES = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT"}
_DUCKDB_TYPES = {
    ColumnType.PERSON: _INTEGER_TYPES,
    ColumnType.DETENTION: _INTEGER_TYPES,
    ColumnType.NUMBER: _INTEGER_TYPES,
    ColumnType.DAY: {"DATE"},
    ColumnType.CODE: {"VARCHAR"},
    ColumnType.VALUE: {"VARCHAR"},
    ColumnType.TEXT: {"VARCHAR"},
    ColumnType.TRUTH: {"BOOLEAN"},
    ColumnType.INSTANT: {"TIMESTAMP WITH TIME ZONE"},
}


def require_row_limit(files: Sequence[ParquetFile]) -> None:
    """Raises BadFile where files have more rows than are read one by one."""
    rows = sum(file.rows for file in files)
    if rows > MAX_IN_MEMORY_ROWS:
        raise BadFile(
            "too_large", f"{files[0].path} has {rows:,} rows, and this version reads {MAX_IN_MEMORY_ROWS:,} at most."
        )


def require_row_count(connection: duckdb.DuckDBPyConnection, folder: Path, paths: Mapping[str, ParquetFile]) -> None:
    """Raises BadFile where a file does not have as many rows as its descriptor says, by each of the two places in which
    it tells their number itself. `paths`: by which DuckDB finds each file."""
    for path, file in paths.items():
        _require_short_footer(folder, file)
        total_rows = connection.execute("SELECT num_rows FROM parquet_file_metadata($1)", [path]).fetchall()
        group_rows = connection.execute(
            "SELECT row_group_num_rows FROM parquet_metadata($1) WHERE column_id = 0", [path]
        ).fetchall()
        group_counts = [number for (number,) in group_rows]
        if total_rows != [(file.rows,)] or sum(group_counts) != file.rows or any(number < 0 for number in group_counts):
            raise _build_damaged_file_error(folder, file, f"has not the {file.rows:,} rows that its descriptor says")


def require_columns(
    rows: duckdb.DuckDBPyRelation, folder: Path, files: Sequence[ParquetFile], columns: Sequence[Column]
) -> None:
    """Raises BadFile where a column is missing or holds something else."""
    types = dict(zip(rows.columns, map(str, rows.types), strict=True))
    for column in columns:
        if types.get(column.name) not in _DUCKDB_TYPES[column.type]:
            raise _build_damaged_file_error(folder, files[0], f"has no column `{column.name}` of that type")


def require_short_texts(
    rows: duckdb.DuckDBPyRelation, folder: Path, files: Sequence[ParquetFile], columns: Sequence[Column]
) -> None:
    """Raises BadFile where texts are longer than a registry's can be."""
    texts = [column for column in columns if _DUCKDB_TYPES[column.type] == {"VARCHAR"}]
    if not texts:
        return
    lengths = ", ".join(
        f"coalesce(max(strlen({column.name})), 0), coalesce(sum(strlen({column.name})), 0)" for column in texts
    )
    (sizes,) = rows.aggregate(lengths).fetchall()
    max_total = MAX_TABLE_TEXT_BYTES + MAX_ROW_TEXT_BYTES * sum(file.rows for file in files)
    for column, longest, total in zip(texts, sizes[::2], sizes[1::2], strict=True):
        is_code = column.type in MAX_DISTINCT_TEXTS
        if longest > (MAX_CODE_BYTES if is_code else MAX_TEXT_BYTES) or (not is_code and total > max_total):
            raise _build_damaged_file_error(folder, files[0], f"has texts in `{column.name}` that are too long")


def read_distinct_texts(
    rows: duckdb.DuckDBPyRelation, folder: Path, files: Sequence[ParquetFile], column: Column
) -> list[str]:
    """The texts of a column of codes or of values. Raises BadFile where there are more than there can be."""
    max_texts = MAX_DISTINCT_TEXTS[column.type]
    distinct_rows = rows.unique(column.name).limit(max_texts + 1).fetchall()
    if len(distinct_rows) > max_texts:
        raise _build_damaged_file_error(folder, files[0], f"has too many different texts in `{column.name}`")
    return [text for (text,) in distinct_rows if text is not None]


def _require_short_footer(folder: Path, file: ParquetFile) -> None:
    """Raises BadFile where reading what a file says of itself could take much memory."""
    with (folder / file.path).open("rb") as content:
        content.seek(max(0, file.bytes - _FOOTER_LENGTH_BYTES - len(_PARQUET_MAGIC)))
        tail = content.read(_FOOTER_LENGTH_BYTES + len(_PARQUET_MAGIC))
    if not tail.endswith(_PARQUET_MAGIC) or int.from_bytes(tail[:_FOOTER_LENGTH_BYTES], "little") > MAX_FOOTER_BYTES:
        raise _build_damaged_file_error(folder, file, "is no file of counts")


def _build_damaged_file_error(folder: Path, file: ParquetFile, defect: str) -> BadFile:
    return BadFile("damaged", f"{file.path} {defect}: copy {folder} again, from whom you trust.")


_DUCKDB_SETTINGS: dict[str, Any] = {
    # Everything needed is built in: nothing is fetched from anywhere.
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_persistent_secrets": "false",
    # A name in SQL is that of a view, and of no variable of this program.
    "python_enable_replacements": "false",
    # A file is read once, and what was personal in it must not stay in memory.
    "enable_external_file_cache": "false",
    # Nothing is put aside on disk: it would be personal values outside the folder that is kept safe.
    "temp_directory": "",
    # Files are read and written as a stream: five million rows take less than that.
    "memory_limit": "256MB",
    # Each has its own memory, and the machine has other work.
    "threads": 2,
}
# Folders whose databases stay open: one to read from and one to write into.
_MAX_OPEN_FOLDERS = 2
# Rows that are fetched at a time: with LONGEST_TEXT in each they are some hundred megabytes.
FETCH_BATCH_ROWS = 1_000
_CODED_TYPES = (ColumnType.CODE, ColumnType.VALUE)
_ORDINAL_ONE_SQL = "DATE '0001-01-01'"
NO_CODES = Codes()  # of files that have none


def write_parquet(
    path: Path, columns: Sequence[Column], rows: Mapping[str, Array], codes: Codes, values: Codes = NO_CODES
) -> ParquetFile:
    """Write rows, by the names of the registry's own columns, into a file; the file. `values`: of personal dimensions.
    Raises OSError."""
    with _connect(path.parent) as connection:
        connection.register("rows", {column.registry_name: rows[column.registry_name] for column in columns})
        for column in columns:
            if column.type in _CODED_TYPES:
                texts = _list_texts(codes if column.type is ColumnType.CODE else values, rows[column.registry_name])
                _set_variable(connection, column, "VARCHAR[]", texts)
        file_columns = ", ".join(f"{_build_file_expression(column)} AS {column.name}" for column in columns)
        try:
            connection.view("rows").project(file_columns).write_parquet(str(path.resolve()), compression="zstd")
        except duckdb.IOException as error:
            reason = str(error).rpartition(": ")[2].partition('"')[0]  # what the system said, at times within JSON
            raise OSError(errno.EIO, reason, str(path)) from None
    return ParquetFile.from_path(path, len(rows[columns[0].registry_name]))


def read_columns(
    folder: Path, files: Sequence[ParquetFile], columns: Sequence[Column], codes: Codes, values: Codes = NO_CODES
) -> dict[str, Array]:
    """The rows of files that have the same columns, one file after another, by the names of the registry's own
    columns. `values`: of personal dimensions. Raises BadFile."""
    with _connect(folder) as connection:
        rows = _select_rows(connection, folder, files, columns)
        for column in columns:
            if column.type in _CODED_TYPES:
                add = (codes if column.type is ColumnType.CODE else values).add
                texts = read_distinct_texts(rows, folder, files, column)
                _set_variable(connection, column, "MAP(VARCHAR, INTEGER)", {text: add(text) for text in texts})
        array_columns = ", ".join(f"{_build_column_expression(column)} AS {column.registry_name}" for column in columns)
        arrays: dict[str, Any] = rows.project(array_columns).fetchnumpy()
        return {name: np.asarray(array) for name, array in arrays.items()}


def read_rows(folder: Path, files: Sequence[ParquetFile], columns: Sequence[Column]) -> Iterator[dict[str, Any]]:
    """The rows of files in words, by the names of the registry's own columns. Raises BadFile."""
    names = [column.registry_name for column in columns]
    with _open_database(folder.resolve()) as connection:  # for itself: a view is seen by all of a database
        selection = _select_rows(connection, folder, files, columns)
        selection.project(", ".join(column.name for column in columns)).create_view("selected_rows")
        rows = connection.execute("FROM selected_rows")
        while batch := rows.fetchmany(FETCH_BATCH_ROWS):
            for row in batch:
                yield dict(zip(names, row, strict=True))


def read_extent(folder: Path, files: Sequence[ParquetFile], column: Column) -> tuple[int, int, int]:
    """How many rows files have, and the least and the highest number in a column of theirs (0 where there is none),
    before anything takes memory for them. Raises BadFile."""
    with _connect(folder) as connection:
        name = column.name
        aggregates = f"count(*), coalesce(min({name}), 0)::BIGINT, coalesce(max({name}), 0)::BIGINT"
        ((row_count, minimum, maximum),) = (
            _select_rows(connection, folder, files, [column]).aggregate(aggregates).fetchall()
        )
        return row_count, minimum, maximum


def _select_rows(
    connection: duckdb.DuckDBPyConnection, folder: Path, files: Sequence[ParquetFile], columns: Sequence[Column]
) -> duckdb.DuckDBPyRelation:
    """The rows of files of one folder, if they are as many and as large as may be. DuckDB would look for other files by
    a `*`, `?` or `[` in a path, and take columns from a folder that is called `name=value`. Raises BadFile."""
    paths = {escape(str(folder.resolve() / file.path)): file for file in files}
    require_row_count(connection, folder, paths)
    rows = connection.read_parquet([*paths], hive_partitioning=False)
    require_columns(rows, folder, files, columns)
    require_short_texts(rows, folder, files, columns)
    return rows


def _open_database(folder: Path) -> duckdb.DuckDBPyConnection:
    """An empty database in memory, which reads and writes the files of one folder and nothing else of the machine."""
    connection = duckdb.connect(":memory:", config=_DUCKDB_SETTINGS)
    directories = ", ".join(
        _quote_sql(text) for text in (str(folder), escape(str(folder)))
    )  # as `_select_rows` names it
    connection.execute(f"SET allowed_directories = [{directories}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


@lru_cache(maxsize=_MAX_OPEN_FOLDERS)
def _get_database(folder: Path) -> duckdb.DuckDBPyConnection:
    """The database of a folder, which is opened once, since that takes longer than to write a file."""
    return _open_database(folder)


@contextmanager
def _connect(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection whose names and variables are its own."""
    with _get_database(folder.resolve()).cursor() as connection:
        yield connection


def _quote_sql(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _set_variable(connection: duckdb.DuckDBPyConnection, column: Column, sql_type: str, value: Any) -> None:
    connection.execute(f"SET VARIABLE {column.registry_name} = ?::{sql_type}", [value])


def _list_texts(codes: Codes, column: Array) -> list[str | None]:
    """The texts of a column, each in the place of its code."""
    texts: list[str | None] = [None] * (int(column.max(initial=0)) + 1)
    for code in np.unique(column).tolist():
        texts[code] = codes.text(code)
    return texts


def _build_file_expression(column: Column) -> str:
    match column.type:
        case ColumnType.CODE | ColumnType.VALUE:
            return f"list_extract(getvariable('{column.registry_name}'), {column.registry_name} + 1)"
        case ColumnType.DAY:
            return (
                f"CASE WHEN {column.registry_name} <> {NULL} THEN {_ORDINAL_ONE_SQL} + ({column.registry_name} - 1) END"
            )
        case ColumnType.INSTANT:
            return f"make_timestamp({column.registry_name}) AT TIME ZONE 'UTC'"
        case ColumnType.TEXT:
            return f"{column.registry_name}::VARCHAR"  # a file of no rows has the types of the others
        case ColumnType.TRUTH:
            return column.registry_name
        case _:
            return f"nullif({column.registry_name}, {NULL})"


def _build_column_expression(column: Column) -> str:
    match column.type:
        case ColumnType.CODE | ColumnType.VALUE:
            return f"coalesce(getvariable('{column.registry_name}')[{column.name}], {NULL_CODE})::INTEGER"
        case ColumnType.DAY:
            return f"coalesce(date_diff('day', {_ORDINAL_ONE_SQL}, {column.name}) + 1, {NULL})::INTEGER"
        case ColumnType.TRUTH:
            return column.name
        case _:
            return f"coalesce({column.name}, {NULL})::INTEGER"
