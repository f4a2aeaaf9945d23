"""Objections before curators: whom they are about, what was written, and a decision that always takes two."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Response

from app.errors import NotFound
from app.vocabulary import Role
from app.web.asking import Refused, together
from app.web.desk.form_check import UNREAD, wrong_in
from app.web.desk.page import ONCE, AtDesk, Desk, DeskRoute, Given, SentForm, first, id_in
from app.web.desk.reports import AT_FIELDS, NO_PROBLEM, new_once

objections = APIRouter(route_class=DeskRoute)
PATH, DECISION = "/desk/objections", "/desk/objections/decision"
OBJECTION, OUTCOME, REASON = "objection", "outcome", "reason"
READ = ("GET /v1/objections", "GET /v1/proposals")  # for this page, as the scopes of a key name them
DISMISSED = "dismissed"
UPHELD_TO = ("counted", "anonymous", "correction", "erasure")
NO_OUTCOME = {"errors": [{"pointer": f"/{OUTCOME}", "code": "choose", "detail": ""}], "status": UNREAD}


@dataclass(frozen=True)
class Objected:
    """Somebody whom objections are about. `proposals`: what one curator decided and a second has not yet; `sources`:
    whom a curator can ask; `begun`: a decision as the curator was about to make it."""

    about: Mapping[str, Any]
    sources: Sequence[str]
    proposals: Sequence[Mapping[str, Any]]
    once: str
    begun: Mapping[str, str] | None


@objections.get("/desk/objections")
async def read_objections(desk: AtDesk) -> Response:
    """Whom objections are about, who is hidden on one first."""
    return await show_objections(desk)


def may_read(desk: Desk) -> bool:
    """Whether the officer's key opens this page."""
    scopes = desk.me["scopes"]
    return desk.me["role"] == Role.CURATOR and (scopes is None or set(READ) <= set(scopes))


async def people_waiting(desk: Desk) -> int | None:
    """How many people objections are about; None for an officer whose key may not read them."""
    return len((await desk.api.get("/v1/objections"))["data"]) if may_read(desk) else None


def objected(
    about: Mapping[str, Any], proposals: Iterable[Mapping[str, Any]], begun: Mapping[str, str] | None
) -> Objected:  # fmt: skip
    """`proposals`: all decisions that wait for a second curator; `begun`: a decision, about this person or another."""
    person = about["detainee"]["id"]
    spells = about["detainee"]["detentions"]
    sources = {slug for spell in spells for slug in (*spell["verified_by"], *spell["reported_by"])}
    first_decisions = [
        proposal
        for proposal in proposals
        if proposal["kind"] == "objection" and proposal["a"] is not None and proposal["a"]["id"] == person
    ]
    is_of_begun = begun is not None and begun[OBJECTION] in {one["id"] for one in (about, *about["objections"])}
    return Objected(about, sorted(sources), first_decisions, new_once(), begun if is_of_begun else None)


@objections.post("/desk/objections/decision")
async def decide(form: SentForm) -> Response:
    """Decide all objections about one person: it waits until a second curator decides the same."""
    outcome, desk = form.one(OUTCOME), form.desk
    if outcome not in (DISMISSED, *UPHELD_TO):
        return await show_objections(desk, form.given, NO_OUTCOME)
    decision = {"decision": DISMISSED} if outcome == DISMISSED else {"decision": "upheld", "to": outcome}
    reason = {REASON: form.one(REASON)} if form.one(REASON).strip() else {}
    headers = {"Idempotency-Key": form.one(ONCE) or new_once()}
    try:
        objection_id = id_in(form.given, OBJECTION, "The form names no objection: open the objections again.")
        body = json.dumps(decision | reason).encode()
        answer = await desk.api.send("POST", f"/v1/objections/{objection_id}/decision", body, headers=headers)
    except Refused as refusal:
        if refusal.status not in (*AT_FIELDS, NotFound.status):  # others may have decided it meanwhile
            raise
        return await show_objections(desk, form.given, refusal.body)
    return await desk.show("desk/objection_decided.html", answer=answer, outcome=outcome)


def _about_outcome(problem: Mapping[str, Any]) -> Mapping[str, Any]:
    """A refusal whose errors about a part of the outcome point at the field that the form has for it."""
    errors = [
        {**error, "pointer": f"/{OUTCOME}"} if error.get("pointer") in ("/to", "/decision") else error
        for error in problem.get("errors", ())
    ]
    return {**problem, "errors": errors} if errors else problem


async def show_objections(
    desk: Desk, given: Given | None = None, problem: Mapping[str, Any] = NO_PROBLEM
) -> Response:  # fmt: skip
    """Whom objections are about. `given`: a decision as somebody was about to make it, beside the person and the words
    that it is about, with what stands against it."""
    _ = desk.catalogue.gettext
    titles = {OUTCOME: _("What do you decide?"), REASON: _("Why")}
    faulty, others = wrong_in(_about_outcome(problem), titles, desk.catalogue)
    begun = {name: first(given, name) for name in (OBJECTION, OUTCOME, REASON, ONCE)} if given else None
    waiting, proposals = await together(desk.api.get("/v1/objections"), desk.api.get("/v1/proposals"))
    people = [objected(about, proposals["data"], begun) for about in waiting["data"]]
    return await desk.show(
        "desk/objections.html",
        status=problem.get("status", 200),
        people=people,
        faulty=faulty,
        others=others,
        begun=begun,
        waits=any(objected.begun for objected in people),
    )
