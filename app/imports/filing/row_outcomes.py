"""Build the outcome of each row from what filing it led to: what it changed, counted and warned of."""

import uuid
from collections.abc import Sequence

from app.errors import Problem
from app.imports.faults import (
    WISH_WITHDRAWN,
    Fault,
    StoredRowError,
    format_line,
    format_question,
    strip_unstored_value,
)
from app.imports.fields import PUBLISH
from app.imports.filing import receipts, row_changes
from app.imports.filing.import_store import ImportSubject, RowOutcome
from app.imports.filing.receipts import count_changes, extract_stated_values, find_not_held_reason, is_wish_withdrawn
from app.imports.mapping import Answer, Question
from app.imports.reader.rows import Row, build_pointer, place_fault
from app.log.content import flatten_body
from app.registry import filing
from app.registry.list_rows import RowResult, SkippedWithdrawal
from app.registry.write import Outcome, WriteContext
from app.schemas.imports import ImportFieldChange
from app.schemas.reports import DetentionReportIn, ReleaseReportIn
from app.vocabulary import ImportOutcome, Review

UPDATED = ImportOutcome.UPDATED.value


class OutcomeBuilder:
    """Builds the outcomes of a batch. `revision_before`: the revision before it."""

    def __init__(self, context: WriteContext, revision_before: int, results: Sequence[RowResult]) -> None:
        self._context = context
        self._revision_before = revision_before
        updated_cases = [case for outcome, case in results if case is not None and self._find_kind(outcome) == UPDATED]
        self._earlier_versions = row_changes.load_earlier_versions(context.session, updated_cases)

    def _find_kind(self, result: Outcome | Problem | SkippedWithdrawal) -> str | None:
        """Return the outcome of a filed row; None for a row that is not filed."""
        if not isinstance(result, Outcome) or result.kind in filing.EMBARGO_STATUSES:
            return None
        if result.match is not None:
            return str(result.match)
        return UPDATED if result.revision > self._revision_before else "unchanged"

    def build(self, row: Row, body: DetentionReportIn, row_result: RowResult) -> RowOutcome:
        """Return the outcome of a row."""
        result, filed_case = row_result
        if isinstance(result, SkippedWithdrawal):
            return _build_withdrawn_outcome(row, result)
        if isinstance(result, Problem):
            errors = result.extra.get("errors") or [{"pointer": "", "code": result.code, "detail": result.detail}]
            return build_error_outcome(row, [place_fault(row.columns, error) for error in errors])
        previous = {} if filed_case is None else filed_case.content
        sent = flatten_body(body.model_dump(mode="json"))
        previous_values = extract_stated_values(previous) if previous else {}
        values, subject = extract_stated_values(sent), _classify_body(body)
        wish_warnings = _build_wish_warning(row) if is_wish_withdrawn(previous_values, values) else None
        outcome = self._find_kind(result)
        if outcome is None:  # a report that was only waiting is not filed yet
            is_waiting = result.kind == filing.WAITING_KIND
            return RowOutcome(
                row.number, "waiting" if is_waiting else "unchanged", None, None, wish_warnings if is_waiting else None
            )
        tally = count_changes(previous_values, values)
        changes: list[ImportFieldChange] = []
        if outcome != "unchanged":
            tally += receipts.count_own_changes(previous, sent)
            tally[Review.AWAITING_REVIEW] += result.ids.get("review") == Review.AWAITING_REVIEW
        if outcome == UPDATED and filed_case is not None:
            changes = row_changes.list_row_changes(self._context, body, filed_case, self._earlier_versions)
            tally += row_changes.count_row_changes(changes, previous, sent)
        if subject == "held":
            reason = find_not_held_reason(values, self._context.now.date().toordinal())
            tally["held_counted" if reason is None else f"held_{reason}"] += 1
        report = uuid.UUID(result.ids["report"])
        place, country = values.get("detention.facility"), values.get("detention.country")
        is_unregistered = self._context.views.is_unregistered_place(place, country)
        return RowOutcome(
            row.number, outcome, report, result.revision, wish_warnings, subject, dict(tally), is_unregistered, changes
        )


def _build_wish_warning(row: Row) -> list[StoredRowError]:
    """The warning that a row takes back a stricter wish about publication."""
    detail = format_line(WISH_WITHDRAWN, "en")
    return [Fault(row.columns.get(PUBLISH), build_pointer(PUBLISH), WISH_WITHDRAWN, detail).shape()]


def _build_withdrawn_outcome(row: Row, withdrawn: SkippedWithdrawal) -> RowOutcome:
    """The question whether a withdrawn report stands again; nothing changes where that is answered with no."""
    if row.if_withdrawn is Answer.LEAVE_OUT:
        return RowOutcome(row.number, "unchanged", None, None, None)
    code, pointer = Question.WITHDRAWN, "/source_record_id"
    column, sentence = row.columns.get("source_record_id"), format_question(code, row.number)
    return build_error_outcome(row, [Fault(column, pointer, code, sentence, withdrawn_on=withdrawn.day)])


def _classify_body(body: DetentionReportIn) -> ImportSubject | None:
    if isinstance(body, ReleaseReportIn):
        return "releases"
    if body.detainee is not None and body.detainee.died_on is not None:
        return None
    return "held" if body.detention is None or body.detention.ended is None else None


def build_error_outcome(row: Row, faults: list[Fault]) -> RowOutcome:
    return RowOutcome(
        row.number, "error", None, None, [strip_unstored_value(row.add_value(fault).shape()) for fault in faults]
    )
