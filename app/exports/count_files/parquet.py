"""Write columns of numbers to Parquet files and read them back, by DuckDB.

A file has days as dates, codes as texts, and null for NULL, so that any tool can read it. A file may be made to harm
its reader: some hundred bytes can unpack to billions of rows. So each limit is checked before memory is allocated for
what it limits.
"""

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

# The footer describes the file: about a hundred bytes for 120,000 rows of a column. DuckDB may need four hundred times
# as much memory for it.
MAX_FOOTER_BYTES = 2**20
_PARQUET_MAGIC = b"PAR1"
_FOOTER_LENGTH_BYTES = 4  # the length of the footer, before the magic at the end
# A registry has some hundred different codes. Values of personal dimensions are for instance names of places.
MAX_DISTINCT_TEXTS = {ColumnType.CODE: 2**12, ColumnType.VALUE: 2**20}
# Codes have up to 100 letters and names of places 200; a published figure has three notes of 4,000 letters.
MAX_CODE_BYTES = 2**10
MAX_TEXT_BYTES = 2**17
# The limit of all texts of a table: so many bytes, and so many for each row. A leaf hash takes 64.
MAX_TABLE_TEXT_BYTES, MAX_ROW_TEXT_BYTES = 2**27, 2**8
# Rows of a table whose rows are read one by one, and take up to five kilobytes of memory each: unlinked rows, pairs
# that wait for a curator, sources, facilities and published figures.
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
    """Raise BadFile if files have more rows than may be read one by one."""
    rows = sum(file.rows for file in files)
    if rows > MAX_IN_MEMORY_ROWS:
        raise BadFile(
            "too_large", f"{files[0].path} has {rows:,} rows, and this version reads {MAX_IN_MEMORY_ROWS:,} at most."
        )


def require_row_count(connection: duckdb.DuckDBPyConnection, folder: Path, paths: Mapping[str, ParquetFile]) -> None:
    """Raise BadFile if a file has not as many rows as its descriptor says, in either of the two places that state their
    number.

    `paths`: DuckDB's path → file.
    """
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
    """Raise BadFile if a column is missing or has another type."""
    types = dict(zip(rows.columns, map(str, rows.types), strict=True))
    for column in columns:
        if types.get(column.name) not in _DUCKDB_TYPES[column.type]:
            raise _build_damaged_file_error(folder, files[0], f"has no column `{column.name}` of that type")


def require_short_texts(
    rows: duckdb.DuckDBPyRelation, folder: Path, files: Sequence[ParquetFile], columns: Sequence[Column]
) -> None:
    """Raise BadFile if texts are longer than a registry's can be."""
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
    """Return the different texts of a column of codes or of values. Raises BadFile if there are too many."""
    max_texts = MAX_DISTINCT_TEXTS[column.type]
    distinct_rows = rows.unique(column.name).limit(max_texts + 1).fetchall()
    if len(distinct_rows) > max_texts:
        raise _build_damaged_file_error(folder, files[0], f"has too many different texts in `{column.name}`")
    return [text for (text,) in distinct_rows if text is not None]


def _require_short_footer(folder: Path, file: ParquetFile) -> None:
    """Raise BadFile if reading the footer of a file could take much memory."""
    with (folder / file.path).open("rb") as content:
        content.seek(max(0, file.bytes - _FOOTER_LENGTH_BYTES - len(_PARQUET_MAGIC)))
        tail = content.read(_FOOTER_LENGTH_BYTES + len(_PARQUET_MAGIC))
    if not tail.endswith(_PARQUET_MAGIC) or int.from_bytes(tail[:_FOOTER_LENGTH_BYTES], "little") > MAX_FOOTER_BYTES:
        raise _build_damaged_file_error(folder, file, "is no file of counts")


def _build_damaged_file_error(folder: Path, file: ParquetFile, defect: str) -> BadFile:
    return BadFile("damaged", f"{file.path} {defect}: copy {folder} again, from whom you trust.")


_DUCKDB_SETTINGS: dict[str, Any] = {
    # Everything needed is built in: extensions are never downloaded.
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "allow_persistent_secrets": "false",
    # A name in SQL means a view, never a variable of this program.
    "python_enable_replacements": "false",
    # A file is read once, and personal values must not stay in memory.
    "enable_external_file_cache": "false",
    # No temporary files: they would hold personal values outside the protected folder.
    "temp_directory": "",
    # Files are read and written as streams: five million rows take less.
    "memory_limit": "256MB",
    # Each thread has its own memory, and the machine has other work.
    "threads": 2,
}
# Folders whose databases stay open: one to read from and one to write into.
_MAX_OPEN_FOLDERS = 2
# Rows that are fetched at a time: with MAX_TEXT_BYTES in each they take some hundred megabytes.
FETCH_BATCH_ROWS = 1_000
_CODED_TYPES = (ColumnType.CODE, ColumnType.VALUE)
_ORDINAL_ONE_SQL = "DATE '0001-01-01'"
NO_CODES = Codes()  # for files without codes


def write_parquet(
    path: Path, columns: Sequence[Column], rows: Mapping[str, Array], codes: Codes, values: Codes = NO_CODES
) -> ParquetFile:
    """Write rows, by registry column name, into a file. Raises OSError.

    `values`: the codes of personal values.
    """
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
            reason = str(error).rpartition(": ")[2].partition('"')[0]  # the system's message, at times within JSON
            raise OSError(errno.EIO, reason, str(path)) from None
    return ParquetFile.from_path(path, len(rows[columns[0].registry_name]))


def read_columns(
    folder: Path, files: Sequence[ParquetFile], columns: Sequence[Column], codes: Codes, values: Codes = NO_CODES
) -> dict[str, Array]:
    """Read the rows of files with the same columns, one file after another, by registry column name. Raises BadFile.

    `values`: the codes of personal values.
    """
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
    """Yield the rows of files as texts and numbers, by registry column name. Raises BadFile."""
    names = [column.registry_name for column in columns]
    with _open_database(folder.resolve()) as connection:  # a database of its own: all users of a database see its views
        selection = _select_rows(connection, folder, files, columns)
        selection.project(", ".join(column.name for column in columns)).create_view("selected_rows")
        rows = connection.execute("FROM selected_rows")
        while batch := rows.fetchmany(FETCH_BATCH_ROWS):
            for row in batch:
                yield dict(zip(names, row, strict=True))


def read_extent(folder: Path, files: Sequence[ParquetFile], column: Column) -> tuple[int, int, int]:
    """Return the number of rows of files, and the lowest and highest number in a column (0 without rows). Raises
    BadFile.

    So a caller can check them before it allocates memory.
    """
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
    """Return the rows of files of one folder, if they are within all limits. Raises BadFile.

    Paths are escaped, and hive partitions are off: DuckDB would look for other files by a `*`, `?` or `[` in a path,
    and would take columns from a folder that is named `name=value`.
    """
    paths = {escape(str(folder.resolve() / file.path)): file for file in files}
    require_row_count(connection, folder, paths)
    rows = connection.read_parquet([*paths], hive_partitioning=False)
    require_columns(rows, folder, files, columns)
    require_short_texts(rows, folder, files, columns)
    return rows


def _open_database(folder: Path) -> duckdb.DuckDBPyConnection:
    """Open an empty database in memory that can read and write files of one folder only."""
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
    """Return the database of a folder. It is cached, since opening takes longer than writing a file."""
    return _open_database(folder)


@contextmanager
def _connect(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Yield a connection with names and variables of its own."""
    with _get_database(folder.resolve()).cursor() as connection:
        yield connection


def _quote_sql(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _set_variable(connection: duckdb.DuckDBPyConnection, column: Column, sql_type: str, value: Any) -> None:
    connection.execute(f"SET VARIABLE {column.registry_name} = ?::{sql_type}", [value])


def _list_texts(codes: Codes, column: Array) -> list[str | None]:
    """Return the texts of a column, each at the position of its code."""
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
            return f"make_timestamp(nullif({column.registry_name}, {NULL})) AT TIME ZONE 'UTC'"
        case ColumnType.TEXT:
            return f"{column.registry_name}::VARCHAR"  # so that a file without rows has the same type
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
