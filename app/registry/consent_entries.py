"""A curator records what a person, or whoever speaks for them, allows to be published, and whether researchers may
contact the person. For somebody who may have been a child only a guardian's consent opens more than counts.
`publication_class.py` decides which class follows.
"""

import uuid

from app.dates import is_future, parse
from app.errors import Invalid
from app.models import Record
from app.registry import minority, records, two_person_rule
from app.registry.publication_class import stricter
from app.registry.schemas import Date, Flag, Line, Note, Shape, Slug
from app.registry.write import Outcome, WriteContext
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
    if open_for_minor and minority.person_may_be_minor(context.session, context.views.sources, record, overruled):
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
