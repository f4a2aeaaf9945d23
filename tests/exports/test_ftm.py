"""People with names as FollowTheMoney entities: valid by its schemata, and harmless."""

import json
from collections import Counter
from typing import Any

import pytest

from app.db.engine import open_read_session
from app.exports import lists
from tests.support import ANYONE, World

Row = dict[str, Any]
# Of the schemata of followthemoney 4.11.2, with all they inherit, the properties written here.
PROPERTIES = {
    "Person": {"name", "alias", "gender", "birthDate", "deathDate", "nationality"},
    "Event": {"name", "involved", "country", "location", "addressEntity", "publisher", "recordId", "startDate",
              "endDate", "date", "summary"},
    "Organization": {"name", "country"},
    "PublicBody": {"name", "country"},
    "Address": {"full", "alias", "region", "country", "latitude", "longitude"},
}  # fmt: skip


def entities(world: World) -> tuple[list[Row], Counter[str]]:
    told: Counter[str] = Counter()
    with open_read_session(world.engine) as session:
        lines = "".join(lists.export_entities(session, ANYONE, world.revision, told)).splitlines()
    return [json.loads(line) for line in lines], told


def of(found: list[Row], schema: str) -> list[Row]:
    return [row for row in found if row["schema"] == schema]


def test_a_person_with_a_name_is_written_with_what_befell_them(world: World) -> None:
    world.add_facility(point={"lat": 10.4, "lon": -66.6})
    filed = world.file(detainee__aliases=["Tomasito"], detainee__birth_date="1971-05-03")
    world.verify(filed["release"]["id"], "ministry", verdict="reported")
    found, _told = entities(world)
    for row in found:
        assert row["properties"].keys() <= PROPERTIES[row["schema"]]
        assert all(isinstance(value, str) for values in row["properties"].values() for value in values)
    assert of(found, "Person") == [
        {
            "id": filed["detainee"]["id"],
            "schema": "Person",
            "properties": {
                "name": ["Tomás Aurelio Quintana Ribas"],
                "alias": ["Tomasito"],
                "gender": ["male"],
                "birthDate": ["1971"],
                "nationality": ["ve"],
            },
        }
    ]
    held, out = (row["properties"] for row in of(found, "Event"))
    assert (held["startDate"], out["date"], out["summary"]) == (
        ["2024-10-13"],
        ["2026-01-12"],
        ["release_with_measures"],
    )
    assert out["involved"] == held["involved"] == [filed["detainee"]["id"]]
    assert out["publisher"] == ["Foro", "Ministry"]
    assert out["addressEntity"] == [of(found, "Address")[0]["id"]] == ["recuento-facility-el-rodeo-i"]
    assert [row["id"] for row in of(found, "PublicBody")] == ["recuento-source-ministry"]


def test_nobody_without_a_name_is_written_but_their_number_is_told(world: World) -> None:
    world.file(detainee__publish="anonymous")
    world.file(detainee__full_name="Nadia Secreta", detainee__birth_date="1960", detainee__publish="counted")
    world.file(detainee__full_name=None, detainee__birth_date="1950", detainee__gender=None)
    found, told = entities(world)
    assert not of(found, "Person") + of(found, "Event")
    assert told == {"nameless": 2}


def test_a_release_that_does_not_count_is_left_out(world: World) -> None:
    filed = world.file(verification__verdict="reported", verification__method=None)
    world.verify(filed["release"]["id"], "jep", verdict="refuted", method="lawyer")
    world.file("pud", detainee__full_name="Rosa Inés Valdivia", release__stage="ordered", release__released_on=None)
    assert {row["properties"]["name"][0] for row in of(entities(world)[0], "Event")} == {"Detention"}


def test_nobody_has_a_topic(world: World) -> None:
    world.file(detainee__groups=["journalist"], detainee__category="military")
    assert "topics" not in json.dumps(entities(world)[0])


@pytest.mark.parametrize(
    "said, told",
    [
        (None, None), ("2026", "2026"), ("2026-01-12", "2026-01-12"), ("2026-01-08/2026-01-09", "2026-01"),
        ("2026-01/2026-03", "2026"), ("2025-12-31/2026-01-31", None), ("2025-01-05/2026-01-05", None),
    ],
)  # fmt: skip
def test_of_an_interval_only_what_both_ends_share_is_told(said: str | None, told: str | None) -> None:
    assert lists._format_date(said) == told
