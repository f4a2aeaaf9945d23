"""The session of an officer at the desk: the officer's key, sealed in a cookie of the browser, and nowhere else.

The registry keeps nothing of a session. Whoever has the cookie without the operator's secret reads nothing in it, and
whoever has the key needs no session.
"""

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Self

from fastapi import Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.log import head
from app.vocabulary import Role
from app.web.catalogue import LANGUAGES

# A laptop that is left open in an office: after a pause for coffee the desk still knows its officer, after lunch not.
IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=8)  # a day at the desk
RENEWED_AFTER = timedelta(minutes=1)  # a cookie is not sealed anew with every answer
# `__Host-`: browsers take it over TLS only, for this host alone and for all its paths (RFC 6265bis section 4.1.3.2).
OVER_TLS, ON_LOOPBACK = "__Host-desk", "desk"
LOOPBACK = ("127.0.0.1", "localhost", "::1")
ROLES = (Role.REPORTER, Role.CURATOR)  # an administrator's key has no business in a browser
DESK = "desk"  # the second part of an address of the desk, after the language
SESSION = "recuento.desk"  # in the scope of a request at the desk
ID_BYTES = 16
MOST_OF_A_COOKIE = 4_096  # characters: browsers keep no longer one
_PLACE, _FORM = ("desk", "session"), ("desk", "form")


@dataclass(frozen=True)
class Session:
    """Who is at the desk. `began`, `seen`: seconds since 1970."""

    id: str
    key: str
    role: str
    source: str | None
    began: float
    seen: float

    @classmethod
    def begin(cls, key: str, role: str, source: str | None, now: datetime) -> Self:
        """A session of its own for each time that somebody signs in: none can be prepared for somebody else."""
        return cls(secrets.token_urlsafe(ID_BYTES), key, role, source, now.timestamp(), now.timestamp())

    @property
    def ends(self) -> datetime:
        """When it ends if nothing more is asked."""
        last = min(self.seen + IDLE.total_seconds(), self.began + LONGEST.total_seconds())
        return datetime.fromtimestamp(last, UTC)

    def lasts(self, now: datetime) -> bool:
        return self.began <= now.timestamp() and now < self.ends

    def renewed(self, now: datetime) -> "Session | None":
        """The same, seen now; None where that is hardly later."""
        late = now.timestamp() - self.seen >= RENEWED_AFTER.total_seconds()
        return replace(self, seen=now.timestamp()) if late else None

    def sealed(self, secret: bytes) -> str:
        return urlsafe_b64encode(head.seal_json(secret, asdict(self), *_PLACE)).decode()

    def form_token(self, secret: bytes) -> str:
        """What a form of this session carries, other bytes each time: packed pages tell nothing of it."""
        return urlsafe_b64encode(head.seal(secret, self.id.encode(), *_FORM)).decode()

    def owns(self, token: str, secret: bytes) -> bool:
        """Whether a form was made in this session."""
        opened = _unsealed(secret, token, *_FORM)
        return opened is not None and secrets.compare_digest(opened, self.id.encode())


def opened(cookie: str, secret: bytes, now: datetime) -> Session | None:
    """The session in a cookie, while it lasts."""
    if len(cookie) > MOST_OF_A_COOKIE:
        return None
    try:
        session = Session(**head.unseal_json(secret, urlsafe_b64decode(cookie), *_PLACE))
    except (head.Damaged, ValueError, TypeError):
        return None
    return session if session.lasts(now) else None


def _unsealed(secret: bytes, token: str, *place: str) -> bytes | None:
    try:
        return head.unseal(secret, urlsafe_b64decode(token), *place)
    except (head.Damaged, ValueError):
        return None


def over_tls(request: Request) -> bool:
    return request.url.scheme == "https" or request.app.state.public_url.startswith("https:")


def is_private(request: Request) -> bool:
    """Whether nobody on the way can read what is sent: over TLS, or on this machine."""
    return over_tls(request) or request.url.hostname in LOOPBACK


def keep(response: Response, request: Request, session: Session) -> None:
    """Have the browser keep a session until it is closed, for this site alone and out of reach of scripts."""
    secure = over_tls(request)
    response.set_cookie(
        OVER_TLS if secure else ON_LOOPBACK,
        session.sealed(request.app.state.secret),
        path="/",
        secure=secure,
        httponly=True,
        samesite="strict",
    )


def forget(response: Response, request: Request) -> None:
    secure = over_tls(request)
    name = OVER_TLS if secure else ON_LOOPBACK
    response.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="strict")


class AtTheDesk:
    """Put the key of an officer's session where keys stand, at addresses of the desk and nowhere else: the API knows no
    cookie, so that no other site can have a browser write to it. A key that is sent there itself opens nothing."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _is_desk(scope["path"]):
            request = Request(scope)
            session = _session_of(request)
            headers = [(name, value) for name, value in scope["headers"] if name != b"authorization"]
            if session is not None:
                headers.append((b"authorization", f"Bearer {session.key}".encode()))
            scope = {**scope, "headers": headers, SESSION: session}
        await self._app(scope, receive, send)


def _is_desk(path: str) -> bool:
    parts = path.split("/")
    return len(parts) > 2 and parts[1] in LANGUAGES and parts[2] == DESK


def _session_of(request: Request) -> Session | None:
    cookie = request.cookies.get(OVER_TLS if over_tls(request) else ON_LOOPBACK)
    state = request.app.state
    return None if cookie is None else opened(cookie, state.secret, state.clock())
