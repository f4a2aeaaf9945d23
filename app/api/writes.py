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
from app.api.group_commit import CompletedWrite, WriteTransaction, begin_write_transaction
from app.api.middleware.concurrency import acquire_write_slot
from app.api.requests import (
    SCOPE_SENDER,
    admit_request,
    authenticate_in_new_session,
    bearer_scheme,
    get_bearer_token,
    read_whole_body,
    require_role,
)
from app.errors import IdempotencyMismatch, Invalid, Unauthenticated
from app.imports import receipts, stored
from app.imports import stored as stored_imports
from app.log import entries
from app.log.entries import LogEntry, load_entry
from app.models import ApiKey, Decision, Facility, IdempotentAnswer, Proposal, Source
from app.queries import lists, shapes
from app.queries.person_records import load_filed_report
from app.queries.search import find_match_candidates
from app.registry import filing, recalls
from app.registry.claims import load_claim_at
from app.registry.directory_snapshot import find_unregistered_place
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
    """The body of the answer to a write, for the key that writes."""
    if result.kind == "import":
        job = stored.load_own_import(context.session, uuid.UUID(result.ids["import"]), context.actor.source)
        return receipts.build_receipt(job, secret)
    return RENDERERS[result.kind](context, result)


def add_repeat_warning(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The answer to a report that was taken for a repeat by its bytes alone, which says so."""
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
        # The report's own ids, whether it met nobody or a person whom this key may not recognise (rule 12).
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
        # A source's own words are no secret to the source; to others they are (read_permissions.py).
        same_detentions = [row for row in detainee["detentions"] if row["id"] == detention["id"]]
        for row in (detention, *same_detentions, *([release] if release else [])):
            row["facility"] = row["facility"] or shapes.build_unregistered_place(unregistered_facility)
    return {
        "report": {"id": report.record.id, "version": result.ids["version"]},
        "wish_waits": entry.body.get("wish", {}).get("stopped", False),
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
    source = lists.find_by_slug(context.session, Source, result.ids["slug"], result.revision)
    return {**lists.build_source_shape(source), "receipt": _build_receipt_at(context, result.revision)}


def _render_facility(context: WriteContext, result: Outcome) -> FiledFacility:
    facility = lists.find_by_slug(context.session, Facility, result.ids["slug"], result.revision)
    return {**lists.build_facility_shape(facility), "receipt": _build_receipt_at(context, result.revision)}


def _render_claim(context: WriteContext, result: Outcome) -> FiledClaim:
    claim = load_claim_at(context.session, uuid.UUID(result.ids["id"]), result.revision)
    shape = lists.build_claim_shape(context.session, claim, context.actor)
    return {**shape, "receipt": _build_receipt_at(context, result.revision)}


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


def _render_consent(context: WriteContext, result: Outcome) -> FiledConsent:
    return {"detainee": result.ids["detainee"], "receipt": _build_receipt_at(context, result.revision)}


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
        "waiting": ids.get("waiting", 0),  # not in what an earlier version stored
        "receipt": _build_receipt_at(context, result.revision) if ids["done"] and ids["entries"] else None,
    }


RENDERERS: dict[str, Callable[[WriteContext, Outcome], Mapping[str, Any]]] = {
    "report": _render_report,
    filing.WAITING_KIND: _render_waiting,
    filing.DELETED_KIND: _render_waiting,
    "source": _render_source,
    "facility": _render_facility,
    "claim": _render_claim,
    "identity": _render_identity,
    "proposal": _render_proposal,
    "consent": _render_consent,
    "objection": _render_objection,
    "redaction": _render_redaction,
    "recall": _render_recall,
}


# The contract promises 30 days; the rest is for clocks and long weekends.
ANSWER_RETENTION = timedelta(days=45)
# A report with neither a case number nor a key is taken for a repeat this long: a night without power lies between the
# evening on which it was sent and the morning on which it is sent again. Later it is a report of its own.
REPEAT_WINDOW = timedelta(days=1)
MAX_IDEMPOTENCY_KEY_LENGTH = 255

log = logging.getLogger("recuento")


@dataclass(frozen=True)
class _RepeatKey:
    """By what a repeat of a request is known: the Idempotency-Key, or else (`is_implicit`) the request itself."""

    scope: str
    digest: str
    is_implicit: bool


@dataclass(frozen=True)
class WriteRequest:
    """A request that writes, and whose key it carries. Nothing is locked before `run`. `sender`: who acts by the key,
    as its source stood before the body was read."""

    sender: Reader
    key: ApiKey
    request: Request
    body: bytes

    def allow(self, *roles: Role) -> None:
        """Raises Forbidden for a key of another role, and for one that `require_role` refuses its role."""
        require_role(self.sender, *roles)

    async def file(self, record_number: str | None, action: Callable[[WriteContext], Outcome]) -> Response:
        """Do it once, as `run` does, in one transaction with whatever else is to be filed just now. What has no case
        number and no Idempotency-Key either is known by its bytes."""
        repeat_key, group_commit = (
            self._find_repeat_key(allow_implicit=record_number is None),
            self.request.app.state.group_commit,
        )
        response: Response = await group_commit.file(lambda transaction: self._execute(transaction, repeat_key, action))
        return response

    def run(self, action: Callable[[WriteContext], Outcome]) -> Response:
        """Do it once: a repeated Idempotency-Key gets the first answer again, rendered under today's permissions."""
        state, repeat_key = self.request.app.state, self._find_repeat_key(allow_implicit=False)
        with begin_write_transaction(state) as transaction:
            completed = self._execute(transaction, repeat_key, action)
        if completed.outcome.kind == "redaction" and erasure.finish_erasures(state.engine):
            return responses.build_json_response(
                {**completed.body, "scrubbed": True}, completed.outcome.status, completed.headers
            )
        return completed.response

    def _execute(
        self, transaction: WriteTransaction, repeat_key: _RepeatKey | None, action: Callable[[WriteContext], Outcome]
    ) -> CompletedWrite:
        state, session = self.request.app.state, transaction.session
        actor = transaction.actor(self.key.id)
        if actor.role is not None:
            require_role(actor, actor.role)  # as its source stands now
        context = WriteContext(
            session, actor, transaction.now, state.secret, self.key.id, state.two_person, zone=state.zone
        )
        outcome = None if repeat_key is None else self._find_stored_outcome(session, repeat_key, transaction.now)
        is_replayed = outcome is not None
        if outcome is None:
            outcome = action(context)
            if repeat_key is not None:
                self._store_outcome(session, repeat_key, outcome, transaction.now)
        headers = {"Cache-Control": responses.CACHE_PRIVATE, "Recuento-Revision": str(outcome.revision)}
        if is_replayed:
            headers["Idempotency-Replayed"] = "true"
        # Made before COMMIT: what fails after it cannot be told as stored nowhere.
        body = render_outcome(context, state.secret, outcome)
        if is_replayed and repeat_key is not None and repeat_key.is_implicit:
            body = add_repeat_warning(body)
        return CompletedWrite(
            outcome, body, headers, responses.build_json_response(body, outcome.status, headers), context.log
        )

    def _find_repeat_key(self, *, allow_implicit: bool) -> _RepeatKey | None:
        """By what a repeat of this request is known, if by anything."""
        header, secret = self.request.headers.get("idempotency-key"), self.request.app.state.secret
        scope = f"source {self.key.source}" if self.key.source is not None else f"key {self.key.id}"
        if header is None and allow_implicit:
            digest = entries.compute_keyed_digest(secret, "sent before", self._request_digest)
            return _RepeatKey(scope, digest, is_implicit=True)
        if header is None or self.request.method != "POST":
            return None
        if not 0 < len(header) <= MAX_IDEMPOTENCY_KEY_LENGTH:
            raise Invalid.at_pointer(
                "", "invalid_idempotency_key", f"Use 1 to {MAX_IDEMPOTENCY_KEY_LENGTH} characters."
            )
        return _RepeatKey(scope, entries.compute_keyed_digest(secret, "idempotency", header), is_implicit=False)

    @property
    def _request_digest(self) -> str:
        """Keyed: from a plain hash of a body, the one field that is stored nowhere could be guessed."""
        address = f"{self.request.url.path}?{self.request.url.query}"
        return entries.compute_keyed_digest(
            self.request.app.state.secret, address, hashlib.sha256(self.body).hexdigest()
        )

    def _find_stored_outcome(self, session: Session, repeat_key: _RepeatKey, now: datetime) -> Outcome | None:
        stored_answer = session.get(IdempotentAnswer, (repeat_key.scope, repeat_key.digest))
        if stored_answer is None:
            return None
        if stored_answer.request_digest != self._request_digest:
            raise IdempotencyMismatch("Use a new Idempotency-Key for another request.")
        outcome = Outcome(**json.loads(stored_answer.outcome))
        # Sent again after it was withdrawn or recalled, or after it ceased to wait, a report is meant to act again.
        is_expired = repeat_key.is_implicit and (
            stored_answer.created_at < now - REPEAT_WINDOW or is_withdrawn(session, outcome)
        )
        if outcome.kind == "import":
            is_recalled = stored_imports.has_recalled_entry(session, uuid.UUID(outcome.ids["import"]))
        else:
            is_recalled = recalls.is_entry_recalled(session, outcome.revision)
        if is_expired or is_recalled or filing.is_no_longer_waiting(session, outcome):
            session.delete(stored_answer)
            session.flush()
            return None
        return outcome

    def _store_outcome(self, session: Session, repeat_key: _RepeatKey, outcome: Outcome, now: datetime) -> None:
        delete_expired = delete(IdempotentAnswer).where(col(IdempotentAnswer.created_at) < now - ANSWER_RETENTION)
        session.connection().execute(delete_expired)
        session.add(
            IdempotentAnswer(
                scope=repeat_key.scope,
                key_digest=repeat_key.digest,
                request_digest=self._request_digest,
                status=outcome.status,
                outcome=json.dumps(asdict(outcome)),
                created_at=now,
            )
        )
        session.flush()


async def _identify_sender(
    request: Request,
    token: Annotated[str | None, Depends(get_bearer_token)],
    _body: Annotated[bytes, Depends(read_whole_body)],
) -> tuple[Reader, ApiKey]:
    """Whose key it is: found before the body was read, else looked for now. Who has no key takes no lock."""
    if token is None:
        raise Unauthenticated("Writing needs a key: Authorization: Bearer rcn_…")
    sender: tuple[Reader, ApiKey] | None = request.scope.get(SCOPE_SENDER)
    if sender is not None:
        return sender
    async with request.app.state.limits.keys:
        return await run_in_threadpool(authenticate_in_new_session, request.app.state, token)


async def build_grouped_write(
    request: Request,
    body: Annotated[bytes, Depends(read_whole_body)],
    sender: Annotated[tuple[Reader, ApiKey], Depends(_identify_sender)],
    _openapi_security: Annotated[Any, Depends(bearer_scheme)],
) -> WriteRequest:
    """A request that writes together with others, and who sends it."""
    request.app.state.mark.require_erasures()
    return WriteRequest(*admit_request(request, *sender), request, body)


async def build_single_write(
    write: Annotated[WriteRequest, Depends(build_grouped_write)],
    _place: Annotated[None, Depends(acquire_write_slot, scope="function")],
) -> WriteRequest:
    """A request that writes by itself, in a place of its own among those who write, and who sends it."""
    return write


def refuse_parameters(request: Request) -> None:
    """Raises Invalid: whoever writes `?dry_run=true` here would store what was only to be tried."""
    for name in request.query_params:
        raise Invalid.at_pointer(
            f"/{name}", "unknown_field", "This address takes no parameters: send all of it in the body."
        )


async def _require_single_write(
    request: Request, write: Annotated[WriteRequest, Depends(build_single_write)]
) -> WriteRequest:
    refuse_parameters(request)
    return write


async def _require_grouped_write(
    request: Request, write: Annotated[WriteRequest, Depends(build_grouped_write)]
) -> WriteRequest:
    refuse_parameters(request)
    return write


WriteDep = Annotated[WriteRequest, Depends(_require_single_write)]  # to `run`
GroupedWriteDep = Annotated[WriteRequest, Depends(_require_grouped_write)]  # to `file`
