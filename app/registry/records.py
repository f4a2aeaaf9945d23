"""Look up records: by their own id, by their source's case number, by an id derived from them, or by their person."""

import json
import uuid
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import bindparam, delete, exists, func, insert, literal, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.db.engine import split_into_chunks
from app.errors import Invalid, NotFound, Redacted
from app.log import entries
from app.log.content import Content
from app.log.entries import LogEntry, parse_entry_row
from app.models import OPEN, CaseKey, Entry, Placement, Record, Report, Sealed
from app.projection.statements import restore_content

TargetKind = Literal["detainee", "detention", "release"]

# What stands in place of the case number of a report without one begins so: `report:51b4d1a6-…`.
ID_CASE_PREFIX = "report:"
ERASED_DETAIL = "The person under this case number was erased from the registry. Do not send it again."
RECALLED_DETAIL = "All that was reported here was recalled: file it again."
_DELETE_CASE = delete(CaseKey).where(col(CaseKey.digest) == bindparam("freed"))
INSERT_CASE = insert(CaseKey)
_FIRST_ENTRY = aliased(Entry)
_SELECT_RECORDS = (
    select(
        col(Record.id), col(Record.redacted), col(Report.version), col(Report.stated),
        col(Entry.body), col(Sealed.disclosures), col(_FIRST_ENTRY.recorded_at),
    )
    .add_columns(col(Entry.recorded_at).label("stated_at"))
    .join(_FIRST_ENTRY, col(_FIRST_ENTRY.revision) == col(Record.key))
    .outerjoin(Report, (col(Report.record) == col(Record.key)) & (col(Report.until) == OPEN))
    .outerjoin(Entry, col(Entry.revision) == col(Report.stated))
    .outerjoin(Sealed, col(Sealed.revision) == col(Report.stated))
)  # fmt: skip
_SELECT_BY_CASE = (
    _SELECT_RECORDS.add_columns(col(CaseKey.digest))
    .join(CaseKey, col(CaseKey.record_id) == col(Record.id))
    .where(col(CaseKey.digest).in_(bindparam("among", expanding=True)))
)
_SELECT_BY_ID = _SELECT_RECORDS.where(
    col(Record.id).in_(bindparam("among", expanding=True)), col(Record.source) == bindparam("source")
)
_SELECT_DISCLOSURES = (
    select(col(Sealed.disclosures))
    .join(Report, (col(Report.stated) == col(Sealed.revision)) & (col(Report.until) == OPEN))
    .join(Record, col(Record.key) == col(Report.record))
    .where(col(Record.source) == bindparam("source"))
    .execution_options(yield_per=1_000)
)
_SELECT_VERSION = (
    select(*Entry.__table__.c, col(Sealed.disclosures), col(Report.version))  # type: ignore[attr-defined]
    .join(Report, col(Report.stated) == col(Entry.revision))
    .outerjoin(Sealed, col(Sealed.revision) == col(Entry.revision))
    .where(
        col(Report.record) == bindparam("of"), col(Report.since) <= bindparam("at"), col(Report.until) > bindparam("at")
    )
)
_SELECT_PLACED_RECORD = (
    select(Record, Placement)
    .join(Placement, col(Placement.record) == col(Record.key))
    .where(
        col(Record.id) == bindparam("id"),
        col(Placement.since) <= bindparam("at"),
        col(Placement.until) > bindparam("at"),
    )
)
_SELECT_CLASSES = (
    select(col(Record.publish_now))
    .join(Placement, col(Placement.record) == col(Record.key))
    .where(
        col(Placement.detainee) == bindparam("of"),
        col(Placement.since) <= bindparam("at"),
        col(Placement.until) > bindparam("at"),
    )
)
HAS_CURRENT_VERSION = exists().where(col(Report.record) == col(Record.key), col(Report.until) == OPEN)
_SELECT_LAST_NUMBER = select(func.max(col(Report.version))).where(col(Report.record) == bindparam("of"))
_SELECT_RECORD_OF_CASE = select(col(CaseKey.record_id)).where(col(CaseKey.digest) == bindparam("digest"))


@dataclass(frozen=True, slots=True)
class RecordVersion:
    """A version of a record: its number, its entry and its content."""

    number: int
    entry: LogEntry

    @property
    def content(self) -> Content:
        return restore_content(self.entry.body["said"], self.entry.personal)

    @property
    def pointer(self) -> str | None:
        return self.entry.body.get("pointer")

    @property
    def is_filed_by_pointer(self) -> bool:
        """Whether it was filed by pointing at a known person, and so may not say who that is."""
        return self.pointer is not None or "person" in self.entry.body


def find_version(session: Session, record: Record, as_of: int = OPEN - 1) -> RecordVersion | None:
    """The version that stood at a revision, by default the newest; None before the first, and where a recall left
    none."""
    row = session.connection().execute(_SELECT_VERSION, {"of": record.key, "at": as_of}).one_or_none()
    return None if row is None else RecordVersion(row.version, parse_entry_row(row, row.disclosures))


def load_version(session: Session, record: Record, as_of: int = OPEN - 1) -> RecordVersion:
    """The version that stands, or stood at a revision. Raises NotFound where a recall left none."""
    version = find_version(session, record, as_of)
    if version is None:
        raise NotFound(RECALLED_DETAIL)
    return version


def find_next_version_number(session: Session, record: Record) -> int:
    """The number of a record's next version: no two that were filed share one, recalled ones included."""
    last: int = session.connection().execute(_SELECT_LAST_NUMBER, {"of": record.key}).scalar_one()
    return last + 1


def load_own_record(session: Session, report_id: uuid.UUID, source: int | None) -> Record:
    """A record of this source. Raises NotFound for another source's record too: this key may not learn that it
    exists."""
    record = session.scalars(select(Record).where(col(Record.id) == report_id)).one_or_none()
    if record is None or record.source != source:
        raise NotFound("There is no report with this id among your own.")
    return record


def load_detainee_record(
    session: Session, detainee_id: uuid.UUID, pointer: str = "", *, allow_erased: bool = False
) -> Record:
    """The record from which a detainee id derives. Raises NotFound, or Invalid at `pointer`, for an id that derives
    from none that stands, and Redacted for an erased person unless `allow_erased`; what was recalled can be erased."""
    is_available = or_(HAS_CURRENT_VERSION, col(Record.redacted), literal(allow_erased))
    record = session.scalars(select(Record).where(col(Record.detainee_id) == detainee_id, is_available)).one_or_none()
    if record is not None and record.redacted and not allow_erased:
        raise Redacted("This person was erased from the registry: nothing can be decided about them any more.")
    if record is not None:
        return record
    if not pointer:
        raise NotFound("There is no detainee with this id.")
    raise Invalid.at_pointer(pointer, "unknown_detainee", "There is no detainee with this id.")


def load_person_records(session: Session, record: Record) -> list[Record]:
    """All records of the person to whom this record belongs."""
    person = select(col(Placement.detainee)).where(col(Placement.record) == record.key, col(Placement.until) == OPEN)
    return list(
        session.scalars(
            select(Record)
            .join(Placement, (col(Placement.record) == col(Record.key)) & (col(Placement.until) == OPEN))
            .where(col(Placement.detainee) == person.scalar_subquery())
        )
    )


def find_placement(session: Session, record: int, as_of: int = OPEN - 1) -> Placement | None:
    """The placement of a record at a revision."""
    return session.scalars(
        select(Placement).where(
            col(Placement.record) == record, col(Placement.since) <= as_of, col(Placement.until) > as_of
        )
    ).one_or_none()


def load_placed_record(session: Session, report_id: uuid.UUID, as_of: int) -> tuple[Record, Placement]:
    """A record and its placement at a revision, where it had one."""
    record, record_placement = session.execute(_SELECT_PLACED_RECORD, {"id": report_id, "at": as_of}).one()
    return record, record_placement


def list_record_classes(session: Session, detainee: int, as_of: int) -> list[str]:
    """Today's class of each record that a person had at a revision."""
    return [*session.connection().execute(_SELECT_CLASSES, {"of": detainee, "at": as_of}).scalars()]


def digest_case(secret: bytes, source: int, case: str) -> str:
    return entries.compute_keyed_digest(secret, "case", str(source), case)


@dataclass(frozen=True, slots=True)
class FiledCase:
    """A record under a case number, with its newest version, the day of that, and the day of its first filing."""

    record: uuid.UUID
    is_redacted: bool
    number: int
    revision: int
    content: Content
    filed_on: str
    stated_on: str


def find_filed_cases(session: Session, digests: Collection[str]) -> dict[str, FiledCase]:
    """Digest (`digest_case`) → the record under that case number, for the digests that have one."""
    rows = [
        row
        for chunk in split_into_chunks(digests)
        for row in session.connection().execute(_SELECT_BY_CASE, {"among": chunk})
    ]
    return {row.digest: _build_filed_case(row) for row in rows if not _is_recalled(row)}


def find_cases_by_id(session: Session, source: int, cases: Collection[str]) -> dict[str, FiledCase]:
    """Text in place of a case number (`format_id_case`) → the record of this source with that id, for those that have
    one."""
    ids = {case: record_id for case in cases if (record_id := _parse_id_case(case)) is not None}
    cases_by_id = {
        row.id: _build_filed_case(row)
        for chunk in split_into_chunks({*ids.values()})
        for row in session.connection().execute(_SELECT_BY_ID, {"among": chunk, "source": source})
        if not _is_recalled(row)
    }
    return {case: cases_by_id[record_id] for case, record_id in ids.items() if record_id in cases_by_id}


def _is_recalled(row: Any) -> bool:
    return row.body is None and not row.redacted


def _build_filed_case(row: Any) -> FiledCase:
    content = (
        {} if row.body is None else restore_content(json.loads(row.body)["said"], entries.load_values(row.disclosures))
    )
    filed_on, stated_on = (
        instant.date().isoformat() if instant else "" for instant in (row.recorded_at, row.stated_at)
    )
    return FiledCase(row.id, row.redacted, row.version, row.stated, content, filed_on, stated_on)


def find_recalled_cases(session: Session, digests: Collection[str]) -> set[str]:
    """The digests of case numbers whose record stands no more."""
    case_query = select(col(CaseKey.digest)).join(Record, col(Record.id) == col(CaseKey.record_id))
    recalled_query = case_query.where(col(Record.redacted).is_(False), ~HAS_CURRENT_VERSION)
    return {
        digest
        for chunk in split_into_chunks(digests)
        for digest in session.scalars(recalled_query.where(col(CaseKey.digest).in_(chunk)))
    }


def has_reports(session: Session, source: int) -> bool:
    """Whether a source has ever filed a report."""
    return session.scalars(select(col(Record.key)).where(col(Record.source) == source).limit(1)).first() is not None


def iterate_case_numbers(session: Session, source: int) -> Iterator[str]:
    """All case numbers of a source's standing reports. They are sealed with each report and looked up by digest, so
    that reading them as written takes reading every report."""
    for disclosures in session.connection().execute(_SELECT_DISCLOSURES, {"source": source}).scalars():
        case = entries.load_values(disclosures).get("source_record_id")
        if case is not None:
            yield str(case)


def store_case(session: Session, secret: bytes, source: int, case: str, record: uuid.UUID) -> None:
    """Store the digest of a record's case number in place of that of a version that was recalled."""
    digest, run = digest_case(secret, source, case), session.connection().execute
    run(_DELETE_CASE, {"freed": digest})
    run(INSERT_CASE, {"digest": digest, "record_id": record})


def find_case_record(session: Session, secret: bytes, source: int, case: str) -> Record | None:
    """The record under a source's own case number, or with the id that stands for one; none whose every version was
    recalled. Raises Redacted."""
    record, is_current = find_record_and_status(session, secret, source, case)
    return record if is_current else None


def find_record_and_status(session: Session, secret: bytes, source: int, case: str) -> tuple[Record | None, bool]:
    """The record under a case number, as of `find_case_record`, and whether it stands: every version of it may have been
    recalled. Raises Redacted."""
    digest = digest_case(secret, source, case)
    record_id = session.connection().execute(_SELECT_RECORD_OF_CASE, {"digest": digest}).scalar_one_or_none()
    record_id = record_id or _parse_id_case(case)
    if record_id is None:  # as of every new report: nothing to look for
        return None, False
    query = select(Record, HAS_CURRENT_VERSION).where(col(Record.id) == record_id, col(Record.source) == source)
    record, is_current = session.execute(query).one_or_none() or (None, False)
    if record is not None and record.redacted:
        raise Redacted(ERASED_DETAIL)
    return record, is_current


def format_id_case(record_id: Any) -> str:
    """The text in place of the case number of a report that has none."""
    return f"{ID_CASE_PREFIX}{record_id}"


def _parse_id_case(case: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(case.removeprefix(ID_CASE_PREFIX)) if case.startswith(ID_CASE_PREFIX) else None
    except ValueError:
        return None
