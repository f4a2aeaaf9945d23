"""What `recuento match` prints: a summary, and a line for each thing that needs somebody."""

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from sqlmodel import Session

from app.exchange import workbook
from app.exchange.comparing import run, sheets
from app.exchange.comparing.accounts import Row
from app.exchange.comparing.registry import Scope
from app.exchange.imports.local import reporter, require_size
from app.exchange.imports.mapping import Mapping
from app.vocabulary import Language

# Lines of one kind that a person reads on a terminal; beyond these a workbook is better.
MOST_PRINTED = 40
# What tells one account from another in a line.
TOLD = ("name", "birth", "age", "country", "facility", "detained_on", "released_on", "kind")


class List(NamedTuple):
    """A list on this machine, and which column of it is what."""

    file: Path
    mapping: Mapping | None

    def read(self) -> run.List:
        data = self.file.read_bytes()
        require_size(data)
        return data, self.mapping


def two_lists(mine: List, theirs: List) -> Row:
    return run.two_lists(mine.read(), theirs.read())


def with_registry(session: Session, secret: bytes, now: datetime, slug: str, mine: List, asked: Scope) -> Row:
    """A list beside what the registry shows the source whose list it is."""
    return run.with_registry(session, secret, now, reporter(session, slug), mine.read(), asked)


def tell(found: Row, *, as_json: bool, xlsx: Path | None, lang: Language) -> str | None:
    """Print a comparison, and write it as a workbook; a line that says what is left to do, if anything is."""
    if xlsx is not None:
        xlsx.write_bytes(workbook.write(sheets.sheets(found, lang)))
    if as_json:
        _line(json.dumps(found, ensure_ascii=False, default=str))
    else:
        _print(found, xlsx)
    unread = len(found["unread"]) + len(found.get("unread_theirs", []))
    return f"{unread} rows could not be read, and were compared with nothing: correct them." if unread else None


def _print(found: Row, xlsx: Path | None) -> None:
    _some("Contradictions:", [line for pair in found["both"] for line in _contradictions(pair)])
    _some("Likely the same person (somebody must look):", [_beside(pair) for pair in found["likely"]])
    for whose in ("unread", "unread_theirs"):
        errors = [(one["row"], error) for one in found.get(whose, []) for error in one["errors"]]
        heading = "Rows that could not be read:" if whose == "unread" else "Rows of the other list likewise:"
        _some(heading, [f"row {row}: column {error['column']}: {error['detail']}" for row, error in errors])
    count = found["summary"]
    for one in found.get("lists", []):
        _line(f"Laid beside {one['list']}: {one['listed']} detentions, and {one['withheld']} withheld.")
    said = {
        "on both": count["both"],
        "of them with a contradiction": count["conflicts"],
        "likely the same": count["likely"],
        "mine only": count["mine_only"],
        "theirs only": count["theirs_only"],
    }
    numbers = ", ".join(f"{number} {what}" for what, number in said.items())
    _line(f"{count['mine']} rows beside {count['theirs']}: {numbers}.")
    _line(f"All of it is in {xlsx}." if xlsx else "All of it, line by line: --xlsx FILE, or --json.")


def _some(heading: str, lines: list[str]) -> None:
    if lines:
        _line(heading)
    for line in lines[:MOST_PRINTED]:
        _line(f"  {line}")
    if len(lines) > MOST_PRINTED:
        _line(f"  … and {len(lines) - MOST_PRINTED} more")


def _contradictions(pair: Row) -> list[str]:
    who = f"row {pair['mine']['row']} ({pair['mine']['name'] or 'no name'})"
    return [
        f"{who}: {one['field']}: mine {_said(one['mine'])}, theirs {_said(one['theirs'])}" for one in pair["conflicts"]
    ]


def _beside(pair: Row) -> str:
    theirs = pair["theirs"]
    where = f"row {theirs['row']}" if "row" in theirs else str(theirs["detention_id"])
    return f"row {pair['mine']['row']}: {_account(pair['mine'])} | {where}: {_account(theirs)} ({pair['score']:.2f})"


def _account(shown: Row) -> str:
    return ", ".join(_said(shown[name]) for name in TOLD if shown[name]) or "nothing that may be shown"


def _said(value: object) -> str:
    return "; ".join(map(str, value)) if isinstance(value, list) else str(value)


def _line(text: str) -> None:
    sys.stdout.write(text + "\n")
