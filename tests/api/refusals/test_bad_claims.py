"""Claims that say two things at once, or point at nothing."""

from itertools import product

import pytest

from app.registry.claim_bounds import QUALIFIER_BOUNDS
from app.vocabulary import Qualifier
from tests.support import Body, World

CLAIM: Body = {
    "claimant": "ministry",
    "measure": "released",
    "qualifier": "exactly",
    "low": 116,
    "high": 116,
    "window_from": "2026-01-08",
    "window_to": "2026-01-12",
    "stated_at": "2026-01-12T12:00:00-04:00",
    "country": "VE",
}
STRANGER = "11111111-2222-4333-8444-555555555555"
SOURCES = [f"source-{number}" for number in range(13)]  # one more than a count can be asked about

# Qualifier → the (low, high) that are accepted among none, one below and one above: the contract, spelt out again.
ALLOWED: dict[Qualifier, set[tuple[int | None, int | None]]] = {
    Qualifier.EXACTLY: {(56, 56), (60, 60)},
    Qualifier.AT_LEAST: {(56, None), (60, None)},
    Qualifier.MORE_THAN: {(56, None)},  # more than 60 begins with 61
    Qualifier.AT_MOST: {(None, 56), (None, 60)},
    Qualifier.FEWER_THAN: {(None, 56)},  # fewer than 60 ends with 59
    Qualifier.ABOUT: {(56, 56), (56, 60), (60, 60)},
    Qualifier.BETWEEN: {(56, 56), (56, 60), (60, 60)},
    Qualifier.UNQUANTIFIED: {(None, None)},
}

BAD: list[tuple[Body, str, str]] = [
    ({"qualifier": "roughly"}, "unknown_code", "/qualifier"),
    ({"measure": "freed"}, "unknown_code", "/measure"),
    ({"series": "total"}, "unknown_code", "/series"),
    ({"qualifier": "between", "low": 70, "high": 60}, "low_above_high", "/low"),
    ({"qualifier": "exactly", "low": 56, "high": 60}, "bounds_differ", "/high"),
    ({"low": -1}, "greater_than_equal", "/low"),
    ({"low": 10_000_001}, "less_than_equal", "/low"),
    ({"low": "116"}, "int_type", "/low"),
    ({"low": 116.5}, "int_type", "/low"),
    ({"low": True}, "int_type", "/low"),
    ({"claimant": None}, "reported_by_required", "/reported_by"),
    ({"claimant": "nobody"}, "unknown_source", "/claimant"),
    ({"claimant": "The Ministry"}, "invalid_format", "/claimant"),
    ({"joint_with": ["foro", "nobody"]}, "unknown_source", "/joint_with/1"),
    ({"window_from": "2026-01-13"}, "reversed_window", "/window_to"),
    ({"window_from": "2026-02-30"}, "invalid_date", "/window_from"),
    ({"measure": "held", "window_to": "2026"}, "future_date", "/window_to"),
    ({"measure": "held", "window_to": "9999"}, "future_date", "/window_to"),
    ({"measure": "held", "window_to": "2026-03-03"}, "future_date", "/window_to"),
    ({"stated_at": "noon"}, "invalid_instant", "/stated_at"),
    ({"stated_at": "2026-01-12T12:00:00"}, "invalid_instant", "/stated_at"),
    ({"stated_at": "2026-03-01T12:00:01Z"}, "future_date", "/stated_at"),
    ({"stated_at": "2026-03-02"}, "future_date", "/stated_at"),
    ({"stated_at": "2026-01-12", "zone": "Caracas"}, "invalid_zone", "/zone"),
    ({"country": "Venezuela"}, "unknown_country", "/country"),
    ({"citation": {"url": "not an address"}}, "invalid_url", "/citation/url"),
    ({"citation": {"url": "https://rosa:clave@example.org/"}}, "url_with_password", "/citation/url"),
    ({"citation": {"published_on": "2026-04"}}, "future_date", "/citation/published_on"),
    ({"citation": {"page": 3}}, "unknown_field", "/citation/page"),
    ({"definition": {"terms": {"stage": "out"}}}, "unknown_code", "/definition/terms/stage"),
    ({"definition": {"terms": {"released_from": "2026"}}}, "unknown_field", "/definition/terms/released_from"),
    ({"definition": {"terms": {"min_sources": 1_001}}}, "less_than_equal", "/definition/terms/min_sources"),
    ({"definition": {"terms": {"any_of": SOURCES}}}, "too_long", "/definition/terms/any_of"),
    ({"definition": {"terms": {"all_of": SOURCES}}}, "too_long", "/definition/terms/all_of"),
    ({"definition": {"terms": {"any_of": ["pud"], "all_of": ["jep"]}}}, "two_source_lists", "/definition/terms/any_of"),
    ({"definition": {"subset_of": STRANGER}}, "unknown_claim", "/definition/subset_of"),
    ({"derived_from": STRANGER}, "unknown_claim", "/derived_from"),
    ({"same_as": STRANGER}, "unknown_claim", "/same_as"),
    ({"supersedes": [STRANGER]}, "unknown_claim", "/supersedes/0"),
    ({"part_of": [{"claim": STRANGER, "partition": "sex"}]}, "unknown_claim", "/part_of/0/claim"),
    ({"part_of": [{"claim": STRANGER}]}, "required", "/part_of/0/partition"),
    ({"source": "foro"}, "unknown_field", "/source"),
]  # fmt: skip


def test_every_bound_is_checked_against_its_qualifier(world: World, subtests: pytest.Subtests) -> None:
    for qualifier, low, high in product(Qualifier, (None, 56, 60), (None, 56, 60)):
        body = {**CLAIM, "qualifier": qualifier, "low": low, "high": high}
        with subtests.test(f"{qualifier} {low} {high}"):
            if (low, high) in ALLOWED[qualifier]:
                assert world.post("/v1/claims", body, "foro").status_code == 201
                continue
            with world.storing_nothing():
                problem = world.refuse(world.post("/v1/claims", body, "foro"), 422, "invalid")
                codes = {error["code"] for error in problem["errors"]}
                assert codes <= {
                    "bound_required", "bound_not_allowed", "low_above_high", "bounds_differ", "bound_as_printed",
                }  # fmt: skip


def test_the_allowed_bounds_are_those_of_the_code(world: World) -> None:
    assert ALLOWED.keys() == QUALIFIER_BOUNDS.keys() == set(Qualifier)


# Qualifier → the (low, high) that follow from 400 as printed.
FROM_400: dict[Qualifier, tuple[int | None, int | None]] = {
    Qualifier.EXACTLY: (400, 400),
    Qualifier.AT_LEAST: (400, None),
    Qualifier.MORE_THAN: (401, None),
    Qualifier.AT_MOST: (None, 400),
    Qualifier.FEWER_THAN: (None, 399),
    Qualifier.ABOUT: (400, 400),
}


def test_the_bounds_follow_from_the_number_as_printed(world: World, subtests: pytest.Subtests) -> None:
    for qualifier, (low, high) in FROM_400.items():
        printed = {**CLAIM, "qualifier": qualifier, "said": 400, "low": None, "high": None}
        with subtests.test(str(qualifier)):
            for body in (printed, {**printed, "low": low, "high": high}):
                filed = world.post("/v1/claims", body, "foro").json()
                assert (filed["said"], filed["low"], filed["high"]) == (400, low, high)
            wrong = {**printed, "low": None if low is None else 417, "high": None if high is None else 417}
            with world.storing_nothing():
                problem = world.refuse(world.post("/v1/claims", wrong, "foro"), 422, "contradicts_said")
            assert f"is low {low or 'null'}, high {high or 'null'}" in problem["errors"][0]["detail"]
    wide = {**CLAIM, "qualifier": "about", "said": 400, "low": 380, "high": 420}
    assert world.post("/v1/claims", wide, "foro").status_code == 201


@pytest.mark.parametrize(
    "qualifier, given, right",
    [("more_than", {"low": 400, "high": None}, "low 401"), ("fewer_than", {"low": None, "high": 60}, "high 59")],
)
def test_a_bound_that_is_the_number_as_printed_is_refused_with_the_right_one(
    world: World, qualifier: str, given: Body, right: str
) -> None:
    with world.storing_nothing():
        answer = world.post("/v1/claims", {**CLAIM, "qualifier": qualifier, **given}, "foro")
        problem = world.refuse(answer, 422, "bound_as_printed")
    assert right in problem["errors"][0]["detail"]
    assert "`said`" in problem["errors"][0]["detail"]
    said = {"said": 399} if "low" in right else {"said": 61}
    assert world.post("/v1/claims", {**CLAIM, "qualifier": qualifier, **given, **said}, "foro").status_code == 201


def test_a_range_and_a_word_without_a_number_have_no_one_number_as_printed(world: World) -> None:
    for qualifier, given in (("between", {"low": 60, "high": 70}), ("unquantified", {"low": None, "high": None})):
        with world.storing_nothing():
            answer = world.post("/v1/claims", {**CLAIM, "qualifier": qualifier, "said": 60, **given}, "foro")
            world.refuse(answer, 422, "said_not_allowed", "/said")
    none = {**CLAIM, "qualifier": "fewer_than", "said": 0, "low": None, "high": None}
    world.refuse(world.post("/v1/claims", none, "foro"), 422, "below_none", "/said")


def test_claims_out_of_shape_are_refused_where_they_stand(world: World, subtests: pytest.Subtests) -> None:
    for said, code, pointer in BAD:
        with subtests.test(str(said)), world.storing_nothing():
            world.refuse(world.post("/v1/claims", {**CLAIM, **said}, "foro"), 422, code, pointer)


def test_a_claim_needs_a_measure_and_a_qualifier(world: World) -> None:
    with world.storing_nothing():
        answer = world.post("/v1/claims", {}, "foro")
        world.refuse(answer, 422, "required", "/measure")
        world.refuse(answer, 422, "required", "/qualifier")


def test_the_day_that_is_running_may_be_the_day_it_was_stated(world: World) -> None:
    assert world.post("/v1/claims", {**CLAIM, "stated_at": "2026-03-01"}, "foro").status_code == 201


def test_people_are_held_up_to_the_day_that_has_begun_somewhere(world: World) -> None:
    """At noon of 1 March in UTC it is two in the morning of the 2nd where days begin first."""
    assert world.post("/v1/claims", {**CLAIM, "measure": "held", "window_to": "2026-03-02"}, "foro").status_code == 201
    released = {**CLAIM, "window_to": "2026"}  # of a year that is running
    assert world.post("/v1/claims", released, "foro").status_code == 201


def test_a_claim_too_long_for_the_log_is_refused(world: World) -> None:
    """Each field is within its bounds, and together they exceed the 65,535 bytes that an entry holds."""
    wordy = {"window_said": "🕊" * 4000, "definition": {"population": "🕊" * 4000}}
    wordy |= {"citation": {"quote": "🕊" * 4000}, "joint_with": []}
    assert world.post("/v1/claims", {**CLAIM, **wordy}, "foro").status_code == 201
    first = world.post("/v1/claims", CLAIM, "foro").json()["id"]
    parts = [{"claim": first, "partition": "🕊" * 200} for _ in range(20)]
    with world.storing_nothing():
        world.refuse(world.post("/v1/claims", {**CLAIM, **wordy, "part_of": parts}, "foro"), 422, "too_large")
