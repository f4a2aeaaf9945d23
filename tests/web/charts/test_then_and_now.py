"""Counts then and today: where dots, numbers, labels and the line of a claim stand."""

import pytest

from app.web.charts.text import measure_text
from app.web.charts.then_and_now import (
    CLAIM_LINE_CLEARANCE,
    NUMBER,
    ClaimLine,
    DotLabels,
    ThenAndNowLayout,
    ThenAndNowRow,
    lay_out_then_and_now,
)
from app.web.figure import FULL_WIDTH, PHONE_WIDTH, render_drawing
from app.web.rendering import load_catalogue

WORDS = DotLabels("23 ene", "hoy", load_catalogue("es").number)
ROWS = [
    ThenAndNowRow("Al menos una fuente", 179, 303, is_derived=True),
    ThenAndNowRow("Foro Penal", 154, 302, then_list="/es/releases?as_of=r1310", now_list="/es/releases"),
    ThenAndNowRow("CLIPPVE", 83, 83),
    ThenAndNowRow("Desmentidas después", 20, 12),
]
HOSTILE = '<script>alert("x")</script> \u202e ‏منظمة‏ 🕊 ' + "largo" * 60

on_both_widths = pytest.mark.parametrize("width", [FULL_WIDTH, PHONE_WIDTH])


def drawn(rows: list[ThenAndNowRow], width: int, claim: ClaimLine | None = None) -> tuple[ThenAndNowLayout, str]:
    chart = lay_out_then_and_now(rows, WORDS, width, claim)
    return chart, str(
        render_drawing("then-and-now", load_catalogue("es"), chart=chart, finding="Hallazgo", labels=WORDS)
    )


@on_both_widths
def test_a_dot_stands_as_far_from_zero_as_its_number_says(width: int) -> None:
    chart, _svg = drawn(ROWS, width)
    first, second, *_ = chart.pairs
    unit = (first.now_x - chart.zero) / 303
    assert second.then_x == pytest.approx(chart.zero + 154 * unit)
    assert second.now_x == pytest.approx(chart.zero + 302 * unit)


@on_both_widths
def test_a_count_that_did_not_change_is_one_dot_with_one_number(width: int) -> None:
    chart, _svg = drawn(ROWS, width)
    unchanged = chart.pairs[2]
    assert unchanged.then_number is None
    assert (unchanged.now_number.text, unchanged.now_number.anchor) == ("83", "start")


@on_both_widths
def test_numbers_stand_on_the_outer_sides_of_their_dots(width: int) -> None:
    chart, _svg = drawn(ROWS, width)
    grown, fallen = chart.pairs[0], chart.pairs[3]
    assert grown.then_number is not None
    assert fallen.then_number is not None
    assert (grown.then_number.anchor, grown.now_number.anchor) == ("end", "start")
    assert (fallen.then_number.anchor, fallen.now_number.anchor) == ("start", "end")


@on_both_widths
@pytest.mark.parametrize("claimed", [299, 303, 306, 310, 626])
def test_the_line_of_a_claim_crosses_no_number(width: int, claimed: int) -> None:
    chart, _svg = drawn(ROWS, width, ClaimLine(str(claimed), claimed, claimed))
    assert chart.claim is not None
    (line,) = chart.claim.lines
    for pair in chart.pairs:
        side = 1 if pair.now_number.anchor == "start" else -1
        end = pair.now_number.x + side * measure_text(pair.now_number.text, NUMBER, bold=True)
        low, high = sorted((pair.now_number.x, end))
        assert not low - CLAIM_LINE_CLEARANCE < line < high + CLAIM_LINE_CLEARANCE
        assert high <= width


@on_both_widths
def test_a_claim_without_a_top_is_told_as_open(width: int) -> None:
    chart, svg = drawn(ROWS, width, ClaimLine("más de 400", 401, None))
    assert chart.claim is not None
    assert (chart.claim.opens, len(chart.claim.lines)) == (1, 1)
    assert "más de 400" in svg
    assert "401" not in svg


@on_both_widths
def test_an_interval_has_a_line_at_both_ends(width: int) -> None:
    chart, _svg = drawn(ROWS, width, ClaimLine("entre 477 y 480", 477, 480))
    assert chart.claim is not None
    assert len(chart.claim.lines) == 2


@on_both_widths
def test_a_claim_without_a_number_has_no_line(width: int) -> None:
    chart, _svg = drawn(ROWS, width, ClaimLine("sin cifra", None, None))
    assert chart.claim is None


@on_both_widths
def test_the_words_above_the_dots_do_not_touch(width: int) -> None:
    chart, _svg = drawn([ThenAndNowRow("Al menos una", 294, 296)], width)
    for left, right in zip(chart.dot_labels, chart.dot_labels[1:], strict=False):
        assert right.x - left.x >= (measure_text(left.text, 12) + measure_text(right.text, 12)) / 2


@on_both_widths
def test_a_hostile_name_is_escaped_and_keeps_to_its_room(width: int) -> None:
    chart, svg = drawn([ThenAndNowRow(HOSTILE, 1, 2, now_list='/es/releases?x="><script>')], width)
    assert "<script>" not in svg
    assert all(measure_text(line.text, 13) <= width for line in chart.pairs[0].label)
    assert len(chart.pairs[0].label) <= 3


def test_each_number_leads_to_its_list_and_says_whose_and_when() -> None:
    _chart, svg = drawn(ROWS, FULL_WIDTH)
    assert 'href="/es/releases?as_of=r1310" aria-label="154, Foro Penal, 23 ene: ver la lista"' in svg
