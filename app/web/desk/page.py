"""The session, the pages and the forms of the desk.

The server stores nothing of a session: the cookie contains the officer's key, encrypted with the operator's secret.
"""

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

from app.api.operations import Operation
from app.api.problems import raise_problems
from app.api.requests import admit_key, authenticate_sender
from app.api.responses import CACHE_PRIVATE
from app.api.routes.directory import list_sources, read_me
from app.api.writes import KEY_NEEDED_DETAIL, WriteRequest
from app.errors import Forbidden, Invalid, NotFound, Unauthenticated
from app.log import head
from app.vocabulary import Role
from app.web.api_client import ApiClient, gather
from app.web.page import MAX_LIST_PAGE, SAME_ORIGIN, Page, PageRoute, is_same_origin, parse_page_language
from app.web.rendering import LANGUAGES, load_catalogue

# For a laptop that is left open in an office: the session survives a coffee break, but not lunch.
IDLE_TIMEOUT = timedelta(minutes=30)
MAX_SESSION_AGE = timedelta(hours=8)  # a working day
RENEWAL_INTERVAL = timedelta(minutes=1)  # so that not every response encrypts a new cookie
# `__Host-`: browsers accept it only over TLS, for this host and all of its paths (RFC 6265bis section 4.1.3.2).
TLS_COOKIE, LOOPBACK_COOKIE = "__Host-desk", "desk"
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
DESK_ROLES = (Role.REPORTER, Role.CURATOR)  # an administrator's key should not be in a browser
DESK_SEGMENT = "desk"  # the second segment of the desk's addresses, after the language
SESSION_SCOPE_KEY = "recuento.desk"  # scope key of the session
ID_BYTES = 16
MAX_COOKIE_LENGTH = 4_096  # characters: browsers store no longer cookies
_SESSION_CONTEXT, _FORM_CONTEXT = ("desk", "session"), ("desk", "form")


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
        return urlsafe_b64encode(head.seal_json(secret, asdict(self), *_SESSION_CONTEXT)).decode()

    def create_form_token(self, secret: bytes) -> str:
        """Return a token for a form of this session. Its bytes always differ, so that compression does not leak it."""
        return urlsafe_b64encode(head.seal_bytes(secret, self.id.encode(), *_FORM_CONTEXT)).decode()

    def owns_token(self, token: str, secret: bytes) -> bool:
        """Return whether the token of a form was created in this session."""
        session_id = _unseal(secret, token, *_FORM_CONTEXT)
        return session_id is not None and secrets.compare_digest(session_id, self.id.encode())


def open_session(cookie: str, secret: bytes, now: datetime) -> DeskSession | None:
    """Decrypt the session in a cookie; None if it is invalid or has ended."""
    if len(cookie) > MAX_COOKIE_LENGTH:
        return None
    try:
        session = DeskSession(**head.unseal_json(secret, urlsafe_b64decode(cookie), *_SESSION_CONTEXT))
    except (head.DamagedCiphertext, ValueError, TypeError):
        return None
    return session if session.is_active(now) else None


def _unseal(secret: bytes, token: str, *context: str) -> bytes | None:
    try:
        return head.unseal_bytes(secret, urlsafe_b64decode(token), *context)
    except (head.DamagedCiphertext, ValueError):
        return None


def is_over_tls(request: Request) -> bool:
    return request.url.scheme == "https" or request.app.state.public_url.startswith("https:")


def is_private(request: Request) -> bool:
    """Return whether the connection is private: over TLS, or on this machine."""
    return is_over_tls(request) or request.url.hostname in LOOPBACK_HOSTS


def set_session_cookie(response: Response, request: Request, session: DeskSession) -> None:
    """Set the session's cookie until the browser is closed: same site only, and not readable by scripts."""
    secure = is_over_tls(request)
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


DESK_PATH = "/desk"
MAX_FIELDS = 400  # fields of a form; the longest form has a hundred
# Statuses of a page whose form must be corrected, which its title mentions.
CORRECTABLE_STATUSES = (400, 401, 409, 412, 413, 422)
_RETURN_PATH = re.compile(r"/desk(/[a-z0-9-]+)*")
_ACTION_SUFFIX = re.compile(r"/(trial|decision|undo|withdrawal)$")
_FORM_PAGES = {"/desk/correction": "/desk/reports", "/desk/retraction": "/desk/reports", "/desk/session/end": DESK_PATH}
# Hidden fields of forms, and the key of the sign-in form. A key is never carried along.
TOKEN_FIELD, KEY_FIELD, IDEMPOTENCY_FIELD, BACK_FIELD = "token", "key", "once", "back"
FormValues = Mapping[str, list[str]]
FORM_VALUES_SCOPE_KEY = "recuento.filled_in"  # scope key of the submitted form values


class SignInRequired(Exception):
    """There is no session, or it has ended. `back`: the page to return to; `form_values`: the form to carry along."""

    def __init__(self, back: str, form_values: FormValues | None = None) -> None:
        super().__init__(back)
        self.back, self.form_values = back, form_values or {}


@dataclass
class Desk(Page):
    """A page of the desk.

    `me`: the API's description of the officer's key. `is_carried`: whether its form was filled in before the officer
    signed in, perhaps by another person.
    """

    session: DeskSession | None = None
    me: Mapping[str, Any] = field(default_factory=dict)
    is_carried: bool = False

    @property
    def officer(self) -> DeskSession:
        """The session of the officer. Raises SignInRequired."""
        if self.session is None:
            raise SignInRequired(get_return_path(self.request))
        return self.session

    @property
    def officer_client(self) -> "OfficerClient":
        """The in-process client with the officer's key. Raises SignInRequired."""
        if not isinstance(self.api, OfficerClient):
            raise SignInRequired(get_return_path(self.request))
        return self.api

    @property
    def current_time(self) -> datetime:
        current_time: datetime = self.request.app.state.clock()
        return current_time

    @property
    def token(self) -> str:
        return self.officer.create_form_token(self.request.app.state.secret)

    async def show(
        self,
        template: str,
        *,
        status: int = 200,
        caching: str = CACHE_PRIVATE,
        headers: Mapping[str, str] | None = None,
        **values: Any,
    ) -> Response:
        """Render a template into a response that no cache stores, and renew the session."""
        values["is_wrong"] = status in CORRECTABLE_STATUSES or bool(values.get("fault"))
        own = {**SAME_ORIGIN, "X-Robots-Tag": "noindex", **(headers or {})}
        response = await super().show(template, status=status, caching=caching, headers=own, **values)
        renewed_session = None if self.session is None else self.session.renew(self.current_time)
        if renewed_session is not None:
            set_session_cookie(response, self.request, renewed_session)
        return response


@dataclass(frozen=True)
class WriteTarget:
    """The API route of a write, for the scopes of the key and the recognition of repeats."""

    method: str
    template: str
    id: str = ""

    @property
    def path(self) -> str:
        return re.sub(r"\{\w+\}", self.id, self.template)


class OfficerClient(ApiClient):
    """An in-process client of the API with an officer's key. If the key is no longer valid, the session ends."""

    def __init__(self, request: Request, language: str, session: DeskSession) -> None:
        super().__init__(request, language, session.key)
        self._back = get_return_path(request)

    async def _call_route(
        self, route: Callable[..., Any], values: Mapping[str, Any], run: Callable[[Any], Awaitable[Any]]
    ) -> Any:
        try:
            return await super()._call_route(route, values, run)
        except Unauthenticated:
            raise SignInRequired(self._back) from None

    async def write(
        self,
        operation: Operation,
        target: WriteTarget,
        body: bytes = b"",
        *,
        idempotency_key: str | None = None,
    ) -> Mapping[str, Any]:
        """Submit an operation with the officer's key, and return the answer.

        `body`: the body that a client would send. Raises Problem, and SignInRequired if the key is no longer valid.
        """
        try:
            write = await self.build_write(target, body, idempotency_key)
            with raise_problems():
                return (await write.submit(operation)).content
        except Unauthenticated:
            raise SignInRequired(self._back) from None

    async def build_write(self, target: WriteTarget, body: bytes, idempotency_key: str | None) -> WriteRequest:
        """Build a write request with the officer's key, without taking a lock."""
        state = self._request.app.state
        sender, key = await authenticate_sender(self._request, KEY_NEEDED_DETAIL)
        state.mark.require_erasures()
        admit_key(state, key, target.method, target.template)
        return WriteRequest(state, sender, key, target.method, f"{target.path}?", body, idempotency_key)


async def open_desk(request: Request, session: DeskSession | None) -> Desk:
    """Open a page of the desk. Raises SignInRequired if the key of the session is no longer valid."""
    language = parse_page_language(request)
    public_registry = ApiClient(request, language)
    pending_sources, me = public_registry.read(list_sources, limit=MAX_LIST_PAGE), {}
    if session is None:
        registry, source_list = public_registry, await pending_sources
    else:
        registry = OfficerClient(request, language, session)
        source_list, me = await gather(pending_sources, registry.read(read_me))
    names = {source["slug"]: source for source in source_list["data"]}
    return Desk(request, load_catalogue(language), registry, source_list["revision"], names, DESK_PATH, session, me)


async def open_any_desk(request: Request) -> Desk:
    """Open a page of the desk with or without a session."""
    return await open_desk(request, request.scope[SESSION_SCOPE_KEY])


async def require_signed_in_desk(request: Request) -> Desk:
    """Open a page of the desk. Raises SignInRequired without a session."""
    if request.scope[SESSION_SCOPE_KEY] is None:
        raise SignInRequired(get_return_path(request))
    return await open_any_desk(request)


@dataclass(frozen=True)
class DeskForm:
    """A submitted form, and the page of the desk that answers it."""

    desk: Desk
    form_values: FormValues

    def get_first(self, name: str) -> str:
        return first_value(self.form_values, name)


def first_value(form_values: FormValues, name: str) -> str:
    return next(iter(form_values.get(name, ())), "")


async def parse_form(request: Request) -> FormValues:
    """Return the values of a form. Raises Forbidden if it was sent from another site."""
    require_same_origin(request)
    body = await request.body()
    try:
        return parse_qs(body.decode(), max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError:
        raise Invalid.at_pointer("", "malformed_form", "Send the form as the page made it.") from None


def require_same_origin(request: Request) -> None:
    """Raise Forbidden for a form that was sent from another site."""
    if not is_same_origin(request):
        raise Forbidden("This form was not sent from a page of this registry: open the desk, and send it from there.")


async def read_desk_form(request: Request) -> DeskForm:
    """Read a form of this session. Raises SignInRequired, with the form values, without a session."""
    form_values = request.scope[FORM_VALUES_SCOPE_KEY] = await parse_form(request)
    return await require_own_form(request, form_values)


async def read_without_carrying(request: Request, reading: Awaitable[DeskForm], back: str) -> DeskForm:
    """Read a form with a list, which is too long to be carried through the sign-in.

    Raises SignInRequired without form values: after signing in, the officer chooses the list again at `back`.
    """
    try:
        return await reading
    except (SignInRequired, Unauthenticated):
        request.scope.pop(FORM_VALUES_SCOPE_KEY, None)
        raise SignInRequired(back) from None


async def require_own_form(request: Request, form_values: FormValues) -> DeskForm:
    """Check that a form was created in this session. Raises SignInRequired."""
    session: DeskSession | None = request.scope[SESSION_SCOPE_KEY]
    if session is None or not session.owns_token(first_value(form_values, TOKEN_FIELD), request.app.state.secret):
        raise SignInRequired(get_return_path(request), form_values)
    return DeskForm(await open_desk(request, session), form_values)


def parse_form_id(form_values: FormValues, name: str, refusal: str) -> str:
    """Return the id in a hidden field. Raises NotFound, with the text `refusal`, for a malformed one."""
    try:
        return str(UUID(first_value(form_values, name)))
    except ValueError:
        raise NotFound(refusal) from None


AnyDesk = Annotated[Desk, Depends(open_any_desk)]
SignedInDesk = Annotated[Desk, Depends(require_signed_in_desk)]
SubmittedForm = Annotated[DeskForm, Depends(read_desk_form)]


def get_return_path(request: Request) -> str:
    """Return the path of the requested page without its language."""
    return request.url.path.removeprefix(f"/{parse_page_language(request)}")


def validate_return_path(text: str) -> str:
    """Return the path if it is one of the desk, else the start page: a form must not redirect elsewhere."""
    return text if _RETURN_PATH.fullmatch(text) else DESK_PATH


def find_form_page(back: str) -> str:
    """Return the page of an address of the desk; for an address that only takes forms, the page of the form."""
    return _FORM_PAGES.get(back) or _ACTION_SUFFIX.sub("", back)


async def show_sign_in(
    request: Request, back: str, form_values: FormValues, *, fault: str = "", status: int = 200
) -> Response:
    """Show the sign-in form, which carries the submitted form values."""
    desk = await open_desk(request, None)
    retained_fields = [
        (name, value)
        for name, values in form_values.items()
        if name not in (TOKEN_FIELD, KEY_FIELD, BACK_FIELD)
        for value in values
    ]
    return await desk.show(
        "desk/sign_in.html",
        status=status,
        back=validate_return_path(back),
        retained_fields=retained_fields,
        fault=fault,
        private=is_private(request),
    )


class DeskRoute(PageRoute):
    """A route of the desk, which shows the sign-in form if there is no session."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def handle_signed_in(request: Request) -> Response:
            try:
                return await handler(request)
            except SignInRequired as required:
                # The scope has the form values if the key became invalid after the form was read.
                form_values = required.form_values or request.scope.get(FORM_VALUES_SCOPE_KEY, {})
                response = await show_sign_in(request, required.back, form_values, status=403)
                if request.scope[SESSION_SCOPE_KEY] is not None:
                    delete_session_cookie(response, request)
                return response

        return handle_signed_in
