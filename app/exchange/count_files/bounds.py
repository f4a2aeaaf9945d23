"""What a Parquet file may be, which somebody may have made to harm whoever reads it: some hundred bytes can unpack to
milliards of rows. Each bound is looked at before anything takes memory for what it bounds."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from app.exchange.count_files.files import File
from app.exchange.count_files.tables import Column, Type
from app.exchange.imports.faults import BadFile

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
