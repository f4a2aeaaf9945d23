"""The figure of source rows: whom each source counts, and what it verified."""

from functools import partial
from typing import Any

import pytest

from app.api.routes.directory import read_claim
from app.web.claims.source_rows import build_source_rows_figure
from app.web.figure import Figure
from app.web.page import Page
from tests.support import World
from tests.web.claims.pages import on_page

HERE = {"country": "VE", "released_from": "2026-01-08"}


def figure(world: World, language: str = "es", *, then: str | None = None, claim: str | None = None) -> Figure:
    async def made(page: Page) -> Figure:
        shown = () if claim is None else (await page.api.read(read_claim, claim_id=claim),)
        return await build_source_rows_figure(page, HERE, then, shown)

    return on_page(world, language, made)


def test_each_source_has_its_own_number_then_and_today(world: World) -> None:
    first = world.file("foro")
    world.file("foro", detainee__full_name="Otra Persona Inventada", detainee__birth_date="1950")
    world.file("jep")
    drawn = figure(world, then=f"r{first['receipt']['revision']}")
    assert drawn.heading == "2 fuentes verificaron, cada una por su cuenta, entre 1 y 2"
    assert "Foro 2 y Jep 1" in drawn.finding
    assert [str(row[2]) for row in drawn.rows] == ["1", "0"]
    assert [row[0] for row in drawn.rows] == ["Foro", "Jep"]
    assert 'href="/es/releases?' in drawn.wide
    for drawing in (drawn.wide, drawn.narrow):
        assert "hoy" in drawing
        assert "ninguna el" in drawing


def test_an_authority_has_no_bar_and_is_told_beside(world: World) -> None:
    world.file("ministry")
    world.file("foro", detainee__full_name="Otra Persona Inventada", detainee__birth_date="1950")
    drawn = figure(world)
    assert [row[0] for row in drawn.rows] == ["Foro"]
    assert "Ministry (1)" in str(drawn.caption)


@pytest.mark.parametrize("language,sentence", [("es", "sin tope"), ("en", "no upper bound")])
def test_a_claim_without_a_top_stands_first_and_says_that_it_is_another_count(
    world: World, language: str, sentence: str
) -> None:
    world.file("foro")
    said = {"claimant": "ministry", "measure": "released", "qualifier": "more_than", "said": 400, "country": "VE"}
    claim = world.claim({**said, "window_from": "2025-12", "stated_at": "2026-01-13"})
    drawn = figure(world, language, claim=claim)
    assert drawn.terms is not None
    again = on_page(world, language, partial(build_source_rows_figure, terms=drawn.terms))
    assert again == drawn, "its own terms draw it again"
    assert drawn.rows[0][0] == "Ministry"
    assert sentence in drawn.wide
    assert f"/{language}/claims/{claim}" in drawn.wide
    assert "no es la misma cuenta" in drawn.finding if language == "es" else "not the count" in drawn.finding


SAID = {"claimant": "ministry", "measure": "released", "qualifier": "exactly", "said": 400, "country": "VE",
        "window_from": "2026-01-08", "stated_at": "2026-01-13"}  # fmt: skip
ROWS = "/en/figures/source-rows.svg?country=VE&released_from=2026-01-08"
OTHER_COUNT = "This is not the count of the rows below. It counts: releases"


@pytest.mark.parametrize(
    "defined,further",
    [
        ({}, ""),
        ({"window_to": "2026-01-12"}, "&released_to=2026-01-12"),
        ({"definition": {"terms": {"stage": "ordered"}}}, "&ordered_from=2026-01-08"),
        (
            {"definition": {"terms": {"kind": ["amnesty", "pardon"]}, "net": True}},
            "&release_kind=pardon&release_kind=amnesty&net=true",
        ),
    ],
)
def test_a_claim_stands_without_a_remark_above_a_count_of_its_own_terms_alone(
    world: World, defined: dict[str, Any], further: str
) -> None:
    world.file("foro", release__ordered_on="2026-01-10")
    claim = world.claim(SAID | defined)

    def drawing(terms: str) -> str:
        # A count has one window, of the days of one stage.
        rows = ROWS.replace("&released_from=2026-01-08", "") if terms.startswith(("&ordered", "&announced")) else ROWS
        answer = world.client.get(f"{rows}{terms}&claim={claim}")
        assert answer.status_code == 200, answer.text
        return answer.text

    assert "not the count" not in drawing(further)
    for other in (
        "&min_sources=1",
        "&released_to=2026-01-31",
        "&announced_from=2026-01-08",
        "&release_kind=amnesty",
        "&net=true&verified_by_match=any&verified_by=foro",
    ):
        assert OTHER_COUNT in " ".join(drawing(other).split()), other


@pytest.mark.parametrize(
    "defined,said",
    [
        ({"country": None}, "releases carried out since 8 January 2026."),
        ({"window_to": "2026-01-12"}, "in Venezuela since 8 January 2026 until 12 January 2026."),
        ({"definition": {"net": True}}, "since 8 January 2026; leaves out who was taken again."),
        ({"definition": {"terms": {"min_sources": 4}}}, "; verified by at least 4 sources."),
        ({"definition": {"population": "Whoever we mean"}}, "; people whom it describes in its own words."),
    ],
)
def test_a_claim_of_other_terms_than_the_rows_says_by_which_it_counts(
    world: World, defined: dict[str, Any], said: str
) -> None:
    world.file("foro")
    filed = {name: value for name, value in (SAID | defined).items() if value is not None}
    claim = world.claim(filed)
    drawn = on_page(world, "en", partial(build_source_rows_figure, terms={**HERE, "claim": claim}))
    assert OTHER_COUNT in drawn.finding
    assert said in drawn.finding


@pytest.mark.parametrize("measure", ["release_requested", "held"])
def test_a_claim_that_counts_no_releases_stands_above_no_rows(world: World, measure: str) -> None:
    world.file("foro")
    said = {**SAID, "measure": measure}
    if measure == "held":
        del said["window_from"]
    claim = world.claim(said)
    answer = world.client.get(f"{ROWS}&claim={claim}")
    assert answer.status_code == 422
    assert "This claim does not count releases" in answer.text


def test_the_earlier_numbers_are_not_later_than_the_figure(world: World) -> None:
    first = world.file("foro")["receipt"]["revision"]
    later = world.file("jep", detainee__full_name="Otra Persona Inventada")["receipt"]["revision"]
    assert world.client.get(f"{ROWS}&as_of=r{first}&then=r{later}").status_code == 422
    assert world.client.get(f"{ROWS}&as_of=r{later}&then=r{first}").status_code == 200


@pytest.mark.parametrize("address", ["figures/source-rows.svg", "embed/source-rows"])
def test_a_revision_with_as_many_digits_as_a_day_is_a_revision(world: World, address: str) -> None:
    revision = world.file("foro")["receipt"]["revision"]
    path = f"/en/{address}?country=VE&then=r{revision}"
    assert world.client.get(path).status_code == 200
    world.restart_with(public_url="https://registry.example")
    code = world.client.get("/oembed", params={"url": f"https://registry.example{path}"})
    assert code.status_code == 200
    assert world.client.get(path.replace("then=", "then=r1&then=")).status_code == 422


def test_where_nobody_verified_anything_a_sentence_stands(world: World) -> None:
    drawn = figure(world, then="r0")
    assert "Ninguna fuente independiente ha verificado nada" in drawn.wide
    assert not drawn.rows


def test_a_hostile_definition_is_text_in_the_drawing(world: World) -> None:
    world.file("foro")
    changed = {"definition": '<script>alert(1)</script> "&' + "x" * 300}
    assert world.client.patch("/v1/sources/foro", json=changed, headers=world.headers("admin")).status_code == 200
    drawn = figure(world)
    assert "<script>" not in drawn.wide
    assert "&lt;script&gt;" in drawn.wide


def test_figures_that_are_not_the_same_are_no_printings_of_one(world: World) -> None:
    world.file("foro")
    said = {"claimant": "ministry", "measure": "released", "qualifier": "exactly", "country": "VE",
            "stated_at": "2026-01-13"}  # fmt: skip
    claims = [
        world.claim({**said, "said": number, "window_from": start})
        for number, start in ((400, "2025-12"), (400, "2024-12"), (9, "2023"))
    ]
    drawn = on_page(world, "en", partial(build_source_rows_figure, terms={**HERE, "claim": claims}))
    assert "printed with two beginnings: December 2024 and December 2025" in drawn.finding
    assert drawn.terms is not None
    assert drawn.terms["claim"] == claims[:2]
    assert world.client.get("/en/figures/source-rows.csv?country=VE&claim=no-claim%2Freconciliation").status_code == 404
