"""Authenticate the key of a request, and check its scopes."""

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPBearer
from sqlmodel import Session
from starlette.datastructures import State

from app.db.engine import open_read_session
from app.errors import OutOfScope, Unauthenticated
from app.models import ApiKey
from app.registry import api_keys
from app.registry.publication.permissions import Reader
from app.translations import Message

# The scope key of the reader and the API key, which are looked up before the body is read.
SCOPE_SENDER = "recuento.sender"
bearer_scheme = HTTPBearer(auto_error=False, description="A key: rcn_…")


async def get_bearer_token(request: Request) -> str | None:
    """Return the key of a request. A dependency that is `async` runs without a thread."""
    return parse_bearer_token(request)


def parse_bearer_token(request: Request) -> str | None:
    """Return the key that was sent, if any. Raises Unauthenticated for a malformed header."""
    headers = request.headers.getlist("authorization")
    if not headers:
        return None
    if len(headers) > 1:
        raise Unauthenticated("Send one Authorization header, not several.")
    header = headers[0]
    scheme, _space, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("Send the key as: Authorization: Bearer rcn_…")
    return token.strip()


def authenticate_key(session: Session, token: str, state: State) -> tuple[Reader, ApiKey]:
    """Return the reader and the key of a token; a valid key then has its own rate limit. Raises Unauthenticated."""
    try:
        reader_and_key = api_keys.authenticate_key(session, token, state.clock(), state.names)
    except Unauthenticated:
        state.rates.learn(token, None)
        raise
    state.rates.learn(token, format_sender(reader_and_key[1]))
    return reader_and_key


def authenticate_in_new_session(state: State, token: str) -> tuple[Reader, ApiKey]:
    """Call `authenticate_key` in a new session."""
    with open_read_session(state.engine) as session:
        return authenticate_key(session, token, state)


async def authenticate_sender(request: Request, missing_key_detail: str) -> tuple[Reader, ApiKey]:
    """Return the reader and the key of a request, looked up once, before its body is read. Raises Unauthenticated."""
    sender: tuple[Reader, ApiKey] | None = request.scope.get(SCOPE_SENDER)
    if sender is None:
        token = parse_bearer_token(request)
        if token is None:
            raise Unauthenticated(missing_key_detail)
        async with request.app.state.limits.keys.hold():
            sender = await run_in_threadpool(authenticate_in_new_session, request.app.state, token)
        request.scope[SCOPE_SENDER] = sender
    return sender


def admit_key(state: State, key: ApiKey, method: str, template: str) -> None:
    """Check the scopes of a key for a route, and record its use.

    `template`: the path of the route with its parameters in braces. Raises OutOfScope for a key that is limited to
    other routes, also on routes that need no key.
    """
    scopes, route = api_keys.parse_key_scopes(key), f"{method} {template}"
    if scopes is not None and route not in scopes:
        raise OutOfScope(
            Message("This key is limited to {routes}: use one that may {route}.", routes=", ".join(scopes), route=route)
        )
    state.key_uses.record_use(key, state.clock().date())


def format_sender(key: ApiKey) -> str:
    """Return the id of the source, or of a key without one; its requests share turns and idempotency keys."""
    return f"key {key.id}" if key.source is None else f"source {key.source}"
