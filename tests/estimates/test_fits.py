"""The search for a maximum: whether there is one, and that the short ways of the search miss nothing."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.optimize import linprog

from app.estimates import models
from app.estimates.table import (
    Fit,
    FloatArray,
    PatternTable,
    build_pattern_table,
    find_profile_end,
    maximize_likelihood,
    sum_over_subsets,
    sum_over_supersets,
)
from tests.estimates.estimating import Patterns, drawn, patterns, tables


def has_a_table_without_zeros(terms: list[int], counts: FloatArray) -> bool:
    """Fienberg and Rinaldo's condition (2012), as a linear programme: some positive table has the same totals."""
    cells = np.arange(1, len(counts))
    design = np.column_stack([(cells & term) == term for term in terms]).astype(np.float64)
    number = len(cells)
    found = linprog(
        np.append(np.zeros(number), -1),
        A_ub=np.column_stack([-np.eye(number), np.ones(number)]),
        b_ub=np.zeros(number),
        A_eq=np.column_stack([design.T, np.zeros(len(terms))]),
        b_eq=design.T @ counts[1:],
        bounds=[(0, None)] * number + [(None, None)],
    )
    return bool(found.x[-1] > 1e-7)


def independent(table: PatternTable) -> Fit:
    fit = models.fit_independence(table, 2.0 * table.observed_count)
    assert fit is not None
    return fit


def independent_if_any(table: PatternTable) -> Fit:
    """For properties: tables without a fit prove nothing."""
    assume(models.fit_independence(table, 2.0 * table.observed_count) is not None)
    return independent(table)


def small(people: int, lists: int, seed: int) -> PatternTable:
    table = build_pattern_table(*drawn(lists, people, seed, spread=0.5))
    assume(all(table.count_on_all(1 << bit) for bit in range(lists)))
    return table


@given(people=st.integers(5, 60), lists=st.integers(3, 5), seed=st.integers(0, 1_000_000), draw=st.data())
def test_a_maximum_is_found_exactly_when_some_table_without_zeros_has_the_same_totals(
    people: int, lists: int, seed: int, draw: st.DataObject
) -> None:
    table = small(people, lists, seed)
    mains = [0, *(1 << bit for bit in range(lists))]
    base = models.fit_independence(table, 2.0 * table.observed_count)
    assert (base is not None) == has_a_table_without_zeros(mains, table.counts)
    assume(base is not None)
    assert base is not None
    shared = [pair for pair in models.list_pairs(table) if table.count_on_all(pair)]
    assume(shared)
    pairs = draw.draw(st.lists(st.sampled_from(shared), unique=True))
    fit = maximize_likelihood(
        [*mains, *pairs], table.counts, base.cell_mask, np.append(base.parameters, np.zeros(len(pairs)))
    )
    assert (fit is not None) == has_a_table_without_zeros([*mains, *pairs], table.counts)


@given(table=tables([3, 4]))
def test_what_a_maximum_expects_on_each_term_is_what_was_counted(table: tuple[list[str], Patterns]) -> None:
    made = build_pattern_table(*table)
    assume(made.observed_count and all(made.count_on_all(1 << bit) for bit in range(len(made.lists))))
    fit = independent_if_any(made)
    for term in fit.terms[1:]:
        assert fit.moments[term] == pytest.approx(made.count_on_all(term), rel=1e-6)
    assert fit.moments[0] == pytest.approx(made.observed_count, rel=1e-6)


@given(lists=st.integers(3, 6), people=st.integers(20, 800), seed=st.integers(0, 1_000_000))
def test_pairs_that_the_score_leaves_unfitted_would_not_have_been_taken(lists: int, people: int, seed: int) -> None:
    table = small(people, lists, seed)
    base = independent_if_any(table)
    screened = models.fit_stepwise(table, base)[1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models, "SCREEN_FACTOR", np.inf)
        assert models.fit_stepwise(table, base)[1] == screened


@pytest.mark.parametrize("lists, number", [(3, 8), (4, 113), (5, 6893)])
def test_every_hierarchical_model_is_tried_once(lists: int, number: int) -> None:
    full = {frozenset(letter for bit, letter in enumerate("ABCDE") if cell >> bit & 1): 1 for cell in range(1, 32)}
    names = "ABCDE"[:lists]
    table = build_pattern_table(names, {cell: n for cell, n in full.items() if cell <= set(names)})
    found = [frozenset(terms) for terms in models.list_hierarchies(table)]
    assert (len(found), len(set(found))) == (number, number)


def test_the_lowest_bic_is_that_of_trying_every_model() -> None:
    table = build_pattern_table(*drawn(4, 400, 11))
    base = independent(table)
    price = np.log(table.observed_count)

    def bic(terms: list[int]) -> float:
        start = np.append(base.parameters, np.zeros(len(terms)))
        fit = maximize_likelihood([*base.terms, *terms], table.counts, base.cell_mask, start)
        return np.inf if fit is None else float(price * len(fit.terms) - 2 * fit.likelihood)

    best = min(bic(list(terms)) for terms in models.list_hierarchies(table))
    assert bic(models.fit_by_bic(table, base)[1]) == pytest.approx(best)


def test_equal_gains_are_decided_by_name() -> None:
    table = patterns(A=50, B=50, C=50, D=50, AB=20, CD=20, AC=2, BD=2, AD=2, BC=2)
    for order in ("ABCD", "DCBA", "CADB"):
        made = build_pattern_table(order, table)
        first = models.fit_stepwise(made, independent(made))[1][0]
        assert made.sorted_names(first) == ("A", "B")


def test_sums_over_masks_are_those_of_their_definition() -> None:
    values = np.random.default_rng(3).normal(size=32)
    for mask in range(32):
        assert sum_over_subsets(values)[mask] == pytest.approx(sum(values[m] for m in range(32) if m & mask == m))
        assert sum_over_supersets(values)[mask] == pytest.approx(sum(values[m] for m in range(32) if m & mask == mask))


def test_a_profile_goes_down_to_nobody_where_hardly_anyone_is_unseen() -> None:
    table = build_pattern_table("ABC", patterns(AB=3, AC=3, BC=3, ABC=400))
    assert find_profile_end(independent(table), -1) == 0.0
