"""The figure of source rows: whom each source counts, and what it verified."""

from functools import partial

import pytest

from app.web.claims.source_rows import source_rows_figure
from app.web.figure import Figure
from app.web.page import Page
from tests.support import World
from tests.web.claims.asking import on_page

HERE = {"country": "VE", "released_from": "2026-01-08"}


def figure(world: World, language: str = "es", *, then: str | int | None = None, claim: str | None = None) -> Figure:
    async def made(page: Page) -> Figure:
        shown = () if claim is None else (await page.api.get(f"/v1/claims/{claim}"),)
        return await source_rows_figure(page, HERE, then, shown)

    return on_page(world, language, made)


def test_each_source_has_its_own_number_then_and_today(world: World) -> None:
    first = world.file("foro")
    world.file("foro", detainee__full_name="Otra Persona Inventada", detainee__birth_date="1950")
    world.file("jep")
    drawn = figure(world, then=first["receipt"]["revision"])
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
    claim = world.post("/v1/claims", {**said, "window_from": "2025-12", "stated_at": "2026-01-13"}, "curator").json()
    drawn = figure(world, language, claim=claim["id"])
    assert drawn.terms is not None
    again = on_page(world, language, partial(source_rows_figure, terms=drawn.terms))
    assert again == drawn, "its own terms draw it again"
    assert drawn.rows[0][0] == "Ministry"
    assert sentence in drawn.wide
    assert f"/{language}/claims/{claim['id']}" in drawn.wide
    assert "no es la misma cuenta" in drawn.finding if language == "es" else "not the count" in drawn.finding


def test_where_nobody_verified_anything_a_sentence_stands(world: World) -> None:
    drawn = figure(world, then=0)
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
        world.post("/v1/claims", {**said, "said": number, "window_from": start}, "curator").json()["id"]
        for number, start in ((400, "2025-12"), (400, "2024-12"), (9, "2023"))
    ]
    drawn = on_page(world, "en", partial(source_rows_figure, terms={**HERE, "claim": claims}))
    assert "printed with two beginnings: December 2024 and December 2025" in drawn.finding
    assert drawn.terms is not None
    assert drawn.terms["claim"] == claims[:2]
    assert world.client.get("/en/figures/source-rows.csv?country=VE&claim=no-claim%2Freconciliation").status_code == 404
