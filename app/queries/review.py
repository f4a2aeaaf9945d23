"""Two people side by side, field by field, for whoever must judge whether they are one (pure).

The curator's list: what waits for a decision."""

import json
from collections.abc import Callable, Container, Iterable
from typing import Any

from sqlalchemy import Select, case, exists, func, literal, null, or_, select, tuple_, union_all
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.dates import parse
from app.log.content import REQUESTED_CLASS
from app.log.entries import entry_at
from app.matching.scripts import fold
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
from app.queries import person_records, shapes
from app.queries.parameters import Beside, Page, Paged, read_cursor, write_cursor
from app.queries.shapes import Person
from app.queries.visibility import at
from app.registry import alerts, records
from app.registry.directory_snapshot import Views
from app.registry.identity import blocking_keys
from app.registry.publication.permissions import Reader
from app.schemas import filed
from app.schemas.base import Facts, Said
from app.schemas.filed import BurstShape, ComparedField, UnknownFacility
from app.vocabulary import Judgement, Publish

Agree = Callable[[Any, Any], bool]


def _dates(a: str, b: str) -> bool:
    """Whether both may mean one day."""
    return parse(a).overlaps(parse(b))


def _words(a: Any, b: Any) -> bool:
    return fold(str(a)) == fold(str(b))


def _some(a: Iterable[Any], b: Iterable[Any]) -> bool:
    """Whether two lists share a value."""
    return bool({fold(str(value)) for value in a} & {fold(str(value)) for value in b})


# In the order in which a person reads them: who it is, where and when held, how it ended.
OF_THE_PERSON: dict[str, Agree] = {
    "full_name": _words,
    "aliases": _some,
    "father_name": _words,
    "birth_date": _dates,
    "age": _words,
    "gender": _words,
    "nationalities": _some,
    "category": _words,
    "groups": _some,
    "died_on": _dates,
}
OF_A_DETENTION: dict[str, Agree] = {
    "detained_on": _dates,
    "facility": _words,
    "legal_status": _words,
    "held_on": _dates,
}
OF_A_RELEASE: dict[str, Agree] = {"released_on": _dates, "kind": _words, "conditions": _some}
# A place nobody registered stands under a name of its own among the facts, and is a place all the same.
AS_SAID = {"facility_as_said": "facility"}


def side_by_side(a: Person, b: Person, reader: Reader) -> list[ComparedField]:
    """Every field of which a report of either person states a value.

    `agrees`: whether some value of `a` fits some value of `b`; null where only one of them has any.
    """
    of_a, of_b = _stated(a, reader), _stated(b, reader)
    compared: list[ComparedField] = []
    for field, agree in (OF_THE_PERSON | OF_A_DETENTION | OF_A_RELEASE).items():
        values_a, values_b = of_a.get(field, []), of_b.get(field, [])
        if values_a or values_b:
            fits = any(agree(x["value"], y["value"]) for x in values_a for y in values_b)
            both = bool(values_a and values_b)
            compared.append({"field": field, "a": values_a, "b": values_b, "agrees": fits if both else None})
    return compared


def _stated(person: Person, reader: Reader) -> dict[str, list[Said]]:
    """Field → what the sources say of it, over all detentions of the person."""
    shown = shapes.detainee(person, reader)
    stated: dict[str, list[Said]] = {}
    _add(stated, shown["facts"], OF_THE_PERSON)
    for detention in shown["detentions"]:
        _add(stated, detention["facts"], OF_A_DETENTION)
    for spell in person.releases:
        _add(stated, shapes.release(person, spell, reader)["facts"], OF_A_RELEASE)
    return stated


def _add(stated: dict[str, list[Said]], facts: Facts, fields: Container[str]) -> None:
    for name, fact in facts.items():
        field = AS_SAID.get(name, name)
        if field in fields:
            stated.setdefault(field, []).extend(fact["said"])


# Places listed at once: the rest are named by few reports, and come up when these are registered.
MOST_FACILITIES = 100
# By so much a pair that a curator could not decide falls behind every pair nobody has looked at; scores end at 1000.
LOOKED_AT = 2000
APART = -1  # releases on days apart come after the pairs, and so do reports that contradict what they point at
HIDDEN = 3000  # people who are hidden, or should be, until a curator looks come before all else
OF = "review"  # of cursors
BY_CURATOR = col(Decision.decided_by) == "curator"


def review(
    session: Session, query: Paged, reader: Reader, revision: int, filed_by_day: alerts.FiledByDay
) -> Page[filed.WaitingShape]:
    """What waits for a curator, best first: people hidden provisionally; pairs that may be one person, and records that
    contradict others of their own person; then releases on days apart and reports that contradict what they point at;
    then the pairs that a curator has looked at and could not decide. Beside them the bursts of reports, by what the
    process has counted before."""
    parts = (_hidden_at, _pending, _hidden_pairs, _contradictions, _apart_at, _contradicting)
    waiting = union_all(*(part(revision) for part in parts)).subquery()
    score, key, other = waiting.c.score, waiting.c.key, waiting.c.other
    statement = select(waiting)
    after = read_cursor(query.cursor, OF, 3)
    if after is not None:
        further = tuple_(key, other) > tuple_(literal(after[1]), literal(after[2]))
        statement = statement.where(or_(score < after[0], (score == after[0]) & further))
    rows = session.execute(statement.order_by(score.desc(), key, other).limit(query.limit + 1)).all()
    more, rows = len(rows) > query.limit, rows[: query.limit]
    people = person_records.people(
        session, {key for row in rows for key in (row.a, row.b) if key is not None}, revision
    )
    shown = [_SHAPES[row.kind](session, row, people, reader, revision) for row in rows]
    cursor = write_cursor(OF, [rows[-1].score, rows[-1].key, rows[-1].other]) if more else None

    def beside() -> Beside:
        return {"unknown_facilities": _unknown_facilities(session), "bursts": told_bursts(session, filed_by_day)}

    return Page(shown, cursor, beside)


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
    placement: Any = aliased(Placement)
    other: Any = aliased(Placement)
    return (
        select(
            literal("pair"), col(HiddenCandidatePair.score), col(HiddenCandidatePair.record),
            col(HiddenCandidatePair.other), other.detainee, placement.detainee,
        )
        .join(placement, (placement.record == HiddenCandidatePair.record) & at(placement, revision))
        .join(other, (other.record == HiddenCandidatePair.other) & at(other, revision))
        .where(
            placement.detainee != other.detainee,
            ~_judged_different(placement.detainee, other.detainee, revision),
            ~_waits_in_the_log(placement.detainee, other.detainee, revision),
        )
    )  # fmt: skip


def _waits_in_the_log(person: Any, other: Any, revision: int) -> Any:
    pair = tuple_(col(PendingPair.detainee_a), col(PendingPair.detainee_b))
    return exists(
        select(1).where(at(PendingPair, revision), or_(pair == tuple_(person, other), pair == tuple_(other, person)))
    )


def _judged_different(person: Any, other: Any, revision: int) -> Any:
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
                (of_a.detainee == person) & (of_b.detainee == other),
                (of_a.detainee == other) & (of_b.detainee == person),
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
    placement: Any = aliased(Placement)
    other: Any = aliased(Placement)
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
            col(HiddenCandidatePair.other), placement.detainee, null(),
        )
        .join(placement, (placement.record == HiddenCandidatePair.record) & at(placement, revision))
        .join(other, (other.record == HiddenCandidatePair.other) & at(other, revision))
        .join(a, a.key == HiddenCandidatePair.record)
        .join(b, b.key == HiddenCandidatePair.other)
        .where(col(HiddenCandidatePair.contradicts).is_(True), placement.detainee == other.detainee, ~judged_same)
    )  # fmt: skip


def _contradicting(revision: int) -> Select[*tuple[Any, ...]]:
    """Reports whose dates place them elsewhere than what they point at."""
    return select(
        literal("contradicted_pointer"), literal(APART), col(Placement.record), col(Placement.contradicts),
        col(Placement.detainee), null(),
    ).where(at(Placement, revision), col(Placement.contradicts).is_not(None))  # fmt: skip


def _pair(session: Session, row: Any, people: dict[int, Person], reader: Reader, revision: int) -> filed.PairOut:
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


def _looked_at(session: Session, a: int, b: int, revision: int) -> list[filed.LookedAt]:
    """The decisions of curators who could not decide about a pair, oldest first."""
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


def _apart(_session: Session, row: Any, people: dict[int, Person], reader: Reader, _revision: int) -> filed.ApartOut:
    person = people[row.a]
    return {
        "kind": "disjoint_releases",
        "detainee": shapes.detainee(person, reader),
        "release": shapes.release(person, row.key, reader),
    }


def _contradicted(
    session: Session, row: Any, people: dict[int, Person], reader: Reader, revision: int
) -> filed.ContradictedOut:
    person = people[row.a]
    report = session.get_one(Record, row.key)
    here, there = (records.placement(session, record, revision) for record in (row.key, row.other))
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


def _spell(person: Person, spell: int, reader: Reader) -> filed.SpellOut:
    return {
        "detention": shapes.detention(person, spell, reader),
        "release": shapes.release(person, spell, reader) if spell in person.releases else None,
    }


def _hidden(session: Session, row: Any, people: dict[int, Person], reader: Reader, revision: int) -> filed.HiddenOut:
    record = session.get_one(Record, row.key)
    version = records.current(session, record, revision)
    hiding = session.scalars(
        select(ProvisionalHiding).where(col(ProvisionalHiding.record) == row.key, at(ProvisionalHiding, revision))
    ).one()
    assert version is not None
    content = version.content
    return {
        "kind": "hidden",
        "detainee": shapes.detainee(people[row.a], reader),
        "source": people[row.a].slugs[record.source],
        "because": "wish" if "detainee.publish" in content and REQUESTED_CLASS not in content else "birth",
        "wanted": Publish(hiding.publish),
        "given_on": content.get("detainee.publish_given_on"),
        "against": hiding.against,
        "stopped": hiding.stopped,
        "as_of_revision": version.entry.revision,
    }


def _contradiction(
    session: Session, row: Any, people: dict[int, Person], reader: Reader, revision: int
) -> filed.ContradictionOut:
    """What two reports of one person say, each alone, and the decisions that tie the outweighed report."""
    kept = session.get_one(HiddenCandidatePair, (row.key, row.other))
    report, against = (session.get_one(Record, key) for key in (row.key, row.other))
    a, b = (
        person_records.only_person(session, record, records.newest(session, record, revision))
        for record in (report, against)
    )
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


_SHAPES: dict[str, Callable[[Session, Any, dict[int, Person], Reader, int], filed.WaitingShape]] = {
    "hidden": _hidden,
    "pair": _pair,
    "contradiction": _contradiction,
    "disjoint_releases": _apart,
    "contradicted_pointer": _contradicted,
}


def told_bursts(session: Session, filed_by_day: alerts.FiledByDay) -> list[BurstShape]:
    """The bursts of reports of the log's last days, with their sources."""
    slugs = {source.key: source.slug for source in Views.of(session).sources.values()}
    return [
        {"source": slugs[burst.source], "day": burst.day.isoformat(), "reports": burst.reports, "usual": burst.usual}
        for burst in alerts.bursts(session, filed_by_day)
    ]


def _unknown_facilities(session: Session) -> list[UnknownFacility]:
    """Places that reports name and nobody registered, the most named first: until they are registered, they are shown
    to partners only. Names are folded, so that one place is listed once."""
    prefix = blocking_keys.facility_key("")
    named = session.execute(
        select(col(BlockingKey.key), func.count().label("reports"))
        .where(col(BlockingKey.key).startswith(prefix))
        .group_by(col(BlockingKey.key))
        .order_by(func.count().desc(), col(BlockingKey.key))
    )
    known = Views.of(session).facility_names
    places = [(key.removeprefix(prefix), reports) for key, reports in named]
    unknown: list[UnknownFacility] = [{"name": name, "reports": n} for name, n in places if name not in known]
    return unknown[:MOST_FACILITIES]
