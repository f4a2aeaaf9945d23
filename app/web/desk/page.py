"""Open the pages of the desk and read their forms."""

import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import parse_qs
from uuid import UUID

from fastapi import Depends, Request, Response

from app.api.authentication import admit_key, authenticate_sender
from app.api.operations import Operation
from app.api.problems import raise_problems
from app.api.responses import CACHE_PRIVATE
from app.api.routes.directory import list_sources, read_me
from app.api.writes import KEY_NEEDED_DETAIL, WriteRequest
from app.errors import Forbidden, Invalid, NotFound, Unauthenticated
from app.lanes import Sender, current_sender
from app.queries.parameters import TableFormat
from app.web.api_client import ApiClient, gather
from app.web.desk.sessions import SESSION_SCOPE_KEY, DeskSession, delete_session_cookie, is_private, set_session_cookie
from app.web.page import MAX_LIST_PAGE, SAME_ORIGIN, Page, PageRoute, is_same_origin, parse_page_language
from app.web.rendering import load_catalogue

DESK_PATH = "/desk"
MAX_FIELDS = 400  # fields of a form; the longest form has a hundred
# Statuses of a page whose form must be corrected, which its title mentions.
CORRECTABLE_STATUSES = (400, 401, 409, 412, 413, 422)
_RETURN_PATH = re.compile(r"/desk(/[a-z0-9-]+)*")
_ACTION_SUFFIX = re.compile(r"/(trial|decision|undo|agreement|confirmation|withdrawal)$")
_FORM_PAGES = {
    "/desk/correction": "/desk/reports",
    "/desk/retraction": "/desk/reports",
    **dict.fromkeys(("/desk/session/end", "/desk/freeze", "/desk/freeze/end"), DESK_PATH),
}
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
        self,
        route: Callable[..., Any],
        values: Mapping[str, Any],
        run: Callable[[Any], Awaitable[Any]],
        table: TableFormat | None = None,
    ) -> Any:
        try:
            return await super()._call_route(route, values, run, table)
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
        current_sender.set(Sender(request.app.state.rates.identify(session.key, "")))
    names = {source["slug"]: source for source in source_list["data"]}
    return Desk(
        request, load_catalogue(language), registry, source_list["at"]["revision"], names, DESK_PATH, session, me
    )


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

    is_in_lane = False  # it may wait for a list

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
