"""The desk: where an officer of an organisation reports, sends lists and corrects, with the key of the API."""

from fastapi import APIRouter

from app.api.middleware.body_limits import ALWAYS_THERE
from app.web.desk import corrections, lists, login, reports, review
from app.web.rendering import LANGUAGES

desk = APIRouter(include_in_schema=False)
ROUTERS = (
    login.door, reports.reports, corrections.corrections, lists.lists, review.review, review.objections,
)  # fmt: skip
for pages in ROUTERS:
    desk.include_router(pages)

# Forms that are taken from anybody, so short that they need no room: somebody signs in by one, and what is filled in
# must come back to whoever's session ended meanwhile.
_OWN = (corrections.PATH, corrections.CORRECTION, corrections.RETRACTION)
_CURATORS = (review.PAIR_DECISION, review.UNDO, review.WITHDRAWAL, review.DECISION)
_FORMS = ("/desk/session", "/desk/session/end", *reports.KINDS, *_OWN, *_CURATORS)
FORMS = {f"/{language}{path}": ALWAYS_THERE for language in LANGUAGES for path in _FORMS}
# Addresses that take a whole list, of whoever is signed in.
LISTS = tuple(f"/{language}{lists.PATH}" for language in LANGUAGES)
