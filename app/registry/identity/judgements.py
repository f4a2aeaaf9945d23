"""Write and undo curators' judgements on whether two people are one.

Different full birth dates from independent sources veto `same`. `clusters.py` computes people from the current
decisions; `record_linkage.py` writes the matcher's decisions.
"""

import uuid
from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlmodel import Session, col

from app.dates import parse_date
from app.errors import ConflictingBirths, ContradictsDecisions, Invalid, NotFound
from app.log.entries import load_entry
from app.models import OPEN, Decision, Record
from app.registry import records
from app.registry.curation import proposals
from app.registry.identity.clusters import Edge, find_cluster, find_contradiction, find_path, load_component
from app.registry.publication import objections
from app.registry.write import Outcome, WriteContext, new_id
from app.schemas.reports import IdentityIn
from app.vocabulary import Judgement, Verdict

# In thousandths. A curator's `same` or `different` is certain; `unsure` has no similarity.
CURATOR_SCORES = {Judgement.SAME: 1000, Judgement.DIFFERENT: 1000, Judgement.UNSURE: 0}


def judge_identity(context: WriteContext, body: IdentityIn) -> Outcome:
    """Judge whether two detainees are one person. The same judgement again changes nothing.

    After `unsure` the pair goes on waiting, behind pairs that no curator has looked at. Beyond a day's limit the
    judgement waits. Raises ContradictsDecisions with the contradicting chain, and ConflictingBirths."""
    a = records.load_detainee_record(context.session, body.a, "/a")
    b = records.load_detainee_record(context.session, body.b, "/b")
    if a.key == b.key:
        raise Invalid.at_pointer("/b", "one_detainee", "Both ids derive from one report: name two detainees.")
    _component, edges = load_component(context.session, {a.id, b.id})
    judgement = body.judgement
    chain = find_contradiction(edges, a.id, b.id, judgement)
    if chain:
        raise ContradictsDecisions(
            "Standing decisions say otherwise. Undo one of the chain first: DELETE /v1/identity/{id}.",
            chain=[_format_edge(context.session, edge) for edge in chain],
        )
    for edge in edges:
        if edge.is_by_curator and edge.judgement == judgement and {edge.a, edge.b} == {a.id, b.id}:
            return Outcome("identity", 200, edge.key, {"id": str(edge.id)})
    if judgement is Judgement.SAME:
        _refuse_conflicting_births(context, edges, a, b)
    if judgement is not Judgement.UNSURE:
        subject = min(a.key, b.key), max(a.key, b.key)
        waiting = proposals.require_agreement_beyond_limit(context, "identity", subject, judgement, body)
        if waiting is not None:
            return waiting
    decision_id = new_id()
    entry = context.write_entry(
        "identity",
        {
            "id": str(decision_id),
            "a": str(a.id),
            "b": str(b.id),
            "judgement": judgement,
            "by": "curator",
            "score": CURATOR_SCORES[judgement],
        },
        {"reason": body.reason},
    )
    objections.rehide_separated_people(context, entry.revision)  # the decision may void another decision's link
    return Outcome("identity", 201, entry.revision, {"id": str(decision_id)})


def _refuse_conflicting_births(context: WriteContext, edges: Sequence[Edge], a: Record, b: Record) -> None:
    """Raise ConflictingBirths if independent sources report different full birth dates for the two people.

    The error contains the chain of decisions that would connect the two births. A source corrects a typing error
    first."""
    births_a, births_b = (_collect_full_births(context, find_cluster(record.id, edges)) for record in (a, b))
    if not births_a or not births_b or births_a.keys() & births_b.keys():
        return
    witnesses = [min(ids, key=lambda id_: id_.hex) for births in (births_a, births_b) for ids in births.values()]
    chain = dict.fromkeys(
        edge for id_ in witnesses for record in (a, b) for edge in find_path(edges, record.id, id_) or []
    )
    raise ConflictingBirths(
        "Independent sources give these two different full birth dates. If one is a slip of the pen, have its source "
        "correct it first; if one of the chain was wrong, undo it: DELETE /v1/identity/{id}.",
        chain=[_format_edge(context.session, edge) for edge in chain],
    )


def _collect_full_births(context: WriteContext, cluster: Collection[uuid.UUID]) -> dict[int, list[uuid.UUID]]:
    """Return day of birth (ordinal) → the records in the cluster with that full date.

    Only current reports of independent sources count, so that no state separates two reports of one person by inventing
    a birthday."""
    births: dict[int, list[uuid.UUID]] = {}
    for record in context.session.scalars(select(Record).where(col(Record.id).in_(cluster))):
        version = records.find_version(context.session, record)
        report = {} if version is None else version.content
        day = report.get("detainee.birth_date")
        if day is None or not context.views.sources[record.source].independent:
            continue
        birth = parse_date(day)
        if birth.lo == birth.hi and report["verification.verdict"] != Verdict.RETRACTED:
            births.setdefault(birth.lo, []).append(record.id)
    return births


def undo_decision(context: WriteContext, decision_id: uuid.UUID) -> Outcome:
    """Undo a decision: every cluster becomes what it would be without it. People hidden on objections stay hidden.

    Raises NotFound."""
    decision = context.session.scalars(select(Decision).where(col(Decision.id) == decision_id)).one_or_none()
    if decision is None or decision.until != OPEN:
        raise NotFound("There is no standing decision with this id.")
    subject = decision.key, decision.key
    waiting = proposals.require_agreement_beyond_limit(context, "undo", subject, str(decision_id))
    if waiting is not None:
        return waiting
    entry = context.write_entry("identity", {"id": str(new_id()), "undoes": str(decision_id)})
    objections.rehide_separated_people(context, entry.revision)
    return Outcome("identity", 200, entry.revision, {"id": str(decision_id)})


def _format_edge(session: Session, edge: Edge) -> dict[str, str]:
    entry = load_entry(session, edge.key)
    return {"id": str(edge.id), "judgement": edge.judgement, "reason": entry.personal.get("reason", "")}
