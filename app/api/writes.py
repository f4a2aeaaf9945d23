"""Run each write once: authenticate the sender, recognise repeats, apply the operation, and build the answer."""

import hashlib
import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import delete
from sqlmodel import Session, col
from starlette.datastructures import State

from app.api.authentication import admit_key, authenticate_sender, bearer_scheme, format_sender
from app.api.middleware.concurrency import acquire_lane
from app.api.operations import Operation, build_report_tag
from app.api.requests import build_read_tag, require_role
from app.api.responses import CACHE_PRIVATE, encode_json
from app.api.write_rendering import add_repeat_warning, find_location, render_outcome
from app.config import Names
from app.errors import IdempotencyMismatch, Invalid
from app.imports.filing import import_store as stored_imports
from app.log.entries import Log, compute_keyed_digest, open_writer_session, require_steady_clock
from app.log.head import read_head_of_version
from app.models import ApiKey, IdempotentAnswer
from app.projection import ROWS_VERSION
from app.queries.parameters import JSON_MEDIA_TYPE
from app.registry import api_keys, filing, recalls
from app.registry.publication import erasure
from app.registry.publication.permissions import Reader
from app.registry.reports import is_withdrawn
from app.registry.write import Outcome, WriteContext
from app.translations import Message

# The contract promises 30 days; the rest allows for wrong clocks and long weekends.
ANSWER_RETENTION = timedelta(days=45)
# For this long a report without a case number and Idempotency-Key is a repeat of one with equal bytes: after a night
# without power a user may send it again in the morning. Later it is a new report.
REPEAT_WINDOW = timedelta(days=1)
MAX_IDEMPOTENCY_KEY_LENGTH = 255
CREATED = 201
KEY_NEEDED_DETAIL = "Writing needs a key: Authorization: Bearer rcn_…"


@dataclass(frozen=True, slots=True)
class WriteTransaction:
    """A transaction with the writers' lock. `now`: its time, read under the lock."""

    session: Session
    now: datetime
    names: Names
    _actors: dict[str, Reader] = field(default_factory=dict)

    def actor(self, key: str) -> Reader:
        """Return the reader of a key with the current state of the key and its source. Raises Unauthenticated."""
        if key not in self._actors:
            self._actors[key] = api_keys.reload_reader(self.session, key, self.now, self.names)
        return self._actors[key]


@contextmanager
def begin_write_transaction(state: State) -> Iterator[WriteTransaction]:
    """Take the writers' lock, and commit at the end."""
    with open_writer_session(state.engine) as session:
        yield WriteTransaction(session, require_steady_clock(state.watch, state.clock()), state.names)


class CommittedAnswer(Response):
    """The answer to a write, sent after COMMIT. `content`: the body as values; `log`: the log including this write."""

    def __init__(
        self,
        outcome: Outcome,
        content: Mapping[str, Any],
        log: Log,
        created_headers: Mapping[str, str],
        *,
        is_replayed: bool = False,
    ) -> None:
        headers = {"Cache-Control": CACHE_PRIVATE, "Recuento-Revision": str(outcome.revision), **created_headers}
        if is_replayed:
            headers["Idempotency-Replayed"] = "true"
        super().__init__(encode_json(content), outcome.status, headers, media_type=JSON_MEDIA_TYPE)
        self.outcome, self.content, self.log, self.is_replayed = outcome, content, log, is_replayed


@dataclass(frozen=True)
class RepeatKey:
    """The key by which a repeat is recognised: the Idempotency-Key or, if `is_implicit`, the bytes of the request."""

    scope: str
    digest: str
    is_implicit: bool


@dataclass(frozen=True)
class WriteRequest:
    """A write request and its sender. Nothing is locked before `submit`.

    `sender`: the reader of the key, with the state of its source before the body was read. `target`: the path and the
    query, separated by `?`; a repeat must have the same target and body.
    """

    state: State
    sender: Reader
    key: ApiKey
    method: str
    target: str
    body: bytes
    idempotency_key: str | None

    async def submit(self, operation: Operation) -> CommittedAnswer:
        """Apply an operation once, and return the answer.

        A repeated Idempotency-Key gets the first answer again, rendered under today's permissions. Raises Forbidden for
        a key of another role, and the errors of the operation and its transaction.
        """
        job = self.build_job(operation)
        if operation.shares_transaction:
            answer: CommittedAnswer = await self.state.group_commit.submit(job)
            return answer
        async with acquire_lane("writes", self.state.limits.writes):
            return await run_in_threadpool(job.commit)

    def build_job(self, operation: Operation) -> "WriteJob":
        """Return the job of an operation. Raises Forbidden if the sender may not request it."""
        require_role(self.sender, *operation.roles)
        return WriteJob(self, operation, self._find_repeat_key(is_known_by_bytes=operation.is_known_by_bytes))

    @cached_property
    def digest(self) -> str:
        """The keyed digest of target and body. A plain hash would reveal a guess of the field that is never stored."""
        return compute_keyed_digest(self.state.secret, self.target, hashlib.sha256(self.body).hexdigest())

    def _find_repeat_key(self, *, is_known_by_bytes: bool) -> RepeatKey | None:
        """Return the key by which a repeat of this request is recognised, if any. Raises Invalid."""
        scope = format_sender(self.key)
        if self.idempotency_key is None and is_known_by_bytes:
            return RepeatKey(scope, compute_keyed_digest(self.state.secret, "sent before", self.digest), True)
        if self.idempotency_key is None or self.method != "POST":
            return None
        if not 0 < len(self.idempotency_key) <= MAX_IDEMPOTENCY_KEY_LENGTH:
            raise Invalid.at_pointer(
                "",
                "invalid_idempotency_key",
                Message("Use 1 to {length} characters.", length=MAX_IDEMPOTENCY_KEY_LENGTH),
            )
        return RepeatKey(scope, compute_keyed_digest(self.state.secret, "idempotency", self.idempotency_key), False)


@dataclass(frozen=True)
class WriteJob:
    """A requested operation, to be run in a transaction of its own or of a group."""

    request: WriteRequest
    operation: Operation
    repeat_key: RepeatKey | None

    def run(self, transaction: WriteTransaction) -> CommittedAnswer:
        """Apply the operation, or find its first outcome, and return the answer.

        The answer is rendered before COMMIT: an error after it could not be reported as "nothing was stored".
        """
        state, key_id, session = self.request.state, self.request.key.id, transaction.session
        actor = transaction.actor(key_id)
        if actor.role is not None:
            require_role(actor, actor.role)  # its source may have lost its independence since
        context = WriteContext(session, actor, transaction.now, state.secret, key_id, zone=state.zone)
        repeat_key = self.repeat_key
        outcome = None if repeat_key is None else self._find_stored_outcome(session, repeat_key, transaction.now)
        is_replayed = outcome is not None
        if outcome is None:
            if not self.operation.runs_while_frozen:
                context.require_unfrozen()
            outcome = self.operation.apply(context)
            if repeat_key is not None:
                self._store_outcome(session, repeat_key, outcome, transaction.now)
        content = render_outcome(context, state.secret, outcome)
        if is_replayed and repeat_key is not None and repeat_key.is_implicit:
            content = add_repeat_warning(content)
        created_headers = self._build_created_headers(context, outcome, content)
        return CommittedAnswer(outcome, content, context.log, created_headers, is_replayed=is_replayed)

    def _build_created_headers(
        self, context: WriteContext, outcome: Outcome, content: Mapping[str, Any]
    ) -> Mapping[str, str]:
        """Return the address at which the sender reads what was created, and its tag there."""
        location = find_location(outcome, content) if outcome.status == CREATED else None
        if location is None:
            return {}
        if outcome.kind == "report":
            return {
                "Location": location,
                "ETag": build_report_tag(content["report"]["id"], content["report"]["version"]),
            }
        head = read_head_of_version(context.session, ROWS_VERSION)
        target = (location, "")
        tag = build_read_tag(self.request.state, head, target, context.actor, self.request.key)
        return {"Location": location, "ETag": tag}

    def commit(self) -> CommittedAnswer:
        """Run it in a transaction of its own; after an erasure also remove the data from the files.

        The caller has a slot of the `writes` limiter.
        """
        state = self.request.state
        with begin_write_transaction(state) as transaction:
            answer = self.run(transaction)
        if answer.outcome.kind == "redaction" and erasure.finish_erasures(state.engine):
            content = {**answer.content, "scrubbed": True}
            return CommittedAnswer(answer.outcome, content, answer.log, {}, is_replayed=answer.is_replayed)
        return answer

    def _find_stored_outcome(self, session: Session, repeat_key: RepeatKey, now: datetime) -> Outcome | None:
        stored_answer = session.get(IdempotentAnswer, (repeat_key.scope, repeat_key.digest))
        if stored_answer is None:
            return None
        if stored_answer.request_digest != self.request.digest:
            raise IdempotencyMismatch("Use a new Idempotency-Key for another request.")
        outcome = Outcome(**json.loads(stored_answer.outcome))
        # A report that was withdrawn, recalled or released from its embargo is filed again if it is sent again.
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

    def _store_outcome(self, session: Session, repeat_key: RepeatKey, outcome: Outcome, now: datetime) -> None:
        delete_expired = delete(IdempotentAnswer).where(col(IdempotentAnswer.created_at) < now - ANSWER_RETENTION)
        session.connection().execute(delete_expired)
        session.add(
            IdempotentAnswer(
                scope=repeat_key.scope,
                key_digest=repeat_key.digest,
                request_digest=self.request.digest,
                status=outcome.status,
                outcome=json.dumps(asdict(outcome)),
                created_at=now,
            )
        )
        session.flush()


async def build_write(request: Request, _openapi_security: Annotated[Any, Depends(bearer_scheme)]) -> WriteRequest:
    """Build the write of a request after authentication, without a lock. Raises Unauthenticated, OutOfScope."""
    state, body = request.app.state, await request.body()
    sender, key = await authenticate_sender(request, KEY_NEEDED_DETAIL)
    state.mark.require_erasures()
    admit_key(state, key, request.method, request.scope["route"].path)
    target = f"{request.url.path}?{request.url.query}"
    return WriteRequest(state, sender, key, request.method, target, body, request.headers.get("idempotency-key"))


def refuse_parameters(request: Request) -> None:
    """Raise Invalid for any query parameter: a `?dry_run=true` that is ignored would store a trial."""
    for name in request.query_params:
        raise Invalid.at_pointer(
            f"/{name}", "unknown_field", "This address takes no parameters: send all of it in the body."
        )


async def _build_write_without_parameters(
    request: Request, write: Annotated[WriteRequest, Depends(build_write)]
) -> WriteRequest:
    refuse_parameters(request)
    return write


WriteDep = Annotated[WriteRequest, Depends(_build_write_without_parameters)]
