"""The past of a count by the hour (RFC 7089), and the address to cite an answer by (RFC 8574)."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response

from app.api import mementos
from app.api.table_routes import build_table_address
from app.config import Settings
from app.main import create_app
from app.projection import RULES
from tests.support import JANUARY, World

COUNT = "/v1/counts/releases?country=VE"
FIRST = JANUARY + timedelta(days=12, hours=18)


def asked(world: World, path: str, moment: str | datetime | None = None, **headers: str) -> Response:
    if moment is not None:
        text = moment if isinstance(moment, str) else f"{moment:%a, %d %b %Y %H:%M:%S} GMT"
        headers["Accept-Datetime"] = text
    return world.client.get(path, headers=headers, follow_redirects=False)


def links(answer: Response) -> dict[str, str]:
    """The addresses of an answer's links by each of their relations."""
    found: dict[str, str] = {}
    for address, relations in re.findall(r'<([^>]*)>; rel="([^"]*)"', answer.headers["link"]):
        found |= dict.fromkeys(relations.split(), address)
    return found


@pytest.fixture(scope="module")
def past(lasting: World) -> World:
    """Three releases, filed on three days."""
    for number, name in enumerate(("Ana", "Beatriz", "Carmen")):
        lasting.now = FIRST + timedelta(days=2 * number, seconds=0.5)
        lasting.file(detainee__full_name=f"{name} Inventada Prueba", detainee__birth_date=f"195{number}")
    lasting.now = FIRST + timedelta(days=30)
    return lasting


@pytest.mark.parametrize(
    "moment,releases",
    [(FIRST + timedelta(hours=1), 1), (FIRST, 1), (FIRST + timedelta(days=2), 2), (FIRST + timedelta(days=3), 2),
     (FIRST + timedelta(days=9), 3), (datetime(2999, 1, 1, tzinfo=UTC), 3)],
)  # fmt: skip
def test_the_past_asked_for_is_led_to_and_says_of_when_it_is(past: World, moment: datetime, releases: int) -> None:
    led = asked(past, COUNT, moment)
    assert led.status_code == 302
    assert "Accept-Datetime" in led.headers["vary"].split(", ")
    assert led.headers["cache-control"] == "no-cache"
    assert "memento-datetime" not in led.headers
    assert links(led)["original"] == links(led)["timegate"] == COUNT
    state = asked(past, led.headers["location"], moment)
    assert state.status_code == 200
    assert state.json()["total"]["cases"] == releases
    assert links(state)["original"] == COUNT
    recorded = datetime.fromisoformat(state.json()["at"]["recorded_at"])
    assert state.headers["memento-datetime"] == f"{recorded:%a, %d %b %Y %H:%M:%S} GMT"
    assert "immutable" in state.headers["cache-control"]


def test_before_the_first_entry_the_first_state_is_led_to(past: World) -> None:
    led = asked(past, COUNT, datetime(1999, 1, 1, tzinfo=UTC))
    assert parse_qs(urlsplit(led.headers["location"]).query)["as_of"] == ["r1"]


def test_the_moment_of_a_state_leads_back_to_it(past: World) -> None:
    led = asked(past, COUNT, FIRST + timedelta(days=3)).headers["location"]
    again = asked(past, COUNT, asked(past, led).headers["memento-datetime"])
    assert again.headers["location"] == led


def test_a_registry_without_entries_has_no_past(settings: Settings) -> None:
    with TestClient(create_app(settings)) as client:
        answer = client.get(COUNT, headers={"Accept-Datetime": "Tue, 13 Jan 2026 18:00:00 GMT"})
        assert (answer.status_code, answer.json()["at"]["revision"]) == (200, 0)
        assert client.get("/v1/timemaps/releases").text == ""


@pytest.mark.parametrize("moment", ["yesterday", "", "2026-01-13", "Tue, 13 Jan 2026 18:00:00 +0500",
                                    "Tue, 32 Jan 2026 18:00:00 GMT"])  # fmt: skip
def test_a_moment_that_cannot_be_read_is_refused(past: World, moment: str) -> None:
    past.refuse(asked(past, COUNT, moment), 400, "bad_datetime")


def test_answers_of_the_present_and_of_the_past_are_never_mixed(past: World) -> None:
    """The present is kept as ready bytes; whoever asks for the past between is led there all the same."""
    first = asked(past, COUNT)
    assert first.json()["total"]["cases"] == 3
    assert "Accept-Datetime" in first.headers["vary"].split(", ")
    for _time in range(2):
        assert asked(past, COUNT, FIRST).status_code == 302
        again = asked(past, COUNT)
        assert (again.status_code, again.content) == (200, first.content)
        assert asked(past, COUNT, **{"If-None-Match": first.headers["etag"]}).status_code == 304


def test_who_asks_for_the_past_first_leaves_nothing_to_those_who_do_not(past: World) -> None:
    assert asked(past, COUNT, FIRST).status_code == 302
    assert asked(past, COUNT).json()["total"]["cases"] == 3


def test_beside_a_moment_in_the_address_the_header_says_nothing(past: World) -> None:
    for query in (f"&as_of=r{past.revision}", f"&as_of=r{past.revision}&rules={RULES}", f"&rules={RULES}"):
        answer = asked(past, COUNT + query, FIRST)
        assert (answer.status_code, answer.json()["total"]["cases"]) == (200, 3)


def test_only_an_address_that_never_gives_other_numbers_says_of_when_it_is(past: World) -> None:
    permalink = asked(past, COUNT).json()["links"]["permalink"]
    assert "memento-datetime" in asked(past, permalink).headers
    assert "memento-datetime" not in asked(past, COUNT).headers
    assert "memento-datetime" not in asked(past, f"{COUNT}&as_of=r{past.revision}").headers  # under other rules it may
    day = f"{COUNT}&rules={RULES}&as_of=2026-01-12&zone=-04:00"
    assert asked(past, day).headers["memento-datetime"] == "Tue, 13 Jan 2026 03:59:59 GMT"
    unfinished = f"{COUNT}&rules={RULES}&as_of={past.now:%Y-%m-%d}"
    assert "memento-datetime" not in asked(past, unfinished).headers


@pytest.mark.parametrize(
    "terms", ["gender=male", "nationality=VE", "not_nationality=AR", "group_by=release_kind&group_by=area"]
)
def test_what_follows_todays_consent_has_no_past(past: World, terms: str) -> None:
    answer = asked(past, f"{COUNT}&{terms}", FIRST)
    assert answer.status_code == 200
    assert links(answer).keys() == {"cite-as"}
    assert "Accept-Datetime" not in answer.headers["vary"]
    assert "memento-datetime" not in asked(past, answer.json()["links"]["permalink"]).headers
    refused = asked(past, f"/v1/timemaps/releases?{terms}")
    assert "consent" in past.refuse(refused, 404, "not_found")["detail"]


def list_mementos(text: str) -> list[tuple[str, str, str]]:
    """Address, relations and moment of each state in a list of the past."""
    return re.findall(r'<([^>]*)>; rel="([^"]*memento)"; datetime="([^"]*)"', text)


def test_the_list_of_the_past_leads_to_states_of_the_moments_that_it_says(past: World) -> None:
    answer = asked(past, links(asked(past, COUNT))["timemap"])
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/link-format")
    assert f'<{COUNT}>; rel="original timegate"' in answer.text
    listed = list_mementos(answer.text)
    assert [relations for _address, relations, _moment in listed] == [
        "first memento",
        *["memento"] * 16,
        "last memento",
    ]
    assert listed[0][2].endswith(":00 GMT")
    numbers = []
    for address, _relations, moment in listed:
        state = asked(past, address)
        assert state.headers["memento-datetime"] == moment, address
        numbers.append(state.json()["total"]["cases"])
    assert numbers == sorted(numbers)
    assert set(numbers[1:]) == {0, 1, 2, 3}


def test_the_list_of_the_past_has_an_end(past: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mementos, "MAX_TIMEMAP_DAYS", 2)
    listed = list_mementos(asked(past, "/v1/timemaps/releases").text)
    assert [relations for _address, relations, _moment in listed] == [
        "first memento",
        "memento",
        "memento",
        "last memento",
    ]


def test_the_past_of_the_held_is_listed_too(past: World) -> None:
    path = "/v1/counts/held?held_on=2025-06-01"
    listed = list_mementos(asked(past, links(asked(past, path))["timemap"]).text)
    state = asked(past, listed[-1][0])
    assert (state.status_code, state.json()["terms"]["held_on"]) == (200, "2025-06-01")
    assert state.headers["memento-datetime"] == listed[-1][2]


def test_a_list_of_the_past_takes_the_terms_of_its_count_alone(past: World) -> None:
    past.refuse(asked(past, "/v1/timemaps/releases?countri=VE"), 422, "unknown_field", "/countri")
    past.refuse(asked(past, "/v1/timemaps/held?released_from=2026"), 422, "unknown_field", "/released_from")


def test_what_a_client_writes_ends_no_link() -> None:
    original = mementos.OriginalResource(
        "/v1/counts/releases", [("zone", 'x>; rel="next", <https://evil.example/>\r\nX: y')]
    )
    said = original.build_link_header()["Link"]
    assert re.findall('<([^>]*)>; rel="([a-z ]*)"', said)[0] == (original.address, "original timegate")
    assert said.count("<") == said.count(">") == 2
    assert "\n" not in said


def test_an_address_too_long_for_a_header_is_not_linked() -> None:
    assert (
        mementos.OriginalResource(COUNT, [("verified_by", "x" * mementos.MAX_LINKED_LENGTH)]).build_link_header() == {}
    )
    assert mementos.OriginalResource(COUNT, [("verified_by", "x")]).build_link_header()


@pytest.mark.parametrize(
    "path", ["/v1/counts/releases?gender=male", "/v1/counts/series", "/v1/counts/overlap", "/v1/estimates/releases"]
)
def test_every_count_says_by_which_address_to_cite_it(past: World, path: str) -> None:
    answer = asked(past, path)
    address = links(answer)["cite-as"]
    assert address in answer.text
    cited = asked(past, address)
    assert (cited.status_code, links(cited)["cite-as"]) == (200, address)


def test_a_table_says_it_too(past: World) -> None:
    answer = asked(past, build_table_address(COUNT, "csv"))
    assert links(answer)["cite-as"] == asked(past, COUNT).json()["links"]["cite"]
