"""Answers to writes: rendered from ids, so that a repeated request is answered under today's permissions.

What a route that writes works with: one transaction, committed before the answer is sent, and done only once."""

import hashlib
import json
import logging
import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from fastapi import Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import delete, select
from sqlmodel import Session, col

from app.api import responses
from app.api.group_commit import Done, Turn, turn
from app.api.middleware.concurrency import gate_of_writes
from app.api.requests import SENDER, admitted, bearer, bearer_token, found_by, require_role, whole_body
from app.errors import IdempotencyMismatch, Invalid, Unauthenticated
from app.imports import receipts, stored
from app.imports import stored as stored_imports
from app.log import entries
from app.log.entries import LogEntry, entry_at
from app.models import ApiKey, Decision, Facility, IdempotentAnswer, Proposal, Source
from app.queries import lists, shapes
from app.queries.person_records import filed_report
from app.queries.search import match_candidates
from app.registry import filing, recalls
from app.registry.claims import claim_at
from app.registry.directory_snapshot import unregistered_place
from app.registry.publication import erasure
from app.registry.publication.permissions import Reader
from app.registry.reports import is_withdrawn
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
from app.vocabulary import MatchOutcome, Role

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


def rendered_outcome(context: WriteContext, secret: bytes, result: Outcome) -> Mapping[str, Any]:
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


# The contract promises 30 days; the rest is for clocks and long weekends.
ANSWERS_KEPT = timedelta(days=45)
# A report with neither a case number nor a key is taken for a repeat this long: a night without power lies between the
# evening on which it was sent and the morning on which it is sent again. Later it is a report of its own.
REPEATS_KEPT = timedelta(days=1)
MAX_IDEMPOTENCY_KEY = 255

log = logging.getLogger("recuento")


@dataclass(frozen=True)
class _Once:
    """By what a repeat of a request is known: the Idempotency-Key, or else (`unnamed`) the request itself."""

    scope: str
    digest: str
    unnamed: bool


@dataclass(frozen=True)
class Writing:
    """A request that writes, and whose key it carries. Nothing is locked before `run`. `sender`: who acts by the key,
    as its source stood before the body was read."""

    sender: Reader
    key: ApiKey
    request: Request
    body: bytes

    def allow(self, *roles: Role) -> None:
        """Raises Forbidden for a key of another role, and for one that `require_role` refuses its role."""
        require_role(self.sender, *roles)

    async def file(self, case: str | None, action: Callable[[WriteContext], Outcome]) -> Response:
        """Do it once, as `run` does, in one transaction with whatever else is to be filed just now. What has no case
        number and no Idempotency-Key either is known by its bytes."""
        once, together = self._once(unnamed=case is None), self.request.app.state.together
        response: Response = await together.file(lambda turn: self._done(turn, once, action))
        return response

    def run(self, action: Callable[[WriteContext], Outcome]) -> Response:
        """Do it once: a repeated Idempotency-Key gets the first answer again, rendered under today's permissions."""
        state, once = self.request.app.state, self._once(unnamed=False)
        with turn(state) as its_turn:
            done = self._done(its_turn, once, action)
        if done.outcome.kind == "redaction" and erasure.finish(state.engine):
            return responses.json_response({**done.body, "scrubbed": True}, done.outcome.status, done.headers)
        return done.response

    def _done(self, turn: Turn, once: _Once | None, action: Callable[[WriteContext], Outcome]) -> Done:
        state, session = self.request.app.state, turn.session
        actor = turn.actor(self.key.id)
        if actor.role is not None:
            require_role(actor, actor.role)  # as its source stands now
        context = WriteContext(session, actor, turn.now, state.secret, self.key.id, state.two_person, zone=state.zone)
        outcome = None if once is None else self._stored(session, once, turn.now)
        replayed = outcome is not None
        if outcome is None:
            outcome = action(context)
            if once is not None:
                self._store(session, once, outcome, turn.now)
        headers = {"Cache-Control": responses.KEYED, "Recuento-Revision": str(outcome.revision)}
        if replayed:
            headers["Idempotency-Replayed"] = "true"
        # Made before COMMIT: what fails after it cannot be told as stored nowhere.
        body = rendered_outcome(context, state.secret, outcome)
        if replayed and once is not None and once.unnamed:
            body = sent_before(body)
        return Done(outcome, body, headers, responses.json_response(body, outcome.status, headers), context.log)

    def _once(self, *, unnamed: bool) -> _Once | None:
        """By what a repeat of this request is known, if by anything."""
        given, secret = self.request.headers.get("idempotency-key"), self.request.app.state.secret
        scope = f"source {self.key.source}" if self.key.source is not None else f"key {self.key.id}"
        if given is None and unnamed:
            digest = entries.keyed_digest(secret, "sent before", self._request_digest)
            return _Once(scope, digest, unnamed=True)
        if given is None or self.request.method != "POST":
            return None
        if not 0 < len(given) <= MAX_IDEMPOTENCY_KEY:
            raise Invalid.at("", "invalid_idempotency_key", f"Use 1 to {MAX_IDEMPOTENCY_KEY} characters.")
        return _Once(scope, entries.keyed_digest(secret, "idempotency", given), unnamed=False)

    @property
    def _request_digest(self) -> str:
        """Keyed: from a plain hash of a body, the one field that is stored nowhere could be guessed."""
        where = f"{self.request.url.path}?{self.request.url.query}"
        return entries.keyed_digest(self.request.app.state.secret, where, hashlib.sha256(self.body).hexdigest())

    def _stored(self, session: Session, once: _Once, now: datetime) -> Outcome | None:
        stored = session.get(IdempotentAnswer, (once.scope, once.digest))
        if stored is None:
            return None
        if stored.request_digest != self._request_digest:
            raise IdempotencyMismatch("Use a new Idempotency-Key for another request.")
        outcome = Outcome(**json.loads(stored.outcome))
        # Sent again after it was withdrawn or recalled, or after it ceased to wait, a report is meant to act again.
        over = once.unnamed and (stored.created_at < now - REPEATS_KEPT or is_withdrawn(session, outcome))
        if outcome.kind == "import":
            recalled = stored_imports.is_recalled(session, uuid.UUID(outcome.ids["import"]))
        else:
            recalled = recalls.is_recalled(session, outcome.revision)
        if over or recalled or filing.no_longer_waits(session, outcome):
            session.delete(stored)
            session.flush()
            return None
        return outcome

    def _store(self, session: Session, once: _Once, outcome: Outcome, now: datetime) -> None:
        old = delete(IdempotentAnswer).where(col(IdempotentAnswer.created_at) < now - ANSWERS_KEPT)
        session.connection().execute(old)
        session.add(
            IdempotentAnswer(
                scope=once.scope,
                key_digest=once.digest,
                request_digest=self._request_digest,
                status=outcome.status,
                outcome=json.dumps(asdict(outcome)),
                created_at=now,
            )
        )
        session.flush()


async def _sender(
    request: Request,
    token: Annotated[str | None, Depends(bearer_token)],
    _body: Annotated[bytes, Depends(whole_body)],
) -> tuple[Reader, ApiKey]:
    """Whose key it is: found before the body was read, else looked for now. Who has no key takes no lock."""
    if token is None:
        raise Unauthenticated("Writing needs a key: Authorization: Bearer rcn_…")
    found: tuple[Reader, ApiKey] | None = request.scope.get(SENDER)
    if found is not None:
        return found
    async with request.app.state.lanes.keys:
        return await run_in_threadpool(found_by, request.app.state, token)


async def written_together(
    request: Request,
    body: Annotated[bytes, Depends(whole_body)],
    sender: Annotated[tuple[Reader, ApiKey], Depends(_sender)],
    _documented: Annotated[Any, Depends(bearer)],
) -> Writing:
    """A request that writes together with others, and who sends it."""
    request.app.state.mark.require_erased()
    return Writing(*admitted(request, *sender), request, body)


async def written_with(
    writing: Annotated[Writing, Depends(written_together)],
    _place: Annotated[None, Depends(gate_of_writes, scope="function")],
) -> Writing:
    """A request that writes by itself, in a place of its own among those who write, and who sends it."""
    return writing


def refuse_parameters(request: Request) -> None:
    """Raises Invalid: whoever writes `?dry_run=true` here would store what was only to be tried."""
    for name in request.query_params:
        raise Invalid.at(f"/{name}", "unknown_field", "This address takes no parameters: send all of it in the body.")


async def _alone(request: Request, writing: Annotated[Writing, Depends(written_with)]) -> Writing:
    refuse_parameters(request)
    return writing


async def _together(request: Request, writing: Annotated[Writing, Depends(written_together)]) -> Writing:
    refuse_parameters(request)
    return writing


Write = Annotated[Writing, Depends(_alone)]  # to `run`
WriteTogether = Annotated[Writing, Depends(_together)]  # to `file`
