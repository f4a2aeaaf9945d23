"""The contested series is drawn by its rules: nothing closes over an open claim, and no label hides another."""

from dataclasses import replace
from datetime import date

import pytest

from app.web.charts.contested import draw_claims_chart
from app.web.charts.marks import (
    NARROW,
    WIDE,
    Box,
    Canvas,
    ClaimBar,
    ClaimsChart,
    Frame,
    Gap,
    Line,
    Reference,
    Text,
    WindowRow,
)
from app.web.charts.text import choose_day_ticks

FIRST = float(date(2026, 1, 8).toordinal())
frames = pytest.mark.parametrize("frame", [WIDE, NARROW], ids=["wide", "narrow"])


def bar(
    name: str, day: float, low: int | None, high: int | None, verified: int | None = 100, note: str = ""
) -> ClaimBar:
    return ClaimBar(
        name, FIRST + day, low, high, is_about=False, verified_count=verified, number=name, claimant="A ministry",
        stated_on="13 Jan", note=note, address=f"/en/claims/{name}", link_name=f"{name}: see the claim",
    )  # fmt: skip


BARS = (
    bar("more than 400", 5.5, 401, None),
    bar("896", 32.8, 896, 896),
    bar("808", 18.5, 808, 808, verified=None, note="does not say since when"),
    bar("626", 15.5, 626, 626),
    bar("more than 600", 18.5, 601, None),
    bar("406", 6.5, 406, 406, verified=None),
    bar("303", 4.5, 303, 303),
    bar("at most 50", 4.5, None, 50, verified=None),
    bar("one too many", 20.5, 500, 500),
)
LINES = tuple(
    Line(style, f"Organisation {style}", f"O{style}", ((FIRST, 0), (FIRST + 4.5, 50), (FIRST + 20.5, 300 - style)),
         str(300 - style), f"/en/releases?source={style}", "see the list")
    for style in (1, 2, 3)
)  # fmt: skip
CONTEST = ClaimsChart(
    first=FIRST, last=FIRST + 35, ticks=((FIRST, "8 Jan"),), unit="releases", lines=LINES,
    band=((FIRST, 0, 0), (FIRST + 20.5, 290, 303)), band_label="grey band", published_values=(), bars=BARS,
    gap=Gap("896", "480", "that nobody had verified", "Hatched", "/en/claims/896", "480: see the claim"),
    reference=Reference(((FIRST, 100), (FIRST + 20.5, 418)), "418 since December", "by at least one"), event=None,
    windows_heading="Since when", format_number=str,
    list_window_rows=lambda ids: [WindowRow(one, ": since December 2025", (FIRST - 30,), FIRST + 5) for one in ids],
)  # fmt: skip


def box(text: Text) -> Box:
    width, size = sum(run.width for run in text.runs), max(run.size for run in text.runs)
    left = text.x - {"start": 0.0, "middle": width / 2, "end": width}[text.anchor]
    return Box(left, text.y - size * 0.75, left + width, text.y + size * 0.2)


def inside(one: Box, width: float) -> Box:
    """What of a box lies in the drawing."""
    return Box(max(one.left, 0), one.top, min(one.right, width), one.bottom)


def said(canvas: Canvas) -> str:
    return " | ".join("".join(run.text for run in text.runs) for text in canvas.texts)


@frames
def test_no_label_hides_another_or_leaves_the_drawing(frame: Frame) -> None:
    canvas = draw_claims_chart(CONTEST, frame, "p")
    labels = Canvas(frame.width, canvas.height)
    for text in canvas.texts:
        assert labels.is_free(inside(box(text), frame.width)), text
        labels.occupied_boxes.append(box(text))
    for text in canvas.texts:
        found = box(text)
        assert found.left >= -1, text
        assert found.right <= frame.width + 1, text


@frames
def test_so_many_claims_are_drawn_and_the_contested_one_among_them(frame: Frame) -> None:
    told = said(draw_claims_chart(CONTEST, frame, "p"))
    assert "more than 400 |" in told
    drawn = [one for one in BARS if f"{one.number} |" in told]
    assert len(drawn) <= frame.max_bars
    assert "one too many" not in told


def test_others_make_room_for_the_most_contested_claim() -> None:
    wider = replace(BARS[0], number="“more than 400 of them”")
    told = said(draw_claims_chart(replace(CONTEST, bars=(wider, *BARS[1:])), NARROW, "p"))
    assert "“more than 400 of them”" in told
    assert "626 |" not in told


@frames
def test_a_claim_that_is_open_has_no_top(frame: Frame) -> None:
    canvas = draw_claims_chart(replace(CONTEST, bars=BARS[:1], gap=None), frame, "p")
    (hatched,) = [path for path in canvas.paths if path.fill == "p-hatch"]
    assert [path.kind for path in canvas.paths if path.kind.startswith("claim")].count("claim unsure") >= 1
    top = min(float(part.split("V")[0].split(" ")[1].split("H")[0]) for part in [hatched.d[1:]])
    chevron = canvas.paths[canvas.paths.index(hatched) + 4]
    assert float(chevron.d.split(" ")[1].split("L")[0]) < top


def test_what_cannot_be_compared_is_not_hatched() -> None:
    canvas = draw_claims_chart(replace(CONTEST, bars=BARS[2:3], gap=None), WIDE, "p")
    assert not [path for path in canvas.paths if path.fill]
    assert any(path.kind == "claim unsure" for path in canvas.paths)


def test_a_claim_of_less_than_was_verified_is_not_hatched() -> None:
    canvas = draw_claims_chart(replace(CONTEST, bars=(bar("40", 5.5, 40, 40, verified=76),), gap=None), WIDE, "p")
    assert not [path for path in canvas.paths if path.fill]


@frames
def test_with_nothing_claimed_lines_alone_are_drawn(frame: Frame) -> None:
    canvas = draw_claims_chart(
        replace(CONTEST, bars=(), gap=None, reference=None, list_window_rows=lambda _ids: ()), frame, "p"
    )
    assert [path.kind for path in canvas.paths].count("line-1") == 1
    assert "Since when" not in said(canvas)


@frames
def test_long_names_are_cut_and_their_day_is_not(frame: Frame) -> None:
    long = replace(BARS[0], claimant="A ministry of so many words that nobody would ever read all of them " * 4)
    told = said(draw_claims_chart(replace(CONTEST, bars=(long,)), frame, "p"))
    assert "…" in told
    assert "13 Jan" in told


@pytest.mark.parametrize(
    "days, most, told",
    [
        (4, 9, ["2026-01-08", "2026-01-09", "2026-01-10", "2026-01-11", "2026-01-12"]),
        (34, 9, ["2026-01-08", "2026-01-15", "2026-01-22", "2026-01-29", "2026-02-05"]),
        (200, 9, ["2026-02-01", "2026-03-01", "2026-04-01", "2026-05-01", "2026-06-01", "2026-07-01"]),
        (4000, 6, ["2028-01-01", "2030-01-01", "2032-01-01", "2034-01-01", "2036-01-01"]),
    ],
)
def test_an_axis_has_ticks_at_days_weeks_months_or_years(days: int, most: int, told: list[str]) -> None:
    assert [day.isoformat() for day in choose_day_ticks(FIRST, FIRST + days, most)] == told
