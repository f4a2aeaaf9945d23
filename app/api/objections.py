"""The desk of the person concerned: an objection without a key, the queue for curators, and their decision."""

import uuid
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Query, Request, Response

from app.api import answers
from app.api.curation import SECOND
from app.api.lanes import in_lane
from app.api.requests import Read
from app.api.routes import ALWAYS, BODY, POSTING, READING, refusals, router
from app.api.things import page
from app.api.writes import Write, refuse_parameters
from app.db.engine import writing
from app.errors import RETRY_AFTER, Forbidden, Invalid, NotFound, Unavailable
from app.queries.parameters import AsOf
from app.queries.queues import objections as waiting_objections
from app.registry.publication.decisions import ObjectionDecisionIn
from app.registry.publication.decisions import decide_objection as decide
from app.registry.publication.objection_queue import ObjectionIn, receive
from app.schemas.filed import DecidedObjection, ObjectionPage, ObjectionReceived
from app.vocabulary import Role

objections = router("objections")

# Objections that wait for their turn, a few milliseconds each: the last waits a second or two, and their bodies do not
# fill the memory. Whoever comes then is told so, whatever it is about.
MOST_INSIDE = 200
# Of an objection with every character escaped.
MOST_BYTES = 32 * 1024
RETRY = {"Retry-After": RETRY_AFTER}
# Every objection is answered with these bytes, whatever it is about.
RECEIVED: ObjectionReceived = {
    "status": "received",
    "next": {
        "en": "If you named somebody whom the public lists show, the person is hidden from them within five minutes, "
        "until two curators have decided. If very many write at once it can take a day for every fifty networks that "
        "they write from. If the person is still shown then, write again, from another place if you can. Nobody will "
        "ever ask you for a password, for money, or for a document through this address.",
        "es": "Si usted nombró a alguien que las listas públicas muestran, la persona queda oculta en cinco minutos, "
        "hasta que decidan dos personas curadoras. Si escriben muchísimos a la vez, puede tardar un día por cada "
        "cincuenta redes desde las que escriben. Si después aún se muestra, escriba otra vez, si puede desde otro "
        "lugar. Nadie le pedirá nunca una contraseña, dinero ni un documento por esta dirección.",
    },
}


async def _turn(request: Request) -> AsyncIterator[None]:
    """One objection at a time is inside, so that however many come take one place among writes from all others."""
    state = request.app.state
    if state.objections_waiting >= MOST_INSIDE:
        raise Unavailable("Very many objections come just now. Nothing was stored: try again.", headers=RETRY)
    state.objections_waiting += 1
    try:
        async with state.objection_turn, in_lane("writes", state.lanes.writes):
            yield
    finally:
        state.objections_waiting -= 1


@objections.post(
    "/objections",
    status_code=202,
    response_model=ObjectionReceived,
    responses=refusals(*BODY, Invalid, *ALWAYS),
)
def receive_objection(
    request: Request, body: ObjectionIn, _place: Annotated[None, Depends(_turn, scope="function")]
) -> Response:
    """Object to what is shown of you, or of somebody you speak for; no key is needed. Every objection is answered in
    the same words. Somebody whom the public lists show is hidden within minutes, until two curators have decided."""
    refuse_parameters(request)
    state = request.app.state
    now = state.clock()
    network, slot = state.networks.place(request.client.host if request.client else "", now)
    with writing(state.engine) as session:
        receive(session, state.secret, body, network, slot, now)
    return answers.json_response(RECEIVED, 202, {"Cache-Control": "no-store"})


@objections.get("/objections", response_model=ObjectionPage, responses=refusals(*READING, Forbidden))
def list_objections(read: Read, query: Annotated[AsOf, Query()]) -> Response:
    """The objections that wait for two curators, with their senders' words (curator): hidden people first."""
    read.allow(Role.CURATOR)
    secret = read.request.app.state.secret
    waiting = waiting_objections(read.session, read.reader, read.revision(AsOf()), secret)
    tag = read.tag(query, *(f"{row['state']} {one['id']}" for row in waiting.rows for one in row["objections"]))
    return page(read, query, lambda _read, _query, _revision: waiting, tag)


@objections.post(
    "/objections/{objection_id}/decision",
    status_code=201,
    response_model=DecidedObjection,
    responses=SECOND | refusals(*POSTING, NotFound),
)
def decide_objection(write: Write, objection_id: uuid.UUID, body: ObjectionDecisionIn) -> Response:
    """Decide the objections about one person (curator): it always takes two. 202 until a second one decides the
    same."""
    write.allow(Role.CURATOR)
    return write.run(lambda context: decide(context, objection_id, body))
