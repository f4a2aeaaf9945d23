"""A table in arrays is the list of its rows, at every revision, and stays so while newer ones grow from it.

A text keeps its code, and a text that no row has is equal to none."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.columns import table as module
from app.columns.rows import OPEN_UNTIL, Array, Rows
from app.columns.table import NULL_CODE, PERSON_COLUMN, SINCE_COLUMN, UNKNOWN_CODE, UNTIL_COLUMN, Codes, Table
from tests.drawn import examples

KINDS = {SINCE_COLUMN: np.int32, UNTIL_COLUMN: np.int32, PERSON_COLUMN: np.int32, "stage": np.int16, "held": np.bool_}
PEOPLE = 4
STAGE = "stage"


@dataclass
class Row:
    since: int
    until: int
    person: int
    stage: int
    held: bool

    @property
    def told(self) -> tuple[int, ...]:
        return self.since, self.until, self.person, self.stage, self.held


# What an entry does: it closes some of the rows that stand, and opens others, of these people at these stages.
Opened = list[tuple[int, int, bool]]
Entry = tuple[list[int], Opened]
OPENED = st.lists(st.tuples(st.integers(1, PEOPLE), st.sampled_from((1, 2)), st.booleans()), max_size=4)
ENTRIES = st.tuples(st.lists(st.integers(0, 30), max_size=3), OPENED)
HISTORIES = st.lists(ENTRIES, max_size=12)


def arrays(rows: Collection[Row]) -> dict[str, Array]:
    columns = [*zip(*(row.told for row in rows), strict=True)] or [()] * len(KINDS)
    return {name: np.array(column, kind) for (name, kind), column in zip(KINDS.items(), columns, strict=True)}


def told(rows: Rows) -> list[tuple[int, ...]]:
    """The rows without the revision at which they end, which may lie ahead."""
    return sorted(zip(*(rows[name].tolist() for name in KINDS if name != UNTIL_COLUMN), strict=True))


def standing(rows: Iterable[Row], revision: int, stage: int | None = None) -> list[tuple[int, ...]]:
    held = [row for row in rows if row.since <= revision < row.until and stage in (None, row.stage)]
    return sorted((row.since, row.person, row.stage, row.held) for row in held)


def place_of(table: Table, row: Row) -> int:
    key = row.since, row.person, row.stage
    return next(at for at in table.places([row.person]) if table.row(at, (SINCE_COLUMN, PERSON_COLUMN, STAGE)) == key)


def after(entry: Entry, rows: list[Row], table: Table) -> Table:
    """The table as of the next head, once the entry is done to the rows and to the table."""
    head, stand = table.head + 1, [row for row in rows if row.until == OPEN_UNTIL]
    closed = [stand[number] for number in {number % len(stand) for number in entry[0]}] if stand else []
    places = {place_of(table, row): head for row in closed}
    for row in closed:
        row.until = head
    taken = {(row.person, row.stage) for row in rows if row.until == OPEN_UNTIL}
    opened = {
        (person, stage): Row(head, OPEN_UNTIL, person, stage, held)
        for person, stage, held in entry[1]
        if (person, stage) not in taken
    }
    rows += opened.values()
    return table.advance(head, places, arrays([*opened.values()]))


def agrees(table: Table, rows: Iterable[Row]) -> None:
    """Expect that a table is the rows, at every revision up to its head."""
    rows = [*rows]
    for person in range(PEOPLE + 1):
        found = [table.row(place, (SINCE_COLUMN, STAGE)) for place in table.places([person])]
        assert sorted(found) == sorted((row.since, row.stage) for row in rows if row.person == person)
    for revision in range(table.head + 1):
        assert told(table.select_rows_at(revision)) == standing(rows, revision)
        for stage in (1, 2, 3):
            assert told(table.select_rows_at(revision, (STAGE, stage))) == standing(rows, revision, stage)


@pytest.fixture(params=(1, module.MIN_CAPACITY), ids=("little room", "much room"))
def room(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Room behind the rows: with little, arrays are copied all the time; with much, never."""
    monkeypatch.setattr(module, "MIN_CAPACITY", request.param)
    return int(request.param)


@pytest.mark.usefixtures("room")
@examples(40)
@given(HISTORIES)
def test_a_table_that_grew_is_the_list_of_its_rows_at_every_revision(history: list[Entry]) -> None:
    rows: list[Row] = []
    table = Table.from_columns(0, arrays(rows))
    for entry in history:
        table = after(entry, rows, table)
        assert len(table) == len(rows)
    agrees(table, rows)


@pytest.mark.usefixtures("room")
@examples(40)
@given(HISTORIES)
def test_an_older_table_stays_as_it_was_while_newer_ones_grow_from_it(history: list[Entry]) -> None:
    """Also one of whose columns none had been read when the next was made."""
    rows: list[Row] = []
    tables = [Table.from_columns(0, arrays(rows))]
    for entry in history:
        tables.append(after(entry, rows, tables[-1]))
        if len(tables) % 2:
            agrees(tables[-1], rows)
    for table in tables:
        agrees(table, [row for row in rows if row.since <= table.head])
        assert len(table) == sum(1 for row in rows if row.since <= table.head)


@examples(40)
@given(HISTORIES, st.randoms(use_true_random=False))
def test_a_table_read_whole_is_the_one_that_grew(history: list[Entry], random: Random) -> None:
    rows: list[Row] = []
    grown = Table.from_columns(0, arrays(rows))
    for entry in history:
        grown = after(entry, rows, grown)
    shuffled = rows.copy()
    random.shuffle(shuffled)
    read = Table.from_columns(grown.head, arrays(shuffled))
    agrees(read, rows)
    for table in (read, grown):
        assert sorted(table.row(at, tuple(KINDS)) for at in table.places(range(PEOPLE + 2))) == sorted(
            row.told for row in rows
        )


@pytest.mark.usefixtures("room")
@examples(40)
@given(HISTORIES, st.sets(st.integers(1, PEOPLE)), OPENED, HISTORIES)
def test_a_table_rewritten_has_these_rows_of_some_people_and_all_others_as_before(
    history: list[Entry], people: set[int], instead: Opened, later: list[Entry]
) -> None:
    """And grows on from there; the table before it keeps what it had."""
    rows: list[Row] = []
    before = Table.from_columns(0, arrays(rows))
    for entry in history:
        before = after(entry, rows, before)
    head = before.head + 1
    new = {
        (person, stage): Row(1 + number % head, OPEN_UNTIL, person, stage, held)
        for number, (person, stage, held) in enumerate(instead)
        if person in people
    }
    kept = [row for row in rows if row.person not in people]
    table = before.rewrite_people(head, people, arrays([*new.values()]))
    agrees(before, rows)
    left = [replace(row) for row in [*kept, *new.values()]]
    agrees(table, left)
    for entry in later:
        table = after(entry, left, table)
    agrees(table, left)


def test_of_a_person_nobody_knows_there_is_no_place() -> None:
    table = Table.from_columns(3, arrays([Row(2, OPEN_UNTIL, 2, 1, held=True)]))
    assert [*table.places([0, 1, 3, 900])] == []
    assert [*table.places([2])] == [0]


def test_a_text_has_one_code_and_is_told_by_it() -> None:
    codes = Codes()
    first, second = codes.add("verified"), codes.add("reported")
    assert codes.add("verified") == first != second
    assert [codes.text(code) for code in (first, second)] == ["verified", "reported"]


@pytest.mark.parametrize("more", [(), ("verified",)])
def test_null_is_nothing_whatever_else_there_is(more: tuple[str, ...]) -> None:
    codes = Codes()
    for text in more:
        codes.add(text)
    assert codes.add(None) == NULL_CODE
    assert codes.text(NULL_CODE) is None
    assert NULL_CODE not in codes.find_codes(more)


def test_who_asks_for_a_text_gives_it_no_code() -> None:
    codes = Codes()
    assert codes.find_code("amnesty") == UNKNOWN_CODE
    assert codes.find_codes(["amnesty", "pardon"]) == [UNKNOWN_CODE, UNKNOWN_CODE]
    assert codes.add("pardon") == codes.find_code("pardon") != UNKNOWN_CODE


def test_texts_that_no_row_has_any_more_are_forgotten_and_the_others_keep_their_codes() -> None:
    codes = Codes()
    kept, erased = codes.add("el-rodeo-i"), codes.add("la-invento")
    left = codes.restrict_to({kept})
    assert (left.text(kept), left.find_code("el-rodeo-i")) == ("el-rodeo-i", kept)
    assert (left.text(erased), left.find_code("la-invento")) == (None, UNKNOWN_CODE)
    assert left.add("otra-invento") not in (NULL_CODE, kept, erased)
    assert codes.text(erased) == "la-invento"  # of whoever still reads
