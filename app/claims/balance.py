"""Check whether a source's own figures of people held, detained and released fit together.

held(t1) = held(t0) + in − out + late reports − corrections. The remainder is the residual of the step: people whom the
source's own figures do not explain."""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from sqlmodel import Session

from app.claims.figures import (
    FURTHEST_STAGE,
    Figure,
    Figures,
    LowHigh,
    Reference,
    build_bounds,
    load_figures,
    order_by_instant,
    subtract_bounds,
    sum_bounds,
)
from app.claims.shapes import Balance, BalanceStep, BalanceTerms
from app.log.entries import pin_revision
from app.queries.addresses import EchoedTerms, build_query_url
from app.queries.shapes import build_revision_out
from app.vocabulary import Measure

# Flow → the measures it sums, and whether it adds to the stock.
FLOWS: dict[str, tuple[tuple[Measure, ...], bool]] = {
    "in": ((Measure.DETAINED, Measure.REARRESTED), True),
    "out": ((Measure.RELEASED,), False),
    "late": ((Measure.REPORTED_LATE,), True),
    "corrections": ((Measure.DELISTED, Measure.DIED), False),
}
ZERO: LowHigh = (0, 0)


def build_balance(session: Session, claimant: str, country: str | None, revision: int) -> Balance:
    """Return the steps of a source's figures; the address to cite is relative."""
    terms: BalanceTerms = {"source": claimant, "country": country}
    as_of = pin_revision(session, revision)
    countries: EchoedTerms = {} if country is None else {"country": country}
    permalink = build_query_url(f"/v1/sources/{claimant}/balance", countries, as_of)
    return {
        "terms": terms,
        "at": build_revision_out(session, revision),
        "data": compute_balance(load_figures(session, revision), claimant, country),
        "links": {
            "permalink": permalink,
            "cite": permalink,
            "list": build_query_url("/v1/claims", {"claimant": claimant, **countries}, as_of),
        },
    }


def compute_balance(figures: Figures, claimant: str, country: str | None) -> list[BalanceStep]:
    """Return one step for each two consecutive figures of people held, per country.

    Each country is a separate stock; figures without a country form their own series. A flow without a figure is null,
    is treated as 0 and is listed in `missing`."""
    own = [figure for figure in figures.by_id.values() if _is_whole_list_figure(figures, figure, claimant, country)]
    by_country: dict[str, list[Figure]] = {}
    for figure in own:
        by_country.setdefault(figure.fields.get("country") or "", []).append(figure)
    return [step for _country, series in sorted(by_country.items()) for step in _build_steps(series)]


def _build_steps(series: Sequence[Figure]) -> Iterator[BalanceStep]:
    stocks = sorted((figure for figure in series if figure.fields["measure"] == Measure.HELD), key=order_by_instant)
    for opening, closing in pairwise(stocks):
        yield _build_step(series, opening, closing)


def _is_whole_list_figure(figures: Figures, figure: Figure, claimant: str, country: str | None) -> bool:
    """Return whether a figure counts everyone on the source's list and is not a repeat.

    Figures of a group or place count other stocks, and an announcement has released nobody."""
    if (
        figure.claimant != claimant
        or not figure.is_confirmed
        or figure.instant is None
        or figure.id in figures.superseded_ids
        or figure.is_misprint
    ):
        return False
    if figure.terms or figure.definition.get("subset_of") or figure.stage != FURTHEST_STAGE:
        return False
    if _is_already_in_stock(figures, figure, "same_as") or _is_already_in_stock(figures, figure, "part_of"):
        return False
    return country is None or figure.fields.get("country") == country


def _is_already_in_stock(figures: Figures, figure: Figure, name: Reference) -> bool:
    """Return whether a figure repeats another figure of the same source, or is a part of the source's whole stock."""
    measure = figure.fields["measure"]
    referenced = [figures.by_id[other] for other in figure.get_references(name) if other in figures.by_id]
    is_own = any(other.claimant == figure.claimant and other.fields["measure"] == measure for other in referenced)
    return is_own and (name == "same_as" or measure == Measure.HELD)


def _build_step(own: Sequence[Figure], opening: Figure, closing: Figure) -> BalanceStep:
    flows = {name: _sum_flow(own, opening, closing, measures) for name, (measures, _adds) in FLOWS.items()}
    expected_stock = opening.bounds
    for name, flow in flows.items():
        expected_stock = (
            _add_low_high(expected_stock, flow or ZERO)
            if FLOWS[name][1]
            else _subtract_low_high(expected_stock, flow or ZERO)
        )
    flow_bounds = {name: None if flow is None else build_bounds(flow) for name, flow in flows.items()}
    return {
        "country": opening.fields.get("country"),
        "from": opening.build_figure_out(),
        "to": closing.build_figure_out(),
        "in": flow_bounds["in"],
        "out": flow_bounds["out"],
        "late": flow_bounds["late"],
        "corrections": flow_bounds["corrections"],
        "expected": build_bounds(expected_stock),
        "residual": subtract_bounds(closing.bounds, expected_stock),
        "missing": [name for name, flow in flows.items() if flow is None],
    }


def _sum_flow(own: Sequence[Figure], opening: Figure, closing: Figure, measures: Sequence[Measure]) -> LowHigh | None:
    """Return how many people joined or left between two stocks according to the source; None if it gives no figure."""
    stated_bounds = [
        bounds for measure in measures if (bounds := _sum_measure(own, opening, closing, measure)) is not None
    ]
    total = ZERO
    for bounds in stated_bounds:
        total = _add_low_high(total, bounds)
    return total if stated_bounds else None


def _sum_measure(own: Sequence[Figure], opening: Figure, closing: Figure, measure: Measure) -> LowHigh | None:
    """Return the growth of the running total that covers most of the step; otherwise the sum of its batches."""
    measured = sorted((figure for figure in own if figure.fields["measure"] == measure), key=order_by_instant)
    growths = list(_find_growths(measured, opening, closing))
    if growths:
        return min(growths).amount
    step_figures = [figure for figure in measured if _is_between(figure, opening, closing)]
    batches = {figure.id: figure for figure in step_figures if figure.fields.get("series") == "batch"}
    # A batch that is part of another batch of the step is already included in it.
    whole_batches = [
        figure for figure in batches.values() if not batches.keys() & set(figure.get_references("part_of"))
    ]
    return sum_bounds(whole_batches) if whole_batches else None


def _is_between(figure: Figure, opening: Figure, closing: Figure) -> bool:
    assert opening.instant is not None
    assert figure.instant is not None
    assert closing.instant is not None
    return opening.instant < figure.instant <= closing.instant


class Growth(NamedTuple):
    """The growth of a running total. The most reliable growth sorts first.

    `missing_days`: days between the two stocks that it does not cover. `extra_days`: days before the first stock that
    it includes. `start_day`: the day from which it counts (an ordinal; 0 if not stated)."""

    missing_days: int
    extra_days: int
    start_day: int
    amount: LowHigh


def _find_growths(figures: Sequence[Figure], opening: Figure, closing: Figure) -> Iterator[Growth]:
    """Yield the growth of each running total: its latest figure at the closing stock minus that at the opening."""
    running = [figure for figure in figures if figure.is_whole]
    for start_day in {figure.days[0] or 0 for figure in running}:
        matching = [figure for figure in running if (figure.days[0] or 0) == start_day]
        later = [figure for figure in matching if _is_between(figure, opening, closing)]
        earlier = [figure for figure in matching if order_by_instant(figure)[0] <= order_by_instant(opening)[0]]
        if not later:
            continue
        missing_days = _day_number(closing) - _day_number(later[-1])
        if earlier:
            amount = _subtract_low_high(later[-1].bounds, earlier[-1].bounds)
            yield Growth(missing_days, _day_number(opening) - _day_number(earlier[-1]), start_day, amount)
        elif start_day > _day_number(opening):
            yield Growth(missing_days + start_day - _day_number(opening) - 1, 0, start_day, later[-1].bounds)


def _day_number(figure: Figure) -> int:
    assert figure.day is not None  # a figure with an instant has a day
    return figure.day.toordinal()


def _add_low_high(a: LowHigh, b: LowHigh) -> LowHigh:
    low = None if a[0] is None or b[0] is None else a[0] + b[0]
    return low, None if a[1] is None or b[1] is None else a[1] + b[1]


def _subtract_low_high(a: LowHigh, b: LowHigh) -> LowHigh:
    difference = subtract_bounds(a, b)
    return difference["low"], difference["high"]
