"""A log is cut into parts that do not change as it grows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.exports.count_files.files import PART_FACTOR, SMALLEST_PART, LogPart, split_revisions

REVISIONS = st.one_of(st.integers(0, 3 * SMALLEST_PART), st.integers(0, 40 * SMALLEST_PART * PART_FACTOR))


@given(REVISIONS)
def test_parts_follow_one_another_from_the_first_revision_to_the_last(revision: int) -> None:
    parts = split_revisions(revision)
    assert [part.first for part in parts] == [1, *(part.last + 1 for part in parts)][: len(parts)]
    assert (parts[-1].last if parts else 0) == revision


@given(REVISIONS, REVISIONS)
def test_a_later_revision_has_every_whole_part_or_a_longer_one_in_its_place(one: int, other: int) -> None:
    earlier, later = sorted((one, other))
    after = split_revisions(later)
    for part in split_revisions(earlier):
        if part.is_whole:
            assert any(kept.first <= part.first and part.last <= kept.last for kept in after)
            assert part in after or any(kept.last - kept.first > part.last - part.first for kept in after)


def test_only_the_last_part_may_be_shorter_than_the_smallest() -> None:
    assert [part.is_whole for part in split_revisions(2 * SMALLEST_PART + 1)] == [True, True, False]
    assert not LogPart(1, 3 * SMALLEST_PART).is_whole  # no power of FAN


@pytest.mark.parametrize("revision, most", [(4_000_000, 40), (100_000_000, 60)])
def test_a_long_log_has_few_parts(revision: int, most: int) -> None:
    assert len(split_revisions(revision)) <= most
