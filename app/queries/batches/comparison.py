"""Compare unreviewed reports with what is shown of their people."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlmodel import Session, col

from app.db.engine import split_into_chunks
from app.log.entries import load_entries, load_entry
from app.models import OPEN, Placement, Record, Report
from app.queries import person_records
from app.queries.batches.contradictions import find_contradictions
from app.queries.shapes import Person
from app.registry.directory_snapshot import DirectorySnapshot
from app.registry.publication.permissions import Reader, load_reporter
from app.registry.records import RecordVersion, build_version
from app.registry.review.batches import UnreviewedReport, find_link, is_unlinked
from app.registry.write import MatchContext
from app.schemas.filed import ComparedField
from app.vocabulary import Judgement

# Reports compared for one answer. Linking one takes a few milliseconds, and an upload in parts rarely has more.
MAX_COMPARED_REPORTS = 400


@dataclass(frozen=True)
class ComparedReport:
    """A report with its record and version, and the person whom it is about; None if nobody else reports the person."""

    record: Record
    version: RecordVersion
    person: Person | None
    contradicts: Sequence[ComparedField]


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
