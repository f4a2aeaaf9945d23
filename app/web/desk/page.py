"""The session of an officer at the desk: the officer's key, sealed in a cookie of the browser, and nowhere else.

The registry keeps nothing of a session. Whoever has the cookie without the operator's secret reads nothing in it, and
whoever has the key needs no session.

A page of the desk: whose session it is in, the forms that are sent from it, and what happens once that is over."""

import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Self
from urllib.parse import parse_qs
from uuid import UUID

from fastapi import Depends, Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from app.api.responses import KEYED
from app.errors import Forbidden, Invalid, NotFound, Unauthenticated
from app.log import head
from app.vocabulary import Role
from app.web.asking import Api, Refused, together
from app.web.page import MOST_SOURCES, SAME_ORIGIN, Page, PageRoute, from_here, language_of
from app.web.rendering import LANGUAGES, catalogue

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


def opened_session(cookie: str, secret: bytes, now: datetime) -> Session | None:
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
    return None if cookie is None else opened_session(cookie, state.secret, state.clock())


HOME = "/desk"
MOST_FIELDS = 400  # of a form: the longest of ours has a hundred
# Statuses of a page whose form is to be mended and sent again: its title says so.
MENDABLE = (400, 401, 409, 412, 413, 422)
_BACK = re.compile(r"/desk(/[a-z0-9-]+)*")
_ACTS = re.compile(r"/(trial|decision|undo|withdrawal)$")
_PAGES = {"/desk/correction": "/desk/reports", "/desk/retraction": "/desk/reports", "/desk/session/end": HOME}
# What a form carries beside what somebody filled in. A key is never carried.
TOKEN, KEY, ONCE, BACK = "token", "key", "once", "back"
Given = Mapping[str, list[str]]
FILLED_IN = "recuento.filled_in"  # in the scope of a request: what stands in its form


class SignInFirst(Exception):
    """Nobody is at the desk, or no longer. `given`: what was filled in, so that nothing is lost; `back`: where."""

    def __init__(self, back: str, given: Given | None = None) -> None:
        super().__init__(back)
        self.back, self.given = back, given or {}


@dataclass
class Desk(Page):
    """What the routes of the desk work with. `me`: what the API says of the officer's key; `is_carried`: whether what
    its form holds was filled in before the officer signed in, perhaps by another."""

    session: Session | None = None
    me: Mapping[str, Any] = field(default_factory=dict)
    is_carried: bool = False

    @property
    def officer(self) -> Session:
        """The session of whoever is at the desk. Raises SignInFirst."""
        if self.session is None:
            raise SignInFirst(back_of(self.request))
        return self.session

    @property
    def now(self) -> datetime:
        now: datetime = self.request.app.state.clock()
        return now

    @property
    def token(self) -> str:
        return self.officer.form_token(self.request.app.state.secret)

    async def show(
        self, template: str, *, status: int = 200, caching: str = KEYED, headers: Mapping[str, str] | None = None,
        **values: Any,
    ) -> Response:  # fmt: skip
        """A page for this browser alone, which nothing keeps; with it the session lasts on."""
        values["is_wrong"] = status in MENDABLE or bool(values.get("fault"))
        own = {**SAME_ORIGIN, "X-Robots-Tag": "noindex", **(headers or {})}
        response = await super().show(template, status=status, caching=caching, headers=own, **values)
        renewed = None if self.session is None else self.session.renewed(self.now)
        if renewed is not None:
            keep(response, self.request, renewed)
        return response


class OfficersApi(Api):
    """The API as an officer's key opens it. A key that ended ends the session."""

    def __init__(self, request: Request, language: str, session: Session) -> None:
        super().__init__(request, language, session.key)
        self._back = back_of(request)

    async def _ask(self, *question: Any) -> Any:
        try:
            return await super()._ask(*question)
        except Refused as refusal:
            if refusal.status == 401:
                raise SignInFirst(self._back) from None
            raise


async def open_desk(request: Request, session: Session | None) -> Desk:
    """The desk for a session. Raises SignInFirst for one whose key has ended, whatever the page would ask."""
    language = language_of(request)
    public = Api(request, language)
    known, me = public.get("/v1/sources", limit=MOST_SOURCES), {}
    if session is None:
        api, known = public, await known
    else:
        api = OfficersApi(request, language, session)
        known, me = await together(known, api.get("/v1/me"))
    names = {source["slug"]: source for source in known["data"]}
    return Desk(request, catalogue(language), api, known["revision"], names, HOME, session, me)


async def opened(request: Request) -> Desk:
    """The desk, with somebody at it or nobody."""
    return await open_desk(request, request.scope[SESSION])


async def at_desk(request: Request) -> Desk:
    """The desk, with somebody at it. Raises SignInFirst."""
    if request.scope[SESSION] is None:
        raise SignInFirst(back_of(request))
    return await opened(request)


@dataclass(frozen=True)
class Sent:
    """A form that an officer sent."""

    desk: Desk
    given: Given

    def one(self, name: str) -> str:
        return first(self.given, name)


def first(given: Given, name: str) -> str:
    return next(iter(given.get(name, ())), "")


async def given_in(request: Request) -> Given:
    """What stands in a form. Raises Forbidden for one from another site."""
    require_from_here(request)
    body = await request.body()
    try:
        return parse_qs(body.decode(), max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError:
        raise Invalid.at("", "malformed_form", "Send the form as the page made it.") from None


def require_from_here(request: Request) -> None:
    """Raises Forbidden."""
    if not from_here(request):
        raise Forbidden("This form was not sent from a page of this registry: open the desk, and send it from there.")


async def sent(request: Request) -> Sent:
    """A form of this session. Raises SignInFirst with what was filled in."""
    given = request.scope[FILLED_IN] = await given_in(request)
    return await owned(request, given)


async def without_carrying(request: Request, reading: Awaitable[Sent], back: str) -> Sent:
    """A form with a list, which is too long to be carried along: whoever has to sign in before it is read goes on at
    `back`, where the list is chosen again. Raises SignInFirst."""
    try:
        return await reading
    except (SignInFirst, Unauthenticated):
        request.scope.pop(FILLED_IN, None)
        raise SignInFirst(back) from None


async def owned(request: Request, given: Given) -> Sent:
    """The desk with a form that was made in this session. Raises SignInFirst."""
    session: Session | None = request.scope[SESSION]
    if session is None or not session.owns(first(given, TOKEN), request.app.state.secret):
        raise SignInFirst(back_of(request), given)
    return Sent(await open_desk(request, session), given)


def id_in(given: Given, name: str, refusal: str) -> str:
    """The id in a hidden field. Raises NotFound, with the refusal, for what is none."""
    try:
        return str(UUID(first(given, name)))
    except ValueError:
        raise NotFound(refusal) from None


AnyDesk = Annotated[Desk, Depends(opened)]
AtDesk = Annotated[Desk, Depends(at_desk)]
SentForm = Annotated[Sent, Depends(sent)]


def back_of(request: Request) -> str:
    """The address of a page of the desk, without its language."""
    return request.url.path.removeprefix(f"/{language_of(request)}")


def leads_back(text: str) -> str:
    """Where to go on after signing in: at the desk, whatever somebody wrote there."""
    return text if _BACK.fullmatch(text) else HOME


def page_of(back: str) -> str:
    """The page that an address of the desk belongs to: what only takes forms is no page."""
    return _PAGES.get(back) or _ACTS.sub("", back)


async def ask_key(request: Request, back: str, given: Given, *, fault: str = "", status: int = 200) -> Response:
    """The page to sign in on, with what was filled in before."""
    desk = await open_desk(request, None)
    kept = [(name, value) for name, values in given.items() if name not in (TOKEN, KEY, BACK) for value in values]
    return await desk.show(
        "desk/sign_in.html",
        status=status,
        back=leads_back(back),
        kept=kept,
        fault=fault,
        private=is_private(request),
    )


class DeskRoute(PageRoute):
    """A route of the desk: whoever is not signed in is asked for a key first."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def signed_in(request: Request) -> Response:
            try:
                return await handler(request)
            except SignInFirst as wanted:
                given = wanted.given or request.scope.get(FILLED_IN, {})  # a key may end while its form is answered
                response = await ask_key(request, wanted.back, given, status=403)
                if request.scope[SESSION] is not None:
                    forget(response, request)
                return response

        return signed_in
