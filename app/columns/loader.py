"""Read columns from the tables: all of them, or again the rows of people whom entries touched since."""

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any, TypeVar

import numpy as np
from sqlalchemy import Result, bindparam, func, select, union
from sqlmodel import Session, col

from app.columns import table
from app.columns.rows import NONE, STANDS, Array, Asked, Recent, Rows
from app.columns.table import (
    CODE,
    EVERY,
    NAMES,
    NUMBER,
    PERSONAL,
    SINCE,
    TYPES,
    UNTIL,
    VALUE,
    WORD,
    Codes,
    Kept,
    Table,
    Within,
)
from app.db.engine import chunks
from app.memory import collecting_later
from app.models import CLASSES_OF_TODAY, ChangedPerson, Detainee, Entry, Head, Placement, Record

T = TypeVar("T")

# Rows that are turned into arrays at a time: some ten megabytes of Python's objects.
BATCH = 50_000
# People whose rows are compared one by one: some seconds. Of more, as when a facility of many is renamed, all columns
# are read anew.
MOST_CHANGED = 20_000

# The last entries whose leaf hash is kept: a session may have begun before the entries that others read meanwhile.
LEAVES = 1_000
LONGEST_SESSION = 60.0  # seconds: a question has less

_HEAD = select(
    col(Head.revision),
    select(col(Entry.leaf_hash)).where(col(Entry.revision) == col(Head.revision)).scalar_subquery(),
    select(col(Entry.leaf_hash)).where(col(Entry.revision) == bindparam("of")).scalar_subquery(),
)
_LEAVES = select(col(Entry.revision), col(Entry.leaf_hash)).where(
    col(Entry.revision) > bindparam("after"), col(Entry.revision) <= bindparam("to")
)
CHANGED = union(
    select(col(ChangedPerson.detainee)).where(col(ChangedPerson.revision) > bindparam("after")),
    select(col(Detainee.detainee)).where(col(Detainee.detainee) > bindparam("after")),
)
_CLASSES = select(col(Record.key), col(Record.publish_now))
_CLASSES_OF = _CLASSES.join(Placement, col(Placement.record) == col(Record.key)).where(
    col(Placement.detainee).in_(bindparam("among", expanding=True))
)


def _statement(kept: Kept) -> Any:
    table: Any = kept.table
    columns = ((getattr(table, name), kind) for name, kind in kept.columns.items())
    return select(
        table.since, table.until, *(_or_none(column) if kind == NUMBER else column for column, kind in columns)
    )


def _or_none(column: Any) -> Any:
    """The database tells null more quickly than a look at each number."""
    return func.coalesce(column, NONE) if column.property.columns[0].nullable else column


_STATEMENTS = {kept.name: _statement(kept).execution_options(yield_per=BATCH) for kept in EVERY}
_STATEMENTS_OF = {
    kept.name: _statement(kept).where(getattr(kept.table, table.PERSON).in_(bindparam("among", expanding=True)))
    for kept in EVERY
}


@dataclass(frozen=True)
class Columns:
    """Columns as of a head. `rules`: under which the rows were made; `leaves`: the leaf hashes of the last entries, by
    revision; `classes`: today's class of each record by its key, as a place in CLASSES_OF_TODAY; `indexes`: what was
    made of the words of names (`queries/search.py`), for later heads too; `are_personal`: whether anything personal
    is among them; `generation`: the name of the saved columns that these were mapped from; `first_apart`: detentions
    from this number on are counted by single sources alone (`exports/count_files/load.py`)."""

    head: int
    rules: int
    leaves: dict[int, bytes]
    tables: dict[str, Table]
    classes: Array
    codes: Codes
    values: Codes
    indexes: dict[tuple[str, ...], Any] = field(default_factory=dict)
    are_personal: bool = True
    generation: str | None = None
    first_apart: int = STANDS
    read_at: float = field(default_factory=monotonic)
    # What questions at the head have in common, made when first asked for.
    made: dict[str, Any] = field(default_factory=dict)
    # Of this, the names of what is brought along (`in_common`), and what it was at an earlier head, with the people
    # whom entries touched since.
    _common: set[str] = field(default_factory=set)
    _common_before: dict[str, tuple[Any, Collection[int]]] = field(default_factory=dict)
    _recent: Recent = field(default_factory=Recent)

    def apart(self) -> "Columns":
        """The same for whoever saves them while others bring them to a later head, who add to codes and arrays."""
        tables = {name: table.apart() for name, table in self.tables.items()}
        return replace(self, tables=tables, codes=self.codes.copy(), values=self.values.copy(), indexes={})

    def rows(self, kept: Kept, revision: int, within: tuple[str, str] | None = None) -> Rows:
        """The rows of a table that hold at a revision; `within`: with this text in a column of codes."""
        chosen: Within | None = None
        if within is not None:
            chosen = within[0], self.codes.of(within[1])
        revision = min(revision, self.head)
        return self.recent((kept.name, revision, chosen), lambda: self.tables[kept.name].standing(revision, chosen))

    def recent(self, key: Hashable, choose: Callable[[], Asked]) -> Asked:
        """What was asked for under a key, if it was lately; `choose`: what it is."""
        return self._recent.get(key, choose)

    def in_common(self, name: str, make: Callable[[], T], renew: Callable[[T, Collection[int]], T]) -> T:
        """What questions at the head have in common, by its name. `make`: it; `renew`: it from what it was at an
        earlier head, which others still read, by the people whom entries touched since."""
        found: T | None = self.made.get(name)
        if found is None:
            before = self._common_before.get(name)
            found = self.made[name] = make() if before is None else renew(*before)
            self._common.add(name)
            self._common_before.pop(name, None)
        return found

    @property
    def keys(self) -> int:
        """One more than the highest key of a person, a spell or a record."""
        return len(self.classes)


def is_of(session: Session, columns: Columns) -> tuple[bool, int]:
    """Whether the columns are of the database that a session reads, be they older or newer than what it sees; and its
    number of entries. A backup put in the place of the database has other entries, or fewer for longer than any
    session lasts."""
    head, last, at_columns = session.connection().execute(_HEAD, {"of": columns.head}).one()
    if head < columns.head:
        return columns.leaves.get(head) == last and monotonic() - columns.read_at < LONGEST_SESSION, head
    return columns.leaves.get(columns.head) == at_columns, head


def _leaves(session: Session, head: int, known: Mapping[int, bytes]) -> dict[int, bytes]:
    """The leaf hashes of the last entries. `known`: those of an earlier head."""
    first = head - LEAVES
    rows = session.connection().execute(_LEAVES, {"after": max(first, *known) if known else first, "to": head})
    kept = {revision: leaf for revision, leaf in known.items() if revision > first}
    return kept | {revision: bytes(leaf) for revision, leaf in rows}


class Released(Exception):
    """Nobody wants the columns any more that are being read."""


def read(session: Session, is_released: Callable[[], bool] = lambda: False) -> Columns:
    """All columns, from the tables. Raises Released."""
    run = session.connection().execute
    head, rules = run(select(col(Head.revision), col(Head.rules))).one()
    codes, values = Codes(), Codes()

    def batches(rows: Result[Any]) -> Iterator[Sequence[Any]]:
        for some in rows.partitions():
            if is_released():
                raise Released
            yield some

    def table(kept: Kept) -> Table:
        with run(_STATEMENTS[kept.name]) as rows:
            return Table.of(head, _known(_arrays(batches(rows), kept, codes, values), head))

    with collecting_later():
        rows = {kept.name: table(kept) for kept in EVERY}
    classes = _with_classes(np.zeros(head + 1, np.int8), run(_CLASSES))
    return Columns(head, rules, _leaves(session, head, {}), rows, classes, codes, values)


def caught_up(session: Session, held: Columns, head: int) -> Columns | None:
    """The columns as of a later head: the rows of people whom entries touched since are read again. None where these
    are too many."""
    run = session.connection().execute
    touched = run(CHANGED, {"after": held.head}).scalars()
    people = [person for person in touched if person <= head]  # the transaction may have seen later ones
    if len(people) > MOST_CHANGED:
        return None
    # All is read before any array is written, so that whoever is stopped meanwhile leaves nothing half done.
    found = {
        kept.name: [run(_STATEMENTS_OF[kept.name], {"among": some}).all() for some in chunks(people)] for kept in EVERY
    }
    recorded = [row for some in chunks(people) for row in run(_CLASSES_OF, {"among": some})]
    leaves = _leaves(session, head, held.leaves)
    classes = np.zeros(head + 1, np.int8)
    classes[: held.keys] = held.classes
    renewed = {}
    for kept in EVERY:
        rows = _known(_arrays(found[kept.name], kept, held.codes, held.values), head)
        renewed[kept.name] = _renewed(held.tables[kept.name], kept, people, rows, held.head, head)
    values = held.values
    if any(renewed[kept.name].is_rewritten for kept in PERSONAL):
        values = said_still(renewed, values)
    # In a table that was written anew rows stand elsewhere, and texts of an index may be somebody's who was erased.
    indexes = {} if renewed[NAMES.name].is_rewritten else held.indexes
    _with_classes(classes, recorded)
    return replace(
        held, head=head, leaves=leaves, tables=renewed, classes=classes, values=values, indexes=indexes,
        read_at=monotonic(), made={}, _common=set(), _common_before=_common_before(held, people, renewed),
        _recent=_still_recent(held, renewed, head),
    )  # fmt: skip


def _common_before(
    held: Columns, people: Collection[int], renewed: Mapping[str, Table]
) -> dict[str, tuple[Any, Collection[int]]]:
    """What questions had in common at this head or before, with the people whom entries touched since. In a table that
    was written anew rows stand elsewhere."""
    if any(table.is_rewritten for table in renewed.values()):
        return {}
    before: dict[str, tuple[Any, Collection[int]]] = {}
    for name, (made, touched) in [*held._common_before.items()]:
        before[name] = made, {*touched, *people}
    before |= {name: (held.made[name], people) for name in held._common & held.made.keys()}
    return {name: (made, touched) for name, (made, touched) in before.items() if len(touched) <= MOST_CHANGED}


def _still_recent(held: Columns, renewed: Mapping[str, Table], head: int) -> Recent:
    """The rows that were asked for last, as of a later head: what an entry changed is looked for, and no table
    anew."""
    recent = Recent()
    for (name, revision, within), rows in held._recent.all():
        table = renewed.get(name)
        if table is None or table.is_rewritten:
            continue
        at_head = revision == held.head
        still = table.still_standing(rows, within) if at_head else table.with_arrays(rows)
        recent.put((name, head if at_head else revision, within), still)
    return recent


def said_still(tables: Mapping[str, Table], values: Codes) -> Codes:
    """The values of personal dimensions, and the words of names, that some row has: one that none has any more may be
    somebody's who was erased."""
    said = (np.flatnonzero(np.bincount(tables[kept.name].column(kept.personal))).tolist() for kept in PERSONAL)
    return values.without_others({code for of_table in said for code in of_table})


def _word_by_word(rows: Iterable[Any]) -> list[Any]:
    """Rows whose last value is a text, one for each word of it."""
    return [(*others, word) for *others, text in rows for word in dict.fromkeys(text.split())]


def _arrays(batches: Iterable[Iterable[Any]], kept: Kept, codes: Codes, values: Codes) -> dict[str, Array]:
    """Rows of a table as arrays by column."""
    names = (SINCE, UNTIL, *kept.columns)
    parts: dict[str, list[Array]] = {name: [] for name in names}
    adding = {CODE: codes.add, VALUE: values.add, WORD: values.add}
    for rows in batches:
        if WORD in kept.columns.values():
            rows = _word_by_word(rows)
        for name, column in zip(names, zip(*rows, strict=True), strict=False):
            kind = kept.columns.get(name, NUMBER)
            add = adding.get(kind)
            numbers = np.array([add(text) for text in column] if add else column)
            parts[name].append(np.minimum(numbers, STANDS).astype(TYPES[kind]))
    return {
        name: np.concatenate([np.empty(0, TYPES[kept.columns.get(name, NUMBER)]), *arrays])
        for name, arrays in parts.items()
    }


def _known(rows: dict[str, Array], head: int) -> dict[str, Array]:
    """Rows as of a head: the transaction may have seen later ones."""
    known = rows[SINCE] <= head
    rows = {name: column[known] for name, column in rows.items()}
    rows[UNTIL] = np.where(rows[UNTIL] > head, STANDS, rows[UNTIL]).astype(np.int32)
    return rows


def _renewed(
    table: Table, kept: Kept, people: Collection[int], rows: dict[str, Array], before: int, head: int
) -> Table:
    """The table with these rows of some people. Rows have only been closed and opened since, but after an erasure."""
    names = (*kept.key, SINCE)
    places = {table.row(place, names): place for place in table.places(people)}
    found = [*zip(*(rows[name].tolist() for name in names), strict=True)]
    new = [place for place, key in enumerate(found) if key not in places]
    cut = len(found) - len(new) < len(places) or bool((rows[SINCE][new] <= before).any())
    closed: dict[int, int] = {}
    for key, until in zip(found, rows[UNTIL].tolist(), strict=True):
        if key in places and until != (was := table.row(places[key], (UNTIL,))[0]):
            closed[places[key]] = until
            cut = cut or was != STANDS or until <= before
    if cut:
        return table.rewritten(head, people, rows)
    return table.grown(head, closed, {name: column[new] for name, column in rows.items()})


def _with_classes(classes: Array, rows: Any) -> Array:
    place = {publish: number for number, publish in enumerate(CLASSES_OF_TODAY)}
    for key, publish in rows:
        if key < len(classes):
            classes[key] = place[publish]
    return classes
