"""The page of a citation: what was cited, what is known today, and what changed between."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from app.counts.short_address import build_short_address
from app.log.entries import Pin
from app.web.citation import CitationView, build_citation_view, build_source_counts
from app.web.rendering import load_catalogue
from tests.support import World

PAGE = {"accept": "text/html"}
HOSTILE = '<b>Fuente</b> " 🕊 منظمة ' + "x" * 150


def code_of(world: World, **terms: Any) -> str:
    return urlsplit(str(world.count(as_of=world.revision, **terms)["links"]["cite"])).path


def text_of(world: World, path: str, language: str = "es", status: int = 200) -> str:
    answer = world.client.get(f"/{language}{path}", headers=PAGE)
    assert answer.status_code == status, answer.text
    return " ".join(answer.text.replace("\N{NO-BREAK SPACE}", " ").split())


def test_a_page_tells_what_was_cited_and_what_is_known_today(world: World) -> None:
    world.file()
    path = code_of(world, country="VE", released_from="2026-01-08")
    world.file(who="jep", detainee__full_name="Otra Persona Inventada", detainee__birth_date="1950")
    spanish, english = text_of(world, path), text_of(world, path, "en")
    assert 'Lo que se citó: <span class="is-verified">1</span>' in spanish
    assert 'misma pregunta: <span class="is-verified">2</span>' in spanish
    assert "Excarcelaciones hechas efectivas en Venezuela desde el 8 de enero de 2026, brutas." in spanish
    assert "La cita era exacta el día en que se hizo" in spanish
    assert "1 más, ninguna menos" in spanish
    assert "la pregunta no tiene fecha final" in spanish
    assert "Releases carried out in Venezuela since 8 January 2026, gross." in english
    assert "1 more, none fewer" in english


def test_a_citation_of_which_the_same_is_known_says_so(world: World) -> None:
    world.file()
    page = text_of(world, code_of(world))
    assert "Nada ha cambiado" in page
    assert "hoy se sabe lo mismo" in page
    assert "Caso por caso" not in page


def test_what_left_the_count_is_told_with_its_reason(world: World) -> None:
    receipt = world.file()
    path = code_of(world, released_to="2026-02-01")
    world.post(f"/v1/reports/{receipt['report']['id']}/retract", {}, "foro")
    page = text_of(world, path)
    assert "ninguna más, 1 menos" in page
    assert "retirada por quien la reportó" in page
    assert "la pregunta no tiene fecha final" not in page


def test_a_case_leads_to_the_person(world: World) -> None:
    path = code_of(world)
    receipt = world.file()
    page = text_of(world, path)
    release, detainee = receipt["release"]["id"], receipt["detainee"]["id"]
    assert f'href="/es/releases/{release}"' in page
    answer = world.client.get(f"/es/releases/{release}", headers=PAGE, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (307, f"/es/people/{detainee}")
    detention = receipt["detention"]["id"]
    answer = world.client.get(f"/es/detentions/{detention}", headers=PAGE, follow_redirects=False)
    assert answer.headers["location"] == f"/es/people/{detainee}"


def test_a_record_that_another_absorbed_leads_to_that_one(world: World) -> None:
    first = world.file()
    second = world.file(who="jep", detainee__full_name="Otra Persona Inventada", detainee__birth_date="1950")
    world.judge(first["detainee"]["id"], second["detainee"]["id"], "same")
    leads = set()
    for receipt in (first, second):
        answer = world.client.get(f"/es/releases/{receipt['release']['id']}", headers=PAGE)
        leads.add(answer.url.path)
    assert len(leads) == 1


def test_somebody_who_is_only_counted_is_in_no_case(world: World) -> None:
    path = code_of(world)
    receipt = world.file(detainee__publish="counted", detainee__full_name="Nadie Debe Leerlo")
    page = text_of(world, path)
    assert "1 persona en ninguna lista" in page
    assert "Uno más es de una persona que no está en ninguna lista" in page
    assert receipt["release"]["id"] not in page


def test_a_page_of_a_citation_is_kept_by_nobody(world: World) -> None:
    answer = world.client.get(f"/es{code_of(world)}", headers=PAGE)
    assert answer.headers["cache-control"] == "no-cache"


def test_a_number_in_the_chart_is_that_of_the_list_it_leads_to(world: World) -> None:
    receipt = world.file()
    world.verify(receipt["release"]["id"], "jep", verdict="verified", method="lawyer")
    world.file(who="pud", detainee__full_name="Otra Persona Inventada", detainee__birth_date="1950")
    page = text_of(world, code_of(world))
    led = set(re.findall(r'href="/es/releases\?([^"]+)" aria-label="(\d+)', page))
    assert len(led) >= 4
    for address, number in led:
        terms = parse_qs(address.replace("&amp;", "&"))
        assert number == str(len(world.client.get("/v1/releases", params=terms).json()["data"])), terms


def test_a_source_of_a_hostile_name_is_shown_as_text(world: World) -> None:
    changed = world.client.patch("/v1/sources/foro", json={"name": HOSTILE}, headers=world.headers("admin"))
    assert changed.status_code == 200, changed.text
    world.file()
    page = text_of(world, code_of(world))
    assert "<b>Fuente" not in page
    assert "&lt;b&gt;Fuente" in page


def test_a_mistyped_citation_is_told_in_words(world: World) -> None:
    assert "Aquí no hay nada" in text_of(world, "/c/2nada", status=404)


def test_a_citation_under_earlier_rules_leads_to_what_is_counted_today(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.file()
    with monkeypatch.context() as earlier:
        earlier.setattr("app.queries.addresses.RULES", 1)
        path = build_short_address({"stage": "carried_out", "net": False}, Pin(world.revision))
    page = text_of(world, path, status=410)
    assert "Este número se contó con las reglas 1." in page
    today = page.split('href="/es/c/')[-1].split('"')[0]
    assert "Lo que se citó" in text_of(world, f"/c/{today}")


def test_a_count_of_the_held_is_cited_too(world: World) -> None:
    world.file_detention()
    answer = world.get("/v1/counts/held", held_on="2026-01-01", as_of=world.revision)
    page = text_of(world, urlsplit(answer.json()["links"]["cite"]).path)
    assert "Personas detenidas el 1 de enero de 2026, sin quienes salieron a arresto domiciliario" in page


def test_what_the_reader_wrote_stays_text(world: World) -> None:
    page = text_of(world, "/c/%3Cscript%3Ealert(1)%3C/script%3E", status=404)
    assert "<script>" not in page


def view_of(**changes: Any) -> CitationView:
    total = {"cases": 5, "verified": 5, "by_min_sources": {}}
    links = {"permalink": "/v1/counts/releases?", "list": None}
    count = {"total": total, "terms": {}, "groups": [], "links": links}
    difference = {"added": 0, "removed": 0, "changes": {}, "cases": [], "withheld_cases": 0, "cases_left_out": 0}
    answer = {"cited": count, "today": count, "difference": difference | changes}
    return build_citation_view(answer, load_catalogue("es"), {})


def test_what_came_is_parted_by_how_it_came_where_the_numbers_tell() -> None:
    assert view_of(added=3, changes={"newly_verified": 2, "newly_reported": 1}).gains == [
        ("newly_verified", 2),
        ("newly_reported", 1),
    ]
    # One of these was reported before, and counted.
    assert view_of(added=2, changes={"newly_verified": 2, "newly_reported": 1}).gains == []


def test_the_first_cases_show_every_kind_of_change() -> None:
    cases = [{"change": "newly_verified", "id": str(n)} for n in range(20)]
    view = view_of(cases=[*cases, {"change": "refuted", "id": "x"}])
    assert "refuted" in {case.change for case in view.first_cases}


def test_sources_stand_by_number_then_by_name() -> None:
    def count(**verified: int) -> dict[str, Any]:
        groups = [{"by": {"source": slug}, "counts": {"verified": number}} for slug, number in verified.items()]
        return {"groups": groups}

    then, now = count(gone=4, none=0), count(b=2, a=2, c=3)
    assert [one.slug for one in build_source_counts(then, now, {})] == ["c", "a", "b", "gone"]


def test_the_groups_of_a_citation_are_told_then_and_today(world: World) -> None:
    world.file()
    path = code_of(world, group_by="release_kind")
    world.file(who="jep", detainee__full_name="Otra Persona Inventada", detainee__birth_date="1950", release__kind=None)
    page = text_of(world, path)
    assert "Sus grupos, entonces y hoy" in page
    told = re.findall(r'<bdi>([^<]*)</bdi></th><td class="amount">(\d+)</td><td class="amount"><b>(\d+)</b>', page)
    assert sorted(told) == [("Excarcelación con medidas cautelares", "1", "1"), ("Sin especificar", "0", "1")]
    assert "Sus grupos" not in text_of(world, code_of(world))


def test_what_follows_todays_consent_is_no_file(world: World) -> None:
    world.file()
    public, personal = code_of(world), code_of(world, gender="male")
    for path, status in ((public, 200), (personal, 404)):
        code = path.removeprefix("/c/")
        assert world.client.get(f"/es/figures/then-and-now.svg?code={code}", headers=PAGE).status_code == status
        assert ("/figures/then-and-now" in text_of(world, path)) == (status == 200)
    for query, status in (
        ("group_by=release_kind", 200),
        ("group_by=gender", 404),
        ("group_by=release_kind&gender=male", 404),
    ):
        assert world.client.get(f"/es/figures/groups.svg?{query}", headers=PAGE).status_code == status
