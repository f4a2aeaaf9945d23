"""Count files with something else in them, and a descriptor that says so: as whoever can write them might make them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from app.exchange.count_files.files import digest_of


def described_anew(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the descriptor of a folder, with digests of the files as they are now."""
    path = folder / "datapackage.json"
    descriptor = json.loads(path.read_text())
    change(descriptor)
    for resource in descriptor["resources"]:
        if (folder / resource["path"]).is_file():
            resource["hash"] = digest_of(folder / resource["path"])
    path.write_text(json.dumps(descriptor))


def with_rows(folder: Path, table: str, query: str) -> None:
    """Let a file of a folder have the rows of a query, which calls it `{file}`."""
    path = next(path for path in folder.glob("*.parquet") if path.stem.split("-1-")[0] == table)
    with duckdb.connect() as connection:
        connection.execute(
            f"COPY ({query.format(file=f'read_parquet({str(path)!r})')}) TO '{path}.new' (FORMAT parquet)"
        )
    Path(f"{path}.new").replace(path)
    described_anew(folder, lambda _descriptor: None)
