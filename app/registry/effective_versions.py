"""Which version of a report or a claim stands once entries of its source are recalled, or stand again: the newest that
no recall withdraws, or none.

A version that stands again gets a row of its own, from that revision on, which names the entry that states its content.
So one entry moves any number of reports, and every revision before it reads as it always did.
"""

import uuid
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

from sqlalchemy import bindparam, delete, exists, insert, literal, select, update
from sqlmodel import Session, col

from app.db.engine import Key, chunks
from app.db.write_buffer import WriteBuffer
from app.log.entries import LogEntry, entries_at
from app.models import OPEN, BlockingKey, Claim, RecalledEntry, Record, Report, RequestedClass
from app.registry.identity import blocking_keys
from app.registry.publication import classes

Ranges = Sequence[Sequence[int]]  # of revisions, `[first, last]`, in order

INSERT_KEYS = insert(BlockingKey)
_AMONG: Any = bindparam("among", expanding=True)
_DELETE_KEYS = delete(BlockingKey).where(col(BlockingKey.record).in_(_AMONG))
_DELETE_WISHES = delete(RequestedClass).where(col(RequestedClass.record).in_(_AMONG))
_RECORDS = select(col(Record.key), col(Record.id), col(Record.source), col(Record.publish_now)).where(
    col(Record.key).in_(_AMONG)
)
_UNDO = (
    update(RecalledEntry)
    .where(col(RecalledEntry.since) == bindparam("undone"), col(RecalledEntry.revision).in_(_AMONG))
    .values(until=bindparam("at"))
)


class Move(NamedTuple):
    """The version of a report or a claim that stands, and the one that is to stand, each by the revision of the entry
    that states it; None for none."""

    was: int | None
    then: int | None


class _Versions:
    """The versions in one table, whose rows of one thing share the column `key`. Statements are made once."""

    def __init__(self, table: Any, key: str) -> None:
        filed = col(table.since) == col(table.stated)  # not a version that came to stand again
        recalled = exists().where(col(RecalledEntry.revision) == col(table.stated), col(RecalledEntry.until) == OPEN)
        thing = getattr(table, key)
        columns = {column.name: column for column in table.__table__.columns}
        again = columns | {"since": bindparam("at", type_=Key), "until": literal(OPEN, Key)}
        self.filed = filed
        self.of_entries = select(col(table.since), thing).where(col(table.since).in_(_AMONG), filed)
        self.counting = (
            select(thing, col(table.stated))
            .where(thing.in_(_AMONG), filed, ~recalled)
            .order_by(thing, col(table.stated))
        )
        self.standing = select(thing, col(table.stated)).where(thing.in_(_AMONG), col(table.until) == OPEN)
        self.close = update(table).where(thing.in_(_AMONG), col(table.until) == OPEN).values(until=bindparam("at"))
        self.open = insert(table).from_select(
            list(again), select(*again.values()).where(col(table.since).in_(_AMONG), filed)
        )


_OF: dict[type[Report] | type[Claim], _Versions] = {
    Report: _Versions(Report, "record"),
    Claim: _Versions(Claim, "key"),
}


def entries_of(session: Session, source: int, first: int, last: int) -> list[int]:
    """The entries between two revisions that state a report or a claim of a source, in order."""
    reports = (
        select(col(Report.since))
        .join(Record, col(Record.key) == col(Report.record))
        .where(col(Report.since).between(first, last), _OF[Report].filed, col(Record.source) == source)
    )
    claims = select(col(Claim.since)).where(
        col(Claim.since).between(first, last), _OF[Claim].filed, col(Claim.filed_by) == source
    )
    return sorted([*session.scalars(reports), *session.scalars(claims)])


def within(ranges: Ranges, entries: Iterable[int]) -> list[int]:
    """The entries that lie in one of the ranges (pure)."""
    firsts = [first for first, _last in ranges]
    return [entry for entry in entries if (n := bisect_right(firsts, entry)) and entry <= ranges[n - 1][1]]


def ranges_of(recalled: Collection[int], among: Iterable[int]) -> list[list[int]]:
    """The fewest ranges that hold the recalled ones of the entries `among`, which are in order, and no other of these
    (pure)."""
    ranges: list[list[int]] = []
    adjoins = False
    for entry in among:
        if entry in recalled and adjoins:
            ranges[-1][1] = entry
        elif entry in recalled:
            ranges.append([entry, entry])
        adjoins = entry in recalled
    return ranges


def things_of(session: Session, entries: Collection[int], table: type[Report] | type[Claim]) -> dict[int, int]:
    """Entry → the record or the claim of which it states a version, for the entries that state one of that table."""
    return dict(map(tuple, _rows(session, _OF[table].of_entries, entries)))


def moves(
    session: Session,
    table: type[Report] | type[Claim],
    entries: Collection[int],
    to_come: Literal["recall", "undo"] | None = None,
) -> dict[int, Move]:
    """Record or claim → how its standing version moves, for each of which one of the entries states a version.
    `to_come`: as if these entries were recalled by now, or stood again."""
    versions, of_entries = _OF[table], things_of(session, entries, table)
    things = set(of_entries.values())
    standing: dict[int, int] = dict(map(tuple, _rows(session, versions.standing, things)))
    without = set(entries) if to_come == "recall" else ()
    newest = {thing: at for thing, at in _rows(session, versions.counting, things) if at not in without}
    for at, thing in of_entries.items() if to_come == "undo" else ():
        newest[thing] = max(at, newest.get(thing, at))
    return {thing: Move(standing.get(thing), newest.get(thing)) for thing in sorted(things)}


def apply(session: Session, entry: LogEntry, source: int) -> Collection[uuid.UUID]:
    """Withdraw the entries that a recall names, or let them stand again where it undoes another; returns the records
    whose standing version is another now."""
    ranges: Ranges = entry.body["entries"]
    entries = within(ranges, entries_of(session, source, ranges[0][0], ranges[-1][1]))
    run = session.connection().execute
    if "undoes" in entry.body:
        for some in chunks(entries):
            run(_UNDO, {"undone": entry.body["undoes"], "among": some, "at": entry.revision})
    else:
        run(insert(RecalledEntry), [{"revision": one, "since": entry.revision, "until": OPEN} for one in entries])
    _restate(session, Claim, entries, entry.revision)
    moved = _restate(session, Report, entries, entry.revision)
    records = list(_rows(session, _RECORDS, moved))
    _index(session, records, moved)
    _recount_wishes(session, entries)
    return [record.id for record in records]


def _restate(
    session: Session, table: type[Report] | type[Claim], entries: Collection[int], revision: int
) -> dict[int, Move]:
    """Close what stands no more and open what stands again; returns what moved."""
    run, versions = session.connection().execute, _OF[table]
    moved = {thing: move for thing, move in moves(session, table, entries).items() if move.was != move.then}
    for some in chunks(moved):
        run(versions.close, {"among": some, "at": revision})
    for some in chunks(move.then for move in moved.values() if move.then is not None):
        run(versions.open, {"among": some, "at": revision})
    return moved


def _index(session: Session, records: Iterable[Any], moved: dict[int, Move]) -> None:
    """The blocking keys of records by the version that stands now."""
    buffer = WriteBuffer(session.connection())
    for some in chunks(moved):
        session.connection().execute(_DELETE_KEYS, {"among": some})
    standing = {then: record for record in records if (then := moved[record.key].then) is not None}
    for entry in entries_at(session, standing):
        record, content = standing[entry.revision], {**entry.body["said"], **entry.personal}
        buffer.add(INSERT_KEYS, blocking_keys.rows_of(content, record.key, record.source, record.publish_now))
    buffer.flush()


def _recount_wishes(session: Session, entries: Collection[int]) -> None:
    """Make the requested classes of records anew, where one of the entries asks for a class."""
    asking = [entry.revision for entry in entries_at(session, entries) if classes.asks(entry)]
    records = set(things_of(session, asking, Report).values())
    for some in chunks(records):
        session.connection().execute(_DELETE_WISHES, {"among": some})
    of_record = {at: record for record, at in _rows(session, _OF[Report].counting, records)}
    for entry in entries_at(session, of_record):
        buffer = WriteBuffer(session.connection())
        classes.add(session, entry, of_record[entry.revision], buffer)
        buffer.flush()  # the next version of the record reads it


def _rows(session: Session, statement: Any, among: Iterable[int]) -> Iterator[Any]:
    run = session.connection().execute
    for some in chunks(among):
        yield from run(statement, {"among": some})
