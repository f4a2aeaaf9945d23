"""The figures of a run as tables (Markdown)."""

import os
import platform
import sqlite3
from importlib.metadata import version
from typing import Any

import pysqlite3

NAMED = ("uvicorn", "fastapi", "sqlmodel", "sqlalchemy", "numpy")


def machine() -> str:
    """The machine and the versions, in a line."""
    libraries = ", ".join(f"{name} {version(name)}" for name in NAMED)
    computer = f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}"
    sqlite = f"SQLite {pysqlite3.sqlite_version} (the others {sqlite3.sqlite_version})"
    return f"{computer}, Python {platform.python_version()}, {sqlite}, {libraries}"


def tables(told_of: str, sizes: list[dict[str, Any]]) -> str:
    """Everything that was measured, the sizes side by side."""
    names = [f"{one['people']:,}" for one in sizes]
    parts = [f"Measured on: {told_of}."]
    for one in sizes:
        parts += [f"One question again and again, {one['people']:,} people ({one['mebibytes']:,.0f} MiB):", _warm(one)]
    asked = sizes[0]["cold"]
    cells = [[_spread(one["cold"].get(name)) for one in sizes] for name in asked]
    parts += ["Questions that nobody asked before, one at a time, p50 / p99 in milliseconds:"]
    parts += [table(["question", *names], [[name, *row] for name, row in zip(asked, cells, strict=True)])]
    cells = [[_spent(one["cold"].get(name)) for one in sizes] for name in asked]
    parts += ["The same, milliseconds of processor time of the server for each:"]
    parts += [table(["question", *names], [[name, *row] for name, row in zip(asked, cells, strict=True)])]
    return "\n\n".join(parts)


def _warm(one: dict[str, Any]) -> str:
    ours = one["warm"]["Recuento"]["a_second"]
    rows = []
    for name, of in one["warm"].items():
        memory, ready = one["memory"].get(name), one["ready"].get(name)
        rows.append(
            [
                name,
                f"{of['a_second']:,.0f}",
                f"{of['a_second'] / ours:.3g}",
                f"{of['p50'] * 1000:,.1f}",
                f"{of['p99'] * 1000:,.1f}",
                f"{of['processor'] * 1000:,.2f}",
                "" if ready is None else f"{ready:,.1f}",
                ""
                if memory is None
                else ", ".join(f"{resident:,.0f} / {private:,.0f}" for resident, private in memory),
            ]
        )
    heads = [
        "server",
        "requests/s",
        "of ours",
        "p50 ms",
        "p99 ms",
        "CPU ms each",
        "first answer s",
        "RSS / private MiB",
    ]
    return table(heads, rows)


def _spread(of: dict[str, float] | None) -> str:
    return "" if of is None else f"{of['p50'] * 1000:,.1f} / {of['p99'] * 1000:,.1f}"


def _spent(of: dict[str, float] | None) -> str:
    return "" if of is None else f"{of['processor'] * 1000:,.1f}"


def table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---", *["---:"] * (len(heads) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
