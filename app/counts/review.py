"""The curator's list: what waits for a decision."""

from typing import Any

from sqlalchemy import func, literal, null, or_, select, union_all
from sqlmodel import Session, col

from app.counts import records, shapes
from app.counts.lists import Page, read_cursor, write_cursor
from app.counts.selection import at
from app.counts.shapes import Person
from app.counts.terms import Paged
from app.log.entries import entry_at
from app.models import BlockingKey, Decision, Detention, PendingPair
from app.registry import blocking
from app.registry.policy import Reader
from app.registry.views import Views

Row = dict[str, Any]
# Places listed at once: the rest are named by few, and come up when these are registered.
MOST_FACILITIES = 100


def review(session: Session, asked: Paged, reader: Reader, revision: int) -> Page:
    """What waits for a curator, best first: pairs that may be one person, then releases on days apart."""
    pairs: Any = (
        select(
            col(Decision.score).label("score"), col(Decision.key).label("key"),
            col(PendingPair.detainee_a).label("a"), col(PendingPair.detainee_b).label("b"),
        )
        .join(Decision, col(Decision.key) == col(PendingPair.decision))
        .where(at(PendingPair, revision))
    )  # fmt: skip
    apart = select(literal(-1), col(Detention.spell), col(Detention.detainee), null()).where(
        at(Detention, revision), col(Detention.disjoint_releases).is_(True)
    )
    waiting = union_all(pairs, apart).subquery()
    statement = select(waiting)
    after = read_cursor(asked.cursor, 2)
    if after is not None:
        score, key = waiting.c.score, waiting.c.key
        statement = statement.where(or_(score < after[0], (score == after[0]) & (key > after[1])))
    ordered = statement.order_by(waiting.c.score.desc(), waiting.c.key).limit(asked.limit + 1)
    rows = session.execute(ordered).all()
    more, rows = len(rows) > asked.limit, rows[: asked.limit]
    people = records.people(session, {key for row in rows for key in (row.a, row.b) if key is not None}, revision)
    shown = [_pair(session, row, people, reader) if row.b is not None else _apart(row, people, reader) for row in rows]
    cursor = write_cursor([rows[-1].score, rows[-1].key]) if more else None
    return Page(shown, cursor, {"unknown_facilities": _unknown_facilities(session)})


def _pair(session: Session, row: Any, people: dict[int, Person], reader: Reader) -> Row:
    entry = entry_at(session, row.key)
    return {
        "kind": "pair",
        "decision_id": entry.body["id"],
        "score": row.score / 1000,
        "reasons": entry.personal.get("reasons", []),
        "a": shapes.detainee(people[row.a], reader),
        "b": shapes.detainee(people[row.b], reader),
    }


def _apart(row: Any, people: dict[int, Person], reader: Reader) -> Row:
    person = people[row.a]
    return {
        "kind": "disjoint_releases",
        "detainee": shapes.detainee(person, reader),
        "release": shapes.release(person, person.releases[row.key], reader),
    }


def _unknown_facilities(session: Session) -> list[Row]:
    """Places that reports name and nobody registered, the most named first: until then they are shown to partners
    only. Names are folded, so that one place is listed once."""
    named = session.execute(
        select(col(BlockingKey.key), func.count().label("reports"))
        .where(col(BlockingKey.key).startswith(blocking.facility_key("")))
        .group_by(col(BlockingKey.key))
        .order_by(func.count().desc(), col(BlockingKey.key))
    )
    known = Views.of(session).facility_names
    found = [(key.removeprefix(blocking.facility_key("")), reports) for key, reports in named]
    return [{"name": name, "reports": reports} for name, reports in found if name not in known][:MOST_FACILITIES]
