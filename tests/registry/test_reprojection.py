"""Rows that hold for a span of revisions: what changes ends and begins anew, what stays is not touched."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, insert, select

from app.db.engine import open_write_session, split_into_chunks
from app.models import OPEN, PROJECTED_TABLES, Detainee, ProvisionalHiding, Release, TableRow, Trait, metadata
from app.models.versioned_tables import VersionedTables

TABLE = metadata.tables["trait"]
TRAITS = VersionedTables([Trait], "detainee")

Row = dict[str, int | str]


@pytest.fixture
def run(engine: Engine) -> Iterator[Connection]:
    with open_write_session(engine) as session:
        yield session.connection()


def trait(spell: int, value: str, detainee: int = 1, name: str = "gender") -> Row:
    return {"spell": spell, "name": name, "value": value, "detainee": detainee}


def spans(run: Connection) -> list[tuple[int, str, int, int]]:
    """`(spell, value, since, until)`, by spell and since; an open end is 0."""
    columns = (TABLE.c.spell, TABLE.c.value, TABLE.c.since, TABLE.c.until)
    rows = run.execute(select(*columns).order_by(TABLE.c.spell, TABLE.c.since, TABLE.c.value))
    return [(spell, value, since, 0 if until == OPEN else until) for spell, value, since, until in rows]


def test_rows_that_are_new_are_open(run: Connection) -> None:
    TRAITS.replace(run, [], {Trait: [trait(1, "male"), trait(2, "female", detainee=2)]}, 5)
    assert spans(run) == [(1, "male", 5, 0), (2, "female", 5, 0)]


def test_rows_that_stay_as_they_are_keep_their_beginning(run: Connection) -> None:
    TRAITS.replace(run, [], {Trait: [trait(1, "male")]}, 5)
    TRAITS.replace(run, [1], {Trait: [trait(1, "male")]}, 6)
    assert spans(run) == [(1, "male", 5, 0)]


def test_rows_that_are_no_longer_wanted_end(run: Connection) -> None:
    TRAITS.replace(run, [], {Trait: [trait(1, "male"), trait(2, "male")]}, 5)
    TRAITS.replace(run, [1], {Trait: [trait(2, "male")]}, 7)
    assert spans(run) == [(1, "male", 5, 7), (2, "male", 5, 0)]


def test_a_row_whose_value_changes_ends_and_begins_anew(run: Connection) -> None:
    TRAITS.replace(run, [], {Trait: [trait(1, "male", detainee=1)]}, 5)
    TRAITS.replace(run, [1, 2], {Trait: [trait(1, "male", detainee=2)]}, 8)
    assert spans(run) == [(1, "male", 5, 8), (1, "male", 8, 0)]
    assert list(run.execute(select(TABLE.c.detainee).order_by(TABLE.c.since)).scalars()) == [1, 2]


def test_what_was_never_visible_leaves_no_past(run: Connection) -> None:
    TRAITS.replace(run, [], {Trait: [trait(1, "male")]}, 5)
    TRAITS.replace(run, [1], {Trait: [trait(1, "female")]}, 5)
    assert spans(run) == [(1, "female", 5, 0)]


def test_a_row_that_comes_back_begins_again(run: Connection) -> None:
    for revision, wanted in ((5, [trait(1, "male")]), (6, []), (9, [trait(1, "male")])):
        TRAITS.replace(run, [1], {Trait: wanted}, revision)
    assert spans(run) == [(1, "male", 5, 6), (1, "male", 9, 0)]


def test_rows_of_others_and_of_the_past_are_not_touched(run: Connection) -> None:
    past = {**trait(3, "male"), "since": 2, "until": 4}
    run.execute(insert(TABLE), [past])
    TRAITS.replace(run, [], {Trait: [trait(1, "male"), trait(2, "male", detainee=2)]}, 5)
    TRAITS.replace(run, [1], {Trait: []}, 6)
    assert spans(run) == [(1, "male", 5, 6), (2, "male", 5, 0), (3, "male", 2, 4)]


def test_nothing_wanted_of_nobody_writes_nothing(run: Connection) -> None:
    TRAITS.replace(run, [], {Trait: []}, 5)
    assert spans(run) == []


def test_rows_of_several_tables_are_told_apart(run: Connection) -> None:
    every = VersionedTables(PROJECTED_TABLES, "detainee")
    person = {"detainee": 7, "publish": "named", "state": "held", "rearrested": True, "rearrest_claimed": False}
    release = {"spell": 9, "detainee": 7, "stage": "ordered", "status": None, "country": "VE", "facts": "{}"}
    hiding = {"record": 9, "detainee": 7, "source": 2, "publish": "counted", "against": "reports", "stopped": False}
    rows: dict[type[Any], list[TableRow]] = {
        Detainee: [{**person, "facts": "{}"}], Release: [release], ProvisionalHiding: [hiding],
        Trait: [trait(9, "male", detainee=7), trait(9, "VE", detainee=7, name="nationality")],
    }  # fmt: skip
    every.replace(run, [7], rows, 5)
    stopped = rows | {ProvisionalHiding: [{**hiding, "stopped": True}], Trait: rows[Trait][:1]}
    every.replace(run, [7], stopped, 6)

    def lives(model: type[Any]) -> list[tuple[int, int]]:
        columns = model.__table__.c
        found = run.execute(select(columns.since, columns.until).order_by(columns.since))
        return [(since, 0 if until == OPEN else until) for since, until in found]

    assert [lives(model) for model in (Detainee, Release)] == [[(5, 0)], [(5, 0)]]
    assert lives(ProvisionalHiding) == [(5, 6), (6, 0)]
    assert spans(run) == [(9, "VE", 5, 6), (9, "male", 5, 0)]


@pytest.mark.parametrize("number", [0, 1, 499, 500, 501, 1200])
def test_chunks_are_short_and_together_hold_everything_once(number: int) -> None:
    found = list(split_into_chunks(range(number)))
    assert [value for some in found for value in some] == list(range(number))
    assert all(0 < len(some) <= 500 for some in found)


def test_more_people_than_fit_one_statement_are_replaced_together(run: Connection) -> None:
    people = range(1, 1201)
    TRAITS.replace(run, [], {Trait: [trait(one, "male", detainee=one) for one in people]}, 5)
    TRAITS.replace(run, people, {Trait: [trait(one, "female", detainee=one) for one in people]}, 6)
    found = spans(run)
    assert len(found) == 2400
    assert {span[1:] for span in found} == {("male", 5, 6), ("female", 6, 0)}
