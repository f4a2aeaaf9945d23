"""Stock and flow: whether a source's own figures of the held, the taken in and the let out fit together (pure).

held(t1) = held(t0) + in − out + late reports − corrections. What is left over is the residual of the step: people whom
the source's own figures do not explain.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from app.counts.claims.figures import FURTHEST, Figure, Figures, minus, total_of
from app.vocabulary import Measure

Row = dict[str, Any]
Bounds = tuple[int | None, int | None]

# Flow → the measures it is the sum of, and whether it adds to the stock.
FLOWS: dict[str, tuple[tuple[Measure, ...], bool]] = {
    "in": ((Measure.DETAINED, Measure.REARRESTED), True),
    "out": ((Measure.RELEASED,), False),
    "late": ((Measure.REPORTED_LATE,), True),
    "corrections": ((Measure.DELISTED, Measure.DIED), False),
}
NOTHING: Bounds = (0, 0)


def balance(figures: Figures, claimant: str, country: str | None) -> list[Row]:
    """One row for each two figures of the held in succession, country by country: people held in one country and in
    another are two stocks. Figures that name no country are a series of their own.

    `{"country", "from", "to", "in", "out", "late", "corrections", "expected", "residual", "missing"}`; flows and sums
    are `{"low", "high"}`, a flow without a figure is null, counts as nought and is named in `missing`.
    """
    own = [figure for figure in figures.by_id.values() if _belongs(figures, figure, claimant, country)]
    by_country: dict[str, list[Figure]] = {}
    for figure in own:
        by_country.setdefault(figure.said.get("country") or "", []).append(figure)
    return [step for _country, series in sorted(by_country.items()) for step in _steps(series)]


def _steps(series: Sequence[Figure]) -> Iterator[Row]:
    held = sorted((figure for figure in series if figure.said["measure"] == Measure.HELD), key=_when)
    for before, after in pairwise(held):
        yield _step(series, before, after)


def _belongs(figures: Figures, figure: Figure, claimant: str, country: str | None) -> bool:
    """A figure of everyone whom the source lists, given once; those of a group or a place are other stocks, and an
    announcement has let nobody out."""
    if figure.claimant != claimant or figure.instant is None or figure.id in figures.superseded or figure.misprint:
        return False
    if figure.terms or figure.subset_of is not None or figure.stage != FURTHEST:
        return False
    if any(_same_stock(figures, figure, name) for name in ("same_as", "part_of")):
        return False
    return country is None or figure.said.get("country") == country


def _same_stock(figures: Figures, figure: Figure, name: str) -> bool:
    """Whether a figure repeats another of the same source, or is a part of what the source holds in all."""
    others = [figures.by_id[other] for other in figure.refers_to(name) if other in figures.by_id]
    mine = [one for one in others if one.claimant == figure.claimant and one.said["measure"] == figure.said["measure"]]
    return bool(mine) and (name == "same_as" or figure.said["measure"] == Measure.HELD)


def _when(figure: Figure) -> tuple[Any, int]:
    return figure.instant, figure.since


def _step(own: Sequence[Figure], before: Figure, after: Figure) -> Row:
    flows = {name: _flow(own, before, after, measures) for name, (measures, _adds) in FLOWS.items()}
    expected = before.bounds
    for name, flow in flows.items():
        expected = _plus(expected, flow or NOTHING) if FLOWS[name][1] else _minus(expected, flow or NOTHING)
    return {
        "country": before.said.get("country"),
        "from": before.shown(),
        "to": after.shown(),
        **{name: None if flow is None else _shown(flow) for name, flow in flows.items()},
        "expected": _shown(expected),
        "residual": minus(after.bounds, expected),
        "missing": [name for name, flow in flows.items() if flow is None],
    }


def _flow(own: Sequence[Figure], before: Figure, after: Figure, measures: Sequence[Measure]) -> Bounds | None:
    """What the source says came or went between two stocks; None where it says nothing."""
    found = [bounds for measure in measures if (bounds := _of_measure(own, before, after, measure)) is not None]
    total = NOTHING
    for bounds in found:
        total = _plus(total, bounds)
    return total if found else None


def _of_measure(own: Sequence[Figure], before: Figure, after: Figure, measure: Measure) -> Bounds | None:
    """What the running total grew by that tells of most of the time; else the batches stated in between, added up."""
    told = sorted((figure for figure in own if figure.said["measure"] == measure), key=_when)
    grown = list(_growth(told, before, after))
    if grown:
        return min(grown).by
    between = [figure for figure in told if _between(figure, before, after)]
    batches = {figure.id: figure for figure in between if figure.said.get("series") == "batch"}
    # A batch that is a part of another one here is counted with the whole.
    apart = [figure for figure in batches.values() if not batches.keys() & set(figure.refers_to("part_of"))]
    return total_of(apart) if apart else None


def _between(figure: Figure, before: Figure, after: Figure) -> bool:
    assert before.instant is not None
    assert figure.instant is not None
    assert after.instant is not None
    return before.instant < figure.instant <= after.instant


class Growth(NamedTuple):
    """What a running total grew by, the best told first: the days between the two stocks of which it does not tell, the
    days before the first of which it tells too, and the day since which it counts (ordinal; 0: it does not say)."""

    untold: int
    too_early: int
    since: int
    by: Bounds


def _growth(told: Sequence[Figure], before: Figure, after: Figure) -> Iterator[Growth]:
    """The growth of each running total: its last figure by the second stock less its last by the first."""
    running = [figure for figure in told if figure.said.get("series") != "batch"]
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


def _plus(a: Bounds, b: Bounds) -> Bounds:
    low = None if a[0] is None or b[0] is None else a[0] + b[0]
    return low, None if a[1] is None or b[1] is None else a[1] + b[1]


def _minus(a: Bounds, b: Bounds) -> Bounds:
    found = minus(a, b)
    return found["low"], found["high"]


def _shown(bounds: Bounds) -> Row:
    return {"low": bounds[0], "high": bounds[1]}
