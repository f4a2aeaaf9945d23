"""Count files with something else in them, and a descriptor that says so: as whoever can write them might make them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from app.exports.count_files.files import ParquetFile


def described_anew(folder: Path, change: Callable[[dict[str, Any]], object], *, counting: bool = True) -> None:
    """Change the descriptor of a folder, with sizes and digests of the files as they are now, and with as many rows as
    they have, if these are to be counted."""
    path = folder / "datapackage.json"
    descriptor = json.loads(path.read_text())
    change(descriptor)
    for resource in descriptor["resources"]:
        file = folder / resource["path"]
        if file.is_file():
            rows = resource.get("rows", 0)
            resource |= ParquetFile.from_path(file, rows_in(file, rows) if counting else rows).model_dump()
    path.write_text(json.dumps(descriptor))


def rows_in(path: Path, otherwise: int) -> int:
    """How many rows a file has; of what is no Parquet file, as many as the descriptor says."""
    try:
        return len(duckdb.read_parquet(str(path)))
    except duckdb.Error:
        return otherwise


def with_rows(folder: Path, table: str, query: str) -> None:
    """Let a file of a folder have the rows of a query, which calls it `{file}`."""
    path = next(path for path in folder.glob("*.parquet") if path.stem.split("-1-")[0] == table)
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY ({query.format(file=f'read_parquet({str(path)!r})')}) TO '{path}.new' (FORMAT parquet)"
        )
    Path(f"{path}.new").replace(path)
    described_anew(folder, lambda _descriptor: None)
