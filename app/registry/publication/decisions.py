"""Write decisions about what is published of a person: consents, decisions on objections, and erasures.

A consent is recorded by a curator. It says what the person, or somebody who speaks for them, allows to be published,
and whether researchers may contact them; `classes.py` computes the class, and `openings.py` keeps it closed until a
second holder agrees. After an erasure's entry, `erasure.py` deletes personal values. Waiting reports are deleted here,
because only the secret shows whom they are about.
"""

import json
import uuid
from collections.abc import Collection
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from sqlalchemy import delete, select, update
from sqlmodel import Session, col

from app.dates import is_future, parse_date
from app.db.engine import split_into_chunks
from app.errors import Invalid, NotFound, ObjectionArrived
from app.models import Entry, Objection, Proposal, Record
from app.registry import records, waiting_reports
from app.registry.curation import proposals
from app.registry.identity.clusters import load_component
from app.registry.publication import classes
from app.registry.publication.objections import UNDECIDED_STATES, find_hidden_records
from app.registry.reprojection import is_person_count_only
from app.registry.write import Outcome, WriteContext
from app.schemas.reports import Date, Flag, Line, Note, RedactionIn, Slug, StrictModel
from app.translations import Message
from app.vocabulary import Publish

# `given_by` of a guardian's consent. For a possible minor, no other consent opens more than counts.
GUARDIAN = "guardian"


class ConsentIn(StrictModel):
    """What a person, or whoever speaks for them, allows."""

    publish: Publish
    given_by: Line
    given_on: Date
    contact: Flag | None = None
    reason: Note | None = None
    overrules_birth_of: Slug | None = None


def give_consent(context: WriteContext, detainee_id: uuid.UUID, body: ConsentIn) -> Outcome:
    """Record the class of publication to which the person, or somebody who speaks for them, consents.

    It answers every class that reports requested before. `overrules_birth_of` overrules, with a reason, the births of
    one source that make the person a child: the consent then needs no guardian. Like every consent, it also applies to
    later versions of that source's report. Raises Invalid, NotFound, Redacted."""
    record = records.load_detainee_record(context.session, detainee_id)
    if is_future(parse_date(body.given_on), context.now):
        raise Invalid.at_pointer("/given_on", "future_date", "This day has not come yet anywhere: correct the date.")
    overruled_source = _find_overruled_source(context, body)
    needs_guardian = body.publish != Publish.COUNTED and body.given_by.casefold() != GUARDIAN
    if needs_guardian and classes.person_may_be_minor(context.session, context.views.sources, record, overruled_source):
        raise Invalid.at_pointer(
            "/given_by",
            "guardian_required",
            Message(
                "This person was under 18: only a guardian's consent opens more than counts (given_by: "
                "{guardian}). Where one source alone says so and is wrong, overrule its birth "
                "(overrules_birth_of: its slug), with a reason.",
                guardian=GUARDIAN,
            ),
        )
    is_more_open = classes.is_stricter(record.publish_now, body.publish)
    if is_more_open:
        context.require_unfrozen()
    entry = context.write_entry(
        "consent",
        {"record": str(record.id), "publish": body.publish},
        {
            "given_by": body.given_by,
            "given_on": body.given_on,
            "reason": body.reason or "",
            "contact": body.contact,  # always stored, so that the number of digests does not reveal who was asked
            **({"overrules_birth_of": body.overrules_birth_of} if body.overrules_birth_of else {}),
        },
        closes=not is_more_open,
    )
    return Outcome("consent", 200, entry.revision, {"detainee": str(detainee_id)})


def _find_overruled_source(context: WriteContext, body: ConsentIn) -> int | None:
    """Return the key of the source whose births a consent overrules."""
    if body.overrules_birth_of is None:
        return None
    if body.reason is None:
        raise Invalid.at_pointer("/reason", "required", "Say how you know that the birth this source gives is wrong.")
    source = context.views.sources_by_slug.get(body.overrules_birth_of)
    if source is None:
        raise Invalid.at_pointer("/overrules_birth_of", "unknown_source", "No source has this slug: see /v1/sources.")
    return source.key


OBJECTION_CONSENT_AUTHOR = "an objection, upheld by curators"


# Objections that one decision may name: more than curators are shown.
MAX_ANSWERED_OBJECTIONS = 1_000


class ObjectionDecisionIn(StrictModel):
    decision: Literal["upheld", "dismissed"]
    to: Literal["counted", "anonymous", "correction", "erasure"] | None = None
    reason: Note
    objections: Annotated[list[uuid.UUID], Field(max_length=MAX_ANSWERED_OBJECTIONS)] = Field(default_factory=list)

    @model_validator(mode="after")
    def _validate_consequence(self) -> Self:
        if (self.decision == "upheld") != (self.to is not None):
            detail = (
                "Say what an upheld objection leads to (to: counted, anonymous, correction, erasure), and only then."
            )
            raise PydanticCustomError("to_something", "{detail}", {"detail": detail})
        return self


def resolve_objections(context: WriteContext, objection_id: uuid.UUID, body: ObjectionDecisionIn) -> Outcome:
    """Decide the objections of the person of this one. A decision that ends a hiding waits until a second curator makes
    it too, or a day. Raises ObjectionArrived for an objection that the request does not name.

    Upheld to `counted` or `anonymous`, it becomes a consent to that class. Upheld to `correction` or `erasure`, the
    person is hidden until the next decision or the erasure. Dismissed, the person is shown as before."""
    session = context.session
    objection = session.get(Objection, objection_id)
    if objection is None or objection.record is None or objection.state not in UNDECIDED_STATES:
        raise NotFound("There is no objection with this id that waits for a decision.")
    record = session.get_one(Record, objection.record)
    placement = records.find_placement(session, record.key)
    if placement is None:
        raise NotFound("What this objection is about was recalled: nobody is hidden on it.")
    if body.to == "anonymous" and is_person_count_only(session, context.views, record):
        raise Invalid.at_pointer(
            "/to", "would_open", "This person was only counted before: an objection opens nobody. Decide for `counted`."
        )
    closes = body.to in ("counted", "correction", "erasure")  # the person stays hidden
    if not closes:
        context.require_unfrozen()
    keys = [person_record.key for person_record in records.load_person_records(session, record)]
    answered = _require_all_named(session, keys, {objection_id, *body.objections})
    body = body.model_copy(update={"objections": sorted(answered)})
    hidden_ids = find_hidden_records(session, placement.detainee)
    # A dismissal closes the person's way to hide for a while, even where nobody is hidden.
    if body.decision == "dismissed" or (body.to == "anonymous" and hidden_ids):
        waiting = proposals.require_agreement(
            context, "objection", (min(keys), min(keys)), body.to or body.decision, body,
            lambda proposal: answered <= set(map(uuid.UUID, json.loads(proposal.body)["objections"])),
        )  # fmt: skip
        if waiting is not None:
            return waiting
    # An objection to a guessed, hidden person must leave no entry, which would confirm that there is a record. Without
    # the entry there is no quiet period, and none is needed: an objection has no effect on a hidden person.
    has_no_effect = record.publish_now == Publish.COUNTED and body.to in (None, "counted")
    if body.to in ("counted", "anonymous"):
        consent_values = {
            "given_by": OBJECTION_CONSENT_AUTHOR,
            "given_on": objection.received_at.date().isoformat(),
            "reason": body.reason,
        }
        body_of_entry = {"record": str(record.id), "publish": body.to}
        context.write_entry("consent", body_of_entry, consent_values, closes=closes)
    step = {"objection": body.decision} | ({} if body.to is None else {"to": body.to})
    for record_id in hidden_ids or ([] if has_no_effect else [record.id]):
        context.write_entry("consent", {"record": str(record_id), **step}, closes=closes)
    run, update_objections = session.connection().execute, update(Objection).where(col(Objection.record).in_(keys))
    if body.to in ("correction", "erasure"):
        run(update_objections.where(col(Objection.state).in_(UNDECIDED_STATES)).values(state="upheld", network=None))
    else:
        closed_values = {"state": "decided", "decided_at": context.now, "network": None}
        run(update_objections.where(col(Objection.state).in_(UNDECIDED_STATES)).values(closed_values))
    run(delete(Proposal).where(col(Proposal.kind) == "objection", col(Proposal.a).in_(keys)))
    return Outcome("objection", 200, context.log.revision, {"detainee": str(record.detainee_id)})


def _require_all_named(session: Session, keys: Collection[int], named: set[uuid.UUID]) -> set[uuid.UUID]:
    """Return the ids of the undecided objections about a person's records. Raises ObjectionArrived for others than
    those named."""
    is_undecided = col(Objection.record).in_(keys), col(Objection.state).in_(UNDECIDED_STATES)
    undecided = set(session.scalars(select(col(Objection.id)).where(*is_undecided)))
    if not undecided <= named:
        raise ObjectionArrived(sorted(map(str, undecided - named)))
    return undecided


def erase_person(context: WriteContext, detainee_id: uuid.UUID, body: RedactionIn) -> Outcome:
    """Erase a person's personal data in every version. Counts by source, date, stage, kind and country do not change.

    Erasing again changes nothing."""
    record = records.load_detainee_record(context.session, detainee_id, allow_erased=True)
    if record.redacted:
        return Outcome(
            "redaction",
            200,
            _find_erasure_revision(context.session, record),
            {"detainee": str(detainee_id), "records": 0},
        )
    erased_records = [
        *records.load_person_records(context.session, record),
        *_find_recalled_records(context.session, record),
    ]
    personal = {"reason": body.reason} if body.reason else None
    waiting_reports.erase_waiting_reports(context, [record.id for record in erased_records])
    erased_ids = sorted(str(erased.id) for erased in erased_records)
    entry = context.write_entry("redaction", {"records": erased_ids}, personal, closes=True)
    return Outcome("redaction", 200, entry.revision, {"detainee": str(detainee_id), "records": len(erased_records)})


def _find_recalled_records(session: Session, record: Record) -> list[Record]:
    """Return the recalled records that decisions link to a person: their personal values are erased too."""
    component, _edges = load_component(session, [record.id])
    recalled_records = [
        other
        for chunk in split_into_chunks(component)
        for other in session.scalars(select(Record).where(col(Record.id).in_(chunk), ~records.HAS_CURRENT_VERSION))
    ]
    return [other for other in recalled_records if not other.redacted]


def repeat_erasure(context: WriteContext, erased_ids: Collection[uuid.UUID]) -> None:
    """Erase records again whose values came back with an earlier copy of the database."""
    waiting_reports.erase_waiting_reports(context, erased_ids)
    for chunk in split_into_chunks(sorted(erased_ids, key=str)):  # an entry has room for many more
        context.write_entry("redaction", {"records": [str(record) for record in chunk]}, closes=True)


def _find_erasure_revision(session: Session, record: Record) -> int:
    """Return the revision that erased a record."""
    conditions = (col(Entry.kind) == "redaction", col(Entry.body).contains(str(record.id)))
    return session.scalars(select(col(Entry.revision)).where(*conditions)).first() or 0
