"""The two tables that counts and lists read: what is counted, and by what."""

import pytest

from app.projection.person import _PERSON_TRAITS, _SPELL_TRAITS
from app.queries.addresses import echo_terms
from app.queries.countables import COUNTABLES, Countable, find_countable_of_address, get_countable
from app.queries.dimensions import DIMENSIONS, list_dimensions
from app.queries.terms import CountTerms, DetentionCountTerms, HeldCountTerms
from app.vocabulary import build_vocabulary

every_countable = pytest.mark.parametrize("countable", COUNTABLES.values(), ids=COUNTABLES)


@every_countable
def test_terms_and_addresses_tell_what_they_count(countable: Countable) -> None:
    terms = countable.terms()
    assert get_countable(terms) is countable
    noun = "" if countable.marker_term else countable.noun
    assert find_countable_of_address(noun, echo_terms(terms)) is countable
    assert find_countable_of_address(countable.noun, ()) is countable
    assert find_countable_of_address("people", ()) is None


@every_countable
def test_a_count_is_grouped_by_what_its_list_can_filter_by(countable: Countable) -> None:
    filters = {*countable.terms.model_fields}
    assert {name for name in list_dimensions(countable.noun) if DIMENSIONS[name].is_filter} <= filters


def test_a_personal_dimension_is_a_trait_and_a_trait_is_a_dimension() -> None:
    # Of age there is the group alone: by the year it would tell who it is.
    given = {*_PERSON_TRAITS.values(), *_SPELL_TRAITS.values(), "age_group"} - {"age"}
    assert {name for name, of in DIMENSIONS.items() if of.is_personal} == given


def test_a_code_list_has_words_for_the_values_of_its_dimension() -> None:
    lists = build_vocabulary("es")
    assert {of.code_list for of in DIMENSIONS.values() if of.code_list} <= lists.keys()


def test_a_filter_that_takes_several_values_is_asked_as_a_list() -> None:
    terms = CountTerms.model_fields | DetentionCountTerms.model_fields | HeldCountTerms.model_fields
    asked = {name for name in DIMENSIONS.keys() & terms.keys() if terms[name].default == []}
    assert asked == {name for name, of in DIMENSIONS.items() if of.accepts_list}
