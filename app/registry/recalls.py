"""Recall all reports and claims that a stolen key wrote since an instant, or undo a recall.

One entry withdraws them, and another restores them. The log names the recalled entries of the source and never the key:
who in an organisation has a key is nobody's business. The table `written_by` stores which key wrote an entry.

Decisions about a person that name a withdrawn record are transferred to everybody who was that person together with
it (`transfer_decisions`). Otherwise a thief could file a report that is linked to a hidden person: if the family's
objection named that report, recalling it would end the hiding. Hiding too many people is safe, and curators can end
it. If nobody else is left, the objection expires as usual, and the hiding waits for the record to be restored.
"""

import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from sqlalchemy import exists, insert, or_, select, update
from sqlmodel import Session, col

from app import dates
from app.db.engine import split_into_chunks
from app.errors import Conflict, Invalid, NotFound
from app.log import sealing
from app.log.entries import INSTANT_RESOLUTION, find_revision_at, load_entry
from app.models import (
    OPEN,
    ApiKey,
    Claim,
    Consent,
    Detainee,
    EntryAuthor,
    Objection,
    ObjectionHiding,
    Placement,
    RecalledEntry,
    Record,
    Report,
)
from app.registry import api_keys, effective_versions, records, waiting_reports
from app.registry.claim_changes import list_key_retractions
from app.registry.effective_versions import VersionMove, build_ranges, filter_in_ranges, list_source_entries
from app.registry.identity.clusters import find_current_record_of_person
from app.registry.publication import objections
from app.registry.publication.classes import is_stricter
from app.registry.publication.objections import UNDECIDED_STATES
from app.registry.write import Outcome, WriteContext, new_id
from app.schemas.reports import Code, Flag, StrictModel
from app.vocabulary import Publish

RECALL_CONSENT_AUTHOR = "the registry: so said a consent by the id of a report that was recalled"
RECALL_CONSENT_REASON = "The report made one person of two, or of one who is reported still."
_SEALED_TEXT_FIELDS = ("words", "contact")  # of an objection


class AffectedRecord(NamedTuple):
    """A record about to be withdrawn that a decision about its person names, and that person's other records."""

    key: int
    id: uuid.UUID
    other_keys: list[int]


class _RemainingPerson(NamedTuple):
    """A person who still has records: the oldest of these, and the class by the log and of today."""

    record: uuid.UUID
    record_key: int
    publish: str
    publish_now: str


def find_affected_records(session: Session, withdrawn_keys: Collection[int]) -> list[AffectedRecord]:
    """Return the records about to be withdrawn that a consent or an objection names. Call it before the recall."""
    has_decision = or_(
        exists().where(col(Consent.record) == col(Record.key)),
        exists().where(col(ObjectionHiding.record) == col(Record.key), col(ObjectionHiding.until) == OPEN),
        exists().where(col(Objection.record) == col(Record.key), col(Objection.state).in_(UNDECIDED_STATES)),
    )
    found = []
    for chunk in split_into_chunks(withdrawn_keys):
        conditions = (col(Record.key).in_(chunk), col(Record.redacted).is_(False), has_decision)
        for record in session.scalars(select(Record).where(*conditions)).all():
            other_keys = {other.key for other in records.load_person_records(session, record)} - set(withdrawn_keys)
            found.append(AffectedRecord(record.key, record.id, sorted(other_keys)))
    return found


def transfer_decisions(context: WriteContext, affected_records: Iterable[AffectedRecord]) -> None:
    """Transfer decisions that name withdrawn records to the remaining people of these records."""
    session = context.session
    for affected in affected_records:
        current_record_key = find_current_record_of_person(session, affected.id)
        people = list(
            _load_remaining_people(
                session,
                affected.other_keys if current_record_key is None else [current_record_key, *affected.other_keys],
            )
        )
        same_people = [person for person in people if person.record_key == current_record_key]
        for person in people:
            if person not in same_people:  # consents of the record's own person stay valid
                _transfer_consent(context, affected.key, person)
        open_hiding = (col(ObjectionHiding.record) == affected.key, col(ObjectionHiding.until) == OPEN)
        if session.scalars(select(col(ObjectionHiding.key)).where(*open_hiding)).first() is not None:
            for person in people:
                context.write_entry("consent", {"record": str(person.record), "objection": "received"}, closes=True)
            if same_people:
                context.write_entry("consent", {"record": str(affected.id), "objection": "lapsed"}, closes=True)
        _move_objections(context, affected.key, people, same_people)


def _load_remaining_people(session: Session, keys: Collection[int]) -> Iterator[_RemainingPerson]:
    """Yield the people of those records that are current, each by its first record."""
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
            yield _RemainingPerson(row.id, key, row.publish, row.publish_now)


def _transfer_consent(context: WriteContext, recalled_key: int, person: _RemainingPerson) -> None:
    """Repeat the last consent of a recalled record for a person, if it is stricter than the person's class.

    A consent also opens a person who may have been a child. So for somebody who is count-only today, only a consent to
    `counted` is repeated."""
    query = select(Consent).where(col(Consent.record) == recalled_key).order_by(col(Consent.key).desc())
    last_consent = context.session.scalars(query).first()
    if last_consent is None or not is_stricter(last_consent.publish, person.publish):
        return
    if last_consent.publish != Publish.COUNTED and person.publish_now == Publish.COUNTED:
        return
    personal = load_entry(context.session, last_consent.key).personal
    contact = False if personal.get("contact") is False else None
    consent_values = {
        "given_by": RECALL_CONSENT_AUTHOR,
        "given_on": personal["given_on"],
        "reason": RECALL_CONSENT_REASON,
        "contact": contact,
    }
    body = {"record": str(person.record), "publish": last_consent.publish}
    context.write_entry("consent", body, consent_values, closes=True)


def _move_objections(
    context: WriteContext,
    recalled_key: int,
    people: Sequence[_RemainingPerson],
    same_people: Sequence[_RemainingPerson],
) -> None:
    """Copy or move the objections to a recalled record, so that curators find them for everybody they may be about."""
    execute = context.session.connection().execute
    conditions = (col(Objection.record) == recalled_key, col(Objection.state).in_(UNDECIDED_STATES))
    for row in execute(select(Objection).where(*conditions)).mappings().all():
        for person in people:
            if person not in same_people:
                copy_id = new_id()
                texts = {
                    name: row[name] and _reseal_text(context, row[name], row["id"], copy_id, name)
                    for name in _SEALED_TEXT_FIELDS
                }
                execute(insert(Objection), {**row, **texts, "id": copy_id, "record": person.record_key})
    if same_people:
        execute(update(Objection).where(col(Objection.record) == recalled_key).values(record=same_people[0].record_key))
    else:
        execute(update(Objection).where(*conditions).values(state="open"))


def _reseal_text(
    context: WriteContext, text: bytes, old_id: uuid.UUID, new_objection_id: uuid.UUID, name: str
) -> bytes:
    """Return an objection's sealed text, sealed for a copy of the objection."""
    return sealing.seal_bytes(
        context.secret, sealing.unseal_bytes(context.secret, text, old_id, name), new_objection_id, name
    )


# Entries recalled by one log entry. Their people are reprojected while every other writer waits: about a millisecond
# for each entry, ten seconds in all, and a writer is refused after thirty. The same request again recalls the rest.
MAX_RECALLED_ENTRIES = 10_000
# Ranges in one log entry of at most 65,535 bytes. A range has two numbers of up to thirteen digits, and separators.
MAX_RECALL_RANGES = 2_000
NOTHING_TO_RECALL = (
    "This key was revoked, and wrote no report and no claim since then that is not recalled: see `unattributed` with "
    "dry_run."
)
NOTHING_TO_RESTORE = "All of it was reported again since, under the same case numbers: nothing is left to stand again."


class RecallIn(StrictModel):
    """A key and since when all that it wrote is recalled; or the revision of a recall to undo."""

    key_id: Code | None = None
    since: Annotated[str, Field(max_length=dates.MAX_TEXT)] | None = None
    undoes: Annotated[int, Field(ge=1, strict=True)] | None = None
    dry_run: Flag = False

    @model_validator(mode="after")
    def _validate_fields(self) -> Self:
        present = [self.key_id is not None, self.since is not None, self.undoes is not None]
        if present not in ([True, True, False], [False, False, True]):
            detail = "Give `key_id` and `since`, to recall what the key wrote; or `undoes` alone, to undo a recall."
            raise PydanticCustomError("key_id_and_since_or_undoes", "{detail}", {"detail": detail})
        return self


@dataclass(frozen=True)
class MoveCounts:
    """How many reports or claims a recall withdraws, changes to another version, restores, or leaves unchanged.

    A report is unchanged if a newer version was not written with the key."""

    withdrawn: int
    changed: int
    restored: int
    unchanged: int


@dataclass(frozen=True)
class RecallPlan:
    """The effect of a recall or its undoing.

    `entries`: the entries to withdraw or restore. `withdrawn_keys`: the records left without a version. `remaining`:
    how many entries exceed the limit of one log entry. `unattributed`: how many entries of the source have no known
    key. `waiting`: how many reports of the key wait under an embargo. `retractions`: the revisions at which the key
    withdrew claims, which are restored one by one."""

    source: int | None
    slug: str | None
    entries: list[int]
    ranges: list[list[int]]
    withdrawn_keys: list[int]
    reports: MoveCounts
    claims: MoveCounts
    remaining: int
    unattributed: int = 0
    waiting: int = 0
    retractions: list[int] = field(default_factory=list)


def execute_recall(context: WriteContext, body: RecallIn, *, restores: bool = False) -> Outcome:
    """Recall what a key wrote and revoke the key, or undo a recall. With `dry_run`, only return the effect.

    `restores`: open at once whom the recalled entries closed, as a command on the machine does. Otherwise that waits.
    A key that wrote nothing is revoked too, so that its embargoed reports will be refused. Raises Invalid, NotFound,
    and Conflict if there is nothing to do."""
    if body.undoes is not None:
        plan, empty_detail = _plan_undo(context, body.undoes), NOTHING_TO_RESTORE
    else:
        plan, empty_detail = _plan_recall(context, str(body.key_id), parse_since(str(body.since))), NOTHING_TO_RECALL
    result: dict[str, Any] = {
        "source": plan.slug,
        "entries": len(plan.entries),
        "left": plan.remaining,
        "unattributed": plan.unattributed,
    }
    result |= {"reports": asdict(plan.reports), "claims": asdict(plan.claims), "waiting": plan.waiting}
    result["retractions"] = plan.retractions
    if body.dry_run:
        return Outcome("recall", 200, context.log.revision, {**result, "done": False})
    if not plan.entries and (body.key_id is None or api_keys.is_key_revoked(context.session, body.key_id)):
        raise Conflict(empty_detail)
    if body.undoes is not None:
        context.require_unfrozen()
    if body.key_id is not None:
        api_keys.revoke_key(context.session, body.key_id, context.now)
    if not plan.entries:
        return Outcome("recall", 200, context.log.revision, {**result, "done": True})
    affected_records = find_affected_records(context.session, plan.withdrawn_keys)
    flags = ({} if body.undoes is None else {"undoes": body.undoes}) | ({"restores": True} if restores else {})
    body_of_entry = {"source": plan.slug, "entries": plan.ranges, **flags}
    entry = context.write_entry("recall", body_of_entry, closes=body.undoes is None)
    if body.undoes is None:
        transfer_decisions(context, affected_records)
        objections.rehide_separated_people(context, entry.revision)
    return Outcome("recall", 200, entry.revision, {**result, "done": True})


def is_entry_recalled(session: Session, revision: int) -> bool:
    """Return whether the entry of a revision is recalled now."""
    conditions = (col(RecalledEntry.revision) == revision, col(RecalledEntry.until) == OPEN)
    return session.scalars(select(col(RecalledEntry.since)).where(*conditions)).first() is not None


def parse_since(text: str) -> datetime:
    """Parse `since`. Raises Invalid for a date without a time: elsewhere that means the end of the day."""
    try:
        if not dates.is_day(text):
            return dates.parse_instant(text)
    except dates.DateError:
        pass
    raise Invalid.at_pointer(
        "/since", "invalid_instant", "Write the instant with its hour and zone: 2026-01-14T19:00:00Z."
    )


def _plan_recall(context: WriteContext, key_id: str, since: datetime) -> RecallPlan:
    session = context.session
    key = session.get(ApiKey, key_id)
    if key is None:
        raise NotFound("There is no key with this id: recuento key list names them.")
    first, last = find_revision_at(session, since - INSTANT_RESOLUTION) + 1, context.log.revision
    source_entries = list_source_entries(session, key.source, first, last)
    writers_query = select(col(EntryAuthor.revision), col(EntryAuthor.key_id), col(EntryAuthor.sent_at))
    writers: dict[int, str] = {}
    sent_earlier = set[int]()  # entries that waited under an embargo and were sent before `since`
    for revision, writer, sent_at in session.execute(
        writers_query.where(col(EntryAuthor.revision).between(first, last))
    ):
        writers[revision] = writer
        if sent_at is not None and sent_at < since:
            sent_earlier.add(revision)
    recalled_query = select(col(RecalledEntry.revision)).where(
        col(RecalledEntry.revision).between(first, last), col(RecalledEntry.until) == OPEN
    )
    excluded = sent_earlier.union(session.scalars(recalled_query))
    matching_entries = [entry for entry in source_entries if writers.get(entry) == key_id and entry not in excluded]
    slug = None if key.source is None else context.views.sources[key.source].slug
    unattributed = sum(entry not in writers for entry in source_entries)
    plan = _build_plan(
        session,
        key.source,
        slug,
        matching_entries[:MAX_RECALLED_ENTRIES],
        source_entries,
        len(matching_entries),
        unattributed,
    )
    waiting, retractions = (
        waiting_reports.count_key_reports(session, key_id),
        list_key_retractions(session, key_id, since),
    )
    return replace(plan, waiting=waiting, retractions=retractions)


def _plan_undo(context: WriteContext, revision: int) -> RecallPlan:
    """Plan to restore the entries of a recall.

    Entries of a report with a later current version stay recalled, and so do those of a claim whose case number another
    claim has now: both would be counted."""
    session = context.session
    conditions = (col(RecalledEntry.since) == revision, col(RecalledEntry.until) == OPEN)
    entries = sorted(session.scalars(select(col(RecalledEntry.revision)).where(*conditions)))
    if not entries:
        raise NotFound("There is no standing recall of this revision.")
    slug = load_entry(session, revision).body["source"]
    source = None if slug is None else context.views.sources_by_slug[slug].key
    replaced_entries = _find_entries_reported_again(session, entries, revision) | _find_replaced_entries(
        session, entries
    )
    restorable = [entry for entry in entries if entry not in replaced_entries]
    source_entries = list_source_entries(session, source, entries[0], entries[-1])
    return _build_plan(session, source, slug, restorable, source_entries, len(entries), is_undo=True)


def _build_plan(
    session: Session, source: int | None, slug: str | None, entries: list[int], source_entries: list[int], total: int,
    unattributed: int = 0, *, is_undo: bool = False,
) -> RecallPlan:  # fmt: skip
    ranges = build_ranges(set(entries), source_entries)[:MAX_RECALL_RANGES]
    entries = filter_in_ranges(ranges, entries)
    pending_change: Literal["recall", "undo"] = "undo" if is_undo else "recall"
    reports, claims = (
        effective_versions.compute_moves(session, table, entries, pending_change) for table in (Report, Claim)
    )
    withdrawn_keys = [record for record, move in reports.items() if move.new_revision is None]
    remaining, counts = total - len(entries), (_count_moves(reports.values()), _count_moves(claims.values()))
    return RecallPlan(source, slug, entries, ranges, withdrawn_keys, *counts, remaining, unattributed)


def _count_moves(moves: Collection[VersionMove]) -> MoveCounts:
    unchanged = sum(move.old_revision == move.new_revision for move in moves)
    withdrawn = sum(move.new_revision is None for move in moves if move.old_revision != move.new_revision)
    restored = sum(move.old_revision is None for move in moves if move.old_revision != move.new_revision)
    return MoveCounts(withdrawn, len(moves) - unchanged - withdrawn - restored, restored, unchanged)


def _find_entries_reported_again(session: Session, entries: list[int], revision: int) -> set[int]:
    """Return the entries of records whose current version was reported after the recall."""
    moves = effective_versions.compute_moves(session, Report, entries)
    covered_records = {
        record for record, move in moves.items() if move.old_revision is not None and move.old_revision > revision
    }
    return {
        e
        for e, record in effective_versions.map_entries_to_owners(session, entries, Report).items()
        if record in covered_records
    }


def _find_replaced_entries(session: Session, entries: list[int]) -> set[int]:
    """Return the entries of recalled claims whose case number another claim has now."""
    claims_by_entry = effective_versions.map_entries_to_owners(session, entries, Claim)
    replaced_keys = set()
    for key in set(claims_by_entry.values()):
        claim = session.scalars(select(Claim).where(col(Claim.key) == key).order_by(col(Claim.stated).desc())).first()
        assert claim is not None
        conditions = (
            col(Claim.filed_by) == claim.filed_by, col(Claim.source_record_id) == claim.source_record_id,
            col(Claim.until) == OPEN, col(Claim.key) != key,
        )  # fmt: skip
        if session.scalars(select(col(Claim.key)).where(*conditions)).first() is not None:
            replaced_keys.add(key)
    return {entry for entry, key in claims_by_entry.items() if key in replaced_keys}
