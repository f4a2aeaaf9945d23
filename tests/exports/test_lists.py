"""Everything public as a stream: all of it, once, as it stood at a revision, and nobody who must not be listed."""

import csv
import io
import json
from typing import Any

import pytest

from app.db.engine import open_read_session
from app.exports import lists
from app.queries.parameters import TableFormat
from tests.support import ANYONE, World

Row = dict[str, Any]
NAMES = (
    "Rosa Inés Valdivia",
    "Julio Andrés Peralta",
    "Ernesto Luis Cardozo",
    "Marta Elena Quiroga",
    "Otilio Ramos Paz",
)


def people(world: World, *names: str) -> list[Row]:
    """A release of each, on a day of its own."""
    return [
        world.file(
            detainee__full_name=name, detainee__birth_date=str(1950 + 5 * n), release__released_on=f"2026-01-1{n}"
        )
        for n, name in enumerate(names)
    ]


def exported(world: World, form: TableFormat = TableFormat.JSONL, revision: int | None = None) -> str:
    with open_read_session(world.engine) as session:
        return "".join(lists.export_releases(session, form, ANYONE, world.revision if revision is None else revision))


def rows(text: str) -> list[Row]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture(params=[1, 2, 5, 200])
def page_length(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Five rows in pages of one, in pages of which the last is short, in one full page, and in one short one."""
    monkeypatch.setattr(lists, "MAX_LIMIT", request.param)
    return int(request.param)


def test_every_release_is_exported_once_however_long_the_pages(world: World, page_length: int) -> None:
    filed = people(world, *NAMES)
    found = rows(exported(world))
    assert [row["id"] for row in found] == [one["release"]["id"] for one in filed]


def test_a_csv_has_one_header_and_as_many_cells_in_every_line(world: World, page_length: int) -> None:
    people(world, *NAMES[:3])
    people(world, NAMES[3])
    world.file("jep", detainee__full_name=NAMES[0], detainee__birth_date="1950", release__released_on="2026-01-10")
    world.file("jep", detainee__full_name=NAMES[4], release__conditions=["travel_ban"], release__released_on="2026-01")
    lines = list(csv.reader(io.StringIO(exported(world, TableFormat.CSV), newline="")))
    assert lines[0][0] == "id"
    assert len(lines) == 1 + 5
    assert sum(line == lines[0] for line in lines) == 1
    assert {len(line) for line in lines} == {len(lines[0])}


def test_both_forms_export_the_same_releases(world: World) -> None:
    people(world, *NAMES)
    table = list(csv.DictReader(io.StringIO(exported(world, TableFormat.CSV), newline="")))
    assert [row["id"] for row in table] == [row["id"] for row in rows(exported(world))]
    assert [row["released_on"] for row in table] == [row["released_on"] for row in rows(exported(world))]


def test_an_export_is_what_the_public_list_shows(world: World) -> None:
    people(world, *NAMES)
    listed = world.get("/v1/releases", limit=200).json()["data"]
    assert rows(exported(world)) == listed


def test_nobody_who_is_only_counted_is_exported(world: World) -> None:
    people(world, *NAMES[:2])
    world.file(detainee__full_name=NAMES[2], detainee__publish="counted")
    assert len(rows(exported(world))) == 2
    assert world.count()["total"]["cases"] == 3


def test_an_export_of_a_revision_does_not_change_though_the_registry_does(world: World) -> None:
    people(world, *NAMES[:3])
    then = world.revision
    before = [exported(world, form, then) for form in TableFormat]
    people(world, *NAMES[3:])
    world.file("jep", detainee__full_name=NAMES[0], detainee__birth_date="1950", release__released_on="2026-01-10")
    assert [exported(world, form, then) for form in TableFormat] == before
    assert len(rows(exported(world))) == 5


def test_who_has_withdrawn_consent_is_missing_from_the_past_too(world: World) -> None:
    filed = people(world, *NAMES[:2])
    then = world.revision
    world.consent(filed[0]["detainee"]["id"], "counted")
    assert [row["id"] for row in rows(exported(world, revision=then))] == [filed[1]["release"]["id"]]


def test_an_empty_registry_exports_nothing(world: World) -> None:
    assert [exported(world, form) for form in TableFormat] == ["", "", ""]
    assert exported(world, revision=0) == ""
