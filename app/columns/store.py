"""Hold the columns of a database in the process, advance them to the head on use, and combine several revisions.

For a series, columns at several revisions are queried at once. Most people do not change between two revisions: a
period without a change is a *stretch*, and numbers of stretches replace the keys of people and spells. Rows joined by
key are then valid at the same revisions, so code that selects rows at one revision works here too, and each row has its
range of revisions."""

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

from app.columns.cache import ColumnsDirectory, get_columns_directory
from app.columns.loader import Columns, advance_columns, compare_with_database, read_columns
from app.columns.rows import OPEN_UNTIL, Array, Places, Rows
from app.columns.table import PERSON_COLUMN, SINCE_COLUMN, UNTIL_COLUMN, Table, TableSpec
from app.db.engine import DEADLINE_OPTION, WRITES_OPTION, build_timeout_error, is_memory, open_read_session
from app.log.head import read_rows_version
from app.memory import return_freed_memory
from app.models import Head

# Entries after which columns are saved again. A starting process reads the people changed since in a second, and a
# running one has copied some 150 MB of mapped pages at a million people.
SAVE_INTERVAL_ENTRIES = 3_000
REFRESH_TIMEOUT_SECONDS = 10.0  # limit for a background refresh

log = logging.getLogger("recuento")


@dataclass
class _ColumnsCache:
    """The columns of one database and the lock for advancing them.

    `pending_read`: columns being read in full by `reader_thread`, until `cancel_requested`. `is_external`: the columns
    come from a file and the database has no rows of them."""

    lock: Lock = field(default_factory=Lock)
    columns: Columns | None = None
    is_external: bool = False
    pending_read: Future[Columns] | None = None
    reader_thread: Thread | None = None
    cancel_requested: Event = field(default_factory=Event)


_CACHES: WeakKeyDictionary[Engine, _ColumnsCache] = WeakKeyDictionary()
_CACHES_LOCK = Lock()


def get_columns(session: Session) -> Columns:
    """Return the columns as of the session's head or later; a writing session reads its own.

    Raise OperationalError if the session's deadline passes first."""
    connection = session.connection()
    transaction, cached_entry = session.get_transaction(), session.info.get(Columns)
    if cached_entry is not None and cached_entry[0] is transaction:
        current: Columns = cached_entry[1]
        return current
    execution_options = connection.get_execution_options()
    if execution_options.get(WRITES_OPTION, False):
        return read_columns(session)  # uncommitted rows must not be shared
    cache, deadline = _get_cache(connection.engine), execution_options.get(DEADLINE_OPTION, inf)
    if not cache.lock.acquire(timeout=_seconds_until(deadline)):
        raise build_timeout_error()
    try:
        current = cache.columns = _advance_to_head(session, cache, deadline)
        if cache.pending_read is not None and cache.pending_read.done():
            cache.pending_read = None  # it is outdated now
    finally:
        cache.lock.release()
    session.info[Columns] = (transaction, current)
    return current


def prefetch_columns(engine: Engine) -> None:
    """Start reading the columns of a database in the background, before the first count."""
    cache = _get_cache(engine)
    with cache.lock:
        if cache.columns is None and not is_memory(engine.url):
            _start_reading(engine, cache)


def set_columns(engine: Engine, columns: Columns) -> None:
    """Set the columns of a database that has no rows of them."""
    cache = _get_cache(engine)
    with cache.lock:
        cache.columns, cache.is_external = columns, True


def refresh_columns(engine: Engine) -> None:
    """Advance loaded or saved columns to the head without a query, so that erased people do not remain in them.

    Old saved columns are saved again. The newest generation is mapped, whichever process saved it, and the process's
    own memory is released. Raise OperationalError if the database is busy."""
    cache, directory = _get_cache(engine), get_columns_directory(engine)
    if (directory is None and cache.columns is None) or (
        cache.pending_read is not None and not cache.pending_read.done()
    ):
        return
    with open_read_session(engine, REFRESH_TIMEOUT_SECONDS) as session:
        columns = get_columns(session)
    if directory is None:
        return
    newest = directory.find_newest()
    if columns.head and (newest is None or newest.head + SAVE_INTERVAL_ENTRIES <= columns.head):
        with cache.lock:
            columns = (cache.columns or columns).copy_for_saving()
        directory.save(columns, lambda: _read_last_erasure(engine))
        newest = directory.find_newest()
    if newest is not None and newest.name != columns.generation:
        mapped_columns = _map_saved_columns(engine, directory)
        with cache.lock:
            cache.columns = mapped_columns or cache.columns
        del columns
        return_freed_memory()


def share_columns(engine: Engine, replica: Engine) -> None:
    """Use the same columns for a replica: they depend on the log only."""
    cache = _get_cache(engine)
    with _CACHES_LOCK:
        _CACHES[replica] = cache


def release_columns(engine: Engine) -> None:
    """Drop the columns of a database and stop reading them, before its connections are closed."""
    with _CACHES_LOCK:
        cache = _CACHES.pop(engine, None)
    if cache is not None:
        cache.cancel_requested.set()
        if cache.reader_thread is not None:
            cache.reader_thread.join()


def _get_cache(engine: Engine) -> _ColumnsCache:
    with _CACHES_LOCK:
        return _CACHES.setdefault(engine, _ColumnsCache())


def _advance_to_head(session: Session, cache: _ColumnsCache, deadline: float) -> Columns:
    columns = cache.columns
    if cache.is_external and columns is not None:
        return columns
    if columns is None or columns.head == 0:
        columns = _load_all_columns(session, cache, deadline)
    is_same_database, head = compare_with_database(session, columns)
    if not is_same_database:
        columns = _load_all_columns(session, cache, deadline)
    if head <= columns.head:
        return columns
    return advance_columns(session, columns, head) or _load_all_columns(session, cache, deadline)


def _load_all_columns(session: Session, cache: _ColumnsCache, deadline: float) -> Columns:
    """Return all columns.

    Reading may take longer than the session's deadline, so a separate thread reads them and concurrent sessions wait
    for the same read."""
    engine = session.connection().engine
    if deadline == inf or is_memory(engine.url):
        directory = get_columns_directory(engine)
        return (directory and _map_saved_columns(engine, directory)) or read_columns(session)
    pending_read = cache.pending_read or _start_reading(engine, cache)
    try:
        columns = pending_read.result(timeout=_seconds_until(deadline))
    except TimeoutError:
        raise build_timeout_error() from None
    finally:
        if pending_read.done():
            cache.pending_read = None
    return columns


def _start_reading(engine: Engine, cache: _ColumnsCache) -> Future[Columns]:
    pending_read: Future[Columns] = Future()
    cache.pending_read = pending_read

    def run() -> None:
        try:
            columns = _map_or_read_columns(engine, cache.cancel_requested.is_set)
        except Exception as error:
            pending_read.set_exception(error)
        else:
            pending_read.set_result(columns)  # after the connection is closed

    cache.reader_thread = Thread(target=run, name="columns", daemon=True)
    cache.reader_thread.start()
    return pending_read


def _map_or_read_columns(engine: Engine, is_cancelled: Callable[[], bool]) -> Columns:
    """Return all columns, mapped or read from the tables. Raise ReadCancelled.

    One process of a machine reads at a time and saves the result; the others wait for it."""
    directory = get_columns_directory(engine)
    if directory is None:
        return _read_from_tables(engine, is_cancelled)
    tried_generation = directory.find_newest()
    columns = _map_saved_columns(engine, directory)
    if columns is None:
        with directory.take_reading_turn(is_cancelled):
            if directory.find_newest() != tried_generation:  # another process has saved meanwhile
                columns = _map_saved_columns(engine, directory)
            if columns is None:
                columns = _read_from_tables(engine, is_cancelled)
                directory.save(columns, lambda: _read_last_erasure(engine))
                columns = _map_saved_columns(engine, directory) or columns
                return_freed_memory()
    return columns


def _read_from_tables(engine: Engine, is_cancelled: Callable[[], bool]) -> Columns:
    with open_read_session(engine) as session:
        return read_columns(session, is_cancelled)


def _map_saved_columns(engine: Engine, directory: ColumnsDirectory) -> Columns | None:
    """Return the saved columns, advanced to the head; None if there are none of this database, or too old ones."""
    columns = directory.map_newest()
    if columns is None:
        return None
    with open_read_session(engine) as session:
        is_same_database, head = compare_with_database(session, columns)
        if not is_same_database or head < columns.head or read_rows_version(session) != columns.version:
            log.warning("The saved columns are not used, since they are of other rows than the tables have")
            return None
        return columns if head == columns.head else advance_columns(session, columns, head)


def _read_last_erasure(engine: Engine) -> int:
    """Return the revision of the last erasure."""
    with open_read_session(engine) as session:
        return int(session.execute(select(col(Head.erased))).scalar_one())


def _seconds_until(deadline: float) -> float:
    """Return the seconds until a deadline, as a lock timeout: -1 waits without limit."""
    return -1 if deadline == inf else max(0.0, deadline - monotonic())


# One bit of an integer per revision.
MAX_REVISIONS = 64
# The index of the first revision at which a row is valid, and that after the last.
BEGIN_COLUMN, END_COLUMN = "from", "to"
SPELL_COLUMN = "spell"

# What a query reads of a table: all rows, or those with a text in a column of codes.
TableRead = tuple[TableSpec, tuple[str, str] | None]


class _StretchNumbers:
    """Numbers of the stretches of some keys.

    `cuts`: by key, one bit for each revision at which a stretch begins; the first revision for every key that has
    any."""

    def __init__(self, cuts: Array) -> None:
        self.cuts = cuts
        counts = np.bitwise_count(cuts)
        self._first_numbers = np.cumsum(counts, dtype=np.int32) - counts
        self.total = int(counts.sum(dtype=np.int64))

    def find_numbers(self, keys: Array, revisions: Array) -> Array:
        """Return the numbers of the stretches that contain these revisions, given by index."""
        stretches: Array = self._first_numbers[keys] + np.bitwise_count(self.cuts[keys] & _mask_revisions(revisions))
        return stretches - 1

    def find_first_number(self, key: int) -> int:
        """Return the first number of the keys from this one on."""
        return int(self._first_numbers[key]) if key < len(self._first_numbers) else self.total


@dataclass(frozen=True, kw_only=True)
class ColumnsAtRevisions(Columns):
    """Columns at several revisions.

    `split_rows`: the rows that the query reads, by table and column filter. `stretch_count`: one more than the highest
    number of a stretch."""

    split_rows: dict[TableRead, Rows]
    stretch_count: int

    @property
    def key_count(self) -> int:
        return self.stretch_count

    @property
    def size(self) -> int:
        """The size of the rows in bytes."""
        return sum(rows.size for rows in self.split_rows.values())

    def rows(self, spec: TableSpec, _revision: int, column_filter: tuple[str, str] | None = None) -> Rows:
        """Return the rows of a table that are valid at any of the revisions."""
        return self.split_rows[spec, column_filter]


def build_columns_at_revisions(
    columns: Columns, revisions: Sequence[int], table_reads: Sequence[TableRead]
) -> ColumnsAtRevisions:
    """Return the columns at these ascending revisions. `table_reads`: everything the query reads."""
    count = len(revisions)
    assert count <= MAX_REVISIONS
    place_by_revision = np.repeat(np.arange(count + 1, dtype=np.uint8), np.diff([-1, *revisions, columns.head + 1]))
    spans_by_read = {table_read: _find_row_spans(columns, table_read, place_by_revision) for table_read in table_reads}
    # A row that begins before all revisions or ends after all of them starts no stretch there.
    bits = np.append(np.uint64(1) << np.arange(count, dtype=np.uint64), np.uint64(1))
    person_cuts, spell_cuts = np.zeros(columns.key_count, np.uint64), np.zeros(columns.key_count, np.uint64)
    for rows in spans_by_read.values():
        np.bitwise_or.at(person_cuts, rows.person, bits[0] | bits[rows.begin] | bits[rows.end])
    for rows in spans_by_read.values():  # a stretch of a spell is one of its person, or a part of it
        if rows.spell is not None:
            np.bitwise_or.at(spell_cuts, rows.spell, person_cuts[rows.person])
    person_numbers, spell_numbers = _StretchNumbers(person_cuts), _StretchNumbers(spell_cuts)
    first_unlinkable_spell = (
        OPEN_UNTIL
        if columns.first_unlinkable_spell == OPEN_UNTIL
        else spell_numbers.find_first_number(columns.first_unlinkable_spell)
    )
    return ColumnsAtRevisions(
        head=columns.head,
        version=columns.version,
        leaves=columns.leaves,
        tables=columns.tables,
        classes=columns.classes,
        codes=columns.codes,
        values=columns.values,
        are_personal=columns.are_personal,
        first_unlinkable_spell=first_unlinkable_spell,
        split_rows={
            table_read: _split_rows(columns.tables[table_read[0].name], rows, person_numbers, spell_numbers)
            for table_read, rows in spans_by_read.items()
        },
        stretch_count=max(person_numbers.total, spell_numbers.total),
    )


class _RowSpans(NamedTuple):
    """Rows valid at any of the revisions: their places, first and one past the last revision, person and spell."""

    places: Places
    begin: Array
    end: Array
    person: Array
    spell: Array | None


def _find_row_spans(columns: Columns, table_read: TableRead, place_by_revision: Array) -> _RowSpans:
    """`place_by_revision`: for each revision, the number of queried revisions before it."""
    spec, column_filter = table_read
    table = columns.tables[spec.name]
    begin, end = (
        place_by_revision[table.column(SINCE_COLUMN)],
        place_by_revision[np.minimum(table.column(UNTIL_COLUMN), len(place_by_revision) - 1)],
    )
    mask = begin < end
    if column_filter is not None:
        mask &= table.column(column_filter[0]) == columns.codes.find_code(column_filter[1])
    rows = np.flatnonzero(mask)
    spell = table.column(SPELL_COLUMN)[rows] if SPELL_COLUMN in spec.columns else None
    return _RowSpans(rows, begin[rows], end[rows], table.column(PERSON_COLUMN)[rows], spell)


def _split_rows(table: Table, rows: _RowSpans, person_numbers: _StretchNumbers, spell_numbers: _StretchNumbers) -> Rows:
    """Split rows where stretches begin."""
    cuts = person_numbers.cuts[rows.person] if rows.spell is None else spell_numbers.cuts[rows.spell]
    row_indexes, begin, end = _split_spans(rows.begin, rows.end, cuts)
    own_columns = {
        BEGIN_COLUMN: begin,
        END_COLUMN: end,
        PERSON_COLUMN: person_numbers.find_numbers(rows.person[row_indexes], begin),
    }
    if rows.spell is not None:
        own_columns[SPELL_COLUMN] = spell_numbers.find_numbers(rows.spell[row_indexes], begin)
    return Rows(table.arrays, rows.places[row_indexes], own_columns)


def _split_spans(begin: Array, end: Array, cuts: Array) -> tuple[Places, Array, Array]:
    """Return for each part its row, and its first and one past its last revision."""
    row_indexes, parts = np.arange(len(begin)), []
    cuts = cuts & ~_mask_revisions(begin) & _mask_revisions(end - 1)
    while len(row_indexes):
        first_cut = cuts & (~cuts + np.uint64(1))
        part_end = np.where(cuts, np.bitwise_count(first_cut - np.uint64(1)), end)
        parts.append((row_indexes, begin, part_end))
        remaining = np.flatnonzero(cuts)
        row_indexes, begin, end, cuts = (
            row_indexes[remaining],
            part_end[remaining],
            end[remaining],
            (cuts ^ first_cut)[remaining],
        )
    if not parts:
        return row_indexes, begin, end
    places, begins, ends = zip(*parts, strict=True)
    return np.concatenate(places), np.concatenate(begins), np.concatenate(ends)


def _mask_revisions(revisions: Array) -> Array:
    """Return masks with the bits of all revisions up to each of these, given by index."""
    bits: Array = (np.uint64(2) << revisions.astype(np.uint64)) - np.uint64(1)
    return bits
