"""What a pointer is kept as, and what becomes of it once dates contradict it (rule 2, over the wire)."""

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
    found = [world.count(**window, **terms)["total"]["releases"] for window in (IN_2022, IN_2024)]
    return found[0], found[1]


def verified_in(world: World, window: Body) -> list[str]:
    """Who verified the releases of a window, those of one source after those of another."""
    rows = world.get("/v1/releases", **window).json()["data"]
    return sorted(slug for row in rows for slug in row["verified_by"])


def waiting(world: World) -> list[Body]:
    rows = world.get("/v1/review", "curator").json()["data"]
    return [row for row in rows if row["kind"] == "contradicted_pointer"]


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
    """The first report says no day: once an older detention is known, that is where it stands."""
    undated = spell(world, "jep", None, {"country": "VE"}, None)
    spell(world, "foro", undated, NEW, "2024-05-23")
    world.verify(undated["release"]["id"], "pud", verdict="verified", method="lawyer")
    assert years(world) == (0, 1)
    assert verified_in(world, IN_2024) == ["foro", "jep", "pud"]
    spell(world, "foro", undated, OLD, "2022-10-04")
    assert years(world) == (1, 1)
    assert verified_in(world, IN_2022) == ["foro", "jep"]
    assert verified_in(world, IN_2024) == ["foro", "pud"]


def dragged(world: World) -> tuple[Body, Body]:
    """Foro knows of a detention in 2022. Jep reports one in 2024, whose release pud verifies with its own days; then
    jep moves its report to 2022. The report of jep, and that of pud."""
    first = spell(world, "foro", None, OLD, "2022-10-04")
    owned = spell(world, "jep", first, NEW, "2024-05-23", source_record_id="J-1")
    body = {"release_id": owned["release"]["id"], "detention": NEW, "release": {"released_on": "2024-05-23"},
            "verification": {"verdict": "verified", "method": "lawyer"}}  # fmt: skip
    told = world.post("/v1/releases", body, "pud").json()
    assert pointers(world, told) == [owned["report"]["id"]]
    assert years(world) == (1, 1)
    spell(world, "jep", None, OLD, "2022-10-04", source_record_id="J-1")
    return owned, told


def test_who_owns_the_report_pointed_at_drags_no_verification_to_another_year(world: World) -> None:
    dragged(world)
    assert years(world) == (1, 1)
    assert verified_in(world, IN_2024) == ["pud"]
    assert world.by_source(**IN_2024) == {"pud": 1}


def test_nor_does_a_verification_with_a_day_of_release_alone_go_along(world: World) -> None:
    """Somebody else still says that there was an arrest in 2024."""
    first = spell(world, "foro", None, OLD, "2022-10-04")
    owned = spell(world, "jep", first, NEW, "2024-05-23", source_record_id="J-1")
    world.file_detention("foro", detainee_id=first["detainee"]["id"], detainee=None, detention=NEW)
    world.verify(owned["release"]["id"], "pud", verdict="verified", method="lawyer", released_on="2024-05-23")
    assert years(world) == (1, 1)
    spell(world, "jep", None, OLD, "2022-10-04", source_record_id="J-1")
    assert years(world) == (1, 1)
    assert verified_in(world, IN_2024) == ["pud"]


def test_the_two_wait_in_review_until_their_dates_agree_again(world: World) -> None:
    owned, told = dragged(world)
    (row,) = waiting(world)
    assert (row["source"], row["report"]) == ("pud", told["report"]["id"])
    assert row["detainee"]["id"] == owned["detainee"]["id"]
    assert row["stands_in"]["release"]["released_on"] == "2024-05-23"
    assert row["points_at"]["release"]["released_on"] == "2022-10-04"
    assert row["points_at"]["detention"]["detained_on"] == "2022-01-15"
    corrected = {"detention": OLD, "release": {"released_on": "2022-10-04"}}
    path = f"/v1/reports/{told['report']['id']}"
    assert world.client.patch(path, json=corrected, headers=world.headers("pud")).status_code == 200
    assert waiting(world) == []
    assert verified_in(world, IN_2022) == ["foro", "jep", "pud"]


def test_the_list_of_what_waits_goes_on_over_pages(world: World) -> None:
    dragged(world)
    other = spell(world, "foro", None, NEW, "2024-05-23", detainee__full_name="Ulises Barrios Mata")
    world.verify(other["release"]["id"], "pud", verdict="verified", method="lawyer", released_on="2024-06-30")
    whole = world.get("/v1/review", "curator").json()["data"]
    assert sorted(row["kind"] for row in whole) == ["contradicted_pointer", "disjoint_releases"]
    first = world.get("/v1/review", "curator", limit=1).json()
    rest = world.client.get(first["next"], headers=world.headers("curator")).json()
    assert first["data"] + rest["data"] == whole


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
