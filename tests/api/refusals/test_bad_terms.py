"""Terms that cannot be answered, in every question that counts: the problem names the term, and what it may be."""

from typing import Any, get_args

import pytest

from app.queries.dimensions import RELEASES, list_dimensions
from app.queries.terms import Interval
from app.vocabulary import ReleaseKind, ReleaseStatus, Stage, State
from tests.support import Body, World

COUNTS = "/v1/counts/releases"
ESTIMATES = "/v1/estimates/releases"
QUESTIONS = (COUNTS, "/v1/counts/series", "/v1/counts/overlap", ESTIMATES)

# Query, code, pointer, and words of which each stands in the detail.
EVERYWHERE: list[tuple[str, str, str, list[str]]] = [
    ("stage=freed", "unknown_code", "/stage", [*Stage]),
    ("release_kind=freedom", "unknown_code", "/release_kind/0", [*ReleaseKind]),
    ("state=free", "unknown_code", "/state", [*State]),
    ("released_from=2026-02&released_to=2026-01", "reversed_window", "/released_to", ["released_from"]),
    ("detained_from=2026&detained_to=2025-12-31", "reversed_window", "/detained_to", ["detained_from"]),
    ("released_from=soon", "invalid_date", "/released_from", ["YYYY-MM-DD"]),
    ("released_from=2026-01/2026-02", "interval", "/released_from", ["a term of its own"]),
    ("gender=women", "unknown_code", "/gender", ["`female`"]),
    ("release_kind=exile", "unknown_code", "/release_kind/0", ["Did you mean `banishment`"]),
    ("release_kind=pardon,amnesty", "unknown_code", "/release_kind/0", ["`release_kind=pardon&release_kind=amnesty`"]),
    ("political=true", "unknown_field", "/political", ["`designation=political`"]),
    ("facility=nowhere", "unknown_facility", "/facility", ["/v1/facilities"]),
    ("as_of=r1000", "ahead_of_head", "/as_of", ["revision 5"]),
    ("as_of=2027-01-01", "ahead_of_head", "/as_of", ["has not come"]),
    ("as_of=soon", "invalid_instant", "/as_of", ["2026-01-14T19:00:00Z", "2026-01-14", "r812"]),
    ("as_of=812", "invalid_instant", "/as_of", ["r812", "2026-01-14"]),
    ("stage=announced&released_from=2026", "window_of_other_stage", "/stage", ["`announced_from`"]),
    ("zone=Caracas", "invalid_zone", "/zone", ["-04:00"]),
    ("country=VE&country=NI", "repeated", "/country", ["one value"]),
    ("rearrested=perhaps", "bool_parsing", "/rearrested", ["`true`"]),
    ("countri=VE", "unknown_field", "/countri", ["`country`"]),
    ("from=2026-01-08", "unknown_field", "/from", ["detained_from", "released_from"]),
    ("xyzzy=1", "unknown_field", "/xyzzy", ["/openapi.json"]),
]
# The terms of who says so, which an estimate does not take.
WHO_SAYS_SO: list[tuple[str, str, str, list[str]]] = [
    ("status=verified&status=true", "unknown_code", "/status/1", [*ReleaseStatus]),
    ("min_sources=two", "int_parsing", "/min_sources", ["such as 2"]),
    ("min_sources=5", "too_many_sources", "/min_sources", ["1 to 4"]),
    ("min_sources=0", "below_one", "/min_sources", ["at least one"]),
    ("verified_by_match=any&verified_by=foro&verified_by=nobody", "unknown_source", "/verified_by/1", ["/v1/sources"]),
    ("verified_by_match=only&verified_by=nobody", "unknown_source", "/verified_by/0", ["/v1/sources"]),
]
ONE_QUESTION: list[tuple[str, str, str, list[str]]] = [
    (f"{COUNTS}?group_by=prison", "unknown_code", "/group_by/0", ["Did you mean `facility`"]),
    (f"{COUNTS}?group_by=name", "unknown_code", "/group_by/0", [*list_dimensions(RELEASES)]),
    (f"{COUNTS}?group_by=release_kind&group_by=day&group_by=status&group_by=source", "too_long", "/group_by", ["3"]),
    ("/v1/counts/series?interval=year", "unknown_code", "/interval", [*get_args(Interval)]),
    ("/v1/counts/series?by=report", "unknown_code", "/by", ["known", "event"]),
    ("/v1/estimates/releases?dependent=foro", "invalid_pair", "/dependent/0", ["one:other"]),
]  # fmt: skip


def check(world: World, address: str, code: str, pointer: str, words: list[str]) -> None:
    problem = world.refuse(world.client.get(address), 422, code, pointer)
    (error,) = (one for one in problem["errors"] if one["pointer"] == pointer)
    assert [word for word in words if word not in error["detail"]] == [], error


def test_every_question_names_the_term_and_what_it_may_be(world: World, subtests: pytest.Subtests) -> None:
    world.file()
    assert world.revision == 5
    for path in QUESTIONS:
        for query, code, pointer, words in EVERYWHERE if path == ESTIMATES else EVERYWHERE + WHO_SAYS_SO:
            with subtests.test(f"{path}?{query}"):
                check(world, f"{path}?{query}", code, pointer, words)


def test_the_terms_of_one_question_name_what_they_may_be(world: World, subtests: pytest.Subtests) -> None:
    for address, code, pointer, words in ONE_QUESTION:
        with subtests.test(address):
            check(world, address, code, pointer, words)


def test_only_a_count_has_groups_and_a_count_has_no_interval(world: World) -> None:
    for path in QUESTIONS[1:]:
        world.refuse(world.client.get(f"{path}?group_by=release_kind"), 422, "unknown_field", "/group_by")
    world.refuse(world.client.get(f"{COUNTS}?interval=day"), 422, "unknown_field", "/interval")


def test_every_wrong_term_of_a_question_is_told_at_once(world: World) -> None:
    problem = world.refuse(
        world.get(COUNTS, stage="freed", release_kind="freedom", group_by="name", min_sources=0), 422, "invalid"
    )
    assert {error["pointer"] for error in problem["errors"]} == {
        "/stage",
        "/release_kind/0",
        "/group_by/0",
        "/min_sources",
    }


def _numbers(count: Body) -> dict[str, Any]:
    return {name: count[name] for name in ("total", "groups", "terms")}


def test_a_dimension_or_a_source_named_twice_counts_once(world: World) -> None:
    world.file()
    once = world.count(group_by=["release_kind", "source"], verified_by=["foro"])
    twice = world.count(group_by=["release_kind", "source", "release_kind"], verified_by=["foro", "foro"])
    assert _numbers(twice) == _numbers(once)
    assert twice["links"]["permalink"] == once["links"]["permalink"]
    # Four times the same is one dimension asked for clumsily, and still more than a list of them may hold.
    world.refuse(world.get(COUNTS, group_by=["release_kind"] * 4), 422, "too_long", "/group_by")


def test_a_window_of_one_day_is_not_reversed(world: World) -> None:
    world.file()
    for start, end in (("2026-01-12", "2026-01-12"), ("2026-01", "2026-01-12"), ("2026-01-12", "2026")):
        assert world.count(released_from=start, released_to=end)["total"]["cases"] == 1


def test_as_many_sources_at_least_as_there_are_is_a_question(world: World) -> None:
    world.file()
    assert world.count(min_sources=4)["total"]["cases"] == 0
