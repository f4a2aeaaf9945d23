"""A count is what a patient reader of the reports would count by hand, at every revision."""

from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.counts.tally import compute_count
from app.queries.terms import CountTerms, HeldCountTerms
from app.registry.publication.permissions import Reader
from app.vocabulary import Role
from tests.drawn import examples
from tests.properties.histories import count_terms, held_terms, histories
from tests.properties.recount.held import recount_held
from tests.properties.recount.past import Past
from tests.properties.recount.releases import recount
from tests.properties.steps import Registry, Step
from tests.support import ANYONE

READERS = st.sampled_from((ANYONE, ANYONE, Reader(Role.READER)))


@examples(6)
@given(histories(), st.lists(count_terms(), min_size=3, max_size=6), READERS)
def test_a_count_is_the_recount_of_the_reports_at_every_revision(
    registry: Registry, history: list[Step], asked: list[CountTerms], reader: Reader
) -> None:
    with registry.after(history) as clerk, clerk.session() as session:
        entries = clerk.entries()
        today = Past(entries, len(entries))
        for revision in range(len(entries) + 1):
            past = Past(entries, revision)
            for terms in asked:
                by_hand = recount(past, today, terms, reader)
                counted = compute_count(session, terms, reader, revision)
                assert numbers_of(counted) == numbers_of(by_hand), (revision, terms)


@examples(4)
@given(histories(), st.lists(held_terms(), min_size=3, max_size=6), READERS)
def test_a_count_of_the_held_is_the_recount_of_the_reports_at_every_revision(
    registry: Registry, history: list[Step], asked: list[HeldCountTerms], reader: Reader
) -> None:
    with registry.after(history) as clerk, clerk.session() as session:
        entries = clerk.entries()
        today = Past(entries, len(entries))
        for revision in range(len(entries) + 1):
            past = Past(entries, revision)
            for terms in asked:
                by_hand = recount_held(past, today, terms, reader)
                counted = compute_count(session, terms, reader, revision)
                assert numbers_of(counted) == numbers_of(by_hand), (revision, terms)


def numbers_of(count: Mapping[str, Any]) -> dict[str, Any]:
    """What both tell, groups in any order and without their links."""
    groups = [{name: value for name, value in group.items() if name != "list"} for group in count.get("groups", [])]
    names = ("total", "uncertain_date", "unresolved_duplicates", "withheld", "not_visible", "not_heard_since")
    kept = {name: count[name] for name in names if name in count}
    return {**kept, "groups": sorted(groups, key=repr)}
