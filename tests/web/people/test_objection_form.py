"""The form by which anybody writes to the curators: it asks for no key, and loses nothing that was written."""

import re
import uuid

import pytest

from app.api.middleware.rate_limits import RateLimiter
from app.errors import Unavailable
from app.web import api_client
from app.web.people import objection
from tests.support import World
from tests.web.people.test_people_pages import ANA, page, values_sent

HERE = {"sec-fetch-site": "same-origin"}


def test_anybody_may_write_to_the_curators_from_the_page_of_a_person(world: World) -> None:
    person = world.file(**ANA)["detainee"]["id"]
    link = re.search(r'href="([^"]+)">Escriba a la curaduría', page(world, f"/es/people/{person}").text)
    assert link is not None
    form = page(world, link[1])
    assert ("about", person) in values_sent(form.text)
    sent = {"about": person, "wish": "hide", "words": "No lo muestren.", "contact": ""}
    answer = world.client.post("/es/objection", data=sent, headers=HERE)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert "hasta que decidan las personas curadoras" in answer.text
    world.beat()
    assert page(world, f"/es/people/{person}").status_code == 404
    elsewhere = world.client.post("/es/objection", data=sent | {"about": str(uuid.uuid4())}, headers=HERE)
    assert elsewhere.content == answer.content


def test_what_somebody_wrote_to_the_curators_is_not_lost_where_something_has_to_be_corrected(world: World) -> None:
    person = world.file(**ANA)["detainee"]["id"]
    full = "\r\n".join(["x" * 49] * 20)  # as a browser sends a thousand characters, of which 19 end a line
    sent = {"about": person, "wish": "remove", "words": full, "contact": "+58 \u2068412"}
    answer = world.client.post("/es/objection", data=sent, headers=HERE)
    assert answer.status_code == 422
    assert 'href="#contact"' in answer.text
    assert 'href="#words"' not in answer.text
    assert "Quite saltos de línea" in answer.text
    given = dict(values_sent(answer.text))
    assert (given["about"], given["wish"]) == (person, "remove")
    assert full.replace("\r\n", "\n") in answer.text
    assert world.client.post("/es/objection", data=sent | {"contact": "+58 412"}, headers=HERE).status_code == 200
    blank = {"about": person, "wish": "hide", "words": " \r\n ", "contact": " "}
    assert world.client.post("/es/objection", data=blank, headers=HERE).status_code == 200
    long = world.client.post("/es/objection", data=blank | {"words": "x" * 1_001}, headers=HERE)
    assert "Es más largo de lo que cabe: acórtelo." in long.text


CLAIM = "https://registry.example/es/claims/0393b36a-0583-4f56-adae-5d8b4cae2060"


@pytest.mark.parametrize("about", [CLAIM, "mi hermano Dolores", "x" * 250, "https://registry.example/es/people"])
def test_a_message_that_names_nobody_by_an_address_is_asked_again(world: World, about: str) -> None:
    sent = {"about": about, "wish": "hide", "words": "No lo muestren."}
    answer = world.client.post("/es/objection", data=sent, headers=HERE)
    assert answer.status_code == 422
    assert 'href="#about"' in answer.text
    assert "No lo muestren." in answer.text
    assert "tiene su mensaje" not in answer.text


@pytest.mark.parametrize("kind", ["releases", "detentions"])
def test_a_message_about_a_release_hides_its_person(world: World, kind: str) -> None:
    filed = world.file(**ANA)
    about = f"https://registry.example/v1/{kind}/{filed[kind[:-1]]['id']}"
    assert world.client.post("/es/objection", data={"about": about, "wish": "hide"}, headers=HERE).status_code == 200
    world.beat()
    assert page(world, f"/es/people/{filed['detainee']['id']}").status_code == 404


@pytest.mark.parametrize("replaced", [(api_client, "_run_in_session"), (objection, "save_objection")])
def test_a_message_that_came_at_a_crowded_moment_is_kept_to_be_sent_again(
    world: World, monkeypatch: pytest.MonkeyPatch, replaced: tuple[object, str]
) -> None:
    def refuse(*_args: object) -> None:
        raise Unavailable("Try again.", headers={"Retry-After": "5"})

    person = world.file(**ANA)["detainee"]["id"]
    monkeypatch.setattr(*replaced, refuse)
    sent = {"about": person, "wish": "hide", "words": "No lo muestren."}
    answer = world.client.post("/es/objection", data=sent, headers=HERE)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert "Vuelva a enviarlo en un minuto" in answer.text
    assert "No lo muestren." in answer.text


def test_a_message_of_whoever_asked_too_often_is_kept_to_be_sent_again(world: World) -> None:
    former = world.app.state.rates
    world.app.state.rates = RateLimiter(by_client=1, by_key=0)
    sent = {"about": str(uuid.uuid4()), "wish": "hide", "words": "No lo muestren."}
    answer = world.client.post("/es/objection", data=sent, headers=HERE)
    world.app.state.rates = former
    assert (answer.status_code, "retry-after" in answer.headers) == (429, True)
    assert "No lo muestren." in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "none"},
        {"origin": "https://elsewhere.example"},
        {"origin": "null"},
        {"origin": "x://testserver"},
    ],
)
def test_no_other_site_writes_to_the_curators_in_its_visitors_names(world: World, headers: dict[str, str]) -> None:
    person = world.file(**ANA)["detainee"]["id"]
    answer = world.client.post("/es/objection", data={"about": person, "wish": "hide"}, headers=headers)
    assert answer.status_code == 403
    world.beat()
    assert page(world, f"/es/people/{person}").status_code == 200
