"""Terms say in an address what is counted: read strictly, told back with what matters, the same each time."""

from typing import Any

import pytest
from pydantic import ValidationError

from app.dates import parse_window_end, parse_window_start
from app.log.entries import Pin
from app.projection import RULES
from app.queries import terms as wording
from app.queries.parameters import DetentionQuery, ReleaseQuery
from app.queries.terms import PERSONAL_DIMENSIONS, CountTerms, ReleaseTerms
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
        {"sources": -1},
        {"group_by": ["month", "week", "day", "source"]},
        {"group_by": ["name"]},
        {"any_of": [f"source-{number}" for number in range(MAX_SOURCES + 1)]},
        {"kind": ["freedom"]},
        {"released_from": "12-01-2026"},
        {"country": "Venezuela"},
        {"source": "Foro Penal"},
        {"unheard": "of"},
    ],
)
def test_terms_nobody_can_mean_are_refused(said: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CountTerms.model_validate(said)


def test_the_echo_gives_what_was_asked_and_the_defaults_that_change_a_numbers_meaning() -> None:
    assert wording.echo_terms(CountTerms()) == {"stage": "carried_out", "net": False}
    assert wording.echo_terms(CountTerms(country="VE", min_sources=2, net=True, group_by=["source"])) == {
        "country": "VE",
        "stage": "carried_out",
        "min_sources": 2,
        "net": True,
        "group_by": ["source"],
    }


def test_the_echo_keeps_what_is_false_or_nought_when_it_was_asked() -> None:
    assert wording.echo_terms(CountTerms(rearrested=False, sources=0)) == {
        "rearrested": False,
        "stage": "carried_out",
        "sources": 0,
        "net": False,
    }


def test_a_term_said_twice_is_said_once() -> None:
    assert wording.echo_terms(CountTerms(any_of=["jep", "foro", "jep"]))["any_of"] == ["jep", "foro"]


def test_a_link_repeats_lists_encodes_names_and_ends_in_the_revision() -> None:
    said = wording.echo_terms(CountTerms(facility="El Rodeo I & II", any_of=["jep", "foro"], rearrested=True))
    assert wording.build_query_url("/v1/releases", said, Pin(812, "0123456789abcdef")) == (
        "/v1/releases?facility=El+Rodeo+I+%26+II&rearrested=true&stage=carried_out&net=false&any_of=jep&any_of=foro"
        f"&rules={RULES}&leaf=0123456789abcdef&as_of=812"
    )
    assert wording.build_query_url("/v1/releases", {"country": "VE"}, None) == "/v1/releases?country=VE"


def test_every_source_a_term_names_is_told_with_its_place() -> None:
    terms = ReleaseTerms(source="foro", verified_by=["jep"], any_of=["pud", "foro"], all_of=["ministry"])
    assert terms.list_named_sources() == [
        ("/source", "foro"),
        ("/verified_by/0", "jep"),
        ("/any_of/0", "pud"),
        ("/any_of/1", "foro"),
        ("/all_of/0", "ministry"),
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
