"""A square is somebody's release: each stands once, nobody vanishes, and where the withheld stand tells nothing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.web.charts.people import (
    COUNTED_CLASSES,
    MAX_SQUARES,
    RASTER,
    ROWS,
    SQUARE,
    WITHHELD,
    ReleaseNumbers,
    distribute_withheld,
    lay_out_squares,
)
from app.web.charts.people import compute_square_unit as unit
from app.web.figure import PHONE_WIDTH, SEVEN_COLUMNS_WIDTH

widths = pytest.mark.parametrize("width", [SEVEN_COLUMNS_WIDTH, PHONE_WIDTH])


def numbers(withheld: int = 0, refuted: int = 0, **classes: int) -> ReleaseNumbers:
    releases = sum(classes.values())
    return ReleaseNumbers(
        releases, releases, {**dict.fromkeys(COUNTED_CLASSES, 0), **classes}, withheld, refuted, 0, 0, 0, {}, 0, 0
    )


@widths
@given(counts=st.tuples(*[st.integers(0, 700)] * len(COUNTED_CLASSES)), refuted=st.integers(0, 60))
def test_no_two_squares_stand_on_each_other_and_all_within_the_drawing(
    width: int, counts: tuple[int, ...], refuted: int
) -> None:
    drawn = lay_out_squares(
        numbers(refuted=refuted, **dict(zip(COUNTED_CLASSES, counts, strict=True))), width, "refuted"
    )
    squares = [square for group in (*drawn.classes.values(), drawn.refuted, drawn.unknown) for square in group]
    assert len({(square.x, square.y) for square in squares}) == len(squares)
    assert all(0 <= one.x <= width - SQUARE and 0 <= one.y <= drawn.height - SQUARE for one in squares)
    assert all(one.y + SQUARE <= drawn.rule for group in drawn.classes.values() for one in group)
    assert all(one.y >= drawn.rule for one in (*drawn.refuted, *drawn.unknown))


@widths
def test_a_row_is_full_before_the_next_begins(width: int) -> None:
    squares = lay_out_squares(numbers(three=ROWS[width] + 1), width, "").classes["three"]
    assert [square.y for square in squares] == [0] * ROWS[width] + [RASTER]


def test_those_in_no_list_stand_last_and_are_taken_from_the_largest_class() -> None:
    assert distribute_withheld(numbers(three=296, two=7, reported=3, withheld=5)) == {
        "three": 291, "two": 7, "one": 0, "contested": 0, "reported": 3, WITHHELD: 5,
    }  # fmt: skip
    drawn = lay_out_squares(numbers(three=296, two=7, reported=3, withheld=5), SEVEN_COLUMNS_WIDTH, "")
    assert list(drawn.classes)[-1] == WITHHELD


def test_more_in_no_list_than_the_largest_class_are_taken_from_the_next() -> None:
    assert distribute_withheld(numbers(three=2, two=2, withheld=3)) | {WITHHELD: 3} == distribute_withheld(
        numbers(three=2, two=2, withheld=3)
    )
    assert sum(distribute_withheld(numbers(three=2, two=2, withheld=3)).values()) == 4


@pytest.mark.parametrize("releases,each", [(0, 1), (1000, 1), (1001, 10), (10_000, 10), (10_001, 100)])
def test_beyond_a_thousand_a_square_is_ten(releases: int, each: int) -> None:
    assert unit(releases) == each
    squares = lay_out_squares(numbers(three=releases), SEVEN_COLUMNS_WIDTH, "").classes["three"]
    assert len(squares) <= MAX_SQUARES
    assert len(squares) * each >= releases


def test_a_class_of_one_does_not_vanish_among_thousands() -> None:
    drawn = lay_out_squares(numbers(three=5000, two=1), SEVEN_COLUMNS_WIDTH, "")
    assert [len(drawn.classes["three"]), len(drawn.classes["two"])] == [500, 1]


def test_words_that_do_not_fit_beside_the_crosses_stand_below_them() -> None:
    words: dict[str, Any] = {"refuted_words": "18 desmentidas: fuera de la cuenta"}
    beside, below = (
        lay_out_squares(numbers(refuted=1), PHONE_WIDTH, **words),
        lay_out_squares(numbers(refuted=18), PHONE_WIDTH, **words),
    )
    assert beside.refuted_label.y < beside.refuted[-1].y + SQUARE
    assert (below.refuted_label.x, below.refuted_label.y) == (0, below.refuted[-1].y + RASTER + SQUARE - 1)
    assert below.unknown[0].y > below.refuted_label.y
