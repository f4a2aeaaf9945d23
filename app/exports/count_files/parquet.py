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

from app.columns.rows import NONE, Array
from app.columns.table import NOTHING, Codes
from app.exports.count_files.files import File
from app.exports.count_files.tables import Column, Type
from app.imports.faults import BadFile

# Bytes of what stands at the end of a file and says where everything is: about a hundred for 120,000 rows of a column.
# What DuckDB makes of it can take four hundred times as much memory.
MOST_OF_FOOTER = 2**20
_MARK = b"PAR1"
_LENGTH = 4  # bytes of the length of the footer, which stands before the last mark
# Different codes, of which a registry has some hundred, and different values of personal dimensions: names of places.
MOST_CODES = {Type.CODE: 2**12, Type.VALUE: 2**20}
# Bytes. Codes have up to 100 letters and names of places 200; a published figure has three notes of 4,000 letters.
LONGEST_CODE = 2**10
LONGEST_TEXT = 2**17
# Bytes of all texts of a table: so many, and so many for each row, of which a leaf hash takes 64.
MOST_TEXT, TEXT_OF_ROW = 2**27, 2**8
# Rows of a table of which each is read into memory by itself, and takes up to five kilobytes there: what sources say of
# people who may only be counted, pairs that wait for a curator, sources, facilities and published figures.
MOST_IN_WORDS = 2**20
_NUMBERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT"}
_TYPES = {
    Type.PERSON: _NUMBERS,
    Type.DETENTION: _NUMBERS,
    Type.NUMBER: _NUMBERS,
    Type.DAY: {"DATE"},
    Type.CODE: {"VARCHAR"},
    Type.VALUE: {"VARCHAR"},
    Type.TEXT: {"VARCHAR"},
    Type.TRUTH: {"BOOLEAN"},
    Type.INSTANT: {"TIMESTAMP WITH TIME ZONE"},
}


def require_few(files: Sequence[File]) -> None:
    """Raises BadFile where files have more rows than are read one by one."""
    rows = sum(file.rows for file in files)
    if rows > MOST_IN_WORDS:
        raise BadFile(
            "too_large", f"{files[0].path} has {rows:,} rows, and this version reads {MOST_IN_WORDS:,} at most."
        )


def require_rows(connection: duckdb.DuckDBPyConnection, folder: Path, paths: Mapping[str, File]) -> None:
    """Raises BadFile where a file does not have as many rows as its descriptor says, by each of the two places in which
    it tells their number itself. `paths`: by which DuckDB finds each file."""
    for path, file in paths.items():
        _require_short_footer(folder, file)
        in_all = connection.execute("SELECT num_rows FROM parquet_file_metadata($1)", [path]).fetchall()
        in_groups = connection.execute(
            "SELECT row_group_num_rows FROM parquet_metadata($1) WHERE column_id = 0", [path]
        ).fetchall()
        numbers = [number for (number,) in in_groups]
        if in_all != [(file.rows,)] or sum(numbers) != file.rows or any(number < 0 for number in numbers):
            raise _unlike(folder, file, f"has not the {file.rows:,} rows that its descriptor says")


def require_columns(
    rows: duckdb.DuckDBPyRelation, folder: Path, files: Sequence[File], columns: Sequence[Column]
) -> None:
    """Raises BadFile where a column is missing or holds something else."""
    types = dict(zip(rows.columns, map(str, rows.types), strict=True))
    for column in columns:
        if types.get(column.name) not in _TYPES[column.type]:
            raise _unlike(folder, files[0], f"has no column `{column.name}` of that type")


def require_short_texts(
    rows: duckdb.DuckDBPyRelation, folder: Path, files: Sequence[File], columns: Sequence[Column]
) -> None:
    """Raises BadFile where texts are longer than a registry's can be."""
    texts = [column for column in columns if _TYPES[column.type] == {"VARCHAR"}]
    if not texts:
        return
    lengths = ", ".join(
        f"coalesce(max(strlen({column.name})), 0), coalesce(sum(strlen({column.name})), 0)" for column in texts
    )
    (sizes,) = rows.aggregate(lengths).fetchall()
    room = MOST_TEXT + TEXT_OF_ROW * sum(file.rows for file in files)
    for column, longest, total in zip(texts, sizes[::2], sizes[1::2], strict=True):
        is_code = column.type in MOST_CODES
        if longest > (LONGEST_CODE if is_code else LONGEST_TEXT) or (not is_code and total > room):
            raise _unlike(folder, files[0], f"has texts in `{column.name}` that are too long")


def different_texts(rows: duckdb.DuckDBPyRelation, folder: Path, files: Sequence[File], column: Column) -> list[str]:
    """The texts of a column of codes or of values. Raises BadFile where there are more than there can be."""
    most = MOST_CODES[column.type]
    different = rows.unique(column.name).limit(most + 1).fetchall()
    if len(different) > most:
        raise _unlike(folder, files[0], f"has too many different texts in `{column.name}`")
    return [text for (text,) in different if text is not None]


def _require_short_footer(folder: Path, file: File) -> None:
    """Raises BadFile where reading what a file says of itself could take much memory."""
    with (folder / file.path).open("rb") as content:
        content.seek(max(0, file.bytes - _LENGTH - len(_MARK)))
        end = content.read(_LENGTH + len(_MARK))
    if not end.endswith(_MARK) or int.from_bytes(end[:_LENGTH], "little") > MOST_OF_FOOTER:
        raise _unlike(folder, file, "is no file of counts")


def _unlike(folder: Path, file: File, what: str) -> BadFile:
    return BadFile("damaged", f"{file.path} {what}: copy {folder} again, from whom you trust.")


_SETTINGS: dict[str, Any] = {
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
_FOLDERS = 2
# Rows that are fetched at a time: with LONGEST_TEXT in each they are some hundred megabytes.
BATCH = 1_000
_CODED = (Type.CODE, Type.VALUE)
_ORDINAL_1 = "DATE '0001-01-01'"
NO_CODES = Codes()  # of files that have none


def write_parquet(
    path: Path, columns: Sequence[Column], rows: Mapping[str, Array], codes: Codes, values: Codes = NO_CODES
) -> File:
    """Write rows, by the names of the registry's own columns, into a file; the file. `values`: of personal dimensions.
    Raises OSError."""
    with _connected(path.parent) as connection:
        connection.register("rows", {column.kept: rows[column.kept] for column in columns})
        for column in columns:
            if column.type in _CODED:
                texts = _texts(codes if column.type is Type.CODE else values, rows[column.kept])
                _set(connection, column, "VARCHAR[]", texts)
        in_file = ", ".join(f"{_in_file(column)} AS {column.name}" for column in columns)
        try:
            connection.view("rows").project(in_file).write_parquet(str(path.resolve()), compression="zstd")
        except duckdb.IOException as error:
            reason = str(error).rpartition(": ")[2].partition('"')[0]  # what the system said, at times within JSON
            raise OSError(errno.EIO, reason, str(path)) from None
    return File.written(path, len(rows[columns[0].kept]))


def read_columns(
    folder: Path, files: Sequence[File], columns: Sequence[Column], codes: Codes, values: Codes = NO_CODES
) -> dict[str, Array]:
    """The rows of files that have the same columns, one file after another, by the names of the registry's own
    columns. `values`: of personal dimensions. Raises BadFile."""
    with _connected(folder) as connection:
        rows = _rows_in(connection, folder, files, columns)
        for column in columns:
            if column.type in _CODED:
                add = (codes if column.type is Type.CODE else values).add
                texts = different_texts(rows, folder, files, column)
                _set(connection, column, "MAP(VARCHAR, INTEGER)", {text: add(text) for text in texts})
        kept = ", ".join(f"{_in_columns(column)} AS {column.kept}" for column in columns)
        arrays: dict[str, Any] = rows.project(kept).fetchnumpy()
        return {name: np.asarray(array) for name, array in arrays.items()}


def read_rows(folder: Path, files: Sequence[File], columns: Sequence[Column]) -> Iterator[dict[str, Any]]:
    """The rows of files in words, by the names of the registry's own columns. Raises BadFile."""
    names = [column.kept for column in columns]
    with _opened(folder.resolve()) as connection:  # for itself: a view is seen by all of a database
        selected = _rows_in(connection, folder, files, columns)
        selected.project(", ".join(column.name for column in columns)).create_view("selected_rows")
        rows = connection.execute("FROM selected_rows")
        while batch := rows.fetchmany(BATCH):
            for row in batch:
                yield dict(zip(names, row, strict=True))


def extent(folder: Path, files: Sequence[File], column: Column) -> tuple[int, int, int]:
    """How many rows files have, and the least and the highest number in a column of theirs (0 where there is none),
    before anything takes memory for them. Raises BadFile."""
    with _connected(folder) as connection:
        name = column.name
        wanted = f"count(*), coalesce(min({name}), 0)::BIGINT, coalesce(max({name}), 0)::BIGINT"
        ((number, least, most),) = _rows_in(connection, folder, files, [column]).aggregate(wanted).fetchall()
        return number, least, most


def _rows_in(
    connection: duckdb.DuckDBPyConnection, folder: Path, files: Sequence[File], columns: Sequence[Column]
) -> duckdb.DuckDBPyRelation:
    """The rows of files of one folder, if they are as many and as large as may be. DuckDB would look for other files by
    a `*`, `?` or `[` in a path, and take columns from a folder that is called `name=value`. Raises BadFile."""
    paths = {escape(str(folder.resolve() / file.path)): file for file in files}
    require_rows(connection, folder, paths)
    rows = connection.read_parquet([*paths], hive_partitioning=False)
    require_columns(rows, folder, files, columns)
    require_short_texts(rows, folder, files, columns)
    return rows


def _opened(folder: Path) -> duckdb.DuckDBPyConnection:
    """An empty database in memory, which reads and writes the files of one folder and nothing else of the machine."""
    connection = duckdb.connect(":memory:", config=_SETTINGS)
    directories = ", ".join(_quoted(text) for text in (str(folder), escape(str(folder))))  # as `_rows_in` names it
    connection.execute(f"SET allowed_directories = [{directories}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


@lru_cache(maxsize=_FOLDERS)
def _database(folder: Path) -> duckdb.DuckDBPyConnection:
    """The database of a folder, which is opened once, since that takes longer than to write a file."""
    return _opened(folder)


@contextmanager
def _connected(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection whose names and variables are its own."""
    with _database(folder.resolve()).cursor() as connection:
        yield connection


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


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
        case Type.TEXT:
            return f"{column.kept}::VARCHAR"  # a file of no rows has the types of the others
        case Type.TRUTH:
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
