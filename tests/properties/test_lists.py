"""Every number links to the releases behind it: no more of them and no fewer, but for whom the reader may not see."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.queries import terms as wording
from app.queries.selection import COUNTABLE_STATUSES
from app.queries.terms import CountTerms, HeldCountTerms
from tests.drawn import examples
from tests.properties.histories import count_terms, held_terms, histories
from tests.properties.steps import Registry, Step
from tests.support import World

GROUPED = st.lists(count_terms(grouped=True), min_size=3, max_size=5)


@examples(5)
@given(histories(), GROUPED)
def test_the_list_behind_a_group_holds_exactly_the_releases_it_counts(
    registry: Registry, history: list[Step], asked: list[CountTerms]
) -> None:
    with registry.after(history):
        for terms in asked:
            for group in _count(registry.world, terms, "reader")["groups"]:
                if group["list"] is not None and group.get("status") != "retracted":  # no key counts the retracted
                    assert len(_list(registry.world, group["list"], "reader")) == _number(group, terms), (terms, group)


@examples(5)
@given(histories(), GROUPED)
def test_the_public_list_behind_a_group_leaves_out_the_withheld_and_nobody_else(
    registry: Registry, history: list[Step], asked: list[CountTerms]
) -> None:
    with registry.after(history):
        for terms in asked:
            for group in _count(registry.world, terms, None)["groups"]:
                if group["list"] is not None and group.get("status") != "retracted":  # no key counts the retracted
                    listed = [one["id"] for one in _list(registry.world, group["list"], None)]
                    if wording.is_personal(terms):  # the withheld are not in such a group
                        assert len(listed) == _number(group, terms), (terms, group)
                    else:
                        whole = [one["id"] for one in _list(registry.world, group["list"], "reader")]
                        assert listed == [one for one in whole if one not in _hidden(registry.world)]


@examples(4)
@given(histories(), st.lists(held_terms(grouped=True), min_size=3, max_size=5), st.sampled_from((None, "reader")))
def test_the_list_behind_a_group_of_the_held_is_those_it_counts_the_withheld_as_a_number(
    registry: Registry, history: list[Step], asked: list[HeldCountTerms], who: str | None
) -> None:
    with registry.after(history):
        for terms in asked:
            count = _count_held(registry.world, terms, who)
            by_source = "source" in terms.group_by
            for group in [count["total"] | {"list": count["links"]["list"]}, *count["groups"]]:
                if group["list"] is None or group.get("status") == "retracted":  # no key counts the retracted
                    continue
                number = group["verified" if by_source and "source" in group else _of_status(group, terms)]
                page = registry.world.client.get(group["list"], headers=registry.world.headers(who)).json()
                listed = [one["id"] for one in _list(registry.world, group["list"], who)]
                assert len(set(listed)) + page["caveats"]["withheld"] == number, (terms, group)
                assert who is None or page["caveats"]["withheld"] == 0


def _of_status(group: dict[str, Any], terms: HeldCountTerms) -> str:
    """The key of a group, or of the total, that its list is to show; with several statuses their sum, put there."""
    asked: list[str] = [group["by"]["status"]] if "status" in group else [*terms.status] or [*COUNTABLE_STATUSES]
    group["listed"] = sum(int(group[status]) for status in asked)
    return "listed"


@examples(4)
@given(histories(), st.lists(held_terms(), min_size=2, max_size=5), st.sampled_from((None, "reader")))
def test_groups_of_the_held_add_up_unless_the_answer_says_that_they_do_not(
    registry: Registry, history: list[Step], asked: list[HeldCountTerms], who: str | None
) -> None:
    with registry.after(history):
        for terms in asked:
            count = _count_held(registry.world, terms, who)
            if terms.group_by and count.get("adds_up", True):
                for name in ("detentions", "verified", "contested", "reported", "refuted"):
                    assert sum(group[name] for group in count["groups"]) == count["total"][name], (terms, count)


def _number(group: dict[str, Any], terms: CountTerms) -> int:
    """How many releases a group's list is to show: those verified, or those of the statuses asked for."""
    if "source" in terms.group_by:
        return int(group["counts"]["verified"])
    asked: list[str] = (
        [group["by"]["status"]] if "status" in terms.group_by else [*terms.status] or [*COUNTABLE_STATUSES]
    )
    return sum(int(group[status]) for status in asked)


@examples(5)
@given(histories(), st.lists(count_terms(), min_size=2, max_size=5), st.sampled_from((None, "reader")))
def test_groups_add_up_to_the_total_unless_the_answer_says_that_they_do_not(
    registry: Registry, history: list[Step], asked: list[CountTerms], who: str | None
) -> None:
    with registry.after(history):
        for terms in asked:
            count = _count(registry.world, terms, who)
            if terms.group_by and count.get("adds_up", True):
                for name in ("releases", "verified", "contested", "reported", "refuted"):
                    assert sum(group[name] for group in count["groups"]) == count["total"][name], (terms, count)


def _count(world: World, terms: CountTerms, who: str | None) -> dict[str, Any]:
    address = wording.build_query_url("/v1/counts/releases", wording.echo_terms(terms), None)
    answer = world.client.get(address, headers=world.headers(who))
    assert answer.status_code == 200, answer.text
    return {"groups": [], **answer.json()}


def _count_held(world: World, terms: HeldCountTerms, who: str | None) -> dict[str, Any]:
    # The last of the days has not come by the tests' clock: as of a month or two from now.
    world.now = datetime(2027, 2, 1, tzinfo=UTC)
    address = wording.build_query_url("/v1/counts/detentions", wording.echo_terms(terms), None)
    answer = world.client.get(address, headers=world.headers(who))
    assert answer.status_code == 200, answer.text
    return {"groups": [], **answer.json()}


def _list(world: World, address: str, who: str | None) -> list[dict[str, Any]]:
    """Every page of a list; pages of two, so that there are several."""
    found: list[dict[str, Any]] = []
    following: str | None = f"{address}&limit=2"
    while following is not None:
        answer = world.client.get(following, headers=world.headers(who))
        assert answer.status_code == 200, answer.text
        found += answer.json()["data"]
        following = answer.json()["next"]
    return found


def _hidden(world: World) -> set[str]:
    """The releases of people whom only partners may see."""
    people = world.get("/v1/detainees", "reader", limit=200).json()["data"]
    return {
        spell["release_id"] for person in people if person["publish"] == "counted" for spell in person["detentions"]
    }
