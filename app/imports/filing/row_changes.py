"""List what a row changes of its report, field by field, and mark the values that go back to an earlier version."""

import json
import uuid
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from sqlalchemy import bindparam, select
from sqlmodel import Session, col

from app.db.engine import split_into_chunks
from app.imports.filing.receipts import CHANGED_PREFIX, RELEASE_TAKEN_BACK, StatedValues, extract_stated_values
from app.log.content import NATIONAL_ID, Content, has_release_section, remove_equal_values, remove_taken_over
from app.log.entries import load_values
from app.models import Entry, Record, Report, Sealed
from app.projection.statements import ASSERTIONS, restore_content
from app.registry import reports
from app.registry.records import FiledCase
from app.registry.write import WriteContext
from app.schemas.imports import ImportFieldChange
from app.schemas.reports import DetentionReportIn
from app.vocabulary import Stage, Verdict

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
