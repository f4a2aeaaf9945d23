"""The checker of histories finds what cannot have come from one log that only grows."""

import pytest

from bench.linear import Pinned, Seen, Written, faults

LEAVES = ["a", "b", "c"]

# Two sources write, one after the other and then both at once, while somebody reads.
GOOD: list[Written | Seen | Pinned] = [
    Seen("reader", 0.0, 0.1, 0),
    Written("foro", "first", 0.0, 1.0, 1, "a"),
    Seen("reader", 1.1, 1.2, 1),
    Written("jep", "second", 1.5, 3.0, 3, "c"),
    Written("foro", "third", 1.6, 2.9, 2, "b"),
    Seen("reader", 2.0, 2.8, 3),
    Seen("foro", 3.1, 3.2, 3),
    Pinned("/v1/counts/releases?as_of=r2", "x"),
    Pinned("/v1/counts/releases?as_of=r3", "y"),
    Pinned("/v1/counts/releases?as_of=r2", "x"),
]


def test_a_history_of_one_log_has_no_fault() -> None:
    assert faults(LEAVES, GOOD) == []
    assert faults(LEAVES, reversed(GOOD)) == []


def test_a_history_of_nobody_has_no_fault() -> None:
    assert faults([], []) == []


@pytest.mark.parametrize("broken, told", [
    (Written("jep", "fourth", 4.0, 5.0, 4, "d"), "fourth was acknowledged at 4 as d, where nothing stands"),
    (Written("jep", "none", 4.0, 5.0, 0, "c"), "none was acknowledged at 0 as c, where nothing stands"),
    (Written("foro", "third", 1.6, 2.9, 2, "d"), "third was acknowledged at 2 as d, where b stands"),
    (Written("jep", "fourth", 1.6, 2.9, 2, "b"), "2 was given to third and to fourth"),
    (Written("foro", "first", 0.0, 4.0, 3, "c"), "first was acknowledged at 1 and at 3"),
    (Written("jep", "late", 3.5, 4.0, 3, "c"), "jep wrote 3 after reader had been told of 3"),
    (Written("jep", "late", 1.3, 1.4, 1, "a"), "jep wrote 1 after foro had been told of 1"),
    (Seen("reader", 3.3, 3.4, 2), "reader saw 2 after reader had been told of 3"),
    (Seen("pud", 1.05, 1.06, 0), "pud saw 0 after foro had been told of 1"),
    (Pinned("/v1/counts/releases?as_of=r2", "z"), "/v1/counts/releases?as_of=r2 was answered with other bytes later"),
])  # fmt: skip
def test_one_answer_that_cannot_be_is_found(broken: Written | Seen | Pinned, told: str) -> None:
    assert told in faults(LEAVES, [*GOOD, broken])


def test_a_log_that_lost_its_end_or_has_another_is_found() -> None:
    assert len(faults(LEAVES[:2], GOOD)) == 1
    assert len(faults(["a", "b", "d"], GOOD)) == 1


def test_a_client_that_sees_the_revision_fall_is_found() -> None:
    assert faults([], [Seen("a", 0.0, 1.0, 7), Seen("a", 2.0, 3.0, 6)]) == ["a saw 6 after a had been told of 7"]
    assert faults([], [Seen("a", 0.0, 2.5, 7), Seen("a", 2.0, 3.0, 6)]) == []  # they overlap
