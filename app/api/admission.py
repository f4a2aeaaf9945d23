"""Whose key a request carries, and whether it may be used there: the one place for reads and writes."""

from fastapi import Request
from fastapi.security import HTTPBearer
from sqlmodel import Session
from starlette.datastructures import State

from app.db.engine import reading
from app.errors import OutOfScope, Unauthenticated
from app.models import ApiKey
from app.registry import api_keys
from app.registry.publication.permissions import Reader

# In the scope of a request whose body was asked for: whose key it carries, found before any of the body was read.
SENDER = "recuento.sender"
bearer = HTTPBearer(auto_error=False, description="A key: rcn_…")


async def bearer_token(request: Request) -> str | None:
    """`token_of`, without a thread."""
    return token_of(request)


def token_of(request: Request) -> str | None:
    """The key sent, if any. A malformed header is an error: who sends one means to be known."""
    given = request.headers.getlist("authorization")
    if not given:
        return None
    if len(given) > 1:
        raise Unauthenticated("Send one Authorization header, not several.")
    header = given[0]
    scheme, _space, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("Send the key as: Authorization: Bearer rcn_…")
    return token.strip()


def authenticated(session: Session, token: str, state: State) -> tuple[Reader, ApiKey]:
    """Whose key this is, by now; from then on its requests are counted by themselves. Raises Unauthenticated."""
    try:
        whose = api_keys.authenticate(session, token, state.clock(), state.names)
    except Unauthenticated:
        state.rates.learn(token, valid=False)
        raise
    state.rates.learn(token, valid=True)
    return whose


def found_by(state: State, token: str) -> tuple[Reader, ApiKey]:
    """As `authenticated`, on a session of its own."""
    with reading(state.engine) as session:
        return authenticated(session, token, state)


def admitted(request: Request, reader: Reader, key: ApiKey) -> tuple[Reader, ApiKey]:
    """The reader and the row of the key that a request carries, whether it reads or writes. Raises OutOfScope where the
    key is limited to other routes: to those also that are open to anybody, since whoever sends a key means to be
    known."""
    scopes, route = api_keys.scopes_of(key), f"{request.method} {request.scope['route'].path}"
    if scopes is not None and route not in scopes:
        raise OutOfScope(f"This key is limited to {', '.join(scopes)}: use one that may {route}.")
    request.app.state.key_uses.remember(key, request.app.state.clock().date())
    return reader, key
