"""Whatever a registry holds, no text of a chart stands on another, and none leaves its drawing."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.web.charts import bars, contested, hours, marks, overlap, then_and_now
from app.web.charts.funnel import Step
from app.web.charts.funnel import lay_out_funnel as laid_out_funnel
from app.web.charts.groups import Group, lay_out_group_bars
from app.web.charts.hours import HourlyClaim, HoursChart
from app.web.charts.marks import ClaimBar, ClaimsChart, Frame, Gap, Line, Reference, WindowRow
from app.web.charts.reconciliation import ClaimComparison, Kind, Segment, lay_out_horizontal_bar, lay_out_vertical_bar
from app.web.charts.source_line import Point, PublishedRange
from app.web.charts.source_line import lay_out_source_line as laid_out_line
from app.web.figure import FIVE_COLUMNS_WIDTH, FULL_WIDTH, PHONE_WIDTH, SEVEN_COLUMNS_WIDTH, render_drawing
from app.web.rendering import load_catalogue
from tests.drawn import examples
from tests.web.charts.boxes import faults_of as faults

WORDS = load_catalogue("es")
FIRST = date(2026, 1, 8).toordinal()
ADDRESS = "/es/claims/7"
NAMES = [
    "Foro Penal",
    "CLIPPVE",
    "Plataforma Unitaria Democrática",
    "Comité de Familiares y Amigos por la Libertad de las Presas y los Presos Políticos",
    "MINISTERIO DEL PODER POPULAR PARA EL SERVICIO PENITENCIARIO",
    "المرصد السوري لحقوق الإنسان",
    "Правозащитный центр «Мемориал»",
    "🕊️ Libertad 🕊️ 👩‍👩‍👧‍👦",
    '<script>alert("x")</script> & \u202e\u2066',
    "Donaudampfschifffahrtsgesellschaftskapitänsmützenvereinigung",
    "W" * 200,
]
names = st.sampled_from(NAMES)
numbers = st.sampled_from([0, 1, 2, 9, 53, 76, 303, 1003, 4151, 12_345, 100_000])
claimed = st.sampled_from([1, 40, 116, 401, 896, 100_000])
both = pytest.mark.parametrize("is_wide", [True, False], ids=["wide", "narrow"])


def of_claim(low: int | None, high: int | None) -> str:
    return "«más de 400»" if high is None else WORDS.number(high)


def bounds(value: int, how: str) -> tuple[int | None, int | None]:
    return {"exact": (value, value), "open": (value, None), "most": (None, value), "between": (value, value * 2)}[how]


hows = st.sampled_from(["exact", "open", "most", "between"])


def steps_to(value: int, days: int) -> tuple[tuple[float, int], ...]:
    return ((FIRST, 0), (FIRST + days * 0.3, value // 3), (FIRST + days * 0.8, value))


@st.composite
def contests(draw: st.DrawFn) -> ClaimsChart:
    days = draw(st.sampled_from([3, 35, 400]))
    lines = tuple(
        Line(style, name, name, steps_to(value, days), WORDS.number(value), ADDRESS, "list")
        for style, (name, value) in enumerate(draw(st.lists(st.tuples(names, numbers), max_size=3)), 1)
    )
    claims = [
        ClaimBar(str(place), FIRST + days * at, *bounds(value, how), is_about=False,
            verified_count=draw(st.sampled_from([None, 1])), number=of_claim(*bounds(value, how)), claimant=name,
            stated_on="13\N{NO-BREAK SPACE}ene", note=draw(st.sampled_from(["", "no dice desde cuándo"])),
            address=ADDRESS, link_name="claim")
        for place, (at, value, how, name) in enumerate(draw(
            st.lists(st.tuples(st.floats(0, 0.95), claimed, hows, names), max_size=12)))
    ]  # fmt: skip
    high = max((line.steps[-1][1] for line in lines), default=0)
    gap = Gap("0", "100.000", "que ninguna fuente independiente había verificado",
              "Lo rayado: lo que nadie había verificado en esa misma cuenta", ADDRESS, "gap")  # fmt: skip
    return ClaimsChart(
        first=FIRST, last=FIRST + days * 1.05, ticks=tuple((FIRST + days * at / 6, "28 ene") for at in range(7)),
        unit="excarcelaciones", lines=lines, band=((FIRST, 0, 0), (FIRST + days / 2, high // 2, high)),
        band_label="franja gris: de 296 (tres fuentes) a 303 (al menos una)", published_values=(), bars=tuple(claims),
        gap=gap if claims and claims[0].low else None,
        reference=Reference(steps_to(high * 2, days), "418 desde dic 2025", "al menos una fuente, brutas"),
        event=(FIRST + 1.0, "8 ene: se anuncian, sin cifra"), windows_heading="Desde cuándo cuenta cada cifra",
        format_number=WORDS.number,
        list_window_rows=lambda ids: [
            WindowRow(claims[int(one)].number,
                 ": impresa con cinco comienzos: 1 ene 2024, 2 feb 2024, 3 mar 2024 y más",
                 (FIRST - 30.0,), claims[int(one)].day)
            for one in ids
        ],
    )  # fmt: skip


@both
@given(contest_shown=contests())
@examples(12)
def test_of_a_contested_series(is_wide: bool, contest_shown: ClaimsChart) -> None:
    frame: Frame = marks.WIDE if is_wide else marks.NARROW
    canvas = contested.draw_claims_chart(contest_shown, frame, "p")
    svg = render_drawing("contested", WORDS, finding="", prefix="p", canvas=canvas)
    assert not (found := faults(svg, **({} if is_wide else {"claim_number": 17}))), found


@st.composite
def two_days(draw: st.DrawFn) -> HoursChart:
    lines = tuple(
        hours.Line(style, name, name, steps_to(value, 2))
        for style, (name, value) in enumerate(draw(st.lists(st.tuples(names, numbers), min_size=1, max_size=3)), 1)
    )
    moments = st.sampled_from([(0.0, 1.0), (1.0, 2.0), (0.3, 0.3), (1.9, 1.9), (1.0, 1.0)])
    published = tuple(
        hours.HourlyPublishedValue(
            1,
            value,
            WORDS.number(value),
            "ese día, sin hora" if begins < ends else "16:00",
            FIRST + begins,
            FIRST + ends,
        )
        for (begins, ends), value in draw(st.lists(st.tuples(moments, numbers), max_size=6))
    )
    claims = tuple(
        HourlyClaim(value, WORDS.number(value), name, "fuera de escala", FIRST + begins, FIRST + ends, ADDRESS, "claim")
        for (begins, ends), value, name in draw(st.lists(st.tuples(moments, claimed, names), max_size=5))
    )
    return HoursChart(FIRST, ("12 ene", "13 ene"), lambda hour: f"{hour} h", WORDS.number, lines, published, claims)


@both
@given(shown=two_days())
@examples(12)
def test_of_days_by_the_hour(is_wide: bool, shown: HoursChart) -> None:
    canvas = hours.draw_hours_chart(shown, hours.WIDE if is_wide else hours.NARROW, "p")
    svg = render_drawing("contested", WORDS, finding="", prefix="p", canvas=canvas)
    assert not (found := faults(svg)), found


@both
@given(sources=st.lists(names, min_size=1, max_size=12), values=st.lists(numbers, min_size=1, max_size=12))
@examples(12)
def test_of_an_overlap(is_wide: bool, sources: list[str], values: list[int]) -> None:
    columns = [overlap.Column(name, f"{WORDS.number(values[0])} ") for name in sources[: overlap.MAX_SOURCE_COLUMNS]]
    rows = [overlap.CombinationRow([0], value + 1, WORDS.number(value + 1), "") for value in values[:9]]
    rows.append(overlap.CombinationRow((), 3, "3", "", label="ninguna"))
    shown = overlap.lay_out_overlap(overlap.Table(columns, rows), FIVE_COLUMNS_WIDTH if is_wide else PHONE_WIDTH)
    assert not (found := faults(render_drawing("overlap", WORDS, drawn=shown, finding=""))), found


@both
@given(
    rows=st.lists(st.tuples(names, names, numbers, numbers), max_size=5),
    claim=st.none() | st.tuples(names, names, claimed, hows),
)
@examples(10)
def test_of_source_rows(
    is_wide: bool, rows: list[tuple[str, str, int, int]], claim: tuple[str, str, int, str] | None
) -> None:
    sources = [
        bars.SourceRow(name, about, now, WORDS.number(now), ADDRESS, "list", then, f"{WORDS.number(then)} el 13 ene")
        for name, about, now, then in rows
    ]
    shown = claim and bars.ClaimRow(claim[0], "gobierno", claim[1], of_claim(*bounds(*claim[2:])), ADDRESS,
                                    *bounds(*claim[2:]), "ohne Obergrenze nach oben")  # fmt: skip
    placed = bars.lay_out_source_rows(
        sources, shown, "hoy", "Ninguna fuente verificó nada", bars.WIDE if is_wide else bars.NARROW
    )
    assert not (found := faults(render_drawing("source-rows", WORDS, rows=placed, finding="", prefix="p"))), found


@both
@given(name=names, claim=st.tuples(claimed, hows), parts=st.lists(st.tuples(numbers, names), min_size=4, max_size=4))
@examples(12)
def test_of_a_reconciliation(is_wide: bool, name: str, claim: tuple[int, str], parts: list[tuple[int, str]]) -> None:
    kinds: tuple[Kind, ...] = ("main", "rest", "others", "reported")
    segments = [
        Segment(kind, number, WORDS.number(number), f"verificadas por {who}", "" if number % 2 else f"sin {who}")
        for kind, (number, who) in zip(kinds, parts, strict=True)
    ]
    verified = Segment("main", sum(one.number for one in segments[:3]), "303", f"verificadas por {name} y otras")
    left = Segment("remainder", 480, "480", "que ninguna fuente independiente había verificado")
    shown = ClaimComparison(of_claim(*bounds(*claim)), f"{name}, 13 ene 2026", *bounds(*claim), is_about=False,
                     segments=segments, remainder=left, verified_segment=verified)  # fmt: skip
    kind, placed = ("lying", lay_out_horizontal_bar(shown)) if is_wide else ("standing", lay_out_vertical_bar(shown))
    svg = render_drawing(f"reconciliation-{kind}", WORDS, drawn=placed, comparison=shown, finding="", prefix="p")
    assert not (found := faults(svg)), found


@both
@given(
    rows=st.lists(st.tuples(names, numbers, numbers, st.sampled_from(["", "gobierno"])), min_size=1, max_size=5),
    claim=st.none() | st.tuples(claimed, hows),
)
@examples(10)
def test_of_counts_then_and_today(
    is_wide: bool, rows: list[tuple[str, int, int, str]], claim: tuple[int, str] | None
) -> None:
    counted = [then_and_now.ThenAndNowRow(name, then, now, tag=tag) for name, then, now, tag in rows]
    words = then_and_now.DotLabels("23 ene", "hoy", WORDS.number)
    line = claim and then_and_now.ClaimLine(of_claim(*bounds(*claim)), *bounds(*claim))
    chart = then_and_now.lay_out_then_and_now(counted, words, FULL_WIDTH if is_wide else PHONE_WIDTH, line)
    assert not (found := faults(render_drawing("then-and-now", WORDS, chart=chart, finding="", labels=words))), found


@both
@given(groups=st.lists(st.tuples(names, numbers, numbers, numbers), min_size=1, max_size=6))
@examples(10)
def test_of_groups(is_wide: bool, groups: list[tuple[str, int, int, int]]) -> None:
    shown = [Group(name, tuple(parts)) for name, *parts in groups]  # type: ignore[arg-type]
    chart = lay_out_group_bars(shown, WORDS.number, FULL_WIDTH if is_wide else PHONE_WIDTH)
    assert not (found := faults(render_drawing("groups", WORDS, chart=chart, finding=""))), found


@both
@given(values=st.lists(numbers, min_size=7, max_size=7), remark=names)
@examples(10)
def test_of_a_funnel(is_wide: bool, values: list[int], remark: str) -> None:
    steps = [Step(value, "verificadas por al menos una fuente", "is-1", remark) for value in values]
    shown = laid_out_funnel(steps, SEVEN_COLUMNS_WIDTH if is_wide else PHONE_WIDTH, has_side_remarks=is_wide)
    assert not (found := faults(render_drawing("funnel", WORDS, drawn=shown, finding=""))), found


@both
@given(
    values=st.lists(numbers, min_size=1, max_size=40),
    figures=st.lists(st.tuples(st.floats(0, 40), claimed, st.booleans()), max_size=12),
)
@examples(12)
def test_of_the_line_of_a_source(is_wide: bool, values: list[int], figures: list[tuple[float, int, bool]]) -> None:
    points = [Point(FIRST + 1.0 + day, value) for day, value in enumerate(sorted(values))]
    published = [
        PublishedRange(min(FIRST + at, points[-1].moment), min(FIRST + at, points[-1].moment), value, value,
                  WORDS.number(value), ADDRESS, is_off)
        for at, value, is_off in figures
    ]  # fmt: skip
    width, height, most = (SEVEN_COLUMNS_WIDTH, 330, 8) if is_wide else (PHONE_WIDTH, 300, 4)
    shown = laid_out_line(points, published, width, height, most)
    assert not (found := faults(render_drawing("source-line", WORDS, drawn=shown, finding=""))), found
