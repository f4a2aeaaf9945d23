"""Rows of two tables are paired as a loop within a loop would pair them."""

from unittest.mock import patch

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from app.columns import rows
from app.columns.rows import (
    NO_PLACE,
    Array,
    flag_keys,
    has_match,
    has_pair_match,
    index_places,
    number_pairs,
    outer_join,
)
from tests.drawn import examples

KEYS = 12
SEVERAL = st.lists(st.integers(0, KEYS - 1), max_size=12)
ONCE = st.lists(st.integers(0, KEYS - 1), unique=True, max_size=KEYS)
# Whoever may not be seen has no key of anything; keys of two parts are long.
ANY = st.lists(st.sampled_from((NO_PLACE, 0, 1, 2, 3, 2**40, 2**40 + 1)), max_size=10)


def by_loops(left: list[int], right: list[int]) -> list[tuple[int, int]]:
    pairs = []
    for place, key in enumerate(left):
        found = [other for other, of in enumerate(right) if of == key]
        pairs += [(place, other) for other in found or [NO_PLACE]]
    return pairs


@examples(150)
@given(ANY, ANY.map(lambda keys: [key for key in keys if key != NO_PLACE]))
def test_every_row_on_the_left_stands_once_for_each_of_its_key_on_the_right_or_once_alone(
    left: list[int], right: list[int]
) -> None:
    joined = outer_join(np.array(left, np.int64), np.array(right, np.int64))
    assert [*zip(joined.left.tolist(), joined.right.tolist(), strict=True)] == by_loops(left, right)


@examples(80)
@given(st.lists(st.integers(0, 5), max_size=10), st.lists(st.integers(0, 5), unique=True, max_size=6))
def test_keys_that_are_each_another_on_the_right_are_paired_alike(left: list[int], right: list[int]) -> None:
    joined = outer_join(np.array(left, np.int32), np.array(right, np.int32))
    assert [*zip(joined.left.tolist(), joined.right.tolist(), strict=True)] == by_loops(left, right)


@examples(60)
@given(SEVERAL)
def test_a_flag_is_set_for_each_key_that_is_there(keys: list[int]) -> None:
    assert flag_keys(KEYS, np.array(keys, np.int32)).tolist() == [key in keys for key in range(KEYS)]


@examples(60)
@given(ONCE)
def test_a_key_has_the_place_at_which_it_stands(keys: list[int]) -> None:
    places = index_places(KEYS, np.array(keys, np.int32)).tolist()
    assert places == [keys.index(key) if key in keys else NO_PLACE for key in range(KEYS)]


PAIR = st.tuples(st.integers(0, 5), st.integers(0, 8))
BITS = st.sampled_from((3, 64))  # fewer than there are values, and more


def columns_of(found: list[tuple[int, int]]) -> tuple[Array, Array]:
    return np.array([a for a, _b in found], np.int32), np.array([b for _a, b in found], np.int32)


@examples(150)
@given(st.lists(PAIR, max_size=12), st.lists(PAIR, max_size=12), BITS)
def test_pairs_have_the_same_number_where_they_are_the_same(
    left: list[tuple[int, int]], right: list[tuple[int, int]], bits: int
) -> None:
    with patch.object(rows, "BITS_PER_NUMBER", bits):
        of_left, of_right = (numbers.tolist() for numbers in number_pairs(6, columns_of(left), columns_of(right)))
    number_of = dict(zip(right, of_right, strict=True))
    assert sorted(number_of.values()) == [*range(len(number_of))]
    assert of_left == [number_of.get(pair, NO_PLACE) for pair in left]
    assert of_right == [number_of[pair] for pair in right]


@examples(100)
@given(SEVERAL, st.lists(st.tuples(st.integers(0, KEYS - 1), st.booleans()), max_size=8))
def test_a_row_is_found_where_some_of_those_that_are_asked_about_have_its_key(
    left: list[int], right: list[tuple[int, bool]]
) -> None:
    keys, asked = np.array([key for key, _asked in right], np.int32), np.array([so for _key, so in right], bool)
    assert has_match(KEYS, np.array(left, np.int32), keys, asked).tolist() == [(key, True) in right for key in left]


@examples(100)
@given(st.lists(PAIR, max_size=12), st.lists(st.tuples(PAIR, st.booleans()), max_size=10), BITS)
def test_a_row_is_found_where_some_of_those_that_are_asked_about_have_its_pair(
    left: list[tuple[int, int]], right: list[tuple[tuple[int, int], bool]], bits: int
) -> None:
    sides, asked = (columns_of(left), columns_of([pair for pair, _asked in right])), [so for _pair, so in right]
    with patch.object(rows, "BITS_PER_NUMBER", bits):
        found = has_pair_match(6, *sides, np.array(asked, bool)).tolist()
    assert found == [(pair, True) in right for pair in left]
