"""Addresses of pages that nobody wrote by hand: none fails, grows without end, or leads elsewhere."""

import pytest

from app.web.page import MAX_TERMS
from tests.support import World

WINDOW = "country=VE&released_from=2026-01-08"


def test_a_page_of_more_terms_than_any_question_has_is_refused(world: World) -> None:
    many = "&".join(f"group_by=x{number}" for number in range(MAX_TERMS + 1))
    answer = world.client.get(f"/es/counts?{many}")
    assert answer.status_code == 422
    assert len(answer.content) < 10_000


@pytest.mark.parametrize("values", [["x"] * MAX_TERMS, [f"x{number}" for number in range(MAX_TERMS)]])
@pytest.mark.parametrize("path", ["counts", "counts/held"])
def test_a_refused_count_is_no_longer_than_what_was_asked(world: World, path: str, values: list[str]) -> None:
    answer = world.client.get(f"/es/{path}", params={"group_by": values})
    assert answer.status_code == 422
    assert len(answer.content) < 200_000


@pytest.mark.parametrize("moment", ["r0", "0001-01-01"])
@pytest.mark.parametrize("address", ["figures/contested.svg", "figures/contested.csv", "embed/contested"])
def test_of_a_time_before_anything_was_known_nothing_is_drawn(world: World, address: str, moment: str) -> None:
    world.file("foro")
    assert world.client.get(f"/es/{address}?{WINDOW}&as_of={moment}").status_code == 404


@pytest.mark.parametrize(
    "address", ["/oembed?url=http%3A%2F%2F%5B", "/es/figures/source-line.svg?source=foro%2Fbalance"]
)
def test_an_address_within_an_address_leads_nowhere_else(world: World, address: str) -> None:
    assert world.client.get(address).status_code == 404


def test_an_origin_that_is_no_address_is_another_site(world: World) -> None:
    answer = world.client.post("/en/objection", content="wish=hide", headers={"origin": "http://["})
    assert answer.status_code == 403


@pytest.mark.parametrize("term", ["gender=female", "group_by=gender", "facility=el-rodeo-i", "not_nationality=VE"])
@pytest.mark.parametrize("address", ["figures/people.svg", "figures/funnel.csv", "embed/overlap", "embed/number"])
def test_numbers_by_what_is_personal_are_no_file(world: World, address: str, term: str) -> None:
    """They follow today's consent, and whatever another site keeps does not."""
    world.file("foro")
    assert world.client.get(f"/es/{address}?{WINDOW}").status_code == 200
    assert world.client.get(f"/es/{address}?{WINDOW}&{term}").status_code == 404
