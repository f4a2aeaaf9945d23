"""Recognise a list that was filed before, and find a source's own reports that rows are about, by name.

A derived case number changes when a name or a date is corrected, so a row without a case number is first looked for
among the source's own reports. A row and a report are paired only if neither fits another one as well.
"""

import json
import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.dates import DateError, PartialDate, parse_date
from app.imports.faults import StoredQuestion, build_list_question, format_day, format_line
from app.imports.filing.receipts import extract_stated_values
from app.imports.filing.row_outcomes import goes_back, list_changes, load_earlier_versions
from app.imports.reader.doubts import MAX_EQUAL_ROWS, CaseNumbers
from app.imports.reader.rows import Row, assign_case_number, validate_body
from app.log.content import NATIONAL_ID, Content, normalize_national_id, remove_taken_over
from app.log.entries import compute_keyed_digest, load_values
from app.matching.scripts import fold
from app.models import OPEN, Entry, ListImport, Record, Report, Sealed
from app.projection.statements import restore_content
from app.registry import records
from app.registry.records import FiledCase, format_id_case
from app.schemas.reports import MAX_NAME_LENGTH, DetentionReportIn
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


# Years between two births of which one corrects the other. A father and a son of one name are further apart.
MAX_CORRECTED_BIRTH_YEARS = 12
SAME_NUMBER_RANK = 3  # of a pair with the same identification number: more than any dates give
LIST_MARK = '"request":'  # in the entries of reports that a list filed

_FIRST_ENTRY = aliased(Entry)
_SELECT_OWN_REPORTS = (
    select(
        col(Record.id), col(Entry.body), col(Entry.recorded_at), col(Sealed.disclosures),
        col(_FIRST_ENTRY.body).contains(LIST_MARK).label("is_from_list"),
    )
    .join(Report, (col(Report.record) == col(Record.key)) & (col(Report.until) == OPEN))
    .join(Entry, col(Entry.revision) == col(Report.stated))
    .join(_FIRST_ENTRY, col(_FIRST_ENTRY.revision) == col(Record.key))
    .outerjoin(Sealed, col(Sealed.revision) == col(Report.stated))
    .where(col(Record.source) == bindparam("source"), col(Record.redacted).is_(False))
    .order_by(col(Record.key))
    .execution_options(yield_per=1_000)
)  # fmt: skip

RowBody = Mapping[str, Any]
NumberedBodies = Iterable[tuple[int, RowBody]]


@dataclass(frozen=True, slots=True)
class OwnReport:
    """A standing report of a source: its case number, or the text in place of one, and its own content.

    `last_reported`: the day on which its current version was filed. `is_from_list`: a list filed a version of it."""

    record: uuid.UUID
    case: str
    content: Content
    last_reported: str
    is_from_list: bool


def iterate_own_reports(session: Session, source: int) -> Iterator[OwnReport]:
    """Yield the source's reports that it has not withdrawn, in the order of their first filing."""
    for row in session.connection().execute(_SELECT_OWN_REPORTS, {"source": source}):
        entry_body = json.loads(row.body)
        report = remove_taken_over(restore_content(entry_body["said"], load_values(row.disclosures)))
        if report["verification.verdict"] != Verdict.RETRACTED:
            case = str(report.get("source_record_id") or format_id_case(row.id))
            is_from_list = row.is_from_list or "request" in entry_body
            yield OwnReport(row.id, case, report, row.recorded_at.date().isoformat(), bool(is_from_list))


@dataclass(frozen=True, slots=True)
class _Identity:
    """What a row or a report says of who it is about."""

    name: str | None
    birth: PartialDate | None
    detained_on: PartialDate | None
    national_id: str | None
    released_on: PartialDate | None = None


def match_own_reports(session: Session, secret: bytes, source: int, bodies: NumberedBodies) -> dict[int, str]:
    """Return row → the case number of the own report that it is about, for rows without a case number.

    Both have the same name, and at least one of birth year and day of detention agrees, if both give one. Rows that fit
    several reports as well, and reports that fit several rows, are left out."""
    return _pair(_read_identities(secret, bodies), iterate_own_reports(session, source), _rank_same_person)


def find_renamed_rows(
    session: Session, secret: bytes, source: int, case_numbers: Collection[str], bodies: NumberedBodies
) -> dict[int, str]:
    """Return row → the case number of the missing report that it corrects, for rows that would be new.

    `case_numbers`: of all rows of the list. The row and the report have the same name or identification number, and
    nobody else has it among the rows and the missing reports."""
    listed_cases = frozenset(case_numbers)
    missing_reports = (
        report
        for report in iterate_own_reports(session, source)
        if report.is_from_list and report.case not in listed_cases
    )
    return _pair(_read_identities(secret, bodies), missing_reports, _rank_corrected_person)


def _pair(
    rows: Mapping[int, _Identity],
    own_reports: Iterable[OwnReport],
    rank: Callable[[_Identity, _Identity], int | None],
) -> dict[int, str]:
    """Return row → case number of the pairs of which each side is the only best one of the other."""
    rows_by_key: defaultdict[str, list[int]] = defaultdict(list)
    for number, identity in rows.items():
        for key in _list_keys(identity):
            rows_by_key[key].append(number)
    best_reports: dict[int, _Best] = {}
    best_rows: dict[str, _Best] = {}
    for report in own_reports:
        identity = _identify_report(report.content)
        candidates = {number for key in _list_keys(identity) for number in rows_by_key.get(key, ())}
        if len(candidates) > MAX_EQUAL_ROWS:
            continue
        for number in candidates:
            score = rank(rows[number], identity)
            if score is not None:
                best_reports.setdefault(number, _Best()).add(score, report.case)
                best_rows.setdefault(report.case, _Best()).add(score, number)
    return {
        number: str(best.only)
        for number, best in sorted(best_reports.items())
        if best.only is not None and best_rows[str(best.only)].only == number
    }


class _Best:
    """The candidate with the highest rank, if only one has it."""

    def __init__(self) -> None:
        self._rank = -1
        self.only: int | str | None = None

    def add(self, rank: int, candidate: int | str) -> None:
        if rank > self._rank:
            self._rank, self.only = rank, candidate
        elif rank == self._rank:
            self.only = None


def _rank_same_person(row: _Identity, report: _Identity) -> int | None:
    """Return how well a row fits a report; None if they are not of one person in one detention."""
    if _is_another_number(row, report) or _is_later_detention(row, report):
        return None
    if _has_same_number(row, report):
        return SAME_NUMBER_RANK
    agreements = [
        *([_is_same_year(row.birth, report.birth)] if row.birth and report.birth else []),
        *([row.detained_on.overlaps(report.detained_on)] if row.detained_on and report.detained_on else []),
    ]
    return None if agreements and not any(agreements) else sum(agreements)


def _rank_corrected_person(row: _Identity, report: _Identity) -> int | None:
    """Return 0 if a row may correct a report, more for the same number; None if it cannot."""
    if _is_another_number(row, report) or _is_later_detention(row, report):
        return None
    if _has_same_number(row, report):
        return SAME_NUMBER_RANK
    births = row.birth, report.birth
    if births[0] and births[1] and abs(births[0].first.year - births[1].first.year) > MAX_CORRECTED_BIRTH_YEARS:
        return None
    return 0


def _has_same_number(row: _Identity, report: _Identity) -> bool:
    return row.national_id is not None and row.national_id == report.national_id


def _is_another_number(row: _Identity, report: _Identity) -> bool:
    return None not in (row.national_id, report.national_id) and row.national_id != report.national_id


def _is_later_detention(row: _Identity, report: _Identity) -> bool:
    """Return whether the row's detention begins after the report's release: it needs a case number of its own."""
    return bool(row.detained_on and report.released_on and row.detained_on.lo > report.released_on.hi)


def _is_same_year(a: PartialDate, b: PartialDate) -> bool:
    return a.first.year <= b.last.year and b.first.year <= a.last.year


def _list_keys(identity: _Identity) -> list[str]:
    names = [f"name {identity.name}"] if identity.name else []
    return [*names, f"id {identity.national_id}"] if identity.national_id else names


def _read_identities(secret: bytes, bodies: NumberedBodies) -> dict[int, _Identity]:
    return {number: _identify_body(secret, body) for number, body in bodies}


def _identify_body(secret: bytes, body: RowBody) -> _Identity:
    detainee, detention = (body.get(section) or {} for section in ("detainee", "detention"))
    number = detainee.get("national_id")
    normalized = normalize_national_id(number) if isinstance(number, str) else None
    return _Identity(
        _fold_name(detainee.get("full_name")),
        _read_date(detainee.get("birth_date")),
        _read_date(detention.get("detained_on")),
        None if normalized is None else compute_keyed_digest(secret, "national_id", normalized),
    )


def _identify_report(report: Content) -> _Identity:
    return _Identity(
        _fold_name(report.get("detainee.full_name")),
        _read_date(report.get("detainee.birth_date")),
        _read_date(report.get("detention.detained_on")),
        report.get(NATIONAL_ID),
        _read_date(report.get("release.released_on")),
    )


def _fold_name(text: Any) -> str | None:
    return fold(text[:MAX_NAME_LENGTH]) or None if isinstance(text, str) else None


def _read_date(text: Any) -> PartialDate | None:
    """Return a date; None for none, or for a text that filing the row will refuse."""
    try:
        return parse_date(text) if isinstance(text, str) else None
    except DateError:
        return None
