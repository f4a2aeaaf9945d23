"""The people of records that a recall withdraws: what was decided about a person by such a record holds for everybody
who was that person with it.

A thief could otherwise show people: by a report that is tied to them, whose ids the family or an objection then names.
Hiding too much is the safe side, and curators can end it. Where nobody else is left, the objection ends after the usual
days, and the hiding waits for the record to stand again.

Recall what a stolen key wrote: all its reports and claims since a moment are withdrawn by one entry, shown before
that is done, and stand again by another.

The log says which entries of the source are recalled, never by which key they were written: whom of an organisation a
key belongs to is nobody's business. Which key wrote what is kept beside the log (`written_by`)."""

import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from sqlalchemy import exists, insert, or_, select, update
from sqlmodel import Session, col

from app import dates
from app.db.engine import chunks
from app.errors import Conflict, Invalid, NotFound
from app.log import head
from app.log.entries import MOMENT, entry_at, last_revision_at
from app.models import (
    OPEN,
    ApiKey,
    Claim,
    Consent,
    Detainee,
    Objection,
    ObjectionHiding,
    Placement,
    RecalledEntry,
    Record,
    Report,
    WrittenBy,
)
from app.registry import api_keys, effective_versions, records, two_person_rule, waiting_reports
from app.registry.effective_versions import Move, entries_of, ranges_of, within
from app.registry.identity.clusters import of_one_person_with
from app.registry.publication import objections
from app.registry.publication.classes import stricter
from app.registry.publication.objections import UNDECIDED
from app.registry.write import Outcome, WriteContext, new_id
from app.schemas.reports import Code, Flag, Shape
from app.vocabulary import Publish

GIVEN_BY = "the registry: so said a consent by the id of a report that was recalled"
REASON = "The report made one person of two, or of one who is reported still."
_TEXTS = ("words", "contact")  # sealed, of an objection


class Concerned(NamedTuple):
    """A record to be withdrawn of whose person something was decided by it, and the other records of that person."""

    key: int
    id: uuid.UUID
    others: list[int]


class _Part(NamedTuple):
    """A person who stands: the oldest of the records, and the class by the log and of today."""

    record: uuid.UUID
    key: int
    publish: str
    publish_now: str


def concerned(session: Session, withdrawn: Collection[int]) -> list[Concerned]:
    """The records to be withdrawn by which something was decided, as they stand before that."""
    decided = or_(
        exists().where(col(Consent.record) == col(Record.key)),
        exists().where(col(ObjectionHiding.record) == col(Record.key), col(ObjectionHiding.until) == OPEN),
        exists().where(col(Objection.record) == col(Record.key), col(Objection.state).in_(UNDECIDED)),
    )
    found = []
    for some in chunks(withdrawn):
        mine = (col(Record.key).in_(some), col(Record.redacted).is_(False), decided)
        for record in session.scalars(select(Record).where(*mine)).all():
            others = {other.key for other in records.of_person(session, record)} - set(withdrawn)
            found.append(Concerned(record.key, record.id, sorted(others)))
    return found


def keep_decisions(context: WriteContext, before: Iterable[Concerned]) -> None:
    """Let what was decided by records that are withdrawn now hold for whoever is left of their people."""
    session = context.session
    for recalled in before:
        same = of_one_person_with(session, recalled.id)
        others = list(_parts(session, recalled.others if same is None else [same, *recalled.others]))
        mine = [part for part in others if part.key == same]
        for part in others:
            if part not in mine:  # of one person with the record its consents hold anyway
                _keep_consent(context, recalled.key, part)
        hides = (col(ObjectionHiding.record) == recalled.key, col(ObjectionHiding.until) == OPEN)
        if session.scalars(select(col(ObjectionHiding.key)).where(*hides)).first() is not None:
            for part in others:
                context.write("consent", {"record": str(part.record), "objection": "received"})
            if mine:
                context.write("consent", {"record": str(recalled.id), "objection": "lapsed"})
        _move_objections(context, recalled.key, others, mine)


def _parts(session: Session, keys: Collection[int]) -> Iterator[_Part]:
    """The people of records that stand, each by the first of these records."""
    people = set()
    for key in keys:
        row = session.execute(
            select(col(Record.id), col(Record.publish_now), col(Detainee.detainee), col(Detainee.publish))
            .join(Placement, (col(Placement.record) == col(Record.key)) & (col(Placement.until) == OPEN))
            .join(Detainee, (col(Detainee.detainee) == col(Placement.detainee)) & (col(Detainee.until) == OPEN))
            .where(col(Record.key) == key)
        ).one_or_none()
        if row is not None and row.detainee not in people:
            people.add(row.detainee)
            yield _Part(row.id, key, row.publish, row.publish_now)


def _keep_consent(context: WriteContext, recalled: int, part: _Part) -> None:
    """Write what the last consent by a recalled record said, where it is stricter than what holds. A consent opens who
    may have been a child, so that only `counted` is written about whom nobody may see anyway."""
    of_record = select(Consent).where(col(Consent.record) == recalled).order_by(col(Consent.key).desc())
    last = context.session.scalars(of_record).first()
    if last is None or not stricter(last.publish, part.publish):
        return
    if last.publish != Publish.COUNTED and part.publish_now == Publish.COUNTED:
        return
    said = entry_at(context.session, last.key).personal
    contact = False if said.get("contact") is False else None
    given = {"given_by": GIVEN_BY, "given_on": said["given_on"], "reason": REASON, "contact": contact}
    context.write("consent", {"record": str(part.record), "publish": last.publish}, given)


def _move_objections(context: WriteContext, recalled: int, parts: Sequence[_Part], mine: Sequence[_Part]) -> None:
    """Let curators find the objections to a recalled record at everybody whom it may be about."""
    run = context.session.connection().execute
    to_record = (col(Objection.record) == recalled, col(Objection.state).in_(UNDECIDED))
    for row in run(select(Objection).where(*to_record)).mappings().all():
        for part in parts:
            if part not in mine:
                own = new_id()
                texts = {name: row[name] and _moved_people(context, row[name], row["id"], own, name) for name in _TEXTS}
                run(insert(Objection), {**row, **texts, "id": own, "slot": None, "record": part.key})
    if mine:
        run(update(Objection).where(col(Objection.record) == recalled).values(record=mine[0].key))
    else:
        run(update(Objection).where(*to_record).values(state="open", slot=None))


def _moved_people(context: WriteContext, text: bytes, old: uuid.UUID, new: uuid.UUID, name: str) -> bytes:
    """A sealed text of an objection, for a copy of it."""
    return head.seal(context.secret, head.unseal(context.secret, text, old, name), new, name)


# Entries recalled by one entry of the log. Their people are projected again while every other writer waits: about a
# millisecond for each entry, so ten seconds, and who waits for thirty is refused. What is left is recalled by sending
# the same again.
MOST_RECALLED = 10_000
# Ranges in one entry, which holds 65,535 bytes: two numbers of thirteen digits each, and what is between them.
MOST_RANGES = 2_000
NOTHING = (
    "This key was revoked, and wrote no report and no claim since then that is not recalled: see `unattributed` with "
    "dry_run."
)
REPORTED_AGAIN = "All of it was reported again since, under the same case numbers: nothing is left to stand again."


class RecallIn(Shape):
    """A key and since when all that it wrote is recalled; or the revision of a recall to undo."""

    key_id: Code | None = None
    since: Annotated[str, Field(max_length=dates.MAX_TEXT)] | None = None
    undoes: Annotated[int, Field(ge=1, strict=True)] | None = None
    dry_run: Flag = False

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        given = [self.key_id is not None, self.since is not None, self.undoes is not None]
        if given not in ([True, True, False], [False, False, True]):
            detail = "Give `key_id` and `since`, to recall what the key wrote; or `undoes` alone, to undo a recall."
            raise PydanticCustomError("key_id_and_since_or_undoes", "{detail}", {"detail": detail})
        return self


@dataclass(frozen=True)
class Moved:
    """How many reports or claims stand no more, changed to another version, stand again, or stand as before, since a
    version that was written otherwise is newer."""

    withdrawn: int
    changed: int
    restored: int
    unchanged: int


@dataclass(frozen=True)
class Plan:
    """What a recall, or its undoing, would do. `entries`: those that it moves; `withdrawn`: the records that stand no
    more; `left`: how many more entries there are to move; `unattributed`: how many of the source nobody knows the key
    of; `waiting`: how many reports of the key wait under an embargo."""

    source: int
    slug: str
    entries: list[int]
    ranges: list[list[int]]
    withdrawn: list[int]
    reports: Moved
    claims: Moved
    left: int
    unattributed: int = 0
    waiting: int = 0


def recall(context: WriteContext, body: RecallIn) -> Outcome:
    """Recall what a key wrote, and end the key, also one that wrote nothing yet: what waits of it is refused on its
    day. Or undo a recall. With `dry_run` only tell what that would do.

    Raises Invalid, NotFound, and Conflict where there is nothing to do."""
    if body.undoes is not None:
        plan, nothing = _undoing(context, body.undoes), REPORTED_AGAIN
    else:
        plan, nothing = _recalling(context, str(body.key_id), _instant(str(body.since))), NOTHING
    told = {"source": plan.slug, "entries": len(plan.entries), "left": plan.left, "unattributed": plan.unattributed}
    told |= {"reports": asdict(plan.reports), "claims": asdict(plan.claims), "waiting": plan.waiting}
    if body.dry_run:
        return Outcome("recall", 200, context.log.revision, {**told, "done": False})
    if not plan.entries and (body.key_id is None or api_keys.is_revoked(context.session, body.key_id)):
        raise Conflict(nothing)
    if "recalls" in context.two_person:
        # Of one key there is one recall, since whatever instant.
        thing = f"undo {body.undoes}" if body.undoes is not None else str(body.key_id)
        what = thing if body.undoes is not None else f"{thing} {_instant(str(body.since))}"
        waits = two_person_rule.wait_about(context, "recall", plan.source, plan.source, what, body, thing)
        if waits:
            return waits
    if body.key_id is not None:
        api_keys.revoke(context.session, body.key_id, context.now)
    if not plan.entries:
        return Outcome("recall", 200, context.log.revision, {**told, "done": True})
    before = concerned(context.session, plan.withdrawn)
    undoes = {} if body.undoes is None else {"undoes": body.undoes}
    entry = context.write("recall", {"source": plan.slug, "entries": plan.ranges, **undoes})
    if body.undoes is None:
        keep_decisions(context, before)
        objections.keep_hiding(context, entry.revision)
    return Outcome("recall", 201, entry.revision, {**told, "done": True})


def is_recalled(session: Session, revision: int) -> bool:
    """Whether the entry of a revision is recalled by now."""
    standing = (col(RecalledEntry.revision) == revision, col(RecalledEntry.until) == OPEN)
    return session.scalars(select(col(RecalledEntry.since)).where(*standing)).first() is not None


def _instant(text: str) -> datetime:
    """The moment since when. Raises Invalid for a day alone, whose end is meant everywhere else."""
    try:
        if not dates.is_day(text):
            return dates.parse_instant(text)
    except dates.DateError:
        pass
    raise Invalid.at("/since", "invalid_instant", "Write the instant with its hour and zone: 2026-01-14T19:00:00Z.")


def _recalling(context: WriteContext, key_id: str, since: datetime) -> Plan:
    session = context.session
    key = session.get(ApiKey, key_id)
    if key is None:
        raise NotFound("There is no key with this id: recuento key list names them.")
    if key.source is None:
        detail = "This key writes as no source: its decisions are undone one by one."
        raise Invalid.at("/key_id", "key_of_no_source", detail)
    first, last = last_revision_at(session, since - MOMENT) + 1, context.log.revision
    every = entries_of(session, key.source, first, last)
    written = select(col(WrittenBy.revision), col(WrittenBy.key_id), col(WrittenBy.sent_at))
    writers: dict[int, str] = {}
    sent_before = set[int]()  # and waited under an embargo
    for revision, writer, sent_at in session.execute(written.where(col(WrittenBy.revision).between(first, last))):
        writers[revision] = writer
        if sent_at is not None and sent_at < since:
            sent_before.add(revision)
    recalled = select(col(RecalledEntry.revision)).where(
        col(RecalledEntry.revision).between(first, last), col(RecalledEntry.until) == OPEN
    )
    left_out = sent_before.union(session.scalars(recalled))
    wanted = [entry for entry in every if writers.get(entry) == key_id and entry not in left_out]
    slug = context.views.sources[key.source].slug
    unattributed = sum(entry not in writers for entry in every)
    plan = _plan(session, key.source, slug, wanted[:MOST_RECALLED], every, len(wanted), unattributed)
    return replace(plan, waiting=waiting_reports.number_of_key(session, key_id))


def _undoing(context: WriteContext, revision: int) -> Plan:
    """The recalled entries that can stand again: not those of a report of which a later version stands, nor of a claim
    under a case number that another one has by now, since both would count."""
    session = context.session
    of_recall = (col(RecalledEntry.since) == revision, col(RecalledEntry.until) == OPEN)
    entries = sorted(session.scalars(select(col(RecalledEntry.revision)).where(*of_recall)))
    if not entries:
        raise NotFound("There is no standing recall of this revision.")
    slug = entry_at(session, revision).body["source"]
    source = context.views.sources_by_slug[slug].key
    replaced = _covered_reports(session, entries, revision) | _replaced_claims(session, entries)
    free = [entry for entry in entries if entry not in replaced]
    every = entries_of(session, source, entries[0], entries[-1])
    return _plan(session, source, slug, free, every, len(entries), undo=True)


def _plan(
    session: Session, source: int, slug: str, entries: list[int], every: list[int], wanted: int,
    unattributed: int = 0, *, undo: bool = False,
) -> Plan:  # fmt: skip
    ranges = ranges_of(set(entries), every)[:MOST_RANGES]
    entries = within(ranges, entries)
    to_come: Literal["recall", "undo"] = "undo" if undo else "recall"
    reports, claims = (effective_versions.moves(session, table, entries, to_come) for table in (Report, Claim))
    withdrawn = [record for record, move in reports.items() if move.then is None]
    left, moved = wanted - len(entries), (_moved(reports.values()), _moved(claims.values()))
    return Plan(source, slug, entries, ranges, withdrawn, *moved, left, unattributed)


def _moved(moves: Collection[Move]) -> Moved:
    unchanged = sum(move.was == move.then for move in moves)
    withdrawn = sum(move.then is None for move in moves if move.was != move.then)
    restored = sum(move.was is None for move in moves if move.was != move.then)
    return Moved(withdrawn, len(moves) - unchanged - withdrawn - restored, restored, unchanged)


def _covered_reports(session: Session, entries: list[int], revision: int) -> set[int]:
    """The entries of records of which a version that was reported after the recall stands."""
    moves = effective_versions.moves(session, Report, entries)
    covered = {record for record, move in moves.items() if move.was is not None and move.was > revision}
    return {e for e, record in effective_versions.things_of(session, entries, Report).items() if record in covered}


def _replaced_claims(session: Session, entries: list[int]) -> set[int]:
    """The entries of claims that stand no more and whose case number another claim has by now."""
    of_entries = effective_versions.things_of(session, entries, Claim)
    replaced = set()
    for key in set(of_entries.values()):
        claim = session.scalars(select(Claim).where(col(Claim.key) == key).order_by(col(Claim.stated).desc())).first()
        assert claim is not None
        other = (
            col(Claim.filed_by) == claim.filed_by, col(Claim.source_record_id) == claim.source_record_id,
            col(Claim.until) == OPEN, col(Claim.key) != key,
        )  # fmt: skip
        if session.scalars(select(col(Claim.key)).where(*other)).first() is not None:
            replaced.add(key)
    return {entry for entry, key in of_entries.items() if key in replaced}
