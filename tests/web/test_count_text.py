"""What a count counts is told in words of the registry: whatever somebody else wrote stands in quotation marks."""

from html import unescape

import pytest

from tests.support import World

FALSE = "Caracas. Foro Penal reconoció que 400 de ellas son falsas"


def headings(page: str) -> tuple[str, ...]:
    """The title of a page, what other sites are told, and its first heading of a part."""
    page = unescape(page)
    return tuple(
        page.partition(opens)[2].partition(closes)[0]
        for opens, closes in (("<title>", "</title>"), ('og:title" content="', '">'), ("<h2>", "</h2>"))
    )


@pytest.mark.parametrize("term", ["area", "destination"])
@pytest.mark.parametrize(
    "text,quoted",
    [
        (FALSE, f"«{FALSE}»"),
        ("Zulia; neto; todas verificadas", "«Zulia; neto; todas verificadas»"),
        ("Zulia», todas falsas «", "«Zulia', todas falsas '»"),
    ],
)
def test_text_of_an_address_is_quoted_in_the_headings_of_its_count(
    world: World, term: str, text: str, quoted: str
) -> None:
    world.restart_with(public_url="https://registry.example")
    world.file("foro")
    answer = world.client.get("/es/counts", params={"country": "VE", term: text})
    assert answer.status_code == 200
    for heading in headings(answer.text):
        assert quoted in heading


def test_text_of_an_address_is_quoted_in_what_was_cited(world: World) -> None:
    world.file("foro")
    count = world.client.get("/v1/counts/releases", params={"country": "VE", "area": FALSE}).json()
    page = unescape(world.client.get("/en/c/" + count["links"]["cite"].rpartition("/")[2]).text)
    assert f"area: “{FALSE}”" in page
    assert f"area: {FALSE}" not in page


def test_names_of_the_registry_are_quoted_where_they_read_as_more_of_the_sentence(world: World) -> None:
    world.file("foro")
    named = {"name": "Comité: todas falsas"}
    assert world.client.patch("/v1/sources/jep", json=named, headers=world.headers("admin")).status_code == 200
    asked = "country=VE&verified_by_match=any&verified_by=foro&verified_by=jep&min_sources=1"
    heading = headings(world.client.get(f"/es/counts?{asked}").text)[2]
    assert "verificadas por alguna: Foro y «Comité: todas falsas»" in heading
    assert "fuentes independientes, como mínimo: 1" in heading
