"""The reports that wait for the end of an embargo: whole for their source, without a word of them for curators and
administrators.

What one person has decided and a second must decide too, for those who decide such things.

The objections that wait for curators, person by person."""

import json
from typing import Any

from sqlalchemy import case, func, select
from sqlmodel import Session, col

from app.dates import format_instant
from app.log import head
from app.log.entries import head as log_head
from app.models import OPEN, ApiKey, Objection, Placement, Proposal, Source, WaitingReport
from app.queries import person_records, shapes
from app.queries.parameters import Page, Paged, read_cursor, write_cursor
from app.queries.visibility import at
from app.registry import two_person_rule, waiting_reports
from app.registry.publication.objection_queue import PLACES_EACH
from app.registry.publication.objections import UNDECIDED
from app.registry.publication.permissions import Reader
from app.registry.waiting_reports import Waiting
from app.schemas.directory import EmbargoedReport, EmbargoedShape, EmbargoProblem
from app.schemas.filed import ObjectedShape, ObjectionShape, ProposalShape
from app.schemas.records import DetaineeShape
from app.vocabulary import Role

OF = "waiting"  # of cursors
DAMAGED: EmbargoProblem = {
    "code": "damaged",
    "detail": "This report was changed in the database, and nobody can read it: send it again, or delete it.",
    "errors": [],
}


def waiting_for(session: Session, query: Paged, reader: Reader, secret: bytes) -> Page[EmbargoedShape]:
    """A page of what waits of the reader's own, or of every source for who looks after the registry; whatever ends
    first comes first. A cursor is a place in that order, so that what ends meanwhile moves the rows behind it up."""
    own = reader.role is Role.REPORTER
    among = [col(WaitingReport.source) == reader.source] if own else []
    slugs = dict(session.execute(select(col(Source.key), col(Source.slug)).where(col(Source.until) == OPEN)).all())
    (place,) = read_cursor(query.cursor, OF) or [0]
    rows = waiting_reports.read(session, *among, limit=query.limit + 1, after=max(place, 0))
    cursor = write_cursor(OF, [place + query.limit]) if len(rows) > query.limit else None
    return Page([_shown_waiting(row, slugs[row.source], secret, own=own) for row in rows[: query.limit]], cursor)


def _shown_waiting(row: Waiting, slug: str, secret: bytes, *, own: bool) -> EmbargoedShape:
    try:
        problem, report = row.reason(secret), _without_number(row.sent(secret))
    except head.Damaged:  # the others must still be read
        problem, report = DAMAGED, None
    return {
        "id": row.id,
        "source": slug,
        "waiting_until": format_instant(row.until),
        "received_at": format_instant(row.received_at),
        "refused_at": None if row.refused_at is None else format_instant(row.refused_at),
        "problem": problem,
        "report": report if own else None,
    }


def _without_number(report: EmbargoedReport) -> EmbargoedReport:
    """The report without its identification number, which is never returned."""
    sent = report.get("detainee")
    if not sent:
        return report
    return {**report, "detainee": {name: value for name, value in sent.items() if name != "national_id"}}


# More wait nowhere for long: each is seen by whoever opens the list.
MOST_PROPOSALS = 200


def proposals(session: Session, reader: Reader, key: ApiKey | None) -> Page[ProposalShape]:
    """All proposals that wait now for somebody of the reader's role, oldest first. `mine`: proposed by the holder of
    this key, who cannot second it."""
    rows = session.scalars(
        select(Proposal)
        .where(col(Proposal.kind).in_(two_person_rule.kinds_of(reader.role)))
        .order_by(col(Proposal.proposed_at), col(Proposal.id))
        .limit(MOST_PROPOSALS)
    )
    return Page([_shown_proposal(session, row, reader, key) for row in rows], None)


def _shown_proposal(session: Session, row: Proposal, reader: Reader, key: ApiKey | None) -> ProposalShape:
    return {
        "id": row.id,
        "kind": row.kind,
        "decision": row.decision,
        "mine": key is None or two_person_rule.is_one_holder(session, row.proposed_by, key.id),
        "proposed_at": format_instant(row.proposed_at),
        "body": json.loads(row.body),
        "a": _person(session, row.a, reader),
        "b": None if row.b == row.a else _person(session, row.b, reader),
    }


def _person(session: Session, record: int, reader: Reader) -> DetaineeShape | None:
    """The person who holds a record today; None where it is no record, or one that was recalled."""
    newest = log_head(session)[0]
    holder = select(col(Placement.detainee)).where(col(Placement.record) == record, at(Placement, newest))
    key = session.scalars(holder).one_or_none()
    return None if key is None else shapes.detainee(person_records.people(session, [key], newest)[key], reader)


# A day's work of several curators; what comes behind moves up as these are decided.
MOST_SHOWN = 200


def objections(session: Session, reader: Reader, revision: int, secret: bytes) -> Page[ObjectedShape]:
    """The people whom undecided objections are about: hidden people first, then in turn between networks, the oldest
    first."""
    shown = case((col(Objection.state) == "hiding", 0), (col(Objection.state) == "upheld", 2), else_=1)
    rows = session.execute(
        select(Objection, col(Placement.detainee))
        .join(Placement, (col(Placement.record) == col(Objection.record)) & (col(Placement.until) == OPEN))
        .where(col(Objection.state).in_(UNDECIDED))
        .order_by(
            shown, func.coalesce(col(Objection.slot) % PLACES_EACH, 0), col(Objection.received_at), col(Objection.id)
        )
        .limit(MOST_SHOWN)
    ).all()
    by_person: dict[int, list[Objection]] = {}
    for objection, person in rows:
        by_person.setdefault(person, []).append(objection)
    people = person_records.people(session, list(by_person), revision)
    waiting: list[ObjectedShape] = [
        {
            "id": of_person[0].id,
            "state": _state(of_person[0]),
            "hidden_since": format_instant(min(since)) if (since := _hidden_since(of_person)) else None,
            "detainee": shapes.detainee(people[person], reader),
            "objections": [_shown(objection, secret) for objection in of_person],
        }
        for person, of_person in by_person.items()
    ]
    return Page(waiting, None)


def _state(objection: Objection) -> Any:
    """Of those that the query takes: `waiting`, `open`, `hiding` or `upheld`."""
    return objection.state


def _hidden_since(objections: list[Objection]) -> list[Any]:
    return [one.hidden_at for one in objections if one.hidden_at is not None and one.state in ("hiding", "upheld")]


def _shown(objection: Objection, secret: bytes) -> ObjectionShape:
    return {
        "id": objection.id,
        "received_at": format_instant(objection.received_at),
        "about": objection.about,
        "wish": objection.wish,
        "words": _unsealed(secret, objection.words, objection.id, "words"),
        "contact": _unsealed(secret, objection.contact, objection.id, "contact"),
    }


def _unsealed(secret: bytes, sealed: bytes | None, *place: object) -> str | None:
    """A text as it was sent; None of one that was changed in the database, for the others must still be read."""
    try:
        return None if sealed is None else head.unseal(secret, sealed, *place).decode()
    except head.Damaged:
        return None
