"""What every route works with: who asks, the session, the revision, and how many may be inside at once."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.security import HTTPBearer
from sqlalchemy import delete
from sqlmodel import Session, col

from app import dates
from app.api import answers, render
from app.counts.terms import AsOf, DetentionQuery, ReleaseQuery
from app.database import reading, scrub, writing
from app.errors import AheadOfHead, Forbidden, IdempotencyMismatch, Invalid, Unauthenticated
from app.log.entries import head, last_revision_at
from app.models import ApiKey, IdempotentAnswer
from app.registry import keys
from app.registry.policy import ANYONE, Reader
from app.registry.write import Desk, Outcome
from app.vocabulary import Role

# The contract promises 30 days; the rest is for clocks and long weekends.
ANSWERS_KEPT = timedelta(days=45)
MAX_IDEMPOTENCY_KEY = 255

bearer = HTTPBearer(auto_error=False, description="A key: rcn_…")


async def _gate(request: Request) -> AsyncIterator[None]:
    """At most N requests hold a session; the others wait here, holding neither a thread nor a connection."""
    gate: asyncio.Semaphore = request.app.state.gate
    async with gate:
        yield


async def _bearer(request: Request) -> str | None:
    """The key sent, if any. A malformed header is an error: who sends one means to be known."""
    header = request.headers.get("authorization")
    if header is None:
        return None
    scheme, _space, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("Send the key as: Authorization: Bearer rcn_…")
    return token.strip()


@dataclass
class Asked:
    """A request that reads: the session, who asks, and the request itself for tags and links."""

    session: Session
    reader: Reader
    key: ApiKey | None
    request: Request

    def revision(self, terms: AsOf) -> int:
        """The revision asked for: a number, or the last one recorded at or before an instant."""
        return head(self.session)[0] if terms.as_of is None else self._at("as_of", terms.as_of, terms.zone)

    def since(self, terms: ReleaseQuery | DetentionQuery) -> int | None:
        """The revision after which something must have changed, if the list asks for that."""
        asked = terms.changed_since
        return None if asked is None else self._at("changed_since", asked, terms.zone)

    def _at(self, name: str, text: str, zone: str | None) -> int:
        if not (text.isascii() and text.isdigit()):
            return last_revision_at(self.session, _instant(name, text, zone, self.request.app.state.clock()))
        newest, _recorded = head(self.session)
        if int(text) > newest:
            raise AheadOfHead(f"The registry is at revision {newest}: ask for that or an earlier one.")
        return int(text)

    def answer(self, terms: AsOf, build: Callable[[int], answers.Answer], tag: str | None = None) -> Response:
        """304 when the client has it already; otherwise what `build` makes at the revision asked for."""
        revision = self.revision(terms)
        tag = tag or self._tag(terms)
        if tag in {part.strip() for part in self.request.headers.get("if-none-match", "").split(",")}:
            return Response(status_code=304, headers={"ETag": tag, "Vary": answers.VARY})
        answer = build(revision)
        return answers.respond(answer, terms, self.request, revision, tag, keyed=self.key is not None)

    def _tag(self, terms: AsOf) -> str:
        """Strong: it covers everything the bytes depend on."""
        newest, _recorded = head(self.session)
        media = answers.media_type(terms, self.request)
        parts = [answers.VERSION, newest, self.request.url.path, self.request.url.query, media]
        parts += [self.reader.role, self.reader.slug, self.key and self.key.id]
        return f'"{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]}"'


def _instant(name: str, text: str, zone: str | None, now: datetime) -> datetime:
    try:
        instant = dates.parse_instant(text, dates.parse_zone(zone) if zone else dates.parse_zone("Z"))
    except dates.DateError as error:
        raise Invalid.at(f"/{name}", "invalid_instant", str(error)) from error
    whole_day = timedelta(days=1) if len(text) == len("2026-01-13") else timedelta()
    if instant - whole_day > now:
        raise AheadOfHead("That moment has not come yet: ask for one that has, or leave it out.")
    return instant


def _asked(
    request: Request,
    token: Annotated[str | None, Depends(_bearer)],
    _place: Annotated[None, Depends(_gate, scope="function")],
    _documented: Annotated[Any, Depends(bearer)],
) -> Iterator[Asked]:
    with reading(request.app.state.engine) as session:
        reader, key = ANYONE, None
        if token is not None:
            reader, key = keys.authenticate(session, token, request.app.state.clock())
        yield Asked(session, reader, key, request)


@dataclass
class Writing:
    """A request that writes: one transaction, committed before the answer is sent."""

    session: Session
    actor: Reader
    key: ApiKey
    request: Request
    body: bytes
    erased: bool = False

    def allow(self, *roles: Role) -> None:
        """Raises Forbidden for a key of another role."""
        if self.actor.role not in roles:
            raise Forbidden(f"This needs a key with the role {' or '.join(roles)}.")

    def run(self, action: Callable[[Desk], Outcome]) -> Response:
        """Do it once: a repeated Idempotency-Key gets the first answer again, rendered under today's permissions."""
        state = self.request.app.state
        desk = Desk(self.session, self.actor, state.clock(), state.secret)
        stored = self._stored()
        if stored is not None:
            outcome = Outcome(**json.loads(stored.outcome))
            return self._respond(desk, outcome, {"Idempotency-Replayed": "true"})
        outcome = action(desk)
        self.erased = outcome.kind == "redaction"
        self._store(outcome, desk.now)
        return self._respond(desk, outcome, {})

    def _respond(self, desk: Desk, outcome: Outcome, headers: dict[str, str]) -> Response:
        body = render.outcome(desk.session, outcome, self.actor)
        always = {"Cache-Control": "private, no-store", "Recuento-Revision": str(outcome.revision)}
        return answers.json_response(body, outcome.status, {**always, **headers})

    @property
    def _idempotency(self) -> tuple[str, str] | None:
        given = self.request.headers.get("idempotency-key")
        if given is None or self.request.method != "POST":
            return None
        if not 0 < len(given) <= MAX_IDEMPOTENCY_KEY:
            raise Invalid.at("", "invalid_idempotency_key", f"Use 1 to {MAX_IDEMPOTENCY_KEY} characters.")
        scope = f"source {self.key.source}" if self.key.source is not None else f"key {self.key.id}"
        return scope, hashlib.sha256(given.encode()).hexdigest()

    @property
    def _request_digest(self) -> str:
        where = f"{self.request.url.path}?{self.request.url.query}\n".encode()
        return hashlib.sha256(where + self.body).hexdigest()

    def _stored(self) -> IdempotentAnswer | None:
        found = None if self._idempotency is None else self.session.get(IdempotentAnswer, self._idempotency)
        if found is not None and found.request_digest != self._request_digest:
            raise IdempotencyMismatch("Use a new Idempotency-Key for another request.")
        return found

    def _store(self, outcome: Outcome, now: datetime) -> None:
        if self._idempotency is None:
            return
        scope, digest = self._idempotency
        self.session.connection().execute(
            delete(IdempotentAnswer).where(col(IdempotentAnswer.created_at) < now - ANSWERS_KEPT)
        )
        self.session.add(
            IdempotentAnswer(
                scope=scope,
                key_digest=digest,
                request_digest=self._request_digest,
                status=outcome.status,
                outcome=json.dumps(asdict(outcome)),
                created_at=now,
            )
        )
        self.session.flush()


async def _body(request: Request) -> bytes:
    return await request.body()


def _writing(
    request: Request,
    token: Annotated[str | None, Depends(_bearer)],
    body: Annotated[bytes, Depends(_body)],
    _place: Annotated[None, Depends(_gate, scope="function")],
    _documented: Annotated[Any, Depends(bearer)],
) -> Iterator[Writing]:
    if token is None:
        raise Unauthenticated("Writing needs a key: Authorization: Bearer rcn_…")
    state = request.app.state
    with writing(state.engine) as session:
        actor, key = keys.authenticate(session, token, state.clock())
        write = Writing(session, actor, key, request, body)
        yield write
    if write.erased:
        with state.engine.connect() as connection:
            scrub(connection)


Read = Annotated[Asked, Depends(_asked, scope="function")]
Write = Annotated[Writing, Depends(_writing, scope="function")]
