"""What every page is: in the language of its address, guarded, and told in words where it is refused."""

from tests.support import World

PAGE = {"accept": "text/html"}


def test_the_first_address_leads_to_the_readers_language(world: World) -> None:
    asked = world.client.get("/", headers={"accept-language": "es-VE,es;q=0.9,en;q=0.5"}, follow_redirects=False)
    assert (asked.status_code, asked.headers["location"]) == (307, "/es/")
    assert "Accept-Language" in asked.headers["vary"]
    asked = world.client.get("/?country=VE", headers={"accept-language": "fr"}, follow_redirects=False)
    assert asked.headers["location"] == "/en/?country=VE"


def test_a_page_loads_nothing_from_elsewhere(world: World) -> None:
    answer = world.client.get("/es/", headers=PAGE)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'")
    assert "script" not in answer.headers["content-security-policy"], "no page runs any"
    assert "http://" not in answer.text.replace("http://www.w3.org/2000/svg", "")
    assert " style=" not in answer.text


def test_a_page_that_the_reader_has_is_not_sent_again(world: World) -> None:
    first = world.client.get("/es/", headers=PAGE)
    again = world.client.get("/es/", headers=PAGE | {"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_page_that_is_not_there_is_told_in_its_language(world: World) -> None:
    answer = world.client.get("/es/nada", headers=PAGE)
    assert answer.status_code == 404
    assert "Aquí no hay nada" in answer.text
    assert answer.headers["cache-control"] == "no-store"


def test_what_is_wrong_with_an_address_is_told_in_the_language_of_the_page(world: World) -> None:
    page = world.client.get("/es/people?gender=xx&cursor=zzz").text
    assert "Corrija en la dirección lo que se indica aquí" in page
    assert "<code>gender</code>: <span>No es ninguno de los valores que se pueden elegir.</span>" in page
    assert "Correct" not in page
    cursor = world.client.get("/es/claims?cursor=zzz").text
    assert "<code>cursor</code>: <span>Esta página de la lista ya no tiene dirección: empiece por la primera." in cursor


def test_a_moment_yet_to_come_is_refused_in_words(world: World) -> None:
    answer = world.client.get("/en/?as_of=2999-01-01", headers=PAGE)
    assert answer.status_code == 422
    assert "That moment has not come yet" in answer.text


def test_files_of_pages_are_kept_for_ever_and_packed(world: World) -> None:
    page = world.client.get("/en/", headers=PAGE).text
    sheet = page.split('rel="stylesheet" href="')[1].split('"')[0]
    answer = world.client.get(sheet, headers={"accept-encoding": "br"})
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert answer.headers["content-encoding"] == "br"
    assert "immutable" in answer.headers["cache-control"]
    assert world.client.get("/static/pages.0.css").status_code == 404


def test_a_page_says_its_revision_and_by_which_address_it_stays_as_it_is(world: World) -> None:
    revision = world.file("foro")["receipt"]["revision"]
    page = world.client.get("/en/sources?country=VE", headers=PAGE).text
    assert f"This page is of revision {revision}." in page
    pinned = f"/en/sources?country=VE&amp;as_of=r{revision}"
    assert f'<a href="{pinned}">' in page
    again = world.client.get(pinned.replace("&amp;", "&"), headers=PAGE).text
    assert '<a href="/en/sources?country=VE">The page as of now</a>' in again
    assert "This page is of" not in world.client.get("/en/people", headers=PAGE).text, "which follows consent"
    assert "This page is of" not in world.client.get("/en/nothing", headers=PAGE).text
