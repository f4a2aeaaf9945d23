"""The objections that wait for curators, person by person."""

from typing import Any

from sqlalchemy import case, func, select
from sqlmodel import Session, col

from app.dates import format_instant
from app.log import head
from app.models import OPEN, Objection, Placement
from app.reading import person_records, shapes
from app.reading.paging import Page
from app.registry.publication.objection_queue import PLACES_EACH
from app.registry.publication.objections import UNDECIDED
from app.registry.publication.permissions import Reader
from app.schemas.filed import ObjectedShape, ObjectionShape

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
