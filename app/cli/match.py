"""`recuento match`: two lists side by side, and what of them needs somebody. `recuento template`: a list to fill in."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.database import database, opened
from app.cli.lists import at_column, mapping_of
from app.cli.output import AsJson, now
from app.compare import comparison as run
from app.compare import comparison as sheets
from app.compare.comparison import ListComparison
from app.compare.registry import Scope
from app.config import Settings
from app.db.engine import reading
from app.descriptions import of_parameter
from app.imports.faults import BadFile
from app.imports.filing import bounded
from app.imports.formats import tables
from app.imports.formats.template import template
from app.registry.publication.permissions import reporter_by_slug
from app.schemas.imports import PairedShape
from app.vocabulary import Language

# Lines of one kind that a person reads on a terminal; beyond these a workbook is better.
MOST_PRINTED = 40
# What tells one account from another in a line.
TOLD = ("name", "birth", "age", "country", "facility", "detained_on", "released_on", "kind")


AMapping = Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help=of_parameter("match_list", "mapping"))]
NOBODYS = "Say whose list it is (--source SLUG), or give a second list."


commands = typer.Typer()


@commands.command("match")
def match_lists(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Your list.")],
    other: Annotated[
        Path | None, typer.Argument(exists=True, dir_okay=False, help="Another list; by default the registry.")
    ] = None,
    source: Annotated[str | None, typer.Option(help="Slug of the source whose list it is.")] = None,
    mapping: AMapping = None,
    other_mapping: AMapping = None,
    country: Annotated[list[str] | None, typer.Option(help=of_parameter("match_list", "country"))] = None,
    released_from: Annotated[str | None, typer.Option(help=of_parameter("match_list", "released_from"))] = None,
    released_to: Annotated[str | None, typer.Option(help=of_parameter("match_list", "released_to"))] = None,
    held_on: Annotated[str | None, typer.Option(help=of_parameter("match_list", "held_on"))] = None,
    xlsx: Annotated[Path | None, typer.Option(dir_okay=False, help="Write all of it into this workbook.")] = None,
    lang: Annotated[Language, typer.Option(help="Of the workbook.")] = "en",
    as_json: AsJson = False,
) -> None:
    """Lay a list beside another, or beside the registry: on both, likely, mine only, theirs only. Stores nothing."""
    if xlsx is not None:
        _require_new(xlsx)  # before the minutes that a comparison may take
    if other is not None:
        comparison = run.two_lists(_list(file, mapping), _list(other, other_mapping), now())
    elif source is None:
        raise BadFile("source_required", NOBODYS)
    else:
        scope = Scope(country=country or [], released_from=released_from, released_to=released_to, held_on=held_on)
        comparison = _with_registry(source, _list(file, mapping), scope)
    if xlsx is not None:
        _write(xlsx, tables.write(sheets.sheets(comparison, lang)))
    if as_json:
        _line(json.dumps(comparison, ensure_ascii=False, default=str))
    else:
        _print(comparison, xlsx)
    unread = len(comparison["unread"]) + len(comparison.get("unread_theirs", []))
    if unread:
        what = "1 row could not be read, and was" if unread == 1 else f"{unread} rows could not be read, and were"
        raise BadFile("unread_rows", f"{what} compared with nothing: correct the list.")


@commands.command("template")
def write_template(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="The workbook to write, such as list.xlsx.")],
    lang: Annotated[Language, typer.Option(help="en or es.")] = "en",
) -> None:
    """Write a workbook that a field office can fill in and send back as a list."""
    _require_new(file)
    _write(file, template(lang))


def _require_new(file: Path) -> None:
    """Raises BadFile for what is no name of a new workbook: a list typed in the wrong place would be lost."""
    if file.suffix.lower() != ".xlsx":
        raise BadFile("not_a_workbook", f"{file} would be a workbook: give it a name that ends in .xlsx.")
    if file.exists():
        raise BadFile("exists", f"{file} is there already, and nothing is written over it: give another name.")


def _write(file: Path, data: bytes) -> None:
    try:
        with file.open("xb") as new:
            new.write(data)
    except OSError as error:
        raise BadFile("unwritable", f"Cannot write {file}: {error.strerror}.") from None


def _list(file: Path, mapping: Path | None) -> run.List:
    data = file.read_bytes()
    bounded(data)
    return data, mapping_of(mapping)


def _with_registry(slug: str, mine: run.List, scope: Scope) -> ListComparison:
    """A list beside what the registry shows the source whose list it is."""
    settings = Settings()
    with opened(settings):
        pass  # with another secret no case number of one's own would be found
    with database(settings) as engine, reading(engine) as session:
        reader = reporter_by_slug(session, slug, settings.names)
        return run.with_registry(session, settings.secret_key(), now(), reader, mine, scope)


def _print(comparison: ListComparison, xlsx: Path | None) -> None:
    _some("Contradictions:", [line for pair in comparison["both"] for line in _contradictions(pair)])
    _some("Likely the same person (somebody must look):", [_beside(pair) for pair in comparison["likely"]])
    for heading, unread in (
        ("Rows that could not be read:", comparison["unread"]),
        ("Rows of the other list likewise:", comparison.get("unread_theirs", [])),
    ):
        errors = [(line["row"], error) for line in unread for error in line["errors"]]
        _some(heading, [f"row {row}: {at_column(error)}" for row, error in errors])
    count = comparison["summary"]
    for side in comparison.get("lists", []):
        _line(f"Laid beside {side['list']}: {side['listed']} detentions, and {side['withheld']} withheld.")
    counts = {
        "on both": count["both"],
        "of them with a contradiction": count["conflicts"],
        "likely the same": count["likely"],
        "mine only": count["mine_only"],
        "theirs only": count["theirs_only"],
    }
    numbers = ", ".join(f"{number} {what}" for what, number in counts.items())
    _line(f"{count['mine']} of mine beside {count['theirs']} of theirs: {numbers}.")
    _line(f"All of it is in {xlsx}." if xlsx else "All of it, line by line: --xlsx FILE, or --json.")


def _some(heading: str, lines: list[str]) -> None:
    if lines:
        _line(heading)
    for line in lines[:MOST_PRINTED]:
        _line(f"  {line}")
    if len(lines) > MOST_PRINTED:
        _line(f"  … and {len(lines) - MOST_PRINTED} more")


def _contradictions(pair: PairedShape) -> list[str]:
    who = f"row {pair['mine']['row']} ({pair['mine']['name'] or 'no name'})"
    return [
        f"{who}: {field['field']}: mine {_said(field['mine'])}, theirs {_said(field['theirs'])}"
        for field in pair["conflicts"]
    ]


def _beside(pair: PairedShape) -> str:
    theirs: Mapping[str, Any] = pair["theirs"]
    where = f"row {theirs['row']}" if "row" in theirs else str(theirs["detention_id"])
    return f"row {pair['mine']['row']}: {_account(pair['mine'])} | {where}: {_account(theirs)} ({pair['score']:.2f})"


def _account(shown: Mapping[str, Any]) -> str:
    return ", ".join(_said(shown[name]) for name in TOLD if shown[name]) or "nothing that may be shown"


def _said(value: object) -> str:
    return "; ".join(map(str, value)) if isinstance(value, list) else str(value)


def _line(text: str) -> None:
    sys.stdout.write(text + "\n")
