"""Queues for people: reports under embargo, proposals that need a second decision, and objections.

A report under embargo is shown in full to its source, and without content to curators and administrators."""

import json
import uuid
from typing import Any

from sqlalchemy import case, select
from sqlmodel import Session, col

from app.dates import format_instant
from app.log import sealing
from app.log.entries import read_head
from app.models import OPEN, ApiKey, ClassHold, Objection, Placement, Proposal, Record, Source, WaitingReport
from app.queries import person_records, shapes
from app.queries.parameters import Page, PageQuery, read_cursor, write_cursor
from app.queries.selection.visibility import valid_at
from app.registry import waiting_reports
from app.registry.curation import agreements, proposals
from app.registry.publication.objection_queue import build_turn_order
from app.registry.publication.objections import UNDECIDED_STATES
from app.registry.publication.permissions import Reader
from app.registry.waiting_reports import PendingReport
from app.schemas.directory import EmbargoedReport, EmbargoedShape, EmbargoProblem
from app.schemas.filed import ObjectedShape, ObjectionShape, ProposalShape
from app.schemas.records import DetaineeShape
from app.vocabulary import Role

WAITING_CURSOR = "waiting"  # of cursors
DAMAGED_PROBLEM: EmbargoProblem = {
    "code": "damaged",
    "detail": "This report was changed in the database, and nobody can read it: send it again, or delete it.",
    "errors": [],
}


def query_waiting(session: Session, query: PageQuery, reader: Reader, secret: bytes) -> Page[EmbargoedShape]:
    """Return a page of the reader's own waiting reports, or of all sources' for a curator or administrator, soonest end
    first.

    The cursor is an offset, so reports whose embargo ends meanwhile move the following rows up."""
    is_own = reader.role is Role.REPORTER
    conditions = [col(WaitingReport.source) == reader.source] if is_own else []
    slugs = dict(session.execute(select(col(Source.key), col(Source.slug)).where(col(Source.until) == OPEN)).all())
    (offset,) = read_cursor(query.cursor, WAITING_CURSOR) or [0]
    rows = waiting_reports.load_waiting_reports(session, *conditions, limit=query.limit + 1, offset=max(offset, 0))
    cursor = write_cursor(WAITING_CURSOR, [offset + query.limit]) if len(rows) > query.limit else None
    return Page(
        [_build_embargoed_shape(row, slugs[row.source], secret, is_own=is_own) for row in rows[: query.limit]], cursor
    )


def _build_embargoed_shape(row: PendingReport, slug: str, secret: bytes, *, is_own: bool) -> EmbargoedShape:
    try:
        problem, report = row.unseal_refusal(secret), _strip_national_id(row.unseal_sent_body(secret))
    except sealing.DamagedCiphertext:  # the others must still be readable
        problem, report = DAMAGED_PROBLEM, None
    return {
        "id": row.id,
        "source": slug,
        "waiting_until": format_instant(row.until),
        "received_at": format_instant(row.received_at),
        "refused_at": None if row.refused_at is None else format_instant(row.refused_at),
        "problem": problem,
        "report": report if is_own else None,
    }


def _strip_national_id(report: EmbargoedReport) -> EmbargoedReport:
    """Return the report without its identification number, which is never returned."""
    detainee = report.get("detainee")
    if not detainee:
        return report
    return {**report, "detainee": {name: value for name, value in detainee.items() if name != "national_id"}}


# More never wait for long, since everyone who opens the list sees them.
MAX_PROPOSALS = 200
MAX_OWN_REPORTS = 100


def query_proposals(session: Session, reader: Reader, key: ApiKey | None) -> Page[ProposalShape]:
    """Return the decisions that wait, oldest first.

    A reporter gets the openings by its own source, and of people whom its independent source reports: no other content
    than its own reports. `mine`: proposed by the holder of this key, who cannot agree to it."""
    query = select(Proposal).order_by(col(Proposal.proposed_at), col(Proposal.id)).limit(MAX_PROPOSALS)
    if reader.role is Role.REPORTER:
        own_keys = select(col(ApiKey.id)).where(col(ApiKey.source) == reader.source)
        openings = _select_held_records(ClassHold.opening).where(col(Record.source) == reader.source)
        is_concerned = col(Proposal.a).in_(openings) & reader.independent
        query = query.where(col(Proposal.kind) == "opening", col(Proposal.proposed_by).in_(own_keys) | is_concerned)
    return Page([_build_proposal_shape(session, row, reader, key) for row in session.scalars(query)], None)


def _select_held_records(column: Any) -> Any:
    """Select a column for each record of a person whose class is held."""
    return (
        select(col(column))
        .select_from(ClassHold)
        .join(Placement, (col(Placement.detainee) == col(ClassHold.detainee)) & (col(Placement.until) == OPEN))
        .join(Record, col(Record.key) == col(Placement.record))
        .where(col(ClassHold.until) == OPEN)
    )


def _build_proposal_shape(session: Session, row: Proposal, reader: Reader, key: ApiKey | None) -> ProposalShape:
    is_opening, is_reporter = row.kind == "opening", reader.role is Role.REPORTER
    # The keys of the other kinds are of no records, and some equal the key of a record that has nothing to do with it.
    a, b = (row.a, row.b) if row.kind in ("identity", "objection") else (0, 0)
    reports: list[uuid.UUID] = []
    people = agreements.count_people(session, row)
    if is_opening:
        held = _select_held_records(Record.key).where(col(ClassHold.opening) == row.a)
        a = b = session.scalars(held.order_by(col(Record.key)).limit(1)).first() or 0
    if is_reporter:
        own = _select_held_records(Record.id).where(
            col(ClassHold.opening) == row.a, col(Record.source) == reader.source
        )
        reports = list(session.scalars(own.order_by(col(Record.key)).limit(MAX_OWN_REPORTS)))
        people = len(reports)
    return {
        "id": row.id,
        "kind": row.kind,
        "decision": row.decision,
        "mine": key is None or proposals.has_same_holder(session, row.proposed_by, key.id),
        "agreed": row.agreed_by is not None,
        "proposed_at": format_instant(row.proposed_at),
        "takes_effect_at": format_instant(row.proposed_at + proposals.WAITING_TIME),
        "body": json.loads(row.body),
        "people": people,
        "a": None if is_reporter else _load_holder(session, a, reader),
        "b": None if is_reporter or b == a else _load_holder(session, b, reader),
        "reports": reports,
    }


def _load_holder(session: Session, record: int, reader: Reader) -> DetaineeShape | None:
    """Return the person that currently has a record; None if the record does not exist or was recalled."""
    newest = read_head(session)[0]
    holder_query = select(col(Placement.detainee)).where(col(Placement.record) == record, valid_at(Placement, newest))
    key = session.scalars(holder_query).one_or_none()
    return (
        None
        if key is None
        else shapes.build_detainee_shape(person_records.load_people(session, [key], newest)[key], reader)
    )


# A day's work of several curators; the rest follows as these are decided.
MAX_OBJECTIONS = 200


def query_objections(session: Session, reader: Reader, revision: int, secret: bytes) -> Page[ObjectedShape]:
    """Return the people concerned by undecided objections: hidden people first, then networks in turn, oldest
    first."""
    state_rank = case((col(Objection.state) == "hiding", 0), (col(Objection.state) == "upheld", 2), else_=1)
    rows = session.execute(
        select(Objection, col(Placement.detainee))
        .join(Placement, (col(Placement.record) == col(Objection.record)) & (col(Placement.until) == OPEN))
        .where(col(Objection.state).in_(UNDECIDED_STATES))
        .order_by(state_rank, *build_turn_order())
        .limit(MAX_OBJECTIONS)
    ).all()
    by_person: dict[int, list[Objection]] = {}
    for objection, person in rows:
        by_person.setdefault(person, []).append(objection)
    people = person_records.load_people(session, list(by_person), revision)
    waiting: list[ObjectedShape] = [
        {
            "id": person_objections[0].id,
            "state": _get_state(person_objections[0]),
            "hidden_since": format_instant(min(hidden_times))
            if (hidden_times := _list_hidden_times(person_objections))
            else None,
            "detainee": shapes.build_detainee_shape(people[person], reader),
            "objections": [_build_objection_shape(objection, secret) for objection in person_objections],
        }
        for person, person_objections in by_person.items()
    ]
    return Page(waiting, None)


def _get_state(objection: Objection) -> Any:
    """Return the state: `waiting`, `open`, `hiding` or `upheld`, the ones that the query selects."""
    return objection.state


def _list_hidden_times(objections: list[Objection]) -> list[Any]:
    return [
        objection.hidden_at
        for objection in objections
        if objection.hidden_at is not None and objection.state in ("hiding", "upheld")
    ]


def _build_objection_shape(objection: Objection, secret: bytes) -> ObjectionShape:
    return {
        "id": objection.id,
        "received_at": format_instant(objection.received_at),
        "about": objection.about,
        "wish": objection.wish,
        "words": _unseal_text(secret, objection.words, objection.id, "words"),
        "contact": _unseal_text(secret, objection.contact, objection.id, "contact"),
    }


def _unseal_text(secret: bytes, sealed_text: bytes | None, *location: object) -> str | None:
    """Return a text as it was sent; None if it was changed in the database, so that the others remain readable."""
    try:
        return None if sealed_text is None else sealing.unseal_bytes(secret, sealed_text, *location).decode()
    except sealing.DamagedCiphertext:
        return None
