"""Rule 17: net leaves out a release if an organisation reports a later detention that begins in the window."""

from typing import Any

import pytest

from app import dates
from app.models import DetentionState, ReleaseAtStage, SourceRelease
from tests.registry.statements import held, out, rows_of, statement
from tests.support import World

WINDOW = {"released_from": "2026-01-08", "released_to": "2026-01-31"}


def day(text: str) -> int:
    return dates.parse_date(text).hi


def releases(world: World, **terms: Any) -> int:
    return int(world.count(**terms)["total"]["cases"])


def taken_again(world: World, who: str, since: str, **more: Any) -> dict[str, Any]:
    answer = world.file_detention(who, detention__detained_on=since, **more)
    assert answer["detainee"]["rearrested"]
    return answer


@pytest.fixture
def released(world: World) -> World:
    """One man let go on 12 January, by foro's word and jep's."""
    world.file("foro")
    world.file("jep")
    return world


def test_net_drops_a_release_followed_by_a_detention_that_begins_by_released_to(released: World) -> None:
    taken_again(released, "foro", "2026-01-20")
    assert (releases(released, **WINDOW), releases(released, net=True, **WINDOW)) == (1, 0)


def test_gross_counts_it_still(released: World) -> None:
    taken_again(released, "foro", "2026-01-20")
    assert releases(released, net=False, **WINDOW) == 1


def test_net_keeps_a_release_followed_by_a_detention_that_begins_later(released: World) -> None:
    taken_again(released, "foro", "2026-02-01")
    assert releases(released, net=True, **WINDOW) == 1
    assert releases(released, net=True, released_to="2026-02-01") == 0


def test_the_last_day_of_the_window_is_in_it(released: World) -> None:
    taken_again(released, "foro", "2026-01-31")
    assert releases(released, net=True, **WINDOW) == 0


@pytest.mark.parametrize("since, kept", [("2026-01", 1), ("2026-01-13/2026-02-01", 1), ("2026-01-13/2026-01-31", 0)])
def test_a_detention_that_may_have_begun_later_drops_nothing(released: World, since: str, kept: int) -> None:
    """What only may have begun after the release, or after the window, is no known re-arrest in it."""
    released.file_detention("pud", detention__detained_on=since)
    assert releases(released, net=True, **WINDOW) == kept


def test_a_detention_of_the_same_person_only(released: World) -> None:
    released.file_detention(
        "foro",
        detention__detained_on="2026-01-20",
        detainee__full_name="Berta Solano Ugas",
        detainee__birth_date="1990",
    )
    assert releases(released, net=True, **WINDOW) == 1


def test_an_open_window_drops_what_is_followed_by_a_detention_known_at_the_revision(released: World) -> None:
    then = released.get("/v1/detainees").json()["at"]["revision"]
    taken_again(released, "foro", "2026-02-20")
    assert releases(released, net=True) == 0
    assert releases(released, net=True, released_from="2026-01-08") == 0
    assert releases(released, net=True, as_of=then) == 1


def test_a_detention_taken_back_drops_nothing(released: World) -> None:
    report = taken_again(released, "foro", "2026-01-20")["report"]["id"]
    released.post(f"/v1/reports/{report}/retract", {}, "foro")
    assert releases(released, net=True, **WINDOW) == 1


def test_the_last_release_of_someone_taken_again_counts(released: World) -> None:
    person = taken_again(released, "foro", "2026-01-14")["detainee"]["id"]
    body = {"detainee_id": person, "detention": {"detained_on": "2026-01-14"}, "release": {"released_on": "2026-01-20"}}
    assert released.post("/v1/releases", body, "pud").status_code == 201
    assert (releases(released, **WINDOW), releases(released, net=True, **WINDOW)) == (2, 1)


def test_by_source_that_sources_own_reports_decide(released: World) -> None:
    """Foro knows of the re-arrest, jep does not: foro's net count drops the release, jep's does not."""
    taken_again(released, "foro", "2026-01-20")
    assert released.by_source(**WINDOW) == {"foro": 1, "jep": 1}
    assert released.by_source(net=True, **WINDOW) == {"jep": 1}
    assert releases(released, net=True, source="jep", **WINDOW) == 1
    assert releases(released, net=True, source="foro", **WINDOW) == 0


def test_by_source_its_own_date_of_the_detention_decides(released: World) -> None:
    taken_again(released, "pud", "2026-01-20")
    taken_again(released, "foro", "2026-02-05")
    assert released.by_source(net=True, **WINDOW) == {"foro": 1, "jep": 1}
    assert releases(released, net=True, **WINDOW) == 0, "two dates that tie: the earlier one"
    assert releases(released, net=True, released_from="2026-01-08", released_to="2026-01-19") == 1


def test_a_detention_that_only_a_government_states_is_told_beside(released: World) -> None:
    answer = released.file_detention("ministry", detention__detained_on="2026-01-20")
    person = released.get(f"/v1/detainees/{answer['detainee']['id']}").json()
    assert (person["state"], person["rearrested"], person["rearrest_claimed"]) == ("released", False, True)
    assert releases(released, net=True, **WINDOW) == releases(released, **WINDOW) == 1
    assert released.by_source(net=True, **WINDOW) == {"foro": 1, "jep": 1}
    taken_again(released, "foro", "2026-01-20")
    assert releases(released, net=True, **WINDOW) == 0


def test_a_source_that_takes_again_whom_it_released_itself_says_so_in_its_own_count(world: World) -> None:
    world.file("foro", verification={"verdict": "verified", "method": "court_record"})
    world.file_detention("foro", detention__detained_on="2026-01-20")
    assert world.by_source(**WINDOW) == {"foro": 1}
    assert world.by_source(net=True, **WINDOW) == {}


THREE = (
    out(1, on="2025-06-01", since="2024-10-13"),
    out(2, on="2026-01-12", since="2025-09-01"),
    held(3, since="2026-02-01"),
)


def test_each_release_knows_by_which_day_a_later_detention_had_begun() -> None:
    rows = [row for row in rows_of(THREE, ReleaseAtStage) if row["stage"] == "carried_out"]
    assert [(row["spell"], row["next_hi"]) for row in rows] == [(1, day("2025-09-01")), (2, day("2026-02-01"))]


def test_a_vague_detention_does_not_hide_a_precise_one_after_it() -> None:
    """Taken again some time in 2026, and once more on 1 March: by 30 June he had been taken again."""
    said = [
        out(1, on="2025-12-20", since="2024-10-13"),
        out(2, on="2026-02-01", since="2026", detention__held_on="2026-01-20"),
        held(3, since="2026-03-01"),
    ]
    first = next(row for row in rows_of(said, ReleaseAtStage) if row["spell"] == 1)
    assert first["next_hi"] == day("2026-03-01")


def test_a_source_that_says_twice_when_means_the_earlier() -> None:
    said = [*THREE, held(4, since="2026-02-10", pointer=3), held(5, since="2026-01-30", pointer=3)]
    for order in (said, said[::-1]):
        voices = {row["spell"]: row["next_hi"] for row in rows_of(order, SourceRelease)}
        assert voices[2] == day("2026-01-30")


def test_a_source_that_does_not_say_when_takes_nobody_elses_day() -> None:
    said = [*THREE[:2], out(4, "jep", "2026-01-12"), THREE[2], statement(5, "jep", detention__held_on="2026-02-03")]
    voices = {(row["spell"], row["source"]): row["next_hi"] for row in rows_of(said, SourceRelease)}
    assert voices[2, 2] is None
    assert voices[1, 1] == day("2025-09-01")


def test_a_source_that_points_at_the_later_detention_takes_the_day_that_stood_there() -> None:
    kept = held(5, "jep", pointer=3, taken__detention__detained_on="2026-02-01")
    said = [*THREE[:2], out(4, "jep", "2026-01-12"), THREE[2], kept]
    voices = {(row["spell"], row["source"]): row["next_hi"] for row in rows_of(said, SourceRelease)}
    assert voices[2, 2] == day("2026-02-01")


def test_who_denies_the_later_detention_does_not_know_of_it() -> None:
    said = [*THREE, out(4, "jep", "2026-01-12"), held(5, "jep", pointer=3, verification__verdict="refuted")]
    voices = {(row["spell"], row["source"]): row["next_hi"] for row in rows_of(said, SourceRelease)}
    assert voices[2, 2] is None


def test_a_denial_of_the_later_detention_does_not_undo_it() -> None:
    """It makes the days held uncertain (rule 7)."""
    seen = held(4, "pud", "2026-02-01", pointer=3, verification__method="family")
    said = [*THREE, seen, held(5, "jep", since="2026-02-01", pointer=3, verification__verdict="refuted")]
    assert next(row["next_hi"] for row in rows_of(said, ReleaseAtStage) if row["spell"] == 2) == day("2026-02-01")


def test_a_later_detention_that_is_refuted_drops_nothing() -> None:
    """Press reports that somebody was taken again, and an organisation found the person at home."""
    press = held(3, "pud", "2026-02-01", verification__method="press")
    at_home = held(4, "jep", pointer=3, verification__verdict="refuted", verification__method="family")
    said = [out(1, "foro", "2026-01-12", "2025-01-01"), press]
    assert rows_of(said, ReleaseAtStage)[0]["next_hi"] == day("2026-02-01")
    assert rows_of([*said, at_home], ReleaseAtStage)[0]["next_hi"] is None
    assert rows_of([*said, at_home], DetentionState)[0]["next_hi"] == day("2026-02-01")
