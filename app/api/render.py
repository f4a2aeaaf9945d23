"""Answers to writes: rendered from ids, so that a repeated request is answered under today's permissions."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any, Literal

from sqlalchemy import select
from sqlmodel import col

from app.imports import receipts, stored
from app.log.entries import LogEntry, entry_at
from app.models import Decision, Facility, Proposal, Source
from app.queries import lists, shapes
from app.queries.person_records import filed_report
from app.queries.search import match_candidates
from app.registry import filing
from app.registry.claims import claim_at
from app.registry.directory_snapshot import unregistered_place
from app.registry.publication import erasure
from app.registry.write import Outcome, WriteContext
from app.schemas.base import Receipt
from app.schemas.directory import Embargoed, FiledClaim, FiledFacility, FiledSource
from app.schemas.filed import (
    Candidate,
    Decided,
    DecidedObjection,
    Filed,
    FiledConsent,
    FiledRedaction,
    Proposed,
    RecallOut,
    WarningOut,
)
from app.vocabulary import MatchOutcome

UNREGISTERED: WarningOut = {
    "pointer": "/detention/facility",
    "code": "unregistered_facility",
    "detail": "No facility is registered under this name: it is kept as you said it and shown to partners and curators "
    "only, and no count finds it by place. If you mean one of /v1/facilities, send its slug. Else ask a curator to "
    "register it: your report is placed there from then on, and need not be sent again.",
}

SENT_BEFORE: WarningOut = {
    "pointer": "",
    "code": "sent_before",
    "detail": "You sent exactly this within the last day, and this is the answer to that: nothing was stored now. If "
    "it is about somebody else, send it with a case number (source_record_id) or an Idempotency-Key of its own.",
}


def outcome(context: WriteContext, secret: bytes, result: Outcome) -> Mapping[str, Any]:
    """The body of the answer to a write, for the key that writes."""
    if result.kind == "import":
        job = stored.own(context.session, uuid.UUID(result.ids["import"]), context.actor.source)
        return receipts.shape(job, secret)
    return RENDERERS[result.kind](context, result)


def sent_before(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The answer to a report that was taken for a repeat by its bytes alone, which says so."""
    return {**body, "warnings": [*body["warnings"], SENT_BEFORE]} if "warnings" in body else body


def _receipt(context: WriteContext, revision: int) -> Receipt:
    return _receipt_of(entry_at(context.session, revision))


def _receipt_of(entry: LogEntry) -> Receipt:
    return {"revision": entry.revision, "leaf_hash": entry.leaf_hash.hex()}


def _report(context: WriteContext, result: Outcome) -> Filed:
    session, reader = context.session, context.actor
    filed = filed_report(context, result)
    entry = filed.version.entry
    if filed.number == 1 or not reader.recognises(filed.publish):
        # The report's own ids, whether it met nobody or a person whom this key may not recognise (rule 12).
        person, spell, met = filed.alone(session), filed.record.key, MatchOutcome.NEW
    else:
        person, spell, met = filed.together(session, result.revision), filed.spell, MatchOutcome.LINKED
    candidates: list[Candidate] = []
    if met is MatchOutcome.NEW or result.ids["version"] == 1:
        candidates = match_candidates(session, filed.record.id, result.revision, reader)
    if candidates and met is MatchOutcome.NEW:
        met = MatchOutcome.NEEDS_REVIEW
    detainee, detention = shapes.detainee(person, reader), shapes.detention(person, spell, reader)
    release = shapes.release(person, spell, reader) if spell in person.releases else None
    unregistered = unregistered_place(session, entry)
    if unregistered is not None:
        # A source's own words are no secret to the source; to others they are (read_permissions.py).
        same = [shown for shown in detainee["detentions"] if shown["id"] == detention["id"]]
        for shown in (detention, *same, *([release] if release else [])):
            shown["facility"] = shown["facility"] or shapes.as_said(unregistered)
    return {
        "report": {"id": filed.record.id, "version": result.ids["version"]},
        "wish_waits": entry.body.get("wish", {}).get("stopped", False),
        "detainee": detainee,
        "detention": detention,
        "release": release,
        "match": {"outcome": met, "candidates": candidates},
        "warnings": [] if unregistered is None else [UNREGISTERED],
        "receipt": _receipt_of(entry),
    }


def _waiting(_context: WriteContext, result: Outcome) -> Embargoed:
    status: Literal["waiting", "deleted"] = "deleted" if result.kind == filing.DELETED else "waiting"
    return {"status": status, "id": uuid.UUID(result.ids["waiting"]), "waiting_until": result.ids["until"]}


def _source(context: WriteContext, result: Outcome) -> FiledSource:
    source = lists.by_slug(context.session, Source, result.ids["slug"], result.revision)
    return {**lists.source_shape(source), "receipt": _receipt(context, result.revision)}


def _facility(context: WriteContext, result: Outcome) -> FiledFacility:
    facility = lists.by_slug(context.session, Facility, result.ids["slug"], result.revision)
    return {**lists.facility_shape(facility), "receipt": _receipt(context, result.revision)}


def _claim(context: WriteContext, result: Outcome) -> FiledClaim:
    claim = claim_at(context.session, uuid.UUID(result.ids["id"]), result.revision)
    shape = lists.claim_shape(context.session, claim, context.actor)
    return {**shape, "receipt": _receipt(context, result.revision)}


def _identity(context: WriteContext, result: Outcome) -> Decided:
    decision = context.session.scalars(select(Decision).where(col(Decision.id) == uuid.UUID(result.ids["id"]))).one()
    standing = decision.until > result.revision
    return {
        "id": decision.id,
        "judgement": decision.judgement,
        "standing": standing,
        "receipt": _receipt(context, result.revision),
    }


def _proposal(context: WriteContext, result: Outcome) -> Proposed:
    proposal_id = uuid.UUID(result.ids["id"])
    return {"id": proposal_id, "waiting": context.session.get(Proposal, proposal_id) is not None}


def _consent(context: WriteContext, result: Outcome) -> FiledConsent:
    return {"detainee": result.ids["detainee"], "receipt": _receipt(context, result.revision)}


def _objection(context: WriteContext, result: Outcome) -> DecidedObjection:
    return {"detainee": result.ids["detainee"], "receipt": _receipt(context, result.revision)}


def _redaction(context: WriteContext, result: Outcome) -> FiledRedaction:
    detainee, number = result.ids["detainee"], result.ids["records"]
    receipt = _receipt(context, result.revision)
    scrubbed = erasure.is_finished(context.session, result.revision)
    return {"detainee": detainee, "records": number, "scrubbed": scrubbed, "receipt": receipt}


def _recall(context: WriteContext, result: Outcome) -> RecallOut:
    told = result.ids
    return {
        "done": told["done"],
        "source": told["source"],
        "entries": told["entries"],
        "reports": told["reports"],
        "claims": told["claims"],
        "left": told["left"],
        "unattributed": told["unattributed"],
        "waiting": told.get("waiting", 0),  # not in what an earlier version stored
        "receipt": _receipt(context, result.revision) if told["done"] and told["entries"] else None,
    }


RENDERERS: dict[str, Callable[[WriteContext, Outcome], Mapping[str, Any]]] = {
    "report": _report,
    filing.WAITING: _waiting,
    filing.DELETED: _waiting,
    "source": _source,
    "facility": _facility,
    "claim": _claim,
    "identity": _identity,
    "proposal": _proposal,
    "consent": _consent,
    "objection": _objection,
    "redaction": _redaction,
    "recall": _recall,
}
