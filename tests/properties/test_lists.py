"""A count and the list of one name show the same: the list has exactly the rows that the count counts, and each group
links to its own; only rows of people whom the reader may not see are left out, and the list says how many."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.queries import addresses
from app.queries.countables import get_countable
from app.queries.dimensions import DETENTIONS, HELD, RELEASES
from app.queries.selection.rows import COUNTABLE_STATUSES
from app.queries.terms import CountTerms, SourcedTerms
from tests.drawn import examples
from tests.properties.histories import count_terms, detention_terms, held_terms, histories
from tests.properties.steps import Registry, Step
from tests.support import World

TERMS: dict[str, st.SearchStrategy[Any]] = {
    RELEASES: count_terms(grouped=True),
    DETENTIONS: detention_terms(grouped=True),
    HELD: held_terms(grouped=True),
}
READERS = st.sampled_from((None, "reader"))


@pytest.mark.parametrize("noun", TERMS)
@examples(4)
@given(data=st.data(), history=histories(), reader=READERS)
def test_a_list_has_the_rows_that_the_count_with_the_same_terms_counts(
    noun: str, registry: Registry, data: st.DataObject, history: list[Step], reader: str | None
) -> None:
    questions = data.draw(st.lists(TERMS[noun], min_size=3, max_size=5))
    with registry.after(history):
        world = registry.world
        # The last of the days has not come by the tests' clock: as of a month or two from now.
        world.now = datetime(2027, 2, 1, tzinfo=UTC)
        for terms in questions:
            count = _read_count(world, terms, reader)
            shared_terms = {name: value for name, value in count["terms"].items() if name != "group_by"}
            address = addresses.build_query_url(get_countable(terms).list_path, shared_terms, None)
            for listed_address in (address, count["links"]["list"]):
                assert _count_rows(world, listed_address, reader) == _sum_statuses(count["total"], terms), terms
            for group in count["groups"]:
                if group["list"] is not None:
                    numbers = group["counts"] | {"status": group["by"].get("status")}
                    number = _sum_statuses(numbers, terms, by_source="source" in terms.group_by)
                    assert _count_rows(world, group["list"], reader) == number, (terms, group)


def _sum_statuses(numbers: dict[str, Any], terms: SourcedTerms, *, by_source: bool = False) -> int:
    """Return how many rows the list behind a total or a group has: those of its own status, of the requested ones, or
    those that count; of a source, those that it verifies."""
    if isinstance(numbers.get("status"), str):
        statuses = [numbers["status"]]
    else:
        statuses = [*terms.status] or (["verified"] if by_source else [*COUNTABLE_STATUSES])
    return sum(int(numbers.get(status, 0)) for status in statuses)


def _count_rows(world: World, address: str, reader: str | None) -> int:
    """Return the number of rows on every page of a list, with those that it withholds; pages of two, so that there are
    several."""
    ids: list[str] = []
    next_address: str | None = f"{address}&limit=2"
    while next_address is not None:
        answer = world.client.get(next_address, headers=world.headers(reader))
        assert answer.status_code == 200, answer.text
        page = answer.json()
        ids += [row["id"] for row in page["data"]]
        next_address = page["next"]
    assert len(set(ids)) == len(ids)
    return len(ids) + int(page["caveats"]["withheld"])


@pytest.mark.parametrize("noun", TERMS)
@examples(4)
@given(data=st.data(), history=histories(), reader=READERS)
def test_groups_add_up_to_the_total_unless_the_answer_says_that_they_do_not(
    noun: str, registry: Registry, data: st.DataObject, history: list[Step], reader: str | None
) -> None:
    questions = data.draw(st.lists(TERMS[noun], min_size=2, max_size=5))
    with registry.after(history):
        registry.world.now = datetime(2027, 2, 1, tzinfo=UTC)
        for terms in questions:
            count = _read_count(registry.world, terms, reader)
            if not count["caveats"]["groups_overlap"]:
                for name in ("cases", "verified", "contested", "reported", "refuted"):
                    assert sum(group["counts"][name] for group in count["groups"]) == count["total"][name], terms


def _read_count(world: World, terms: CountTerms, reader: str | None) -> dict[str, Any]:
    address = addresses.build_query_url(get_countable(terms).counts_path, addresses.echo_terms(terms), None)
    answer = world.client.get(address, headers=world.headers(reader))
    assert answer.status_code == 200, answer.text
    count: dict[str, Any] = answer.json()
    return count
