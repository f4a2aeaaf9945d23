"""Curators' decisions: who is one person, what may be published, what must be erased."""

import uuid
from collections.abc import Sequence

from sqlalchemy import select
from sqlmodel import Session, col

from app.dates import is_future, parse
from app.errors import ConflictingBirths, ContradictsDecisions, Invalid, NotFound, Redacted
from app.log.entries import entry_at
from app.models import OPEN, Decision, Entry, Placement, Record
from app.registry import content, records
from app.registry.births import births
from app.registry.clusters import Edge, cluster_of, contradiction, path
from app.registry.components import component_of
from app.registry.consent import OPENNESS, may_be_minor, without_birth
from app.registry.schemas import ConsentIn, IdentityIn
from app.registry.second import wait_for_second
from app.registry.write import Outcome, WriteContext, new_id
from app.vocabulary import EndedHow, Judgement, Publish

# A curator's `same` or `different` is certain; an `unsure` says nothing of how alike two people are.
CURATOR_SCORE = {Judgement.SAME: 1000, Judgement.DIFFERENT: 1000, Judgement.UNSURE: 0}
# Whose word lets someone who was under 18 be shown: the person in whose care the child is.
GUARDIAN = "guardian"


def decide(context: WriteContext, body: IdentityIn) -> Outcome:
    """Judge whether two detainees are one person; the same judgement again changes nothing. `unsure`: somebody looked,
    and the pair goes on waiting, after those that nobody has looked at.

    Raises ContradictsDecisions with the chain that says otherwise, and ConflictingBirths."""
    a, b = _record(context, body.a, "/a"), _record(context, body.b, "/b")
    if a.key == b.key:
        raise Invalid.at("/b", "one_detainee", "Both ids derive from one report: name two detainees.")
    _component, edges = component_of(context.session, {a.id, b.id})
    judgement = body.judgement
    chain = contradiction(edges, a.id, b.id, judgement)
    if chain:
        raise ContradictsDecisions(
            "Standing decisions say otherwise. Undo one of the chain first: DELETE /v1/identity/{id}.",
            chain=[_shown(context.session, edge) for edge in chain],
        )
    for edge in edges:
        if edge.by_curator and edge.judgement == judgement and {edge.a, edge.b} == {a.id, b.id}:
            return Outcome("identity", 200, edge.key, {"id": str(edge.id)})
    if judgement is Judgement.SAME:
        _refuse_conflicting_births(context, edges, a, b)
        if _two_must(context, a, b, merges=True) and (
            waits := wait_for_second(context, "identity", (a, b), judgement, body)
        ):
            return waits
    decision_id = new_id()
    entry = context.write(
        "identity",
        {
            "id": str(decision_id),
            "a": str(a.id),
            "b": str(b.id),
            "judgement": judgement,
            "by": "curator",
            "score": CURATOR_SCORE[judgement],
        },
        {"reason": body.reason},
    )
    return Outcome("identity", 201, entry.revision, {"id": str(decision_id)})


def _refuse_conflicting_births(context: WriteContext, edges: Sequence[Edge], a: Record, b: Record) -> None:
    """Raises ConflictingBirths with the decisions that would then connect the two births. A slip of the pen is a
    source's to correct, and then nothing stands in the way."""
    mine, theirs = (births(context, cluster_of(record.id, edges)) for record in (a, b))
    if not mine or not theirs or mine.keys() & theirs.keys():
        return
    ends = [min(of_day, key=lambda one: one.hex) for found in (mine, theirs) for of_day in found.values()]
    chain = dict.fromkeys(edge for end in ends for near in (a, b) for edge in path(edges, near.id, end) or [])
    raise ConflictingBirths(
        "Independent sources give these two different full birth dates. If one is a slip of the pen, have its source "
        "correct it first; if one of the chain was wrong, undo it: DELETE /v1/identity/{id}.",
        chain=[_shown(context.session, edge) for edge in chain],
    )


def undo(context: WriteContext, decision_id: uuid.UUID) -> Outcome:
    """Take a decision back: every cluster becomes what it was without it."""
    decision = context.session.scalars(select(Decision).where(col(Decision.id) == decision_id)).one_or_none()
    if decision is None or decision.until != OPEN:
        raise NotFound("There is no standing decision with this id.")
    entry = context.write("identity", {"id": str(new_id()), "undoes": str(decision_id)})
    return Outcome("identity", 200, entry.revision, {"id": str(decision_id)})


def give_consent(context: WriteContext, detainee_id: uuid.UUID, body: ConsentIn) -> Outcome:
    """Record what the person, or who speaks for them, allows to be published. It answers for all said before.

    A birth that one source gives, and that would make a child of the person, can be overruled with a reason: then the
    consent needs no guardian. It stands like every consent, over later versions of that source's report too."""
    record = _record(context, detainee_id, "")
    if is_future(parse(body.given_on), context.now):
        raise Invalid.at("/given_on", "future_date", "This day has not come yet anywhere: correct the date.")
    overruled = _overruled(context, body)
    open_for_minor = body.publish != Publish.COUNTED and body.given_by.casefold() != GUARDIAN
    if open_for_minor and _any_minor(context, record, overruled):
        raise Invalid.at(
            "/given_by",
            "guardian_required",
            f"This person was under 18: only a guardian's consent opens more than counts (given_by: {GUARDIAN}). Where "
            "one source alone says so and is wrong, overrule its birth (overrules_birth_of: its slug), with a reason.",
        )
    if _opens(record, body.publish) and _two_must(context, record):
        waits = wait_for_second(context, "consent", (record,), body.publish, body)
        if waits:
            return waits
    entry = context.write(
        "consent",
        {"record": str(record.id), "publish": body.publish},
        {
            "given_by": body.given_by,
            "given_on": body.given_on,
            "reason": body.reason or "",
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
    """Whether more would be shown of a person than is today."""
    return OPENNESS.index(publish) < OPENNESS.index(Publish(record.publish_now))


def _two_must(context: WriteContext, *about: Record, merges: bool = False) -> bool:
    """Whether two curators are asked for a decision about the people who hold these records."""
    if merges and "merges" in context.two_person:
        return True
    if "deaths" in context.two_person and any(_died(context.session, record) for record in about):
        return True
    return "minors" in context.two_person and any(_any_minor(context, record) for record in about)


def _died(session: Session, record: Record) -> bool:
    """Whether any report says that the person is dead: also one that others do not believe."""
    said = [records.newest(session, one).content for one in _held_with(session, record)]
    ends = [one["detention.ended"]["how"] for one in said if "detention.ended" in one]
    return EndedHow.DIED in ends or any("detainee.died_on" in one for one in said)


def redact(context: WriteContext, detainee_id: uuid.UUID, reason: str | None) -> Outcome:
    """Erase a person's personal data in every version; counts by source, date, stage, kind and country stay.

    Erasing again changes nothing."""
    record = _record(context, detainee_id, "", erased=True)
    if record.redacted:
        return Outcome(
            "redaction", 200, _erased_at(context.session, record), {"detainee": str(detainee_id), "records": 0}
        )
    together = _held_with(context.session, record)
    entry = context.write(
        "redaction", {"records": sorted(str(r.id) for r in together)}, {"reason": reason} if reason else None
    )
    return Outcome("redaction", 201, entry.revision, {"detainee": str(detainee_id), "records": len(together)})


def _erased_at(session: Session, record: Record) -> int:
    """The revision that erased a record."""
    mine = (col(Entry.kind) == "redaction", col(Entry.body).contains(str(record.id)))
    return session.scalars(select(col(Entry.revision)).where(*mine)).first() or 0


def _record(context: WriteContext, detainee_id: uuid.UUID, pointer: str, *, erased: bool = False) -> Record:
    """The record an id derives from; an erased one only where asked for."""
    record = records.derived_from(context.session, "detainee", detainee_id)
    if record is not None and record.redacted and not erased:
        raise Redacted("This person was erased from the registry: nothing can be decided about them any more.")
    if record is not None:
        return record
    if not pointer:
        raise NotFound("There is no detainee with this id.")
    raise Invalid.at(pointer, "unknown_detainee", "There is no detainee with this id.")


def _held_with(session: Session, record: Record) -> list[Record]:
    """All records of the person that holds this one."""
    holder = select(col(Placement.detainee)).where(col(Placement.record) == record.key, col(Placement.until) == OPEN)
    return list(
        session.scalars(
            select(Record)
            .join(Placement, (col(Placement.record) == col(Record.key)) & (col(Placement.until) == OPEN))
            .where(col(Placement.detainee) == holder.scalar_subquery())
        )
    )


def _any_minor(context: WriteContext, record: Record, overruled: int | None = None) -> bool:
    """Whether the reports, alone or together, leave it possible: those of independent sources where there are any. A
    birth that only others give hides somebody until a curator looks, and does not stand in that curator's way; nor do
    the births of the source that is overruled."""
    found = _held_with(context.session, record)
    independent = [one for one in found if context.views.sources[one.source].independent]
    said = [(one.source, records.newest(context.session, one).content) for one in independent or found]
    heard = [without_birth(one) if source == overruled else one for source, one in said]
    return any(content.ASKED in one for one in heard) or may_be_minor(heard)


def _shown(session: Session, edge: Edge) -> dict[str, str]:
    entry = entry_at(session, edge.key)
    return {"id": str(edge.id), "judgement": edge.judgement, "reason": entry.personal.get("reason", "")}
