"""Look up records: by their own id, by their source's case number, by an id derived from them, or by their person."""

import json
import uuid
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import bindparam, delete, exists, func, insert, literal, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.db.engine import chunks
from app.errors import Invalid, NotFound, Redacted
from app.log import entries
from app.log.content import Content
from app.log.entries import LogEntry, told
from app.models import OPEN, CaseKey, Entry, Placement, Record, Report, Sealed
from app.projection.statements import whole

Kind = Literal["detainee", "detention", "release"]

# What stands in place of the case number of a report without one begins so: `report:51b4d1a6-…`.
BY_ID = "report:"
ERASED = "The person under this case number was erased from the registry. Do not send it again."
RECALLED = "All that was reported here was recalled: file it again."
_FREE_CASE = delete(CaseKey).where(col(CaseKey.digest) == bindparam("freed"))
INSERT_CASE = insert(CaseKey)
_FIRST = aliased(Entry)
_STANDING = (
    select(
        col(Record.id), col(Record.redacted), col(Report.version), col(Report.stated),
        col(Entry.body), col(Sealed.disclosures), col(_FIRST.recorded_at),
    )
    .add_columns(col(Entry.recorded_at).label("stated_at"))
    .join(_FIRST, col(_FIRST.revision) == col(Record.key))
    .outerjoin(Report, (col(Report.record) == col(Record.key)) & (col(Report.until) == OPEN))
    .outerjoin(Entry, col(Entry.revision) == col(Report.stated))
    .outerjoin(Sealed, col(Sealed.revision) == col(Report.stated))
)  # fmt: skip
_STOOD = (
    _STANDING.add_columns(col(CaseKey.digest))
    .join(CaseKey, col(CaseKey.record_id) == col(Record.id))
    .where(col(CaseKey.digest).in_(bindparam("among", expanding=True)))
)
_STOOD_BY_ID = _STANDING.where(
    col(Record.id).in_(bindparam("among", expanding=True)), col(Record.source) == bindparam("source")
)
_OWN_SEALED = (
    select(col(Sealed.disclosures))
    .join(Report, (col(Report.stated) == col(Sealed.revision)) & (col(Report.until) == OPEN))
    .join(Record, col(Record.key) == col(Report.record))
    .where(col(Record.source) == bindparam("source"))
    .execution_options(yield_per=1_000)
)
_VERSION = (
    select(*Entry.__table__.c, col(Sealed.disclosures), col(Report.version))  # type: ignore[attr-defined]
    .join(Report, col(Report.stated) == col(Entry.revision))
    .outerjoin(Sealed, col(Sealed.revision) == col(Entry.revision))
    .where(
        col(Report.record) == bindparam("of"), col(Report.since) <= bindparam("at"), col(Report.until) > bindparam("at")
    )
)
_PLACED = (
    select(Record, Placement)
    .join(Placement, col(Placement.record) == col(Record.key))
    .where(
        col(Record.id) == bindparam("id"),
        col(Placement.since) <= bindparam("at"),
        col(Placement.until) > bindparam("at"),
    )
)
_CLASSES = (
    select(col(Record.publish_now))
    .join(Placement, col(Placement.record) == col(Record.key))
    .where(
        col(Placement.detainee) == bindparam("of"),
        col(Placement.since) <= bindparam("at"),
        col(Placement.until) > bindparam("at"),
    )
)
STANDS = exists().where(col(Report.record) == col(Record.key), col(Report.until) == OPEN)
_LAST_NUMBER = select(func.max(col(Report.version))).where(col(Report.record) == bindparam("of"))
_RECORD_OF_CASE = select(col(CaseKey.record_id)).where(col(CaseKey.digest) == bindparam("digest"))


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a record: its number, its entry and its content."""

    number: int
    entry: LogEntry

    @property
    def content(self) -> Content:
        return whole(self.entry.body["said"], self.entry.personal)

    @property
    def pointer(self) -> str | None:
        return self.entry.body.get("pointer")

    @property
    def points(self) -> bool:
        """Whether it was filed by pointing at a known person, and so may not say who that is."""
        return self.pointer is not None or "person" in self.entry.body


def current(session: Session, record: Record, as_of: int = OPEN - 1) -> Version | None:
    """The version that stood at a revision, by default the newest; None before the first, and where a recall left
    none."""
    row = session.connection().execute(_VERSION, {"of": record.key, "at": as_of}).one_or_none()
    return None if row is None else Version(row.version, told(row, row.disclosures))


def newest(session: Session, record: Record, as_of: int = OPEN - 1) -> Version:
    """The version that stands, or stood at a revision. Raises NotFound where a recall left none."""
    version = current(session, record, as_of)
    if version is None:
        raise NotFound(RECALLED)
    return version


def next_number(session: Session, record: Record) -> int:
    """The number of a record's next version: no two that were filed share one, recalled ones included."""
    last: int = session.connection().execute(_LAST_NUMBER, {"of": record.key}).scalar_one()
    return last + 1


def own(session: Session, report_id: uuid.UUID, source: int | None) -> Record:
    """A record of this source. Raises NotFound for another source's record too: this key may not learn that it
    exists."""
    record = session.scalars(select(Record).where(col(Record.id) == report_id)).one_or_none()
    if record is None or record.source != source:
        raise NotFound("There is no report with this id among your own.")
    return record


def of_detainee(session: Session, detainee_id: uuid.UUID, pointer: str = "", *, erased: bool = False) -> Record:
    """The record from which a detainee id derives. Raises NotFound, or Invalid at `pointer`, for an id that derives
    from none that stands, and Redacted for an erased person unless `erased`; what was recalled can be erased."""
    stands = or_(STANDS, col(Record.redacted), literal(erased))
    record = session.scalars(select(Record).where(col(Record.detainee_id) == detainee_id, stands)).one_or_none()
    if record is not None and record.redacted and not erased:
        raise Redacted("This person was erased from the registry: nothing can be decided about them any more.")
    if record is not None:
        return record
    if not pointer:
        raise NotFound("There is no detainee with this id.")
    raise Invalid.at(pointer, "unknown_detainee", "There is no detainee with this id.")


def of_person(session: Session, record: Record) -> list[Record]:
    """All records of the person to whom this record belongs."""
    person = select(col(Placement.detainee)).where(col(Placement.record) == record.key, col(Placement.until) == OPEN)
    return list(
        session.scalars(
            select(Record)
            .join(Placement, (col(Placement.record) == col(Record.key)) & (col(Placement.until) == OPEN))
            .where(col(Placement.detainee) == person.scalar_subquery())
        )
    )


def placement(session: Session, record: int, as_of: int = OPEN - 1) -> Placement | None:
    """The placement of a record at a revision."""
    return session.scalars(
        select(Placement).where(
            col(Placement.record) == record, col(Placement.since) <= as_of, col(Placement.until) > as_of
        )
    ).one_or_none()


def placed(session: Session, report_id: uuid.UUID, as_of: int) -> tuple[Record, Placement]:
    """A record and its placement at a revision, where it had one."""
    record, place = session.execute(_PLACED, {"id": report_id, "at": as_of}).one()
    return record, place


def classes(session: Session, detainee: int, as_of: int) -> list[str]:
    """Today's class of each record that a person had at a revision."""
    return [*session.connection().execute(_CLASSES, {"of": detainee, "at": as_of}).scalars()]


def case_digest(secret: bytes, source: int, case: str) -> str:
    return entries.keyed_digest(secret, "case", str(source), case)


@dataclass(frozen=True, slots=True)
class FiledCase:
    """A record under a case number, with its newest version, the day of that, and the day of its first filing."""

    record: uuid.UUID
    redacted: bool
    number: int
    revision: int
    content: Content
    filed_on: str
    stated_on: str


def by_cases(session: Session, digests: Collection[str]) -> dict[str, FiledCase]:
    """Digest (`case_digest`) → the record under that case number, for the digests that have one."""
    rows = [row for among in chunks(digests) for row in session.connection().execute(_STOOD, {"among": among})]
    return {row.digest: _filed(row) for row in rows if not _is_recalled(row)}


def by_ids(session: Session, source: int, cases: Collection[str]) -> dict[str, FiledCase]:
    """Text in place of a case number (`case_by_id`) → the record of this source with that id, for those that have
    one."""
    ids = {case: record_id for case in cases if (record_id := _id_in(case)) is not None}
    filed = {
        row.id: _filed(row)
        for among in chunks({*ids.values()})
        for row in session.connection().execute(_STOOD_BY_ID, {"among": among, "source": source})
        if not _is_recalled(row)
    }
    return {case: filed[record_id] for case, record_id in ids.items() if record_id in filed}


def _is_recalled(row: Any) -> bool:
    return row.body is None and not row.redacted


def _filed(row: Any) -> FiledCase:
    content = {} if row.body is None else whole(json.loads(row.body)["said"], entries.values(row.disclosures))
    filed_on, stated_on = (at.date().isoformat() if at else "" for at in (row.recorded_at, row.stated_at))
    return FiledCase(row.id, row.redacted, row.version, row.stated, content, filed_on, stated_on)


def recalled_cases(session: Session, digests: Collection[str]) -> set[str]:
    """The digests of case numbers whose record stands no more."""
    under = select(col(CaseKey.digest)).join(Record, col(Record.id) == col(CaseKey.record_id))
    recalled = under.where(col(Record.redacted).is_(False), ~STANDS)
    return {one for some in chunks(digests) for one in session.scalars(recalled.where(col(CaseKey.digest).in_(some)))}


def has_any(session: Session, source: int) -> bool:
    """Whether a source has ever filed a report."""
    return session.scalars(select(col(Record.key)).where(col(Record.source) == source).limit(1)).first() is not None


def cases_of(session: Session, source: int) -> Iterator[str]:
    """All case numbers of a source's standing reports. They are sealed with each report and looked up by digest, so
    that reading them as written takes reading every report."""
    for disclosures in session.connection().execute(_OWN_SEALED, {"source": source}).scalars():
        case = entries.values(disclosures).get("source_record_id")
        if case is not None:
            yield str(case)


def remember_case(session: Session, secret: bytes, source: int, case: str, record: uuid.UUID) -> None:
    """Store the digest of a record's case number in place of that of a version that was recalled."""
    digest, run = case_digest(secret, source, case), session.connection().execute
    run(_FREE_CASE, {"freed": digest})
    run(INSERT_CASE, {"digest": digest, "record_id": record})


def by_case(session: Session, secret: bytes, source: int, case: str) -> Record | None:
    """The record under a source's own case number, or with the id that stands for one; none whose every version was
    recalled. Raises Redacted."""
    record, stands = under_case(session, secret, source, case)
    return record if stands else None


def under_case(session: Session, secret: bytes, source: int, case: str) -> tuple[Record | None, bool]:
    """The record under a case number, as of `by_case`, and whether it stands: every version of it may have been
    recalled. Raises Redacted."""
    digest = case_digest(secret, source, case)
    record_id = session.connection().execute(_RECORD_OF_CASE, {"digest": digest}).scalar_one_or_none()
    record_id = record_id or _id_in(case)
    if record_id is None:  # as of every new report: nothing to look for
        return None, False
    query = select(Record, STANDS).where(col(Record.id) == record_id, col(Record.source) == source)
    record, stands = session.execute(query).one_or_none() or (None, False)
    if record is not None and record.redacted:
        raise Redacted(ERASED)
    return record, stands


def case_by_id(record_id: Any) -> str:
    """The text in place of the case number of a report that has none."""
    return f"{BY_ID}{record_id}"


def _id_in(case: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(case.removeprefix(BY_ID)) if case.startswith(BY_ID) else None
    except ValueError:
        return None
