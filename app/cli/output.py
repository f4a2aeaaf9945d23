"""Print the results of commands: tables for people, JSON for machines; and describe failures in one line on stderr."""

import json
import os
import sys
from datetime import UTC, datetime
from typing import Annotated, Any, NoReturn

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import SQLAlchemyError

from app.cli.http_protocol import TooFewFiles
from app.columns.cache import UnusableDirectory
from app.config import UnreadableSecret
from app.db.engine import CommitUnanswered
from app.db.files import UnfitFile
from app.demo.run import NotADemo
from app.errors import Problem
from app.estimates.estimator import BadTable
from app.exports.count_files.folders import CountFilesNotWritten
from app.imports.faults import BadFile
from app.imports.upload.client import PermanentError
from app.log.head import WrongSecret
from app.log.mark import UnreadableMark
from app.vocabulary import Language

console = Console(stderr=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]


def exit_with_error(line: str) -> NoReturn:
    """Exit with one line on stderr, and status 1."""
    print(f"recuento: {line}", file=sys.stderr)  # noqa: T201 - this is the output
    sys.exit(1)


def utc_now() -> datetime:
    """Return the current instant in UTC."""
    return datetime.now(UTC)


def detect_language() -> Language:
    """Return the language of this machine's locale, if we have it (POSIX.1-2017, section 8.2); else English."""
    locale = next((value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := os.environ.get(name))), "")
    return "es" if locale.lower().startswith("es") else "en"


def print_rows(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    """Print rows of one shape as a table on stdout, or as JSON."""
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))  # noqa: T201 - this is the output
        return
    table = Table()
    for heading in rows[0] if rows else ["nothing yet"]:
        table.add_column(heading, overflow="fold")  # a truncated slug could not be copied
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    Console().print(table)


# Errors whose message is for the operator.
OPERATOR_ERRORS = (
    WrongSecret,
    UnreadableSecret,
    UnreadableMark,
    UnfitFile,
    UnusableDirectory,
    NotADemo,
    BadTable,
    BadFile,
    PermanentError,
    TooFewFiles,
    CountFilesNotWritten,
)


def describe_failure(error: Exception) -> str | None:
    """Return one line about a foreseeable failure; None for a defect."""
    if isinstance(error, Problem):
        return " ".join(dict.fromkeys([error.detail, *(fault["detail"] for fault in error.extra.get("errors", []))]))
    if isinstance(error, ValidationError):
        faults = [(".".join(map(str, fault["loc"])), fault["msg"]) for fault in error.errors()]
        return "; ".join(": ".join(filter(None, fault)) for fault in faults)  # an error of the whole has no location
    if isinstance(error, CommitUnanswered):
        return "The database did not say whether this was stored: see what stands there before you run it again."
    if isinstance(error, SQLAlchemyError):
        return f"The database refused ({type(error).__name__}): is RECUENTO_DATABASE_URL right, and writable?"
    return str(error) if isinstance(error, OPERATOR_ERRORS) else None
