"""Two people side by side, as a curator reads them (pure).

What waits for a curator: pairs of people who may be one, side by side, and a decision that can be undone.

Objections before curators: whom they are about, what was written, and a decision that always takes two."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Response

from app.errors import NotFound
from app.imports.fields import FIELDS
from app.imports.formats.template import title
from app.vocabulary import Role, label
from app.web.asking import Refused, cursor_of, together
from app.web.desk.fields import COUNTRY_KINDS, language_of
from app.web.desk.page import ONCE, AtDesk, Desk, DeskRoute, Given, Sent, SentForm, first, id_in
from app.web.desk.reports import AT_FIELDS, NO_PROBLEM, UNREAD, new_once, places_offered, wrong_in
from app.web.rendering import Catalogue

PLACE = "facility"
SECTIONS = ("detainee", "detention", "release")


@dataclass(frozen=True)
class Said:
    """A value, and the sources that say it."""

    value: str
    by: Sequence[str]


@dataclass(frozen=True)
class Fact:
    """What is said of one field about two people. `agrees`: None where only one of them has anything."""

    title: str
    a: Sequence[Said]
    b: Sequence[Said]
    agrees: bool | None


def facts_of(compared: Iterable[Mapping[str, Any]], places: Mapping[str, str], words: Catalogue) -> list[Fact]:
    """Each field of which somebody says something, in the order of the API. `places`: what they are called."""

    def said(fact: Mapping[str, Any], side: str) -> list[Said]:
        named = [(places.get(each["value"]) if fact["field"] == PLACE else None, each) for each in fact[side]]
        return [Said(name or _value(fact["field"], each["value"], words), each["by"]) for name, each in named]

    return [Fact(_title(fact["field"], words), said(fact, "a"), said(fact, "b"), fact["agrees"]) for fact in compared]


def _name_of(field: str) -> str | None:
    """A field of a person, a detention or a release as a report names it."""
    return next((name for section in SECTIONS if (name := f"{section}.{field}") in FIELDS), None)


def _title(field: str, words: Catalogue) -> str:
    name = _name_of(field)
    return field if name is None else title(name, language_of(words))


def _value(field: str, value: Any, words: Catalogue) -> str:
    if isinstance(value, list):
        return words.listed([_value(field, each, words) for each in value])
    name = _name_of(field)
    if name is None:
        return str(value)
    known = FIELDS[name]
    if known.kind in COUNTRY_KINDS:
        return words.country(str(value))
    if known.kind == "date":
        return words.day(str(value))
    return str(value) if known.codes is None else label(known.codes, str(value), language_of(words))


review = APIRouter(route_class=DeskRoute)
REVIEW, PAIR_DECISION = "/desk/review", "/desk/review/decision"
UNDO, WITHDRAWAL = "/desk/review/undo", "/desk/review/withdrawal"
A, B, JUDGEMENT, PAIR_REASON, DECIDED = "a", "b", "judgement", "reason", "decision"
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
async def decide_pair(form: SentForm) -> Response:
    """Judge whether two people are one."""
    body = {name: form.one(name) for name in (A, B, JUDGEMENT, PAIR_REASON) if form.one(name).strip()}
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
    titles = {JUDGEMENT: _("Are they one person?"), PAIR_REASON: _("Why")}
    faulty, others = wrong_in(problem, titles, desk.catalogue)
    return await desk.show(
        "desk/decision.html",
        status=problem.get("status", 200),
        faulty=faulty,
        others=others,
        given={name: first(given, name) for name in (A, B, JUDGEMENT, PAIR_REASON)},
        once=first(given, ONCE) or new_once(),
    )


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
