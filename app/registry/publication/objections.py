"""Objections: the person concerned, or who speaks for them, says "this is me; hide, correct or remove it", or "I am not
missing", without a key.

A request stores one row, whatever it is about (`objection_intake.py`): no answer, time or later state may confirm a
guess. On a fixed beat `settle` looks whom the objections are about, hides people provisionally, and forgets what is
over; two curators decide (`objection_decisions.py`). Hiding is an entry of kind `consent` with `objection`, without a
word of the objection: it closes today's class alone.
"""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, bindparam, delete, exists, func, or_, select, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.db.engine import chunks
from app.models import (
    OPEN,
    Consent,
    Entry,
    Objection,
    ObjectionHiding,
    Placement,
    Proposal,
    Record,
    Release,
)
from app.registry.publication.objection_queue import PLACES_EACH, Target, next_to_hide, thing_at
from app.registry.records import Kind
from app.registry.write import WriteContext
from app.vocabulary import Publish

# Objections on which one person is hidden: of different networks, so that one voice is heard once.
MOST_VOICES = 5
# Objections looked up in one beat, in milliseconds; a full queue is through in half an hour, and of each network the
# first comes in its first minutes.
LOOKED_UP_AT_ONCE = 2_000
# Objections that hide or wait for a place, weighed in one beat: those that hide, and the first of every bucket at
# least. A full queue whole would hold every writer up for seconds.
WEIGHED_AT_ONCE = 10_000
# After a decision whoever asks again reaches the curators, and hides nobody: a state must not blink a list on and off.
QUIET = timedelta(days=30)
# After a hiding that nobody answered it is a day: the person concerned must not be shut out by a stranger's objection.
QUIET_UNANSWERED = timedelta(days=1)
# Curators may have to ask back after a decision; then nothing of what was written is needed.
WORDS_KEPT = timedelta(days=30)
# An objection that hides nobody and that no curators answered: somebody who still minds writes again.
UNANSWERED_KEPT = timedelta(days=30)

UNANSWERED = "objections_unanswered"
WARNED_AFTER = timedelta(days=1)
UNDECIDED = ("waiting", "open", "hiding", "upheld")

_QUEUED = ("received", "waiting", "open")
_OF_PEOPLE: Select[*tuple[Any, ...]] = (
    select(
        col(Objection.id), col(Objection.state), col(Objection.network), col(Objection.received_at),
        col(Objection.hidden_at), col(Record.id).label("id_of_record"), col(Record.publish_now),
        col(Placement.detainee),
    )
    .join(Record, col(Record.key) == col(Objection.record))
    .join(Placement, (col(Placement.record) == col(Record.key)) & (col(Placement.until) == OPEN))
)  # fmt: skip
_IDS: dict[Kind, Any] = {"detainee": Record.detainee_id, "detention": Record.detention_id, "release": Record.release_id}


def is_due(session: Session, now: datetime) -> bool:
    """Whether a beat finds anything to do, told without a lock."""
    due = or_(col(Objection.state).in_(("received", "waiting")), *_over(now))
    return session.scalars(select(col(Objection.id)).where(due).limit(1)).first() is not None


def settle(context: WriteContext) -> None:
    """One beat: forget what is over, look whom new objections are about, and hide whose turn it is."""
    context.session.connection().execute(delete(Objection).where(or_(*_over(context.now))))
    _forget_first_decisions(context.session)
    _look_up(context.session)
    _place(context)


def _forget_first_decisions(session: Session) -> None:
    """Delete what one curator decided of objections that are gone: it must not be half of a later decision."""
    placed: Any = aliased(Placement)
    objected: Any = aliased(Placement)
    undecided = (
        exists()
        .where(placed.record == col(Proposal.a), placed.until == OPEN)
        .where(objected.detainee == placed.detainee, objected.until == OPEN)
        .where(col(Objection.record) == objected.record, col(Objection.state).in_(UNDECIDED))
    )
    session.connection().execute(delete(Proposal).where(col(Proposal.kind) == "objection", ~undecided))


def _over(now: datetime) -> tuple[Any, ...]:
    unanswered = (col(Objection.state).in_(_QUEUED)) & (col(Objection.received_at) < now - UNANSWERED_KEPT)
    return col(Objection.decided_at) < now - WORDS_KEPT, unanswered


def _look_up(session: Session) -> None:
    """Find the records that new objections name. Those that name none are deleted, of whatever made-up id they were."""
    new = session.execute(
        select(col(Objection.id), col(Objection.about), col(Objection.wish))
        .where(col(Objection.state) == "received")
        .order_by(col(Objection.slot) % PLACES_EACH, col(Objection.received_at))
        .limit(LOOKED_UP_AT_ONCE)
    ).all()
    named: dict[Kind, dict[uuid.UUID, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for row in new:
        thing = thing_at(row.about)
        if thing is not None:
            named[thing[0]][thing[1]].append(row)
    known: dict[uuid.UUID, tuple[int, bool]] = {}
    for kind, things in named.items():
        for thing_id, record, shown in _records_at(session, kind, things):
            known |= {row.id: (record, shown and row.wish != "not_missing") for row in things[thing_id]}
    run = session.connection().execute
    for some in chunks(row.id for row in new if row.id not in known):
        run(delete(Objection).where(col(Objection.id).in_(some)))
    found = [{"of": of, "is": record, "in": "waiting" if hides else "open"} for of, (record, hides) in known.items()]
    if found:
        to: dict[str, Any] = {"record": bindparam("is"), "state": bindparam("in")}
        run(update(Objection).where(col(Objection.id) == bindparam("of")).values(to), found)


def _records_at(session: Session, kind: Kind, things: Collection[uuid.UUID]) -> Iterable[tuple[uuid.UUID, int, bool]]:
    """`(id, record, whether the public can read that address)` of the ids that derive from records of people who were
    not erased. Only an address that its sender can read hides anybody; the others reach the curators."""
    stood: Any = aliased(Placement)
    known = [exists().where((stood.detainee if kind == "detainee" else stood.spell) == col(Record.key))]
    if kind == "release":
        known.append(exists().where(col(Release.spell) == col(Placement.spell), col(Release.until) == OPEN))
    for some in chunks(things):
        rows = session.execute(
            select(_IDS[kind], col(Record.key), *(condition.label(f"known_{n}") for n, condition in enumerate(known)))
            .join(Placement, (col(Placement.record) == col(Record.key)) & (col(Placement.until) == OPEN))
            .where(_IDS[kind].in_(some), col(Record.redacted).is_(False))
        )
        yield from ((row[0], row[1], all(row[2:])) for row in rows)


def _place(context: WriteContext) -> None:
    """Hide whose turn it is, and end the hidings that give their places up."""
    session, now = context.session, context.now
    hidden: dict[int, Target] = {}
    waiting: dict[int, list[Row[Any]]] = {}
    for person, rows in _by_person(session).items():
        hiding = [row for row in rows if row.state == "hiding"]
        others = [row for row in rows if row.state == "waiting"]
        if hiding:
            networks = _hide(session, others, now, {row.network for row in hiding})
            hidden[person] = Target(person, networks, min(row.hidden_at for row in hiding))
        elif others[0].publish_now == Publish.COUNTED:  # hidden already: it needs no place
            _set(session, others, state="open")
        else:
            waiting[person] = others
    candidates = {
        person: Target(person, frozenset(row.network for row in rows), rows[0].received_at)
        for person, rows in _not_answered(session, waiting, now).items()
    }
    while (move := next_to_hide(hidden.values(), candidates.values(), now)) is not None:
        first, giver = move
        if giver is not None:
            _give_up(context, giver.person)
            del hidden[giver.person]
        rows = waiting[first.person]
        _open_hiding(context, rows[0])
        networks = _hide(session, rows, now)
        hidden[first.person] = Target(first.person, networks, now)
        del candidates[first.person]


def _by_person(session: Session) -> dict[int, list[Row[Any]]]:
    """Person → the objections that hide, or wait for a place; oldest first, where no more wait than one beat weighs."""
    rows = session.execute(
        _OF_PEOPLE.where(col(Objection.state).in_(("waiting", "hiding")))
        # Those that hide have no slot any more.
        .order_by(col(Objection.slot).is_not(None), col(Objection.slot) % PLACES_EACH, col(Objection.received_at))
        .limit(WEIGHED_AT_ONCE)
    )
    return _grouped(rows)


def _grouped(rows: Iterable[Row[Any]]) -> dict[int, list[Row[Any]]]:
    by_person: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row.received_at, row.id)):
        by_person[row.detainee].append(row)
    return by_person


def _hide(session: Session, rows: Sequence[Row[Any]], now: datetime, heard: Collection[str] = ()) -> frozenset[str]:
    """Let objections hide their person together with those of the networks `heard`: the first of each other network,
    MOST_VOICES in all. The rest reach the curators alone. Returns the networks."""
    taken: dict[str, Row[Any]] = {}
    for row in rows:
        if row.network not in heard and len(heard) + len(taken) < MOST_VOICES:
            taken.setdefault(row.network, row)
    _set(session, taken.values(), state="hiding", hidden_at=now, slot=None)
    _set(session, [row for row in rows if row not in taken.values()], state="open")
    return frozenset(heard) | taken.keys()


def _open_hiding(context: WriteContext, row: Row[Any]) -> None:
    context.write("consent", {"record": str(row.id_of_record), "objection": "received"})


def keep_hiding(context: WriteContext, revision: int) -> None:
    """Hide on their own objections the people who were hidden together with others, and whom the entry of this revision
    parted from these, be it of an identity or a recall: in its transaction, so that nobody is shown for a moment."""
    session, now = context.session, context.now
    for person, rows in _parted(session, revision).items():
        undecided = [row for row in rows if row.state != "upheld"]
        hiding = [row for row in undecided if row.state == "hiding"]
        if len(undecided) < len(rows):
            _open_hiding(context, rows[0])
        elif rows[0].publish_now == Publish.COUNTED:  # hidden anyway: it needs no place
            _set(session, undecided, state="open")
        elif hiding or _not_answered(session, {person: undecided}, now):
            _open_hiding(context, rows[0])
            others = [row for row in undecided if row.state != "hiding"]
            _hide(session, others, now, {row.network for row in hiding})


def _parted(session: Session, revision: int) -> dict[int, list[Row[Any]]]:
    """Person → the undecided objections that would hide them, oldest first, of people whom no objection hides any more,
    and one hid until the entry of this revision."""
    before: Any = aliased(Placement)
    of_hidden: Any = aliased(Placement)
    hides = exists().where(col(ObjectionHiding.record) == of_hidden.record, col(ObjectionHiding.until) == OPEN)
    rows = session.execute(
        _OF_PEOPLE.join(before, before.record == col(Objection.record)).where(
            col(Objection.state).in_(UNDECIDED),
            or_(col(Objection.wish) != "not_missing", col(Objection.state) == "upheld"),
            before.since < revision,
            before.until >= revision,
            hides.where(of_hidden.detainee == before.detainee, of_hidden.since < revision, of_hidden.until >= revision),
            ~hides.where(of_hidden.detainee == col(Placement.detainee), of_hidden.until == OPEN),
        )
    )
    return _grouped(rows)


def _not_answered(session: Session, waiting: dict[int, list[Row[Any]]], now: datetime) -> dict[int, list[Row[Any]]]:
    """Those of the waiting people who may be hidden now. Objections to people about whom curators decided lately go to
    the curators alone, unless a consent changed since what is shown of them; after a hiding that nobody answered they
    wait for a day."""
    eligible = dict(waiting)
    of_person = (col(Placement.record) == col(ObjectionHiding.record)) & (col(Placement.until) == OPEN)
    consented: Any = aliased(Placement)
    new = (
        exists()
        .where(col(Consent.record) == consented.record, consented.until == OPEN)
        .where(consented.detainee == col(Placement.detainee), col(Consent.key) > col(ObjectionHiding.until))
    )
    for some in chunks(waiting):
        answered = session.execute(
            select(col(Placement.detainee), col(ObjectionHiding.lapsed), col(Entry.recorded_at))
            .join(Placement, of_person)
            .join(Entry, col(Entry.revision) == col(ObjectionHiding.until))
            .where(col(Placement.detainee).in_(some), col(Entry.recorded_at) > now - QUIET, ~new)
        )
        for person, lapsed, at in answered:
            if not lapsed:
                _set(session, waiting[person], state="open")
            if not lapsed or at > now - QUIET_UNANSWERED:
                eligible.pop(person, None)
    return eligible


def _give_up(context: WriteContext, person: int) -> None:
    """End a hiding that nobody answered: the person is shown again, and the objection stays before the curators."""
    for record in hidden_records(context.session, person):
        context.write("consent", {"record": str(record), "objection": "lapsed"})
    rows = context.session.execute(
        select(col(Objection.id))
        .join(Placement, (col(Placement.record) == col(Objection.record)) & (col(Placement.until) == OPEN))
        .where(col(Placement.detainee) == person, col(Objection.state) == "hiding")
    )
    _set(context.session, rows.all(), state="open")


def hidden_records(session: Session, person: int) -> Sequence[uuid.UUID]:
    """The records of a person that an objection hides."""
    return session.scalars(
        select(col(Record.id))
        .join(ObjectionHiding, (col(ObjectionHiding.record) == col(Record.key)) & (col(ObjectionHiding.until) == OPEN))
        .join(Placement, (col(Placement.record) == col(Record.key)) & (col(Placement.until) == OPEN))
        .where(col(Placement.detainee) == person)
        .order_by(col(Record.key))
    ).all()


def _set(session: Session, rows: Iterable[Row[Any]], **values: Any) -> None:
    for some in chunks(row.id for row in rows):
        session.connection().execute(update(Objection).where(col(Objection.id).in_(some)).values(values))


def standing(session: Session) -> dict[str, int]:
    """How many people are hidden on unanswered objections, and how many objections wait."""
    number = (
        select(col(Objection.state), func.count(), func.count(col(Placement.detainee).distinct()))
        .outerjoin(Placement, (col(Placement.record) == col(Objection.record)) & (col(Placement.until) == OPEN))
        .group_by(col(Objection.state))
    )
    states = {state: (rows, people) for state, rows, people in session.execute(number)}
    waiting = sum(states.get(state, (0, 0))[0] for state in (*_QUEUED, "upheld"))
    return {"hidden_on_objections": states.get("hiding", (0, 0))[1], "objections_waiting": waiting}


def warnings(session: Session, now: datetime) -> list[str]:
    """The warning for the operator, where curators have not answered for a day. Earlier, and as a number, it would tell
    everybody who polls that whoever just left the lists left them on an objection, and not by a curator's consent."""
    hidden_at = select(func.min(col(Objection.hidden_at))).where(col(Objection.state) == "hiding")
    oldest = session.execute(hidden_at).scalar_one()
    return [UNANSWERED] if oldest is not None and oldest <= now - WARNED_AFTER else []
