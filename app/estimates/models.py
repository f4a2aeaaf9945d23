"""Estimation models: Chapman, log-linear models and Chao's lower bound, with their intervals and papers.

The interactions of a log-linear model are chosen stepwise by likelihood ratio, or by BIC among hierarchical models."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from app.estimates.shapes import EstimateModel, EstimateRange, LowerBoundOut
from app.estimates.table import (
    MAX_PEOPLE,
    NORMAL_95,
    Fit,
    PatternTable,
    build_start,
    find_profile_end,
    maximize_likelihood,
    solve_linear,
    sum_over_supersets,
)

CHAPMAN_INTERVAL = "estimate ± 1.96 se, from observed on"
LOG_LINEAR_INTERVAL = "observed + exp(b0 ± 1.96 se)"


@dataclass(frozen=True)
class Model:
    """One model's estimate of the population, with a 95 % interval.

    `terms` are the interactions, as lists joined by colons; the term of each list is implied. `aic` and `bic` are None
    without a likelihood to compare (Chapman). `profile` is the profile likelihood interval, if any; an end is None if
    the likelihood never falls far enough."""

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

    def build_model_out(self) -> EstimateModel:
        """Return the model for JSON. People have one decimal; more would suggest a false precision."""
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
    """Chao's lower bound of the population.

    `on_one_list` and `on_two_lists` are the people on exactly one and exactly two lists. `equal_lists_estimate` is the
    older form, for lists that all reach the same share of people; None if nobody is on exactly two."""

    estimate: float
    on_one_list: int
    on_two_lists: int
    equal_lists_estimate: float | None

    def build_lower_bound_out(self) -> LowerBoundOut:
        """Return the bound for JSON; people have one decimal."""
        return {
            "name": "chao",
            "estimate": round(self.estimate, 1),
            "once": self.on_one_list,
            "twice": self.on_two_lists,
            "if_lists_alike": None if self.equal_lists_estimate is None else round(self.equal_lists_estimate, 1),
            "source": "Chao 1989, Biometrics 45, 427–438; for lists that are alike: Chao 1987, Biometrics 43, 783–791",
        }


def compute_lower_bound(table: PatternTable) -> LowerBound:
    """Return Chao's lower bound for lists of unequal reach (Chao 1989).

    Observed + (sum over pairs of lists of [only on one] × [only on the other]) / (people on exactly two lists + 1). By
    the Cauchy–Schwarz inequality the unseen are at least that many, however people's chances differ. For two lists it
    equals Chapman's estimate. The older form, observed + f1² / (2 f2) (Chao 1987), assumes lists of equal reach and
    exceeds the estimates if they are not."""
    on_one_list, on_two_lists = table.count_on_exactly(1), table.count_on_exactly(2)
    squares = sum(number**2 for cell, number in table.people.items() if cell.bit_count() == 1)
    cross_products = (on_one_list**2 - squares) / 2
    equal_lists_estimate = table.observed_count + on_one_list**2 / (2 * on_two_lists) if on_two_lists else None
    return LowerBound(
        table.observed_count + cross_products / (on_two_lists + 1), on_one_list, on_two_lists, equal_lists_estimate
    )


def estimate_chapman(table: PatternTable) -> Model | None:
    """Estimate from two lists: (n1 + 1)(n2 + 1) / (m + 1) − 1 (Chapman 1951), with Seber's variance (1970).

    None if the estimate exceeds MAX_PEOPLE."""
    first, second, shared = table.count_on_all(1), table.count_on_all(2), table.count_on_all(3)
    estimate = (first + 1) * (second + 1) / (shared + 1) - 1
    variance = (first + 1) * (second + 1) * (first - shared) * (second - shared) / ((shared + 1) ** 2 * (shared + 2))
    margin = NORMAL_95 * math.sqrt(variance)
    if estimate + margin > MAX_PEOPLE:
        return None
    low = max(estimate - margin, float(table.observed_count))
    source = "Chapman 1951, Univ. California Publ. Statist. 1, 131–160; variance: Seber 1970, Biometrics 26, 13–22"
    return Model("chapman", (), estimate, low, estimate + margin, CHAPMAN_INTERVAL, source)


def estimate_log_linear(
    table: PatternTable, name: str, source: str, fit: Fit, terms: list[int], closed_terms: int = 0
) -> Model | None:
    """Return the estimate of a fitted model: observed + exp(constant). None if it is undetermined or exceeds
    MAX_PEOPLE.

    `closed_terms`: number of terms at minus infinity, whose cells were removed from the fit; they count as parameters.
    BIC uses the number of people observed as the sample size."""
    constant, margin = float(fit.parameters[0]), NORMAL_95 * fit.standard_error
    if constant + margin > math.log(MAX_PEOPLE):
        return None
    observed = table.observed_count
    parameters = len(fit.terms) + closed_terms
    likelihood = fit.likelihood - sum(math.lgamma(number + 1) for number in table.people.values())
    profile_low, profile_high = find_profile_end(fit, -1), find_profile_end(fit, 1)
    return Model(
        name=name,
        terms=tuple(table.format_term(term) for term in terms),
        estimate=observed + math.exp(constant),
        low=observed + math.exp(constant - margin),
        high=observed + math.exp(constant + margin),
        interval=LOG_LINEAR_INTERVAL,
        source=source,
        aic=2 * parameters - 2 * likelihood,
        bic=math.log(observed) * parameters - 2 * likelihood,
        profile=(
            None if profile_low is None else observed + profile_low,
            None if profile_high is None else observed + profile_high,
        ),
    )


# The chi-squared value with one degree of freedom for p = 0.02 (Chan, Silverman and Vincent 2021).
ENTRY_THRESHOLD = 5.411894431054343
# The score statistic estimates the gain of a pair without a fit. For one Poisson count the likelihood ratio is at most
# twice the score; a pair is fitted as long as four times its score could still win.
SCREEN_FACTOR = 4.0
TIE_DIGITS = 6  # gains equal to this many decimals are ties, resolved by the names of the lists
RESIDUAL_TOLERANCE = 1e-9  # a smaller remaining share of a pair is rounding error
MAX_LISTS_BY_BIC = 5  # 6,893 hierarchical models; six lists have 7.8 million


def list_pairs(table: PatternTable) -> list[int]:
    """Return every pair of lists."""
    return [1 << i | 1 << j for i, j in combinations(range(len(table.lists)), 2)]


def fit_independence(table: PatternTable, unseen: float) -> Fit | None:
    """Fit the model without interactions. `unseen`: a first guess."""
    mains = [1 << bit for bit in range(len(table.lists))]
    list_totals = np.array([table.count_on_all(main) for main in mains], dtype=np.float64)
    cell_mask = np.ones(len(table.counts))
    cell_mask[0] = 0
    return maximize_likelihood(
        [0, *mains], table.counts, cell_mask, build_start(list_totals, table.observed_count, unseen)
    )


def fit_all_pairs(table: PatternTable, base: Fit) -> tuple[Fit | None, list[int]]:
    """Fit the model with every pair. Return the fit and the pairs with nobody in common.

    The term of a pair with nobody in common goes to minus infinity, as do the expected counts on both lists. Those
    patterns are removed and the term is not fitted (the extended maximum of Fienberg and Rinaldo 2012, as Chan,
    Silverman and Vincent 2021 use it)."""
    shared = [pair for pair in list_pairs(table) if table.count_on_all(pair)]
    empty = [pair for pair in list_pairs(table) if not table.count_on_all(pair)]
    cells = np.arange(len(table.counts))
    cell_mask = base.cell_mask.copy()
    for pair in empty:
        cell_mask[(cells & pair) == pair] = 0
    start = np.append(base.parameters, np.zeros(len(shared)))
    return maximize_likelihood([*base.terms, *shared], table.counts, cell_mask, start), empty


def fit_stepwise(table: PatternTable, base: Fit) -> tuple[Fit, list[int]]:
    """Add pairs one by one, as long as the best raises the likelihood significantly (p = 0.02).

    Pairs with nobody in common are not candidates, nor are those whose model has no finite maximum: no larger model has
    one either. Return the fit and the pairs in the order of entry."""
    fit, entered_pairs = base, list[int]()
    candidates = [pair for pair in list_pairs(table) if table.count_on_all(pair)]
    while True:
        best: tuple[float, tuple[str, ...], int, Fit] | None = None
        for score, pair in sorted(zip(_compute_scores(fit, candidates), candidates, strict=True), reverse=True):
            if SCREEN_FACTOR * score < max(ENTRY_THRESHOLD, -best[0] if best else 0.0):
                break
            larger = maximize_likelihood([*fit.terms, pair], fit.counts, fit.cell_mask, np.append(fit.parameters, 0.0))
            if larger is None:
                candidates.remove(pair)
                continue
            gain = round(2 * (larger.likelihood - fit.likelihood), TIE_DIGITS)
            entry = (-gain, table.sorted_names(pair), pair, larger)
            if best is None or entry[:2] < best[:2]:
                best = entry
        if best is None or -best[0] <= ENTRY_THRESHOLD:
            return fit, entered_pairs
        fit = best[3]
        entered_pairs.append(best[2])
        candidates.remove(best[2])


def _compute_scores(fit: Fit, pairs: Sequence[int]) -> list[float]:
    """Return the score statistic of adding each pair to the fit (Rao 1948); infinite if undetermined."""
    if not pairs:
        return []
    masks = np.array(pairs)
    slope = sum_over_supersets(fit.counts * fit.cell_mask)[masks] - fit.moments[masks]
    cross_moments = fit.moments[masks[:, None] | np.array(fit.terms)]
    shifts = solve_linear(fit.information, cross_moments.T)
    if shifts is None:
        return [math.inf] * len(pairs)
    free = fit.moments[masks] - np.einsum("pt,tp->p", cross_moments, shifts)
    is_determined = free > fit.moments[masks] * RESIDUAL_TOLERANCE
    return [
        float(s * s / v) if determined else math.inf
        for s, v, determined in zip(slope, free, is_determined, strict=True)
    ]


def fit_by_bic(table: PatternTable, base: Fit) -> tuple[Fit, list[int]]:
    """Return the hierarchical model with the lowest BIC (Schwarz 1978), for up to MAX_LISTS_BY_BIC lists.

    Hierarchical: an interaction requires all interactions that it contains. An interaction without people is not a
    candidate; that of all lists cannot be distinguished from the unseen."""
    best: tuple[float, int, list[tuple[str, ...]], list[int], Fit] | None = None
    unbounded_terms: list[set[int]] = []
    penalty = math.log(table.observed_count)
    for terms in sorted(list_hierarchies(table), key=len):
        if any(smaller.issubset(terms) for smaller in unbounded_terms):
            continue
        start = np.append(base.parameters, np.zeros(len(terms)))
        fit = maximize_likelihood([*base.terms, *terms], table.counts, base.cell_mask, start)
        if fit is None:
            unbounded_terms.append(set(terms))
            continue
        bic = round(penalty * len(fit.terms) - 2 * fit.likelihood, TIE_DIGITS)
        entry = (bic, len(terms), sorted(table.sorted_names(term) for term in terms), list(terms), fit)
        if best is None or entry[:3] < best[:3]:
            best = entry
    assert best is not None, "independence is one of them, and has a fit"
    return best[4], best[3]


def list_hierarchies(table: PatternTable) -> Iterator[tuple[int, ...]]:
    """Yield every hierarchical set of interactions that have people."""

    def extend(terms: tuple[int, ...], size: int) -> Iterator[tuple[int, ...]]:
        """Yield `terms` and every extension by interactions of at least `size` lists."""
        yield terms
        if size == len(table.lists):
            return
        contained = set(terms)
        candidates = [
            term
            for term in range(1, 2 ** len(table.lists))
            if term.bit_count() == size and table.count_on_all(term) and _find_subterms(term) <= contained
        ]
        for number in range(1, len(candidates) + 1):
            for added in combinations(candidates, number):
                yield from extend(terms + added, size + 1)

    return extend((), 2)


def _find_subterms(term: int) -> set[int]:
    """Return the interactions of one list less within `term`; single lists are in every model."""
    if term.bit_count() == 2:
        return set()
    return {term & ~(1 << bit) for bit in range(term.bit_length()) if term >> bit & 1}
