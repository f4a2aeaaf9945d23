"""Estimates of everyone, seen or not, with intervals and papers: by one model each, and from below.

Which interactions a log-linear model takes: forward by likelihood ratio, or by BIC among hierarchical models."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from app.estimates.table import MOST_PEOPLE, NORMAL_95, Fit, Table, maximise, over_wholes, profile_end, solved, start_of
from app.schemas.counts import EstimateModel, EstimateRange, LowerBoundOut

CHAPMAN_INTERVAL = "estimate ± 1.96 se, from observed on"
LOG_LINEAR_INTERVAL = "observed + exp(b0 ± 1.96 se)"


@dataclass(frozen=True)
class Model:
    """One model's estimate of all people, with a 95 % interval.

    `terms` are the interactions, lists joined by colons; every list's own term is understood. `aic` and `bic` are None
    where there is no likelihood to compare (Chapman). `profile` is the profile likelihood interval, where there is one;
    an end of it is None where the likelihood never falls far enough.
    """

    name: str
    terms: tuple[str, ...]
    estimate: float
    low: float
    high: float
    interval: str
    source: str
    aic: float | None = None
    bic: float | None = None
    profile: tuple[float | None, float | None] | None = None

    def answer(self) -> EstimateModel:
        """For JSON: people to one decimal, since more would pretend to a precision that is not there."""
        profile: EstimateRange | None = None
        if self.profile is not None:
            low, high = (None if end is None else round(end, 1) for end in self.profile)
            profile = {"low": low, "high": high}
        return {
            "name": self.name,
            "terms": list(self.terms),
            "estimate": round(self.estimate, 1),
            "low": round(self.low, 1),
            "high": round(self.high, 1),
            "aic": None if self.aic is None else round(self.aic, 2),
            "bic": None if self.bic is None else round(self.bic, 2),
            "interval": self.interval,
            "profile": profile,
            "source": self.source,
        }


@dataclass(frozen=True)
class LowerBound:
    """Chao's lower bound of all people; `alike` is its older form, for lists that all reach the same share of people.

    `once` and `twice` are the people on exactly one and exactly two lists. `alike` is None when nobody is on exactly
    two.
    """

    estimate: float
    once: int
    twice: int
    alike: float | None

    def answer(self) -> LowerBoundOut:
        """For JSON: people to one decimal."""
        return {
            "name": "chao",
            "estimate": round(self.estimate, 1),
            "once": self.once,
            "twice": self.twice,
            "if_lists_alike": None if self.alike is None else round(self.alike, 1),
            "source": "Chao 1989, Biometrics 45, 427–438; for lists that are alike: Chao 1987, Biometrics 43, 783–791",
        }


def lower_bound(table: Table) -> LowerBound:
    """Chao's lower bound for lists of unequal reach (Chao 1989).

    Observed + (sum over pairs of lists of [only on one] × [only on the other]) / (people on exactly two lists + 1).
    The unseen are at least that many whatever chances people differ in, by the inequality of Cauchy and Schwarz; for
    two lists it is Chapman's estimate. The older form, observed + f1² / (2 f2) (Chao 1987), takes the lists to be alike
    and lies above the estimates when they are not.
    """
    once, twice = table.on_exactly(1), table.on_exactly(2)
    squares = sum(number**2 for cell, number in table.people.items() if cell.bit_count() == 1)
    across = (once**2 - squares) / 2
    alike = table.observed + once**2 / (2 * twice) if twice else None
    return LowerBound(table.observed + across / (twice + 1), once, twice, alike)


def chapman(table: Table) -> Model | None:
    """Two lists: (n1 + 1)(n2 + 1) / (m + 1) − 1 (Chapman 1951); its variance is Seber's (1970).

    None if it exceeds all bounds.
    """
    first, second, both = table.on_all(1), table.on_all(2), table.on_all(3)
    estimate = (first + 1) * (second + 1) / (both + 1) - 1
    variance = (first + 1) * (second + 1) * (first - both) * (second - both) / ((both + 1) ** 2 * (both + 2))
    spread = NORMAL_95 * math.sqrt(variance)
    if estimate + spread > MOST_PEOPLE:
        return None
    low = max(estimate - spread, float(table.observed))
    source = "Chapman 1951, Univ. California Publ. Statist. 1, 131–160; variance: Seber 1970, Biometrics 26, 13–22"
    return Model("chapman", (), estimate, low, estimate + spread, CHAPMAN_INTERVAL, source)


def log_linear(table: Table, name: str, source: str, fit: Fit, terms: list[int], closed: int = 0) -> Model | None:
    """The estimate by a fitted model: observed + e to its constant. None if that is not told or exceeds all bounds.

    `closed` terms went to minus infinity with the cells taken out of the fit: they count as parameters. BIC takes the
    people observed for the size of the sample.
    """
    constant, spread = float(fit.parameters[0]), NORMAL_95 * fit.error
    if constant + spread > math.log(MOST_PEOPLE):
        return None
    observed = table.observed
    parameters = len(fit.terms) + closed
    likelihood = fit.likelihood - sum(math.lgamma(number + 1) for number in table.people.values())
    down, up = profile_end(fit, -1), profile_end(fit, 1)
    return Model(
        name=name,
        terms=tuple(table.name(term) for term in terms),
        estimate=observed + math.exp(constant),
        low=observed + math.exp(constant - spread),
        high=observed + math.exp(constant + spread),
        interval=LOG_LINEAR_INTERVAL,
        source=source,
        aic=2 * parameters - 2 * likelihood,
        bic=math.log(observed) * parameters - 2 * likelihood,
        profile=(None if down is None else observed + down, None if up is None else observed + up),
    )


# The chi-squared value of one degree of freedom that p = 0.02 stands for (Chan, Silverman and Vincent 2021).
ENTRY = 5.411894431054343
# The score statistic tells without a fit about how much a pair would gain. For one Poisson count the likelihood ratio
# is at most twice the score; a pair is fitted while four times its score could still win.
SCREEN = 4.0
DIGITS = 6  # gains equal to so many decimals are ties, which the names of the lists decide
ROUNDING = 1e-9  # less of a pair left than this share of it is what the arithmetic itself leaves
MOST_LISTS_BY_BIC = 5  # 6,893 hierarchical models; six lists have 7.8 million


def pairs_of(table: Table) -> list[int]:
    """Every pair of lists."""
    return [1 << i | 1 << j for i, j in combinations(range(len(table.lists)), 2)]


def independence(table: Table, unseen: float) -> Fit | None:
    """The fit without interactions; `unseen` is a first guess."""
    mains = [1 << bit for bit in range(len(table.lists))]
    on_each = np.array([table.on_all(main) for main in mains], dtype=np.float64)
    kept = np.ones(len(table.counts))
    kept[0] = 0
    return maximise([0, *mains], table.counts, kept, start_of(on_each, table.observed, unseen))


def all_pairs(table: Table, base: Fit) -> tuple[Fit | None, list[int]]:
    """The fit with every pair, and the pairs that nobody is on.

    The term of a pair with nobody in common goes to minus infinity, and with it what is expected on both lists: those
    patterns are taken out and the term is not fitted (the extended maximum of Fienberg and Rinaldo 2012, as Chan,
    Silverman and Vincent 2021 use it).
    """
    shared = [pair for pair in pairs_of(table) if table.on_all(pair)]
    empty = [pair for pair in pairs_of(table) if not table.on_all(pair)]
    cells = np.arange(len(table.counts))
    kept = base.kept.copy()
    for pair in empty:
        kept[(cells & pair) == pair] = 0
    start = np.append(base.parameters, np.zeros(len(shared)))
    return maximise([*base.terms, *shared], table.counts, kept, start), empty


def stepwise(table: Table, base: Fit) -> tuple[Fit, list[int]]:
    """Pairs enter one by one while the best raises the likelihood by more than p = 0.02 allows for chance.

    Pairs with nobody in common are no candidates, and neither are those whose model has no finite maximum: no larger
    one has it either. The pairs taken stand in the order of entry.
    """
    fit, taken = base, list[int]()
    candidates = [pair for pair in pairs_of(table) if table.on_all(pair)]
    while True:
        best: tuple[float, tuple[str, ...], int, Fit] | None = None
        for score, pair in sorted(zip(_scores(fit, candidates), candidates, strict=True), reverse=True):
            if SCREEN * score < max(ENTRY, -best[0] if best else 0.0):
                break
            larger = maximise([*fit.terms, pair], fit.counts, fit.kept, np.append(fit.parameters, 0.0))
            if larger is None:
                candidates.remove(pair)
                continue
            gain = round(2 * (larger.likelihood - fit.likelihood), DIGITS)
            entry = (-gain, table.sorted_names(pair), pair, larger)
            if best is None or entry[:2] < best[:2]:
                best = entry
        if best is None or -best[0] <= ENTRY:
            return fit, taken
        fit = best[3]
        taken.append(best[2])
        candidates.remove(best[2])


def _scores(fit: Fit, pairs: Sequence[int]) -> list[float]:
    """The score statistic of each pair beside the fit (Rao 1948); infinite where it cannot be told."""
    if not pairs:
        return []
    masks = np.array(pairs)
    slope = over_wholes(fit.counts * fit.kept)[masks] - fit.moments[masks]
    across = fit.moments[masks[:, None] | np.array(fit.terms)]
    shifts = solved(fit.information, across.T)
    if shifts is None:
        return [math.inf] * len(pairs)
    free = fit.moments[masks] - np.einsum("pt,tp->p", across, shifts)
    told = free > fit.moments[masks] * ROUNDING
    return [float(s * s / v) if known else math.inf for s, v, known in zip(slope, free, told, strict=True)]


def by_bic(table: Table, base: Fit) -> tuple[Fit, list[int]]:
    """The hierarchical model with the lowest BIC (Schwarz 1978), for up to MOST_LISTS_BY_BIC lists.

    Hierarchical: with an interaction stand all that it contains. An interaction of lists that nobody is on together is
    no candidate; that of all lists cannot be told from the unseen.
    """
    best: tuple[float, int, list[tuple[str, ...]], list[int], Fit] | None = None
    endless: list[set[int]] = []
    price = math.log(table.observed)
    for terms in sorted(hierarchies(table), key=len):
        if any(smaller.issubset(terms) for smaller in endless):
            continue
        start = np.append(base.parameters, np.zeros(len(terms)))
        fit = maximise([*base.terms, *terms], table.counts, base.kept, start)
        if fit is None:
            endless.append(set(terms))
            continue
        worth = round(price * len(fit.terms) - 2 * fit.likelihood, DIGITS)
        entry = (worth, len(terms), sorted(table.sorted_names(term) for term in terms), list(terms), fit)
        if best is None or entry[:3] < best[:3]:
            best = entry
    assert best is not None, "independence is one of them, and has a fit"
    return best[4], best[3]


def hierarchies(table: Table) -> Iterator[tuple[int, ...]]:
    """Every set of interactions, people on each, that holds with an interaction all that it contains."""

    def beyond(chosen: tuple[int, ...], size: int) -> Iterator[tuple[int, ...]]:
        """`chosen` and what may be added from interactions of `size` lists on."""
        yield chosen
        if size == len(table.lists):
            return
        known = set(chosen)
        open_ones = [
            term
            for term in range(1, 2 ** len(table.lists))
            if term.bit_count() == size and table.on_all(term) and _parts(term) <= known
        ]
        for number in range(1, len(open_ones) + 1):
            for more in combinations(open_ones, number):
                yield from beyond(chosen + more, size + 1)

    return beyond((), 2)


def _parts(term: int) -> set[int]:
    """The interactions of one list less that `term` contains; single lists stand in every model."""
    if term.bit_count() == 2:
        return set()
    return {term & ~(1 << bit) for bit in range(term.bit_length()) if term >> bit & 1}
