"""All that columns hold, as texts and numbers, to be laid beside another's or beside the tables."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Engine, select
from sqlmodel import Session

from app.columns.loader import Columns
from app.columns.rows import NULL, OPEN_UNTIL, Rows
from app.columns.store import get_columns
from app.columns.table import ALL_TABLES, CODE, SINCE_COLUMN, UNTIL_COLUMN, VALUE, WORD, TableSpec
from app.db.engine import open_read_session, open_write_session

# Table → its rows, each with its values in the order of the columns, in any order of rows.
Whole = dict[str, list[tuple[Any, ...]]]


def names_of(kept: TableSpec) -> tuple[str, ...]:
    return SINCE_COLUMN, UNTIL_COLUMN, *kept.columns


def told(columns: Columns, kept: TableSpec, rows: Rows | dict[str, Any], names: Sequence[str]) -> list[tuple[Any, ...]]:
    """Rows with texts in place of codes, sorted."""
    texts = {CODE: columns.codes.text, VALUE: columns.values.text, WORD: columns.values.text}
    as_told = [
        [texts[kept.columns[name]](code) for code in rows[name].tolist()]
        if kept.columns.get(name) in texts
        else rows[name].tolist()
        for name in names
    ]
    return sorted(zip(*as_told, strict=True), key=repr)


def whole(columns: Columns) -> Whole:
    """Every row of every table, those of the past too."""
    return {
        kept.name: told(
            columns,
            kept,
            {name: columns.tables[kept.name].column(name) for name in names_of(kept)},
            names_of(kept),
        )
        for kept in ALL_TABLES
    }


def standing(columns: Columns, revision: int) -> Whole:
    """The rows that hold at a revision."""
    return {
        kept.name: told(columns, kept, columns.rows(kept, revision), [SINCE_COLUMN, *kept.columns])
        for kept in ALL_TABLES
    }


def stored(session: Session) -> Whole:
    """The same from the tables, row by row."""
    found: Whole = {}
    for kept in ALL_TABLES:
        table: Any = kept.table
        rows = session.execute(select(*(getattr(table, name) for name in names_of(kept)))).all()
        found[kept.name] = sorted((_as_kept(kept, one) for row in rows for one in _word_by_word(kept, row)), key=repr)
    return found


def _word_by_word(kept: TableSpec, row: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    """The row, or as many as its last value has words."""
    if WORD not in kept.columns.values():
        yield tuple(row)
        return
    for word in set(row[-1].split()):
        yield *row[:-1], word


def _as_kept(kept: TableSpec, row: tuple[Any, ...]) -> tuple[Any, ...]:
    named = zip(names_of(kept), row, strict=True)
    return tuple(
        value
        if kept.columns.get(name) in (CODE, VALUE, WORD)
        else NULL
        if value is None
        else OPEN_UNTIL
        if name == UNTIL_COLUMN and value > OPEN_UNTIL
        else value
        for name, value in named
    )


def at_head(engine: Engine) -> Columns:
    """The columns that a reader gets, brought to the head."""
    with open_read_session(engine) as session:
        return get_columns(session)


def anew(engine: Engine) -> Columns:
    """Columns read from the tables for a session that could write."""
    with open_write_session(engine) as session:
        return get_columns(session)


def agree(grown: Columns, read: Columns) -> None:
    """Expect that both are the same: head, every row of every table in the order of `since`, and the classes."""
    assert (grown.head, grown.key_count) == (read.head, read.key_count)
    found, wanted = whole(grown), whole(read)
    for kept in ALL_TABLES:
        assert found[kept.name] == wanted[kept.name], (kept.name, grown.head)
        since = grown.tables[kept.name].column(SINCE_COLUMN)
        assert bool(np.all(since[1:] >= since[:-1])), kept.name
        assert sorted(grown.tables[kept.name].places(range(grown.key_count))) == [*range(len(since))], kept.name
    assert grown.classes.tolist() == read.classes.tolist(), grown.head
