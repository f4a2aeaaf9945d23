"""What curators see of a batch of unreviewed reports: those first that contradict what is shown, and why."""

from typing import Any

import pytest

from app.queries.review import batches as comparison
from app.registry.review import limits
from app.vocabulary import Role
from tests.registry.review.test_waiting import file_people, person
from tests.support import Body, World

PATH = "/v1/review/batches/reports"


@pytest.fixture(autouse=True)
def _limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DEFAULT_UNREVIEWED_LIMIT", 2)


def read(world: World, kind: str = "releases", source: str = "foro", **terms: Any) -> Body:
    answer = world.get(PATH, "curator", source=source, batch_kind=kind, **terms)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def contradicted(row: Body) -> dict[str, tuple[Any, Any]]:
    return {one["field"]: (one["a"][0]["value"], one["b"][0]["value"]) for one in row["contradicts"]}


def known(world: World, number: int) -> list[Body]:
    """Reviewed reports of another source about so many invented people."""
    filed = file_people(world, number, "jep")
    world.review()
    return filed


def test_reports_that_contradict_what_is_shown_come_first_with_both_values(world: World) -> None:
    known(world, 3)
    file_people(world, 2, first=100)
    file_people(world, 2)
    world.file(**person(3), release__released_on="2026-01-20", release__kind="pardon")
    page = read(world)
    assert (page["compared"], page["contradicting"]) == (5, 1)
    first, *others = page["data"]
    assert contradicted(first) == {
        "released_on": ("2026-01-20", "2026-01-12"), "kind": ("pardon", "release_with_measures"),
    }  # fmt: skip
    assert first["contradicts"][0]["b"][0]["by"] == ["jep"]
    assert first["report"]["detainee"]["full_name"] == first["detainee"]["name"] == person(3)["detainee__full_name"]
    assert [row["report"]["source_record_id"] for row in others] == ["100", "101", "1", "2"]
    assert [row["detainee"] is not None for row in others] == [False, False, True, True]


def test_a_denial_contradicts_what_another_source_verifies(world: World) -> None:
    verified, only_reported = known(world, 1)[0], world.file("jep", **person(2), verification={"verdict": "reported"})
    for release in (only_reported, verified):
        world.verify(release["release"]["id"], "foro", verdict="refuted", method="family")
    first, second = read(world, "denials")["data"]
    assert contradicted(first) == {"verdict": ("refuted", "verified")}
    assert (first["detainee"]["id"], second["contradicts"]) == (verified["detainee"]["id"], [])


def test_custody_after_a_release_contradicts_it(world: World) -> None:
    known(world, 2)
    for number, day in ((1, "2025-12-01"), (2, "2026-02-01")):
        world.file_detention(**person(number), detention__held_on=day)
    first, second = read(world, "custody")["data"]
    assert contradicted(first) == {"state": ("held", "released")}
    assert (first["report"]["source_record_id"], second["contradicts"]) == ("2", [])


def test_a_place_contradicts_another_place_and_a_name_written_otherwise_nothing(world: World) -> None:
    known(world, 2)
    world.file(**person(1), detention__facility="Ramo Verde")
    world.file(**{**person(2), "detainee__full_name": person(2)["detainee__full_name"].upper()})
    first, second = read(world)["data"]
    assert contradicted(first) == {"facility": ("Ramo Verde", "El Rodeo I")}
    assert second["contradicts"] == []


def test_a_correction_contradicts_what_its_source_said_before_where_nobody_else_says_it(world: World) -> None:
    world.file(**person(1))
    world.review()
    file_people(world, 2, first=100)
    world.file(**person(1), release__released_on="2026-01-20")
    first, *_others = read(world)["data"]
    assert contradicted(first) == {"released_on": ("2026-01-20", "2026-01-12")}
    assert (first["contradicts"][0]["b"][0]["by"], first["detainee"]) == (["foro"], None)


def test_the_list_of_batches_says_what_would_change(world: World) -> None:
    known(world, 2)
    file_people(world, 3, first=100)
    world.file(**person(1))
    world.file(**person(2), release__released_on="2026-01-20")
    (batch,) = world.get("/v1/review/batches", "curator").json()["data"]
    numbers = {name: batch[name] for name in ("reports", "compared", "new_people", "known_people", "contradicting")}
    assert numbers == {"reports": 5, "compared": 5, "new_people": 3, "known_people": 2, "contradicting": 1}


def test_a_bounded_number_is_compared_at_a_time_and_the_cursor_leads_to_every_report(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparison, "MAX_COMPARED_REPORTS", 4)
    monkeypatch.setattr("app.queries.review.batches.MAX_COMPARED_REPORTS", 4)
    known(world, 1)
    file_people(world, 5, first=100)
    world.file(**person(1), release__released_on="2026-01-20")
    (batch,) = world.get("/v1/review/batches", "curator").json()["data"]
    assert (batch["reports"], batch["compared"]) == (6, 4)
    pages, cursor = [], None
    while True:
        page = read(world, limit=3, **({} if cursor is None else {"cursor": cursor}))
        pages.append([row["report"]["source_record_id"] for row in page["data"]])
        if page["next"] is None:
            break
        cursor = page["next"].partition("cursor=")[2].partition("&")[0]
    assert pages == [["100", "101", "102"], ["103"], ["1", "104"]]


def test_the_reports_of_a_batch_are_for_curators_of_other_sources(world: World) -> None:
    file_people(world, 3)
    world.add_key("own curator", Role.CURATOR, "foro")
    terms = {"source": "foro", "batch_kind": "releases"}
    assert world.get(PATH, "own curator", **terms).status_code == 404
    assert world.get(PATH, "foro", **terms).status_code == 403
    assert world.get(PATH, "reader", **terms).status_code == 403
    assert world.get(PATH, "curator", source="nobody", batch_kind="releases").status_code == 404
