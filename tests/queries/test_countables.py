"""The two tables that counts and lists read: what is counted, and by what."""

import pytest

from app.projection.person import _PERSON_TRAITS, _SPELL_TRAITS
from app.queries.countables import COUNTABLES, Countable, countable_addressed, countable_of
from app.queries.terms import DIMENSIONS, CountTerms, HeldCountTerms, ReleaseTerms, dimensions_of, echo
from app.vocabulary import vocabulary

every_countable = pytest.mark.parametrize("countable", COUNTABLES.values(), ids=COUNTABLES)


@every_countable
def test_terms_and_addresses_tell_what_they_count(countable: Countable) -> None:
    terms = countable.terms()
    assert countable_of(terms) is countable
    noun = "" if countable.mark else countable.noun
    assert countable_addressed(noun, echo(terms)) is countable
    assert countable_addressed(countable.noun, ()) is countable
    assert countable_addressed("people", ()) is None


@every_countable
def test_a_count_is_grouped_by_what_its_list_can_filter_by(countable: Countable) -> None:
    filters = {*countable.terms.model_fields}
    assert {name for name in dimensions_of(countable.noun) if DIMENSIONS[name].is_filter} <= filters


def test_a_personal_dimension_is_a_trait_and_a_trait_is_a_dimension() -> None:
    # Of age there is the group alone: by the year it would tell who it is.
    given = {*_PERSON_TRAITS.values(), *_SPELL_TRAITS.values(), "age_group"} - {"age"}
    assert {name for name, of in DIMENSIONS.items() if of.personal} == given


def test_a_code_list_has_words_for_the_values_of_its_dimension() -> None:
    lists = vocabulary("es")
    assert {of.codes for of in DIMENSIONS.values() if of.codes} <= lists.keys()


def test_a_filter_that_takes_several_values_is_asked_as_a_list() -> None:
    terms = ReleaseTerms.model_fields | HeldCountTerms.model_fields | CountTerms.model_fields
    asked = {name for name in DIMENSIONS.keys() & terms.keys() if terms[name].default == []}
    assert asked == {name for name, of in DIMENSIONS.items() if of.asked_as_list}
