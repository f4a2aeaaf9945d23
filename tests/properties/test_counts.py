"""A count of releases is the count of the model at every revision, and one of people held grows with `held_within`."""

from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.counts.tally import compute_count
from app.queries.dimensions import get_stage_event
from app.queries.terms import CountTerms, HeldCountTerms
from app.registry.publication.permissions import Reader
from app.vocabulary import Role
from tests.drawn import examples
from tests.model.past import Past, waits_for_agreement
from tests.model.recount import count_releases, count_under_review, read_numbers
from tests.properties.histories import held_terms, histories, model_terms
from tests.properties.steps import Registry, Step
from tests.support import ANYONE

CAVEATS = (
    "uncertain_date", "possible_duplicates", "withheld", "not_visible", "outside_held_within", "unlinkable",
    "denied_by_some",
)  # fmt: skip
READERS = st.sampled_from((ANYONE, ANYONE, Reader(Role.READER)))


@examples(10)
@given(histories(), st.lists(model_terms(), min_size=3, max_size=6), READERS)
def test_a_count_is_that_of_the_model_at_every_revision(
    registry: Registry, history: list[Step], asked: list[CountTerms], reader: Reader
) -> None:
    with registry.after(history) as clerk, clerk.session() as session:
        entries = clerk.entries()
        for revision in range(len(entries) + 1):
            if waits_for_agreement(entries, revision):
                continue
            past = Past(entries, revision)
            for terms in asked:
                model = count_releases(past, terms)
                answer = compute_count(session, terms, reader, revision)
                assert read_numbers(answer, model) == model, (revision, terms)
                bare = CountTerms(stage=terms.stage, source=terms.source, **window_of(terms))
                under_review = count_under_review(past.people, bare)
                caveats = dict(compute_count(session, bare, reader, revision)["caveats"])
                assert {name: caveats[name] for name in under_review} == under_review, (revision, bare)


def window_of(terms: CountTerms) -> dict[str, Any]:
    """The window of the days of the stage."""
    event = get_stage_event(terms.stage)
    return {name: getattr(terms, name) for name in (f"{event}_from", f"{event}_to")}


@examples(10)
@given(histories(), st.lists(held_terms(), min_size=4, max_size=8))
def test_more_years_of_held_within_only_move_detentions_into_the_total(
    registry: Registry, history: list[Step], asked: list[HeldCountTerms]
) -> None:
    with registry.after(history) as clerk, clerk.session() as session:
        for terms in asked:
            years = [terms.model_copy(update={"held_within": years, "group_by": []}) for years in (1, 2, 3, 100)]
            counts = [compute_count(session, one, ANYONE, len(clerk.entries())) for one in years]
            totals = [count["total"]["cases"] for count in counts]
            assert totals == sorted(totals), terms
            assert (
                len(
                    {
                        total + count["caveats"]["outside_held_within"]
                        for total, count in zip(totals, counts, strict=True)
                    }
                )
                == 1
            )


def numbers_of(count: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of a count, with groups in a fixed order and without their links."""
    groups = [{"by": group["by"], "counts": group["counts"]} for group in count["groups"]]
    caveats = {name: count["caveats"][name] for name in CAVEATS}
    return {"total": count["total"], "caveats": caveats, "groups": sorted(groups, key=repr)}
