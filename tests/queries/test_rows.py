"""A row says which revision last changed what the reader sees of it."""

from typing import Any

import pytest

from tests.columns.lives import life
from tests.support import Body, World

UNNAMED: Body = {"detainee__publish": "anonymous", "source_record_id": "1"}


def without_revision(row: Body) -> Body:
    return {name: value for name, value in row.items() if name not in ("revision", "recorded_at")}


def rows_at(world: World, kind: str, who: str | None, revision: int) -> dict[str, Body]:
    answer = world.get(f"/v1/{kind}", who, as_of=revision, limit=200).json()
    return {row["id"]: row for row in answer["data"]}


@pytest.mark.parametrize("kind", ["releases", "detentions", "detainees"])
def test_nothing_shown_changed_after_the_revision_of_a_row(world: World, kind: str) -> None:
    for _happened in life(world):
        pass
    for who in (None, "reader"):
        rows = [rows_at(world, kind, who, revision) for revision in range(world.revision + 1)]
        assert any(rows)
        for revision, found in enumerate(rows):
            for row_id, row in found.items():
                assert row["revision"] <= revision
                assert without_revision(rows[row["revision"]][row_id]) == without_revision(row), (who, revision, row_id)
                before = rows[row["revision"] - 1].get(row_id)
                assert who or before is None or without_revision(before) != without_revision(row), (revision, row_id)


def shown(world: World, filed: Body, who: str | None = None) -> list[int]:
    """The revisions of the three rows of a report."""
    addresses = [f"/v1/{kind}s/{filed[kind]['id']}" for kind in ("detainee", "detention", "release")]
    return [world.get(address, who).json()["revision"] for address in addresses]


@pytest.mark.parametrize(
    "change",
    [{"detainee__full_name": "Tomás Quintana"}, {"detainee__gender": "other"}, {"detention__place": "a farm"},
     {"detention__legal_status": "convicted"}, {"release__conditions": ["gag_order"]}],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_a_hidden_change_moves_no_revision_of_what_the_public_sees(world: World, change: dict[str, Any]) -> None:
    filed = world.file("foro", **UNNAMED)
    before, of_partner = shown(world, filed), shown(world, filed, "reader")
    world.file("foro", **{**UNNAMED, **change})
    assert shown(world, filed) == before
    assert shown(world, filed, "reader") != of_partner


def test_a_change_of_a_visible_place_moves_all_three(world: World) -> None:
    world.add_facility()
    world.add_facility("yare", "Yare", area="Caracas")
    filed = world.file("foro", **UNNAMED)
    world.file("foro", **UNNAMED, detainee__gender="other")
    moved = world.file("foro", **UNNAMED, detainee__gender="other", detention__facility="yare")
    assert shown(world, filed) == [moved["receipt"]["revision"]] * 3


def test_a_verdict_has_the_revision_that_changed_it(world: World) -> None:
    filed = world.file("foro")
    verified = world.verify(filed["release"]["id"], "jep", verdict="verified", method="lawyer")
    verdicts = world.get(f"/v1/releases/{filed['release']['id']}/verifications").json()["data"]
    assert [(one["source"], one["revision"]) for one in verdicts] == [
        ("foro", filed["receipt"]["revision"]), ("jep", verified["receipt"]["revision"])
    ]  # fmt: skip
