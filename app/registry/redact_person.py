"""Write the entry that erases a person; `erasure.py` then deletes what is personal. What waits outside the log under an
embargo is deleted here, since only the secret tells whom it is about."""

import uuid
from collections.abc import Collection

from sqlalchemy import select
from sqlmodel import Session, col

from app.db.engine import chunks
from app.models import Entry, Record
from app.registry import records, two_person_rule, waiting_reports
from app.registry.components import component_of
from app.registry.schemas import RedactionIn
from app.registry.write import Outcome, WriteContext

ERASE = "erase"  # the one decision that there is about an erasure


def redact(context: WriteContext, detainee_id: uuid.UUID, body: RedactionIn) -> Outcome:
    """Erase a person's personal data in every version; counts by source, date, stage, kind and country stay. Where it
    takes two people, the second one's request erases; nothing is hidden until then, which a consent can do at once.

    Erasing again changes nothing."""
    record = records.of_detainee(context.session, detainee_id, erased=True)
    if record.redacted:
        return Outcome(
            "redaction", 200, _erased_at(context.session, record), {"detainee": str(detainee_id), "records": 0}
        )
    if "redactions" in context.two_person:
        waits = two_person_rule.wait_for_second(context, "redaction", (record,), ERASE, body)
        if waits:
            return waits
    together = [*records.of_person(context.session, record), *_recalled_with(context.session, record)]
    personal = {"reason": body.reason} if body.reason else None
    waiting_reports.erase(context, [record.id for record in together])
    entry = context.write("redaction", {"records": sorted(str(r.id) for r in together)}, personal)
    return Outcome("redaction", 201, entry.revision, {"detainee": str(detainee_id), "records": len(together)})


def _recalled_with(session: Session, record: Record) -> list[Record]:
    """The recalled records that decisions tie to a person: what was said of somebody in them goes too."""
    component, _edges = component_of(session, [record.id])
    recalled = [
        other
        for some in chunks(component)
        for other in session.scalars(select(Record).where(col(Record.id).in_(some), ~records.STANDS))
    ]
    return [other for other in recalled if not other.redacted]


def redact_again(context: WriteContext, erased: Collection[uuid.UUID]) -> None:
    """Erase these records once more, whose values came back with an earlier copy of the database."""
    waiting_reports.erase(context, erased)
    for some in chunks(sorted(erased, key=str)):  # an entry has room for many more
        context.write("redaction", {"records": [str(record) for record in some]})


def _erased_at(session: Session, record: Record) -> int:
    """The revision that erased a record."""
    mine = (col(Entry.kind) == "redaction", col(Entry.body).contains(str(record.id)))
    return session.scalars(select(col(Entry.revision)).where(*mine)).first() or 0
