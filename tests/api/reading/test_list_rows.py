"""The rows of lists: with the person, with some fields only, and how many there are."""

import csv
import io

import pytest

from tests.support import Body, World
from tests.working import statements

LISTS = ("/v1/releases", "/v1/detentions")


@pytest.fixture
def people(world: World) -> list[Body]:
    """Two named, one without a name, one in no list."""
    return [
        world.file(detainee__full_name=name, detainee__publish=wish, detention__detained_on=day, source_record_id=name)
        for name, wish, day in (
            ("Ana Nobody", "named", "2024-01-01"),
            ("Bea Nothing", "named", "2024-02-01"),
            ("Dora Nil", "anonymous", "2024-03-01"),
            ("Cleo Noone", "counted", "2024-04-01"),
        )
    ]


@pytest.mark.parametrize("who", [None, "reader", "ministry"])
@pytest.mark.parametrize("path", LISTS)
def test_the_embedded_person_is_the_row_of_the_list_of_people(
    world: World, people: list[Body], path: str, who: str | None
) -> None:
    rows = world.get(path, who, include="detainee").json()["data"]
    assert len(rows) == (4 if who == "reader" else 3)
    listed = {row["id"]: row for row in world.get("/v1/detainees", who).json()["data"]}
    assert [row.pop("detainee") for row in rows] == [listed[row["detainee_id"]] for row in rows]
    assert rows == world.get(path, who).json()["data"]


@pytest.mark.parametrize("path", LISTS)
def test_the_people_of_a_page_take_no_statement_each(world: World, people: list[Body], path: str) -> None:
    numbers = []
    world.get(path, "reader")
    for limit in (1, 3):
        with statements(world.engine) as run:
            world.get(path, "reader", include="detainee", limit=limit)
        numbers.append(len(run))
    assert numbers[0] == numbers[1]


def test_a_changed_row_embeds_its_person_too(world: World, people: list[Body]) -> None:
    since = world.revision
    world.file(detainee__full_name="Ana Nobody", source_record_id="Ana Nobody", release__kind="pardon")
    (row,) = world.get("/v1/releases", changed_since=since, include="detainee").json()["data"]
    assert (row["detainee"]["name"], row["revision"]) == ("Ana Nobody", since + 1)


def test_only_the_fields_that_were_asked_for_are_sent(world: World, people: list[Body]) -> None:
    asked = "detainee_id,detainee.name"
    rows = world.get("/v1/releases", include="detainee", fields=asked, limit=2).json()
    assert rows["data"] == [
        {"detainee_id": person["detainee"]["id"], "detainee": {"name": name}}
        for person, name in zip(people, ("Ana Nobody", "Bea Nothing"), strict=False)
    ]
    assert f"fields={asked.replace(',', '%2C')}" in rows["next"]
    table = world.get("/v1/releases.csv", include="detainee", fields=asked).text
    assert list(csv.reader(io.StringIO(table)))[:2] == [asked.split(","), [people[0]["detainee"]["id"], "Ana Nobody"]]
    world.refuse(world.get("/v1/releases", fields="id,relased_on"), 422, "unknown_field", "/fields")
    assert world.get("/v1/sources", fields="slug").json()["data"][0].keys() == {"slug"}


def test_a_table_has_columns_of_the_person(world: World, people: list[Body]) -> None:
    (first, *_rest) = csv.DictReader(io.StringIO(world.get("/v1/releases.csv", include="detainee").text))
    assert (first["id"], first["detainee.name"]) == (people[0]["release"]["id"], "Ana Nobody")


def test_a_list_tells_how_many_rows_it_has_for_the_reader(world: World, people: list[Body]) -> None:
    for path in (*LISTS, "/v1/detainees", "/v1/sources", "/v1/claims", "/v1/facilities"):
        for who in (None, "reader"):
            answer = world.get(path, who, limit=1, total="true").json()
            assert answer["total"] == len(world.get(path, who, limit=200).json()["data"]), (path, who)
            assert world.get(path, who).json()["total"] is None
    assert world.get("/v1/releases", total="true", q="Cleo Noone").json()["total"] == 0
    assert world.get("/v1/releases", total="true", gender="female").json()["caveats"]["not_visible"] == 2
    refused = world.get("/v1/releases", total="true", changed_since=1)
    world.refuse(refused, 422, "not_with_changed_since", "/total")


def test_a_list_tells_what_it_leaves_out_only_where_a_count_does(world: World, people: list[Body]) -> None:
    caveats = {
        "/v1/releases": {"withheld": 1, "not_visible": 0, "unknown_values": []},
        "/v1/releases?q=Ana": {"withheld": None, "not_visible": None, "unknown_values": []},
        "/v1/releases?changed_since=r1": {"withheld": None, "not_visible": None, "unknown_values": []},
        "/v1/detainees": {"withheld": None, "not_visible": 0, "unknown_values": []},
        "/v1/sources": {"withheld": 0, "not_visible": 0, "unknown_values": []},
    }
    assert {address: world.client.get(address).json()["caveats"] for address in caveats} == caveats
