"""Who verified the same releases as whom, against sets that are drawn up beforehand."""

from itertools import combinations
from typing import Any, NamedTuple

import pytest

from tests.support import NOW, Body, World, make_report

OVERLAP = "/v1/counts/overlap"


class Word(NamedTuple):
    """What one source says of one release itself."""

    day: str | None = "2026-01-12"
    kind: str | None = None


# Invented people: who verified the release of each, and with which day and kind. The first source files the report.
RELEASES: dict[str, dict[str, Word]] = {
    "Abelardo Quintero": {"foro": Word()},
    "Berenice Urdaneta": {"foro": Word()},
    "Casimiro Lozada": {"jep": Word(kind="amnesty")},
    "Dorotea Bracho": {"foro": Word(kind="amnesty"), "jep": Word(kind="amnesty")},
    "Evaristo Marcano": {"foro": Word(kind="amnesty"), "jep": Word("2026-01", "pardon")},
    "Fidelina Yánez": {"foro": Word("2026-01-12"), "jep": Word("2026-01-14", "pardon")},
    "Gumersindo Olivo": {"foro": Word(), "jep": Word(None), "pud": Word("2026-01-12/2026-01-12")},
    "Herminia Tovar": {"ministry": Word("2026-01-20")},
    "Isidoro Cedeño": {"foro": Word("2026-02-10"), "ministry": Word("2026-02-10"), "pud": Word("2026-02-10")},
    "Jacinta Perozo": {},
}
WITHHELD = "Isidoro Cedeño"
NOBODY = "Jacinta Perozo"
COUNTED = [name for name in RELEASES if name != "Herminia Tovar"]  # only a government says that she was released
Patterns = dict[str, set[str]]


@pytest.fixture(scope="module")
def shared(lasting: World) -> World:
    lasting.now = NOW
    for number, (name, words) in enumerate(RELEASES.items()):
        first, *others = words.items() or [("pud", Word())]
        said: Body = {"release__released_on": first[1].day, "release__kind": first[1].kind}
        said["verification__verdict"] = "verified" if words else "reported"
        person = {"detainee__full_name": name, "detainee__birth_date": str(1940 + 3 * number)}
        filed = lasting.file(first[0], **person, **said)
        release = filed["release"]["id"]
        for source, word in others:
            body = {"verdict": "verified", "method": "lawyer", "released_on": word.day, "kind": word.kind}
            lasting.verify(release, source, **{key: value for key, value in body.items() if value})
        if name == WITHHELD:
            lasting.consent(filed["detainee"]["id"], "counted")
    return lasting


def overlap(world: World, who: str | None = None, **terms: Any) -> Body:
    answer = world.get(OVERLAP, who, **terms)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def names(world: World, address: str) -> set[str]:
    """Who stands in a list, for a partner, who sees everyone."""
    answer = world.client.get(address, headers=world.headers("reader"))
    assert answer.status_code == 200, answer.text
    people = {row["detainee_id"] for row in answer.json()["data"]}
    listed = world.get("/v1/detainees", "reader", limit=200).json()["data"]
    return {person["name"] for person in listed if person["id"] in people}


def lists(world: World, address: str | None, people: set[str]) -> bool:
    """Whether an address lists these people, or the terms have no address for them."""
    return address is None or names(world, address) == people


def agree(world: World, found: Body, verified: Patterns) -> None:
    """An overlap says what sets of those who verified each release say, and links to those releases."""
    slugs = sorted(set().union(*verified.values()))
    behind = {slug: {name for name, pattern in verified.items() if slug in pattern} for slug in slugs}
    assert [row["source"] for row in found["sources"]] == slugs
    for row in found["sources"]:
        slug = row["source"]
        alone = {name for name, pattern in verified.items() if pattern == {slug}}
        assert (row["verified"], row["only_this_source"]) == (len(behind[slug]), len(alone))
        assert lists(world, row["list"], behind[slug]), slug
        assert lists(world, row["only_list"], alone), slug
    assert [(row["a"], row["b"]) for row in found["pairs"]] == list(combinations(slugs, 2))
    for row in found["pairs"]:
        a, b = behind[row["a"]], behind[row["b"]]
        said = tuple(row[name] for name in ("both", "only_a", "only_b", "either"))
        assert said == (len(a & b), len(a - b), len(b - a), len(a | b))
        assert sum(row["dates"].values()) == sum(row["kinds"].values()) == len(a & b)
        assert lists(world, row["list"], a & b)
    exact = {frozenset(pattern) for pattern in verified.values()}
    assert sum(row["cases"] for row in found["patterns"]) == found["cases"]
    assert {frozenset(row["sources"]) for row in found["patterns"]} == exact
    for row in found["patterns"]:
        those = {name for name, pattern in verified.items() if pattern == set(row["sources"])}
        assert row["cases"] == len(those)
        assert lists(world, row["list"], those)
    ranked = [row["cases"] for row in found["patterns"]]
    assert ranked == sorted(ranked, reverse=True)


def verified_by(*people: str) -> Patterns:
    """Who verified the release of each of their own knowledge: a ministry's word makes no overlap."""
    return {name: RELEASES[name].keys() - {"ministry"} for name in people}


def test_sources_pairs_and_patterns_are_those_of_the_sets(shared: World) -> None:
    found = overlap(shared)
    assert found["cases"] == len(COUNTED)
    agree(shared, found, verified_by(*COUNTED))


def test_the_withheld_are_in_the_numbers_and_in_no_public_list(shared: World) -> None:
    assert overlap(shared) == overlap(shared, "reader")
    (both,) = overlap(shared, released_from="2026-02")["pairs"]
    assert (both["a"], both["b"], both["both"]) == ("foro", "pud", 1)
    assert shared.client.get(both["list"]).json()["data"] == []


IN_JANUARY = [name for name in COUNTED if name != WITHHELD]
SHARED_BY_TWO = [name for name, words in RELEASES.items() if len(words.keys() - {"ministry"}) > 1]


@pytest.mark.parametrize(
    "terms, people",
    [
        ({"released_from": "2026-01", "released_to": "2026-01"}, IN_JANUARY),
        ({"released_from": "2026-02"}, [WITHHELD]),
        ({"min_sources": 2}, SHARED_BY_TWO),
        ({"min_sources": 3}, ["Gumersindo Olivo"]),
        ({"max_sources": 0}, [NOBODY]),
        ({"verified_by": "ministry"}, []),
        ({"verified_by": ["ministry", "pud"], "verified_by_match": "any"}, ["Gumersindo Olivo", WITHHELD]),
        ({"verified_by": ["foro", "pud"]}, ["Gumersindo Olivo", WITHHELD]),
        ({"status": "reported"}, [NOBODY]),
        ({"release_kind": "amnesty"}, ["Casimiro Lozada", "Dorotea Bracho"]),  # of Evaristo two sources say two kinds
        ({"country": "NI"}, []),
        ({"status": "refuted"}, []),
    ],
)
def test_terms_choose_the_releases_and_not_the_sources(shared: World, terms: Body, people: list[str]) -> None:
    found = overlap(shared, **terms)
    assert found["cases"] == len(people)
    agree(shared, found, verified_by(*people))


def test_every_number_has_a_list_where_no_term_names_a_source(shared: World) -> None:
    found = overlap(shared)
    addresses = [row["list"] for name in ("sources", "pairs", "patterns") for row in found[name]]
    assert None not in [*addresses, *(row["only_list"] for row in found["sources"])]


def test_what_only_these_sources_verified_has_no_narrower_list(shared: World) -> None:
    found = overlap(shared, verified_by=["foro", "jep"], verified_by_match="only")
    (pattern,) = found["patterns"]
    assert (pattern["sources"], pattern["cases"], len(names(shared, pattern["list"]))) == (["foro", "jep"], 3, 3)
    assert {row["only_list"] for row in found["sources"]} == {None}
    assert len(names(shared, found["pairs"][0]["list"])) == 3


def test_two_sources_agree_on_the_day_or_may_or_cannot_or_do_not_say(shared: World) -> None:
    pairs = {(row["a"], row["b"]): row for row in overlap(shared)["pairs"]}
    assert pairs["foro", "jep"]["dates"] == {"same": 1, "compatible": 1, "different": 1, "unsaid": 1}
    assert pairs["foro", "jep"]["kinds"] == {"same": 1, "different": 1, "unsaid": 2}
    # A day, and an interval of that one day, are the same day.
    assert pairs["foro", "pud"]["dates"] == {"same": 2, "compatible": 0, "different": 0, "unsaid": 0}
    (apart,) = overlap(shared, min_sources=1, max_sources=1)["pairs"]
    assert (apart["both"], set(apart["dates"].values())) == (0, {0})


def test_copies_confirm_nothing_and_the_patterns_add_up(world: World) -> None:
    """Jep repeats what foro verified, and pud what only the ministry says."""
    release = world.file("foro")["release"]["id"]
    world.verify(release, "jep", verdict="verified", method="family", citing=["foro"])
    other = {"detainee__full_name": "Berenice Urdaneta", "detainee__birth_date": "1951"}
    world.verify(world.file("ministry", **other)["release"]["id"], "pud", verdict="verified", method="press")
    found = overlap(world)
    assert [(row["sources"], row["cases"]) for row in found["patterns"]] == [([], 1), (["foro"], 1)]
    assert [row["only_this_source"] for row in found["sources"]] == [1]
    groups = world.count(group_by=["source"])["groups"]
    assert {row["by"]["source"]: row["counts"]["only_this_source"] for row in groups} == {
        "foro": 1,
        "jep": 0,
        "ministry": 0,
        "pud": 0,
    }
    unverified = next(row["list"] for row in found["patterns"] if not row["sources"])
    assert len(world.client.get(unverified).json()["data"]) == 1


def test_in_a_window_that_no_source_confirms_the_unverified_have_no_list_of_their_own(world: World) -> None:
    """Jep verifies a release without a date; another release is verified by nobody."""
    world.file("foro", verification__verdict="reported")
    world.file("jep", release__released_on=None)
    world.file("foro", detainee__full_name="Berenice Urdaneta", detainee__birth_date="1951",
               verification__verdict="reported")  # fmt: skip
    for terms, listed in (({}, True), ({"released_from": "2026"}, False)):
        rows = {tuple(row["sources"]): row for row in overlap(world, **terms)["patterns"]}
        assert {sources: row["cases"] for sources, row in rows.items()} == {(): 1, ("jep",): 1}
        assert (rows[()]["list"] is not None) == listed


def test_the_permalink_asks_the_same_and_groups_are_refused(shared: World) -> None:
    found = overlap(shared, min_sources=2, country="VE")
    assert shared.client.get(found["links"]["permalink"]).json() == found
    shared.refuse(shared.get(OVERLAP, group_by="source"), 422, "unknown_field", "/group_by")


def test_more_sources_than_a_question_may_name_are_refused(shared: World) -> None:
    for name in ("verified_by", "not_verified_by"):
        slugs = [f"source-{number}" for number in range(13)]
        problem = shared.refuse(shared.client.get(OVERLAP, params={name: slugs}), 422, "too_long", f"/{name}")
        assert "12" in problem["errors"][0]["detail"]
    shared.refuse(shared.get(OVERLAP, min_sources=5), 422, "too_many_sources", "/min_sources")


def test_days_are_those_of_the_stage_asked_for(world: World) -> None:
    """Both say that the order is of the 8th; they differ on the day it was carried out."""
    ordered = {"release__stage": "carried_out", "release__ordered_on": "2026-01-08"}
    release = world.file("foro", **ordered)["release"]["id"]
    said = {"source_record_id": "J-1", "release__ordered_on": "2026-01-08", "release__released_on": "2026-01-14"}
    body = {**make_report(**said, detainee=None, detention=None), "release_id": release}
    filed = world.post("/v1/releases", body, "jep")
    assert filed.status_code == 201, filed.text
    (carried_out,), (at_order,) = overlap(world)["pairs"], overlap(world, stage="ordered")["pairs"]
    assert (carried_out["dates"]["different"], at_order["dates"]["same"]) == (1, 1)


def test_the_facility_stands_in_the_link_by_its_slug(world: World) -> None:
    world.add_facility()
    world.file("foro")
    found = overlap(world, facility="El Rodeo I")
    assert found["cases"] == 1
    assert (found["terms"]["facility"], "facility=el-rodeo-i" in found["links"]["permalink"]) == ("el-rodeo-i", True)


def test_a_registry_of_nothing_overlaps_in_nothing(world: World) -> None:
    found = overlap(world)
    assert [found[name] for name in ("cases", "sources", "pairs", "patterns")] == [0, [], [], []]
