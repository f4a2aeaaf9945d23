"""Who was closed at an earlier revision by the permission of then. `Record.publish_now` says today's, and the class in
the rows does not say whom an objection hid or who may have been a child."""

import json
from collections import defaultdict
from collections.abc import Collection
from typing import Any

from sqlalchemy import or_, select, union_all
from sqlmodel import Session, col

from app.log import sealed
from app.models import OPEN, Consent, Entry, Head, ObjectionHiding, Placement, Record, Report, Sealed, Source
from app.reading.visibility import Condition, at
from app.registry.content import Content
from app.registry.minority import may_be_minor
from app.registry.projection.counted_reports import whole

_OF_RECORD = col(Record.key) == col(Placement.record)
_OBJECTED = col(ObjectionHiding.record) == col(Placement.record)
_CONSENTED = col(Consent.record) == col(Placement.record)


def may_have_changed(detainee: Any, since: int, revision: int) -> Condition:
    """Whether a consent, an objection or an erasure may have changed since a revision what is shown of a person. It
    need not have changed a row."""
    people = select(col(Placement.detainee)).where(at(Placement, revision))
    answered = (col(ObjectionHiding.until) > since) & (col(ObjectionHiding.until) < OPEN)
    erased = select(col(Head.erased)).scalar_subquery() > since
    touched = union_all(
        people.join(Consent, _CONSENTED).where(col(Consent.key) > since),
        people.join(ObjectionHiding, _OBJECTED).where(or_(col(ObjectionHiding.key) > since, answered)),
        people.join(Record, _OF_RECORD).where(col(Record.redacted), erased),
    )
    changed: Condition = detainee.in_(touched)
    return changed


def closed_at(session: Session, detainees: Collection[int], revision: int) -> set[int]:
    """The people whom an objection hid at a revision, or who may have been children by the reports of then, without a
    consent. Of the erased no birth is left, and they may be missing."""
    people = select(col(Placement.detainee)).where(col(Placement.detainee).in_(detainees), at(Placement, revision))
    hidden = (col(ObjectionHiding.key) <= revision) & (col(ObjectionHiding.until) > revision)
    closed = set(session.scalars(people.join(ObjectionHiding, _OBJECTED).where(hidden)))
    consented = set(session.scalars(people.join(Consent, _CONSENTED).where(col(Consent.key) <= revision)))
    return closed | (_perhaps_children(session, people, revision) - consented)


def _perhaps_children(session: Session, people: Any, revision: int) -> set[int]:
    """Those of `people` (a SELECT of their placements) who may have been children by the reports of a revision."""
    rows = session.execute(
        people.add_columns(col(Source.independent), col(Source.quarantined), col(Entry.body), col(Sealed.disclosures))
        .join(Record, _OF_RECORD)
        .join(Source, (col(Source.key) == col(Record.source)) & at(Source, revision))
        .join(Report, (col(Report.record) == col(Record.key)) & at(Report, revision))
        .join(Entry, col(Entry.revision) == col(Report.since))
        .outerjoin(Sealed, col(Sealed.revision) == col(Report.since))
    )
    reports: defaultdict[int, tuple[list[Content], list[Content]]] = defaultdict(lambda: ([], []))
    for detainee, independent, quarantined, body, disclosures in rows:
        content = whole(json.loads(body)["said"], sealed.values(disclosures))
        reports[detainee][not independent or quarantined].append(content)
    return {
        detainee
        for detainee, (independent, others) in reports.items()
        if (may_be_minor(independent, others) if independent else may_be_minor(others))
    }


def erased_since(session: Session, detainees: Collection[int], since: int, revision: int) -> set[int]:
    """The erased among the people, if anybody was erased since a revision: no row says when each of them was."""
    if session.scalars(select(col(Head.erased))).one() <= since:
        return set()
    of_them = (col(Placement.detainee).in_(detainees), at(Placement, revision), col(Record.redacted))
    return set(session.scalars(select(col(Placement.detainee)).join(Record, _OF_RECORD).where(*of_them)))
