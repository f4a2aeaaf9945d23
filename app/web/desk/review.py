"""Pages for curators: pairs of detainees who may be one person, decisions that wait, and objections.

A decision about a pair can be undone. A decision that shows somebody waits for a second curator, or a day.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from app.api.operations import (
    AgreeToProposals,
    ConfirmClaim,
    DecideObjection,
    JudgeIdentity,
    StopProposal,
    UndoIdentity,
)
from app.api.routes.curation import list_objections, list_proposals, list_review
from app.errors import NotFound, Problem
from app.imports.fields import FIELDS
from app.imports.formats.template import get_field_title
from app.registry.curation.agreements import AgreementIn
from app.registry.publication.decisions import ObjectionDecisionIn
from app.schemas.reports import IdentityIn
from app.vocabulary import Role, find_label
from app.web.api_client import encode_body, gather, parse_body, parse_cursor
from app.web.claims.text import format_attribution
from app.web.desk.fields import COUNTRY_KINDS, get_code_language
from app.web.desk.page import (
    IDEMPOTENCY_FIELD,
    Desk,
    DeskForm,
    DeskRoute,
    FormValues,
    SignedInDesk,
    SubmittedForm,
    WriteTarget,
    first_value,
    parse_form_id,
)
from app.web.desk.reports import (
    FIELD_REFUSALS,
    NO_PROBLEM,
    UNREAD_STATUS,
    collect_field_faults,
    create_idempotency_key,
    fetch_offered_facilities,
)
from app.web.rendering import Catalogue

FACILITY_FIELD, STATE_FIELD = "facility", "state"
REPORT_SECTIONS = ("detainee", "detention", "release", "verification")


@dataclass(frozen=True)
class StatedValue:
    """A value and its sources."""

    value: str
    sources: Sequence[str]


@dataclass(frozen=True)
class ComparedFact:
    """The values of one field for two people. `agrees`: None if only one of them has a value."""

    title: str
    a: Sequence[StatedValue]
    b: Sequence[StatedValue]
    agrees: bool | None


def build_compared_facts(
    compared_fields: Iterable[Mapping[str, Any]], places: Mapping[str, str], words: Catalogue
) -> list[ComparedFact]:
    """Return the fields with values, in the order of the API. `places`: names of facilities by slug."""

    def list_values(fact: Mapping[str, Any], side: str) -> list[StatedValue]:
        named_statements = [
            (places.get(statement["value"]) if fact["field"] == FACILITY_FIELD else None, statement)
            for statement in fact[side]
        ]
        return [
            StatedValue(name or _format_field_value(fact["field"], statement["value"], words), statement["by"])
            for name, statement in named_statements
        ]

    return [
        ComparedFact(
            _format_field_title(fact["field"], words), list_values(fact, "a"), list_values(fact, "b"), fact["agrees"]
        )
        for fact in compared_fields
    ]


def _find_field_name(field: str) -> str | None:
    """Return the name of a field in a report, with its section."""
    return next((name for section in REPORT_SECTIONS if (name := f"{section}.{field}") in FIELDS), None)


def _format_field_title(field: str, words: Catalogue) -> str:
    if field == STATE_FIELD:
        return words.gettext("In custody or released")
    name = _find_field_name(field)
    return field if name is None else get_field_title(name, get_code_language(words))


def _format_field_value(field: str, value: Any, words: Catalogue) -> str:
    if isinstance(value, list):
        return words.listed([_format_field_value(field, item, words) for item in value])
    if field == STATE_FIELD:
        return words.label("states", str(value))
    name = _find_field_name(field)
    if name is None:
        return str(value)
    definition = FIELDS[name]
    if definition.kind in COUNTRY_KINDS:
        return words.country(str(value))
    if definition.kind == "date":
        return words.day(str(value))
    return (
        str(value) if definition.codes is None else find_label(definition.codes, str(value), get_code_language(words))
    )


review = APIRouter(route_class=DeskRoute)
REVIEW_PATH, PAIR_DECISION_PATH = "/desk/review", "/desk/review/decision"
UNDO_PATH, AGREEMENT_PATH, WITHDRAWAL_PATH = "/desk/review/undo", "/desk/review/agreement", "/desk/review/withdrawal"
CONFIRMATION_PATH = "/desk/review/confirmation"
FIRST_PERSON_FIELD, SECOND_PERSON_FIELD, JUDGEMENT_FIELD, PAIR_REASON_FIELD, DECISION_FIELD = (
    "a",
    "b",
    "judgement",
    "reason",
    "decision",
)
CLAIM_FIELD = "claim"
PAIRS_PAGE_SIZE = 10  # each pair takes a curator minutes


@review.get("/desk/review")
async def read_review(desk: SignedInDesk, cursor: str | None = None) -> Response:
    """Show the pairs to decide, likeliest first, and the decisions that wait."""
    waiting, proposals, facilities = await gather(
        desk.api.read(list_review, limit=PAIRS_PAGE_SIZE, cursor=cursor),
        desk.api.read(list_proposals),
        fetch_offered_facilities(desk),
    )
    places = {place["slug"]: place["name"] for place in facilities}
    facts = [build_compared_facts(item.get("compared", ()), places, desk.catalogue) for item in waiting["data"]]
    return await desk.show(
        "desk/review/review.html",
        waiting=list(zip(waiting["data"], facts, strict=True)),
        attributions={
            item["claim"]["id"]: format_attribution(desk, item["claim"])
            for item in waiting["data"]
            if item["kind"] == "claim"
        },
        further=parse_cursor(waiting["next"]),
        unknown_facilities=waiting["unknown_facilities"],
        withdrawals=waiting["withdrawals"],
        proposals=proposals["data"],
        idempotency_keys=[create_idempotency_key() for _item in (*waiting["data"], *proposals["data"])],
    )


@review.post("/desk/review/decision")
async def decide_pair(form: SubmittedForm) -> Response:
    """Decide whether two detainees are one person."""
    body = {
        name: form.get_first(name)
        for name in (FIRST_PERSON_FIELD, SECOND_PERSON_FIELD, JUDGEMENT_FIELD, PAIR_REASON_FIELD)
        if form.get_first(name).strip()
    }
    try:
        answer = await form.desk.officer_client.write(
            JudgeIdentity(parse_body(IdentityIn, body)),
            WriteTarget("POST", "/v1/identity"),
            encode_body(body),
            idempotency_key=form.get_first(IDEMPOTENCY_FIELD) or create_idempotency_key(),
        )
    except Problem as refusal:
        if refusal.status not in FIELD_REFUSALS:
            raise
        return await show_decision(form.desk, form.form_values, refusal.body())
    return await form.desk.show("desk/review/decided.html", answer=answer, judgement=form.get_first(JUDGEMENT_FIELD))


@review.post("/desk/review/undo")
async def undo_decision(form: SubmittedForm) -> Response:
    """Undo a decision."""
    decision_id = _parse_decision_id(form)
    answer = await form.desk.officer_client.write(
        UndoIdentity(UUID(decision_id)), WriteTarget("DELETE", "/v1/identity/{decision_id}", decision_id)
    )
    return await form.desk.show("desk/review/decided.html", answer=answer, judgement="undone")


@review.post("/desk/review/agreement")
async def agree_to_decision(form: SubmittedForm) -> Response:
    """Agree to a decision that waits."""
    body = {"proposals": [_parse_decision_id(form)]}
    answer = await form.desk.officer_client.write(
        AgreeToProposals(parse_body(AgreementIn, body)),
        WriteTarget("POST", "/v1/proposals/agreement"),
        encode_body(body),
    )
    return await form.desk.show("desk/review/decided.html", answer=answer, judgement="agreed")


@review.post("/desk/review/withdrawal")
async def stop_decision(form: SubmittedForm) -> Response:
    """Stop a decision that waits."""
    proposal_id = _parse_decision_id(form)
    answer = await form.desk.officer_client.write(
        StopProposal(UUID(proposal_id)), WriteTarget("DELETE", "/v1/proposals/{proposal_id}", proposal_id)
    )
    return await form.desk.show("desk/review/decided.html", answer=answer, judgement="withdrawn")


@review.post(CONFIRMATION_PATH)
async def confirm_claim(form: SubmittedForm) -> Response:
    """Confirm a figure that was filed in another's name."""
    claim_id = parse_form_id(form.form_values, CLAIM_FIELD, "The form names no figure: open the review again.")
    stated = form.get_first("since")
    answer = await form.desk.officer_client.write(
        ConfirmClaim(UUID(claim_id), int(stated) if stated.isdecimal() else 0),
        WriteTarget("POST", "/v1/claims/{claim_id}/confirmation", claim_id),
    )
    return await form.desk.show("desk/review/decided.html", answer=answer, judgement="confirmed")


def _parse_decision_id(form: DeskForm) -> str:
    return parse_form_id(form.form_values, DECISION_FIELD, "The form names no decision: open it again.")


async def show_decision(desk: Desk, form_values: FormValues, problem: Mapping[str, Any] = NO_PROBLEM) -> Response:
    """Show the form of a decision again, with its errors."""
    _ = desk.catalogue.gettext
    titles = {JUDGEMENT_FIELD: _("Are they one person?"), PAIR_REASON_FIELD: _("Why")}
    faulty, others = collect_field_faults(problem, titles, desk.catalogue)
    return await desk.show(
        "desk/review/decision.html",
        status=problem.get("status", 200),
        faulty=faulty,
        others=others,
        form_values={
            name: first_value(form_values, name)
            for name in (FIRST_PERSON_FIELD, SECOND_PERSON_FIELD, JUDGEMENT_FIELD, PAIR_REASON_FIELD)
        },
        once=first_value(form_values, IDEMPOTENCY_FIELD) or create_idempotency_key(),
    )


objections = APIRouter(route_class=DeskRoute)
OBJECTIONS_PATH, OBJECTION_DECISION_PATH = "/desk/objections", "/desk/objections/decision"
OBJECTION_FIELD, OUTCOME_FIELD, OBJECTION_REASON_FIELD = "objection", "outcome", "reason"
ANSWERED_FIELD = "answers"  # the ids of the objections that the page shows
REQUIRED_SCOPES = ("GET /v1/objections", "GET /v1/proposals")  # the scopes that a limited key needs for this page
DISMISSED = "dismissed"
UPHELD_OUTCOMES = ("counted", "anonymous", "correction", "erasure")
NO_OUTCOME = {"errors": [{"pointer": f"/{OUTCOME_FIELD}", "code": "choose", "detail": ""}], "status": UNREAD_STATUS}


@dataclass(frozen=True)
class ObjectionCase:
    """A person with open objections.

    `sources`: the sources that a curator can ask. `proposals`: decisions that wait for a second curator.
    `draft`: the submitted form values of a decision that was refused.
    """

    record: Mapping[str, Any]
    sources: Sequence[str]
    proposals: Sequence[Mapping[str, Any]]
    idempotency_key: str
    draft: Mapping[str, str] | None


@objections.get("/desk/objections")
async def read_objections(desk: SignedInDesk) -> Response:
    """Show the people with open objections, hidden people first."""
    return await show_objections(desk)


def can_read_objections(desk: Desk) -> bool:
    """Return whether the officer's key may read objections."""
    scopes = desk.me["scopes"]
    return desk.me["role"] == Role.CURATOR and (scopes is None or set(REQUIRED_SCOPES) <= set(scopes))


async def count_people_waiting(desk: Desk) -> int | None:
    """Return the number of people with open objections; None if the officer's key may not read them."""
    return len((await desk.api.read(list_objections))["data"]) if can_read_objections(desk) else None


def build_objection_case(
    record: Mapping[str, Any], proposals: Iterable[Mapping[str, Any]], draft: Mapping[str, str] | None
) -> ObjectionCase:  # fmt: skip
    """Build a case. `proposals` and `draft` may be about other people, and are filtered."""
    person = record["detainee"]["id"]
    spells = record["detainee"]["detentions"]
    sources = {slug for spell in spells for slug in (*spell["verified_by"], *spell["reported_by"])}
    first_decisions = [
        proposal
        for proposal in proposals
        if proposal["kind"] == "objection" and proposal["a"] is not None and proposal["a"]["id"] == person
    ]
    is_draft_of_case = draft is not None and draft[OBJECTION_FIELD] in {
        str(item["id"]) for item in (record, *record["objections"])
    }
    return ObjectionCase(
        record, sorted(sources), first_decisions, create_idempotency_key(), draft if is_draft_of_case else None
    )


@objections.post("/desk/objections/decision")
async def decide_about_person(form: SubmittedForm) -> Response:
    """Decide all objections about one person. A decision that shows the person waits for a second curator, or a day."""
    outcome, desk = form.get_first(OUTCOME_FIELD), form.desk
    if outcome not in (DISMISSED, *UPHELD_OUTCOMES):
        return await show_objections(desk, form.form_values, NO_OUTCOME)
    decision: dict[str, Any] = (
        {"decision": DISMISSED} if outcome == DISMISSED else {"decision": "upheld", "to": outcome}
    )
    reason = (
        {OBJECTION_REASON_FIELD: form.get_first(OBJECTION_REASON_FIELD)}
        if form.get_first(OBJECTION_REASON_FIELD).strip()
        else {}
    )
    try:
        objection_id = parse_form_id(
            form.form_values, OBJECTION_FIELD, "The form names no objection: open the objections again."
        )
        body = decision | reason | {"objections": form.form_values.get(ANSWERED_FIELD, [])}
        answer = await desk.officer_client.write(
            DecideObjection(UUID(objection_id), parse_body(ObjectionDecisionIn, body)),
            WriteTarget("POST", "/v1/objections/{objection_id}/decision", objection_id),
            encode_body(body),
            idempotency_key=form.get_first(IDEMPOTENCY_FIELD) or create_idempotency_key(),
        )
    except Problem as refusal:
        if refusal.status not in (*FIELD_REFUSALS, NotFound.status):  # others may have decided it meanwhile
            raise
        return await show_objections(desk, form.form_values, refusal.body())
    return await desk.show("desk/review/objection_decided.html", answer=answer, outcome=outcome)


def _point_at_outcome(problem: Mapping[str, Any]) -> Mapping[str, Any]:
    """Redirect errors about `to` and `decision` to the form field of the outcome, which combines them."""
    errors = [
        {**error, "pointer": f"/{OUTCOME_FIELD}"} if error.get("pointer") in ("/to", "/decision") else error
        for error in problem.get("errors", ())
    ]
    return {**problem, "errors": errors} if errors else problem


async def show_objections(
    desk: Desk, form_values: FormValues | None = None, problem: Mapping[str, Any] = NO_PROBLEM
) -> Response:  # fmt: skip
    """Show the people with open objections. `form_values`: a refused decision, which is shown with its errors."""
    _ = desk.catalogue.gettext
    titles = {OUTCOME_FIELD: _("What do you decide?"), OBJECTION_REASON_FIELD: _("Why")}
    faulty, others = collect_field_faults(_point_at_outcome(problem), titles, desk.catalogue)
    draft = (
        {
            name: first_value(form_values, name)
            for name in (OBJECTION_FIELD, OUTCOME_FIELD, OBJECTION_REASON_FIELD, IDEMPOTENCY_FIELD)
        }
        if form_values
        else None
    )
    waiting, proposals = await gather(desk.api.read(list_objections), desk.api.read(list_proposals))
    people = [build_objection_case(record, proposals["data"], draft) for record in waiting["data"]]
    return await desk.show(
        "desk/review/objections.html",
        status=problem.get("status", 200),
        people=people,
        faulty=faulty,
        others=others,
        draft=draft,
        waits=any(case.draft for case in people),
    )
