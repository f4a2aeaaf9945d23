"""Pages of people tell what the API tells and nobody more than that; who asked not to be named is not named."""

import re
import uuid
from html.parser import HTMLParser
from typing import Any

import pytest

from app.projection import RULES
from app.queries.parameters import DetaineeQuery, ReleaseQuery
from app.web.api_client import ApiClient
from app.web.charts.people import build_people_figure, read_release_numbers
from app.web.page import Page
from app.web.people.listing import ROW_TERMS
from app.web.rendering import load_catalogue
from tests.support import GOVERNMENT, World, make_report

LANGUAGES = ("es", "en")
ANA: dict[str, Any] = {
    "detainee__full_name": "Ana Nobody",
    "detention__detained_on": "2024-02-01",
    "detainee__gender": "female",
}
# Names as somebody hostile, or only far away, could write them.
HOSTILE = [
    "</title><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }} {% raise %}",
    "A" * 200,
    "أحمد بن محمد العلي",
    "Ana 👩🏽‍⚖️ Nobody",
    "Łukasz Ñandú O’Brien-d'Arc & Söhne",
]


def page(world: World, path: str, **terms: Any) -> Any:
    return world.client.get(path, params=terms or None, headers={"accept": "text/html"}, follow_redirects=False)


def text_of(html: str) -> str:
    """What a reader sees of a page."""
    body = re.sub(r"<(script|style|svg).*?</\1>", " ", html, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", body))


def values(term: Any) -> list[str]:
    return term if isinstance(term, list) else [term]


class FilledIn(HTMLParser):
    """What a form would send as it stands."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: set[tuple[str, str]] = set()
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name, value = given.get("name") or "", given.get("value") or ""
        if tag == "select":
            self._select = name
        if tag == "option" and "selected" in given:
            self.sent.add((self._select, value))
        if tag == "input" and (given.get("type") not in ("checkbox", "radio") or "checked" in given):
            self.sent.add((name, value))


def values_sent(html: str) -> set[tuple[str, str]]:
    form = FilledIn()
    form.feed(html)
    return {(name, value) for name, value in form.sent if value}


def test_a_person_is_told_with_who_says_each_fact(world: World) -> None:
    world.add_facility()
    person = world.file("foro", source_record_id="1", **ANA)["detainee"]["id"]
    world.file("jep", detainee_id=person, detainee=None, detention=None, verification__method="lawyer")
    answer = page(world, f"/es/people/{person}")
    assert answer.status_code == 200
    told = text_of(answer.text)
    assert "<h1><bdi>Ana Nobody</bdi></h1>" in answer.text
    assert "Foro y Jep dicen que la persona salió de prisión el 12 de enero de 2026." in told
    assert "La persona fue detenida el 1 de febrero de 2024. Pasó 711 días en prisión." in told
    assert "El Rodeo I Foro Miranda: lo deduce el registro del centro; ninguna fuente lo dice." in told
    assert "Foro, por la familia" in told
    assert "Jep, por la defensa" in told
    assert answer.headers["cache-control"] == "no-cache"
    assert '<meta name="robots" content="noindex, noarchive">' in answer.text
    english = text_of(page(world, f"/en/people/{person}").text)
    assert "Foro and Jep say that the person left prison on 12 January 2026." in english


def test_without_a_name_no_name_and_no_sex_is_told(world: World) -> None:
    world.add_facility()
    about: dict[str, Any] = {"full_name": "Ana Nobody", "gender": "female", "age": 72, "age_on": "2026-01-12"}
    filed = world.file(detainee={**about, "publish": "anonymous", "nationalities": ["AR", "IL"]})
    for language, title in (
        ("es", "Una persona de 72 años, con nacionalidad de Argentina e Israel, que estuvo en El Rodeo I"),
        ("en", "A person, 72 years old, with the nationality of Argentina and Israel, who was in El Rodeo I"),
    ):
        html = page(world, f"/{language}/people/{filed['detainee']['id']}").text
        assert f"<h1><bdi>{title}</bdi></h1>" in html
        assert "Nobody" not in html
        assert "emenino" not in html
    assert "Si cree saber quién es, no lo escriba: pregúntele primero." in text_of(
        page(world, f"/es/people/{filed['detainee']['id']}").text
    )


def test_whoever_is_hidden_or_erased_is_told_like_nobody(world: World) -> None:
    hidden = world.file(**ANA, detainee__publish="counted")["detainee"]["id"]
    erased = world.file(detainee__full_name="Bea Nothing")["detainee"]["id"]
    world.post(f"/v1/detainees/{erased}/redaction", {"reason": "the family asks"}, "admin")
    unknown = str(uuid.uuid4())
    for language in LANGUAGES:
        answers = [page(world, f"/{language}/people/{one}") for one in (hidden, erased, unknown)]
        assert {answer.status_code for answer in answers} == {404}
        told = [answer.text.replace(one, "ID") for answer, one in zip(answers, (hidden, erased, unknown), strict=True)]
        assert told[0] == told[1] == told[2]
        assert {answer.headers["cache-control"] for answer in answers} == {"no-store"}


def test_an_id_that_became_part_of_another_leads_there(world: World) -> None:
    standing, absorbed = (
        world.file(detainee__full_name=name, detention__detained_on=day)["detainee"]["id"]
        for name, day in (("Ana Nobody", "2024-02-01"), ("Anna Nobody", "2024-03-01"))
    )
    world.judge(standing, absorbed, "same")
    answer = page(world, f"/es/people/{absorbed}", as_of=world.revision)
    assert (answer.status_code, answer.headers["location"]) == (
        308, f"/es/people/{standing}?as_of=r{world.revision}",
    )  # fmt: skip
    assert page(world, answer.headers["location"]).status_code == 200


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_text_and_nothing_else(world: World, name: str) -> None:
    filed = world.post("/v1/releases", _report(name), "foro")
    assert filed.status_code == 201, filed.text
    person = filed.json()["detainee"]["id"]
    for path in (f"/es/people/{person}", "/es/people", "/es/releases", "/en/people?q=x&facility=%3Cscript%3E"):
        html = page(world, path).text
        for written in ("<script>alert", "<img src=x", 'x" onerror', "49 "):
            assert written not in html
        assert html.count("<script") == 0
        assert " style=" not in html


def _report(name: str) -> dict[str, Any]:
    return make_report(detainee__full_name=name, detention__facility=f"{name[:100]} prison")


def test_letters_that_turn_the_line_are_not_in_the_registry(world: World) -> None:
    turned = world.post("/v1/releases", _report("Ana \N{RIGHT-TO-LEFT OVERRIDE}Nobody"), "foro")
    assert turned.status_code == 422
    html = page(world, "/es/people", q="Ana \N{RIGHT-TO-LEFT OVERRIDE}Nobody").text
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in html


def test_a_list_says_how_many_the_count_counts_and_who_is_in_no_list(world: World) -> None:
    world.file(**ANA)
    world.file(detainee__full_name="Bea Nothing", detainee__publish="anonymous", detention__detained_on="2023-01-01")
    world.file(detainee__full_name="Cleo Noone", detainee__publish="counted", detention__detained_on="2022-01-01")
    count = world.count(country="VE")
    assert (count["total"]["cases"], count["caveats"]["withheld"]) == (3, 1)
    html = page(world, "/es/releases", country="VE").text
    told = text_of(html)
    assert "<h1>3 excarcelaciones</h1>" in html
    assert "De 3 personas. Verificadas: 3. Controvertidas: 0. Solo reportadas: 0." in told
    assert "1 persona está en esta cuenta y en ninguna lista" in told
    assert "Ana Nobody" in told
    assert "Bea" not in told
    assert "Cleo" not in told
    assert "Sin nombre, " in told
    assert "salieron de prisión 3." in text_of(page(world, "/es/people", country="VE").text)


def test_a_search_finds_whom_the_api_finds_and_tells_no_number(world: World) -> None:
    world.file(**ANA)
    world.file(detainee__full_name="Ana Nobodi", detainee__publish="counted", detention__detained_on="2022-01-01")
    for path in ("people", "releases"):
        html = page(world, f"/es/{path}", q="ana nobody").text
        assert "Ana Nobody" in html
        assert "Nobodi" not in html
        assert "en ninguna lista" not in html
    assert "Nadie que pueda mostrarse cumple estos filtros." in page(world, "/es/people", q="zzzz").text


TERMS = {
    "country": "VE", "facility": "El Rodeo I", "area": "Miranda", "gender": "female", "category": "civilian",
    "age_group": "18_to_69", "nationality": "VE", "not_nationality": "US", "group": "journalist",
    "legal_status": "pretrial", "condition": "travel_ban", "destination": "Madrid", "designation": "political",
    "state": "released", "rearrested": "false", "detained_from": "2024", "detained_to": "2025-01",
    "released_from": "2026-01", "released_to": "2026-01-31", "ordered_from": "2026-01", "ordered_to": "2026-02",
    "announced_from": "2026-01", "announced_to": "2026-02", "stage": "carried_out",
    "release_kind": ["amnesty", "pardon"],
    "net": "true", "status": ["verified", "reported"], "source": "foro", "verified_by": ["foro", "jep"],
    "verified_by_match": "any", "not_verified_by": "pud", "min_sources": "1", "max_sources": "2", "q": "Ana",
    "age_from": "30", "age_to": "60", "reported_by_kind": ["media", "ngo"], "verified_by_kind": "ngo",
    "first_hand": "true", "carried_out": "false", "rearrested_after": "true",
    "changed_since": "r1", "sort": "-added", "as_of": "r2", "zone": "-04:00",
    "rules": str(RULES), "limit": "10",
}  # fmt: skip


@pytest.fixture(scope="module")
def filled(shared: World) -> World:
    shared.add_facility()
    shared.file(**ANA)
    shared.file("jep", detainee__full_name="Bea Nothing", release__kind="amnesty", detention__detained_on="2023-01-01")
    shared.file(GOVERNMENT, detainee__full_name="Dora Nil", detention__detained_on="2021-01-01")
    return shared


@pytest.mark.parametrize("path,query", [("releases", ReleaseQuery), ("people", DetaineeQuery)])
def test_a_list_takes_every_term_of_the_api_and_keeps_it(filled: World, path: str, query: Any) -> None:
    for name in sorted(query.model_fields.keys() - {"cursor", "leaf", *ROW_TERMS}):
        beside = {"verified_by_match": {"verified_by": "foro"}, "carried_out": {"stage": "announced"}}.get(name, {})
        answer = page(filled, f"/es/{path}", **beside, **{name: TERMS[name]})
        assert answer.status_code == 200, (name, text_of(answer.text)[-500:])
        if name != "limit":
            sent = values_sent(answer.text)
            assert {(name, value) for value in values(TERMS[name])} == {one for one in sent if one[0] == name}
    refused = page(filled, f"/es/{path}", nonsense="1")
    assert (refused.status_code, "nonsense" in refused.text) == (422, True)


def test_the_address_after_a_form_has_only_what_was_filled_in(filled: World) -> None:
    answer = page(filled, "/es/releases", q="", country="VE", status=["", "verified"], released_to="")
    assert (answer.status_code, answer.headers["location"]) == (303, "/es/releases?country=VE&status=verified")


def test_a_filter_can_be_taken_away_without_a_script(filled: World) -> None:
    html = page(filled, "/es/releases", country="VE", status=["verified", "reported"], min_sources=1).text
    assert "/es/releases?country=VE&amp;status=reported&amp;min_sources=1" in html
    assert "/es/releases?status=verified&amp;status=reported&amp;min_sources=1" in html


def test_the_next_page_is_of_the_same_revision(filled: World) -> None:
    seen: list[str] = []
    path: str | None = "/es/people?limit=1"
    while path is not None:
        html = page(filled, path).text
        shown = re.findall(r'<th scope="row"><a href="/es/people/([0-9a-f-]+)', html)
        assert len(shown) == 1
        seen += shown
        found = re.search(r'rel="next" href="([^"]+)"', html)
        path = found and found[1].replace("&amp;", "&")
        assert path is None or f"as_of=r{filled.revision}" in path
    assert seen == [one["id"] for one in filled.get("/v1/detainees").json()["data"]]


@pytest.mark.parametrize("path", ["releases", "people"])
def test_a_longer_list_asks_no_more_questions(filled: World, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    ask = ApiClient._call_route

    async def record_route(self: ApiClient, route: Any, values: Any, run: Any) -> Any:
        asked.append(route.__name__)
        return await ask(self, route, values, run)

    monkeypatch.setattr(ApiClient, "_call_route", record_route)
    questions = []
    for limit in (1, 3):
        asked.clear()
        assert page(filled, f"/es/{path}", limit=limit).status_code == 200
        questions.append(len(asked))
    assert questions[0] == questions[1] <= 5


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_of_people_is_kept_by_nobody_and_found_by_no_search_engine(filled: World, language: str) -> None:
    person = filled.get("/v1/detainees").json()["data"][0]["id"]
    for path in ("people", "releases", f"people/{person}"):
        answer = page(filled, f"/{language}/{path}")
        assert answer.headers["cache-control"] == "no-cache"
        assert '<meta name="robots" content="noindex, noarchive">' in answer.text


def test_it_is_told_how_a_person_came_to_be_known(world: World) -> None:
    filed = world.file("foro", source_record_id="1", **ANA)
    person, first = filed["detainee"]["id"], world.revision
    world.file("foro", source_record_id="1", **ANA, release__released_on="2026-01-13")
    world.file("jep", detainee_id=person, detainee=None, detention=None, release__released_on="2026-01-13")
    told = text_of(page(world, f"/es/people/{person}").text)
    assert "Foro verifica la excarcelación. Detención: 1 feb 2024. Salida de prisión: 12 ene 2026." in told
    assert "Salida de prisión: 12 ene 2026 → 13 ene 2026." in told
    assert "Jep verifica la excarcelación." in told
    past = page(world, f"/es/people/{person}", as_of=first).text
    assert "13 ene 2026" not in text_of(past)
    assert f'<a href="/es/people/{person}">lo que se sabe hoy</a>' in past
    listed = page(world, "/es/releases", as_of=first, country="VE").text
    assert "12 ene 2026" in text_of(listed)
    assert f'href="/es/people/{person}?as_of=r{first}"' in listed
    assert '<a href="/es/releases?country=VE">lo que se sabe hoy</a>' in listed


def test_what_curators_decide_and_what_is_taken_back_is_told(world: World) -> None:
    ana = world.file("foro", source_record_id="1", **ANA)["detainee"]["id"]
    other = world.file("jep", detainee__full_name="Anna Nobody", detention__detained_on="2024-02-01")["detainee"]["id"]
    world.judge(ana, other, "same")
    report = world.get("/v1/reports", "jep").json()["data"][0]["id"]
    taken = world.post(f"/v1/reports/{report}/retract", {"reason": "another person"}, "jep")
    assert taken.status_code in (200, 201), taken.text
    told = text_of(page(world, f"/es/people/{ana}").text)
    assert "La curaduría decidió qué registros son de la misma persona. Jep verifica la excarcelación." in told
    assert "Jep ya no lo dice." in told
    assert "Jep retiró lo que había dicho" in told


def test_a_man_is_told_of_as_a_person(world: World) -> None:
    """The words agree with "la persona", and so each sentence with a participle has it."""
    filed = world.file("foro", **{**ANA, "detainee__full_name": "Luis Nobody", "detainee__gender": "male"})
    told = text_of(page(world, f"/es/people/{filed['detainee']['id']}").text)
    assert "Masculino" in told
    assert "La persona fue detenida el" in told
    for before in re.findall(r"(\w+ \w+) detenid[ao]", told):
        assert before.lower() == "persona fue", "nobody is detained without being a person"


def test_who_verifies_without_independence_is_told_so(world: World) -> None:
    person = world.file(GOVERNMENT, **ANA, verification__method="official_list")["detainee"]["id"]
    html = page(world, f"/es/people/{person}").text
    assert "Ministry, por una lista oficial" in html
    assert '<span class="tag">gobierno</span> · no cuenta como independiente' in html
    told = text_of(html)
    assert "Ministry dice que la persona salió de prisión el 12 de enero de 2026. Ninguna fuente independiente" in told


def test_the_squares_tell_the_numbers_of_the_count(world: World) -> None:
    ana = world.file("foro", **ANA)["release"]["id"]
    for source in ("jep", "pud"):
        world.verify(ana, source, verdict="verified", method="family")
    bea = world.file("foro", detainee__full_name="Bea Nothing", detention__detained_on="2023-01-01")["release"]["id"]
    world.verify(bea, "jep", verdict="refuted", method="family")
    hidden: dict[str, Any] = {"detainee__publish": "counted", "detention__detained_on": "2022-01-01"}
    world.file("foro", detainee__full_name="Cleo Noone", **hidden)
    world.file(GOVERNMENT, detainee__full_name="Dora Nil", detention__detained_on="2021-01-01")
    answers = [
        world.get("/v1/counts/releases", country="VE", group_by=groups).json()
        for groups in (["status"], ["status", "source_count"])
    ]
    nobody: Any = None  # the figure asks nothing: these are the answers
    figure = build_people_figure(
        read_release_numbers(*answers), Page(nobody, load_catalogue("es"), nobody, world.revision), {"country": "VE"}
    )
    numbers = [int(row[0]) for row in figure.rows]
    assert numbers == [1, 0, 1, 1, 0, 1, 0, 1, 0, 0]
    count = world.count(country="VE")
    assert sum(numbers[:5]) == count["total"]["cases"]
    assert figure.heading == "3 excarcelaciones, de ellas 2 verificadas; 1 en ninguna lista"
    for address in re.findall(r'href="([^"]+)"', str(figure.key)):
        listed = page(world, address.replace("&amp;", "&"))
        assert listed.status_code == 200
