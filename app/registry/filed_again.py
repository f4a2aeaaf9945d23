"""A report under the case number of a record of which a recall left no version: it is that record's next version.

So the ids stay, and with them all that was decided about the person meanwhile: consents, objections, erasures, and
curators' judgements. It is matched like a new report. What tied the recalled versions by being filed ties it no more
(`apply.py`)."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select
from sqlmodel import col

from app.log.entries import entry_at
from app.models import HiddenCandidatePair, Record, Report, UncomparedRecord
from app.registry import correction_checks, linking, pointers, records
from app.registry.components import of_one_person_with
from app.registry.content import Content
from app.registry.projection.counted_reports import whole
from app.registry.records import Kind
from app.registry.write import WriteContext
from app.vocabulary import MatchOutcome


@dataclass(frozen=True, slots=True)
class FiledAgain:
    """A recalled record that is filed again, and the oldest standing record of its person (`other`), if there is
    one."""

    record: Record
    other: Record | None
    version: int

    @property
    def body(self) -> dict[str, Any]:
        """Its part of the entry. That nothing is superseded tells that the record stood no more."""
        return {"record": str(self.record.id), "subject": str(self.record.detainee_id), "version": self.version}


def again(context: WriteContext, record: Record, report: Content, target: tuple[Record, Kind] | None) -> FiledAgain:
    """A recalled record, to be filed again by a report under its case number. Where others stand as its person, raises
    AnotherPerson for a report of somebody else, and Conflict for one that points at somebody else."""
    key = of_one_person_with(context.session, record.id)
    other = None if key is None else context.session.get_one(Record, key)
    if other is not None:
        correction_checks.check_person(_last_filed(context, record), report)
    if other is not None and target is not None:
        pointers.require_one_person(context.session, other, target[0])
    return FiledAgain(record, other, records.next_number(context.session, record))


def match_with(context: WriteContext, other: Record) -> linking.LinkResult:
    """The link result of a report whose person is known already by a standing record: nobody is looked for, since only
    curators join people who stand."""
    recognised = context.actor.recognises(other.publish_now)
    return linking.LinkResult(MatchOutcome.LINKED if recognised else MatchOutcome.NEW)


def forget_pairs(context: WriteContext, record: Record) -> None:
    """Delete whom the recalled versions looked like."""
    run = context.session.connection().execute
    run(delete(HiddenCandidatePair).where(col(HiddenCandidatePair.record) == record.key))
    run(delete(UncomparedRecord).where(col(UncomparedRecord.record) == record.key))


def _last_filed(context: WriteContext, record: Record) -> Content:
    """What the source said last in a recalled record."""
    stated = select(col(Report.stated)).where(col(Report.record) == record.key).order_by(col(Report.version).desc())
    entry = entry_at(context.session, context.session.scalars(stated.limit(1)).one())
    return whole(entry.body["said"], entry.personal)
