"""Source rows: every bar on one scale from nought, and no top where a claim has none.

A bar in parts: no wider than its drawing, no part unseen, and no label over another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.web.charts.bars import (
    MIN_PART_WIDTH,
    NARROW,
    SHARE_LABEL_SIZE,
    WIDE,
    ClaimRow,
    RowsLayout,
    SourceRow,
    lay_out_shares,
    lay_out_source_rows,
)
from app.web.charts.text import measure_text

FORMS = pytest.mark.parametrize("form", [WIDE, NARROW], ids=["wide", "narrow"])


def row(now: int, then: int | None = None, name: str = "Foro Penal", definition: str = "An organisation.") -> SourceRow:
    return SourceRow(
        name, definition, now, str(now), then_count=then, then_text="" if then is None else f"{then} on 13 Jan"
    )


def claim(low: int | None, high: int | None) -> ClaimRow:
    return ClaimRow("Presidency", "government", "It counts since December.", "so many", "/en/claims/1", low, high)


@FORMS
def test_bars_are_as_long_as_their_numbers(form: RowsLayout) -> None:
    first, second = lay_out_source_rows([row(300, 100), row(150, 0)], None, "today", "", form).sources
    assert second.now_length == pytest.approx(first.now_length / 2)
    assert first.shared_length == pytest.approx(first.now_length / 3)
    assert (second.shared_length, second.tick_x) == (0, form.bars_start)
    assert first.now_label_x < form.width
    assert first.top < second.top


@FORMS
def test_what_a_source_took_back_is_drawn_empty(form: RowsLayout) -> None:
    (one,) = lay_out_source_rows([row(90, 100)], None, "today", "", form).sources
    assert one.shared_length == one.now_length < one.full_length
    assert one.tick_x == pytest.approx(form.bars_start + one.full_length)


@FORMS
def test_a_claim_without_a_top_has_an_open_end_within_the_drawing(form: RowsLayout) -> None:
    placed = lay_out_source_rows([row(300)], claim(401, None), "today", "", form).claim
    assert placed is not None
    assert placed.is_open
    assert (placed.hatch_start, placed.end + 54 <= form.width) == (form.bars_start, True)


@FORMS
def test_a_claim_is_hatched_where_it_is_sure_of_its_number(form: RowsLayout) -> None:
    between = lay_out_source_rows([], claim(60, 120), "today", "", form).claim
    at_most = lay_out_source_rows([], claim(None, 57), "today", "", form).claim
    nothing = lay_out_source_rows([], claim(None, None), "today", "", form).claim
    assert between
    assert at_most
    assert nothing
    assert between.hatch_start - form.bars_start == pytest.approx((between.end - form.bars_start) / 2)
    assert (at_most.hatch_start, at_most.is_open) == (at_most.end, False)
    assert (nothing.end, nothing.is_open) == (form.bars_start, False)
    assert nothing.figure_end > form.bars_start


@FORMS
def test_a_long_name_wraps_and_pushes_the_rows_below_it_down(form: RowsLayout) -> None:
    names = lay_out_source_rows(
        [row(5, name="A" + "n organisation of many words" * 9), row(5)], None, "today", "", form
    ).sources
    assert len(names[0].texts.names) == 2
    assert names[0].texts.names[1][1].endswith("…")
    assert names[1].top > names[0].bar_top + 16


@FORMS
def test_a_count_in_which_nobody_was_verified_is_a_sentence(form: RowsLayout) -> None:
    drawn = lay_out_source_rows([], None, "today", "No source has verified anything.", form)
    assert [line for _y, line in drawn.empty_lines] == ["No source has verified anything."]
    assert not drawn.sources


counts = st.lists(st.integers(1, 1_000_000), min_size=1, max_size=4)


@given(counts, st.sampled_from([328.0, 1120.0]))
def test_every_part_is_seen_and_all_fill_the_bar(numbers: list[int], width: float) -> None:
    told = lay_out_shares([("enter", number, f"{number} entran") for number in numbers], width)
    assert abs(told.parts[-1].x + told.parts[-1].width - width) < 0.01
    assert all(part.width >= MIN_PART_WIDTH * 0.9 for part in told.parts)
    for one, other in zip(told.parts, told.parts[1:], strict=False):
        assert one.x + one.width < other.x


@given(counts, st.sampled_from([328.0, 1120.0]))
def test_no_label_stands_over_another_or_outside(numbers: list[int], width: float) -> None:
    told = lay_out_shares([("enter", number, f"{number} no cambian nada") for number in numbers], width)
    for one, other in zip(told.labels, told.labels[1:], strict=False):
        assert one.y < other.y or one.x + measure_text(one.text, SHARE_LABEL_SIZE) < other.x
    for label in told.labels:
        assert label.x >= 0
        assert label.x + measure_text(label.text, SHARE_LABEL_SIZE) <= width + 0.01
        assert label.y < told.height


def test_parts_are_as_wide_as_their_numbers() -> None:
    told = lay_out_shares([("enter", 3, ""), ("waits", 1, "")], 402)
    assert [round(part.width) for part in told.parts] == [300, 100]
