"""Some rows of a table, of which a column is gathered when somebody asks for it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.columns import rows as module
from app.columns.rows import NULL, RecentRows, Rows, is_any_of
from tests.drawn import examples

NUMBERS = np.array([5, NULL, -2, 8, 5], np.int32)


@examples(60)
@given(st.lists(st.booleans(), min_size=5, max_size=5), st.data())
def test_rows_of_rows_are_those_that_remain(first: list[bool], data: st.DataObject) -> None:
    rows = Rows({"lo": NUMBERS}, np.arange(5)).where(np.array(first))
    wanted = [number for number, kept in zip(NUMBERS.tolist(), first, strict=True) if kept]
    assert (len(rows), rows["lo"].tolist()) == (len(wanted), wanted)
    second = data.draw(st.lists(st.booleans(), min_size=len(wanted), max_size=len(wanted)))
    again = rows.where(np.array(second, bool))
    assert again["lo"].tolist() == [number for number, kept in zip(wanted, second, strict=True) if kept]


def test_a_row_may_be_taken_more_than_once() -> None:
    rows = Rows({"lo": NUMBERS}, np.array([1, 3]))
    assert rows.take(np.array([1, 1, 0]))["lo"].tolist() == [8, 8, NULL]


def test_where_all_rows_remain_nothing_is_gathered_again() -> None:
    rows = Rows({"lo": NUMBERS}, np.array([1, 3]))
    assert rows.where(np.array([True, True])) is rows


def test_rows_that_were_asked_for_last_are_kept_as_long_as_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CACHED_BYTES", 2 * Rows({"lo": NUMBERS}, np.arange(5)).size)
    recent, chosen = RecentRows(), []

    def ask(key: str) -> Rows:
        def choose() -> Rows:
            chosen.append(key)
            return Rows({"lo": NUMBERS}, np.arange(5))

        return recent.get(key, choose)

    assert ask("a") is ask("a")
    ask("b")
    ask("a")
    ask("c")
    assert chosen == ["a", "b", "c"]
    ask("a")
    assert chosen == ["a", "b", "c"], "b was asked for longer ago"
    ask("a")["lo"]
    ask("b")
    ask("c")
    assert chosen == ["a", "b", "c", "b", "c"], "what was gathered takes room too"


def test_of_rows_that_are_kept_only_the_last_are_measured_again() -> None:
    recent, measured = RecentRows(), []

    class Measured(Rows):
        @property
        def size(self) -> int:
            measured.append(self)
            return super().size

    for key in range(10 * module.REMEASURED_ENTRIES):
        recent.get(key, lambda: Measured({"lo": NUMBERS}, np.arange(5)))
    measured.clear()
    recent.get("another", lambda: Measured({"lo": NUMBERS}, np.arange(5)))
    assert len(measured) == module.REMEASURED_ENTRIES


def test_rows_for_which_there_is_no_room_are_given_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CACHED_BYTES", 1)
    assert RecentRows().get("a", lambda: Rows({"lo": NUMBERS}, np.arange(5)))["lo"].tolist() == NUMBERS.tolist()


def test_a_column_is_one_of_a_few_numbers_or_of_none() -> None:
    assert is_any_of(NUMBERS, [5, 8]).tolist() == [True, False, False, True, True]
    assert not is_any_of(NUMBERS, []).any()
