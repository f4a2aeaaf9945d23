"""What a route that writes works with: one transaction, committed before the answer is sent, and done only once."""

import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from sqlalchemy import delete
from sqlmodel import Session, col

from app.api import answers, render
from app.api.requests import bearer, bearer_token, gate, require_role, whole_body
from app.database import reading, scrub
from app.errors import IdempotencyMismatch, Invalid, Unauthenticated
from app.log import sealed
from app.log.entries import as_only_writer
from app.models import ApiKey, IdempotentAnswer
from app.registry import api_keys
from app.registry.read_permissions import Reader
from app.registry.write import Outcome, WriteContext
from app.vocabulary import Role

# The contract promises 30 days; the rest is for clocks and long weekends.
ANSWERS_KEPT = timedelta(days=45)
MAX_IDEMPOTENCY_KEY = 255

log = logging.getLogger("recuento")


@dataclass(frozen=True)
class Writing:
    """A request that writes, and whose key it carries. Nothing is locked before `run`."""

    actor: Reader
    key: ApiKey
    request: Request
    body: bytes

    def allow(self, *roles: Role) -> None:
        """Raises Forbidden for a key of another role, and for one that `require_role` refuses its role."""
        require_role(self.actor, *roles)

    def run(self, action: Callable[[WriteContext], Outcome]) -> Response:
        """Do it once: a repeated Idempotency-Key gets the first answer again, rendered under today's permissions."""
        state = self.request.app.state
        once = self._once()
        with as_only_writer(state.engine) as session:
            context = WriteContext(
                session, self.actor, state.clock(), state.secret, self.key.id, state.two_person, zone=state.zone
            )
            outcome = None if once is None else self._stored(session, once)
            replayed = outcome is not None
            if outcome is None:
                outcome = action(context)
                if once is not None:
                    self._store(session, once, outcome, context.now)
            body = render.outcome(session, outcome, self.actor)
        if outcome.kind == "redaction":
            with state.engine.connect() as connection:
                if not scrub(connection):
                    log.warning("an erased value may stay in the write-ahead log until the next erasure or restart")
        headers = {"Cache-Control": answers.KEYED, "Recuento-Revision": str(outcome.revision)}
        if replayed:
            headers["Idempotency-Replayed"] = "true"
        return answers.json_response(body, outcome.status, headers)

    def _once(self) -> tuple[str, str] | None:
        """`(scope, digest)` of the Idempotency-Key, if the request has one."""
        given = self.request.headers.get("idempotency-key")
        if given is None or self.request.method != "POST":
            return None
        if not 0 < len(given) <= MAX_IDEMPOTENCY_KEY:
            raise Invalid.at("", "invalid_idempotency_key", f"Use 1 to {MAX_IDEMPOTENCY_KEY} characters.")
        scope = f"source {self.key.source}" if self.key.source is not None else f"key {self.key.id}"
        return scope, sealed.keyed_digest(self.request.app.state.secret, "idempotency", given)

    @property
    def _request_digest(self) -> str:
        """Keyed: from a plain hash of a body, the one field that is stored nowhere could be guessed."""
        where = f"{self.request.url.path}?{self.request.url.query}"
        return sealed.keyed_digest(self.request.app.state.secret, where, hashlib.sha256(self.body).hexdigest())

    def _stored(self, session: Session, once: tuple[str, str]) -> Outcome | None:
        stored = session.get(IdempotentAnswer, once)
        if stored is None:
            return None
        if stored.request_digest != self._request_digest:
            raise IdempotencyMismatch("Use a new Idempotency-Key for another request.")
        return Outcome(**json.loads(stored.outcome))

    def _store(self, session: Session, once: tuple[str, str], outcome: Outcome, now: datetime) -> None:
        scope, digest = once
        old = delete(IdempotentAnswer).where(col(IdempotentAnswer.created_at) < now - ANSWERS_KEPT)
        session.connection().execute(old)
        session.add(
            IdempotentAnswer(
                scope=scope,
                key_digest=digest,
                request_digest=self._request_digest,
                status=outcome.status,
                outcome=json.dumps(asdict(outcome)),
                created_at=now,
            )
        )
        session.flush()


def written_with(
    request: Request,
    token: Annotated[str | None, Depends(bearer_token)],
    body: Annotated[bytes, Depends(whole_body)],
    _place: Annotated[None, Depends(gate, scope="function")],
    _documented: Annotated[Any, Depends(bearer)],
) -> Writing:
    """A request that writes, and who sends it."""
    if token is None:
        raise Unauthenticated("Writing needs a key: Authorization: Bearer rcn_…")
    # Who has no key takes no lock: authentication only reads.
    with reading(request.app.state.engine) as session:
        actor, key = api_keys.authenticate(session, token, request.app.state.clock())
    return Writing(actor, key, request, body)


def refuse_parameters(request: Request) -> None:
    """Raises Invalid: whoever writes `?dry_run=true` here would store what was only to be tried."""
    for name in request.query_params:
        raise Invalid.at(f"/{name}", "unknown_field", "This address takes no parameters: send all of it in the body.")


def _writing(request: Request, writing: Annotated[Writing, Depends(written_with)]) -> Writing:
    refuse_parameters(request)
    return writing


Write = Annotated[Writing, Depends(_writing)]
