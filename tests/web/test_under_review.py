"""Numbers say how many reports count in their source's own numbers alone, and only where there are any."""

import pytest

from app.registry.review import limits
from tests.registry.review.test_waiting import file_people
from tests.support import World, build_review

ENGLISH = "2 reports await review by a curator: they count in their sources' own numbers alone."
SPANISH = "2 reportes están en espera de revisión por la curaduría: cuentan solo en las cifras propias de sus fuentes."


@pytest.fixture
def reviewed(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """A registry where two reports await review and three were rejected."""
    file_people(world, 3, first=50)
    (batch,) = world.get("/v1/review/batches", "curator").json()["data"]
    body = build_review(batch, "rejected")
    assert world.post("/v1/review/batches", body, "curator").status_code == 200
    monkeypatch.setattr(limits, "DEFAULT_UNREVIEWED_LIMIT", 4)
    file_people(world, 6)
    return world


def read(world: World, path: str) -> str:
    answer = world.client.get(path, headers={"Accept": "text/html"})
    assert answer.status_code == 200, answer.text
    return answer.text.replace("&#39;", "'")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/counts?country=VE",
        "/counts?country=VE&group_by=release_kind",
        "/embed/contested",
        "/embed/groups?group_by=release_kind",
    ],
)
def test_pages_and_embeds_say_what_is_under_review(reviewed: World, path: str) -> None:
    assert ENGLISH in read(reviewed, f"/en{path}")
    assert SPANISH in read(reviewed, f"/es{path}")
    assert "3 reports were rejected by a curator" in read(reviewed, f"/en{path}")


def test_a_citation_says_it_in_both_languages_and_so_does_its_page(reviewed: World) -> None:
    citation = reviewed.cite(reviewed.count())
    assert "2 reports await review and count in their sources' own numbers alone." in citation["en"]
    assert "2 reportes están en espera de revisión y cuentan solo" in citation["es"]
    assert "3 reportes fueron rechazados" in citation["es"]
    assert ENGLISH in read(reviewed, "/en" + "/c/" + citation["address"].rpartition("/")[2])


def test_sources_show_it_beside_their_own_numbers(reviewed: World) -> None:
    page = read(reviewed, "/en/sources/foro")
    assert "<dt>Awaiting review by a curator: only in these numbers</dt><dd>2</dd>" in page
    assert "<dt>Rejected by a curator: only in these numbers</dt><dd>3</dd>" in page
    assert ENGLISH in read(reviewed, "/en/sources")
    assert "Reports awaiting review, each in its own source's numbers alone: Foro (2)." in read(reviewed, "/en/")


def test_tables_have_columns_of_it(reviewed: World) -> None:
    total, by_source = (reviewed.get("/v1/counts/releases.csv", **terms).text.splitlines()
                        for terms in ({}, {"group_by": "source"}))  # fmt: skip
    for table in (total, by_source):
        row = dict(zip(table[0].split(","), table[1].split(","), strict=True))
        assert (row["awaiting_review"], row["rejected"]) == ("2", "3")


def test_squares_have_rows_of_it(reviewed: World) -> None:
    for path in ("/en/", "/en/embed/people"):
        assert "reports awaiting review: outside the count" in read(reviewed, path)
    assert "reports await" in read(reviewed, "/en/figures/groups.svg?group_by=release_kind")


def test_nothing_is_said_where_nothing_is_under_review(world: World) -> None:
    file_people(world, 3)
    for path in ("/en/", "/en/counts?country=VE", "/en/sources/foro", "/en/sources", "/en/embed/people"):
        text = read(world, path).lower()
        assert "awaiting review" not in text
        assert "await review" not in text
        assert "rejected" not in text
    assert "review" not in world.cite(world.count())["en"]
