"""Into the desk and out of it, and what stands on it."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from app.errors import NotFound, OutOfScope
from app.vocabulary import Role
from app.web.asking import Api, Refused, together
from app.web.desk import page as sessions
from app.web.desk import review
from app.web.desk.corrections import CORRECTION, RETRACTION, show_again
from app.web.desk.page import (
    BACK,
    HOME,
    KEY,
    ROLES,
    AnyDesk,
    DeskRoute,
    Given,
    SentForm,
    Session,
    ask_key,
    first,
    given_in,
    leads_back,
    open_desk,
    page_of,
)
from app.web.desk.reports import KINDS, show_form
from app.web.page import language_of
from app.web.rendering import catalogue

door = APIRouter(route_class=DeskRoute)
# Whose key sends a form.
SENT_BY = {
    **dict.fromkeys((*KINDS, CORRECTION, RETRACTION), Role.REPORTER),
    **dict.fromkeys((review.PAIR_DECISION, review.DECISION), Role.CURATOR),
}
# What a browser still holds of the desk, it lets go of (W3C Clear Site Data).
CLEARED = {"Clear-Site-Data": '"cache", "cookies", "storage"'}


@door.get("/desk")
async def read_desk(desk: AnyDesk) -> Response:
    """What waits for the officer, and what there is to do; to anybody else, where to sign in."""
    if desk.session is None:
        return await ask_key(desk.request, HOME, {})
    waiting, objected = await together(desk.api.get("/v1/waiting", limit=20), review.people_waiting(desk))
    return await desk.show("desk/home.html", waiting=waiting, objected=objected)


@door.post("/desk/session")
async def sign_in(request: Request) -> Response:
    """Begin a session with a key."""
    given = await given_in(request)
    back, words = leads_back(first(given, BACK)), catalogue(language_of(request))
    if not sessions.is_private(request):
        return await ask_key(request, back, given, status=403)
    try:
        session = await _begun(request, first(given, KEY).strip())
    except Refused as refusal:
        fault = {
            401: words.gettext("No key that may still be used is written so. Copy it whole, from rcn_ on."),
            403: words.gettext("The desk is for reporters and curators, with a key that is not limited to less."),
        }.get(refusal.status, str(refusal.body.get("detail", "")))
        return await ask_key(request, back, given, fault=fault, status=refusal.status)
    if is_filled_in(given) and SENT_BY.get(back, session.role) != session.role:
        of_an_organisation, of_a_curator = (
            words.gettext("This form is sent with the key of an organisation: what stands in it is kept."),
            words.gettext("This form is sent with the key of a curator: what stands in it is kept."),
        )
        fault = of_an_organisation if SENT_BY[back] == Role.REPORTER else of_a_curator
        return await ask_key(request, back, given, fault=fault, status=OutOfScope.status)
    try:
        response = await _next(request, session, back, given)
    except (Refused, NotFound) as refusal:
        if not is_filled_in(given):
            raise
        fault = words.gettext("What this form is about is not there for this key. What stands in the form is kept.")
        if refusal.status not in (OutOfScope.status, NotFound.status):
            fault = words.gettext("The form cannot be opened at this moment, and is kept: try again in a minute.")
        return await ask_key(request, back, given, fault=fault, status=refusal.status)
    sessions.keep(response, request, session)
    return response


def is_filled_in(given: Given) -> bool:
    """Whether the fields of a form came along, which somebody was in when a session ended."""
    return not given.keys() <= {BACK, KEY}


async def _begun(request: Request, key: str) -> Session:
    """The session of a key that the API knows. Raises Refused."""
    me = await Api(request, language_of(request), key).get("/v1/me")
    if me["role"] not in ROLES:
        raise Refused(OutOfScope.status, {}, {})
    return Session.begin(key, me["role"], me["source"], request.app.state.clock())


async def _next(request: Request, session: Session, back: str, given: Given) -> Response:
    """The form that somebody was in when a session ended, as it was; else the page that was asked for."""
    if not is_filled_in(given):
        return RedirectResponse(f"/{language_of(request)}{page_of(back)}", 303)
    desk = await open_desk(request, session)
    desk.is_carried = True
    if back in KINDS:
        return await show_form(desk, KINDS[back], given)
    if back in (CORRECTION, RETRACTION):
        return await show_again(desk, given)
    if back == review.PAIR_DECISION:
        return await review.show_decision(desk, given)
    if back == review.DECISION:
        return await review.show_objections(desk, given)
    return RedirectResponse(desk.address(page_of(back)), 303)


@door.post("/desk/session/end")
async def sign_out(form: SentForm) -> Response:
    """End a session."""
    response = RedirectResponse(form.desk.address(HOME), 303, headers=CLEARED)
    sessions.forget(response, form.desk.request)
    return response
