"""How commands print: results on stdout, what is told of them on stderr, tables for people and JSON for machines."""

import json
import sys
from datetime import UTC, datetime
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table

console = Console(stderr=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]


def fail(line: str) -> NoReturn:
    """End with one line on stderr, and status 1."""
    print(f"recuento: {line}", file=sys.stderr)  # noqa: T201 - this is the output
    sys.exit(1)


def now() -> datetime:
    """The instant, in UTC."""
    return datetime.now(UTC)


def show(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    """Rows of one shape as a table on stdout, or as JSON."""
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))  # noqa: T201 - this is the output
        return
    table = Table()
    for heading in rows[0] if rows else ["nothing yet"]:
        table.add_column(heading, overflow="fold")  # a slug cut short could not be typed again
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    Console().print(table)
