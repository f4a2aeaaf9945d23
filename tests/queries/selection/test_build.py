"""The conditions that counts and lists share mean what they mean in words."""

from typing import Any

import numpy as np
import pytest

from app.db.engine import open_read_session
from app.errors import Invalid
from app.queries.selection.build import build_selection
from app.queries.term_names import load_source_keys
from app.queries.terms import CountTerms, ReleaseTerms
from tests.support import ANYONE, World


def test_every_unknown_source_is_pointed_at(world: World) -> None:
    terms = ReleaseTerms(source="nobody", verified_by=["foro", "noone"])
    with open_read_session(world.engine) as session, pytest.raises(Invalid) as refused:
        load_source_keys(session, terms, world.revision)
    errors = refused.value.extra["errors"]
    assert [(error["pointer"], error["code"]) for error in errors] == [
        ("/source", "unknown_source"),
        ("/verified_by/1", "unknown_source"),
    ]


def _spells(world: World, *, revision: int | None = None, **terms: Any) -> int:
    with open_read_session(world.engine) as session:
        found = build_selection(session, CountTerms(**terms), ANYONE, revision or world.revision)
        return int(np.count_nonzero(found.is_inside))


def test_a_selection_is_of_the_rows_that_stood_at_the_revision(world: World) -> None:
    before = world.revision
    first = world.file()["receipt"]["revision"]
    world.file("jep", detainee__full_name="Otro Señor Invento", detainee__birth_date="1950", detention__facility=None)
    assert [_spells(world, revision=revision) for revision in (before, first, world.revision)] == [0, 1, 2]


def test_a_source_term_selects_by_that_sources_own_values(world: World) -> None:
    world.file("foro", release__released_on="2026-01-12", release__kind="pardon")
    world.file("jep", release__released_on="2026-01-14", release__kind="amnesty")
    window: dict[str, Any] = {"released_from": "2026-01-14", "released_to": "2026-01-14"}
    assert _spells(world, **window, source="jep", release_kind=["amnesty"]) == 1
    assert _spells(world, **window, source="foro") == 0
    assert _spells(world, source="jep", release_kind=["pardon"]) == 0


def test_the_detention_asked_for_is_that_of_the_release(world: World) -> None:
    """A second spell in custody lies outside a window that only the first one fits."""
    first = world.file()
    world.file(
        "jep",
        detainee_id=first["detainee"]["id"],
        detainee=None,
        detention__detained_on="2026-01-20",
        release__released_on="2026-02-10",
    )
    assert _spells(world) == 2
    assert _spells(world, detained_to="2025") == 1
    assert _spells(world, detained_from="2026") == 1
    assert _spells(world, detained_from="2026", released_to="2026-01-31") == 0


def test_a_sources_own_day_of_arrest_decides_in_its_group_and_an_unsure_one_is_uncertain(world: World) -> None:
    filed = world.file("foro", detention__detained_on="2024-10-13")
    for who in ("jep", "pud"):
        world.file(who, release_id=filed["release"]["id"], detainee=None, detention={"detained_on": "2024-09-04"})
    count = world.count(detained_from="2024-10-01", group_by="source")
    assert count["total"]["cases"] == 0
    assert [(group["by"]["source"], group["counts"]["verified"]) for group in count["groups"]] == [("foro", 1)]
    assert _spells(world, detained_from="2024-10-01", source="foro") == 1
    world.file("pud", detainee__full_name="Otro Invento", detention__detained_on="2024")
    straddling = world.count(detained_from="2024-06-01", detained_to="2024-10-01")
    assert (straddling["total"]["cases"], straddling["caveats"]["uncertain_date"]) == (1, 1)
    assert world.count(detained_to="2023")["caveats"]["uncertain_date"] == 0


def test_a_list_of_detentions_filters_by_its_own_window(world: World) -> None:
    world.file_detention()
    world.file_detention(
        "jep", detainee__full_name="Otro Señor Invento", detainee__birth_date="1950", detention__detained_on="2025-03"
    )
    for terms, number in (({"detained_to": "2024"}, 1), ({"detained_from": "2025"}, 1), ({}, 2)):
        assert len(world.get("/v1/detentions", **terms).json()["data"]) == number


def test_uncertain_releases_are_filtered_as_without_a_window(world: World) -> None:
    """None of their sources can confirm them in the window: "January 2026" lies in neither half."""
    release = world.file(release__released_on="2026-01")["release"]["id"]
    world.verify(release, "jep", verdict="verified", method="family", released_on="2026-01")
    half = {"released_from": "2026-01-01", "released_to": "2026-01-15"}
    for terms, number in (({"status": "verified"}, 1), ({"min_sources": 2}, 1), ({"max_sources": 0}, 0)):
        assert world.count(**half, **terms)["caveats"]["uncertain_date"] == number, terms
    assert world.count(**half, status="reported")["caveats"]["uncertain_date"] == 0
