"""What waits for a curator: pairs of people who may be one, side by side, and a decision that can be undone."""

import json
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Response

from app.web.asking import Refused, cursor_of, together
from app.web.desk.form_check import wrong_in
from app.web.desk.page import ONCE, AtDesk, Desk, DeskRoute, Given, Sent, SentForm, first, id_in
from app.web.desk.reports import AT_FIELDS, NO_PROBLEM, new_once, places_offered
from app.web.desk.side_by_side import facts_of

review = APIRouter(route_class=DeskRoute)
PATH, DECISION = "/desk/review", "/desk/review/decision"
UNDO, WITHDRAWAL = "/desk/review/undo", "/desk/review/withdrawal"
A, B, JUDGEMENT, REASON, DECIDED = "a", "b", "judgement", "reason", "decision"
SHOWN = 10  # pairs on a page: each takes a curator minutes
SIDE_BY_SIDE = ("pair", "contradiction")


@review.get("/desk/review")
async def read_review(desk: AtDesk, cursor: str | None = None) -> Response:
    """What waits, best first, and what waits for a second curator."""
    waiting, proposals, registered = await together(
        desk.api.get("/v1/review", limit=SHOWN, cursor=cursor), desk.api.get("/v1/proposals"), places_offered(desk)
    )
    places = {place["slug"]: place["name"] for place in registered}
    facts = [facts_of(one.get("compared", ()), places, desk.catalogue) for one in waiting["data"]]
    return await desk.show(
        "desk/review.html",
        waiting=list(zip(waiting["data"], facts, strict=True)),
        further=cursor_of(waiting["next"]),
        unknown_facilities=waiting["unknown_facilities"],
        proposals=proposals["data"],
        onces=[new_once() for _each in (*waiting["data"], *proposals["data"])],
    )


@review.post("/desk/review/decision")
async def decide(form: SentForm) -> Response:
    """Judge whether two people are one."""
    body = {name: form.one(name) for name in (A, B, JUDGEMENT, REASON) if form.one(name).strip()}
    headers = {"Idempotency-Key": form.one(ONCE) or new_once()}
    try:
        answer = await form.desk.api.send("POST", "/v1/identity", json.dumps(body).encode(), headers=headers)
    except Refused as refusal:
        if refusal.status not in AT_FIELDS:
            raise
        return await show_decision(form.desk, form.given, refusal.body)
    return await form.desk.show("desk/decided.html", answer=answer, judgement=form.one(JUDGEMENT))


@review.post("/desk/review/undo")
async def undo(form: SentForm) -> Response:
    """Take a decision back: all is as it was without it."""
    answer = await form.desk.api.send("DELETE", f"/v1/identity/{_decision_in(form)}", b"")
    return await form.desk.show("desk/decided.html", answer=answer, judgement="undone")


@review.post("/desk/review/withdrawal")
async def withdraw(form: SentForm) -> Response:
    """Take a decision off the list that waits for a second curator."""
    answer = await form.desk.api.send("DELETE", f"/v1/proposals/{_decision_in(form)}", b"")
    return await form.desk.show("desk/decided.html", answer=answer, judgement="withdrawn")


def _decision_in(form: Sent) -> str:
    return id_in(form.given, DECIDED, "The form names no decision: open it again.")


async def show_decision(desk: Desk, given: Given, problem: Mapping[str, Any] = NO_PROBLEM) -> Response:
    """A decision as somebody was about to make it, with what stands against it."""
    _ = desk.catalogue.gettext
    titles = {JUDGEMENT: _("Are they one person?"), REASON: _("Why")}
    faulty, others = wrong_in(problem, titles, desk.catalogue)
    return await desk.show(
        "desk/decision.html",
        status=problem.get("status", 200),
        faulty=faulty,
        others=others,
        given={name: first(given, name) for name in (A, B, JUDGEMENT, REASON)},
        once=first(given, ONCE) or new_once(),
    )
