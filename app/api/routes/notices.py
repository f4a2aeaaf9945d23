"""The private Atom feed of a holder of keys, at a secret address."""

from typing import Annotated
from uuid import NAMESPACE_URL, uuid5

from fastapi import Depends, Request, Response

from app.api.middleware.concurrency import acquire_read_slot
from app.api.routes.records import FEED_RESPONSE
from app.api.routing import ALWAYS_REFUSALS, build_router, document_refusals
from app.db.engine import open_read_session
from app.errors import Invalid, NotFound
from app.exports import lists
from app.notices.delivery import render_feed
from app.notices.holders import find_feed

notices_router = build_router("curation")
FEED_HEADERS = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex", "Referrer-Policy": "no-referrer"}


@notices_router.get(
    "/notices/{token}.atom",
    response_model=None,
    response_class=Response,
    include_in_schema=False,  # nobody builds this address: the operator prints it whole
    responses=FEED_RESPONSE | document_refusals(NotFound, Invalid, *ALWAYS_REFUSALS),
)
def follow_notices(
    request: Request, token: str, _slot: Annotated[None, Depends(acquire_read_slot, scope="function")]
) -> Response:
    """What is new for the holder of a key, in numbers by kind, as an Atom feed (RFC 4287). Whoever knows the address
    can read it. The operator makes it with `recuento key notices`, and a new one ends it."""
    with open_read_session(request.app.state.engine) as session:
        digests = find_feed(session, token)
    feed_id = uuid5(NAMESPACE_URL, token).urn
    body = render_feed(digests, feed_id, request.app.state.public_url)
    return Response(body, headers=FEED_HEADERS, media_type=lists.ATOM_MEDIA_TYPE)
