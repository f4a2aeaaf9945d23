"""Process objections: match them to people, hide people provisionally, and delete expired ones.

An objection is sent without a key by the person concerned, or by somebody who speaks for them: "this is me; hide,
correct or remove it", or "I am not missing". A request stores one row, whatever it is about (`objection_queue.py`): no
response, response time or later state may confirm a guess. `settle_objections` runs at fixed intervals. Curators
decide (`decisions.py`). A hiding is an entry of kind `consent` with `objection`, without the text of the objection. It
closes only today's class.
"""

import uuid
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, bindparam, delete, exists, func, or_, select, update
from sqlalchemy.orm import aliased
from sqlmodel import Session, col

from app.db.engine import split_into_chunks
from app.models import (
    OPEN,
    Consent,
    Entry,
    Objection,
    ObjectionHiding,
    Placement,
    Record,
    Release,
)
from app.registry.publication.objection_queue import (
    MAX_QUEUED_OBJECTIONS,
    build_turn_order,
    get_hiding_limit,
    parse_registry_address,
)
from app.registry.records import TargetKind
from app.registry.write import WriteContext
from app.vocabulary import Publish

# Objections looked up in one run, which takes milliseconds. A full queue takes half an hour, and the first objection of
# each network is looked up first.
OBJECTION_LOOKUP_BATCH = 2_000
# Waiting objections considered in one run: a full queue would block every writer for seconds.
OBJECTION_PLACEMENT_BATCH = 10_000
# For this long after a decision, new objections reach the curators and hide nobody: a state must not be able to hide
# and show a person again and again.
QUIET_PERIOD = timedelta(days=30)
# After a decision, curators may have to ask back for this long. Then the text is deleted.
TEXT_RETENTION = timedelta(days=30)
# An undecided objection that hides nobody is deleted. Somebody who still objects writes again.
UNANSWERED_RETENTION = timedelta(days=30)

UNANSWERED_OBJECTIONS_WARNING = "objections_unanswered"
OBJECTION_WARNING_DELAY = timedelta(days=1)
UNDECIDED_STATES = ("waiting", "open", "hiding", "upheld")

_QUEUED_STATES = ("received", "waiting", "open")
_SELECT_OBJECTIONS: Select[*tuple[Any, ...]] = (
    select(
        col(Objection.id), col(Objection.state), col(Objection.network), col(Objection.received_at),
        col(Objection.hidden_at), col(Record.id).label("id_of_record"), col(Record.publish_now),
        col(Placement.detainee),
    )
    .join(Record, col(Record.key) == col(Objection.record))
    .join(Placement, (col(Placement.record) == col(Record.key)) & (col(Placement.until) == OPEN))
)  # fmt: skip
_ID_COLUMNS: dict[TargetKind, Any] = {
    "detainee": Record.detainee_id,
    "detention": Record.detention_id,
    "release": Record.release_id,
}


def has_due_objections(session: Session, now: datetime) -> bool:
    """Return whether `settle_objections` has anything to do. Takes no lock."""
    due = or_(col(Objection.state).in_(("received", "waiting")), *_build_expiry_conditions(now))
    return session.scalars(select(col(Objection.id)).where(due).limit(1)).first() is not None


def settle_objections(context: WriteContext) -> None:
    """Delete expired objections, match new ones to people, and hide those whose turn it is."""
    context.session.connection().execute(delete(Objection).where(or_(*_build_expiry_conditions(context.now))))
    _trim_queue(context.session)
    _match_new_objections(context.session)
    _assign_hidings(context)


def _build_expiry_conditions(now: datetime) -> tuple[Any, ...]:
    is_unanswered = (col(Objection.state).in_(_QUEUED_STATES)) & (
        col(Objection.received_at) < now - UNANSWERED_RETENTION
    )
    return col(Objection.decided_at) < now - TEXT_RETENTION, is_unanswered


def _trim_queue(session: Session) -> None:
    """Delete what exceeds the queue: the newest objections of the networks with the most."""
    queued = select(col(Objection.id)).where(col(Objection.state).in_(_QUEUED_STATES)).order_by(*build_turn_order())
    excess = session.scalars(queued.offset(MAX_QUEUED_OBJECTIONS)).all()
    for chunk in split_into_chunks(excess):
        session.connection().execute(delete(Objection).where(col(Objection.id).in_(chunk)))


def _match_new_objections(session: Session) -> None:
    """Find the records that new objections name, and delete objections without a record."""
    new = session.execute(
        select(col(Objection.id), col(Objection.about), col(Objection.wish))
        .where(col(Objection.state) == "received")
        .order_by(*build_turn_order())
        .limit(OBJECTION_LOOKUP_BATCH)
    ).all()
    rows_by_address: dict[TargetKind, dict[uuid.UUID, list[Any]]] = defaultdict(lambda: defaultdict(list))
    for row in new:
        address = parse_registry_address(row.about)
        if address is not None:
            rows_by_address[address[0]][address[1]].append(row)
    matches: dict[uuid.UUID, tuple[int, bool]] = {}
    for kind, rows_by_id in rows_by_address.items():
        for address_id, record, is_shown in _find_addressed_records(session, kind, rows_by_id):
            matches |= {row.id: (record, is_shown and row.wish != "not_missing") for row in rows_by_id[address_id]}
    run = session.connection().execute
    for chunk in split_into_chunks(row.id for row in new if row.id not in matches):
        run(delete(Objection).where(col(Objection.id).in_(chunk)))
    updates = [
        {"objection_id": objection_id, "new_record": record, "new_state": "waiting" if is_hiding else "open"}
        for objection_id, (record, is_hiding) in matches.items()
    ]
    if updates:
        new_values: dict[str, Any] = {"record": bindparam("new_record"), "state": bindparam("new_state")}
        run(update(Objection).where(col(Objection.id) == bindparam("objection_id")).values(new_values), updates)


def _find_addressed_records(
    session: Session, kind: TargetKind, ids: Collection[uuid.UUID]
) -> Iterable[tuple[uuid.UUID, int, bool]]:
    """Yield `(id, record, whether the public can read that address)` for ids that derive from records not erased.

    Only an objection to a public address hides its person; the others only reach the curators."""
    past_placement: Any = aliased(Placement)
    visibility_conditions = [
        exists().where((past_placement.detainee if kind == "detainee" else past_placement.spell) == col(Record.key))
    ]
    if kind == "release":
        visibility_conditions.append(
            exists().where(col(Release.spell) == col(Placement.spell), col(Release.until) == OPEN)
        )
    for chunk in split_into_chunks(ids):
        rows = session.execute(
            select(
                _ID_COLUMNS[kind],
                col(Record.key),
                *(condition.label(f"known_{n}") for n, condition in enumerate(visibility_conditions)),
            )
            .join(Placement, (col(Placement.record) == col(Record.key)) & (col(Placement.until) == OPEN))
            .where(_ID_COLUMNS[kind].in_(chunk), col(Record.redacted).is_(False))
        )
        yield from ((row[0], row[1], all(row[2:])) for row in rows)


def _assign_hidings(context: WriteContext) -> None:
    """Hide the people whose turn it is. A person hidden already needs no turn."""
    session = context.session
    waiting = session.execute(
        _SELECT_OBJECTIONS.where(col(Objection.state) == "waiting")
        .order_by(*build_turn_order())
        .limit(OBJECTION_PLACEMENT_BATCH)
    ).all()
    hiding = session.execute(_SELECT_OBJECTIONS.where(col(Objection.state) == "hiding")).all()
    hidden_people = {row.detainee for row in hiding}
    hidden_by_network = Counter(row.network for row in hiding)
    eligible = _select_eligible(session, _group_by_person(waiting), context.now)
    for row in waiting:
        if row.detainee in hidden_people or row.publish_now == Publish.COUNTED:
            _update_rows(session, [row], state="open")
        elif row.detainee in eligible and hidden_by_network[row.network] < get_hiding_limit(row.network):
            _hide_person(context, row)
            hidden_people.add(row.detainee)
            hidden_by_network[row.network] += 1


def _group_by_person(rows: Iterable[Row[Any]]) -> dict[int, list[Row[Any]]]:
    by_person: dict[int, list[Row[Any]]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: (row.received_at, row.id)):
        by_person[row.detainee].append(row)
    return by_person


def _hide_person(context: WriteContext, row: Row[Any]) -> None:
    """Hide the person of an objection, which now hides."""
    _open_hiding(context, row)
    _update_rows(context.session, [row], state="hiding", hidden_at=context.now)


def _open_hiding(context: WriteContext, row: Row[Any]) -> None:
    context.write_entry("consent", {"record": str(row.id_of_record), "objection": "received"}, closes=True)


def rehide_separated_people(context: WriteContext, revision: int) -> None:
    """Hide people again whom the identity or recall entry of this revision separated from a hidden person.

    They are hidden on their own objections, in the entry's transaction, so that nobody is shown for a moment."""
    session = context.session
    for person, rows in _find_separated_objections(session, revision).items():
        undecided = [row for row in rows if row.state != "upheld"]
        hiding = [row for row in undecided if row.state == "hiding"]
        if len(undecided) < len(rows):
            _open_hiding(context, rows[0])
        elif rows[0].publish_now == Publish.COUNTED:  # hidden already: it needs no place
            _update_rows(session, undecided, state="open")
        elif hiding:
            _open_hiding(context, rows[0])
        elif _select_eligible(session, {person: undecided}, context.now):
            _hide_person(context, rows[0])


def _find_separated_objections(session: Session, revision: int) -> dict[int, list[Row[Any]]]:
    """Return person → undecided objections, oldest first, for people who lost their hiding by this revision's entry."""
    previous_placement: Any = aliased(Placement)
    hidden_placement: Any = aliased(Placement)
    is_hidden = exists().where(
        col(ObjectionHiding.record) == hidden_placement.record, col(ObjectionHiding.until) == OPEN
    )
    rows = session.execute(
        _SELECT_OBJECTIONS.join(previous_placement, previous_placement.record == col(Objection.record)).where(
            col(Objection.state).in_(UNDECIDED_STATES),
            or_(col(Objection.wish) != "not_missing", col(Objection.state) == "upheld"),
            previous_placement.since < revision,
            previous_placement.until >= revision,
            is_hidden.where(
                hidden_placement.detainee == previous_placement.detainee,
                hidden_placement.since < revision,
                hidden_placement.until >= revision,
            ),
            ~is_hidden.where(hidden_placement.detainee == col(Placement.detainee), hidden_placement.until == OPEN),
        )
    )
    return _group_by_person(rows)


def _select_eligible(session: Session, waiting: dict[int, list[Row[Any]]], now: datetime) -> dict[int, list[Row[Any]]]:
    """Return the waiting people who may be hidden now.

    For QUIET_PERIOD after a decision, objections only reach the curators, unless a later consent changed what is
    shown."""
    eligible = dict(waiting)
    has_same_record = (col(Placement.record) == col(ObjectionHiding.record)) & (col(Placement.until) == OPEN)
    consent_placement: Any = aliased(Placement)
    has_new_consent = (
        exists()
        .where(col(Consent.record) == consent_placement.record, consent_placement.until == OPEN)
        .where(consent_placement.detainee == col(Placement.detainee), col(Consent.key) > col(ObjectionHiding.until))
    )
    for chunk in split_into_chunks(waiting):
        answers = session.execute(
            select(col(Placement.detainee))
            .select_from(ObjectionHiding)
            .join(Placement, has_same_record)
            .join(Entry, col(Entry.revision) == col(ObjectionHiding.until))
            .where(col(Placement.detainee).in_(chunk), col(Entry.recorded_at) > now - QUIET_PERIOD, ~has_new_consent)
            .where(col(ObjectionHiding.lapsed).is_(False))
        )
        for (person,) in answers:
            _update_rows(session, waiting[person], state="open")
            eligible.pop(person, None)
    return eligible


def find_hidden_records(session: Session, person: int) -> Sequence[uuid.UUID]:
    """Return the records of a person that an objection hides."""
    return session.scalars(
        select(col(Record.id))
        .join(ObjectionHiding, (col(ObjectionHiding.record) == col(Record.key)) & (col(ObjectionHiding.until) == OPEN))
        .join(Placement, (col(Placement.record) == col(Record.key)) & (col(Placement.until) == OPEN))
        .where(col(Placement.detainee) == person)
        .order_by(col(Record.key))
    ).all()


def _update_rows(session: Session, rows: Iterable[Row[Any]], **values: Any) -> None:
    for chunk in split_into_chunks(row.id for row in rows):
        session.connection().execute(update(Objection).where(col(Objection.id).in_(chunk)).values(values))


def count_objections(session: Session) -> dict[str, int]:
    """Count the people hidden on undecided objections, and the objections that wait."""
    query = (
        select(col(Objection.state), func.count(), func.count(col(Placement.detainee).distinct()))
        .outerjoin(Placement, (col(Placement.record) == col(Objection.record)) & (col(Placement.until) == OPEN))
        .group_by(col(Objection.state))
    )
    states = {state: (rows, people) for state, rows, people in session.execute(query)}
    waiting = sum(states.get(state, (0, 0))[0] for state in (*_QUEUED_STATES, "upheld"))
    return {"hidden_on_objections": states.get("hiding", (0, 0))[1], "objections_waiting": waiting}


def list_objection_warnings(session: Session, now: datetime) -> list[str]:
    """Return the warning for the operator if an objection is undecided for OBJECTION_WARNING_DELAY.

    An earlier warning, or a number, would reveal to anybody who polls that a person just left the lists because of an
    objection, and not by a curator's consent."""
    hidden_at = select(func.min(col(Objection.hidden_at))).where(col(Objection.state) == "hiding")
    oldest = session.execute(hidden_at).scalar_one()
    return [UNANSWERED_OBJECTIONS_WARNING] if oldest is not None and oldest <= now - OBJECTION_WARNING_DELAY else []
