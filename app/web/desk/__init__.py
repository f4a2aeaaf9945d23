"""The desk: pages on which officers of organisations report, send lists, correct and review, with their API key."""

from fastapi import APIRouter

from app.api.middleware.body_limits import BUFFERED_BODY_BYTES
from app.web.desk import batches, corrections, figures, list_undo, list_upload, login, reports, review
from app.web.rendering import LANGUAGES

desk = APIRouter(include_in_schema=False)
DESK_ROUTERS = (
    login.session_router, reports.reports, corrections.corrections, list_upload.lists, list_undo.list_undo,
    figures.figures, review.review, review.objections, batches.batches,
)  # fmt: skip
for pages in DESK_ROUTERS:
    desk.include_router(pages)

# Short forms that are accepted without a session: the sign-in form, and forms whose session has ended, so that their
# content comes back to the officer.
_REPORT_FORMS = (corrections.REPORTS_PATH, corrections.CORRECTION_PATH, corrections.RETRACTION_PATH)
_CURATOR_FORMS = (
    review.PAIR_DECISION_PATH,
    review.UNDO_PATH,
    review.AGREEMENT_PATH,
    review.CONFIRMATION_PATH,
    review.WITHDRAWAL_PATH,
    review.OBJECTION_DECISION_PATH,
    batches.DECISION_PATH,
)
_SESSION_FORMS = ("/desk/session", "/desk/session/end", "/desk/freeze", "/desk/freeze/end")
_FORM_PATHS = (*_SESSION_FORMS, list_undo.UNDO_PATH, *reports.REPORT_KINDS, *_REPORT_FORMS, *_CURATOR_FORMS)
DESK_BODY_LIMITS = {f"/{language}{path}": BUFFERED_BODY_BYTES for language in LANGUAGES for path in _FORM_PATHS}
# Addresses that accept a whole list from a signed-in officer.
LIST_PATHS = tuple(f"/{language}{list_upload.LIST_PATH}" for language in LANGUAGES)
