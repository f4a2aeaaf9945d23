"""Values in another spelling mean the listed one, and a misspelt value never looks like a 0."""

from typing import Any

import pytest

from tests.support import Body, World

COUNTS = "/v1/counts/releases"
SPELLINGS: list[tuple[Body, Body]] = [
    ({"release_kind": ["Amnesty", "HOUSE-arrest", "full release"]},
     {"release_kind": ["amnesty", "house_arrest", "full_release"]}),
    ({"stage": "Carried-Out"}, {"stage": "carried_out"}),
    ({"status": "VERIFIED"}, {"status": ["verified"]}),
    ({"group_by": "Release-Kind"}, {"group_by": ["release_kind"]}),
    ({"country": "ve"}, {"country": "VE"}),
    ({"country": "ven"}, {"country": "VE"}),
    ({"country": "venezuela"}, {"country": "VE"}),
    ({"nationality": ["espana", "Spain", "BRAZIL"]}, {"nationality": ["ES", "BR"]}),
    ({"source": "FORO"}, {"source": "foro"}),
    ({"verified_by": ["Foro", "JEP"]}, {"verified_by": ["foro", "jep"]}),
    ({"facility": "el_rodeo I"}, {"facility": "el-rodeo-i"}),
    ({"area": "DISTRITO-capital"}, {"area": "Distrito Capital"}),
]  # fmt: skip
MISSPELT: list[tuple[str, str, str, list[str]]] = [
    ("release_kind", "amnisty", "unknown_code", ["amnesty"]),
    ("group_by", "releasekind", "unknown_code", ["release_kind"]),
    ("country", "Venezula", "unknown_country", ["VE"]),
    ("source", "forro", "unknown_source", ["foro"]),
    ("facility", "el rodeo", "unknown_facility", ["el-rodeo-i"]),
    ("area", "Distrito Captal", "unknown_area", ["Distrito Capital"]),
]  # fmt: skip
DESTINATION = "Bogotá"


@pytest.fixture
def places(world: World) -> World:
    world.add_facility()
    world.add_facility("yare", "Yare", area="Distrito Capital")
    world.file(release__destination=DESTINATION)
    return world


def find_unknown(world: World, path: str = COUNTS, who: str | None = None, **terms: Any) -> list[str]:
    return [warning["parameter"] for warning in world.get(path, who, **terms).json()["caveats"]["unknown_values"]]


def test_a_value_in_another_spelling_is_the_listed_one(places: World) -> None:
    for asked, echoed in SPELLINGS:
        answer = places.get(COUNTS, **asked).json()
        assert {name: answer["terms"][name] for name in echoed} == echoed, asked
        permalink = answer["links"]["permalink"]
        assert places.client.get(permalink).json()["total"] == answer["total"], permalink
        assert answer["links"] == places.get(COUNTS, **echoed).json()["links"]


def test_an_order_is_never_turned_round(places: World) -> None:
    assert places.get("/v1/releases", sort="-added").status_code == 200
    places.refuse(places.get("/v1/releases", sort="-Recorded"), 422, "unknown_code", "/sort")


@pytest.mark.parametrize("name, value, code, nearest", MISSPELT)
def test_a_misspelt_value_leads_to_the_nearest_listed_ones(
    places: World, name: str, value: str, code: str, nearest: list[str]
) -> None:
    for path in (COUNTS, "/v1/releases") if name != "group_by" else (COUNTS,):
        error = places.get(path, **{name: value}).json()["errors"][0]
        assert error["code"] == code
        assert error["detail"].endswith(f"Did you mean {', '.join(f'`{one}`' for one in nearest)}?"), error


def test_suggestions_are_of_the_revision_that_is_read(places: World) -> None:
    before = places.revision
    places.add_facility("tocoron", "Tocorón", area="Aragua")
    for name, value in (("facility", "tocorom"), ("area", "Aragva")):
        assert "Did you mean" in places.get(COUNTS, **{name: value}).json()["detail"]
        assert "Did you mean" not in places.get(COUNTS, as_of=f"r{before}", **{name: value}).json()["detail"]


def test_an_area_that_facilities_had_once_is_known(places: World) -> None:
    places.file("jep", detainee__full_name="Otro Señor", detention__facility="Yare")
    cited = places.get(COUNTS, area="Distrito Capital").json()["links"]["permalink"]
    changed = places.client.patch("/v1/facilities/yare", json={"area": "Miranda"}, headers=places.headers("curator"))
    assert changed.status_code == 200
    assert places.client.get(cited).json()["total"]["cases"] == 1
    assert places.get(COUNTS, area="Distrito Capital").status_code == 200


def test_text_that_no_list_has_is_warned_of(places: World) -> None:
    for path in (COUNTS, "/v1/releases", "/v1/detainees", "/v1/counts/overlap"):
        assert find_unknown(places, path, destination="Bogotta") == ["destination"]
        assert find_unknown(places, path, destination=DESTINATION) == []
        assert find_unknown(places, path, destination="ES") == []
    for more in ({"q": "Ana"}, {"changed_since": "r1"}):
        assert find_unknown(places, "/v1/releases", destination="Bogotta", **more) == ["destination"]
    assert "Bogot" not in str(places.get(COUNTS, destination="Bogotta").json()["caveats"])


def test_an_area_is_warned_of_where_no_facility_has_one(world: World) -> None:
    assert find_unknown(world, area="Miranda") == ["area"]


def test_a_destination_that_is_hidden_from_the_reader_is_unknown(world: World) -> None:
    world.file(release__destination=DESTINATION, detainee__publish="counted")
    assert find_unknown(world, destination=DESTINATION) == ["destination"]
