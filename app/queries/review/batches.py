"""Batches of reports that no curator has reviewed, and the reports of one batch, compared with what is shown of their
people."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlmodel import Session, col

from app.dates import format_instant
from app.db.engine import split_into_chunks
from app.errors import NotFound
from app.log.entries import load_entries, load_entry, read_head
from app.models import OPEN, Placement, Record, Report, Source
from app.queries import person_records, shapes
from app.queries.list_pages import build_report_shape
from app.queries.parameters import BatchReportQuery, Page, PageExtras, read_cursor, write_cursor
from app.queries.review.comparison import find_contradictions
from app.queries.shapes import Person
from app.registry.directory_snapshot import DirectorySnapshot
from app.registry.publication.permissions import Reader, load_reporter
from app.registry.records import RecordVersion, build_version
from app.registry.review.batches import UnreviewedReport, find_link, group_in_batches, is_unlinked, iterate_unreviewed
from app.registry.write import MatchContext
from app.schemas.filed import BatchOut, BatchReportOut, ComparedField
from app.vocabulary import Judgement, Review

BATCH_CURSOR = "batch"  # of cursors
# Reports compared for one answer. Linking one takes a few milliseconds, and an upload in parts rarely has more.
MAX_COMPARED_REPORTS = 400


@dataclass(frozen=True)
class ComparedReport:
    """A report with its record and version, and the person whom it is about; None if nobody else reports the person."""

    record: Record
    version: RecordVersion
    person: Person | None
    contradicts: Sequence[ComparedField]


def query_batches(session: Session, reader: Reader, *, compare: bool = True) -> Page[BatchOut]:
    """Return the batches of other sources than the reader's own: those with reports that await review first, then
    the newest.

    The first MAX_COMPARED_REPORTS reports are compared with what is shown; of the others, `compared` is 0."""
    batches = [batch for batch in group_in_batches(session) if batch[0].source != reader.source]
    revision, left = read_head(session)[0], MAX_COMPARED_REPORTS if compare else 0
    shaped: list[BatchOut] = []
    for batch in batches:
        compared = compare_reports(session, batch[:left], reader, revision)
        left -= len(compared)
        shaped.append(_build_batch_shape(batch, compared))
    return Page(shaped, None)


def _build_batch_shape(batch: Sequence[UnreviewedReport], compared: Sequence[ComparedReport]) -> BatchOut:
    known = sum(report.person is not None or report.version.number > 1 for report in compared)
    return {
        "source": batch[0].body["source"],
        "kind": batch[0].kind,
        "list": batch[0].request,
        "reports": len(batch),
        "waiting": sum(report.review is Review.AWAITING_REVIEW for report in batch),
        "first_at": format_instant(batch[0].recorded_at),
        "last_at": format_instant(batch[-1].recorded_at),
        "until": batch[-1].revision,
        "compared": len(compared),
        "new_people": len(compared) - known,
        "known_people": known,
        "contradicting": sum(bool(report.contradicts) for report in compared),
    }


def query_batch_reports(
    session: Session, query: BatchReportQuery, reader: Reader, revision: int
) -> Page[BatchReportOut]:
    """Return the reports of one batch, those first that contradict what is shown. Raises NotFound.

    MAX_COMPARED_REPORTS reports are compared and put in order at a time; the cursor leads on to the next ones."""
    source = session.scalars(select(Source).where(col(Source.slug) == query.source, col(Source.until) == OPEN)).first()
    if source is None or source.key == reader.source:
        raise NotFound("There is no batch of this source for you to review.")
    after, offset = read_cursor(query.cursor, BATCH_CURSOR, 2) or (0, 0)
    batch = [
        report
        for report in iterate_unreviewed(session, source.key)
        if report.revision > after and (report.kind, report.request) == (query.batch_kind, query.list)
    ]
    part = batch[:MAX_COMPARED_REPORTS]
    compared = compare_reports(session, part, reader, revision)
    compared.sort(key=lambda report: not report.contradicts)
    end, cursor = max(offset, 0) + query.limit, None
    if end < len(part):
        cursor = write_cursor(BATCH_CURSOR, [after, end])
    elif len(part) < len(batch):
        cursor = write_cursor(BATCH_CURSOR, [part[-1].revision, 0])
    rows = [_build_report_shape(session, report, reader, revision) for report in compared[max(offset, 0) : end]]

    def build_extras() -> PageExtras:
        contradicting = sum(bool(report.contradicts) for report in compared)
        return {"compared": len(compared), "contradicting": contradicting}

    return Page(rows, cursor, build_extras)


def _build_report_shape(session: Session, compared: ComparedReport, reader: Reader, revision: int) -> BatchReportOut:
    return {
        "report": build_report_shape(session, compared.record, compared.version, revision),
        "detainee": None if compared.person is None else shapes.build_detainee_shape(compared.person, reader),
        "contradicts": [*compared.contradicts],
    }


def compare_reports(
    session: Session, reports: Sequence[UnreviewedReport], reader: Reader, revision: int
) -> list[ComparedReport]:
    """Compare reports of one batch with the people at whom they point, to whom they belong or would be linked."""
    records = {record.key: record for record in _load_records(session, [report.record for report in reports])}
    entries = {entry.revision: entry for entry in load_entries(session, [report.revision for report in reports])}
    detainees = _find_people(session, reports, reader)
    people = person_records.load_people(session, {key for key in detainees.values() if key is not None}, revision)
    compared = []
    for report, detainee in detainees.items():
        record = records[report.record]
        version = RecordVersion(report.body["version"], entries[report.revision], report.review)
        person = None if detainee is None else people.get(detainee)
        earlier = _load_approved_version(session, record) if report.body["version"] > 1 else None
        contradicts: list[ComparedField] = []
        if person is not None or earlier is not None:
            own = person_records.load_single_report_person(session, record, version)
            contradicts = find_contradictions(own, person, earlier, report.body["source"], reader)
        compared.append(ComparedReport(record, version, person, contradicts))
    return compared


def _load_approved_version(session: Session, record: Record) -> Person | None:
    """Return the person according to the last approved version of a report, if it has one."""
    query = (
        select(Report)
        .where(col(Report.record) == record.key, col(Report.review).is_(None))
        .order_by(col(Report.stated).desc())
    )
    report = session.scalars(query.limit(1)).first()
    if report is None:
        return None
    version = build_version(report, load_entry(session, report.stated))
    return person_records.load_single_report_person(session, record, version)


def _load_records(session: Session, keys: Collection[int]) -> Iterator[Record]:
    for chunk in split_into_chunks(keys):
        yield from session.scalars(select(Record).where(col(Record.key).in_(chunk)))


def _find_people(
    session: Session, reports: Sequence[UnreviewedReport], reader: Reader
) -> dict[UnreviewedReport, int | None]:
    """Return report → the key of its person, if the person has another report or the report would be linked to them."""
    placed = _load_people_of_several_records(session, [report.record for report in reports])
    unlinked = {report.record for report in reports if is_unlinked(session, report)}
    people: dict[UnreviewedReport, int | None] = {report: placed.get(report.record) for report in reports}
    if not unlinked:
        return people
    actor = load_reporter(session, reports[0].source, reader.names)
    views = DirectorySnapshot.for_session(session)
    context = MatchContext(session, actor, views, is_list=reports[0].request > 0)
    for report in reports:
        if people[report] is None and report.record in unlinked:
            match = find_link(context, report, unlinked)
            links = [] if match is None else [d.record for d in match.decisions if d.judgement is Judgement.SAME]
            people[report] = session.scalars(
                select(col(Placement.detainee))
                .join(Record, col(Record.key) == col(Placement.record))
                .where(col(Record.id).in_(links), col(Placement.until) == OPEN)
            ).first()
    return people


def _load_people_of_several_records(session: Session, records: Collection[int]) -> dict[int, int]:
    """Return record → its person, for records that are not their person's only one."""
    own, other = Placement.__table__.alias(), Placement.__table__.alias()  # type: ignore[attr-defined]
    people: dict[int, int] = {}
    for chunk in split_into_chunks(records):
        query = (
            select(own.c.record, own.c.detainee)
            .join(other, (other.c.detainee == own.c.detainee) & (other.c.record != own.c.record))
            .where(own.c.record.in_(chunk), own.c.until == OPEN, other.c.until == OPEN)
        )
        people |= dict(session.execute(query).all())
    return people
