"""The last two of the twelve cases: figures of one source that move, within a day and after two months."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest

from app.config import Settings
from tests.support import JANUARY, Body, World

FIRST = ("Abel", "Berta", "Ciro", "Dora", "Elio", "Flor", "Gil", "Hilda", "Iván", "Juana", "Kurt")
LAST = (
    "Alcántara",
    "Benítez",
    "Carmona",
    "Duarte",
    "Escalona",
    "Figueroa",
    "Guédez",
    "Hurtado",
    "Istúriz",
    "Jaramillo",
)
NAMES = [f"{first} {last}" for last, first in product(LAST, FIRST)]


@pytest.fixture
def january(settings: Settings) -> Iterator[World]:
    """A registry that was there before the first of the figures: its clock starts on 1 January."""
    with World(settings, JANUARY) as made:
        yield made


def file_number(world: World, number: int, at: str, **release: Any) -> None:
    """Foro's release of its n-th person, filed at a moment."""
    world.now = datetime.fromisoformat(at)
    person = {"full_name": NAMES[number], "birth_date": str(1950 + number % 50), "publish": "named"}
    held: Body = {"detained_on": "2025-07", "country": "VE"}
    world.file("foro", source_record_id=f"FP-{number}", detainee=person, detention=held, release=release)


def test_case_11_one_source_41_48_49_56_within_a_day_and_a_half(january: World) -> None:
    """Each figure can be had again at its hour; Caracas is four hours behind UTC."""
    figures = {"2026-01-12T08:20:00-04:00": 41, "2026-01-12T17:00:00-04:00": 48, "2026-01-12T20:30:00-04:00": 49,
               "2026-01-13T14:00:00-04:00": 56}  # fmt: skip
    filed = 0
    for at, figure in figures.items():
        for number in range(filed, figure):
            file_number(january, number, at, released_on="2026-01-12")
        filed = figure
    window = {"released_from": "2026-01-08"}
    for at, figure in figures.items():
        before = (datetime.fromisoformat(at) - timedelta(seconds=1)).isoformat()
        assert january.by_source(as_of=at, **window) == {"foro": figure}
        assert january.by_source(as_of=before, **window).get("foro", 0) < figure
    assert january.by_source(as_of="2026-01-12", zone="-04:00", **window) == {"foro": 49}
    # In UTC the 12th ends at eight in the evening of Caracas.
    assert january.by_source(as_of="2026-01-12", **window) == {"foro": 48}


def test_case_11_80_revised_to_104_the_same_evening(january: World) -> None:
    """A figure taken back stays where it was said, and the new one says which it replaces."""

    def claim(at: str, figure: int, **more: Any) -> Body:
        january.now = datetime.fromisoformat(at)
        body = {"claimant": "foro", "measure": "released", "qualifier": "exactly", "low": figure, "high": figure,
                "country": "VE", "stated_at": at, **more}  # fmt: skip
        response = january.post("/v1/claims", body, "foro")
        assert response.status_code == 201, response.text
        return dict(response.json())

    first = claim("2026-01-25T18:00:00-04:00", 80)
    second = claim("2026-01-25T21:30:00-04:00", 104, supersedes=[first["id"]])
    january.now += timedelta(days=1)

    def shown(at: str) -> list[tuple[int, list[str]]]:
        rows = january.get("/v1/claims", as_of=at).json()["data"]
        return [(row["low"], row["supersedes"]) for row in rows]

    assert shown("2026-01-25T20:00:00-04:00") == [(80, [])]
    assert shown("2026-01-25T22:00:00-04:00") == [(80, []), (104, [first["id"]])]
    assert january.get(f"/v1/claims/{second['id']}").json()["supersedes"] == [first["id"]]


BEFORE = {"release_with_measures": 50, "unspecified": 37, "full_release": 23}
AFTER = {
    "release_with_measures": 53,
    "unspecified": 24,
    "full_release": 26,
    "house_arrest": 6,
    "conditional_release": 1,
}


def test_case_12_a_past_fact_revised_50_37_23_becomes_53_24_26_6_1_two_months_later(january: World) -> None:
    """The day of each release stays, its kind changes; both tables stand, each at its time."""
    first = [kind for kind, number in BEFORE.items() for _ in range(number)]
    for number, kind in enumerate(first):
        file_number(january, number, "2026-01-06T12:00:00-04:00", released_on="2025-12-25", kind=kind)
    told = iter([kind for kind, number in AFTER.items() for _ in range(number - BEFORE.get(kind, 0))])
    unknown = [number for number, kind in enumerate(first) if kind == "unspecified"][:13]
    for number in unknown:
        file_number(january, number, "2026-03-04T15:00:00-04:00", released_on="2025-12-25", kind=next(told))

    def by_kind(**terms: Any) -> dict[str, int]:
        return {
            group["by"]["release_kind"]: group["counts"]["cases"]
            for group in january.count(group_by="release_kind", **terms)["groups"]
        }

    assert by_kind(as_of="2026-02-28") == BEFORE
    assert by_kind() == AFTER
    assert by_kind(released_from="2025-12", released_to="2025-12") == AFTER
    assert january.by_source() == january.by_source(as_of="2026-02-28") == {"foro": 110}
