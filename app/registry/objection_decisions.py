"""Two curators decide about objections: upheld, and to what that leads, or dismissed."""

import uuid
from typing import Literal, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError
from sqlalchemy import delete, update
from sqlmodel import col

from app.errors import Invalid, NotFound
from app.models import Objection, Proposal, Record
from app.registry import records, two_person_rule
from app.registry.objections import UNDECIDED, hidden_records
from app.registry.reprojection import is_counted
from app.registry.schemas import Note, Shape
from app.registry.write import Outcome, WriteContext
from app.vocabulary import Publish

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


def decide(context: WriteContext, objection_id: uuid.UUID, body: ObjectionDecisionIn) -> Outcome:
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
