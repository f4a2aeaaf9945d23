"""DuckDB reads the file that it is given and nothing else of the machine, and puts nothing aside."""

from glob import escape
from pathlib import Path

import duckdb
import numpy as np
import pytest

from app.columns.table import Codes
from app.exports.count_files.files import ParquetFile
from app.exports.count_files.parquet import _connect, _open_database, read_columns, read_rows, write_parquet
from app.exports.count_files.tables import Column, ColumnType

NUMBER = Column("person", "person", ColumnType.NUMBER, "A number.")


def written(folder: Path, number: int) -> ParquetFile:
    folder.mkdir()
    return write_parquet(folder / "people.parquet", [NUMBER], {"person": np.array([number], np.int32)}, Codes())


@pytest.mark.parametrize("name, other", [("a[b]", "ab"), ("a*", "abc"), ("a?", "ab"), ("it's [b]", "it's b")])
def test_a_folder_may_be_called_as_a_pattern_of_others_is(tmp_path: Path, name: str, other: str) -> None:
    folder = tmp_path / name
    mine = written(folder, 1)
    written(tmp_path / other, 2)
    assert read_columns(folder, [mine], [NUMBER], Codes())["person"].tolist() == [1]
    assert [*read_rows(folder, [mine], [NUMBER])] == [{"person": 1}]
    (folder / mine.path).unlink()
    with pytest.raises(FileNotFoundError):
        read_columns(folder, [mine], [NUMBER], Codes())
    with _connect(folder) as connection, pytest.raises(duckdb.Error):
        connection.read_parquet(escape(str(folder / mine.path)))
    assert (tmp_path / other / mine.path).exists()


def test_a_folder_name_gives_no_column(tmp_path: Path) -> None:
    folder = tmp_path / "person=7"
    assert read_columns(folder, [written(folder, 1)], [NUMBER], Codes())["person"].tolist() == [1]


@pytest.mark.parametrize(
    "statement",
    [
        "FROM read_text('{other}')",
        "COPY (SELECT 1) TO '{other}.csv'",
        "ATTACH '{other}.db'",
        "SET enable_external_access = true",
        "SET temp_directory = '{other}'",
        "INSTALL httpfs",
    ],
)
def test_a_database_reaches_nothing_but_its_folder(tmp_path: Path, statement: str) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "other").write_text("kept")
    with _open_database(tmp_path / "mine") as connection, pytest.raises(duckdb.Error):
        connection.execute(statement.format(other=tmp_path / "other")).fetchall()


def test_nothing_is_put_aside_on_disk(tmp_path: Path) -> None:
    with _open_database(tmp_path) as connection:
        assert connection.execute("SELECT current_setting('temp_directory')").fetchall() == [("",)]
