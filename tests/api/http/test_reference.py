"""The API reference is drawn from files of this registry alone."""

import re

import pytest

from app.api.openapi import DESK_OPENAPI_PATH, OPENAPI_PATH
from app.api.routes.files import DESK_REFERENCE_PATH, REFERENCE_CSP, REFERENCE_PATH
from tests.described import describe
from tests.support import World

PAGES = {REFERENCE_PATH: OPENAPI_PATH, DESK_REFERENCE_PATH: DESK_OPENAPI_PATH}


@pytest.mark.parametrize("path", PAGES)
def test_the_page_asks_for_nothing_from_elsewhere(world: World, path: str) -> None:
    page = world.client.get(path)
    assert page.headers["content-security-policy"] == REFERENCE_CSP
    wanted = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(wanted) == 6
    assert PAGES.keys() <= {*wanted}  # each page leads to the other
    for address in wanted:
        answer = world.client.get(address)
        assert (address[0], answer.status_code) == ("/", 200), address


@pytest.mark.parametrize("path", PAGES)
def test_the_page_has_no_script_or_style_of_its_own_which_its_policy_would_forbid(world: World, path: str) -> None:
    page = world.client.get(path).text
    assert re.findall(r"<script>|<style|\son\w+=|\sstyle=", page) == []


@pytest.mark.parametrize(
    "name, media_type",
    [("swagger-ui.css", "text/css"), ("swagger-ui-bundle.js", "text/javascript"), ("start.js", "text/javascript")],
)
def test_each_file_says_what_it_is(world: World, name: str, media_type: str) -> None:
    assert world.client.get(f"{REFERENCE_PATH}/{name}").headers["content-type"].startswith(media_type)


@pytest.mark.parametrize("name", ["redoc.standalone.js", "..%2f__init__.py", "reference.py", "start.js/"])
def test_no_other_file_can_be_asked_for(world: World, name: str) -> None:
    assert world.client.get(f"{REFERENCE_PATH}/{name}").status_code == 404


def test_a_key_typed_into_the_page_is_not_kept(world: World) -> None:
    assert "persistAuthorization: false" in world.client.get(f"{REFERENCE_PATH}/start.js").text


@pytest.mark.parametrize(
    "path, method, address",
    [(REFERENCE_PATH, "get", "/v1/counts/releases"), (DESK_REFERENCE_PATH, "post", "/v1/imports")],
)
def test_a_page_opens_at_an_operation_of_its_document(world: World, path: str, method: str, address: str) -> None:
    page = world.client.get(path).text
    operation = world.client.get(PAGES[path]).json()["paths"][address][method]
    assert f'data-document="{PAGES[path]}"' in page
    assert f'data-start="#/{operation["tags"][0]}/{operation["operationId"]}"' in page


def test_the_main_terms_of_a_count_come_first(world: World) -> None:
    operation = describe(world.app)["paths"]["/v1/counts/releases"]["get"]
    names = [parameter["name"] for parameter in operation["parameters"]]
    assert names[:3] == ["country", "released_from", "released_to"]
    assert names[-2:] == ["If-None-Match", "Accept-Datetime"]
