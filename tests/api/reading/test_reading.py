"""Records and lists over the wire: their shapes, their pages, and their exact past."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from app.projection import RULES
from tests.support import NOW, Body, World

PEOPLE = [f"{name} Nobody" for name in ("Ana", "Bea", "Carl", "Dora", "Elí", "Fay", "Gil")]


def crowd(world: World, people: list[str] = PEOPLE) -> list[Body]:
    return [world.file(detainee__full_name=name, detainee__birth_date=None) for name in people]


def pages(world: World, path: str, who: str | None = None, between: Any = None, **asked: Any) -> list[list[Body]]:
    """Every page of a list, by following `next`; `between` is called after each."""
    answer = world.get(path, who, **asked).json()
    found = [answer["data"]]
    while answer["next"] is not None:
        if between is not None:
            between()
        answer = world.client.get(answer["next"], headers=world.headers(who)).json()
        found.append(answer["data"])
    return found


def test_a_release_says_what_is_known_and_who_says_so(world: World) -> None:
    world.add_facility()
    filed = world.file("foro", release__announced_on="2026-01-08", release__ordered_on="2026-01-11")
    world.file("jep", detention__detained_on="2024-09-04", verification={"verdict": "reported"})
    release = world.get(f"/v1/releases/{filed['release']['id']}").json()
    assert {name: release[name] for name in release if name not in ("facts", "stages", "at")} == {
        "id": filed["release"]["id"],
        "detainee_id": filed["detainee"]["id"],
        "detention_id": filed["detention"]["id"],
        "country": "VE",
        "facility": "el-rodeo-i",
        "stage": "carried_out",
        "released_on": "2026-01-12",
        "ordered_on": "2026-01-11",
        "announced_on": "2026-01-08",
        "kind": "release_with_measures",
        "conditions": None,
        "destination": None,
        "measures_lifted_on": None,
        "status": "verified",
        "verified_by": ["foro"],
        "denied_by": [],
        "independent": 1,
        "reported_by": ["jep"],
        "moved_at": [],
        "revision": world.revision,
        "recorded_at": "2026-03-01T12:00:00Z",
    }
    assert release["at"] == {"revision": world.revision, "recorded_at": "2026-03-01T12:00:00Z", "rules": RULES}
    others = {"status": "verified", "verified_by": ["foro"], "denied_by": [], "independent": 1, "reported_by": ["jep"]}
    assert release["stages"] == {"announced": others, "ordered": others}
    detention = world.get(f"/v1/detentions/{filed['detention']['id']}").json()
    assert detention["facts"]["detained_on"] == {
        "value": "2024-10-13",
        "said": [{"value": "2024-10-13", "by": ["foro"]}, {"value": "2024-09-04", "by": ["jep"]}],
    }


def test_a_verification_is_shown_with_its_sources_own_values(world: World) -> None:
    filed = world.file("foro")
    world.verify(filed["release"]["id"], "jep", verdict="verified", method="press", released_on="2026-01-13",
                 verified_on="2026-01-14", kind="pardon", citing=["foro"])  # fmt: skip
    verdicts = world.get(f"/v1/releases/{filed['release']['id']}/verifications").json()["data"]
    mine, theirs = verdicts
    assert [one["source"] for one in verdicts] == ["foro", "jep"]
    assert {name: theirs[name] for name in theirs if name not in ("id", "recorded_at")} == {
        "source": "jep", "verdict": "verified", "stage": "carried_out", "released_on": "2026-01-13",
        "ordered_on": None, "announced_on": None, "kind": "pardon", "method": "press", "verified_on": "2026-01-14",
        "citing": ["foro"], "independent": False, "evidence": None, "revision": world.revision,
    }  # fmt: skip
    assert (mine["independent"], mine["released_on"]) == (True, "2026-01-12")
    assert mine["id"] != theirs["id"]


def test_who_checked_a_release_checked_that_the_person_had_been_held(world: World) -> None:
    filed = world.file("foro")
    world.verify(filed["release"]["id"], "jep", verdict="reported", method="press")
    for detention in (
        world.get(f"/v1/detentions/{filed['detention']['id']}").json(),
        *world.get("/v1/held", held_on="2025-12-24", status="verified").json()["data"],
    ):
        assert (detention["status"], detention["verified_by"], detention["reported_by"]) == (
            "verified",
            ["foro"],
            ["jep"],
        )


def test_being_held_is_verified_on_the_detention_itself(world: World) -> None:
    held = world.file_detention("foro")
    world.file_detention("jep", verification={"verdict": "reported"})
    detention = world.get(f"/v1/detentions/{held['detention']['id']}").json()
    assert (detention["verified_by"], detention["reported_by"]) == (["foro"], ["jep"])
    verdicts = world.get(f"/v1/detentions/{held['detention']['id']}/verifications").json()["data"]
    assert [(one["source"], one["verdict"], one["stage"]) for one in verdicts] == [
        ("foro", "verified", None),
        ("jep", "reported", None),
    ]
    assert world.get(f"/v1/detainees/{held['detainee']['id']}").json()["state"] == "held"


def test_a_history_shows_every_revision_at_which_something_shown_changed(world: World) -> None:
    filed = world.file("foro", source_record_id="1")
    first = world.revision
    world.file("foro", source_record_id="1", detainee__full_name="Tomás Quintana")
    world.file("jep", detainee__full_name="Ulises Barrios", detainee__birth_date="1950")  # somebody else
    third = world.file("foro", source_record_id="1", detainee__full_name="Tomás Quintana", release__kind="pardon")
    path = f"/v1/detainees/{filed['detainee']['id']}/history"
    versions = world.get(path).json()["data"]
    assert [one["revision"] for one in versions] == [first, first + 1, third["receipt"]["revision"]]
    assert [one["detainee"]["name"] for one in versions][:2] == ["Tomás Aurelio Quintana Ribas", "Tomás Quintana"]
    assert [one["entry"] for one in versions] == ["report"] * 3
    assert {one["recorded_at"] for one in versions} == {"2026-03-01T12:00:00Z"}
    assert world.get(path, as_of=first + 2).json()["data"] == versions[:2]
    for version in versions:
        record = world.get(f"/v1/detainees/{filed['detainee']['id']}", as_of=version["revision"]).json()
        assert record.pop("contact") is None  # is of today, and so stands in no history
        assert record.pop("at")["revision"] == record.pop("revision") == version["revision"]
        assert record.pop("recorded_at") == version["recorded_at"]
        assert record == version["detainee"]


LISTS = [
    "/v1/releases",
    "/v1/detainees",
    "/v1/detentions",
    "/v1/reports",
    "/v1/sources",
    "/v1/facilities",
    "/v1/claims",
]


@pytest.mark.parametrize("path", LISTS)
def test_pages_hold_every_row_once_while_others_write(world: World, path: str) -> None:
    crowd(world)
    for number in range(7):
        world.add_facility(f"place-{number}", f"Place {number}")
        claim = {"claimant": "jep", "measure": "released", "qualifier": "exactly", "low": number, "high": number}
        world.post("/v1/claims", claim, "foro")
    who = "foro" if path == "/v1/reports" else None
    whole = world.get(path, who, limit=200).json()["data"]
    newcomers = iter(range(100, 200))

    def writes() -> None:
        """Somebody new in every list, and a change of somebody already in one."""
        number = next(newcomers)
        world.file(detainee__full_name=f"Newcomer {number}")
        world.add_facility(f"place-{number}", f"Place {number}")
        world.post("/v1/sources", {"slug": f"s-{number}", "name": f"S {number}", "kind": "ngo"}, "admin")
        world.post("/v1/claims", {"claimant": "jep", "measure": "held", "qualifier": "unquantified"}, "foro")

    size = 3
    found = pages(world, path, who, writes, limit=size)
    assert [row for page in found for row in page] == whole
    assert all(len(page) == size for page in found[:-1])
    assert 0 < len(found[-1]) <= size


def test_the_last_page_has_no_next_even_when_it_is_full(world: World) -> None:
    crowd(world, PEOPLE[:4])
    assert [len(page) for page in pages(world, "/v1/releases", limit=2)] == [2, 2]
    assert pages(world, "/v1/releases", limit=4)[0] == world.get("/v1/releases").json()["data"]
    caveats = {"withheld": 0, "not_visible": 0, "unknown_values": []}
    empty: Body = {"data": [], "next": None, "total": None, "caveats": caveats}
    answer = world.get("/v1/releases", release_kind="pardon").json()
    assert answer.pop("at")["revision"] == world.revision
    assert answer == empty


def test_the_next_page_asks_the_same_question_of_the_same_revision(world: World) -> None:
    crowd(world)
    answer = world.get("/v1/releases", country="VE", release_kind=["pardon", "release_with_measures"], limit=2)
    asked = parse_qs(urlsplit(answer.json()["next"]).query)
    assert asked.pop("cursor")
    assert asked.pop("leaf")
    assert asked == {
        "country": ["VE"], "release_kind": ["pardon", "release_with_measures"], "limit": ["2"],
        "rules": [str(RULES)],
        "as_of": [f"r{world.revision}"],
    }  # fmt: skip
    assert answer.headers["link"] == f'<{answer.json()["next"]}>; rel="next"'
    last = world.get("/v1/releases", limit=200)
    assert "link" not in last.headers


def test_everything_can_be_read_as_it_stood_at_every_revision(world: World, subtests: pytest.Subtests) -> None:
    """What is asked at revision R while R is the head is what `as_of=R` gives for ever, but for permission."""
    seen: dict[tuple[str, int], Body] = {}
    filed: list[Body] = []

    def look() -> None:
        paths = ["/v1/releases", "/v1/detainees", "/v1/detentions", "/v1/sources", "/v1/facilities", "/v1/claims"]
        paths += [
            "/v1/corrections",
            "/v1/counts/releases",
            "/v1/counts/releases?group_by=source",
            "/v1/vocabulary",
            "/v1/sources/foro",
        ]
        for one in filed:
            paths += [f"/v1/{thing}s/{one[thing]['id']}" for thing in ("detainee", "detention", "release")]
            paths += [f"/v1/detainees/{one['detainee']['id']}/history"]
            paths += [f"/v1/releases/{one['release']['id']}/verifications"]
            paths += [f"/v1/detentions/{one['detention']['id']}/verifications"]
        for path in paths:
            answer = world.client.get(path, follow_redirects=False)
            if answer.status_code == 200:
                seen[path, int(answer.headers["recuento-revision"])] = answer.json()

    look()
    filed.append(world.file("foro", source_record_id="1"))
    look()
    filed.append(world.file("jep", detainee__full_name="Ulises Barrios", detainee__gender=None))
    look()
    world.file("foro", source_record_id="1", release__kind="pardon")
    look()
    world.add_facility()
    world.client.patch("/v1/sources/foro", json={"quarantined": True}, headers=world.headers("admin"))
    look()
    decision = world.judge(filed[0]["detainee"]["id"], filed[1]["detainee"]["id"], "same")
    look()
    world.client.delete(f"/v1/identity/{decision['id']}", headers=world.headers("curator"))
    look()
    world.post(f"/v1/reports/{filed[0]['report']['id']}/retract", {}, "foro")
    world.post("/v1/claims", {"claimant": "jep", "measure": "held", "qualifier": "unquantified"}, "foro")
    look()
    assert len(seen) > 80
    for (path, revision), answer in seen.items():
        with subtests.test(f"{path} at {revision}"):
            again = world.client.get(path + ("&" if "?" in path else "?") + f"as_of=r{revision}")
            assert again.json() == answer


def test_a_moment_means_the_last_revision_recorded_by_then(world: World) -> None:
    filed = []
    for hour in (1, 2, 30):
        world.now = NOW + timedelta(hours=hour)
        filed.append(world.file(detainee__full_name=PEOPLE[hour % 7])["receipt"]["revision"])
    for asked, revision in [
        ({"as_of": "2026-03-01T12:59:59Z"}, filed[0] - 1),
        ({"as_of": "2026-03-01T13:00:00Z"}, filed[0]),
        ({"as_of": "2026-03-01T09:00:00-04:00"}, filed[0]),
        ({"as_of": "2026-03-01T13:30:00.5Z"}, filed[0]),
        ({"as_of": "2026-03-01"}, filed[1]),
        ({"as_of": "2026-03-01", "zone": "-04:00"}, filed[1]),
        ({"as_of": "2026-03-01", "zone": "-10:00"}, filed[1]),
        ({"as_of": "2026-03-02"}, filed[2]),
        ({"as_of": "1990-01-01"}, 0),
        ({"as_of": "2026-02"}, 0),
        ({"as_of": "2026-03"}, filed[2]),
        ({"as_of": "r0"}, 0),
        ({}, filed[2]),
    ]:
        answer = world.get("/v1/releases", **asked)
        assert answer.json()["at"]["revision"] == revision
        assert answer.headers["recuento-revision"] == str(revision)
    assert world.get("/v1/releases", as_of=0).json()["data"] == []
    assert world.count(as_of=0)["at"]["recorded_at"] is None


def test_a_moment_may_be_written_with_a_bare_plus(world: World) -> None:
    world.file()
    assert world.client.get("/v1/releases?as_of=2026-03-01T14:00:00+02:00").json()["at"]["revision"] == world.revision


def test_the_clock_of_the_log_never_goes_back(world: World) -> None:
    first = world.file(detainee__full_name="Ana Nobody")
    world.now = NOW - timedelta(minutes=10)
    second = world.file(detainee__full_name="Bea Nobody")
    assert world.count()["at"]["recorded_at"] == "2026-03-01T12:00:00.000001Z"
    world.now = NOW
    assert (
        world.get("/v1/releases", as_of="2026-03-01T12:00:00Z").json()["at"]["revision"] == first["receipt"]["revision"]
    )
    assert second["receipt"]["revision"] == first["receipt"]["revision"] + 1
