"""Counts over several sources are set arithmetic on the releases, and so are groups, overlaps and what changed."""

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import chain, combinations
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.counts.difference import compare_revisions
from app.counts.overlap import compute_overlap
from app.counts.tally import MULTI_VALUED_DIMENSIONS, compute_count
from app.queries import addresses
from app.queries.terms import CountTerms
from app.registry.publication.permissions import Reader
from app.vocabulary import Role
from tests.drawn import examples
from tests.model.past import Past
from tests.model.recount import CountedRelease, list_releases
from tests.properties.histories import PRIVATE_DIMENSIONS, PUBLIC_DIMENSIONS, count_terms, histories
from tests.properties.steps import SLUGS, Clerk, Registry, Step
from tests.support import ANYONE, World

PARTNER = Reader(Role.READER)
STAGES = st.sampled_from(("carried_out", "carried_out", "ordered", "announced"))
SUBSETS = [frozenset(some) for size in range(1, 5) for some in combinations(SLUGS, size)]


def releases(clerk: Clerk, stage: str) -> list[CountedRelease]:
    """The releases that count at a stage, by the model."""
    entries = clerk.entries()
    return [one for one in list_releases(Past(entries, len(entries)).people, stage) if one.is_counted]


@examples(2)
@given(histories(), STAGES, st.sets(st.sampled_from(SUBSETS), min_size=2, max_size=4))
def test_union_intersection_exactly_these_and_at_least_k_are_those_of_the_sets(
    registry: Registry, history: list[Step], stage: str, chosen: set[frozenset[str]]
) -> None:
    with registry.after(history) as clerk, clerk.session() as session:
        counted, head = releases(clerk, stage), len(clerk.entries())
        verified = [one.release.verified_by for one in counted]

        def number(**said: Any) -> int:
            terms = CountTerms.model_validate({"stage": stage, **said})
            return compute_count(session, terms, ANYONE, head)["total"]["cases"]

        for some in chosen:
            slugs = sorted(some)
            assert number(verified_by=slugs, verified_by_match="any") == sum(
                1 for pattern in verified if pattern & some
            ), slugs
            assert number(verified_by=slugs) == sum(1 for pattern in verified if pattern >= some), slugs
            only = number(verified_by=slugs, verified_by_match="only")
            assert only == sum(1 for pattern in verified if pattern == some), slugs
            assert number(not_verified_by=slugs) == sum(1 for pattern in verified if not pattern & some), slugs
        for k in range(1, len(SLUGS)):
            assert number(min_sources=k) == sum(1 for pattern in verified if len(pattern) >= k)
            assert number(min_sources=k, max_sources=k) == sum(1 for pattern in verified if len(pattern) == k)
        a, b = SLUGS[:2]
        either = number(verified_by=[a, b], verified_by_match="any")
        assert either == number(verified_by=[a]) + number(verified_by=[b]) - number(verified_by=[a, b])


@examples(2)
@given(histories(), STAGES)
def test_the_overlap_of_sources_is_that_of_the_sets(registry: Registry, history: list[Step], stage: str) -> None:
    with registry.after(history) as clerk, clerk.session() as session:
        counted = releases(clerk, stage)
        verified = [one.release.verified_by for one in counted]
        terms = CountTerms.model_validate({"stage": stage})
        found = compute_overlap(session, terms, ANYONE, len(clerk.entries()))
        assert found["cases"] == len(verified)
        assert found["caveats"]["unlinkable"] == sum(one.person.publish == "counted" for one in counted)
        exact = Counter(verified)
        assert {frozenset(row["sources"]): row["cases"] for row in found["patterns"]} == exact
        each = Counter(chain.from_iterable(verified))
        assert {row["source"]: row["verified"] for row in found["sources"]} == each
        alone = {row["source"]: row["only_this_source"] for row in found["sources"]}
        assert alone == {slug: exact[frozenset({slug})] for slug in each}
        for row in found["pairs"]:
            both = sum(1 for pattern in verified if {row["a"], row["b"]} <= pattern)
            assert (row["both"], row["either"]) == (both, each[row["a"]] + each[row["b"]] - both)


DIMENSIONS = st.lists(st.sampled_from(PUBLIC_DIMENSIONS + PRIVATE_DIMENSIONS), min_size=3, max_size=3, unique=True)
NUMBERS = ("cases", "verified", "contested", "reported", "refuted")


def summed(groups: Iterable[Mapping[str, Any]], dimensions: list[str]) -> dict[tuple[Any, ...], Counter[str]]:
    """Groups by some of their dimensions, added up over the others."""
    found: dict[tuple[Any, ...], Counter[str]] = {}
    for group in groups:
        key = tuple(group["by"][name] for name in dimensions)
        numbers = {name: group["counts"][name] for name in NUMBERS}
        at_least = {f"by {least}": number for least, number in group["counts"]["by_min_sources"].items()}
        found.setdefault(key, Counter()).update(Counter({**numbers, **at_least}))
    return {key: +numbers for key, numbers in found.items()}


@examples(2)
@given(histories(), st.lists(st.tuples(count_terms(), DIMENSIONS), min_size=2, max_size=3), st.booleans())
def test_groups_of_three_dimensions_add_up_to_those_of_two_and_one_or_say_that_they_do_not(
    registry: Registry, history: list[Step], asked: list[tuple[CountTerms, list[str]]], partner: bool
) -> None:
    reader = PARTNER if partner else ANYONE
    with registry.after(history) as clerk, clerk.session() as session:
        head = len(clerk.entries())
        for terms, dimensions in asked:
            counted = {
                wide: compute_count(session, terms.model_copy(update={"group_by": dimensions[:wide]}), reader, head)
                for wide in (1, 2, 3)
            }
            for wide, answer in counted.items():
                overlapping = bool(MULTI_VALUED_DIMENSIONS & set(dimensions[:wide]))
                assert answer["caveats"]["groups_overlap"] is overlapping
                if not overlapping:
                    (total,) = summed([{"counts": answer["total"]}], []).values()
                    assert summed(answer["groups"], []).get((), Counter()) == total, (terms, dimensions)
            if not MULTI_VALUED_DIMENSIONS & set(dimensions):
                for wide in (1, 2):
                    of_fewer = summed(counted[wide]["groups"], dimensions[:wide])
                    assert summed(counted[wide + 1]["groups"], dimensions[:wide]) == of_fewer, (terms, dimensions)


@examples(2)
@given(histories(), st.lists(count_terms(), min_size=2, max_size=4))
def test_the_list_behind_a_count_holds_exactly_the_releases_it_counts(
    registry: Registry, history: list[Step], asked: list[CountTerms]
) -> None:
    with registry.after(history):
        hidden = hidden_releases(registry.world)
        for terms in asked:
            if {"refuted", "retracted"} & {*terms.status}:
                continue  # asked for, and listed, but no release to count
            address = addresses.build_query_url("/v1/counts/releases", addresses.echo_terms(terms), None)
            whole, public = (read(registry.world, address, who) for who in ("reader", None))
            listed = ids(registry.world, whole["links"]["list"], "reader")
            assert len(listed) == len(set(listed)) == whole["total"]["cases"], terms
            shown = ids(registry.world, public["links"]["list"], None)
            if terms.trait_values() or terms.excluded_values():
                assert len(shown) == public["total"]["cases"], terms  # a filter never matches the withheld
            else:
                assert public["total"] == whole["total"]
                assert shown == [one for one in listed if one not in hidden], terms


def read(world: World, address: str, who: str | None) -> dict[str, Any]:
    answer = world.client.get(address, headers=world.headers(who))
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def ids(world: World, address: str, who: str | None) -> list[str]:
    return [row["id"] for row in read(world, f"{address}&limit=200", who)["data"]]


def hidden_releases(world: World) -> set[str]:
    people = read(world, "/v1/detainees?limit=200", "reader")["data"]
    return {spell["release_id"] for one in people if one["publish"] == "counted" for spell in one["detentions"]}


@examples(3)
@given(histories(), st.lists(count_terms(), min_size=2, max_size=4), st.data())
def test_a_count_then_and_what_changed_is_the_count_now(
    registry: Registry, history: list[Step], asked: list[CountTerms], data: st.DataObject
) -> None:
    with registry.after(history) as clerk, clerk.session() as session:
        head = len(clerk.entries())
        for terms in asked:
            then, now = sorted((data.draw(st.integers(0, head)), data.draw(st.integers(0, head))))
            before, after = (compute_count(session, terms, ANYONE, at)["total"]["cases"] for at in (then, now))
            between = compare_revisions(session, terms, ANYONE, then, now)
            assert before + between["added"] - between["removed"] == after, (terms, then, now)
            told = Counter(case["change"] for case in between["cases"])
            assert told <= Counter(between["changes"])
            assert sum(between["changes"].values()) == sum(told.values()) + between["withheld_cases"]
            came = ("newly_reported", "newly_verified", "newly_contested", "separated", "moved_in")
            assert between["added"] <= sum(between["changes"].get(change, 0) for change in came)
