"""Estimates: what is chosen, what is refused and why, and what holds for every table."""

import json
import math
from random import Random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.estimates.estimator import MAX_BIC_DIFFERENCE, MAX_DISAGREEMENT, BadTable, estimate_population
from app.estimates.models import compute_lower_bound
from app.estimates.table import build_pattern_table
from tests.drawn import examples
from tests.estimates.estimating import Patterns, drawn, model, of, patterns, published, tables

FINE = patterns(A=60, B=30, C=20, AB=30, AC=20, BC=10, ABC=10)


def code(people: Patterns) -> str | None:
    refused = of(people).refusal
    return None if refused is None else refused.code


# What is refused


@pytest.mark.parametrize("both, expected", [(6, "too_few_shared"), (7, None)])
def test_fewer_than_seven_people_on_two_lists_are_too_few(both: int, expected: str | None) -> None:
    assert code(patterns(A=30, B=20, AB=both)) == expected
    assert code(patterns(A=30, B=20, C=20, AB=3, BC=both - 3)) == expected


def test_lists_declared_dependent_are_refused_by_name() -> None:
    found = estimate_population("ABC", FINE, dependent=[frozenset("BC")])
    assert found.refusal is not None
    assert found.refusal.code == "dependent_lists"
    assert found.refusal.reason.startswith("B and C are declared dependent")
    assert (found.models, found.chosen_model) == ((), None)


def test_a_list_that_cites_another_is_refused() -> None:
    found = estimate_population("ABC", FINE, citing=[frozenset("AC")])
    assert found.refusal is not None
    assert found.refusal.code == "citing_lists"


def test_a_dependence_on_a_list_outside_the_table_is_no_reason_to_refuse() -> None:
    assert estimate_population("ABC", FINE, dependent=[frozenset("AX"), frozenset("B")]).refusal is None


def test_a_list_without_people_is_refused_by_name() -> None:
    found = estimate_population(["A", "B", "nobody"], patterns(A=30, B=20, AB=20))
    assert found.refusal is not None
    assert (found.refusal.code, "nobody: leave it out" in found.refusal.reason) == ("empty_list", True)


def test_fits_too_far_apart_give_a_range_and_no_choice() -> None:
    # One person each ties A to B and to C: whether these two are few or many, independence cannot say.
    found = of(patterns(A=40, B=30, C=50, AB=1, AC=1, BC=8, ABC=1))
    assert found.refusal is not None
    assert found.refusal.code == "models_disagree"
    assert found.chosen_model is None
    assert found.models
    assert found.range is not None
    assert found.range[1] > MAX_DISAGREEMENT * found.range[0]
    assert f"{found.range[0]:,.0f} to {found.range[1]:,.0f}" in found.refusal.reason


def test_a_list_that_everyone_is_on_leaves_no_finite_estimate() -> None:
    found = of(patterns(A=5, AB=20, AC=20, ABC=5))
    assert found.refusal is not None
    assert found.refusal.code == "not_estimable"
    assert [name for name, _ in found.excluded_models] == ["independence"]


def test_every_refusal_still_shows_what_was_seen_the_bound_and_the_assumptions() -> None:
    found = of(patterns(A=3, B=2, AB=1)).build_numbers()
    assert found["refused"]
    assert found["lower_bound"]
    assert found["refused"]["code"] == "too_few_shared"
    assert (found["observed"], found["on_two_or_more"], found["lists"]) == (6, 1, ["A", "B"])
    assert found["lower_bound"]["estimate"] == 9.0
    assert found["assumptions"]
    assert (found["models"], found["chosen"], found["range"]) == ([], None, None)


@pytest.mark.parametrize(
    "lists, people, says",
    [
        (["A"], patterns(A=3), "at least two lists"),
        (list("ABCDEFGHIJKLM"), patterns(A=3), "13 lists are too many"),
        (["A", "A"], patterns(A=3), "Two lists are called 'A'"),
        (["A", "B"], patterns(AB=-1), "count of A and B is negative"),
        (["A", "B"], {frozenset[str](): 3}, "without lists"),
        (["A", "B"], patterns(AC=3), "'C', which is none of the lists"),
        (["A", "B"], patterns(AB=10**300), "More than 1,000,000,000 people"),
    ],
)
def test_what_cannot_be_a_table_is_an_error(lists: list[str], people: Patterns, says: str) -> None:
    with pytest.raises(BadTable, match=says):
        estimate_population(lists, people)


# Which models


def test_two_lists_have_one_model_and_say_that_they_cannot_show_their_independence() -> None:
    found = of(patterns(A=30, B=20, AB=20))
    assert [each.name for each in found.models] == ["chapman"]
    assert any("two lists cannot show" in sentence for sentence in found.assumptions)


def test_up_to_five_lists_are_also_searched_by_bic() -> None:
    names = {number: [m.name for m in estimate_population(*drawn(number, 900, 3)).models] for number in (5, 6)}
    assert names == {
        5: ["independence", "stepwise", "all_pairs", "bic"],
        6: ["independence", "stepwise", "all_pairs"],
    }


def test_no_hierarchical_model_of_the_search_has_a_lower_bic_than_its_choice() -> None:
    found = estimate_population(*published("western_5_lists"))
    best = model(found, "bic").bic
    assert best is not None
    assert all(each.bic is not None and each.bic >= best - 1e-6 for each in found.models)


def test_three_lists_may_take_no_term_that_all_of_them_share() -> None:
    assert all("A:B:C" not in each.terms for each in of(FINE).models)


def test_a_pair_with_nobody_in_common_is_no_candidate_but_stands_in_all_pairs() -> None:
    found = estimate_population(*published("western_5_lists"))  # A and B share nobody
    assert "A:B" not in model(found, "stepwise").terms + model(found, "bic").terms
    assert "A:B" in model(found, "all_pairs").terms


def test_a_pattern_that_is_left_out_is_an_observed_zero() -> None:
    table = patterns(A=30, B=25, C=40, AB=12, BC=15)
    assert of(table).build_numbers() == of(table | patterns(AC=0, ABC=0)).build_numbers()


def test_a_model_without_a_finite_maximum_is_named_as_left_out() -> None:
    found = of(patterns(A=30, B=25, C=40, ABC=12))
    assert [name for name, _ in found.excluded_models] == ["all_pairs"]


# Three lists follow each other, which no set of pairs can say: stepwise takes five pairs, and its BIC stays 63 above.
TOGETHER = patterns(A=200, B=150, C=160, D=120, AB=30, AC=25, BC=22, ABC=60, AD=30, BD=25, CD=22, ABD=5, ACD=4, BCD=3,
                    ABCD=9)  # fmt: skip


def test_stepwise_is_chosen_only_where_the_data_allow_it_and_else_the_lowest_bic() -> None:
    found = of(TOGETHER)
    assert found.chosen_model is not None
    assert (found.chosen_model.name, found.selection_rule) == ("bic", "lowest_bic")
    lowest, stepwise = model(found, "bic").bic, model(found, "stepwise").bic
    assert lowest is not None
    assert stepwise is not None
    assert stepwise > lowest + MAX_BIC_DIFFERENCE
    allowed = estimate_population(*published("uk_5_lists"))  # stepwise lies 2.7 above the lowest
    assert allowed.chosen_model is not None
    assert (allowed.chosen_model.name, allowed.selection_rule) == ("stepwise", "stepwise")


def test_of_two_lists_there_is_one_fit_to_choose_and_of_a_refusal_none() -> None:
    assert of(patterns(A=30, B=20, AB=20)).build_numbers()["chosen_by"] == "two_lists"
    assert of(patterns(A=3, B=2, AB=1)).build_numbers()["chosen_by"] is None


# What holds for every table


def same(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-6)


@given(table=tables([2, 3, 4, 6, 7]))
def test_every_answer_is_json_with_finite_numbers(table: tuple[list[str], Patterns]) -> None:
    found = estimate_population(*table)
    answer = json.loads(json.dumps(found.build_numbers(), allow_nan=False))
    assert (answer["chosen"] is None) == (answer["refused"] is not None)
    assert answer["lower_bound"]["estimate"] >= found.observed_count
    for each in found.models:
        assert found.observed_count <= each.low <= each.estimate <= each.high
    if found.chosen_model is not None:
        assert found.range is not None
        assert found.range[0] <= found.chosen_model.estimate <= found.range[1]


@given(table=tables([2, 3, 4]), order=st.randoms(use_true_random=False))
def test_the_order_of_lists_changes_nothing(table: tuple[list[str], Patterns], order: Random) -> None:
    names, people = table
    shuffled = list(names)
    order.shuffle(shuffled)
    one, other = estimate_population(names, people), estimate_population(shuffled, people)
    assert [each.name for each in one.models] == [each.name for each in other.models]
    assert all(same(a.estimate, b.estimate) for a, b in zip(one.models, other.models, strict=True))
    assert (one.refusal is None) == (other.refusal is None)
    assert same(one.lower_bound.estimate, other.lower_bound.estimate)


@examples(25)
@given(seed=st.integers(0, 1_000_000))
def test_the_names_of_lists_change_nothing(seed: int) -> None:
    names, people = drawn(4, 300, seed)
    new = dict(zip(names, ["z", "a", "k", "b"], strict=True))
    renamed = estimate_population(
        list(new.values()), {frozenset(new[name] for name in cell): n for cell, n in people.items()}
    )
    for one, other in zip(estimate_population(names, people).models, renamed.models, strict=True):
        assert same(one.estimate, other.estimate)


@examples(25)
@given(seed=st.integers(0, 1_000_000))
def test_twice_the_people_are_twice_the_estimate_of_one_model(seed: int) -> None:
    names, people = drawn(4, 300, seed)
    once, twice = (
        estimate_population(names, people),
        estimate_population(names, {cell: 2 * n for cell, n in people.items()}),
    )
    assume(once.models and twice.models)
    for name in ("independence", "all_pairs"):
        assume(name in {m.name for m in once.models} & {m.name for m in twice.models})
        assert same(2 * model(once, name).estimate, model(twice, name).estimate)


@given(alone=st.tuples(st.integers(1, 500), st.integers(1, 500)), both=st.integers(7, 500))
def test_for_two_lists_the_lower_bound_is_chapmans_estimate(alone: tuple[int, int], both: int) -> None:
    found = of(patterns(A=alone[0], B=alone[1], AB=both))
    assert found.chosen_model is not None
    assert same(found.chosen_model.estimate, found.lower_bound.estimate)


@given(seed=st.integers(0, 1_000_000))
def test_people_harder_to_reach_for_all_lists_leave_the_bound_below_the_truth(seed: int) -> None:
    bound = compute_lower_bound(build_pattern_table(*drawn(5, 2_000, seed, spread=1.5)))
    assert bound.estimate < 2_000


def test_twelve_sparse_lists_are_answered() -> None:
    found = estimate_population(*drawn(12, 300, 8, spread=0.0))
    assert found.chosen_model is not None
    assert found.chosen_model.low < 300 < found.chosen_model.high


def test_an_interval_without_an_upper_end_is_no_figure() -> None:
    # Two lists of hundreds of millions that share seven people say nothing below ten thousand million.
    found = of(patterns(A=400_000_000, B=400_000_000, AB=7))
    assert found.refusal is not None
    assert (found.refusal.code, found.models) == ("not_estimable", ())
    three = of(patterns(A=300_000_000, B=300_000_000, C=300_000_000, AB=3, AC=3, BC=3))
    assert "independence" in [name for name, _ in three.excluded_models]
