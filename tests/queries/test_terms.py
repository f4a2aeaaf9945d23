"""Terms say in an address what is counted: read strictly, told back with what matters, the same each time."""

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from app.dates import parse_window_end, parse_window_start
from app.log.entries import Pin
from app.projection import RULES
from app.queries import addresses
from app.queries import terms as wording
from app.queries.dimensions import PERSONAL_DIMENSIONS
from app.queries.parameters import DetentionQuery, ReleaseQuery
from app.queries.terms import CountTerms, ReleaseTerms
from app.schemas.reports import MAX_COUNTED_SOURCES, MAX_SOURCES


def test_the_window_opens_on_the_first_day_of_a_vague_edge_and_closes_on_the_last() -> None:
    terms = ReleaseTerms(released_from="2026-01", released_to="2026")
    assert terms.window == (parse_window_start("2026-01-01"), parse_window_end("2026-12-31"))
    assert ReleaseTerms().window == (None, None)


@pytest.mark.parametrize("what", ["released", "detained"])
def test_a_window_that_ends_before_it_begins_is_refused(what: str) -> None:
    with pytest.raises(ValidationError) as refused:
        CountTerms.model_validate({f"{what}_from": "2026-02", f"{what}_to": "2026-01-31"})
    assert [error["type"] for error in refused.value.errors()] == ["reversed_window"]


def test_a_window_of_one_vague_day_is_not_reversed() -> None:
    assert CountTerms(released_from="2026-01", released_to="2026-01-05").window == (
        parse_window_start("2026-01-01"),
        parse_window_end("2026-01-05"),
    )


def test_lists_of_detentions_have_no_window_of_releases() -> None:
    with pytest.raises(ValidationError):
        DetentionQuery.model_validate({"released_from": "2026"})
    with pytest.raises(ValidationError):
        DetentionQuery.model_validate({"detained_from": "2026-02", "detained_to": "2026-01"})


@pytest.mark.parametrize(
    "said",
    [
        {"min_sources": 0},
        {"min_sources": MAX_COUNTED_SOURCES + 1},
        {"max_sources": -1},
        {"min_sources": 2, "max_sources": 1},
        {"verified_by_match": "any"},
        {"carried_out": True},
        {"released_from": "2026", "carried_out": False},
        {"age_from": 30, "age_to": 29},
        {"age_from": 121},
        {"reported_by_kind": ["foro"]},
        {"verified_by": ["foro"], "not_verified_by": ["foro"]},
        {"released_from": "2026", "announced_to": "2027"},
        {"stage": "ordered", "released_from": "2026"},
        {"group_by": ["month", "week", "day", "source"]},
        {"group_by": ["name"]},
        {"verified_by": [f"source-{number}" for number in range(MAX_SOURCES + 1)]},
        {"release_kind": ["freedom"]},
        {"released_from": "12-01-2026"},
        {"country": "Venezula"},
        {"source": "Форо"},
        {"unheard": "of"},
    ],
)
def test_terms_nobody_can_mean_are_refused(said: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CountTerms.model_validate(said)


def test_the_echo_gives_what_was_asked_and_the_defaults_that_change_a_numbers_meaning() -> None:
    assert addresses.echo_terms(CountTerms()) == {"stage": "carried_out", "net": False}
    assert addresses.echo_terms(CountTerms(country="VE", min_sources=2, net=True, group_by=["source"])) == {
        "country": "VE",
        "stage": "carried_out",
        "min_sources": 2,
        "net": True,
        "group_by": ["source"],
    }


def test_the_echo_keeps_what_is_false_or_nought_when_it_was_asked() -> None:
    assert addresses.echo_terms(CountTerms(rearrested=False, max_sources=0)) == {
        "rearrested": False,
        "stage": "carried_out",
        "max_sources": 0,
        "net": False,
    }


def test_a_term_said_twice_is_said_once() -> None:
    assert addresses.echo_terms(CountTerms(verified_by=["jep", "foro", "jep"]))["verified_by"] == ["jep", "foro"]


def test_a_link_repeats_lists_encodes_names_and_ends_in_the_revision() -> None:
    said = addresses.echo_terms(CountTerms(facility="El Rodeo I & II", verified_by=["jep", "foro"], rearrested=True))
    assert addresses.build_query_url("/v1/releases", said, Pin(812, "0123456789abcdef")) == (
        "/v1/releases?facility=El+Rodeo+I+%26+II&rearrested=true&stage=carried_out&net=false&verified_by=jep&verified_by=foro"
        f"&rules={RULES}&leaf=0123456789abcdef&as_of=r812"
    )
    assert addresses.build_query_url("/v1/releases", {"country": "VE"}, None) == "/v1/releases?country=VE"


def test_every_source_a_term_names_is_told_with_its_place() -> None:
    terms = ReleaseTerms(source="foro", verified_by=["jep"], not_verified_by=["pud", "foro"])
    assert terms.list_named_sources() == [
        ("/source", "foro"),
        ("/verified_by/0", "jep"),
        ("/not_verified_by/0", "pud"),
        ("/not_verified_by/1", "foro"),
    ]


@pytest.mark.parametrize(
    "said, personal",
    [
        ({}, False),
        ({"group_by": ["source", "month"], "state": "held", "designation": "political"}, False),
        ({"group_by": ["month", "facility"]}, True),
        ({"nationality": "AR"}, True),
        ({"condition": "travel_ban"}, True),
        ({"group": "student"}, True),
    ],
)
def test_a_count_is_personal_when_it_reads_what_consent_may_close(said: dict[str, Any], personal: bool) -> None:
    assert wording.is_personal(CountTerms.model_validate(said)) is personal


def test_every_filter_on_a_personal_dimension_reads_a_trait() -> None:
    said = {"gender": "male", "age_group": "over_70", "facility": "el-rodeo-i"}
    assert ReleaseQuery.model_validate(said).trait_values() == {name: [value] for name, value in said.items()}
    assert set(PERSONAL_DIMENSIONS) <= set(ReleaseTerms.model_fields)


@pytest.mark.parametrize(
    "terms, stage, window",
    [
        ({}, "carried_out", (None, None)),
        ({"released_to": "2026-01-08"}, "carried_out", (None, date(2026, 1, 8).toordinal())),
        ({"announced_from": "2026-01-08"}, "announced", (date(2026, 1, 8).toordinal(), None)),
        ({"stage": "ordered", "ordered_from": "2026-01-08"}, "ordered", (date(2026, 1, 8).toordinal(), None)),
    ],
)
def test_a_window_names_the_stage_whose_days_it_means(
    terms: dict[str, Any], stage: str, window: tuple[int | None, int | None]
) -> None:
    validated = CountTerms.model_validate(terms)
    assert (validated.stage, validated.window) == (stage, window)


def test_a_list_without_a_window_has_every_stage() -> None:
    assert ReleaseTerms().stage is None
    assert ReleaseTerms(ordered_to="2026").stage == "ordered"


def test_a_window_of_another_stage_is_refused_with_the_right_name() -> None:
    with pytest.raises(ValidationError, match="`announced_from`"):
        CountTerms.model_validate({"stage": "announced", "released_from": "2026"})
