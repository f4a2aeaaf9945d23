"""The replay read over HTTP: at every stated instant the registry counts what that source published."""

from datetime import date, timedelta
from typing import Any

import pytest

from app.demo.people import COUNT_ONLY_PEOPLE, MINORS
from app.demo.people import build_people as invented
from app.demo.run import REPLAYED_SOURCES, UTC_OFFSET, read_figure_rows
from tests.demo.conftest import Replayed

CYCLE, DECEMBER = "2026-01-08", "2025-12-01"
LATEST = "2026-04-01"

# source, first day of its window, instant in Caracas, what it published
PUBLISHED = [
    *(
        ("foro-penal", CYCLE, at, figure)
        for at, figure in (
            ("2026-01-09T10:00", 8),
            ("2026-01-09T20:00", 9),
            ("2026-01-10", 16),
            ("2026-01-11", 17),
            ("2026-01-12T09:00", 41),
            ("2026-01-12T14:00", 48),
            ("2026-01-12T16:00", 49),
            ("2026-01-13T23:59", 56),
            ("2026-01-13", 56),
            ("2026-01-14T08:00", 72),
            ("2026-01-14T20:30", 84),
            ("2026-01-16", 100),
            ("2026-01-17T17:00", 139),
            ("2026-01-19", 143),
            ("2026-01-20", 151),
            ("2026-01-23", 154),
            ("2026-01-26T09:00", 266),
            ("2026-01-28T16:00", 297),
            ("2026-01-28T22:00", 300),
            ("2026-01-29", 302),
        )
    ),
    *(
        ("foro-penal", DECEMBER, at, figure)
        for at, figure in (("2025-12-29", 61), ("2026-01-23", 269), ("2026-01-26", 383))
    ),
    *(
        ("jep", CYCLE, at, figure)
        for at, figure in (
            ("2026-01-09", 11),
            ("2026-01-12T08:20", 53),
            ("2026-01-12", 53),
            ("2026-01-13T23:59", 53),
            ("2026-01-16", 116),
            ("2026-01-28", 294),
        )
    ),
    *(
        ("pud", CYCLE, at, figure)
        for at, figure in (
            ("2026-01-12T20:00", 65),
            ("2026-01-12T23:00", 73),
            ("2026-01-13T11:20", 76),
            ("2026-01-13T23:59", 76),
            ("2026-01-17", 155),
            ("2026-01-24", 173),
            ("2026-01-26", 277),
            ("2026-01-28", 303),
        )
    ),
    ("clippve", CYCLE, "2026-01-14", 83),
]
FIGURES = [
    row
    for row in read_figure_rows()
    if row["claimant"] in REPLAYED_SOURCES
    and (row["measure"], row["series"], row["qualifier"]) == ("released", "cumulative", "exactly")
    and row["window_from"]
]


def instant(text: str) -> dict[str, str]:
    """A minute of Caracas as an instant; a date alone as the end of that day there."""
    return {"as_of": f"{text}:00{UTC_OFFSET}"} if "T" in text else {"as_of": text, "zone": UTC_OFFSET}


def verified(replayed: Replayed, source: str, at: str, **window: Any) -> int:
    """What the source had verified at that instant in a window; nothing where it is left out."""
    count = replayed.get("/v1/counts/releases", group_by="source", **window, **instant(at))
    return sum(group["counts"]["verified"] for group in count["groups"] if group["by"]["source"] == source)


@pytest.mark.parametrize("source, since, at, figure", PUBLISHED)
def test_a_source_counts_what_it_published(replayed: Replayed, source: str, since: str, at: str, figure: int) -> None:
    assert verified(replayed, source, at, country="VE", released_from=since) == figure


@pytest.mark.parametrize("row", FIGURES, ids=lambda row: row["claim_id"])
def test_an_exact_figure_of_the_file_is_the_count_at_its_hour(replayed: Replayed, row: dict[str, str]) -> None:
    at = row["stated_at"].removesuffix(UTC_OFFSET)
    assert verified(replayed, row["claimant"], at, released_from=row["window_from"]) == int(row["low"])


def test_the_file_states_an_exact_figure_of_three_sources_and_more() -> None:
    assert len(FIGURES) >= 30
    assert {row["claimant"] for row in FIGURES} == set(REPLAYED_SOURCES)


@pytest.mark.parametrize("day, at, figure", [
    ("2026-01-12", "2026-01-12T09:00", ("foro-penal", 24)),
    ("2026-01-12", "2026-01-12", ("pud", 24)),
    ("2026-01-17", "2026-01-17T17:00", ("foro-penal", 9)),
    ("2026-01-25", "2026-01-25T18:00", ("foro-penal", 80)),
    ("2026-01-25", "2026-01-25T20:00", ("foro-penal", 104)),
])  # fmt: skip
def test_a_batch_is_what_was_verified_of_its_day(
    replayed: Replayed, day: str, at: str, figure: tuple[str, int]
) -> None:
    assert verified(replayed, figure[0], at, released_from=day, released_to=day) == figure[1]


def test_the_december_figure_holds_beside_that_of_january(replayed: Replayed) -> None:
    assert verified(replayed, "foro-penal", "2026-01-26T09:00", released_from=CYCLE) == 266
    assert verified(replayed, "foro-penal", "2026-01-26", released_from=DECEMBER) == 383


def test_foro_penal_has_no_release_of_the_days_before_christmas(replayed: Replayed) -> None:
    window = {"released_from": DECEMBER, "released_to": "2025-12-24"}
    assert verified(replayed, "foro-penal", LATEST, **window) == 0
    assert replayed.get("/v1/releases", source="foro-penal", **window)["data"] == []


def test_418_people_are_verified_out_and_303_of_them_from_the_eighth(replayed: Replayed) -> None:
    for since, people in ((DECEMBER, 418), (CYCLE, 303)):
        total = replayed.get("/v1/counts/releases", min_sources=1, released_from=since)["total"]
        assert (total["people"], total["verified"], total["by_min_sources"]["1"]) == (people, people, people)


def test_a_figure_once_cited_stays_though_the_source_has_gone_on(replayed: Replayed) -> None:
    asked = {"released_from": CYCLE, "group_by": "source"}
    cited = replayed.get("/v1/counts/releases", **asked, **instant("2026-01-13T23:59"))
    by_source = {group["by"]["source"]: group["counts"]["verified"] for group in cited["groups"]}
    assert {slug: by_source[slug] for slug in ("foro-penal", "jep", "pud")} == {"foro-penal": 56, "jep": 53, "pud": 76}
    assert cited["links"]["permalink"].endswith(f"as_of=r{cited['at']['revision']}")
    again = replayed.client.get(cited["links"]["permalink"]).json()
    assert again == cited
    assert verified(replayed, "foro-penal", LATEST, released_from=CYCLE) == 302


def test_a_day_alone_ends_in_caracas(replayed: Replayed) -> None:
    """Foro Penal's 56 were filed in the evening of the 13th; by UTC they had 55."""
    asked = {"country": "VE", "released_from": CYCLE, "group_by": "source", "as_of": "2026-01-13"}
    for zone, figure in (({}, 56), ({"zone": "America/Caracas"}, 56), ({"zone": "Z"}, 55)):
        count = replayed.get("/v1/counts/releases", **asked, **zone)
        assert {group["by"]["source"]: group["counts"]["verified"] for group in count["groups"]}["foro-penal"] == figure


def test_a_citation_leads_to_the_demo_itself(replayed: Replayed) -> None:
    count = replayed.get("/v1/counts/releases", released_from=CYCLE)
    address = count["links"]["cite"]
    assert address.startswith("http://127.0.0.1:8000/c/2")
    cited = replayed.get(address.removeprefix("http://127.0.0.1:8000"))
    assert all(address in cited["citation"][form] for form in ("en", "es", "bibtex"))


def listed(replayed: Replayed, url: str) -> list[str]:
    """The ids on every page of a list, each once."""
    found: list[str] = []
    link: str | None = url
    while link:
        page = replayed.client.get(link).json()
        found += [row["id"] for row in page["data"]]
        link = page["next"]
    assert len(set(found)) == len(found)
    return found


def test_the_list_behind_a_count_holds_all_but_those_who_are_only_counted(replayed: Replayed) -> None:
    asked = {"source": "foro-penal", "released_from": CYCLE, **instant("2026-01-12T09:00")}
    count = replayed.get("/v1/counts/releases", group_by="source", **asked)
    (foro,) = [group for group in count["groups"] if group["by"]["source"] == "foro-penal"]
    assert (foro["counts"]["verified"], count["caveats"]["withheld"]) == (41, 1)
    assert len(listed(replayed, foro["list"])) == 40


def test_those_who_are_only_counted_are_in_the_counts_and_in_no_list(replayed: Replayed) -> None:
    count = replayed.get("/v1/counts/releases", released_from=DECEMBER, min_sources=1)
    assert count["caveats"]["withheld"] == len(MINORS) + len(COUNT_ONLY_PEOPLE) == 6
    found = listed(replayed, f"/v1/releases?released_from={DECEMBER}&min_sources=1&stage=carried_out&limit=200")
    assert len(found) == count["total"]["verified"] - 6 == 412


def test_no_question_about_a_day_finds_by_the_arrest_somebody_who_is_only_counted(replayed: Replayed) -> None:
    """Day of arrest and day of release are one person's in nearly every row."""

    def withheld(counted: str, **asked: str) -> int:
        return int(replayed.get(f"/v1/counts/{counted}", country="VE", **asked)["caveats"]["withheld"])

    arrests = {date.fromisoformat(invented()[number].detained_on) for number in (*MINORS, *COUNT_ONLY_PEOPLE)}
    assert len(arrests) == 5
    for arrest in arrests:
        before, day, month = (arrest - timedelta(days=1)).isoformat(), arrest.isoformat(), arrest.isoformat()[:7]
        for alone in (before, day):
            window = {"detained_from": alone, "detained_to": alone, "group_by": "source"}
            assert (withheld("releases", **window), withheld("detentions", **window)) == (0, 0)
        assert withheld("releases", detained_from=month, detained_to=month) > 0
        assert withheld("held", held_on=before) == withheld("held", held_on=day)


def test_the_same_name_twice_in_one_list_waits_until_a_curator_joins_it(replayed: Replayed) -> None:
    waiting = {
        at: replayed.get("/v1/counts/releases", **instant(at))["caveats"]["possible_duplicates"]
        for at in ("2026-01-14T18:00", "2026-01-14T19:00", "2026-01-14T20:30", LATEST)
    }
    assert waiting == {"2026-01-14T18:00": 0, "2026-01-14T19:00": 1, "2026-01-14T20:30": 0, LATEST: 0}
    at_the_gates = [verified(replayed, "sntp", at, released_from=CYCLE) for at in ("2026-01-14T19:00", LATEST)]
    assert at_the_gates == [16, 15]


def test_a_count_of_women_says_of_how_many_it_may_not_say_it(replayed: Replayed) -> None:
    """Hardly anybody in the replay is named, and nobody else's gender may be shown."""
    window = {"country": "VE", "released_from": CYCLE}
    women = replayed.get("/v1/counts/releases", **window, gender="female")
    groups = replayed.get("/v1/counts/releases", **window, group_by="gender")["groups"]
    by_gender = {group["by"]["gender"]: group["counts"]["cases"] for group in groups}
    numbers = (women["total"]["cases"], women["caveats"]["not_visible"])
    assert numbers == (by_gender["female"], by_gender["withheld"]) == (3, 252)
    cited = replayed.get(women["links"]["cite"].removeprefix("http://127.0.0.1:8000"))
    assert "at least" in cited["citation"]["en"]


def test_a_count_says_how_many_may_not_be_recognised(replayed: Replayed) -> None:
    count = replayed.get("/v1/counts/releases", country="VE", released_from=CYCLE)
    assert count["caveats"]["unlinkable"] == 5
