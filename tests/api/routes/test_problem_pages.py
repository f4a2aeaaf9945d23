"""The address in the `type` of a refusal leads to its explanation, in English and in Spanish."""

from html import escape

import pytest

from app.api.openapi_examples import build_refusal_examples
from app.api.problems import list_titles
from app.api.routes.problem_pages import load_meanings
from app.config import Settings
from tests.support import World, make_report

SPANISH = {"Accept-Language": "es-VE, en;q=0.5"}


def test_every_code_has_a_page_in_both_languages(world: World) -> None:
    assert load_meanings().keys() == list_titles().keys() >= build_refusal_examples().keys()
    for code, meanings in load_meanings().items():
        for language, meaning in meanings.items():
            page = world.client.get(f"/problems/{code}", headers={"Accept-Language": language})
            assert (page.status_code, page.headers["content-language"]) == (200, language)
            assert f'<html lang="{language}">' in page.text
            assert escape(meaning) in page.text


def test_there_is_no_page_of_another_code(world: World) -> None:
    world.refuse(world.get("/problems/nothing"), 404, "not_found")


def test_the_type_is_the_registrys_own_address(settings: Settings) -> None:
    with World(settings.model_copy(update={"public_url": "https://registry.example"})) as world:
        problem = world.get("/v1/nothing").json()
    assert problem["type"] == "https://registry.example/problems/not_found"


def test_english_is_the_default(world: World) -> None:
    for headers in ({}, {"Accept-Language": "fr"}, {"Accept-Language": "en, es;q=0.9"}):
        answer = world.client.get("/v1/nothing", headers=headers)
        assert (answer.json()["title"], answer.headers["content-language"]) == ("Not found", "en")


def test_a_refusal_is_spanish_where_the_client_prefers_it(world: World) -> None:
    answer = world.client.get("/v1/nothing", headers=SPANISH)
    assert answer.headers["content-language"] == "es"
    assert "Accept-Language" in answer.headers["vary"].split(", ")
    assert answer.json()["title"] == "No se encontró"
    assert answer.json()["detail"] == "No hay nada en esta dirección: consulte /openapi.json."


@pytest.mark.parametrize(
    "query, sentence",
    [
        ("released_from=2026-02-30", "El calendario no tiene esa fecha: corríjala, o quite lo que no se sabe."),
        ("released_from=soon", "Escriba la fecha como AAAA, AAAA-MM, AAAA-MM-DD o un intervalo de dos de estas"),
        ("released_from=2026-02&released_to=2026-01", "dé un released_from anterior, o un released_to posterior."),
        ("limit=900", "Envíe un número de hasta 200."),
        ("stage=gone", "Envíe uno de estos códigos: `announced`, `ordered`, `carried_out`. Qué significa cada uno"),
        ("contry=VE", "Esta dirección no tiene ese parámetro. ¿Quiso decir `country`"),
        ("facility=nowhere", "Ningún centro de detención, o más de uno, responde a esto"),
    ],
)
def test_pointed_errors_of_terms_are_spanish_with_their_values(world: World, query: str, sentence: str) -> None:
    world.file()
    answer = world.client.get(f"/v1/releases?{query}", headers=SPANISH)
    assert answer.status_code == 422, answer.text
    assert sentence in answer.json()["errors"][0]["detail"]


def test_what_was_sent_is_neither_translated_nor_repeated(world: World) -> None:
    report = make_report(release__released_on="Nobody-9137")
    answer = world.client.post("/v1/releases", json=report, headers={**world.headers("foro"), **SPANISH})
    assert answer.json()["title"] == "La solicitud no es válida"
    assert "Nobody-9137" not in answer.text


def test_an_unforeseen_failure_is_spanish_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.registry.reports.write_report", lambda *_args: 1 / 0)
    answer = world.client.post("/v1/releases", json=make_report(), headers={**world.headers("foro"), **SPANISH})
    assert (answer.status_code, answer.json()["title"]) == (500, "Error interno")
