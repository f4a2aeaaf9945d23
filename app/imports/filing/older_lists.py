"""Recognise a list that was filed before, and ask before it takes corrections back."""

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice

from sqlalchemy import select
from sqlmodel import Session, col

from app.imports.faults import StoredQuestion, build_list_question, format_day, format_line
from app.imports.filing.receipts import extract_stated_values
from app.imports.filing.row_changes import goes_back, list_changes, load_earlier_versions
from app.imports.reader.doubts import CaseNumbers
from app.imports.reader.rows import Row, assign_case_number, validate_body
from app.models import OPEN, ListImport, Record, Report
from app.registry import records
from app.registry.records import FiledCase
from app.schemas.reports import DetentionReportIn
from app.vocabulary import Verdict

CHUNK_ROWS = 500  # rows that are compared with their reports at once


def find_same_list(session: Session, job: ListImport) -> ListImport | None:
    """Return the source's last filed import of the same file, if there is one."""
    return session.scalars(
        select(ListImport)
        .where(
            col(ListImport.source) == job.source,
            col(ListImport.digest) == job.digest,
            col(ListImport.state) == "done",
            col(ListImport.dry_run).is_(False),
            col(ListImport.id) != job.id,
        )
        .order_by(col(ListImport.finished_at).desc())
        .limit(1)
    ).one_or_none()


def build_older_questions(
    session: Session, secret: bytes, job: ListImport, rows: Iterable[Row]
) -> list[StoredQuestion]:
    """The question about a list that was filed before and would take corrections back.

    `rows`: of the list; they are read only if the list was filed before and the source has corrected reports since."""
    earlier_import = find_same_list(session, job)
    if earlier_import is None or not _has_newer_versions(session, job.source, earlier_import):
        return []
    count = count_rows_going_back(session, secret, job.source, rows)
    if not count or earlier_import.finished_at is None:
        return []
    day = partial(format_day, earlier_import.finished_at.date())
    return [build_list_question("older_list", day=day, corrections=partial(format_line, "corrections", count=count))]


def _has_newer_versions(session: Session, source: int, earlier_import: ListImport) -> bool:
    """Return whether the source's reports have versions that were filed after an import."""
    is_newer = (
        col(Record.source) == source,
        col(Report.until) == OPEN,
        col(Report.since) > (earlier_import.last_revision or 0),
    )
    query = select(col(Report.since)).join(Record, col(Record.key) == col(Report.record)).where(*is_newer)
    return session.scalars(query.limit(1)).first() is not None


def count_rows_going_back(session: Session, secret: bytes, source: int, rows: Iterable[Row]) -> int:
    """Count the rows that would bring back a value of an earlier version of their report."""
    bodies = _read_bodies(rows)
    count = 0
    while chunk := list(islice(bodies, CHUNK_ROWS)):
        digests = [records.digest_case(secret, source, str(body.source_record_id)) for body in chunk]
        filed_cases = records.find_filed_cases(session, digests)
        earlier = load_earlier_versions(session, list(filed_cases.values()))
        for body, digest in zip(chunk, digests, strict=True):
            filed_case = filed_cases.get(digest)
            # Rows of withdrawn reports have a question of their own.
            if filed_case is None or filed_case.record not in earlier or _is_withdrawn(filed_case):
                continue
            # A name of a cited source may be stored otherwise than it is sent; it then equals no earlier value.
            previous, current = map(extract_stated_values, (filed_case.content, body.model_dump(mode="json")))
            count += goes_back(list_changes(previous, current, earlier[filed_case.record]))
    return count


def _is_withdrawn(filed_case: FiledCase) -> bool:
    return filed_case.content.get("verification.verdict") == Verdict.RETRACTED


def _read_bodies(rows: Iterable[Row]) -> Iterator[DetentionReportIn]:
    case_numbers = CaseNumbers()
    for row in rows:
        body = validate_body(assign_case_number(row, case_numbers))
        if not isinstance(body, list):
            yield body
