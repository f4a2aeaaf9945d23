"""A square is somebody's release: each stands once, nobody vanishes, and where the withheld stand tells nothing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.web.charts.people import COUNTED, MOST_SQUARES, RASTER, ROWS, SQUARE, WITHHELD, Counted, laid_out, shown
from app.web.charts.people import unit_of as unit
from app.web.figure import PHONE, SEVEN

widths = pytest.mark.parametrize("width", [SEVEN, PHONE])


def numbers(withheld: int = 0, refuted: int = 0, **classes: int) -> Counted:
    releases = sum(classes.values())
    return Counted(releases, releases, {**dict.fromkeys(COUNTED, 0), **classes}, withheld, refuted, 0, 0, 0, {})


@widths
@given(counts=st.tuples(*[st.integers(0, 700)] * len(COUNTED)), refuted=st.integers(0, 60))
def test_no_two_squares_stand_on_each_other_and_all_within_the_drawing(
    width: int, counts: tuple[int, ...], refuted: int
) -> None:
    drawn = laid_out(numbers(refuted=refuted, **dict(zip(COUNTED, counts, strict=True))), width, "refuted")
    squares = [square for group in (*drawn.classes.values(), drawn.refuted, drawn.unknown) for square in group]
    assert len({(square.x, square.y) for square in squares}) == len(squares)
    assert all(0 <= one.x <= width - SQUARE and 0 <= one.y <= drawn.height - SQUARE for one in squares)
    assert all(one.y + SQUARE <= drawn.rule for group in drawn.classes.values() for one in group)
    assert all(one.y >= drawn.rule for one in (*drawn.refuted, *drawn.unknown))


@widths
def test_a_row_is_full_before_the_next_begins(width: int) -> None:
    squares = laid_out(numbers(three=ROWS[width] + 1), width, "").classes["three"]
    assert [square.y for square in squares] == [0] * ROWS[width] + [RASTER]


def test_those_in_no_list_stand_last_and_are_taken_from_the_largest_class() -> None:
    assert shown(numbers(three=296, two=7, reported=3, withheld=5)) == {
        "three": 291, "two": 7, "one": 0, "contested": 0, "reported": 3, WITHHELD: 5,
    }  # fmt: skip
    drawn = laid_out(numbers(three=296, two=7, reported=3, withheld=5), SEVEN, "")
    assert list(drawn.classes)[-1] == WITHHELD


def test_more_in_no_list_than_the_largest_class_are_taken_from_the_next() -> None:
    assert shown(numbers(three=2, two=2, withheld=3)) | {WITHHELD: 3} == shown(numbers(three=2, two=2, withheld=3))
    assert sum(shown(numbers(three=2, two=2, withheld=3)).values()) == 4


@pytest.mark.parametrize("releases,each", [(0, 1), (1000, 1), (1001, 10), (10_000, 10), (10_001, 100)])
def test_beyond_a_thousand_a_square_is_ten(releases: int, each: int) -> None:
    assert unit(releases) == each
    squares = laid_out(numbers(three=releases), SEVEN, "").classes["three"]
    assert len(squares) <= MOST_SQUARES
    assert len(squares) * each >= releases


def test_a_class_of_one_does_not_vanish_among_thousands() -> None:
    drawn = laid_out(numbers(three=5000, two=1), SEVEN, "")
    assert [len(drawn.classes["three"]), len(drawn.classes["two"])] == [500, 1]


def test_words_that_do_not_fit_beside_the_crosses_stand_below_them() -> None:
    words: dict[str, Any] = {"refuted_words": "18 desmentidas: fuera de la cuenta"}
    beside, below = laid_out(numbers(refuted=1), PHONE, **words), laid_out(numbers(refuted=18), PHONE, **words)
    assert beside.refuted_label.y < beside.refuted[-1].y + SQUARE
    assert (below.refuted_label.x, below.refuted_label.y) == (0, below.refuted[-1].y + RASTER + SQUARE - 1)
    assert below.unknown[0].y > below.refuted_label.y
