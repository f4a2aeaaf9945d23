"""The shape of a count: totals, groups in order, what stands apart, and where each number can be looked up.

The pattern of a release is the set of its verifying sources, however many sources there are."""

from typing import Any

import pytest

from app.counts import groups, tally
from app.counts.groups import parse_bucket
from tests.support import Body, World

SECOND_MAN = {
    "detainee__full_name": "Ismael Otero Invento",
    "detainee__birth_date": "1950",
    "detention__facility": None,
}


def _groups(count: Body, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(({**group["by"], **group["counts"]})[name] for name in names) for group in count["groups"]]


def test_a_count_of_nothing_has_every_key_and_no_least_number_of_sources(world: World) -> None:
    count = world.count()
    assert count["total"] == {
        "cases": 0, "people": 0, "verified": 0, "contested": 0, "reported": 0,
        "refuted": 0, "official_only": 0, "by_min_sources": {},
    }  # fmt: skip
    assert not any(count["caveats"].values())
    assert count["groups"] == []
    assert world.count(group_by="source")["groups"] == []


def test_the_permalink_and_the_list_of_a_count_are_of_its_revision_after_others_were_filed(world: World) -> None:
    world.file("foro")
    count = world.count(group_by="source", release_kind="release_with_measures")
    world.file("jep", **SECOND_MAN)
    assert world.count(group_by="source", release_kind="release_with_measures")["total"]["cases"] == 2
    again = world.client.get(count["links"]["permalink"]).json()
    assert (again["total"], again["groups"], again["terms"]) == (count["total"], count["groups"], count["terms"])
    assert len(world.client.get(count["links"]["list"]).json()["data"]) == count["total"]["cases"] == 1


THIRD_MAN = {"detainee__full_name": "Ramiro Sosa Fingido", "detainee__birth_date": "1960"}


def test_each_status_stands_in_its_own_number(world: World) -> None:
    """The refuted, and what only a government asserts, are in no total; a denial of a verified release is told."""
    first = world.file("foro")["release"]["id"]
    world.verify(first, "jep", verdict="verified", method="lawyer")
    world.verify(first, "pud", verdict="disputed", method="family")
    world.file("jep", **SECOND_MAN, verification__method="press")
    third = world.file("pud", **THIRD_MAN, verification__method="press")["release"]["id"]
    world.verify(third, "foro", verdict="refuted", method="family")
    world.file("ministry", detainee__full_name="Lisandro Paz Irreal", detainee__birth_date="1980")
    fifth = world.file("foro", detainee__full_name="Nerio Luna Supuesto", detainee__birth_date="1940")["release"]["id"]
    world.verify(fifth, "jep", verdict="refuted", method="lawyer")
    count = world.count()
    assert count["caveats"]["denied_by_some"] == 1
    assert count["total"] == {
        "cases": 3, "people": 3, "verified": 1, "contested": 1, "reported": 1,
        "refuted": 1, "official_only": 1, "by_min_sources": {"1": 2, "2": 1},
    }  # fmt: skip
    shown = world.get(f"/v1/releases/{first}").json()
    assert (shown["verified_by"], shown["denied_by"]) == (["foro", "jep"], ["pud"])


def test_a_window_counts_the_sources_that_confirm_a_release_in_it(world: World) -> None:
    """A and B verify 8 January, C verifies 20 January."""
    release = world.file("foro", release__released_on="2026-01-08")["release"]["id"]
    for source, day in (("jep", "2026-01-08"), ("pud", "2026-01-20")):
        world.verify(release, source, verdict="verified", method="lawyer", released_on=day)
    first_half, second_half = {"released_to": "2026-01-15"}, {"released_from": "2026-01-16"}
    assert world.count()["total"]["by_min_sources"] == {"1": 1, "2": 1, "3": 1}
    assert world.count(**first_half)["total"]["by_min_sources"] == {"1": 1, "2": 1}
    count = world.count(group_by="source_count", **first_half)
    assert _groups(count, "source_count", "verified", "reported") == [(2, 1, 0)]
    assert len(world.client.get(count["groups"][0]["list"]).json()["data"]) == 1
    count = world.count(group_by="source", **second_half)
    assert (count["total"]["cases"], count["caveats"]["uncertain_date"]) == (0, 1)
    assert _groups(count, "source", "verified") == [("pud", 1)]


def test_a_release_that_no_verifying_source_dates_counts_as_reported_in_a_window(world: World) -> None:
    world.file("foro", verification__verdict="reported")
    world.file("jep", release__released_on=None)
    assert world.count()["total"]["verified"] == 1
    count = world.count(released_from="2026", group_by="source_count")
    assert (count["total"]["reported"], count["total"]["by_min_sources"]) == (1, {})
    assert _groups(count, "source_count", "reported") == [(0, 1)]


def test_each_least_number_of_sources_includes_the_greater_ones(world: World) -> None:
    release = world.file("foro")["release"]["id"]
    world.verify(release, "jep", verdict="verified", method="lawyer")
    world.verify(release, "ministry", verdict="verified", method="court_record")
    world.file("foro", **SECOND_MAN)
    assert world.count()["total"]["by_min_sources"] == {"1": 2, "2": 1}


def test_people_are_counted_once_however_often_they_were_released(world: World) -> None:
    first = world.file()
    again = {"detainee": None, "detention__detained_on": "2026-01-20", "release__released_on": "2026-02-10"}
    world.file("jep", detainee_id=first["detainee"]["id"], **again)
    assert (world.count()["total"]["cases"], world.count()["total"]["people"]) == (2, 1)
    months = world.count(group_by="month")
    assert _groups(months, "month", "cases", "people") == [("2026-01", 1, 1), ("2026-02", 1, 1)]


def test_a_source_counts_a_person_once_however_many_of_the_releases_it_verified(world: World) -> None:
    first = world.file("foro")
    again = {"detainee": None, "detention__detained_on": "2026-01-20", "release__released_on": "2026-02-10"}
    world.file("foro", detainee_id=first["detainee"]["id"], **again)
    world.file("foro", **SECOND_MAN)
    assert _groups(world.count(group_by="source"), "source", "verified", "people") == [("foro", 3, 2)]


def test_net_drops_who_was_taken_again_by_the_end_of_the_window(world: World) -> None:
    first = world.file()
    world.file_detention("jep", detainee_id=first["detainee"]["id"], detainee=None, detention__detained_on="2026-01-20")
    for terms, number in (
        ({"net": True, "released_to": "2026-01-19"}, 1),
        ({"net": True, "released_to": "2026-01-20"}, 0),
        ({"net": True}, 0),
        ({"net": False}, 1),
    ):
        assert world.count(**terms)["total"]["cases"] == number, terms


@pytest.mark.parametrize(
    "dimension, values",
    [
        ("day", ["2026-01-12", "2026-02-03", None]),
        ("week", ["2026-W03", "2026-W06", None]),
        ("month", ["2026-01", "2026-02", None]),
    ],
)
def test_buckets_stand_in_order_and_a_straddling_date_last(
    world: World, dimension: str, values: list[str | None]
) -> None:
    world.file("foro", release__released_on="2026")
    world.file("foro", **SECOND_MAN, release__released_on="2026-02-03")
    world.file("foro", **THIRD_MAN)
    count = world.count(group_by=dimension)
    assert [group["by"][dimension] for group in count["groups"]] == values
    assert [group["list"] is None for group in count["groups"]] == [False, False, True]


def test_the_withheld_stand_together_after_the_known_and_before_the_unknown(world: World) -> None:
    world.file("foro", detainee__gender="male")
    world.file("foro", **SECOND_MAN, detainee__publish="anonymous")
    world.file("foro", **THIRD_MAN, detainee__gender=None)
    count = world.count(group_by="gender")
    assert [group["by"]["gender"] for group in count["groups"]] == ["male", "withheld", None]
    assert [group["list"] is None for group in count["groups"]] == [False, True, True]


def test_groups_of_several_values_say_that_they_do_not_add_up(world: World) -> None:
    world.file("foro", detainee__nationalities=["AR", "VE"])
    nations = world.count(group_by="nationality")
    assert _groups(nations, "nationality", "cases") == [("AR", 1), ("VE", 1)]
    assert nations["caveats"]["groups_overlap"] is True
    assert world.count(group_by="source")["caveats"]["groups_overlap"] is True
    assert world.count(group_by="gender")["caveats"]["groups_overlap"] is False


def test_a_group_by_source_tells_what_that_source_says_and_which_it_alone_says(world: World) -> None:
    release = world.file("foro")["release"]["id"]
    world.verify(release, "jep", verdict="verified", method="lawyer")
    world.file("foro", **SECOND_MAN)
    world.verify(release, "ministry", verdict="disputed")
    count = world.count(group_by="source")
    shown = _groups(count, "source", "verified", "disputed", "only_this_source", "people")
    assert shown == [("foro", 2, 0, 1, 2), ("jep", 1, 0, 0, 1), ("ministry", 0, 1, 0, 0)]


def test_a_copy_of_a_verification_leaves_it_that_of_one_source_alone(world: World) -> None:
    release = world.file("foro")["release"]["id"]
    world.verify(release, "jep", verdict="verified", method="press")
    shown = _groups(world.count(group_by="source"), "source", "verified", "reported", "only_this_source")
    assert shown == [("foro", 1, 0, 1), ("jep", 0, 1, 0)]
    world.verify(release, "pud", verdict="verified", method="lawyer")
    shown = _groups(world.count(group_by="source"), "source", "verified", "only_this_source")
    assert shown == [("foro", 1, 0), ("jep", 0, 0), ("pud", 1, 0)]


def test_the_row_of_a_source_has_the_status_of_its_own_reports(world: World) -> None:
    """A verifies what B refutes and a government and the press verify too: each row is the word of its source."""
    release = world.file("foro")["release"]["id"]
    world.verify(release, "jep", verdict="refuted", method="family")
    world.verify(release, "ministry", verdict="verified", method="official_list")
    world.verify(release, "pud", verdict="verified", method="press")
    assert world.count()["total"]["contested"] == 1
    own = {"foro": ("verified", 1), "jep": (None, 0), "ministry": ("official_only", 0), "pud": ("reported", 1)}
    groups = {group["by"]["source"]: group["counts"] for group in world.count(group_by="source")["groups"]}
    for source, (status, number) in own.items():
        total, counted = world.count(source=source)["total"], {"verified", "contested", "reported", "official_only"}
        assert total["cases"] == number
        assert {name for name in counted if total[name]} == {status} - {None}
        assert {name for name in counted & groups[source].keys() if groups[source][name]} == {status} - {None}
        for asked in sorted(counted):
            found = world.client.get("/v1/releases", params={"source": source, "status": asked}).json()["data"]
            assert len(found) == (asked == status), (source, asked)


def test_the_people_of_a_group_are_those_released_in_the_window(world: World) -> None:
    world.file("foro")
    world.file("foro", **SECOND_MAN, release__released_on="2026-02-03")
    count = world.count(group_by="release_kind", released_to="2026-01-31")
    assert _groups(count, "release_kind", "cases", "people") == [("release_with_measures", 1, 1)]
    by_source = world.count(group_by="source", released_to="2026-01-31")
    assert _groups(by_source, "source", "verified", "people") == [("foro", 1, 1)]


def test_each_verdict_of_a_source_stands_in_its_own_number(world: World) -> None:
    release = world.file("foro")["release"]["id"]
    world.verify(release, "jep", verdict="reported")
    world.verify(release, "pud", verdict="disputed", method="family")
    world.verify(release, "ministry", verdict="refuted")
    second = world.file("jep", **SECOND_MAN)["release"]["id"]
    world.verify(second, "jep", verdict="retracted")
    none = dict.fromkeys(
        (
            "verified", "verified_combined", "reported", "official_only", "disputed", "refuted", "retracted",
            "uncertain_date", "only_this_source", "people", "awaiting_review", "rejected",
        ), 0,
    )  # fmt: skip
    numbers = {group["by"]["source"]: group["counts"] for group in world.count(group_by="source")["groups"]}
    assert numbers == {
        "foro": {**none, "verified": 1, "verified_combined": 1, "only_this_source": 1, "people": 1},
        "jep": {**none, "reported": 1, "retracted": 1},
        "pud": {**none, "disputed": 1},
        "ministry": {**none, "refuted": 1},
    }


def test_sources_stand_in_the_order_of_their_names(world: World) -> None:
    world.file("ministry")
    world.file("pud", **SECOND_MAN)
    world.add_source("amparo")
    release = world.get("/v1/releases").json()["data"][0]["id"]
    world.verify(release, "amparo", verdict="verified", method="family")
    groups = world.count(group_by="source")["groups"]
    assert [group["by"]["source"] for group in groups] == ["amparo", "ministry", "pud"]


def test_groups_by_status_and_by_number_of_independent_sources_are_those_of_the_total(world: World) -> None:
    release = world.file("foro")["release"]["id"]
    world.verify(release, "jep", verdict="verified", method="lawyer")
    world.file("pud", **SECOND_MAN)
    world.file("jep", **THIRD_MAN, verification__method="press")
    count = world.count(group_by="status")
    assert _groups(count, "status", "verified", "reported") == [("reported", 0, 1), ("verified", 2, 0)]
    count = world.count(group_by="source_count")
    assert _groups(count, "source_count", "verified", "reported") == [(0, 0, 1), (1, 1, 0), (2, 1, 0)]
    assert count["total"]["by_min_sources"] == {"1": 2, "2": 1}


def test_a_group_of_the_refuted_alone_has_nobody_in_it(world: World) -> None:
    """Of the government's announcement, which an organisation refutes."""
    announced = world.file("ministry", verification=None, release__kind="pardon")["release"]["id"]
    world.verify(announced, "foro", verdict="refuted", method="family")
    (group,) = world.count(group_by="release_kind")["groups"]
    assert (
        group["by"]["release_kind"],
        group["counts"]["refuted"],
        group["counts"]["cases"],
        group["counts"]["people"],
    ) == (
        "pardon",
        1,
        0,
        0,
    )


def test_an_uncertain_date_is_told_by_source_and_in_all(world: World) -> None:
    world.file("foro", release__released_on="2026-01")
    world.verify(world.file("jep", **SECOND_MAN)["release"]["id"], "jep", verdict="refuted", released_on="2026-01")
    count = world.count(group_by="source", released_from="2026-01-08", released_to="2026-01-14")
    assert _groups(count, "source", "verified", "uncertain_date") == [("foro", 0, 1)]
    assert count["caveats"]["uncertain_date"] == 1


def test_three_dimensions_are_told_together(world: World) -> None:
    world.file("foro")
    world.file("jep")
    count = world.count(group_by=["source", "month", "release_kind"])
    kinds = _groups(count, "source", "month", "release_kind", "verified")
    assert kinds == [("foro", "2026-01", "release_with_measures", 1), ("jep", "2026-01", "release_with_measures", 1)]


def test_a_count_that_reads_personal_values_says_how_many_were_erased_since(world: World) -> None:
    world.file("foro")
    gone = world.file("foro", **SECOND_MAN)
    revision = world.revision
    world.redact(gone["detainee"]["id"])
    assert world.count(as_of=revision, group_by="gender")["caveats"]["redactions_since"] == 1
    assert "redactions_since" not in world.count(as_of=revision, group_by="source")
    assert "redactions_since" not in world.count(group_by="gender")


@pytest.mark.parametrize(
    "window, edges",
    [
        ({}, ("2026-01", "2026-01")),
        ({"released_from": "2026-01-08"}, ("2026-01-08", "2026-01")),
        ({"released_to": "2026-01-14"}, ("2026-01", "2026-01-14")),
        ({"released_from": "2026-01-08", "released_to": "2026-01-14"}, ("2026-01-08", "2026-01-14")),
        ({"released_from": "2025", "released_to": "2026"}, ("2026-01", "2026-01")),
    ],
)
def test_the_list_of_a_bucket_keeps_to_the_window_of_the_count(
    world: World, window: dict[str, str], edges: tuple[str, str]
) -> None:
    world.file()
    (group,) = world.count(group_by="month", **window)["groups"]
    assert f"released_from={edges[0]}&" in group["list"]
    assert f"released_to={edges[1]}&" in group["list"]


def test_a_net_bucket_has_no_list_since_its_end_would_change_who_was_taken_again(world: World) -> None:
    world.file()
    assert [group["list"] for group in world.count(group_by="month", net=True)["groups"]] == [None]
    assert None not in [group["list"] for group in world.count(group_by="source", net=True)["groups"]]


def test_a_group_of_a_second_nationality_has_no_list_where_the_terms_ask_for_a_first(world: World) -> None:
    """One parameter cannot ask for both, and a list of either would be longer than the number."""
    world.file(detainee__nationalities=["AR", "IL"])
    groups = world.count(nationality="IL", group_by="nationality")["groups"]
    assert [(group["by"]["nationality"], group["counts"]["cases"], group["list"] is None) for group in groups] == [
        ("AR", 1, True),
        ("IL", 1, False),
    ]


def test_the_window_of_a_week_runs_from_monday_to_sunday() -> None:
    assert parse_bucket("2026-W03", "week") == ("2026-01-12", "2026-01-18")


YEAR = {"released_from": "2026", "released_to": "2026"}


@pytest.mark.parametrize("asked", [
    {"group_by": ["day", "release_kind", "status"], **YEAR},
    {"group_by": ["day", "week", "release_kind"], "released_from": "2025", "released_to": "2026"},
    {"group_by": ["day"], "released_from": "1900", "released_to": "2026"},
])  # fmt: skip
def test_groups_that_span_too_many_cells_are_refused_before_anything_is_counted(
    world: World, monkeypatch: pytest.MonkeyPatch, asked: dict[str, Any]
) -> None:
    monkeypatch.setattr(tally, "build_selection", None)
    world.refuse(world.get("/v1/counts/releases", **asked), 422, "too_many_groups", "/group_by")


@pytest.mark.parametrize("asked", [
    {"group_by": ["day", "source", "status"], **YEAR},
    {"group_by": ["day", "release_kind", "status"], "release_kind": ["pardon", "amnesty"], **YEAR},
    {"group_by": ["month", "release_kind", "status"], **YEAR},
    {"group_by": ["day", "release_kind", "status"]},  # what a window without edges holds is known once it is counted
])  # fmt: skip
def test_groups_of_a_year_that_a_table_can_hold_are_counted(world: World, asked: dict[str, Any]) -> None:
    assert world.get("/v1/counts/releases", **asked).status_code == 200


@pytest.mark.parametrize("by", ["source", "release_kind"])
def test_more_cells_than_may_be_are_refused_when_they_are_found(
    world: World, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    world.file("foro")
    world.file("jep", **SECOND_MAN, release__kind="pardon")
    monkeypatch.setattr(groups, "_count_values", lambda *_args: 0)  # nothing is foreseen
    monkeypatch.setattr(groups, "MAX_CELLS", 1)
    world.refuse(world.get("/v1/counts/releases", group_by=by), 422, "too_many_groups", "/group_by")
    monkeypatch.setattr(groups, "MAX_CELLS", 2)
    assert len(world.count(group_by=by)["groups"]) == 2


PEOPLE = ("Abelardo Quintero", "Berenice Urdaneta", "Casimiro Lozada", "Dorotea Bracho", "Evaristo Marcano")


def file_by_patterns(world: World, verifying: list[list[str]]) -> dict[tuple[str, ...], int]:
    """A release for each of these sets of sources, the first of which files it; how many releases each set has."""
    wanted: dict[tuple[str, ...], int] = {}
    for number, (name, slugs) in enumerate(zip(PEOPLE, verifying, strict=True)):
        person = {"detainee__full_name": name, "detainee__birth_date": str(1940 + 3 * number)}
        said = {} if slugs else {"verification__verdict": "reported"}
        release = world.file((slugs or ["foro"])[0], **person, **said)["release"]["id"]
        for slug in slugs[1:]:
            world.verify(release, slug, verdict="verified", method="lawyer")
        key = tuple(sorted(slugs))
        wanted[key] = wanted.get(key, 0) + 1
    return wanted


def found(world: World) -> dict[tuple[str, ...], int]:
    answer = world.get("/v1/counts/overlap")
    assert answer.status_code == 200, answer.text
    return {tuple(pattern["sources"]): pattern["cases"] for pattern in answer.json()["patterns"]}


def sources(world: World, number: int) -> list[str]:
    slugs = [f"desk-{one:02}" for one in range(number)]
    for slug in slugs:
        world.add_source(slug)
    return slugs


@pytest.mark.parametrize(
    "number",
    [60, 61],
)
def test_as_many_sources_as_one_number_has_bits_make_the_patterns_that_they_made(world: World, number: int) -> None:
    slugs = sources(world, number)
    wanted = file_by_patterns(world, [slugs, slugs[-1:], [], slugs[:1], slugs[-1:]])
    assert found(world) == wanted


def test_more_sources_than_one_number_has_bits_make_the_patterns_that_they_made(world: World) -> None:
    slugs = sources(world, 66)
    wanted = file_by_patterns(world, [slugs, slugs[-1:], slugs[60:65], slugs[:1], [slugs[0], slugs[-1]]])
    assert found(world) == wanted


@pytest.mark.parametrize("bits", [1, 2, 3, 61])
def test_patterns_are_the_same_however_many_numbers_hold_them(
    world: World, monkeypatch: pytest.MonkeyPatch, bits: int
) -> None:
    monkeypatch.setattr(tally, "SOURCES_PER_NUMBER", bits)
    every = [*sources(world, 2), "foro", "jep", "pud"]
    wanted = file_by_patterns(world, [every, every[-1:], [], every[1:4], every[-1:]])
    assert found(world) == wanted
