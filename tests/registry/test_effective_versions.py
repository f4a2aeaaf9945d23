"""Ranges of revisions: they hold the recalled entries of a source, and no other entry of it."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.registry.effective_versions import build_ranges, filter_in_ranges

ENTRIES = st.lists(st.integers(1, 60), unique=True).map(sorted)


@given(ENTRIES, st.sets(st.integers(1, 60)))
def test_ranges_hold_what_is_recalled_and_nothing_else_of_the_source(entries: list[int], chosen: set[int]) -> None:
    recalled = chosen & set(entries)
    assert filter_in_ranges(build_ranges(recalled, entries), entries) == sorted(recalled)


@given(ENTRIES, st.sets(st.integers(1, 60)))
def test_ranges_are_the_fewest_and_end_at_recalled_entries(entries: list[int], chosen: set[int]) -> None:
    recalled = chosen & set(entries)
    ranges = build_ranges(recalled, entries)
    assert {end for both in ranges for end in both} <= recalled
    for (_first, last), (first, _last) in pairwise(ranges):
        assert [entry for entry in entries if last < entry < first], "two ranges would be one"
