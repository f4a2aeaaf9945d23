"""`recuento match` and `recuento template`: compare lists and print the result; write a workbook to fill in."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from app import tables
from app.cli.database import open_database, open_session
from app.cli.imports import format_row_error
from app.cli.list_answers import load_answers
from app.cli.output import AsJson, utc_now
from app.compare.comparison import (
    ListComparison,
    ListFile,
    build_sheets,
    compare_two_lists,
    compare_with_registry,
)
from app.compare.registry import ComparisonScope
from app.config import Settings
from app.db.engine import open_read_session
from app.descriptions import describe_parameter_option
from app.imports.faults import BadFile
from app.imports.filing.row_filing import check_list_size
from app.imports.formats.template import build_template
from app.registry.publication.permissions import load_reporter_by_slug
from app.schemas.comparison import PairedShape
from app.vocabulary import Language

# Lines of one kind that a person reads on a terminal; for more, a workbook is better.
MAX_PRINTED_LINES = 40
# The fields that distinguish accounts on one line.
ACCOUNT_FIELDS = ("name", "birth", "age", "country", "facility", "detained_on", "released_on", "kind")


MappingOption = Annotated[
    Path | None, typer.Option(exists=True, dir_okay=False, help=describe_parameter_option("match_list", "mapping"))
]
SOURCE_REQUIRED = "Say whose list it is (--source SLUG), or give a second list."


commands = typer.Typer()


@commands.command("match")
def match_lists(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Your list.")],
    other: Annotated[
        Path | None, typer.Argument(exists=True, dir_okay=False, help="Another list; by default the registry.")
    ] = None,
    source: Annotated[str | None, typer.Option(help="Slug of the source whose list it is.")] = None,
    mapping: MappingOption = None,
    other_mapping: MappingOption = None,
    country: Annotated[list[str] | None, typer.Option(help=describe_parameter_option("match_list", "country"))] = None,
    released_from: Annotated[
        str | None, typer.Option(help=describe_parameter_option("match_list", "released_from"))
    ] = None,
    released_to: Annotated[
        str | None, typer.Option(help=describe_parameter_option("match_list", "released_to"))
    ] = None,
    held_on: Annotated[str | None, typer.Option(help=describe_parameter_option("match_list", "held_on"))] = None,
    xlsx: Annotated[Path | None, typer.Option(dir_okay=False, help="Write all of it into this workbook.")] = None,
    lang: Annotated[Language, typer.Option(help="Of the workbook.")] = "en",
    as_json: AsJson = False,
) -> None:
    """Lay a list beside another, or beside the registry: on both, likely, mine only, theirs only. Stores nothing."""
    if xlsx is not None:
        _require_new_workbook(xlsx)  # before the minutes that a comparison may take
    if other is not None:
        comparison = compare_two_lists(_load_list(file, mapping), _load_list(other, other_mapping), utc_now())
    elif source is None:
        raise BadFile("source_required", SOURCE_REQUIRED)
    else:
        scope = ComparisonScope(
            country=country or [], released_from=released_from, released_to=released_to, held_on=held_on
        )
        comparison = _compare_with_registry(source, _load_list(file, mapping), scope)
    if xlsx is not None:
        _write_new_file(xlsx, tables.write_workbook(build_sheets(comparison, lang)))
    if as_json:
        _print_line(json.dumps(comparison, ensure_ascii=False, default=str))
    else:
        _print_comparison(comparison, xlsx)
    unread = len(comparison["unread"]) + len(comparison.get("unread_theirs", []))
    if unread:
        message = "1 row could not be read, and was" if unread == 1 else f"{unread} rows could not be read, and were"
        raise BadFile("unread_rows", f"{message} compared with nothing: correct the list.")


@commands.command("template")
def write_template(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="The workbook to write, such as list.xlsx.")],
    lang: Annotated[Language, typer.Option(help="en or es.")] = "en",
) -> None:
    """Write a workbook that a field office can fill in and send back as a list."""
    _require_new_workbook(file)
    _write_new_file(file, build_template(lang))


def _require_new_workbook(file: Path) -> None:
    """Raise BadFile unless this names a new workbook: a list typed in the wrong place would be lost."""
    if file.suffix.lower() != ".xlsx":
        raise BadFile("not_a_workbook", f"{file} would be a workbook: give it a name that ends in .xlsx.")
    if file.exists():
        raise BadFile("exists", f"{file} is there already, and nothing is written over it: give another name.")


def _write_new_file(file: Path, data: bytes) -> None:
    try:
        with file.open("xb") as new:
            new.write(data)
    except OSError as error:
        raise BadFile("unwritable", f"Cannot write {file}: {error.strerror}.") from None


def _load_list(file: Path, mapping: Path | None) -> ListFile:
    data = file.read_bytes()
    check_list_size(data)
    return data, load_answers(mapping)


def _compare_with_registry(slug: str, own_list: ListFile, scope: ComparisonScope) -> ListComparison:
    """Compare a list with what its source may see of the registry."""
    settings = Settings()
    with open_session(settings):
        pass  # checks the secret: with another one no case number of the source would be found
    with open_database(settings) as engine, open_read_session(engine) as session:
        reader = load_reporter_by_slug(session, slug, settings.names)
        return compare_with_registry(session, settings.secret_key(), utc_now(), reader, own_list, scope)


def _print_comparison(comparison: ListComparison, xlsx: Path | None) -> None:
    _print_section("Contradictions:", [line for pair in comparison["both"] for line in _format_contradictions(pair)])
    _print_section(
        "Likely the same person (somebody must look):", [_format_pair(pair) for pair in comparison["likely"]]
    )
    for heading, unread in (
        ("Rows that could not be read:", comparison["unread"]),
        ("Rows of the other list likewise:", comparison.get("unread_theirs", [])),
    ):
        errors = [(line["row"], error) for line in unread for error in line["errors"]]
        _print_section(heading, [f"row {row}: {format_row_error(error)}" for row, error in errors])
    summary = comparison["summary"]
    for side in comparison.get("lists", []):
        _print_line(f"Laid beside {side['list']}: {side['listed']} detentions, and {side['withheld']} withheld.")
    counts = {
        "on both": summary["both"],
        "of them with a contradiction": summary["conflicts"],
        "likely the same": summary["likely"],
        "mine only": summary["mine_only"],
        "theirs only": summary["theirs_only"],
    }
    numbers = ", ".join(f"{number} {label}" for label, number in counts.items())
    _print_line(f"{summary['mine']} of mine beside {summary['theirs']} of theirs: {numbers}.")
    _print_line(f"All of it is in {xlsx}." if xlsx else "All of it, line by line: --xlsx FILE, or --json.")


def _print_section(heading: str, lines: list[str]) -> None:
    if lines:
        _print_line(heading)
    for line in lines[:MAX_PRINTED_LINES]:
        _print_line(f"  {line}")
    if len(lines) > MAX_PRINTED_LINES:
        _print_line(f"  … and {len(lines) - MAX_PRINTED_LINES} more")


def _format_contradictions(pair: PairedShape) -> list[str]:
    row_label = f"row {pair['mine']['row']} ({pair['mine']['name'] or 'no name'})"
    return [
        f"{row_label}: {field['field']}: mine {_format_value(field['mine'])}, theirs {_format_value(field['theirs'])}"
        for field in pair["conflicts"]
    ]


def _format_pair(pair: PairedShape) -> str:
    matched_account: Mapping[str, Any] = pair["theirs"]
    matched_label = (
        f"row {matched_account['row']}" if "row" in matched_account else str(matched_account["detention_id"])
    )
    mine = f"row {pair['mine']['row']}: {_format_account(pair['mine'])}"
    return f"{mine} | {matched_label}: {_format_account(matched_account)} ({pair['score']:.2f})"


def _format_account(account: Mapping[str, Any]) -> str:
    return (
        ", ".join(_format_value(account[name]) for name in ACCOUNT_FIELDS if account[name])
        or "nothing that may be shown"
    )


def _format_value(value: object) -> str:
    return "; ".join(map(str, value)) if isinstance(value, list) else str(value)


def _print_line(text: str) -> None:
    sys.stdout.write(text + "\n")
