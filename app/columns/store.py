"""The columns of a database, held by a process and brought to the head when somebody counts.

Columns at several revisions at once, so that a question is asked of all of them together.

Most people stay as they are from one revision to the next. While nothing of a person changes lasts a *stretch*, and in
place of the keys of people and spells stand numbers of stretches: rows that are joined by key then hold at the same
revisions, and whatever chooses rows at one revision chooses them here, each with the revisions at which it holds."""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from math import inf
from threading import Event, Lock, Thread
from time import monotonic
from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from sqlalchemy import Engine, select
from sqlmodel import Session, col

from app.columns.cache import Directory, directory_of
from app.columns.loader import Columns, caught_up, is_of, read
from app.columns.rows import STANDS, Array, Places, Rows
from app.columns.table import PERSON, SINCE, Kept, Table
from app.columns.table import UNTIL as UNTIL_COLUMN
from app.db.engine import UNTIL, WRITES, is_memory, out_of_time, reading
from app.memory import give_back
from app.models import Head

# Entries after which columns are saved anew: a process that starts reads so many people again in a second, and what a
# process has written into what it mapped, page by page, is some 150 MB at a million people.
SAVED_AFTER = 3_000
KEEPING_SECONDS = 10.0  # for which the columns of a database may be brought to the head while nobody counts

log = logging.getLogger("recuento")


@dataclass
class _Holder:
    """The columns of one database, and the turn of whoever brings them to the head. `coming`: columns that are being
    read whole, by `reader`, until `released`. `given`: they come from elsewhere, and the database has no rows of
    theirs."""

    turn: Lock = field(default_factory=Lock)
    columns: Columns | None = None
    given: bool = False
    coming: Future[Columns] | None = None
    reader: Thread | None = None
    released: Event = field(default_factory=Event)


_HELD: WeakKeyDictionary[Engine, _Holder] = WeakKeyDictionary()
_HOLDING = Lock()


def columns_of(session: Session) -> Columns:
    """The columns as of the head that the session sees, or a later one; a session that writes reads its own. Raises
    OperationalError where the time of the session is over before they are read."""
    connection = session.connection()
    transaction, cached = session.get_transaction(), session.info.get(Columns)
    if cached is not None and cached[0] is transaction:
        current: Columns = cached[1]
        return current
    bounds = connection.get_execution_options()
    if bounds.get(WRITES, False):
        return read(session)  # what is not committed yet is for nobody else
    holder, until = _holder_of(connection.engine), bounds.get(UNTIL, inf)
    if not holder.turn.acquire(timeout=_left(until)):
        raise out_of_time()
    try:
        current = holder.columns = _brought_to_head(session, holder, until)
        if holder.coming is not None and holder.coming.done():
            holder.coming = None  # what was prepared is of then, and is asked for no more
    finally:
        holder.turn.release()
    session.info[Columns] = (transaction, current)
    return current


def prepare(engine: Engine) -> None:
    """Begin to read the columns of a database, so that they are there when somebody counts."""
    holder = _holder_of(engine)
    with holder.turn:
        if holder.columns is None and not is_memory(engine.url):
            _begin_to_read(engine, holder)


def give(engine: Engine, columns: Columns) -> None:
    """Let these be the columns of a database that has no rows of theirs."""
    holder = _holder_of(engine)
    with holder.turn:
        holder.columns, holder.given = columns, True


def keep(engine: Engine) -> None:
    """Bring columns that are held or saved to the head though nobody counts, so that nobody who was erased stays there.
    Saved ones are saved anew where they are old; whoever saved them, they are mapped, and memory of our own given back.
    Raises OperationalError where the database is busy."""
    holder, directory = _holder_of(engine), directory_of(engine)
    if (directory is None and holder.columns is None) or (holder.coming is not None and not holder.coming.done()):
        return
    with reading(engine, KEEPING_SECONDS) as session:
        columns = columns_of(session)
    if directory is None:
        return
    newest = directory.newest()
    if columns.head and (newest is None or newest.head + SAVED_AFTER <= columns.head):
        with holder.turn:
            columns = (holder.columns or columns).apart()
        directory.save(columns, lambda: _erased(engine))
        newest = directory.newest()
    if newest is not None and newest.name != columns.generation:
        mapped = _mapped(engine, directory)
        with holder.turn:
            holder.columns = mapped or holder.columns
        del columns
        give_back()


def share(engine: Engine, replica: Engine) -> None:
    """From now on a replica of a database has the same columns: they are of the log, wherever its rows are read."""
    holder = _holder_of(engine)
    with _HOLDING:
        _HELD[replica] = holder


def release(engine: Engine) -> None:
    """Hold the columns of a database no more, and end the reading of them: its connections are about to be closed."""
    with _HOLDING:
        holder = _HELD.pop(engine, None)
    if holder is not None:
        holder.released.set()
        if holder.reader is not None:
            holder.reader.join()


def _holder_of(engine: Engine) -> _Holder:
    with _HOLDING:
        return _HELD.setdefault(engine, _Holder())


def _brought_to_head(session: Session, holder: _Holder, until: float) -> Columns:
    held = holder.columns
    if holder.given and held is not None:
        return held
    if held is None or held.head == 0:
        held = _read_whole(session, holder, until)
    same, head = is_of(session, held)
    if not same:
        held = _read_whole(session, holder, until)
    if head <= held.head:
        return held
    return caught_up(session, held, head) or _read_whole(session, holder, until)


def _read_whole(session: Session, holder: _Holder, until: float) -> Columns:
    """All columns. They may take longer than the session is given: then they are read apart from it, and whoever asks
    meanwhile waits for the same."""
    engine = session.connection().engine
    if until == inf or is_memory(engine.url):
        directory = directory_of(engine)
        return (directory and _mapped(engine, directory)) or read(session)
    coming = holder.coming or _begin_to_read(engine, holder)
    try:
        columns = coming.result(timeout=_left(until))
    except TimeoutError:
        raise out_of_time() from None
    finally:
        if coming.done():
            holder.coming = None
    return columns


def _begin_to_read(engine: Engine, holder: _Holder) -> Future[Columns]:
    coming: Future[Columns] = Future()
    holder.coming = coming

    def run() -> None:
        try:
            columns = _mapped_or_read(engine, holder.released.is_set)
        except Exception as error:
            coming.set_exception(error)
        else:
            coming.set_result(columns)  # once the connection is given back

    holder.reader = Thread(target=run, name="columns", daemon=True)
    holder.reader.start()
    return coming


def _mapped_or_read(engine: Engine, is_released: Callable[[], bool]) -> Columns:
    """All columns, as they are saved, or from the tables. One process of a machine reads these at a time, and saves
    what it has read: the others wait for that. Raises Released."""
    directory = directory_of(engine)
    if directory is None:
        return _read(engine, is_released)
    tried = directory.newest()
    columns = _mapped(engine, directory)
    if columns is None:
        with directory.reader(is_released):
            if directory.newest() != tried:  # another process had the turn before us
                columns = _mapped(engine, directory)
            if columns is None:
                columns = _read(engine, is_released)
                directory.save(columns, lambda: _erased(engine))
                columns = _mapped(engine, directory) or columns
                give_back()
    return columns


def _read(engine: Engine, is_released: Callable[[], bool]) -> Columns:
    with reading(engine) as session:
        return read(session, is_released)


def _mapped(engine: Engine, directory: Directory) -> Columns | None:
    """The saved columns, brought to the head; None where there are none of this database, or too old ones."""
    columns = directory.mapped()
    if columns is None:
        return None
    with reading(engine) as session:
        rules = session.execute(select(col(Head.rules))).scalar_one()
        same, head = is_of(session, columns)
        if not same or head < columns.head or rules != columns.rules:
            log.warning("The saved columns are not used, since they are of other rows than the tables have")
            return None
        return columns if head == columns.head else caught_up(session, columns, head)


def _erased(engine: Engine) -> int:
    """The revision of the last erasure."""
    with reading(engine) as session:
        return int(session.execute(select(col(Head.erased))).scalar_one())


def _left(until: float) -> float:
    """Seconds until a moment, as a lock waits: -1 is for ever."""
    return -1 if until == inf else max(0.0, until - monotonic())


# A bit of one whole number for each.
MOST_REVISIONS = 64
# Beside the columns of its table, a row has the place of the first revision at which it holds, and the one behind the
# last.
FROM, TO = "from", "to"
SPELL = "spell"

# What a question reads of a table: all of it, or the rows with a text in a column of codes.
Read = tuple[Kept, tuple[str, str] | None]


class _Numbered:
    """Numbers for the stretches of some keys. `cuts`: by key, a bit for each revision at which one begins, that of the
    first revision for every key that has any."""

    def __init__(self, cuts: Array) -> None:
        self.cuts = cuts
        number = np.bitwise_count(cuts)
        self._first = np.cumsum(number, dtype=np.int32) - number
        self.total = int(number.sum(dtype=np.int64))

    def at(self, keys: Array, revisions: Array) -> Array:
        """The numbers of the stretches in which these revisions are, by their places."""
        stretches: Array = self._first[keys] + np.bitwise_count(self.cuts[keys] & _up_to(revisions))
        return stretches - 1

    def first_from(self, key: int) -> int:
        """The first number of all keys from this one on."""
        return int(self._first[key]) if key < len(self._first) else self.total


@dataclass(frozen=True, kw_only=True)
class ColumnsOver(Columns):
    """Columns at some revisions. `parted`: the rows that a question reads, by table and by the value of a column;
    `numbers`: one more than the highest number of a stretch."""

    parted: dict[Read, Rows]
    numbers: int

    @property
    def keys(self) -> int:
        return self.numbers

    @property
    def size(self) -> int:
        """The bytes that they take."""
        return sum(rows.size for rows in self.parted.values())

    def rows(self, kept: Kept, _revision: int, within: tuple[str, str] | None = None) -> Rows:
        """The rows of a table that hold at any of the revisions."""
        return self.parted[kept, within]


class _Parts(Rows):
    """Rows with columns of their own (`own`) in place of those of the table."""

    def __init__(self, table: Table, places: Places, own: dict[str, Array]) -> None:
        super().__init__(table.arrays, places)
        self._table, self._own = table, own
        self._gathered |= own

    def at(self, places: Places) -> Rows:
        return _Parts(self._table, self._places[places], {name: column[places] for name, column in self._own.items()})


def over(columns: Columns, revisions: Sequence[int], read: Sequence[Read]) -> ColumnsOver:
    """The columns at these revisions, which ascend. `read`: all that the question reads."""
    number = len(revisions)
    assert number <= MOST_REVISIONS
    places = np.repeat(np.arange(number + 1, dtype=np.uint8), np.diff([-1, *revisions, columns.head + 1]))
    held = {each: _held(columns, each, places) for each in read}
    # Of a row that begins before all of them or ends after all of them no stretch begins there.
    bit = np.append(np.uint64(1) << np.arange(number, dtype=np.uint64), np.uint64(1))
    of_people, of_spells = np.zeros(columns.keys, np.uint64), np.zeros(columns.keys, np.uint64)
    for rows in held.values():
        np.bitwise_or.at(of_people, rows.person, bit[0] | bit[rows.begin] | bit[rows.end])
    for rows in held.values():  # a stretch of a spell is one of its person, or a part of it
        if rows.spell is not None:
            np.bitwise_or.at(of_spells, rows.spell, of_people[rows.person])
    people, spells = _Numbered(of_people), _Numbered(of_spells)
    first_apart = STANDS if columns.first_apart == STANDS else spells.first_from(columns.first_apart)
    return ColumnsOver(
        head=columns.head,
        rules=columns.rules,
        leaves=columns.leaves,
        tables=columns.tables,
        classes=columns.classes,
        codes=columns.codes,
        values=columns.values,
        are_personal=columns.are_personal,
        first_apart=first_apart,
        parted={each: _parted(columns.tables[each[0].name], rows, people, spells) for each, rows in held.items()},
        numbers=max(people.total, spells.total),
    )


class _Held(NamedTuple):
    """Rows that hold at any of the revisions: where each stands, from which to before which it holds, and of whom it
    is."""

    places: Places
    begin: Array
    end: Array
    person: Array
    spell: Array | None


def _held(columns: Columns, read: Read, places: Array) -> _Held:
    """`places`: by revision, how many of those asked for come before it."""
    kept, within = read
    table = columns.tables[kept.name]
    begin, end = places[table.column(SINCE)], places[np.minimum(table.column(UNTIL_COLUMN), len(places) - 1)]
    chosen = begin < end
    if within is not None:
        chosen &= table.column(within[0]) == columns.codes.of(within[1])
    rows = np.flatnonzero(chosen)
    spell = table.column(SPELL)[rows] if SPELL in kept.columns else None
    return _Held(rows, begin[rows], end[rows], table.column(PERSON)[rows], spell)


def _parted(table: Table, rows: _Held, people: _Numbered, spells: _Numbered) -> Rows:
    """Rows parted where stretches begin."""
    cuts = people.cuts[rows.person] if rows.spell is None else spells.cuts[rows.spell]
    of, begin, end = _parts(rows.begin, rows.end, cuts)
    own = {FROM: begin, TO: end, PERSON: people.at(rows.person[of], begin)}
    if rows.spell is not None:
        own[SPELL] = spells.at(rows.spell[of], begin)
    return _Parts(table, rows.places[of], own)


def _parts(begin: Array, end: Array, cuts: Array) -> tuple[Places, Array, Array]:
    """Of which row each part is, and from which to before which revision it holds."""
    of, parts = np.arange(len(begin)), []
    cuts = cuts & ~_up_to(begin) & _up_to(end - 1)
    while len(of):
        first = cuts & (~cuts + np.uint64(1))
        until = np.where(cuts, np.bitwise_count(first - np.uint64(1)), end)
        parts.append((of, begin, until))
        longer = np.flatnonzero(cuts)
        of, begin, end, cuts = of[longer], until[longer], end[longer], (cuts ^ first)[longer]
    if not parts:
        return of, begin, end
    places, begins, ends = zip(*parts, strict=True)
    return np.concatenate(places), np.concatenate(begins), np.concatenate(ends)


def _up_to(revisions: Array) -> Array:
    """The bits of all revisions up to each of these, by their places."""
    bits: Array = (np.uint64(2) << revisions.astype(np.uint64)) - np.uint64(1)
    return bits
