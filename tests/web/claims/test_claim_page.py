"""The page of a claim: what was said, what was verified on its own count, and why other figures are others."""

import re
from functools import partial
from typing import Any

import pytest

from app.errors import NotFound
from app.web.charts.reconciliation import ClaimComparison
from app.web.claims.data import fetch_reconciled_claim
from app.web.claims.figures import build_chart_data, build_claim_then_and_now_figure, build_reconciliation_figure
from app.web.claims.routes import CLAIMS_PATH
from app.web.page import Page
from tests.support import NOW, World
from tests.web.claims.pages import html_of, on_page, text_of

SAID = {"claimant": "ministry", "measure": "released", "qualifier": "exactly", "country": "VE"}
JANUARY = {"window_from": "2026-01-08", "stated_at": "2026-01-13"}
HOSTILE = '<b>Hoja</b> " 🕊 منظمة ' + "x" * 150
NAMES = ["Tomás Aurelio Quintana Ribas", "Ismael Otero Invento", "Aurora Belén Ficticia", "Luis Imaginario Paz"]


@pytest.fixture(scope="module")
def registry(lasting: World) -> World:
    """Two released in January, one before; one of January is known to two sources, one to a second one alone."""
    lasting.now = NOW
    for who, name, day in (
        ("foro", 0, "2026-01-09"), ("jep", 0, "2026-01-09"), ("jep", 1, "2026-01-10"), ("foro", 2, "2025-12-24"),
    ):  # fmt: skip
        lasting.file(
            who, detainee__full_name=NAMES[name], detainee__birth_date=str(1960 + name), release__released_on=day,
            verification__verified_on=day,
        )  # fmt: skip
    lasting.file(
        "foro", detainee__full_name=NAMES[3], detainee__birth_date="1990", release__released_on="2026-01-11",
        verification__verdict="reported", verification__verified_on=None,
    )  # fmt: skip
    return lasting


def claim(world: World, number: int | None, **said: Any) -> str:
    """The address of a claim without its language."""
    body = {**SAID, **JANUARY, **({} if number is None else {"said": number}), **said}
    return f"{CLAIMS_PATH}/{world.claim(body)}"


def compared(world: World, address: str) -> ClaimComparison:
    async def made(page: Page) -> ClaimComparison:
        return build_chart_data(page, await fetch_reconciled_claim(page, address.removeprefix(f"{CLAIMS_PATH}/")))

    return on_page(world, "es", made)


def test_a_claim_stands_beside_what_was_verified_on_its_own_count(registry: World) -> None:
    address = claim(registry, 12, stated_at="2026-03-01", window_from="2025-12")
    spanish, english = text_of(registry, "/es" + address), text_of(registry, "/en" + address)
    assert "Ministry dijo 12. En esa misma cuenta había 3 verificadas" in spanish
    assert "Ministry said 12. On that same count 3 were verified" in english
    assert "excarcelaciones hechas efectivas, desde diciembre de 2025 hasta el 1 de marzo de 2026" in spanish
    assert "que ninguna fuente independiente ha verificado" in spanish
    assert spanish.count("No quiere decir que no ocurrieran") == 2, "once in each drawing"
    assert "8 a 9" in spanish, "what is without a known reason"
    assert "gobierno" in spanish
    for word in ("falsas", "infladas", "faltan", "confirm", "admiti"):
        assert word not in spanish.lower()


def test_the_count_falls_apart_without_counting_anybody_twice(registry: World) -> None:
    claim(registry, 1, claimant="foro", stated_at="2026-02-01")
    drawn = compared(registry, claim(registry, 12, stated_at="2026-03-01", window_from="2025-12"))
    assert [(one.kind, one.number) for one in drawn.segments] == [
        ("main", 1), ("rest", 1), ("others", 1), ("reported", 1),
    ]  # fmt: skip
    assert (drawn.verified_segment.number, drawn.remainder and drawn.remainder.number_text) == (3, "8")
    address = drawn.segments[0].address or ""
    assert address.startswith("/es/releases?")
    assert "verified_by=foro" in address
    assert "released_from=2026-01-08" in address


def test_a_number_that_leaves_out_who_was_taken_again_is_not_the_published_one_and_says_why(world: World) -> None:
    world.now = NOW
    for name, born in ((NAMES[0], "1960"), (NAMES[1], "1961")):
        world.file(detainee__full_name=name, detainee__birth_date=born, release__released_on="2026-01-09")
    world.file_detention(detainee__full_name=NAMES[0], detainee__birth_date="1960", detention__detained_on="2026-01-20")
    claim(world, 2, claimant="foro", stated_at="2026-02-01")
    address = claim(world, 12, stated_at="2026-03-01", window_from="2025-12", definition={"net": True})
    page = text_of(world, "/es" + address)
    assert "La cifra de 2 que se publicó al lado" in page
    assert "de esas fechas, Foro aparece aquí con 1; sin ese descuento serían 2." in page
    gross = text_of(world, "/es" + claim(world, 13, stated_at="2026-03-01", window_from="2025-12"))
    assert "sin ese descuento" not in gross


def test_an_organisations_own_figure_is_no_authoritys(registry: World) -> None:
    address = claim(registry, 2, claimant="foro", stated_at="2026-03-01")
    drawn = compared(registry, address)
    assert not drawn.is_by_authority
    assert [(one.kind, one.number) for one in drawn.segments] == [("main", 1), ("others", 1), ("reported", 1)]
    page = html_of(registry, "/es" + address)
    assert "is-claimed" not in page
    assert "que ninguna fuente independiente ha verificado" not in page


@pytest.mark.parametrize(
    "said,headline,remainder",
    [
        ({"qualifier": "more_than", "said": 400}, "dijo más de 400.", "al menos 398"),
        ({"qualifier": "at_least", "said": 63}, "dijo al menos 63.", "al menos 60"),
        ({"qualifier": "fewer_than", "said": 58}, "dijo menos de 58.", "como máximo 55"),
        ({"qualifier": "at_most", "said": 1}, "dijo como máximo 1.", None),
        ({"qualifier": "about", "said": 50}, "dijo unas 50.", "47"),
        ({"qualifier": "between", "low": 60, "high": 70}, "dijo entre 60 y 70.", "entre 57 y 68"),
    ],
)
def test_a_figure_is_compared_as_it_was_said(
    registry: World, said: dict[str, Any], headline: str, remainder: str | None
) -> None:
    address = claim(registry, None, stated_at="2026-03-01", **said)
    assert headline in text_of(registry, "/es" + address)
    left = compared(registry, address).remainder
    assert (left and left.number_text.replace("\N{NO-BREAK SPACE}", " ")) == remainder


@pytest.mark.parametrize(
    "said,reason",
    [
        ({"window_from": None}, "No dice desde cuándo cuenta."),
        (
            {"measure": "release_requested"},
            "Cuenta solicitudes a los tribunales: nadie sale de prisión porque se pida.",
        ),
        ({"measure": "measures_lifted"}, "Cuenta otra cosa (medidas levantadas)"),
        ({"country": "NI"}, "Nadie ha reportado al registro ninguna excarcelación en Nicaragua"),
        ({"qualifier": "unquantified"}, "No da ninguna cifra que pueda compararse."),
        ({"misprint": True, "same_as": None}, "Es una errata"),
    ],
)
def test_a_figure_that_cannot_be_compared_has_no_bar_but_its_first_reason(
    registry: World, said: dict[str, Any], reason: str
) -> None:
    number = None if said.get("qualifier") == "unquantified" else 400
    address = claim(registry, number, **said)
    page = text_of(registry, "/es" + address)
    assert reason in page
    assert "En esa misma cuenta" not in page
    assert "figure-reconciliation" not in html_of(registry, "/es" + address)
    for figure in (build_reconciliation_figure, build_claim_then_and_now_figure):
        with pytest.raises(NotFound):
            on_page(registry, "es", partial(figure, terms={"claim": address.split("/")[-1]}))


def test_the_figures_of_a_claim_are_made_by_its_id(registry: World) -> None:
    address = claim(registry, 12, stated_at="2026-03-01")
    for figure in (build_reconciliation_figure, build_claim_then_and_now_figure):
        drawn = on_page(registry, "es", partial(figure, terms={"claim": address.split("/")[-1]}))
        assert "12" in drawn.finding
        assert drawn.terms == {"claim": address.split("/")[-1]}
        with pytest.raises(NotFound):
            on_page(registry, "es", partial(figure, terms={}))


def test_of_people_held_an_organisations_figure_stands_beside_what_is_known_today(registry: World) -> None:
    address = claim(registry, 902, claimant="foro", measure="held", window_from=None, window_to="2025-12-01")
    page = text_of(registry, "/es" + address)
    assert "Foro dijo 902. En esa misma cuenta hay hoy" in page
    assert "personas detenidas el 1 de diciembre de 2025, con lo que se sabe hoy" in page
    assert "/es/releases?" not in html_of(registry, "/es" + address)


def test_several_claimants_said_it_together(registry: World) -> None:
    address = claim(registry, 31, joint_with=["jep"])
    assert "Ministry y Jep dijeron 31." in text_of(registry, "/es" + address)
    assert "Ministry and Jep said 31." in text_of(registry, "/en" + address)


def test_an_hour_is_told_and_compared_by(registry: World) -> None:
    page = text_of(registry, "/es" + claim(registry, 41, stated_at="2026-01-13T20:00:00Z"))
    assert "Ministry gobierno · 13 ene 2026, 20:00 Ministry" in page
    assert "con lo que se sabía ese día a las 20:00" in page


def test_what_corrects_a_claim_and_what_it_repeats_are_told(registry: World) -> None:
    old = claim(registry, 897)
    new = claim(registry, 896, supersedes=[old.split("/")[-1]])
    again = claim(registry, 896, same_as=new.split("/")[-1])
    assert "Fue corregida. Hoy vale: 896, Ministry" in text_of(registry, "/es" + old)
    assert "Corrige: 897, Ministry" in text_of(registry, "/es" + new)
    assert "Repite la misma cifra que: 896" in text_of(registry, "/es" + again)


def test_the_parts_of_a_claim_add_up_or_do_not(registry: World) -> None:
    whole = claim(registry, 10)
    part = {"series": "batch", "part_of": [{"claim": whole.split("/")[-1], "partition": "lugares"}]}
    first = claim(registry, 4, **part)
    claim(registry, 5, **part)
    page = text_of(registry, "/es" + whole)
    assert "4 + 5 = 9. Las partes no suman la cifra." in page
    assert "Sus partes («lugares») son 4 + 5 = 9, y dice 10." in page
    assert "Es parte de: 10" in text_of(registry, "/es" + first)


def test_figures_of_other_days_are_told_apart(registry: World) -> None:
    claim(registry, 3, claimant="jep", window_from="2026-01-09", stated_at="2026-01-12")
    page = text_of(registry, "/es" + claim(registry, 44))
    assert "Con estas no se compara" in page
    assert "cuenta desde el 9 de enero de 2026" in page


def test_a_claim_of_one_day_says_that_day_once(registry: World) -> None:
    page = text_of(registry, "/es" + claim(registry, 80, window_from="2026-01-11", stated_at="2026-01-11"))
    assert "excarcelaciones hechas efectivas, el 11 de enero de 2026, con lo que se sabía" in page


def test_days_in_which_a_source_has_nothing_earlier_are_no_reason_with_a_number(registry: World) -> None:
    claim(registry, 1, claimant="jep", stated_at="2026-02-03")
    page = text_of(registry, "/es" + claim(registry, 2, claimant="jep", stated_at="2026-03-01", window_from="2025-12"))
    assert "En esta misma cuenta, Jep tenía" not in page


def test_the_words_of_others_are_in_a_language_that_nobody_told(registry: World) -> None:
    quote = {"url": "https://example.org/a", "quote": "more than four hundred"}
    page = html_of(registry, "/es" + claim(registry, 401, citation=quote, window_said="since Christmas"))
    for said in ("more than four hundred", "since Christmas"):
        assert f'<span lang="">«{said}»</span>' in page


def test_whatever_was_filed_is_shown_as_text(registry: World) -> None:
    address = claim(
        registry, 7, claimant=None, reported_by=HOSTILE, window_said=HOSTILE,
        citation={"url": 'https://example.org/"onmouseover=alert(1)', "quote": "<script>alert(1)</script>"},
        definition={"population": HOSTILE},
    )  # fmt: skip
    page = html_of(registry, "/en" + address)
    assert "<script>alert" not in page
    assert "<b>Hoja" not in page
    assert '"onmouseover' not in page
    assert "Somebody not named said 7" in text_of(registry, "/en" + address)


def test_every_link_and_id_of_a_page_is_its_own(registry: World) -> None:
    page = html_of(registry, "/es" + claim(registry, 12, stated_at="2026-03-01"))
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    for pattern in re.findall(r"url\(#([^)]+)\)", page):
        assert pattern in ids
    assert " style=" not in page


def test_no_claim_has_this_address(registry: World) -> None:
    for address in ("/es/claims/nada", "/es/claims/5a1f3a52-0000-4000-8000-000000000000"):
        assert "Aquí no hay nada" in text_of(registry, address, 404)


def test_a_claim_of_a_month_is_compared_with_what_was_known_by_its_end(registry: World) -> None:
    address = claim(registry, 12, stated_at="2026-01", zone="-04:00")
    assert "with what was known by the end of January 2026" in text_of(registry, "/en" + address)
    assert "con lo que se sabía al final de enero de 2026" in text_of(registry, "/es" + address)
    for page in ("/en/claims", "/en/", "/en/sources/ministry"):
        assert registry.client.get(page).status_code == 200


def test_figures_of_another_population_or_term_are_listed_with_what_differs(world: World) -> None:
    said = {"claimant": "foro", "window_from": "2026-01-08", "stated_at": "2026-01-12"}
    claim(world, 212, **said, definition={"population": "political prisoners"})
    claim(world, 217, **{**said, "claimant": "jep"}, definition={"terms": {"kind": ["amnesty"]}})
    both = {"kind": ["amnesty"], "group": "journalist"}
    claim(world, 16, **{**said, "claimant": "pud"}, definition={"terms": both})
    address = claim(world, 553)
    spanish, english = text_of(world, "/es" + address), text_of(world, "/en" + address)
    assert "counts another population" in english
    assert "cuenta a otra población" in spanish
    assert "counts the same except for one thing: kind of release" in english
    assert "cuenta lo mismo, salvo en un punto: " in spanish
    assert "is limited to something else" in english
    assert "se limita a otra cosa" in spanish


def test_parts_that_are_not_all_known_are_told_as_such(registry: World) -> None:
    address = claim(registry, 406)
    whole = {"claim": address.removeprefix(f"{CLAIMS_PATH}/"), "partition": "batches", "parts_complete": False}
    claim(registry, 99, series="batch", part_of=[whole])
    assert "Not all of its parts are known, and these are no more than the figure." in text_of(
        registry, "/en" + address
    )
    assert "No se conocen todas sus partes, y estas no superan la cifra." in text_of(registry, "/es" + address)


def test_a_claim_of_the_held_says_whether_it_counts_house_arrest(registry: World) -> None:
    terms = {"definition": {"terms": {"house_arrest": True}}}
    address = claim(registry, 12, measure="held", window_from=None, **terms)
    assert "with those released to house arrest" in text_of(registry, "/en" + address)
    assert "con quienes salieron a arresto domiciliario" in text_of(registry, "/es" + address)
