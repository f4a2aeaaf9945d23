"""Build the outcome of each row from what filing it led to: what it changed, counted and warned of.

Changes are listed field by field, and values that go back to an earlier version are marked.
"""

import json
import uuid
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import bindparam, select
from sqlmodel import Session, col

from app.db.engine import split_into_chunks
from app.errors import Problem
from app.imports.faults import WISH_WITHDRAWN, Fault, StoredRowError, format_line, format_question, strip_unstored_value
from app.imports.fields import PUBLISH, STATE
from app.imports.filing import receipts
from app.imports.filing.import_store import ImportSubject, RowOutcome
from app.imports.filing.receipts import (
    CHANGED_PREFIX,
    RELEASE_TAKEN_BACK,
    StatedValues,
    count_changes,
    extract_stated_values,
    find_not_held_reason,
    is_wish_withdrawn,
)
from app.imports.mapping import Answer, Question
from app.imports.reader.heading_recognition import FACILITY
from app.imports.reader.row_states import DIED_ON, ENDED_ON, RELEASED_ON, find_dated_state
from app.imports.reader.rows import Row, build_pointer, place_fault
from app.imports.reader.states import DETAINED_ON, UNKNOWN
from app.log.content import (
    NATIONAL_ID,
    Content,
    flatten_body,
    has_release_section,
    remove_equal_values,
    remove_taken_over,
)
from app.log.entries import load_values
from app.models import Entry, Record, Report, Sealed
from app.projection.statements import ASSERTIONS, restore_content
from app.registry import filing, reports
from app.registry.list_rows import RowResult, SkippedWithdrawal
from app.registry.records import FiledCase
from app.registry.write import Outcome, WriteContext
from app.schemas.imports import ImportFieldChange
from app.schemas.reports import DetentionReportIn, ReleaseReportIn
from app.vocabulary import ImportOutcome, Review, Stage, Verdict

# An identification number is stored as a digest: a change says that it differs, and shows neither number.
NATIONAL_ID_FIELD = "detainee.national_id"
# Record → the values of the versions before its current one.
EarlierVersions = Mapping[uuid.UUID, Sequence[StatedValues]]

_SELECT_VERSIONS = (
    select(col(Record.id), col(Report.stated), col(Entry.body), col(Sealed.disclosures))
    .join(Report, col(Report.record) == col(Record.key))
    .join(Entry, col(Entry.revision) == col(Report.stated))
    .outerjoin(Sealed, col(Sealed.revision) == col(Report.stated))
    .where(col(Record.id).in_(bindparam("ids", expanding=True)))
)


def list_changes(
    previous: StatedValues, current: StatedValues, earlier: Sequence[StatedValues] = ()
) -> list[ImportFieldChange]:
    """Return the fields that differ between two versions of a report, in alphabetical order.

    `earlier`: the versions before `previous`. A value goes back if one of them had it; so does a value that is gone, if
    one of them lacked it."""
    return [
        _hide_number(
            {
                "field": name,
                "before": previous.get(name),
                "after": current.get(name),
                "goes_back": any(version.get(name) == current.get(name) for version in earlier),
            }
        )
        for name in sorted(previous.keys() | current.keys())
        if previous.get(name) != current.get(name)
    ]


def _hide_number(change: ImportFieldChange) -> ImportFieldChange:
    return change if change["field"] != NATIONAL_ID_FIELD else {**change, "before": None, "after": None}


def list_row_changes(
    context: WriteContext, body: DetentionReportIn, filed_case: FiledCase, earlier: EarlierVersions
) -> list[ImportFieldChange]:
    """Return what a row changes of the current version of its report."""
    full = filed_case.full_content
    report = remove_equal_values(reports.build_content(context, body), full)
    report = remove_taken_over(reports.carry_over_fields(report, body, full))
    return list_changes(extract_values(filed_case.content), extract_values(report), earlier.get(filed_case.record, ()))


def extract_values(report: Content) -> StatedValues:
    """Return the values that a version states, with the digest of its identification number."""
    values = extract_stated_values(report)
    return {**values, NATIONAL_ID_FIELD: report[NATIONAL_ID]} if NATIONAL_ID in report else values


def load_earlier_versions(session: Session, filed_cases: Sequence[FiledCase]) -> EarlierVersions:
    """Return the values of the versions before the current one, of the reports that have such versions."""
    current_revisions = {case.record: case.revision for case in filed_cases if case.number > 1}
    versions: defaultdict[uuid.UUID, list[StatedValues]] = defaultdict(list)
    for chunk in split_into_chunks(current_revisions):
        for row in session.connection().execute(_SELECT_VERSIONS, {"ids": chunk}):
            if row.stated < current_revisions[row.id]:
                report = restore_content(json.loads(row.body)["said"], load_values(row.disclosures))
                versions[row.id].append(extract_values(remove_taken_over(report)))
    return versions


def goes_back(changes: Sequence[ImportFieldChange]) -> bool:
    """Return whether a row brings back a value of an earlier version."""
    return any(change["goes_back"] for change in changes)


def count_row_changes(changes: Sequence[ImportFieldChange], previous: Content, current: Content) -> Counter[str]:
    """Return `{"changed_detention.held_on": 1, "release_taken_back": 1}` for an updated row."""
    tally = Counter(f"{CHANGED_PREFIX}_{change['field']}" for change in changes)
    tally[RELEASE_TAKEN_BACK] += takes_release_back(previous, current)
    return +tally


def takes_release_back(previous: Content, current: Content) -> bool:
    """Return whether a report said before that the person was released, and no longer says it."""
    return _asserts_release(previous) and not _asserts_release(current)


def _asserts_release(content: Content) -> bool:
    return (
        has_release_section(content)
        and content["release.stage"] == Stage.CARRIED_OUT
        and content.get("verification.verdict", Verdict.REPORTED) in ASSERTIONS
    )


UPDATED = ImportOutcome.UPDATED.value
# Outcomes of rows that open a report, and what an officer reads of each beside the status.
NEW_OUTCOMES = (ImportOutcome.NEW, ImportOutcome.LINKED, ImportOutcome.NEEDS_REVIEW)
NEW_FACTS = (DETAINED_ON, RELEASED_ON, FACILITY)


class OutcomeBuilder:
    """Builds the outcomes of a batch. `revision_before`: the revision before it."""

    def __init__(self, context: WriteContext, revision_before: int, results: Sequence[RowResult]) -> None:
        self._context = context
        self._revision_before = revision_before
        updated_cases = [case for outcome, case in results if case is not None and self._find_kind(outcome) == UPDATED]
        self._earlier_versions = load_earlier_versions(context.session, updated_cases)

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
        status = row.status or find_dated_state(sent) or ("held" if subject == "held" else None)
        subject = None if status == UNKNOWN else subject
        wish_warnings = _build_wish_warning(row) if is_wish_withdrawn(previous_values, values) else None
        outcome = self._find_kind(result)
        if outcome is None:  # a report that was only waiting is not filed yet
            is_waiting = result.kind == filing.WAITING_KIND
            return RowOutcome(
                row.number, "waiting" if is_waiting else "unchanged", None, None, wish_warnings if is_waiting else None
            )
        tally = count_changes(previous_values, values)
        if status is not None and body.verification.verdict != Verdict.RETRACTED:
            tally[f"status_{status}"] += 1
        changes: list[ImportFieldChange] = []
        if outcome in NEW_OUTCOMES:
            changes = list_changes({}, _extract_facts(sent) | {STATE: status})
        if outcome != "unchanged":
            tally += receipts.count_own_changes(previous, sent)
            tally[Review.AWAITING_REVIEW] += result.ids.get("review") == Review.AWAITING_REVIEW
        if outcome == UPDATED and filed_case is not None:
            changes = list_row_changes(self._context, body, filed_case, self._earlier_versions)
            tally += count_row_changes(changes, previous, sent)
        if subject == "held":
            reason = find_not_held_reason(values, self._context.now.date().toordinal())
            tally["held_counted" if reason is None else f"held_{reason}"] += 1
        report = uuid.UUID(result.ids["report"])
        place, country = values.get("detention.facility"), values.get("detention.country")
        is_unregistered = self._context.views.is_unregistered_place(place, country)
        return RowOutcome(
            row.number, outcome, report, result.revision, wish_warnings, subject, dict(tally), is_unregistered, changes
        )


def _extract_facts(sent: Content) -> StatedValues:
    facts = {name: sent[name] for name in NEW_FACTS if name in sent}
    ended_on = (sent.get("detention.ended") or {}).get("on") or sent.get(DIED_ON)
    return facts | ({ENDED_ON: ended_on} if ended_on else {})


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
    if body.verification.verdict == Verdict.RETRACTED:
        return None
    return "held" if body.detention is None or body.detention.ended is None else None


def build_error_outcome(row: Row, faults: list[Fault]) -> RowOutcome:
    return RowOutcome(
        row.number, "error", None, None, [strip_unstored_value(row.add_value(fault).shape()) for fault in faults]
    )
