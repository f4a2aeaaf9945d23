"""Render the answers to writes from stored ids, so that a repeated request is answered under today's permissions."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any, Literal

from sqlalchemy import select
from sqlmodel import col

from app.imports.filing import import_store, receipts, undo
from app.log.entries import LogEntry, load_entry
from app.models import Decision, Facility, Proposal, Source
from app.queries import claim_pages, list_pages, shapes
from app.queries.person_records import load_filed_report
from app.queries.search import find_match_candidates
from app.registry import filing
from app.registry.claim_changes import RETRACTED_KIND
from app.registry.claim_confirmation import find_confirmed_versions
from app.registry.claims import load_claim_at
from app.registry.directory_snapshot import find_unregistered_place
from app.registry.publication import erasure
from app.registry.write import Outcome, WriteContext
from app.schemas.base import Receipt
from app.schemas.directory import Embargoed, FiledClaim, FiledFacility, FiledSource, FreezeOut, RetractedClaim
from app.schemas.filed import (
    Agreed,
    Candidate,
    Decided,
    DecidedObjection,
    Filed,
    FiledConsent,
    FiledRedaction,
    Proposed,
    RecallOut,
    ReviewedBatch,
    WarningOut,
)
from app.schemas.imports import UndoOut
from app.vocabulary import MatchOutcome, Review

_COLLECTIONS = {"source": "sources", "facility": "facilities", "claim": "claims", "identity": "identity"}

UNREGISTERED_FACILITY_WARNING: WarningOut = {
    "pointer": "/detention/facility",
    "code": "unregistered_facility",
    "detail": "No facility is registered under this name: it is kept as you said it and shown to partners and curators "
    "only, and no count finds it by place. If you mean one of /v1/facilities, send its slug. Else ask a curator to "
    "register it: your report is placed there from then on, and need not be sent again.",
}

SENT_BEFORE_WARNING: WarningOut = {
    "pointer": "",
    "code": "sent_before",
    "detail": "You sent exactly this within the last day, and this is the answer to that: nothing was stored now. If "
    "it is about somebody else, send it with a case number (source_record_id) or an Idempotency-Key of its own.",
}


def render_outcome(context: WriteContext, secret: bytes, result: Outcome) -> Mapping[str, Any]:
    """Return the body of the answer to a write, for the key that sent it."""
    if result.kind == "import":
        job = import_store.load_own_import(context.session, uuid.UUID(result.ids["import"]), context.actor.source)
        return receipts.build_receipt(job, secret)
    return RENDERERS[result.kind](context, result)


def find_location(outcome: Outcome, content: Mapping[str, Any]) -> str | None:
    """Return the address of what a write created; None for several figures at once. `content`: of the answer.

    Acts without an address of their own, such as an erasure, are answered with 200 and not with 201."""
    if outcome.kind == "report":
        return f"/v1/reports/{content['report']['id']}"
    collection = _COLLECTIONS.get(outcome.kind)
    return None if collection is None else f"/v1/{collection}/{content.get('slug') or content['id']}"


def add_repeat_warning(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Add the warning that a report was treated as a repeat because its bytes are equal."""
    return {**body, "warnings": [*body["warnings"], SENT_BEFORE_WARNING]} if "warnings" in body else body


def _build_receipt_at(context: WriteContext, revision: int) -> Receipt:
    return _build_receipt(load_entry(context.session, revision))


def _build_receipt(entry: LogEntry) -> Receipt:
    return {"revision": entry.revision, "leaf_hash": entry.leaf_hash.hex()}


def _render_report(context: WriteContext, result: Outcome) -> Filed:
    session, reader = context.session, context.actor
    report = load_filed_report(context, result)
    entry = report.version.entry
    if report.record_count == 1 or not reader.can_recognise(report.publish):
        # The same answer if the report matched no person or one that this key may not recognise.
        person, spell, match_outcome = report.load_single_report_person(session), report.record.key, MatchOutcome.NEW
    else:
        person, spell, match_outcome = report.load_person(session, result.revision), report.spell, MatchOutcome.LINKED
    candidates: list[Candidate] = []
    if match_outcome is MatchOutcome.NEW or result.ids["version"] == 1:
        candidates = find_match_candidates(session, report.record.id, result.revision, reader)
    if candidates and match_outcome is MatchOutcome.NEW:
        match_outcome = MatchOutcome.NEEDS_REVIEW
    detainee, detention = (
        shapes.build_detainee_shape(person, reader),
        shapes.build_detention_shape(person, spell, reader),
    )
    release = shapes.build_release_shape(person, spell, reader) if spell in person.releases else None
    unregistered_facility = find_unregistered_place(session, entry)
    if unregistered_facility is not None:
        # The source may see its own text; other readers may not (permissions.py).
        same_detentions = [row for row in detainee["detentions"] if row["id"] == detention["id"]]
        for row in (detention, *same_detentions, *([release] if release else [])):
            row["facility"] = row["facility"] or shapes.build_unregistered_place(unregistered_facility)
    return {
        "report": {"id": report.record.id, "version": result.ids["version"]},
        "review": Review(entry.body["review"]) if "review" in entry.body else None,
        "wish_waits": entry.body.get("wish", {}).get("name_only", False),
        "opening_waits": result.ids["version"] > 1 and _opening_waits(context, entry.revision),
        "detainee": detainee,
        "detention": detention,
        "release": release,
        "match": {"outcome": match_outcome, "candidates": candidates},
        "warnings": [] if unregistered_facility is None else [UNREGISTERED_FACILITY_WARNING],
        "receipt": _build_receipt(entry),
    }


def _render_waiting(_context: WriteContext, result: Outcome) -> Embargoed:
    status: Literal["waiting", "deleted"] = "deleted" if result.kind == filing.DELETED_KIND else "waiting"
    return {"status": status, "id": uuid.UUID(result.ids["waiting"]), "waiting_until": result.ids["until"]}


def _render_source(context: WriteContext, result: Outcome) -> FiledSource:
    source = list_pages.find_by_slug(context.session, Source, result.ids["slug"], result.revision)
    return {**list_pages.build_source_shape(source), "receipt": _build_receipt_at(context, result.revision)}


def _render_facility(context: WriteContext, result: Outcome) -> FiledFacility:
    facility = list_pages.find_by_slug(context.session, Facility, result.ids["slug"], result.revision)
    return {**list_pages.build_facility_shape(facility), "receipt": _build_receipt_at(context, result.revision)}


def _render_claim(context: WriteContext, result: Outcome) -> FiledClaim:
    claim = load_claim_at(context.session, uuid.UUID(result.ids["id"]), result.revision)
    confirmed = find_confirmed_versions(context.session, result.revision, [claim.key])
    if confirmed.get(claim.key) != claim.stated:  # the answer has the version that was filed
        confirmed.pop(claim.key, None)
    shape = claim_pages.build_claim_shape(context.session, claim, context.actor, confirmed)
    return {**shape, "receipt": _build_receipt_at(context, result.revision)}


def _render_claims(context: WriteContext, result: Outcome) -> Mapping[str, Any]:
    claims = [
        _render_claim(context, Outcome("claim", result.status, claim["revision"], {"id": claim["id"]}))
        for claim in result.ids["claims"]
    ]
    return {"claims": claims, "receipt": _build_receipt_at(context, result.revision)}


def _render_retracted_claim(context: WriteContext, result: Outcome) -> RetractedClaim:
    return {"id": uuid.UUID(result.ids["id"]), "receipt": _build_receipt_at(context, result.revision)}


def _render_identity(context: WriteContext, result: Outcome) -> Decided:
    decision = context.session.scalars(select(Decision).where(col(Decision.id) == uuid.UUID(result.ids["id"]))).one()
    is_effective = decision.until > result.revision
    return {
        "id": decision.id,
        "judgement": decision.judgement,
        "standing": is_effective,
        "receipt": _build_receipt_at(context, result.revision),
    }


def _render_proposal(context: WriteContext, result: Outcome) -> Proposed:
    proposal_id = uuid.UUID(result.ids["id"])
    return {"id": proposal_id, "waiting": context.session.get(Proposal, proposal_id) is not None}


def _render_agreement(_context: WriteContext, result: Outcome) -> Agreed:
    carried_out, waiting, void = (list(map(uuid.UUID, result.ids[n])) for n in ("carried_out", "waiting", "void"))
    return {"carried_out": carried_out, "waiting": waiting, "void": void}


def _opening_waits(context: WriteContext, revision: int) -> bool:
    """Return whether the entry of a revision would open somebody, and nobody agreed yet."""
    is_waiting = (col(Proposal.kind) == "opening", col(Proposal.a) == revision)
    return context.session.scalars(select(col(Proposal.id)).where(*is_waiting)).first() is not None


def _render_consent(context: WriteContext, result: Outcome) -> FiledConsent:
    receipt = _build_receipt_at(context, result.revision)
    opening_waits = _opening_waits(context, result.revision)
    return {"detainee": result.ids["detainee"], "opening_waits": opening_waits, "receipt": receipt}


def _render_objection(context: WriteContext, result: Outcome) -> DecidedObjection:
    return {"detainee": result.ids["detainee"], "receipt": _build_receipt_at(context, result.revision)}


def _render_redaction(context: WriteContext, result: Outcome) -> FiledRedaction:
    detainee, number = result.ids["detainee"], result.ids["records"]
    receipt = _build_receipt_at(context, result.revision)
    is_scrubbed = erasure.is_erasure_finished(context.session, result.revision)
    return {"detainee": detainee, "records": number, "scrubbed": is_scrubbed, "receipt": receipt}


def _render_recall(context: WriteContext, result: Outcome) -> RecallOut:
    ids = result.ids
    return {
        "done": ids["done"],
        "source": ids["source"],
        "entries": ids["entries"],
        "reports": ids["reports"],
        "claims": ids["claims"],
        "left": ids["left"],
        "unattributed": ids["unattributed"],
        "waiting": ids.get("waiting", 0),  # missing in answers that an earlier version stored
        "retractions": ids.get("retractions", []),
        "receipt": _build_receipt_at(context, result.revision) if ids["done"] and ids["entries"] else None,
    }


def _render_review(context: WriteContext, result: Outcome) -> ReviewedBatch:
    ids = result.ids
    return {
        "source": ids["source"],
        "decision": ids["decision"],
        "reviewed": ids["reviewed"],
        "remaining": ids["remaining"],
        "receipt": _build_receipt_at(context, result.revision),
    }


def _render_list_undo(context: WriteContext, result: Outcome) -> UndoOut:
    return undo.render_undo(context.session, context.secret, result)


def _render_freeze(_context: WriteContext, result: Outcome) -> FreezeOut:
    return {"freeze": {"since": result.ids["since"], "until": result.ids["until"]} if result.ids else None}


RENDERERS: dict[str, Callable[[WriteContext, Outcome], Mapping[str, Any]]] = {
    "report": _render_report,
    filing.WAITING_KIND: _render_waiting,
    filing.DELETED_KIND: _render_waiting,
    "source": _render_source,
    "facility": _render_facility,
    "claim": _render_claim,
    "claims": _render_claims,
    RETRACTED_KIND: _render_retracted_claim,
    "identity": _render_identity,
    "proposal": _render_proposal,
    "agreement": _render_agreement,
    "consent": _render_consent,
    "objection": _render_objection,
    "redaction": _render_redaction,
    "recall": _render_recall,
    "review": _render_review,
    "freeze": _render_freeze,
    undo.UNDO_KIND: _render_list_undo,
}
