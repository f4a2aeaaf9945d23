"""Look up records by id, by their source's case number, by an id derived from them, or by their person."""

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
from app.log.content import Content, remove_taken_over
from app.log.entries import LogEntry, parse_entry_row
from app.models import OPEN, CaseKey, Entry, Placement, Record, Report, Sealed
from app.projection.statements import restore_content
from app.vocabulary import Review

TargetKind = Literal["detainee", "detention", "release"]

# Prefix of a report id that is sent in place of a case number: `report:51b4d1a6-…`.
ID_CASE_PREFIX = "report:"
ERASED_DETAIL = "The person under this case number was erased from the registry. Do not send it again."
RECALLED_DETAIL = "All that was reported here was recalled: file it again."
_DELETE_CASE = delete(CaseKey).where(col(CaseKey.digest) == bindparam("case_digest"))
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
    .where(col(CaseKey.digest).in_(bindparam("digests", expanding=True)))
)
_SELECT_BY_ID = _SELECT_RECORDS.where(
    col(Record.id).in_(bindparam("ids", expanding=True)), col(Record.source) == bindparam("source")
)
_SELECT_DISCLOSURES = (
    select(col(Sealed.disclosures))
    .join(Report, (col(Report.stated) == col(Sealed.revision)) & (col(Report.until) == OPEN))
    .join(Record, col(Record.key) == col(Report.record))
    .where(col(Record.source) == bindparam("source"))
    .execution_options(yield_per=1_000)
)
_SELECT_VERSION = (
    select(*Entry.__table__.c, col(Sealed.disclosures), col(Report.version), col(Report.review))  # type: ignore[attr-defined]
    .join(Report, col(Report.stated) == col(Entry.revision))
    .outerjoin(Sealed, col(Sealed.revision) == col(Entry.revision))
    .where(
        col(Report.record) == bindparam("record"),
        col(Report.since) <= bindparam("as_of"),
        col(Report.until) > bindparam("as_of"),
    )
)
_SELECT_PLACED_RECORD = (
    select(Record, Placement)
    .join(Placement, col(Placement.record) == col(Record.key))
    .where(
        col(Record.id) == bindparam("id"),
        col(Placement.since) <= bindparam("as_of"),
        col(Placement.until) > bindparam("as_of"),
    )
)
_SELECT_CLASSES = (
    select(col(Record.publish_now))
    .join(Placement, col(Placement.record) == col(Record.key))
    .where(
        col(Placement.detainee) == bindparam("detainee"),
        col(Placement.since) <= bindparam("as_of"),
        col(Placement.until) > bindparam("as_of"),
    )
)
HAS_CURRENT_VERSION = exists().where(col(Report.record) == col(Record.key), col(Report.until) == OPEN)
_SELECT_LAST_NUMBER = select(func.max(col(Report.version))).where(col(Report.record) == bindparam("record"))
_SELECT_RECORD_IDS = (
    select(col(Record.id))
    .join(Placement, (col(Placement.record) == col(Record.key)) & (col(Placement.until) == OPEN))
    .where(col(Placement.spell) == bindparam("spell"))
)
_SELECT_RECORD_OF_CASE = select(col(CaseKey.record_id)).where(col(CaseKey.digest) == bindparam("digest"))


@dataclass(frozen=True, slots=True)
class RecordVersion:
    """A version of a record: its number, its entry and its review state."""

    number: int
    entry: LogEntry
    review: Review | None = None

    @property
    def full_content(self) -> Content:
        """Its content with what it took over, marked."""
        return restore_content(self.entry.body["said"], self.entry.personal)

    @property
    def content(self) -> Content:
        """Its own content."""
        return remove_taken_over(self.full_content)

    @property
    def pointer(self) -> str | None:
        return self.entry.body.get("pointer")

    @property
    def is_filed_by_pointer(self) -> bool:
        """Whether it was filed by pointing at a known person, and so may lack the facts that identify one."""
        return self.pointer is not None or "person" in self.entry.body


def find_version(session: Session, record: Record, as_of: int = OPEN - 1) -> RecordVersion | None:
    """Return the version at a revision, by default the current one; None before the first or after a recall of all."""
    row = session.connection().execute(_SELECT_VERSION, {"record": record.key, "as_of": as_of}).one_or_none()
    return None if row is None else build_version(row, parse_entry_row(row, row.disclosures))


def build_version(row: Any, entry: LogEntry) -> RecordVersion:
    """Return a version from its entry, and the number and review state in a row of `report`."""
    return RecordVersion(row.version, entry, None if row.review is None else Review(row.review))


def load_version(session: Session, record: Record, as_of: int = OPEN - 1) -> RecordVersion:
    """Return the current version, or the version at a revision. Raises NotFound after a recall of all versions."""
    version = find_version(session, record, as_of)
    if version is None:
        raise NotFound(RECALLED_DETAIL)
    return version


def find_next_version_number(session: Session, record: Record) -> int:
    """Return the next version number of a record. Numbers of recalled versions are never reused."""
    last: int = session.connection().execute(_SELECT_LAST_NUMBER, {"record": record.key}).scalar_one()
    return last + 1


def load_own_record(session: Session, report_id: uuid.UUID, source: int | None) -> Record:
    """Return a record of this source.

    Raises NotFound for another source's record too: this key may not learn that it exists."""
    record = session.scalars(select(Record).where(col(Record.id) == report_id)).one_or_none()
    if record is None or record.source != source:
        raise NotFound("There is no report with this id among your own.")
    return record


def load_detainee_record(
    session: Session, detainee_id: uuid.UUID, pointer: str = "", *, allow_erased: bool = False
) -> Record:
    """Return the record from which a detainee id derives.

    Raises NotFound, or Invalid at `pointer`, if no current record has the id, and Redacted for an erased person. With
    `allow_erased`, erased and recalled records are returned too: a recalled record can be erased."""
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
    """Return all records of a record's person."""
    person = select(col(Placement.detainee)).where(col(Placement.record) == record.key, col(Placement.until) == OPEN)
    return list(
        session.scalars(
            select(Record)
            .join(Placement, (col(Placement.record) == col(Record.key)) & (col(Placement.until) == OPEN))
            .where(col(Placement.detainee) == person.scalar_subquery())
        )
    )


def find_own_record(session: Session, spell: int, source: int) -> Record | None:
    """Return a source's record of a spell: its newest with a release, else its newest."""
    return _find_newest_record(session, col(Placement.spell) == spell, col(Record.source) == source)


def find_awaiting_record(session: Session, spell: int, source: int) -> Record | None:
    """Return a source's record that awaits review and points at a report of the spell."""
    ids = session.scalars(_SELECT_RECORD_IDS, {"spell": spell}).all()
    is_pointed = or_(*(col(Entry.body).contains(f'"pointer":"{record_id}"') for record_id in ids))
    is_awaiting = (col(Report.source) == source, col(Report.review) == Review.AWAITING_REVIEW)
    return _find_newest_record(session, *is_awaiting, is_pointed)


def _find_newest_record(session: Session, *conditions: Any) -> Record | None:
    rows = session.execute(
        select(Record, col(Entry.body), col(Report.stated))
        .join(Placement, (col(Placement.record) == col(Record.key)) & (col(Placement.until) == OPEN))
        .join(Report, (col(Report.record) == col(Record.key)) & (col(Report.until) == OPEN))
        .join(Entry, col(Entry.revision) == col(Report.stated))
        .where(col(Record.redacted).is_(False), *conditions)
    ).all()
    ranked_rows = [
        ("release.stage" in json.loads(body)["said"], stated_revision, record) for record, body, stated_revision in rows
    ]
    return max(ranked_rows, key=lambda row: row[:2])[2] if ranked_rows else None


def find_placement(session: Session, record: int, as_of: int = OPEN - 1) -> Placement | None:
    """Return the placement of a record at a revision, if it had one."""
    return session.scalars(
        select(Placement).where(
            col(Placement.record) == record, col(Placement.since) <= as_of, col(Placement.until) > as_of
        )
    ).one_or_none()


def load_placed_record(session: Session, report_id: uuid.UUID, as_of: int) -> tuple[Record, Placement]:
    """Return a record and its placement at a revision, which must exist."""
    record, record_placement = session.execute(_SELECT_PLACED_RECORD, {"id": report_id, "as_of": as_of}).one()
    return record, record_placement


def list_record_classes(session: Session, detainee: int, as_of: int) -> list[str]:
    """Return today's class of each record that a person had at a revision."""
    return [*session.connection().execute(_SELECT_CLASSES, {"detainee": detainee, "as_of": as_of}).scalars()]


def digest_case(secret: bytes, source: int, case: str) -> str:
    return entries.compute_keyed_digest(secret, "case", str(source), case)


@dataclass(frozen=True, slots=True)
class FiledCase:
    """A record under a case number, with its current version.

    `filed_on`, `stated_on`: the days on which its first and its current version were filed."""

    record: uuid.UUID
    is_redacted: bool
    number: int
    revision: int
    full_content: Content
    filed_on: str
    stated_on: str

    @property
    def content(self) -> Content:
        """Its own content, without what it took over."""
        return remove_taken_over(self.full_content)


def find_filed_cases(session: Session, digests: Collection[str]) -> dict[str, FiledCase]:
    """Return digest (`digest_case`) → the record under that case number, if there is one."""
    rows = [
        row
        for chunk in split_into_chunks(digests)
        for row in session.connection().execute(_SELECT_BY_CASE, {"digests": chunk})
    ]
    return {row.digest: _build_filed_case(row) for row in rows if not _is_recalled(row)}


def find_cases_by_id(session: Session, source: int, cases: Collection[str]) -> dict[str, FiledCase]:
    """Return text in place of a case number (`format_id_case`) → this source's record with that id, if there is one."""
    ids = {case: record_id for case in cases if (record_id := _parse_id_case(case)) is not None}
    cases_by_id = {
        row.id: _build_filed_case(row)
        for chunk in split_into_chunks({*ids.values()})
        for row in session.connection().execute(_SELECT_BY_ID, {"ids": chunk, "source": source})
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
    """Return the digests of case numbers whose record was recalled."""
    case_query = select(col(CaseKey.digest)).join(Record, col(Record.id) == col(CaseKey.record_id))
    recalled_query = case_query.where(col(Record.redacted).is_(False), ~HAS_CURRENT_VERSION)
    return {
        digest
        for chunk in split_into_chunks(digests)
        for digest in session.scalars(recalled_query.where(col(CaseKey.digest).in_(chunk)))
    }


def has_reports(session: Session, source: int) -> bool:
    """Return whether a source has ever filed a report."""
    return session.scalars(select(col(Record.key)).where(col(Record.source) == source).limit(1)).first() is not None


def iterate_case_numbers(session: Session, source: int) -> Iterator[str]:
    """Yield all case numbers of a source's current reports.

    Case numbers are looked up by digest and stored only with each report, so this reads every report."""
    for disclosures in session.connection().execute(_SELECT_DISCLOSURES, {"source": source}).scalars():
        case = entries.load_values(disclosures).get("source_record_id")
        if case is not None:
            yield str(case)


def store_case(session: Session, secret: bytes, source: int, case: str, record: uuid.UUID) -> None:
    """Store the digest of a record's case number, in place of a recalled version's."""
    digest, run = digest_case(secret, source, case), session.connection().execute
    run(_DELETE_CASE, {"case_digest": digest})
    run(INSERT_CASE, {"digest": digest, "record_id": record})


def find_case_record(session: Session, secret: bytes, source: int, case: str) -> Record | None:
    """Return the current record under a source's case number, or with the id sent in place of one. Raises Redacted."""
    record, is_current = find_record_and_status(session, secret, source, case)
    return record if is_current else None


def find_record_and_status(session: Session, secret: bytes, source: int, case: str) -> tuple[Record | None, bool]:
    """Return the record of `find_case_record` and whether it is current; a recalled record is returned too.

    Raises Redacted."""
    digest = digest_case(secret, source, case)
    record_id = session.connection().execute(_SELECT_RECORD_OF_CASE, {"digest": digest}).scalar_one_or_none()
    record_id = record_id or _parse_id_case(case)
    if record_id is None:  # true of every new report, so it returns before the next query
        return None, False
    query = select(Record, HAS_CURRENT_VERSION).where(col(Record.id) == record_id, col(Record.source) == source)
    record, is_current = session.execute(query).one_or_none() or (None, False)
    if record is not None and record.redacted:
        raise Redacted(ERASED_DETAIL)
    return record, is_current


def format_id_case(record_id: Any) -> str:
    """Return the text that is sent in place of a case number for a report without one."""
    return f"{ID_CASE_PREFIX}{record_id}"


def _parse_id_case(case: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(case.removeprefix(ID_CASE_PREFIX)) if case.startswith(ID_CASE_PREFIX) else None
    except ValueError:
        return None
