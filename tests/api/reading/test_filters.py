"""Every filter of the lists and counts finds those it means and no others; counts and lists never disagree."""

from typing import Any

import pytest

from tests.support import Body, World

# Who is in the scene, by the name that tells them apart.
ANA, BEA, CARL, DORA, ELI = "Ana Rojas Peña", "Béatrice Núñez", "Carl Ødegård", "Dora Ibáñez Mora", "Elí Fuentes"


def file(world: World, who: str, name: str, **said: Any) -> Body:
    said.setdefault("detainee__birth_date", None)
    said.setdefault("detainee__nationalities", None)
    return world.file(who, detainee__full_name=name, **said)


@pytest.fixture
def scene(world: World) -> World:
    """Five people who differ in everything that can be asked for."""
    world.add_facility()
    world.add_facility("yare", "Yare", area="Aragua")
    file(
        world,
        "foro",
        ANA,
        detainee__gender="female",
        detainee__designation="political",
        detainee__birth_date="1950",
        detainee__nationalities=["VE", "ES"],
        detainee__groups=["journalist"],
        release__conditions=["travel_ban"],
    )
    file(world, "jep", ANA, detainee__gender="female", detainee__birth_date="1950")
    file(
        world,
        "foro",
        BEA,
        detainee__gender="female",
        detention__facility="Yare",
        detention__country="CO",
        release__kind="amnesty",
        release__released_on="2026-01-20",
        detention__detained_on="2025-03-01",
        release__destination="ES",
    )
    file(
        world,
        "jep",
        CARL,
        verification={"verdict": "reported"},
        detainee__category="military",
        detention__legal_status="pretrial",
        release__released_on="2026-01",
        detention__detained_on="2025",
    )
    dora = file(
        world,
        "pud",
        DORA,
        verification={"verdict": "refuted", "method": "family"},
        detainee__gender="female",
        release__kind="house_arrest",
    )
    release = {"released_on": "2026-01-12", "kind": "house_arrest"}
    world.verify(dora["release"]["id"], "ministry", verdict="reported", **release)
    eli = file(
        world,
        "pud",
        ELI,
        release__kind="house_arrest",
        release__released_on="2025-12-01",
        detention__facility="Nowhere",
        detainee__nationalities=["CO"],
    )
    world.file_detention(
        "pud",
        detainee_id=eli["detainee"]["id"],
        detainee={"publish": "named"},
        detention={"detained_on": "2026-01-05", "country": "VE"},
        verification=None,
    )
    return world  # fmt: skip


RELEASES: list[tuple[Body, set[str]]] = [
    ({}, {ANA, BEA, CARL, ELI}),
    ({"q": "rojas"}, {ANA}),
    ({"q": "PENA"}, {ANA}),
    ({"q": "nunez"}, {BEA}),
    ({"q": "odegard"}, {CARL}),
    ({"q": "%"}, set()),
    ({"q": "_"}, set()),
    ({"country": "CO"}, {BEA}),
    ({"country": "NI"}, set()),
    ({"facility": "yare"}, {BEA}),
    ({"facility": "El Rodeo I"}, {ANA, CARL}),
    ({"area": "Miranda"}, {ANA, CARL}),
    ({"state": "released"}, {ANA, BEA, CARL}),
    ({"state": "held"}, {ELI}),
    ({"rearrested": "true"}, {ELI}),
    ({"rearrested": "false"}, {ANA, BEA, CARL}),
    ({"designation": "political"}, {ANA}),
    ({"designation": "unstated"}, {BEA, CARL, ELI}),
    ({"group": "journalist"}, {ANA}),
    ({"status": "verified"}, {ANA, BEA, ELI}),
    ({"status": ["reported", "refuted"]}, {CARL, DORA}),
    ({"release_kind": "amnesty"}, {BEA}),
    ({"release_kind": ["amnesty", "house_arrest"]}, {BEA, ELI}),
    ({"verified_by": "foro"}, {ANA, BEA}),
    ({"verified_by": ["foro", "jep"]}, {ANA}),
    ({"verified_by": ["jep", "pud"], "verified_by_match": "any"}, {ANA, ELI}),
    ({"verified_by": ["foro"], "verified_by_match": "only"}, {BEA}),
    ({"not_verified_by": ["foro", "jep"]}, {CARL, ELI}),
    ({"source": "jep"}, {ANA, CARL}),
    ({"min_sources": 1}, {ANA, BEA, ELI}),
    ({"min_sources": 2}, {ANA}),
    ({"max_sources": 0}, {CARL}),
    ({"min_sources": 2, "max_sources": 2}, {ANA}),
    ({"released_from": "2026-01-12"}, {ANA, BEA}),  # a whole January straddles the edge
    ({"released_from": "2026-01"}, {ANA, BEA, CARL}),
    ({"released_to": "2026-01-12"}, {ANA, ELI}),
    ({"released_from": "2026-01-13", "released_to": "2026-01"}, {BEA}),
    ({"detained_from": "2025"}, {BEA, CARL}),
    ({"detained_to": "2024"}, {ANA, ELI}),
    ({"detained_from": "2025-03-01", "detained_to": "2025-03-01"}, {BEA}),
    ({"nationality": "ES"}, {ANA}),
    ({"nationality": "VE"}, {ANA}),
    ({"category": "military"}, {CARL}),
    ({"gender": "female"}, {ANA, BEA}),
    ({"age_group": "over_70"}, {ANA}),
    ({"legal_status": "pretrial"}, {CARL}),
    ({"condition": "travel_ban"}, {ANA}),
    ({"destination": "ES"}, {BEA}),
    ({"stage": "announced"}, {ANA, BEA, CARL, ELI}),
    ({"stage": "announced", "status": "official_only"}, {DORA}),  # the denial is of the release alone
    ({"stage": "ordered", "status": "verified"}, {ANA, BEA, ELI}),
    ({"stage": "announced", "carried_out": "true"}, {ANA, BEA, CARL, ELI}),
    ({"stage": "announced", "carried_out": "false", "status": "official_only"}, {DORA}),
    ({"rearrested_after": "true"}, {ELI}),
    ({"rearrested_after": "false"}, {ANA, BEA, CARL}),
    ({"rearrested_after": "true", "released_to": "2026-01-04"}, {ELI}),  # net ends with the window, this does not
    ({"reported_by_kind": "ngo"}, {ANA, BEA, CARL, ELI}),
    ({"reported_by_kind": ["government", "media"]}, set()),
    ({"verified_by_kind": ["ngo", "media"]}, {ANA, BEA, ELI}),
    ({"first_hand": "true"}, {ANA, BEA, ELI}),
    ({"first_hand": "false"}, {CARL}),
    ({"age_from": 70}, {ANA}),
    ({"age_from": 75, "age_to": 76}, {ANA}),
    ({"age_from": 77}, set()),
    ({"age_to": 73}, set()),
    ({"net": "true"}, {ANA, BEA, CARL}),
    ({"net": "true", "released_to": "2026-01-04"}, {ELI}),
    ({"q": "r", "gender": "female", "country": "VE"}, {ANA}),
]  # fmt: skip

OF_DORA: list[Body] = [
    {},
    {"facility": "El Rodeo I"},
    {"area": "Miranda"},
    {"state": "held"},
    {"rearrested": "false"},
    {"designation": "unstated"},
    {"gender": "female"},
    {"q": "r", "gender": "female", "country": "VE"},
]

DETENTIONS: list[tuple[Body, set[str]]] = [
    ({}, {ANA, BEA, CARL, ELI}),
    ({"status": "official_only"}, {DORA}),
    ({"status": "official_only", "reported_by_kind": "government"}, {DORA}),
    ({"first_hand": "false"}, {CARL, ELI}),  # Elí's detention of 2026 is not checked
    ({"verified_by_kind": "ngo"}, {ANA, BEA, ELI}),
    ({"age_from": 70, "age_to": 80}, {ANA}),
    ({"detained_from": "2026"}, {ELI}),
    ({"ended": "released"}, {ANA, BEA, CARL, ELI}),
    ({"ended": "released", "ended_from": "2026-01-13", "ended_to": "2026-01"}, {BEA}),
    ({"ended": ["died", "escaped"]}, set()),
    ({"facility": "yare"}, {BEA}),
    ({"state": "held"}, {ELI}),
    ({"q": "fuentes"}, {ELI}),
    ({"designation": "political"}, {ANA}),
    ({"legal_status": "pretrial"}, {CARL}),
    ({"country": "VE", "gender": "female"}, {ANA}),
]


def names(world: World, path: str, **asked: Any) -> list[str]:
    """Whom a list names, in order; of releases and detentions too."""
    rows = world.get(path, limit=200, **asked).json()["data"]
    people = {one["id"]: one["name"] for one in world.get("/v1/detainees", "reader", limit=200).json()["data"]}
    return [people[row.get("detainee_id", row["id"])] for row in rows]


def test_releases_are_filtered_by_what_is_asked(scene: World, subtests: pytest.Subtests) -> None:
    for asked, expected in RELEASES:
        with subtests.test(str(asked)):
            found = names(scene, "/v1/releases", **asked)
            assert set(found) == expected
            assert len(found) == len(expected)


def test_detainees_are_filtered_by_their_detentions_and_releases(scene: World, subtests: pytest.Subtests) -> None:
    for asked, expected in RELEASES:
        # Elí was taken again in 2026: a detention of that time, though not one with a release.
        again = {ELI} if asked == {"detained_from": "2025"} else set()
        # Dora's release is refuted, and counts for no term of releases; she herself is listed.
        again |= {DORA} if asked in OF_DORA else set()
        with subtests.test(str(asked)):
            assert set(names(scene, "/v1/detainees", **asked)) == expected | again


def test_detentions_are_filtered_by_what_is_asked(scene: World, subtests: pytest.Subtests) -> None:
    for asked, expected in DETENTIONS:
        with subtests.test(str(asked)):
            assert set(names(scene, "/v1/detentions", **asked)) == expected


def test_an_age_finds_the_rows_that_show_it(world: World) -> None:
    file(world, "foro", ANA, detainee__publish="anonymous", detainee__birth_date="1950-06-30")
    file(world, "foro", BEA, detainee__age=40, detainee__age_on="2020", detainee__publish="anonymous")
    file(world, "foro", CARL, detainee__birth_date="1980/1990")
    file(world, "foro", DORA)
    rows = world.get("/v1/releases", include="detainee")
    people = [row["detainee"] for row in rows.json()["data"]]
    assert sum(person["age"] is not None for person in people) >= 2
    for age in range(30, 90):
        listed = world.get("/v1/releases", age_from=age, age_to=age, include="detainee").json()["data"]
        expected = sorted(person["id"] for person in people if person["age"] == age)
        assert sorted(row["detainee"]["id"] for row in listed) == expected, age


def test_a_count_and_the_list_of_the_same_terms_agree(scene: World, subtests: pytest.Subtests) -> None:
    for asked, _expected in RELEASES:
        if "q" in asked:
            continue
        with subtests.test(str(asked)):
            listed = scene.get("/v1/releases", limit=200, **asked).json()["data"]
            total = scene.count(**asked)["total"]
            statuses = asked.get("status", ["verified", "contested", "reported"])
            statuses = [statuses] if isinstance(statuses, str) else statuses
            assert sum(total[status] for status in statuses) == len(listed)


GROUPED = [
    "source",
    "status",
    "release_kind",
    "country",
    "month",
    "week",
    "day",
    "designation",
    "source_count",
    "facility",
    "gender",
]


@pytest.mark.parametrize("dimension", GROUPED)
def test_every_group_links_to_the_list_behind_it(scene: World, dimension: str) -> None:
    for asked in ({}, {"released_to": "2026-01-12"}, {"country": "VE", "min_sources": 1}):
        for group in scene.count(group_by=dimension, **asked)["groups"]:
            value = group["by"][dimension]
            if group["list"] is None:
                assert value in (None, "withheld")
                continue
            number = (
                group["counts"]["verified"]
                if dimension == "source"
                else group["counts"][value if dimension == "status" else "cases"]
            )
            assert len(scene.client.get(group["list"]).json()["data"]) == number, group


def test_the_list_behind_a_source_goes_by_its_own_dates_and_kinds(world: World) -> None:
    world.file("foro", release__released_on="2026-01-10", release__kind="pardon")
    for who in ("jep", "pud"):
        world.file(who, release__released_on="2026-01-12", release__kind="amnesty")
    for asked in ({"released_to": "2026-01-11"}, {"release_kind": "pardon"}):
        assert world.count(**asked)["total"]["cases"] == 0
        (group,) = world.count(group_by="source", **asked)["groups"]
        assert (group["by"]["source"], group["counts"]["verified"]) == ("foro", 1)
        assert len(world.client.get(group["list"]).json()["data"]) == 1


def test_terms_are_echoed_and_the_permalink_gives_the_same_bytes(scene: World, subtests: pytest.Subtests) -> None:
    for asked, _expected in RELEASES:
        if "q" in asked:
            continue
        with subtests.test(str(asked)):
            count = scene.client.get("/v1/counts/releases", params=asked)
            permalink = count.json()["links"]["permalink"]
            assert permalink.endswith(f"&as_of=r{scene.revision}")
            assert scene.client.get(permalink).json() == count.json()
            for name, value in asked.items():
                echoed = count.json()["terms"].get(name)
                if name == "facility" or value in ("true", "false"):
                    continue
                assert echoed == value or echoed == [value]


def test_what_changed_since_a_revision_or_a_moment_is_found(world: World) -> None:
    ana = file(world, "foro", ANA, source_record_id="1")
    first = world.revision
    file(world, "foro", BEA)
    second = world.revision
    file(world, "foro", ANA, source_record_id="1", release__kind="pardon")
    for path in ("/v1/releases", "/v1/detainees", "/v1/detentions"):
        assert set(names(world, path, changed_since=first - 1)) == {ANA, BEA}
        assert set(names(world, path, changed_since=first)) == {ANA, BEA}
        assert set(names(world, path, changed_since=second)) == {ANA}
        assert names(world, path, changed_since=world.revision) == []
        assert names(world, path, changed_since=first, as_of=first) == []
        assert set(names(world, path, changed_since="2026-02-28", zone="-04:00")) == {ANA, BEA}
        assert names(world, path, changed_since="2026-03-01T12:00:00Z") == []
    world.verify(ana["release"]["id"], "jep", verdict="verified", method="lawyer")
    for path in ("/v1/releases", "/v1/detainees", "/v1/detentions"):
        assert set(names(world, path, changed_since=world.revision - 2)) == {ANA}
