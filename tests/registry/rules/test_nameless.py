"""A report without a name needs two facts that tell the person from others; with fewer it is a claim."""

from itertools import combinations
from typing import Any

import pytest

from app.errors import ClaimRequired, Invalid
from app.registry.checks import check_report
from tests.registry.statements import statement
from tests.support import NOW, World, make_report

# One report of each fact that can tell somebody without a name from others.
FACTS: dict[str, dict[str, Any]] = {
    "age": {"detainee__age": 72},
    "birth": {"detainee__birth_date": "1953"},
    "nationality": {"detainee__nationalities": ["AR"]},
    "facility": {"detention__facility": "El Rodeo I"},
    "detained_on": {"detention__detained_on": "2024-10-13"},
}
PAIRS = [pair for pair in combinations(FACTS, 2) if pair != ("age", "birth")]


def nameless(*facts: str, **more: Any) -> dict[str, Any]:
    said = {name: value for fact in facts for name, value in FACTS[fact].items()}
    return dict(statement(1, detention__country="VE", release__released_on="2026-01-12", **said, **more).content)


@pytest.mark.parametrize("facts", PAIRS, ids=" and ".join)
def test_two_of_them_are_enough(facts: tuple[str, ...]) -> None:
    check_report(nameless(*facts), NOW, has_pointer=False)


@pytest.mark.parametrize("facts", [(), *((fact,) for fact in FACTS), ("age", "birth")], ids=" and ".join)
def test_fewer_are_not(facts: tuple[str, ...]) -> None:
    with pytest.raises(ClaimRequired):
        check_report(nameless(*facts), NOW, has_pointer=False)


def test_what_many_share_is_no_such_fact() -> None:
    shared = {"detainee__gender": "male", "detainee__category": "civilian", "detention__legal_status": "pretrial"}
    with pytest.raises(ClaimRequired):
        check_report(nameless("facility", **shared), NOW, has_pointer=False)


def test_a_name_is_enough_by_itself() -> None:
    check_report(nameless(detainee__full_name="Berta Solano Ugas"), NOW, has_pointer=False)


def test_a_pointer_says_who_it_is() -> None:
    check_report(nameless(), NOW, has_pointer=True)


def test_what_cannot_be_true_is_told_first() -> None:
    with pytest.raises(Invalid) as refused:
        check_report(nameless("facility", detention__held_on="2026-02-01"), NOW, has_pointer=False)
    assert not isinstance(refused.value, ClaimRequired)


def test_a_person_without_a_name_is_a_person(world: World) -> None:
    person = {"full_name": None, "age": 72, "age_on": "2026-01", "nationalities": ["AR", "IL"]}
    filed = world.file("foro", detainee=person, detention={"facility": "El Rodeo I", "country": "VE"})
    assert filed["detainee"]["name"] is None
    assert world.by_source() == {"foro": 1}


def test_a_number_of_people_without_faces_is_told_to_file_a_claim(world: World) -> None:
    body = make_report(detainee={"gender": "male"}, detention={"country": "VE", "facility": "El Rodeo I"})
    problem = world.refuse(world.post("/v1/releases", body, "foro"), 422, "file_a_claim")
    assert "/v1/claims" in problem["detail"]
    assert world.count()["total"]["cases"] == 0


def test_a_correction_cannot_take_the_last_facts_away(world: World) -> None:
    person = {"age": 72, "age_on": "2026-01"}
    filed = world.file("foro", detainee=person, detention={"facility": "El Rodeo I", "country": "VE"})
    patched = world.client.patch(
        f"/v1/reports/{filed['report']['id']}", json={"detention": {"facility": None}}, headers=world.headers("foro")
    )
    world.refuse(patched, 422, "file_a_claim")
