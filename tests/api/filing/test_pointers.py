"""What a pointer is stored as, and where it places a report (rule 10, through the API)."""

import json
from typing import Any

from tests.support import GOVERNMENT, Body, World

# Two detentions of one invented man.
OLD = {"detained_on": "2022-01-15", "country": "VE"}
NEW = {"detained_on": "2024-01-20", "country": "VE"}
IN_2022 = {"released_from": "2022", "released_to": "2022"}
IN_2024 = {"released_from": "2024", "released_to": "2024"}


def pointers(world: World, answer: Body) -> list[str | None]:
    """The report that each version of a report points at, as the public log has it."""
    log = world.rows("SELECT body FROM entry WHERE kind = 'report' ORDER BY revision")
    bodies = [json.loads(body) for (body,) in log]
    return [body.get("pointer") for body in bodies if body["record"] == answer["report"]["id"]]


def years(world: World, **terms: Any) -> tuple[int, int]:
    """Releases of 2022 and of 2024."""
    found = [world.count(**window, **terms)["total"]["cases"] for window in (IN_2022, IN_2024)]
    return found[0], found[1]


def verified_in(world: World, window: Body) -> list[str]:
    """Who verified the releases of a window, those of one source after those of another."""
    rows = world.get("/v1/releases", **window).json()["data"]
    return sorted(slug for row in rows for slug in row["verified_by"])


def spell(world: World, who: str, person: Body | None, detention: Body, released_on: str | None, **more: Any) -> Body:
    """A report of one detention of the man, with its release if it has a day."""
    known = {} if person is None else {"detainee_id": person["detainee"]["id"], "detainee": None}
    release = {"released_on": released_on} if released_on else {"kind": "unspecified"}
    return world.file(who, **known, detention=detention, release=release, **more)


def test_a_pointer_to_a_release_is_kept_as_the_earliest_independent_report_that_speaks_of_it(world: World) -> None:
    first = spell(world, GOVERNMENT, None, {**NEW, "detained_on": "2024-01-19"}, "2024-05-23")
    spell(world, "foro", first, {"country": "VE"}, "2024-05-24")
    dated = spell(world, "jep", first, NEW, "2024-05-23")
    told = world.verify(first["release"]["id"], "pud", verdict="verified", method="lawyer")
    assert pointers(world, told) == [dated["report"]["id"]]


def test_it_is_kept_as_the_earliest_of_all_where_no_independent_source_speaks_of_it(world: World) -> None:
    first = spell(world, GOVERNMENT, None, NEW, "2024-05-23")
    world.file_detention("foro", detainee_id=first["detainee"]["id"], detainee=None, detention=NEW)
    told = world.verify(first["release"]["id"], "pud", verdict="verified", method="lawyer")
    assert pointers(world, told) == [first["report"]["id"]]


def test_a_pointer_to_a_detention_is_kept_as_the_earliest_report_of_it(world: World) -> None:
    later = spell(world, "foro", None, NEW, "2024-05-23")
    earliest = world.file_detention("jep", detainee_id=later["detainee"]["id"], detainee=None,
                                    detention={**NEW, "detained_on": "2024-01-19"})  # fmt: skip
    body = {"detention_id": later["detention"]["id"], "verification": {"verdict": "verified", "method": "lawyer"}}
    answer = world.post("/v1/detentions", body, "pud")
    assert pointers(world, answer.json()) == [earliest["report"]["id"]]


def test_sending_a_report_again_leaves_its_pointer_as_it_was(world: World) -> None:
    first = spell(world, "foro", None, NEW, "2024-05-23")
    body = {"release_id": first["release"]["id"], "release": {"released_on": "2024-05-23"}, "source_record_id": "P-1"}
    told = world.post("/v1/releases", body, "pud").json()
    spell(world, "jep", first, {**NEW, "detained_on": "2024-01-19"}, "2024-05-23")
    again = world.post("/v1/releases", body, "pud")
    assert (again.status_code, again.json()["report"]["version"]) == (200, 1)
    assert pointers(world, told) == [first["report"]["id"]]


def test_whose_own_report_is_the_earliest_needs_no_pointer(world: World) -> None:
    first = spell(world, "foro", None, {"country": "VE"}, "2024-05-23")
    own = spell(world, "pud", first, NEW, "2024-05-23")
    assert own["release"]["id"] == first["release"]["id"]
    body = {"verdict": "verified", "method": "lawyer", "kind": "pardon"}
    assert pointers(world, world.verify(first["release"]["id"], "pud", **body)) == [None, None]


def test_a_verification_keeps_verifying_2024_when_an_older_detention_is_filed(world: World) -> None:
    undated = spell(world, "jep", None, {"country": "VE"}, None)
    spell(world, "foro", undated, NEW, "2024-05-23")
    world.verify(undated["release"]["id"], "pud", verdict="verified", method="lawyer")
    assert years(world) == (0, 1)
    spell(world, "foro", undated, OLD, "2022-10-04")
    assert years(world) == (1, 1)
    assert verified_in(world, IN_2022) == ["foro"]
    assert verified_in(world, IN_2024) == ["foro", "jep", "pud"]


def test_a_verification_stays_with_the_report_that_it_points_at_when_that_is_corrected(world: World) -> None:
    """Foro knows of a detention in 2022. Jep moves its report of 2024, which pud verified, there."""
    first = spell(world, "foro", None, OLD, "2022-10-04")
    owned = spell(world, "jep", first, NEW, "2024-05-23", source_record_id="J-1")
    told = world.verify(owned["release"]["id"], "pud", verdict="verified", method="lawyer", released_on="2024-05-23")
    assert pointers(world, told) == [owned["report"]["id"]]
    assert years(world) == (1, 1)
    spell(world, "jep", None, OLD, "2022-10-04", source_record_id="J-1")
    assert years(world) == (1, 0)
    assert verified_in(world, IN_2022) == ["foro", "jep", "pud"]
    assert world.by_source(**IN_2024) == {"pud": 1}, "a row of a source is its own word"
    (row,) = world.get("/v1/review", "curator").json()["data"]
    assert row["kind"] == "disjoint_releases"


def test_the_list_of_what_waits_goes_on_over_pages(world: World) -> None:
    for name in ("Aurelio Rangel Soto", "Ulises Barrios Mata"):
        first = spell(world, "foro", None, NEW, "2024-05-23", detainee__full_name=name, source_record_id=name)
        world.verify(first["release"]["id"], "pud", verdict="verified", method="lawyer", released_on="2024-06-30")
    whole = world.get("/v1/review", "curator").json()["data"]
    assert [row["kind"] for row in whole] == ["disjoint_releases"] * 2
    page = world.get("/v1/review", "curator", limit=1).json()
    rest = world.client.get(page["next"], headers=world.headers("curator")).json()
    assert page["data"] + rest["data"] == whole


def test_days_apart_in_one_detention_wait_as_such_alone(world: World) -> None:
    first = spell(world, "foro", None, NEW, "2024-05-23")
    world.verify(first["release"]["id"], "jep", verdict="verified", method="lawyer", released_on="2024-06-30")
    assert [row["kind"] for row in world.get("/v1/review", "curator").json()["data"]] == ["disjoint_releases"]


def test_a_pointer_names_no_report_of_somebody_whom_the_key_may_not_see(world: World) -> None:
    """Pud's own report is of a man who may only be counted; a curator knows that jep reports him too."""
    own = spell(world, "pud", None, {"country": "VE"}, "2024-05-23", source_record_id="P-1")
    theirs = spell(world, "jep", None, NEW, "2024-05-23", detainee__full_name="Ulises Barrios Mata")
    world.judge(own["detainee"]["id"], theirs["detainee"]["id"], "same")
    world.consent(own["detainee"]["id"], "counted")
    body = {"release_id": own["release"]["id"], "release": {"released_on": "2024-05-23"}, "source_record_id": "P-2"}
    answer = world.post("/v1/releases", body, "pud")
    assert answer.status_code == 201, answer.text
    assert pointers(world, answer.json()) == [own["report"]["id"]]
    world.refuse(world.post("/v1/releases", {**body, "release_id": theirs["release"]["id"]}, "pud"), 404, "not_found")
