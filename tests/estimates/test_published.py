"""Estimates against what others published or computed: R's SparseMSE, statsmodels, textbooks' closed forms."""

import math
from itertools import combinations

import numpy as np
import pytest
from statsmodels.genmod.families import Poisson
from statsmodels.genmod.generalized_linear_model import GLM

from app.estimates.estimator import estimate_population
from tests.estimates.estimating import drawn, model, of, patterns, published

# Table, model, estimate and the ends of its 95 % interval, by SparseMSE 2.0.1.
FIGURES = [
    ("uk_6_lists", "independence", 12_214.0, 10_988.8, 13_621.3),
    ("uk_6_lists", "stepwise", 11_418.0, 9_977.3, 13_145.7),
    ("uk_5_lists", "independence", 13_444.1, 11_985.2, 15_133.4),
    ("uk_5_lists", "stepwise", 11_313.0, 9_884.4, 13_027.4),
    ("western_5_lists", "independence", 2_007.1, 1_420.4, 2_914.0),
    ("western_5_lists", "stepwise", 2_483.4, 1_657.1, 3_830.0),
]


@pytest.mark.parametrize("table, name, figure, low, high", FIGURES)
def test_published_tables_give_the_published_figures(
    table: str, name: str, figure: float, low: float, high: float
) -> None:
    found = model(estimate_population(*published(table)), name)
    assert (found.estimate, found.low, found.high) == pytest.approx((figure, low, high), rel=1e-4)
    assert found.interval == "observed + exp(b0 ± 1.96 se)"


def test_the_stepwise_model_takes_the_published_pairs_in_the_published_order() -> None:
    five = model(estimate_population(*published("uk_5_lists")), "stepwise")
    assert five.terms == ("LA:NG", "NG:GP", "PFNCA:GP", "LA:PFNCA", "GO:GP", "NG:GO")
    assert model(estimate_population(*published("western_5_lists")), "stepwise").terms == ("A:E",)


def test_the_choice_for_the_united_kingdom_lies_in_the_published_range() -> None:
    chosen = estimate_population(*published("uk_6_lists")).chosen_model
    assert chosen is not None
    assert (chosen.name, 10_000 < chosen.estimate < 13_000) == ("stepwise", True)


@pytest.mark.parametrize("lists, seed", [(3, 1), (4, 2), (5, 3), (7, 4)])
def test_statsmodels_finds_the_same_estimates_errors_and_criteria(lists: int, seed: int) -> None:
    names, people = drawn(lists, 2_000, seed)
    found = estimate_population(names, people)
    cells = [frozenset(cell) for size in range(1, lists + 1) for cell in combinations(names, size)]
    counts = np.array([people.get(cell, 0) for cell in cells])
    assert {"independence", "stepwise", "all_pairs"} <= {each.name for each in found.models}
    for each in found.models:
        terms = [frozenset[str](), *map(frozenset, names), *(frozenset(term.split(":")) for term in each.terms)]
        design = np.array([[float(term <= cell) for term in terms] for cell in cells])
        with np.errstate(divide="ignore"):  # it divides by zero where a model fits all counts exactly
            fit = GLM(counts, design, family=Poisson()).fit(method="newton", disp=0)
        unseen, spread = math.exp(fit.params[0]), math.exp(1.96 * fit.bse[0])
        expected = (
            found.observed_count + unseen,
            found.observed_count + unseen / spread,
            found.observed_count + unseen * spread,
        )
        assert (each.estimate, each.low, each.high) == pytest.approx(expected, rel=1e-7)
        assert each.aic == pytest.approx(fit.aic, rel=1e-9)
        assert each.bic == pytest.approx(math.log(found.observed_count) * len(terms) - 2 * fit.llf, rel=1e-9)


def test_three_independent_lists_have_a_closed_form() -> None:
    # With 1/2, 1/3 and 1/4 of 240 people, independently, 60 are on none.
    table = patterns(A=60, B=30, C=20, AB=30, AC=20, BC=10, ABC=10)
    found = of(table)
    independence = model(found, "independence")
    assert independence.estimate == pytest.approx(240)
    assert model(found, "stepwise").terms == ()
    # Darroch's variance (1958, Biometrika 45) is that of the estimate about the number there is, which itself varies
    # about its mean by as many as are unseen.
    on_none = 1 / 2 * 2 / 3 * 3 / 4
    darroch = 240 / (1 / on_none + 3 - 1 - (2 + 3 / 2 + 4 / 3))
    error = math.log((independence.high - 180) / 60) / 1.96 * 60
    assert error**2 == pytest.approx(darroch - 60)


def test_all_pairs_of_three_lists_have_a_closed_form() -> None:
    # Nothing is left over: the unseen are the product of the odd patterns by that of the even ones (Fienberg 1972).
    found = model(of(patterns(A=30, B=25, C=40, AB=12, AC=9, BC=15, ABC=4)), "all_pairs")
    assert found.estimate == pytest.approx(135 + 30 * 25 * 40 * 4 / (12 * 9 * 15))
    error = math.sqrt(1 / 30 + 1 / 25 + 1 / 40 + 1 / 12 + 1 / 9 + 1 / 15 + 1 / 4)
    assert found.high - 135 == pytest.approx((found.estimate - 135) * math.exp(1.96 * error))


def test_two_lists_give_chapmans_estimate_and_sebers_variance() -> None:
    # 50 and 40 people, 20 of them on both.
    found = of(patterns(A=30, B=20, AB=20))
    estimated = 51 * 41 / 21 - 1
    spread = 1.96 * math.sqrt(51 * 41 * 30 * 20 / (21**2 * 22))
    assert found.chosen_model is not None
    assert (found.chosen_model.name, found.chosen_model.aic) == ("chapman", None)
    figures = (found.chosen_model.estimate, found.chosen_model.low, found.chosen_model.high)
    assert figures == pytest.approx((estimated, estimated - spread, estimated + spread))


def test_chaos_bound_multiplies_what_single_lists_have_alone() -> None:
    bound = of(patterns(A=10, B=20, C=30, AB=3, BC=4, ABC=5)).lower_bound
    assert bound.estimate == pytest.approx(72 + (10 * 20 + 10 * 30 + 20 * 30) / (7 + 1))
    assert bound.equal_lists_estimate == pytest.approx(72 + 60**2 / (2 * 7))


def test_the_profile_interval_cuts_the_likelihood_where_it_has_fallen_by_two_units() -> None:
    names, people = drawn(3, 500, 5, spread=0.0)
    found = model(estimate_population(names, people), "independence")
    assert found.profile is not None
    low, high = found.profile
    assert low is not None
    assert high is not None
    observed = sum(people.values())
    cells = [frozenset(cell) for size in range(1, 4) for cell in combinations(names, size)]
    counts = np.array([people.get(cell, 0) for cell in cells])
    design = np.array([[float(name in cell) for name in names] for cell in cells])

    def best(unseen: float) -> float:
        offset = np.full(len(cells), math.log(unseen))
        return float(GLM(counts, design, family=Poisson(), offset=offset).fit(method="newton", disp=0).llf)

    top = best(found.estimate - observed)
    assert [2 * (top - best(end - observed)) for end in (low, high)] == pytest.approx([1.96**2] * 2, abs=1e-2)


def test_all_pairs_fits_without_the_patterns_of_pairs_that_nobody_is_on_and_still_counts_their_terms() -> None:
    names, people = published("western_5_lists")
    cells = [frozenset(cell) for size in range(1, 6) for cell in combinations(names, size)]
    shared = {pair: sum(n for cell, n in people.items() if set(pair) <= cell) for pair in combinations(names, 2)}
    empty = [set(pair) for pair, number in shared.items() if not number]
    kept = [cell for cell in cells if not any(pair <= cell for pair in empty)]
    terms = [set[str](), *({name} for name in names), *(set(pair) for pair, number in shared.items() if number)]
    design = np.array([[float(term <= cell) for term in terms] for cell in kept])
    fit = GLM([people.get(cell, 0) for cell in kept], design, family=Poisson()).fit(method="newton", disp=0)
    found = model(estimate_population(names, people), "all_pairs")
    assert len(empty) == 2
    assert found.estimate - 345 == pytest.approx(math.exp(fit.params[0]), rel=1e-6)
    assert found.aic == pytest.approx(fit.aic + 2 * len(empty))
    assert found.bic == pytest.approx(math.log(345) * (len(terms) + len(empty)) - 2 * fit.llf)
