"""Reports as the projection reads them, in one line each, and its rows in words."""

import json
from collections.abc import Iterable
from typing import Any

from app.log.content import take_over
from app.projection import FacilityView, SourceView, Statement, project
from app.projection.detentions import divide_into_detentions

FORO = SourceView(1, "foro", independent=True)
JEP = SourceView(2, "jep", independent=True)
PUD = SourceView(3, "pud", independent=True)
MINISTRY = SourceView(4, "ministry", independent=False)
POLICE = SourceView(5, "police", independent=False)
SOURCES = {view.slug: view for view in (FORO, JEP, PUD, MINISTRY, POLICE)}

ARREST, J8, J20 = "2025-03-01", "2026-01-08", "2026-01-20"  # the days of docs/counting-rules.md

RODEO = FacilityView(1, "el-rodeo-i", "El Rodeo I", "Miranda")
HELICOIDE = FacilityView(2, "el-helicoide", "El Helicoide", "Caracas")

Row = dict[str, Any]


def statement(
    record: int,
    source: str = "foro",
    *,
    revision: int | None = None,
    id: str | None = None,
    pointer: int | None = None,
    facility: FacilityView | None = None,
    redacted: bool = False,
    erased: bool = False,
    **content: Any,
) -> Statement:
    """A report: `release__released_on="2026-01-12"` says that field, `taken__release__released_on` took it over. It is
    `reported` unless it says otherwise; `verified` and denials are by the family. Anything said of a release makes it a
    report of one, carried out."""
    taken = {name.removeprefix("taken__"): value for name, value in content.items() if name.startswith("taken__")}
    said = _flatten({name: value for name, value in content.items() if not name.startswith("taken__")})
    verdict = said.setdefault("verification.verdict", "reported")
    if verdict not in ("reported", "retracted"):
        said.setdefault("verification.method", "family")
    if any(name.startswith("release.") for name in said):
        said.setdefault("release.stage", "carried_out")
        said.setdefault("release.kind", "unspecified")
    return Statement(
        record=record,
        id=id or f"{record:032x}",
        source=SOURCES[source],
        revision=record if revision is None else revision,
        content=take_over(said, _flatten(taken), 1),
        pointer=pointer,
        facility=facility,
        is_redacted=redacted,
        is_erased=erased,
    )


def _flatten(fields: dict[str, Any]) -> dict[str, Any]:
    return {path.replace("__", ".", 1): value for path, value in fields.items() if value is not None}


def held(record: int, source: str = "foro", since: str | None = None, **more: Any) -> Statement:
    """A report that someone is held."""
    return statement(record, source, detention__detained_on=since, **more)


def out(record: int, source: str = "foro", on: str | None = None, since: str | None = None, **more: Any) -> Statement:
    """A report that someone was let go."""
    more.setdefault("release__stage", "carried_out")
    return statement(record, source, release__released_on=on, detention__detained_on=since, **more)


def verified(
    record: int, source: str = "foro", on: str | None = None, since: str | None = None, **more: Any
) -> Statement:
    """A first-hand verification that someone was let go."""
    return out(record, source, on, since, verification__verdict="verified", **more)


def refuted(
    record: int, source: str = "foro", on: str | None = None, since: str | None = None, **more: Any
) -> Statement:
    """A first-hand refutation that someone was let go."""
    return out(record, source, on, since, verification__verdict="refuted", **more)


def records_of(statements: Iterable[Statement]) -> list[list[int]]:
    """The records of each detention, earliest detention first."""
    detentions = divide_into_detentions(list(statements))
    return [sorted(one.record for one in detention.statements) for detention in detentions]


def rows_of(statements: Iterable[Statement], table: type[Any], publish: str = "named") -> list[Row]:
    """The rows of a table, their JSON read."""
    rows = project(list(statements), publish).get(table, [])
    read = {"facts", "said"}
    return [{name: json.loads(v) if name in read else v for name, v in row.items()} for row in rows]


def row_of(statements: Iterable[Statement], table: type[Any], **where: Any) -> Row:
    """The one row of a table with these values."""
    rows = [row for row in rows_of(statements, table) if all(row[name] == value for name, value in where.items())]
    assert len(rows) == 1, rows
    return rows[0]
