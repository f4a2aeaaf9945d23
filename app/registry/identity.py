"""Curators' decisions: who is one person, what may be published, what must be erased.

Under the two-person rule (`RECUENTO_TWO_PERSON`) a decision that joins people or shows more of them waits, outside the
log, until a second curator makes it too. To part people, to undo, to hide and to erase takes one: it must hold at once.
"""

import uuid
from collections.abc import Collection, Sequence
from typing import Literal

from pydantic import BaseModel
from sqlalchemy import delete, select, tuple_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.dates import is_future, parse
from app.errors import ConflictingBirths, ContradictsDecisions, Invalid, NotFound, Redacted
from app.log.entries import entry_at
from app.models import OPEN, Decision, Entry, Placement, Proposal, Record
from app.registry import content, records
from app.registry.clusters import Edge, cluster_of, contradiction, path
from app.registry.minority import may_be_minor, without_birth
from app.registry.publication_class import OPENNESS
from app.registry.reprojection import component_of
from app.registry.schemas import ConsentIn, IdentityIn
from app.registry.write import Outcome, WriteContext, new_id
from app.vocabulary import EndedHow, Judgement, Publish, Verdict

# A curator's `same` or `different` is certain; an `unsure` says nothing of how alike two people are.
CURATOR_SCORE = {Judgement.SAME: 1000, Judgement.DIFFERENT: 1000, Judgement.UNSURE: 0}
# `given_by` of a consent for a minor: only the person in whose care the child is opens more than counts.
GUARDIAN = "guardian"

ProposedKind = Literal["identity", "consent"]


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
            waits := _wait_for_second(context, "identity", (a, b), judgement, body)
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
    """Raises ConflictingBirths, with the chain of decisions that would connect the two births, where independent
    sources give the two people different full birth dates. The source of a slip of the pen corrects it first."""
    births_a, births_b = (_full_births(context, cluster_of(record.id, edges)) for record in (a, b))
    if not births_a or not births_b or births_a.keys() & births_b.keys():
        return
    witnesses = [min(ids, key=lambda id_: id_.hex) for births in (births_a, births_b) for ids in births.values()]
    chain = dict.fromkeys(edge for id_ in witnesses for record in (a, b) for edge in path(edges, record.id, id_) or [])
    raise ConflictingBirths(
        "Independent sources give these two different full birth dates. If one is a slip of the pen, have its source "
        "correct it first; if one of the chain was wrong, undo it: DELETE /v1/identity/{id}.",
        chain=[_shown(context.session, edge) for edge in chain],
    )


def _full_births(context: WriteContext, cluster: Collection[uuid.UUID]) -> dict[int, list[uuid.UUID]]:
    """Day of birth, as an ordinal → the records in the cluster that give it: standing reports of independent sources
    alone, so that no state keeps two reports of one person apart by inventing a birthday. A month is no full date."""
    births: dict[int, list[uuid.UUID]] = {}
    for record in context.session.scalars(select(Record).where(col(Record.id).in_(cluster))):
        report = records.newest(context.session, record).content
        day = report.get("detainee.birth_date")
        if day is None or not context.views.sources[record.source].independent:
            continue
        born = parse(day)
        if born.lo == born.hi and report["verification.verdict"] != Verdict.RETRACTED:
            births.setdefault(born.lo, []).append(record.id)
    return births


def undo(context: WriteContext, decision_id: uuid.UUID) -> Outcome:
    """Undo a decision: every cluster becomes what it would be without it."""
    decision = context.session.scalars(select(Decision).where(col(Decision.id) == decision_id)).one_or_none()
    if decision is None or decision.until != OPEN:
        raise NotFound("There is no standing decision with this id.")
    entry = context.write("identity", {"id": str(new_id()), "undoes": str(decision_id)})
    return Outcome("identity", 200, entry.revision, {"id": str(decision_id)})


def give_consent(context: WriteContext, detainee_id: uuid.UUID, body: ConsentIn) -> Outcome:
    """Record the class of publication to which the person, or whoever speaks for them, consents. It answers every class
    that reports asked for before.

    `overrules_birth_of` sets aside, with a reason, the birth by which one source makes the person a child: the consent
    then needs no guardian. Like every consent it also stands over later versions of that source's report."""
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
        waits = _wait_for_second(context, "consent", (record,), body.publish, body)
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
    """Whether the class `publish` shows more of a person than today's class does."""
    return OPENNESS.index(publish) < OPENNESS.index(Publish(record.publish_now))


def _two_must(context: WriteContext, *about: Record, merges: bool = False) -> bool:
    """Whether a decision about the people of these records takes two curators (`RECUENTO_TWO_PERSON`)."""
    if merges and "merges" in context.two_person:
        return True
    if "deaths" in context.two_person and any(_died(context.session, record) for record in about):
        return True
    return "minors" in context.two_person and any(_any_minor(context, record) for record in about)


def _died(session: Session, record: Record) -> bool:
    """Whether any report of the person states a death, disputed or not."""
    reports = [records.newest(session, other).content for other in _records_with(session, record)]
    ends = [report["detention.ended"]["how"] for report in reports if "detention.ended" in report]
    return EndedHow.DIED in ends or any("detainee.died_on" in report for report in reports)


def redact(context: WriteContext, detainee_id: uuid.UUID, reason: str | None) -> Outcome:
    """Erase a person's personal data in every version; counts by source, date, stage, kind and country stay.

    Erasing again changes nothing."""
    record = _record(context, detainee_id, "", erased=True)
    if record.redacted:
        return Outcome(
            "redaction", 200, _erased_at(context.session, record), {"detainee": str(detainee_id), "records": 0}
        )
    together = _records_with(context.session, record)
    entry = context.write(
        "redaction", {"records": sorted(str(r.id) for r in together)}, {"reason": reason} if reason else None
    )
    return Outcome("redaction", 201, entry.revision, {"detainee": str(detainee_id), "records": len(together)})


def _erased_at(session: Session, record: Record) -> int:
    """The revision that erased a record."""
    mine = (col(Entry.kind) == "redaction", col(Entry.body).contains(str(record.id)))
    return session.scalars(select(col(Entry.revision)).where(*mine)).first() or 0


def _record(context: WriteContext, detainee_id: uuid.UUID, pointer: str, *, erased: bool = False) -> Record:
    """The record from which a detainee id derives. Raises NotFound, or Invalid at `pointer`, for an id of nobody, and
    Redacted for an erased person unless `erased`."""
    record = records.derived_from(context.session, "detainee", detainee_id)
    if record is not None and record.redacted and not erased:
        raise Redacted("This person was erased from the registry: nothing can be decided about them any more.")
    if record is not None:
        return record
    if not pointer:
        raise NotFound("There is no detainee with this id.")
    raise Invalid.at(pointer, "unknown_detainee", "There is no detainee with this id.")


def _records_with(session: Session, record: Record) -> list[Record]:
    """All records of the person to whom this record belongs."""
    person = select(col(Placement.detainee)).where(col(Placement.record) == record.key, col(Placement.until) == OPEN)
    return list(
        session.scalars(
            select(Record)
            .join(Placement, (col(Placement.record) == col(Record.key)) & (col(Placement.until) == OPEN))
            .where(col(Placement.detainee) == person.scalar_subquery())
        )
    )


def _any_minor(context: WriteContext, record: Record, overruled: int | None = None) -> bool:
    """Whether the reports of the person, each alone or all together, leave it possible that the person was a minor:
    those of independent sources where there are any, since a birth from other sources hides the person only until a
    curator has looked. The births that the source `overruled` gives do not count."""
    found = _records_with(context.session, record)
    independent = [other for other in found if context.views.sources[other.source].independent]
    reports = [
        without_birth(report) if other.source == overruled else report
        for other in independent or found
        for report in (records.newest(context.session, other).content,)
    ]
    return any(content.ASKED in report for report in reports) or may_be_minor(reports)


def _shown(session: Session, edge: Edge) -> dict[str, str]:
    entry = entry_at(session, edge.key)
    return {"id": str(edge.id), "judgement": edge.judgement, "reason": entry.personal.get("reason", "")}


def _wait_for_second(
    context: WriteContext, kind: ProposedKind, about: Sequence[Record], decision: str, body: BaseModel
) -> Outcome | None:
    """Let a decision about the people of the records `about` wait for a second curator, and return the outcome; None
    where another curator had proposed the same decision: it waits no longer and is to be carried out now."""
    a, b = about[0].key, about[-1].key
    proposal = _proposal(context.session, kind, a, b, decision)
    if proposal is None:
        proposal = Proposal(
            id=new_id(),
            kind=kind,
            a=a,
            b=b,
            decision=decision,
            body=body.model_dump_json(),
            proposed_by=context.key_id,
            proposed_at=context.now,
        )
        context.session.add(proposal)
        context.session.flush()
    elif proposal.proposed_by != context.key_id:
        _remove(context.session, proposal.id)
        return None
    return Outcome("proposal", 202, context.log.revision, {"id": str(proposal.id)})


def _proposal(session: Session, kind: ProposedKind, a: int, b: int, decision: str) -> Proposal | None:
    """The waiting proposal of the same decision about the same people, whichever of their ids it names: an absorbed
    person's ids still name them."""
    of_a, of_b = aliased(Placement), aliased(Placement)
    people = [place.detainee for key in (a, b) if (place := records.placement(session, key)) is not None]
    proposed = tuple_(col(of_a.detainee), col(of_b.detainee))
    return session.scalars(
        select(Proposal)
        .join(of_a, (col(of_a.record) == col(Proposal.a)) & (col(of_a.until) == OPEN))
        .join(of_b, (col(of_b.record) == col(Proposal.b)) & (col(of_b.until) == OPEN))
        .where(
            col(Proposal.kind) == kind,
            col(Proposal.decision) == decision,
            proposed.in_([tuple(people), tuple(reversed(people))]),
        )
    ).first()


def withdraw_proposal(context: WriteContext, proposal_id: uuid.UUID) -> Outcome:
    """Withdraw a decision that waits for a second curator: the proposing curator takes it back, or another refuses
    it."""
    if context.session.get(Proposal, proposal_id) is None:
        raise NotFound("There is no decision with this id that waits for a second curator.")
    _remove(context.session, proposal_id)
    return Outcome("proposal", 200, context.log.revision, {"id": str(proposal_id)})


def _remove(session: Session, proposal_id: uuid.UUID) -> None:
    session.connection().execute(delete(Proposal).where(col(Proposal.id) == proposal_id))
