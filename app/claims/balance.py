"""Stock and flow: whether a source's own figures of the held, the taken in and the let out fit together (pure).

held(t1) = held(t0) + in − out + late reports − corrections. What is left over is the residual of the step: people whom
the source's own figures do not explain.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from app.claims.figures import FURTHEST, Figure, Figures, LowHigh, Reference, as_bounds, minus, total_of
from app.schemas.counts import BalanceStep
from app.vocabulary import Measure

# Flow → the measures it is the sum of, and whether it adds to the stock.
FLOWS: dict[str, tuple[tuple[Measure, ...], bool]] = {
    "in": ((Measure.DETAINED, Measure.REARRESTED), True),
    "out": ((Measure.RELEASED,), False),
    "late": ((Measure.REPORTED_LATE,), True),
    "corrections": ((Measure.DELISTED, Measure.DIED), False),
}
NOTHING: LowHigh = (0, 0)


def balance(figures: Figures, claimant: str, country: str | None) -> list[BalanceStep]:
    """One step for each two figures of the held in succession, country by country: people held in one country and in
    another are two stocks. Figures that name no country are a series of their own.

    A flow without a figure is null, counts as nought and is named in `missing`.
    """
    own = [figure for figure in figures.by_id.values() if _belongs(figures, figure, claimant, country)]
    by_country: dict[str, list[Figure]] = {}
    for figure in own:
        by_country.setdefault(figure.filed.get("country") or "", []).append(figure)
    return [step for _country, series in sorted(by_country.items()) for step in _steps(series)]


def _steps(series: Sequence[Figure]) -> Iterator[BalanceStep]:
    stocks = sorted((figure for figure in series if figure.filed["measure"] == Measure.HELD), key=_when)
    for before, after in pairwise(stocks):
        yield _step(series, before, after)


def _belongs(figures: Figures, figure: Figure, claimant: str, country: str | None) -> bool:
    """Whether a figure counts everyone on the source's list, and is given once. Figures of a group or a place count
    other stocks, and an announcement has let nobody out."""
    if figure.claimant != claimant or figure.instant is None or figure.id in figures.superseded or figure.misprint:
        return False
    if figure.terms or figure.subset_of is not None or figure.stage != FURTHEST:
        return False
    if _same_stock(figures, figure, "same_as") or _same_stock(figures, figure, "part_of"):
        return False
    return country is None or figure.filed.get("country") == country


def _same_stock(figures: Figures, figure: Figure, name: Reference) -> bool:
    """Whether a figure repeats another of the same source, or is a part of the source's whole stock."""
    measure = figure.filed["measure"]
    others = [figures.by_id[other] for other in figure.refers_to(name) if other in figures.by_id]
    mine = any(other.claimant == figure.claimant and other.filed["measure"] == measure for other in others)
    return mine and (name == "same_as" or measure == Measure.HELD)


def _when(figure: Figure) -> tuple[Any, int]:
    return figure.instant, figure.stated


def _step(own: Sequence[Figure], before: Figure, after: Figure) -> BalanceStep:
    flows = {name: _flow(own, before, after, measures) for name, (measures, _adds) in FLOWS.items()}
    expected = before.bounds
    for name, flow in flows.items():
        expected = _plus(expected, flow or NOTHING) if FLOWS[name][1] else _minus(expected, flow or NOTHING)
    shown = {name: None if flow is None else as_bounds(flow) for name, flow in flows.items()}
    return {
        "country": before.filed.get("country"),
        "from": before.shown(),
        "to": after.shown(),
        "in": shown["in"],
        "out": shown["out"],
        "late": shown["late"],
        "corrections": shown["corrections"],
        "expected": as_bounds(expected),
        "residual": minus(after.bounds, expected),
        "missing": [name for name, flow in flows.items() if flow is None],
    }


def _flow(own: Sequence[Figure], before: Figure, after: Figure, measures: Sequence[Measure]) -> LowHigh | None:
    """How many people came or went between two stocks, as the source says; None where it says nothing."""
    stated = [bounds for measure in measures if (bounds := _of_measure(own, before, after, measure)) is not None]
    total = NOTHING
    for bounds in stated:
        total = _plus(total, bounds)
    return total if stated else None


def _of_measure(own: Sequence[Figure], before: Figure, after: Figure, measure: Measure) -> LowHigh | None:
    """The growth of the running total that covers most of the time; else the sum of the batches stated in between."""
    told = sorted((figure for figure in own if figure.filed["measure"] == measure), key=_when)
    grown = list(_growth(told, before, after))
    if grown:
        return min(grown).by
    between = [figure for figure in told if _between(figure, before, after)]
    batches = {figure.id: figure for figure in between if figure.filed.get("series") == "batch"}
    # A batch that is a part of another one here is counted with the whole.
    apart = [figure for figure in batches.values() if not batches.keys() & set(figure.refers_to("part_of"))]
    return total_of(apart) if apart else None


def _between(figure: Figure, before: Figure, after: Figure) -> bool:
    assert before.instant is not None
    assert figure.instant is not None
    assert after.instant is not None
    return before.instant < figure.instant <= after.instant


class Growth(NamedTuple):
    """The growth of a running total; of several the best known sorts first. `untold`: the days between the two stocks
    that it misses; `too_early`: the days before the first stock that it counts too; `since`: the day from which it
    counts (an ordinal; 0: unsaid)."""

    untold: int
    too_early: int
    since: int
    by: LowHigh


def _growth(told: Sequence[Figure], before: Figure, after: Figure) -> Iterator[Growth]:
    """The growth of each running total: its last figure by the second stock less its last by the first."""
    running = [figure for figure in told if figure.filed.get("series") != "batch"]
    for since in {figure.days[0] or 0 for figure in running}:
        mine = [figure for figure in running if (figure.days[0] or 0) == since]
        later = [figure for figure in mine if _between(figure, before, after)]
        earlier = [figure for figure in mine if _when(figure)[0] <= _when(before)[0]]
        if not later:
            continue
        untold = _day(after) - _day(later[-1])
        if earlier:
            by = _minus(later[-1].bounds, earlier[-1].bounds)
            yield Growth(untold, _day(before) - _day(earlier[-1]), since, by)
        elif since > _day(before):
            yield Growth(untold + since - _day(before) - 1, 0, since, later[-1].bounds)


def _day(figure: Figure) -> int:
    assert figure.day is not None  # whatever has an instant has a day
    return figure.day.toordinal()


def _plus(a: LowHigh, b: LowHigh) -> LowHigh:
    low = None if a[0] is None or b[0] is None else a[0] + b[0]
    return low, None if a[1] is None or b[1] is None else a[1] + b[1]


def _minus(a: LowHigh, b: LowHigh) -> LowHigh:
    difference = minus(a, b)
    return difference["low"], difference["high"]
