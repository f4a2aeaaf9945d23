"""Choose the effective version of reports and claims when entries are recalled or restored.

The effective version is the newest that no recall withdraws, or none. A restored version gets a new row, valid from
that revision on, which names the entry that contains it. So one log entry moves any number of reports, and earlier
revisions do not change.
"""

import uuid
from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Literal, NamedTuple

from sqlalchemy import bindparam, delete, exists, insert, literal, or_, select, update
from sqlmodel import Session, col

from app.db.engine import Key, split_into_chunks
from app.db.write_buffer import WriteBuffer
from app.log.entries import LogEntry, load_entries
from app.models import OPEN, BlockingKey, Claim, RecalledEntry, Record, Report, RequestedClass
from app.projection.statements import restore_content
from app.registry.identity import blocking_keys
from app.registry.identity.clusters import IDS_PARAMETER, select_in_chunks
from app.registry.publication import classes
from app.vocabulary import Review

RevisionRanges = Sequence[Sequence[int]]  # `[first, last]` revisions, in order

INSERT_BLOCKING_KEYS = insert(BlockingKey)
_DELETE_BLOCKING_KEYS = delete(BlockingKey).where(col(BlockingKey.record).in_(IDS_PARAMETER))
_DELETE_WISHES = delete(RequestedClass).where(col(RequestedClass.record).in_(IDS_PARAMETER))
_SELECT_MOVED_RECORDS = select(col(Record.key), col(Record.id), col(Record.source), col(Record.publish_now)).where(
    col(Record.key).in_(IDS_PARAMETER)
)
APPROVED, REJECTED = "approved", "rejected"  # the decisions of a review
_SET_REVIEW = update(Report).where(col(Report.stated).in_(IDS_PARAMETER)).values(review=bindparam("review_state"))
_SELECT_CURRENT_OF_ENTRIES = select(col(Report.record)).where(
    col(Report.stated).in_(IDS_PARAMETER), col(Report.until) == OPEN
)
_SELECT_COUNTED = (
    select(col(Report.record), col(Report.stated))
    .where(
        col(Report.record).in_(IDS_PARAMETER),
        col(Report.since) == col(Report.stated),
        or_(col(Report.review).is_(None), col(Report.review) == Review.UNREVIEWED),
        ~exists().where(col(RecalledEntry.revision) == col(Report.stated), col(RecalledEntry.until) == OPEN),
    )
    .order_by(col(Report.record), col(Report.stated))
)
_UNDO_RECALL = (
    update(RecalledEntry)
    .where(col(RecalledEntry.since) == bindparam("recall_revision"), col(RecalledEntry.revision).in_(IDS_PARAMETER))
    .values(until=bindparam("new_revision"))
)


class VersionMove(NamedTuple):
    """The effective version of a report or a claim before and after a recall, by the revision of its entry, or None."""

    old_revision: int | None
    new_revision: int | None


class _VersionStatements:
    """The statements for one table of versions. Versions of one record or claim share the value of column `key`.

    Statements are built once: building one costs more than running it."""

    def __init__(self, table: Any, key: str) -> None:
        is_filed = col(table.since) == col(table.stated)  # not a restored version
        is_recalled = exists().where(col(RecalledEntry.revision) == col(table.stated), col(RecalledEntry.until) == OPEN)
        owner = getattr(table, key)
        columns = {column.name: column for column in table.__table__.columns}
        restored_columns = columns | {"since": bindparam("new_revision", type_=Key), "until": literal(OPEN, Key)}
        self.is_filed = is_filed
        self.select_owners = select(col(table.since), owner).where(col(table.since).in_(IDS_PARAMETER), is_filed)
        self.select_unrecalled = (
            select(owner, col(table.stated))
            .where(owner.in_(IDS_PARAMETER), is_filed, ~is_recalled)
            .order_by(owner, col(table.stated))
        )
        self.select_current = select(owner, col(table.stated)).where(owner.in_(IDS_PARAMETER), col(table.until) == OPEN)
        self.close_current = (
            update(table)
            .where(owner.in_(IDS_PARAMETER), col(table.until) == OPEN)
            .values(until=bindparam("new_revision"))
        )
        self.insert_restored = insert(table).from_select(
            list(restored_columns),
            select(*restored_columns.values()).where(col(table.since).in_(IDS_PARAMETER), is_filed),
        )


_STATEMENTS: dict[type[Report] | type[Claim], _VersionStatements] = {
    Report: _VersionStatements(Report, "record"),
    Claim: _VersionStatements(Claim, "key"),
}


def list_source_entries(session: Session, source: int | None, first: int, last: int) -> list[int]:
    """Return the entries between two revisions that contain a report or a claim of a source, in order.

    Without a source, the claims that curators filed."""
    reports = (
        select(col(Report.since))
        .join(Record, col(Record.key) == col(Report.record))
        .where(col(Report.since).between(first, last), _STATEMENTS[Report].is_filed, col(Record.source) == source)
    )
    claims = select(col(Claim.since)).where(
        col(Claim.since).between(first, last), _STATEMENTS[Claim].is_filed, col(Claim.filed_by) == source
    )
    return sorted([*session.scalars(reports), *session.scalars(claims)])


def filter_in_ranges(ranges: RevisionRanges, entries: Iterable[int]) -> list[int]:
    """Return the entries in one of the ranges (pure)."""
    firsts = [first for first, _last in ranges]
    return [entry for entry in entries if (n := bisect_right(firsts, entry)) and entry <= ranges[n - 1][1]]


def build_ranges(recalled_entries: Collection[int], entries: Iterable[int]) -> list[list[int]]:
    """Return the fewest ranges that contain the recalled ones of `entries` and none of the others (pure).

    `entries`: in order."""
    ranges: list[list[int]] = []
    adjoins = False
    for entry in entries:
        if entry in recalled_entries and adjoins:
            ranges[-1][1] = entry
        elif entry in recalled_entries:
            ranges.append([entry, entry])
        adjoins = entry in recalled_entries
    return ranges


def map_entries_to_owners(
    session: Session, entries: Collection[int], table: type[Report] | type[Claim]
) -> dict[int, int]:
    """Return entry → its record or claim, for the entries that contain a version in that table."""
    return dict(map(tuple, select_in_chunks(session, _STATEMENTS[table].select_owners, entries)))


def compute_moves(
    session: Session,
    table: type[Report] | type[Claim],
    entries: Collection[int],
    pending_change: Literal["recall", "undo"] | None = None,
) -> dict[int, VersionMove]:
    """Return record or claim → the move of its effective version, for the records or claims of the entries.

    `pending_change`: compute as if these entries were already recalled, or restored."""
    versions, owner_by_entry = _STATEMENTS[table], map_entries_to_owners(session, entries, table)
    owners = set(owner_by_entry.values())
    current_revisions: dict[int, int] = dict(map(tuple, select_in_chunks(session, versions.select_current, owners)))
    excluded = set(entries) if pending_change == "recall" else ()
    new_revisions = {
        owner: revision
        for owner, revision in select_in_chunks(session, versions.select_unrecalled, owners)
        if revision not in excluded
    }
    for revision, owner in owner_by_entry.items() if pending_change == "undo" else ():
        new_revisions[owner] = max(revision, new_revisions.get(owner, revision))
    return {owner: VersionMove(current_revisions.get(owner), new_revisions.get(owner)) for owner in sorted(owners)}


def apply_recall(session: Session, entry: LogEntry, source: int | None) -> Collection[uuid.UUID]:
    """Withdraw the entries that a recall names, or restore them if it undoes another recall.

    Returns the records whose effective version changed."""
    ranges: RevisionRanges = entry.body["entries"]
    entries = filter_in_ranges(ranges, list_source_entries(session, source, ranges[0][0], ranges[-1][1]))
    run = session.connection().execute
    if "undoes" in entry.body:
        for chunk in split_into_chunks(entries):
            parameters = {"recall_revision": entry.body["undoes"], "ids": chunk, "new_revision": entry.revision}
            run(_UNDO_RECALL, parameters)
    else:
        run(
            insert(RecalledEntry),
            [{"revision": recalled_entry, "since": entry.revision, "until": OPEN} for recalled_entry in entries],
        )
    _move_versions(session, Claim, entries, entry.revision)
    applied_moves = _move_versions(session, Report, entries, entry.revision)
    records = list(select_in_chunks(session, _SELECT_MOVED_RECORDS, applied_moves))
    _rebuild_blocking_keys(session, records)
    _rebuild_wishes(session, entries)
    return [record.id for record in records]


def apply_review(session: Session, entry: LogEntry, source: int) -> Collection[uuid.UUID]:
    """Set the review state of the reports that a review names.

    Returns the records whose effective version it concerns."""
    ranges: RevisionRanges = entry.body["entries"]
    revisions = filter_in_ranges(ranges, list_source_entries(session, source, ranges[0][0], ranges[-1][1]))
    is_approved = entry.body["decision"] == APPROVED
    for chunk in split_into_chunks(revisions):
        new_state = None if is_approved else Review.REJECTED.value
        session.connection().execute(_SET_REVIEW, {"ids": chunk, "review_state": new_state})
    current = select_in_chunks(session, _SELECT_CURRENT_OF_ENTRIES, revisions)
    records = list(select_in_chunks(session, _SELECT_MOVED_RECORDS, [record for (record,) in current]))
    _rebuild_blocking_keys(session, records)
    return [record.id for record in records]


def _move_versions(
    session: Session, table: type[Report] | type[Claim], entries: Collection[int], revision: int
) -> dict[int, VersionMove]:
    """Close withdrawn versions, insert restored ones, and return the moves."""
    run, versions = session.connection().execute, _STATEMENTS[table]
    applied_moves = {
        owner: move
        for owner, move in compute_moves(session, table, entries).items()
        if move.old_revision != move.new_revision
    }
    for chunk in split_into_chunks(applied_moves):
        run(versions.close_current, {"ids": chunk, "new_revision": revision})
    for chunk in split_into_chunks(
        move.new_revision for move in applied_moves.values() if move.new_revision is not None
    ):
        run(versions.insert_restored, {"ids": chunk, "new_revision": revision})
    return applied_moves


def find_counted_versions(session: Session, records: Collection[int]) -> dict[int, int]:
    """Return record → the entry of its newest version that neither awaits review nor was rejected, and stands."""
    return dict(map(tuple, select_in_chunks(session, _SELECT_COUNTED, records)))


def _rebuild_blocking_keys(session: Session, records: Iterable[Any]) -> None:
    """Rebuild the blocking keys of records from their newest version that counts."""
    buffer, by_key = WriteBuffer(session.connection()), {record.key: record for record in records}
    for chunk in split_into_chunks(by_key):
        session.connection().execute(_DELETE_BLOCKING_KEYS, {"ids": chunk})
    versions = find_counted_versions(session, by_key)
    records_by_revision = {revision: by_key[record] for record, revision in versions.items()}
    for entry in load_entries(session, records_by_revision):
        record, content = records_by_revision[entry.revision], restore_content(entry.body["said"], entry.personal)
        buffer.add(
            INSERT_BLOCKING_KEYS,
            blocking_keys.build_blocking_rows(content, record.key, record.source, record.publish_now),
        )
    buffer.flush()


def _rebuild_wishes(session: Session, entries: Collection[int]) -> None:
    """Rebuild the requested classes of records for which one of the entries requests a class."""
    wish_revisions = [entry.revision for entry in load_entries(session, entries) if classes.has_wish(entry)]
    records = set(map_entries_to_owners(session, wish_revisions, Report).values())
    for chunk in split_into_chunks(records):
        session.connection().execute(_DELETE_WISHES, {"ids": chunk})
    record_by_revision = {
        revision: record
        for record, revision in select_in_chunks(session, _STATEMENTS[Report].select_unrecalled, records)
    }
    for entry in load_entries(session, record_by_revision):
        buffer = WriteBuffer(session.connection())
        classes.buffer_wish(session, entry, record_by_revision[entry.revision], buffer)
        buffer.flush()  # the next version of the record reads it
