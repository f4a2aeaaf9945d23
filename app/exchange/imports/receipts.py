"""The receipt of an import, and the outcomes of its rows, as its source reads them."""

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from app.dates import format_instant
from app.exchange.imports import sentences
from app.exchange.imports.fault_groups import in_language
from app.exchange.imports.held_today import NOT_HELD
from app.exchange.imports.lost_and_gained import KINDS
from app.exchange.imports.sentences import asked, line
from app.exchange.imports.stored import ABOUT, UNREGISTERED, Row
from app.exchange.imports.tally import RowsCounted
from app.models import ImportRow, ListImport
from app.registry.views import unregistered_place
from app.vocabulary import Language

UNREGISTERED_FACILITY = "unregistered_facility"  # as the answer to a single report calls it


def rows_of(
    session: Session, job: uuid.UUID, after: int, limit: int, outcome: str | None = None, lang: Language = "en"
) -> list[dict[str, Any]]:
    """The outcomes of the rows after the row `after`."""
    asked = select(ImportRow).where(col(ImportRow.list_import) == job, col(ImportRow.row) > after)
    if outcome is not None:
        asked = asked.where(col(ImportRow.outcome) == outcome)
    rows = session.scalars(asked.order_by(col(ImportRow.row)).limit(limit)).all()
    return [
        {
            "row": one.row,
            "outcome": one.outcome,
            "report_id": one.report,
            "revision": one.revision,
            "errors": in_language(json.loads(one.faults), one.row, lang) if one.faults else [],
        }
        for one in rows
    ]


def summed(tally: dict[str, int]) -> Row:
    """The losses and gains of a list, and how many of its people in custody count so by its source's own word."""
    return {
        **{change: {kind: tally.get(f"{kind}_{change}", 0) for kind in KINDS} for change in ("lost", "gained")},
        "held_counted": tally.get("held_counted", 0),
        "held_not_counted": {why: tally[f"held_{why}"] for why in NOT_HELD if f"held_{why}" in tally},
    }


def places_of(session: Session, job: ListImport) -> dict[int, str]:
    """Row → its place that is still unregistered, for the rows named in a receipt. Places are read from the reports,
    since an import stores no names; a trial has none."""
    rows = RowsCounted(**json.loads(job.told).get(UNREGISTERED, {})).rows
    asked = select(col(ImportRow.row), col(ImportRow.revision)).where(
        col(ImportRow.list_import) == job.id, col(ImportRow.row).in_(rows), col(ImportRow.revision).is_not(None)
    )
    found = {row: unregistered_place(session, revision) for row, revision in session.execute(asked)}
    return {row: place for row, place in found.items() if place is not None}


def warnings(unregistered: Row, lang: Language, places: Mapping[int, str]) -> list[Row]:
    """The warnings about accepted rows. `unregistered`: the number of rows, and the first of them."""
    if not unregistered["count"]:
        return []
    return [
        {
            "pointer": "/detention/facility",
            "code": UNREGISTERED_FACILITY,
            "detail": line(UNREGISTERED_FACILITY, lang),
            "count": unregistered["count"],
            "examples": [{"row": row, "value": places.get(row)} for row in unregistered["rows"]],
        }
    ]


def shape(
    job: ListImport, lang: Language = "en", groups: Sequence[Row] = (), places: Mapping[int, str] | None = None
) -> Row:
    """An import as its source reads it; the receipt, once it is through. `groups`: from
    `fault_groups.of_import`; `places`: from `places_of`."""
    told = json.loads(job.told)
    problem = None if job.fault is None else json.loads(job.fault)
    return {
        "id": job.id,
        "state": job.state,
        "dry_run": job.dry_run,
        "strict": job.strict,
        "created_at": format_instant(job.created_at),
        "finished_at": None if job.finished_at is None else format_instant(job.finished_at),
        "digest": job.digest,
        "rows": job.rows,
        "whole": job.whole,
        "settled": sum(json.loads(job.counts).values()),
        "counts": json.loads(job.counts),
        **{one: told.get(one, 0) for one in ABOUT},
        **summed(told.get("tally", {})),
        "first_revision": job.first_revision,
        "last_revision": job.last_revision,
        "form": told.get("form"),
        "sheet": told.get("sheet"),
        "other_sheets": told.get("other_sheets", []),
        "columns": told.get("columns", []),
        "saved_mapping": told.get("saved_mapping", False),
        "derived_case_numbers": told.get("derived_case_numbers", 0),
        "unsaid": told.get("unsaid", []),
        "unread": told.get("unread", []),
        "left_out": told.get("left_out", {"count": 0, "rows": []}),
        "groups": list(groups),
        "warnings": warnings(RowsCounted(**told.get(UNREGISTERED, {})).shape(), lang, places or {}),
        "questions": [asked(one, lang) for one in json.loads(job.questions)],
        "problem": problem and sentences.problem(problem, lang),
    }
