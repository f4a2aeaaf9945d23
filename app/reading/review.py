"""The curator's list: what waits for a decision."""

import json
from collections.abc import Callable
from typing import Any

from sqlalchemy import Select, case, exists, func, literal, null, or_, select, tuple_, union_all
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.log.entries import entry_at
from app.models import (
    BlockingKey,
    Decision,
    Detention,
    HiddenCandidatePair,
    PendingPair,
    Placement,
    ProvisionalHiding,
    Record,
)
from app.reading import records, shapes
from app.reading.paging import Page, read_cursor, write_cursor
from app.reading.questions import Paged
from app.reading.shapes import Person
from app.reading.side_by_side import side_by_side
from app.reading.visibility import at
from app.registry import blocking
from app.registry import records as stored
from app.registry.content import ASKED
from app.registry.policy import Reader
from app.registry.views import Views
from app.vocabulary import Judgement

Row = dict[str, Any]
# Places listed at once: the rest are named by few, and come up when these are registered.
MOST_FACILITIES = 100
# What a pair that a curator could not decide falls behind every pair nobody has looked at; scores end at 1000.
LOOKED_AT = 2000
APART = -1  # releases on days apart come after the pairs, and so do reports that contradict what they point at
HIDDEN = 3000  # whoever is hidden, or should be, until a curator looks comes before all else
BY_CURATOR = col(Decision.decided_by) == "curator"


def review(session: Session, asked: Paged, reader: Reader, revision: int) -> Page:
    """What waits for a curator, best first: who is hidden provisionally; pairs that may be one person, and records
    that contradict those of their own person; then releases on days apart and reports that contradict what they point
    at, then the pairs that a curator has looked at and could not decide."""
    parts = (_hidden_at, _pending, _hidden_pairs, _contradictions, _apart_at, _contradicting)
    waiting = union_all(*(part(revision) for part in parts)).subquery()
    score, key, other = waiting.c.score, waiting.c.key, waiting.c.other
    statement = select(waiting)
    after = read_cursor(asked.cursor, 3)
    if after is not None:
        further = tuple_(key, other) > tuple_(literal(after[1]), literal(after[2]))
        statement = statement.where(or_(score < after[0], (score == after[0]) & further))
    rows = session.execute(statement.order_by(score.desc(), key, other).limit(asked.limit + 1)).all()
    more, rows = len(rows) > asked.limit, rows[: asked.limit]
    people = records.people(session, {key for row in rows for key in (row.a, row.b) if key is not None}, revision)
    shown = [_SHAPES[row.kind](session, row, people, reader, revision) for row in rows]
    cursor = write_cursor([rows[-1].score, rows[-1].key, rows[-1].other]) if more else None
    return Page(shown, cursor, lambda: {"unknown_facilities": _unknown_facilities(session)})


def _pending(revision: int) -> Select[*tuple[Any, ...]]:
    """Pairs that the log says wait, each once, by the first decision that made it wait."""
    pair = (col(PendingPair.detainee_a), col(PendingPair.detainee_b))
    looked = func.max(case((BY_CURATOR, LOOKED_AT), else_=0))
    return (
        select(
            literal("pair").label("kind"),
            (func.max(Decision.score) - looked).label("score"), func.min(Decision.key).label("key"),
            literal(0).label("other"), pair[0].label("a"), pair[1].label("b"),
        )
        .join(Decision, col(Decision.key) == col(PendingPair.decision))
        .where(at(PendingPair, revision))
        .group_by(*pair)
    )  # fmt: skip


def _hidden_pairs(revision: int) -> Select[*tuple[Any, ...]]:
    """Pairs that the log is silent about, as long as they are two people and nobody judged them different."""
    one: Any = aliased(Placement)
    two: Any = aliased(Placement)
    return (
        select(
            literal("pair"), col(HiddenCandidatePair.score), col(HiddenCandidatePair.record),
            col(HiddenCandidatePair.other), two.detainee, one.detainee,
        )
        .join(one, (one.record == HiddenCandidatePair.record) & at(one, revision))
        .join(two, (two.record == HiddenCandidatePair.other) & at(two, revision))
        .where(
            one.detainee != two.detainee,
            ~_judged_different(one.detainee, two.detainee, revision),
            ~_waits_in_the_log(one.detainee, two.detainee, revision),
        )
    )  # fmt: skip


def _waits_in_the_log(one: Any, two: Any, revision: int) -> Any:
    pair = tuple_(col(PendingPair.detainee_a), col(PendingPair.detainee_b))
    return exists(select(1).where(at(PendingPair, revision), or_(pair == tuple_(one, two), pair == tuple_(two, one))))


def _judged_different(one: Any, two: Any, revision: int) -> Any:
    a: Any = aliased(Record)
    b: Any = aliased(Record)
    of_a: Any = aliased(Placement)
    of_b: Any = aliased(Placement)
    return exists(
        select(1)
        .select_from(Decision)
        .join(a, a.id == Decision.a)
        .join(b, b.id == Decision.b)
        .join(of_a, (of_a.record == a.key) & at(of_a, revision))
        .join(of_b, (of_b.record == b.key) & at(of_b, revision))
        .where(
            col(Decision.judgement) == Judgement.DIFFERENT,
            col(Decision.key) <= revision,
            col(Decision.until) > revision,
            or_(
                (of_a.detainee == one) & (of_b.detainee == two),
                (of_a.detainee == two) & (of_b.detainee == one),
            ),
        )
    )


def _apart_at(revision: int) -> Select[*tuple[Any, ...]]:
    """Spells whose releases cannot both be right."""
    return select(
        literal("disjoint_releases"), literal(APART), col(Detention.spell), literal(0), col(Detention.detainee), null()
    ).where(at(Detention, revision), col(Detention.disjoint_releases).is_(True))


def _hidden_at(revision: int) -> Select[*tuple[Any, ...]]:
    """Reports that hide their person against what stands."""
    return select(
        literal("hidden").label("kind"), literal(HIDDEN).label("score"), col(ProvisionalHiding.record).label("key"),
        literal(0).label("other"), col(ProvisionalHiding.detainee).label("a"), null().label("b"),
    ).where(at(ProvisionalHiding, revision))  # fmt: skip


def _contradictions(revision: int) -> Select[*tuple[Any, ...]]:
    """Records that two others of their person outweighed, until a curator says that they are of one person or parts
    them: then they are two people who look alike."""
    one: Any = aliased(Placement)
    two: Any = aliased(Placement)
    a: Any = aliased(Record)
    b: Any = aliased(Record)
    ends = tuple_(col(Decision.a), col(Decision.b))
    judged_same = exists(
        select(1).where(
            col(Decision.judgement) == Judgement.SAME, BY_CURATOR, col(Decision.key) <= revision,
            col(Decision.until) > revision, or_(ends == tuple_(a.id, b.id), ends == tuple_(b.id, a.id)),
        )
    )  # fmt: skip
    return (
        select(
            literal("contradiction"), col(HiddenCandidatePair.score), col(HiddenCandidatePair.record),
            col(HiddenCandidatePair.other), one.detainee, null(),
        )
        .join(one, (one.record == HiddenCandidatePair.record) & at(one, revision))
        .join(two, (two.record == HiddenCandidatePair.other) & at(two, revision))
        .join(a, a.key == HiddenCandidatePair.record)
        .join(b, b.key == HiddenCandidatePair.other)
        .where(col(HiddenCandidatePair.contradicts).is_(True), one.detainee == two.detainee, ~judged_same)
    )  # fmt: skip


def _contradicting(revision: int) -> Select[*tuple[Any, ...]]:
    """Reports whose dates place them elsewhere than what they point at."""
    return select(
        literal("contradicted_pointer"), literal(APART), col(Placement.record), col(Placement.contradicts),
        col(Placement.detainee), null(),
    ).where(at(Placement, revision), col(Placement.contradicts).is_not(None))  # fmt: skip


def _pair(session: Session, row: Any, people: dict[int, Person], reader: Reader, revision: int) -> Row:
    if row.other:
        decision, reasons = None, json.loads(session.get_one(HiddenCandidatePair, (row.key, row.other)).reasons)
    else:
        entry = entry_at(session, row.key)
        decision, reasons = entry.body["id"], entry.personal.get("reasons", [])
    return {
        "kind": "pair",
        "decision_id": decision,
        "score": (row.score + LOOKED_AT if row.score < APART else row.score) / 1000,
        "reasons": reasons,
        "as_of_revision": row.key,  # a record's key too is the revision that it was filed with
        "looked_at": _looked_at(session, row.a, row.b, revision) if row.score < APART else [],
        "a": shapes.detainee(people[row.a], reader),
        "b": shapes.detainee(people[row.b], reader),
        "compared": side_by_side(people[row.a], people[row.b], reader),
    }


def _looked_at(session: Session, a: int, b: int, revision: int) -> list[Row]:
    """What curators wrote who could not decide about a pair, oldest first."""
    keys = session.scalars(
        select(col(PendingPair.decision))
        .join(Decision, col(Decision.key) == col(PendingPair.decision))
        .where(
            at(PendingPair, revision), col(PendingPair.detainee_a) == a, col(PendingPair.detainee_b) == b, BY_CURATOR
        )
        .order_by(col(PendingPair.decision))
    )
    return [
        {
            "decision_id": entry.body["id"],
            "recorded_at": entry.body["recorded_at"],
            "reason": entry.personal.get("reason"),
        }
        for entry in (entry_at(session, key) for key in keys)
    ]


def _apart(_session: Session, row: Any, people: dict[int, Person], reader: Reader, _revision: int) -> Row:
    person = people[row.a]
    return {
        "kind": "disjoint_releases",
        "detainee": shapes.detainee(person, reader),
        "release": shapes.release(person, person.releases[row.key], reader),
    }


def _contradicted(session: Session, row: Any, people: dict[int, Person], reader: Reader, revision: int) -> Row:
    person = people[row.a]
    report = session.get_one(Record, row.key)
    here, there = (stored.placement(session, record, revision) for record in (row.key, row.other))
    assert here is not None  # both stood when they were found to contradict each other
    assert there is not None
    return {
        "kind": "contradicted_pointer",
        "detainee": shapes.detainee(person, reader),
        "report": report.id,
        "source": person.slugs[report.source],
        "stands_in": _spell(person, here.spell, reader),
        "points_at": _spell(person, there.spell, reader),
    }


def _spell(person: Person, spell: int, reader: Reader) -> Row:
    row = next(one for one in person.detentions if one["spell"] == spell)
    release = person.releases.get(spell)
    return {
        "detention": shapes.detention(person, row, reader),
        "release": None if release is None else shapes.release(person, release, reader),
    }


def _hidden(session: Session, row: Any, people: dict[int, Person], reader: Reader, revision: int) -> Row:
    record = session.get_one(Record, row.key)
    version = stored.current(session, record, revision)
    hiding = session.scalars(
        select(ProvisionalHiding).where(col(ProvisionalHiding.record) == row.key, at(ProvisionalHiding, revision))
    ).one()
    assert version is not None
    said = version.content
    return {
        "kind": "hidden",
        "detainee": shapes.detainee(people[row.a], reader),
        "source": people[row.a].slugs[record.source],
        "because": "wish" if "detainee.publish" in said and ASKED not in said else "birth",
        "wanted": hiding.publish,
        "given_on": said.get("detainee.publish_given_on"),
        "against": hiding.against,
        "stopped": hiding.stopped,
        "as_of_revision": version.entry.revision,
    }


def _contradiction(session: Session, row: Any, people: dict[int, Person], reader: Reader, revision: int) -> Row:
    """What two reports of one person say, each alone, and by which decisions the outweighed one is tied."""
    kept = session.get_one(HiddenCandidatePair, (row.key, row.other))
    report, against = (session.get_one(Record, key) for key in (row.key, row.other))
    a, b = (records.alone(session, record, revision) for record in (report, against))
    ties = session.scalars(
        select(col(Decision.id))
        .where(
            col(Decision.judgement) == Judgement.SAME,
            or_(col(Decision.a) == against.id, col(Decision.b) == against.id),
            col(Decision.key) <= revision,
            col(Decision.until) > revision,
        )
        .order_by(col(Decision.key))
    )
    return {
        "kind": "contradiction",
        "detainee": shapes.detainee(people[row.a], reader),
        "score": kept.score / 1000,
        "reasons": json.loads(kept.reasons),
        "as_of_revision": row.key,
        "ties": list(ties),
        "a": shapes.detainee(a, reader),
        "b": shapes.detainee(b, reader),
        "compared": side_by_side(a, b, reader),
    }


_SHAPES: dict[str, Callable[[Session, Any, dict[int, Person], Reader, int], Row]] = {
    "hidden": _hidden,
    "pair": _pair,
    "contradiction": _contradiction,
    "disjoint_releases": _apart,
    "contradicted_pointer": _contradicted,
}


def candidates(session: Session, record: Record, revision: int, reader: Reader) -> list[Row]:
    """Whom the matcher found, best first, as far as this key may know of them."""
    decisions = session.scalars(
        select(Decision)
        .where(
            col(Decision.b) == record.id,
            col(Decision.decided_by) == "matcher",
            col(Decision.key) < revision,
            col(Decision.judgement).in_([Judgement.UNSURE, Judgement.SAME]),
        )
        .order_by(col(Decision.score).desc(), col(Decision.key))
    )
    found = []
    for decision in decisions:
        other = session.scalars(select(Record).where(col(Record.id) == decision.a)).one()
        if not reader.recognises(other.publish_now):
            continue
        place = stored.placement(session, other.key, revision)
        assert place is not None
        holder = session.scalars(select(Record).where(col(Record.key) == place.detainee)).one()
        reasons = entry_at(session, decision.key).personal.get("reasons", [])
        found.append({"detainee_id": holder.detainee_id, "score": decision.score / 1000, "reasons": reasons})
    return found


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
