"""Cited counts over the wire: the address in the citation, its digest, and addresses that lead nowhere."""

import base64
import hashlib
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from app.config import Settings
from app.counts.short_address import CITATION_PATH, build_short_address
from app.log.entries import Pin
from tests.support import Body, World

# One of every term that a count on this scene can be asked for.
TERMS: list[Body] = [
    {},
    {"country": "VE", "released_from": "2026-01-08", "released_to": "2026-02", "group_by": "source"},
    {"release_kind": ["amnesty", "release_with_measures"], "status": ["verified", "contested"], "net": "true"},
    {"verified_by": ["foro", "jep"], "verified_by_match": "any", "not_verified_by": "pud", "source": "foro"},
    {"min_sources": 2, "max_sources": 3, "stage": "ordered", "group_by": ["release_kind", "month", "source_count"]},
    {"area": "Río & Mar % #1+1={x}", "destination": "España; 100%", "gender": "female", "nationality": "AR"},
    {"facility": "El Rodeo I", "country": "VE", "age_group": "over_70", "group": "journalist", "category": "civilian"},
    {"legal_status": "pretrial", "condition": "travel_ban", "designation": "political", "state": "released"},
    {"rearrested": "false", "detained_from": "2024", "detained_to": "2025-06-30"},
]


def digest(content: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


def address_of(world: World, **terms: Any) -> str:
    return str(world.count(**terms)["links"]["cite"])


@pytest.fixture
def cited(world: World) -> World:
    world.add_facility()
    world.add_facility("rio", "Río", area="Río & Mar % #1+1={x}")
    world.file()
    return world


def test_the_address_of_any_terms_leads_to_the_same_count(cited: World, subtests: pytest.Subtests) -> None:
    for terms in TERMS:
        with subtests.test(str(terms)):
            count = cited.count(**terms)
            answer = cited.get(count["links"]["cite"])
            assert answer.status_code == 200, answer.text
            assert answer.json()["cited"] == count


def test_every_term_of_the_permalink_is_in_the_citation(cited: World, subtests: pytest.Subtests) -> None:
    """The revision, and every value that is no code: codes are said in words."""
    for terms in TERMS:
        with subtests.test(str(terms)):
            count = cited.count(**terms)
            asked = parse_qs(urlsplit(count["links"]["permalink"]).query)
            assert asked.pop("as_of") == [f"r{count['at']['revision']}"] == [f"r{cited.revision}"]
            assert asked.pop("rules") == [str(count["at"]["rules"])]
            assert re.fullmatch("[0-9a-f]{16}", asked.pop("leaf")[0])
            assert asked.keys() == count["terms"].keys()
            for lang in ("en", "es"):
                said = cited.cite(count)[lang]
                assert f"{count['total']['cases']} " in said
                for name in ("area", "destination"):
                    assert all(value in said for value in asked.get(name, [])), (lang, name)
                for name in ("verified_by", "not_verified_by"):
                    assert all(slug.title() in said for slug in asked.get(name, [])), (lang, name)


def test_a_facility_is_cited_by_its_name_whatever_it_was_asked_by(cited: World) -> None:
    for asked in ("el-rodeo-i", "El Rodeo I"):
        assert " (facility: El Rodeo I)" in cited.cite(cited.count(facility=asked))["en"]


def test_a_source_is_cited_by_the_name_that_it_had_at_the_revision(cited: World) -> None:
    before, terms = cited.revision, {"verified_by": "foro", "verified_by_match": "any", "group_by": "source"}
    first = cited.cite(cited.count(**terms, as_of=before))["es"]
    assert "alguna de estas: Foro)" in first
    assert "Verificadas por fuente: Foro (1)." in first
    changed = cited.client.patch("/v1/sources/foro", json={"name": "Foro Nuevo"}, headers=cited.headers("admin"))
    assert changed.is_success
    assert cited.cite(cited.count(**terms, as_of=before))["es"] == first
    assert "Foro Nuevo (1)." in cited.cite(cited.count(**terms))["es"]


def test_a_mistyped_address_is_not_found_and_says_what_to_do(cited: World) -> None:
    address = address_of(cited, released_from="2026-01-08")
    code = address.removeprefix(CITATION_PATH)
    wrong = [
        code[:-1],
        code[1:],
        code + "A",
        code.swapcase(),
        "1",
        "x" * 20,
        "1" + "A" * 17_000,
        "%00",
        "1%F0%9F%95%8A",
    ]
    for one in [*wrong, *(code[:n] + ("A" if code[n] != "A" else "B") + code[n + 1 :] for n in range(len(code)))]:
        problem = cited.refuse(cited.client.get(CITATION_PATH + one), 404, "not_found")
        assert "copied whole" in problem["detail"]


def test_an_address_of_a_registry_further_on_is_ahead_of_this_one(cited: World) -> None:
    """As when a registry was restored from an older backup."""
    address = build_short_address({"stage": "carried_out", "net": False}, Pin(1_000))
    cited.refuse(cited.get(address), 422, "ahead_of_head", "/as_of")


def test_a_well_formed_address_that_no_count_can_have_is_not_found(cited: World) -> None:
    for terms in ({"stage": "freed"}, {"countri": "VE"}, {"released_from": "2026-02", "released_to": "2026-01"}):
        cited.refuse(cited.get(build_short_address(terms, Pin(1))), 404, "not_found")
    cited.refuse(cited.get(build_short_address({"source": "nobody"}, Pin(1))), 422, "unknown_source", "/source")


def test_the_past_of_a_citation_cannot_be_turned_round(cited: World) -> None:
    cited.file(detainee__full_name="Ismael Otero Invento", detainee__birth_date="1950")
    address, revision = address_of(cited), cited.revision
    for earlier in (revision - 1, 0, "2026-01-31"):
        problem = cited.refuse(cited.get(address, as_of=earlier), 422, "before_the_citation", "/as_of")
        assert str(revision) in problem["errors"][0]["detail"]
    assert cited.get(address, as_of=revision).status_code == 200


def test_a_citation_takes_no_terms_beside_its_own(cited: World) -> None:
    cited.refuse(cited.get(address_of(cited), country="NI"), 422, "unknown_field", "/country")


def test_a_count_of_nothing_has_an_address_and_no_hour(settings: Settings) -> None:
    with World(settings) as world:
        count = world.count(as_of=0)
        assert (count["at"]["revision"], count["at"]["recorded_at"]) == (0, None)
        shown = world.get(count["links"]["cite"]).json()
        assert (shown["difference"]["added"], shown["difference"]["removed"], shown["cited"]) == (0, 0, count)


def test_the_public_address_stands_before_the_code(settings: Settings) -> None:
    public = settings.model_copy(update={"public_url": "https://recuento.example"})
    with World(public) as world:
        cited = world.cite(world.count())
        assert re.fullmatch(r"https://recuento\.example/c/2[A-Za-z0-9_-]+", cited["address"])
        assert all(cited["address"] in cited[name] for name in ("en", "es", "bibtex"))
        assert world.get(urlsplit(cited["address"]).path).status_code == 200


def test_the_address_is_relative_where_nobody_said_how_the_registry_is_reached(cited: World) -> None:
    assert address_of(cited).startswith(CITATION_PATH + "2")


@pytest.mark.parametrize("ending", ["", ".csv", ".jsonl"])
def test_the_digest_is_that_of_the_very_bytes_sent(cited: World, ending: str) -> None:
    for path in (f"/v1/counts/releases{ending}?group_by=source", f"/v1/releases{ending}?country=VE",
                 f"/v1/counts/overlap{ending}?country=VE", f"{address_of(cited)}?zone=Z",
                 f"/v1/claims{ending}?country=VE"):  # fmt: skip
        answer = cited.client.get(path)
        assert answer.status_code == 200, answer.text
        assert answer.headers["Repr-Digest"] == digest(answer.content), path
        head = cited.client.head(path)
        assert (head.content, head.headers["Repr-Digest"]) == (b"", answer.headers["Repr-Digest"])


def test_a_count_pinned_to_its_revision_has_the_same_bytes_and_digest_later(cited: World) -> None:
    link = cited.count(group_by="source")["links"]["permalink"]
    before = cited.client.get(link)
    cited.file("jep", detainee__full_name="Ismael Otero Invento", detainee__birth_date="1950")
    after = cited.client.get(link)
    assert after.content == before.content
    assert after.headers["Repr-Digest"] == before.headers["Repr-Digest"]
    assert cited.client.get(link.partition("&rules")[0]).headers["Repr-Digest"] != before.headers["Repr-Digest"]


def test_one_sources_releases_have_its_own_status_and_so_has_their_citation(world: World) -> None:
    filed = world.file("foro", verification={"verdict": "reported"})
    world.verify(filed["release"]["id"], "jep", verdict="verified", method="lawyer")
    count = world.count(source="foro", group_by="source")
    assert (count["total"]["verified"], [group["counts"]["verified"] for group in count["groups"]]) == (0, [0])
    cited = world.cite(world.count(source="foro"))
    assert "by the word of: Foro), only reported." in cited["en"]
    assert "según: Foro), solo reportada." in cited["es"]
    assert ": 1 release, verified." in world.cite(world.count())["en"]


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_browser_is_led_to_the_page_in_its_language(cited: World, method: str) -> None:
    path = urlsplit(address_of(cited)).path
    headers = {"accept": BROWSER, "accept-language": "es-VE,es;q=0.9,en;q=0.5"}
    answer = cited.client.request(method, f"{path}?as_of=r{cited.revision}", headers=headers, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/es{path}?as_of=r{cited.revision}")
    assert {"Accept", "Accept-Language"} <= set(answer.headers["vary"].split(", "))
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.content == b""


@pytest.mark.parametrize(
    "accepted", ["application/json", "*/*", "", "application/json, text/html", "text/html;q=0.5, */*", "text/html;q=0"]
)
def test_other_clients_get_the_answer_as_before(cited: World, accepted: str) -> None:
    path = urlsplit(address_of(cited)).path
    answer = cited.client.get(path, headers={"accept": accepted}, follow_redirects=False)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert "Accept" in answer.headers["vary"].split(", ")


def test_a_mistyped_address_leads_no_browser_elsewhere(cited: World) -> None:
    for path in ("/c//evil.example", "/c/%2F%2Fevil.example", "/c/%0d%0aX-Header:%20y", "/c/\\evil.example"):
        answer = cited.client.get(path, headers={"accept": BROWSER}, follow_redirects=False)
        assert answer.headers.get("location", "/en/c/").startswith("/en/c/")
        assert "x-header" not in answer.headers
