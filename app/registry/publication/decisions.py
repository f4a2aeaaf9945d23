"""A curator records what a person, or whoever speaks for them, allows to be published, and whether researchers may
contact the person. For somebody who may have been a child only a guardian's consent opens more than counts.
`publication_class.py` decides which class follows.

Two curators decide about objections: upheld, and to what that leads, or dismissed.

Write the entry that erases a person; `erasure.py` then deletes what is personal. What waits outside the log under an
embargo is deleted here, since only the secret tells whom it is about."""

import uuid
from collections.abc import Collection
from typing import Literal, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError
from sqlalchemy import delete, select, update
from sqlmodel import Session, col

from app.dates import is_future, parse
from app.db.engine import chunks
from app.errors import Invalid, NotFound
from app.models import Entry, Objection, Proposal, Record
from app.registry import records, two_person_rule, waiting_reports
from app.registry.identity.clusters import component_of
from app.registry.publication import classes
from app.registry.publication.classes import stricter
from app.registry.publication.objections import UNDECIDED, hidden_records
from app.registry.reprojection import is_counted
from app.registry.write import Outcome, WriteContext
from app.schemas.reports import Date, Flag, Line, Note, RedactionIn, Shape, Slug
from app.vocabulary import Publish

# `given_by` of a consent for a minor: only the person in whose care the child is opens more than counts.
GUARDIAN = "guardian"


class ConsentIn(Shape):
    """What a person, or whoever speaks for them, allows."""

    publish: Publish
    given_by: Line
    given_on: Date
    contact: Flag | None = None
    reason: Note | None = None
    overrules_birth_of: Slug | None = None


def give_consent(context: WriteContext, detainee_id: uuid.UUID, body: ConsentIn) -> Outcome:
    """Record the class of publication to which the person, or whoever speaks for them, consents. It answers every class
    that reports asked for before.

    `overrules_birth_of` sets aside, with a reason, the birth by which one source makes the person a child: the consent
    then needs no guardian. Like every consent it also stands over later versions of that source's report."""
    record = records.of_detainee(context.session, detainee_id)
    if is_future(parse(body.given_on), context.now):
        raise Invalid.at("/given_on", "future_date", "This day has not come yet anywhere: correct the date.")
    overruled = _overruled(context, body)
    open_for_minor = body.publish != Publish.COUNTED and body.given_by.casefold() != GUARDIAN
    if open_for_minor and classes.person_may_be_minor(context.session, context.views.sources, record, overruled):
        raise Invalid.at(
            "/given_by",
            "guardian_required",
            f"This person was under 18: only a guardian's consent opens more than counts (given_by: {GUARDIAN}). Where "
            "one source alone says so and is wrong, overrule its birth (overrules_birth_of: its slug), with a reason.",
        )
    if _opens(record, body.publish) and two_person_rule.applies(context, record):
        waits = two_person_rule.wait_for_second(context, "consent", (record,), body.publish, body)
        if waits:
            return waits
    else:
        two_person_rule.take_back(context, "consent", (record,))
    entry = context.write(
        "consent",
        {"record": str(record.id), "publish": body.publish},
        {
            "given_by": body.given_by,
            "given_on": body.given_on,
            "reason": body.reason or "",
            "contact": body.contact,  # always there: the number of digests tells nobody who was asked
            **({"overrules_birth_of": body.overrules_birth_of} if body.overrules_birth_of else {}),
        },
    )
    return Outcome("consent", 201, entry.revision, {"detainee": str(detainee_id)})


def _overruled(context: WriteContext, body: ConsentIn) -> int | None:
    """The key of the source whose births a consent overrules."""
    if body.overrules_birth_of is None:
        return None
    if body.reason is None:
        raise Invalid.at("/reason", "required", "Say how you know that the birth this source gives is wrong.")
    source = context.views.sources_by_slug.get(body.overrules_birth_of)
    if source is None:
        raise Invalid.at("/overrules_birth_of", "unknown_source", "No source has this slug: see /v1/sources.")
    return source.key


def _opens(record: Record, publish: Publish) -> bool:
    """Whether the class `publish` shows more of a person than today's class does."""
    return stricter(record.publish_now, publish)


GIVEN_BY = "an objection, upheld by two curators"  # of the consent that follows from one


class ObjectionDecisionIn(Shape):
    decision: Literal["upheld", "dismissed"]
    to: Literal["counted", "anonymous", "correction", "erasure"] | None = None
    reason: Note

    @model_validator(mode="after")
    def _to_something(self) -> Self:
        if (self.decision == "upheld") != (self.to is not None):
            detail = (
                "Say what an upheld objection leads to (to: counted, anonymous, correction, erasure), and only then."
            )
            raise PydanticCustomError("to_something", "{detail}", {"detail": detail})
        return self


def decide_objection(context: WriteContext, objection_id: uuid.UUID, body: ObjectionDecisionIn) -> Outcome:
    """Decide all objections of the person whom this one is about: it waits until a second curator decides the same.

    Upheld to `counted` or `anonymous` it is a consent of that class; to `correction` or `erasure` the person is hidden
    until it is decided again, or erased. Dismissed, the person is shown as before."""
    session = context.session
    objection = session.get(Objection, objection_id)
    if objection is None or objection.record is None or objection.state not in UNDECIDED:
        raise NotFound("There is no objection with this id that waits for a decision.")
    record = session.get_one(Record, objection.record)
    place = records.placement(session, record.key)
    if place is None:
        raise NotFound("What this objection is about was recalled: nobody is hidden on it.")
    if body.to == "anonymous" and is_counted(session, context.views, record):
        raise Invalid.at(
            "/to", "would_open", "This person was only counted before: an objection opens nobody. Decide for `counted`."
        )
    if body.decision == "upheld":
        two_person_rule.take_back(context, "consent", (record,))  # whoever upholds it no longer shows more
    waits = two_person_rule.wait_for_second(context, "objection", (record,), body.to or body.decision, body)
    if waits:
        return waits
    hiding = hidden_records(session, place.detainee)
    # Whoever guesses at somebody hidden must not read in the log that there was an objection about them, and so a
    # record. No quiet time is lost: no objection hides who is hidden.
    changes_nothing = record.publish_now == Publish.COUNTED and body.to in (None, "counted")
    if body.to in ("counted", "anonymous"):
        given = {"given_by": GIVEN_BY, "given_on": objection.received_at.date().isoformat(), "reason": body.reason}
        context.write("consent", {"record": str(record.id), "publish": body.to}, given)
    step = {"objection": body.decision} | ({} if body.to is None else {"to": body.to})
    for answered in hiding or ([] if changes_nothing else [record.id]):
        context.write("consent", {"record": str(answered), **step})
    keys = [of_person.key for of_person in records.of_person(session, record)]
    run, objections = session.connection().execute, update(Objection).where(col(Objection.record).in_(keys))
    if body.to in ("correction", "erasure"):
        run(objections.where(col(Objection.state).in_(UNDECIDED)).values(state="upheld", slot=None, network=None))
    else:
        over = {"state": "decided", "decided_at": context.now, "slot": None, "network": None}
        run(objections.where(col(Objection.state).in_(UNDECIDED)).values(over))
    run(delete(Proposal).where(col(Proposal.kind) == "objection", col(Proposal.a).in_(keys)))
    return Outcome("objection", 201, context.log.revision, {"detainee": str(record.detainee_id)})


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
