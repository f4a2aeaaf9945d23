"""Rows that agree in every column are one cell, counted as a patient reader would count them."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.columns import rows as module
from app.columns.rows import MAX_DENSE_CELLS, NULL, OPEN_UNTIL, Array, Cells, count_cells
from tests.drawn import examples

# Few values, so that rows agree; on both sides of nought, and null.
FEW = st.sampled_from((NULL, -3, -1, 0, 1, 2, 7))
# As far apart as two numbers of a column can be.
FAR = st.sampled_from((NULL, NULL + 1, -1, 0, 1, OPEN_UNTIL))
TYPES = (np.int16, np.int32, np.int64)


def rows_of(values: st.SearchStrategy[int], most_columns: int) -> st.SearchStrategy[list[tuple[int, ...]]]:
    return st.integers(1, most_columns).flatmap(lambda wide: st.lists(st.tuples(*[values] * wide), max_size=30))


def columns_of(rows: list[tuple[int, ...]]) -> list[Array]:
    wide = len(rows[0]) if rows else 1
    return [np.array([row[column] for row in rows], np.int32) for column in range(wide)]


def told(found: Cells) -> list[tuple[int, ...]]:
    """The values of the cell of each row."""
    return [tuple(int(values[number]) for values in found.values) for number in found.cell_numbers.tolist()]


def sizes(found: Cells) -> dict[tuple[int, ...], int]:
    cell = zip(*(values.tolist() for values in found.values), strict=True)
    return dict(zip(cell, found.sizes().tolist(), strict=True))


@pytest.mark.parametrize("dense", [0, MAX_DENSE_CELLS], ids=("sorted", "dense"))
@examples(60)
@given(rows=rows_of(FEW, 4))
def test_a_cell_has_as_many_rows_as_agree_in_every_column(dense: int, rows: list[tuple[int, ...]]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "MAX_DENSE_CELLS", dense)
        found = count_cells(columns_of(rows))
    assert told(found) == rows
    assert sizes(found) == Counter(rows)


@examples(60)
@given(rows=rows_of(FAR, 1))
def test_numbers_of_one_column_may_be_as_far_apart_as_a_column_has_room_for(rows: list[tuple[int, ...]]) -> None:
    found = count_cells(columns_of(rows))
    assert told(found) == rows
    assert sizes(found) == Counter(rows)


@examples(60)
@given(rows=rows_of(FAR, 3))
def test_numbers_of_several_columns_may_each_be_as_far_apart(rows: list[tuple[int, ...]]) -> None:
    found = count_cells(columns_of(rows))
    assert told(found) == rows
    assert sizes(found) == Counter(rows)


def test_a_number_of_sixty_one_bits_stands_beside_nought() -> None:
    whole = 2**61 - 1
    found = count_cells([np.array([0, whole, whole], np.int64)])
    assert sizes(found) == {(0,): 1, (whole,): 2}


@pytest.mark.parametrize("dense", [0, MAX_DENSE_CELLS], ids=("sorted", "dense"))
def test_no_rows_make_no_cells(dense: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_DENSE_CELLS", dense)
    found = count_cells([np.array([], np.int32), np.array([], bool)])
    assert (len(found), found.cell_numbers.tolist(), found.sizes().tolist()) == (0, [], [])


def test_truths_are_told_as_nought_and_one_and_rows_without_any_value_are_a_cell() -> None:
    truth, nothing = np.array([True, False, True]), np.full(3, NULL, np.int32)
    assert sizes(count_cells([truth, nothing])) == {(0, NULL): 1, (1, NULL): 2}


@pytest.mark.parametrize("kind", TYPES)
def test_a_column_is_read_in_whatever_width_it_is_kept(kind: type[np.signedinteger]) -> None:
    assert told(count_cells([np.array([-2, 0, 300, -2], kind)])) == [(-2,), (0,), (300,), (-2,)]


@pytest.mark.parametrize("wide", [MAX_DENSE_CELLS - 1, MAX_DENSE_CELLS])
def test_both_ways_agree_at_the_bound_between_them(wide: int) -> None:
    """One more than the values is the place of null."""
    numbers = [0, wide - 1, 3, 3]
    assert told(count_cells([np.array(numbers, np.int32)])) == [(number,) for number in numbers]
