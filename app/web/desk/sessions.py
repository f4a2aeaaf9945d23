"""Keep the session of an officer in a cookie.

The server stores nothing of a session: the cookie contains the officer's key, encrypted with the operator's secret.
"""

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Self

from fastapi import Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.responses import CACHE_PRIVATE
from app.log import sealing
from app.vocabulary import Role
from app.web.rendering import LANGUAGES

# `__Host-`: browsers accept it only over TLS, for this host and all of its paths (RFC 6265bis section 4.1.3.2).
TLS_COOKIE, LOOPBACK_COOKIE = "__Host-desk", "desk"
_SESSION_CONTEXT, _FORM_CONTEXT = ("desk", "session"), ("desk", "form")
# For a laptop that is left open in an office: the session survives a coffee break, but not lunch.
IDLE_TIMEOUT = timedelta(minutes=30)
MAX_SESSION_AGE = timedelta(hours=8)  # a working day
RENEWAL_INTERVAL = timedelta(minutes=1)  # so that not every response encrypts a new cookie
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
DESK_ROLES = (Role.REPORTER, Role.CURATOR)
# The scopes of an administrator's key at the desk. One that may do more should not be in a browser.
FREEZE_SCOPES = frozenset({"GET /v1/me", "POST /v1/freeze", "DELETE /v1/freeze"})
DESK_SEGMENT = "desk"  # the second segment of the desk's addresses, after the language
SESSION_SCOPE_KEY = "recuento.desk"  # scope key of the session
ID_BYTES = 16
MAX_COOKIE_LENGTH = 4_096  # characters: browsers store no longer cookies


@dataclass(frozen=True)
class DeskSession:
    """The session of an officer. `began`, `seen`: seconds since 1970."""

    id: str
    key: str
    role: str
    source: str | None
    began: float
    seen: float

    @classmethod
    def begin(cls, key: str, role: str, source: str | None, now: datetime) -> Self:
        """Begin a session with a random id, so that nobody can fix the session of another."""
        return cls(secrets.token_urlsafe(ID_BYTES), key, role, source, now.timestamp(), now.timestamp())

    @property
    def ends_at(self) -> datetime:
        """The time at which it ends without further requests."""
        last = min(self.seen + IDLE_TIMEOUT.total_seconds(), self.began + MAX_SESSION_AGE.total_seconds())
        return datetime.fromtimestamp(last, UTC)

    def is_active(self, now: datetime) -> bool:
        return self.began <= now.timestamp() and now < self.ends_at

    def renew(self, now: datetime) -> "DeskSession | None":
        """Return the session with `seen` set to now; None within RENEWAL_INTERVAL."""
        is_due = now.timestamp() - self.seen >= RENEWAL_INTERVAL.total_seconds()
        return replace(self, seen=now.timestamp()) if is_due else None

    def seal(self, secret: bytes) -> str:
        return urlsafe_b64encode(sealing.seal_json(secret, asdict(self), *_SESSION_CONTEXT)).decode()

    def create_form_token(self, secret: bytes) -> str:
        """Return a token for a form of this session. Its bytes always differ, so that compression does not leak it."""
        return urlsafe_b64encode(sealing.seal_bytes(secret, self.id.encode(), *_FORM_CONTEXT)).decode()

    def owns_token(self, token: str, secret: bytes) -> bool:
        """Return whether the token of a form was created in this session."""
        session_id = _unseal(secret, token, *_FORM_CONTEXT)
        return session_id is not None and secrets.compare_digest(session_id, self.id.encode())


def is_desk_key(role: str, scopes: Sequence[str] | None) -> bool:
    """Return whether a key may begin a session."""
    return role in DESK_ROLES or (role == Role.ADMIN and scopes is not None and FREEZE_SCOPES.issuperset(scopes))


def open_session(cookie: str, secret: bytes, now: datetime) -> DeskSession | None:
    """Decrypt the session in a cookie; None if it is invalid or has ended."""
    if len(cookie) > MAX_COOKIE_LENGTH:
        return None
    try:
        session = DeskSession(**sealing.unseal_json(secret, urlsafe_b64decode(cookie), *_SESSION_CONTEXT))
    except (sealing.DamagedCiphertext, ValueError, TypeError):
        return None
    return session if session.is_active(now) else None


def _unseal(secret: bytes, token: str, *context: str) -> bytes | None:
    try:
        return sealing.unseal_bytes(secret, urlsafe_b64decode(token), *context)
    except (sealing.DamagedCiphertext, ValueError):
        return None


def is_over_tls(request: Request) -> bool:
    return request.url.scheme == "https" or request.app.state.public_url.startswith("https:")


def is_private(request: Request) -> bool:
    """Return whether the connection is private: over TLS, or on this machine."""
    return is_over_tls(request) or request.url.hostname in LOOPBACK_HOSTS


def set_session_cookie(response: Response, request: Request, session: DeskSession) -> None:
    """Set the session's cookie until the browser is closed: same site only, not readable by scripts, and not cached."""
    secure = is_over_tls(request)
    response.headers["Cache-Control"] = CACHE_PRIVATE
    response.set_cookie(
        TLS_COOKIE if secure else LOOPBACK_COOKIE,
        session.seal(request.app.state.secret),
        path="/",
        secure=secure,
        httponly=True,
        samesite="strict",
    )


def delete_session_cookie(response: Response, request: Request) -> None:
    secure = is_over_tls(request)
    name = TLS_COOKIE if secure else LOOPBACK_COOKIE
    response.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="strict")


class DeskSessionMiddleware:
    """Middleware that sets the Authorization header from the session's cookie, only for addresses of the desk.

    The API ignores cookies, so that no other site can make a browser write to it. The desk ignores a key that a client
    sends in the header.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _is_desk_path(scope["path"]):
            request = Request(scope)
            session = _read_session(request)
            headers = [(name, value) for name, value in scope["headers"] if name != b"authorization"]
            if session is not None:
                headers.append((b"authorization", f"Bearer {session.key}".encode()))
            scope = {**scope, "headers": headers, SESSION_SCOPE_KEY: session}
        await self._app(scope, receive, send)


def _is_desk_path(path: str) -> bool:
    parts = path.split("/")
    return len(parts) > 2 and parts[1] in LANGUAGES and parts[2] == DESK_SEGMENT


def _read_session(request: Request) -> DeskSession | None:
    cookie = request.cookies.get(TLS_COOKIE if is_over_tls(request) else LOOPBACK_COOKIE)
    state = request.app.state
    return None if cookie is None else open_session(cookie, state.secret, state.clock())
