"""The receipt of an import and the outcomes of its rows, as its source reads them."""

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Literal

from sqlalchemy import select
from sqlmodel import Session, col

from app.dates import format_instant
from app.exchange.imports import own_count, sentences
from app.exchange.imports.fault_groups import faults_of, in_language
from app.exchange.imports.held_today import NOT_HELD
from app.exchange.imports.lost_and_gained import KINDS
from app.exchange.imports.sentences import WISH_WITHDRAWN, line, translated
from app.exchange.imports.stored import UNREGISTERED, WISHES_WITHDRAWN, read
from app.exchange.imports.tally import RowsCounted
from app.log import entries
from app.log.entries import entry_at
from app.models import ImportRow, ListImport, Sealed
from app.registry.directory_snapshot import unregistered_place
from app.schemas.imports import (
    ImportChange,
    ImportGroup,
    ImportOut,
    ImportReceipt,
    ImportRowShape,
    ImportWarning,
    ListForm,
)
from app.vocabulary import ImportOutcome, ImportState, Language

# The code has the same name in the answer to a single report.
UNREGISTERED_FACILITY: Literal["unregistered_facility"] = "unregistered_facility"
WarningCode = Literal["unregistered_facility", "wish_withdrawn"]
# Code of a warning → the pointer to what it is about, and the name under which its rows are counted.
WARNINGS: dict[WarningCode, tuple[str, str]] = {
    UNREGISTERED_FACILITY: ("/detention/facility", UNREGISTERED),
    WISH_WITHDRAWN: ("/detainee/publish", WISHES_WITHDRAWN),
}


class SentReceipt(ImportReceipt):
    """The receipt of a list sent part by part, and the ids of its imports."""

    rows: int
    form: ListForm
    imports: list[uuid.UUID]


Receipt = ImportOut | SentReceipt


def rows_of(
    session: Session,
    secret: bytes,
    job: uuid.UUID,
    after: int,
    limit: int,
    outcome: str | None = None,
    lang: Language = "en",
) -> list[ImportRowShape]:
    """The outcomes of at most `limit` rows after the row `after`."""
    query = select(ImportRow, col(Sealed.disclosures)).where(col(ImportRow.list_import) == job)
    # Of the case number the import keeps nothing: an erased report has none any more.
    query = query.outerjoin(Sealed, col(Sealed.revision) == col(ImportRow.revision)).where(col(ImportRow.row) > after)
    if outcome is not None:
        query = query.where(col(ImportRow.outcome) == outcome)
    rows = session.execute(query.order_by(col(ImportRow.row)).limit(limit)).all()
    faults = {row.row: in_language(faults_of(secret, row), row.row, lang) for row, _disclosures in rows}
    return [
        {
            "row": row.row,
            "source_record_id": entries.values(disclosures).get("source_record_id"),
            "outcome": ImportOutcome(row.outcome),
            "report_id": row.report,
            "revision": row.revision,
            "errors": [fault for fault in faults[row.row] if fault["code"] not in WARNINGS],
            "warnings": [fault for fault in faults[row.row] if fault["code"] in WARNINGS],
        }
        for row, disclosures in rows
    ]


def change_of(numbers: Mapping[str, int], suffix: str = "") -> ImportChange:
    """The numbers of values lost or gained, by kind. `numbers`: kind and suffix → number."""
    verdicts, dates, wishes = (numbers.get(f"{kind}{suffix}", 0) for kind in KINDS)
    return {"verdicts": verdicts, "dates": dates, "wishes": wishes}


def places_of(session: Session, secret: bytes, job: ListImport) -> dict[int, str]:
    """Row → its place that is still unregistered, for the rows named in a receipt. Places are read from the reports,
    since an import stores no names; a trial has no reports."""
    rows = RowsCounted(**read(secret, job, "told").get(UNREGISTERED, {})).rows
    query = select(col(ImportRow.row), col(ImportRow.revision)).where(
        col(ImportRow.list_import) == job.id, col(ImportRow.row).in_(rows), col(ImportRow.revision).is_not(None)
    )
    places = {row: unregistered_place(session, entry_at(session, revision)) for row, revision in session.execute(query)}
    return {row: place for row, place in places.items() if place is not None}


def warnings(
    counted: Mapping[WarningCode, RowsCounted], lang: Language, places: Mapping[int, str]
) -> list[ImportWarning]:
    """The warnings about accepted rows. `counted`: the number of rows by code, and the first of them."""
    return [
        {
            "pointer": WARNINGS[code][0],
            "code": code,
            "detail": line(code, lang),
            "count": rows.count,
            "examples": [
                {"row": row, "value": places.get(row) if code == UNREGISTERED_FACILITY else None} for row in rows.rows
            ],
        }
        for code, rows in counted.items()
        if rows.count
    ]


def shape(
    job: ListImport,
    secret: bytes,
    lang: Language = "en",
    groups: Sequence[ImportGroup] = (),
    places: Mapping[int, str] | None = None,
) -> ImportOut:
    """An import as its source reads it; a receipt, once all rows are settled. `groups`: from `fault_groups.of_import`;
    `places`: from `places_of`."""
    told, problem = read(secret, job, "told"), read(secret, job, "fault")
    tally = told.get("tally", {})
    return {
        "id": job.id,
        "state": ImportState(job.state),
        "dry_run": job.dry_run,
        "strict": job.strict,
        "created_at": format_instant(job.created_at),
        "finished_at": None if job.finished_at is None else format_instant(job.finished_at),
        "digest": told["digest"],
        "rows": job.rows,
        "whole": job.whole,
        "settled": sum(json.loads(job.counts).values()),
        "counts": dict.fromkeys(ImportOutcome, 0) | json.loads(job.counts),
        "releases": told.get("releases", 0),
        "held": told.get("held", 0),
        "lost": change_of(tally, "_lost"),
        "gained": change_of(tally, "_gained"),
        "held_counted": tally.get("held_counted", 0),
        "held_not_counted": {why: tally[f"held_{why}"] for why in NOT_HELD if f"held_{why}" in tally},
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
        "own_releases": own_count.changes(tally),
        "publish": own_count.classes(tally),
        "warnings": warnings(
            {code: RowsCounted(**told.get(name, {})) for code, (_pointer, name) in WARNINGS.items()}, lang, places or {}
        ),
        "questions": [translated(question, lang) for question in read(secret, job, "questions")],
        "problem": None if problem is None else sentences.problem(problem, lang),
    }
