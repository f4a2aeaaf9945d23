"""What a route that writes works with: one transaction, committed before the answer is sent, and done only once."""

import hashlib
import json
import logging
import uuid
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import delete
from sqlmodel import Session, col

from app.api import answers, render
from app.api.admission import SENDER, admitted, bearer, bearer_token, found_by
from app.api.lanes import gate_of_writes
from app.api.requests import require_role, whole_body
from app.api.together import Done, Turn, turn
from app.errors import IdempotencyMismatch, Invalid, Unauthenticated
from app.imports import stored as stored_imports
from app.log import entries
from app.models import ApiKey, IdempotentAnswer
from app.registry import filing, recalls
from app.registry.publication import erasure
from app.registry.publication.permissions import Reader
from app.registry.reports import is_withdrawn
from app.registry.write import Outcome, WriteContext
from app.vocabulary import Role

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
            return answers.json_response({**done.body, "scrubbed": True}, done.outcome.status, done.headers)
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
        headers = {"Cache-Control": answers.KEYED, "Recuento-Revision": str(outcome.revision)}
        if replayed:
            headers["Idempotency-Replayed"] = "true"
        # Made before COMMIT: what fails after it cannot be told as stored nowhere.
        body = render.outcome(context, state.secret, outcome)
        if replayed and once is not None and once.unnamed:
            body = render.sent_before(body)
        return Done(outcome, body, headers, answers.json_response(body, outcome.status, headers), context.log)

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
