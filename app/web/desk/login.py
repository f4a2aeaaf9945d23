"""Pages for signing in and out, and the start page of the desk."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from app.api.operations import BeginFreeze, EndFreeze
from app.api.routes.directory import read_me
from app.api.routes.imports import list_imports
from app.api.routes.reports import list_reports, list_waiting
from app.errors import NotFound, OutOfScope, Problem
from app.queries.parameters import MAX_LIMIT
from app.vocabulary import Review, Role
from app.web.api_client import ApiClient, gather
from app.web.desk import batches, review, sessions
from app.web.desk.corrections import CORRECTION_PATH, RETRACTION_PATH, resume_correction
from app.web.desk.page import (
    BACK_FIELD,
    DESK_PATH,
    KEY_FIELD,
    AnyDesk,
    Desk,
    DeskRoute,
    FormValues,
    SubmittedForm,
    WriteTarget,
    find_form_page,
    first_value,
    open_desk,
    parse_form,
    show_sign_in,
    validate_return_path,
)
from app.web.desk.reports import REPORT_KINDS, show_form
from app.web.desk.sessions import DeskSession
from app.web.page import parse_page_language
from app.web.rendering import load_catalogue

session_router = APIRouter(route_class=DeskRoute)
# The role that a form requires.
FORM_ROLES = {
    **dict.fromkeys((*REPORT_KINDS, CORRECTION_PATH, RETRACTION_PATH), Role.REPORTER),
    **dict.fromkeys((review.PAIR_DECISION_PATH, review.OBJECTION_DECISION_PATH, batches.DECISION_PATH), Role.CURATOR),
}
MAX_SHOWN_LISTS = 10
# The browser deletes its data of the desk (W3C Clear Site Data).
CLEAR_SITE_DATA_HEADERS = {"Clear-Site-Data": '"cache", "cookies", "storage"'}


@session_router.get("/desk")
async def read_desk(desk: AnyDesk) -> Response:
    """Show the officer's tasks, or the sign-in form."""
    if desk.session is None:
        return await show_sign_in(desk.request, DESK_PATH, {})
    if desk.session.role == Role.ADMIN:
        return await desk.show(
            "desk/home.html", waiting=None, objection_count=None, batch_count=None, lists=None, review_count=0
        )
    waiting, objection_count, batch_count, lists, review_count = await gather(
        desk.api.read(list_waiting, limit=20),
        review.count_people_waiting(desk),
        batches.count_batches(desk),
        _read_sent_lists(desk),
        _count_reports_under_review(desk),
    )
    return await desk.show(
        "desk/home.html",
        waiting=waiting,
        objection_count=objection_count,
        batch_count=batch_count,
        lists=lists,
        review_count=review_count,
    )


async def _read_sent_lists(desk: Desk) -> list[Any]:
    """Return the source's last lists; none for other roles, who send no lists."""
    if not _is_reporter(desk):
        return []
    page: Any = await desk.api.read(list_imports, limit=MAX_SHOWN_LISTS)
    return list(page["data"])


async def _count_reports_under_review(desk: Desk) -> int:
    """Count the source's reports that await review, up to a page of them."""
    if not _is_reporter(desk):
        return 0
    page: Any = await desk.api.read(list_reports, review=Review.AWAITING_REVIEW, limit=MAX_LIMIT)
    return len(page["data"])


def _is_reporter(desk: Desk) -> bool:
    return desk.session is not None and desk.session.role == Role.REPORTER


@session_router.post("/desk/freeze")
async def freeze_registry(form: SubmittedForm) -> Response:
    """Freeze the registry."""
    await form.desk.officer_client.write(BeginFreeze(), WriteTarget("POST", "/v1/freeze"))
    return RedirectResponse(form.desk.address(DESK_PATH), 303)


@session_router.post("/desk/freeze/end")
async def end_freeze(form: SubmittedForm) -> Response:
    """End a freeze."""
    await form.desk.officer_client.write(EndFreeze(), WriteTarget("DELETE", "/v1/freeze"))
    return RedirectResponse(form.desk.address(DESK_PATH), 303)


@session_router.post("/desk/session")
async def sign_in(request: Request) -> Response:
    """Begin a session with a key."""
    form_values = await parse_form(request)
    back, words = (
        validate_return_path(first_value(form_values, BACK_FIELD)),
        load_catalogue(parse_page_language(request)),
    )
    if not sessions.is_private(request):
        return await show_sign_in(request, back, form_values, status=403)
    try:
        session = await _begin_session(request, first_value(form_values, KEY_FIELD).strip())
    except Problem as refusal:
        fault = {
            401: words.gettext("No key that may still be used is written so. Copy it whole, from rcn_ on."),
            403: words.gettext(
                "The desk is for reporters and curators, with a key that is not limited to less. An administrator's "
                "key must be limited to the freeze."
            ),
        }.get(refusal.status, str(refusal.body().get("detail", "")))
        return await show_sign_in(request, back, form_values, fault=fault, status=refusal.status)
    if has_form_values(form_values) and FORM_ROLES.get(back, session.role) != session.role:
        reporter_fault, curator_fault = (
            words.gettext("This form is sent with the key of an organisation: what stands in it is kept."),
            words.gettext("This form is sent with the key of a curator: what stands in it is kept."),
        )
        fault = reporter_fault if FORM_ROLES[back] == Role.REPORTER else curator_fault
        return await show_sign_in(request, back, form_values, fault=fault, status=OutOfScope.status)
    try:
        response = await _resume_form(request, session, back, form_values)
    except (Problem, NotFound) as refusal:
        if not has_form_values(form_values):
            raise
        fault = words.gettext("What this form is about is not there for this key. What stands in the form is kept.")
        if refusal.status not in (OutOfScope.status, NotFound.status):
            fault = words.gettext("The form cannot be opened at this moment, and is kept: try again in a minute.")
        return await show_sign_in(request, back, form_values, fault=fault, status=refusal.status)
    sessions.set_session_cookie(response, request, session)
    return response


def has_form_values(form_values: FormValues) -> bool:
    """Return whether the sign-in form carries the fields of a form whose session had ended."""
    return not form_values.keys() <= {BACK_FIELD, KEY_FIELD}


async def _begin_session(request: Request, key: str) -> DeskSession:
    """Begin a session with a key. Raises Problem if the key is invalid or limited, or has another role."""
    me = await ApiClient(request, parse_page_language(request), key).read(read_me)
    if not sessions.is_desk_key(me["role"], me["scopes"]):
        raise OutOfScope("")
    return DeskSession.begin(key, me["role"], me["source"], request.app.state.clock())


async def _resume_form(request: Request, session: DeskSession, back: str, form_values: FormValues) -> Response:
    """Show the carried form again, or redirect to the requested page."""
    if not has_form_values(form_values):
        return RedirectResponse(f"/{parse_page_language(request)}{find_form_page(back)}", 303)
    desk = await open_desk(request, session)
    desk.is_carried = True
    if back in REPORT_KINDS:
        return await show_form(desk, REPORT_KINDS[back], form_values)
    if back in (CORRECTION_PATH, RETRACTION_PATH):
        return await resume_correction(desk, form_values)
    if back == review.PAIR_DECISION_PATH:
        return await review.show_decision(desk, form_values)
    if back == review.OBJECTION_DECISION_PATH:
        return await review.show_objections(desk, form_values)
    if back == batches.DECISION_PATH:
        return await batches.show_batch(desk, form_values)
    return RedirectResponse(desk.address(find_form_page(back)), 303)


@session_router.post("/desk/session/end")
async def sign_out(form: SubmittedForm) -> Response:
    """End a session."""
    response = RedirectResponse(form.desk.address(DESK_PATH), 303, headers=CLEAR_SITE_DATA_HEADERS)
    sessions.delete_session_cookie(response, form.desk.request)
    return response
