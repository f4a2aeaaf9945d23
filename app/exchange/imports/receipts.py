"""What the source of a list reads of it: the receipt, and what became of each row."""

import json
import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlmodel import Session, col

from app.dates import format_instant
from app.exchange.imports.groups import in_language
from app.exchange.imports.sayings import detail
from app.exchange.imports.says import KINDS, NOT_HELD
from app.exchange.imports.stored import ABOUT, Row
from app.models import ImportRow, ListImport
from app.vocabulary import Language


def rows_of(
    session: Session, job: uuid.UUID, after: int, limit: int, outcome: str | None = None, lang: Language = "en"
) -> list[dict[str, Any]]:
    """What became of the rows after a row's number."""
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
    """What a list took back and added, and how many of those it says are held count as held by its source's word."""
    return {
        **{change: {kind: tally.get(f"{kind}_{change}", 0) for kind in KINDS} for change in ("lost", "gained")},
        "held_counted": tally.get("held_counted", 0),
        "held_not_counted": {why: tally[f"held_{why}"] for why in NOT_HELD if f"held_{why}" in tally},
    }


def shape(job: ListImport, lang: Language = "en", groups: Sequence[Row] = ()) -> Row:
    """An import as its source reads it: the receipt, once it is through. `groups`: of `groups.of_import`."""
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
        "questions": [one | {"detail": detail(one["code"], one["detail"], lang)} for one in json.loads(job.questions)],
        "problem": problem and problem | {"detail": detail(problem["code"], problem["detail"], lang)},
    }
